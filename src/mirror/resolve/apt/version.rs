//! Debian's versions: `epoch:upstream-revision`, and the order that dpkg puts them in.
//! A tilde sorts before everything, even before the end; digits compare as numbers of any length.
//! Not here: which versions exist.

use std::cmp::Ordering;
use std::fmt;
use words::shown::shown;

/// A version as Debian writes it. Equal in order does not mean equal in text: `1.0` and `1.00` are the same version.
#[derive(Debug, Clone)]
pub struct Version(Box<str>);

/// A text that is no version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no Debian version", shown(.0))]
pub struct BadVersion(String);

impl Version {
    /// Reads a version; what dpkg would refuse is refused.
    pub fn parse(text: &str) -> Result<Version, BadVersion> {
        let (epoch, rest) = text.split_once(':').map_or((None, text), |(epoch, rest)| (Some(epoch), rest));
        let counts = epoch.is_none_or(|epoch| !epoch.is_empty() && epoch.len() < 10 && all_digits(epoch));
        let allowed = |c: char| c.is_ascii_alphanumeric() || ".+-~:".contains(c);
        let (upstream, revision) = rest.rsplit_once('-').map_or((rest, None), |(up, revision)| (up, Some(revision)));
        let whole = !upstream.is_empty() && revision.is_none_or(|revision| !revision.is_empty());
        let good = counts && whole && rest.chars().all(allowed) && text.len() <= 256;
        if good { Ok(Version(text.into())) } else { Err(BadVersion(text.chars().take(80).collect())) }
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Epoch, upstream's version and Debian's revision.
    fn parts(&self) -> (u64, &str, &str) {
        let (epoch, rest) = self.0.split_once(':').unwrap_or(("0", &self.0));
        let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
        (epoch.parse().unwrap_or(0), upstream, revision)
    }
}

fn all_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Compares letters and digits in turns, as dpkg does.
fn compare(mut left: &str, mut right: &str) -> Ordering {
    while !left.is_empty() || !right.is_empty() {
        let (one, other) = (take(&mut left, |c| !c.is_ascii_digit()), take(&mut right, |c| !c.is_ascii_digit()));
        let (one, other) = (one.chars().map(weight), other.chars().map(weight));
        // The end of a part weighs 0: more than a tilde, less than anything else.
        let order = one.chain([0]).cmp(other.chain([0]));
        let numbers = || {
            let (one, other) = (take(&mut left, |c| c.is_ascii_digit()), take(&mut right, |c| c.is_ascii_digit()));
            let (one, other) = (one.trim_start_matches('0'), other.trim_start_matches('0'));
            one.len().cmp(&other.len()).then(one.cmp(other))
        };
        let order = order.then_with(numbers);
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

fn take<'a>(text: &mut &'a str, belongs: impl Fn(char) -> bool) -> &'a str {
    let end = text.find(|c| !belongs(c)).unwrap_or(text.len());
    let (taken, rest) = text.split_at(end);
    *text = rest;
    taken
}

/// Letters sort before everything else, a tilde before the end.
fn weight(c: char) -> i32 {
    match c {
        '~' => -1,
        c if c.is_ascii_alphabetic() => c as i32,
        c => c as i32 + 256,
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Version) -> Ordering {
        let ((epoch, upstream, revision), (epoch2, upstream2, revision2)) = (self.parts(), other.parts());
        epoch.cmp(&epoch2).then_with(|| compare(upstream, upstream2)).then_with(|| compare(revision, revision2))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Version) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Version) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version {}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        Version::parse(text).unwrap()
    }

    #[test]
    fn versions_sort_as_dpkg_sorts_them() {
        let ascending = [
            "0~~",
            "0~~a",
            "0~",
            "0",
            "0.1",
            "1.0~beta1~svn1245",
            "1.0~beta1",
            "1.0~rc1-1",
            "1.0",
            "1.0-1~bpo12+1",
            "1.0-1",
            "1.0-1+b1",
            "1.0-1+deb12u1",
            "1.0-1.1",
            "1.0-2",
            "1.0-10",
            "1.0a-1",
            "1.0+git20200101-1",
            "1.0.0-1",
            "1.0.1",
            "1.2a+~",
            "1.2a++",
            "1.9",
            "1.10",
            "2.0-99999999999999999999998",
            "2.0-99999999999999999999999",
            "17.0.19+10-1~deb12u1",
            "17.0.19+10-1~deb12u2",
            "1:0.1",
            "1:0.1-0.1",
            "2:0~",
        ];
        for pair in ascending.windows(2) {
            assert_eq!(version(pair[0]).cmp(&version(pair[1])), Ordering::Less, "{pair:?}");
            assert_eq!(version(pair[1]).cmp(&version(pair[0])), Ordering::Greater, "{pair:?}");
        }
    }

    #[test]
    fn the_same_version_can_be_written_in_several_ways() {
        for (one, other) in [("1.0", "0:1.0"), ("1.0", "1.00"), ("1.0", "1.0-0"), ("1.a", "1.a0"), ("01", "1")] {
            assert_eq!(version(one), version(other), "{one} {other}");
        }
    }

    #[test]
    fn what_dpkg_refuses_is_refused() {
        for text in ["", ":1", "a:1", "1:", "1-", "-1", "1 2", "1_2", "1/2", "99999999999:1", "ü"] {
            assert!(Version::parse(text).is_err(), "{text}");
        }
    }
}
