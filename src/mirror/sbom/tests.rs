//! Tests of bills of materials: what is in them, what wants what, and that they are the same each time.
//! Whether they follow CycloneDX's schema is asked of its own validator, in `tests/it/sbom.rs`.
//! Not here: licences.

use super::cyclonedx::Bom;
use super::*;
use crate::assembly::{Made, assemble};
use crate::lock::{Artifact, Source, Voucher};
use crate::manifest;
use words::tree::Entry;

const MANIFEST: &str = r#"
[[maven]]
id = "app"
roots = ["g:a:1"]
[[pypi]]
id = "tool"
package = "tool==1.0"
sdist = true
publish = false
[[assembly]]
id = "dist"
path = "mirror_misc/dist-1.tar.gz"
[[assembly.take]]
from = "tool"
"#;

struct Bench {
    _folder: tempfile::TempDir,
    store: Store,
    lock: Lock,
    manifest: Manifest,
    tree: Tree,
}

impl Bench {
    fn new() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let manifest = manifest::parse(&[("m.toml".into(), MANIFEST.into())]).unwrap();
        let (lock, tree) = (Lock::default(), Tree::default());
        let mut bench = Bench { _folder: folder, store, lock, manifest, tree };
        bench.maven("g/a/1/a-1.jar", &["app > g:a:1"]);
        bench.maven("g/a/1/a-1.pom", &["app > g:a:pom:1"]);
        bench.maven("g/b/2/b-2.jar", &["app > g:a:1 > g:x:1 > g:b:2"]);
        bench.maven("g/p/1/p-1.pom", &["app > g:a:1 > g:p:pom:1"]);
        bench.artifact(Source::Pypi, "tool/tool-1.0.tar.gz", &["tool > tool==1.0"], "tool");
        let (name, assembly) = bench.manifest.assemblies.first_key_value().unwrap();
        let made = assemble(name, assembly, &bench.lock, &bench.store).unwrap();
        let Made::Archive(made) = made else { panic!("it is an archive") };
        bench.put(
            "mirror_misc/dist-1.tar.gz",
            Entry::Object { digest: made.sha256, size: made.size, executable: false },
        );
        let agent = bench.keep("agent");
        bench.put("pnda-agent", agent);
        bench
    }

    fn keep(&self, text: &str) -> Entry {
        let mut scratch = self.store.scratch().unwrap();
        scratch.write_all(text.as_bytes()).unwrap();
        let kept = self.store.keep(&scratch.keep().unwrap().1).unwrap();
        Entry::Object { digest: kept.sha256, size: kept.size, executable: false }
    }

    fn put(&mut self, path: &str, entry: Entry) {
        self.tree.insert(SafePath::new(path).unwrap(), entry).unwrap();
    }

    fn artifact(&mut self, source: Source, address: &str, because: &[&str], entry: &str) -> Entry {
        let object = self.keep(address);
        self.lock.add(Artifact {
            origin: None,
            signer: None,
            source,
            address: SafePath::new(address).unwrap(),
            size: object.size(),
            sha256: object.digest(),
            vouched: Voucher::Manifest,
            wanted_by: Word::new(entry).unwrap().into(),
            because: because.iter().copied().collect(),
        });
        object
    }

    fn maven(&mut self, address: &str, because: &[&str]) {
        let object = self.artifact(Source::Maven, address, because, "app");
        self.put(&format!("mirror_maven/{address}"), object);
    }

    fn bom(&self, path: &SafePath) -> Bom {
        let dist = [SafePath::new("mirror_misc/dist-1.tar.gz").unwrap(), SafePath::new("not-there").unwrap()];
        let roles = Roles::from([(Word::new("client").unwrap(), BTreeSet::from(dist))]);
        let (manifest, lock, store, tree) = (&self.manifest, &self.lock, &self.store, &self.tree);
        let agent = SafePath::new("pnda-agent").unwrap();
        let sources = Sources { manifest, lock, store, tree, roles: &roles, programs: vec![&agent] };
        let mut found = Vec::new();
        bills(&sources, &mut |named, write| if named == *path { write(&mut found) } else { Ok(()) }).unwrap();
        serde_json::from_slice(&found).unwrap()
    }
}

fn wants(bom: &Bom) -> Vec<String> {
    let short = |reference: &str| reference.split('?').next().unwrap_or_default().to_owned();
    let line = |one: &cyclonedx::Dependency| {
        let on: Vec<String> = one.depends_on.iter().flatten().map(|on| short(on)).collect();
        (!on.is_empty()).then(|| format!("{}: {}", short(&one.reference), on.join(" ")))
    };
    bom.dependencies.iter().filter_map(line).collect()
}

#[test]
fn a_generation_wants_its_roots_and_they_want_the_rest() {
    let bom = Bench::new().bom(&path());
    assert_eq!(
        wants(&bom),
        [
            "mirror: pkg:generic/dist-1.tar.gz pkg:generic/pnda-agent pkg:maven/g/a@1 pkg:pypi/tool@1.0",
            "pkg:generic/dist-1.tar.gz: pkg:pypi/tool@1.0",
            "pkg:maven/g/a@1: pkg:maven/g/b@2 pkg:maven/g/p@1",
        ]
    );
    let a = bom.components.iter().find(|one| one.name == "a").unwrap();
    assert_eq!((a.group.as_deref(), a.version.as_deref()), (Some("g"), Some("1")));
    assert_eq!(a.properties.last().unwrap().value, "mirror_maven/g/a/1/a-1.jar");
}

#[test]
fn a_pom_is_a_component_only_where_it_describes_no_other() {
    let bom = Bench::new().bom(&path());
    let poms = bom.components.iter().filter(|one| one.reference.as_deref().is_some_and(|name| name.contains("=pom")));
    let poms: Vec<_> = poms.map(|one| (one.reference.as_deref().unwrap(), one.purl.as_deref())).collect();
    assert_eq!(poms, [("pkg:maven/g/p@1?type=pom", None)], "and nothing that a scanner would look up");
}

#[test]
fn a_role_has_what_it_takes_and_what_that_is_made_of() {
    let bom = Bench::new().bom(&path_of(&Word::new("client").unwrap()));
    assert_eq!(wants(&bom), ["role-client: pkg:generic/dist-1.tar.gz", "pkg:generic/dist-1.tar.gz: pkg:pypi/tool@1.0"]);
    assert_eq!(bom.components.len(), 2);
}

#[test]
fn the_serial_number_follows_the_content() {
    let mut bench = Bench::new();
    let first = bench.bom(&path());
    assert_eq!(bench.bom(&path()), first);
    let role = bench.bom(&path_of(&Word::new("client").unwrap()));
    assert_ne!(role.serial_number, first.serial_number);
    bench.put("SOMETHING", Entry::file("else"));
    assert_ne!(bench.bom(&path()).serial_number, first.serial_number);
}
