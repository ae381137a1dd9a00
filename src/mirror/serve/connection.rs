//! Connections: accepted up to a bound, with or without TLS, HTTP/1.1 and 2 on one port, ended when nothing moves.
//! Every limit on what a client may hold is here.
//! Not here: what is answered.

use super::access::Log;
use super::answer::answer;
use super::body::Body;
use super::pinned::Mirror;
use super::road::{Road, Socket, Traffic};
use super::tls::Keyring;
use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

/// A head that takes longer to arrive is an attack, and a kept connection on which no other comes is not needed.
const HEAD_TIME: Duration = Duration::from_secs(30);
/// The handshake of TLS, and from there to the whole head of the first request.
const FIRST_TIME: Duration = Duration::from_secs(10);
/// Nothing moves for this long: the client is gone, or plays dead.
const STILL_TIME: Duration = Duration::from_secs(60);
/// How long answers that are under way may take once the server was told to stop.
pub(super) const LAST_TIME: Duration = Duration::from_secs(30);
/// All headers of a request together, in bytes.
const HEAD_BYTES: usize = 32 * 1024;
/// Headers of a request.
const HEADERS: usize = 64;
/// Requests at a time on one connection of HTTP/2.
const STREAMS: u32 = 32;
/// How often changed certificates are looked for.
const RENEWAL: Duration = Duration::from_secs(10);

/// What every connection needs.
pub(super) struct Door {
    pub(super) mirror: Mirror,
    pub(super) keyring: Option<Keyring>,
    pub(super) log: Option<Arc<Log>>,
    pub(super) connections: usize,
}

/// Serves until told to stop, then lets what is under way come to its end.
pub(super) async fn run(listener: TcpListener, door: Arc<Door>, mut stop: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(door.connections));
    let graceful = GracefulShutdown::new();
    let builder = Arc::new(builder());
    if door.keyring.is_some() {
        tokio::spawn(renew(door.clone()));
    }
    loop {
        let accept = async {
            let place = places.clone().acquire_owned().await;
            (place, listener.accept().await)
        };
        let Some((place, accepted)) = first(accept, told(&mut stop)).await else { break };
        let Ok((stream, client)) = accepted else {
            // Most likely no more files can be opened; connections that end give some back.
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        let (door, builder, watcher) = (door.clone(), builder.clone(), graceful.watcher());
        tokio::spawn(async move {
            serve(stream, client, door, &builder, watcher).await;
            drop(place);
        });
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

/// The first of two futures: the work, or nothing if the other ends before it.
async fn first<T>(work: impl Future<Output = T>, other: impl Future<Output = ()>) -> Option<T> {
    let (mut work, mut other) = (pin!(work), pin!(other));
    std::future::poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => other.as_mut().poll(context).map(|()| None),
    })
    .await
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEADERS);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(HEAD_BYTES as u32)
        .max_concurrent_streams(STREAMS)
        .keep_alive_interval(HEAD_TIME)
        .keep_alive_timeout(FIRST_TIME);
    builder
}

async fn serve(
    stream: TcpStream,
    client: SocketAddr,
    door: Arc<Door>,
    builder: &Builder<TokioExecutor>,
    watcher: Watcher,
) {
    // Answers are written whole; waiting for more to send would only slow the last packet.
    let _ = stream.set_nodelay(true);
    let traffic = Arc::new(Traffic::default());
    let (socket, road) = Socket::new(stream, traffic.clone());
    let keyring = door.keyring.as_ref().map(Keyring::config);
    let road = if keyring.is_none() { road } else { Road::default() };
    let noted = traffic.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        noted.ask();
        let response = respond(&request.into_parts().0, client.ip(), &door, &road);
        std::future::ready(Ok::<_, Infallible>(response))
    });
    // Errors are the client's: it went away, or it does not speak HTTP.
    match keyring {
        None => {
            let connection = builder.serve_connection(TokioIo::new(socket), service);
            let _ = first(watcher.watch(connection), still(traffic)).await;
        }
        Some(config) => {
            let accepted = timeout(FIRST_TIME, TlsAcceptor::from(config).accept(socket)).await;
            let Ok(Ok(stream)) = accepted else { return };
            let connection = builder.serve_connection(TokioIo::new(stream), service);
            let _ = first(watcher.watch(connection), still(traffic)).await;
        }
    }
}

/// Resolves when no request has come in time, or nothing has moved for too long.
async fn still(traffic: Arc<Traffic>) {
    sleep(FIRST_TIME).await;
    if !traffic.asked() {
        return;
    }
    let mut before = 0;
    while traffic.moved() != before {
        before = traffic.moved();
        sleep(STILL_TIME).await;
    }
}

fn respond(request: &Parts, client: IpAddr, door: &Door, road: &Road) -> Response<Body> {
    // The frames of HTTP/2 hold their bytes, so those must be seen.
    let road = if request.version <= Version::HTTP_11 { road.clone() } else { Road::default() };
    let response = answer(request, &door.mirror, road);
    let entry = door.log.as_ref().map(|log| log.entry(client, request, response.status().as_u16()));
    response.map(|body| body.noting(entry))
}
