//! The service: its local socket, whose peer the machine vouches for, and the listeners that the configuration names.
//! Each connection asks once; places on the socket are few, and one user has a share of them.
//! Not here: listeners on the network, and what is answered.

use super::caller::Peer;
use super::config::Config;
use super::gate::{DESKS, Gate};
use super::house::House;
use super::listener::{self, Listener};
use super::streams::{READERS, tell_of_news};
use super::tokens::Tokens;
use crate::ending::Signals;
use crate::log::{self, Level};
use crate::systemd::{self, Watchdog};
use apps::manager::{self, Manager};
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::collections::HashMap;
use std::convert::Infallible;
use std::fs::{self, Permissions};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use systems::keyring::{self, Keyring};
use systems::places::Limits;
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};
use words::chain::chain;

/// Connections at a time, of all and of one user.
const PLACES: usize = 64;
const SHARE: usize = 16;
/// Of these, what is kept for users who hold none.
const RESERVE: usize = 16;
/// From the beginning of a connection to the head of its request.
const FIRST: Duration = Duration::from_secs(5);
/// From the beginning of a connection to the end of its answer; a large package on a slow disk takes minutes.
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// What a head may have.
const HEAD_BYTES: usize = 16 * 1024;
/// The wait after a failed accept, which means that there are no more descriptors.
const RECOVER: Duration = Duration::from_millis(500);
/// The thread that talks to YARN and HDFS does TLS, too.
const STACK: usize = 1024 * 1024;

/// Why the manager does not run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The machine does not give what an event loop needs.
    #[error("cannot start the manager's event loop")]
    Start(#[source] io::Error),
    /// Somebody else has the socket, or it cannot be made.
    #[error("cannot listen on {}", socket.display())]
    Listen { socket: PathBuf, source: io::Error },
    /// An address is taken, or is none of this machine.
    #[error("cannot listen on {address}")]
    Address { address: SocketAddr, source: io::Error },
    /// The certificate or its key.
    #[error("cannot speak TLS")]
    Tls(#[from] keyring::Error),
    /// The file of tokens.
    #[error("nobody could be known by a token: {0}")]
    Tokens(String),
    /// Another manager answers there.
    #[error("another manager answers on {} already", .0.display())]
    Taken(PathBuf),
    /// Orders would be taken, and nothing would follow.
    #[error("the rounds of the manager have ended, which they never should; please report what stands above")]
    Ended,
    /// It cannot be set up.
    #[error(transparent)]
    Manager(#[from] manager::Error),
}

/// Runs until SIGTERM or SIGINT. Nothing is lost with it: everything is in the journal.
pub fn run(config: Config) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .thread_stack_size(STACK)
        .max_blocking_threads(DESKS + READERS + 2)
        .build()
        .map_err(Error::Start)?;
    runtime.block_on(serve(config))
}

async fn serve(config: Config) -> Result<(), Error> {
    let mut signals = Signals::new().map_err(Error::Start)?;
    let (interval, socket) = (config.interval, config.socket.clone());
    let service = Service::open(config).await?;
    let (working, watchdog) = (service.house.manager.clone(), Watchdog::from_systemd());
    let thread = std::thread::Builder::new().name("rounds".to_owned()).stack_size(STACK);
    let (alive, ended) = oneshot::channel();
    let work = move || {
        let _alive = alive;
        working.run(interval, || watchdog.feed());
    };
    thread.spawn(work).map_err(Error::Start)?;
    systemd::ready();
    log::line(Level::Info, "the manager takes orders", &[("socket", &socket.display())]);
    service.receive();
    signals.wait(ended, Error::Ended).await?;
    systemd::stopping();
    let _ = fs::remove_file(&socket);
    Ok(())
}

/// The manager, and everything that it listens on.
pub(super) struct Service {
    pub(super) house: Arc<House>,
    socket: UnixListener,
    pub(super) listeners: Vec<Bound>,
}

/// A listener that is bound.
pub(super) struct Bound {
    pub(super) socket: TcpListener,
    keyring: Option<Keyring>,
    of: Listener,
    limits: Limits,
}

impl Service {
    /// Sets everything up; nobody is received yet.
    pub(super) async fn open(config: Config) -> Result<Service, Error> {
        let entrances = config.entrances;
        let tokens = entrances.tokens.as_deref().map(Tokens::open).transpose();
        let tokens = tokens.map_err(|error| Error::Tokens(chain(&error)))?;
        let manager = Manager::new(config.site)?.telling(|text| log::line(Level::Info, text, &[]));
        // The program that runs, whatever lies at its place by now.
        let manager = manager.looking_apart("/proc/self/exe".into());
        let manager = Arc::new(
            manager.sharing(entrances.share).calling(config.calls).testing(config.tests).cleaning(config.cleaning),
        );
        let (gate, streams) = (Gate::new(entrances.requests), Arc::default());
        let house = House { manager, rules: config.rules, tokens, gate, streams };
        let socket = listen(&config.socket).await?;
        let mut listeners = Vec::new();
        for of in entrances.listeners {
            listeners.push(bind(of, listener::limits(entrances.connections)).await?);
        }
        Ok(Service { house: Arc::new(house), socket, listeners })
    }

    /// Receives from now on.
    pub(super) fn receive(self) {
        let door = Arc::new(Door { house: self.house.clone(), inside: Mutex::default() });
        tokio::spawn(receive(self.socket, door));
        tokio::spawn(tell_of_news(self.house.clone()));
        for Bound { socket, keyring, of, limits } in self.listeners {
            log::line(Level::Info, "the manager listens", &[("address", &of.listen)]);
            tokio::spawn(listener::receive(socket, keyring, self.house.clone(), of, limits));
        }
    }
}

/// A socket that everybody on this machine may connect to. What a killed manager left is replaced; a living one is not.
async fn listen(socket: &Path) -> Result<UnixListener, Error> {
    let fail = |source| Error::Listen { socket: socket.to_owned(), source };
    match fs::symlink_metadata(socket) {
        Ok(found) if found.file_type().is_socket() => {
            if UnixStream::connect(socket).await.is_ok() {
                return Err(Error::Taken(socket.to_owned()));
            }
            fs::remove_file(socket).map_err(fail)?;
        }
        Ok(_) => return Err(fail(io::Error::other("something is there that is no socket"))),
        Err(_) => {}
    }
    let listener = UnixListener::bind(socket).map_err(fail)?;
    fs::set_permissions(socket, Permissions::from_mode(0o666)).map_err(fail)?;
    Ok(listener)
}

async fn bind(of: Listener, limits: Limits) -> Result<Bound, Error> {
    let keyring = of.tls.as_ref().map(|tls| Keyring::open(tls.pair.clone(), tls.clients.clone(), &["http/1.1"]));
    let keyring = keyring.transpose()?;
    let socket = TcpListener::bind(of.listen).await;
    let socket = socket.map_err(|source| Error::Address { address: of.listen, source })?;
    Ok(Bound { socket, keyring, of, limits })
}

/// Who may come in, and who is.
struct Door {
    house: Arc<House>,
    inside: Mutex<HashMap<u32, usize>>,
}

/// A place of a user, until this is dropped.
struct Place {
    door: Arc<Door>,
    uid: u32,
}

impl Door {
    fn enter(self: &Arc<Door>, uid: u32) -> Option<Place> {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = inside.values().sum();
        let own = inside.entry(uid).or_default();
        // Whoever has none yet, and root, find a place where others have taken all the rest.
        let kept = if uid == 0 || *own == 0 { 0 } else { RESERVE };
        if all + kept >= PLACES || *own >= SHARE {
            return None;
        }
        *own += 1;
        Some(Place { door: self.clone(), uid })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut inside = self.door.inside.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = inside.get_mut(&self.uid) {
            *own -= 1;
        }
        inside.retain(|_, own| *own > 0);
    }
}

async fn receive(listener: UnixListener, door: Arc<Door>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            sleep(RECOVER).await;
            continue;
        };
        let Some(uid) = stream.peer_cred().ok().map(|peer| peer.uid()) else { continue };
        let Some(place) = door.enter(uid) else { continue };
        let (house, peer) = (door.house.clone(), Arc::new(Peer::Local(uid)));
        tokio::spawn(async move {
            let _place = place;
            let service = service_fn(|request| {
                let (house, peer) = (house.clone(), peer.clone());
                async move { Ok::<_, Infallible>(house.answer(&peer, false, request, |_| {}).await) }
            });
            let mut builder = Builder::new();
            builder.keep_alive(false).max_buf_size(HEAD_BYTES).timer(TokioTimer::new()).header_read_timeout(FIRST);
            let _ = timeout(LONGEST, builder.serve_connection(TokioIo::new(stream), service)).await;
        });
    }
}
