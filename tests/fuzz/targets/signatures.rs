//! Keys and signatures, in both formats: whatever the bytes are, nobody but the key's owner is believed.
//! The content is fixed and was never signed by the keys of the corpus, unless the corpus says so.
//! Not here: which key is trusted for what.

use super::{said, text};
use pnda::mirror::openpgp::{Keyring, claimed};
use pnda::words::generation::Generation;
use std::sync::LazyLock;

const KEY: &[u8] = include_bytes!("../corpus/openpgp_keyring/signer.asc");
const SIGNED: &[u8] = b"what the key of the corpus signed\n";
static RING: LazyLock<Keyring> = LazyLock::new(|| Keyring::parse(KEY).unwrap());

pub fn keyring(bytes: &[u8]) -> String {
    let ring = Keyring::parse(bytes);
    let Ok(keys) = &ring else { return said(&ring) };
    let signature = include_bytes!("../corpus/openpgp_signature/detached.asc");
    let judged = keys.detached(signature, || Ok(SIGNED));
    if let Ok(by) = &judged {
        assert!(RING.fingerprints().iter().any(|own| own == by), "{by} is believed");
    }
    format!("{} {}", keys.fingerprints().len().min(4), said(&judged))
}

pub fn signature(bytes: &[u8]) -> String {
    let forged = RING.detached(bytes, || Ok(&b"what it never signed"[..]));
    assert!(forged.is_err(), "a forgery is believed");
    format!("{} {}", said(&claimed(bytes)), said(&RING.detached(bytes, || Ok(SIGNED))))
}

pub fn cleartext(bytes: &[u8]) -> String {
    let read = RING.cleartext(&text(bytes));
    if let Ok((signed, _)) = &read {
        assert_eq!(signed.trim_end(), "Suite: stable", "other text is believed");
    }
    said(&read)
}

pub fn minisign(bytes: &[u8]) -> String {
    let text = text(bytes);
    let (key, signature) = text.split_once("--\n").unwrap_or(("", &text));
    said(&Generation::verify(b"format = 1\n", signature, key))
}
