//! The source of a Debian package, as the package itself names it: advisories are about sources, not about packages.
//! A package that cannot be read names none.
//! Not here: how a package is read.

use crate::resolve::apt::control::Stanza;
use crate::resolve::apt::deb;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// The source of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// Its version, if it is not that of the package.
    pub version: Option<String>,
}

/// Reads the source of a package; nothing if it is none, or none that can be read.
pub fn source(package: &Path) -> Option<Source> {
    let (_, stanza) = deb::control(BufReader::new(File::open(package).ok()?)).ok()?;
    of_control(&stanza)
}

/// `Source: name (version)`; without that field a package is its own source.
fn of_control(stanza: &Stanza) -> Option<Source> {
    let said = stanza.get("Source").or_else(|| stanza.get("Package"))?;
    let (name, version) = match said.split_once(' ') {
        Some((name, version)) => (name, Some(version.trim().trim_start_matches('(').trim_end_matches(')').to_owned())),
        None => (said, None),
    };
    Some(Source { name: name.to_owned(), version })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(package: &[u8]) -> Option<(String, Option<String>)> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), package).unwrap();
        source(file.path()).map(|source| (source.name, source.version))
    }

    #[test]
    fn a_package_names_its_source() {
        let told = |control: &str| told(&deb::tests::package(control));
        assert_eq!(told("Package: libssl3\nSource: openssl\n"), Some(("openssl".into(), None)));
        let other = Some(("gcc-12".into(), Some("12.2.0-14".into())));
        assert_eq!(told("Package: libgcc-s1\nSource: gcc-12 (12.2.0-14)\n"), other);
        assert_eq!(told("Package: curl\nVersion: 1\n"), Some(("curl".into(), None)));
        assert_eq!(told("Nothing: here\n"), None);
    }

    #[test]
    fn what_is_no_package_has_no_source() {
        assert_eq!((told(b""), told(&[b'x'; 500])), (None, None));
        let whole = deb::tests::package("Package: a\n");
        assert_eq!(told(&whole[..100]), None);
    }
}
