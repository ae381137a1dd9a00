//! Versions of RPM and their order: epoch, then version, then release, each by runs of digits and letters.
//! `~` sorts before everything, even the end; `^` after the end, but before anything else.
//! Not here: what a version is of.

use std::cmp::Ordering;

/// An epoch, a version and a release, as they are written: `1:2.0-3.el9`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evr<'a> {
    /// The epoch; none counts as 0.
    pub epoch: Option<&'a str>,
    /// The version.
    pub version: &'a str,
    /// The release; a dependency may leave it open.
    pub release: Option<&'a str>,
}

impl<'a> Evr<'a> {
    /// Takes a text apart; every text has a version.
    pub fn parse(text: &'a str) -> Evr<'a> {
        let (epoch, rest) = match text.split_once(':') {
            Some((epoch, rest)) if epoch.bytes().all(|byte| byte.is_ascii_digit()) => (Some(epoch), rest),
            _ => (None, text),
        };
        let (version, release) = rest.rsplit_once('-').map_or((rest, None), |(version, rest)| (version, Some(rest)));
        Evr { epoch: epoch.filter(|epoch| !epoch.is_empty()), version, release }
    }

    /// The order of two; a release counts only where both have one.
    pub fn order(&self, other: &Evr<'_>) -> Ordering {
        let epoch = |one: &Evr<'_>| one.epoch.unwrap_or("0").to_owned();
        let release = || match (self.release, other.release) {
            (Some(mine), Some(theirs)) => compare(mine, theirs),
            _ => Ordering::Equal,
        };
        compare(&epoch(self), &epoch(other)).then_with(|| compare(self.version, other.version)).then_with(release)
    }
}

/// The order of two whole texts.
pub fn order(left: &str, right: &str) -> Ordering {
    Evr::parse(left).order(&Evr::parse(right))
}

/// The order of two versions, or of two releases.
pub fn compare(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left.as_bytes(), right.as_bytes());
    loop {
        (left, right) = (skip_separators(left), skip_separators(right));
        match (left.first(), right.first()) {
            (Some(b'~'), Some(b'~')) | (Some(b'^'), Some(b'^')) => (left, right) = (&left[1..], &right[1..]),
            (Some(b'~'), _) => return Ordering::Less,
            (_, Some(b'~')) => return Ordering::Greater,
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(b'^'), Some(_)) => return Ordering::Less,
            (Some(_), Some(b'^')) => return Ordering::Greater,
            (Some(first), Some(_)) => {
                let digits = first.is_ascii_digit();
                let (mine, theirs);
                (mine, left) = run(left, digits);
                (theirs, right) = run(right, digits);
                let order = match digits {
                    // Digits are newer than letters.
                    true if theirs.is_empty() => Ordering::Greater,
                    false if theirs.is_empty() => Ordering::Less,
                    true => mine.len().cmp(&theirs.len()).then_with(|| mine.cmp(theirs)),
                    false => mine.cmp(theirs),
                };
                if order.is_ne() {
                    return order;
                }
            }
        }
    }
}

fn skip_separators(text: &[u8]) -> &[u8] {
    let counts = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'~' | b'^');
    &text[text.iter().position(counts).unwrap_or(text.len())..]
}

/// The digits or letters at the beginning, digits without leading zeros (but never nothing), and the rest.
fn run(text: &[u8], digits: bool) -> (&[u8], &[u8]) {
    let of_kind = |byte: &u8| if digits { byte.is_ascii_digit() } else { byte.is_ascii_alphabetic() };
    let end = text.iter().position(|byte| !of_kind(byte)).unwrap_or(text.len());
    let zeros = text[..end].iter().take_while(|byte| digits && **byte == b'0').count();
    (&text[zeros.min(end.saturating_sub(1))..end], &text[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_rpm_orders_them() {
        for line in [
            "1.0 = 1.0",
            "1.0 < 2.0",
            "2.0.1 < 2.0.1a",
            "5.5p1 < 5.5p2",
            "5.5p1 < 5.5p10",
            "10xyz < 10.1xyz",
            "xyz10 < xyz10.1",
            "xyz.4 < 8",
            "xyz.4 < 2",
            "5.5p2 < 5.6p1",
            "5.6p1 < 6.5p1",
            "6.0 < 6.0.rc1",
            "10a2 < 10b2",
            "1.0aa = 1.0aa",
            "1.0a < 1.0aa",
            "10.0001 = 10.1",
            "10.0001 < 10.0039",
            "4.999.9 < 5.0",
            "20101121 < 20101122",
            "2_0 = 2.0",
            "a+ = a_",
            "+ = _",
            "_+ = +_",
            "+a = _a",
            "1.0~rc1 < 1.0",
            "1.0~rc1 < 1.0~rc2",
            "1.0~rc1~git123 < 1.0~rc1",
            "1.0 < 1.0^",
            "1.0^ = 1.0^",
            "1.0^git1 < 1.0^git2",
            "1.0^git1 < 1.01",
            "1.0^20160101 < 1.0.1",
            "1.0^20160101^git1 = 1.0^20160101^git1",
            "1.0^20160101 < 1.0^20160101^git1",
            "1.0~rc1 < 1.0~rc1^git1",
            "1.0^git1~pre < 1.0^git1",
            "1.900 < 1.8000",
            "2.0 > 2.0~~",
            "1.02 = 1.2",
            "0 = 00",
            "1b.fc17 = 1b.fc17",
            "1b.fc17 < 1.fc17",
            "1g.fc17 > 1.fc17",
            " = .",
        ] {
            let mut words = line.splitn(3, ' ');
            let (left, sign, right) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
            let wanted = match sign {
                "<" => Ordering::Less,
                "=" => Ordering::Equal,
                _ => Ordering::Greater,
            };
            assert_eq!(compare(left, right), wanted, "{line}");
            assert_eq!(compare(right, left), wanted.reverse(), "{line}, from the right");
        }
    }

    #[test]
    fn an_epoch_wins_and_an_open_release_is_equal() {
        assert!(order("1:1.0-1", "2.0-9").is_gt());
        assert!(order("0:1.0-1", "1.0-1").is_eq());
        assert!(order("1.0", "1.0-7.el9").is_eq());
        assert!(order("1.0-2", "1.0-10").is_lt());
        assert!(order("18446744073709551617:1-1", "2:1-1").is_gt());
        let evr = Evr::parse("1:2.0-rc-3");
        assert_eq!((evr.epoch, evr.version, evr.release), (Some("1"), "2.0-rc", Some("3")));
    }
}
