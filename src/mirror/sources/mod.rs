//! Where registries are: a property of the site, found in its own settings, never in this project.
//! In order: the command line, `sources.toml`, the environment, then what the machine's ordinary clients are set up with.
//! Not here: any request to a registry.

use crate::words::document;
use crate::words::location::Location;
use crate::words::problem::{Problems, Source as Document};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

mod clients;

/// A registry's place, and who said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its base address.
    pub location: Location,
    /// Where that was found, for people.
    pub told_by: String,
}

/// The places of the registries that are known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    /// A Maven repository.
    pub maven: Option<Found>,
    /// A Python index: the folder above the projects' pages.
    pub pypi: Option<Found>,
}

/// Why a registry's place is not known.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `--source` was not understood.
    #[error("`--source {text}` is not understood: write maven=URL or pypi=URL")]
    Argument { text: String },
    /// An address that is none.
    #[error("the {kind} source of {told_by} is no address")]
    Address { kind: &'static str, told_by: String, source: crate::words::location::BadLocation },
    /// `sources.toml` has mistakes.
    #[error("the sources file has mistakes")]
    File(#[source] Problems),
    /// A sources file that was named cannot be read.
    #[error("cannot read {}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    /// Nothing says where it is.
    #[error(
        "no {kind} source is known: none was given, and {client} is not set up on this machine; \
         give one with `--source {kind}=URL`, in sources.toml, or as {variable}"
    )]
    Unknown { kind: &'static str, client: &'static str, variable: &'static str },
}

/// What is looked at, in one value, so that finding is a decision.
#[derive(Debug, Clone, Default)]
pub struct Site {
    /// `--source KIND=URL`.
    pub arguments: Vec<String>,
    /// `--sources FILE`, or the default places.
    pub file: Option<PathBuf>,
    /// The environment.
    pub environment: BTreeMap<String, String>,
}

const MAVEN: &str = "maven";
const PYPI: &str = "pypi";

impl Sources {
    /// Looks in all places, in order.
    pub fn find(site: &Site) -> Result<Sources, Error> {
        let given = from_arguments(&site.arguments)?;
        let written = from_file(site)?;
        let variable =
            |name: &str| site.environment.get(name).map(|text| (text.clone(), format!("the variable {name}")));
        let maven = given.0.or(written.0).or_else(|| variable("PNDA_SOURCE_MAVEN")).or_else(|| clients::maven(site));
        let pypi = given.1.or(written.1).or_else(|| variable("PNDA_SOURCE_PYPI")).or_else(|| clients::pypi(site));
        Ok(Sources { maven: found(MAVEN, maven)?, pypi: found(PYPI, pypi)? })
    }

    /// The Maven repository, or what to do about there being none.
    pub fn maven(&self) -> Result<&Location, Error> {
        let unknown = Error::Unknown { kind: MAVEN, client: "Maven", variable: "PNDA_SOURCE_MAVEN" };
        self.maven.as_ref().map(|found| &found.location).ok_or(unknown)
    }

    /// The Python index, or what to do about there being none.
    pub fn pypi(&self) -> Result<&Location, Error> {
        let unknown = Error::Unknown { kind: PYPI, client: "pip", variable: "PNDA_SOURCE_PYPI" };
        self.pypi.as_ref().map(|found| &found.location).ok_or(unknown)
    }
}

/// An address in text, and who gave it.
type Told = Option<(String, String)>;

fn found(kind: &'static str, told: Told) -> Result<Option<Found>, Error> {
    let Some((text, told_by)) = told else { return Ok(None) };
    match Location::parse(&text) {
        Ok(location) => Ok(Some(Found { location, told_by })),
        Err(source) => Err(Error::Address { kind, told_by, source }),
    }
}

fn from_arguments(arguments: &[String]) -> Result<(Told, Told), Error> {
    let (mut maven, mut pypi) = (None, None);
    for text in arguments {
        match text.split_once('=') {
            Some((MAVEN, url)) => maven = Some((url.to_owned(), "the command line".to_owned())),
            Some((PYPI, url)) => pypi = Some((url.to_owned(), "the command line".to_owned())),
            _ => return Err(Error::Argument { text: text.split('=').next().unwrap_or_default().to_owned() }),
        }
    }
    Ok((maven, pypi))
}

fn from_file(site: &Site) -> Result<(Told, Told), Error> {
    let Some(path) = site.file.clone().or_else(|| default_file(site)) else { return Ok((None, None)) };
    let text = std::fs::read_to_string(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
    let file = path.display().to_string();
    let read = |table: &mut document::Table<'_>| Some((table.optional(MAVEN), table.optional(PYPI)));
    let (maven, pypi) = document::read(Document { file: &file, text: &text }, read).map_err(Error::File)?;
    Ok((maven.map(|text| (text.text, file.clone())), pypi.map(|text| (text.text, file.clone()))))
}

fn default_file(site: &Site) -> Option<PathBuf> {
    let home = site.environment.get("HOME").map(|home| Path::new(home).join(".config"));
    let user = site.environment.get("XDG_CONFIG_HOME").map(PathBuf::from).or(home);
    let places = user.into_iter().chain([PathBuf::from("/etc")]);
    places.map(|folder| folder.join("pnda/sources.toml")).find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_wins_over_the_file_and_the_environment() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sources.toml");
        std::fs::write(&file, "maven = \"https://a.example/m\"\npypi = \"https://a.example/p\"\n").unwrap();
        let site = Site {
            arguments: vec!["maven=https://b.example/m".into()],
            file: Some(file),
            environment: BTreeMap::from([("PNDA_SOURCE_PYPI".into(), "https://c.example/p".into())]),
        };
        let sources = Sources::find(&site).unwrap();
        assert_eq!(sources.maven().unwrap().to_string(), "https://b.example/m");
        assert_eq!(sources.pypi().unwrap().to_string(), "https://a.example/p");
    }

    #[test]
    fn mistakes_name_where_they_are_and_no_secret() {
        let argument = Site { arguments: vec!["mavn=https://me:secret@a.example".into()], ..Site::default() };
        let error = Sources::find(&argument).unwrap_err().to_string();
        assert!(error.contains("mavn") && !error.contains("secret"), "{error}");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sources.toml");
        std::fs::write(&file, "mavne = \"x\"\n").unwrap();
        let Err(Error::File(problems)) = Sources::find(&Site { file: Some(file), ..Site::default() }) else {
            panic!("the key is unknown")
        };
        assert!(problems.to_string().contains("did you mean `maven`?"));
    }

    #[test]
    fn nothing_known_says_what_to_do() {
        let error = Sources::default().maven().unwrap_err().to_string();
        assert!(error.contains("--source maven=URL") && error.contains("PNDA_SOURCE_MAVEN"), "{error}");
    }
}
