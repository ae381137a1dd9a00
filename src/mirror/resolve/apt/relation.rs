//! Relations between packages as control files write them: `a (>= 1.2) | b:any, c`.
//! Architecture lists and build profiles are read too, for they are allowed everywhere.
//! Not here: which package satisfies one.

use super::version::Version;
use std::cmp::Ordering;
use std::fmt;
use words::shown;

/// More alternatives or groups than anybody writes.
const MOST: usize = 4096;

/// What a version must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `<<`
    Earlier,
    /// `<=`
    EarlierOrEqual,
    /// `=`
    Exactly,
    /// `>=`
    LaterOrEqual,
    /// `>>`
    Later,
}

/// One package, of any version or of some.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// The package's name.
    pub name: String,
    /// `any`, `native` or an architecture, as in `python3:any`.
    pub qualifier: Option<String>,
    /// What its version must be.
    pub version: Option<(Operator, Version)>,
}

/// A text that is no relation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no relation between packages", shown::shown(.0))]
pub struct BadRelation(String);

impl Operator {
    const ALL: [(&str, Operator); 7] = [
        ("<<", Operator::Earlier),
        ("<=", Operator::EarlierOrEqual),
        (">=", Operator::LaterOrEqual),
        (">>", Operator::Later),
        // Old forms, which mean the same as with an equals sign.
        ("<", Operator::EarlierOrEqual),
        (">", Operator::LaterOrEqual),
        ("=", Operator::Exactly),
    ];

    fn as_str(self) -> &'static str {
        Operator::ALL.iter().find(|(_, known)| *known == self).map_or("", |(text, _)| text)
    }

    /// Whether a version stands so to the wanted one.
    pub fn allows(self, version: &Version, wanted: &Version) -> bool {
        match self {
            Operator::Earlier => version < wanted,
            Operator::EarlierOrEqual => version <= wanted,
            Operator::Exactly => version.cmp(wanted) == Ordering::Equal,
            Operator::LaterOrEqual => version >= wanted,
            Operator::Later => version > wanted,
        }
    }
}

impl Relation {
    /// Reads one relation; none if it is for other architectures than the one asked for.
    pub fn parse(text: &str, architecture: &str) -> Result<Option<Relation>, BadRelation> {
        let bad = || BadRelation(text.trim().chars().take(120).collect());
        let end = text.find(['(', '[', '<']).unwrap_or(text.len());
        let (name, mut rest) = text.split_at(end);
        let (name, qualifier) =
            name.trim().split_once(':').map_or((name.trim(), None), |(n, q)| (n, Some(q.to_owned())));
        if !is_name(name) {
            return Err(bad());
        }
        let mut relation = Relation { name: name.to_owned(), qualifier, version: None };
        let mut applies = true;
        while let Some(first) = rest.trim_start().chars().next() {
            let closing = match first {
                '(' => ')',
                '[' => ']',
                '<' => '>',
                _ => return Err(bad()),
            };
            let (inner, after) = rest.trim_start()[1..].split_once(closing).ok_or_else(bad)?;
            match first {
                '(' => relation.version = Some(constraint(inner).ok_or_else(bad)?),
                '[' => applies = is_for(inner, architecture),
                _ => {}
            }
            rest = after;
        }
        Ok(applies.then_some(relation))
    }

    /// Whether a package of this version satisfies it.
    pub fn allows(&self, version: &Version) -> bool {
        self.version.as_ref().is_none_or(|(operator, wanted)| operator.allows(version, wanted))
    }

    /// Whether it can be for packages of this architecture.
    pub fn is_here(&self, architecture: &str) -> bool {
        self.qualifier.as_deref().is_none_or(|qualifier| ["any", "native", architecture].contains(&qualifier))
    }
}

/// Reads a whole field: groups between commas, alternatives between bars.
pub fn groups(text: &str, architecture: &str) -> Result<Vec<Vec<Relation>>, BadRelation> {
    let mut groups = Vec::new();
    for group in text.split(',').map(str::trim).filter(|group| !group.is_empty()) {
        let mut alternatives = Vec::new();
        for alternative in group.split('|') {
            alternatives.extend(Relation::parse(alternative, architecture)?);
        }
        if !alternatives.is_empty() {
            groups.push(alternatives);
        }
        if groups.len() > MOST || groups.last().is_some_and(|last| last.len() > MOST) {
            return Err(BadRelation(format!("a list of more than {MOST}")));
        }
    }
    Ok(groups)
}

/// Whether a text can be the name of a package.
pub fn is_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-._".contains(&byte);
    (1..=128).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|byte| allowed(byte.to_ascii_lowercase()))
}

/// `>= 1.2`, with or without a blank.
fn constraint(text: &str) -> Option<(Operator, Version)> {
    let text = text.trim();
    let (sign, operator) = Operator::ALL.into_iter().find(|(sign, _)| text.starts_with(sign))?;
    Some((operator, Version::parse(text[sign.len()..].trim()).ok()?))
}

/// `amd64 arm64`, or `!amd64`.
fn is_for(list: &str, architecture: &str) -> bool {
    let mut words = list.split_whitespace().peekable();
    let not = words.peek().is_some_and(|word| word.starts_with('!'));
    let named = words.any(|word| ["any", "linux-any", architecture].contains(&word.trim_start_matches('!')));
    named != not
}

impl fmt::Display for Relation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.name)?;
        if let Some(qualifier) = &self.qualifier {
            write!(out, ":{qualifier}")?;
        }
        match &self.version {
            Some((operator, version)) => write!(out, " ({} {version})", operator.as_str()),
            None => Ok(()),
        }
    }
}

/// A group as it was written.
pub fn shown(group: &[Relation]) -> String {
    group.iter().map(Relation::to_string).collect::<Vec<_>>().join(" | ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_read_as_groups_of_alternatives() {
        let text = "libc6 (>= 2.34), default-jre | java2-runtime:any (>>1:5~) ,\n x [arm64], y [!arm64] <!nocheck>, ";
        let groups = groups(text, "amd64").unwrap();
        let shown: Vec<String> = groups.iter().map(|group| shown(group)).collect();
        assert_eq!(shown, ["libc6 (>= 2.34)", "default-jre | java2-runtime:any (>> 1:5~)", "y"]);
    }

    #[test]
    fn signs_mean_what_dpkg_says() {
        let allows = |relation: &str, version: &str| {
            let relation = Relation::parse(relation, "amd64").unwrap().unwrap();
            relation.allows(&Version::parse(version).unwrap())
        };
        assert!(allows("a", "1") && allows("a (= 1.0)", "1.0") && allows("a (<< 2)", "2~") && allows("a (> 1)", "1"));
        assert!(!allows("a (= 1.0)", "1.0-1") && !allows("a (>> 1)", "1") && !allows("a (<= 1)", "1+b1"));
    }

    #[test]
    fn garbage_is_refused() {
        for text in ["a b", "a (1)", "a (>= 1", "a (>= )", "../a", "A/b", "(>= 1)", "a (=> 1)", "a [", "-a"] {
            assert!(groups(text, "amd64").is_err(), "{text}");
        }
    }
}
