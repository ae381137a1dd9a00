//! A node that must have nothing: what rendering begins with, and what uninstalling aims at.
//! Every list of the document stands here once, so that a new one is added in one place.
//! Not here: what fills the lists.

use super::{Mirror, Node, Scope};
use crate::digest::Sha256;
use crate::names::Word;

/// The newest format of the document.
pub const FORMAT: u32 = 2;

impl Node {
    /// A node that must have nothing.
    pub fn empty(cluster: Word, node: Word, inputs: Sha256, scope: Scope, root: String, mirror: Mirror) -> Node {
        Node {
            // Whoever knows one key alone says that it needs the newer program.
            format: if mirror.public_key.len() > 1 { FORMAT } else { 1 },
            cluster,
            node,
            roles: Vec::new(),
            inputs,
            scope,
            root,
            mirror,
            expected: Vec::new(),
            site_hadoops: Vec::new(),
            users: Vec::new(),
            directories: Vec::new(),
            archives: Vec::new(),
            downloads: Vec::new(),
            files: Vec::new(),
            links: Vec::new(),
            once: Vec::new(),
            services: Vec::new(),
            hdfs_directories: Vec::new(),
            hdfs_uploads: Vec::new(),
        }
    }
}
