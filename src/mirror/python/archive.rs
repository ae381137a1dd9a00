//! Reads the few small files that say what a distribution is out of wheels and source distributions.
//! Archives are hostile: their members, what they unpack to and each file that is read have a limit.
//! Not here: what the files say.

use super::filename::normalise;
use flate2::read::GzDecoder;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use words::names::Word;

/// Longer metadata than any distribution has.
const MOST_TEXT: u64 = 4 << 20;
/// More than any distribution unpacks to.
const MOST_BYTES: u64 = 8 << 30;
/// More members than any distribution has.
const MOST_MEMBERS: usize = 200_000;

/// Why an archive cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is broken, or no archive.
    #[error("it is no archive that can be read")]
    Broken(#[source] io::Error),
    /// It is larger than anything sensible.
    #[error("it unpacks to more than {MOST_BYTES} bytes or {MOST_MEMBERS} members, or has metadata over {MOST_TEXT}")]
    Bomb,
    /// A wheel without metadata, or with several.
    #[error("it has {0} files METADATA for its project where one must be")]
    Metadata(usize),
}

fn zip_broken(source: zip::result::ZipError) -> Error {
    Error::Broken(io::Error::other(source))
}

/// The `METADATA` of a wheel.
pub(super) fn wheel(file: impl Read + Seek, project: &Word) -> Result<Vec<u8>, Error> {
    let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(zip_broken)?;
    if archive.len() > MOST_MEMBERS {
        return Err(Error::Bomb);
    }
    let is_metadata = |name: &str| {
        let of_project = |stem: &str| stem.split('-').next().is_some_and(|n| normalise(n).is_ok_and(|n| &n == project));
        name.strip_suffix(".dist-info/METADATA").is_some_and(|stem| !stem.contains('/') && of_project(stem))
    };
    let names: Vec<String> = archive
        .file_names()
        .filter_map(Result::ok)
        .map(std::borrow::Cow::into_owned)
        .filter(|name| is_metadata(name))
        .collect();
    let [name] = names.as_slice() else { return Err(Error::Metadata(names.len())) };
    let mut entry = archive.by_name(name).map_err(zip_broken)?;
    small(&mut entry)
}

/// The files of a source distribution that say something of it, as far as it has them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sdist {
    pub(super) pkg_info: Option<Vec<u8>>,
    pub(super) pyproject: Option<Vec<u8>>,
    pub(super) setup_cfg: Option<Vec<u8>>,
    pub(super) requires_txt: Option<Vec<u8>>,
    /// Whether setuptools packed it: it writes `requires.txt` only where something is required.
    pub(super) has_egg_info: bool,
}

/// Reads a source distribution, `.zip` or `.tar.gz`.
pub(super) fn sdist(file: File, name: &str) -> Result<Sdist, Error> {
    let mut sdist = Sdist::default();
    if name.ends_with(".zip") {
        let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(zip_broken)?;
        if archive.len() > MOST_MEMBERS {
            return Err(Error::Bomb);
        }
        for at in 0..archive.len() {
            let mut entry = archive.by_index(at).map_err(zip_broken)?;
            let name = entry.name().map_err(zip_broken)?.into_owned();
            sdist.take(&name, &mut entry)?;
        }
        return Ok(sdist);
    }
    let mut archive = tar::Archive::new(GzDecoder::new(BufReader::new(file)).take(MOST_BYTES));
    for (count, entry) in archive.entries().map_err(Error::Broken)?.enumerate() {
        if count >= MOST_MEMBERS {
            return Err(Error::Bomb);
        }
        let mut entry = entry.map_err(Error::Broken)?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        sdist.take(&name, &mut entry)?;
    }
    if archive.into_inner().limit() == 0 { Err(Error::Bomb) } else { Ok(sdist) }
}

impl Sdist {
    /// Keeps a member if it is one of those that count: in the only folder at the top, or in a source folder below it.
    fn take(&mut self, name: &str, bytes: &mut dyn Read) -> Result<(), Error> {
        let below: Vec<&str> = name.split('/').skip(1).collect();
        match below.as_slice() {
            ["PKG-INFO"] => self.pkg_info = Some(small(bytes)?),
            ["setup.cfg"] => self.setup_cfg = Some(small(bytes)?),
            ["pyproject.toml"] => self.pyproject = Some(small(bytes)?),
            [folder, file] | [_, folder, file] if folder.ends_with(".egg-info") => {
                self.has_egg_info = true;
                if *file == "requires.txt" {
                    self.requires_txt = Some(small(bytes)?);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn small(bytes: &mut dyn Read) -> Result<Vec<u8>, Error> {
    let mut text = Vec::new();
    bytes.take(MOST_TEXT + 1).read_to_end(&mut text).map_err(Error::Broken)?;
    if text.len() as u64 > MOST_TEXT { Err(Error::Bomb) } else { Ok(text) }
}
