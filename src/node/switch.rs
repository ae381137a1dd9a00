//! Carries out a journal: rename after rename, each of which can be undone by what the journal says.
//! A failure or a crash in the middle is undone; once the state names the install it is finished instead.
//! Not here: why anything moves.
//!
//! No step needs to know how far an earlier run came: what is staged carries its inode, and where that inode is
//! tells whether its rename has happened. So undoing twice, or undoing what never happened, changes nothing.

use super::journal::{Journal, Move};
use super::owners::Rights;
use disk::root_dir::{self, PathHandle, RootDir};
use rustix::fs::{self, FileType, Gid, Mode, Stat, Uid};
use std::collections::BTreeSet;
use std::io;
use std::os::fd::AsFd;
use words::names::NodePath;

/// What failed on which path.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The path leads nowhere safe.
    #[error("cannot reach {path} on the node")]
    Walk { path: NodePath, source: root_dir::Error },
    /// The folder above it has gone.
    #[error("the folder of {path} has gone")]
    NoFolder { path: NodePath },
    /// The machine refuses.
    #[error("cannot {verb} {path} on the node")]
    Change { verb: &'static str, path: NodePath, source: io::Error },
}

fn change(verb: &'static str, path: &NodePath) -> impl FnOnce(io::Error) -> Error {
    let path = path.clone();
    move |source| Error::Change { verb, path, source }
}

fn place(ground: &RootDir, path: &NodePath) -> Result<PathHandle, Error> {
    find(ground, path)?.ok_or_else(|| Error::NoFolder { path: path.clone() })
}

fn find(ground: &RootDir, path: &NodePath) -> Result<Option<PathHandle>, Error> {
    ground.place(path).map_err(|source| Error::Walk { path: path.clone(), source })
}

/// What is at a place.
pub(super) fn stat(ground: &RootDir, path: &NodePath) -> Result<Stat, Error> {
    let found = place(ground, path)?.stat().map_err(change("look at", path))?;
    found.ok_or_else(|| change("look at", path)(io::ErrorKind::NotFound.into()))
}

/// Carries out every move, durably; stops at the first that fails.
pub(super) fn perform(ground: &RootDir, journal: &Journal) -> Result<(), Error> {
    // What is staged must be on the disk before its name says so.
    sync(ground, journal)?;
    for one in &journal.moves {
        match one {
            Move::Make { path, rights } => make(ground, path, *rights)?,
            Move::Grant { path, now, .. } => grant(ground, path, *now)?,
            Move::Place { path, staged, aside, .. } => {
                let (to, from) = (place(ground, path)?, place(ground, staged)?);
                if let Some(aside) = aside {
                    set_aside(&to, &place(ground, &aside.path)?).map_err(change("set aside", path))?;
                }
                from.rename(&to).map_err(change("place", path))?;
            }
            Move::Remove { path, aside } => {
                place(ground, path)?.rename(&place(ground, aside)?).map_err(change("remove", path))?;
            }
        }
    }
    sync(ground, journal)
}

fn make(ground: &RootDir, path: &NodePath, rights: Rights) -> Result<(), Error> {
    let folder = place(ground, path)?.make_folder().map_err(change("make folder", path))?;
    set_rights(&folder, rights).map_err(change("set the owner or mode of", path))
}

fn grant(ground: &RootDir, path: &NodePath, rights: Rights) -> Result<(), Error> {
    let folder = ground.folder(path).map_err(|source| Error::Walk { path: path.clone(), source })?;
    let (folder, _) = folder.ok_or_else(|| Error::NoFolder { path: path.clone() })?;
    set_rights(&folder, rights).map_err(change("set the owner or mode of", path))
}

/// Sets owner and mode of what is open.
pub(super) fn set_rights(opened: impl AsFd, rights: Rights) -> io::Result<()> {
    // The owner first: changing it takes setuid and setgid away.
    if let Some((user, group)) = rights.owner {
        fs::fchown(&opened, Some(Uid::from_raw(user)), Some(Gid::from_raw(group)))?;
    }
    Ok(fs::fchmod(&opened, Mode::from_raw_mode(rights.mode))?)
}

/// Gives the old thing a second name, so that its place is never empty; a folder can only be moved.
fn set_aside(old: &PathHandle, aside: &PathHandle) -> io::Result<()> {
    if aside.stat()?.is_some() {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "the name for keeping the old one is taken"));
    }
    if !is_folder(old)? && old.link_as(aside).is_ok() {
        return Ok(());
    }
    old.rename(aside)
}

fn is_folder(place: &PathHandle) -> io::Result<bool> {
    Ok(place.stat()?.is_some_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory))
}

/// Brings back everything as it was; goes on after a failure, and gives the first one.
pub(super) fn undo(ground: &RootDir, journal: &Journal) -> Result<(), Error> {
    let mut result = Ok(());
    let mut note = |done: Result<(), Error>| {
        if result.is_ok() {
            result = done;
        }
    };
    for one in journal.moves.iter().rev().filter(|_| journal.staged) {
        note(match one {
            Move::Make { path, .. } => unmake(ground, path),
            Move::Grant { path, was, .. } => grant(ground, path, *was),
            Move::Place { path, staged, inode, aside } => {
                let aside = aside.as_ref().map(|aside| &aside.path);
                unplace(ground, path, staged, *inode, aside)
            }
            Move::Remove { path, aside } => put_back(ground, path, aside),
        });
    }
    for staged in &journal.staging {
        note(remove(ground, staged));
    }
    note(sync(ground, journal));
    result
}

/// What is not empty any more holds what somebody else put there since.
fn unmake(ground: &RootDir, path: &NodePath) -> Result<(), Error> {
    let Some(place) = find(ground, path)? else { return Ok(()) };
    match place.remove_empty() {
        Err(error) if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty) => {
            Err(change("remove folder", path)(error))
        }
        _ => Ok(()),
    }
}

fn unplace(
    ground: &RootDir,
    path: &NodePath,
    staged: &NodePath,
    inode: u64,
    aside: Option<&NodePath>,
) -> Result<(), Error> {
    let Some(to) = find(ground, path)? else { return Ok(()) };
    let failed = |source| change("bring back", path)(source);
    let placed = to.inode().map_err(failed)? == Some(inode);
    let aside = aside.map(|aside| place(ground, aside)).transpose()?;
    let old = aside.as_ref().map(PathHandle::inode).transpose().map_err(failed)?.flatten();
    match (placed, &aside, old) {
        (true, Some(aside), Some(_)) if is_folder(&to).map_err(failed)? || is_folder(aside).map_err(failed)? => {
            to.rename(&place(ground, staged)?).map_err(failed)?;
            aside.rename(&to).map_err(failed)
        }
        (true, Some(aside), Some(_)) => aside.rename(&to).map_err(failed),
        (true, _, _) => to.remove().map_err(failed),
        (false, Some(aside), Some(old)) => match to.inode().map_err(failed)? {
            // Two names of one file: the second one goes.
            Some(now) if now == old => aside.remove().map_err(failed),
            Some(_) => Ok(()),
            None => aside.rename(&to).map_err(failed),
        },
        (false, _, _) => Ok(()),
    }
}

fn put_back(ground: &RootDir, path: &NodePath, aside: &NodePath) -> Result<(), Error> {
    let (Some(to), Some(from)) = (find(ground, path)?, find(ground, aside)?) else { return Ok(()) };
    let failed = |source| change("bring back", path)(source);
    let moved = from.stat().map_err(failed)?.is_some() && to.stat().map_err(failed)?.is_none();
    if moved { from.rename(&to).map_err(failed) } else { Ok(()) }
}

/// The switch is done: what moved aside goes, except what somebody made.
pub(super) fn finish(ground: &RootDir, journal: &Journal) -> Result<(), Error> {
    for one in &journal.moves {
        match one {
            Move::Place { aside: Some(aside), .. } if !aside.keep => remove(ground, &aside.path)?,
            Move::Place { aside: Some(aside), .. } if aside.private => close(ground, &aside.path)?,
            Move::Remove { aside, .. } => remove(ground, aside)?,
            _ => {}
        }
    }
    journal.staging.iter().try_for_each(|staged| remove(ground, staged))
}

/// What stays is for its owner alone from now on. Not before: until the switch is done it is what services read.
fn close(ground: &RootDir, path: &NodePath) -> Result<(), Error> {
    let Some(place) = find(ground, path)? else { return Ok(()) };
    let closed = place.open().and_then(|file| match fs::fstat(&file)?.st_nlink {
        1 => Ok(fs::fchmod(&file, Mode::from_raw_mode(0o600))?),
        // It has a name elsewhere, and is not ours alone to close.
        _ => Ok(()),
    });
    match closed {
        // Its maker has taken it away.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        closed => closed.map_err(change("close", path)),
    }
}

fn remove(ground: &RootDir, path: &NodePath) -> Result<(), Error> {
    find(ground, path)?.map_or(Ok(()), |place| place.remove().map_err(change("remove", path)))
}

/// Makes everything durable: one call for each file system that is touched.
fn sync(ground: &RootDir, journal: &Journal) -> Result<(), Error> {
    let mut done = BTreeSet::new();
    let touched = journal.moves.iter().map(|one| match one {
        Move::Make { path, .. } | Move::Grant { path, .. } => path,
        Move::Place { path, .. } | Move::Remove { path, .. } => path,
    });
    for path in touched.chain(&journal.staging) {
        let Some(place) = find(ground, path)? else { continue };
        let failed = |errno: rustix::io::Errno| change("make durable", path)(errno.into());
        let device = fs::fstat(place.folder()).map_err(failed)?.st_dev;
        if done.insert(device) {
            fs::syncfs(place.folder()).map_err(failed)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::journal::Aside;
    use super::*;
    use std::fs as disk;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
    use std::path::Path;
    use words::node::Scope;

    fn path(text: &str) -> NodePath {
        NodePath::new(text).unwrap()
    }

    const RIGHTS: Rights = Rights { mode: 0o755, owner: None };

    /// Everything below a folder as text: kind, mode and content.
    fn listing(root: &Path) -> Vec<String> {
        let mut lines = Vec::new();
        let mut left = vec![root.to_owned()];
        while let Some(folder) = left.pop() {
            for entry in disk::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                let found = disk::symlink_metadata(&path).unwrap();
                let name = path.strip_prefix(root).unwrap().display().to_string();
                let content = match (found.is_dir(), found.is_symlink()) {
                    (true, _) => String::new(),
                    (_, true) => disk::read_link(&path).unwrap().display().to_string(),
                    _ => disk::read_to_string(&path).unwrap(),
                };
                lines.push(format!("{name} {:o} {} {content}", found.mode(), found.ino()));
                if found.is_dir() {
                    left.push(path);
                }
            }
        }
        lines.sort();
        lines
    }

    /// A node with something of every kind, and a journal that touches all of it.
    fn scene(root: &Path) -> Journal {
        let at = |name: &str| root.join(name);
        for folder in ["etc", "opt/flink-1", "opt/.flink-1.pnda-1-1", "opt/java"] {
            disk::create_dir_all(at(folder)).unwrap();
        }
        for (name, text) in [
            ("etc/a", "old"),
            ("etc/hand", "by hand"),
            ("etc/gone", "no longer wanted"),
            ("opt/flink-1/x", "tree"),
            ("opt/.flink-1.pnda-1-1/x", "new tree"),
            ("etc/.a.pnda-1-2", "new"),
            ("etc/.hand.pnda-1-3", "rendered"),
            ("etc/.b.pnda-1-4", "first"),
        ] {
            disk::write(at(name), text).unwrap();
        }
        symlink("flink-0", at("opt/flink")).unwrap();
        symlink("flink-1", at("opt/.flink.pnda-1-5")).unwrap();
        disk::set_permissions(at("opt/java"), disk::Permissions::from_mode(0o700)).unwrap();
        let inode = |name: &str| disk::symlink_metadata(at(name)).unwrap().ino();
        let place = |to: &str, staged: &str, aside: Option<(&str, bool)>| Move::Place {
            path: path(to),
            staged: path(&format!("/{staged}")),
            inode: inode(staged),
            aside: aside.map(|(name, keep)| Aside { path: path(name), keep, private: false }),
        };
        let mut journal = Journal::new(1, vec![path("/opt/.flink-1.pnda-1-1"), path("/etc/.a.pnda-1-2")]);
        let more = ["/etc/.hand.pnda-1-3", "/etc/.b.pnda-1-4", "/opt/.flink.pnda-1-5"];
        journal.staging.extend(more.map(path));
        journal.moves = vec![
            Move::Make { path: path("/opt/new"), rights: RIGHTS },
            Move::Make { path: path("/opt/new/deep"), rights: RIGHTS },
            Move::Grant { path: path("/opt/java"), was: Rights { mode: 0o700, ..RIGHTS }, now: RIGHTS },
            place("/opt/flink-1", "opt/.flink-1.pnda-1-1", Some(("/opt/.flink-1.pnda-1-1-old", false))),
            place("/etc/a", "etc/.a.pnda-1-2", Some(("/etc/.a.pnda-1-2-old", false))),
            place("/etc/hand", "etc/.hand.pnda-1-3", Some(("/etc/hand.pnda-saved", true))),
            place("/opt/new/deep/b", "etc/.b.pnda-1-4", None),
            place("/opt/flink", "opt/.flink.pnda-1-5", Some(("/opt/.flink.pnda-1-5-old", false))),
            Move::Remove { path: path("/etc/gone"), aside: path("/etc/.gone.pnda-1-6") },
        ];
        journal.staged = true;
        journal
    }

    fn without_staging(lines: Vec<String>) -> Vec<String> {
        lines.into_iter().filter(|line| !line.contains(".pnda-1-")).collect()
    }

    #[test]
    fn a_switch_places_everything_and_keeps_what_somebody_made() {
        let root = tempfile::tempdir().unwrap();
        let journal = scene(root.path());
        let ground = RootDir::open(root.path(), Scope::User).unwrap();
        perform(&ground, &journal).unwrap();
        finish(&ground, &journal).unwrap();
        let read = |name: &str| disk::read_to_string(root.path().join(name)).unwrap();
        assert_eq!(
            (read("opt/flink-1/x"), read("etc/a"), read("opt/new/deep/b")),
            ("new tree".into(), "new".into(), "first".into())
        );
        assert_eq!((read("etc/hand"), read("etc/hand.pnda-saved")), ("rendered".into(), "by hand".into()));
        assert_eq!(disk::read_link(root.path().join("opt/flink")).unwrap(), Path::new("flink-1"));
        let lines = listing(root.path());
        assert!(!lines.iter().any(|line| line.contains(".pnda-1-") || line.contains("gone")), "{lines:#?}");
        assert_eq!(disk::metadata(root.path().join("opt/java")).unwrap().mode() & 0o777, 0o755);
    }

    #[test]
    fn a_failure_or_a_crash_at_any_point_is_undone() {
        let moves = scene(tempfile::tempdir().unwrap().path()).moves.len();
        for done in 0..=moves {
            let root = tempfile::tempdir().unwrap();
            let journal = scene(root.path());
            let before = without_staging(listing(root.path()));
            let ground = RootDir::open(root.path(), Scope::User).unwrap();
            let first = Journal { moves: journal.moves[..done].to_vec(), ..journal.clone() };
            perform(&ground, &first).unwrap();
            undo(&ground, &journal).unwrap();
            assert_eq!(listing(root.path()), before, "after {done} moves");
            undo(&ground, &journal).unwrap();
            assert_eq!(listing(root.path()), before, "undone twice after {done} moves");
        }
    }

    #[test]
    fn a_crash_between_setting_aside_and_placing_is_undone() {
        let root = tempfile::tempdir().unwrap();
        let journal = scene(root.path());
        let before = without_staging(listing(root.path()));
        disk::hard_link(root.path().join("etc/a"), root.path().join("etc/.a.pnda-1-2-old")).unwrap();
        disk::rename(root.path().join("opt/flink-1"), root.path().join("opt/.flink-1.pnda-1-1-old")).unwrap();
        undo(&RootDir::open(root.path(), Scope::User).unwrap(), &journal).unwrap();
        assert_eq!(listing(root.path()), before);
    }

    #[test]
    fn a_taken_name_stops_the_switch_and_is_not_touched() {
        let root = tempfile::tempdir().unwrap();
        let journal = scene(root.path());
        disk::write(root.path().join("etc/hand.pnda-saved"), "somebody's").unwrap();
        let before = without_staging(listing(root.path()));
        let ground = RootDir::open(root.path(), Scope::User).unwrap();
        let error = perform(&ground, &journal).unwrap_err();
        assert!(matches!(error, Error::Change { verb: "set aside", .. }), "{error:?}");
        undo(&ground, &journal).unwrap();
        assert_eq!(listing(root.path()), before);
    }

    #[test]
    fn a_folder_in_the_way_stops_the_switch() {
        let root = tempfile::tempdir().unwrap();
        let journal = scene(root.path());
        disk::create_dir_all(root.path().join("opt/new")).unwrap();
        disk::write(root.path().join("opt/new/theirs"), "").unwrap();
        let before = without_staging(listing(root.path()));
        let ground = RootDir::open(root.path(), Scope::User).unwrap();
        assert!(matches!(perform(&ground, &journal), Err(Error::Change { verb: "make folder", .. })));
        undo(&ground, &journal).unwrap();
        assert_eq!(listing(root.path()), before);
    }

    #[test]
    fn staging_that_was_cut_off_is_cleared_and_nothing_else_moves() {
        let root = tempfile::tempdir().unwrap();
        let journal = Journal { staged: false, ..scene(root.path()) };
        let before = without_staging(listing(root.path()));
        undo(&RootDir::open(root.path(), Scope::User).unwrap(), &journal).unwrap();
        assert_eq!(listing(root.path()), before);
    }
}
