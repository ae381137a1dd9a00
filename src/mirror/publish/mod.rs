//! From the lock to a mirror: first the whole tree as a value, then one folder, signed, switched in by one rename.
//! One file per section of the tree; `generation` is the only one that writes.
//! Not here: fetching, serving.

use super::assembly::{self, Made, Placed};
use super::lock::{Artifact, Lock, Source};
use super::manifest::{Manifest, Want};
use super::openpgp::{self, Fingerprint, Signer};
use super::resolve::apt::deb;
use super::rpm::header;
use super::sbom::{self, Roles};
use super::store::{self, Store};
use disk::regular::{self, Links};
use laying::Laying;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use systems::download::Expected;
use words::generation::{Generation, LOCK};
use words::names::{BadName, SafePath, Word};
use words::tree::{Conflict, Entry, Tree};

mod apt;
mod compressed;
pub mod generation;
pub mod inputs;
mod laying;
mod maven;
mod plain;
mod python;
mod rpm;

/// Why a tree cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something was not fetched.
    #[error("{address} is not in the store; run `pnda mirror fetch`")]
    Absent { address: SafePath },
    /// An assembly failed.
    #[error("cannot assemble `{name}`")]
    Assembly { name: Word, source: assembly::Error },
    /// Two entries want the same place.
    #[error("cannot lay out the mirror")]
    Place(#[from] Conflict),
    /// A name of the world is not usable as a path.
    #[error("cannot lay out the mirror")]
    Name(#[from] BadName),
    /// Python packages that do not go together.
    #[error("cannot publish the Python packages")]
    Python(#[from] python::Error),
    /// The store failed.
    #[error("cannot use the store")]
    Store(#[from] store::Error),
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    /// A Debian package is none.
    #[error("{address} does not say what package it is")]
    Package { address: SafePath, source: Option<deb::Error> },
    /// An index cannot be written.
    #[error("cannot write {}: is the disk of the store full?", path.display())]
    Write { path: PathBuf, source: io::Error },
    /// An RPM package is none.
    #[error("{address} does not say what package it is")]
    Rpm { address: SafePath, source: header::Error },
    /// Lists that clients verify need a key.
    #[error("{section} needs an OpenPGP key, and none was given")]
    NoKey { section: &'static str },
    /// The key does not sign.
    #[error("cannot sign the lists of {section}")]
    Sign { section: &'static str, source: openpgp::SignError },
}

/// A program that goes on the mirror beside what was locked: the agent.
#[derive(Debug, Clone)]
pub struct Program {
    /// Its path on the mirror.
    pub path: SafePath,
    /// Where it is now.
    pub file: PathBuf,
}

/// Whether there are lists that clients verify with OpenPGP.
pub fn needs_openpgp(lock: &Lock) -> bool {
    lock.artifacts.iter().any(|artifact| [Source::Apt, Source::Rpm].contains(&artifact.source))
}

/// Where such lists lie ...
pub const OPENPGP_SECTIONS: [&str; 2] = [apt::SECTION, rpm::SECTION];
/// ... and the public keys that clients verify them with, that of whoever signed first.
pub const OPENPGP_KEYS: [&str; 3] = [apt::KEY, apt::KEY_FOR_PEOPLE, rpm::KEY];

/// Whether a generation holds such lists.
pub fn has_openpgp(generation: &Generation) -> bool {
    generation.files.keys().any(|path| OPENPGP_KEYS.contains(&path.as_str()))
}

/// Who the signature of such a list says it is by, in a generation's folder; whoever may write there may write this.
pub fn openpgp_signer(folder: &Path, generation: &Generation) -> Option<Fingerprint> {
    let is_signature = |path: &&SafePath| {
        let path = path.as_str();
        let of = |section: &str, name: &str| path.starts_with(section) && path.ends_with(name);
        of(apt::SECTION, "/Release.gpg") || of(rpm::SECTION, "/repodata/repomd.xml.asc")
    };
    let mut signatures = generation.files.keys().filter(is_signature);
    signatures.find_map(|path| openpgp::claimed(&regular::read(&path.under(folder), Links::Follow, 1 << 20).ok()?).ok())
}

/// Everything that decides what is on a mirror.
pub struct Layout<'a> {
    /// What is wanted.
    pub manifest: &'a Manifest,
    /// What was agreed.
    pub lock: &'a Lock,
    /// Where the bytes are.
    pub store: &'a Store,
    /// Programs of our own.
    pub programs: &'a [Program],
    /// What each role takes from the mirror.
    pub roles: &'a Roles,
    /// Signs the lists for clients that know OpenPGP alone; needed where there are such lists.
    pub signer: Option<&'a Signer>,
}

/// The whole tree of a mirror, with bills of materials for all of it and for what each role takes.
pub fn tree(layout: &Layout<'_>) -> Result<Tree, Error> {
    let Layout { manifest, lock, store, programs, signer, .. } = *layout;
    let mut laying = Laying::new(store);
    for artifact in &lock.artifacts {
        if !store.has(super::fetch::expected(artifact)) {
            return Err(Error::Absent { address: artifact.address.clone() });
        }
    }
    maven::add(&mut laying, &wanted(manifest, lock, Source::Maven))?;
    python::add(&mut laying, wanted(manifest, lock, Source::Pypi))?;
    apt::add(&mut laying, manifest, lock, signer)?;
    rpm::add(&mut laying, manifest, lock, signer)?;
    let named = paths(manifest);
    for (artifact, want) in wanted(manifest, lock, Source::File) {
        if let Want::File(file) = want {
            plain::add(&mut laying, &file.path, super::fetch::expected(artifact), &named)?;
        }
    }
    assemblies(&mut laying, manifest, lock, &named)?;
    for program in programs {
        let made = keep_copy(store, program)?;
        plain::add(&mut laying, &program.path, made, &named)?;
    }
    laying.written(SafePath::new(LOCK)?, |out| lock.write(out))?;
    bills(&mut laying, layout)?;
    compressed::add(&mut laying)?;
    sums(&mut laying)?;
    laying.done()
}

fn bills(laying: &mut Laying<'_>, layout: &Layout<'_>) -> Result<(), Error> {
    let Layout { manifest, lock, store, roles, .. } = *layout;
    let programs = layout.programs.iter().map(|program| &program.path).collect();
    let mut made = Vec::new();
    let sources = sbom::Sources { manifest, lock, store, tree: &laying.tree, roles, programs };
    sbom::bills(&sources, &mut |path, bill| {
        made.push((path, laying.texts.write(bill)?));
        Ok::<_, Error>(())
    })?;
    made.into_iter().try_for_each(|(path, bill)| laying.object(path, bill))
}

fn assemblies(
    laying: &mut Laying<'_>,
    manifest: &Manifest,
    lock: &Lock,
    named: &BTreeSet<&SafePath>,
) -> Result<(), Error> {
    for (name, assembly) in &manifest.assemblies {
        let made = assembly::assemble(name, assembly, lock, laying.store);
        match made.map_err(|source| Error::Assembly { name: name.clone(), source })? {
            Made::Archive(made) => plain::add(laying, &assembly.path, made, named)?,
            Made::Folder(files) => {
                for Placed { path, kept, executable } in files {
                    let object = Entry::Object { digest: kept.sha256, size: kept.size, executable };
                    laying.tree.insert(assembly.path.join(path.as_str())?, object)?;
                }
            }
        }
    }
    Ok(())
}

/// The artifacts of one kind of source, each with every entry that wants it.
fn wanted<'a>(manifest: &'a Manifest, lock: &'a Lock, source: Source) -> Vec<(&'a Artifact, &'a Want)> {
    let of_kind = lock.artifacts.iter().filter(move |artifact| artifact.source == source);
    let with_wants = |artifact: &'a Artifact| {
        artifact.wanted_by.iter().filter_map(move |name| Some((artifact, manifest.wants.get(name)?)))
    };
    of_kind.flat_map(with_wants).collect()
}

/// Where the manifest itself puts plain files.
fn paths(manifest: &Manifest) -> BTreeSet<&SafePath> {
    let files = manifest.wants.values();
    files.filter_map(|want| if let Want::File(file) = want { Some(&file.path) } else { None }).collect()
}

fn keep_copy(store: &Store, program: &Program) -> Result<Expected, Error> {
    let mut from = File::open(&program.file).map_err(|source| Error::Read { path: program.file.clone(), source })?;
    Ok(store.make(|file| io::copy(&mut from, file).map(drop))?)
}

/// `SHA256SUMS` over everything: the whole mirror can be checked with a common tool.
fn sums(laying: &mut Laying<'_>) -> Result<(), Error> {
    let tree = &laying.tree;
    let lines =
        |out: &mut dyn Write| tree.iter().try_for_each(|(path, entry)| writeln!(out, "{}  {path}", entry.digest()));
    let sums = laying.texts.write(lines)?;
    laying.object(SafePath::new("SHA256SUMS")?, sums)
}
