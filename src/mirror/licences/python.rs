//! The licence of a Python package, from the metadata in its wheel or its source distribution.
//! Archives come from anywhere: only their first members and the first bytes of their metadata are read.
//! Not here: the licence texts that lie beside it.

use super::{Licence, spdx};
use flate2::read::GzDecoder;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

/// Metadata is not longer; a description may follow the part that counts.
const LONGEST: u64 = 1 << 20;
/// The metadata of a source distribution comes within so many members and unpacked bytes.
const FIRST_MEMBERS: usize = 200;
const FIRST_BYTES: u64 = 32 << 20;
/// What begins a classifier of licences.
const CLASSIFIER: &str = "License ::";

/// The licences of a wheel or source distribution; none if it names none or cannot be read.
pub(super) fn licences(name: &str, file: &Path) -> BTreeSet<Licence> {
    let text = if name.ends_with(".whl") { of_wheel(file) } else { of_sdist(file) };
    text.map(|bytes| of_metadata(&String::from_utf8_lossy(&bytes))).unwrap_or_default()
}

fn of_wheel(file: &Path) -> Option<Vec<u8>> {
    let mut archive = zip::ZipArchive::new(BufReader::new(File::open(file).ok()?)).ok()?;
    let is_metadata = |name: &str| name.split_once(".dist-info/").is_some_and(|(_, file)| file == "METADATA");
    let name = archive.file_names().flatten().find(|name| is_metadata(name))?.into_owned();
    let mut bytes = Vec::new();
    archive.by_name(&name).ok()?.take(LONGEST).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

fn of_sdist(file: &Path) -> Option<Vec<u8>> {
    let unpacked = GzDecoder::new(BufReader::new(File::open(file).ok()?)).take(FIRST_BYTES);
    let mut archive = tar::Archive::new(unpacked);
    for entry in archive.entries().ok()?.take(FIRST_MEMBERS) {
        let entry = entry.ok()?;
        let is_metadata = {
            let path = entry.path().ok()?;
            path.file_name().is_some_and(|name| name == "PKG-INFO") && path.components().count() == 2
        };
        if is_metadata {
            let mut bytes = Vec::new();
            entry.take(LONGEST).read_to_end(&mut bytes).ok()?;
            return Some(bytes);
        }
    }
    None
}

/// An expression counts most, then a name that means one licence, then classifiers, then any name.
fn of_metadata(text: &str) -> BTreeSet<Licence> {
    let head = text.lines().take_while(|line| !line.trim().is_empty());
    let fields: Vec<(&str, &str)> = head.filter_map(|line| line.split_once(':')).map(|(k, v)| (k, v.trim())).collect();
    let all =
        |key: &'static str| fields.iter().filter(move |(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, v)| *v);
    let said = |key| all(key).find(|value| !value.is_empty() && *value != "UNKNOWN");
    if let Some(expression) = said("License-Expression") {
        let id = spdx::id(expression).map(|id| Licence::Id(id.to_owned()));
        return BTreeSet::from([id.unwrap_or_else(|| Licence::Expression(expression.to_owned()))]);
    }
    let named = said("License").and_then(|said| Licence::of(said, said));
    if let Some(licence @ Licence::Id(_)) = named {
        return BTreeSet::from([licence]);
    }
    let classified =
        all("Classifier").filter(|value| value.starts_with(CLASSIFIER) && *value != "License :: OSI Approved");
    let last = |value: &str| Licence::of(value.rsplit("::").next().unwrap_or_default(), "");
    let classified: BTreeSet<Licence> = classified.filter_map(last).collect();
    if classified.is_empty() { named.into_iter().collect() } else { classified }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[Licence]) {
        assert_eq!(of_metadata(text).into_iter().collect::<Vec<_>>(), expected, "{text}");
    }

    #[test]
    fn the_surest_field_counts() {
        let (id, name) = (|text: &str| Licence::Id(text.into()), |text: &str| Licence::Name(text.into()));
        check("Name: x\nLicense-Expression: MIT\nLicense: BSD\n", &[id("MIT")]);
        check(
            "License-Expression: MIT AND (Apache-2.0 OR BSD-2-Clause)\n",
            &[Licence::Expression("MIT AND (Apache-2.0 OR BSD-2-Clause)".into())],
        );
        check("License: https://www.apache.org/licenses/LICENSE-2.0\n", &[id("Apache-2.0")]);
        check("License: BSD\nClassifier: License :: OSI Approved :: MIT License\n", &[id("MIT")]);
        check("License: UNKNOWN\nClassifier: License :: OSI Approved :: BSD License\n", &[name("BSD License")]);
        check("License: our own\n", &[name("our own")]);
        check("Name: x\n\nLicense: MIT\n", &[]);
    }

    #[test]
    fn what_is_no_archive_names_none() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "no archive").unwrap();
        assert!(licences("a-1.whl", file.path()).is_empty() && licences("a-1.tar.gz", file.path()).is_empty());
    }
}
