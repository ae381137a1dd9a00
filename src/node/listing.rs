//! What an archive unpacked: every member with its digest, written down while it is unpacked.
//! Held against the folder later it tells what was changed, what is missing and what nobody unpacked.
//! Not here: what becomes of that.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use walkdir::WalkDir;
use words::digest::Sha256;

const FORMAT: u32 = 1;

/// The members of an archive by their path in its folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    format: u32,
    /// Sorted.
    pub members: BTreeMap<String, Member>,
}

/// One member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Member {
    /// A folder.
    Folder,
    /// A file; it can be executed or not.
    File { sha256: Sha256, size: u64, executable: bool },
    /// A symbolic link.
    Link { to: String },
}

/// What differs at one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// Another content, kind, mode or owner.
    Changed,
    /// Not there.
    Missing,
    /// Nobody unpacked it.
    Extra,
}

impl Listing {
    /// A listing of these members.
    pub fn new(members: BTreeMap<String, Member>) -> Listing {
        Listing { format: FORMAT, members }
    }

    /// Reads what `render` wrote; none if it is something else.
    pub fn parse(text: &str) -> Option<Listing> {
        serde_json::from_str(text).ok().filter(|listing: &Listing| listing.format == FORMAT)
    }

    /// The text that is kept.
    pub fn render(&self) -> String {
        serde_json::to_string(self).expect("texts, numbers and maps with text keys can always be written")
    }

    /// Everything below the folder that differs, sorted; every file is read. `owner` is whose everything must be.
    pub fn compare(&self, folder: &Path, owner: Option<(u32, u32)>) -> io::Result<BTreeMap<String, Difference>> {
        let mut differing: BTreeMap<String, Difference> =
            self.members.keys().map(|path| (path.clone(), Difference::Missing)).collect();
        for entry in WalkDir::new(folder).min_depth(1) {
            let entry = entry?;
            let path = entry.path();
            let inner = path.strip_prefix(folder).unwrap_or(path).to_string_lossy().into_owned();
            match self.members.get(&inner) {
                None => drop(differing.insert(inner, Difference::Extra)),
                Some(member) if is(member, path, &entry.metadata()?, owner)? => drop(differing.remove(&inner)),
                Some(_) => drop(differing.insert(inner, Difference::Changed)),
            }
        }
        Ok(differing)
    }
}

fn is(member: &Member, path: &Path, found: &fs::Metadata, owner: Option<(u32, u32)>) -> io::Result<bool> {
    if owner.is_some_and(|owner| owner != (found.uid(), found.gid())) {
        return Ok(false);
    }
    let mode = found.mode() & 0o7777;
    Ok(match member {
        Member::Folder => found.is_dir() && mode == 0o755,
        Member::Link { to } => found.is_symlink() && fs::read_link(path)?.to_str() == Some(to),
        Member::File { sha256, size, executable } => {
            let right = if *executable { 0o755 } else { 0o644 };
            found.is_file()
                && mode == right
                && found.len() == *size
                && Sha256::of_reader(&mut File::open(path)?)?.0 == *sha256
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn changed_missing_and_extra_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let file = |text: &str| Member::File {
            sha256: Sha256::of(text.as_bytes()),
            size: text.len() as u64,
            executable: false,
        };
        let mut members = BTreeMap::from([("d".to_owned(), Member::Folder)]);
        members.insert("l".into(), Member::Link { to: "d/a".into() });
        members.extend(["d/a", "d/b", "d/c", "gone"].map(|name| (name.to_owned(), file(name))));
        let listing = Listing::new(members);
        assert_eq!(Listing::parse(&listing.render()).as_ref(), Some(&listing));
        assert_eq!(Listing::parse("{}"), None);
        fs::create_dir(at("d")).unwrap();
        fs::set_permissions(at("d"), fs::Permissions::from_mode(0o755)).unwrap();
        symlink("d/b", at("l")).unwrap();
        for (name, text) in [("d/a", "d/a"), ("d/b", "d/B"), ("d/c", "d/c"), ("new", "")] {
            fs::write(at(name), text).unwrap();
            fs::set_permissions(at(name), fs::Permissions::from_mode(0o644)).unwrap();
        }
        fs::set_permissions(at("d/c"), fs::Permissions::from_mode(0o666)).unwrap();
        let found = listing.compare(folder.path(), None).unwrap();
        let found: Vec<(&str, Difference)> = found.iter().map(|(path, one)| (path.as_str(), *one)).collect();
        let expected = [
            ("d/b", Difference::Changed),
            ("d/c", Difference::Changed),
            ("gone", Difference::Missing),
            ("l", Difference::Changed),
            ("new", Difference::Extra),
        ];
        assert_eq!(found, expected);
    }
}
