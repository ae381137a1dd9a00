//! A Python index as PEP 691 answers it: which files a project has, and which one a manifest means.
//! Reading the page and choosing are pure; asking for the page is one request.
//! Not here: downloading a file, or dependencies between projects.

use crate::mirror::manifest::{PypiFile, PypiWant, normalise};
use crate::systems::http::{self, Http};
use crate::words::digest::Sha256;
use crate::words::event::Tell;
use crate::words::location::Location;
use crate::words::names::{SafePath, Word};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The media type of PEP 691.
const JSON: &str = "application/vnd.pypi.simple.v1+json";
/// The largest page that is read: the longest known have a few megabytes.
const PAGE_LIMIT: u64 = 64 << 20;

/// Why a file of a project is not known.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The page cannot be had.
    #[error("cannot read the page of {project} in the Python index")]
    Page { project: Word, source: http::Error },
    /// The page is not what PEP 691 says.
    #[error("the index's page of {project} is not PEP 691 JSON")]
    Json { project: Word, source: serde_json::Error },
    /// The release has no such file.
    #[error("{project} {version} has no such file: wanted {wanted}{}", offered(near))]
    NoFile { project: Word, version: String, wanted: String, near: Vec<String> },
    /// The manifest leaves open which.
    #[error("{project} {version} has several such files; say more about the wheel{}", offered(found))]
    Several { project: Word, version: String, found: Vec<String> },
    /// The index publishes no SHA-256 or size for it.
    #[error("the index publishes no sha256 or no size for {name}")]
    Bare { name: String },
    /// Its name or address is not usable.
    #[error("the index offers `{name}`, whose name or address cannot be used")]
    Unsafe { name: String },
}

fn offered(names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!("; the nearest it has: {}", names.join(", ")) }
}

/// One file of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexFile {
    /// `project/file name`: its address in the lock.
    pub address: SafePath,
    /// Where it is now.
    pub location: Location,
    /// Its length in bytes.
    pub size: u64,
    /// Its identity.
    pub sha256: Sha256,
}

#[derive(Deserialize)]
struct Page {
    files: Vec<PageFile>,
}

#[derive(Deserialize, Clone)]
struct PageFile {
    filename: String,
    url: String,
    #[serde(default)]
    hashes: BTreeMap<String, String>,
    size: Option<u64>,
}

/// A project's page.
pub struct Project {
    name: Word,
    location: Location,
    files: Vec<PageFile>,
}

/// Asks the index for a project's page.
pub fn project(http: &Http, index: &Location, name: &Word, tell: Tell) -> Result<Project, Error> {
    let folder = SafePath::new(name.as_str()).map_err(|_| Error::Unsafe { name: name.to_string() })?;
    let location = match index.join(&folder) {
        // An index answers at the folder itself; without the slash most only redirect.
        Location::Web(mut url) => {
            url.set_path(&format!("{}/", url.path()));
            Location::Web(url)
        }
        path => path,
    };
    let page = |source| Error::Page { project: name.clone(), source };
    let bytes = http.get_small(&location, JSON, PAGE_LIMIT, tell).map_err(page)?;
    read(name, location, &bytes)
}

fn read(name: &Word, location: Location, bytes: &[u8]) -> Result<Project, Error> {
    let page: Page = serde_json::from_slice(bytes).map_err(|source| Error::Json { project: name.clone(), source })?;
    Ok(Project { name: name.clone(), location, files: page.files })
}

impl Project {
    /// The one file that a manifest means.
    pub fn choose(&self, want: &PypiWant) -> Result<IndexFile, Error> {
        let release: Vec<&PageFile> =
            self.files.iter().filter(|file| version_of(&file.filename, &self.name) == Some(&want.version)).collect();
        let fits: Vec<&PageFile> = release.iter().copied().filter(|file| fits(&file.filename, &want.file)).collect();
        let names = |files: &[&PageFile]| files.iter().take(8).map(|file| file.filename.clone()).collect();
        let (project, version) = (self.name.clone(), want.version.clone());
        match fits.as_slice() {
            [file] => self.file(file),
            [] => {
                let wanted = match &want.file {
                    PypiFile::Sdist => "the source distribution".to_owned(),
                    PypiFile::Wheel { python, platform } => format!("a wheel for {python} on {platform}"),
                };
                let near = if release.is_empty() { self.versions() } else { names(&release) };
                Err(Error::NoFile { project, version, wanted, near })
            }
            several => Err(Error::Several { project, version, found: names(several) }),
        }
    }

    /// The file of a name, wherever it is now.
    pub fn named(&self, name: &str) -> Result<IndexFile, Error> {
        match self.files.iter().find(|file| file.filename == name) {
            Some(file) => self.file(file),
            None => {
                let (project, wanted) = (self.name.clone(), name.to_owned());
                Err(Error::NoFile { project, version: String::new(), wanted, near: Vec::new() })
            }
        }
    }

    fn file(&self, file: &PageFile) -> Result<IndexFile, Error> {
        let unsafe_name = || Error::Unsafe { name: file.filename.clone() };
        let bare = || Error::Bare { name: file.filename.clone() };
        let address = SafePath::new(format!("{}/{}", self.name, file.filename)).map_err(|_| unsafe_name())?;
        if address.as_str().matches('/').count() != 1 {
            return Err(unsafe_name());
        }
        let location = match &self.location {
            Location::Web(page) => page.join(&file.url).map(|url| url.to_string()).map_err(|_| unsafe_name())?,
            Location::Path(_) => return Err(unsafe_name()),
        };
        let location = Location::parse(&location).map_err(|_| unsafe_name())?;
        if !matches!(location, Location::Web(_)) {
            return Err(unsafe_name());
        }
        let sha256 = file.hashes.get("sha256").and_then(|text| text.parse().ok()).ok_or_else(bare)?;
        Ok(IndexFile { address, location, size: file.size.ok_or_else(bare)?, sha256 })
    }

    /// The last versions on the page, newest last.
    fn versions(&self) -> Vec<String> {
        let mut versions: Vec<String> = Vec::new();
        for file in &self.files {
            let version = version_of(&file.filename, &self.name).map(str::to_owned);
            versions.extend(version.filter(|version| !versions.contains(version)));
        }
        versions.split_off(versions.len().saturating_sub(5))
    }
}

/// The version in a file's name, if the name is of this project.
fn version_of<'a>(filename: &'a str, project: &Word) -> Option<&'a str> {
    let of_project = |name: &str| normalise(name).is_ok_and(|name| &name == project);
    if let Some(stem) = filename.strip_suffix(".whl") {
        let mut parts = stem.split('-');
        return parts.next().filter(|name| of_project(name)).and_then(|_| parts.next());
    }
    let stem = filename.strip_suffix(".tar.gz").or_else(|| filename.strip_suffix(".zip"))?;
    stem.rsplit_once('-').filter(|(name, _)| of_project(name)).map(|(_, version)| version)
}

fn fits(filename: &str, wanted: &PypiFile) -> bool {
    match (wanted, filename.strip_suffix(".whl")) {
        (PypiFile::Sdist, stem) => stem.is_none(),
        (PypiFile::Wheel { python, platform }, Some(stem)) => {
            let tags: Vec<&str> = stem.rsplit('-').take(3).collect();
            let has = |tag: Option<&&str>, wanted: &str| tag.is_some_and(|tag| tag.split('.').any(|one| one == wanted));
            has(tags.first(), platform) && has(tags.get(2), python)
        }
        (PypiFile::Wheel { .. }, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str) -> String {
        let digest = Sha256::of(name.as_bytes());
        format!(r#"{{"filename":"{name}","url":"../../files/{name}","hashes":{{"sha256":"{digest}"}},"size":7}}"#)
    }

    fn page(names: &[&str]) -> Project {
        let files: Vec<String> = names.iter().map(|name| file(name)).collect();
        let text = format!(r#"{{"meta":{{"api-version":"1.1"}},"files":[{}]}}"#, files.join(","));
        let location = Location::parse("https://index.example/simple/apache-flink/").unwrap();
        read(&Word::new("apache-flink").unwrap(), location, text.as_bytes()).unwrap()
    }

    fn want(file: PypiFile) -> PypiWant {
        let project = Word::new("apache-flink").unwrap();
        PypiWant { project, version: "1.20.5".into(), file, publish: true }
    }

    fn wheel(python: &str, platform: &str) -> PypiFile {
        PypiFile::Wheel { python: python.into(), platform: platform.into() }
    }

    const NAMES: &[&str] = &[
        "apache_flink-1.20.5.tar.gz",
        "apache_flink-1.20.5-cp310-cp310-manylinux1_x86_64.manylinux2014_x86_64.whl",
        "apache_flink-1.20.5-cp311-cp311-manylinux1_x86_64.manylinux2014_x86_64.whl",
        "apache_flink-1.20.4-cp311-cp311-manylinux1_x86_64.whl",
        "apache_flink_libraries-1.20.5.tar.gz",
    ];

    #[test]
    fn tags_choose_one_wheel() {
        let file = page(NAMES).choose(&want(wheel("cp311", "manylinux2014_x86_64"))).unwrap();
        assert_eq!(file.address.as_str(), format!("apache-flink/{}", NAMES[2]));
        assert_eq!(file.location.to_string(), format!("https://index.example/files/{}", NAMES[2]));
        assert_eq!(page(NAMES).choose(&want(PypiFile::Sdist)).unwrap().address.file_name(), NAMES[0]);
    }

    #[test]
    fn what_is_not_there_is_told_with_what_is() {
        let error = page(NAMES).choose(&want(wheel("cp38", "manylinux2014_x86_64"))).err().unwrap().to_string();
        assert!(error.contains("a wheel for cp38 on manylinux2014_x86_64") && error.contains("cp310"), "{error}");
        let newer = PypiWant { version: "1.20.9".into(), ..want(PypiFile::Sdist) };
        let error = page(NAMES).choose(&newer).err().unwrap().to_string();
        assert!(error.contains("1.20.5, 1.20.4"), "{error}");
    }

    #[test]
    fn hostile_pages_are_refused() {
        let evil = |text: &str| {
            let location = Location::parse("https://index.example/simple/apache-flink/").unwrap();
            read(&Word::new("apache-flink").unwrap(), location, text.as_bytes())
        };
        assert!(matches!(evil("<html>"), Err(Error::Json { .. })));
        for (name, url) in [("../x-1.20.5.tar.gz", "x"), ("apache_flink-1.20.5.tar.gz", "file:///etc/passwd")] {
            let digest = Sha256::of(b"");
            let text = format!(
                r#"{{"files":[{{"filename":"{name}","url":"{url}","hashes":{{"sha256":"{digest}"}},"size":1}}]}}"#
            );
            assert!(matches!(evil(&text).unwrap().named(name), Err(Error::Unsafe { .. })), "{name} {url}");
        }
        let bare = r#"{"files":[{"filename":"apache_flink-1.20.5.tar.gz","url":"x","hashes":{"md5":"1"}}]}"#;
        assert!(matches!(evil(bare).unwrap().choose(&want(PypiFile::Sdist)), Err(Error::Bare { .. })));
    }
}
