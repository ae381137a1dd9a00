//! A jar: which classes it has as a certain Java sees them, and each of them when it is asked for.
//! Jars of packages are anybody's bytes: members, names and what is unpacked have a limit.
//! Not here: what the classes mean together.

use super::class_file::{self, Class};
use disk::regular::{self, Links};
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use zip::ZipArchive;

/// More than any jar has; a distribution of Flink has fifty thousand in all.
const MOST_MEMBERS: usize = 300_000;
/// Bytes of a class file; Java itself ends at methods of 64 KiB, and generated classes are long all the same.
const LONGEST_CLASS: u64 = 16 << 20;
/// Bytes of all classes that are read out of one jar.
const MOST_UNPACKED: u64 = 4 << 30;
const LONGEST_TEXT: u64 = 64 << 10;
/// Bytes of a jar's directory, and of all else that is read to open it; `flink-dist` has five megabytes.
const LONGEST_DIRECTORY: u64 = 32 << 20;
const VERSIONS: &str = "META-INF/versions/";

/// Why a jar or a class of it cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot read it")]
    Read(#[from] io::Error),
    #[error("it is no jar that can be read")]
    Zip(#[from] zip::result::ZipError),
    #[error("it has more than {MOST_MEMBERS} members")]
    Members,
    #[error("its classes unpack to more than {MOST_UNPACKED} bytes")]
    Bomb,
    #[error("it is longer than {LONGEST_CLASS} bytes")]
    TooLong,
    #[error("it is no class file")]
    Class(#[from] class_file::Error),
}

/// A file that gives so many bytes and then fails: while a jar is opened, its directory comes into memory.
#[derive(Debug)]
struct Metered {
    file: File,
    left: Arc<AtomicU64>,
}

impl Read for Metered {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.left.load(Ordering::Relaxed);
        if left == 0 {
            return Err(io::Error::other(format!("its directory is longer than {LONGEST_DIRECTORY} bytes")));
        }
        let count = self.file.read(buffer)?;
        self.left.store(left.saturating_sub(count as u64), Ordering::Relaxed);
        Ok(count)
    }
}

impl Seek for Metered {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

/// What Maven says a jar was made of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Artifact {
    pub group: String,
    pub name: String,
    pub version: String,
}

/// An opened jar.
#[derive(Debug)]
pub struct Jar {
    /// As findings name it.
    pub name: String,
    archive: Mutex<ZipArchive<BufReader<Metered>>>,
    classes: HashMap<Box<str>, usize>,
    artifacts: Vec<Artifact>,
    unpacked: AtomicU64,
}

impl Jar {
    /// Opens a jar by its path.
    pub fn open(name: &str, path: &Path, java: u16) -> Result<Jar, Error> {
        Jar::read(name, regular::open(path, Links::Follow)?, java)
    }

    /// Reads which classes a jar has; `java` decides which of several versions of a class counts.
    pub fn read(name: &str, file: File, java: u16) -> Result<Jar, Error> {
        let left = Arc::new(AtomicU64::new(LONGEST_DIRECTORY));
        let mut archive = ZipArchive::new(BufReader::new(Metered { file, left: left.clone() }))?;
        if archive.len() > MOST_MEMBERS {
            return Err(Error::Members);
        }
        // From here on each member that is read has a limit of its own.
        left.store(u64::MAX, Ordering::Relaxed);
        let manifest = text(&mut archive, "META-INF/MANIFEST.MF").unwrap_or_default();
        let multi = manifest.lines().any(|line| line.to_ascii_lowercase().replace(' ', "") == "multi-release:true");
        let mut found: HashMap<Box<str>, (u16, usize)> = HashMap::new();
        let mut properties = Vec::new();
        for at in 0..archive.len() {
            let Some(Ok(member)) = archive.name_for_index(at) else { continue };
            if member.starts_with("META-INF/maven/") && member.ends_with("/pom.properties") {
                properties.push(member.to_string());
            }
            let Some((since, class)) = class_of(&member).filter(|(since, _)| *since == 0 || multi && *since <= java)
            else {
                continue;
            };
            let best = found.entry(class.into()).or_insert((since, at));
            *best = (*best).max((since, at));
        }
        let artifacts = properties.iter().filter_map(|member| artifact(&text(&mut archive, member)?)).collect();
        let classes = found.into_iter().map(|(class, (_, at))| (class, at)).collect();
        Ok(Jar { name: name.to_owned(), archive: Mutex::new(archive), classes, artifacts, unpacked: AtomicU64::new(0) })
    }

    /// The names of its classes, with slashes, in no order.
    pub fn classes(&self) -> impl Iterator<Item = &str> {
        self.classes.keys().map(|class| &**class)
    }

    /// Whether it has a class.
    pub fn has(&self, class: &str) -> bool {
        self.classes.contains_key(class)
    }

    /// What it was made of, as far as it says.
    pub fn artifacts(&self) -> &[Artifact] {
        &self.artifacts
    }

    /// A class of it.
    pub fn class(&self, class: &str) -> Option<Result<Class, Error>> {
        let at = *self.classes.get(class)?;
        Some(self.bytes(at, LONGEST_CLASS + 1).and_then(|bytes| match bytes.len() as u64 > LONGEST_CLASS {
            true => Err(Error::TooLong),
            false => Ok(class_file::parse(&bytes)?),
        }))
    }

    /// The Java that a class of it is for.
    pub fn java(&self, class: &str) -> Option<u16> {
        class_file::java(&self.bytes(*self.classes.get(class)?, 8).ok()?).ok()
    }

    /// Checksum and length of a class, as the jar states them: the same for the same bytes.
    pub fn sum(&self, class: &str) -> Option<(u32, u64)> {
        let archive = self.archive();
        let entry = archive.by_index_data(*self.classes.get(class)?).ok()?;
        Some((entry.crc32(), entry.size()))
    }

    fn archive(&self) -> MutexGuard<'_, ZipArchive<BufReader<Metered>>> {
        self.archive.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn bytes(&self, at: usize, most: u64) -> Result<Vec<u8>, Error> {
        let (mut archive, mut bytes) = (self.archive(), Vec::new());
        archive.by_index(at)?.take(most).read_to_end(&mut bytes)?;
        let before = self.unpacked.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        if before > MOST_UNPACKED {
            return Err(Error::Bomb);
        }
        Ok(bytes)
    }
}

/// The class that a member holds, and the first Java that takes it; 0 stands for every Java.
fn class_of(member: &str) -> Option<(u16, &str)> {
    let class = member.strip_suffix(".class")?;
    let (since, class) = match class.strip_prefix(VERSIONS) {
        Some(versioned) => versioned.split_once('/').and_then(|(since, class)| Some((since.parse().ok()?, class)))?,
        None => (0, class),
    };
    let described = class == "module-info" || class.ends_with("package-info") || class.starts_with("META-INF/");
    Some((since, class)).filter(|_| !described)
}

fn text(archive: &mut ZipArchive<BufReader<Metered>>, member: &str) -> Option<String> {
    let mut bytes = Vec::new();
    archive.by_name(member).ok()?.take(LONGEST_TEXT).read_to_end(&mut bytes).ok()?;
    String::from_utf8(bytes).ok()
}

fn artifact(properties: &str) -> Option<Artifact> {
    let value = |key: &str| {
        let mut pairs = properties.lines().filter_map(|line| line.split_once('='));
        pairs.find(|(name, _)| name.trim() == key).map(|(_, value)| value.trim().to_owned())
    };
    Some(Artifact { group: value("groupId")?, name: value("artifactId")?, version: value("version")? })
}
