//! Mirror manifests: what we want mirrored, by coordinates. Text in, checked values or every mistake out.
//! A manifest never names a registry; plain files name their addresses because they have no registry.
//! Not here: what exists in the world (`resolve`), or where registries are (`sources`).

use super::trust::{Policy, Waiver};
use std::collections::BTreeMap;
use std::fmt;
use words::document::{self, Table, Text};
use words::names::Word;
use words::problem::{Origin, Problem, Problems, Source, nearest};

mod apt;
mod assembly;
mod file;
mod maven;
mod pypi;
mod rpm;

pub use apt::{AptBase, AptWant};
pub use assembly::{Assembly, Form, Take};
pub use file::{By, FileWant, Signed};
pub use maven::MavenWant;
pub use pypi::{PypiClosure, PypiFile, PypiNeeds, PypiRelease, PypiWant, PypiWhat, Sdists};
pub use rpm::RpmWant;

/// Everything the manifests ask for, sorted by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Manifest {
    /// What is wanted from the world.
    pub wants: BTreeMap<Word, Want>,
    /// What is made from it.
    pub assemblies: BTreeMap<Word, Assembly>,
    /// Exceptions from what sources demand, sorted.
    pub waivers: Vec<Waiver>,
}

/// One entry that the lock turns into artifacts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Want {
    /// Maven artifacts with their runtime closure.
    Maven(MavenWant),
    /// One wheel or source distribution.
    Pypi(PypiWant),
    /// One plain file.
    File(FileWant),
    /// Debian packages with their closure.
    Apt(AptWant),
    /// RPM packages with their closure.
    Rpm(RpmWant),
}

/// Reads all manifests together; names are unique over all of them. Files that are no TOML lie beside the manifests
/// and are named by them.
pub fn parse(files: &[(String, String)]) -> Result<Manifest, Problems> {
    let mut manifest = Manifest::default();
    let mut problems = Problems::default();
    let mut named: BTreeMap<Word, String> = BTreeMap::new();
    let mut uses = Vec::new();
    let (files, beside): (Vec<_>, Vec<_>) = files.iter().partition(|(file, _)| file.ends_with(".toml"));
    for (file, text) in files {
        let read = document::read_noting(Source { file, text }, &mut problems, |table| {
            Some((read_file(table), table.tables("waiver", waiver)))
        });
        let (entries, waivers) = read.unwrap_or_default();
        manifest.waivers.extend(waivers.into_iter().flatten());
        for (name, origin, entry) in entries {
            if let Some(there) = named.insert(name.clone(), file.clone()) {
                let what = format!("`{name}` is defined twice; the other is in {there}");
                problems.add(origin.problem(what, "give one of them another id"));
                continue;
            }
            match entry {
                Entry::Want(want) => drop(manifest.wants.insert(name, want)),
                Entry::Apt(mut want, base) => {
                    base.and_then(|base| want.take_base(&base, &beside)).into_iter().for_each(|one| problems.add(one));
                    manifest.wants.insert(name, Want::Apt(want));
                }
                Entry::Rpm(mut want, lists) => {
                    want.take_lists(&lists, &beside).into_iter().for_each(|one| problems.add(one));
                    manifest.wants.insert(name, Want::Rpm(want));
                }
                Entry::Assembly(assembly, parts) => {
                    uses.extend(parts);
                    manifest.assemblies.insert(name, assembly);
                }
            }
        }
    }
    manifest.waivers.sort();
    if problems.is_empty() {
        uses.iter().filter_map(|part| unknown_part(part, &manifest)).for_each(|problem| problems.add(problem));
    }
    problems.into_result(manifest)
}

/// Reads one `[[waiver]]`: an exception is of no use without its reason.
fn waiver(table: &mut Table<'_>) -> Option<Waiver> {
    let artifact = table.required("artifact", "org/example/old/1.0/*");
    let allows = table.parsed("allows", "first-use", |text| Policy::parse(&text));
    let reason = table.required("reason", "its publisher gives no checksum; compared by hand with the release notes");
    Some(Waiver { artifact: artifact?.text, allows: allows?, reason: reason?.text })
}

fn unknown_part(part: &Text, manifest: &Manifest) -> Option<Problem> {
    let names = manifest.wants.keys().map(Word::as_str);
    if names.clone().any(|name| name == part.text) {
        return None;
    }
    let remedy = match nearest(&part.text, names) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "define it as [[maven]], [[pypi]], [[apt]], [[rpm]] or [[file]]".into(),
    };
    Some(part.origin.problem(format!("no entry is called `{}`", part.text), remedy))
}

enum Entry {
    Want(Want),
    Apt(AptWant, Option<Text>),
    Rpm(RpmWant, Vec<Text>),
    Assembly(Assembly, Vec<Text>),
}

type Named = (Word, Origin, Entry);

fn read_file(table: &mut Table<'_>) -> Vec<Named> {
    let mut entries = Vec::new();
    for (key, read) in KINDS {
        entries.extend(table.tables(key, |inner| named(inner, read)).into_iter().flatten());
    }
    entries
}

type ReadEntry = fn(&mut Table<'_>) -> Option<Entry>;

const KINDS: [(&str, ReadEntry); 6] = [
    ("maven", |table| maven::read(table).map(|want| Entry::Want(Want::Maven(want)))),
    ("pypi", |table| pypi::read(table).map(|want| Entry::Want(Want::Pypi(want)))),
    ("file", |table| file::read(table).map(|want| Entry::Want(Want::File(want)))),
    ("apt", |table| apt::read(table).map(|(want, base)| Entry::Apt(want, base))),
    ("rpm", |table| rpm::read(table).map(|(want, lists)| Entry::Rpm(want, lists))),
    ("assembly", |table| assembly::read(table).map(|(assembly, parts)| Entry::Assembly(assembly, parts))),
];

fn named(table: &mut Table<'_>, read: ReadEntry) -> Option<Named> {
    let name = table.parsed("id", "flink", Word::new);
    let entry = read(table);
    Some((name?, table.origin().clone(), entry?))
}

impl Manifest {
    /// What the lock depends on, as text: comments, order of files and the assemblies do not count.
    pub fn request(&self) -> String {
        let mut text = String::new();
        for (name, want) in &self.wants {
            use fmt::Write as _;
            let _ = writeln!(text, "{name} {want}");
        }
        self.waivers.iter().for_each(|waiver| text.push_str(&format!("waiver {waiver}\n")));
        text
    }
}

impl fmt::Display for Want {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Want::Maven(want) => want.fmt(out),
            Want::Pypi(want) => want.fmt(out),
            Want::File(want) => want.fmt(out),
            Want::Apt(want) => want.fmt(out),
            Want::Rpm(want) => want.fmt(out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_one(text: &str) -> Result<Manifest, Problems> {
        parse(&[("m.toml".into(), text.into())])
    }

    const GOOD: &str = r#"
[[pypi]]
id = "libs"
package = "Apache_Flink.libraries==1.20.5"
sdist = true
publish = false
[[maven]]
id = "connectors"
roots = ["org.apache.flink:flink-avro:1.20.3"]
[[assembly]]
id = "flink"
path = "flink-1.20.5.tar.gz"
executable = ["bin/*"]
[[assembly.take]]
from = "libs"
members = "a/lib/"
into = "lib/"
"#;

    #[test]
    fn a_manifest_becomes_wants_and_assemblies() {
        let manifest = parse_one(GOOD).unwrap();
        assert_eq!(
            manifest.request(),
            "connectors maven org.apache.flink:flink-avro:1.20.3\nlibs pypi apache-flink-libraries==1.20.5 sdist\n"
        );
        assert_eq!(manifest.assemblies.values().next().unwrap().takes[0].members.as_deref(), Some("a/lib/"));
    }

    #[test]
    fn all_mistakes_come_at_once() {
        let text = r#"
[[pypi]]
id = "a"
package = "flink>=1"
sdist = true
[[maven]]
id = "b"
roots = ["flink-avro"]
excludes = []
[[file]]
id = "c"
urls = ["file:///etc/passwd"]
sha256 = "12"
path = "../x"
"#;
        let problems = parse_one(text).unwrap_err().to_string();
        for expected in [
            "m.toml:4: `flink>=1` does not pin one version",
            "m.toml:8: `flink-avro` is no Maven coordinate: write group",
            "m.toml:9: this [[maven]] has an unknown key `excludes`\n    did you mean `exclude`?",
            "m.toml:12: `file:///etc/passwd` is no web address",
            "m.toml:13: `12` is not a SHA-256 digest",
            "m.toml:14: `../x` cannot be used as a path inside a folder: it has a `.` or `..` segment",
        ] {
            assert!(problems.contains(expected), "{expected}\nis not in\n{problems}");
        }
    }

    #[test]
    fn an_assembly_is_an_archive_or_a_folder() {
        let placed = |place: &str| {
            let read = parse_one(&GOOD.replace("path = \"flink-1.20.5.tar.gz\"", place));
            let assembly = read.map_err(|problems| problems.to_string())?.assemblies.into_values().next().unwrap();
            Ok::<_, String>((assembly.path.to_string(), assembly.form))
        };
        assert_eq!(placed("path = \"a.tar.gz\""), Ok(("a.tar.gz".into(), Form::TarGz)));
        assert_eq!(placed("path = \"a.zip\""), Ok(("a.zip".into(), Form::Zip)));
        assert_eq!(placed("folder = \"mirror_misc/a/\""), Ok(("mirror_misc/a".into(), Form::Folder)));
        let refused = |place, why: &str| assert!(placed(place).unwrap_err().contains(why), "{place}");
        refused("path = \"a.tar.zst\"", "let its path end in .tar.gz or .zip, or give `folder`");
        refused("folder = \"a\"", "`a` is no folder: it must end in `/`");
        refused("folder = \"a/\"\npath = \"a.zip\"", "give `path` or `folder`, not both");
        refused("folder = \"a/\"\nlink = [{ path = \"x\", to = \"y\" }]", "an assembly that is a folder has no links");
    }

    #[test]
    fn an_assembly_takes_only_what_is_defined_and_ids_are_unique() {
        let unknown = GOOD.replace("from = \"libs\"", "from = \"lib\"");
        assert!(parse_one(&unknown).unwrap_err().to_string().contains("did you mean `libs`?"));
        let files = [("a.toml".to_owned(), GOOD.to_owned()), ("b.toml".to_owned(), GOOD.to_owned())];
        assert!(
            parse(&files)
                .unwrap_err()
                .to_string()
                .contains("b.toml:2: `libs` is defined twice; the other is in a.toml")
        );
    }
}
