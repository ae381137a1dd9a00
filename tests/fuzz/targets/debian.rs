//! Debian's formats: lists of packages, releases, relations, versions, and packages themselves.
//! What an archive signs is bounded all the same: a signature does not make a list sensible.
//! Not here: choosing packages.

use super::{ordered, said, stays, text};
use pnda::mirror::compression::Compression;
use pnda::mirror::resolve::apt::control::Stanzas;
use pnda::mirror::resolve::apt::package::Package;
use pnda::mirror::resolve::apt::release::Release;
use pnda::mirror::resolve::apt::universe::Universe;
use pnda::mirror::resolve::apt::version::Version;
use pnda::mirror::resolve::apt::{deb as format, relation};
use pnda::words::names::Word;
use std::io::{Cursor, Read};
use std::time::SystemTime;

pub fn packages(bytes: &[u8]) -> String {
    let (mut stanzas, origin) = (Stanzas::all(bytes), Word::new("stable").unwrap());
    let (mut packages, mut outcome) = (Vec::new(), String::new());
    loop {
        let stanza = match stanzas.read() {
            Ok(Some(stanza)) => stanza,
            end => return format!("{outcome} {} {}", end.is_ok(), said(&Universe::of(packages, "amd64"))),
        };
        let package = Package::listed(stanza, &origin);
        outcome.push_str(&said(&package));
        if let Ok(package) = package {
            stays(&package.file.as_ref().unwrap().address);
            let fields = ["Depends", "Pre-Depends", "Conflicts"].map(|field| package.relations(field, "amd64").is_ok());
            outcome.push_str(&format!("{fields:?} {}", package.provides("amd64").is_ok()));
            packages.push(package);
        }
    }
}

pub fn release(bytes: &[u8]) -> String {
    let release = Release::parse(&text(bytes));
    let Ok(read) = &release else { return said(&release) };
    let lists = read.lists("main", "amd64");
    lists.iter().flatten().for_each(|list| stays(&list.path));
    format!("{} {} {}", said(&read.still_valid(SystemTime::UNIX_EPOCH)), read.by_hash(), said(&lists))
}

pub fn relations(bytes: &[u8]) -> String {
    said(&relation::groups(&text(bytes), "amd64"))
}

pub fn versions(bytes: &[u8]) -> String {
    ordered(bytes, |a, b| Some(Version::parse(a).ok()?.cmp(&Version::parse(b).ok()?)))
}

pub fn deb(bytes: &[u8]) -> String {
    for packing in Compression::ALL {
        drop(packing.open(bytes, 1 << 20).map(|mut plain| plain.read_to_end(&mut Vec::new())));
    }
    said(&format::control(Cursor::new(bytes)))
}
