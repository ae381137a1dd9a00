//! A chosen package as an artifact of the lock: its bytes are brought, and looked at for who signed them.
//! Where keys are given a signature must be by one of them; else the signer is pinned, and must stay.
//! Not here: what was chosen, and why.

use super::Error;
use super::closure::{Chosen, Closure};
use super::primary::Offer;
use super::repository::Repository;
use super::universe::Universe;
use crate::lock::{Artifact, Lock, Source, Voucher};
use crate::openpgp::Fingerprint;
use crate::resolve::{Trust, World};
use crate::rpm::{package::Package, signature};
use crate::trust::Policy;
use std::fs::File;
use std::io::BufReader;
use words::event::Event;
use words::names::{SafePath, Word};
use words::parallel::try_each;

/// Packages that are brought at a time.
const PARALLEL: usize = 6;

/// All chosen packages. One that fails is told at once; the rest need not be asked for.
pub(super) fn artifacts(
    entry: &Word,
    closure: &Closure,
    universe: &Universe,
    repositories: &[Repository],
    before: &Lock,
    trust: Trust,
    world: &World<'_>,
) -> Result<Vec<Artifact>, Error> {
    try_each(PARALLEL, &closure.chosen, |Chosen { offer, because }| {
        let offer = universe.offer(*offer);
        let bring = Bring { offer, repository: &repositories[offer.repository], before, trust, world };
        let artifact = bring.artifact(entry, because);
        (world.tell)(Event::Step(offer.address.file_name().to_owned()));
        artifact
    })
}

struct Bring<'a> {
    offer: &'a Offer,
    repository: &'a Repository,
    before: &'a Lock,
    trust: Trust,
    world: &'a World<'a>,
}

impl Bring<'_> {
    fn artifact(&self, entry: &Word, because: &str) -> Result<Artifact, Error> {
        let (vouched, signer) = match self.known() {
            Some(known) => known,
            None => self.look()?,
        };
        Ok(Artifact {
            source: Source::Rpm,
            origin: self.repository.key.id.clone(),
            address: self.offer.address.clone(),
            size: self.offer.expected.size,
            sha256: self.offer.expected.sha256,
            vouched,
            signer,
            wanted_by: entry.clone().into(),
            because: [because].into_iter().collect(),
        })
    }

    /// What the last lock says of exactly these bytes, as far as it is believed and the site demands no more now.
    fn known(&self) -> Option<(Voucher, Option<Fingerprint>)> {
        let id = self.repository.key.id.as_ref();
        let there = self.before.find(Source::Rpm, id, &self.offer.address)?;
        if there.sha256 != self.offer.expected.sha256 || self.trust == Trust::AskAgain {
            return None;
        }
        match (&self.repository.keys, self.repository.signed, &there.vouched) {
            (Some(_), false, Voucher::Signature) => Some((Voucher::Signature, there.signer.clone())),
            (None, false, Voucher::IndexSha256) => Some((Voucher::IndexSha256, there.signer.clone())),
            (_, true, Voucher::SignedIndex) => Some((Voucher::SignedIndex, there.signer.clone())),
            _ => None,
        }
    }

    /// What the package itself says.
    fn look(&self) -> Result<(Voucher, Option<Fingerprint>), Error> {
        let (offer, world) = (self.offer, self.world);
        let from = [self.repository.location.join(&offer.address)];
        let brought = world.store.bring(world.http, &from, offer.expected, world.tell);
        brought.map_err(|source| Error::Store { address: offer.address.clone(), source })?;
        let path = world.store.path(offer.expected.sha256);
        let refused = |source| Error::Package { address: offer.address.clone(), source };
        let opened = File::open(&path).map_err(|error| refused(signature::Error::Read(error)))?;
        let package =
            Package::read(BufReader::new(opened), offer.expected.size).map_err(|error| refused(error.into()))?;
        if package.identity() != offer.identity() {
            let (said, found) = (offer.identity(), package.identity());
            return Err(Error::Differs { address: offer.address.clone(), said, found });
        }
        let verified = match &self.repository.keys {
            Some(keys) => signature::verify(&path, &package.headers, keys).map_err(refused)?,
            None => None,
        };
        if verified.is_some() {
            let vouched = if self.repository.signed { Voucher::SignedIndex } else { Voucher::Signature };
            return Ok((vouched, verified));
        }
        // Keys are given so that signatures are checked: whoever takes the signatures away is not believed for it.
        let accepted = world.sources.policy(&self.repository.key).is_some_and(|policy| policy < Policy::Signature);
        if self.repository.keys.is_some() && !self.repository.signed && !accepted {
            let (address, repository) = (offer.address.clone(), self.repository.key.clone());
            return Err(Error::Unsigned { address, repository });
        }
        let claimed = signature::signer(&package.headers);
        self.same_signer(claimed.as_ref())?;
        let vouched = if self.repository.signed { Voucher::SignedIndex } else { Voucher::IndexSha256 };
        Ok((vouched, claimed))
    }

    /// Whether the last lock knows this package by another signer.
    fn same_signer(&self, now: Option<&Fingerprint>) -> Result<(), Error> {
        let id = &self.repository.key.id;
        let of_this = |artifact: &&Artifact| {
            artifact.source == Source::Rpm && artifact.origin == *id && name(&artifact.address) == &*self.offer.name
        };
        let signers = self.before.artifacts.iter().filter(of_this).filter_map(|artifact| artifact.signer.as_ref());
        match signers.into_iter().find(|before| !now.is_some_and(|now| now.agrees(before))) {
            None => Ok(()),
            Some(before) => {
                let now = now.map_or_else(|| "nobody".to_owned(), Fingerprint::to_string);
                Err(Error::Signer { address: self.offer.address.clone(), before: before.clone(), now })
            }
        }
    }
}

/// The package's name in `name-version-release.architecture.rpm`.
fn name(address: &SafePath) -> &str {
    let file = address.file_name();
    file.rsplitn(3, '-').nth(2).unwrap_or(file)
}
