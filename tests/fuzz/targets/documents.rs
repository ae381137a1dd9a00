//! Documents of our own and of whoever publishes plain files; what reads well is written and reads again the same.
//! Mistakes of a document are many values, so their number is held too: none is told a thousand times.
//! Not here: documents of a cluster, which the site writes itself.

use super::{folder, said, stays, text};
use pnda::apps::queue::{Map, decide};
use pnda::mirror::advisories::{Matcher, snapshot};
use pnda::mirror::lock::{Lock, difference};
use pnda::mirror::manifest;
use pnda::mirror::purl::Purl;
use pnda::mirror::resolve::checksum;
use pnda::mirror::sources::{Site, Sources};
use pnda::words::generation::Generation;
use pnda::words::location::Location;
use pnda::words::names::{NodePath, SafePath, Word};
use pnda::words::problem::Source;
use pnda::words::size::Size;
use std::path::Path;

pub fn lock(bytes: &[u8]) -> String {
    let read = Lock::parse(&text(bytes));
    if let Ok(lock) = &read {
        lock.artifacts.iter().for_each(|artifact| {
            stays(&artifact.address);
            drop(Purl::of(artifact));
        });
        assert_eq!(&Lock::parse(&lock.render()).unwrap(), lock);
        assert!(difference(lock, lock).is_empty());
    }
    said(&read)
}

pub fn generation(bytes: &[u8]) -> String {
    let read = Generation::parse(&text(bytes));
    if let Ok(generation) = &read {
        generation.files.keys().for_each(stays);
        assert_eq!(&Generation::parse(&generation.render()).unwrap(), generation);
    }
    said(&read)
}

pub fn manifest(bytes: &[u8]) -> String {
    let text = text(bytes);
    let beside = ("packages.txt".to_owned(), text.clone());
    let read = manifest::parse(&[("m.toml".to_owned(), text), beside]);
    match &read {
        Ok(manifest) => format!("good {}", manifest.request().len().min(1)),
        Err(problems) => problems.to_string().lines().map(|line| line.chars().take(30).collect::<String>()).collect(),
    }
}

pub fn queue_map(bytes: &[u8]) -> String {
    let text = text(bytes);
    let (map, told) = Map::parse(Source { file: "map.txt", text: &text });
    assert!(told.len() <= text.lines().count());
    let groups = ["dev".to_owned(), text.clone()];
    let asked = text.split_whitespace().last();
    let outcome = [None, asked].map(|asked| decide(&map, "pnda", &groups, asked));
    for queue in outcome.iter().flatten() {
        assert_eq!(decide(&map, "pnda", &groups, Some(queue.as_str())), Ok(*queue));
    }
    let hidden = |c: char| c.is_control() && c != '\n';
    assert!(!told.to_string().contains(hidden), "{told:?}");
    outcome
        .iter()
        .flat_map(|one| one.as_ref().err())
        .for_each(|refused| assert!(!refused.to_string().contains(char::is_control)));
    format!("{:?} {}", outcome.map(|one| one.is_ok()), told.len().min(3))
}

pub fn sources(bytes: &[u8]) -> String {
    let folder = folder();
    let file = folder.path().join("sources.toml");
    // A reference to a file of this machine is followed, as it must be.
    std::fs::write(&file, text(bytes).replace("file:", "env:")).unwrap();
    let found = Sources::find(&Site { file: Some(file), ..Site::default() });
    said(&found.map(|_| ()).map_err(|error| error.to_string().chars().take(80).collect::<String>()))
}

pub fn checksum_file(bytes: &[u8]) -> String {
    let text = text(bytes);
    let found = [40, 64, 128].map(|digits| checksum::find(&text, "tool-1.tgz", digits));
    for digest in found.iter().flatten() {
        assert!(digest.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)), "{digest}");
    }
    format!("{:?}", found.map(|one| one.is_some()))
}

pub fn names(bytes: &[u8]) -> String {
    let text = text(bytes);
    let path = SafePath::new(text.as_str());
    path.iter().for_each(stays);
    let node = NodePath::new(text.as_str());
    if let Ok(node) = &node {
        assert!(node.under(Path::new("/root-of-the-node")).starts_with("/root-of-the-node"));
        assert!(!node.as_str().split('/').any(|part| part == ".."), "{node}");
    }
    let location = Location::parse(&text);
    if let (Ok(location), Ok(path)) = (&location, &path) {
        drop(location.join(path).file_name());
    }
    drop(text.parse::<Size>().map(|size| size.to_string()));
    let outcome = [path.is_ok(), node.is_ok(), location.is_ok(), Word::new(text.as_str()).is_ok()];
    format!("{outcome:?}")
}

pub fn osv(bytes: &[u8]) -> String {
    let folder = folder();
    std::fs::write(folder.path().join("one.json"), bytes).unwrap();
    let lock = Lock::parse(include_str!("../corpus/lock/plain.lock")).unwrap();
    let packages = pnda::mirror::advisories::packages(&lock.artifacts, |_| None);
    let mut matcher = Matcher::new(&packages, Some("12"));
    let read = snapshot::read(folder.path(), |record| matcher.take(record));
    let findings = matcher.findings();
    let told: String = findings.iter().map(|one| format!("{:?} {:?}", one.severity, one.fixed.is_some())).collect();
    format!("{} {} {told}", said(&read), read.as_ref().is_ok_and(|one| one.records == 1))
}
