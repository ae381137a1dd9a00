//! The control file inside a Debian package: an `ar` of `debian-binary`, `control.tar` and `data.tar`.
//! Only the way to it is read; sizes are bounded before anything is unpacked.
//! Not here: what the package installs.

use super::control::{self, Stanza, Stanzas};
use crate::compression::Compression;
use std::io::{self, Read};
use words::shown::shown;

/// The largest archive of control files: the largest known, of icon themes and kernels, have a few megabytes.
const LARGEST_TAR: u64 = 64 << 20;
/// The largest control file itself.
const LARGEST_CONTROL: u64 = 1 << 20;
/// Members of the control archive: scripts, lists, templates.
const MOST_MEMBERS: usize = 1000;
/// The bytes of a header between two members of an `ar`.
const HEADER: usize = 60;

/// Why a file is no package.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its outer form.
    #[error("it is no Debian package: {0}")]
    Form(&'static str),
    /// A form that nobody knows here.
    #[error("its control archive is called `{}`, which is packed in a way that is not known", shown(.0))]
    Packing(String),
    /// It cannot be read, or unpacks to more than it may.
    #[error("its control archive cannot be read")]
    Read(#[source] io::Error),
    /// Its control file.
    #[error("its control file is not readable")]
    Control(#[from] control::Error),
}

/// The text of the control file, without blank lines around it, and its one stanza.
pub fn control(mut package: impl Read) -> Result<(String, Stanza), Error> {
    let mut magic = [0; 8];
    package.read_exact(&mut magic).map_err(Error::Read)?;
    if &magic != b"!<arch>\n" {
        return Err(Error::Form("it does not begin as an ar archive"));
    }
    let (first, size) = header(&mut package)?;
    if first != "debian-binary" || size > 64 {
        return Err(Error::Form("its first member is not debian-binary"));
    }
    skip(&mut package, size)?;
    loop {
        let (name, size) = header(&mut package)?;
        if let Some(packing) = name.strip_prefix("control.tar") {
            let known = Compression::ALL.into_iter().find(|known| known.extension() == packing);
            let compression = known.ok_or_else(|| Error::Packing(name.clone()))?;
            let tar = compression.open(package.take(size), LARGEST_TAR).map_err(Error::Read)?;
            return inside(tar);
        }
        // Members of other names may be added by later formats; the control archive comes before the data.
        if !name.starts_with('_') {
            return Err(Error::Form("it has no control archive before its data"));
        }
        skip(&mut package, size)?;
    }
}

/// The name and size of the next member.
fn header(package: &mut impl Read) -> Result<(String, u64), Error> {
    let mut bytes = [0; HEADER];
    package.read_exact(&mut bytes).map_err(Error::Read)?;
    let text = |range| String::from_utf8_lossy(&bytes[range]).trim().trim_end_matches('/').to_owned();
    if &bytes[58..] != b"`\n" {
        return Err(Error::Form("a header of the ar archive is damaged"));
    }
    let size = text(48..58).parse().map_err(|_| Error::Form("a member of the ar archive has no size"))?;
    Ok((text(0..16), size))
}

/// Reads past a member; those of odd length are followed by one byte more.
fn skip(package: &mut impl Read, size: u64) -> Result<(), Error> {
    let padded = size + size % 2;
    let skipped = io::copy(&mut package.take(padded), &mut io::sink()).map_err(Error::Read)?;
    if skipped == padded { Ok(()) } else { Err(Error::Form("it breaks off")) }
}

fn inside(tar: impl Read) -> Result<(String, Stanza), Error> {
    let mut archive = tar::Archive::new(tar);
    for (at, member) in archive.entries().map_err(Error::Read)?.enumerate() {
        let mut member = member.map_err(Error::Read)?;
        let path = member.path_bytes().into_owned();
        if at > MOST_MEMBERS {
            return Err(Error::Form("its control archive has too many members"));
        }
        if path.strip_prefix(b"./").unwrap_or(&path) != b"control" {
            continue;
        }
        if member.size() > LARGEST_CONTROL || !member.header().entry_type().is_file() {
            return Err(Error::Form("its control file is no file of a sensible size"));
        }
        let mut text = String::new();
        member.read_to_string(&mut text).map_err(Error::Read)?;
        let text = text.trim_matches('\n').to_owned();
        let mut stanzas = Stanzas::all(text.as_bytes());
        let stanza = stanzas.read()?.ok_or(Error::Form("its control file is empty"))?;
        if stanzas.read()?.is_some() {
            return Err(Error::Form("its control file has more than one stanza"));
        }
        return Ok((text, stanza));
    }
    Err(Error::Form("its control archive holds no control file"))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An `ar` of these members.
    fn ar(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut bytes = b"!<arch>\n".to_vec();
        for (name, content) in members {
            bytes.extend(format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 100644, content.len()).bytes());
            bytes.extend(*content);
            bytes.resize(bytes.len().next_multiple_of(2), b'\n');
        }
        bytes
    }

    fn tar(name: &str, content: &[u8]) -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, content).unwrap();
        tar.into_inner().unwrap()
    }

    /// A package with this control file.
    pub(crate) fn package(control: &str) -> Vec<u8> {
        let packed = zstd::encode_all(&tar("control", control.as_bytes())[..], 3).unwrap();
        ar(&[("debian-binary", b"2.0\n"), ("control.tar.zst", &packed), ("data.tar", &tar("x", b""))])
    }

    #[test]
    fn the_control_file_is_found() {
        let (text, stanza) = control(&package("Package: a\nVersion: 1\nDescription: x\n more\n\n")[..]).unwrap();
        assert_eq!(text, "Package: a\nVersion: 1\nDescription: x\n more");
        assert_eq!(stanza.get("Version"), Some("1"));
        let plain =
            ar(&[("debian-binary/", b"2.0\n"), ("_odd", b"abc"), ("control.tar/", &tar("./control", b"Package: b"))]);
        assert_eq!(control(&plain[..]).unwrap().0, "Package: b");
    }

    #[test]
    fn what_is_no_package_is_refused() {
        let refused = |bytes: &[u8]| control(bytes).unwrap_err();
        let members = |members: &[(&str, &[u8])]| refused(&ar(members));
        assert!(matches!(refused(b"PK"), Error::Read(_)));
        assert!(matches!(refused(&[0; 100]), Error::Form(_)));
        assert!(matches!(members(&[("control.tar", b"")]), Error::Form(_)));
        assert!(matches!(members(&[("debian-binary", b"2.0\n"), ("data.tar", b"")]), Error::Form(_)));
        assert!(matches!(members(&[("debian-binary", b"2.0\n"), ("control.tar.lzma", b"")]), Error::Packing(_)));
        let inner = |tar: &[u8]| members(&[("debian-binary", b"2.0\n"), ("control.tar", tar)]);
        assert!(matches!(inner(&tar("postinst", b"x")), Error::Form(_)));
        assert!(matches!(inner(&tar("control", b"Package: a\n\nPackage: b\n")), Error::Form(_)));
        assert!(matches!(inner(&tar("control", b"rubbish\n")), Error::Control(_)));
        assert!(matches!(inner(&tar("control", &vec![b'x'; 2 << 20])), Error::Form(_)));
        let zeros = zstd::encode_all(io::repeat(0).take(LARGEST_TAR + (1 << 20)), 1).unwrap();
        let bomb = control(&ar(&[("debian-binary", b"2.0\n"), ("control.tar.zst", &zeros)])[..]);
        assert!(bomb.is_err());
        let whole = package("Package: a\n");
        (0..whole.len() / 2).step_by(7).for_each(|end| drop(control(&whole[..end])));
    }
}
