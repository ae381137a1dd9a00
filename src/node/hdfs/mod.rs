//! What a node's document wants in HDFS: looked at, compared, and brought about, folder by folder and tree by tree.
//! Looking costs a few requests and no DataNode; what is as it should be is not written again and keeps its times.
//! Not here: when it happens, and how HDFS is spoken to.

mod directory;
mod local;
mod mark;
#[cfg(test)]
mod tests;
mod upload;

pub(super) use directory::Remote;
pub(super) use local::followed;
pub(super) use upload::Copy;

use disk::root_dir::{self, RootDir};
use std::collections::BTreeMap;
use std::io;
use std::thread::sleep;
use std::time::{Duration, Instant};
use systems::webhdfs::{self, Times, WebHdfs};
use words::event::{Event, Tell};
use words::names::{NodePath, Word};
use words::node::{HdfsDirectory, HdfsUpload, Node};

/// Somebody who watches hears of a long wait so often.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// Whoever does not answer a first look soon is waited for later, if at all.
const GLANCE: Times = Times { connect: Duration::from_secs(2), silence: Duration::from_secs(10) };

/// Why HDFS is not as it should be.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It does not do what it is asked.
    #[error("{path} in HDFS is not as it should be")]
    Web { path: NodePath, source: webhdfs::Error },
    /// It never became ready.
    #[error(
        "{path} in HDFS is not as it should be: it could not be brought about within {seconds} s; the next run goes on here"
    )]
    Late { path: NodePath, seconds: u64, source: webhdfs::Error },
    /// Something stands in the way.
    #[error("{path} in HDFS must be a folder, but a file is there: move it away")]
    NotAFolder { path: NodePath },
    /// What should be uploaded cannot be reached.
    #[error("cannot reach {path} on the node, which goes into HDFS")]
    Walk { path: NodePath, source: root_dir::Error },
    /// What should be uploaded cannot be read.
    #[error("cannot read {path} on the node, which goes into HDFS")]
    Local { path: NodePath, source: io::Error },
    /// HDFS has no links.
    #[error("{path} is neither a file nor a folder; HDFS keeps nothing else: take it out of what is uploaded")]
    Kind { path: NodePath },
    /// What arrived is not what was sent.
    #[error("{path} in HDFS is not what was sent there: somebody else writes to it; try again")]
    Unsteady { path: NodePath },
}

/// What HDFS holds of what a document wants, in the document's order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Look {
    /// Folders.
    pub(super) directories: Vec<Remote>,
    /// Uploads.
    pub(super) uploads: Vec<Copy>,
}

/// How patient to be with HDFS.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// While other services can still be started, which it may be waiting for.
    pub short: Duration,
    /// In the end.
    pub long: Duration,
    /// Between two tries.
    pub look: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience { short: Duration::from_secs(10), long: Duration::from_secs(300), look: Duration::from_millis(500) }
    }
}

/// One quick look: whoever does not answer at once is not waited for.
pub(super) fn look(node: &Node, ground: &RootDir) -> Result<Look, Error> {
    let mut silent: BTreeMap<&str, String> = BTreeMap::new();
    let mut found = Look::default();
    for wanted in &node.hdfs_directories {
        let seen = match silent.get(wanted.web.as_str()) {
            Some(why) => Remote::Unseen(why.clone()),
            None => match client(&wanted.web, &wanted.user, &wanted.path, GLANCE)
                .and_then(|hdfs| directory::look(&hdfs, &wanted.path))
            {
                Err(Error::Web { source, .. }) if source.is_passing() => Remote::Unseen(source.to_string()),
                seen => seen?,
            },
        };
        if let Remote::Unseen(why) = &seen {
            silent.insert(&wanted.web, why.clone());
        }
        found.directories.push(seen);
    }
    for wanted in &node.hdfs_uploads {
        let seen = match silent.get(wanted.web.as_str()) {
            Some(why) => Copy::Unseen(why.clone()),
            None => match client(&wanted.web, &wanted.user, &wanted.to, GLANCE)
                .and_then(|hdfs| upload::look(&hdfs, node, ground, wanted))
            {
                Err(Error::Web { source, .. }) if source.is_passing() => Copy::Unseen(source.to_string()),
                seen => seen?,
            },
        };
        if let Copy::Unseen(why) = &seen {
            silent.insert(&wanted.web, why.clone());
        }
        found.uploads.push(seen);
    }
    Ok(found)
}

/// Makes a folder, or gives it its rights; whatever was seen before, it is looked at again.
pub(super) fn bring_directory(
    wanted: &HdfsDirectory,
    limit: Duration,
    patience: Patience,
    tell: Tell,
) -> Result<(), Error> {
    let hdfs = client(&wanted.web, &wanted.user, &wanted.path, Times::default())?;
    patiently(&wanted.path, limit, patience.look, tell, || directory::bring(&hdfs, wanted))
}

/// Uploads what differs.
pub(super) fn bring_upload(
    node: &Node,
    ground: &RootDir,
    wanted: &HdfsUpload,
    patience: Patience,
    tell: Tell,
) -> Result<(), Error> {
    let hdfs = client(&wanted.web, &wanted.user, &wanted.to, Times::default())?;
    patiently(&wanted.to, patience.long, patience.look, tell, || upload::bring(&hdfs, node, ground, wanted, tell))
}

fn client(web: &str, user: &Word, path: &NodePath, times: Times) -> Result<WebHdfs, Error> {
    WebHdfs::new(web, user.as_str(), times).map_err(|source| Error::Web { path: path.clone(), source })
}

/// Tries until it is done, or fails with what does not pass by itself, or the time is over.
fn patiently<T>(
    path: &NodePath,
    limit: Duration,
    look: Duration,
    tell: Tell,
    mut once: impl FnMut() -> Result<T, Error>,
) -> Result<T, Error> {
    let start = Instant::now();
    let mut told: Option<Instant> = None;
    loop {
        let source = match once() {
            Err(Error::Web { source, .. }) if source.is_passing() => source,
            done => return done,
        };
        if start.elapsed() >= limit {
            return Err(Error::Late { path: path.clone(), seconds: limit.as_secs(), source });
        }
        if told.is_none_or(|told| told.elapsed() > TELL_EVERY) {
            told = Some(Instant::now());
            let (waited, limit) = (start.elapsed().as_secs(), limit.as_secs());
            tell(Event::Note(format!("HDFS {path}: waiting since {waited} s of {limit}: {source}")));
        }
        sleep(look);
    }
}

fn web(path: &NodePath) -> impl Fn(webhdfs::Error) -> Error {
    let path = path.clone();
    move |source| Error::Web { path: path.clone(), source }
}
