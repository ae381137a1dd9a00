//! What Flink had once: since which line it is gone, and what came in its place.
//! The table is data (`gone.tsv`); a row counts only where the target is of that line or a later one.
//! Not here: whether something is missing; the target's own classes say that.

use words::flink::Version;

const TABLE: &str = include_str!("gone.tsv");

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone {
    /// A class, a class and a member after `#`, or the beginning of names with `*` at its end; with dots.
    pub name: &'static str,
    /// The first line of releases without it.
    pub since: (u32, u32),
    /// What to write instead.
    pub instead: &'static str,
}

/// All rows.
pub fn rows() -> impl Iterator<Item = Gone> {
    TABLE.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).filter_map(|line| {
        let mut cells = line.split('\t');
        let (name, since, instead) = (cells.next()?, cells.next()?, cells.next()?);
        let (major, minor) = since.split_once('.')?;
        Some(Gone { name, since: (major.parse().ok()?, minor.parse().ok()?), instead })
    })
}

/// The row for a class, with slashes, as this Flink sees it: the most exact one.
pub fn class(class: &str, version: Option<Version>) -> Option<Gone> {
    let class = class.replace('/', ".");
    best(version, |name| match name.strip_suffix('*') {
        Some(begin) => class.starts_with(begin),
        None => class == name || class.strip_prefix(name).is_some_and(|rest| rest.starts_with('$')),
    })
}

/// The row for a member of a class.
pub fn member(class: &str, member: &str, version: Option<Version>) -> Option<Gone> {
    let full = format!("{}#{member}", class.replace('/', "."));
    best(version, |name| name == full)
}

fn best(version: Option<Version>, fits: impl Fn(&str) -> bool) -> Option<Gone> {
    let gone = |row: &Gone| version.is_none_or(|version| version.line() >= row.since);
    rows().filter(|row| gone(row) && fits(row.name)).max_by_key(|row| row.name.len())
}
