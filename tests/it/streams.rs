//! A server that speaks HTTP/2: small files share one connection, pieces of large ones have connections of their own.
//! The server is our own, as it is installed; a relay before it counts connections, its log tells the versions.
//! Not here: the bounds themselves (beside the gate), and what broken servers do (`faults`).

use crate::server::Running;
use crate::site::Site;
use pnda::mirror::store::Store;
use pnda::systems::download::Expected;
use pnda::systems::http::{Bounds, Http, Options, Split};
use pnda::words::digest::Sha256;
use pnda::words::event::silent;
use pnda::words::location::Location;
use pnda::words::parallel::each;
use std::io::copy;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::spawn;

/// Passes connections on, and how many there were so far.
fn relay(to: SocketAddr) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, connections) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counted = connections.clone();
    spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            counted.fetch_add(1, Ordering::SeqCst);
            let server = TcpStream::connect(to).unwrap();
            pass(client.try_clone().unwrap(), server.try_clone().unwrap());
            pass(server, client);
        }
    });
    (address, connections)
}

fn pass(mut from: TcpStream, mut to: TcpStream) {
    spawn(move || {
        let _ = copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    });
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
    let certificate = server.said[0].strip_prefix("certificate ").unwrap().into();
    let (address, connections) = relay(server.url.strip_prefix("https://").unwrap().parse().unwrap());
    let place = |name: &str| Location::parse(&format!("https://{address}/{name}")).unwrap();
    let split = Split { from: 100_000, piece: 50_000, connections: 4 };
    let http = Http::with(Options { authorities: vec![certificate], split, ..Options::default() });
    let Bounds { per_host, streams, .. } = Bounds::default();
    let all = || {
        each(streams, &small, |(name, bytes)| {
            assert_eq!(http.get_small(&place(name), "*/*", 4000, &silent).unwrap(), *bytes);
        });
        connections.load(Ordering::SeqCst)
    };
    let first = all();
    assert!(first <= per_host, "before the server has told what it speaks: {first} connections");
    assert_eq!(all(), first, "it has told, so nobody connects any more");

    let store = Store::open(&site.path("fetched")).unwrap();
    let expected = Expected { size: large.len() as u64, sha256: Sha256::of(&large) };
    store.bring(&http, &[place("large.bin")], expected, &silent).unwrap();
    let more = connections.load(Ordering::SeqCst) - first;
    assert!((1..=2 * split.connections).contains(&more), "{more} connections for the pieces");

    assert_eq!(server.stop().0, Some(0));
    let log = std::fs::read_to_string(log).unwrap();
    let count = |part: &str| log.lines().filter(|line| line.contains(part)).count();
    assert_eq!((count(".txt HTTP/2.0\" 200"), count(".txt HTTP/1.1")), (2 * small.len(), 0));
    assert_eq!((count("large.bin HTTP/1.1\" 206"), count("large.bin HTTP/2.0")), (8, 0));
}
