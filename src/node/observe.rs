//! Looks at a node: what is at every path that the document or the last install names.
//! It changes nothing and decides nothing.
//! Not here: whether what it finds is right.

use super::census::census;
use super::document::Wanted;
use super::home::Home;
use super::listing::Difference;
use super::owners::{self, Owners, Rights};
use super::secrets::Secrets;
use super::state::{Census, FileRecord, State};
use super::systemd::{self, ServiceState, Systemd};
use super::{gates, hdfs};
use disk::root_dir::{self, PathHandle, RootDir};
use rustix::fs::{FileType, Stat};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::path::Path;
use systems::probe::Seen;
use systems::site_hadoop::{self, Classes};
use words::digest::Sha256;
use words::names::{NodePath, Word};
use words::node::{Expected, Scope};

/// Why a node cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A path leads nowhere safe.
    #[error("cannot reach {path} on the node")]
    Walk { path: NodePath, source: root_dir::Error },
    /// The machine refuses to read.
    #[error("cannot look at {path} on the node")]
    Look { path: NodePath, source: io::Error },
    /// Owners are unknown.
    #[error("cannot find out who is who on the node")]
    Owners(#[source] owners::Error),
    /// systemd does not answer.
    #[error("cannot ask systemd about the services")]
    Services(#[source] systemd::Error),
    /// HDFS answers something that does not pass by itself.
    #[error("cannot look at what is in HDFS")]
    Hdfs(#[source] hdfs::Error),
}

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Thing {
    /// Nothing.
    Absent,
    /// A folder; the census only where an archive was unpacked.
    Folder { rights: Rights, guarded: bool, census: Option<Census> },
    /// A regular file.
    File { sha256: Sha256, rights: Rights },
    /// A symbolic link.
    Link { to: String },
    /// A device, a pipe, a socket.
    Other,
}

/// A node as it is.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// Every path that matters.
    pub things: BTreeMap<NodePath, Thing>,
    /// For every path that holds something: the first free name for keeping it.
    pub free: BTreeMap<NodePath, NodePath>,
    /// Users and groups.
    pub owners: Owners,
    /// What systemd says; none where no systemd is to be asked.
    pub services: Option<BTreeMap<Word, ServiceState>>,
    /// What gates answer, where systemd is asked.
    pub gates: BTreeMap<Word, Seen>,
    /// What is prepared already; none where nothing can be run.
    pub made: Option<BTreeSet<Word>>,
    /// What HDFS holds; none where it is not asked.
    pub hdfs: Option<hdfs::Look>,
    /// What the site should have brought and has not.
    pub lacking: Vec<Expected>,
    /// What is wrong with the Hadoop that the site has brought.
    pub hadoop: Vec<String>,
    /// What differs inside of unpacked archives, where every byte was read.
    pub differing: BTreeMap<NodePath, BTreeMap<String, Difference>>,
}

/// Looks at everything that the document or the state names.
pub fn observe(
    ground: &RootDir,
    wanted: &Wanted,
    state: &State,
    systemd: Option<&Systemd>,
    listings: Option<&Home>,
) -> Result<Observed, Error> {
    let node = &wanted.node;
    let mut observed = Observed { owners: Owners::read(ground, node).map_err(Error::Owners)?, ..Observed::default() };
    let there = |expected: &Expected| expected.path.under(&wanted.root).exists();
    observed.lacking = node.expected.iter().filter(|expected| !there(expected)).cloned().collect();
    let image = node.scope == Scope::System && wanted.root != Path::new("/");
    let classes = if image { Classes::Elsewhere } else { Classes::Here };
    let faults = node.site_hadoops.iter().flat_map(|hadoop| site_hadoop::faults(hadoop, &wanted.root, classes));
    observed.hadoop = faults.collect();
    if let Some(systemd) = systemd {
        let names: BTreeSet<&Word> = node.services.iter().map(|service| &service.name).chain(&state.services).collect();
        let states = systemd.look(names.into_iter()).map_err(Error::Services)?;
        observed.services = Some(states.into_iter().collect());
        observed.gates = gates::look(node);
    }
    let eye = Eye { secrets: &wanted.secrets, ground, state, scope: node.scope, listings };
    // In an image nothing runs: neither commands of its own nor the services that it will have.
    if systemd.is_some() || node.scope == Scope::User {
        observed.made = Some(eye.made(wanted, &mut observed.free)?);
        observed.hdfs = Some(hdfs::look(node, ground).map_err(Error::Hdfs)?);
    }
    let single = node.files.iter().map(|file| &file.path).chain(node.downloads.iter().map(|download| &download.path));
    let single = single.chain(node.links.iter().map(|link| &link.path));
    let single = single.chain(node.archives.iter().map(|archive| &archive.into));
    let single: BTreeSet<&NodePath> =
        single.chain(state.paths().filter(|path| !state.folders.contains(path))).collect();
    for path in &single {
        let thing = eye.thing(path, &mut observed.differing)?;
        if thing != Thing::Absent {
            observed.free.insert((*path).clone(), eye.free_name(path)?);
        }
        observed.things.insert((*path).clone(), thing);
    }
    let parents: BTreeSet<NodePath> = single.iter().flat_map(|path| path.parents()).collect();
    let folders = node.directories.iter().map(|directory| directory.path.clone());
    let above = node.directories.iter().flat_map(|directory| directory.path.parents());
    for path in parents.into_iter().chain(folders).chain(above).chain(state.folders.iter().cloned()) {
        if let Entry::Vacant(vacant) = observed.things.entry(path) {
            let thing = eye.folder(vacant.key())?;
            vacant.insert(thing);
        }
    }
    Ok(observed)
}

struct Eye<'a> {
    secrets: &'a Secrets,
    ground: &'a RootDir,
    state: &'a State,
    scope: Scope,
    /// None for a quick look; else what archives hold.
    listings: Option<&'a Home>,
}

impl Eye<'_> {
    fn place(&self, path: &NodePath) -> Result<Option<PathHandle>, Error> {
        self.ground.place(path).map_err(|source| Error::Walk { path: path.clone(), source })
    }

    /// What was prepared once and is there.
    fn made(&self, wanted: &Wanted, free: &mut BTreeMap<NodePath, NodePath>) -> Result<BTreeSet<Word>, Error> {
        let mut made = BTreeSet::new();
        for once in &wanted.node.once {
            let path = &once.creates;
            let failed = |source| Error::Look { path: path.clone(), source };
            let found = self.place(path)?.map(|place| place.stat()).transpose().map_err(failed)?;
            if found.flatten().is_some() {
                made.insert(once.name.clone());
                free.insert(path.clone(), self.free_name(path)?);
            }
        }
        Ok(made)
    }

    /// A folder is looked at through links that may be followed: an operator may keep logs on another disk.
    fn folder(&self, path: &NodePath) -> Result<Thing, Error> {
        let failed = |source| Error::Look { path: path.clone(), source };
        match self.ground.folder(path) {
            Err(root_dir::Error::NotAFolder { .. }) => self.thing(path, &mut BTreeMap::new()),
            Err(source) => Err(Error::Walk { path: path.clone(), source }),
            Ok(None) => match self.place(path)?.map(|place| place.stat()).transpose().map_err(failed)? {
                // A link to nowhere: a folder cannot be made here.
                Some(Some(_)) => self.thing(path, &mut BTreeMap::new()),
                _ => Ok(Thing::Absent),
            },
            Ok(Some((folder, guarded))) => {
                let stat = rustix::fs::fstat(&folder).map_err(|errno| failed(errno.into()))?;
                Ok(Thing::Folder { rights: self.rights(&stat), guarded, census: None })
            }
        }
    }

    fn thing(
        &self,
        path: &NodePath,
        differing: &mut BTreeMap<NodePath, BTreeMap<String, Difference>>,
    ) -> Result<Thing, Error> {
        let failed = |source| Error::Look { path: path.clone(), source };
        let Some(place) = self.place(path)? else { return Ok(Thing::Absent) };
        let Some(stat) = place.stat().map_err(failed)? else { return Ok(Thing::Absent) };
        let rights = self.rights(&stat);
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => {
                let sha256 = self.digest(path, &place, &stat).map_err(failed)?;
                Ok(Thing::File { sha256, rights })
            }
            FileType::Symlink => Ok(Thing::Link { to: place.read_link().map_err(failed)? }),
            FileType::Directory => {
                let known = self.state.tree(path).map(|record| record.sha256);
                let mut census = known.map(|_| census(&place.path())).transpose().map_err(failed)?;
                if let Some(found) = known.map(|sha256| self.differences(sha256, &place)).transpose().map_err(failed)?
                    && !found.is_empty()
                {
                    // Whatever it looks like at a glance, it is not what was unpacked.
                    census = None;
                    differing.insert(path.clone(), found);
                }
                Ok(Thing::Folder { rights, guarded: true, census })
            }
            _ => Ok(Thing::Other),
        }
    }

    fn differences(&self, archive: Sha256, place: &PathHandle) -> io::Result<BTreeMap<String, Difference>> {
        let listing = self.listings.map(|home| home.listing(archive)).transpose().map_err(io::Error::other)?.flatten();
        let owner = (self.scope == Scope::System).then_some((0, 0));
        listing.map_or(Ok(BTreeMap::new()), |listing| listing.compare(&place.path(), owner))
    }

    /// A file that looks as it was placed is not read again, but for a deep look.
    fn digest(&self, path: &NodePath, place: &PathHandle, stat: &Stat) -> io::Result<Sha256> {
        let record = self.state.file.get(path).filter(|_| self.listings.is_none());
        match record.filter(|record| FileRecord::of(record.sha256, stat) == **record) {
            Some(record) => Ok(record.sha256),
            None => Ok(self.secrets.seal(path, Sha256::of_reader(&mut place.open()? as &mut File)?.0)),
        }
    }

    fn rights(&self, stat: &Stat) -> Rights {
        let owner = (self.scope == Scope::System).then_some((stat.st_uid, stat.st_gid));
        Rights { mode: stat.st_mode & 0o7777, owner }
    }

    fn free_name(&self, path: &NodePath) -> Result<NodePath, Error> {
        let failed = |source| Error::Look { path: path.clone(), source };
        for number in 1u32.. {
            let suffix = if number == 1 { String::new() } else { format!("-{number}") };
            let name = path.beside(&format!("{}.pnda-saved{suffix}", path.file_name()));
            let name = name.map_err(|error| failed(io::Error::other(error)))?;
            let there = self.place(&name)?.map(|place| place.stat()).transpose().map_err(failed)?;
            if there.flatten().is_none() {
                return Ok(name);
            }
        }
        Err(failed(io::Error::other("every name for keeping it is taken")))
    }
}

impl FileRecord {
    /// What to remember of a file.
    pub fn of(sha256: Sha256, stat: &Stat) -> FileRecord {
        let modified = (stat.st_mtime, stat.st_mtime_nsec);
        FileRecord { sha256, size: stat.st_size as u64, modified, inode: stat.st_ino }
    }
}
