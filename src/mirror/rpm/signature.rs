//! Who signed a package: a signature of its header, whose digest of the payload is checked, or of both together.
//! A signature of the header alone says nothing of the payload and does not count.
//! Not here: which keys a site trusts.

use super::header::{self, Headers};
use crate::openpgp::{self, Fingerprint, Keyring, claimed};
use std::fs::File;
use std::io::{self, Cursor, Seek, SeekFrom};
use std::path::Path;
use words::digest::Sha256;

/// Signatures of the header, RSA or EdDSA and DSA.
const OF_HEADER: [u32; 2] = [268, 267];
/// Signatures of header and payload, which old packages bear.
const OF_BOTH: [u32; 2] = [1002, 1005];
/// In the package's own header: the digest of the payload, and its kind.
const PAYLOAD_DIGEST: u32 = 5092;
const PAYLOAD_DIGEST_KIND: u32 = 5093;
const SHA256: u64 = 8;

/// Why a package's signature does not count.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be read.
    #[error("its file cannot be read")]
    Read(#[source] io::Error),
    /// It is no package.
    #[error("its headers cannot be read")]
    Header(#[from] header::Error),
    /// Nobody trusted signed it.
    #[error("its signature is refused")]
    Signature(#[from] openpgp::Error),
    /// The payload is another one than the signed header says.
    #[error("its signed header says another SHA-256 of the payload")]
    Payload,
    /// Nothing ties the payload to the signature.
    #[error("its signature is of the header alone, and that does not say the payload's SHA-256")]
    HeaderAlone,
}

/// Who of the trusted signed a package; none if it bears no signature.
pub fn verify(file: &Path, headers: &Headers, keys: &Keyring) -> Result<Option<Fingerprint>, Error> {
    let open = |from: u64| {
        let mut file = File::open(file)?;
        file.seek(SeekFrom::Start(from))?;
        Ok::<File, io::Error>(file)
    };
    let of = |tags: [u32; 2]| tags.into_iter().find_map(|tag| headers.signature.bytes(tag));
    if let Some(signature) = of(OF_BOTH).filter(|_| of(OF_HEADER).is_none() || payload_digest(headers).is_none()) {
        return Ok(Some(keys.detached(signature, || open(headers.start))?));
    }
    let Some(signature) = of(OF_HEADER) else { return Ok(None) };
    let said = payload_digest(headers).ok_or(Error::HeaderAlone)?;
    let by = keys.detached(signature, || Ok(Cursor::new(&headers.signed)))?;
    let mut payload = open(headers.end()).map_err(Error::Read)?;
    let (found, _) = Sha256::of_reader(&mut payload).map_err(Error::Read)?;
    if found == said { Ok(Some(by)) } else { Err(Error::Payload) }
}

fn payload_digest(headers: &Headers) -> Option<Sha256> {
    let own = &headers.package;
    own.number(PAYLOAD_DIGEST_KIND).filter(|kind| *kind == SHA256)?;
    own.text(PAYLOAD_DIGEST)?.parse().ok()
}

/// Who says to have signed a package, unverified.
pub fn signer(headers: &Headers) -> Option<Fingerprint> {
    let tags = OF_HEADER.into_iter().chain(OF_BOTH);
    tags.filter_map(|tag| headers.signature.bytes(tag)).find_map(|bytes| claimed(bytes).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpm::header::tests::{REAL, small};

    fn checked(bytes: &[u8]) -> Result<Option<Fingerprint>, Error> {
        let keys = Keyring::parse(include_bytes!("../../../tests/fixtures/rpm/vendor.asc")).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.rpm");
        std::fs::write(&path, bytes).unwrap();
        verify(&path, &Headers::read(bytes)?, &keys)
    }

    #[test]
    fn a_signature_is_of_header_and_payload_together() {
        let by = checked(REAL).unwrap().unwrap();
        let read = Headers::read(REAL).unwrap();
        assert!(signer(&read).unwrap().agrees(&by));
        let changed = |at: u64| {
            let mut bytes = REAL.to_vec();
            bytes[at as usize] ^= 1;
            checked(&bytes)
        };
        assert!(matches!(changed(read.end() + 5), Err(Error::Payload)));
        assert!(matches!(changed(read.end() - 5), Err(Error::Signature(openpgp::Error::Wrong { .. }))));
        assert!(matches!(checked(&REAL[..REAL.len() - 1]), Err(Error::Payload)));
        assert!(matches!(checked(&small()), Ok(None)), "an unsigned package is no forged one");
    }
}
