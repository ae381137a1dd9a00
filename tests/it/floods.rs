//! Clients that take what they can get: kept connections, heads without an end, answers that nobody reads.
//! Whatever one address does, others are answered; so is the next connection of the same one.
//! Not here: thousands of connections (`benches/flood.rs`), the decisions themselves (`systems/places.rs`).

use crate::h2;
use crate::site::{Answer, Site, curl, raw};
use pnda::mirror::serve::{self, Server, Settings};
use pnda::systems::places::Limits;
use pnda::words::names::Host;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const LARGE: usize = 30_000_000;

fn site() -> Site {
    Site::of(&[("a.txt", b"one"), ("large.bin", &vec![7; LARGE])])
}

/// As served otherwise, with fewer places.
fn few() -> Limits {
    Limits { places: 24, share: 8, reserve: 2, ..serve::limits(24, 8) }
}

fn serve(site: &Site, limits: Limits, names: &[&str]) -> Server {
    let names = names.iter().map(|name| Host::new(*name).unwrap()).collect();
    let (mirror, listen) = (site.path("mirror"), "127.0.0.1:0".parse().unwrap());
    Settings { mirror, listen, names, limits, tls: None, log: None }.start().unwrap()
}

/// Forty clients from 127.0.0.1 that say this; of an answer they read these bytes.
fn flood(server: &Server, said: &[u8], read: usize) -> Vec<TcpStream> {
    let client = |_| {
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        // Some are sent away, as they should be.
        let _ = stream.write_all(said).and_then(|()| stream.read_exact(&mut vec![0; read]));
        stream
    };
    (0..40).map(client).collect()
}

/// The next clients, of another address and of the same, are answered while all those are still there.
fn others_are_answered(server: &Server, flood: Vec<TcpStream>) {
    let url = format!("http://{}/a.txt", server.address);
    for from in ["127.0.0.2", "127.0.0.3", "127.0.0.2", "127.0.0.1"] {
        assert_eq!(curl(&["--interface", from, "--max-time", "5", &url]).text(), "one", "{from}");
    }
    drop(flood);
}

#[test]
fn kept_connections_keep_nobody_out() {
    let site = site();
    let server = serve(&site, few(), &[]);
    let flood = flood(&server, b"HEAD /a.txt HTTP/1.1\r\nHost: localhost\r\n\r\n", 20);
    others_are_answered(&server, flood);
}

#[test]
fn heads_without_an_end_keep_nobody_out() {
    let site = site();
    let server = serve(&site, few(), &[]);
    let flood = flood(&server, b"GET /a.txt HTTP/1.1\r\nHost:", 0);
    others_are_answered(&server, flood);
}

#[test]
fn answers_that_nobody_reads_keep_nobody_out() {
    let site = site();
    let ask = b"GET /large.bin HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for said in [ask.to_vec(), h2::ask("/large.bin", 16)] {
        let server = serve(&site, few(), &[]);
        let flood = flood(&server, &said, 20);
        // From here on none of them moves.
        std::thread::sleep(Duration::from_millis(500));
        others_are_answered(&server, flood);
    }
}

#[test]
fn an_answer_that_nobody_reads_ends() {
    let site = site();
    let server = serve(&site, Limits { still: Duration::from_secs(1), ..few() }, &[]);
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.write_all(&h2::ask("/large.bin", 16)).unwrap();
    std::thread::sleep(Duration::from_secs(4));
    let mut came = Vec::new();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let _ = stream.read_to_end(&mut came);
    assert!(came.len() < LARGE, "{}", came.len());
}

#[test]
fn a_connection_without_a_whole_head_ends() {
    let site = site();
    let second = Duration::from_secs(1);
    let server = serve(&site, Limits { first: second, kept: second, ..few() }, &[]);
    let kept = "GET /a.txt HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let begin = Instant::now();
    // Nothing; a byte; of either version the beginning; a request and the beginning of the next.
    for said in ["", "P", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET / HTTP/1.1\r\nHost:", kept, &format!("{kept}GET")] {
        raw(server.address, said);
    }
    assert!(begin.elapsed() < Duration::from_secs(25), "{:?}", begin.elapsed());
}

#[test]
fn on_loopback_only_this_machine_s_names_are_answered() {
    let site = site();
    let server = serve(&site, few(), &["mirror.example"]);
    let ask = |more: &[&str]| -> Answer { curl(&[more, &[&format!("http://{}/a.txt", server.address)]].concat()) };
    for version in ["--http1.1", "--http2-prior-knowledge"] {
        for host in ["Host: localhost:1", "Host: 127.0.0.1", "Host: [::1]", "Host: mirror.example"] {
            assert_eq!(ask(&[version, "--header", host]).text(), "one", "{version} {host}");
        }
        for host in ["Host: evil.example", "Host: localhost.evil.example:80"] {
            let answer = ask(&[version, "--header", host]);
            assert!(answer.status() == 421 && answer.text() != "one", "{version} {host}: {}", answer.head);
        }
    }
    let absolute = "GET http://evil.example/a.txt HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    assert_eq!(raw(server.address, absolute).status(), 421);
}
