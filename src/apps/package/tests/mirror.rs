//! Packages of a mirror: only what its signed list says comes into the repository.
//! Of what is wrong nothing stays.
//! Not here: the list's own reader, and servers (`systems`).

use super::{named, wordcount_as};
use crate::package::mirror::{Error, Mirror};
use crate::package::repository::Repository;
use minisign::KeyPair;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use words::chain::chain;
use words::digest::Sha256;
use words::generation::{Generation, LIST, Listed, SIGNATURE};
use words::location::Location;
use words::names::{PackageName, SafePath};
use words::node::Keys;

const NAME: &str = "words-1.0.0";

/// A mirror in a folder with one package, and a repository beside it.
struct Site {
    folder: tempfile::TempDir,
    repository: Repository,
    mirror: Mirror,
}

impl Site {
    fn new() -> Site {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("mirror");
        fs::create_dir_all(root.join("mirror_apps")).unwrap();
        fs::create_dir(folder.path().join("packages")).unwrap();
        let repository = Repository::open_folder(&folder.path().join("packages")).unwrap().with_spared(0);
        let pair = KeyPair::generate_unencrypted_keypair().unwrap();
        publish(&root, &pair, &wordcount_as(NAME));
        let keys = Keys::try_from(pair.pk.to_base64()).unwrap();
        let location = Location::parse(&root.display().to_string()).unwrap();
        Site { folder, repository, mirror: Mirror { location, keys } }
    }

    fn file(&self) -> std::path::PathBuf {
        self.folder.path().join(format!("mirror/mirror_apps/{NAME}.tar.gz"))
    }

    /// Why a package does not come; nothing of it is kept.
    fn refused(&self, name: &PackageName) -> String {
        let error = self.mirror.bring(name, &self.repository).unwrap_err();
        let left = fs::read_dir(self.folder.path().join("packages")).unwrap().count();
        assert_eq!(left, 0, "{error}");
        chain(&error)
    }
}

fn publish(root: &Path, pair: &KeyPair, package: &[u8]) {
    let path = SafePath::new(format!("mirror_apps/{NAME}.tar.gz")).unwrap();
    fs::write(path.under(root), package).unwrap();
    let listed = Listed { size: package.len() as u64, sha256: Sha256::of(package) };
    let list = Generation { number: 3, lock: Sha256::of(b""), files: BTreeMap::from([(path, listed)]) }.render();
    let signature = minisign::sign(None, &pair.sk, list.as_bytes(), None, None).unwrap().to_string();
    fs::write(root.join(LIST), list).unwrap();
    fs::write(root.join(SIGNATURE), signature).unwrap();
}

#[test]
fn a_package_of_the_mirror_comes_as_its_list_says() {
    let site = Site::new();
    let stored = site.mirror.bring(&named(NAME), &site.repository).unwrap();
    assert_eq!(stored.digest, Sha256::of(&wordcount_as(NAME)));
    assert!(site.repository.package(&named(NAME)).is_ok());
}

#[test]
fn what_the_list_does_not_say_never_comes_into_the_repository() {
    let site = Site::new();
    let missing = site.mirror.bring(&named("other-1.0.0"), &site.repository).unwrap_err();
    assert!(matches!(missing, Error::NotFound { generation: 3, .. }), "{missing}");
    let good = fs::read(site.file()).unwrap();
    let mut flipped = good.clone();
    *flipped.last_mut().unwrap() ^= 1;
    fs::write(site.file(), flipped).unwrap();
    assert!(site.refused(&named(NAME)).contains("the mirror's signed list says"));
    for wrong in [&good[..good.len() - 1], &[good.as_slice(), b"x"].concat()] {
        fs::write(site.file(), wrong).unwrap();
        site.refused(&named(NAME));
    }
    fs::remove_file(site.file()).unwrap();
    assert!(site.refused(&named(NAME)).contains("cannot read"));
}

#[test]
fn a_list_that_somebody_else_signed_is_not_believed() {
    let site = Site::new();
    let other = KeyPair::generate_unencrypted_keypair().unwrap();
    publish(&site.folder.path().join("mirror"), &other, &wordcount_as(NAME));
    assert!(site.refused(&named(NAME)).contains("cannot be trusted"));
}
