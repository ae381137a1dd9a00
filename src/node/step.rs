//! A plan and its steps: the values that an install prints in a dry run and carries out in a real one.
//! They say what happens to what, and nothing of why.
//! Not here: deciding.

use super::hdfs::{Copy, Remote};
use std::collections::BTreeMap;
use systems::probe::Seen;
use words::names::{NodePath, Word};
use words::node::{Access, Archive, Download, File, HdfsDirectory, HdfsUpload, Link, Once, User};

/// What an install does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// In this order.
    pub steps: Vec<Step>,
    /// Worth a line, nothing to do.
    pub notes: Vec<String>,
    /// What somebody changed by hand in what is placed anew.
    pub diffs: BTreeMap<NodePath, String>,
}

/// One thing that happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A user is made.
    User(User),
    /// A folder is made; without access it only leads to something.
    MakeFolder { path: NodePath, access: Option<Access> },
    /// A folder gets its owner and mode.
    GrantFolder { path: NodePath, access: Access },
    /// Something is placed.
    Put(Put),
    /// An archive is no longer used, but kept for going back.
    Keep(NodePath),
    /// Something that an earlier install placed is removed.
    Remove(NodePath),
    /// A folder that an earlier install made is removed if it is empty.
    RemoveFolder(NodePath),
    /// A service is stopped for good.
    Retire(Word),
    /// systemd reads its unit files.
    Reload,
    /// Something is prepared once; what a run that was cut off has left is moved aside first.
    Prepare { once: Once, aside: Option<NodePath> },
    /// A service starts with the machine from now on.
    Enable(Word),
    /// A service is started.
    Start(Word),
    /// A service is restarted, because of a path.
    Restart(Word, NodePath),
    /// A service runs but does not answer: it is waited for. What was seen.
    Await(Word, Seen),
    /// A folder of HDFS is made or gets its rights.
    HdfsFolder(HdfsDirectory, Remote),
    /// A folder is copied into HDFS.
    HdfsUpload(HdfsUpload, Copy),
}

/// Something that is placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Put {
    /// Where.
    pub path: NodePath,
    /// What.
    pub what: What,
    /// What is there now.
    pub over: Over,
}

/// What can be placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// An archive, unpacked.
    Archive(Archive),
    /// A file of the mirror.
    Download(Download),
    /// A rendered file.
    File(File),
    /// A link.
    Link(Link),
}

/// What a new thing takes the place of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Over {
    /// Nothing.
    Nothing,
    /// The same bytes with other rights.
    Rights,
    /// What an earlier install placed.
    Ours,
    /// What somebody else made or changed; kept under this name.
    Theirs(NodePath),
}

impl Plan {
    /// Whether nothing would change.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// What is placed.
    pub fn puts(&self) -> impl Iterator<Item = &Put> {
        self.steps.iter().filter_map(|step| if let Step::Put(put) = step { Some(put) } else { None })
    }

    /// Folders of HDFS to be brought about.
    pub fn hdfs_folders(&self) -> impl Iterator<Item = &HdfsDirectory> {
        self.steps.iter().filter_map(|step| if let Step::HdfsFolder(folder, _) = step { Some(folder) } else { None })
    }

    /// Users to be made.
    pub fn users(&self) -> Vec<&User> {
        self.steps.iter().filter_map(|step| if let Step::User(user) = step { Some(user) } else { None }).collect()
    }
}
