//! A snapshot: what follows from all records up to one, in lines, so that neither writing nor reading holds a second state.
//! The first line has the format, the last one the digest of all before it. A frozen sample is read by a test.
//! Not here: where snapshots lie, and when one is made.

use super::application::{Application, Package};
use super::cleaning::Cleaning;
use super::record::FORMAT;
use super::state::State;
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, Read};
use std::sync::Arc;
use words::digest::{Hasher, Sha256};
use words::names::{ApplicationName, PackageName};

/// No line is longer.
const LONGEST_LINE: u64 = 16 << 20;

/// What follows from the records up to one.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The nonce of the last record.
    pub nonce: String,
    /// What follows; its number is that of the last record.
    pub state: Arc<State>,
}

/// Why a snapshot cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// A later release made it.
    #[error(
        "the journal's snapshot of record {number} has format {found}, and this release reads up to {FORMAT}: install the \
         release that made it, or a newer one; nothing is lost"
    )]
    Newer { number: u64, found: u64 },
    /// Nobody made this.
    #[error("the journal's snapshot of record {number} is damaged: {why}")]
    Damaged { number: u64, why: String },
    /// Its bytes do not come.
    #[error("the journal's snapshot of record {number} breaks off")]
    Cut { number: u64, source: io::Error },
}

#[derive(Debug, Serialize, Deserialize)]
struct Head {
    format: u32,
    number: u64,
    nonce: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Line {
    Package(PackageName, Package),
    Application(ApplicationName, Box<Application>),
    /// With the number of its order.
    Cleaning(u64, Cleaning),
    /// The digest of all lines before.
    End(Sha256),
}

impl Snapshot {
    /// Its lines.
    pub fn lines(&self) -> impl Iterator<Item = String> + '_ {
        let head = Head { format: FORMAT, number: self.state.number, nonce: self.nonce.clone() };
        let packages = self.state.packages.iter().map(|(name, one)| text(&Line::Package(name.clone(), one.clone())));
        let applications = self.state.applications.iter();
        let applications =
            applications.map(|(name, one)| text(&Line::Application(name.clone(), Box::new(Application::clone(one)))));
        let cleanings = self.state.cleanings.iter();
        let cleanings = cleanings.map(|(order, one)| text(&Line::Cleaning(*order, Cleaning::clone(one))));
        let mut hasher = Some(Hasher::default());
        let all = [text(&head)].into_iter().chain(packages).chain(applications).chain(cleanings);
        let all = all.map(Some).chain([None]);
        all.filter_map(move |line| match line {
            Some(line) => {
                hasher.as_mut()?.update(line.as_bytes());
                Some(line)
            }
            None => Some(text(&Line::End(hasher.take()?.finish()))),
        })
    }

    /// Reads the snapshot of record `number`.
    pub fn read(number: u64, mut bytes: impl BufRead) -> Result<Snapshot, Unusable> {
        let mut reading = Assembly::new(number);
        loop {
            let mut line = Vec::new();
            let count = bytes.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line);
            if count.map_err(|source| Unusable::Cut { number, source })? == 0 {
                return reading.finish();
            }
            reading.take(&line)?;
        }
    }
}

fn text(line: &impl Serialize) -> String {
    serde_json::to_string(line).unwrap_or_default() + "\n"
}

/// A snapshot of which some lines were read.
pub(super) struct Assembly {
    number: u64,
    nonce: Option<String>,
    state: State,
    hasher: Option<Hasher>,
}

impl Assembly {
    pub(super) fn new(number: u64) -> Assembly {
        Assembly { number, nonce: None, state: State { number, ..State::default() }, hasher: Some(Hasher::default()) }
    }

    fn damaged(&self, why: impl ToString) -> Unusable {
        Unusable::Damaged { number: self.number, why: why.to_string() }
    }

    /// The next line.
    pub(super) fn take(&mut self, line: &[u8]) -> Result<(), Unusable> {
        if self.nonce.is_none() {
            self.nonce = Some(self.head(line)?);
        } else {
            match serde_json::from_slice(line).map_err(|error| self.damaged(error))? {
                Line::Package(name, package) => drop(self.state.packages.insert(name, package)),
                Line::Application(name, one) => drop(self.state.applications.insert(name, Arc::new(*one))),
                Line::Cleaning(order, one) => drop(self.state.cleanings.insert(order, Arc::new(one))),
                Line::End(digest) if self.hasher.take().map(Hasher::finish) == Some(digest) => return Ok(()),
                Line::End(_) => return Err(self.damaged("its digest is another one")),
            }
        }
        match &mut self.hasher {
            Some(hasher) => hasher.update(line),
            None => return Err(self.damaged("it goes on after its end")),
        }
        Ok(())
    }

    /// The first line; the format is looked at before anything else.
    fn head(&self, line: &[u8]) -> Result<String, Unusable> {
        let value: serde_json::Value = serde_json::from_slice(line).map_err(|error| self.damaged(error))?;
        let format = value.get("format").and_then(serde_json::Value::as_u64);
        match format.ok_or_else(|| self.damaged("it has no format"))? {
            found if found > u64::from(FORMAT) => return Err(Unusable::Newer { number: self.number, found }),
            _ => {}
        }
        let head: Head = serde_json::from_value(value).map_err(|error| self.damaged(error))?;
        match head.number == self.number {
            true => Ok(head.nonce),
            false => Err(self.damaged(format!("it says that it is of record {}", head.number))),
        }
    }

    /// All lines were read.
    pub(super) fn finish(self) -> Result<Snapshot, Unusable> {
        match (&self.nonce, &self.hasher) {
            (Some(nonce), None) => Ok(Snapshot { nonce: nonce.clone(), state: Arc::new(self.state) }),
            _ => Err(self.damaged("its end is missing")),
        }
    }
}
