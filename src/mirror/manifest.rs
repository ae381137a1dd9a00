//! Mirror manifests: what we want mirrored, by coordinates. Text in, checked values or every mistake out.
//! A manifest never names a registry; plain files name their addresses because they have no registry.
//! Not here: what exists in the world (`resolve`), or where registries are (`sources`).

use crate::words::digest::Sha256;
use crate::words::document::{self, Table, Text};
use crate::words::location::Location;
use crate::words::names::{SafePath, Word};
use crate::words::problem::{Origin, Problem, Problems, Source, nearest};
use std::collections::BTreeMap;
use std::fmt;

/// Everything the manifests ask for, sorted by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Manifest {
    /// What is wanted from the world.
    pub wants: BTreeMap<Word, Want>,
    /// What is made from it.
    pub assemblies: BTreeMap<Word, Assembly>,
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
}

/// Maven roots that are resolved together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MavenWant {
    /// `group:artifact[:extension[:classifier]]:version`, in the order of the file: Maven's mediation depends on it.
    pub roots: Vec<String>,
    /// `group:artifact` patterns that are left out of the closure.
    pub exclude: Vec<String>,
    /// Coordinates whose version wins over what the closure asks for.
    pub managed: Vec<String>,
    /// BOMs whose management applies to the whole set.
    pub boms: Vec<String>,
    /// Whether dependencies come along.
    pub transitive: bool,
    /// Whether the jars also appear in PNDA's flat `mirror_apps`.
    pub apps: bool,
}

/// One file of a Python package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PypiWant {
    /// The project's name, normalised as PEP 503 says.
    pub project: Word,
    /// The exact version.
    pub version: String,
    /// Which of its files.
    pub file: PypiFile,
    /// Whether it appears in `mirror_python`.
    pub publish: bool,
}

/// Which file of a Python release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PypiFile {
    /// The source distribution.
    Sdist,
    /// The wheel with these tags; a tag set as `manylinux1.manylinux2014` matches if one of them is equal.
    Wheel { python: String, platform: String },
}

/// A plain file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileWant {
    /// Its addresses, tried in order.
    pub urls: Vec<String>,
    /// Its identity.
    pub sha256: Sha256,
    /// Its path on the mirror.
    pub path: SafePath,
}

/// A deterministic archive made of locked parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assembly {
    /// Its path on the mirror; a gzipped tar.
    pub path: SafePath,
    /// What goes in, in order; later entries never replace earlier ones.
    pub takes: Vec<Take>,
    /// Small files of our own, as text.
    pub files: BTreeMap<SafePath, String>,
    /// Symbolic links inside.
    pub links: BTreeMap<SafePath, String>,
    /// Patterns of members that must be executable, matched with the path inside the assembly.
    pub executable: Vec<String>,
}

/// Members of one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Take {
    /// The entry it comes from.
    pub from: Word,
    /// The folder inside the part's archive, with a closing slash; none takes the artifacts themselves as files.
    pub members: Option<String>,
    /// The folder inside the assembly, with a closing slash, or nothing for its top.
    pub into: String,
    /// Patterns, matched below `members`, that stay out.
    pub except: Vec<String>,
}

/// Reads all manifests together; names are unique over all of them.
pub fn parse(files: &[(String, String)]) -> Result<Manifest, Problems> {
    let mut manifest = Manifest::default();
    let mut problems = Problems::default();
    let mut named: BTreeMap<Word, String> = BTreeMap::new();
    let mut uses = Vec::new();
    for (file, text) in files {
        let entries = document::read_noting(Source { file, text }, &mut problems, |table| Some(read_file(table)));
        for (name, origin, entry) in entries.into_iter().flatten() {
            if let Some(there) = named.insert(name.clone(), file.clone()) {
                let what = format!("`{name}` is defined twice; the other is in {there}");
                problems.add(origin.problem(what, "give one of them another id"));
                continue;
            }
            match entry {
                Entry::Want(want) => drop(manifest.wants.insert(name, want)),
                Entry::Assembly(assembly, parts) => {
                    uses.extend(parts);
                    manifest.assemblies.insert(name, assembly);
                }
            }
        }
    }
    if problems.is_empty() {
        uses.iter().filter_map(|part| unknown_part(part, &manifest)).for_each(|problem| problems.add(problem));
    }
    problems.into_result(manifest)
}

fn unknown_part(part: &Text, manifest: &Manifest) -> Option<Problem> {
    let names = manifest.wants.keys().map(Word::as_str);
    if names.clone().any(|name| name == part.text) {
        return None;
    }
    let remedy = match nearest(&part.text, names) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "define it as [[pypi]], [[maven]] or [[file]]".into(),
    };
    Some(part.origin.problem(format!("no entry is called `{}`", part.text), remedy))
}

enum Entry {
    Want(Want),
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

const KINDS: [(&str, ReadEntry); 4] = [
    ("maven", |table| maven(table).map(|want| Entry::Want(Want::Maven(want)))),
    ("pypi", |table| pypi(table).map(|want| Entry::Want(Want::Pypi(want)))),
    ("file", |table| file(table).map(|want| Entry::Want(Want::File(want)))),
    ("assembly", |table| assembly(table).map(|(assembly, parts)| Entry::Assembly(assembly, parts))),
];

fn named(table: &mut Table<'_>, read: ReadEntry) -> Option<Named> {
    let name = table.parsed("id", "flink", Word::new);
    let entry = read(table);
    Some((name?, table.origin().clone(), entry?))
}

fn maven(table: &mut Table<'_>) -> Option<MavenWant> {
    let roots = table.required_list("roots", "org.apache.flink:flink-avro:1.20.3");
    let managed = table.list("managed");
    let boms = table.list("boms");
    let exclude = table.list("exclude");
    for text in roots.iter().chain(&managed).chain(&boms) {
        let parts: Vec<&str> = text.text.split(':').collect();
        if !(3..=5).contains(&parts.len()) || parts.iter().any(|part| Word::new(*part).is_err()) {
            let what = format!("`{}` is no Maven coordinate", text.text);
            let remedy = "write group:artifact:version, as in org.apache.flink:flink-avro:1.20.3";
            table.add(text.origin.problem(what, remedy));
        }
    }
    for text in &exclude {
        if text.text.split(':').count() != 2 {
            let what = format!("`{}` is no exclusion", text.text);
            table.add(text.origin.problem(what, "write group:artifact; either may be *"));
        }
    }
    let texts = |list: Vec<Text>| list.into_iter().map(|text| text.text).collect();
    Some(MavenWant {
        roots: texts(roots),
        exclude: texts(exclude),
        managed: texts(managed),
        boms: texts(boms),
        transitive: table.flag("transitive", true),
        apps: table.flag("apps", false),
    })
}

fn pypi(table: &mut Table<'_>) -> Option<PypiWant> {
    const EXAMPLE: &str = "apache-flink==1.20.5";
    let package = table.required("package", EXAMPLE);
    let sdist = table.flag("sdist", false);
    let publish = table.flag("publish", true);
    let wheel = table.table("wheel", |wheel| {
        (wheel.parsed("python", "cp311", tag), wheel.parsed("platform", "manylinux2014_x86_64", tag))
    });
    let file = match (sdist, wheel) {
        (true, None) => PypiFile::Sdist,
        (false, Some((python, platform))) => PypiFile::Wheel { python: python?, platform: platform? },
        _ => {
            let remedy = "write sdist = true, or wheel = { python = \"py3\", platform = \"any\" }";
            table.add(table.origin().problem("this [[pypi]] must say which file of the release it wants", remedy));
            return None;
        }
    };
    let package = package?;
    let split = package.text.split_once("==").map(|(project, version)| (normalise(project), version.to_owned()));
    match split {
        Some((Ok(project), version)) if Word::new(version.as_str()).is_ok() => {
            Some(PypiWant { project, version, file, publish })
        }
        _ => {
            let what = format!("`{}` does not pin one version", package.text);
            table.add(package.origin.problem(what, format!("write name==version, as in {EXAMPLE}")));
            None
        }
    }
}

/// A tag of a wheel's file name.
fn tag(text: String) -> Result<String, String> {
    match Word::new(text.as_str()) {
        Ok(_) if !text.contains('-') => Ok(text),
        _ => Err(format!("`{text}` is no wheel tag")),
    }
}

/// PEP 503: lower case, runs of `-`, `_` and `.` become one `-`.
pub fn normalise(project: &str) -> Result<Word, crate::words::names::BadName> {
    let mut name = String::new();
    for c in project.trim().chars() {
        match c {
            '-' | '_' | '.' if name.ends_with('-') => {}
            '-' | '_' | '.' => name.push('-'),
            c => name.extend(c.to_lowercase()),
        }
    }
    Word::new(name)
}

fn file(table: &mut Table<'_>) -> Option<FileWant> {
    let urls = table.required_list("urls", "https://downloads.example/tool-1.2.tar.gz");
    for url in &urls {
        let what = match Location::parse(&url.text) {
            Ok(Location::Web(_)) => continue,
            Ok(Location::Path(_)) => format!("`{}` is no web address", url.text),
            Err(error) => error.to_string(),
        };
        table.add(url.origin.problem(what, "write http://… or https://…"));
    }
    let sha256 = table.parsed("sha256", "the 64 hexadecimal digits its publisher gives", Sha256::try_from);
    let path = table.parsed("path", "mirror_misc/tool-1.2.tar.gz", SafePath::new);
    Some(FileWant { urls: urls.into_iter().map(|url| url.text).collect(), sha256: sha256?, path: path? })
}

fn assembly(table: &mut Table<'_>) -> Option<(Assembly, Vec<Text>)> {
    let path = table.parsed("path", "flink-1.20.5.tar.gz", SafePath::new);
    if let Some(path) = path.as_ref().filter(|path| !path.as_str().ends_with(".tar.gz")) {
        let what = format!("an assembly cannot be written as `{path}`");
        table.add(table.origin().problem(what, "let its path end in .tar.gz"));
    }
    let executable = table.list("executable").into_iter().map(|text| text.text).collect();
    let (mut takes, mut parts) = (Vec::new(), Vec::new());
    table.tables("take", |inner| {
        let from = inner.required("from", "the id of an entry");
        let members = inner.optional_parsed("members", "pyflink/bin/", folder);
        let into = inner.optional_parsed("into", "bin/", folder).unwrap_or_default();
        let except = inner.list("except").into_iter().map(|text| text.text).collect();
        if let Some(name) = from.as_ref().and_then(|from| inner.check(from, "flink", Word::new)) {
            takes.push(Take { from: name, members, into, except });
            parts.extend(from);
        }
    });
    if takes.is_empty() {
        table.add(table.origin().problem("this [[assembly]] takes nothing", "add an [[assembly.take]] with `from`"));
    }
    let mut files = BTreeMap::new();
    table.tables("file", |inner| {
        let (path, text) = (inner.parsed("path", "conf/site.xml", SafePath::new), inner.required("text", "a line"));
        files.extend(path.zip(text.map(|text| text.text)));
    });
    let mut links = BTreeMap::new();
    table.tables("link", |inner| {
        let (path, to) = (inner.parsed("path", "lib/a", SafePath::new), inner.parsed("to", "b", SafePath::new));
        if let (Some(path), Some(to)) = (path, to) {
            links.insert(path, to.to_string());
        }
    });
    Some((Assembly { path: path?, takes, files, links, executable }, parts))
}

/// A folder inside an archive: a safe path with a closing slash.
fn folder(text: String) -> Result<String, String> {
    let inner = text.strip_suffix('/').ok_or_else(|| format!("`{text}` is no folder: it must end in `/`"))?;
    SafePath::new(inner).map_err(|error| error.to_string())?;
    Ok(text)
}

impl Manifest {
    /// What the lock depends on, as text: comments, order of files and the assemblies do not count.
    pub fn request(&self) -> String {
        let mut text = String::new();
        for (name, want) in &self.wants {
            use fmt::Write as _;
            let _ = writeln!(text, "{name} {want}");
        }
        text
    }
}

impl fmt::Display for Want {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Want::Maven(want) => {
                write!(out, "maven {}", want.roots.join(" "))?;
                let lists = [("exclude", &want.exclude), ("managed", &want.managed), ("boms", &want.boms)];
                for (name, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
                    write!(out, " {name} {}", list.join(" "))?;
                }
                if want.transitive { Ok(()) } else { out.write_str(" alone") }
            }
            Want::Pypi(want) => match &want.file {
                PypiFile::Sdist => write!(out, "pypi {}=={} sdist", want.project, want.version),
                PypiFile::Wheel { python, platform } => {
                    write!(out, "pypi {}=={} wheel {python} {platform}", want.project, want.version)
                }
            },
            Want::File(want) => write!(out, "file {} {}", want.sha256, want.urls.join(" ")),
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
            "m.toml:8: `flink-avro` is no Maven coordinate",
            "m.toml:9: this [[maven]] has an unknown key `excludes`\n    did you mean `exclude`?",
            "m.toml:12: `file:///etc/passwd` is no web address",
            "m.toml:13: `12` is not a SHA-256 digest",
            "m.toml:14: `../x` cannot be used as a path inside a folder: it has a `.` or `..` segment",
        ] {
            assert!(problems.contains(expected), "{expected}\nis not in\n{problems}");
        }
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
