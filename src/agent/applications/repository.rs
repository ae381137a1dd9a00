//! PNDA's package repository: packages as files, listed with their newest versions.
//! Who brings a package needs the right to deploy; who removes one is an administrator.
//! Not here: what is in a package.

use super::failure::Failure;
use super::routes::{Answer, Asked, empty, fine, invalid, pieces_of};
use super::shapes::{Listed, Uploaded, Version};
use apps::manager::Manager;
use apps::orders::Refusal;
use apps::package::repository;
use hyper::StatusCode;
use words::names::PackageName;
use words::shown::shown;

/// Versions of a package that may be asked for.
pub(super) const MOST_VERSIONS: u32 = 1_000_000;

/// The package whose file stands first in the path.
fn file(asked: &Asked) -> Result<PackageName, Failure> {
    let text = asked.captured.first().map(String::as_str).unwrap_or_default();
    let wrong = || invalid(format!("`{}` is not NAME-VERSION.tar.gz", shown(text)));
    repository::package_name(text).ok_or_else(wrong)
}

pub(super) fn list(manager: &Manager, asked: Asked) -> Result<Answer, Failure> {
    let recency = asked.number("recency", 1, MOST_VERSIONS)?;
    let listed = manager.repository().list(Some(recency as usize))?;
    let version =
        |name: &PackageName| Version { version: name.version().to_owned(), file: repository::file_name(name) };
    let one = |one: repository::Listed| Listed {
        latest_versions: one.versions.iter().map(version).collect(),
        name: one.name,
    };
    fine(&listed.into_iter().map(one).collect::<Vec<_>>())
}

pub(super) fn upload(manager: &Manager, mut asked: Asked) -> Result<Answer, Failure> {
    let (name, length, caller) = (file(&asked)?, asked.body.length, asked.caller()?.clone());
    if length == Some(0) {
        return Err(invalid("there is no body; it is the package's file".to_owned()));
    }
    let stored = manager.receive(&name, &caller, &mut asked.body, length)?;
    fine(&Uploaded { sha256: stored.digest, size: stored.size })
}

pub(super) fn download(manager: &Manager, asked: Asked) -> Result<Answer, Failure> {
    let name = file(&asked)?;
    let package = manager.repository().open(&name)?;
    let length = package.metadata().map_err(|error| Refusal::Unavailable(error.to_string()))?.len();
    Ok(pieces_of("application/gzip", package, length))
}

pub(super) fn remove(manager: &Manager, asked: Asked) -> Result<Answer, Failure> {
    manager.remove(&file(&asked)?)?;
    Ok(empty(StatusCode::OK))
}
