//! Whose certificates a client believes, as a configuration of TLS: the machine's authorities, more of them, or others alone.
//! The machine's are read once in the life of a program.
//! Not here: certificates of our own servers.

use super::Speaks;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::{fs, io};
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Who vouches for servers.
#[derive(Debug, Clone)]
pub(crate) enum Trust {
    /// Whom the machine trusts, and these.
    Besides(Vec<CertificateDer<'static>>),
    /// These and nobody else.
    Only(Vec<CertificateDer<'static>>),
}

impl Trust {
    /// Whom the machine trusts.
    pub const MACHINE: Trust = Trust::Besides(Vec::new());

    pub(super) fn config(&self, speaks: Speaks) -> ClientConfig {
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider speaks these versions");
        let mut config = builder.with_root_certificates(self.roots()).with_no_client_auth();
        let versions: &[&[u8]] = if speaks == Speaks::Http2 { &[b"h2", b"http/1.1"] } else { &[b"http/1.1"] };
        config.alpn_protocols = versions.iter().map(|version| version.to_vec()).collect();
        config
    }

    fn roots(&self) -> Arc<RootCertStore> {
        let (mut roots, more) = match self {
            Trust::Besides(more) if more.is_empty() => return machine().clone(),
            Trust::Besides(more) => (RootCertStore::clone(machine()), more),
            Trust::Only(all) => (RootCertStore::empty(), all),
        };
        roots.add_parsable_certificates(more.iter().cloned());
        Arc::new(roots)
    }
}

fn machine() -> &'static Arc<RootCertStore> {
    static MACHINE: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    MACHINE.get_or_init(|| {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Arc::new(roots)
    })
}

/// The certificates of a file (PEM).
pub(crate) fn certificates(path: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let bytes = fs::read(path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let found = found.map_err(|error| io::Error::other(error.to_string()))?;
    if found.is_empty() { Err(io::Error::other("it holds no certificate")) } else { Ok(found) }
}
