//! What a class path holds of Hadoop: the libraries that Flink's clients call, by what the jars themselves say.
//! All of one version, and of one that Flink works with.
//! Not here: what else is on it.

use super::entries;
use disk::regular::{self, Links};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The libraries, each with a class that a client loads from it.
const NEEDED: [(&str, &str); 3] = [
    ("hadoop-common", "org/apache/hadoop/conf/Configuration.class"),
    ("hadoop-hdfs-client", "org/apache/hadoop/hdfs/DistributedFileSystem.class"),
    ("hadoop-yarn-client", "org/apache/hadoop/yarn/client/api/YarnClient.class"),
];

/// Flink 1.18 and later are made for this one or newer.
const OLDEST: (u32, u32) = (2, 10);
/// The jars that are looked into have some megabytes, and shaded ones some hundred.
const LONGEST: u64 = 512 << 20;

/// What is wrong with a class path.
pub(super) fn faults(class_path: &str) -> Vec<String> {
    let jars = match entries(class_path, |jar| NEEDED.iter().any(|(library, _)| is_of(jar, library))) {
        Ok(jars) => jars,
        Err(fault) => return vec![fault],
    };
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut faults = Vec::new();
    for (library, class) in NEEDED {
        let mut found = false;
        // A distribution may have a file and a link to it: one jar.
        let named: BTreeSet<PathBuf> = jars.iter().filter(|jar| is_of(jar, library)).map(|jar| real(jar)).collect();
        for jar in named {
            match version(&jar, library, class) {
                Ok(version) => {
                    found = true;
                    versions.entry(version).or_default().insert(format!("{library} ({})", jar.display()));
                }
                Err(error) => faults.push(format!("{} cannot be used: {error}", jar.display())),
            }
        }
        if !found {
            faults.push(format!("the class path of the site's Hadoop holds no {library}: {}", shown(class_path)));
        }
    }
    if versions.len() > 1 {
        let told = versions.iter().map(|(version, jars)| {
            format!("{version} of {}", jars.iter().map(String::as_str).collect::<Vec<_>>().join(", "))
        });
        let told = told.collect::<Vec<_>>().join("; ");
        faults
            .push(format!("the class path of the site's Hadoop holds several versions: {told}: take all but one away"));
    }
    let old = versions.keys().filter(|version| line(version).is_none_or(|line| line < OLDEST));
    faults.extend(old.map(|version| {
        let (major, minor) = OLDEST;
        format!("the site's Hadoop is {version}: Flink's clients need {major}.{minor} or newer")
    }));
    faults
}

/// Whether a file is named after a library: `hadoop-common.jar`, `hadoop-common-3.3.6.jar`, but not its tests.
fn is_of(jar: &Path, library: &str) -> bool {
    let name = jar.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".jar"));
    let rest = name.and_then(|name| name.strip_prefix(library));
    let numbered =
        |rest: &str| rest.strip_prefix('-').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    rest.is_some_and(|rest| (rest.is_empty() || numbered(rest)) && !rest.ends_with("-tests"))
}

fn real(jar: &Path) -> PathBuf {
    std::fs::canonicalize(jar).unwrap_or_else(|_| jar.to_owned())
}

/// The version that a jar states, if it is a jar and holds what a client loads from it.
fn version(jar: &Path, library: &str, class: &str) -> io::Result<String> {
    let file = regular::open(jar, Links::Follow)?;
    if file.metadata()?.len() > LONGEST {
        return Err(io::Error::other(format!("it is longer than {LONGEST} bytes")));
    }
    let mut archive = zip::ZipArchive::new(file).map_err(io::Error::other)?;
    if archive.index_for_name(class).is_none() {
        return Err(io::Error::other(format!("it holds no {class}")));
    }
    let stated = format!("META-INF/maven/org.apache.hadoop/{library}/pom.properties");
    if let Ok(file) = archive.by_name(&stated) {
        let mut text = String::new();
        file.take(64 << 10).read_to_string(&mut text)?;
        let version = text.lines().find_map(|line| line.trim().strip_prefix("version="));
        if let Some(version) = version {
            return Ok(version.trim().to_owned());
        }
    }
    let name = jar.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
    let named = name.strip_prefix(library).and_then(|rest| rest.strip_prefix('-'));
    named.map(str::to_owned).ok_or_else(|| io::Error::other("neither it nor its name states a version"))
}

/// The first two numbers of a version such as `3.1.1.7.1.7.0-551`.
fn line(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.split(['.', '-']).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

fn shown(class_path: &str) -> String {
    match class_path.char_indices().nth(300) {
        _ if class_path.is_empty() => "it is empty".to_owned(),
        Some((at, _)) => format!("{}…", &class_path[..at]),
        None => class_path.to_owned(),
    }
}
