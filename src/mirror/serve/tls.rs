//! TLS: a pair that the server makes for itself once and keeps, where none is given.
//! It is made for the names by which the server is asked; later names are told to be missing.
//! Not here: connections, and reading a pair (`systems::keyring`).

use disk::replace;
use rcgen::{CertificateParams, DnType, KeyPair};
use sha2::{Digest, Sha256};
use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use systems::keyring::{self, Pair, chain};

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The files are not what they should be.
    #[error(transparent)]
    Files(#[from] keyring::Error),
    /// A certificate of our own cannot be made.
    #[error("cannot make a certificate for {}", names.join(", "))]
    Make { names: Vec<String>, source: rcgen::Error },
    /// A file of our own cannot be kept.
    #[error("cannot {what} {}", path.display())]
    Keep { what: &'static str, path: PathBuf, source: io::Error },
}

/// A pair of our own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Own {
    /// Its files.
    pub pair: Pair,
    /// SHA-256 of the certificate, as other tools print it: pairs of digits with colons.
    pub fingerprint: String,
    /// Names that were asked for and that the certificate, made earlier, does not have.
    pub missing: Vec<String>,
}

/// The pair in a folder, made for these names if there is none.
pub fn own(folder: &Path, names: &[String]) -> Result<Own, Error> {
    let pair = Pair { certificate: folder.join("mirror.crt"), key: folder.join("mirror.pem") };
    if !pair.certificate.exists() {
        make(&pair, folder, names)?;
    }
    let read = |source| Error::Keep { what: "read", path: pair.certificate.clone(), source };
    let text = fs::read_to_string(&pair.certificate).map_err(read)?;
    // The names stand above the certificate, where readers of PEM look over them.
    let has: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("name: ")).collect();
    let missing = names.iter().filter(|name| !has.contains(&name.as_str())).cloned().collect();
    let chain = chain(&pair.certificate)?;
    let digest = chain.first().map(Sha256::digest).unwrap_or_default();
    let fingerprint = digest.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":");
    Ok(Own { pair, fingerprint, missing })
}

/// The names of a server that listens at an address: the address, and this machine's name if others may ask.
pub fn names(address: IpAddr) -> Vec<String> {
    let machine = || rustix::system::uname().nodename().to_string_lossy().into_owned();
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    match address {
        address if address.is_loopback() => {}
        address if address.is_unspecified() => names.push(machine()),
        address => names.extend([address.to_string(), machine()]),
    }
    names.sort();
    names.dedup();
    names
}

fn make(pair: &Pair, folder: &Path, names: &[String]) -> Result<(), Error> {
    let failed = |source| Error::Make { names: names.to_vec(), source };
    let unkept = |what, path: &Path| {
        let path = path.to_owned();
        move |source| Error::Keep { what, path, source }
    };
    // It holds from 1975 to 4096: nodes without a way out have no clock that could be trusted.
    let mut params = CertificateParams::new(names).map_err(failed)?;
    params.distinguished_name.push(DnType::CommonName, "pnda mirror");
    let key = KeyPair::generate().map_err(failed)?;
    let certificate = params.self_signed(&key).map_err(failed)?;
    let said: String = names.iter().map(|name| format!("name: {name}\n")).collect();
    fs::create_dir_all(folder).map_err(unkept("make", folder))?;
    // The certificate comes last: where it is, there is a key.
    replace::replace_private(&pair.key, key.serialize_pem().as_bytes()).map_err(unkept("write", &pair.key))?;
    let text = format!("{said}{}", certificate.pem());
    replace::replace(&pair.certificate, text.as_bytes()).map_err(unkept("write", &pair.certificate))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::sync::Arc;
    use systems::keyring::Keyring;

    #[test]
    fn a_pair_is_made_once_and_its_key_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let made = own(folder.path(), &["mirror.example".into(), "127.0.0.1".into()]).unwrap();
        assert_eq!(made.fingerprint.len(), 32 * 3 - 1);
        assert_eq!(fs::metadata(&made.pair.key).unwrap().permissions().mode() & 0o777, 0o600);
        let again = own(folder.path(), &["127.0.0.1".into(), "other.example".into()]).unwrap();
        assert_eq!(again.fingerprint, made.fingerprint);
        assert_eq!((made.missing, again.missing), (vec![], vec!["other.example".to_owned()]));
    }

    #[test]
    fn a_changed_pair_is_taken_up_and_a_broken_one_is_not() {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let pair = own(first.path(), &["a.example".into()]).unwrap().pair;
        let other = own(second.path(), &["a.example".into()]).unwrap().pair;
        let ring = Keyring::open(pair.clone(), None, &[]).unwrap();
        let before = ring.config();
        assert!(!ring.renew().unwrap());
        fs::copy(&other.certificate, &pair.certificate).unwrap();
        assert!(matches!(ring.renew(), Err(keyring::Error::Pair { .. })), "the key is still the old one");
        assert!(Arc::ptr_eq(&before, &ring.config()));
        fs::copy(&other.key, &pair.key).unwrap();
        assert!(ring.renew().unwrap());
        assert!(!Arc::ptr_eq(&before, &ring.config()));
    }

    #[test]
    fn what_is_no_pair_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let pair = Pair { certificate: folder.path().join("c"), key: folder.path().join("k") };
        fs::write(&pair.certificate, "nothing").unwrap();
        let error = Keyring::open(pair, None, &[]).err().unwrap().to_string();
        assert!(error.ends_with("k holds no private key in PEM"), "{error}");
    }

    #[test]
    fn the_names_are_those_that_clients_use() {
        assert_eq!(names("127.0.0.1".parse().unwrap()), ["127.0.0.1", "localhost"]);
        assert!(names("10.7.0.1".parse().unwrap()).contains(&"10.7.0.1".to_owned()));
        assert!(!names("0.0.0.0".parse().unwrap()).contains(&"0.0.0.0".to_owned()));
    }
}
