//! Describes a distribution out of its bytes in the store: what it requires, and the metadata that an index offers.
//! A description is remembered by the digest of the bytes, so that thousands of files are not opened again each time.
//! Not here: which distributions there are.

use super::archive::{self, Sdist};
use super::filename::{Filename, Form, normalise};
use super::metadata::{Metadata, read_requires_txt, read_setup_requires};
use crate::store::{self, Store};
use pep440_rs::Version;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, Write};
use std::str::FromStr;
use systems::download::Expected;
use words::digest::Sha256;
use words::names::Word;
use words::shown::shown;

/// Where descriptions are noted in the store.
const NOTE: &str = "described";
/// Part of what is remembered: change it when the way of describing changes.
const METHOD: &str = "python description 1";

/// What a distribution says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// The versions of Python it is for, as it writes them.
    pub requires_python: Option<String>,
    /// What it requires, in PEP 508; none where only its own build would tell, or its bytes cannot be read.
    pub requires: Option<Vec<String>>,
    /// What must be installed to build it; empty for a wheel.
    pub builds_with: Vec<String>,
    /// Size and digest of a wheel's `METADATA`, which is in the store as well.
    pub metadata: Option<(u64, Sha256)>,
}

/// Why a distribution cannot be described.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store's file cannot be read.
    #[error("cannot read {}", shown(name))]
    Read { name: String, source: io::Error },
    /// Its metadata is of something else.
    #[error(
        "{} calls itself {} inside: its publisher or its index mixed something up; do not use it",
        shown(name),
        shown(found)
    )]
    Disagrees { name: String, found: String },
    /// The description cannot be kept.
    #[error("cannot keep the description of {}", shown(name))]
    Keep { name: String, source: Box<store::Error> },
    /// The description cannot be written.
    #[error("cannot write the description of {}: is the disk full?", shown(name))]
    Write { name: String, source: io::Error },
}

/// The description of a file of a project; its bytes are in the store.
pub fn describe(store: &Store, project: &Word, name: &str, bytes: Expected) -> Result<Description, Error> {
    let of = format!("{METHOD} {project} {name}\n");
    if let Some(known) = remembered(store, bytes.sha256, &of) {
        return Ok(known);
    }
    let read = |source| Error::Read { name: name.to_owned(), source };
    let file = File::open(store.path(bytes.sha256)).map_err(read)?;
    let described = match Filename::read(name, project) {
        Some(Filename { version, form: Form::Wheel(_) }) => match archive::wheel(file, project) {
            Ok(text) => {
                let kept = keep(store, name, &text)?;
                let metadata = Some((kept.size, kept.sha256));
                Description { metadata, ..describe_text(project, &version, name, &text)? }
            }
            // What cannot be read is offered as it is: it has the bytes that were agreed. The next run looks again.
            Err(_) => return Ok(Description::default()),
        },
        Some(Filename { version, form: Form::Sdist }) => match archive::sdist(file, name) {
            Ok(sdist) => describe_sdist(project, &version, name, &sdist)?,
            Err(_) => return Ok(Description::default()),
        },
        None => Description::default(),
    };
    let text = serde_json::to_string(&described);
    let text = text.map_err(|source| Error::Write { name: name.into(), source: source.into() })?;
    store.note(NOTE, bytes.sha256, format!("{of}{text}").as_bytes());
    Ok(described)
}

/// What was described before, if what it needs is still in the store.
fn remembered(store: &Store, sha256: Sha256, of: &str) -> Option<Description> {
    let noted = store.recall(NOTE, sha256)?;
    let known: Description = serde_json::from_slice(noted.strip_prefix(of.as_bytes())?).ok()?;
    let there = |(size, sha256)| store.has(Expected { size, sha256 });
    known.metadata.is_none_or(there).then_some(known)
}

fn keep(store: &Store, name: &str, bytes: &[u8]) -> Result<Expected, Error> {
    let failed = kept_not(name);
    let written = |source| Error::Write { name: name.to_owned(), source };
    let mut scratch = store.scratch().map_err(&failed)?;
    scratch.write_all(bytes).map_err(written)?;
    let (_, path) = scratch.keep().map_err(|error| written(error.error))?;
    store.keep(&path).map_err(failed)
}

fn kept_not(name: &str) -> impl Fn(store::Error) -> Error {
    move |source| Error::Keep { name: name.to_owned(), source: Box::new(source) }
}

/// What the text of a wheel's `METADATA` says.
pub fn describe_text(project: &Word, version: &Version, name: &str, text: &[u8]) -> Result<Description, Error> {
    let Some(metadata) = Metadata::read(text) else { return Ok(Description::default()) };
    agrees(project, version, name, &metadata)?;
    let (requires_python, requires) = (metadata.requires_python, Some(metadata.requires));
    Ok(Description { requires_python, requires, ..Description::default() })
}

fn agrees(project: &Word, version: &Version, name: &str, metadata: &Metadata) -> Result<(), Error> {
    let same_project = normalise(&metadata.name).is_ok_and(|found| &found == project);
    let same_version = Version::from_str(&metadata.version).is_ok_and(|found| &found == version);
    if same_project && same_version {
        return Ok(());
    }
    let plain = |text: &str| text.chars().filter(|c| !c.is_control()).take(80).collect::<String>();
    let found = format!("{} {}", plain(&metadata.name), plain(&metadata.version));
    Err(Error::Disagrees { name: name.to_owned(), found })
}

/// The parts of `pyproject.toml` that count.
#[derive(Deserialize, Default)]
struct Pyproject {
    #[serde(rename = "build-system")]
    build_system: Option<BuildSystem>,
    project: Option<toml::Table>,
}

#[derive(Deserialize)]
struct BuildSystem {
    #[serde(default)]
    requires: Vec<String>,
    #[serde(rename = "build-backend")]
    backend: Option<String>,
}

fn describe_sdist(project: &Word, version: &Version, name: &str, sdist: &Sdist) -> Result<Description, Error> {
    let metadata = sdist.pkg_info.as_deref().and_then(Metadata::read);
    if let Some(metadata) = &metadata {
        agrees(project, version, name, metadata)?;
    }
    let text = String::from_utf8_lossy(sdist.pyproject.as_deref().unwrap_or_default()).into_owned();
    let pyproject: Pyproject = toml::from_str(&text).unwrap_or_default();
    let settled = metadata.as_ref().filter(|metadata| metadata.is_settled()).map(|metadata| metadata.requires.clone());
    // setuptools notes what was required where the archive was packed; without a note nothing was.
    let noted = || match &sdist.requires_txt {
        Some(text) => read_requires_txt(text),
        None => sdist.has_egg_info.then(Vec::new),
    };
    Ok(Description {
        requires: settled.or_else(|| pyproject.requires()).or_else(noted),
        builds_with: pyproject.builds_with(sdist.setup_cfg.as_deref().unwrap_or_default()),
        requires_python: metadata.and_then(|metadata| metadata.requires_python),
        metadata: None,
    })
}

impl Pyproject {
    /// PEP 621: dependencies that are written down and not declared to be found out while building.
    fn requires(&self) -> Option<Vec<String>> {
        let project = self.project.as_ref()?;
        let texts = |value: &toml::Value| -> Option<Vec<String>> {
            value.as_array()?.iter().map(|text| text.as_str().map(str::to_owned)).collect()
        };
        let dynamic = project.get("dynamic").and_then(texts).unwrap_or_default();
        if dynamic.iter().any(|name| name.ends_with("dependencies")) {
            return None;
        }
        let mut requires = project.get("dependencies").map_or(Some(Vec::new()), texts)?;
        for (extra, list) in project.get("optional-dependencies").and_then(toml::Value::as_table).into_iter().flatten()
        {
            for text in texts(list)? {
                let (requirement, marker) = text.split_once(';').map_or((text.as_str(), None), |(r, m)| (r, Some(m)));
                let marker = marker.map_or(String::new(), |marker| format!("({}) and ", marker.trim()));
                requires.push(format!("{} ; {marker}extra == '{extra}'", requirement.trim()));
            }
        }
        Some(requires)
    }

    /// PEP 518, and what setuptools asks for besides when it is run.
    fn builds_with(&self, setup_cfg: &[u8]) -> Vec<String> {
        let declared = self.build_system.as_ref().map(|system| system.requires.clone());
        let mut requires = declared.unwrap_or_else(|| vec!["setuptools>=40.8.0".into()]);
        let backend = self.build_system.as_ref().and_then(|system| system.backend.as_deref());
        if backend.is_none_or(|backend| backend.starts_with("setuptools")) {
            requires.push("wheel".into());
            requires.extend(read_setup_requires(setup_cfg));
        }
        requires
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};

    struct Bench {
        _folder: tempfile::TempDir,
        store: Store,
    }

    impl Bench {
        fn new() -> Bench {
            let folder = tempfile::tempdir().unwrap();
            let store = Store::open(folder.path()).unwrap();
            Bench { _folder: folder, store }
        }

        fn describe(&self, name: &str, bytes: &[u8]) -> Result<Description, Error> {
            let kept = keep(&self.store, name, bytes).unwrap();
            describe(&self.store, &Word::new("tool").unwrap(), name, kept)
        }
    }

    fn wheel(members: &[(&str, &str)]) -> Vec<u8> {
        let mut zip = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
        for (name, text) in members {
            zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(text.as_bytes()).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    fn sdist(members: &[(&str, &str)]) -> Vec<u8> {
        let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (name, text) in members {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            tar.append_data(&mut header, name, text.as_bytes()).unwrap();
        }
        tar.into_inner().unwrap().finish().unwrap()
    }

    const METADATA: &str =
        "Metadata-Version: 2.1\nName: Tool\nVersion: 1.0\nRequires-Python: >=3.8\nRequires-Dist: a\n";
    const WHEEL: &str = "tool-1.0-py3-none-any.whl";

    #[test]
    fn a_wheel_is_described_once() {
        let bench = Bench::new();
        let bytes = wheel(&[("tool-1.0.dist-info/METADATA", METADATA), ("vendored-2.dist-info/METADATA", "no")]);
        let described = bench.describe(WHEEL, &bytes).unwrap();
        assert_eq!(described.requires.as_deref(), Some(&["a".to_owned()][..]));
        assert_eq!(described.requires_python.as_deref(), Some(">=3.8"));
        assert_eq!(described.metadata, Some((METADATA.len() as u64, Sha256::of(METADATA.as_bytes()))));
        // The bytes are damaged and nobody looks: it is remembered.
        let path = bench.store.path(Sha256::of(&bytes));
        std::fs::remove_file(&path).unwrap();
        let again = describe(
            &bench.store,
            &Word::new("tool").unwrap(),
            WHEEL,
            Expected { size: bytes.len() as u64, sha256: Sha256::of(&bytes) },
        );
        assert_eq!(again.unwrap(), described);
    }

    #[test]
    fn metadata_of_something_else_is_refused() {
        let bench = Bench::new();
        for other in [METADATA.replace("Tool", "Fool"), METADATA.replace("1.0", "1.1")] {
            let bytes = wheel(&[("tool-1.0.dist-info/METADATA", &other)]);
            assert!(matches!(bench.describe(WHEEL, &bytes), Err(Error::Disagrees { .. })), "{other}");
        }
    }

    #[test]
    fn what_cannot_be_read_says_nothing() {
        let bench = Bench::new();
        let big = "x".repeat(5 << 20);
        let twice = wheel(&[("tool-1.0.dist-info/METADATA", METADATA), ("TOOL-1.dist-info/METADATA", METADATA)]);
        let bomb = wheel(&[("tool-1.0.dist-info/METADATA", &big)]);
        for bytes in [&b"no zip"[..], &wheel(&[]), &twice, &bomb] {
            assert_eq!(bench.describe(WHEEL, bytes).unwrap(), Description::default());
        }
        assert_eq!(bench.describe("tool-1.0.tar.gz", b"no tar").unwrap(), Description::default());
    }

    #[test]
    fn a_source_distribution_tells_what_it_can() {
        let bench = Bench::new();
        let check = |members: &[(&str, &str)], requires: Option<&[&str]>, builds_with: &[&str]| {
            let described = bench.describe("tool-1.0.tar.gz", &sdist(members)).unwrap();
            let found: Option<Vec<&str>> = described.requires.as_ref().map(|r| r.iter().map(String::as_str).collect());
            assert_eq!(found.as_deref(), requires, "{members:?}");
            assert_eq!(described.builds_with, builds_with, "{members:?}");
        };
        let (old, new) = (METADATA.replace("2.1", "1.0"), METADATA.replace("2.1", "2.2"));
        let legacy = &["setuptools>=40.8.0", "wheel"];
        check(&[("tool-1.0/PKG-INFO", &new)], Some(&["a"]), legacy);
        check(&[("tool-1.0/PKG-INFO", &old)], None, legacy);
        check(&[("tool-1.0/tool.egg-info/PKG-INFO", "")], Some(&[]), legacy);
        check(&[("tool-1.0/src/tool.egg-info/requires.txt", "b>1\n")], Some(&["b>1"]), legacy);
        let pyproject = "[build-system]\nrequires = [\"hatchling\"]\nbuild-backend = \"hatchling.build\"\n\
            [project]\ndependencies = [\"c\"]\n[project.optional-dependencies]\nx = [\"d ; os_name == 'nt'\"]\n";
        let both: &[&str] = &["c", "d ; (os_name == 'nt') and extra == 'x'"];
        check(&[("tool-1.0/pyproject.toml", pyproject)], Some(both), &["hatchling"]);
        let dynamic = pyproject.replace("dependencies = [\"c\"]", "dynamic = [\"dependencies\"]");
        check(&[("tool-1.0/pyproject.toml", &dynamic)], None, &["hatchling"]);
        check(
            &[("tool-1.0/pyproject.toml", "[build-system]\nrequires = [\"setuptools\"]")],
            None,
            &["setuptools", "wheel"],
        );
    }
}
