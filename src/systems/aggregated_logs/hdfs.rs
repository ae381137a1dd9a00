//! Where the gathered logs of an application lie in HDFS, and reading parts of them as somebody.
//! Folders differ by version and format of YARN: all that its user has are looked at.
//! Not here: what is in the files.

use super::source::{Allowance, wrong};
use super::{Entry, Piece, Source, Wanted, har};
use crate::webhdfs::{self, WebHdfs};
use std::io;
use std::sync::Arc;
use words::ids::ApplicationId;

/// Hadoop makes one archive of an application's logs.
const MOST_ARCHIVES: usize = 16;
/// A user has one folder for each format and version of YARN.
const MOST_FOLDERS: usize = 16;
/// Files of one application: nodes, and times that each gathered.
const MOST_FILES: usize = 2000;

/// Why gathered logs cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// HDFS does not say what is there.
    #[error("cannot look for the logs of {application} in HDFS")]
    Find { application: ApplicationId, source: webhdfs::Error },
    /// A file is not readable, or not what it should be.
    #[error("cannot read the logs in {path}")]
    Read { path: String, source: io::Error },
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// Files that are whole, the newest of each node last.
    pub files: Vec<Gathered>,
    /// Whether a node is writing one now.
    pub is_growing: bool,
    /// Archives of Hadoop (`mapred archive-logs`) that cannot be read.
    pub closed: Vec<Error>,
}

/// A file of gathered logs.
#[derive(Debug, Clone)]
pub struct Gathered {
    hdfs: WebHdfs,
    path: String,
    /// Where it begins there: in an archive files lie one after the other.
    from: u64,
    length: u64,
    /// What all that were found together may be read within.
    within: Arc<Allowance>,
}

impl Found {
    /// Those of an application, below the folder of YARN's logs (`yarn.nodemanager.remote-app-log-dir`).
    pub fn of(hdfs: &WebHdfs, folder: &str, owner: &str, application: &ApplicationId) -> Result<Found, Error> {
        let failed = |source| Error::Find { application: application.clone(), source };
        let folder = format!("{folder}/{owner}");
        let kinds = hdfs.list(&folder).map_err(failed)?.unwrap_or_default();
        let (mut found, within, mut archives) = (Found::default(), Arc::<Allowance>::default(), 0);
        for kind in kinds.iter().filter(|kind| kind.is_folder()).take(MOST_FOLDERS) {
            let kind = &kind.path_suffix;
            // Since 3.3 there is a folder between: the last four digits.
            let path = match kind.strip_prefix("bucket-") {
                Some(_) => format!("{folder}/{kind}/{:04}/{application}", application.number() % 10_000),
                None => format!("{folder}/{kind}/{application}"),
            };
            for file in hdfs.list(&path).map_err(failed)?.unwrap_or_default().into_iter().take(MOST_FILES) {
                let name = &file.path_suffix;
                // A TFile that is being written, and what stands beside an indexed file while it is.
                if name.ends_with(".tmp") || name.ends_with("-checksum") {
                    found.is_growing = true;
                } else if file.is_folder() && name.ends_with(".har") && archives < MOST_ARCHIVES {
                    archives += 1;
                    found.open(hdfs, format!("{path}/{name}"), &within);
                } else if !file.is_folder() && file.length > 0 && found.files.len() < MOST_FILES {
                    let (hdfs, path, length) = (hdfs.clone(), format!("{path}/{name}"), file.length);
                    found.files.push(Gathered { hdfs, path, from: 0, length, within: within.clone() });
                }
            }
        }
        Ok(found)
    }

    /// Adds what is in an archive, or why that is not known.
    fn open(&mut self, hdfs: &WebHdfs, archive: String, within: &Arc<Allowance>) {
        let read = |name: &str, limit| {
            within.fetch(limit)?;
            let bytes = hdfs.read(&format!("{archive}/{name}"), limit).map_err(io::Error::other)?;
            bytes.ok_or_else(|| wrong("its list is missing"))
        };
        let master = read(har::MASTER, har::LONGEST_MASTER);
        let list = master.and_then(|master| har::files(&master, &read(har::INDEX, har::LONGEST_INDEX)?));
        let list = match list {
            Ok(list) => list,
            Err(source) => return self.closed.push(Error::Read { path: archive, source }),
        };
        let is_whole = |file: &har::Packed| !file.place.is_empty() && !file.name.ends_with(".tmp");
        for file in list.into_iter().filter(is_whole).take(MOST_FILES - self.files.len().min(MOST_FILES)) {
            let (path, from) = (format!("{archive}/{}", file.part), file.place.start);
            let (hdfs, length, within) = (hdfs.clone(), file.place.end - from, within.clone());
            self.files.push(Gathered { hdfs, path, from, length, within });
        }
    }
}

impl Gathered {
    /// Gives what is wanted of the logs in it.
    pub fn read(&self, wanted: &mut Wanted<'_>) -> Result<Vec<Piece>, Error> {
        super::read_within(self, &self.within, wanted).map_err(|source| Error::Read { path: self.path.clone(), source })
    }

    /// The logs in it.
    pub fn list(&self) -> Result<Vec<Entry>, Error> {
        super::list_within(self, &self.within).map_err(|source| Error::Read { path: self.path.clone(), source })
    }
}

impl Source for Gathered {
    fn length(&self) -> u64 {
        self.length
    }

    fn part(&self, offset: u64, length: u64) -> io::Result<Vec<u8>> {
        let length = length.min(self.length.saturating_sub(offset));
        let part = self.hdfs.part(&self.path, self.from.saturating_add(offset), length).map_err(io::Error::other)?;
        part.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "it is not there any more"))
    }
}
