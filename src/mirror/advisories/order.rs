//! The orders of versions, one for each ecosystem: Maven's, that of Python's PEP 440, and Debian's.
//! An order also says which ecosystem a package belongs to, and how names are compared there.
//! Not here: ranges.

use crate::python::normalise;
use crate::resolve::apt;
use crate::resolve::maven::compare_versions;
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
            Order::Debian => {
                let version = |text| apt::version::Version::parse(text).ok();
                Some(version(one)?.cmp(&version(other)?))
            }
        }
    }
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
                assert_eq!(Order::Debian.compare(one, other), Some(at.cmp(&other_at)), "{one} and {other}");
            }
        }
        assert_eq!(Order::Debian.compare("0:1.0", "1.0-0"), Some(Ordering::Equal));
        assert_eq!(Order::Debian.compare("1.00001", "1.1"), Some(Ordering::Equal));
        assert_eq!(Order::Debian.compare("1 or so", "1.1"), None);
    }

    #[test]
    fn python_versions_are_those_of_pep_440() {
        assert_eq!(Order::Pypi.compare("1.0rc1", "1.0"), Some(Ordering::Less));
        assert_eq!(Order::Pypi.compare("1.0", "1.0.0"), Some(Ordering::Equal));
        assert_eq!(Order::Pypi.compare("one", "1.0"), None);
        assert_eq!(Order::Pypi.name("Apache_Flink"), "apache-flink");
    }
}
