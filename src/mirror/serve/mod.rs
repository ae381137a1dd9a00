//! Serves a mirror: HTTP/1.1 and 2, ranges, conditions, compressed metadata, TLS; read-only, as any web server does it.
//! A thread of its own runs it; it is told to stop or to look at its files anew from outside.
//! Not here: what is served, and signals.

use connection::Door;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use systems::hostnames::Hostnames;
use systems::keyring::{self, Keyring, Pair};
use systems::places::Limits;
use tokio::sync::watch;
use words::names::Host;

mod access;
mod answer;
mod body;
mod condition;
mod connection;
mod delivery;
mod form;
mod kept;
mod listing;
mod media;
mod negotiate;
mod pinned;
mod range;
mod road;
mod target;
pub mod tls;
pub mod unit;

pub use access::Place as LogPlace;

/// Connections at a time unless told: a few for each node of a large cluster.
pub const CONNECTIONS: usize = 4096;
/// Open files that are not for clients.
const OTHER_FILES: usize = 256;
/// A read from a slow disk holds one thread; the others go on.
const LEAST_THREADS: usize = 4;

/// Why nothing is served.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no mirror.
    #[error("{} holds no published generation; run `pnda mirror build` first", path.display())]
    NoMirror { path: PathBuf, source: io::Error },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen { address: SocketAddr, source: io::Error },
    /// The machine does not give what a server needs.
    #[error("cannot start the server")]
    Start(#[source] io::Error),
    /// The certificate or its key.
    #[error("cannot serve over TLS")]
    Tls(#[from] keyring::Error),
    /// The access log.
    #[error("cannot write the access log")]
    Log(#[source] io::Error),
    /// A thread that should have served has ended by itself.
    #[error("the server has failed; please report what stands above")]
    Failed,
}

/// What is served, where and how.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The mirror's folder.
    pub mirror: PathBuf,
    /// Where to listen; port 0 takes one that is free.
    pub listen: SocketAddr,
    /// Names by which it may be asked while it listens on loopback, besides the usual.
    pub names: Vec<Host>,
    /// How many connections there may be, and how long they may do nothing.
    pub limits: Limits,
    /// With TLS, and nothing else.
    pub tls: Option<Pair>,
    /// Where each answer is noted.
    pub log: Option<LogPlace>,
}

/// A server that is bound and runs until it is dropped or told to stop.
pub struct Server {
    /// Where it listens; the port is the real one if 0 was asked for.
    pub address: SocketAddr,
    door: Arc<Door>,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

/// Serves a mirror over plain HTTP, in a thread of its own.
pub fn start(mirror: &Path, address: SocketAddr) -> Result<Server, Error> {
    let limits = limits(CONNECTIONS, share(CONNECTIONS));
    Settings { mirror: mirror.to_owned(), listen: address, names: Vec::new(), limits, tls: None, log: None }.start()
}

/// The limits of a server with so many connections, and so many for one client's address.
pub fn limits(connections: usize, share: usize) -> Limits {
    Limits {
        places: connections.max(1),
        share: share.max(1),
        reserve: connections / 16,
        first: Duration::from_secs(5),
        kept: Duration::from_secs(15),
        still: Duration::from_secs(60),
    }
}

/// Connections of one client's address unless told: enough for some dozens of nodes behind one.
pub fn share(connections: usize) -> usize {
    connections.div_ceil(8)
}

/// Files that are open at most: sockets, what is sent over them, and the rest.
pub fn files(connections: usize) -> usize {
    3 * connections + OTHER_FILES
}

/// Connections at most, where so many files may be open.
pub fn connections(files: usize) -> usize {
    files.saturating_sub(OTHER_FILES) / 3
}

impl Settings {
    /// Starts serving in a thread of its own.
    pub fn start(self) -> Result<Server, Error> {
        let address = self.listen;
        let mirror = pinned::Mirror::new(&self.mirror);
        mirror.pin().map_err(|source| Error::NoMirror { path: self.mirror.clone(), source })?;
        let keyring = self.tls.map(|pair| Keyring::open(pair, None, &["h2", "http/1.1"])).transpose()?;
        let log = self.log.map(access::Log::open).transpose().map_err(Error::Log)?.map(Arc::new);
        let names = Hostnames::new(address.ip(), &self.names);
        let door = Arc::new(Door { mirror, keyring, log, limits: self.limits, names });
        let threads =
            std::thread::available_parallelism().map_or(LEAST_THREADS, |cores| cores.get().max(LEAST_THREADS));
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(threads).enable_all().build().map_err(Error::Start)?;
        let listener = runtime.block_on(tokio::net::TcpListener::bind(address));
        let listener = listener.map_err(|source| Error::Listen { address, source })?;
        let address = listener.local_addr().map_err(Error::Start)?;
        let (stop, stopped) = watch::channel(false);
        let serving = door.clone();
        let thread = std::thread::Builder::new().name("serve".into()).spawn(move || {
            runtime.block_on(connection::run(listener, serving, stopped));
            runtime.shutdown_background();
        });
        Ok(Server { address, door, stop, thread: Some(thread.map_err(Error::Start)?) })
    }
}

impl Server {
    /// Looks anew at the certificate and opens the access log again.
    pub fn renew(&self) -> Result<(), Error> {
        self.door.log.as_ref().map(|log| log.reopen()).transpose().map_err(Error::Log)?;
        self.door.keyring.as_ref().map(Keyring::renew).transpose()?;
        Ok(())
    }

    /// Accepts nobody any more, and returns when what was under way is done, at the latest after half a minute.
    pub fn stop(mut self) -> Result<(), Error> {
        self.stop.send_replace(true);
        self.thread.take().map_or(Ok(()), JoinHandle::join).map_err(|_| Error::Failed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Open downloads are not waited for: the thread ends with the program.
        self.stop.send_replace(true);
    }
}
