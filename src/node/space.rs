//! Free disk: counted before anything is written, for each file system that is written to.
//! Not here: what the bytes are for.
//! A disk that fills up in between is found out when it does; what was staged is then removed.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::OwnedFd;

/// What folders, inodes and the journal take beside the bytes themselves.
const MARGIN: u64 = 256 << 10;

/// Bytes that will be written to a folder.
#[derive(Debug)]
pub struct Need {
    /// The folder.
    pub folder: OwnedFd,
    /// Its name, for people.
    pub shown: String,
    /// How many.
    pub bytes: u64,
}

/// Why it cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file system does not say.
    #[error("cannot ask how much space is free for {shown}")]
    Ask { shown: String, source: io::Error },
    /// Not enough, on one or several file systems.
    #[error("there is not enough free disk space:\n{}", .0.join("\n"))]
    Full(Vec<String>),
}

/// A number of bytes as people read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bytes(pub u64);

impl fmt::Display for Bytes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            bytes if bytes >= 1_000_000_000 => write!(out, "{:.1} GB", bytes as f64 / 1e9),
            bytes if bytes >= 1_000_000 => write!(out, "{:.1} MB", bytes as f64 / 1e6),
            bytes if bytes >= 1_000 => write!(out, "{:.1} kB", bytes as f64 / 1e3),
            bytes => write!(out, "{bytes} B"),
        }
    }
}

/// Whether everything fits; needs on the same file system add up.
pub fn check(needs: Vec<Need>) -> Result<(), Error> {
    let mut by_device: BTreeMap<u64, (String, u64, u64)> = BTreeMap::new();
    for need in needs.into_iter().filter(|need| need.bytes > 0) {
        let ask = |errno: rustix::io::Errno| Error::Ask { shown: need.shown.clone(), source: errno.into() };
        let device = rustix::fs::fstat(&need.folder).map_err(ask)?.st_dev;
        let system = rustix::fs::fstatvfs(&need.folder).map_err(ask)?;
        let free = system.f_bavail.saturating_mul(system.f_frsize);
        let entry = by_device.entry(device).or_insert((need.shown.clone(), MARGIN, free));
        entry.1 += need.bytes;
    }
    let short = |(shown, needed, free): (String, u64, u64)| {
        let missing = needed.checked_sub(free).filter(|missing| *missing > 0)?;
        let (needed, free, missing) = (Bytes(needed), Bytes(free), Bytes(missing));
        Some(format!("    {shown}: needs {needed}, has {free}: free {missing} more"))
    };
    let full: Vec<String> = by_device.into_values().filter_map(short).collect();
    if full.is_empty() { Ok(()) } else { Err(Error::Full(full)) }
}

/// What a gzipped file holds, as its last four bytes say (modulo 4 GiB); never less than its own length.
pub fn unpacked_size(file: &mut File) -> io::Result<u64> {
    let packed = file.metadata()?.len();
    if packed < 18 {
        return Ok(packed);
    }
    let mut last = [0; 4];
    file.seek(SeekFrom::End(-4))?;
    file.read_exact(&mut last)?;
    file.rewind()?;
    Ok(u64::from(u32::from_le_bytes(last)).max(packed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_says_how_much_is_missing() {
        let folder = || OwnedFd::from(File::open("/").unwrap());
        let need = |bytes| Need { folder: folder(), shown: "/opt".into(), bytes };
        check(vec![need(1), need(0)]).unwrap();
        let error = check(vec![need(u64::MAX / 4), need(u64::MAX / 4)]).unwrap_err().to_string();
        assert!(error.contains("/opt: needs 9223372036.9 GB, has") && error.contains("more"), "{error}");
    }

    #[test]
    fn sizes_read_like_sizes() {
        let sizes = [999, 1_500, 312_400_000, 16_000_000_000].map(|bytes| Bytes(bytes).to_string());
        assert_eq!(sizes, ["999 B", "1.5 kB", "312.4 MB", "16.0 GB"]);
    }

    #[test]
    fn a_gzip_file_tells_what_it_holds() {
        use std::io::Write;
        let mut gzip = flate2::write::GzEncoder::new(tempfile::tempfile().unwrap(), flate2::Compression::fast());
        gzip.write_all(&[7; 100_000]).unwrap();
        assert_eq!(unpacked_size(&mut gzip.finish().unwrap()).unwrap(), 100_000);
    }
}
