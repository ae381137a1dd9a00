//! How a site reaches the web: patience, bounds, proxies, certificate authorities, credentials; values only.
//! Credentials never show: neither printed nor in errors.
//! Not here: which sources there are.

use super::pace::Slowest;
use super::proxy::Proxies;
use percent_encoding::percent_decode_str;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;
use url::Url;

/// How patient to be.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Tries without any progress before giving up.
    pub tries: u32,
    /// The first wait; it doubles each time.
    pub first_wait: Duration,
    /// How long to wait for a connection, an answer, or the next bytes.
    pub silence: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience { tries: 5, first_wait: Duration::from_millis(500), silence: Duration::from_secs(60) }
    }
}

/// How large files are divided.
#[derive(Debug, Clone, Copy)]
pub struct Split {
    /// Files of at least so many bytes come over several connections.
    pub from: u64,
    /// A piece has at least so many bytes.
    pub piece: u64,
    /// Connections for one file.
    pub connections: usize,
}

impl Default for Split {
    fn default() -> Split {
        Split { from: 64 << 20, piece: 16 << 20, connections: 4 }
    }
}

/// How many requests are made at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// To one host, each on a connection of its own.
    pub per_host: usize,
    /// To one host, all on one connection (HTTP/2).
    pub streams: usize,
    /// To all hosts together, each on a connection of its own.
    pub at_once: usize,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds { per_host: 6, streams: 32, at_once: 16 }
    }
}

impl Bounds {
    /// So many to one host, however they go.
    pub fn of_host(self, most: usize) -> Bounds {
        Bounds { per_host: most, streams: most, ..self }
    }
}

/// Everything about a client that is a matter of the site.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// How patient to be.
    pub patience: Patience,
    /// The least that a connection must bring.
    pub slowest: Slowest,
    /// How large files are divided.
    pub split: Split,
    /// How many requests are made at a time.
    pub bounds: Bounds,
    /// Bytes a second that all connections together may bring.
    pub max_rate: Option<u64>,
    /// Files of certificates (PEM) that are trusted besides the machine's own.
    pub authorities: Vec<PathBuf>,
    /// The proxies of the environment.
    pub proxies: Proxies,
}

impl Options {
    /// What the environment says: `http_proxy` and its kin, and in `PNDA_CA_FILE` a file of certificates.
    pub fn from_environment(environment: &BTreeMap<String, String>) -> Options {
        let authorities = environment.get("PNDA_CA_FILE").filter(|file| !file.is_empty());
        Options {
            authorities: authorities.map(PathBuf::from).into_iter().collect(),
            proxies: Proxies::from_environment(environment),
            ..Options::default()
        }
    }
}

/// Who we are to a server.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub(super) user: String,
    pub(super) password: String,
}

impl Credentials {
    /// Those that a URL carries, taken out of it.
    pub fn take(url: &mut Url) -> Option<Credentials> {
        let plain = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let (user, password) = (plain(url.username()), plain(url.password().unwrap_or_default()));
        // Both only fail for addresses without a host, which carry no user either.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        (!user.is_empty() || !password.is_empty()).then_some(Credentials { user, password })
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Credentials(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_leave_the_address_and_never_show() {
        let mut url = Url::parse("https://m%40e:s%3Acret@repo.example/a").unwrap();
        let credentials = Credentials::take(&mut url).unwrap();
        assert_eq!(url.as_str(), "https://repo.example/a");
        assert_eq!((credentials.user.as_str(), credentials.password.as_str()), ("m@e", "s:cret"));
        assert_eq!(format!("{credentials:?}").matches("cret").count(), 0);
        assert_eq!(Credentials::take(&mut url), None);
    }
}
