//! Assemblies: archives made out of locked parts. The same parts in the same way give the same bytes.
//! Members are sorted, times and owners fixed, modes reduced to 0644, 0755 and links.
//! Not here: which parts exist, or where the result is published.

use super::lock::{Artifact, Lock};
use super::manifest::{Assembly, Take};
use super::store::{self, Store};
use crate::systems::download::Expected;
use crate::words::digest::Sha256;
use crate::words::names::{BadName, SafePath, Word, matches};
use flate2::{Compression, GzBuilder, read::GzDecoder};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

/// A part may not unpack to more than this.
const MOST_BYTES: u64 = 8 << 30;
/// A part may not have more members than this.
const MOST_MEMBERS: usize = 200_000;
/// 1980-01-01: the oldest time that zip files, tar files and people agree on.
const TIME: u64 = 315_532_800;
/// Part of every recipe: change it when the way of assembling changes.
const METHOD: &str = "assembly 1";

/// Why an assembly could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The lock has nothing for a part.
    #[error("the assembly `{assembly}` takes from `{part}`, for which the lock has nothing; run `pnda mirror lock`")]
    NoPart { assembly: Word, part: Word },
    /// A part cannot be read.
    #[error("cannot unpack {part}")]
    Part { part: SafePath, source: io::Error },
    /// A part has a name that would leave the folder.
    #[error("{part} has a member that cannot be unpacked")]
    Member { part: SafePath, source: BadName },
    /// A part is larger than anything sensible.
    #[error("{part} unpacks to more than {MOST_BYTES} bytes or {MOST_MEMBERS} members")]
    Bomb { part: SafePath },
    /// A take finds nothing: most likely a new release has moved it.
    #[error("the assembly `{assembly}` takes `{members}` from {part}, which has no such members")]
    Nothing { assembly: Word, part: SafePath, members: String },
    /// Two parts have the same member with other bytes.
    #[error("the assembly `{assembly}` gets `{member}` twice, with different bytes")]
    Twice { assembly: Word, member: SafePath },
    /// The result cannot be written.
    #[error("cannot write the assembly `{assembly}`")]
    Write { assembly: Word, source: io::Error },
    /// The store failed.
    #[error("the assembly `{assembly}` cannot be kept")]
    Store { assembly: Word, source: store::Error },
}

/// Makes an assembly, or finds that it was made before.
pub fn assemble(name: &Word, assembly: &Assembly, lock: &Lock, store: &Store) -> Result<Expected, Error> {
    let recipe = recipe(name, assembly, lock)?;
    if let Some(made) = store.assembled(recipe) {
        return Ok(made);
    }
    let kept = |source| Error::Store { assembly: name.clone(), source };
    let written = |source| Error::Write { assembly: name.clone(), source };
    let spool = store.scratch().map_err(kept)?.into_file();
    let mut members = Members { assembly: name, spool, end: 0, index: BTreeMap::new() };
    for take in &assembly.takes {
        for artifact in parts(name, take, lock)? {
            members.take(take, artifact, store)?;
        }
    }
    for (path, text) in &assembly.files {
        members.add(&assembly.path, path.to_string(), &mut text.as_bytes())?;
    }
    let scratch = store.scratch().map_err(kept)?;
    members.write(assembly, scratch.as_file()).map_err(written)?;
    let (_, path) = scratch.keep().map_err(|error| written(error.error))?;
    let made = store.keep(&path).map_err(kept)?;
    store.remember(recipe, made).map_err(kept)?;
    Ok(made)
}

/// The digest of everything that decides the result.
fn recipe(name: &Word, assembly: &Assembly, lock: &Lock) -> Result<Sha256, Error> {
    use std::fmt::Write as _;
    let mut text = format!(
        "{METHOD}\nexecutable {:?}\nlinks {:?}\nfiles {:?}\n",
        assembly.executable, assembly.links, assembly.files
    );
    for take in &assembly.takes {
        let _ = writeln!(text, "take {:?} {:?} {:?}", take.members, take.into, take.except);
        for artifact in parts(name, take, lock)? {
            let _ = writeln!(text, "part {} {}", artifact.address.file_name(), artifact.sha256);
        }
    }
    Ok(Sha256::of(text.as_bytes()))
}

fn parts<'a>(name: &Word, take: &'a Take, lock: &'a Lock) -> Result<Vec<&'a Artifact>, Error> {
    let pom = |artifact: &&Artifact| artifact.address.as_str().ends_with(".pom");
    let parts: Vec<&Artifact> = lock.wanted_by(&take.from).filter(|artifact| !pom(artifact)).collect();
    if parts.is_empty() {
        return Err(Error::NoPart { assembly: name.clone(), part: take.from.clone() });
    }
    Ok(parts)
}

/// Members that were taken so far; their bytes lie one after the other in a file without a name.
struct Members<'a> {
    assembly: &'a Word,
    spool: File,
    end: u64,
    index: BTreeMap<SafePath, Member>,
}

struct Member {
    start: u64,
    size: u64,
    sha256: Sha256,
}

impl Members<'_> {
    /// Takes what a manifest wants of one part.
    fn take(&mut self, take: &Take, artifact: &Artifact, store: &Store) -> Result<(), Error> {
        let part = &artifact.address;
        let unpack = |source| Error::Part { part: part.clone(), source };
        let mut file = File::open(store.path(artifact.sha256)).map_err(unpack)?;
        let Some(folder) = &take.members else {
            let path = format!("{}{}", take.into, part.file_name());
            return self.add(part, path, &mut file);
        };
        let before = self.index.len();
        if part.as_str().ends_with(".tar.gz") {
            self.take_tar(take, folder, part, file)?;
        } else {
            self.take_zip(take, folder, part, file)?;
        }
        if self.index.len() == before {
            let members = folder.clone();
            return Err(Error::Nothing { assembly: self.assembly.clone(), part: part.clone(), members });
        }
        Ok(())
    }

    fn take_tar(&mut self, take: &Take, folder: &str, part: &SafePath, file: File) -> Result<(), Error> {
        let unpack = |source| Error::Part { part: part.clone(), source };
        let bounded = GzDecoder::new(io::BufReader::new(file)).take(MOST_BYTES);
        let mut archive = tar::Archive::new(bounded);
        for (count, entry) in archive.entries().map_err(unpack)?.enumerate() {
            if count >= MOST_MEMBERS {
                return Err(Error::Bomb { part: part.clone() });
            }
            let mut entry = entry.map_err(unpack)?;
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            if entry.header().entry_type().is_file() && wanted(take, folder, &name) {
                self.add(part, format!("{}{}", take.into, &name[folder.len()..]), &mut entry)?;
            }
        }
        if archive.into_inner().limit() == 0 { Err(Error::Bomb { part: part.clone() }) } else { Ok(()) }
    }

    fn take_zip(&mut self, take: &Take, folder: &str, part: &SafePath, file: File) -> Result<(), Error> {
        let unpack =
            |source: zip::result::ZipError| Error::Part { part: part.clone(), source: io::Error::other(source) };
        let mut archive = zip::ZipArchive::new(io::BufReader::new(file)).map_err(unpack)?;
        if archive.len() > MOST_MEMBERS {
            return Err(Error::Bomb { part: part.clone() });
        }
        let mut total = 0u64;
        for at in 0..archive.len() {
            let entry = archive.by_index(at).map_err(unpack)?;
            let name = entry.name().map_err(unpack)?.into_owned();
            if !entry.is_file() || !wanted(take, folder, &name) {
                continue;
            }
            total = total.saturating_add(entry.size());
            if total > MOST_BYTES {
                return Err(Error::Bomb { part: part.clone() });
            }
            let size = entry.size();
            self.add(part, format!("{}{}", take.into, &name[folder.len()..]), &mut entry.take(size + 1))?;
        }
        Ok(())
    }

    fn add(&mut self, part: &SafePath, path: String, bytes: &mut dyn Read) -> Result<(), Error> {
        let path = SafePath::new(path).map_err(|source| Error::Member { part: part.clone(), source })?;
        let start = self.end;
        let mut spooling = Spooling { inner: bytes, spool: &mut self.spool, full: false };
        let read = Sha256::of_reader(&mut spooling);
        let full = spooling.full;
        let (sha256, size) = read.map_err(|source| match full {
            true => Error::Write { assembly: self.assembly.clone(), source },
            false => Error::Part { part: part.clone(), source },
        })?;
        self.end += size;
        match self.index.get(&path) {
            Some(there) if there.sha256 != sha256 => {
                return Err(Error::Twice { assembly: self.assembly.clone(), member: path });
            }
            Some(_) => {}
            None => drop(self.index.insert(path, Member { start, size, sha256 })),
        }
        Ok(())
    }

    fn write(mut self, assembly: &Assembly, file: &File) -> io::Result<()> {
        // Jars hardly shrink: the fastest level costs a tenth of the time for one percent more bytes.
        let gzip = GzBuilder::new().mtime(0).operating_system(255).write(io::BufWriter::new(file), Compression::fast());
        let mut tar = tar::Builder::new(gzip);
        let mut paths: Vec<&SafePath> = self.index.keys().chain(assembly.links.keys()).collect();
        paths.sort();
        for path in paths {
            let mut header = tar::Header::new_gnu();
            header.set_mtime(TIME);
            header.set_uid(0);
            header.set_gid(0);
            if let Some(to) = assembly.links.get(path) {
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_mode(0o777);
                header.set_size(0);
                tar.append_link(&mut header, path.as_str(), to)?;
                continue;
            }
            let member = &self.index[path];
            let executable = assembly.executable.iter().any(|pattern| matches(pattern, path.as_str()));
            header.set_mode(if executable { 0o755 } else { 0o644 });
            header.set_size(member.size);
            self.spool.seek(SeekFrom::Start(member.start))?;
            tar.append_data(&mut header, path.as_str(), (&self.spool).take(member.size))?;
        }
        let mut out = tar.into_inner()?.finish()?;
        out.flush()?;
        out.get_ref().sync_all()
    }
}

/// Copies what is read into the spool.
struct Spooling<'a> {
    inner: &'a mut dyn Read,
    spool: &'a mut File,
    /// Whether it was the spool that failed, and not the part.
    full: bool,
}

impl Read for Spooling<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.spool.write_all(&buffer[..count]).inspect_err(|_| self.full = true)?;
        Ok(count)
    }
}

fn wanted(take: &Take, folder: &str, name: &str) -> bool {
    let below = name.strip_prefix(folder).filter(|below| !below.is_empty());
    below.is_some_and(|below| !take.except.iter().any(|pattern| matches(pattern, below)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mirror::lock::{Source, Voucher};
    use std::collections::BTreeSet;

    struct Bench {
        _folder: tempfile::TempDir,
        store: Store,
        lock: Lock,
    }

    impl Bench {
        fn new() -> Bench {
            let folder = tempfile::tempdir().unwrap();
            let store = Store::open(folder.path()).unwrap();
            Bench { _folder: folder, store, lock: Lock::default() }
        }

        fn part(mut self, entry: &str, name: &str, bytes: &[u8]) -> Bench {
            let mut file = self.store.scratch().unwrap();
            file.write_all(bytes).unwrap();
            let kept = self.store.keep(&file.keep().unwrap().1).unwrap();
            self.lock.add(Artifact {
                source: Source::Pypi,
                origin: None,
                signer: None,
                address: SafePath::new(format!("p/{name}")).unwrap(),
                size: kept.size,
                sha256: kept.sha256,
                vouched: Voucher::Manifest,
                wanted_by: BTreeSet::from([Word::new(entry).unwrap()]),
                because: vec![],
            });
            self
        }

        fn assemble(&self, takes: &[Take]) -> Result<Expected, Error> {
            let assembly = Assembly {
                path: SafePath::new("a.tar.gz").unwrap(),
                takes: takes.to_vec(),
                files: BTreeMap::from([(SafePath::new("conf/x").unwrap(), "own".to_owned())]),
                links: BTreeMap::from([(SafePath::new("z").unwrap(), "bin/run".to_owned())]),
                executable: vec!["bin/*".into()],
            };
            assemble(&Word::new("a").unwrap(), &assembly, &self.lock, &self.store)
        }

        fn listing(&self, made: Expected) -> Vec<String> {
            let file = File::open(self.store.path(made.sha256)).unwrap();
            let mut archive = tar::Archive::new(GzDecoder::new(file));
            let line = |entry: tar::Entry<'_, _>| {
                format!("{:o} {} {}", entry.header().mode().unwrap(), entry.path().unwrap().display(), entry.size())
            };
            archive.entries().unwrap().map(|entry| line(entry.unwrap())).collect()
        }
    }

    fn take(from: &str, members: &str, into: &str) -> Take {
        Take {
            from: Word::new(from).unwrap(),
            members: Some(members.into()),
            into: into.into(),
            except: vec!["*.bat".into()],
        }
    }

    fn tar_gz(members: &[(&str, &str)]) -> Vec<u8> {
        let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), Compression::fast()));
        for (name, text) in members {
            let mut header = tar::Header::new_gnu();
            header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_size(text.len() as u64);
            header.set_cksum();
            tar.append(&header, text.as_bytes()).unwrap();
        }
        tar.into_inner().unwrap().finish().unwrap()
    }

    fn zip_of(members: &[(&str, &str)]) -> Vec<u8> {
        let mut zip = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
        for (name, text) in members {
            zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(text.as_bytes()).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    #[test]
    fn parts_become_one_sorted_archive_the_same_each_time() {
        let libs = tar_gz(&[("l-1/lib/b.jar", "bb"), ("l-1/lib/a.jar", "a"), ("l-1/README", "no")]);
        let bench = || {
            let wheel = zip_of(&[("w/bin/run", "#!"), ("w/bin/run.bat", "no")]);
            Bench::new().part("libs", "l.tar.gz", &libs).part("wheel", "w.whl", &wheel)
        };
        let takes = [take("libs", "l-1/lib/", "lib/"), take("wheel", "w/bin/", "bin/")];
        let (first, second) = (bench(), bench());
        let made = first.assemble(&takes).unwrap();
        assert_eq!(
            first.listing(made),
            ["755 bin/run 2", "644 conf/x 3", "644 lib/a.jar 1", "644 lib/b.jar 2", "777 z 0"]
        );
        assert_eq!(second.assemble(&takes).unwrap(), made);
        assert_eq!(first.assemble(&takes).unwrap(), made, "the second time it is remembered");
    }

    #[test]
    fn a_member_that_leaves_its_folder_is_refused() {
        let bench = Bench::new().part("libs", "l.tar.gz", &tar_gz(&[("l/../../x", "evil")]));
        assert!(matches!(bench.assemble(&[take("libs", "l/", "")]), Err(Error::Member { .. })));
    }

    #[test]
    fn what_is_missing_or_double_is_told() {
        let bench = Bench::new().part("a", "a.tar.gz", &tar_gz(&[("l/x", "1")])).part(
            "b",
            "b.tar.gz",
            &tar_gz(&[("l/x", "2")]),
        );
        assert!(matches!(bench.assemble(&[take("a", "m/", "")]), Err(Error::Nothing { .. })));
        assert!(matches!(bench.assemble(&[take("c", "l/", "")]), Err(Error::NoPart { .. })));
        assert!(matches!(bench.assemble(&[take("a", "l/", ""), take("b", "l/", "")]), Err(Error::Twice { .. })));
    }
}
