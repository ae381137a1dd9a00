//! The HTTP client for services of our own site: one short deadline for everything, no proxy, no redirect, no retry.
//! A probe that follows a redirect or asks a proxy would report on somebody else.
//! Not here: downloads, which are patient; see `http`.

use super::http::certificates;
use std::io;
use std::path::Path;
use std::time::Duration;
use ureq::tls::{RootCerts, TlsConfig};

/// A client whose calls end within `deadline`, name resolution and body included.
pub fn client(deadline: Duration) -> ureq::Agent {
    believing(deadline, RootCerts::PlatformVerifier)
}

/// The same that believes the certificates of a file (PEM) and no others.
pub fn client_of(deadline: Duration, authority: &Path) -> io::Result<ureq::Agent> {
    Ok(believing(deadline, RootCerts::from(certificates(authority)?)))
}

fn believing(deadline: Duration, roots: RootCerts) -> ureq::Agent {
    let tls = TlsConfig::builder().root_certs(roots).build();
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .proxy(None)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .user_agent(concat!("pnda-agent/", env!("CARGO_PKG_VERSION")))
        .accept_encoding("identity")
        .timeout_global(Some(deadline))
        // A connection of the last round may be half open by now; a fresh one costs nothing on a local network.
        .max_idle_connections(0)
        .tls_config(tls)
        .build();
    config.into()
}

/// What kind of failure an error of the client is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nobody is there: refused, unreachable, or the name is not known.
    Unreachable,
    /// The deadline passed.
    Late,
    /// Somebody is there and it broke off or speaks no HTTP.
    Broken,
}

/// Sorts an error of the client.
pub fn fault(error: &ureq::Error) -> Fault {
    match error {
        ureq::Error::Timeout(_) => Fault::Late,
        ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => Fault::Unreachable,
        ureq::Error::Io(error) => fault_of_io(error),
        _ => Fault::Broken,
    }
}

/// What can only happen on a connection is a broken one; all else, a failing resolver or a firewall too, is none.
fn fault_of_io(error: &io::Error) -> Fault {
    use io::ErrorKind::*;
    match error.kind() {
        TimedOut | WouldBlock => Fault::Late,
        ConnectionReset | ConnectionAborted | BrokenPipe | UnexpectedEof | InvalidData => Fault::Broken,
        _ => Fault::Unreachable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resolver_that_fails_is_nobody_there() {
        let lookup = io::Error::other("failed to lookup address information: Temporary failure in name resolution");
        assert_eq!(fault(&ureq::Error::Io(lookup)), Fault::Unreachable);
        assert_eq!(fault(&ureq::Error::Io(io::ErrorKind::PermissionDenied.into())), Fault::Unreachable);
        assert_eq!(fault(&ureq::Error::Io(io::ErrorKind::ConnectionReset.into())), Fault::Broken);
        assert_eq!(fault(&ureq::Error::Io(io::ErrorKind::TimedOut.into())), Fault::Late);
    }
}
