//! The part of the manager's file that says how it is reached besides its socket: listeners, tokens, and how much one caller
//! may ask.
//! Not here: the rest of the file, and listening.

use super::listener::{Listener, Tls};
use apps::share::Share;
use std::net::SocketAddr;
use std::path::PathBuf;
use systems::keyring::Pair;
use words::document::Table;
use words::names::{Host, NodePath};

/// Requests of one caller in a minute: PNDA's console asks for all applications at once.
const REQUESTS: u32 = 3000;
/// Connections at a time.
const CONNECTIONS: usize = 1024;

/// How it is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entrances {
    /// Where it answers besides.
    pub listeners: Vec<Listener>,
    /// The file that says who holds which token.
    pub tokens: Option<PathBuf>,
    /// What one user may have.
    pub share: Share,
    /// Requests of one caller in a minute.
    pub requests: u32,
    /// Connections at a time, for each listener.
    pub connections: usize,
}

/// Reads it; a listener with a mistake is told and left out.
pub(super) fn entrances(table: &mut Table<'_>) -> Entrances {
    let (share, requests, connections) = table.table("limits", limits).unwrap_or_else(usual_limits);
    let tokens = table.optional_parsed("tokens", "/etc/pnda/applications/tokens", NodePath::new);
    let tls = table.table("tls", tls).flatten();
    let api = table.table("api", |table| listener(table, tls.as_ref(), false)).flatten();
    let pnda = table.table("pnda", |table| listener(table, tls.as_ref(), true)).flatten();
    let listeners = api.into_iter().chain(pnda).collect();
    Entrances { listeners, tokens: tokens.map(|file| file.as_str().into()), share, requests, connections }
}

/// What one user may have, his requests in a minute, and connections.
fn limits(table: &mut Table<'_>) -> (Share, u32, usize) {
    let (usual, requests, connections) = usual_limits();
    let share = Share {
        applications: table.number("applications", 1..=100_000).map_or(usual.applications, |most| most as usize),
        waiting: table.number("waiting", 1..=100_000).map_or(usual.waiting, |most| most as usize),
        orders: table.number("orders_a_minute", 1..=1_000_000).map_or(usual.orders, |most| most as u32),
        uploads: table.number("upload_bytes", 1 << 20..=1 << 50).unwrap_or(usual.uploads),
    };
    let requests = table.number("requests_a_minute", 60..=1_000_000).map_or(requests, |most| most as u32);
    let connections = table.number("connections", 16..=100_000).map_or(connections, |most| most as usize);
    (share, requests, connections)
}

fn usual_limits() -> (Share, u32, usize) {
    (Share::default(), REQUESTS, CONNECTIONS)
}

fn tls(table: &mut Table<'_>) -> Option<Tls> {
    let path = |path: NodePath| PathBuf::from(path.as_str());
    let certificate = table.parsed("certificate", "/etc/pnda/applications/certificate.pem", NodePath::new);
    let key = table.parsed("key", "/etc/pnda/applications/key.pem", NodePath::new);
    let clients = table.optional_parsed("clients", "/etc/pnda/applications/clients.pem", NodePath::new);
    Some(Tls { pair: Pair { certificate: path(certificate?), key: path(key?) }, clients: clients.map(path) })
}

/// Without TLS only on loopback: a token or an answer must not be read on its way.
fn listener(table: &mut Table<'_>, files: Option<&Tls>, open: bool) -> Option<Listener> {
    let wants_tls = table.flag("tls", false);
    let address = |text: String| -> Result<SocketAddr, String> {
        let address: SocketAddr = text.parse().map_err(|_| format!("`{text}` is not an IP address with a port"))?;
        match (wants_tls, files) {
            (true, None) => Err("TLS is wanted here, and there is no [tls] with a certificate and a key".to_owned()),
            (false, _) if !address.ip().to_canonical().is_loopback() => {
                Err(format!("`{text}` is reached by others, and that takes `tls = true`"))
            }
            _ => Ok(address),
        }
    };
    let listen = table.parsed("listen", "127.0.0.1:5000", address);
    let host = table.optional_parsed("host", "edge", Host::new);
    Some(Listener { listen: listen?, tls: files.filter(|_| wants_tls).cloned(), open, host })
}

#[cfg(test)]
mod tests {
    use super::*;
    use words::document::read;
    use words::problem::Source;

    fn told(text: &str) -> Result<Entrances, String> {
        let source = Source { file: "applications.toml", text };
        read(source, |table| Some(entrances(table))).map_err(|problems| problems.to_string())
    }

    #[test]
    fn nothing_listens_unless_it_is_told_to_and_plainly_on_loopback_alone() {
        let usual = told("").unwrap();
        assert_eq!((usual.listeners, usual.requests, usual.share), (Vec::new(), REQUESTS, Share::default()));
        let plain = told("[pnda]\nlisten = \"[::1]:5000\"\nhost = \"edge\"\n").unwrap().listeners;
        assert!(plain[0].tls.is_none() && plain[0].open && plain[0].host.is_some());
        for address in ["0.0.0.0:5000", "10.0.0.1:5000", "[::]:5000"] {
            let told = told(&format!("[pnda]\nlisten = \"{address}\"\n")).unwrap_err();
            assert!(told.starts_with(&format!("applications.toml:2: `{address}` is reached by others")), "{told}");
        }
        let tls = "[tls]\ncertificate = \"/c\"\nkey = \"/k\"\n[api]\ntls = true\nlisten = \"0.0.0.0:5443\"\n";
        assert!(told(tls).unwrap().listeners[0].tls.is_some());
    }

    #[test]
    fn every_mistake_is_told_at_once() {
        let text = "tokens = \"tokens\"\n[limits]\napplications = 0\nuploads = 3\n[tls]\nkey = \"/k\"\n\
                    [api]\ntls = true\nlisten = \"localhost:1\"\n[pnda]\ntls = true\n";
        let told = told(text).unwrap_err();
        for part in [
            ":1: ",
            ":3: `applications` is 0",
            ":4: ",
            ":5: [tls] has no `certificate`",
            ":9: `localhost:1`",
            ":10: [pnda] has no `listen`",
        ] {
            assert!(told.contains(&format!("applications.toml{part}")), "{part}: {told}");
        }
    }
}
