//! The reader's own file, `/etc/pnda/logs/jobs.toml` or `services.toml`: which logs are read, and where they wait.
//! Every mistake is told at once, with its line.
//! Not here: where records are sent.

use super::glob::{Glob, Name};
use super::record;
use crate::config_file::{self, Error};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use words::document::{self, Table};
use words::names::{NodePath, Word};
use words::problem::{Problems, Source as Text};
use words::size::Size;

/// The folders of one base that are looked at in one go, and the files in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) tag: String,
    pub(super) base: PathBuf,
    pub(super) folders: Vec<Name>,
    pub(super) files: Vec<Name>,
}

/// The whole file, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    pub(super) node: String,
    pub(super) folder: PathBuf,
    pub(super) shipper: PathBuf,
    pub(super) queue: u64,
    pub(super) record: usize,
    pub(super) sources: Vec<Source>,
}

/// Reads and checks the file.
pub fn read(file: &Path) -> Result<Config, Error> {
    config_file::read("the log reader's configuration", file, config)
}

/// Checks a text.
pub fn parse(text: Text<'_>) -> Result<Config, Problems> {
    document::read(text, config)
}

fn config(table: &mut Table<'_>) -> Option<Config> {
    let node = table.parsed("node", "worker", Word::new);
    let folder = table.parsed("folder", "/var/lib/pnda/log-reader/jobs", NodePath::new);
    let shipper = table.parsed("shipper", "/var/lib/pnda/log-shipper", NodePath::new);
    let queue = table.parsed("queue", "1g", |text| within(&text, 1 << 20..=u64::MAX));
    // What is longer than a log server takes would be sent for ever.
    let longest = table.parsed("record", "256k", |text| within(&text, 2 * record::FIELDS as u64..=1 << 20));
    let mut sources = Vec::new();
    for (tag, globs) in table.tables("source", source) {
        for glob in globs {
            add(&mut sources, tag.as_ref()?, glob?);
        }
    }
    Some(Config {
        node: node?.to_string(),
        folder: folder?.as_str().into(),
        shipper: shipper?.as_str().into(),
        queue: queue?,
        record: usize::try_from(longest?).ok()?,
        sources,
    })
}

fn source(table: &mut Table<'_>) -> (Option<Word>, Vec<Option<Glob>>) {
    let tag = table.parsed("tag", "yarn", Word::new);
    let example = "/var/log/pnda/kafka/*.log";
    let paths = table.required_list("paths", example);
    (tag, paths.iter().map(|path| table.check(path, example, |text| Glob::parse(&text))).collect())
}

/// Patterns of files in the same folders are one look.
fn add(sources: &mut Vec<Source>, tag: &Word, glob: Glob) {
    let same =
        |source: &&mut Source| source.tag == tag.as_str() && source.base == glob.base && source.folders == glob.folders;
    match sources.iter_mut().find(same) {
        Some(source) => source.files.push(glob.file),
        None => sources.push(Source {
            tag: tag.to_string(),
            base: glob.base,
            folders: glob.folders,
            files: vec![glob.file],
        }),
    }
}

fn within(text: &str, bounds: RangeInclusive<u64>) -> Result<u64, String> {
    let Size(bytes) = text.parse().map_err(|error: words::size::NotASize| error.to_string())?;
    if bounds.contains(&bytes) {
        return Ok(bytes);
    }
    let [least, most] = [*bounds.start(), *bounds.end()].map(Size);
    Err(if bytes < least.0 {
        format!("`{text}` is less than {least}")
    } else {
        format!("`{text}` is more than {most}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_and_patterns_of_the_same_folders_are_one_look() {
        let text = "node = \"worker\"\nfolder = \"/q\"\nshipper = \"/s\"\nqueue = \"1g\"\nrecord = \"256k\"\n\
                    [[source]]\ntag = \"yarn\"\npaths = [\"/l/a_*/c_*/*.log\", \"/l/a_*/c_*/stdout\", \"/l/*.log\"]\n";
        let config = parse(Text { file: "jobs.toml", text }).unwrap();
        assert_eq!((config.queue, config.record), (1 << 30, 256 << 10));
        let looks: Vec<_> = config.sources.iter().map(|one| (one.folders.len(), one.files.len())).collect();
        assert_eq!(looks, [(2, 2), (0, 1)]);
    }

    #[test]
    fn a_pipe_is_no_file_and_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("jobs.toml");
        assert!(std::process::Command::new("mkfifo").arg(&file).status().unwrap().success());
        let told = read(&file).unwrap_err();
        assert!(matches!(told, Error::Read { source, .. } if source.to_string() == "it is not a regular file"));
    }

    #[test]
    fn every_mistake_is_told_with_its_line() {
        let text = "node = \"a b\"\nfolder = \"/q\"\nshipper = \"/s\"\nqueue = \"1g\"\nrecord = \"1k\"\n\
                    [[source]]\ntag = \"yarn\"\npaths = [\"l/*.log\"]\n";
        let told = parse(Text { file: "jobs.toml", text }).unwrap_err().to_string();
        for part in ["jobs.toml:1: ", "jobs.toml:5: `1k` is less than 16", "jobs.toml:8: `l/*.log` does not"] {
            assert!(told.contains(part), "{told}");
        }
    }
}
