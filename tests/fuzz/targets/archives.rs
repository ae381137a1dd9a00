//! Archives: what a node unpacks, and what an assembly takes members out of.
//! Nothing may come to lie outside of its folder.
//! Not here: Python's and Debian's own packages.

use super::{folder, said};
use pnda::mirror::assembly::assemble;
use pnda::mirror::lock::Lock;
use pnda::mirror::manifest;
use pnda::mirror::store::Store;
use pnda::node::unpack::{LIMITS, unpack};
use std::fs::{self, File};
use std::io::Write;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

/// The packing itself is bent.
pub fn unpacked(bytes: &[u8]) -> String {
    let folder = folder();
    let (archive, into) = (folder.path().join("archive"), folder.path().join("deep/into"));
    fs::write(&archive, bytes).unwrap();
    fs::create_dir_all(&into).unwrap();
    let outcome = unpack(File::open(&archive).unwrap(), &into, LIMITS);
    let there = |path| fs::read_dir(path).unwrap().count();
    assert_eq!((there(folder.path()), there(folder.path().join("deep").as_path())), (2, 1), "something lies outside");
    // A link in a name that was unpacked may not lead out either.
    for entry in fs::read_dir(&into).unwrap().flatten() {
        if entry.file_type().unwrap().is_symlink() {
            let target = fs::read_link(entry.path()).unwrap();
            assert!(target.is_relative() && !target.starts_with(".."), "{} leads out", target.display());
        }
    }
    said(&outcome)
}

/// What is packed is bent.
pub fn tar_unpacked(bytes: &[u8]) -> String {
    unpacked(&gzip(bytes))
}

fn assembled(name: &str, bytes: &[u8]) -> String {
    let folder = folder();
    let store = Store::open(folder.path()).unwrap();
    let mut scratch = store.scratch().unwrap();
    scratch.write_all(bytes).unwrap();
    let kept = store.keep(&scratch.keep().unwrap().1).unwrap();
    let wanted = format!(
        "[[file]]\nid = \"part\"\nurls = [\"http://files.example/{name}\"]\npath = \"mirror_misc/{name}\"\n\
         sha256 = \"{sha256}\"\n\
         [[assembly]]\nid = \"made\"\nfolder = \"made/\"\n[[assembly.take]]\nfrom = \"part\"\nmembers = \"flink-1.20.5/\"\n",
        sha256 = kept.sha256
    );
    let manifest = manifest::parse(&[("m.toml".to_owned(), wanted)]).unwrap();
    let lock = format!(
        "format = 1\nrequest = \"{0}\"\n[[artifact]]\nsource = \"file\"\naddress = \"part/{name}\"\nsize = {1}\nsha256 = \"{0}\"\n\
         vouched = \"manifest\"\nwanted_by = [\"part\"]\nbecause = [\"part\"]\n",
        kept.sha256, kept.size
    );
    let lock = Lock::parse(&lock).unwrap();
    let (made, assembly) = manifest.assemblies.iter().next().unwrap();
    said(&assemble(made, assembly, &lock, &store))
}

pub fn part_tar(bytes: &[u8]) -> String {
    assembled("part.tar", bytes)
}

pub fn part_zip(bytes: &[u8]) -> String {
    assembled("part.zip", bytes)
}
