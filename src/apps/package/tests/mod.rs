//! Tests of packages: archives that are made here byte by byte, and a package shaped like PNDA's examples.
//! One test for each rule, named by it.
//! Not here: tests of single functions, which stand beside them.

mod files;
mod flink;
mod hostile;
mod mirror;
mod overrides;
mod properties;
mod python;
mod repository;

use super::*;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write as _;
use tar::EntryType;

/// One member of an archive as its header says it, however hostile.
pub(crate) struct Raw<'a> {
    pub(super) name: &'a [u8],
    pub(super) kind: EntryType,
    pub(super) content: &'a [u8],
}

pub(crate) fn file<'a>(name: &'a str, content: &'a [u8]) -> Raw<'a> {
    Raw { name: name.as_bytes(), kind: EntryType::Regular, content }
}

pub(super) fn folder(name: &str) -> Raw<'_> {
    Raw { name: name.as_bytes(), kind: EntryType::Directory, content: b"" }
}

/// A tar of these members; names up to a hundred bytes go into their headers as they are, longer ones before them.
pub(super) fn tar(members: &[Raw<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for member in members {
        if member.name.len() > 100 {
            let long = [member.name, b"\0"].concat();
            push(&mut bytes, b"././@LongLink", EntryType::GNULongName, &long);
        }
        push(&mut bytes, &member.name[..member.name.len().min(100)], member.kind, member.content);
    }
    bytes.extend_from_slice(&[0; 1024]);
    bytes
}

fn push(bytes: &mut Vec<u8>, name: &[u8], kind: EntryType, content: &[u8]) {
    let mut header = tar::Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name);
    header.set_entry_type(kind);
    header.set_mode(0o644);
    if matches!(kind, EntryType::Symlink | EntryType::Link) {
        header.as_old_mut().linkname[..content.len()].copy_from_slice(content);
        header.set_size(0);
    } else {
        header.set_size(content.len() as u64);
    }
    header.set_cksum();
    bytes.extend_from_slice(header.as_bytes());
    if !matches!(kind, EntryType::Symlink | EntryType::Link) {
        bytes.extend_from_slice(content);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn archive(members: &[Raw<'_>]) -> Vec<u8> {
    gzip(&tar(members))
}

pub(super) fn named(name: &str) -> PackageName {
    PackageName::new(name).unwrap()
}

/// What is said of an archive that is refused.
pub(super) fn refusal(members: &[Raw<'_>]) -> String {
    read(&named("p-1.0.0"), &*archive(members)).unwrap_err().to_string()
}

/// What a package of these members is; `flink/c` is always in it.
pub(super) fn accepted(members: &[Raw<'_>]) -> Package {
    read(&named("p-1.0.0"), &*archive(members)).unwrap()
}

pub(crate) const WORDCOUNT: &str = "flink-socket-streaming-example-app-1.0.0";

/// A package with one program, `job.jar`.
pub(crate) fn program(name: &str, main: &str, jar: &[u8]) -> Vec<u8> {
    let properties = format!(r#"{{"main_class": "{main}", "main_jar": "job.jar"}}"#);
    let at = |path: &str| format!("{name}/flink/program/{path}");
    let names = [at("properties.json"), at("application.properties"), at("job.jar")];
    archive(&[file(&names[0], properties.as_bytes()), file(&names[1], b""), file(&names[2], jar)])
}

/// A package with one program that wants to have a folder in HDFS, whose path is its argument.
pub(crate) fn with_a_folder(name: &str, path: &str) -> Vec<u8> {
    let properties =
        br#"{"main_class": "example.Main", "main_jar": "job.jar", "application_args": "--out ${hdfspath_results}"}"#;
    let folders = format!(r#"[{{"name": "results", "path": "{path}", "delete_on_undeploy": 1}}]"#);
    let at = |path: &str| format!("{name}/flink/program/{path}");
    let names = [at("properties.json"), at("application.properties"), at("job.jar"), at("hdfs.json")];
    archive(&[
        file(&names[0], properties),
        file(&names[1], b""),
        file(&names[2], b"PK\x03\x04"),
        file(&names[3], folders.as_bytes()),
    ])
}

/// A package of the shape of PNDA's streaming example, written here.
pub(crate) fn wordcount() -> Vec<u8> {
    wordcount_as(WORDCOUNT)
}

/// The same under another name.
pub(crate) fn wordcount_as(name: &str) -> Vec<u8> {
    wordcount_of(name, "INFO")
}

/// The same with another level of its log, and so with other bytes.
pub(crate) fn wordcount_of(name: &str, level: &str) -> Vec<u8> {
    let properties = br#"{
    "main_class": "example.WordCountStream",
    "main_jar": "wordcount.jar",
    "log_level": "INFO",
    "flink_config_args": "-yn 1 -yjm 1024 -ytm 1024",
    "application_args": "--port 9100 --windowtime 5",
    "flink_job_type": "streaming"
}"#;
    let properties = String::from_utf8_lossy(properties).replace("INFO", level);
    let at = |path: &str| format!("{name}/{path}");
    let names = [
        at(""),
        at("flink/"),
        at("flink/word-count/"),
        at("flink/word-count/properties.json"),
        at("flink/word-count/application.properties"),
        at("flink/word-count/wordcount.jar"),
    ];
    archive(&[
        folder(&names[0]),
        folder(&names[1]),
        folder(&names[2]),
        file(&names[3], properties.as_bytes()),
        file(&names[4], b"log.level=INFO\n"),
        file(&names[5], b"PK\x03\x04"),
    ])
}
