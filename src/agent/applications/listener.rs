//! Listeners on the network: with TLS, or without it on this machine alone; each connection asks once.
//! Whoever shows a certificate, it was verified; connections that do nothing are ended in time.
//! Not here: the local socket, and what is answered.

use super::caller::Peer;
use super::failure::Failure;
use super::house::House;
use super::outgoing::Outgoing;
use super::routes;
use crate::log::{self, Level};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use systems::hostnames::{self, Hostnames};
use systems::keyring::{Keyring, Pair};
use systems::places::{Limits, Place, Places, UnderWay};
use systems::subject::common_name;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConnection;
use words::chain::chain;
use words::names::Host;

/// What a head may have.
const HEAD_BYTES: usize = 16 * 1024;
/// From the beginning of a connection to the end of its answer; a large package on a slow disk takes minutes.
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// The wait after a failed accept, which means that there are no more descriptors.
const RECOVER: Duration = Duration::from_millis(500);
/// How often changed certificates are looked for.
const RENEWAL: Duration = Duration::from_secs(10);
/// What TLS holds for a client that does not read, in bytes.
const SEALED_BYTES: usize = 64 * 1024;

/// A listener, as the configuration has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// Where.
    pub listen: SocketAddr,
    /// With what; none only on this machine.
    pub tls: Option<Tls>,
    /// Whether everybody may look.
    pub open: bool,
    /// A further name by which it may be asked while it is on loopback.
    pub host: Option<Host>,
}

/// Files of TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// The listener's own.
    pub pair: Pair,
    /// Who vouches for clients; none: no certificate of theirs is asked for.
    pub clients: Option<PathBuf>,
}

/// The limits of so many connections. Nothing is kept after an answer: what then stands still is on its way out.
pub(super) fn limits(connections: usize) -> Limits {
    Limits {
        places: connections,
        // PNDA's console asks for the details of all applications at once, from one address.
        share: connections - connections / 4,
        reserve: connections / 16,
        first: Duration::from_secs(5),
        kept: Duration::from_secs(5 * 60),
        still: Duration::from_secs(2 * 60),
    }
}

/// What connections of one listener share.
struct Entrance {
    house: Arc<House>,
    keyring: Option<Arc<Keyring>>,
    names: Hostnames,
    open: bool,
}

/// Receives connections for ever.
pub(super) async fn receive(
    socket: TcpListener,
    keyring: Option<Keyring>,
    house: Arc<House>,
    of: Listener,
    limits: Limits,
) {
    let keyring = keyring.map(Arc::new);
    if let Some(keyring) = &keyring {
        tokio::spawn(renew(keyring.clone()));
    }
    let names = Hostnames::new(of.listen.ip(), of.host.as_slice());
    let entrance = Arc::new(Entrance { house, keyring, names, open: of.open });
    let places = Places::new(limits);
    tokio::spawn(places.clone().watch());
    loop {
        let Ok((stream, address)) = socket.accept().await else {
            sleep(RECOVER).await;
            continue;
        };
        let Some(place) = places.take(address.ip()) else { continue };
        tokio::spawn(timeout(LONGEST, come_in(entrance.clone(), Arc::new(place), stream, address.ip())));
    }
}

async fn renew(keyring: Arc<Keyring>) {
    loop {
        sleep(RENEWAL).await;
        match keyring.renew() {
            Ok(false) => {}
            Ok(true) => log::line(Level::Info, "the certificate has changed", &[]),
            Err(error) => log::line(Level::Warn, &chain(&error), &[]),
        }
    }
}

async fn come_in(entrance: Arc<Entrance>, place: Arc<Place>, stream: TcpStream, address: IpAddr) {
    let Some(keyring) = &entrance.keyring else {
        return converse(entrance, place, stream, Peer::Remote { address, certificate: None }).await;
    };
    let bounded = |connection: &mut ServerConnection| connection.set_buffer_limit(Some(SEALED_BYTES));
    let accepting = TlsAcceptor::from(keyring.config()).accept_with(stream, bounded);
    let Some(Ok(stream)) = place.keep(accepting).await else { return };
    let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first()).map(common_name);
    converse(entrance, place, stream, Peer::Remote { address, certificate }).await;
}

/// One request and its answer. Errors are the client's: it went away, or it does not speak HTTP.
async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    entrance: Arc<Entrance>,
    place: Arc<Place>,
    stream: S,
    peer: Peer,
) {
    let peer = Arc::new(peer);
    let service = service_fn(|request| {
        let (entrance, place, peer) = (entrance.clone(), place.clone(), peer.clone());
        async move { Ok::<_, Infallible>(entrance.respond(&place, &peer, request).await) }
    });
    let mut builder = Builder::new();
    builder.keep_alive(false).max_buf_size(HEAD_BYTES);
    let _ = place.keep(builder.serve_connection(TokioIo::new(stream), service)).await;
}

impl Entrance {
    async fn respond(&self, place: &Place, peer: &Peer, request: Request<Incoming>) -> Response<Kept> {
        let under_way = Arc::new(place.answer());
        let (head, body) = request.into_parts();
        let answer = match self.names.are_meant(&head) {
            false => routes::refused(&Failure::Misdirected(hostnames::REFUSAL.trim_end().to_owned())),
            true => {
                let moving = under_way.clone();
                let request = Request::from_parts(head, body);
                self.house.clone().answer(peer, self.open, request, move |count| moving.sent(count)).await
            }
        };
        answer.map(|inner| Kept { inner, under_way })
    }
}

/// An answer that is under way until its last byte was taken from here.
struct Kept {
    inner: Outgoing,
    under_way: Arc<UnderWay>,
}

impl Body for Kept {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let frame = Pin::new(&mut self.inner).poll_frame(context);
        // The connection holds little of it, so what it takes has gone out.
        if let Poll::Ready(Some(Ok(frame))) = &frame {
            self.under_way.sent(frame.data_ref().map_or(0, |bytes| bytes.len() as u64));
        }
        frame
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }
}
