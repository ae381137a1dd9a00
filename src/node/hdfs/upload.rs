//! A folder of the node as a folder of HDFS: compared by its mark, and what differs is sent.
//! Another content is sent whole beside the old one and renamed into place; a damaged tree is mended file by file,
//! so that the untouched ones keep the times by which YARN's caches go. Not here: waiting until HDFS takes changes.

use super::super::space::Bytes;
use super::directory::{grant, owned};
use super::local::{self, Local};
use super::mark::{self, Mark};
use super::{Error, web};
use disk::root_dir::RootDir;
use std::collections::BTreeMap;
use std::time::Instant;
use systems::webhdfs::{Status, WebHdfs};
use words::digest::Sha256;
use words::event::{Event, Tell};
use words::node::{Access, HdfsUpload, Node};
use words::parallel::try_each;

/// Files that are sent at once.
const AT_ONCE: usize = 4;

/// How the folder in HDFS compares with the one on the node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Copy {
    /// HDFS does not answer, and why.
    Unseen(String),
    /// The folder is not on the node yet, or will be another one.
    Later,
    /// The same.
    Same,
    /// The same, but for owners and modes of so many.
    Rights(usize),
    /// So many files and bytes are to be sent, because of this.
    Differs { files: usize, bytes: u64, why: String },
}

/// What was found on both sides.
struct Pair {
    local: Local,
    identity: Sha256,
    remote: Option<BTreeMap<String, Status>>,
    mark: Option<Mark>,
}

impl Pair {
    fn read(hdfs: &WebHdfs, node: &Node, ground: &RootDir, wanted: &HdfsUpload) -> Result<Option<Pair>, Error> {
        let Some(local) = local::read(ground, &wanted.from)? else { return Ok(None) };
        let identity = local::identity(node, ground, &wanted.from, &local)?;
        let failed = web(&wanted.to);
        let remote = hdfs.tree(wanted.to.as_str()).map_err(&failed)?;
        let mark = match &remote {
            None => None,
            Some(_) => hdfs.note(wanted.to.as_str(), mark::NAME).map_err(&failed)?,
        };
        Ok(Some(Pair { local, identity, remote, mark: mark.as_deref().and_then(Mark::parse) }))
    }

    /// Whether this content was put there by an install, whatever became of it since.
    fn is_ours(&self) -> bool {
        self.mark.is_some_and(|mark| mark.identity == self.identity)
    }

    fn is_untouched(&self) -> bool {
        let Some(remote) = &self.remote else { return false };
        self.is_ours() && self.mark == Some(Mark::of(self.identity, remote))
    }

    /// Files that are missing or were written since, and what nobody put there, of a tree that is ours.
    fn damage(&self) -> (Vec<&str>, Vec<&str>) {
        let newest = self.mark.map_or(0, |mark| mark.newest);
        let right = |name: &str, size: u64| {
            let is =
                |status: &Status| !status.is_folder() && status.length == size && status.modification_time <= newest;
            self.remote.as_ref().and_then(|tree| tree.get(name)).is_some_and(is)
        };
        let files = self.local.files.iter().filter(|(name, size)| !right(name, **size));
        let wanted = |name: &str| self.local.files.contains_key(name) || self.local.folders.contains(name);
        let extra = self.remote.iter().flatten().map(|(name, _)| name.as_str()).filter(|name| !wanted(name));
        (files.map(|(name, _)| name.as_str()).collect(), extra.collect())
    }

    fn wrong_rights(&self, access: &Access) -> usize {
        let inside = self.remote.iter().flatten();
        inside.filter(|(_, status)| !owned(status, access) || status.mode() != Some(mode(status, access))).count()
    }
}

/// Folders get the execute bits besides.
fn mode(status: &Status, access: &Access) -> u32 {
    if status.is_folder() { folder_mode(access) } else { access.mode.bits() }
}

fn folder_mode(access: &Access) -> u32 {
    access.mode.bits() | ((access.mode.bits() & 0o444) >> 2)
}

pub(super) fn look(hdfs: &WebHdfs, node: &Node, ground: &RootDir, wanted: &HdfsUpload) -> Result<Copy, Error> {
    let Some(pair) = Pair::read(hdfs, node, ground, wanted)? else { return Ok(Copy::Later) };
    if pair.is_untouched() {
        let wrong = pair.wrong_rights(&wanted.access);
        return Ok(if wrong == 0 { Copy::Same } else { Copy::Rights(wrong) });
    }
    let whole = |why: &str| Copy::Differs { files: pair.local.files.len(), bytes: pair.local.bytes(), why: why.into() };
    Ok(match (&pair.remote, pair.mark) {
        (None, _) => whole("it is not there"),
        (Some(_), None) => whole("what is there was not put there by an install; it is kept beside as *.pnda-saved"),
        (Some(_), Some(_)) if !pair.is_ours() => whole("another content is there"),
        (Some(_), Some(_)) => {
            let (files, extra) = pair.damage();
            let bytes = files.iter().filter_map(|name| pair.local.files.get(*name)).sum();
            let named = files.iter().chain(&extra).take(3).copied().collect::<Vec<_>>().join(", ");
            let why = match files.len() + extra.len() {
                0 => "something in it was written meanwhile".to_owned(),
                count => format!("{count} in it changed since, such as {named}; what is there is kept as *.pnda-saved"),
            };
            Copy::Differs { files: files.len(), bytes, why }
        }
    })
}

/// Brings it about; looks again first.
pub(super) fn bring(
    hdfs: &WebHdfs,
    node: &Node,
    ground: &RootDir,
    wanted: &HdfsUpload,
    tell: Tell,
) -> Result<(), Error> {
    let pair = Pair::read(hdfs, node, ground, wanted)?;
    let pair =
        pair.ok_or_else(|| Error::Local { path: wanted.from.clone(), source: std::io::ErrorKind::NotFound.into() })?;
    let work = Work { hdfs, ground, wanted, pair: &pair, tell };
    if pair.is_untouched() {
        return work.grant(wanted.to.as_str(), pair.remote.as_ref());
    }
    let start = Instant::now();
    let sent = if pair.is_ours() { work.mend()? } else { work.replace(node)? };
    let seconds = start.elapsed().as_secs_f64().max(0.001);
    let rate = Bytes((sent as f64 / seconds) as u64);
    tell(Event::Note(format!("HDFS {}: {} sent in {seconds:.1} s ({rate}/s)", wanted.to, Bytes(sent))));
    Ok(())
}

struct Work<'a> {
    hdfs: &'a WebHdfs,
    ground: &'a RootDir,
    wanted: &'a HdfsUpload,
    pair: &'a Pair,
    tell: Tell<'a>,
}

impl Work<'_> {
    fn failed(&self) -> impl Fn(systems::webhdfs::Error) -> Error {
        web(&self.wanted.to)
    }

    /// A name beside the folder's own.
    fn beside(&self, name: &str) -> String {
        let to = self.wanted.to.as_str();
        let (parent, own) = to.rsplit_once('/').unwrap_or(("", to));
        format!("{parent}/{}", name.replace("{}", own))
    }

    /// Sends everything beside, and renames it into place.
    fn replace(&self, node: &Node) -> Result<u64, Error> {
        let (hdfs, failed) = (self.hdfs, self.failed());
        let to = self.wanted.to.as_str();
        // The node's name: two nodes that upload the same at once do not meet here.
        let staging = self.beside(&format!(".{{}}.pnda-{}", node.node));
        let parent = self.wanted.to.parent();
        if let Some(parent) = parent.as_ref().filter(|parent| !matches!(hdfs.status(parent.as_str()), Ok(Some(_)))) {
            hdfs.make_folder(parent.as_str(), "0755").map_err(&failed)?;
        }
        hdfs.delete(&staging).map_err(&failed)?;
        hdfs.make_folder(&staging, "0700").map_err(&failed)?;
        for folder in &self.pair.local.folders {
            hdfs.make_folder(&format!("{staging}/{folder}"), "0755").map_err(&failed)?;
        }
        let names: Vec<&str> = self.pair.local.files.keys().map(String::as_str).collect();
        self.send(&names, &staging)?;
        let tree = self.arrived(&staging)?;
        self.grant(&staging, Some(&tree))?;
        let mark = Mark::of(self.pair.identity, &tree);
        hdfs.set_note(&staging, mark::NAME, &mark.text()).map_err(&failed)?;
        match hdfs.note(to, mark::NAME).map_err(&failed)?.as_deref().and_then(Mark::parse) {
            // Another node was faster; its copy is as good, and jobs may use it already.
            Some(found) if found.identity == mark.identity => hdfs.delete(&staging).map_err(&failed)?,
            _ => self.switch(&staging)?,
        }
        Ok(self.pair.local.bytes())
    }

    fn switch(&self, staging: &str) -> Result<(), Error> {
        let (hdfs, failed, to) = (self.hdfs, self.failed(), self.wanted.to.as_str());
        let there = hdfs.status(to).map_err(&failed)?.is_some();
        let ours = self.pair.mark.is_some();
        let aside = if ours { self.beside(".{}.pnda-old") } else { self.free("{}.pnda-saved")? };
        if there {
            if ours {
                hdfs.delete(&aside).map_err(&failed)?;
            }
            hdfs.rename(to, &aside).map_err(&failed)?;
        }
        hdfs.rename(staging, to).map_err(&failed)?;
        if ours {
            hdfs.delete(&aside).map_err(&failed)?;
        }
        Ok(())
    }

    /// A name beside that is free.
    fn free(&self, name: &str) -> Result<String, Error> {
        let first = self.beside(name);
        let mut free = first.clone();
        for number in 2..1000 {
            if self.hdfs.status(&free).map_err(self.failed())?.is_none() {
                break;
            }
            free = format!("{first}-{number}");
        }
        Ok(free)
    }

    /// Puts back single files of a tree that is ours; what is in their places moves out of the tree.
    fn mend(&self) -> Result<u64, Error> {
        let (hdfs, failed, to) = (self.hdfs, self.failed(), self.wanted.to.as_str());
        let (files, extra) = self.pair.damage();
        let remote = self.pair.remote.as_ref();
        let in_the_way = files.iter().chain(&extra).filter(|name| remote.is_some_and(|tree| tree.contains_key(**name)));
        let mut saved = None;
        for name in in_the_way {
            let folder: &String = match &mut saved {
                Some(folder) => folder,
                none => {
                    let folder = self.free("{}.pnda-saved")?;
                    hdfs.make_folder(&folder, "0700").map_err(&failed)?;
                    none.insert(folder)
                }
            };
            let path = format!("{to}/{name}");
            // What lay in a folder that moved just now has gone with it.
            if hdfs.status(&path).map_err(&failed)?.is_some() {
                hdfs.rename(&path, &format!("{folder}/{}", name.replace('/', "_"))).map_err(&failed)?;
            }
        }
        for folder in &self.pair.local.folders {
            if remote.is_none_or(|tree| !tree.contains_key(folder)) {
                hdfs.make_folder(&format!("{to}/{folder}"), "0755").map_err(&failed)?;
            }
        }
        self.send(&files, to)?;
        let tree = self.arrived(to)?;
        self.grant(to, Some(&tree))?;
        let mark = Mark::of(self.pair.identity, &tree);
        hdfs.set_note(to, mark::NAME, &mark.text()).map_err(&failed)?;
        Ok(files.iter().filter_map(|name| self.pair.local.files.get(*name)).sum())
    }

    /// Sends files, a few at once; the first failure ends it.
    fn send(&self, names: &[&str], into: &str) -> Result<(), Error> {
        let bytes = names.iter().filter_map(|name| self.pair.local.files.get(*name)).sum();
        (self.tell)(Event::Stage { name: format!("HDFS {}", self.wanted.to), steps: names.len() as u64, bytes });
        let sent = try_each(AT_ONCE, names, |name| self.send_one(name, into));
        (self.tell)(Event::Done(format!("HDFS {}: {} files", self.wanted.to, names.len())));
        sent.map(drop)
    }

    fn send_one(&self, name: &str, into: &str) -> Result<(), Error> {
        let size = self.pair.local.files.get(name).copied().unwrap_or_default();
        let mut file = local::open(self.ground, &self.wanted.from, name)?;
        let mode = String::from(self.wanted.access.mode);
        self.hdfs.write(&format!("{into}/{name}"), &mode, size, &mut file).map_err(self.failed())?;
        (self.tell)(Event::Bytes(size));
        (self.tell)(Event::Step(name.to_owned()));
        Ok(())
    }

    /// What is in HDFS now, name for name and length for length what is on the node.
    fn arrived(&self, folder: &str) -> Result<BTreeMap<String, Status>, Error> {
        let tree = self.hdfs.tree(folder).map_err(self.failed())?.unwrap_or_default();
        let local = &self.pair.local;
        let right = |(name, status): (&String, &Status)| match status.is_folder() {
            true => local.folders.contains(name),
            false => local.files.get(name) == Some(&status.length),
        };
        let whole = tree.len() == local.files.len() + local.folders.len();
        match whole && tree.iter().all(right) {
            true => Ok(tree),
            false => Err(Error::Unsteady { path: self.wanted.to.clone() }),
        }
    }

    /// Owners and modes of a tree and of its folder.
    fn grant(&self, folder: &str, tree: Option<&BTreeMap<String, Status>>) -> Result<(), Error> {
        let (access, failed) = (&self.wanted.access, self.failed());
        for (name, status) in tree.into_iter().flatten() {
            grant(self.hdfs, &format!("{folder}/{name}"), status, access, mode(status, access)).map_err(&failed)?;
        }
        match self.hdfs.status(folder).map_err(&failed)? {
            Some(status) => grant(self.hdfs, folder, &status, access, folder_mode(access)).map_err(failed),
            None => Ok(()),
        }
    }
}
