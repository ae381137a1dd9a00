//! A name with a range of versions: what a package provides, needs, replaces or cannot stand beside.
//! A need and a provision fit if their ranges overlap.
//! Not here: conditions between several of them (`expression`).

use super::version;
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// How a range lies to its version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Comparison {
    /// Below it.
    Less,
    /// Below it, or it.
    AtMost,
    /// Exactly it.
    Equal,
    /// It, or above it.
    AtLeast,
    /// Above it.
    Greater,
}

/// Each with its sign, and its name in an index.
const COMPARISONS: [(Comparison, &str, &str); 5] = [
    (Comparison::Less, "<", "LT"),
    (Comparison::AtMost, "<=", "LE"),
    (Comparison::Equal, "=", "EQ"),
    (Comparison::AtLeast, ">=", "GE"),
    (Comparison::Greater, ">", "GT"),
];

impl Comparison {
    /// Reads `<`, `<=`, `=`, `>=` or `>`.
    pub fn of_sign(text: &str) -> Option<Comparison> {
        COMPARISONS.iter().find(|(_, sign, _)| *sign == text).map(|(one, ..)| *one)
    }

    /// Reads `LT`, `LE`, `EQ`, `GE` or `GT`.
    pub fn of_flag(text: &str) -> Option<Comparison> {
        COMPARISONS.iter().find(|(.., flag)| *flag == text).map(|(one, ..)| *one)
    }

    /// The bits of a header: 2 is less, 4 is greater, 8 is equal.
    pub fn of_bits(bits: u64) -> Option<Comparison> {
        match bits & 14 {
            2 => Some(Comparison::Less),
            10 => Some(Comparison::AtMost),
            8 => Some(Comparison::Equal),
            12 => Some(Comparison::AtLeast),
            4 => Some(Comparison::Greater),
            _ => None,
        }
    }

    /// Its name in an index.
    pub fn flag(self) -> &'static str {
        COMPARISONS[self as usize].2
    }

    fn less(self) -> bool {
        matches!(self, Comparison::Less | Comparison::AtMost)
    }

    fn greater(self) -> bool {
        matches!(self, Comparison::Greater | Comparison::AtLeast)
    }

    fn equal(self) -> bool {
        !matches!(self, Comparison::Less | Comparison::Greater)
    }
}

/// A name, and perhaps a range of versions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Relation {
    /// The name: of a package, a capability or a file.
    pub name: Arc<str>,
    /// The range; none is every version.
    pub range: Option<(Comparison, Arc<str>)>,
}

impl Relation {
    /// Every version of a name.
    pub fn any(name: impl Into<Arc<str>>) -> Relation {
        Relation { name: name.into(), range: None }
    }

    /// Exactly this version.
    pub fn exactly(name: impl Into<Arc<str>>, version: impl Into<Arc<str>>) -> Relation {
        Relation { name: name.into(), range: Some((Comparison::Equal, version.into())) }
    }

    /// Reads `name`, or `name >= 1:2.0-3`.
    pub fn parse(text: &str) -> Option<Relation> {
        let words: Vec<&str> = text.split_whitespace().collect();
        match words.as_slice() {
            [name] => Some(Relation::any(*name)),
            [name, sign, version] => {
                let range = Some((Comparison::of_sign(sign)?, Arc::from(*version)));
                Some(Relation { name: Arc::from(*name), range })
            }
            _ => None,
        }
    }

    /// Whether the ranges of the same name overlap; one without a range overlaps all.
    pub fn meets(&self, other: &Relation) -> bool {
        let (Some((mine, my_version)), Some((theirs, their_version))) = (&self.range, &other.range) else {
            return self.name == other.name;
        };
        self.name == other.name
            && match version::order(my_version, their_version) {
                Ordering::Less => mine.greater() || theirs.less(),
                Ordering::Greater => mine.less() || theirs.greater(),
                Ordering::Equal => {
                    (mine.equal() && theirs.equal())
                        || (mine.less() && theirs.less())
                        || (mine.greater() && theirs.greater())
                }
            }
    }
}

impl fmt::Display for Relation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.name)?;
        match &self.range {
            Some((comparison, version)) => write!(out, " {} {version}", COMPARISONS[*comparison as usize].1),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_overlap_or_not() {
        for (left, right, wanted) in [
            ("a", "a = 1", true),
            ("a", "b", false),
            ("a >= 2", "a = 2-1", true),
            ("a > 2", "a = 2", false),
            ("a < 2", "a = 1:1", false),
            ("a < 2", "a <= 2", true),
            ("a <= 2", "a >= 2", true),
            ("a < 2", "a > 2", false),
            ("a = 2", "a = 2-7", true),
            ("a = 2-6", "a = 2-7", false),
        ] {
            let (one, other) = (Relation::parse(left).unwrap(), Relation::parse(right).unwrap());
            assert_eq!((one.meets(&other), other.meets(&one)), (wanted, wanted), "{left} and {right}");
        }
        assert_eq!(Relation::parse("a >= 1:2").unwrap().to_string(), "a >= 1:2");
        assert!(Relation::parse("a => 2").is_none() && Relation::parse("").is_none());
    }
}
