//! What was installed on this node before, kept so that it can be brought back without the mirror.
//! A generation is a node's folder as it was installed, its downloads, and a few facts; archives stay unpacked in their places.
//! Not here: bringing one back, which is an install like any other.

use super::document::Wanted;
use super::home::{self, Home};
use super::secrets::KEPT;
use disk::regular::{self, Links};
use disk::replace;
use disk::root_dir::RootDir;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};
use words::digest::{Hasher, Sha256};
use words::names::{NodePath, Word};
use words::node::{DOCUMENT, Download};

const FORMAT: u32 = 1;
const FACTS: &str = "facts.toml";
/// Under a generation's folder: what the mirror had, by its path there.
const DOWNLOADS: &str = "mirror";
const NEW: &str = ".new";
const LONGEST_FACTS: u64 = 1 << 20;

/// Why a generation cannot be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The machine refuses to read.
    #[error("cannot read {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    /// It is not what this program writes.
    #[error("{} is not readable: remove that folder if nobody needs this generation", path.display())]
    Facts { path: PathBuf, source: Box<toml::de::Error> },
    /// The machine refuses to write.
    #[error("cannot keep what was installed, in {}", path.display())]
    Write { path: PathBuf, source: io::Error },
    /// What is no longer needed does not go.
    #[error("cannot keep what was installed")]
    Home(#[source] home::Error),
    /// Somebody changed a download since it was placed.
    #[error("cannot keep {path}: it changed while it was installed; run the install again")]
    Unsteady { path: NodePath },
    /// There is none of this number.
    #[error("{}", missing(*number, kept))]
    Missing { number: Option<u64>, kept: Vec<u64> },
}

fn missing(number: Option<u64>, kept: &[u64]) -> String {
    let kept = kept.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
    match (number, kept.as_str()) {
        (_, "") => "no generation is kept on this node: nothing was installed yet".into(),
        (Some(number), kept) => format!("generation {number} is not kept on this node; there are {kept}"),
        (None, kept) => format!("there is nothing to go back to: only {kept} is kept on this node"),
    }
}

/// What is known of a kept generation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    format: u32,
    /// Counts installs that changed what this node is.
    pub number: u64,
    /// When it worked for the first time: seconds since 1970.
    pub when: u64,
    /// The mirror's generation it came from.
    pub generation: u64,
    /// The cluster's name.
    pub cluster: Word,
    /// The node's name.
    pub node: Word,
    /// Its roles.
    pub roles: Vec<Word>,
    /// The digest of everything it was rendered from.
    pub inputs: Sha256,
    /// The digest of its document.
    pub document: Sha256,
    /// Its unpacked archives.
    #[serde(default)]
    pub archives: BTreeMap<NodePath, Sha256>,
}

/// The folder of generations.
#[derive(Debug)]
pub struct Generations {
    folder: PathBuf,
}

impl Generations {
    /// Those of a node; the folder need not be there.
    pub fn of(home: &Home) -> Generations {
        Generations { folder: home.folder("generations") }
    }

    /// All of them, oldest first.
    pub fn list(&self) -> Result<Vec<Kept>, Error> {
        let failed = |source| Error::Read { path: self.folder.clone(), source };
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(failed)?,
        };
        let mut found = Vec::new();
        for entry in entries {
            let entry = entry.map_err(failed)?;
            if entry.file_name().to_str().is_some_and(|name| name.parse::<u64>().is_ok()) {
                found.push(facts(&entry.path().join(FACTS))?);
            }
        }
        found.sort_by_key(|kept| kept.number);
        Ok(found)
    }

    /// A node's folder as it was installed.
    pub fn node(&self, number: u64) -> PathBuf {
        self.folder.join(number.to_string())
    }

    /// Where a node's folder lies here, however it was named; none if it is not one of those that are kept.
    pub fn kept(&self, node: &Path) -> Option<PathBuf> {
        let same = fs::canonicalize(node.parent()?).ok()? == fs::canonicalize(&self.folder).ok()?;
        same.then(|| node.file_name().map(|name| self.folder.join(name)))?
    }

    /// The downloads of a generation, as a mirror has them.
    pub fn downloads(&self, number: u64) -> PathBuf {
        self.node(number).join(DOWNLOADS)
    }

    /// Keeps what is installed now, unless it is kept already; older ones than the last `most` go.
    pub fn keep(
        &self,
        home: &Home,
        wanted: &Wanted,
        ground: &RootDir,
        generation: u64,
        most: usize,
    ) -> Result<(), Error> {
        let kept = self.list()?;
        let document = wanted.identity();
        if kept.last().is_none_or(|newest| newest.document != document) {
            // What a run that was killed here has left.
            home.discard(&self.folder.join(NEW)).map_err(Error::Home)?;
            self.write(wanted, ground, generation, kept.last())?;
        }
        let mut kept = self.list()?;
        kept.truncate(kept.len().saturating_sub(most.max(1)));
        for old in kept {
            home.discard(&self.node(old.number)).map_err(Error::Home)?;
        }
        Ok(())
    }

    fn write(&self, wanted: &Wanted, ground: &RootDir, generation: u64, last: Option<&Kept>) -> Result<(), Error> {
        let new = self.folder.join(NEW);
        let failed = |source| Error::Write { path: self.folder.clone(), source };
        let node = &wanted.node;
        let kept = Kept {
            format: FORMAT,
            number: last.map_or(1, |last| last.number + 1),
            when: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
            generation,
            cluster: node.cluster.clone(),
            node: node.node.clone(),
            roles: node.roles.clone(),
            inputs: node.inputs,
            document: wanted.identity(),
            archives: node.archives.iter().map(|one| (one.into.clone(), one.sha256)).collect(),
        };
        write(&new.join(DOCUMENT), wanted.text.as_bytes()).map_err(failed)?;
        for file in &node.files {
            let bytes = wanted.bytes.get(&file.path).map_or(&[][..], Vec::as_slice);
            let bytes = wanted.secrets.template(&file.path).unwrap_or(bytes);
            write(&new.join(file.source()), bytes).map_err(failed)?;
        }
        if let Some(secrets) = wanted.secrets.kept() {
            write(&new.join(KEPT), secrets.as_bytes()).map_err(failed)?;
        }
        for download in &node.downloads {
            let before = last.map(|last| download.from.under(&self.downloads(last.number)));
            self.copy(download, ground, before.as_deref(), &download.from.under(&new.join(DOWNLOADS)))?;
        }
        let text = toml::to_string(&kept).map_err(|error| failed(io::Error::other(error)))?;
        write(&new.join(FACTS), text.as_bytes()).map_err(failed)?;
        replace::rename(&new, &self.node(kept.number)).map_err(failed)
    }

    /// The generation before may have the same bytes; else they are where they were placed.
    fn copy(&self, download: &Download, ground: &RootDir, before: Option<&Path>, to: &Path) -> Result<(), Error> {
        let failed = |source| Error::Write { path: self.folder.clone(), source };
        fs::create_dir_all(to.parent().unwrap_or(to)).map_err(failed)?;
        let same = |path: &&Path| {
            let read = File::open(path).and_then(|mut file| Sha256::of_reader(&mut file));
            read.is_ok_and(|(sha256, _)| sha256 == download.sha256)
        };
        if let Some(before) = before.filter(same)
            && fs::hard_link(before, to).is_ok()
        {
            return Ok(());
        }
        let placed = ground.place(&download.path).map_err(|error| failed(io::Error::other(error)))?;
        let unsteady = || Error::Unsteady { path: download.path.clone() };
        let mut source = placed.ok_or_else(unsteady)?.open().map_err(failed)?;
        match copied(&mut source, to).map_err(failed)? {
            found if found == download.sha256 => Ok(()),
            _ => Err(unsteady()),
        }
    }
}

/// Archives that must stay in their places once `document` is installed and kept too; none if nothing changes.
pub(super) fn needed(kept: &[Kept], document: Sha256, most: usize) -> Option<BTreeMap<NodePath, Sha256>> {
    let newest = kept.last()?;
    if newest.document == document {
        return None;
    }
    let stay = kept.iter().rev().take(most.max(1) - 1);
    Some(stay.rev().flat_map(|kept| kept.archives.clone()).collect())
}

/// Which one to go back to: the one that is asked for, or the last that worked and is not what is installed now.
pub(super) fn chosen(kept: &[Kept], number: Option<u64>, installed: Option<Sha256>) -> Result<&Kept, Error> {
    let found = match number {
        Some(number) => kept.iter().find(|kept| kept.number == number),
        None => kept.iter().rev().find(|kept| Some(kept.document) != installed),
    };
    found.ok_or_else(|| Error::Missing { number, kept: kept.iter().map(|kept| kept.number).collect() })
}

fn facts(path: &Path) -> Result<Kept, Error> {
    let mut text = String::new();
    let read = regular::open(path, Links::Refuse).and_then(|file| file.take(LONGEST_FACTS).read_to_string(&mut text));
    read.map_err(|source| Error::Read { path: path.to_owned(), source })?;
    toml::from_str(&text).map_err(|source| Error::Facts { path: path.to_owned(), source: Box::new(source) })
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(path.parent().unwrap_or(path))?;
    let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn copied(source: &mut File, to: &Path) -> io::Result<Sha256> {
    let (mut file, mut hasher, mut buffer) = (File::create(to)?, Hasher::default(), vec![0; 128 * 1024]);
    loop {
        let count = source.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        hasher.update(&buffer[..count]);
        file.write_all(&buffer[..count])?;
    }
    file.sync_all()?;
    Ok(hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_once_can_always_be_read() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/formats/install-facts-1.toml");
        let kept = facts(&path).unwrap();
        assert_eq!((kept.number, kept.generation, kept.archives.len()), (3, 7, 1));
        assert_eq!(toml::to_string(&kept).unwrap(), fs::read_to_string(path).unwrap());
    }
}
