//! Each key by itself: whether this Flink has it, under which name it should be written, whether its value fits its type.
//! A key that no Flink has gets the nearest one that has the same letters, the same words, or almost the same spelling.
//! Not here: keys that contradict each other (`contradiction`).

use super::catalogue::{Catalogue, Line, Row, Standing};
use super::file::{Entry, Syntax};
use super::{Configuration, Findings, legacy, replaced, value};
use std::cell::OnceCell;
use words::problem::nearest;

/// The nearest name is sought for so many unknown keys of a file.
const MOST_GUESSES: usize = 100;

/// What Flink passes on without looking: names below these are somebody else's.
const OPEN: [&str; 24] = [
    "$internal.",
    "env.java.home",
    "cassandra.",
    "containerized.master.env.",
    "containerized.taskmanager.env.",
    "fs.",
    "gs.",
    "hadoop.",
    "hive.",
    "kubernetes.operator.",
    "oss.",
    "presto.",
    "prometheus.",
    "s3.",
    "s3a.",
    "s3n.",
    "security.delegation.token.provider.",
    "security.delegation.token.receiver.",
    "sql-gateway.endpoint.",
    "swift.",
    "table.exec.hive.",
    "table.catalog-store.",
    "wasb.",
    "abfs.",
];

/// Looks at every key.
pub(super) fn judge(configuration: &Configuration, syntax: Syntax, findings: &mut Findings) {
    let mut guesses = 0;
    let guesser = Guesser { line: configuration.line, known: OnceCell::new() };
    for entry in &configuration.entries {
        let judging = Judging { configuration, entry, syntax };
        if legacy::judge(configuration, entry, findings) {
            continue;
        }
        match Catalogue::get().standing(&entry.key, configuration.line) {
            Standing::Option(row) => judging.option(row, findings),
            Standing::Name { of, deprecated } => judging.named(of, deprecated, findings),
            Standing::Entry(_) => {}
            _ if OPEN.iter().any(|prefix| entry.key.starts_with(prefix)) => {}
            Standing::Elsewhere { row, instead } => judging.elsewhere(row, instead, findings),
            Standing::Unknown => {
                guesses += 1;
                judging.unknown(Some(&guesser).filter(|_| guesses <= MOST_GUESSES), findings);
            }
        }
    }
}

struct Judging<'a> {
    configuration: &'a Configuration,
    entry: &'a Entry,
    syntax: Syntax,
}

impl Judging<'_> {
    fn option(&self, row: &'static Row, findings: &mut Findings) {
        self.value(row, findings);
        if row.deprecated {
            let Entry { key, origin, .. } = self.entry;
            let last = Catalogue::get().span(key).map_or(row.until, |(_, last)| last);
            let after = match last < Catalogue::get().newest() {
                true => format!(", and {} is the last line that has it", Catalogue::get().name(last)),
                false => String::new(),
            };
            findings.note(
                origin,
                key,
                format!("`{key}` is deprecated{after}"),
                replaced::remedy(key).unwrap_or_default(),
            );
        }
    }

    fn named(&self, of: &'static Row, deprecated: bool, findings: &mut Findings) {
        let Entry { key, origin, .. } = self.entry;
        self.value(of, findings);
        if let Some(other) = self.configuration.entry(of.key).filter(|_| deprecated) {
            let what = format!(
                "`{key}` is an old name of `{}`, which {} sets too: Flink takes that one",
                of.key, other.origin
            );
            findings.warning(origin, key, what, "remove the old one");
        } else if deprecated {
            findings.note(origin, key, format!("`{key}` is an old name"), format!("write `{}`", of.key));
        }
    }

    fn elsewhere(&self, row: &'static Row, instead: Option<&'static Row>, findings: &mut Findings) {
        let Entry { key, origin, .. } = self.entry;
        let (line, catalogue) = (self.configuration.line, Catalogue::get());
        let (first, last) = catalogue.span(key).unwrap_or((row.since, row.until));
        let here = catalogue.name(line);
        let what = match first > line {
            true => format!("Flink {here} does not know `{key}`, which came with {}", catalogue.name(first)),
            false => format!("Flink {here} ignores `{key}`, which {} was the last to know", catalogue.name(last)),
        };
        let earlier = || {
            let names = row.names.iter().map(|(name, _)| *name);
            let mut earlier =
                names.filter(|name| *name != key && matches!(catalogue.standing(name, line), Standing::Option(_)));
            earlier.next_back().map(|name| format!("write `{name}`"))
        };
        let remedy = match instead {
            Some(row) => Some(format!("write `{}`", row.key)),
            None if first > line => earlier(),
            None => replaced::remedy(key).map(str::to_owned),
        };
        findings.warning(origin, key, what, remedy.unwrap_or_else(|| "leave it out".to_owned()));
    }

    fn unknown(&self, guesser: Option<&Guesser>, findings: &mut Findings) {
        let Entry { key, origin, .. } = self.entry;
        let remedy = match guesser.and_then(|guesser| guesser.meant(key)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "Flink ignores it, unless a plug-in of yours reads it".to_owned(),
        };
        findings.warning(origin, key, format!("`{key}` is no option of Flink"), remedy);
    }

    fn value(&self, row: &'static Row, findings: &mut Findings) {
        let Entry { key, value, written, origin } = self.entry;
        if value::fits(row, value, self.syntax, self.configuration.target.version) {
            // A number is the same however it is written; a text is not.
            if let Some(written) = written.as_ref().filter(|_| row.kind == "String") {
                let what = format!("YAML takes `{written}` as a number, and `{key}` becomes {value}");
                findings.warning(origin, key, what, format!("write '{written}' if it is meant as it stands"));
            }
            return;
        }
        let shown: String = value.chars().take(60).collect();
        let what = match value.starts_with(['"', '\'']) && self.syntax == Syntax::Lines {
            true => format!("`{key}` cannot be {shown}: the quotes are part of the value"),
            false => format!("`{key}` cannot be `{shown}`"),
        };
        findings.error(origin, key, what, format!("write {}", value::form(row)));
    }
}

/// The keys of a line in the forms in which a mistyped one is looked for; made when the first is met.
struct Guesser {
    line: Line,
    known: OnceCell<Vec<Known>>,
}

struct Known {
    key: &'static str,
    letters: String,
    words: Vec<String>,
}

impl Guesser {
    /// The key of this line that was most likely meant.
    fn meant(&self, key: &str) -> Option<&'static str> {
        let all =
            || Catalogue::get().keys(self.line).map(|key| Known { key, letters: letters(key), words: words(key) });
        let known = self.known.get_or_init(|| all().collect());
        let (letters, words) = (letters(key), words(key));
        let by_letters = || known.iter().find(|known| known.letters == letters).map(|known| known.key);
        let by_words = || known.iter().find(|known| known.words == words).map(|known| known.key);
        // A key that lost the words at its front.
        let by_end = || {
            let mut ends = known.iter().filter(|known| known.key.ends_with(key) && known.key.len() > key.len());
            ends.next().filter(|_| key.contains('.') && ends.next().is_none()).map(|known| known.key)
        };
        let by_spelling = || nearest(key, known.iter().map(|known| known.key).filter(|known| alike(key, known)));
        by_letters().or_else(by_words).or_else(by_end).or_else(by_spelling)
    }
}

fn letters(key: &str) -> String {
    key.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

fn words(key: &str) -> Vec<String> {
    let mut words: Vec<String> = key.to_lowercase().split(['.', '-', '_']).map(str::to_owned).collect();
    words.sort();
    words
}

/// Whether two keys have the same number of words, each almost spelled alike, and not all of them otherwise.
fn alike(key: &str, known: &str) -> bool {
    if key.len().abs_diff(known.len()) > known.len() / 3 + 1 || key.len() > 200 {
        return false;
    }
    let same = key.split('.').zip(known.split('.')).filter(|(word, other)| word == other).count();
    let close = |(word, other): (&str, &str)| word == other || nearest(word, [other]).is_some();
    let many = key.split('.').count();
    many == known.split('.').count() && (same > 0 || many == 1) && key.split('.').zip(known.split('.')).all(close)
}
