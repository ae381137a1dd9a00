//! `maven-metadata.xml`: which versions of an artifact the mirror has, and which plug-in of a group a prefix means.
//! Made from what is on the mirror alone, so that a client is never led to what is not there; the same bytes each time.
//! Not here: side files.

use super::super::Error;
use crate::lock::Artifact;
use crate::resolve::maven::ascending;
use crate::store::Store;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io::Read;
use std::path::Path;
use words::markup::escaped;

/// When every list was made: Maven passes over a release without a date, and a real one would change the bytes.
const DATE: &str = "20000101000000";
/// The largest description of a plug-in that is read.
const LARGEST: u64 = 16 << 20;

/// What is at `group/artifact/version/artifact-version…`.
#[derive(Clone, Copy)]
struct At<'a> {
    group: &'a str,
    artifact: &'a str,
    version: &'a str,
    file: &'a str,
}

impl<'a> At<'a> {
    fn of(artifact: &'a Artifact) -> Option<At<'a>> {
        let mut parts = artifact.address.as_str().rsplitn(4, '/');
        let (file, version, artifact, group) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        Some(At { group, artifact, version, file })
    }

    /// What follows `artifact-version` in the file's name.
    fn rest(&self) -> Option<&'a str> {
        self.file.strip_prefix(self.artifact)?.strip_prefix('-')?.strip_prefix(self.version)
    }
}

/// What one file lists: the versions of an artifact, the plug-ins of a group, or both where their folders are one.
#[derive(Default)]
struct Metadata {
    versions: Option<(String, String, Vec<String>)>,
    plugins: BTreeMap<String, Plugin>,
}

struct Plugin {
    name: String,
    prefix: String,
}

/// Hands over the text of every metadata file with its folder.
pub(super) fn files<'a>(
    artifacts: impl Iterator<Item = &'a Artifact>,
    store: &Store,
    each: &mut dyn FnMut(&str, String) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut all: Vec<(At<'a>, &'a Artifact)> = artifacts.filter_map(|one| Some((At::of(one)?, one))).collect();
    all.sort_by_key(|(at, _)| (at.group, at.artifact, at.version, at.file));
    let one_artifact = |one: &(At<'_>, &Artifact), other: &(At<'_>, &Artifact)| {
        (one.0.group, one.0.artifact) == (other.0.group, other.0.artifact)
    };
    let mut plugins: BTreeMap<&str, BTreeMap<String, Plugin>> = BTreeMap::new();
    for files in all.chunk_by(one_artifact) {
        let (At { group, artifact, .. }, _) = files[0];
        if let Some(plugin) = newest_plugin(files, store) {
            plugins.entry(group).or_default().insert(artifact.to_owned(), plugin);
        }
    }
    for files in all.chunk_by(one_artifact) {
        let (At { group, artifact, .. }, _) = files[0];
        let versions = versions(files);
        if !versions.is_empty() {
            let folder = format!("{group}/{artifact}");
            let plugins = plugins.remove(folder.as_str()).unwrap_or_default();
            let versions = Some((group.replace('/', "."), artifact.to_owned(), versions));
            each(&folder, Metadata { versions, plugins }.text())?;
        }
    }
    plugins.into_iter().try_for_each(|(folder, plugins)| each(folder, Metadata { versions: None, plugins }.text()))
}

/// What the newest version that is a plug-in says of itself.
fn newest_plugin(files: &[(At<'_>, &Artifact)], store: &Store) -> Option<Plugin> {
    versions(files).iter().rev().find_map(|version| {
        let of = |kind: &str| {
            let ours = |(at, _): &&(At<'_>, &Artifact)| at.version == version && at.rest() == Some(kind);
            files.iter().find(ours).map(|(_, artifact)| store.path(artifact.sha256))
        };
        plugin(&of(".pom")?, &of(".jar")?, files[0].0.artifact)
    })
}

/// The versions of an artifact in Maven's order. Where it has more than a POM, those that are POMs alone do not count:
/// they were read on the way to another version, and a client that chose one of them would miss its jar.
fn versions(files: &[(At<'_>, &Artifact)]) -> Vec<String> {
    let (mut poms, mut others) = (BTreeSet::new(), BTreeSet::new());
    for (at, _) in files {
        match at.rest() {
            Some(".pom") => poms.insert(at.version),
            Some(rest) if !rest.ends_with(".asc") => others.insert(at.version),
            _ => false,
        };
    }
    let listed = if others.is_empty() { poms } else { others };
    ascending(listed.into_iter().map(str::to_owned).collect())
}

/// The prefix that a plug-in's own description gives; nothing if it is none.
fn plugin(pom: &Path, jar: &Path, artifact: &str) -> Option<Plugin> {
    // Most jars are no plug-ins, and a POM is read faster than a jar.
    let text = String::from_utf8_lossy(&fs::read(pom).ok()?).into_owned();
    if !text.contains("maven-plugin") {
        return None;
    }
    let mut archive = zip::ZipArchive::new(fs::File::open(jar).ok()?).ok()?;
    let mut text = String::new();
    archive.by_name("META-INF/maven/plugin.xml").ok()?.take(LARGEST).read_to_string(&mut text).ok()?;
    let document = roxmltree::Document::parse(&text).ok()?;
    let of = |name: &str| {
        let child = document.root_element().children().find(|node| node.has_tag_name(name))?;
        child.text().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    };
    Some(Plugin { name: of("name").unwrap_or_else(|| artifact.to_owned()), prefix: of("goalPrefix")? })
}

impl Metadata {
    fn text(&self) -> String {
        let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<metadata>\n");
        if let Some((group, artifact, versions)) = &self.versions {
            line(&mut out, 2, "groupId", group);
            line(&mut out, 2, "artifactId", artifact);
            out.push_str("  <versioning>\n");
            let newest = versions.last().map(String::as_str).unwrap_or_default();
            line(&mut out, 4, "latest", newest);
            line(&mut out, 4, "release", newest);
            out.push_str("    <versions>\n");
            versions.iter().for_each(|version| line(&mut out, 6, "version", version));
            out.push_str("    </versions>\n");
            line(&mut out, 4, "lastUpdated", DATE);
            out.push_str("  </versioning>\n");
        }
        if !self.plugins.is_empty() {
            out.push_str("  <plugins>\n");
            for (artifact, Plugin { name, prefix }) in &self.plugins {
                out.push_str("    <plugin>\n");
                line(&mut out, 6, "name", name);
                line(&mut out, 6, "prefix", prefix);
                line(&mut out, 6, "artifactId", artifact);
                out.push_str("    </plugin>\n");
            }
            out.push_str("  </plugins>\n");
        }
        out + "</metadata>\n"
    }
}

fn line(out: &mut String, indent: usize, name: &str, text: &str) {
    let text = escaped(text);
    // Writing to a text does not fail.
    let _ = writeln!(out, "{:indent$}<{name}>{text}</{name}>", "");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::{Source, Voucher};
    use std::io::{Cursor, Write};
    use words::digest::{Sha1, Sha256};
    use words::names::{SafePath, Word};

    struct Bench {
        _folder: tempfile::TempDir,
        store: Store,
        artifacts: Vec<Artifact>,
    }

    impl Bench {
        fn new() -> Bench {
            let folder = tempfile::tempdir().unwrap();
            let store = Store::open(&folder.path().join("store")).unwrap();
            Bench { _folder: folder, store, artifacts: Vec::new() }
        }

        fn put(&mut self, address: &str, bytes: &[u8]) {
            let file = self.store.path(Sha256::of(bytes));
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, bytes).unwrap();
            self.artifacts.push(Artifact {
                source: Source::Maven,
                origin: None,
                signer: None,
                address: SafePath::new(address).unwrap(),
                size: bytes.len() as u64,
                sha256: Sha256::of(bytes),
                vouched: Voucher::RegistrySha1(Sha1::of(b"")),
                wanted_by: Word::new("e").unwrap().into(),
                because: Default::default(),
            });
        }

        fn plugin(&mut self, version: &str, description: &str) {
            let mut jar = zip::ZipWriter::new(Cursor::new(Vec::new()));
            jar.start_file("META-INF/maven/plugin.xml", zip::write::SimpleFileOptions::default()).unwrap();
            jar.write_all(description.as_bytes()).unwrap();
            let bytes = jar.finish().unwrap().into_inner();
            self.put(&format!("g/x/p/{version}/p-{version}.pom"), b"<packaging>maven-plugin</packaging>");
            self.put(&format!("g/x/p/{version}/p-{version}.jar"), &bytes);
        }

        fn text(&self, folder: &str) -> String {
            let mut found = String::new();
            files(self.artifacts.iter(), &self.store, &mut |named, text| {
                if named == folder {
                    assert_eq!(std::mem::replace(&mut found, text), "", "{folder} has one list");
                }
                Ok(())
            })
            .unwrap();
            found
        }
    }

    #[test]
    fn versions_stand_in_mavens_order_and_those_without_a_jar_do_not_count() {
        let mut bench = Bench::new();
        for version in ["1.10", "1.9", "1.9-rc1"] {
            bench.put(&format!("g/x/a/{version}/a-{version}.jar"), version.as_bytes());
        }
        bench.put("g/x/a/2.0/a-2.0.pom", b"<project/>");
        bench.put("g/x/bom/3/bom-3.pom", b"<project/>");
        let text = bench.text("g/x/a");
        let listed: Vec<&str> = text.lines().filter(|line| line.contains("<version>")).map(str::trim).collect();
        assert_eq!(listed, ["1.9-rc1", "1.9", "1.10"].map(|version| format!("<version>{version}</version>")));
        for part in ["<groupId>g.x</groupId>", "<artifactId>a</artifactId>", "<release>1.10</release>"] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
        assert!(bench.text("g/x/bom").contains("<release>3</release>"));
        let first = bench.text("g/x/a");
        bench.artifacts.reverse();
        assert_eq!(bench.text("g/x/a"), first);
    }

    #[test]
    fn a_prefix_is_what_the_newest_plug_in_says() {
        let mut bench = Bench::new();
        bench.plugin("1", "<plugin><goalPrefix>old</goalPrefix></plugin>");
        bench.plugin("2", "<plugin><name>P &amp; Q</name><goalPrefix>pre</goalPrefix><mojos><x/></mojos></plugin>");
        bench.put("g/x/1/x-1.jar", b"an artifact whose folder is the group's");
        let text = bench.text("g/x");
        for part in
            ["<prefix>pre</prefix>", "<name>P &amp; Q</name>", "<artifactId>p</artifactId>", "<version>1</version>"]
        {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
    }

    #[test]
    fn a_plug_in_that_describes_itself_badly_has_no_prefix() {
        let mut bench = Bench::new();
        let bomb = "<!DOCTYPE p [<!ENTITY a 'aa'>]><plugin><goalPrefix>&a;</goalPrefix></plugin>";
        for (version, description) in ["", bomb, "<plugin><goalPrefix> </goalPrefix></plugin>"].iter().enumerate() {
            bench.plugin(&version.to_string(), description);
        }
        bench.put("g/x/q/1/q-1.pom", b"<packaging>maven-plugin</packaging>");
        bench.put("g/x/q/1/q-1.jar", b"no archive");
        assert_eq!(bench.text("g/x"), "");
    }
}
