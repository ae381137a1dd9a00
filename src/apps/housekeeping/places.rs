//! Where each kind of thing lies, and what it is called there: what is not so named is nobody's to remove.
//! Held once more right before anything goes. Pure.
//! Not here: what lies there.

use std::collections::BTreeSet;
use words::flink::Version;
use words::housekeeping::Kind;
use words::ids::{ApplicationId, JobId};
use words::names::{ApplicationName, ComponentName, Word};

/// The folder for temporary things, which is everybody's. Programs of Python have one of their own in it.
pub const TEMPORARY: [&str; 2] = ["/pnda/flink/tmp", "/pnda/flink/tmp/dc"];
/// Digits of the digest in the name of a release's folder.
const DIGITS: usize = 16;

/// The folders in HDFS.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    /// Of all checkpoints.
    pub checkpoints: String,
    /// Of the archives of finished jobs.
    pub archive: String,
    /// Of what job managers keep, by release of Flink.
    pub high_availability: BTreeSet<String>,
    /// Of what they keep in ZooKeeper, by ensemble: `one:2181,two:2181/flink`.
    pub znodes: BTreeSet<String>,
    /// Of releases of Flink.
    pub distributions: BTreeSet<String>,
    /// Of the manager.
    pub own: String,
}

impl Places {
    /// The folders in which the manager writes files beside and renames them.
    pub fn written(&self) -> [String; 3] {
        ["journal", "journal/snapshots", "packages"].map(|name| format!("{}/{name}", self.own))
    }

    /// Whether a thing of this kind may lie there, for this owner.
    pub fn are_of(&self, kind: Kind, owner: &str, path: &str) -> bool {
        let Some((folder, name)) = path.rsplit_once('/') else { return false };
        if Word::new(owner).is_err() {
            return false;
        }
        match kind {
            Kind::Staging => folder == format!("/user/{owner}/.flink") && ApplicationId::new(name).is_ok(),
            Kind::HighAvailability => self.high_availability.contains(folder) && ApplicationId::new(name).is_ok(),
            Kind::Znode => self.znodes.contains(folder) && ApplicationId::new(name).is_ok(),
            Kind::Checkpoints => {
                let below = folder.strip_prefix(&*self.checkpoints).and_then(|below| below.strip_prefix('/'));
                let parts: Vec<&str> = below.unwrap_or_default().split('/').collect();
                let [of, application, component] = parts[..] else { return false };
                let is_named = ApplicationName::new(application).is_ok() && ComponentName::new(component).is_ok();
                of == owner && is_named && JobId::new(name).is_ok()
            }
            Kind::Archive => folder == self.archive && JobId::new(name).is_ok(),
            Kind::Distribution => self.distributions.contains(folder) && is_release(name),
            Kind::Leftover => self.written().iter().any(|written| folder == written) && is_beside(name),
            Kind::Temporary => TEMPORARY.contains(&folder) && !TEMPORARY.contains(&path) && is_name(name),
            Kind::Savepoint | Kind::Package => false,
        }
    }
}

/// It leads nowhere else.
fn is_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..")
}

/// A folder that the installer brought: a version, and the digest of what is in it.
pub(super) fn is_release(name: &str) -> bool {
    let Some((version, digest)) = name.split_once('-') else { return false };
    version.parse::<Version>().is_ok() && digest.len() == DIGITS && is_hex(digest)
}

/// What the manager calls a file until it is whole.
pub(super) fn is_beside(name: &str) -> bool {
    let Some(nonce) = name.strip_prefix('.') else { return false };
    let nonce = nonce.strip_prefix("probe-").map_or((nonce, 32), |nonce| (nonce, DIGITS));
    nonce.0.len() == nonce.1 && is_hex(nonce.0)
}

fn is_hex(text: &str) -> bool {
    text.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'))
}
