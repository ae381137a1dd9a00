//! RPM repositories: which packages an entry comes to, from the repositories' own indexes.
//! Reading and choosing are pure; `repository` and `package` are the only files that ask the network.
//! Not here: the format of packages and versions (`mirror::rpm`).

use super::{Trust, World};
use crate::lock::{Artifact, Lock, Source};
use crate::manifest::RpmWant;
use crate::openpgp::{self, Fingerprint};
use crate::rpm::signature;
use crate::sources::{self, Key};
use crate::store;
use closure::{Closure, Request};
use primary::{Offer, Texts};
use repository::Repository;
use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use universe::Universe;
use words::event::Event;
use words::names::{SafePath, Word};
use words::shown::shown;

mod choice;
pub mod closure;
pub mod files;
pub mod groups;
mod package;
mod present;
pub mod primary;
pub mod repomd;
mod repository;
pub mod universe;
pub mod xml;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why an entry's packages are not to be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A repository's place is not known.
    #[error("a repository is not known")]
    Source(#[from] sources::Error),
    /// Its keys cannot be read.
    #[error("cannot read the trusted keys in {}", path.display())]
    Keys { path: PathBuf, source: Cause },
    /// It does not answer.
    #[error("the repository does not give {}", shown(place))]
    Place { place: String, source: Cause },
    /// The list of its indexes is signed by nobody trusted.
    #[error("the signature of {repository}'s repomd.xml is refused")]
    Signature { repository: Key, source: openpgp::Error },
    /// One of its indexes is not understood.
    #[error("the index `{}` of {repository} cannot be read", shown(kind))]
    Index { repository: Key, kind: String, source: xml::Error },
    /// It has no such index.
    #[error("{repository} has no index `{kind}`: is it the base of an RPM repository, the folder above `repodata`?")]
    NoIndex { repository: Key, kind: &'static str },
    /// Something cannot be brought.
    #[error("cannot bring {address}")]
    Store { address: SafePath, source: store::Error },
    /// The packages do not exist, or not together.
    #[error("the packages cannot be resolved")]
    Closure(#[from] closure::Error),
    /// A package is none, or signed by nobody trusted.
    #[error("{address} is refused")]
    Package { address: SafePath, source: signature::Error },
    /// The site gives keys, and neither the index nor the package is signed.
    #[error(
        "neither {address} nor the index of {repository} is signed, and the site gives keys for it: \
         where that is right, say policy = \"checksum\" for the source in sources.toml"
    )]
    Unsigned { address: SafePath, repository: Key },
    /// A package is another one than the index says.
    #[error("{address} is {found}; the index says {said}")]
    Differs { address: SafePath, said: String, found: String },
    /// Somebody else signed a package than before, and no key says that this is right.
    #[error(
        "{address} was signed by {before} and is now signed by {now}: \
         if that is right, give the repository's keys in sources.toml, or remove the package from the lock"
    )]
    Signer { address: SafePath, before: Fingerprint, now: String },
}

/// The artifacts of an entry; the packages are in the store afterwards, for their signatures are in them.
pub fn artifacts(
    entry: &Word,
    want: &RpmWant,
    before: &Lock,
    trust: Trust,
    world: &World<'_>,
) -> Result<Vec<Artifact>, Error> {
    let ids: Vec<Option<&Word>> = match want.repositories.as_slice() {
        [] => vec![None],
        ids => ids.iter().map(Some).collect(),
    };
    let repositories: Vec<Repository> =
        ids.into_iter().map(|id| Repository::open(world, id)).collect::<Result<_, _>>()?;
    repositories.iter().for_each(|repository| tell_limits(repository, world));
    let request = Request {
        entry: entry.to_string(),
        packages: want.packages.clone(),
        base: want.base.clone(),
        architectures: want.architectures.clone(),
        weak: want.weak,
    };
    let mut offers = offers(&repositories, want, world)?;
    for offer in &mut offers {
        let id = repositories[offer.repository].key.id.as_ref();
        let agreed = before.find(Source::Rpm, id, &offer.address);
        let same = agreed.is_some_and(|agreed| agreed.sha256 == offer.expected.sha256);
        offer.agreed = same && !world.upgrade.frees(entry, &offer.name);
    }
    let mut universe = Universe::of(offers, groups(&repositories, &request, world)?);
    let closure = resolve(&mut universe, &repositories, &request, world)?;
    closure.notes.iter().for_each(|note| (world.tell)(Event::Note(format!("{entry}: {note}"))));
    package::artifacts(entry, &closure, &universe, &repositories, before, trust, world)
}

/// What a person should know of a repository.
fn tell_limits(repository: &Repository, world: &World<'_>) {
    let key = &repository.key;
    if repository.has("modules") {
        (world.tell)(Event::Note(format!(
            "{key} has modules, which are not supported: a package of a module is taken only where no other will do; \
             name one as name-version-release to have it"
        )));
    }
    if repository.keys.is_some() && !repository.signed {
        (world.tell)(Event::Note(format!("{key} does not sign its indexes: the signature of each package must do")));
    }
}

fn offers(repositories: &[Repository], want: &RpmWant, world: &World<'_>) -> Result<Vec<Offer>, Error> {
    let (mut texts, mut offers) = (Texts::default(), Vec::new());
    for (at, repository) in repositories.iter().enumerate() {
        let read = |document| primary::read(document, at, &want.architectures, &mut texts);
        offers.extend(repository.read(world, "primary", read)?);
    }
    Ok(offers)
}

fn groups(
    repositories: &[Repository],
    request: &Request,
    world: &World<'_>,
) -> Result<BTreeMap<String, Vec<String>>, Error> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    if request.packages.iter().chain(&request.base).any(|text| text.starts_with('@')) {
        for repository in repositories.iter().filter(|repository| repository.has("group")) {
            for (id, packages) in repository.read(world, "group", groups::read)? {
                all.entry(id).or_default().extend(packages);
            }
        }
    }
    Ok(all)
}

/// Resolves with the files that `primary` lists; only if one is missing, all lists of files are read.
fn resolve(
    universe: &mut Universe,
    repositories: &[Repository],
    request: &Request,
    world: &World<'_>,
) -> Result<Closure, Error> {
    let wanted = wanted_files(universe, request);
    if !wanted.is_empty() {
        add_files(universe, repositories, "primary", &wanted, world)?;
    }
    match closure::resolve(universe, request) {
        Err(closure::Error::Missing { needed, .. }) if needed.name.contains('/') => {
            add_files(universe, repositories, "filelists", &wanted, world)?;
            Ok(closure::resolve(universe, request)?)
        }
        resolved => Ok(resolved?),
    }
}

fn add_files(
    universe: &mut Universe,
    repositories: &[Repository],
    kind: &'static str,
    wanted: &HashSet<Arc<str>>,
    world: &World<'_>,
) -> Result<(), Error> {
    for (at, repository) in repositories.iter().enumerate().filter(|(_, repository)| repository.has(kind)) {
        let found = repository.read(world, kind, |document| files::find(document, wanted))?;
        universe.add_files(at, found);
    }
    Ok(())
}

/// Every path that a package or the entry may ask for.
fn wanted_files(universe: &Universe, request: &Request) -> HashSet<Arc<str>> {
    let lists = universe.offers().iter().flat_map(|offer| [&offer.requires, &offer.recommends, &offer.conflicts]);
    let mut wanted = HashSet::new();
    for name in lists.flatten().map(|relation| &relation.name) {
        match name.as_bytes().first() {
            Some(b'/') => drop(wanted.insert(name.clone())),
            // Conditions name paths among other things.
            Some(b'(') => {
                let words = name.split(|c: char| c.is_whitespace() || c == '(' || c == ')');
                wanted.extend(words.filter(|word| word.starts_with('/')).map(Arc::from));
            }
            _ => {}
        }
    }
    let named = request.packages.iter().chain(&request.base).filter(|text| text.starts_with('/'));
    wanted.extend(named.map(|text| Arc::from(text.as_str())));
    wanted
}

#[cfg(test)]
mod tests;
