//! RPM's formats: the indexes of a repository, packages themselves, versions, and dependencies with conditions.
//! An index is read as a stream, so what it may hold is bounded on the way.
//! Not here: choosing packages.

use super::{ordered, said, stays, text};
use pnda::mirror::resolve::rpm::primary::{self, Texts};
use pnda::mirror::resolve::rpm::{files, groups as comps, repomd as index, xml};
use pnda::mirror::rpm::expression::Expression;
use pnda::mirror::rpm::package::{KINDS, Package};
use pnda::mirror::rpm::relation::Relation;
use pnda::mirror::rpm::{signature, version};
use std::collections::HashSet;
use std::sync::Arc;

pub fn repomd(bytes: &[u8]) -> String {
    let read = index::read(bytes);
    read.iter().flat_map(|found| found.values()).for_each(|one| stays(&one.address));
    said(&read)
}

pub fn primary(bytes: &[u8]) -> String {
    let offers = primary::read(xml::read(bytes), 0, &["x86_64".into(), "noarch".into()], &mut Texts::default());
    offers.iter().flatten().for_each(|offer| stays(&offer.address));
    said(&offers)
}

pub fn filelists(bytes: &[u8]) -> String {
    said(&files::find(xml::read(bytes), &HashSet::from([Arc::from("/usr/bin/app")])))
}

pub fn groups(bytes: &[u8]) -> String {
    said(&comps::read(xml::read(bytes)))
}

pub fn package(bytes: &[u8]) -> String {
    let read = Package::read(bytes, bytes.len() as u64);
    let Ok(package) = &read else { return said(&read) };
    let needs: usize = KINDS.iter().map(|kind| package.needs(*kind).len()).sum();
    let count = (package.files().len(), package.changes().len(), package.built(), package.sizes());
    format!("{} {:?} {needs} {count:?}", package.identity().len(), signature::signer(&package.headers).is_some())
}

pub fn versions(bytes: &[u8]) -> String {
    // Without a release any release is meant, so only the order of parts is total.
    ordered(bytes, |a, b| {
        assert_eq!(version::order(a, b), version::order(b, a).reverse(), "{a:?} and {b:?}");
        Some(version::compare(a, b))
    })
}

pub fn expression(bytes: &[u8]) -> String {
    let text = text(bytes);
    let read = Expression::of(&Relation::any(text.as_str()));
    if let Ok(expression) = &read {
        let again = Expression::of(&Relation::any(expression.to_string())).map(|again| again.to_string());
        assert_eq!(again, Ok(expression.to_string()));
    }
    format!("{} {}", said(&read), Relation::parse(&text).is_some())
}
