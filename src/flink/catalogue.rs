//! Flink's own options, line by line: which keys there are from 1.15 to 2.3, of what type, and what became of each.
//! The table was read out of the distributions by `tools/flink-catalogue`; one row holds for a run of lines.
//! Not here: what a value may be (`value`), or what a key that stands nowhere was meant to be (`key`).

use std::collections::BTreeMap;
use std::sync::LazyLock;
use words::flink::Version;

/// The table as it was made: its first line names the lines of Flink, the others are rows.
const TABLE: &str = include_str!("options.tsv");

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::read(TABLE));

/// A line of Flink in the table, oldest first.
pub(super) type Line = usize;

/// One option, as a run of lines has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) key: &'static str,
    pub(super) since: Line,
    pub(super) until: Line,
    /// The name of its Java type: `Duration`, `List<String>` and so on.
    pub(super) kind: &'static str,
    pub(super) default: &'static str,
    pub(super) deprecated: bool,
    /// Other keys that it answers to, and whether they are deprecated.
    pub(super) names: Vec<(&'static str, bool)>,
    /// What an enumeration may be.
    pub(super) values: Vec<&'static str>,
}

/// All lines, all options.
#[derive(Debug)]
pub(super) struct Catalogue {
    versions: Vec<&'static str>,
    rows: BTreeMap<&'static str, Vec<Row>>,
    /// By another name: the keys of the options that answered to it.
    named: BTreeMap<&'static str, Vec<&'static str>>,
    /// Keys with parts that users choose, by their first word.
    patterns: BTreeMap<&'static str, Vec<&'static str>>,
}

/// What a key is in one line of Flink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// An option.
    Option(&'static Row),
    /// Another name of an option.
    Name { of: &'static Row, deprecated: bool },
    /// One entry of an option that is a map.
    Entry(&'static Row),
    /// No option of this line but of others; the nearest of them, and the option of this line that took its place.
    Elsewhere { row: &'static Row, instead: Option<&'static Row> },
    /// No option of any line.
    Unknown,
}

impl Row {
    fn read(line: &'static str, versions: &[&'static str]) -> Option<Row> {
        let cells: Vec<&'static str> = line.split('\t').collect();
        let [key, since, until, kind, default, deprecated, names, values] = cells[..] else { return None };
        let at = |version| versions.iter().position(|known| *known == version);
        // A tilde marks a name that is as good as the key.
        let name = |name: &'static str| (name.trim_start_matches('~'), !name.starts_with('~'));
        Some(Row {
            key,
            since: at(since)?,
            until: at(until)?,
            kind,
            default,
            deprecated: !deprecated.is_empty(),
            names: names.split(' ').filter(|name| !name.is_empty()).map(name).collect(),
            values: values.split(' ').filter(|value| !value.is_empty()).collect(),
        })
    }

    fn covers(&self, line: Line) -> bool {
        (self.since..=self.until).contains(&line)
    }
}

impl Catalogue {
    /// The one that the program carries.
    pub(super) fn get() -> &'static Catalogue {
        &CATALOGUE
    }

    fn read(table: &'static str) -> Catalogue {
        let (head, body) = table.split_once('\n').unwrap_or_default();
        let versions: Vec<&'static str> = head.trim_start_matches('#').split_whitespace().collect();
        let mut rows: BTreeMap<_, Vec<Row>> = BTreeMap::new();
        let mut named: BTreeMap<_, Vec<_>> = BTreeMap::new();
        let mut patterns: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for row in body.lines().filter_map(|line| Row::read(line, &versions)) {
            row.names.iter().for_each(|(name, _)| named.entry(*name).or_default().push(row.key));
            if row.key.contains('<') && !rows.contains_key(row.key) {
                patterns.entry(first_word(row.key)).or_default().push(row.key);
            }
            rows.entry(row.key).or_default().push(row);
        }
        Catalogue { versions, rows, named, patterns }
    }

    /// The newest line that is not newer than a version; none before the first.
    pub(super) fn line(&self, version: Version) -> Option<Line> {
        self.versions.iter().rposition(|known| line_of(known) <= version.line())
    }

    /// Whether a version is of a line that the table has.
    pub(super) fn knows(&self, version: Version) -> bool {
        self.versions.iter().any(|known| line_of(known) == version.line())
    }

    /// The newest line of all.
    pub(super) fn newest(&self) -> Line {
        self.versions.len().saturating_sub(1)
    }

    /// What people call a line, as in `1.20`.
    pub(super) fn name(&self, line: Line) -> &'static str {
        let version = self.versions.get(line).copied().unwrap_or_default();
        version.rsplit_once('.').map_or(version, |(name, _)| name)
    }

    /// The option of this very key, if this line has it.
    pub(super) fn option(&'static self, key: &str, line: Line) -> Option<&'static Row> {
        self.rows.get(key)?.iter().find(|row| row.covers(line))
    }

    /// The keys that a line knows and does not advise against.
    pub(super) fn keys(&'static self, line: Line) -> impl Iterator<Item = &'static str> {
        self.rows.values().flatten().filter(move |row| row.covers(line) && !row.deprecated).map(|row| row.key)
    }

    /// What a key is in a line.
    pub(super) fn standing(&'static self, key: &str, line: Line) -> Standing {
        if let Some(standing) = self.by_name(key, line) {
            return standing;
        }
        if let Some(row) = self.pattern(key, line) {
            return Standing::Option(row);
        }
        if let Some(row) = self.map_above(key, line) {
            return Standing::Entry(row);
        }
        self.elsewhere(key, line).unwrap_or(Standing::Unknown)
    }

    /// A key that is deprecated and another name too is told by the option that took it over.
    fn by_name(&'static self, key: &str, line: Line) -> Option<Standing> {
        let own = self.option(key, line);
        let other = || {
            let rows = self.named.get(key)?.iter().filter_map(|of| self.option(of, line));
            let mut rows = rows.filter(|row| row.key != key);
            rows.find_map(|of| {
                let (_, deprecated) = of.names.iter().find(|(name, _)| *name == key)?;
                Some(Standing::Name { of, deprecated: *deprecated })
            })
        };
        match own {
            Some(row) if !row.deprecated => Some(Standing::Option(row)),
            Some(row) => Some(other().unwrap_or(Standing::Option(row))),
            None => other(),
        }
    }

    fn pattern(&'static self, key: &str, line: Line) -> Option<&'static Row> {
        let patterns = self.patterns.get(first_word(key))?;
        let rows = patterns.iter().filter(|pattern| matches(pattern, key)).filter_map(|key| self.option(key, line));
        // The more words a pattern names, the better it fits.
        rows.max_by_key(|row| row.key.split('.').filter(|word| !word.starts_with('<')).count())
    }

    fn map_above(&'static self, key: &str, line: Line) -> Option<&'static Row> {
        let ends = key.match_indices('.').map(|(at, _)| at);
        let mut above = ends.filter_map(|end| self.option(&key[..end], line));
        above.find(|row| row.kind == "Map")
    }

    fn elsewhere(&'static self, key: &str, line: Line) -> Option<Standing> {
        let there = (0..self.versions.len()).filter_map(|other| Some((other, self.by_name(key, other)?)));
        let (_, standing) = there.min_by_key(|(other, _)| other.abs_diff(line))?;
        let row = match standing {
            Standing::Option(row) => row,
            Standing::Name { of, .. } => of,
            _ => return None,
        };
        // What it was another name of may itself be called otherwise by now.
        let instead = (row.key != key).then(|| match self.by_name(row.key, line) {
            Some(Standing::Option(row) | Standing::Name { of: row, .. }) => Some(row),
            _ => None,
        });
        Some(Standing::Elsewhere { row, instead: instead.flatten() })
    }

    /// The first and last line in which a key was an option or another name of one.
    pub(super) fn span(&'static self, key: &str) -> Option<(Line, Line)> {
        let mut lines = (0..self.versions.len()).filter(|line| self.by_name(key, *line).is_some());
        let first = lines.next()?;
        Some((first, lines.next_back().unwrap_or(first)))
    }
}

fn first_word(key: &str) -> &str {
    key.split('.').next().unwrap_or(key)
}

/// Major and minor number.
fn line_of(version: &str) -> (u32, u32) {
    version.parse().map_or((0, 0), Version::line)
}

/// Whether a key is of a pattern such as `metrics.reporter.<name>.interval`: a part in brackets is one word, the last one
/// any number of them.
fn matches(pattern: &str, key: &str) -> bool {
    let mut words = key.split('.').peekable();
    let mut parts = pattern.split('.').peekable();
    while let Some(part) = parts.next() {
        let Some(word) = words.next() else { return false };
        let chosen = part.starts_with('<');
        if !chosen && part != word {
            return false;
        }
        if chosen && parts.peek().is_none() {
            return !word.is_empty();
        }
    }
    words.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(key: &str, version: &str) -> Standing {
        let catalogue = Catalogue::get();
        catalogue.standing(key, catalogue.line(version.parse().unwrap()).unwrap())
    }

    #[test]
    fn every_row_of_the_table_is_read() {
        let catalogue = Catalogue::get();
        assert_eq!(catalogue.rows.values().map(Vec::len).sum::<usize>(), TABLE.lines().count() - 1);
        assert_eq!(catalogue.versions.len(), 10);
        assert!(catalogue.keys(5).count() > 700);
    }

    #[test]
    fn a_version_belongs_to_its_line() {
        let catalogue = Catalogue::get();
        let name = |version: &str| catalogue.line(version.parse().unwrap()).map(|line| catalogue.name(line));
        assert_eq!(name("1.20.0"), Some("1.20"));
        assert_eq!(name("1.20.99"), Some("1.20"));
        assert_eq!(name("2.9.0"), Some("2.3"));
        assert_eq!(name("1.14.6"), None);
        assert!(!catalogue.knows("2.9.0".parse().unwrap()) && catalogue.knows("2.3.7".parse().unwrap()));
    }

    #[test]
    fn keys_stand_where_flink_has_them() {
        let key = |standing| match standing {
            Standing::Option(row) => format!("option {}", row.key),
            Standing::Name { of, deprecated } => format!("name of {} {deprecated}", of.key),
            Standing::Entry(row) => format!("entry of {}", row.key),
            Standing::Elsewhere { row, instead } => format!("elsewhere {} {:?}", row.key, instead.map(|row| row.key)),
            Standing::Unknown => "unknown".to_owned(),
        };
        let cases = [
            ("state.backend.type", "1.20.5", "option state.backend.type"),
            ("state.backend", "1.20.5", "name of state.backend.type true"),
            ("state.backend", "1.15.4", "option state.backend"),
            ("web.port", "2.3.0", "name of rest.bind-port true"),
            ("jobmanager.rpc.address", "1.20.5", "option jobmanager.rpc.address"),
            ("execution.savepoint.path", "2.3.0", "name of execution.state-recovery.path true"),
            ("jobmanager.heap.mb", "2.3.0", "elsewhere jobmanager.heap.mb None"),
            ("jobmanager.heap.mb", "1.20.5", "option jobmanager.heap.mb"),
            ("taskmanager.net.transport", "2.3.0", "elsewhere taskmanager.network.netty.transport None"),
            (
                "table.exec.topn-cache-size",
                "2.3.0",
                "elsewhere table.exec.rank.topn-cache-size Some(\"table.exec.rank.topn-cache-size\")",
            ),
            ("metrics.reporter.grph.interval", "1.20.5", "option metrics.reporter.<name>.interval"),
            ("metrics.reporter.grph.port", "1.20.5", "option metrics.reporter.<name>.<parameter>"),
            ("kubernetes.secrets.a.b", "1.20.5", "entry of kubernetes.secrets"),
            ("flink.hadoop.fs.defaultFS", "1.20.5", "option flink.hadoop.<key>"),
            ("taskmanager.memory.preallocate", "1.20.5", "unknown"),
        ];
        for (name, version, expected) in cases {
            assert_eq!(key(standing(name, version)), expected, "{name} {version}");
        }
    }
}
