//! The repository: uploads that break off, versions that are taken, order, and files that are none of its own.
//! Each test has a folder of its own.
//! Not here: what is in a package.

use super::*;
use crate::package::repository::{Error, Listed, Repository, file_name, package_name};
use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use words::digest::Sha256;

fn repository(folder: &Path) -> Repository {
    Repository::open_folder(folder).unwrap()
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn versions(listed: &[Listed]) -> Vec<String> {
    listed.iter().flat_map(|package| &package.versions).map(ToString::to_string).collect()
}

/// Gives some bytes and breaks off.
struct Broken(usize);

impl io::Read for Broken {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.0.min(buffer.len());
        self.0 -= count;
        if count == 0 { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(count) }
    }
}

#[test]
fn a_package_comes_out_as_it_went_in() {
    let folder = tempfile::tempdir().unwrap();
    let (repository, bytes, name) = (repository(folder.path()), wordcount(), named(WORDCOUNT));
    let stored = repository.receive(&name, &*bytes, Some(bytes.len() as u64)).unwrap();
    assert_eq!((stored.digest, stored.size), (Sha256::of(&bytes), bytes.len() as u64));
    assert_eq!(io::read_to_string(repository.open(&name).unwrap()).unwrap_err().kind(), io::ErrorKind::InvalidData);
    assert_eq!(fs::read(folder.path().join(file_name(&name))).unwrap(), bytes);
    let (package, again) = repository.package(&name).unwrap();
    assert_eq!((package.name, again), (name, stored));
    assert_eq!(files(folder.path()), [format!("{WORDCOUNT}.tar.gz")]);
}

#[test]
fn a_published_version_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let (repository, name) = (repository(folder.path()), named("p-1.0.0"));
    let first = repository.receive(&name, &b"one"[..], None).unwrap();
    assert_eq!(repository.receive(&name, &b"one"[..], None).unwrap(), first);
    let error = repository.receive(&name, &b"two"[..], None).unwrap_err();
    assert!(error.is_published() && error.to_string().contains("raise the version"), "{error}");
    assert_eq!(fs::read(folder.path().join("p-1.0.0.tar.gz")).unwrap(), b"one");
    assert_eq!(files(folder.path()).len(), 1);
}

#[test]
fn two_uploads_at_once_leave_one_whole_package() {
    let folder = tempfile::tempdir().unwrap();
    let (repository, name) = (&repository(folder.path()), &named("p-1.0.0"));
    let contents: Vec<Vec<u8>> = (0..8_u8).map(|at| vec![at; 300_000]).collect();
    let good = std::thread::scope(|scope| {
        let uploads: Vec<_> =
            contents.iter().map(|bytes| scope.spawn(move || repository.receive(name, &**bytes, None))).collect();
        uploads.into_iter().filter_map(|upload| upload.join().unwrap().ok()).collect::<Vec<_>>()
    });
    assert_eq!(good.len(), 1);
    assert_eq!(Sha256::of(&fs::read(folder.path().join("p-1.0.0.tar.gz")).unwrap()), good[0].digest);
    assert_eq!(files(folder.path()).len(), 1);
}

#[test]
fn an_upload_that_breaks_off_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (repository, name) = (repository(folder.path()).with_largest(1_000_000), named("p-1.0.0"));
    assert!(matches!(repository.receive(&name, Broken(300_000), None), Err(Error::Upload { .. })));
    assert!(matches!(
        repository.receive(&name, &b"short"[..], Some(6)),
        Err(Error::Length { announced: 6, came: 5, .. })
    ));
    assert!(matches!(repository.receive(&name, &b"long"[..], Some(3)), Err(Error::Length { .. })));
    assert!(matches!(repository.receive(&name, io::repeat(0), None), Err(Error::TooLarge { .. })));
    assert!(matches!(repository.receive(&name, &b""[..], Some(1_000_001)), Err(Error::TooLarge { .. })));
    assert_eq!(files(folder.path()), Vec::<String>::new());
    assert!(repository.open(&name).unwrap_err().is_missing());
}

#[test]
fn what_a_killed_upload_left_goes_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(".upload-0123"), "left").unwrap();
    fs::write(folder.path().join("mine.txt"), "kept").unwrap();
    let under_way = fs::File::create(folder.path().join(".upload-4567")).unwrap();
    under_way.lock().unwrap();
    fs::write(folder.path().join("kept-elsewhere"), "kept").unwrap();
    symlink("kept-elsewhere", folder.path().join(".upload-link")).unwrap();
    repository(folder.path());
    assert_eq!(files(folder.path()), [".upload-4567", "kept-elsewhere", "mine.txt"]);
    drop(under_way);
    repository(folder.path());
    assert_eq!(files(folder.path()), ["kept-elsewhere", "mine.txt"]);
}

#[test]
fn the_newest_version_comes_first_by_number() {
    let folder = tempfile::tempdir().unwrap();
    let repository = repository(folder.path());
    for name in ["b-1.0.0", "a-x-1.9.0", "a-x-1.10.0", "a-x-1.10.0", "a-x-0.99.99"] {
        repository.receive(&named(name), name.as_bytes(), None).unwrap();
    }
    let all = repository.list(None).unwrap();
    assert_eq!(versions(&all), ["a-x-1.10.0", "a-x-1.9.0", "a-x-0.99.99", "b-1.0.0"]);
    assert_eq!(all.iter().map(|package| package.name.as_str()).collect::<Vec<_>>(), ["a-x", "b"]);
    assert_eq!(versions(&repository.list(Some(1)).unwrap()), ["a-x-1.10.0", "b-1.0.0"]);
    assert_eq!(versions(&repository.list(Some(2)).unwrap()), ["a-x-1.10.0", "a-x-1.9.0", "b-1.0.0"]);
}

#[test]
fn names_that_do_not_fit_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["p-1.0.tar.gz", "p-1.0.0.zip", "p=1.0.0.tar.gz", "p-1.0.0a.tar.gz", ".p-1.0.0.tar.gz", "x"] {
        fs::write(folder.path().join(name), "x").unwrap();
        assert_eq!(package_name(name), None, "{name}");
    }
    assert_eq!(repository(folder.path()).list(None).unwrap(), []);
    assert_eq!(package_name("p-1.0.0.tar.gz"), Some(named("p-1.0.0")));
}

#[test]
fn links_and_pipes_are_no_packages() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("outside"), wordcount()).unwrap();
    symlink("outside", at("link-1.0.0.tar.gz")).unwrap();
    assert!(Command::new("mkfifo").arg(at("pipe-1.0.0.tar.gz")).status().unwrap().success());
    fs::create_dir(at("folder-1.0.0.tar.gz")).unwrap();
    let repository = repository(folder.path());
    assert_eq!(repository.list(None).unwrap(), []);
    for name in ["link-1.0.0", "pipe-1.0.0", "folder-1.0.0"] {
        assert!(matches!(repository.open(&named(name)), Err(Error::Folder { what: "open", .. })), "{name}");
        assert!(repository.package(&named(name)).is_err() && repository.delete(&named(name)).is_err(), "{name}");
        assert!(repository.receive(&named(name), &b"x"[..], None).is_err(), "{name}");
    }
    assert_eq!(fs::read(at("outside")).unwrap(), wordcount());
}

#[test]
fn a_package_is_deleted_once() {
    let folder = tempfile::tempdir().unwrap();
    let (repository, name) = (repository(folder.path()), named("p-1.0.0"));
    repository.receive(&name, &b"x"[..], None).unwrap();
    repository.delete(&name).unwrap();
    assert!(repository.delete(&name).unwrap_err().is_missing());
    assert_eq!(files(folder.path()), Vec::<String>::new());
}

#[test]
fn a_component_is_written_into_a_folder_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let (repository, name) = (repository(folder.path()), named("p-1.0.0"));
    let bytes = archive(&[
        file("p-1.0.0/flink/c/application.properties", b"a=b"),
        file("./p-1.0.0/flink/c/lib/deep/x.py", b"x"),
        file("p-1.0.0/flink/cc/y", b"y"),
        file("p-1.0.0/oozie/c/z", b"z"),
    ]);
    repository.receive(&name, &*bytes, None).unwrap();
    let (package, stored) = repository.package(&name).unwrap();
    let component = package.component(&Kind::Flink, &ComponentName::new("c").unwrap()).unwrap();
    let into = folder.path().join("stage");
    repository.extract(&name, stored.digest, component, &into).unwrap();
    assert_eq!(files(&into), ["application.properties", "lib"]);
    assert_eq!(fs::read(into.join("lib/deep/x.py")).unwrap(), b"x");
    let mode = |path: &str| fs::metadata(into.join(path)).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode(""), mode("lib/deep"), mode("lib/deep/x.py")), (0o700, 0o700, 0o600));
    // Nothing that is there is written to.
    assert!(repository.extract(&name, stored.digest, component, &into).is_err());
    assert_eq!(files(&into), ["application.properties", "lib"]);
    symlink("nowhere", folder.path().join("link")).unwrap();
    assert!(repository.extract(&name, stored.digest, component, &folder.path().join("link")).is_err());
    let path = SafePath::new("application.properties").unwrap();
    assert_eq!(repository.component_file(&name, stored.digest, component, &path, 3).unwrap(), b"a=b");
    let long = repository.component_file(&name, stored.digest, component, &path, 2).unwrap_err();
    assert!(words::chain::chain(&long).contains("`application.properties` is longer than 2 bytes"), "{long}");
}

#[test]
fn files_of_a_package_that_was_replaced_are_not_given() {
    let folder = tempfile::tempdir().unwrap();
    let (repository, name) = (repository(folder.path()), named("p-1.0.0"));
    repository.receive(&name, &*archive(&[file("p-1.0.0/flink/c/x", b"good")]), None).unwrap();
    let (package, stored) = repository.package(&name).unwrap();
    let into = folder.path().join("stage");
    let replace = |bytes: &[u8]| fs::write(folder.path().join("p-1.0.0.tar.gz"), bytes).unwrap();
    for other in [
        archive(&[file("p-1.0.0/flink/c/x", b"evil")]),
        archive(&[file("p-1.0.0/flink/c/x", b"longer")]),
        archive(&[file("p-1.0.0/flink/d/x", b"good")]),
        archive(&[
            file("p-1.0.0/flink/c/x", b"good"),
            Raw { name: b"p-1.0.0/l", kind: EntryType::Symlink, content: b"/" },
        ]),
        b"nothing".to_vec(),
    ] {
        replace(&other);
        assert!(repository.extract(&name, stored.digest, &package.components[0], &into).is_err());
        assert!(!into.exists());
        let path = SafePath::new("x").unwrap();
        assert!(repository.component_file(&name, stored.digest, &package.components[0], &path, 100).is_err());
    }
}

#[test]
fn only_the_files_that_were_seen_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let package = accepted(&[file("p-1.0.0/flink/c/x", b"good"), file("p-1.0.0/flink/c/y", b"")]);
    let into = folder.path().join("stage");
    for (others, wanted) in [
        (vec![file("p-1.0.0/flink/c/x", b"good")], false),
        (vec![file("p-1.0.0/flink/c/x", b"longer"), file("p-1.0.0/flink/c/y", b"")], false),
        (
            vec![file("p-1.0.0/flink/c/x", b"good"), file("p-1.0.0/flink/c/y", b""), file("p-1.0.0/flink/c/z", b"")],
            true,
        ),
    ] {
        let bytes = archive(&others);
        let written = extract::extract(&named("p-1.0.0"), &*bytes, &package.components[0], &into);
        assert_eq!((written.is_ok(), into.exists()), (wanted, wanted));
    }
    assert_eq!(files(&into), ["x", "y"]);
}

#[test]
fn an_upload_leaves_room_for_others() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::open_folder(folder.path()).unwrap().with_spared(u64::MAX);
    let told = repository.receive(&named("p-1.0.0"), &b"x"[..], None).unwrap_err();
    assert!(matches!(told, Error::NoRoom { .. }) && told.to_string().contains("spared for others"), "{told}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_folder_that_is_gone_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("none");
    let error = Repository::open_folder(&missing).unwrap_err();
    assert!(error.to_string().contains("cannot read the folder"), "{error}");
    let repository = repository(folder.path());
    fs::remove_dir(folder.path()).unwrap();
    assert!(matches!(repository.receive(&named("p-1.0.0"), &b"x"[..], None), Err(Error::Folder { what: "write", .. })));
}
