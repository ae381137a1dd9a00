//! What servers of ours speak TLS with: a certificate with its key, and whose certificates clients may show.
//! Changed files are taken up while a server runs; files that do not fit together change nothing.
//! Not here: connections, and making certificates.

use rustix::fs::{Stat, stat};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, pem};
use tokio_rustls::rustls::server::{VerifierBuilderError, WebPkiClientVerifier, danger::ClientCertVerifier};
use tokio_rustls::rustls::{self, RootCertStore, ServerConfig};

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file is not what it should be.
    #[error("{} holds no {what} in PEM", path.display())]
    Pem { what: &'static str, path: PathBuf, source: pem::Error },
    /// The two do not belong together, or use something that is not supported.
    #[error("the certificate {} and the key {} cannot be used", certificate.display(), key.display())]
    Pair { certificate: PathBuf, key: PathBuf, source: rustls::Error },
    /// Nobody could be verified with them.
    #[error("the certificates in {} vouch for nobody", path.display())]
    Authority { path: PathBuf, source: VerifierBuilderError },
}

/// A certificate with its chain, and its key; both in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The certificate, then what signed it.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// What connections are accepted with, for as long as the files stay as they are.
pub struct Keyring {
    pair: Pair,
    /// Who vouches for clients; none: clients show no certificate.
    clients: Option<PathBuf>,
    protocols: Vec<Vec<u8>>,
    now: Mutex<(Seen, Arc<ServerConfig>)>,
}

/// What tells a changed file from the one that was read.
type Seen = Vec<Option<(u64, i64, u64)>>;

impl Keyring {
    /// Reads the files. `protocols` are those that are offered, as in `http/1.1`.
    pub fn open(pair: Pair, clients: Option<PathBuf>, protocols: &[&str]) -> Result<Keyring, Error> {
        let protocols: Vec<Vec<u8>> = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        let now = Mutex::new((seen(&pair, clients.as_ref()), config(&pair, clients.as_ref(), &protocols)?));
        Ok(Keyring { pair, clients, protocols, now })
    }

    /// What a new connection is accepted with.
    pub fn config(&self) -> Arc<ServerConfig> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner).1.clone()
    }

    /// Takes up the files if they have changed; says whether. An error leaves what was there.
    pub fn renew(&self) -> Result<bool, Error> {
        let found = seen(&self.pair, self.clients.as_ref());
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if now.0 == found {
            return Ok(false);
        }
        // Files that do not fit are not tried again before one of them changes.
        now.0 = found;
        now.1 = config(&self.pair, self.clients.as_ref(), &self.protocols)?;
        Ok(true)
    }
}

fn seen(pair: &Pair, clients: Option<&PathBuf>) -> Seen {
    let key = |found: Stat| (found.st_ino as _, found.st_mtime, found.st_mtime_nsec as _);
    let files = [&pair.certificate, &pair.key].into_iter().chain(clients);
    files.map(|path| stat(path).ok().map(key)).collect()
}

/// All certificates of a file; one at least.
pub fn chain(path: &PathBuf) -> Result<Vec<CertificateDer<'static>>, Error> {
    let failed = |source| Error::Pem { what: "certificate", path: path.clone(), source };
    let found = CertificateDer::pem_file_iter(path).map_err(failed)?;
    let chain = found.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    if chain.is_empty() { Err(failed(pem::Error::NoItemsFound)) } else { Ok(chain) }
}

fn config(pair: &Pair, clients: Option<&PathBuf>, protocols: &[Vec<u8>]) -> Result<Arc<ServerConfig>, Error> {
    let no_key = |source| Error::Pem { what: "private key", path: pair.key.clone(), source };
    let key = PrivateKeyDer::from_pem_file(&pair.key).map_err(no_key)?;
    let unusable = |source| Error::Pair { certificate: pair.certificate.clone(), key: pair.key.clone(), source };
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(unusable)?;
    let config = match clients {
        None => config.with_no_client_auth(),
        Some(path) => config.with_client_cert_verifier(verifier(path)?),
    };
    let mut config = config.with_single_cert(chain(&pair.certificate)?, key).map_err(unusable)?;
    config.alpn_protocols = protocols.to_vec();
    Ok(Arc::new(config))
}

/// Clients may show no certificate at all; one that is shown must be vouched for.
fn verifier(path: &PathBuf) -> Result<Arc<dyn ClientCertVerifier>, Error> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(chain(path)?);
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::new(default_provider()))
        .allow_unauthenticated()
        .build()
        .map_err(|source| Error::Authority { path: path.clone(), source })
}
