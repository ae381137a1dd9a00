//! The keys that a mirror is signed with: its own, and beside it one of OpenPGP for clients that know no other kind.
//! A mirror keeps its keys: another one signs only where somebody says so, for every node refuses what it does not trust.
//! Not here: signing (`keys`, `openpgp`), or what nodes trust (`pnda cluster render`).

use crate::keys::{self, Signer};
use crate::lock::Lock;
use crate::owner::{self, Owner};
use crate::{generations, openpgp, publish};
use std::path::{Path, PathBuf};

/// Why a mirror is not signed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its key is not where it is looked for.
    #[error(
        "{} is signed by a key that is not in {}: bring that key, or name the one beside it (for a repair with \
         --signing-key), or start a new mirror",
        mirror.display(),
        key.display()
    )]
    Lost { mirror: PathBuf, key: PathBuf },
    /// Another key has signed it.
    #[error(
        "{} is signed by another key than {}: name the one that signed it (for a repair with --signing-key). To go over to \
         this one, render the nodes with both first, and then say --new-key; nodes that do not trust it refuse the mirror",
        mirror.display(),
        key.display()
    )]
    Foreign { mirror: PathBuf, key: PathBuf },
    /// Nothing says which key has signed it.
    #[error(
        "nothing in {} says which key signed it: its signatures and public keys are missing or damaged. If nodes trust {}, \
         say --new-key; nodes that do not trust it refuse the mirror",
        mirror.display(),
        key.display()
    )]
    Unknown { mirror: PathBuf, key: PathBuf },
    /// The mirror's key.
    #[error(transparent)]
    Key(#[from] keys::Error),
    /// The key for clients that know OpenPGP alone.
    #[error(transparent)]
    OpenPgp(#[from] openpgp::SignError),
    /// What is published.
    #[error(transparent)]
    Mirror(#[from] generations::Error),
}

impl Error {
    /// Whether another key must be named.
    pub fn is_of_request(&self) -> bool {
        matches!(self, Error::Lost { .. } | Error::Foreign { .. } | Error::Unknown { .. })
    }
}

/// Where the keys are, and whether they may differ from those that signed before.
pub struct Signing {
    /// The file of the mirror's key.
    pub key: PathBuf,
    /// That of the key that the mirror goes over to, or comes from.
    pub other: Option<PathBuf>,
    /// Whether the key may be another than the one that signed before.
    pub new: bool,
}

impl Signing {
    /// With one key; `new` says that it may be another than the one that signed before.
    pub fn with(key: PathBuf, new: bool) -> Signing {
        Signing { key, other: None, new }
    }

    /// The mirror's key, for a mirror that it signed, or that has no list yet.
    pub fn signer(&self, mirror: &Path) -> Result<Signer, Error> {
        if !self.new && !self.key.exists() && owner::of_lists(mirror, None)? != Owner::Nobody {
            return Err(Error::Lost { mirror: mirror.to_owned(), key: self.key.clone() });
        }
        let signer = Signer::load_or_make(&self.key)?;
        self.may_sign(owner::of_lists(mirror, Some(&signer.public_key()))?, mirror, &self.key)?;
        Ok(signer)
    }

    /// Whether a key signs, by whose the mirror is.
    fn may_sign(&self, owner: Owner, mirror: &Path, key: &Path) -> Result<(), Error> {
        match owner {
            _ if self.new => Ok(()),
            Owner::Another => Err(Error::Foreign { mirror: mirror.to_owned(), key: key.to_owned() }),
            Owner::Unknown => Err(Error::Unknown { mirror: mirror.to_owned(), key: key.to_owned() }),
            Owner::Nobody | Owner::This => Ok(()),
        }
    }

    /// The public half of the key that the mirror goes over to, or comes from.
    pub fn other(&self) -> Result<Option<String>, Error> {
        Ok(self.other.as_deref().map(Signer::load_or_make).transpose()?.map(|signer| signer.public_key()))
    }

    /// The key for clients that know OpenPGP alone; made when something is first signed with it.
    pub fn openpgp(&self, mirror: &Path, lock: &Lock) -> Result<Option<openpgp::Signer>, Error> {
        self.openpgp_by(mirror, lock, |key| Ok(owner::of_packages(mirror, key)?))
    }

    /// The same to mend one generation. What is damaged may be all that says whose it is; that gives it to nobody, for
    /// a mended file has the bytes that the list names, or it is not mended.
    pub fn openpgp_of(&self, generation: &Path, mirror: &Path, lock: &Lock) -> Result<Option<openpgp::Signer>, Error> {
        self.openpgp_by(mirror, lock, |key| match owner::of_packages_in(generation, key) {
            Owner::Unknown => Ok(Owner::This),
            owner => Ok(owner),
        })
    }

    fn openpgp_by(
        &self,
        mirror: &Path,
        lock: &Lock,
        owner: impl Fn(Option<&openpgp::Fingerprint>) -> Result<Owner, Error>,
    ) -> Result<Option<openpgp::Signer>, Error> {
        if !publish::needs_openpgp(lock) {
            return Ok(None);
        }
        let path = beside(&self.key);
        if !self.new && !path.exists() && owner(None)? != Owner::Nobody {
            return Err(Error::Lost { mirror: mirror.to_owned(), key: path });
        }
        let signer = openpgp::Signer::load_or_make(&path)?;
        self.may_sign(owner(Some(&signer.fingerprint()))?, mirror, &path)?;
        self.with_other(signer).map(Some)
    }

    /// That key where it is there, without a look at what is published.
    pub fn openpgp_if_there(&self) -> Result<Option<openpgp::Signer>, Error> {
        let path = Some(beside(&self.key)).filter(|path| path.exists());
        let signer = path.map(|path| openpgp::Signer::load_or_make(&path)).transpose()?;
        signer.map(|signer| self.with_other(signer)).transpose()
    }

    fn with_other(&self, signer: openpgp::Signer) -> Result<openpgp::Signer, Error> {
        Ok(match &self.other {
            Some(other) => signer.with_other(&openpgp::Signer::load_or_make(&beside(other))?),
            None => signer,
        })
    }

    /// The first key that would have to be made.
    pub fn missing(&self, lock: &Lock) -> Option<PathBuf> {
        let openpgp = Some(beside(&self.key)).filter(|_| publish::needs_openpgp(lock));
        [Some(self.key.clone()), openpgp].into_iter().flatten().find(|key| !key.exists())
    }
}

/// Where the OpenPGP key lies.
fn beside(key: &Path) -> PathBuf {
    let mut name = key.as_os_str().to_owned();
    name.push(".pgp");
    PathBuf::from(name)
}
