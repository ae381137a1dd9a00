//! Assemblies: archives and folders made out of locked parts. The same parts in the same way give the same bytes.
//! All members first, each place once; then the result is written in its form.
//! Not here: which parts exist, or where the result is published.

use super::lock::{Artifact, Lock};
use super::manifest::{Assembly, Form, Take};
use super::store::{self, Store};
use members::Members;
use std::fs::{self, File};
use std::io::{self, Write};
use systems::download::Expected;
use words::digest::Sha256;
use words::names::{BadName, SafePath, Word};

mod gzip;
mod members;
mod part;
#[cfg(test)]
mod tests;
mod write;

/// Part of every recipe: change it when the way of assembling changes.
const METHOD: &str = "assembly 3";

/// Why an assembly could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The lock has nothing for a part.
    #[error("the assembly `{assembly}` takes from `{part}`, for which the lock has nothing; run `pnda mirror lock`")]
    NoPart { assembly: Word, part: Word },
    /// A part cannot be read.
    #[error("cannot unpack {part}")]
    Part { part: SafePath, source: io::Error },
    /// A part has a name that would leave the folder.
    #[error("{part} has a member that cannot be unpacked")]
    Member { part: SafePath, source: BadName },
    /// A part has a member that no part of ours needs.
    #[error("{part} is refused: `{member}` {why}")]
    Refused { part: SafePath, member: String, why: &'static str },
    /// A part is larger than anything sensible.
    #[error("{part} is refused: it unpacks to more than {limit} {of}")]
    Bomb { part: SafePath, limit: u64, of: &'static str },
    /// A take finds nothing: most likely a new release has moved it.
    #[error("the assembly `{assembly}` takes `{members}` from {part}, which has no such members")]
    Nothing { assembly: Word, part: SafePath, members: String },
    /// One place is to be two things.
    #[error("the assembly `{assembly}` gets `{member}` twice, with different bytes")]
    Twice { assembly: Word, member: SafePath },
    /// One place is to be a folder and something else.
    #[error("the assembly `{assembly}` gets `{member}`, which lies inside something that is no folder")]
    Inside { assembly: Word, member: SafePath },
    /// The result cannot be written.
    #[error("cannot write the assembly `{assembly}`")]
    Write { assembly: Word, source: io::Error },
    /// The store failed.
    #[error("the assembly `{assembly}` cannot be kept")]
    Store { assembly: Word, source: store::Error },
}

/// What an assembly came to; its bytes are in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Made {
    /// One archive.
    Archive(Expected),
    /// Files of the mirror, below the assembly's path.
    Folder(Vec<Placed>),
}

/// A file of an assembly that is a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Its path below the assembly's.
    pub path: SafePath,
    /// Its bytes in the store.
    pub kept: Expected,
    /// Whether it can be run.
    pub executable: bool,
}

/// Makes an assembly, or finds that it was made before.
pub fn assemble(name: &Word, assembly: &Assembly, lock: &Lock, store: &Store) -> Result<Made, Error> {
    let recipe = recipe(name, assembly, lock)?;
    if let Some(made) = store.assembled(recipe).and_then(|made| remembered(assembly, made, store)) {
        return Ok(made);
    }
    let kept = |source| Error::Store { assembly: name.clone(), source };
    let mut members = Members::new(name, store.scratch().map_err(kept)?.into_file());
    for take in &assembly.takes {
        for artifact in parts(name, take, lock)? {
            members.take(take, artifact, store)?;
        }
    }
    for (path, text) in &assembly.files {
        members.add(&assembly.path, path.to_string(), &mut text.as_bytes())?;
    }
    members.fit(assembly)?;
    let (made, remember) = match assembly.form {
        Form::TarGz => archive(name, store, |file| write::tar_gz(&members, assembly, file))?,
        Form::Zip => archive(name, store, |file| write::zip(&members, assembly, file))?,
        Form::Folder => {
            let placed = write::folder(name, &members, assembly, store)?;
            let list: String = placed.iter().map(Placed::line).collect();
            let (_, listed) = archive(name, store, |mut file| file.write_all(list.as_bytes()))?;
            (Made::Folder(placed), listed)
        }
    };
    store.remember(recipe, remember).map_err(kept)?;
    Ok(made)
}

/// Writes one file and takes it into the store.
fn archive(name: &Word, store: &Store, write: impl FnOnce(&File) -> io::Result<()>) -> Result<(Made, Expected), Error> {
    let written = |source| Error::Write { assembly: name.clone(), source };
    let kept = |source| Error::Store { assembly: name.clone(), source };
    let scratch = store.scratch().map_err(kept)?;
    write(scratch.as_file()).map_err(written)?;
    let (_, path) = scratch.keep().map_err(|error| written(error.error))?;
    let made = store.keep(&path).map_err(kept)?;
    Ok((Made::Archive(made), made))
}

/// What was made before, if all of it is still there. Of a folder the list of its files is remembered.
fn remembered(assembly: &Assembly, made: Expected, store: &Store) -> Option<Made> {
    if assembly.form != Form::Folder {
        return Some(Made::Archive(made));
    }
    let list = fs::read_to_string(store.path(made.sha256)).ok()?;
    let placed = list.lines().map(Placed::read).collect::<Option<Vec<_>>>()?;
    placed.iter().all(|file| store.has(file.kept)).then_some(Made::Folder(placed))
}

impl Placed {
    fn line(&self) -> String {
        let mode = if self.executable { 'x' } else { '-' };
        format!("{} {} {mode} {}\n", self.kept.sha256, self.kept.size, self.path)
    }

    fn read(line: &str) -> Option<Placed> {
        let mut words = line.splitn(4, ' ');
        let sha256 = words.next()?.parse().ok()?;
        let size = words.next()?.parse().ok()?;
        let executable = words.next()? == "x";
        Some(Placed { path: SafePath::new(words.next()?).ok()?, kept: Expected { size, sha256 }, executable })
    }
}

/// The digest of everything that decides the result.
fn recipe(name: &Word, assembly: &Assembly, lock: &Lock) -> Result<Sha256, Error> {
    use std::fmt::Write as _;
    let mut text = format!(
        "{METHOD}\nform {:?}\nexecutable {:?}\nlinks {:?}\nfiles {:?}\n",
        assembly.form, assembly.executable, assembly.links, assembly.files
    );
    for take in &assembly.takes {
        let _ = writeln!(text, "take {:?} {:?} {:?}", take.members, take.into, take.except);
        for artifact in parts(name, take, lock)? {
            let _ = writeln!(text, "part {} {}", artifact.address.file_name(), artifact.sha256);
        }
    }
    Ok(Sha256::of(text.as_bytes()))
}

fn parts<'a>(name: &Word, take: &'a Take, lock: &'a Lock) -> Result<Vec<&'a Artifact>, Error> {
    let beside = |artifact: &&Artifact| artifact.is_signature() || artifact.address.as_str().ends_with(".pom");
    let parts: Vec<&Artifact> = lock.wanted_by(&take.from).filter(|artifact| !beside(artifact)).collect();
    if parts.is_empty() {
        return Err(Error::NoPart { assembly: name.clone(), part: take.from.clone() });
    }
    Ok(parts)
}
