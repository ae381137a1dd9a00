//! Where the gathered logs of an application lie in HDFS, and reading parts of them as somebody.
//! Folders differ by version and format of YARN: all that its user has are looked at.
//! Not here: what is in the files.

use super::source::Allowance;
use super::{Entry, Piece, Source, Wanted};
use crate::webhdfs::{self, WebHdfs};
use std::io;
use std::sync::Arc;
use words::ids::ApplicationId;

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
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// Files that are whole, the newest of each node last.
    pub files: Vec<Gathered>,
    /// Whether a node is writing one now.
    pub is_growing: bool,
    /// Archives of Hadoop (`mapred archive-logs`), which are not read here.
    pub archives: Vec<String>,
}

/// A file of gathered logs.
#[derive(Debug, Clone)]
pub struct Gathered {
    hdfs: WebHdfs,
    path: String,
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
        let (mut found, within) = (Found::default(), Arc::<Allowance>::default());
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
                } else if file.is_folder() && name.ends_with(".har") {
                    found.archives.push(format!("{path}/{name}"));
                } else if !file.is_folder() && file.length > 0 && found.files.len() < MOST_FILES {
                    let (hdfs, path, length) = (hdfs.clone(), format!("{path}/{name}"), file.length);
                    found.files.push(Gathered { hdfs, path, length, within: within.clone() });
                }
            }
        }
        Ok(found)
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
        let part = self.hdfs.part(&self.path, offset, length).map_err(io::Error::other)?;
        part.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "it is not there any more"))
    }
}
