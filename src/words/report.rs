//! What an install, or another run on a node, did or would do: the answer that crosses to those who drive many nodes.
//! A versioned document: people read `what` and `change`, programs read `kind` and `effect` and nothing else.
//! Not here: how it comes about, and how it is printed.

use crate::names::Word;
use crate::shown::{lines, shown};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// The format that is written, and the only one that is read.
pub const FORMAT: u32 = 1;

/// What happened on a node, or would.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The document's format: 1.
    pub format: u32,
    /// The node.
    pub node: Word,
    /// The mirror's generation.
    pub generation: u64,
    /// Nothing was to be done if there are none.
    pub steps: Vec<Line>,
    /// Worth knowing.
    pub notes: Vec<String>,
    /// Commands that the caller runs: in a user's folder there is no systemd.
    pub commands: Vec<Vec<String>>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// What kind of thing it is about.
    pub kind: Kind,
    /// Its path or name.
    pub what: String,
    /// What happens to it, for programs.
    pub effect: Effect,
    /// What happens to it, for people.
    pub change: String,
    /// How what was changed by hand differs from what is placed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff: Option<String>,
}

/// A kind of thing on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// What an interrupted run left.
    Journal,
    /// The node as a whole.
    Node,
    /// A system user.
    User,
    /// A folder.
    Folder,
    /// An unpacked archive.
    Archive,
    /// A file.
    File,
    /// A symbolic link.
    Link,
    /// A path of an earlier install.
    Path,
    /// systemd's own state.
    Systemd,
    /// Something that is prepared once.
    Once,
    /// A service.
    Service,
    /// A folder of HDFS.
    Hdfs,
    /// Data that is purged.
    Data,
}

/// What happens to a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// It is new.
    Create,
    /// It is another one, or has other rights.
    Change,
    /// It goes.
    Remove,
    /// It is no longer used and stays for a rollback.
    Keep,
    /// It is undone or finished.
    Recover,
    /// It is read again.
    Reload,
    /// It is prepared.
    Prepare,
    /// It starts with the machine from now on.
    Enable,
    /// It is started.
    Start,
    /// It was running and is started again.
    Restart,
    /// It is stopped for good.
    Stop,
    /// It is waited for.
    Await,
    /// It is not as it was installed; nothing is done about it.
    Differ,
}

impl Effect {
    /// Whether those who use a service notice.
    pub fn disturbs(self) -> bool {
        matches!(self, Effect::Restart | Effect::Stop)
    }
}

/// Why an answer is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is no report in this or another format.
    #[error("the answer is no report of an install")]
    Json(#[from] serde_json::Error),
    /// It is a report of another release.
    #[error(
        "the answer has format {0} and format {FORMAT} is read: drive the nodes with the `pnda` of the same release as \
         the mirror's `pnda-agent`"
    )]
    Format(u32),
}

impl Report {
    /// Reads an answer, of which nothing is obeyed by a terminal.
    pub fn read(text: &str) -> Result<Report, ReadError> {
        #[derive(Deserialize)]
        struct Head {
            #[serde(default)]
            format: u32,
        }
        let head: Head = serde_json::from_str(text)?;
        if head.format != FORMAT {
            return Err(ReadError::Format(head.format));
        }
        let mut report: Report = serde_json::from_str(text)?;
        report.be_marks();
        Ok(report)
    }

    /// What another machine says is held to what `Line::new` holds ours to: a text is one line, and a difference is lines.
    fn be_marks(&mut self) {
        let mark = |text: &mut String| *text = shown(text).to_string();
        for line in &mut self.steps {
            mark(&mut line.what);
            mark(&mut line.change);
            line.diff = line.diff.as_deref().map(|diff| lines(diff).to_string());
        }
        self.notes.iter_mut().chain(self.commands.iter_mut().flatten()).for_each(mark);
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The services whose users notice, sorted.
    pub fn disturbed(&self) -> Vec<String> {
        let disturbs = |line: &&Line| line.kind == Kind::Service && line.effect.disturbs();
        let names: BTreeSet<&String> = self.steps.iter().filter(disturbs).map(|line| &line.what).collect();
        names.into_iter().cloned().collect()
    }
}

impl Line {
    /// One step, without a difference. Names on a disk are others' to choose: none of them makes a second line.
    pub fn new(kind: Kind, what: impl AsRef<str>, effect: Effect, change: impl AsRef<str>) -> Line {
        let (what, change) = (shown(what.as_ref()).to_string(), shown(change.as_ref()).to_string());
        Line { kind, what, effect, change, diff: None }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Kind::Journal => "journal",
            Kind::Node => "node",
            Kind::User => "user",
            Kind::Folder => "folder",
            Kind::Archive => "archive",
            Kind::File => "file",
            Kind::Link => "link",
            Kind::Path => "path",
            Kind::Systemd => "systemd",
            Kind::Once => "once",
            Kind::Service => "service",
            Kind::Hdfs => "hdfs",
            Kind::Data => "data",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written once for this format; a change of what it says is a new format.
    const FROZEN: &str = include_str!("../../tests/fixtures/formats/install-report-1.json");

    #[test]
    fn a_frozen_report_is_read_and_written_as_it_is() {
        let report = Report::read(FROZEN).unwrap();
        assert_eq!(report.disturbed(), ["hdfs-datanode", "old"]);
        assert_eq!(serde_json::to_string_pretty(&report).unwrap(), FROZEN.trim_end());
    }

    #[test]
    fn a_report_of_another_format_is_refused_with_the_remedy() {
        for (text, says) in [
            (FROZEN.replacen("\"format\": 1", "\"format\": 2", 1), "the answer has format 2"),
            (FROZEN.replacen("\"format\": 1,", "", 1), "the answer has format 0"),
            ("<html>".to_owned(), "no report of an install"),
        ] {
            let error = Report::read(&text).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn a_report_of_others_is_marks_like_one_that_is_made_here() {
        let evil = "a\u{1b}]0;x\u{7}\u{202e}\r\npnda: all is well";
        let mut report = Report::read(FROZEN).unwrap();
        for line in &mut report.steps {
            (line.what, line.change, line.diff) = (evil.to_owned(), evil.to_owned(), Some(evil.to_owned()));
        }
        (report.notes, report.commands) = (vec![evil.to_owned()], vec![vec![evil.to_owned()]]);
        let read = Report::read(&serde_json::to_string(&report).unwrap()).unwrap();
        let marks = shown(evil).to_string();
        for line in &read.steps {
            assert_eq!((&line.what, &line.change), (&marks, &marks));
            assert_eq!(line.diff.as_deref(), Some("a\\u{1b}]0;x\\u{7}\\u{202e}\\r\npnda: all is well"));
        }
        assert_eq!((&read.notes, &read.commands), (&vec![marks.clone()], &vec![vec![marks]]));
        assert_eq!(Report::read(&serde_json::to_string(&read).unwrap()).unwrap(), read);
    }
}
