//! A tree as one stream of bytes, as `tar` unpacks it: sorted, owned by root, without times.
//! Modes are narrow, for a node's folder is nobody's but root's.
//! Not here: where the stream goes.

use std::io;
use words::names::SafePath;
use words::tree::{Entry, Tree};

/// Packs a tree whose bytes are at hand.
pub fn packed(tree: &Tree) -> io::Result<Vec<u8>> {
    let mut packer = tar::Builder::new(Vec::new());
    for (path, entry) in tree.iter() {
        pack(&mut packer, &path, &entry)?;
    }
    packer.into_inner()
}

fn pack(packer: &mut tar::Builder<Vec<u8>>, path: &SafePath, entry: &Entry) -> io::Result<()> {
    let Entry::File { bytes, executable } = entry else {
        return Err(io::Error::other(format!("the bytes of {path} are not at hand")));
    };
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes.len() as u64);
    header.set_mode(if *executable { 0o700 } else { 0o600 });
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    packer.append_data(&mut header, path.as_str(), bytes.as_slice())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packed_tree_is_roots_and_always_the_same_bytes() {
        let mut tree = Tree::default();
        let long = format!("files/{}", "long/".repeat(40)) + "name";
        for (path, executable) in [("install.sh", true), ("node.toml", false), (long.as_str(), false)] {
            let entry = Entry::File { bytes: path.as_bytes().to_vec(), executable };
            tree.insert(SafePath::new(path).unwrap(), entry).unwrap();
        }
        let bytes = packed(&tree).unwrap();
        assert_eq!(bytes, packed(&tree).unwrap());
        let mut archive = tar::Archive::new(bytes.as_slice());
        let seen = archive.entries().unwrap().map(|entry| {
            let entry = entry.unwrap();
            let header = entry.header();
            (entry.path().unwrap().display().to_string(), header.mode().unwrap(), header.uid().unwrap())
        });
        let expected = [(long, 0o600, 0), ("install.sh".into(), 0o700, 0), ("node.toml".into(), 0o600, 0)];
        assert_eq!(seen.collect::<Vec<_>>(), expected);
    }
}
