//! Brings everything that a plan places to the node, beside its place and complete, before anything visible changes.
//! What comes from the mirror is first downloaded and verified whole, then unpacked or copied.
//! Not here: the switch.

use super::census::census;
use super::document::Wanted;
use super::home::{self, Home};
use super::journal::{Aside, Journal, Move};
use super::listing::Listing;
use super::observe::{Observed, Thing};
use super::owners::Rights;
use super::plan::{Over, Plan, Put, Step, What, link_text};
use super::space::{self, Bytes, Need};
use super::state::{Census, TreeRecord};
use super::switch::set_rights;
use super::unpack::{self, LIMITS};
use disk::root_dir::{self, PathHandle, RootDir};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::time::Instant;
use systems::download::{self, Expected};
use systems::http::Http;
use words::digest::{Hasher, Sha256};
use words::event::{Event, Tell};
use words::location::Location;
use words::names::{NodePath, SafePath};
use words::node::Access;

/// Why something is not staged.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The path leads nowhere safe.
    #[error("cannot reach {path} on the node")]
    Walk { path: NodePath, source: root_dir::Error },
    /// It does not come from the mirror.
    #[error("cannot fetch {from} from the mirror")]
    Fetch { from: SafePath, source: Box<download::Error> },
    /// The installer's own folder is not usable.
    #[error("cannot keep what was downloaded and unpacked")]
    Home(#[source] home::Error),
    /// There is no room for it.
    #[error("nothing was changed")]
    Space(#[source] space::Error),
    /// The archive is not one.
    #[error("cannot unpack {from} for {path}")]
    Unpack { path: NodePath, from: SafePath, source: unpack::Error },
    /// The machine refuses.
    #[error("cannot write {path} beside its place")]
    Write { path: NodePath, source: io::Error },
    /// Somebody writes to it at this moment.
    #[error("{path} changes while it is being installed: try again when nobody edits it")]
    Unsteady { path: NodePath },
    /// An owner is not there although it was made.
    #[error("the owner of {path} does not exist on the node")]
    Owner { path: NodePath },
}

fn written(path: &NodePath) -> impl Fn(io::Error) -> Error {
    let path = path.clone();
    move |source| Error::Write { path: path.clone(), source }
}

/// Everything that staging needs to know.
pub(super) struct Stage<'a> {
    pub ground: &'a RootDir,
    pub home: &'a Home,
    pub wanted: &'a Wanted,
    pub observed: &'a Observed,
    pub plan: &'a Plan,
    pub http: &'a Http,
    pub mirror: &'a Location,
    /// The install's number.
    pub run: u64,
}

/// Bytes of the mirror that a plan needs.
fn fetched(put: &Put) -> Option<(&SafePath, Expected)> {
    match (&put.what, &put.over) {
        (What::Archive(one), _) => Some((&one.from, Expected { size: one.size, sha256: one.sha256 })),
        // With the right bytes in place only the rights are new.
        (What::Download(_), Over::Rights) => None,
        (What::Download(one), _) => Some((&one.from, Expected { size: one.size, sha256: one.sha256 })),
        (What::File(_) | What::Link(_), _) => None,
    }
}

impl Stage<'_> {
    /// Downloads and verifies everything that comes from the mirror.
    pub(super) fn fetch(&self, tell: Tell) -> Result<(), Error> {
        self.check_space(|put| put_size(put, self.wanted))?;
        let wanted: Vec<_> = self.plan.puts().filter_map(fetched).collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let bytes = wanted.iter().map(|(_, expected)| expected.size).sum();
        tell(Event::Stage { name: "fetch".into(), steps: wanted.len() as u64, bytes });
        for (from, expected) in wanted {
            let partial = self.home.download(expected.sha256).map_err(Error::Home)?;
            let start = Instant::now();
            // Not durable: after a power cut it is verified anew, and fetched again if it was lost.
            download::bring(self.http, &self.mirror.join(from), expected, &partial, tell)
                .map_err(|source| Error::Fetch { from: from.clone(), source: Box::new(source) })?;
            tell(Event::Note(format!("fetched {from}: {}", rate(expected.size, start))));
            tell(Event::Step(from.to_string()));
        }
        tell(Event::Done(format!("everything came from {} and is verified", self.mirror)));
        Ok(())
    }

    /// Downloads that are here already need no more room; everything else does.
    fn check_space(&self, size: impl Fn(&Put) -> u64) -> Result<(), Error> {
        let mut needs = Vec::new();
        for put in self.plan.puts() {
            let (folder, shown) = self.staging_folder(&put.path)?;
            needs.push(Need { folder, shown, bytes: size(put) });
            if let Some((_, expected)) = fetched(put) {
                let home = self.home.existing();
                let folder = File::open(home).map_err(written(&put.path))?.into();
                let bytes = expected.size.saturating_sub(self.home.downloaded(expected.sha256));
                needs.push(Need { folder, shown: home.display().to_string(), bytes });
            }
        }
        space::check(needs).map_err(Error::Space)
    }

    fn staging_folder(&self, path: &NodePath) -> Result<(std::os::fd::OwnedFd, String), Error> {
        let walk = |source| Error::Walk { path: path.clone(), source };
        let staged = staged_path(path, self.observed, "x");
        let place = self.ground.place(&staged).map_err(walk)?;
        let place = place.ok_or_else(|| written(path)(io::ErrorKind::NotFound.into()))?;
        let folder = place.folder().try_clone().map_err(written(path))?;
        Ok((folder, path.parent().map_or_else(|| "/".to_owned(), String::from)))
    }

    /// A journal that names everything that will be staged.
    pub(super) fn journal(&self) -> Journal {
        let staging = self.plan.puts().enumerate().map(|(number, put)| self.staged(number, &put.path));
        Journal::new(self.run, staging.collect())
    }

    fn staged(&self, number: usize, path: &NodePath) -> NodePath {
        staged_path(path, self.observed, &hidden(path, self.run, number, ""))
    }

    /// Stages everything, and completes the journal with the moves that remain.
    pub(super) fn stage(&self, journal: &mut Journal, tell: Tell) -> Result<BTreeMap<NodePath, TreeRecord>, Error> {
        self.check_space(|put| match &put.what {
            What::Archive(archive) => self.unpacked_size(archive.sha256).unwrap_or(archive.size),
            _ => put_size(put, self.wanted),
        })?;
        let mut trees = BTreeMap::new();
        let mut number = 0;
        for step in &self.plan.steps {
            match step {
                Step::Put(put) => {
                    let staged = &journal.staging[number];
                    let (one, tree) = self.place(number, put, staged, tell)?;
                    trees.extend(tree.map(|record| (put.path.clone(), record)));
                    journal.moves.push(one);
                    number += 1;
                }
                Step::Remove(path) => {
                    let aside = aside_path(path, self.run, journal.moves.len());
                    journal.moves.push(Move::Remove { path: path.clone(), aside });
                }
                Step::MakeFolder { path, access } => {
                    let rights = self.folder_rights(path, access.as_ref())?;
                    journal.moves.push(Move::Make { path: path.clone(), rights });
                }
                Step::GrantFolder { path, access } => {
                    let Some(Thing::Folder { rights: was, .. }) = self.observed.things.get(path) else { continue };
                    let now = self.rights(path, access)?;
                    journal.moves.push(Move::Grant { path: path.clone(), was: *was, now });
                }
                _ => {}
            }
        }
        journal.staged = true;
        Ok(trees)
    }

    fn unpacked_size(&self, sha256: Sha256) -> io::Result<u64> {
        let path = self.home.download(sha256).map_err(io::Error::other)?;
        space::unpacked_size(&mut File::open(path)?)
    }

    fn rights(&self, path: &NodePath, access: &Access) -> Result<Rights, Error> {
        let rights = self.observed.owners.rights(self.wanted.node.scope, access);
        rights.ok_or_else(|| Error::Owner { path: path.clone() })
    }

    /// A folder that only leads to something is root's, like those that the system came with.
    fn folder_rights(&self, path: &NodePath, access: Option<&Access>) -> Result<Rights, Error> {
        let system = self.wanted.node.scope == words::node::Scope::System;
        let plain = Rights { mode: 0o755, owner: system.then_some((0, 0)) };
        access.map_or(Ok(plain), |access| self.rights(path, access))
    }

    /// Stages one thing and says how it gets its place.
    fn place(
        &self,
        number: usize,
        put: &Put,
        staged: &NodePath,
        tell: Tell,
    ) -> Result<(Move, Option<TreeRecord>), Error> {
        let place = self.open(staged)?;
        let mut staged = staged.clone();
        let mut tree = None;
        match &put.what {
            What::Link(link) => place.make_link(&self.link_text(link)).map_err(written(&put.path))?,
            What::File(file) if put.over != Over::Rights => {
                let bytes = self.wanted.bytes.get(&put.path).map_or(&[][..], Vec::as_slice);
                self.write(put, &place, &mut &bytes[..], file.sha256, &file.access)?;
            }
            What::File(file) => self.copy(put, &place, file.sha256, &file.access)?,
            What::Download(file) if put.over != Over::Rights => {
                let path = self.home.download(file.sha256).map_err(Error::Home)?;
                let mut source = File::open(path).map_err(written(&put.path))?;
                self.write(put, &place, &mut source, file.sha256, &file.access)?;
            }
            What::Download(file) => self.copy(put, &place, file.sha256, &file.access)?,
            What::Archive(archive) => {
                let start = Instant::now();
                let (top, census) = self.unpack(put, &place, &archive.from, archive.sha256)?;
                if let Some(top) = top {
                    staged = staged.join(&top).map_err(|error| written(&put.path)(io::Error::other(error)))?;
                }
                tree = Some(TreeRecord { sha256: archive.sha256, census });
                let (entries, rate) = (census.entries, rate(census.bytes, start));
                tell(Event::Note(format!("unpacked {}: {entries} entries, {rate}", put.path)));
            }
        }
        let inode = self.open(&staged)?.inode().map_err(written(&put.path))?.unwrap_or_default();
        let aside = match &put.over {
            Over::Nothing => None,
            Over::Theirs(path) => Some(Aside { path: path.clone(), keep: true, private: self.is_private(put) }),
            Over::Ours | Over::Rights => {
                Some(Aside { path: aside_path(&put.path, self.run, number), keep: false, private: false })
            }
        };
        Ok((Move::Place { path: put.path.clone(), staged, inode, aside }, tree))
    }

    /// Whether what is there may hold a secret: the new file does, or not everybody may read the old one.
    fn is_private(&self, put: &Put) -> bool {
        let secret = matches!(&put.what, What::File(file) if !file.secrets.is_empty());
        let there = self.observed.things.get(&put.path);
        matches!(there, Some(Thing::File { rights, .. }) if secret || rights.mode & 0o004 == 0)
    }

    fn link_text(&self, link: &words::node::Link) -> String {
        link_text(&self.wanted.node, link)
    }

    fn open(&self, path: &NodePath) -> Result<PathHandle, Error> {
        let place = self.ground.place(path).map_err(|source| Error::Walk { path: path.clone(), source })?;
        place.ok_or_else(|| written(path)(io::ErrorKind::NotFound.into()))
    }

    /// The same bytes again, with other rights: the old file stays as it is until the switch.
    fn copy(&self, put: &Put, place: &PathHandle, sha256: Sha256, access: &Access) -> Result<(), Error> {
        let mut source = self.open(&put.path)?.open().map_err(written(&put.path))?;
        self.write(put, place, &mut source, sha256, access)
    }

    fn write(
        &self,
        put: &Put,
        place: &PathHandle,
        source: &mut dyn Read,
        sha256: Sha256,
        access: &Access,
    ) -> Result<(), Error> {
        let rights = self.rights(&put.path, access)?;
        let mut file = place.create().map_err(written(&put.path))?;
        let mut copy = || -> io::Result<Sha256> {
            let mut hasher = Hasher::default();
            let mut buffer = vec![0; 128 * 1024];
            loop {
                let count = source.read(&mut buffer)?;
                if count == 0 {
                    break;
                }
                hasher.update(&buffer[..count]);
                file.write_all(&buffer[..count])?;
            }
            Ok(hasher.finish())
        };
        // Until the bytes are known to be those that are meant, they are for root alone: they may be another file's.
        match self.wanted.secrets.seal(&put.path, copy().map_err(written(&put.path))?) {
            found if found == sha256 => set_rights(&file, rights).map_err(written(&put.path)),
            _ => Err(Error::Unsteady { path: put.path.clone() }),
        }
    }

    fn unpack(
        &self,
        put: &Put,
        place: &PathHandle,
        from: &SafePath,
        sha256: Sha256,
    ) -> Result<(Option<String>, Census), Error> {
        let failed = written(&put.path);
        let folder = place.make_folder().map_err(&failed)?;
        let archive = self.home.download(sha256).map_err(Error::Home)?;
        let archive = File::open(archive).map_err(&failed)?;
        let unpacked = unpack::unpack(archive, &place.path(), LIMITS);
        let unpacked =
            unpacked.map_err(|source| Error::Unpack { path: put.path.clone(), from: from.clone(), source })?;
        let system = self.wanted.node.scope == words::node::Scope::System;
        let rights = Rights { mode: 0o755, owner: system.then_some((0, 0)) };
        set_rights(&folder, rights).map_err(&failed)?;
        let tree = unpacked.top.as_ref().map_or_else(|| place.path(), |top| place.path().join(top));
        self.home.keep_listing(sha256, &Listing::new(unpacked.listing)).map_err(Error::Home)?;
        Ok((unpacked.top, census(&tree).map_err(&failed)?))
    }
}

/// What a thing takes on the disk at least; an archive is never smaller unpacked than packed.
fn put_size(put: &Put, wanted: &Wanted) -> u64 {
    match &put.what {
        What::Archive(archive) => archive.size,
        What::Download(download) => download.size,
        What::File(file) => wanted.bytes.get(&file.path).map_or(0, |bytes| bytes.len() as u64),
        What::Link(_) => 0,
    }
}

/// A name in the nearest folder that exists: on the same file system as the place, whatever folders are made between.
fn staged_path(path: &NodePath, observed: &Observed, name: &str) -> NodePath {
    let parents: Vec<NodePath> = path.parents().collect();
    let there = |folder: &&NodePath| matches!(observed.things.get(*folder), Some(Thing::Folder { .. }));
    let nearest = parents.iter().rev().find(there);
    let staged = match nearest {
        Some(folder) => folder.join(name),
        None => NodePath::new(format!("/{name}")),
    };
    staged.expect("a hidden name is made of the characters of a checked one and is never longer than 255 bytes")
}

fn aside_path(path: &NodePath, run: u64, number: usize) -> NodePath {
    path.beside(&hidden(path, run, number, "-old"))
        .expect("a hidden name is made of the characters of a checked one and is never longer than 255 bytes")
}

/// `.<name>.pnda-<run>-<number>`; the number tells apart things of the same name.
fn hidden(path: &NodePath, run: u64, number: usize, suffix: &str) -> String {
    let mut name = path.file_name();
    while name.len() > 150 {
        name = &name[..name.char_indices().next_back().map_or(0, |(at, _)| at)];
    }
    format!(".{name}.pnda-{run}-{number}{suffix}")
}

fn rate(bytes: u64, start: Instant) -> String {
    let seconds = start.elapsed().as_secs_f64().max(0.001);
    let rate = Bytes((bytes as f64 / seconds) as u64);
    format!("{} in {seconds:.1} s ({rate}/s)", Bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn staging_lies_beside_its_place_or_as_near_as_there_is_a_folder() {
        let path = |text: &str| NodePath::new(text).unwrap();
        let rights = Rights { mode: 0o755, owner: None };
        let folder = Thing::Folder { rights, guarded: true, census: None };
        let things = BTreeMap::from([(path("/opt"), folder), (path("/opt/pnda"), Thing::Absent)]);
        let observed = Observed { things, ..Observed::default() };
        let staged = |text: &str| staged_path(&path(text), &observed, &hidden(&path(text), 3, 1, "")).to_string();
        assert_eq!(staged("/opt/pnda/flink-1"), "/opt/.flink-1.pnda-3-1");
        assert_eq!(staged("/opt/x"), "/opt/.x.pnda-3-1");
        assert_eq!(staged("/srv/x"), "/.x.pnda-3-1");
        assert!(staged(&format!("/opt/{}", "ä".repeat(127))).len() < 200);
        assert_eq!(aside_path(&path("/opt/x"), 3, 1), path("/opt/.x.pnda-3-1-old"));
    }
}
