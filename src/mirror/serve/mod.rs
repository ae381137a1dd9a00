//! Serves a mirror: HTTP/1.1 and 2, ranges, conditions, compressed metadata, TLS; read-only, as any web server does it.
//! A thread of its own runs it; it is told to stop or to look at its files anew from outside.
//! Not here: what is served, and signals.

use connection::Door;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::sync::watch;

mod access;
mod answer;
mod body;
mod condition;
mod connection;
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

/// Clients at a time unless told: a few for each node of a large cluster.
pub const CONNECTIONS: usize = 4096;
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
    Tls(#[from] tls::Error),
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
    /// Clients at a time; more wait.
    pub connections: usize,
    /// With TLS, and nothing else.
    pub tls: Option<tls::Pair>,
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
    Settings { mirror: mirror.to_owned(), listen: address, connections: CONNECTIONS, tls: None, log: None }.start()
}

impl Settings {
    /// Starts serving in a thread of its own.
    pub fn start(self) -> Result<Server, Error> {
        let address = self.listen;
        let mirror = pinned::Mirror::new(&self.mirror);
        mirror.pin().map_err(|source| Error::NoMirror { path: self.mirror.clone(), source })?;
        let keyring = self.tls.map(tls::Keyring::open).transpose()?;
        let log = self.log.map(access::Log::open).transpose().map_err(Error::Log)?.map(Arc::new);
        let door = Arc::new(Door { mirror, keyring, log, connections: self.connections.max(1) });
        let listener = std::net::TcpListener::bind(address).map_err(|source| Error::Listen { address, source })?;
        listener.set_nonblocking(true).map_err(Error::Start)?;
        let address = listener.local_addr().map_err(Error::Start)?;
        let threads =
            std::thread::available_parallelism().map_or(LEAST_THREADS, |cores| cores.get().max(LEAST_THREADS));
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(threads).enable_all().build().map_err(Error::Start)?;
        let entered = runtime.enter();
        let listener = tokio::net::TcpListener::from_std(listener).map_err(Error::Start)?;
        drop(entered);
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
        self.door.keyring.as_ref().map(tls::Keyring::renew).transpose()?;
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
