//! A plain file of a manifest as an artifact of the lock: read once, from the first address that gives the right bytes.
//! Everything the manifest gives to hold it against is held against it; the strongest of it is written down.
//! Not here: how a checksum file is written (`checksum`), or fetching it again later.

use super::unseen::{self, Taken};
use super::{World, checksum};
use crate::lock::{Artifact, Source, Voucher};
use crate::manifest::{By, FileWant, Signed};
use crate::openpgp::{self, Fingerprint, Keyring};
use std::io;
use systems::http;
use words::chain::chain;
use words::event::Event;
use words::location::Location;
use words::names::{BadName, SafePath, Word};
use words::shown::shown;

/// The largest checksum file, signature or key file that is read.
const SMALL: u64 = 16 << 20;

/// Why a plain file is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its name is of no use.
    #[error("its name cannot be used")]
    Name(#[from] BadName),
    /// The manifest gives no usable address.
    #[error("it has no usable address")]
    NoAddress,
    /// No address gives it.
    #[error("none of its addresses gives the file")]
    Take(#[source] unseen::Error),
    /// It cannot be read here.
    #[error("its copy in the store cannot be read")]
    Read(#[source] io::Error),
    /// The bytes are others than the manifest says.
    #[error("the file has {what} {found}, the manifest says {expected}")]
    Differs { what: &'static str, expected: String, found: String },
    /// What its publisher gives beside it cannot be had.
    #[error("cannot read the {what} {location}")]
    Beside { what: &'static str, location: Location, source: http::Error },
    /// The checksum file says nothing of it.
    #[error("the checksum file {location} has no SHA-256 or SHA-512 of {}", shown(name))]
    NoChecksum { location: Location, name: String },
    /// The checksum file says otherwise.
    #[error("the file has {what} {}, its checksum file says {}", shown(found), shown(published))]
    Published { what: &'static str, published: String, found: String },
    /// The signature is not by who must have signed.
    #[error("its signature is not good")]
    OpenPgp(#[from] openpgp::Error),
    /// Likewise, in minisign's format.
    #[error("its signature is not good")]
    Minisign(#[from] minisign_verify::Error),
    /// Another key signed than the last time.
    #[error(
        "it was signed by {then} when it was locked, and is signed by {now} now; if its publisher says so too, \
         remove it from the lock and lock again"
    )]
    Signer { then: Fingerprint, now: Fingerprint },
}

/// Locks a plain file.
pub fn artifact(
    world: &World<'_>,
    entry: &Word,
    want: &FileWant,
    pinned: Option<&Fingerprint>,
) -> Result<Artifact, Error> {
    let address = SafePath::new(format!("{entry}/{}", want.path.file_name()))?;
    let mut failure = Error::NoAddress;
    for location in want.urls.iter().filter_map(|url| Location::parse(url).ok()) {
        let taken = unseen::take(world.http, &location, world.store, world.tell).map_err(Error::Take);
        match taken.and_then(|taken| vouched(world, want, &taken, pinned).map(|vouched| (taken, vouched))) {
            Ok((taken, (vouched, signer))) => {
                let kept = taken.keep(world.store).map_err(Error::Take)?;
                return Ok(Artifact {
                    source: Source::File,
                    origin: None,
                    address,
                    size: kept.size,
                    sha256: kept.sha256,
                    vouched,
                    signer,
                    wanted_by: entry.clone().into(),
                    because: [format!("{entry} > {}", want.path)].into_iter().collect(),
                });
            }
            Err(error) => {
                (world.tell)(Event::Note(format!("{location} is of no use: {}", chain(&error))));
                failure = error;
            }
        }
    }
    Err(failure)
}

/// Holds the bytes against everything that the manifest gives, and says what of it is the strongest.
fn vouched(
    world: &World<'_>,
    want: &FileWant,
    taken: &Taken,
    pinned: Option<&Fingerprint>,
) -> Result<(Voucher, Option<Fingerprint>), Error> {
    let mut vouched = Voucher::FirstUse;
    if let Some(url) = &want.checksum {
        checksum_file(world, url, want, taken)?;
        vouched = Voucher::ChecksumFile;
    }
    if let Some(expected) = want.sha256 {
        same("sha256", &expected.to_string(), taken.sha256.to_string())?;
        vouched = Voucher::Manifest;
    }
    if let Some(expected) = &want.sha512 {
        same("sha512", &expected.to_string(), taken.sha512().map_err(Error::Read)?)?;
        vouched = Voucher::Manifest;
    }
    let Some(signed) = &want.signature else { return Ok((vouched, None)) };
    let signer = signature(world, signed, taken)?;
    match (pinned, &signer) {
        (Some(then), Some(now)) if then != now => Err(Error::Signer { then: then.clone(), now: now.clone() }),
        _ => Ok((Voucher::Signature, signer)),
    }
}

fn same(what: &'static str, expected: &str, found: String) -> Result<(), Error> {
    if expected == found { Ok(()) } else { Err(Error::Differs { what, expected: expected.to_owned(), found }) }
}

fn checksum_file(world: &World<'_>, url: &str, want: &FileWant, taken: &Taken) -> Result<(), Error> {
    let (location, bytes) = beside(world, "checksum file", url)?;
    let text = String::from_utf8_lossy(&bytes);
    // The publisher's name of the file is the one in its address; the mirror may call it otherwise.
    let name = |url: &String| Location::parse(url).ok().and_then(|location| location.file_name());
    let names: Vec<String> = want.urls.iter().filter_map(name).chain([want.path.file_name().to_owned()]).collect();
    let find = |digits| names.iter().find_map(|name| checksum::find(&text, name, digits));
    let (what, published, found) = match (find(64), find(128)) {
        (Some(published), _) => ("sha256", published, taken.sha256.to_string()),
        (None, Some(published)) => ("sha512", published, taken.sha512().map_err(Error::Read)?),
        (None, None) => return Err(Error::NoChecksum { location, name: names[0].clone() }),
    };
    if published == found { Ok(()) } else { Err(Error::Published { what, published, found }) }
}

/// Checks the publisher's signature; OpenPGP says by whom it is.
fn signature(world: &World<'_>, signed: &Signed, taken: &Taken) -> Result<Option<Fingerprint>, Error> {
    let (_, signature) = beside(world, "signature", &signed.url)?;
    match &signed.by {
        By::Minisign(key) => {
            let key = minisign_verify::PublicKey::from_base64(key.trim())?;
            let signature = minisign_verify::Signature::decode(&String::from_utf8_lossy(&signature))?;
            let mut verifier = key.verify_stream(&signature)?;
            taken.each(&mut |bytes| verifier.update(bytes)).map_err(Error::Read)?;
            verifier.finalize()?;
            Ok(None)
        }
        By::OpenPgp { keys, signers } => {
            let keys =
                if keys.contains("://") { beside(world, "key file", keys)?.1 } else { keys.clone().into_bytes() };
            let ring = Keyring::parse(&keys)?;
            let ring = if signers.is_empty() { ring } else { ring.only(signers) };
            Ok(Some(ring.detached(&signature, || taken.reader())?))
        }
    }
}

fn beside(world: &World<'_>, what: &'static str, url: &str) -> Result<(Location, Vec<u8>), Error> {
    let location = Location::parse(url).map_err(|_| Error::NoAddress)?;
    match world.http.get_small(&location, "*/*", SMALL, world.tell) {
        Ok(bytes) => Ok((location, bytes)),
        Err(source) => Err(Error::Beside { what, location, source }),
    }
}
