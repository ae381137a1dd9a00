//! `[[pypi]]`: one file of a Python release.
//! Names are normalised as PEP 503 says, where they are read.
//! Not here: what an index offers.

use crate::words::document::Table;
use crate::words::names::{BadName, Word};
use std::fmt;

/// One file of a Python package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PypiWant {
    /// The project's name, normalised as PEP 503 says.
    pub project: Word,
    /// The exact version.
    pub version: String,
    /// Which of its files.
    pub file: PypiFile,
    /// Whether it appears in `mirror_python`.
    pub publish: bool,
}

/// Which file of a Python release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PypiFile {
    /// The source distribution.
    Sdist,
    /// The wheel with these tags; a tag set as `manylinux1.manylinux2014` matches if one of them is equal.
    Wheel { python: String, platform: String },
}

/// Reads one `[[pypi]]`.
pub(super) fn read(table: &mut Table<'_>) -> Option<PypiWant> {
    const EXAMPLE: &str = "apache-flink==1.20.5";
    let package = table.required("package", EXAMPLE);
    let sdist = table.flag("sdist", false);
    let publish = table.flag("publish", true);
    let wheel = table.table("wheel", |wheel| {
        (wheel.parsed("python", "cp311", tag), wheel.parsed("platform", "manylinux2014_x86_64", tag))
    });
    let file = match (sdist, wheel) {
        (true, None) => PypiFile::Sdist,
        (false, Some((python, platform))) => PypiFile::Wheel { python: python?, platform: platform? },
        _ => {
            let remedy = "write sdist = true, or wheel = { python = \"py3\", platform = \"any\" }";
            table.add(table.origin().problem("this [[pypi]] must say which file of the release it wants", remedy));
            return None;
        }
    };
    let package = package?;
    let split = package.text.split_once("==").map(|(project, version)| (normalise(project), version.to_owned()));
    match split {
        Some((Ok(project), version)) if Word::new(version.as_str()).is_ok() => {
            Some(PypiWant { project, version, file, publish })
        }
        _ => {
            let what = format!("`{}` does not pin one version", package.text);
            table.add(package.origin.problem(what, format!("write name==version, as in {EXAMPLE}")));
            None
        }
    }
}

/// A tag of a wheel's file name.
fn tag(text: String) -> Result<String, String> {
    match Word::new(text.as_str()) {
        Ok(_) if !text.contains('-') => Ok(text),
        _ => Err(format!("`{text}` is no wheel tag")),
    }
}

/// PEP 503: lower case, runs of `-`, `_` and `.` become one `-`.
pub fn normalise(project: &str) -> Result<Word, BadName> {
    let mut name = String::new();
    for c in project.trim().chars() {
        match c {
            '-' | '_' | '.' if name.ends_with('-') => {}
            '-' | '_' | '.' => name.push('-'),
            c => name.extend(c.to_lowercase()),
        }
    }
    Word::new(name)
}

impl fmt::Display for PypiWant {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "pypi {}=={}", self.project, self.version)?;
        match &self.file {
            PypiFile::Sdist => out.write_str(" sdist"),
            PypiFile::Wheel { python, platform } => write!(out, " wheel {python} {platform}"),
        }
    }
}
