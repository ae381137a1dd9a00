//! Broken and hostile upstreams in one table: what each does, what is said of it, and the exit code that follows.
//! After each of them nothing wrong is in the store, and a good answer still arrives.
//! Not here: documents that lie (each kind has its own), and several ranges (`ranges`).

use crate::certificates::Authority;
use crate::upstream::{Reply, Upstream};
use pnda::mirror::resolve::pypi;
use pnda::mirror::store::Store;
use pnda::systems::download::Expected;
use pnda::systems::http::{Http, Options, Patience, Proxies, Proxy, Slowest};
use pnda::words::digest::Sha256;
use pnda::words::event::silent;
use pnda::words::location::{Led, Location};
use pnda::words::names::Word;
use std::io::Write;
use std::net::ToSocketAddrs;
use std::time::Duration;

/// Bytes are wrong: never to be waved through.
const MISMATCH: i32 = 3;
/// They could not be had.
const FAILED: i32 = 1;

/// One upstream: its name, its answers, a part of what is said, the exit code.
type Fault = (&'static str, Vec<Reply>, &'static str, i32);

fn body() -> Vec<u8> {
    (0..20_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

fn good() -> Reply {
    Reply::bytes(body())
}

fn other() -> Vec<u8> {
    body().iter().map(|byte| !byte).collect()
}

fn part(content_range: &str, etag: &str, bytes: &[u8]) -> Reply {
    let length = bytes.len();
    let head = format!(
        "HTTP/1.1 206 x\r\nconnection: close\r\ncontent-length: {length}\r\ncontent-range: {content_range}\r\netag: {etag}\r\n\r\n"
    );
    Reply::raw([head.as_bytes(), bytes].concat())
}

fn raw(head: &str, bytes: &[u8]) -> Reply {
    Reply::raw([b"HTTP/1.1 200 x\r\nconnection: close\r\n", head.as_bytes(), b"\r\n\r\n", bytes].concat())
}

fn redirect(to: &str) -> Reply {
    Reply::status(302).header("location", to)
}

fn bomb() -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&vec![0; 8 << 20]).unwrap();
    gzip.finish().unwrap()
}

fn wrong_bytes() -> Vec<Fault> {
    let whole = body();
    let etag = |name: &str| good().header("etag", format!("\"{name}\""));
    let changed = part("bytes 5000-19999/20000", "\"two\"", &other()[5000..]);
    vec![
        ("another content", vec![Reply::bytes(other())], "has other content", MISMATCH),
        ("a shorter file", vec![Reply::bytes(&whole[..19_999])], "has 19999 bytes; it must have 20000", MISMATCH),
        ("a longer file", vec![Reply::bytes([&whole[..], b"x"].concat())], "longer than the 20000 bytes", MISMATCH),
        (
            "a length beyond all bounds",
            vec![good().announcing(usize::MAX - 2)],
            "longer than the 20000 bytes",
            MISMATCH,
        ),
        ("an endless body", vec![Reply::bytes(vec![b'x'; 4 << 20]).unannounced()], "longer than the 20000", MISMATCH),
        (
            "more bytes than were announced",
            vec![Reply::bytes(vec![b'x'; 4 << 20]).announcing(20_000)],
            "has other content",
            MISMATCH,
        ),
        (
            "a compressed bomb",
            vec![Reply::bytes(bomb()).header("content-encoding", "gzip")],
            "bytes; it must have 20000",
            MISMATCH,
        ),
        (
            "a login page",
            vec![Reply::bytes("<html>log in").header("content-type", "text/html; charset=utf-8")],
            "gave a web page instead",
            MISMATCH,
        ),
        (
            "a login page of the right length",
            vec![Reply::bytes(vec![b'<'; 20_000]).header("content-type", "text/html")],
            "gave a web page instead",
            MISMATCH,
        ),
        ("an empty file", vec![Reply::bytes("")], "has 0 bytes; it must have 20000", MISMATCH),
        (
            "the whole of another file instead of the rest",
            vec![good().cut_after(5_000), Reply::bytes(other()).without_ranges()],
            "has other content",
            MISMATCH,
        ),
        (
            "a rest of another state of the file",
            vec![etag("one").cut_after(5_000), changed.clone(), etag("one").cut_after(5_000), changed],
            "changed while it was downloaded",
            MISMATCH,
        ),
        (
            "a rest of another file that claims to be the same",
            vec![good().cut_after(5_000), part("bytes 5000-19999/20000", "\"x\"", &other()[5_000..])],
            "has other content",
            MISMATCH,
        ),
    ]
}

fn broken_answers() -> Vec<Fault> {
    let whole = body();
    let huge = format!("x: {}", "y".repeat(200_000));
    vec![
        ("a truncated body", vec![good().cut_after(9_000).without_ranges()], "the answer broke off", FAILED),
        ("no headers at all", vec![Reply::raw("")], "no usable answer", FAILED),
        ("garbage", vec![Reply::raw("\0\u{1}\u{2} SSH-2.0-x\r\n\r\n")], "no usable answer", FAILED),
        ("bytes without a head", vec![Reply::raw(whole.clone())], "no usable answer", FAILED),
        ("huge headers", vec![raw(&huge, &whole)], "no usable answer", FAILED),
        ("a length that is none", vec![good().announcing(usize::MAX)], "no usable answer", FAILED),
        ("two lengths", vec![raw("content-length: 20000\r\ncontent-length: 5", &whole)], "", FAILED),
        ("a negative length", vec![raw("content-length: -5", &whole)], "", FAILED),
        ("a chunk of no length", vec![raw("transfer-encoding: chunked", b"zz\r\nabc")], "the answer broke off", FAILED),
        (
            "chunks that end early",
            vec![raw("transfer-encoding: chunked", &[b"5\r\n", &whole[..2]].concat())],
            "the answer broke off",
            FAILED,
        ),
        ("a promise to continue", vec![Reply::raw("HTTP/1.1 100 x\r\n\r\n")], "no usable answer", FAILED),
        ("nothing", vec![Reply::status(204)], "status 204: that is no answer", FAILED),
        ("not modified", vec![Reply::status(304)], "status 304: that is no answer", FAILED),
        (
            "a part that nobody asked for",
            vec![part("bytes 0-19999/20000", "\"a\"", &whole)],
            "a part, where the whole was asked for",
            FAILED,
        ),
        (
            "a rest from another offset",
            vec![good().cut_after(5_000), part("bytes 4000-19999/20000", "\"a\"", &whole[4_000..])],
            "another part than was asked for",
            FAILED,
        ),
        (
            "a rest without a range",
            vec![good().cut_after(5_000), part("x", "\"a\"", &whole[5_000..])],
            "another part than was asked for",
            FAILED,
        ),
    ]
}

fn drips() -> Vec<Fault> {
    let drip = Duration::from_millis(20);
    vec![("a body in drips", vec![good().dripping(drip)], "less than 1000 bytes/s", FAILED)]
}

fn silences() -> Vec<Fault> {
    vec![
        ("a body that stops", vec![good().hanging_after(10)], "the answer broke off", FAILED),
        ("headers that stop", vec![Reply::raw("HTTP/1.1 200 x\r\na: ").hanging_after(0)], "no usable answer", FAILED),
    ]
}

fn refusals() -> Vec<Fault> {
    let year = "31536000";
    let past = "Mon, 23 Nov 2015 10:00:00 GMT";
    let later = |wait: &str| vec![Reply::status(429).header("retry-after", wait)];
    let mut all = vec![
        ("too many requests", later("0"), "status 429: too many requests", FAILED),
        ("too many requests until a date", later(past), "status 429: too many requests", FAILED),
        ("too many requests for a year", later(year), "left alone for 31536000 s", FAILED),
        ("a redirect to itself", vec![redirect("/a.jar")], "redirects in a circle, or too often", FAILED),
        ("a redirect to nowhere", vec![Reply::status(302)], "status 302: that is no answer", FAILED),
        ("a redirect to a file", vec![redirect("file:///etc/passwd")], "only http and https are", FAILED),
        ("a redirect to another protocol", vec![redirect("gopher://x.example/")], "only http and https are", FAILED),
        ("a redirect to what is no address", vec![redirect("http://[")], "it is no address", FAILED),
    ];
    let statuses = [
        (401, "status 401: it wants credentials"),
        (403, "status 403: it refuses access"),
        (404, "no such file (status 404)"),
        (410, "no such file (status 410)"),
        (416, "status 416: it has not the range"),
        (418, "status 418"),
        (500, "status 500: it has a problem of its own"),
        (502, "status 502: it has a problem"),
        (503, "status 503: it has a problem"),
        (504, "status 504: it has a problem"),
    ];
    all.extend(statuses.map(|(status, says)| ("a status", vec![Reply::status(status)], says, FAILED)));
    all
}

/// A client that tries again at once, and waits longer for an answer than a busy machine takes to give one.
fn options() -> Options {
    let patience = Patience { tries: 3, first_wait: Duration::from_millis(1), silence: Duration::from_secs(60) };
    Options { patience, ..Options::default() }
}

/// The same, but it soon gives up a server that says nothing.
fn impatient() -> Options {
    let patience = Patience { silence: Duration::from_millis(500), ..options().patience };
    Options { patience, ..options() }
}

/// The same, but it soon gives up a server that says little.
fn demanding() -> Options {
    Options { slowest: Slowest { rate: 1000, window: Duration::from_millis(200) }, ..options() }
}

fn expected() -> Expected {
    Expected { size: 20_000, sha256: Sha256::of(&body()) }
}

/// What one try comes to: the exit code and the chain of causes, outermost first.
fn told(store: &Store, options: Options, url: &str) -> (i32, String) {
    let location = Location::parse(url).unwrap();
    let Err(error) = store.bring(&Http::with(options), &[location], expected(), &silent) else {
        return (0, String::new());
    };
    let code = if error.is_mismatch() { MISMATCH } else { FAILED };
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        text = format!("{text}\n  {cause}");
        source = cause.source();
    }
    (code, text)
}

/// Nothing has the name of the wanted bytes, and what is kept for later is their true beginning.
fn nothing_wrong_is_kept(store: &Store, name: &str) {
    assert!(!store.has(expected()), "{name}: something is in the store");
    let partial = store.folder().join("partial").join(expected().sha256.to_string());
    let kept = std::fs::read(partial).unwrap_or_default();
    assert!(body().starts_with(&kept), "{name}: wrong bytes are kept");
}

/// Holds the client against each row; a good answer is then waited for with patience.
fn hold(faults: Vec<Fault>, client: fn() -> Options) {
    let upstream = Upstream::start();
    std::thread::scope(|scope| {
        for (at, (name, replies, says, code)) in faults.into_iter().enumerate() {
            let upstream = &upstream;
            scope.spawn(move || {
                let folder = tempfile::tempdir().unwrap();
                let store = Store::open(folder.path()).unwrap();
                let (path, url) = ("/a.jar", format!("{}/{at}/a.jar", upstream.url));
                let scripted = format!("/{at}{path}");
                upstream.on(&scripted, replies);
                // A redirect to the host's root must not end at another row.
                upstream.on(path, [redirect(path)]);
                let (found, text) = told(&store, client(), &url);
                assert!(found == code && text.contains(says), "{name}: wanted {code} {says:?}, got {found}\n{text}");
                nothing_wrong_is_kept(&store, name);
                upstream.on(&scripted, [good()]);
                assert_eq!(told(&store, options(), &url), (0, String::new()), "{name}: a good answer arrives");
            });
        }
    });
}

#[test]
fn wrong_bytes_are_refused_and_a_good_answer_still_arrives() {
    hold(wrong_bytes(), options);
}

#[test]
fn broken_answers_are_given_up_and_a_good_answer_still_arrives() {
    hold(broken_answers(), options);
}

#[test]
fn refusals_are_told_and_a_good_answer_still_arrives() {
    hold(refusals(), options);
}

#[test]
fn silence_and_drips_are_given_up_and_a_good_answer_still_arrives() {
    hold(silences(), impatient);
    hold(drips(), demanding);
}

#[test]
fn certificates_that_do_not_vouch_are_refused() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let folder = tempfile::tempdir().unwrap();
    let pem = folder.path().join("ca.pem");
    authority.write(&pem);
    let trusting = || Options { authorities: vec![pem.clone()], ..options() };
    let refused = |name: &str, url: &str, options: Options, says: &str| {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let (code, text) = told(&store, options, url);
        assert!(code == FAILED && text.contains(says), "{name}: {code} {text}");
        nothing_wrong_is_kept(&store, name);
    };
    let serving = |config| {
        let upstream = Upstream::encrypted(config);
        upstream.on("/a.jar", [good()]);
        format!("{}/a.jar", upstream.url)
    };
    let (right, own) = (serving(authority.server("127.0.0.1", 2099)), folder.path().join("empty.pem"));
    std::fs::write(&own, "no certificate").unwrap();
    refused(
        "expired",
        &serving(authority.server("127.0.0.1", 2001)),
        trusting(),
        "is valid until Mon, 31 Dec 2001 00:00:00 GMT, and the clock of this machine says",
    );
    let early = serving(authority.server_between("127.0.0.1", 2098, 2099));
    refused(
        "too early",
        &early,
        trusting(),
        "is valid from Wed, 01 Jan 2098 00:00:00 GMT, and the clock of this machine says",
    );
    refused("another name", &serving(authority.server("repo.example", 2099)), trusting(), "is not valid for it now");
    refused("a stranger's", &serving(stranger.server("127.0.0.1", 2099)), trusting(), "is not trusted");
    refused("a private one, untold", &right, options(), "is not trusted");
    refused("no file", &right, Options { authorities: vec![own], ..options() }, "as a file of trusted certificates");
    let plain = Upstream::start();
    refused("none", &format!("{}/a.jar", plain.url.replace("http:", "https:")), trusting(), "no usable answer");
    let store = Store::open(&folder.path().join("store")).unwrap();
    assert_eq!(told(&store, trusting(), &right), (0, String::new()));
}

/// A server inside that has a file, and a proxy through which everything outside is asked for.
fn inside_and_outside(file: &str) -> (Upstream, Upstream, Options) {
    let inner = Upstream::start();
    inner.on(file, [good()]);
    let proxy = Upstream::proxy(&inner);
    let behind = Options { proxies: Proxies::all(Proxy::new(&proxy.url)), ..options() };
    (inner, proxy, behind)
}

#[test]
fn a_redirect_never_leads_from_outside_in_or_out_of_the_encryption() {
    let (inner, proxy, behind) = inside_and_outside("/a.jar");
    let own = format!("{}/", inner.url);
    let targets =
        [&own, "http://127.0.0.1:1/", "http://169.254.169.254/latest/", "http://10.0.0.1/", "http://localhost/"];
    for target in targets {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        proxy.on("http://repo.example/a.jar", [redirect(&format!("{target}a.jar"))]);
        let (code, text) = told(&store, behind.clone(), "http://repo.example/a.jar");
        assert!(code == FAILED && text.contains("leads from outside to this machine"), "{target}: {text}");
    }
    assert_eq!(inner.requests(), [""; 0], "nobody inside was asked");

    let authority = Authority::new();
    let encrypted = Upstream::encrypted(authority.server("127.0.0.1", 2099));
    encrypted.on("/a.jar", [redirect(&format!("{}/a.jar", inner.url))]);
    let folder = tempfile::tempdir().unwrap();
    authority.write(&folder.path().join("ca.pem"));
    let trusting = Options { authorities: vec![folder.path().join("ca.pem")], ..options() };
    let store = Store::open(&folder.path().join("store")).unwrap();
    let (code, text) = told(&store, trusting, &format!("{}/a.jar", encrypted.url));
    assert!(code == FAILED && text.contains("it leaves the encrypted connection"), "{text}");
    assert_eq!(inner.requests(), [""; 0], "nobody inside was asked");
}

#[test]
fn an_index_page_leads_no_further_than_a_redirect() {
    let (inner, proxy, behind) = inside_and_outside("/tool-1.0.tar.gz");
    let own = inner.url.clone();
    for (target, why) in [
        (own.as_str(), "leads from outside to this machine"),
        ("//localhost", "leads from outside to this machine"),
        ("http://10.0.0.1", "leads from outside to this machine"),
        ("http://169.254.169.254", "leads from outside to this machine"),
        ("file:///etc", "only http and https are"),
        ("ftp://files.example", "only http and https are"),
    ] {
        let link = format!("<a href=\"{target}/tool-1.0.tar.gz#sha256={}\">x</a>", Sha256::of(&body()));
        proxy.on("http://index.example/simple/tool/", [Reply::bytes(link)]);
        let index = Location::parse("http://index.example/simple").unwrap();
        let http = Http::with(behind.clone());
        let page = pypi::project(&http, &index, &Word::new("tool").unwrap(), &silent).unwrap();
        let text = page.named("tool-1.0.tar.gz").unwrap_err().to_string();
        assert!(text.contains("which is not followed") && text.contains(why), "{target}: {text}");
    }
    assert_eq!(inner.requests(), [""; 0], "nobody inside was asked");
}

#[test]
fn a_name_on_a_page_of_others_must_not_stand_for_an_inner_address() {
    let system = rustix::system::uname();
    let name = system.nodename().to_string_lossy().to_lowercase();
    let inner = |address: std::net::SocketAddr| address.ip().is_loopback();
    if !(name.as_str(), 80).to_socket_addrs().is_ok_and(|mut all| all.all(inner)) {
        left_out!("a name on a page: {name} is not this machine's loopback by another name");
        return;
    }
    let upstream = Upstream::start();
    upstream.on("/a.jar", [good()]);
    let url: url::Url = format!("{}/a.jar", upstream.url.replace("127.0.0.1", &name)).parse().unwrap();
    let told = |page: &str| {
        let (folder, page) = (tempfile::tempdir().unwrap(), page.parse().unwrap());
        let (store, url) = (Store::open(folder.path()).unwrap(), url.clone());
        let brought =
            store.bring(&Http::with(options()), &[Location::Led(Box::new(Led { page, url }))], expected(), &silent);
        brought.err().map(|error| pnda::words::chain::chain(&error)).unwrap_or_default()
    };
    let text = told("http://192.0.2.1/simple/tool/");
    assert!(text.contains("leads from outside to this machine") && upstream.requests().is_empty(), "{text}");
    let text = told("http://127.0.0.1:1/simple/tool/");
    assert!(!text.contains("leads from outside"), "{text}");
}
