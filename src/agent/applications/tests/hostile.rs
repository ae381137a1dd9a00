//! Hostile requests: paths that lead out, bodies and heads without measure, clients that wait, pages of strangers, other
//! methods. Each is refused and named, and others are answered meanwhile.
//! Not here: who is let in.

use super::bed::{Bed, PACKAGE, connect, exchange, read, request, token};
use std::io::Write;
use std::time::{Duration, Instant};

#[test]
fn a_path_leads_nowhere_else() {
    let bed = Bed::new();
    for path in [
        "/repository/packages/..%2F..%2Ftokens",
        "/repository/packages/%2e%2e/tokens",
        "/repository/packages/../tokens",
        "/repository/packages/.by-word-count-1.0.0.tar.gz",
        "/repository/packages/a%00-1.0.0.tar.gz",
        "/repository/packages/a%0A-1.0.0.tar.gz",
        "/packages/..%2F..%2Fetc%2Fpasswd",
        "/packages/x-1.0.0%0A",
        "/applications/..%2Fwords",
        "/applications/words%2Fstatus",
        "/applications/words%0A",
        "/v1/applications/..",
        "/v1/applications/words/components/..%2F../logs",
        "/applications/%ff",
    ] {
        let told = bed.ask("alice", &format!("GET {path}")).refusal();
        assert!(matches!(told.0, 400 | 404), "{path}: {told:?}");
        assert!(!told.2.is_empty() && !told.2.contains(['\n', '\0']), "{path}: {told:?}");
        let put = bed.send("alice", &format!("PUT {path}"), "", b"{}").refusal();
        assert!(matches!(put.0, 400 | 404 | 405), "{path}: {put:?}");
    }
    let folder = std::fs::read_dir(bed.folder.path().join("apps/packages")).unwrap();
    assert_eq!(folder.count(), 2, "a package, and who brought it");
}

#[test]
fn a_body_or_a_head_without_measure_is_refused_before_it_is_read() {
    let bed = Bed::new();
    let huge = |line: &str, length: u64| {
        let header = format!("authorization: Bearer {}\r\ncontent-length: {length}\r\n", token("alice"));
        bed.plain(line, &header, b"").refusal()
    };
    let told = huge("PUT /applications/new", 1 << 40);
    assert_eq!((told.0, told.1.as_str()), (413, "too-large"));
    assert_eq!(huge("POST /applications/words/start", 1 << 40).0, 413);
    assert_eq!(huge("PUT /repository/packages/big-1.0.0.tar.gz", 1 << 33).0, 403, "beyond his share");
    let body = vec![b' '; 300 << 10];
    let chunk = format!("{:x}\r\n", body.len());
    let head = format!("authorization: Bearer {}\r\ntransfer-encoding: chunked\r\n", token("alice"));
    let chunked = [&request("PUT /applications/new", &head, b""), chunk.as_bytes(), &body, b"\r\n0\r\n\r\n"].concat();
    assert_eq!(exchange(connect(bed.pnda), &chunked).refusal().0, 413, "nothing was announced");
    let reply = bed.plain("GET /packages", &format!("x: {}\r\n", "y".repeat(40_000)), b"");
    assert!(matches!(reply.status, 0 | 431), "{reply:?}");
    let reply = bed.plain("GET /packages", &(0..5000).map(|at| format!("x{at}: y\r\n")).collect::<String>(), b"");
    assert!(matches!(reply.status, 0 | 431), "{reply:?}");
    assert_eq!(bed.plain("GET /packages", "", b"").status, 200);
}

#[test]
fn clients_that_wait_hold_nobody_up_and_are_ended() {
    let bed = Bed::new();
    let begun = Instant::now();
    let mut waiting: Vec<_> = (0..20).map(|_| connect(bed.pnda)).collect();
    waiting.iter_mut().take(10).for_each(|stream| stream.write_all(b"GET /packages HT").unwrap());
    // Documents that do not come, of one caller: his desks are taken, others have theirs.
    let head = format!("authorization: Bearer {}\r\ncontent-length: 100\r\n", token("bob"));
    let mut slow: Vec<_> = (0..32).map(|_| connect(bed.pnda)).collect();
    slow.iter_mut().for_each(|stream| stream.write_all(&request("PUT /applications/b", &head, b"")).unwrap());
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(bed.plain("GET /packages", "", b"").status, 200);
    assert_eq!(bed.ask("alice", "GET /v1/applications").status, 200);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    for stream in waiting {
        assert_eq!(read(stream).body, "", "it is ended without an answer");
    }
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
fn an_upload_that_breaks_off_leaves_nothing() {
    let bed = Bed::new();
    let head = format!("authorization: Bearer {}\r\ncontent-length: 100000\r\n", token("alice"));
    let mut stream = connect(bed.pnda);
    stream.write_all(&request("PUT /repository/packages/half-1.0.0.tar.gz", &head, b"")).unwrap();
    stream.write_all(&[0; 50_000]).unwrap();
    drop(stream);
    let packages = bed.folder.path().join("apps/packages");
    let begun = Instant::now();
    while std::fs::read_dir(&packages).unwrap().count() > 2 {
        assert!(begun.elapsed() < Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(bed.ask("alice", "GET /repository/packages/half-1.0.0.tar.gz").status, 404);
}

#[test]
fn a_page_in_a_browser_neither_orders_nor_reads_through_a_name_of_its_own() {
    let bed = Bed::new();
    let told = bed.send("alice", "POST /applications/words/start", "origin: https://evil.example\r\n", b"").refusal();
    assert_eq!((told.0, told.1.as_str()), (403, "forbidden"));
    let rebound = "GET /packages HTTP/1.1\r\nhost: evil.example\r\n\r\n";
    let told = exchange(connect(bed.pnda), rebound.as_bytes()).refusal();
    assert_eq!((told.0, told.1.as_str()), (421, "misdirected"));
}

#[test]
fn another_method_is_told_which_one_would_be_right() {
    let bed = Bed::new();
    for (line, allowed) in [
        ("PATCH /applications/words", "GET, PUT, DELETE"),
        ("DELETE /packages", "GET"),
        ("GET /applications/words/start", "POST"),
        ("TRACE /v1/state", "GET"),
        ("OPTIONS /repository/packages/x", "GET, PUT, DELETE"),
    ] {
        let reply = bed.ask("alice", line);
        assert_eq!((reply.status, reply.refusal().1.as_str()), (405, "wrong-method"), "{line}");
        assert!(reply.head.to_lowercase().contains(&format!("allow: {}", allowed.to_lowercase())), "{reply:?}");
    }
    let head = bed.ask("alice", "HEAD /packages");
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    let nowhere = bed.ask("alice", "GET /selftest/all").refusal();
    assert!(nowhere.0 == 404 && nowhere.2.contains("/v1/openapi.json"), "{nowhere:?}");
    let odd = bed.ask("alice", &format!("GET //packages/{PACKAGE}/?recency=x"));
    assert_eq!(odd.status, 200);
    assert_eq!(bed.ask("alice", "GET /repository/packages?recency=-1").status, 400);
}
