//! Uploads of packages: each user has a share of the node's disk, of which uploads under way are part.
//! What a package takes counts for whoever brought it first, until it is deleted.
//! Not here: taking the bytes in (`package::repository`).

use super::{Manager, lock};
use crate::callbacks;
use crate::orders::Caller;
use crate::package::repository::{Error, Stored};
use std::io::Read;
use words::names::{PackageName, Word};

/// Room that an upload under way holds, until this is dropped.
struct Held<'a> {
    manager: &'a Manager,
    by: &'a Word,
    bytes: u64,
}

impl Manager {
    /// Takes a package into the repository, within its uploader's share.
    pub fn receive(
        &self,
        name: &PackageName,
        by: &Caller,
        bytes: impl Read,
        length: Option<u64>,
    ) -> Result<Stored, Error> {
        let held = self.hold(name, &by.name, length)?;
        let repository = self.repository.clone().with_largest(held.bytes);
        let stored = repository.receive(name, bytes, length).map_err(|error| match error {
            // Nothing was announced, and more came than there is room for.
            Error::TooLarge { name, limit } if length.is_none() && limit < self.repository.largest() => {
                Error::NoShare { name, most: self.share.uploads }
            }
            other => other,
        })?;
        self.repository.note_uploader(name, &by.name)?;
        self.call_back([callbacks::in_repository(name, true)]);
        Ok(stored)
    }

    /// As much as was announced, or all that is left.
    fn hold<'a>(&'a self, name: &PackageName, by: &'a Word, length: Option<u64>) -> Result<Held<'a>, Error> {
        let mut uploading = lock(&self.uploading);
        let there = self.repository.held_by(by)? + uploading.get(by).copied().unwrap_or_default();
        let left = self.share.uploads.saturating_sub(there);
        let bytes = length.unwrap_or(left);
        if left == 0 || bytes > left {
            return Err(Error::NoShare { name: name.clone(), most: self.share.uploads });
        }
        *uploading.entry(by.clone()).or_default() += bytes;
        Ok(Held { manager: self, by, bytes })
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let mut uploading = lock(&self.manager.uploading);
        if let Some(bytes) = uploading.get_mut(self.by) {
            *bytes = bytes.saturating_sub(self.bytes);
        }
        uploading.retain(|_, bytes| *bytes > 0);
    }
}
