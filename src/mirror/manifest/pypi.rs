//! `[[pypi]]`: one file of a Python release, or requirements with their closure for interpreters and platforms.
//! Names are normalised as PEP 503 says, where they are read.
//! Not here: what an index offers.

use crate::python::{Platform, Python, Requirement, normalise};
use pep440_rs::Version;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use words::digest::Sha256;
use words::document::{Table, Text};
use words::names::{Word, matches};

/// What is wanted of a Python index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PypiWant {
    /// The index, where it is not the registry itself.
    pub source: Option<Word>,
    /// Whether it appears in `mirror_python`.
    pub publish: bool,
    /// One file, or a closure.
    pub what: PypiWhat,
}

/// The two forms of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PypiWhat {
    /// One file of one release.
    File(PypiRelease),
    /// Everything that an installation needs.
    Closure(Box<PypiClosure>),
}

/// One file of a Python package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PypiRelease {
    /// The project's name, normalised as PEP 503 says.
    pub project: Word,
    /// The exact version.
    pub version: Version,
    /// Which of its files.
    pub file: PypiFile,
}

/// Which file of a Python release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PypiFile {
    /// The source distribution.
    Sdist,
    /// The wheel with these tags; a tag set as `manylinux1.manylinux2014` matches if one of them is equal.
    Wheel { python: String, platform: String },
}

/// Requirements that are resolved together, once for each interpreter on each platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PypiClosure {
    /// What is asked for.
    pub requirements: Vec<Requirement>,
    /// The only digests that files of some projects may have.
    pub hashes: BTreeMap<Word, BTreeSet<Sha256>>,
    /// What holds for a project if anybody asks for it.
    pub constraints: Vec<Requirement>,
    /// The interpreters ...
    pub pythons: Vec<Python>,
    /// ... and the platforms, each with each.
    pub platforms: Vec<Platform>,
    /// What becomes of source distributions.
    pub sdists: Sdists,
    /// Whether dependencies come along.
    pub transitive: bool,
    /// What releases need that cannot say it themselves.
    pub metadata: BTreeMap<(Word, Version), PypiNeeds>,
    /// Patterns of projects that come from another index, the first that matches.
    pub routes: Vec<(String, Word)>,
}

/// What the manifest says of a release in its stead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PypiNeeds {
    /// What it requires when it runs, if the manifest says so.
    pub requires: Option<Vec<Requirement>>,
    /// What it requires to be built, besides what it says itself.
    pub builds_with: Vec<Requirement>,
}

/// What becomes of source distributions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sdists {
    /// They are left out: no version that lacks a wheel.
    Never,
    /// Where no version has a wheel that fits, with what is needed to build it.
    Fallback,
    /// Also beside the wheels.
    Also,
}

impl PypiWant {
    /// The index that a project comes from: exactly one, whatever others have under the same name.
    pub fn source_of(&self, project: &Word) -> Option<&Word> {
        let routes = match &self.what {
            PypiWhat::File(_) => [].iter(),
            PypiWhat::Closure(closure) => closure.routes.iter(),
        };
        let mut fits = routes.filter(|(pattern, _)| matches(pattern, project.as_str()));
        fits.next().map(|(_, source)| source).or(self.source.as_ref())
    }

    /// Whether the manifest itself says which bytes a project's files have.
    pub fn names_digests_of(&self, project: &Word) -> bool {
        matches!(&self.what, PypiWhat::Closure(closure) if closure.hashes.contains_key(project))
    }
}

impl PypiClosure {
    /// Whether bytes of a project may be taken, as far as the manifest gives digests.
    pub fn allows(&self, project: &Word, sha256: Sha256) -> bool {
        self.hashes.get(project).is_none_or(|hashes| hashes.contains(&sha256))
    }
}

const EXAMPLE: &str = "apache-flink==1.20.5";

/// Reads one `[[pypi]]`.
pub(super) fn read(table: &mut Table<'_>) -> Option<PypiWant> {
    let publish = table.flag("publish", true);
    let source = table.optional_parsed("source", "internal", Word::new);
    let mut requirements = table.list("requirements");
    requirements.extend(table.optional("requirements-txt").iter().flat_map(lines));
    let package = table.optional("package");
    let what = match (package, requirements.is_empty()) {
        (Some(package), true) => PypiWhat::File(release(table, &package)?),
        (None, false) => PypiWhat::Closure(Box::new(closure(table, &requirements)?)),
        _ => {
            let remedy =
                "write package = \"name==version\" for one file, or requirements = [\"name>=1\"] for a closure";
            table.add(table.origin().problem("this [[pypi]] must say what it wants, in one of two ways", remedy));
            return None;
        }
    };
    Some(PypiWant { source, publish, what })
}

fn release(table: &mut Table<'_>, package: &Text) -> Option<PypiRelease> {
    let sdist = table.flag("sdist", false);
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
    let (project, version) = pinned(table, package)?;
    Some(PypiRelease { project, version, file })
}

/// `name==version`.
fn pinned(table: &Table<'_>, package: &Text) -> Option<(Word, Version)> {
    let split = package.text.split_once("==").map(|(project, version)| (normalise(project), version.trim().parse()));
    match split {
        Some((Ok(project), Ok(version))) => Some((project, version)),
        _ => {
            let what = format!("`{}` does not pin one version", package.text);
            table.add(package.origin.problem(what, format!("write name==version, as in {EXAMPLE}")));
            None
        }
    }
}

fn closure(table: &mut Table<'_>, requirements: &[Text]) -> Option<PypiClosure> {
    let hashed = parsed(table, requirements, "numpy>=1.22,<2", hashed);
    let pythons = table.required_list("pythons", "3.11");
    let pythons = parsed(table, &pythons, "3.11", Python::parse);
    let platforms = table.required_list("platforms", "manylinux2014_x86_64");
    let platforms = parsed(table, &platforms, "manylinux2014_x86_64", Platform::parse);
    let constraints = table.list("constraints");
    let constraints = parsed(table, &constraints, "numpy<2", Requirement::parse);
    let sdists = table.optional_parsed("sdists", "fallback", |text| match text.as_str() {
        "never" => Ok(Sdists::Never),
        "fallback" => Ok(Sdists::Fallback),
        "also" => Ok(Sdists::Also),
        _ => Err(format!("`sdists` is `{text}`; it can be never, fallback or also")),
    });
    let transitive = table.flag("transitive", true);
    let metadata = table.tables("metadata", needs);
    let routes = table.tables("from", route);
    let hashed = hashed?;
    let mut hashes: BTreeMap<Word, BTreeSet<Sha256>> = BTreeMap::new();
    for (requirement, some) in hashed.iter().filter(|(_, some)| !some.is_empty()) {
        hashes.entry(requirement.project.clone()).or_default().extend(some);
    }
    Some(PypiClosure {
        requirements: hashed.into_iter().map(|(requirement, _)| requirement).collect(),
        hashes,
        constraints: constraints?,
        pythons: pythons?,
        platforms: platforms?,
        sdists: sdists.unwrap_or(Sdists::Fallback),
        transitive,
        metadata: metadata.into_iter().flatten().collect(),
        routes: routes.into_iter().flatten().flatten().collect(),
    })
}

/// One `[[pypi.metadata]]`.
fn needs(table: &mut Table<'_>) -> Option<((Word, Version), PypiNeeds)> {
    let package = table.required("package", "crcmod==1.7");
    let requires = table.optional_list("requires");
    let requires = requires.map(|requires| parsed(table, &requires, "six>=1.9", Requirement::parse));
    let builds_with = table.list("builds-with");
    let builds_with = parsed(table, &builds_with, "cython<3", Requirement::parse);
    let requires = requires.map_or(Some(None), |read| read.map(Some));
    Some((pinned(table, &package?)?, PypiNeeds { requires: requires?, builds_with: builds_with? }))
}

/// One `[[pypi.from]]`: patterns of projects, each with their index.
fn route(table: &mut Table<'_>) -> Option<Vec<(String, Word)>> {
    let source = table.parsed("source", "internal", Word::new);
    let projects = table.required_list("projects", "acme-*");
    let source = source?;
    Some(projects.into_iter().map(|project| (project.text, source.clone())).collect())
}

/// The requirements of a `requirements.txt` as tools write it: comments end lines, a backslash goes on with the next.
fn lines(text: &Text) -> Vec<Text> {
    let joined = text.text.replace("\\\n", " ");
    let without_comment = |line: &str| line.split(" #").next().unwrap_or_default().trim().to_owned();
    let lines = joined.lines().map(without_comment).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| Text { text: line, origin: text.origin.clone() }).collect()
}

/// A requirement, and the digests behind it that pip would hold files against.
fn hashed(text: &str) -> Result<(Requirement, BTreeSet<Sha256>), String> {
    let mut parts = text.split("--hash=");
    let requirement = Requirement::parse(parts.next().unwrap_or_default().trim()).map_err(|error| error.to_string())?;
    let digest = |part: &str| {
        let digest = part.trim().strip_prefix("sha256:").and_then(|digest| digest.parse().ok());
        digest.ok_or_else(|| format!("`--hash={}` is no digest that is enough: SHA-256 is needed", part.trim()))
    };
    Ok((requirement, parts.map(digest).collect::<Result<_, _>>()?))
}

/// Each text of a list as a checked type; none if one of them was refused.
fn parsed<T, E: fmt::Display>(
    table: &Table<'_>,
    texts: &[Text],
    example: &str,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Option<Vec<T>> {
    let read: Vec<Option<T>> = texts.iter().map(|text| table.check(text, example, |text| parse(&text))).collect();
    read.into_iter().collect()
}

/// A tag of a wheel's file name.
fn tag(text: String) -> Result<String, String> {
    match Word::new(text.as_str()) {
        Ok(_) if !text.contains('-') => Ok(text),
        _ => Err(format!("`{text}` is no wheel tag")),
    }
}

impl fmt::Display for PypiWant {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Some(source) => write!(out, "pypi/{source} ")?,
            None => out.write_str("pypi ")?,
        }
        match &self.what {
            PypiWhat::File(release) => release.fmt(out),
            PypiWhat::Closure(closure) => closure.fmt(out),
        }
    }
}

impl fmt::Display for PypiRelease {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}=={}", self.project, self.version)?;
        match &self.file {
            PypiFile::Sdist => out.write_str(" sdist"),
            PypiFile::Wheel { python, platform } => write!(out, " wheel {python} {platform}"),
        }
    }
}

/// Everything that decides what is locked, in an order of its own.
impl fmt::Display for PypiClosure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |texts: &mut dyn Iterator<Item = String>| {
            let mut texts: Vec<String> = texts.collect();
            texts.sort();
            texts.join(", ")
        };
        let requirements = |all: &[Requirement]| list(&mut all.iter().map(ToString::to_string));
        out.write_str(&requirements(&self.requirements))?;
        write!(out, " python {}", list(&mut self.pythons.iter().map(ToString::to_string)))?;
        write!(out, " on {}", list(&mut self.platforms.iter().map(ToString::to_string)))?;
        if !self.constraints.is_empty() {
            write!(out, " within {}", requirements(&self.constraints))?;
        }
        match self.sdists {
            Sdists::Never => out.write_str(" without sdists")?,
            Sdists::Fallback => {}
            Sdists::Also => out.write_str(" with sdists")?,
        }
        if !self.transitive {
            out.write_str(" alone")?;
        }
        for ((project, version), needs) in &self.metadata {
            write!(out, " where {project}=={version}")?;
            needs.requires.iter().try_for_each(|some| write!(out, " requires [{}]", requirements(some)))?;
            write!(out, " builds with [{}]", requirements(&needs.builds_with))?;
        }
        for (project, hashes) in &self.hashes {
            write!(out, " {project} of {}", list(&mut hashes.iter().map(Sha256::to_string)))?;
        }
        for (pattern, source) in &self.routes {
            write!(out, " {pattern} from {source}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::manifest;

    fn parse(text: &str) -> Result<String, String> {
        let manifest = manifest::parse(&[("m.toml".into(), format!("[[pypi]]\nid = \"x\"\n{text}"))]);
        manifest.map(|manifest| manifest.request()).map_err(|problems| problems.to_string())
    }

    const TARGET: &str = "pythons = [\"3.11\"]\nplatforms = [\"win_amd64\"]\n";

    #[test]
    fn a_closure_is_read_and_its_request_is_sorted() {
        let text = "requirements = [\"B>1\", \"a\"]\nconstraints = [\"c<3\"]\nsdists = \"never\"\ntransitive = false\n\
            source = \"internal\"\n[[pypi.metadata]]\npackage = \"crc==1.7\"\nrequires = []\n\
            [[pypi.from]]\nsource = \"own\"\nprojects = [\"acme-*\"]\n";
        assert_eq!(
            parse(&format!("{TARGET}{text}")).unwrap(),
            "x pypi/internal a, b>1 python 3.11 on win_amd64 within c<3 without sdists alone \
             where crc==1.7 requires [] builds with [] acme-* from own\n"
        );
        assert_eq!(
            parse(&format!("{TARGET}requirements = [\"a\", \"B>1\"]\n")).unwrap(),
            "x pypi a, b>1 python 3.11 on win_amd64\n"
        );
    }

    #[test]
    fn the_mistakes_of_a_closure_come_at_once() {
        let text = "requirements = [\"a>>1\"]\npythons = [\"2.7\"]\nplatforms = [\"vax\"]\nsdists = \"maybe\"\n\
            wheel = { python = \"py3\", platform = \"any\" }\n";
        let problems = parse(text).unwrap_err();
        for part in [
            "m.toml:3: `a>>1` is no requirement",
            "m.toml:4: `2.7` is no version of Python 3",
            "m.toml:5: `vax` is no platform",
            "m.toml:6: `sdists` is `maybe`",
            "m.toml:7: this [[pypi]] has an unknown key `wheel`",
        ] {
            assert!(problems.contains(part), "{part}\nis not in\n{problems}");
        }
        let both = parse("package = \"a==1\"\nrequirements = [\"a\"]\n").unwrap_err();
        assert!(both.contains("must say what it wants, in one of two ways"), "{both}");
    }
}
