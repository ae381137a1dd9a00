//! OpenPGP: who signed what others publish, and our own signatures for clients that know no other kind.
//! `keyring` verifies, with what a key says of itself (`certificate`) and a signature by itself (`evidence`); `signer` signs.
//! Not here: the list of a generation, which is signed in minisign's format (`keys`).

mod certificate;
mod evidence;
mod fingerprint;
mod keyring;
mod signer;

pub use fingerprint::{BadFingerprint, Fingerprint};
pub use keyring::{Error, Keyring, claimed, first_key};
pub use signer::{Error as SignError, Signer};
