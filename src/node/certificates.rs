//! The certificate that a node is to have: whether it is of the node's name, its key and its authority, before anything changes.
//! Only what can never work is refused; what another program may yet accept, such as an algorithm or a use, is left to that
//! program. One that has ended is not refused either: a node is installed for other reasons too.
//! Not here: where the three files come from, or making any.

use std::time::{SystemTime, UNIX_EPOCH};
use tokio_rustls::rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use tokio_rustls::rustls::crypto::ring::{default_provider, sign::any_supported_type};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::{CertificateError, Error as TlsError, RootCertStore};

/// What cannot work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no certificate in the file.
    #[error("{folder}/certificate.pem would be no certificate (PEM): bring the one of this node")]
    None { folder: String },
    /// It is another node's.
    #[error(
        "{folder}/certificate.pem would not have the name {node}: ask the authority for a certificate with it as DNS name, or \
         make one with `pnda cluster certificates`"
    )]
    Name { folder: String, node: String },
    /// The key belongs to another certificate.
    #[error("{folder}/key.pem would not be the key of the certificate beside it: bring both of one pair")]
    Key { folder: String },
    /// Nobody would believe it.
    #[error(
        "nobody in {folder}/authority.pem vouches for the certificate beside it: bring the authority's certificate that all \
         nodes have, and those between behind the node's own"
    )]
    Authority { folder: String },
}

/// The three files of a node, in PEM.
pub(super) struct Brought<'a> {
    /// Where they would lie.
    pub(super) folder: &'a str,
    pub(super) key: &'a [u8],
    pub(super) certificate: &'a [u8],
    pub(super) authority: &'a [u8],
}

impl Brought<'_> {
    /// Whether a node can show who it is with them.
    pub(super) fn fit(&self, node: &str) -> Result<(), Error> {
        let folder = || self.folder.to_owned();
        let chain = CertificateDer::pem_slice_iter(self.certificate).collect::<Result<Vec<_>, _>>().unwrap_or_default();
        let Some((first, between)) = chain.split_first() else { return Err(Error::None { folder: folder() }) };
        let parsed = ParsedCertificate::try_from(first).map_err(|_| Error::None { folder: folder() })?;
        if !has_name(first, &parsed, node) {
            return Err(Error::Name { folder: folder(), node: node.to_owned() });
        }
        if self.has_another_key(&parsed) {
            return Err(Error::Key { folder: folder() });
        }
        match self.is_strange(&parsed, between) {
            true => Err(Error::Authority { folder: folder() }),
            false => Ok(()),
        }
    }

    fn has_another_key(&self, parsed: &ParsedCertificate<'_>) -> bool {
        let key = PrivateKeyDer::from_pem_slice(self.key).ok().and_then(|key| any_supported_type(&key).ok());
        let public = key.as_ref().and_then(|key| key.public_key());
        public.is_some_and(|public| public.as_ref() != parsed.subject_public_key_info().as_ref())
    }

    fn is_strange(&self, parsed: &ParsedCertificate<'_>, between: &[CertificateDer<'_>]) -> bool {
        let mut roots = RootCertStore::empty();
        for root in CertificateDer::pem_slice_iter(self.authority) {
            // One that only others can read may be who vouches.
            let Ok(Ok(())) = root.map(|root| roots.add(root)) else { return false };
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let algorithms = default_provider().signature_verification_algorithms.all;
        let now = UnixTime::since_unix_epoch(now);
        let verified = verify_server_cert_signed_by_trust_anchor(parsed, &roots, between, now, algorithms);
        let strange = [CertificateError::UnknownIssuer, CertificateError::BadSignature];
        matches!(verified, Err(TlsError::InvalidCertificate(why)) if strange.contains(&why))
    }
}

/// Whether a certificate has a name, as DNS name or, which rsyslog takes too, as common name.
fn has_name(certificate: &CertificateDer<'_>, parsed: &ParsedCertificate<'_>, node: &str) -> bool {
    // The mark of a common name (2.5.4.3); behind it the kind of text, its length, and the text.
    const COMMON_NAME: [u8; 5] = [0x06, 0x03, 0x55, 0x04, 0x03];
    let common = |at: usize| {
        let text = certificate.get(at + COMMON_NAME.len() + 1..);
        text.and_then(|text| text.strip_prefix(&[u8::try_from(node.len()).ok()?]))
            .is_some_and(|text| text.starts_with(node.as_bytes()))
    };
    let mut places = certificate.windows(COMMON_NAME.len()).enumerate().filter(|(_, bytes)| *bytes == COMMON_NAME);
    ServerName::try_from(node).is_ok_and(|name| verify_server_name(parsed, &name).is_ok())
        || places.any(|(at, _)| common(at))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair};

    /// An authority, and what it signs.
    pub(crate) struct Site {
        name: String,
        key: KeyPair,
        pub(crate) authority: String,
    }

    impl Site {
        pub(crate) fn new(name: &str) -> Site {
            let mut params = CertificateParams::default();
            params.distinguished_name = common(name);
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            let key = KeyPair::generate().unwrap();
            let authority = params.self_signed(&key).unwrap().pem();
            Site { name: name.to_owned(), key, authority }
        }

        /// A key and a certificate for a common name and DNS names.
        pub(crate) fn pair(&self, common_name: &str, names: &[&str]) -> (String, String) {
            let mut issuer = CertificateParams::default();
            issuer.distinguished_name = common(&self.name);
            let issuer = Issuer::new(issuer, &self.key);
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let mut params = CertificateParams::new(names).unwrap();
            params.distinguished_name = common(common_name);
            let key = KeyPair::generate().unwrap();
            let certificate = params.signed_by(&key, &issuer).unwrap().pem();
            (key.serialize_pem(), certificate)
        }
    }

    fn common(name: &str) -> DistinguishedName {
        let mut common = DistinguishedName::new();
        common.push(DnType::CommonName, name);
        common
    }

    fn fit(node: &str, pair: &(String, String), authority: &str) -> Result<(), Error> {
        let (key, certificate) = (pair.0.as_bytes(), pair.1.as_bytes());
        Brought { folder: "/tls", key, certificate, authority: authority.as_bytes() }.fit(node)
    }

    #[test]
    fn a_certificate_is_of_the_node_its_key_and_its_authority() {
        let (site, other) = (Site::new("site"), Site::new("other"));
        let pair = site.pair("x", &["edge-1", "192.0.2.1"]);
        assert!(fit("edge-1", &pair, &site.authority).is_ok());
        assert!(fit("edge-1", &pair, &format!("{}{}", other.authority, site.authority)).is_ok());
        assert!(fit("edge-1", &site.pair("edge-1", &[]), &site.authority).is_ok(), "a common name is a name too");
        assert!(matches!(fit("edge", &pair, &site.authority), Err(Error::Name { .. })));
        assert!(matches!(fit("edge", &site.pair("edge-1", &[]), &site.authority), Err(Error::Name { .. })));
        let mixed = (site.pair("x", &["edge-1"]).0, pair.1.clone());
        assert!(matches!(fit("edge-1", &mixed, &site.authority), Err(Error::Key { .. })));
        for strange in [&other, &Site::new("site")] {
            assert!(matches!(fit("edge-1", &pair, &strange.authority), Err(Error::Authority { .. })));
        }
        for none in ["", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"] {
            assert!(matches!(fit("edge-1", &(pair.0.clone(), none.into()), &site.authority), Err(Error::None { .. })));
        }
    }
}
