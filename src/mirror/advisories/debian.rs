//! The source of a Debian package, as the package itself names it: advisories are about sources, not about packages.
//! A package is an archive of archives from outside; only its control file is read, and only so far.
//! Not here: what a package holds.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

/// The header of a member of the outer archive.
const HEADER: usize = 60;
/// The first member with this name holds the control file.
const CONTROL: &str = "control.tar";
/// The control archive is not longer when it is unpacked, and the control file in it neither.
const LONGEST: u64 = 16 << 20;
/// Memory that unpacking may take, in KiB.
const MEMORY: u32 = 128 << 10;

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
    of_control(&control(package).ok()??)
}

fn control(package: &Path) -> io::Result<Option<String>> {
    let mut file = BufReader::new(File::open(package)?);
    let mut magic = [0; 8];
    file.read_exact(&mut magic)?;
    // Magic, a member of four bytes, then the control archive: three members are more than enough.
    for _ in 0..3 {
        let mut header = [0; HEADER];
        file.read_exact(&mut header)?;
        let field = |range| String::from_utf8_lossy(&header[range]).trim_end().trim_end_matches('/').to_owned();
        let (name, size) = (field(0..16), field(48..58).parse::<u64>().map_err(io::Error::other)?);
        if &magic != b"!<arch>\n" || name.starts_with(CONTROL) {
            return of_archive(&name, (&mut file).take(size));
        }
        io::copy(&mut (&mut file).take(size + size % 2), &mut io::sink())?;
    }
    Ok(None)
}

fn of_archive(name: &str, packed: impl Read) -> io::Result<Option<String>> {
    let unpacked: Box<dyn Read + '_> = match name.strip_prefix(CONTROL) {
        Some(".gz") => Box::new(flate2::read::GzDecoder::new(packed)),
        Some(".xz") => Box::new(lzma_rust2::XzReader::new_mem_limit(packed, false, MEMORY)),
        Some(".zst") => Box::new(zstd::Decoder::new(packed)?),
        Some("") => Box::new(packed),
        _ => return Ok(None),
    };
    let mut archive = tar::Archive::new(unpacked.take(LONGEST));
    for entry in archive.entries()? {
        let entry = entry?;
        if entry.path()?.file_name().is_some_and(|name| name == "control") {
            let mut text = Vec::new();
            entry.take(LONGEST).read_to_end(&mut text)?;
            return Ok(Some(String::from_utf8_lossy(&text).into_owned()));
        }
    }
    Ok(None)
}

/// `Source: name (version)`; without that field a package is its own source.
fn of_control(control: &str) -> Option<Source> {
    let field = |name: &str| control.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim);
    let said = field("Source").or_else(|| field("Package"))?;
    let (name, version) = match said.split_once(' ') {
        Some((name, version)) => (name, Some(version.trim().trim_start_matches('(').trim_end_matches(')').to_owned())),
        None => (said, None),
    };
    Some(Source { name: name.to_owned(), version })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// A package with this control file, packed in this way.
    fn package(control: &str, end: &str, pack: impl FnOnce(&[u8]) -> Vec<u8>) -> tempfile::NamedTempFile {
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(control.len() as u64);
        tar.append_data(&mut header, "./control", control.as_bytes()).unwrap();
        let packed = pack(&tar.into_inner().unwrap());
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let member = |name: &str, bytes: &[u8]| {
            let mut text =
                format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 100_644, bytes.len()).into_bytes();
            text.extend(bytes);
            text.extend(vec![b'\n'; bytes.len() % 2]);
            text
        };
        file.write_all(b"!<arch>\n").unwrap();
        file.write_all(&member("debian-binary", b"2.0\n")).unwrap();
        file.write_all(&member(&format!("control.tar{end}"), &packed)).unwrap();
        file
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        out.write_all(bytes).unwrap();
        out.finish().unwrap()
    }

    #[test]
    fn a_package_names_its_source() {
        let told = |control: &str| {
            let file = package(control, ".gz", gzip);
            source(file.path()).map(|source| (source.name, source.version))
        };
        assert_eq!(told("Package: libssl3\nSource: openssl\n"), Some(("openssl".into(), None)));
        let other = Some(("gcc-12".into(), Some("12.2.0-14".into())));
        assert_eq!(told("Package: libgcc-s1\nSource: gcc-12 (12.2.0-14)\n"), other);
        assert_eq!(told("Package: curl\nVersion: 1\n"), Some(("curl".into(), None)));
        assert_eq!(told("Nothing: here\n"), None);
    }

    #[test]
    fn every_way_of_packing_is_read() {
        let control = "Package: a\n";
        let zst = package(control, ".zst", |bytes| zstd::encode_all(bytes, 1).unwrap());
        let plain = package(control, "", <[u8]>::to_vec);
        assert!(source(zst.path()).is_some() && source(plain.path()).is_some());
    }

    #[test]
    fn what_is_no_package_has_no_source() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(source(file.path()), None);
        file.write_all(&[b'x'; 500]).unwrap();
        assert_eq!(source(file.path()), None);
        assert_eq!(source(package("Package: a\n", ".gz", <[u8]>::to_vec).path()), None);
    }
}
