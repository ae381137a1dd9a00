//! One part of a process's memory, and where its size comes from: a setting, a default, a share within bounds, or what is left.
//! Shares are multiplied as Flink does, decimal by decimal, so that sums come out to the byte.
//! Not here: which parts there are.

use super::{Deployment, Process, Refusal, print};
use crate::catalogue::Catalogue;
use crate::file::Entry;
use crate::{Configuration, value};

/// A part, as a table shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// How deep it lies in the whole.
    pub depth: usize,
    /// Its key without the process's word; empty for a sum that has none.
    pub name: &'static str,
    /// What people call it.
    pub title: &'static str,
    /// Its size.
    pub bytes: u64,
    /// Where the size comes from.
    pub why: String,
}

/// A size and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Amount {
    pub(super) bytes: u64,
    pub(super) why: String,
}

impl Amount {
    pub(super) fn of(bytes: u64, why: impl Into<String>) -> Amount {
        Amount { bytes, why: why.into() }
    }

    pub(super) fn part(self, depth: usize, name: &'static str, title: &'static str) -> Part {
        Part { depth, name, title, bytes: self.bytes, why: self.why }
    }
}

/// A share of something, within bounds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Share {
    pub(super) min: u64,
    pub(super) max: u64,
    /// As Flink holds it: single precision, widened.
    fraction: f64,
    printed: String,
    key: String,
}

impl Share {
    /// The share of a whole that is known.
    pub(super) fn of(&self, whole: u64, name: &str) -> Result<Amount, Refusal> {
        self.within(multiply(whole, self.fraction), &format!("{} of the {name}", self.printed))
    }

    /// The share of a whole of which everything else is known.
    pub(super) fn beside(&self, rest: u64, name: &str) -> Result<Amount, Refusal> {
        let why = format!("{} of the {name}", self.printed);
        self.within(multiply(rest, self.fraction / (1.0 - self.fraction)), &why)
    }

    fn within(&self, share: Option<u64>, why: &str) -> Result<Amount, Refusal> {
        let Some(share) = share else {
            let what = format!("{why} is more than can be counted");
            return Err(Refusal { key: self.key.clone(), what, remedy: "write smaller sizes".into() });
        };
        Ok(match share {
            share if share.min(self.max) < self.min => Amount::of(self.min, format!("{why}, raised to the minimum")),
            share if share > self.max => Amount::of(self.max, format!("{why}, lowered to the maximum")),
            share => Amount::of(share, why),
        })
    }
}

/// A size times a fraction, as Java's decimals do it: the shortest decimal form of the fraction, then cut to whole bytes.
pub(super) fn multiply(bytes: u64, fraction: f64) -> Option<u64> {
    let text = format!("{fraction}");
    let (whole, decimals) = text.split_once('.').unwrap_or((&text, ""));
    let digits: u128 = format!("{whole}{decimals}").parse().ok()?;
    let scale = 10u128.checked_pow(u32::try_from(decimals.len()).ok()?);
    let product = u128::from(bytes).checked_mul(digits);
    match (product, scale) {
        (Some(product), Some(scale)) => u64::try_from(product / scale).ok().filter(|bytes| *bytes <= i64::MAX as u64),
        // So many decimals that the digits do not fit: less than a byte is lost.
        _ => Some((bytes as f64 * fraction) as u64).filter(|bytes| *bytes <= i64::MAX as u64),
    }
}

/// The sizes that a configuration gives a process.
pub(super) struct Sizes<'a> {
    pub(super) configuration: &'a Configuration,
    pub(super) process: Process,
}

impl<'a> Sizes<'a> {
    pub(super) fn key(&self, name: &str) -> String {
        format!("{}.memory.{name}", self.process.word())
    }

    /// Who set an option, under its own name or an old one.
    pub(super) fn set(&self, name: &str) -> Option<&'a Entry> {
        self.configuration.setting(&self.key(name)).or_else(|| self.old_heap(name))
    }

    /// The heap keys of 1.4 stand for one of the sizes, if that is not set itself.
    fn old_heap(&self, name: &str) -> Option<&'a Entry> {
        let stands_for = match (self.configuration.target.deployment, self.process) {
            (Deployment::Yarn, _) => "process.size",
            (Deployment::Standalone, Process::JobManager) => "heap.size",
            (Deployment::Standalone, Process::TaskManager) => "flink.size",
        };
        let keys = ["size", "mb"].map(|unit| format!("{}.heap.{unit}", self.process.word()));
        let known = keys.iter().filter(|key| Catalogue::get().option(key, self.configuration.line).is_some());
        known.filter_map(|key| self.configuration.entry(key)).find(|_| name == stands_for)
    }

    /// A size that is set.
    pub(super) fn given(&self, name: &str) -> Result<Option<Amount>, Refusal> {
        let Some(entry) = self.set(name) else { return Ok(None) };
        let bytes = match entry.key.ends_with(".mb") {
            true => entry.value.parse::<u64>().ok().and_then(|number| number.checked_mul(1 << 20)),
            false => value::bytes(&entry.value),
        };
        let bytes = bytes.ok_or_else(|| unreadable(entry))?;
        Ok(Some(Amount::of(bytes, format!("set at {}", entry.origin))))
    }

    /// A size that is set, or its default.
    pub(super) fn size(&self, name: &str) -> Result<Amount, Refusal> {
        let default = || Amount::of(value::bytes(self.default(name)).unwrap_or_default(), "default");
        Ok(self.given(name)?.unwrap_or_else(default))
    }

    fn default(&self, name: &str) -> &'static str {
        Catalogue::get().option(&self.key(name), self.configuration.line).map_or("", |row| row.default)
    }

    /// A share within bounds: `jvm-overhead` or `network`.
    pub(super) fn share(&self, name: &str) -> Result<Share, Refusal> {
        let [min, max] = ["min", "max"].map(|end| self.size(&format!("{name}.{end}")));
        self.bounded(&format!("{name}.fraction"), min?.bytes, max?.bytes)
    }

    /// A fraction with these bounds.
    pub(super) fn bounded(&self, name: &str, min: u64, max: u64) -> Result<Share, Refusal> {
        let entry = self.set(name);
        let text = entry.map_or(self.default(name), |entry| entry.value.as_str());
        let fraction: f32 = text.trim_end_matches(['f', 'F', 'd', 'D']).parse().map_err(|_| match entry {
            Some(entry) => unreadable(entry),
            None => Refusal { key: self.key(name), what: "a default is missing".into(), remedy: String::new() },
        })?;
        let key = self.key(name);
        if !(0.0..1.0).contains(&fraction) {
            let what = format!("`{key}` is {text}");
            return Err(Refusal { key, what, remedy: "write a number from 0 to less than 1".into() });
        }
        if min > max {
            let bound = name.replace("fraction", "max");
            let what = format!("{} is less than {}", print(max), print(min));
            let what = format!("of `{}` the maximum of {what}, the minimum", bound.trim_end_matches(".max"));
            return Err(Refusal {
                key: self.key(&bound),
                what,
                remedy: "raise the maximum, or lower the minimum".into(),
            });
        }
        Ok(Share { min, max, fraction: f64::from(fraction), printed: text.to_owned(), key })
    }

    /// A refusal of parts that do not fit into a whole.
    pub(super) fn too_much<T>(&self, parts: &[(&str, u64)], whole: &str, size: u64) -> Result<T, Refusal> {
        let sum: u64 = parts.iter().fold(0, |sum, (_, bytes)| sum.saturating_add(*bytes));
        let list: Vec<String> = parts.iter().map(|(name, bytes)| format!("{name} {}", print(*bytes))).collect();
        let made = if parts.len() > 1 { format!(" make {}", print(sum)) } else { String::new() };
        let than = if sum > size { "more than" } else { "all of" };
        let what = format!("{}{made}, {than} the {whole} of {}", list.join(" + "), print(size));
        let led = ["flink.size", "process.size"].into_iter().find(|name| self.set(name).is_some());
        let key = self.key(led.unwrap_or("process.size"));
        let missing = (sum.saturating_sub(size) >> 20) + 1;
        let remedy = format!("raise `{key}` by {missing}m at least, or lower a part");
        Err(Refusal { key, what, remedy })
    }
}

/// A value that is no size: whoever judges values tells it.
pub(super) fn unreadable(entry: &Entry) -> Refusal {
    let what = format!("`{}` cannot be `{}`", entry.key, entry.value);
    Refusal { key: entry.key.clone(), what, remedy: "write a size, as in `1600m`".into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_cut_as_java_cuts_it() {
        // What a real Flink 1.20 made of 1280m: 0.1 and 0.4, held in single precision.
        assert_eq!(multiply(1_342_177_280, f64::from(0.1_f32)), Some(134_217_730));
        assert_eq!(multiply(1_342_177_280, f64::from(0.4_f32)), Some(536_870_920));
        assert_eq!(multiply(i64::MAX as u64, 9.0), None);
        assert_eq!(multiply(100, 0.0), Some(0));
    }
}
