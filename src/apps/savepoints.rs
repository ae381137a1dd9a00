//! What lies in the savepoint folder of a component in HDFS: whole savepoints and what is none yet, each with its size.
//! Whoever asks is the component's owner, and what others put there is bounded and never believed.
//! Not here: which of them the journal knows (`manager::savepoints`), and removing any (`act`).

use std::cmp::Reverse;
use std::sync::atomic::{AtomicUsize, Ordering};
use systems::webhdfs::{self, Status, WebHdfs};
use words::digest::Sha256;
use words::ids::TriggerId;
use words::parallel;

/// So many folders are looked into, the newest ones.
pub const MOST: usize = 200;
/// So many of them at once.
const AT_ONCE: usize = 4;
/// What a savepoint has last.
const METADATA: &str = "_metadata";
/// No name that Flink or we give is longer.
const LONGEST_NAME: usize = 100;

/// A savepoint that lies there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lying {
    /// The path of its folder.
    pub path: String,
    /// When its last file was written, in milliseconds since 1970.
    pub at_ms: u64,
    /// Of all its files.
    pub bytes: u64,
    /// All of it is there.
    pub is_whole: bool,
}

/// What lies in a component's folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Folder {
    /// The savepoints.
    pub all: Vec<Lying>,
    /// So many folders were not looked into.
    pub left_out: usize,
}

impl Lying {
    /// An id for one that the journal does not have: always the same for the same place.
    pub fn id(&self) -> Option<TriggerId> {
        let digest = Sha256::of(self.path.as_bytes()).to_string();
        TriggerId::new(digest.get(..32)?).ok()
    }
}

/// The newest savepoint in a folder that was made for one.
pub fn look_at(hdfs: &WebHdfs, folder: &str) -> Result<Option<Lying>, webhdfs::Error> {
    let inside = folders(hdfs.list(folder)?);
    let Some(one) = inside.into_iter().find(|one| is_savepoint(&one.path_suffix)) else { return Ok(None) };
    let path = format!("{folder}/{}", one.path_suffix);
    let files = hdfs.list(&path)?.unwrap_or_default();
    Ok(Some(lying(path, &one, &files)))
}

/// Looks into the folder of a component; one that is not there has nothing in it.
pub fn look(hdfs: &WebHdfs, folder: &str) -> Result<Folder, webhdfs::Error> {
    let mut inside = folders(hdfs.list(folder)?);
    let mut left_out = inside.len().saturating_sub(MOST);
    inside.truncate(MOST);
    // Of all folders together: what somebody piles up in one of them is not looked into.
    let (left, missed) = (AtomicUsize::new(MOST), AtomicUsize::new(0));
    let may = || left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok();
    let found = parallel::try_each(AT_ONCE, inside, |one| {
        let path = format!("{folder}/{}", one.path_suffix);
        let files = hdfs.list(&path)?.unwrap_or_default();
        if is_savepoint(&one.path_suffix) {
            return Ok(vec![lying(path, &one, &files)]);
        }
        let mut all = Vec::new();
        for inner in folders(Some(files)).into_iter().filter(|inner| is_savepoint(&inner.path_suffix)) {
            if !may() {
                missed.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            let path = format!("{path}/{}", inner.path_suffix);
            let files = hdfs.list(&path)?.unwrap_or_default();
            all.push(lying(path, &inner, &files));
        }
        Ok::<_, webhdfs::Error>(all)
    })?;
    left_out += missed.into_inner();
    Ok(Folder { all: found.into_iter().flatten().collect(), left_out })
}

/// Folders with names that can be Flink's or ours, the newest first.
fn folders(list: Option<Vec<Status>>) -> Vec<Status> {
    let plain = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    let fits = |one: &Status| one.is_folder() && one.path_suffix.len() <= LONGEST_NAME && plain(&one.path_suffix);
    let mut all: Vec<Status> = list.unwrap_or_default().into_iter().filter(fits).collect();
    all.sort_by_key(|one| Reverse(one.modification_time));
    all
}

fn is_savepoint(name: &str) -> bool {
    name.starts_with("savepoint-")
}

/// Flink puts the files of a savepoint side by side, and writes its metadata last.
fn lying(path: String, folder: &Status, files: &[Status]) -> Lying {
    let metadata = files.iter().find(|file| file.path_suffix == METADATA && !file.is_folder());
    Lying {
        path,
        at_ms: metadata.map_or(folder.modification_time, |file| file.modification_time),
        bytes: files.iter().map(|file| file.length).fold(0, u64::saturating_add),
        is_whole: metadata.is_some(),
    }
}

/// The path in HDFS that a state's path stands for, whichever name it has for the file system: two paths of one state are one.
pub fn local(path: &str) -> &str {
    let after = path.split_once("://").map_or(path, |(_, rest)| rest.find('/').map_or("", |at| &rest[at..]));
    after.trim_end_matches('/')
}

/// Whether a state lies in a folder, or is it.
pub fn lies_in(path: &str, folder: &str) -> bool {
    let (path, folder) = (local(path), local(folder));
    !folder.is_empty() && path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_known_again_under_another_name_of_its_file_system() {
        for path in ["hdfs://nn:8020/s/a/x", "hdfs://pair/s/a/x/", "/s/a/x"] {
            assert_eq!(local(path), "/s/a/x");
            assert!(lies_in(path, "/s/a") && lies_in(path, "/s/a/x") && !lies_in(path, "/s/a/xy"), "{path}");
        }
        assert!(!lies_in("hdfs://nn:8020", "/s") && !lies_in("/s/a", "") && !lies_in("/s/ab", "/s/a"));
    }

    #[test]
    fn what_lies_there_is_found_with_its_size_and_what_is_none_is_not() {
        let fake = webhdfs::Fake::start();
        let hdfs = fake.client();
        let write = |path: &str, text: &str| {
            hdfs.write(&format!("/s/{path}"), "640", text.len() as u64, &mut text.as_bytes()).unwrap();
        };
        write("0a/savepoint-1/part", "12345");
        write("0a/savepoint-1/_metadata", "m");
        write("savepoint-2/_metadata", "mm");
        write("0b/savepoint-3/part", "123");
        write("0c/else/_metadata", "m");
        write("0d/savepoint-[31m/_metadata", "m");
        write("a file", "m");
        let found = look(&hdfs, "/s").unwrap();
        let mut all: Vec<_> = found.all.iter().map(|one| (one.path.as_str(), one.bytes, one.is_whole)).collect();
        all.sort_unstable();
        assert_eq!(all, [("/s/0a/savepoint-1", 6, true), ("/s/0b/savepoint-3", 3, false), ("/s/savepoint-2", 2, true)]);
        assert_eq!(found.left_out, 0);
        let ids: std::collections::BTreeSet<_> = found.all.iter().map(Lying::id).collect();
        assert!(ids.len() == 3 && !ids.contains(&None));
        assert_eq!(look(&hdfs, "/none").unwrap(), Folder::default());
        let at = |folder: &str| look_at(&hdfs, folder).unwrap().map(|one| (one.bytes, one.is_whole));
        assert_eq!((at("/s/0a"), at("/s/0b"), at("/s/0c")), (Some((6, true)), Some((3, false)), None));
    }

    #[test]
    fn what_somebody_piles_up_is_counted_and_not_looked_into() {
        let fake = webhdfs::Fake::start();
        let hdfs = fake.client();
        for number in 0..MOST + 7 {
            let (folder, inner) = (number % 3, number);
            hdfs.write(&format!("/s/{folder}/savepoint-{inner}/_metadata"), "640", 1, &mut &b"m"[..]).unwrap();
        }
        let found = look(&hdfs, "/s").unwrap();
        assert_eq!((found.all.len(), found.left_out), (MOST, 7));
    }
}
