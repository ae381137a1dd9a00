//! The keys that a mirror is signed with: its own, and beside it one of OpenPGP for clients that know no other kind.
//! A mirror keeps its keys: another one signs only where somebody says so, for every node refuses what it does not trust.
//! Not here: signing (`mirror::keys`, `mirror::openpgp`), or what nodes trust (`cluster render`).

use super::own_key;
use crate::cli::failure::{Failure, USAGE};
use crate::mirror::keys::Signer;
use crate::mirror::lock::Lock;
use crate::mirror::owner::{self, Owner};
use crate::mirror::{openpgp, publish};
use clap::Args;
use std::path::{Path, PathBuf};

/// Options of whoever signs.
#[derive(Args, Default)]
pub struct Keys {
    /// The key that signs the list; made on first use [default: ~/.config/pnda/mirror.key]
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// The key that the mirror goes over to, or comes from: it signs nothing, and its OpenPGP key is published beside the
    /// one that does, for machines to trust both; made on first use.
    #[arg(long, value_name = "FILE")]
    pub other_key: Option<PathBuf>,
    /// Sign with --key although another one signed what is published now; nodes must have been rendered with it.
    #[arg(long)]
    pub new_key: bool,
}

/// Where the keys are, and whether they may differ from those that signed before.
pub struct Signing {
    /// The file of the mirror's key.
    pub key: PathBuf,
    other: Option<PathBuf>,
    new: bool,
}

impl Keys {
    /// With the defaults filled in.
    pub fn signing(&self) -> Result<Signing, Failure> {
        let key = self.key.clone().or_else(own_key);
        let key = key.ok_or_else(|| Failure::new(USAGE, "no home folder is known; give --key FILE"))?;
        Ok(Signing { key, other: self.other_key.clone(), new: self.new_key })
    }
}

impl Signing {
    /// With one key; `new` says that it may be another than the one that signed before.
    pub fn with(key: PathBuf, new: bool) -> Signing {
        Signing { key, other: None, new }
    }

    /// The mirror's key, for a mirror that it signed, or that has no list yet.
    pub fn signer(&self, mirror: &Path) -> Result<Signer, Failure> {
        if !self.new && !self.key.exists() && owner::of_lists(mirror, None)? != Owner::Nobody {
            return Err(lost(mirror, &self.key));
        }
        let signer = Signer::load_or_make(&self.key)?;
        self.may_sign(owner::of_lists(mirror, Some(&signer.public_key()))?, mirror, &self.key)?;
        Ok(signer)
    }

    /// Whether a key signs, by whose the mirror is.
    fn may_sign(&self, owner: Owner, mirror: &Path, key: &Path) -> Result<(), Failure> {
        match owner {
            _ if self.new => Ok(()),
            Owner::Another => Err(foreign(mirror, key)),
            Owner::Unknown => Err(unknown(mirror, key)),
            Owner::Nobody | Owner::This => Ok(()),
        }
    }

    /// The public half of the key that the mirror goes over to, or comes from.
    pub fn other(&self) -> Result<Option<String>, Failure> {
        Ok(self.other.as_deref().map(Signer::load_or_make).transpose()?.map(|signer| signer.public_key()))
    }

    /// The key for clients that know OpenPGP alone; made when something is first signed with it.
    pub fn openpgp(&self, mirror: &Path, lock: &Lock) -> Result<Option<openpgp::Signer>, Failure> {
        self.openpgp_by(mirror, lock, |key| Ok(owner::of_packages(mirror, key)?))
    }

    /// The same to mend one generation. What is damaged may be all that says whose it is; that gives it to nobody, for
    /// a mended file has the bytes that the list names, or it is not mended.
    pub fn openpgp_of(
        &self,
        generation: &Path,
        mirror: &Path,
        lock: &Lock,
    ) -> Result<Option<openpgp::Signer>, Failure> {
        self.openpgp_by(mirror, lock, |key| match owner::of_packages_in(generation, key) {
            Owner::Unknown => Ok(Owner::This),
            owner => Ok(owner),
        })
    }

    fn openpgp_by(
        &self,
        mirror: &Path,
        lock: &Lock,
        owner: impl Fn(Option<&openpgp::Fingerprint>) -> Result<Owner, Failure>,
    ) -> Result<Option<openpgp::Signer>, Failure> {
        if !publish::needs_openpgp(lock) {
            return Ok(None);
        }
        let path = beside(&self.key);
        if !self.new && !path.exists() && owner(None)? != Owner::Nobody {
            return Err(lost(mirror, &path));
        }
        let signer = openpgp::Signer::load_or_make(&path)?;
        self.may_sign(owner(Some(&signer.fingerprint()))?, mirror, &path)?;
        self.with_other(signer).map(Some)
    }

    /// That key where it is there, without a look at what is published.
    pub fn openpgp_if_there(&self) -> Result<Option<openpgp::Signer>, Failure> {
        let path = Some(beside(&self.key)).filter(|path| path.exists());
        let signer = path.map(|path| openpgp::Signer::load_or_make(&path)).transpose()?;
        signer.map(|signer| self.with_other(signer)).transpose()
    }

    fn with_other(&self, signer: openpgp::Signer) -> Result<openpgp::Signer, Failure> {
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

fn lost(mirror: &Path, key: &Path) -> Failure {
    let text = format!(
        "{} is signed by a key that is not in {}: bring that key, or name the one beside it (for a repair with \
         --signing-key), or start a new mirror",
        mirror.display(),
        key.display()
    );
    Failure::new(USAGE, text)
}

fn foreign(mirror: &Path, key: &Path) -> Failure {
    let text = format!(
        "{} is signed by another key than {}: name the one that signed it (for a repair with --signing-key). To go over to \
         this one, render the nodes with both first, and then say --new-key; nodes that do not trust it refuse the mirror",
        mirror.display(),
        key.display()
    );
    Failure::new(USAGE, text)
}

fn unknown(mirror: &Path, key: &Path) -> Failure {
    let text = format!(
        "nothing in {} says which key signed it: its signatures and public keys are missing or damaged. If nodes trust {}, \
         say --new-key; nodes that do not trust it refuse the mirror",
        mirror.display(),
        key.display()
    );
    Failure::new(USAGE, text)
}
