//! One package of an archive's list, with what decides whether it is chosen and where its file is.
//! Relations stay text until somebody asks: a list has sixty thousand packages, a closure looks at a few hundred.
//! Not here: choosing.

use super::control::Stanza;
use super::relation::{self, BadRelation, Relation, is_name};
use super::version::{BadVersion, Version};
use systems::download::Expected;
use words::digest::NotADigest;
use words::names::{BadName, SafePath, Word};
use words::shown::shown;

/// The fields that are kept of a list.
pub const FIELDS: [&str; 15] = [
    "Package",
    "Version",
    "Architecture",
    "Essential",
    "Priority",
    "Depends",
    "Pre-Depends",
    "Recommends",
    "Provides",
    "Conflicts",
    "Breaks",
    "Status",
    "Filename",
    "Size",
    "SHA256",
];

/// Why a stanza is no package.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something every package has.
    #[error("the package of line {line} has no {field}")]
    Missing { line: u64, field: &'static str },
    /// Its name.
    #[error("line {line}: `{}` is no name of a package", shown(name))]
    Name { line: u64, name: String },
    /// Its version.
    #[error("the package of line {line}")]
    Version { line: u64, source: BadVersion },
    /// Its file's place.
    #[error("the package of line {line} has a Filename that cannot be used")]
    Place { line: u64, source: BadName },
    /// Its architecture.
    #[error("the package of line {line} has an architecture that is none")]
    Architecture { line: u64, source: BadName },
    /// Its digest.
    #[error("the package of line {line}")]
    Digest { line: u64, source: NotADigest },
    /// Its size.
    #[error("the package of line {line} has `{}` as its size", shown(text))]
    Size { line: u64, text: String },
    /// Its relations.
    #[error("{} has a {field} that cannot be read", shown(package))]
    Relation { package: String, field: &'static str, source: BadRelation },
}

/// Where a package's file is, and what it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// The place among the sources.
    pub origin: Word,
    /// Its path below the archive's base.
    pub address: SafePath,
    /// What it must be.
    pub expected: Expected,
}

/// One package.
#[derive(Debug, Clone)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: Version,
    /// What it is for; `all` is for any.
    pub architecture: String,
    /// Its file; what is on nodes already has none.
    pub file: Option<File>,
    /// Whether upstream has dropped it, and only our store holds it.
    pub kept: bool,
    stanza: Stanza,
}

impl Package {
    /// Reads a stanza of an archive's list.
    pub fn listed(mut stanza: Stanza, origin: &Word) -> Result<Package, Error> {
        let line = stanza.line;
        let mut field = |field: &'static str| stanza.take(field).ok_or(Error::Missing { line, field });
        let address = SafePath::new(plain(&field("Filename")?)).map_err(|source| Error::Place { line, source })?;
        let sha256 = field("SHA256")?.parse().map_err(|source| Error::Digest { line, source })?;
        let text = field("Size")?;
        let size = text.parse().map_err(|_| Error::Size { line, text: text.chars().take(40).collect() })?;
        let file = File { origin: origin.clone(), address, expected: Expected { size, sha256 } };
        Ok(Package { file: Some(file), ..Package::described(stanza)? })
    }

    /// Reads a stanza that says nothing of a file.
    pub fn described(mut stanza: Stanza) -> Result<Package, Error> {
        let line = stanza.line;
        let mut field = |field: &'static str| stanza.take(field).ok_or(Error::Missing { line, field });
        let name = field("Package")?;
        if !is_name(&name) {
            return Err(Error::Name { line, name: name.chars().take(80).collect() });
        }
        let version = Version::parse(&field("Version")?).map_err(|source| Error::Version { line, source })?;
        let architecture = Word::new(field("Architecture")?).map_err(|source| Error::Architecture { line, source })?;
        stanza.settle();
        Ok(Package { name, version, architecture: architecture.into(), file: None, kept: false, stanza })
    }

    /// A package of which only name, version and architecture are known.
    pub fn bare(name: &str, version: Version, architecture: &str) -> Package {
        let (name, architecture) = (name.to_owned(), architecture.to_owned());
        Package { name, version, architecture, file: None, kept: false, stanza: Stanza::default() }
    }

    /// The relations of a field.
    pub fn relations(&self, field: &'static str, architecture: &str) -> Result<Vec<Vec<Relation>>, Error> {
        let text = self.stanza.get(field).unwrap_or_default();
        let read = relation::groups(text, architecture);
        read.map_err(|source| Error::Relation { package: self.to_string(), field, source })
    }

    /// The names it stands for besides its own.
    pub fn provides(&self, architecture: &str) -> Result<Vec<Relation>, Error> {
        if self.stanza.get("Provides").is_none() {
            return Ok(Vec::new());
        }
        Ok(self.relations("Provides", architecture)?.into_iter().flatten().collect())
    }

    /// Whether every installation has it.
    pub fn is_required(&self) -> bool {
        self.stanza.get("Essential") == Some("yes") || self.stanza.get("Priority") == Some("required")
    }

    /// How common it is: 0 for what everybody needs, 5 for what says nothing.
    pub fn rarity(&self) -> usize {
        let known = ["required", "important", "standard", "optional", "extra"];
        let own = self.stanza.get("Priority");
        known.iter().position(|priority| Some(*priority) == own).unwrap_or(known.len())
    }

    /// A field of its stanza, if it was kept.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.stanza.get(name)
    }

    /// Whether a package of this architecture runs on a machine of that one.
    pub fn is_for(&self, architecture: &str) -> bool {
        self.architecture == "all" || self.architecture == architecture
    }
}

/// Old lists write `./pool/…`, which means the same.
fn plain(text: &str) -> &str {
    text.strip_prefix("./").unwrap_or(text)
}

impl std::fmt::Display for Package {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}={}", self.name, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve::apt::control::Stanzas;

    const GOOD: &str = "Package: a\nVersion: 1\nArchitecture: amd64\nFilename: ./pool/a_1.deb\nSize: 7\n\
        SHA256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n";

    fn listed(text: &str) -> Result<Package, Error> {
        let stanza = Stanzas::all(text.as_bytes()).read().unwrap().unwrap();
        Package::listed(stanza, &Word::new("bookworm").unwrap())
    }

    #[test]
    fn a_package_has_a_place_and_an_identity() {
        let package = listed(GOOD).unwrap();
        assert_eq!(package.to_string(), "a=1");
        assert_eq!(package.file.unwrap().address.as_str(), "pool/a_1.deb");
    }

    #[test]
    fn hostile_packages_are_told_with_their_line() {
        let told = |from: &str, to: &str| listed(&format!("\n\n{}", GOOD.replace(from, to))).unwrap_err().to_string();
        assert!(told("./pool/a_1.deb", "../../etc/cron.d/x").starts_with("the package of line 3 has a Filename"));
        assert!(told("./pool", "/etc").contains("line 3"));
        assert_eq!(told("Size: 7", "Size: many"), "the package of line 3 has `many` as its size");
        assert_eq!(told("Package: a", "Package: a/b"), "line 3: `a/b` is no name of a package");
        assert_eq!(told("SHA256: e3", "MD5sum: e3"), "the package of line 3 has no SHA256");
        assert!(told("amd64", "../x").contains("architecture"));
    }
}
