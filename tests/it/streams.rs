//! A server that speaks HTTP/2: small files share one connection, pieces of large ones have connections of their own.
//! The server is our own, as it is installed; a relay before it counts connections, its log tells the versions.
//! Not here: the bounds themselves (beside the gate), and what broken servers do (`faults`).

use crate::server::Running;
use crate::site::Site;
use pnda::mirror::store::Store;
use pnda::systems::download::Expected;
use pnda::systems::http::{Bounds, Http, Options, Patience, Split};
use pnda::words::digest::Sha256;
use pnda::words::event::silent;
use pnda::words::location::Location;
use pnda::words::parallel::each;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::spawn;
use std::time::Duration;

/// Passes connections on and counts them.
#[derive(Clone)]
struct Relay {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    /// So many of the first connections stay open, and nothing goes over them any more.
    dead: Arc<AtomicUsize>,
}

impl Relay {
    fn before(server: &Running) -> Relay {
        let to: SocketAddr = server.url.strip_prefix("https://").unwrap().parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let relay = Relay { address, connections: Arc::default(), dead: Arc::default() };
        let accepting = relay.clone();
        spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let number = accepting.connections.fetch_add(1, Ordering::SeqCst);
                let server = TcpStream::connect(to).unwrap();
                accepting.pass(number, client.try_clone().unwrap(), server.try_clone().unwrap());
                accepting.pass(number, server, client);
            }
        });
        relay
    }

    fn pass(&self, number: usize, mut from: TcpStream, mut to: TcpStream) {
        let dead = self.dead.clone();
        spawn(move || {
            let mut buffer = [0; 16 * 1024];
            while let Ok(count @ 1..) = from.read(&mut buffer) {
                if number >= dead.load(Ordering::SeqCst) && to.write_all(&buffer[..count]).is_err() {
                    break;
                }
            }
            let _ = to.shutdown(Shutdown::Both);
        });
    }

    fn place(&self, name: &str) -> Location {
        Location::parse(&format!("https://{}/{name}", self.address)).unwrap()
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// A client that trusts the server's own certificate.
fn client(server: &Running, options: Options) -> Http {
    let certificate = server.said[0].strip_prefix("certificate ").unwrap();
    Http::with(Options { authorities: vec![certificate.into()], ..options })
}

#[test]
fn small_files_share_one_connection_and_pieces_have_their_own() {
    let large: Vec<u8> = (0..400_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let small: Vec<(String, Vec<u8>)> = (0..120).map(|at| (format!("f{at}.txt"), vec![at; 3000])).collect();
    let mut files: Vec<(&str, &[u8])> = small.iter().map(|(name, bytes)| (name.as_str(), &bytes[..])).collect();
    files.push(("large.bin", &large));
    let site = Site::of(&files);
    let log = site.path("access.log");
    let server = Running::start(&site, &["--tls", "self", "--access-log", log.to_str().unwrap()]);
    let relay = Relay::before(&server);
    let split = Split { from: 100_000, piece: 50_000, connections: 4 };
    let http = client(&server, Options { split, ..Options::default() });
    let Bounds { per_host, streams, .. } = Bounds::default();
    let all = || {
        each(streams, &small, |(name, bytes)| {
            assert_eq!(http.get_small(&relay.place(name), "*/*", 4000, &silent).unwrap(), *bytes);
        });
        relay.connections()
    };
    let first = all();
    assert!(first <= per_host, "before the server has told what it speaks: {first} connections");
    assert_eq!(all(), first, "it has told, so nobody connects any more");

    let store = Store::open(&site.path("fetched")).unwrap();
    let expected = Expected { size: large.len() as u64, sha256: Sha256::of(&large) };
    store.bring(&http, &[relay.place("large.bin")], expected, &silent).unwrap();
    let more = relay.connections() - first;
    assert!((1..=2 * split.connections).contains(&more), "{more} connections for the pieces");

    assert_eq!(server.stop().0, Some(0));
    let log = std::fs::read_to_string(log).unwrap();
    let count = |part: &str| log.lines().filter(|line| line.contains(part)).count();
    assert_eq!((count(".txt HTTP/2.0\" 200"), count(".txt HTTP/1.1")), (2 * small.len(), 0));
    assert_eq!((count("large.bin HTTP/1.1\" 206"), count("large.bin HTTP/2.0")), (8, 0));
}

#[test]
fn a_shared_connection_that_has_gone_dead_is_not_used_again() {
    let site = Site::of(&[("a.txt", b"one")]);
    let server = Running::start(&site, &["--tls", "self"]);
    let relay = Relay::before(&server);
    let patience = Patience { tries: 3, first_wait: Duration::from_millis(1), silence: Duration::from_secs(4) };
    let http = client(&server, Options { patience, ..Options::default() });
    let ask = || http.get_small(&relay.place("a.txt"), "*/*", 10, &silent).unwrap();
    assert_eq!((ask(), relay.connections()), (b"one".to_vec(), 1));
    relay.dead.store(1, Ordering::SeqCst);
    assert_eq!((ask(), relay.connections()), (b"one".to_vec(), 2));
}
