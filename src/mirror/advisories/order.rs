//! The orders of versions, one for each ecosystem: Maven's, that of Python's PEP 440, and Debian's.
//! An order also says which ecosystem a package belongs to, and how names are compared there.
//! Not here: ranges.

use crate::mirror::python::normalise;
use crate::mirror::resolve::maven::compare_versions;
use std::cmp::Ordering;
use std::str::FromStr;

/// An ecosystem whose versions have an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Order {
    Maven,
    Pypi,
    Debian,
}

impl Order {
    /// The order of a package URL's kind.
    pub fn of_kind(kind: &str) -> Option<Order> {
        match kind {
            "maven" => Some(Order::Maven),
            "pypi" => Some(Order::Pypi),
            "deb" => Some(Order::Debian),
            _ => None,
        }
    }

    /// The order of an ecosystem as OSV names it, without the release behind a colon.
    pub fn of_ecosystem(name: &str) -> Option<Order> {
        match name {
            "Maven" => Some(Order::Maven),
            "PyPI" => Some(Order::Pypi),
            "Debian" => Some(Order::Debian),
            _ => None,
        }
    }

    /// A name in the form in which it is compared.
    pub fn name(self, name: &str) -> String {
        match self {
            Order::Pypi => normalise(name).map_or_else(|_| name.to_owned(), String::from),
            Order::Maven | Order::Debian => name.to_owned(),
        }
    }

    /// Which of two versions comes first; nothing where one of them has no place in the order.
    pub fn compare(self, one: &str, other: &str) -> Option<Ordering> {
        match self {
            Order::Maven => Some(compare_versions(one, other)),
            Order::Pypi => {
                let version = |text| pep440_rs::Version::from_str(text).ok();
                Some(version(one)?.cmp(&version(other)?))
            }
            Order::Debian => Some(debian(one, other)),
        }
    }
}

/// Debian's order: epoch, then the version of the author, then that of the package.
fn debian(one: &str, other: &str) -> Ordering {
    let split = |text| {
        let (epoch, rest) = str::split_once(text, ':').unwrap_or(("0", text));
        let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
        (epoch, upstream, revision)
    };
    let (one, other) = (split(one), split(other));
    part(one.0, other.0).then_with(|| part(one.1, other.1)).then_with(|| part(one.2, other.2))
}

/// Texts and numbers by turns; `~` sorts before everything, even before the end, and letters before other signs.
fn part(mut one: &str, mut other: &str) -> Ordering {
    while !one.is_empty() || !other.is_empty() {
        let (text, other_text) = (take(&mut one, |c| !c.is_ascii_digit()), take(&mut other, |c| !c.is_ascii_digit()));
        let (number, other_number) = (take(&mut one, |c| c.is_ascii_digit()), take(&mut other, |c| c.is_ascii_digit()));
        let ordering = by_sign(text, other_text).then_with(|| by_number(number, other_number));
        if ordering != Ordering::Equal {
            return ordering;
        }
    }
    Ordering::Equal
}

fn take<'a>(text: &mut &'a str, belongs: impl Fn(char) -> bool) -> &'a str {
    let (taken, rest) = text.split_at(text.find(|c| !belongs(c)).unwrap_or(text.len()));
    *text = rest;
    taken
}

fn by_sign(one: &str, other: &str) -> Ordering {
    let rank = |sign: Option<char>| match sign {
        Some('~') => -1,
        None => 0,
        Some(letter) if letter.is_ascii_alphabetic() => i64::from(u32::from(letter)),
        Some(other) => i64::from(u32::from(other)) + 0x11_0000,
    };
    let (mut one, mut other) = (one.chars(), other.chars());
    loop {
        let (left, right) = (one.next(), other.next());
        match rank(left).cmp(&rank(right)) {
            Ordering::Equal if left.is_none() && right.is_none() => return Ordering::Equal,
            Ordering::Equal => {}
            ordering => return ordering,
        }
    }
}

/// Numbers of any length.
fn by_number(one: &str, other: &str) -> Ordering {
    let (one, other) = (one.trim_start_matches('0'), other.trim_start_matches('0'));
    one.len().cmp(&other.len()).then_with(|| one.cmp(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debian_versions_are_ordered_as_dpkg_does() {
        // As `dpkg --compare-versions` answers.
        let sorted = [
            "1.0~rc1-1",
            "1.0-1",
            "1.0-1+deb12u1",
            "1.0-1.1",
            "1.0a-1",
            "1.0+dfsg-1",
            "1.2-1",
            "1.10-1",
            "2:0.1-1",
            "10:0-1",
        ];
        for (at, one) in sorted.iter().enumerate() {
            for (other_at, other) in sorted.iter().enumerate() {
                assert_eq!(debian(one, other), at.cmp(&other_at), "{one} and {other}");
            }
        }
        assert_eq!(debian("0:1.0", "1.0-0"), Ordering::Equal);
        assert_eq!(debian("1.00001", "1.1"), Ordering::Equal);
    }

    #[test]
    fn python_versions_are_those_of_pep_440() {
        assert_eq!(Order::Pypi.compare("1.0rc1", "1.0"), Some(Ordering::Less));
        assert_eq!(Order::Pypi.compare("1.0", "1.0.0"), Some(Ordering::Equal));
        assert_eq!(Order::Pypi.compare("one", "1.0"), None);
        assert_eq!(Order::Pypi.name("Apache_Flink"), "apache-flink");
    }
}
