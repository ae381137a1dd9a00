//! Python's formats: requirements and markers, file names, metadata, pages of an index, wheels, source distributions.
//! Archives go through the store, as locking does it.
//! Not here: choosing versions.

use super::{folder, said, stays, text};
use crate::scripted::{Scripted, client};
use pnda::mirror::python::{Filename, Platform, Python, Requirement, Target, describe, describe_text, normalise};
use pnda::mirror::resolve::pypi;
use pnda::mirror::store::Store;
use pnda::words::event::silent;
use pnda::words::names::Word;
use std::collections::BTreeSet;
use std::io::Write;
use std::str::FromStr;
use std::sync::LazyLock;

fn target() -> Target {
    Target::new(&Python::parse("3.11").unwrap(), &Platform::parse("manylinux_2_17_x86_64").unwrap()).unwrap()
}

pub fn requirement(bytes: &[u8]) -> String {
    let text = text(bytes);
    let read = Requirement::parse(&text);
    drop((Python::parse(&text), Platform::parse(&text), normalise(&text)));
    let Ok(requirement) = &read else { return said(&read) };
    let version = pep440_rs::Version::from_str("2.0").unwrap();
    let facts = (requirement.is_pin(), requirement.has_upper_bound(), requirement.names_prerelease());
    let applies = requirement.applies(target().environment(), &BTreeSet::new());
    format!("{facts:?} {applies} {}", requirement.pins(&version))
}

pub fn file_name(bytes: &[u8]) -> String {
    let project = Word::new("apache-flink").unwrap();
    let Some(read) = Filename::read(&text(bytes), &project) else { return "none".into() };
    let rank = match &read.form {
        pnda::mirror::python::Form::Wheel(tags) => target().rank(tags).is_some(),
        pnda::mirror::python::Form::Sdist => false,
    };
    format!("{} {rank}", matches!(read.form, pnda::mirror::python::Form::Sdist))
}

pub fn metadata(bytes: &[u8]) -> String {
    let version = pep440_rs::Version::from_str("1.0").unwrap();
    let described = describe_text(&Word::new("app").unwrap(), &version, "app-1.0-py3-none-any.whl", bytes);
    match &described {
        Ok(one) => format!("good {} {}", one.requires.is_some(), one.requires_python.is_some()),
        Err(_) => said(&described),
    }
}

static SERVER: LazyLock<Scripted> = LazyLock::new(Scripted::start);

pub fn page(bytes: &[u8]) -> String {
    SERVER.body(bytes);
    let project = pypi::project(&client(), &SERVER.location(), &Word::new("app").unwrap(), &silent);
    let Ok(page) = &project else { return said(&project) };
    let file = page.named("app-1.0-py3-none-any.whl");
    file.iter().for_each(|file| stays(&file.address));
    format!("{} {}", page.versions().len().min(3), said(&file))
}

fn described(name: &str, bytes: &[u8]) -> String {
    let folder = folder();
    let store = Store::open(folder.path()).unwrap();
    let mut scratch = store.scratch().unwrap();
    scratch.write_all(bytes).unwrap();
    let kept = store.keep(&scratch.keep().unwrap().1).unwrap();
    match describe(&store, &Word::new("app").unwrap(), name, kept) {
        Ok(one) => {
            format!("{} {} {}", one.requires.is_some(), one.metadata.is_some(), "b".repeat(one.builds_with.len()))
        }
        Err(error) => said(&Err::<(), _>(error)),
    }
}

pub fn wheel(bytes: &[u8]) -> String {
    described("app-1.0-py3-none-any.whl", bytes)
}

pub fn sdist(bytes: &[u8]) -> String {
    // What lies inside is bent, not the packing of it.
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).unwrap();
    format!("{} {}", described("app-1.0.tar.gz", &packed.finish().unwrap()), described("app-1.0.zip", bytes))
}
