//! The folder on the node that goes into HDFS: its files with their lengths, and the identity of its content.
//! Where it lies in an unpacked archive, the archive's digest says what it is, and no file is read for that.
//! Not here: sending it.

use super::Error;
use disk::root_dir::RootDir;
use rustix::fs::FileType;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use words::digest::{Hasher, Sha256};
use words::names::NodePath;
use words::node::Node;

/// A folder of the node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Local {
    /// Lengths of files, by their path in the folder.
    pub files: BTreeMap<String, u64>,
    /// Folders in it.
    pub folders: BTreeSet<String>,
}

impl Local {
    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.files.values().sum()
    }
}

/// Reads the folder's names; none if it is not there.
pub(super) fn read(ground: &RootDir, from: &NodePath) -> Result<Option<Local>, Error> {
    let mut local = Local::default();
    let mut left = vec![(String::new(), from.clone())];
    while let Some((inner, path)) = left.pop() {
        let opened = ground.folder(&path).map_err(|source| Error::Walk { path: path.clone(), source })?;
        let Some((folder, _)) = opened else {
            if inner.is_empty() {
                return Ok(None);
            }
            continue;
        };
        let failed = |source| Error::Local { path: path.clone(), source };
        for entry in fs::read_dir(format!("/proc/self/fd/{}", folder.as_raw_fd())).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
            let path = path.join(&name).map_err(|error| failed(io::Error::other(error)))?;
            let inner = if inner.is_empty() { name } else { format!("{inner}/{name}") };
            let place = ground.place(&path).map_err(|source| Error::Walk { path: path.clone(), source })?;
            let Some(stat) = place.map(|place| place.stat()).transpose().map_err(failed)?.flatten() else { continue };
            match FileType::from_raw_mode(stat.st_mode) {
                FileType::RegularFile => {
                    local.files.insert(inner, stat.st_size as u64);
                }
                FileType::Directory => {
                    local.folders.insert(inner.clone());
                    left.push((inner, path));
                }
                _ => return Err(Error::Kind { path }),
            }
        }
    }
    Ok(Some(local))
}

/// Opens one of its files, wherever somebody may have put a link since.
pub(super) fn open(ground: &RootDir, from: &NodePath, inner: &str) -> Result<File, Error> {
    let failed = |source| Error::Local { path: from.clone(), source };
    let path = NodePath::new(format!("{from}/{inner}")).map_err(|error| failed(io::Error::other(error)))?;
    let place = ground.place(&path).map_err(|source| Error::Walk { path: path.clone(), source })?;
    let place = place.ok_or_else(|| Error::Local { path: path.clone(), source: io::ErrorKind::NotFound.into() })?;
    place.open().map_err(|source| Error::Local { path, source })
}

/// What the content is: the archive it lies in and where, else the digest of every name and file.
pub(super) fn identity(node: &Node, ground: &RootDir, from: &NodePath, local: &Local) -> Result<Sha256, Error> {
    let real = followed(node, from);
    let mut hasher = Hasher::default();
    let archive = node.archives.iter().find(|one| one.into == real || real.is_below(&one.into));
    if let Some(archive) = archive {
        let inner = &real.as_str()[archive.into.as_str().len()..];
        hasher.update(format!("archive {} {inner}\n", archive.sha256).as_bytes());
        return Ok(hasher.finish());
    }
    for inner in &local.folders {
        hasher.update(format!("{inner}/\n").as_bytes());
    }
    for inner in local.files.keys() {
        let read = Sha256::of_reader(&mut open(ground, from, inner)?);
        let (sha256, _) = read.map_err(|source| Error::Local { path: from.clone(), source })?;
        hasher.update(format!("{inner}\0{sha256}\n").as_bytes());
    }
    Ok(hasher.finish())
}

/// A path through the document's own links.
pub fn followed(node: &Node, path: &NodePath) -> NodePath {
    let mut path = path.clone();
    for _ in 0..8 {
        let link = node.links.iter().find(|link| path == link.path || path.is_below(&link.path));
        let next = link.and_then(|link| {
            let rest = &path.as_str()[link.path.as_str().len()..];
            NodePath::new(format!("{}{rest}", link.to)).ok()
        });
        match next {
            Some(next) => path = next,
            None => break,
        }
    }
    path
}
