//! Writes the files of one component into a folder that nobody else can enter.
//! The folder is new, and so is each file in it: nothing that was there before is written to or through.
//! Not here: which package it is, and what becomes of the files.

use super::Component;
use super::archive::{Findings, Halt, LIMITS, Member, at, walk};
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use words::names::{PackageName, SafePath};
use words::problem::Problems;

/// What to do about a package that is not what it was.
const AGAIN: &str = "publish it anew under another version";

/// Why a component was not written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The archive is not what it was when it was read.
    #[error("the package `{name}` is not what it was")]
    Package { name: PackageName, source: Problems },
    /// More than was asked for.
    #[error("`{path}` is longer than {limit} bytes")]
    TooLong { path: SafePath, limit: u64 },
    /// This machine cannot keep it.
    #[error("cannot write `{}`", path.display())]
    Write { path: PathBuf, source: io::Error },
}

/// Writes the component's files below `into`, which must not exist; only its user can look into it. What was begun and
/// not finished is removed.
pub(super) fn extract(name: &PackageName, archive: impl Read, component: &Component, into: &Path) -> Result<(), Error> {
    make(into)?;
    let written = write_all(name, archive, component, into);
    if written.is_err() {
        // It is a folder of our own that nobody else could enter.
        let _ = fs::remove_dir_all(into);
    }
    written
}

fn write_all(name: &PackageName, archive: impl Read, component: &Component, into: &Path) -> Result<(), Error> {
    let mut found = 0;
    each(name, archive, component, |inner, bytes| {
        found += 1;
        write(inner, bytes, into)
    })?;
    match found == component.files.len() {
        true => Ok(()),
        false => Err(not_there(name, component)),
    }
}

/// The bytes of one file of a component, at most `limit`.
pub(super) fn file(
    name: &PackageName,
    archive: impl Read,
    component: &Component,
    path: &SafePath,
    limit: u64,
) -> Result<Vec<u8>, Error> {
    let mut content = None;
    each(name, archive, component, |inner, bytes| {
        if inner == path {
            let mut all = Vec::new();
            bytes.take(limit).read_to_end(&mut all).map_err(Halt::Archive)?;
            content = Some(all);
        }
        Ok(())
    })?;
    let content = content.ok_or_else(|| not_there(name, component))?;
    match component.files.get(path).is_some_and(|size| *size == content.len() as u64) {
        true => Ok(content),
        false => Err(Error::TooLong { path: path.clone(), limit }),
    }
}

/// Each file of a component. It has the length that was seen when the package was read.
fn each(
    name: &PackageName,
    archive: impl Read,
    component: &Component,
    mut take: impl FnMut(&SafePath, &mut dyn Read) -> Result<(), Halt<Error>>,
) -> Result<(), Error> {
    let mut findings = Findings::default();
    let prefix = format!("{}/{}/", component.written, component.name);
    walk(name, archive, LIMITS, &mut findings, |path, member, _| {
        let inner = path.as_str().strip_prefix(&prefix).and_then(|inner| SafePath::new(inner).ok());
        match (inner, member) {
            (Some(inner), Member::File(size, bytes)) if component.files.get(&inner) == Some(&size) => {
                take(&inner, bytes)
            }
            _ => Ok(()),
        }
    })?;
    findings.problems.into_result(()).map_err(|source| Error::Package { name: name.clone(), source })
}

fn not_there(name: &PackageName, component: &Component) -> Error {
    let place = at(&format!("{name}/{}/{}", component.written, component.name));
    let problem = place.problem("the component has not the files that it had", AGAIN);
    Error::Package { name: name.clone(), source: problem.into() }
}

fn make(folder: &Path) -> Result<(), Error> {
    let made = DirBuilder::new().mode(0o700).create(folder);
    made.map_err(|source| Error::Write { path: folder.to_owned(), source })
}

fn write(inner: &SafePath, bytes: &mut dyn Read, into: &Path) -> Result<(), Halt<Error>> {
    for parent in inner.parents().map(|parent| parent.under(into)) {
        match make(&parent) {
            Err(Error::Write { source, .. }) if source.kind() == io::ErrorKind::AlreadyExists => {}
            made => made.map_err(Halt::Other)?,
        }
    }
    let path = inner.under(into);
    let failed = |source| Halt::Other(Error::Write { path: path.clone(), source });
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(failed)?;
    let mut buffer = vec![0; 128 << 10];
    loop {
        match bytes.read(&mut buffer).map_err(Halt::Archive)? {
            0 => return Ok(()),
            count => file.write_all(&buffer[..count]).map_err(failed)?,
        }
    }
}
