//! Connections: accepted up to a bound, with or without TLS, HTTP/1.1 and 2 on one port, ended when nothing moves.
//! Every limit on what a client may hold is here.
//! Not here: what is answered.

use super::access::Log;
use super::answer::{answer, misdirected};
use super::body::{Body, PIECE};
use super::delivery::{Delivery, Turns};
use super::pinned::Mirror;
use super::road::{Road, Socket};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use systems::hostnames::Hostnames;
use systems::keyring::Keyring;
use systems::places::{Limits, Place, Places, first};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConnection;

/// How long answers that are under way may take once the server was told to stop.
pub(super) const LAST_TIME: Duration = Duration::from_secs(30);
/// All headers of a request together, in bytes.
const HEAD_BYTES: usize = 16 * 1024;
/// Headers of a request.
const HEADERS: usize = 64;
/// Requests at a time on one connection of HTTP/2.
const STREAMS: u32 = 16;
/// What TLS holds for a client that does not read, in bytes.
const SEALED_BYTES: usize = 32 * 1024;
/// How often changed certificates are looked for.
const RENEWAL: Duration = Duration::from_secs(10);

/// What every connection needs.
pub(super) struct Door {
    pub(super) mirror: Mirror,
    pub(super) keyring: Option<Keyring>,
    pub(super) log: Option<Arc<Log>>,
    pub(super) limits: Limits,
    pub(super) names: Hostnames,
}

/// One client's connection.
struct Guest {
    door: Arc<Door>,
    client: IpAddr,
    place: Arc<Place>,
    road: Road,
    turns: Turns,
}

/// Serves until told to stop, then lets what is under way come to its end.
pub(super) async fn run(listener: TcpListener, door: Arc<Door>, mut stop: watch::Receiver<bool>) {
    let places = Places::new(door.limits);
    let turns = Arc::new(Semaphore::new(door.limits.places / 4));
    let graceful = GracefulShutdown::new();
    let builder = Arc::new(builder());
    tokio::spawn(places.clone().watch());
    if door.keyring.is_some() {
        tokio::spawn(renew(door.clone()));
    }
    while let Some(accepted) = first(listener.accept(), told(&mut stop)).await {
        let Ok((stream, client)) = accepted else {
            // Most likely no more files can be opened; connections that end give some back.
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        let Some(place) = places.take(client.ip()).map(Arc::new) else { continue };
        let (socket, road) = Socket::new(stream, place.clone());
        let road = if door.keyring.is_none() { road } else { Road::default() };
        let guest = Guest { door: door.clone(), client: client.ip(), place, road, turns: Turns::new(&turns) };
        let (builder, watcher) = (builder.clone(), graceful.watcher());
        tokio::spawn(async move { serve(socket, guest, &builder, watcher).await });
    }
    drop(listener);
    let _ = timeout(LAST_TIME, graceful.shutdown()).await;
}

/// Resolves when the server is to stop.
async fn told(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn renew(door: Arc<Door>) {
    loop {
        sleep(RENEWAL).await;
        // What is wrong with the files is told to whoever sends SIGHUP; connections go on with the old ones.
        let _ = door.keyring.as_ref().map(Keyring::renew);
    }
}

/// What takes time is ended by the connection's place, over either version of HTTP and before them.
fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().header_read_timeout(None).max_buf_size(HEAD_BYTES).max_headers(HEADERS);
    builder
        .http2()
        .max_header_list_size(HEAD_BYTES as u32)
        .max_concurrent_streams(STREAMS)
        .max_send_buf_size(PIECE as usize);
    builder
}

async fn serve(socket: Socket, guest: Guest, builder: &Builder<TokioExecutor>, watcher: Watcher) {
    let keyring = guest.door.keyring.as_ref().map(Keyring::config);
    let place = guest.place.clone();
    let guest = Arc::new(guest);
    let service = service_fn(move |request| {
        let guest = guest.clone();
        async move { Ok::<_, Infallible>(guest.respond(request).await) }
    });
    // Errors are the client's: it went away, or it does not speak HTTP.
    match keyring {
        None => {
            let connection = builder.serve_connection(TokioIo::new(socket), service);
            let _ = place.keep(watcher.watch(connection)).await;
        }
        Some(config) => {
            let bounded = |connection: &mut ServerConnection| connection.set_buffer_limit(Some(SEALED_BYTES));
            let accepted = place.keep(TlsAcceptor::from(config).accept_with(socket, bounded)).await;
            let Some(Ok(stream)) = accepted else { return };
            let connection = builder.serve_connection(TokioIo::new(stream), service);
            let _ = place.keep(watcher.watch(connection)).await;
        }
    }
}

impl Guest {
    async fn respond(&self, request: Request<Incoming>) -> Response<Body> {
        let request = request.into_parts().0;
        let under_way = self.place.answer();
        // The frames of HTTP/2 hold their bytes, so those must be seen; and there may be many answers at a time.
        let (road, turn) = match request.version {
            Version::HTTP_2 => (Road::default(), self.turns.next().await),
            _ => (self.road.clone(), None),
        };
        let response = match self.door.names.are_meant(&request) {
            true => answer(&request, &self.door.mirror, road),
            false => misdirected(),
        };
        let status = response.status().as_u16();
        let entry = self.door.log.as_ref().map(|log| log.entry(self.client, &request, status));
        response.map(|body| body.within(Delivery::new(under_way, entry, turn)))
    }
}
