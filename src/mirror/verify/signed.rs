//! The signed list of a folder, gone through as often as needed and never held: each time its signature must hold.
//! A list in another form than ours is read whole, by the reader that knows all of TOML.
//! Not here: what is made of it.

use super::Error;
use disk::regular::{self, Links};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use words::generation::{Generation, Head, LIST, Listed, PUBLIC_KEY, SIGNATURE, scan_signed};
use words::names::SafePath;

/// A list whose signature was found to hold.
pub(super) struct SignedList {
    folder: PathBuf,
    key: String,
    signature: String,
    /// The list, where it is in another form.
    other: Option<Generation>,
}

impl SignedList {
    /// The list of a folder, signed by a key; without one by the key that lies beside it.
    pub(super) fn open(folder: &Path, public_key: Option<&str>) -> Result<SignedList, Error> {
        let read = |name: &str| {
            let path = folder.join(name);
            regular::read_text(&path).map_err(|source| Error::Read { path, source })
        };
        let key = public_key.map_or_else(|| read(PUBLIC_KEY), |key| Ok(key.to_owned()))?;
        let list = SignedList { folder: folder.to_owned(), key, signature: read(SIGNATURE)?, other: None };
        if list.scan(&mut |_, _| {})?.is_some() {
            return Ok(list);
        }
        let verified = Generation::verify(read(LIST)?.as_bytes(), &list.signature, &list.key);
        let other = verified.map_err(|source| Error::List { path: list.folder.clone(), source })?;
        Ok(SignedList { other: Some(other), ..list })
    }

    /// Hands over every file; what was handed over counts only if this ends well.
    pub(super) fn each(&self, each: &mut dyn FnMut(SafePath, Listed)) -> Result<Head, Error> {
        if let Some(Generation { number, lock, files }) = &self.other {
            files.iter().for_each(|(path, listed)| each(path.clone(), *listed));
            return Ok(Head { number: *number, lock: *lock });
        }
        // It was there a moment ago.
        self.scan(each)?.ok_or_else(|| Error::Damaged { path: self.folder.join(LIST) })
    }

    /// Goes through the text; none if it is not as we write it, or not as it was signed.
    fn scan(&self, each: &mut dyn FnMut(SafePath, Listed)) -> Result<Option<Head>, Error> {
        let path = self.folder.join(LIST);
        let file = regular::open(&path, Links::Follow).map_err(|source| Error::Read { path, source })?;
        let scanned = scan_signed(&mut BufReader::with_capacity(1 << 16, file), &self.signature, &self.key, each);
        Ok(scanned.ok().and_then(Result::ok).flatten())
    }
}
