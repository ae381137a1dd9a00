//! A cluster for a manager of applications under test: YARN and HDFS are scripted, a release of Flink lies in HDFS, and the
//! manager's configuration names all of it; and a package for it.
//! Not here: who may reach the manager, and what is tested with it.

use std::fs;
use std::path::Path;
use systems::{webhdfs, yarn};

/// Writes what the configuration of a manager before these servers names into a folder; gives its first part, without
/// `admins`, and its tables.
pub fn configuration(folder: &Path, yarn: &yarn::Fake, hdfs: &webhdfs::Fake) -> (String, String) {
    let root = hdfs.client();
    root.make_folder("/pnda/flink/2.3.0/plugins", "755").unwrap();
    root.write("/pnda/flink/2.3.0/lib/flink-dist-2.3.0.jar", "644", 4, &mut &b"dist"[..]).unwrap();
    let memory = "jobmanager.memory.process.size: 1600m\ntaskmanager.memory.process.size: 1728m\n";
    fs::write(folder.join("config.yaml"), memory).unwrap();
    fs::write(folder.join("log4j.properties"), "rootLogger.level = INFO\n").unwrap();
    let (at, yarn, hdfs) = (folder.display(), &yarn.server.address, &hdfs.web);
    let first = format!(
        r#"
cluster = "pico"
socket = "{at}/socket"
folder = "{at}/apps"
user = "pnda"
tokens = "{at}/tokens"
resource_managers = ["{yarn}"]
name_nodes = ["{hdfs}"]
filesystem = "hdfs://nn.example:8020"
hdfs_folder = "/pnda/apps"
checkpoints = "hdfs://nn.example:8020/pnda/flink/checkpoints"
savepoints = "hdfs://nn.example:8020/pnda/flink/savepoints"
archive = "hdfs://nn.example:8020/pnda/flink/completed-jobs"
logs = "/app-logs"
class_path = ["/etc/hadoop/conf"]
flink_home = "/nowhere"
"#
    );
    let tables = format!(
        r#"
[[release]]
version = "2.3.0"
configuration = "{at}/config.yaml"
log = "{at}/log4j.properties"
staged = "/pnda/flink/2.3.0"
"#
    );
    (first, tables)
}

/// A package with one job.
pub fn package(name: &str) -> Vec<u8> {
    let mut archive = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    let mut add = |path: &str, bytes: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_entry_type(if path.ends_with('/') { tar::EntryType::Directory } else { tar::EntryType::Regular });
        archive.append_data(&mut header, format!("{name}/{path}"), bytes).unwrap();
    };
    ["", "flink/", "flink/count/"].iter().for_each(|path| add(path, b""));
    add("flink/count/properties.json", br#"{"main_class": "example.Count", "main_jar": "count.jar"}"#);
    add("flink/count/application.properties", b"");
    add("flink/count/count.jar", b"PK\x03\x04");
    archive.into_inner().unwrap().finish().unwrap()
}
