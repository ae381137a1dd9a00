//! Locking from a repository in a folder: what is agreed to, what vouches for it, and what is refused.
//! The packages have real headers and no payload; nothing needs a network or a program of the machine.
//! Not here: what real clients make of it (`tests/clients`).

use super::primary::tests::{package, primary};
use super::*;
use crate::lock::Voucher;
use crate::openpgp::Signer;
use crate::resolve::Upgrade;
use crate::rpm::header::tests::{Value, file};
use crate::sources::{Site, Sources};
use crate::store::Store;
use std::fs;
use systems::http::{Http, Patience};
use words::digest::Sha256;
use words::event::silent;

/// A repository, a store, and what the site says of them.
struct Bench {
    folder: tempfile::TempDir,
    keys: bool,
    policy: &'static str,
}

impl Bench {
    /// Packages as `name-version-release.noarch`, each with its lists.
    fn of(packages: &[(&str, &[&str])]) -> Bench {
        let bench = Bench { folder: tempfile::tempdir().unwrap(), keys: false, policy: "" };
        fs::create_dir_all(bench.path("up/repodata")).unwrap();
        fs::create_dir_all(bench.path("up/Packages")).unwrap();
        let entries: Vec<String> = packages.iter().map(|(identity, lists)| bench.package(identity, lists)).collect();
        bench.index(&[("primary", &primary(&entries))]);
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn package(&self, identity: &str, lists: &[&str]) -> String {
        let parts: Vec<&str> = identity.trim_end_matches(".noarch").rsplitn(3, '-').collect();
        let (name, version, release) = (Value::Text(parts[2]), Value::Text(parts[1]), Value::Text(parts[0]));
        let bytes = file(&[(1000, name), (1001, version), (1002, release), (1022, Value::Text("noarch"))]);
        fs::write(self.path(&format!("up/Packages/{identity}.rpm")), &bytes).unwrap();
        let (wrong, right) = (Sha256::of(identity.as_bytes()).to_string(), Sha256::of(&bytes).to_string());
        package(identity, lists)
            .replace(&wrong, &right)
            .replace("package=\"5\"", &format!("package=\"{}\"", bytes.len()))
    }

    fn index(&self, indexes: &[(&str, &str)]) {
        let mut list = String::from("<repomd>");
        for (kind, text) in indexes {
            fs::write(self.path(&format!("up/repodata/{kind}.xml")), text).unwrap();
            list += &format!(
                "<data type=\"{kind}\"><checksum type=\"sha256\">{}</checksum>\
                 <location href=\"repodata/{kind}.xml\"/><size>{}</size></data>",
                Sha256::of(text.as_bytes()),
                text.len()
            );
        }
        fs::write(self.path("up/repodata/repomd.xml"), list + "</repomd>").unwrap();
    }

    fn lock(&self, packages: &[&str], before: &Lock, trust: Trust) -> Result<Lock, Error> {
        self.upgrade(packages, before, trust, &Upgrade::Nothing)
    }

    fn upgrade(&self, packages: &[&str], before: &Lock, trust: Trust, upgrade: &Upgrade) -> Result<Lock, Error> {
        let keys = if self.keys { format!("keys = \"{}\"\n", self.path("keys").display()) } else { String::new() };
        let up = self.path("up");
        let text = format!(
            "[[source]]\nkind = \"rpm\"\nid = \"base\"\nurl = \"file://{}\"\n{keys}{}",
            up.display(),
            self.policy
        );
        fs::write(self.path("sources.toml"), text).unwrap();
        let sources = Sources::find(&Site { file: Some(self.path("sources.toml")), ..Site::default() }).unwrap();
        let (store, http) = (Store::open(&self.path("store")).unwrap(), Http::new(Patience::default()));
        let world = World { sources: &sources, http: &http, store: &store, upgrade, tell: &silent };
        let want = RpmWant {
            packages: packages.iter().map(|text| (*text).to_owned()).collect(),
            repositories: vec![Word::new("base").unwrap()],
            architectures: vec!["noarch".into()],
            base: Vec::new(),
            weak: false,
            section: None,
        };
        let artifacts = artifacts(&Word::new("e").unwrap(), &want, before, trust, &world)?;
        Ok(Lock::of(Sha256::of(b""), artifacts).unwrap())
    }
}

fn names(lock: &Lock) -> Vec<&str> {
    lock.artifacts.iter().map(|artifact| artifact.address.file_name()).collect()
}

#[test]
fn what_was_agreed_stays_until_the_newest_is_wanted() {
    let bench = Bench::of(&[("a-1-1.noarch", &["requires: b"]), ("b-1-1.noarch", &[])]);
    let first = bench.lock(&["a"], &Lock::default(), Trust::LastLock).unwrap();
    assert_eq!(names(&first), ["a-1-1.noarch.rpm", "b-1-1.noarch.rpm"]);
    let vouched = first.artifacts.iter().all(|one| one.vouched == Voucher::IndexSha256 && one.signer.is_none());
    assert!(vouched && *first.artifacts[1].because == ["e > a-1-1.noarch > b-1-1.noarch"], "{first:?}");
    let entries = [("a-1-1.noarch", "requires: b"), ("b-1-1.noarch", "provides: x"), ("b-2-1.noarch", "provides: x")];
    let entries = entries.map(|(identity, list)| bench.package(identity, &[list]));
    bench.index(&[("primary", &primary(&entries))]);
    assert_eq!(bench.lock(&["a"], &first, Trust::LastLock).unwrap(), first);
    assert_eq!(bench.lock(&["a"], &first, Trust::AskAgain).unwrap(), first);
    let newest = bench.upgrade(&["a"], &first, Trust::LastLock, &Upgrade::Everything).unwrap();
    assert_eq!(names(&newest), ["a-1-1.noarch.rpm", "b-2-1.noarch.rpm"]);
}

#[test]
fn lists_of_files_are_read_only_when_they_are_needed() {
    let bench = Bench::of(&[]);
    let entries = [("a-1-1.noarch", "requires: /usr/share/b"), ("b-1-1.noarch", "provides: x")];
    let entries = entries.map(|(identity, list)| bench.package(identity, &[list]));
    let offers = primary(&entries);
    bench.index(&[("primary", &offers), ("filelists", "no list")]);
    let unread = bench.lock(&["b"], &Lock::default(), Trust::LastLock).unwrap();
    assert_eq!(names(&unread), ["b-1-1.noarch.rpm"]);
    let digest = unread.artifacts[0].sha256;
    let lists = format!("<filelists><package pkgid=\"{digest}\"><file>/usr/share/b</file></package></filelists>");
    bench.index(&[("primary", &offers), ("filelists", &lists)]);
    let both = bench.lock(&["a"], &Lock::default(), Trust::LastLock).unwrap();
    assert_eq!(names(&both), ["a-1-1.noarch.rpm", "b-1-1.noarch.rpm"]);
    bench.index(&[("primary", &offers)]);
    let error = bench.lock(&["a"], &Lock::default(), Trust::LastLock).unwrap_err();
    assert!(matches!(error, Error::Closure(closure::Error::Missing { .. })), "{error}");
}

#[test]
fn a_signed_list_of_indexes_vouches_for_all_and_a_forged_one_for_nothing() {
    let mut bench = Bench::of(&[("a-1-1.noarch", &[])]);
    bench.keys = true;
    let signer = Signer::load_or_make(&bench.path("key")).unwrap();
    fs::write(bench.path("keys"), signer.public_armored().unwrap()).unwrap();
    let unsigned = bench.lock(&["a"], &Lock::default(), Trust::LastLock);
    assert!(matches!(unsigned, Err(Error::Unsigned { .. })), "{unsigned:?}");
    bench.policy = "policy = \"checksum\"\n";
    let unsigned = bench.lock(&["a"], &Lock::default(), Trust::LastLock).unwrap();
    assert_eq!(unsigned.artifacts[0].vouched, Voucher::IndexSha256, "neither the index nor the package is signed");
    bench.policy = "";
    let list = bench.path("up/repodata/repomd.xml");
    let signature = signer.detached(&fs::read(&list).unwrap()).unwrap();
    fs::write(bench.path("up/repodata/repomd.xml.asc"), signature).unwrap();
    let signed = bench.lock(&["a"], &unsigned, Trust::LastLock).unwrap();
    assert_eq!(signed.artifacts[0].vouched, Voucher::SignedIndex);
    let text = fs::read_to_string(&list).unwrap();
    fs::write(&list, text.replace("<repomd>", "<repomd> ")).unwrap();
    assert!(matches!(bench.lock(&["a"], &signed, Trust::LastLock), Err(Error::Signature { .. })));
    fs::remove_file(bench.path("keys")).unwrap();
    assert!(matches!(bench.lock(&["a"], &signed, Trust::LastLock), Err(Error::Keys { .. })));
}

#[test]
fn a_package_must_be_what_the_index_says() {
    let bench = Bench::of(&[]);
    let entry = bench.package("a-1-1.noarch", &[]);
    let other = entry.replace("<name>a<", "<name>b<");
    bench.index(&[("primary", &primary(&[other]))]);
    let error = bench.lock(&["b"], &Lock::default(), Trust::LastLock).unwrap_err();
    assert_eq!(error.to_string(), "Packages/a-1-1.noarch.rpm is a-1-1.noarch; the index says b-1-1.noarch");
    bench.index(&[("group", "<comps/>")]);
    let error = bench.lock(&["b"], &Lock::default(), Trust::LastLock).unwrap_err();
    assert!(error.to_string().starts_with("rpm/base has no index `primary`: is it the base"), "{error}");
    fs::remove_dir_all(bench.path("up/repodata")).unwrap();
    let error = bench.lock(&["b"], &Lock::default(), Trust::LastLock).unwrap_err();
    assert!(matches!(error, Error::NoIndex { kind: "repomd", .. }), "{error}");
}
