//! Interpolation: `${name}` in a POM becomes what the name stands for, and that again, within bounds.
//! A name that stands for nothing stays as it is, as for Maven.
//! Not here: where properties are inherited from.

use super::environment::Environment;
use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeMap;

/// The longest text that may result.
const MAX_LENGTH: usize = 64 << 10;
/// Replacements for one text: bounds `${a}${a}` doubled thirty times over, even of empty texts.
const MAX_STEPS: usize = 2_000;
/// Replacements for all texts of one POM, and the bytes that result.
const MAX_TOTAL_STEPS: usize = 1 << 20;
const MAX_TOTAL_LENGTH: usize = 32 << 20;
/// Names within the meaning of names; also ends a recursion before the stack does.
const MAX_DEPTH: usize = 64;

/// Everything a name may stand for in one POM.
#[derive(Debug)]
pub(super) struct Properties<'a> {
    /// `groupId`, `version`, `parent.version` and so on: reached bare and after `project.` or `pom.`.
    pub(super) project: BTreeMap<&'static str, String>,
    pub(super) declared: BTreeMap<&'a str, &'a str>,
    pub(super) environment: &'a Environment,
    /// Replacements and bytes so far.
    pub(super) spent: Cell<(usize, usize)>,
}

/// Why a text could not be interpolated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Endless {
    Cycle(String),
    TooLong(String),
}

impl Properties<'_> {
    /// Replaces every name in a text.
    pub(super) fn interpolate<'t>(&self, text: &'t str) -> Result<Cow<'t, str>, Endless> {
        if !text.contains("${") {
            return Ok(Cow::Borrowed(text));
        }
        let mut out = String::new();
        let mut steps = 0;
        self.expand(text, &mut out, &mut Vec::new(), &mut steps)?;
        let (all_steps, all_bytes) = self.spent.get();
        let spent = (all_steps + steps, all_bytes + out.len());
        self.spent.set(spent);
        if spent.0 > MAX_TOTAL_STEPS || spent.1 > MAX_TOTAL_LENGTH {
            return Err(Endless::TooLong(excerpt(text)));
        }
        Ok(Cow::Owned(out))
    }

    fn expand<'s>(
        &'s self,
        text: &'s str,
        out: &mut String,
        path: &mut Vec<&'s str>,
        steps: &mut usize,
    ) -> Result<(), Endless> {
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            out.push_str(before);
            let Some((name, after)) = after.split_once('}') else {
                rest = &rest[before.len()..];
                break;
            };
            *steps += 1;
            if *steps > MAX_STEPS || path.len() > MAX_DEPTH || out.len() > MAX_LENGTH {
                return Err(Endless::TooLong(name.to_owned()));
            }
            match self.meaning(name) {
                Some(_) if path.contains(&name) => return Err(Endless::Cycle(name.to_owned())),
                Some(meaning) => {
                    path.push(name);
                    self.expand(meaning, out, path, steps)?;
                    path.pop();
                }
                None => out.extend(["${", name, "}"]),
            }
            rest = after;
        }
        out.push_str(rest);
        if out.len() > MAX_LENGTH { Err(Endless::TooLong(excerpt(text))) } else { Ok(()) }
    }

    /// The order is Maven's: the project with a prefix, properties, the system, the project without one.
    fn meaning(&self, name: &str) -> Option<&str> {
        let prefixed = name.strip_prefix("project.").or_else(|| name.strip_prefix("pom."));
        let project = |name: &str| self.project.get(name).map(String::as_str);
        prefixed
            .and_then(project)
            .or_else(|| self.declared.get(name).copied())
            .or_else(|| self.environment.property(name))
            .or_else(|| project(name))
    }
}

fn excerpt(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interpolate(declared: &[(&str, &str)], text: &str) -> Result<String, Endless> {
        let environment = Environment::new(17);
        let declared = declared.iter().copied().collect();
        let project = BTreeMap::from([("version", "1".to_owned())]);
        Properties { project, declared, environment: &environment, spent: Cell::default() }
            .interpolate(text)
            .map(Cow::into_owned)
    }

    #[test]
    fn names_are_replaced_in_mavens_order() {
        let declared = [("version", "2"), ("a", "${b}-x"), ("b", "${project.version}"), ("os.name", "mine")];
        let result = interpolate(&declared, "${project.version} ${pom.version} ${version} ${a} ${os.name} ${os.arch}");
        assert_eq!(result.unwrap(), "1 1 2 1-x mine amd64");
    }

    #[test]
    fn what_stands_for_nothing_stays() {
        assert_eq!(interpolate(&[], "${x} ${ ${env.HOME").unwrap(), "${x} ${ ${env.HOME");
    }

    #[test]
    fn a_bomb_does_not_go_off() {
        assert_eq!(interpolate(&[("a", "${b}"), ("b", "${a}")], "${a}"), Err(Endless::Cycle("a".into())));
        for leaf in ["", "x"] {
            let doubled = |at: usize| (format!("p{at}"), format!("${{p{}}}${{p{}}}", at + 1, at + 1));
            let mut names: Vec<(String, String)> = (0..40).map(doubled).collect();
            names.push(("p40".into(), leaf.into()));
            let names: Vec<_> = names.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            assert!(matches!(interpolate(&names, "${p0}"), Err(Endless::TooLong(_))));
        }
        let environment = Environment::new(17);
        let big = "x".repeat(1 << 15);
        let declared = BTreeMap::from([("big", big.as_str())]);
        let properties =
            Properties { project: BTreeMap::new(), declared, environment: &environment, spent: Cell::default() };
        assert!((0..2_000).any(|_| properties.interpolate("${big}").is_err()));
        let long = "x".repeat(MAX_LENGTH / 2 + 1);
        assert!(matches!(interpolate(&[("a", &long)], "${a}${a}"), Err(Endless::TooLong(_))));
    }
}
