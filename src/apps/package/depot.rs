//! Packages in HDFS, in a folder of the manager's own: what was deployed lies there by name and digest, so that any edge has it.
//! A file gets its name when it is whole; what comes from there is held against its digest.
//! Not here: which packages are deployed, and the copies on a node (`repository`).

use super::mirror::Held;
use super::repository::{self, Repository, Stored};
use crate::journal::{Package, fresh_id};
use std::fs::File;
use systems::webhdfs::{self, Status, WebHdfs};
use words::digest::Sha256;
use words::names::PackageName;

const END: &str = ".tar.gz";
/// What an upload that was killed left is removed after so long, whatever the clocks say of each other.
const ABANDONED_MS: u64 = 24 * 60 * 60 * 1000;

/// Why a package did not go to HDFS, or did not come from there.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// HDFS takes it not, or does not tell.
    #[error("HDFS does not keep the package `{name}`")]
    Hdfs { name: PackageName, source: webhdfs::Error },
    /// HDFS does not tell what is there.
    #[error("HDFS does not tell which packages it has")]
    List(#[source] webhdfs::Error),
    /// It is not there either.
    #[error("the package `{name}` is deployed, and neither this node nor HDFS has it: upload the same file again")]
    Nowhere { name: PackageName },
    /// This node's repository.
    #[error(transparent)]
    Repository(#[from] repository::Error),
}

impl Error {
    /// Whether it may be otherwise in a moment.
    pub fn is_passing(&self) -> bool {
        match self {
            Error::Hdfs { .. } | Error::List(_) => true,
            Error::Nowhere { .. } => false,
            // Another one brings the same package, and took this one's away.
            Error::Repository(error) => error.is_passing() || error.is_missing(),
        }
    }
}

/// The folder.
pub struct Depot<'a> {
    /// As the manager's own user.
    pub hdfs: &'a WebHdfs,
    /// Its path.
    pub folder: String,
}

impl Depot<'_> {
    /// The name of a package's file: two contents of one name never meet.
    pub fn file_name(name: &PackageName, digest: Sha256) -> String {
        format!("{name}.{digest}{END}")
    }

    fn place(&self, name: &PackageName, digest: Sha256) -> String {
        format!("{}/{}", self.folder, Depot::file_name(name, digest))
    }

    /// Brings a package there, unless it is there.
    pub fn put(&self, name: &PackageName, stored: &Stored, mut bytes: File) -> Result<(), Error> {
        let failed = |source| Error::Hdfs { name: name.clone(), source };
        let place = self.place(name, stored.digest);
        if self.hdfs.status(&place).map_err(failed)?.is_some() {
            return Ok(());
        }
        self.hdfs.make_folder(&self.folder, "700").map_err(failed)?;
        let beside = format!("{}/.{}", self.folder, fresh_id());
        let written = self.hdfs.write(&beside, "600", stored.size, &mut bytes);
        match written.and_then(|()| self.hdfs.rename_to_free(&beside, &place)) {
            Ok(()) => Ok(()),
            Err(error) => {
                // What cannot be removed now goes later.
                let _ = self.hdfs.delete(&beside);
                if matches!(error, webhdfs::Error::Exists { .. }) { Ok(()) } else { Err(failed(error)) }
            }
        }
    }

    /// Brings a package from there into the repository, where it takes the place of another one of its name.
    pub fn bring(&self, name: &PackageName, deployed: &Package, repository: &Repository) -> Result<Stored, Error> {
        let failed = |source| Error::Hdfs { name: name.clone(), source };
        let bytes = self.hdfs.open(&self.place(name, deployed.sha256)).map_err(failed)?;
        let bytes = bytes.ok_or_else(|| Error::Nowhere { name: name.clone() })?;
        match repository.delete(name) {
            Err(error) if !error.is_missing() => return Err(error.into()),
            _ => {}
        }
        let held = Held::against((deployed.sha256, deployed.size), "the journal", bytes);
        let stored = repository.receive(name, held, Some(deployed.size))?;
        repository.note_uploader(name, &deployed.owner)?;
        Ok(stored)
    }

    /// What is there.
    pub fn list(&self) -> Result<Vec<Status>, Error> {
        Ok(self.hdfs.list(&self.folder).map_err(Error::List)?.unwrap_or_default())
    }

    /// The names of those that `is_wanted` does not want, and of what was left of uploads.
    pub fn unwanted(listed: &[Status], now_ms: u64, is_wanted: impl Fn(&str) -> bool) -> Vec<&str> {
        let is_gone = |one: &&Status| match one.path_suffix.starts_with('.') {
            true => one.modification_time.saturating_add(ABANDONED_MS) < now_ms,
            false => !is_wanted(&one.path_suffix),
        };
        listed.iter().filter(is_gone).map(|one| one.path_suffix.as_str()).collect()
    }

    /// Removes a file.
    pub fn remove(&self, name: &str) -> Result<(), Error> {
        self.hdfs.delete(&format!("{}/{name}", self.folder)).map_err(Error::List)
    }
}
