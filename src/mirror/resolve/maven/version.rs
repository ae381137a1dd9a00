//! Maven's versions: their order, and the constraints that ranges such as `[1.0,2.0)` put on them.
//! The order is that of Maven's resolver (its generic version scheme), not semantic versioning.
//! Not here: which versions exist.

use std::cmp::Ordering;
use std::fmt;

/// A version in Maven's order. Equal in order does not mean equal in text: `1` and `1.0` are the same version.
#[derive(Debug, Clone)]
pub(super) struct Version(Vec<Item>);

/// One part of a version; the order of the variants is that of parts of different kinds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Item {
    Min,
    /// `alpha` to `sp`; zero is a release.
    Qualifier(i8),
    Text(String),
    /// Digits without leading zeros; compared by length first, so of any size.
    Number(usize, String),
    Max,
}

impl Item {
    fn is_number(&self) -> bool {
        matches!(self, Item::Min | Item::Number(..) | Item::Max)
    }

    /// Compared with a part that is not there.
    fn against_nothing(&self) -> Ordering {
        match self {
            Item::Min => Ordering::Less,
            Item::Qualifier(rank) => rank.cmp(&0),
            Item::Number(_, digits) if digits == "0" => Ordering::Equal,
            Item::Text(_) | Item::Number(..) | Item::Max => Ordering::Greater,
        }
    }

    fn of_text(text: &str, last: bool, before_number: bool) -> Item {
        let text = text.to_ascii_lowercase();
        match text.as_str() {
            "min" if last => Item::Min,
            "max" if last => Item::Max,
            "a" if before_number => Item::Qualifier(-5),
            "b" if before_number => Item::Qualifier(-4),
            "m" if before_number => Item::Qualifier(-3),
            "alpha" => Item::Qualifier(-5),
            "beta" => Item::Qualifier(-4),
            "milestone" => Item::Qualifier(-3),
            "cr" | "rc" => Item::Qualifier(-2),
            "snapshot" => Item::Qualifier(-1),
            "ga" | "final" | "release" => Item::Qualifier(0),
            "sp" => Item::Qualifier(1),
            _ => Item::Text(text),
        }
    }

    fn of_digits(digits: &str) -> Item {
        let digits = digits.trim_start_matches('0');
        let digits = if digits.is_empty() { "0" } else { digits };
        Item::Number(digits.len(), digits.to_owned())
    }
}

impl Version {
    /// Reads any text: every text is a version.
    pub(super) fn new(text: &str) -> Version {
        let mut items = Vec::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let number = first.is_ascii_digit();
            let separator = |c: char| matches!(c, '.' | '-' | '_');
            let end = rest.find(|c: char| separator(c) || c.is_ascii_digit() != number).unwrap_or(rest.len());
            let (token, after) = rest.split_at(end);
            let skipped = after.chars().next().filter(|c| separator(*c)).map_or(0, char::len_utf8);
            let (last, before_number) = (after.is_empty(), skipped == 0 && !after.is_empty());
            items.push(match token {
                "" => Item::of_digits("0"),
                _ if number => Item::of_digits(token),
                _ => Item::of_text(token, last, before_number),
            });
            rest = &after[skipped..];
        }
        if items.is_empty() {
            items.push(Item::of_digits("0"));
        }
        Version(without_padding(items))
    }

    /// Whether its text form says that it is a snapshot.
    pub(super) fn is_snapshot(text: &str) -> bool {
        text.ends_with("SNAPSHOT")
    }

    /// How many leading parts two versions share.
    fn shared(&self, other: &Version) -> usize {
        self.0.iter().zip(&other.0).take_while(|(left, right)| left == right).count()
    }
}

/// Drops zeros and `ga` that end a run of numbers or of words, as they mean nothing.
fn without_padding(mut items: Vec<Item>) -> Vec<Item> {
    let mut number = None;
    let mut end = items.len().saturating_sub(1);
    for at in (1..items.len()).rev() {
        if Some(items[at].is_number()) != number {
            end = at;
            number = Some(items[at].is_number());
        }
        let closes = at + 1 == items.len() || items[at - 1].is_number() == items[at].is_number();
        if end == at && closes && items[at].against_nothing().is_eq() {
            items.remove(at);
            end -= 1;
        }
    }
    items
}

/// The first parts from `rest` on that are of one kind, against nothing.
fn against_padding(rest: &[Item], number: Option<bool>) -> Ordering {
    let same_kind = rest.iter().take_while(|item| number.is_none_or(|number| number == item.is_number()));
    same_kind.map(Item::against_nothing).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

impl Ord for Version {
    fn cmp(&self, other: &Version) -> Ordering {
        let mut number = None;
        for at in 0.. {
            match (self.0.get(at), other.0.get(at)) {
                (None, None) => break,
                (None, Some(_)) => return against_padding(&other.0[at..], None).reverse(),
                (Some(_), None) => return against_padding(&self.0[at..], None),
                // Maven takes words and zero for equal here, and words with each other for different: no order.
                (Some(left), Some(right)) if at == 0 && left.is_number() != right.is_number() => {
                    return left.cmp(right);
                }
                (Some(left), Some(right)) if left.is_number() != right.is_number() => {
                    return if number == Some(left.is_number()) {
                        against_padding(&self.0[at..], number)
                    } else {
                        against_padding(&other.0[at..], number).reverse()
                    };
                }
                (Some(left), Some(right)) => match left.cmp(right) {
                    Ordering::Equal => number = Some(left.is_number()),
                    order => return order,
                },
            }
        }
        Ordering::Equal
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

/// What a dependency asks of a version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Constraint {
    /// A wish that a nearer one may overrule.
    Soft(String),
    /// A demand that the chosen version must meet wherever it comes from.
    Hard(Ranges),
}

/// One or more ranges, any of which may be met.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ranges {
    text: String,
    ranges: Vec<Range>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Range {
    low: Option<Bound>,
    high: Option<Bound>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Bound {
    version: Version,
    inclusive: bool,
}

impl Constraint {
    /// Reads a version or ranges; the error is what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Constraint, String> {
        if !text.starts_with(['[', '(']) {
            return Ok(Constraint::Soft(text.to_owned()));
        }
        let mut ranges = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let end = rest.find([']', ')']).ok_or_else(|| format!("the version range `{text}` is not closed"))?;
            ranges.push(Range::parse(&rest[..=end]).ok_or_else(|| format!("`{text}` is not a version range"))?);
            rest = rest[end + 1..].trim_start();
            rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
        }
        Ok(Constraint::Hard(Ranges { text: text.to_owned(), ranges }))
    }
}

impl Range {
    fn parse(text: &str) -> Option<Range> {
        let low_inclusive = text.starts_with('[');
        if !low_inclusive && !text.starts_with('(') {
            return None;
        }
        let high_inclusive = text.ends_with(']');
        let inner = &text[1..text.len() - 1];
        let bound = |text: &str, inclusive| {
            let text = text.trim();
            (!text.is_empty()).then(|| Bound { version: Version::new(text), inclusive })
        };
        let Some((low, high)) = inner.split_once(',') else {
            let exact = bound(inner, true).filter(|_| low_inclusive && high_inclusive)?;
            let stem = inner.trim().strip_suffix(".*");
            let low = stem.map_or_else(
                || exact.clone(),
                |stem| Bound { version: Version::new(&format!("{stem}.min")), inclusive: true },
            );
            let high =
                stem.map_or(exact, |stem| Bound { version: Version::new(&format!("{stem}.max")), inclusive: true });
            return Some(Range { low: Some(low), high: Some(high) });
        };
        let range = Range { low: bound(low, low_inclusive), high: bound(high, high_inclusive) };
        let ordered = match (&range.low, &range.high) {
            (Some(low), Some(high)) => low.version <= high.version,
            _ => true,
        };
        (ordered && !high.contains(',')).then_some(range)
    }

    fn contains(&self, version: &Version) -> bool {
        let above = self.low.as_ref().is_none_or(|low| match version.cmp(&low.version) {
            Ordering::Equal => low.inclusive,
            order => order.is_gt(),
        });
        let below = self.high.as_ref().is_none_or(|high| match version.cmp(&high.version) {
            Ordering::Equal => high.inclusive,
            order => order.is_lt(),
        });
        above && below
    }
}

impl Ranges {
    /// Whether a version meets it.
    pub(super) fn contains(&self, version: &str) -> bool {
        let version = Version::new(version);
        self.ranges.iter().any(|range| range.contains(&version))
    }
}

impl fmt::Display for Ranges {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

/// Versions in Maven's order, the newest last.
pub fn ascending(mut versions: Vec<String>) -> Vec<String> {
    versions.sort();
    versions.sort_by_cached_key(|version| Version::new(version));
    versions
}

/// The existing version that someone who asked for a missing one most likely wants:
/// of those that share the most leading parts the highest below it, else the lowest above.
pub fn nearest(wanted: &str, existing: &[String]) -> Option<String> {
    let wanted = Version::new(wanted);
    let known = existing.iter().map(|text| (Version::new(text), text));
    let rank = |version: &Version| {
        let below = *version <= wanted;
        (version.shared(&wanted), below)
    };
    let best = known.max_by(|(left, _), (right, _)| {
        rank(left).cmp(&rank(right)).then_with(|| if *left <= wanted { left.cmp(right) } else { right.cmp(left) })
    });
    best.map(|(_, text)| text.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_have_mavens_order() {
        let ascending = [
            "1-alpha",
            "1-alpha-2",
            "1-beta",
            "1-m2",
            "1-rc1",
            "1-SNAPSHOT",
            "1",
            "1-sp",
            "1-abc",
            "1.0.1",
            "1.1",
            "1.2.1",
            "1.10",
            "2",
        ];
        for pair in ascending.windows(2) {
            assert!(Version::new(pair[0]) < Version::new(pair[1]), "{} < {}", pair[0], pair[1]);
        }
        for (left, right) in [
            ("1", "1.0.0"),
            ("1-ga", "1.0"),
            ("1.0-final", "1"),
            ("1a1", "1-alpha-1"),
            ("1.01", "1.1"),
            ("1.2-1", "1.2.1"),
        ] {
            assert_eq!(Version::new(left), Version::new(right), "{left} = {right}");
        }
        assert!(Version::new("20231013") < Version::new("123456789012345678901234567890"));
    }

    #[test]
    fn words_come_before_numbers_from_either_side() {
        for (left, right) in
            [("x", "1.0.0"), ("alpha", "1"), ("x", "0"), ("alpha", "0"), ("min", "x"), ("x", "max"), ("x", "")]
        {
            assert!(Version::new(left) < Version::new(right), "{left} < {right}");
            assert!(Version::new(right) > Version::new(left), "{right} > {left}");
        }
    }

    #[test]
    fn a_range_contains_what_it_says() {
        let contains = |range: &str, version: &str| match Constraint::parse(range).unwrap() {
            Constraint::Hard(ranges) => ranges.contains(version),
            Constraint::Soft(_) => panic!("{range} is a range"),
        };
        for (range, inside, outside) in [
            ("[1,2)", "1.9", "2"),
            ("(1,2]", "2", "1"),
            ("[1.0]", "1", "1.0.1"),
            ("(,2]", "0.1", "2.1"),
            ("[2,)", "99", "1"),
            ("[1,2),[3,4)", "3.5", "2.5"),
            ("[1.2.*]", "1.2.9", "1.3"),
        ] {
            assert!(contains(range, inside) && !contains(range, outside), "{range}");
        }
    }

    #[test]
    fn a_range_that_is_none_is_refused() {
        for text in ["[1,2", "(1)", "[2,1]", "[]", "[1,2,3]", "[1,2)x"] {
            assert!(Constraint::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_missing_version_has_a_nearest_one() {
        let existing = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let flink = existing(&["1.19.3", "1.20.0", "1.20.3", "1.20.2", "2.3.0"]);
        assert_eq!(nearest("1.20.5", &flink).as_deref(), Some("1.20.3"));
        assert_eq!(nearest("2.3.1", &flink).as_deref(), Some("2.3.0"));
        assert_eq!(nearest("1.2", &existing(&["1.5", "1.3"])).as_deref(), Some("1.3"));
        assert_eq!(nearest("1", &[]), None);
    }
}
