//! Puts a generation in its place: beside the others, complete, signed and durable, then one rename, then the switch.
//! A reader sees the old generation or the new one; a run that is killed leaves the current one as it was.
//! Not here: where the files come from.

use super::{Error, FOLDER, NEW, place, record};
use crate::keys::{self, Signer};
use disk::replace;
use std::fs::{self, File};
use std::io::{self, BufReader, Write};
use std::path::Path;
use words::generation::{Head, LIST, PUBLIC_KEY, SIGNATURE};

/// Why a generation is not in its place; the current one is as it was.
#[derive(Debug, thiserror::Error)]
pub enum Unplaced<E: std::error::Error + 'static> {
    /// A folder or link of the mirror failed.
    #[error(transparent)]
    Mirror(#[from] Error),
    /// The list cannot be signed.
    #[error("cannot sign the list of generation {number}")]
    Sign { number: u64, source: keys::Error },
    /// Its files cannot be put there.
    #[error("cannot write generation {number}")]
    Fill { number: u64, source: E },
}

/// A generation that is to be placed.
pub struct Staged<'a> {
    /// Its number, and the digest of its lock.
    pub head: Head,
    /// The generation whose content it has, if it is published to go back to it.
    pub content_of: Option<u64>,
    /// Writes its list.
    pub list: &'a dyn Fn(&mut dyn Write) -> io::Result<()>,
}

/// Places a generation whose files `fill` writes into a folder; they must be durable when it returns.
pub fn stage<E: std::error::Error + 'static>(
    mirror: &Path,
    generation: &Staged<'_>,
    signer: &Signer,
    fill: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<(), Unplaced<E>> {
    let (number, content_of) = (generation.head.number, generation.content_of);
    super::make(mirror)?;
    super::sweep(mirror)?;
    let generations = mirror.join(FOLDER);
    let staged = generations.join(format!("{NEW}{number}"));
    fs::create_dir(&staged).map_err(Error::of("make", &staged))?;
    let filled = sign(&staged, generation, signer)
        .and_then(|()| fill(&staged).map_err(|source| Unplaced::Fill { number, source }));
    if let Err(error) = filled {
        super::remove_all(&staged)?;
        return Err(error);
    }
    let folder = place(mirror, number);
    replace::rename(&staged, &folder).map_err(Error::of("place", &folder))?;
    let known = record::Record { published: Some(record::now()), content_of, ..record::Record::default() };
    record::write(mirror, number, &known)?;
    Ok(switch(mirror, number)?)
}

fn sign<E: std::error::Error + 'static>(
    folder: &Path,
    generation: &Staged<'_>,
    signer: &Signer,
) -> Result<(), Unplaced<E>> {
    let (number, list) = (generation.head.number, folder.join(LIST));
    replace::replace_by(&list, generation.list).map_err(Error::of("write", &list))?;
    let text = File::open(&list).map_err(Error::of("read", &list))?;
    let signature = signer.sign(BufReader::new(text), &format!("pnda mirror, generation {number}"));
    let signature = signature.map_err(|source| Unplaced::Sign { number, source })?;
    for (name, bytes) in [(SIGNATURE, &signature), (PUBLIC_KEY, &signer.public_file())] {
        let path = folder.join(name);
        replace::replace(&path, bytes.as_bytes()).map_err(Error::of("write", &path))?;
    }
    Ok(())
}

/// Makes a generation that is in its place the current one.
pub fn switch(mirror: &Path, number: u64) -> Result<(), Error> {
    let current = mirror.join("current");
    let switched = replace::replace_link(&current, &format!("{FOLDER}/{number}"), &mirror.join(".current"));
    switched.map_err(Error::of("switch", &current))
}
