//! What an artifact of the lock is called all over the world: a package URL, read from where its source keeps it.
//! Artifacts of one package in several versions share everything but the version, and that is how they are compared.
//! Not here: what it depends on, or under which licence it is.

use super::lock::{Artifact, Source};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::collections::BTreeMap;
use std::fmt;

/// What a package URL leaves as it is; a colon is one of them.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':');

/// A package URL: `pkg:type/namespace/name@version?qualifiers`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Purl {
    /// The kind of package: `maven`, `pypi`, `deb`, `rpm` or `generic`.
    pub kind: &'static str,
    /// The group of a Maven artifact, the distribution of a Debian package.
    pub namespace: Option<String>,
    /// Its name there.
    pub name: String,
    /// Its version; plain files have none.
    pub version: Option<String>,
    /// What tells its files apart.
    pub qualifiers: BTreeMap<&'static str, String>,
}

impl Purl {
    /// What an artifact is called.
    pub fn of(artifact: &Artifact) -> Purl {
        let address = artifact.address.as_str();
        let file = artifact.address.file_name();
        let known = match artifact.source {
            Source::Maven => maven(address),
            Source::Pypi => pypi(address),
            _ if file.ends_with(".deb") => deb(file),
            _ if file.ends_with(".rpm") => rpm(file),
            _ => None,
        };
        known.unwrap_or_else(|| Purl {
            kind: "generic",
            namespace: None,
            name: file.to_owned(),
            version: None,
            qualifiers: BTreeMap::from([("checksum", format!("sha256:{}", artifact.sha256))]),
        })
    }

    /// The name as people of its kind write it: `group:artifact` for Maven.
    pub fn full_name(&self) -> String {
        match (&self.namespace, self.kind) {
            (Some(namespace), "maven") => format!("{namespace}:{}", self.name),
            _ => self.name.clone(),
        }
    }

    /// Whether it is a POM, which says something of another artifact.
    pub fn is_pom(&self) -> bool {
        self.kind == "maven" && self.qualifiers.get("type").is_some_and(|kind| kind == "pom")
    }
}

impl fmt::Display for Purl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let escaped = |text| utf8_percent_encode(text, ESCAPED);
        write!(out, "pkg:{}/", self.kind)?;
        if let Some(namespace) = &self.namespace {
            write!(out, "{}/", escaped(namespace))?;
        }
        write!(out, "{}", escaped(&self.name))?;
        if let Some(version) = &self.version {
            write!(out, "@{}", escaped(version))?;
        }
        for (at, (key, value)) in self.qualifiers.iter().enumerate() {
            write!(out, "{}{key}={}", if at == 0 { '?' } else { '&' }, escaped(value))?;
        }
        Ok(())
    }
}

/// From `group/as/path/artifact/version/artifact-version[-classifier].extension`.
fn maven(address: &str) -> Option<Purl> {
    let mut parts = address.rsplitn(4, '/');
    let (file, version, name, group) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let rest = file.strip_prefix(name)?.strip_prefix('-')?.strip_prefix(version)?;
    let extension = [".tar.gz", ".tar.bz2"].into_iter().find(|end| rest.ends_with(end));
    let at = extension.map_or_else(|| rest.rfind('.'), |end| Some(rest.len() - end.len()))?;
    let (classifier, extension) = (&rest[..at], &rest[at + 1..]);
    let mut qualifiers = BTreeMap::new();
    if let Some(classifier) = classifier.strip_prefix('-') {
        qualifiers.insert("classifier", classifier.to_owned());
    }
    if extension != "jar" {
        qualifiers.insert("type", extension.to_owned());
    }
    Some(Purl {
        kind: "maven",
        namespace: Some(group.replace('/', ".")),
        name: name.to_owned(),
        version: Some(version.to_owned()),
        qualifiers,
    })
}

/// From `project/file name`; a release has several files.
fn pypi(address: &str) -> Option<Purl> {
    let (project, file) = address.split_once('/')?;
    let version = match file.strip_suffix(".whl") {
        Some(tags) => tags.split('-').nth(1)?,
        None => [".tar.gz", ".zip", ".tar.bz2"].into_iter().find_map(|end| file.strip_suffix(end))?.rsplit_once('-')?.1,
    };
    Some(Purl {
        kind: "pypi",
        namespace: None,
        name: project.to_owned(),
        version: Some(version.to_owned()),
        qualifiers: BTreeMap::from([("file_name", file.to_owned())]),
    })
}

/// From `name_version_architecture.deb`; an epoch's colon is escaped in file names.
fn deb(file: &str) -> Option<Purl> {
    let mut parts = file.strip_suffix(".deb")?.splitn(3, '_');
    let (name, version, architecture) = (parts.next()?, parts.next()?, parts.next()?);
    Some(Purl {
        kind: "deb",
        namespace: Some("debian".to_owned()),
        name: name.to_owned(),
        version: Some(version.replace("%3a", ":").replace("%3A", ":")),
        qualifiers: BTreeMap::from([("arch", architecture.to_owned())]),
    })
}

/// From `name-version-release.architecture.rpm`.
fn rpm(file: &str) -> Option<Purl> {
    let (rest, architecture) = file.strip_suffix(".rpm")?.rsplit_once('.')?;
    let (rest, release) = rest.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    Some(Purl {
        kind: "rpm",
        namespace: None,
        name: name.to_owned(),
        version: Some(format!("{version}-{release}")),
        qualifiers: BTreeMap::from([("arch", architecture.to_owned())]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::{Chains, Entries, Voucher};
    use words::digest::Sha256;
    use words::names::SafePath;

    fn purl(source: Source, address: &str) -> String {
        let address = SafePath::new(address).unwrap();
        let (vouched, wanted_by) = (Voucher::Manifest, Entries::default());
        let sha256 = Sha256::of(b"");
        Purl::of(&Artifact {
            source,
            origin: None,
            signer: None,
            address,
            size: 0,
            sha256,
            vouched,
            wanted_by,
            because: Chains::default(),
        })
        .to_string()
    }

    #[test]
    fn every_kind_has_its_own_form() {
        for (source, address, expected) in [
            (Source::Maven, "org/x/a-b/1.0/a-b-1.0.jar", "pkg:maven/org.x/a-b@1.0"),
            (Source::Maven, "org/x/a/1.0/a-1.0.pom", "pkg:maven/org.x/a@1.0?type=pom"),
            (
                Source::Maven,
                "org/x/a/1.0/a-1.0-linux-x86_64.tar.gz",
                "pkg:maven/org.x/a@1.0?classifier=linux-x86_64&type=tar.gz",
            ),
            (
                Source::Pypi,
                "apache-flink/apache_flink-1.20.5-cp311-cp311-linux_x86_64.whl",
                "pkg:pypi/apache-flink@1.20.5?file_name=apache_flink-1.20.5-cp311-cp311-linux_x86_64.whl",
            ),
            (Source::Pypi, "a-b/a-b-1.0+x.tar.gz", "pkg:pypi/a-b@1.0%2Bx?file_name=a-b-1.0%2Bx.tar.gz"),
            (Source::File, "x/libc6_2%3a2.36-9_amd64.deb", "pkg:deb/debian/libc6@2:2.36-9?arch=amd64"),
            (Source::File, "x/zlib-devel-1.2.11-40.el9.x86_64.rpm", "pkg:rpm/zlib-devel@1.2.11-40.el9?arch=x86_64"),
        ] {
            assert_eq!(purl(source, address), expected);
        }
        assert!(purl(Source::File, "x/notes.txt").starts_with("pkg:generic/notes.txt?checksum=sha256:e3b0c4"));
    }

    #[test]
    fn a_name_that_follows_no_rule_is_still_a_name() {
        for address in ["a.jar", "g/a/1.0/b-1.0.jar", "g/a/1.0/a-1.0"] {
            assert!(purl(Source::Maven, address).starts_with("pkg:generic/"), "{address}");
        }
    }
}
