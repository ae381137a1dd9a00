//! What is there where a package will run: the classes of Flink's `lib`, of Hadoop if it is given, and of Java itself.
//! Only the names are read at first; a class is read when something refers to it.
//! Not here: what follows for a package.

use super::jar::{self, Jar};
use disk::regular::{self, Links};
use flate2::bufread::MultiGzDecoder;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek};
use std::path::{Path, PathBuf};
use systems::meter::Meter;
use words::flink::Version;

/// A distribution of Flink unpacks to half a gigabyte.
const MOST_BYTES: u64 = 4 << 30;
const MOST_MEMBERS: usize = 50_000;
/// Jars below the folders of Hadoop; a distribution has some hundred.
const MOST_JARS: usize = 5_000;

/// What Java itself has. A package cannot bring these, and not all of them can be listed without a JDK.
const JAVA: [&str; 13] = [
    "java/",
    "javax/",
    "jdk/",
    "sun/",
    "com/sun/",
    "org/w3c/",
    "org/xml/",
    "org/ietf/jgss/",
    "org/omg/",
    "netscape/",
    "oracle/jrockit/",
    "apple/",
    "com/apple/",
];
/// Flink's own default (`classloader.parent-first-patterns.default`): of these the target's class is taken, not the package's.
const PARENT_FIRST: [&str; 16] = [
    "java/",
    "scala/",
    "org/apache/flink/",
    "com/esotericsoftware/kryo",
    "org/apache/hadoop/",
    "javax/annotation/",
    "org/xml",
    "javax/xml",
    "org/apache/xerces",
    "org/w3c",
    "org/rocksdb/",
    "org/slf4j",
    "org/apache/log4j",
    "org/apache/logging",
    "org/apache/commons/logging",
    "ch/qos/logback",
];

/// Why a target cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot read {}", .0.display())]
    Read(PathBuf, #[source] io::Error),
    #[error("cannot read {jar}")]
    Jar { jar: String, source: jar::Error },
    #[error("there is no flink-dist-*.jar in {}, its `lib`, or a `lib` in it: name the folder or archive of a distribution of Flink", .0.display())]
    NoFlink(PathBuf),
    #[error("there is no jar below {}", .0.display())]
    NoHadoop(PathBuf),
}

/// Where a package will run.
#[derive(Debug)]
pub struct Target {
    /// The release of Flink, if its jar is named for one.
    pub version: Option<Version>,
    /// The Java that runs it.
    pub java: u16,
    jars: Vec<Jar>,
    /// What lies in `opt`, which jobs do not see.
    aside: Vec<Jar>,
    classes: HashMap<Box<str>, usize>,
    packages: HashSet<Box<str>>,
}

impl Target {
    /// Reads what a distribution of Flink has, by its folder, its `lib`, or its archive, and what Hadoop has below folders.
    pub fn open(flink: &Path, hadoop: &[PathBuf], java: u16) -> Result<Target, Error> {
        let folder = fs::metadata(flink).map_err(|source| Error::Read(flink.to_owned(), source))?.is_dir();
        let (mut jars, aside) = if folder { of_folder(flink, java)? } else { of_archive(flink, java)? };
        let version = jars.iter().find_map(|jar| version(&jar.name));
        if !jars.iter().any(|jar| jar.name.starts_with("flink-dist")) {
            return Err(Error::NoFlink(flink.to_owned()));
        }
        for folder in hadoop {
            let before = jars.len();
            below(folder, java, &mut jars)?;
            if jars.len() == before {
                return Err(Error::NoHadoop(folder.clone()));
            }
        }
        Ok(Target::of(version, java, jars, aside))
    }

    /// A target of jars that are opened already; the first one that has a class counts.
    pub fn of(version: Option<Version>, java: u16, jars: Vec<Jar>, aside: Vec<Jar>) -> Target {
        let (mut classes, mut packages) = (HashMap::new(), HashSet::new());
        for (at, jar) in jars.iter().enumerate() {
            for class in jar.classes() {
                classes.entry(Box::from(class)).or_insert(at);
                if let Some((package, _)) = class.rsplit_once('/').filter(|(package, _)| !packages.contains(*package)) {
                    packages.insert(Box::from(package));
                }
            }
        }
        Target { version, java, jars, aside, classes, packages }
    }

    /// The jar that has a class.
    pub fn jar(&self, class: &str) -> Option<&Jar> {
        self.classes.get(class).map(|at| &self.jars[*at])
    }

    /// The jar in `opt` that has a class.
    pub fn aside(&self, class: &str) -> Option<&Jar> {
        self.aside.iter().find(|jar| jar.has(class))
    }

    /// Whether any class of the target is in the same Java package: what is missing there was there once, or is to come.
    pub fn has_package_of(&self, class: &str) -> bool {
        class.rsplit_once('/').is_some_and(|(package, _)| self.packages.contains(package))
    }

    /// How many classes it has.
    pub fn classes(&self) -> usize {
        self.classes.len()
    }

    /// Whether a jar in it keeps classes of this name where nobody outside sees them.
    pub fn hides(&self, class: &str) -> bool {
        class.starts_with("org/apache/flink/table/planner/")
            && self.jars.iter().any(|jar| jar.name.starts_with("flink-table-planner-loader"))
    }

    /// As messages name it.
    pub fn shown(&self) -> String {
        self.version.map_or_else(|| "this Flink".to_owned(), |version| format!("Flink {version}"))
    }
}

/// Whether a class is Java's own.
pub fn is_java(class: &str) -> bool {
    JAVA.iter().any(|prefix| class.starts_with(prefix))
}

/// Whether the target's class is taken where both have it.
pub fn is_parent_first(class: &str) -> bool {
    PARENT_FIRST.iter().any(|prefix| class.starts_with(prefix))
}

fn version(jar: &str) -> Option<Version> {
    let rest = jar.strip_prefix("flink-dist")?.strip_suffix(".jar")?;
    // Earlier ones were named for Scala's version besides: flink-dist_2.11-1.4.2.jar
    rest.split_once('-')?.1.parse().ok()
}

type Jars = (Vec<Jar>, Vec<Jar>);

fn of_folder(folder: &Path, java: u16) -> Result<Jars, Error> {
    let lib = folder.join("lib");
    let lib = if lib.is_dir() { lib } else { folder.to_owned() };
    let opt = lib.parent().map(|above| above.join("opt")).filter(|opt| opt.is_dir());
    let of = |folder: &Path| {
        let paths = listed(folder)?.into_iter().filter(|path| is_jar(path));
        paths.map(|path| open(&path, java)).collect::<Result<Vec<_>, _>>()
    };
    Ok((of(&lib)?, opt.map_or_else(|| Ok(Vec::new()), |opt| of(&opt))?))
}

/// In the order of their names, as Flink's scripts put them on the class path.
fn listed(folder: &Path) -> Result<BTreeSet<PathBuf>, Error> {
    let failed = |source| Error::Read(folder.to_owned(), source);
    fs::read_dir(folder).map_err(failed)?.map(|entry| entry.map(|entry| entry.path()).map_err(failed)).collect()
}

fn is_jar(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "jar")
}

fn open(path: &Path, java: u16) -> Result<Jar, Error> {
    let jar = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Jar::open(&jar, path, java).map_err(|source| Error::Jar { jar: path.display().to_string(), source })
}

fn below(folder: &Path, java: u16, jars: &mut Vec<Jar>) -> Result<(), Error> {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in listed(&folder)? {
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else if is_jar(&path) && jars.len() < MOST_JARS {
                // One damaged jar of a site's Hadoop says nothing of a package.
                jars.extend(open(&path, java));
            }
        }
    }
    Ok(())
}

fn of_archive(path: &Path, java: u16) -> Result<Jars, Error> {
    let failed = |source| Error::Read(path.to_owned(), source);
    let file = regular::open(path, Links::Follow).map_err(failed)?;
    let inflated = MultiGzDecoder::new(BufReader::new(file)).take(MOST_BYTES);
    let (meter, allowance) = Meter::new(inflated);
    let mut archive = tar::Archive::new(meter);
    let (mut lib, mut opt) = (Vec::new(), Vec::new());
    for (count, entry) in archive.entries().map_err(failed)?.enumerate() {
        let mut entry = entry.map_err(failed)?;
        allowance.member(entry.size());
        if count > MOST_MEMBERS {
            return Err(failed(io::Error::other(format!("it has more than {MOST_MEMBERS} members"))));
        }
        let member = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let mut parts = member.rsplit('/');
        let (name, folder) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let jars = match folder {
            _ if !name.ends_with(".jar") || !entry.header().entry_type().is_file() => continue,
            "lib" => &mut lib,
            "opt" => &mut opt,
            _ => continue,
        };
        let file = aside(&mut entry).map_err(failed)?;
        let jar = Jar::read(name, file, java);
        jars.push(jar.map_err(|source| Error::Jar { jar: member.clone(), source })?);
    }
    lib.sort_by(|one: &Jar, other| one.name.cmp(&other.name));
    Ok((lib, opt))
}

/// A member of an archive as a file without a name: a jar is read from its end.
pub(super) fn aside(bytes: &mut dyn Read) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    io::copy(bytes, &mut file)?;
    file.rewind()?;
    Ok(file)
}
