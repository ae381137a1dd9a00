//! One folder of HDFS: made where it is missing, given its owner, group and mode where they differ.
//! What is in it is nobody's business here.
//! Not here: waiting until HDFS takes changes.

use super::{Error, web};
use systems::webhdfs::{Status, WebHdfs};
use words::names::NodePath;
use words::node::{Access, HdfsDirectory};

/// What is at a path of HDFS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remote {
    /// HDFS does not answer, and why.
    Unseen(String),
    /// Nothing.
    Absent,
    /// A folder with owner, group and mode.
    Folder(String, String, u32),
    /// A file.
    File,
}

impl Remote {
    /// Whether it is a folder with these rights.
    pub fn is_right(&self, access: &Access) -> bool {
        match self {
            Remote::Folder(owner, group, mode) => {
                owner == access.owner.as_str() && group == access.group.as_str() && *mode == access.mode.bits()
            }
            _ => false,
        }
    }
}

pub(super) fn look(hdfs: &WebHdfs, path: &NodePath) -> Result<Remote, Error> {
    let found = hdfs.status(path.as_str()).map_err(web(path))?;
    Ok(match found {
        None => Remote::Absent,
        Some(status) if status.is_folder() => {
            let mode = status.mode().unwrap_or_default();
            Remote::Folder(status.owner, status.group, mode)
        }
        Some(_) => Remote::File,
    })
}

pub(super) fn bring(hdfs: &WebHdfs, wanted: &HdfsDirectory) -> Result<(), Error> {
    let (path, failed) = (&wanted.path, web(&wanted.path));
    match look(hdfs, path)? {
        Remote::File => return Err(Error::NotAFolder { path: path.clone() }),
        Remote::Absent | Remote::Unseen(_) => {
            hdfs.make_folder(path.as_str(), &String::from(wanted.access.mode)).map_err(&failed)?;
        }
        Remote::Folder(..) => {}
    }
    match hdfs.status(path.as_str()).map_err(&failed)? {
        Some(status) => grant(hdfs, path.as_str(), &status, &wanted.access, wanted.access.mode.bits()).map_err(failed),
        None => Err(Error::Unsteady { path: path.clone() }),
    }
}

/// Sets what differs of owner, group and mode; times stay.
pub(super) fn grant(
    hdfs: &WebHdfs,
    path: &str,
    status: &Status,
    access: &Access,
    mode: u32,
) -> Result<(), systems::webhdfs::Error> {
    if !owned(status, access) {
        hdfs.set_owner(path, access.owner.as_str(), access.group.as_str())?;
    }
    if status.mode() != Some(mode) {
        hdfs.set_mode(path, &format!("{mode:04o}"))?;
    }
    Ok(())
}

pub(super) fn owned(status: &Status, access: &Access) -> bool {
    status.owner == access.owner.as_str() && status.group == access.group.as_str()
}
