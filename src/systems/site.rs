//! The HTTP client for services of our own site: one short deadline for everything, no proxy, no redirect, no retry.
//! A probe that follows a redirect or asks a proxy would report on somebody else.
//! Not here: downloads, which are patient; see `http`.

use super::client::{self, Client, Speaks, Trust, certificates};
use std::io;
use std::path::Path;
use std::time::Duration;

/// A client whose calls end within `deadline`, name resolution and body included.
pub fn client(deadline: Duration) -> Client {
    believing(deadline, &Trust::MACHINE)
}

/// The same that believes the certificates of a file (PEM) and no others.
pub fn client_of(deadline: Duration, authority: &Path) -> io::Result<Client> {
    Ok(believing(deadline, &Trust::Only(certificates(authority)?)))
}

fn believing(deadline: Duration, trust: &Trust) -> Client {
    // A connection of the last round may be half open by now; a fresh one costs nothing on a local network.
    let builder = client::builder(trust, Speaks::Http1).timeout(deadline).pool_max_idle_per_host(0);
    Client::new(builder, deadline)
}
