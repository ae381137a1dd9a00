//! Where a component's files lie in a container of its job.
//! Some names are not the component's: Flink's own folders, and files that come from elsewhere.
//! Not here: how the files come there.

use words::names::SafePath;

/// Files that the container has from elsewhere, or that only we read.
const OURS: [&str; 7] = [
    "properties.json",
    "hdfs.json",
    "hbase.json",
    "opentsdb.json",
    "log4j.properties",
    "config.yaml",
    "flink-conf.yaml",
];
/// Folders of the container that are Flink's.
const FLINKS: [&str; 4] = ["lib", "plugins", "opt", "usrlib"];

/// Whether a file of a component goes into the container.
pub fn is_shipped(path: &SafePath) -> bool {
    is_jar(path) || !(OURS.contains(&path.as_str()) || is_flinks(path.as_str()))
}

/// Whether it is a jar.
pub fn is_jar(path: &SafePath) -> bool {
    path.as_str().ends_with(".jar")
}

/// Whether it is a folder of Flink's, or lies in one.
pub fn is_flinks(path: &str) -> bool {
    FLINKS.iter().any(|folder| path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

/// Whether a folder of this name would be in the way of something else.
pub(super) fn is_taken(name: &str) -> bool {
    OURS.contains(&name) || FLINKS.contains(&name)
}

/// Jars go where the program's own loader finds them; all else lies in the container's own folder, as it did in PNDA's.
pub fn place(path: &SafePath) -> String {
    if is_jar(path) { format!("usrlib/{}", path.file_name()) } else { path.as_str().to_owned() }
}
