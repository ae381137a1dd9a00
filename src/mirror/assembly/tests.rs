//! Assemblies out of parts that are made here: what goes in, in which form it comes out, what is told.
//! Each test has a store and a lock of its own.
//! Not here: hostile parts (`tests/it/archives.rs`).

use super::*;
use crate::lock::{Source, Voucher};
use crate::manifest::Form;
use flate2::Compression;
use flate2::read::GzDecoder;
use std::collections::BTreeMap;
use std::io::Read;

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
            origin: None,
            signer: None,
            source: Source::Pypi,
            address: SafePath::new(format!("p/{name}")).unwrap(),
            size: kept.size,
            sha256: kept.sha256,
            vouched: Voucher::Manifest,
            wanted_by: Word::new(entry).unwrap().into(),
            because: Default::default(),
        });
        self
    }

    fn assemble(&self, takes: &[Take]) -> Result<Expected, Error> {
        match self.assemble_as(Form::TarGz, takes)? {
            Made::Archive(made) => Ok(made),
            Made::Folder(_) => panic!("a folder was not asked for"),
        }
    }

    fn assemble_as(&self, form: Form, takes: &[Take]) -> Result<Made, Error> {
        let assembly = Assembly {
            path: SafePath::new("a").unwrap(),
            form,
            takes: takes.to_vec(),
            files: BTreeMap::from([(SafePath::new("conf/x").unwrap(), "own".to_owned())]),
            links: match form {
                Form::Folder => BTreeMap::new(),
                _ => BTreeMap::from([(SafePath::new("z").unwrap(), "bin/run".to_owned())]),
            },
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
    assert_eq!(first.listing(made), ["755 bin/run 2", "644 conf/x 3", "644 lib/a.jar 1", "644 lib/b.jar 2", "777 z 0"]);
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
    let bench =
        Bench::new().part("a", "a.tar.gz", &tar_gz(&[("l/x", "1")])).part("b", "b.tar.gz", &tar_gz(&[("l/x", "2")]));
    assert!(matches!(bench.assemble(&[take("a", "m/", "")]), Err(Error::Nothing { .. })));
    assert!(matches!(bench.assemble(&[take("c", "l/", "")]), Err(Error::NoPart { .. })));
    assert!(matches!(bench.assemble(&[take("a", "l/", ""), take("b", "l/", "")]), Err(Error::Twice { .. })));
}

#[test]
fn a_zip_is_the_same_each_time() {
    let libs = tar_gz(&[("l-1/bin/run", "#!"), ("l-1/lib/b.jar", "bb")]);
    let bench = || Bench::new().part("libs", "l.tar.gz", &libs);
    let takes = [take("libs", "l-1/", "")];
    let (first, second) = (bench(), bench());
    let Made::Archive(made) = first.assemble_as(Form::Zip, &takes).unwrap() else { panic!("no archive") };
    assert_eq!(second.assemble_as(Form::Zip, &takes).unwrap(), Made::Archive(made));
    let mut zip = zip::ZipArchive::new(File::open(first.store.path(made.sha256)).unwrap()).unwrap();
    let mut lines = Vec::new();
    for at in 0..zip.len() {
        let mut entry = zip.by_index(at).unwrap();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        lines.push(format!("{:o} {} {text}", entry.unix_mode().unwrap(), entry.name().unwrap()));
        assert_eq!(entry.last_modified().unwrap().year(), 1980);
    }
    assert_eq!(lines, ["100755 bin/run #!", "100644 conf/x own", "100644 lib/b.jar bb", "120777 z bin/run"]);
    assert_ne!(first.assemble(&takes).unwrap(), made, "another form is another recipe");
}

#[test]
fn a_folder_is_its_files_and_is_made_again_where_one_is_gone() {
    let bench = Bench::new().part("libs", "l.tar.gz", &tar_gz(&[("l/bin/run", "#!"), ("l/a b.jar", "bb")]));
    let takes = [take("libs", "l/", "")];
    let made = bench.assemble_as(Form::Folder, &takes).unwrap();
    let Made::Folder(files) = &made else { panic!("no folder") };
    let line = |file: &Placed| {
        let text = std::fs::read_to_string(bench.store.path(file.kept.sha256)).unwrap();
        format!("{} {} {text}", file.path, file.executable)
    };
    assert_eq!(files.iter().map(line).collect::<Vec<_>>(), ["a b.jar false bb", "bin/run true #!", "conf/x false own"]);
    assert_eq!(bench.assemble_as(Form::Folder, &takes).unwrap(), made, "the second time it is remembered");
    std::fs::remove_file(bench.store.path(files[0].kept.sha256)).unwrap();
    assert_eq!(bench.assemble_as(Form::Folder, &takes).unwrap(), made);
    assert!(bench.store.has(files[0].kept));
}

/// A tar with the file `l/x`, as xz packs it; the library that we have only unpacks.
const XZ: &str = "fd377a585a000004e6d6b446020021010c0000008f98419ce007ff003b5d00360bcb000e502708fce700b4cdf3e0a8961800\
    228f494be9e0504774283b6bf3615d10da090bf93ece8c609db2b6316e8ce1fb0bcfc526270d780000005847661385b705b6\
    00015780100000009f0b2133b1c467fb020000000004595a";

#[test]
fn parts_come_in_every_usual_compression() {
    let gzip = tar_gz(&[("l/x", "1")]);
    let mut plain = Vec::new();
    GzDecoder::new(&gzip[..]).read_to_end(&mut plain).unwrap();
    let zstd = zstd::encode_all(&plain[..], 3).unwrap();
    let xz: Vec<u8> = (0..XZ.len()).step_by(2).map(|at| u8::from_str_radix(&XZ[at..at + 2], 16).unwrap()).collect();
    let forms: [(&str, &[u8]); 5] =
        [("l.tar.gz", &gzip), ("l.tgz", &gzip), ("l.tar.zst", &zstd), ("l.tar.xz", &xz), ("l.tar", &plain)];
    let made = forms.map(|(name, bytes)| {
        let bench = Bench::new().part("libs", name, bytes);
        bench.assemble(&[take("libs", "l/", "")]).unwrap()
    });
    assert!(made.iter().all(|there| *there == made[0]));
}
