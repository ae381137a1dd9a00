//! A scripted web server: each path answers what the test says, in that order, the last answer again and again.
//! It notes every request, so that a test can say what was asked for, and how often; it can be encrypted, and a proxy.
//! Not here: anything a well-behaved server would do by itself, except byte ranges of the state that is asked for.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

/// One answer.
#[derive(Clone, Default)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Arc<Vec<u8>>,
    announced: Option<usize>,
    unannounced: bool,
    cut: Option<usize>,
    hang: bool,
    ranges: bool,
    drip: Option<Duration>,
    raw: bool,
}

impl Reply {
    /// The bytes, with byte ranges honoured.
    pub fn bytes(body: impl Into<Vec<u8>>) -> Reply {
        Reply { status: 200, body: Arc::new(body.into()), ranges: true, ..Reply::default() }
    }

    /// Only a status.
    pub fn status(status: u16) -> Reply {
        Reply { status, ..Reply::default() }
    }

    /// These bytes and nothing else, not even a status line.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Reply {
        Reply { raw: true, ..Reply::bytes(bytes) }
    }

    /// One more header.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Reply {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Another length than the body has.
    pub fn announcing(mut self, length: usize) -> Reply {
        self.announced = Some(length);
        self
    }

    /// No length at all: the body ends with the connection.
    pub fn unannounced(mut self) -> Reply {
        self.unannounced = true;
        self
    }

    /// Closes after so many bytes of the body.
    pub fn cut_after(mut self, bytes: usize) -> Reply {
        self.cut = Some(bytes);
        self
    }

    /// Says nothing more after so many bytes of the body, and does not close either.
    pub fn hanging_after(self, bytes: usize) -> Reply {
        Reply { hang: true, ..self.cut_after(bytes) }
    }

    /// One byte, and then so long nothing, again and again.
    pub fn dripping(mut self, pause: Duration) -> Reply {
        self.drip = Some(pause);
        self
    }

    /// Answers the whole body whatever range is asked for.
    pub fn without_ranges(mut self) -> Reply {
        self.ranges = false;
        self
    }
}

type Script = Arc<Mutex<BTreeMap<String, Vec<Reply>>>>;

/// The server; it ends with the test's process.
pub struct Upstream {
    /// Its address: `http://127.0.0.1:port`.
    pub url: String,
    shared: Shared,
}

/// What the server's threads and the test share.
#[derive(Clone, Default)]
struct Shared {
    script: Script,
    requests: Arc<Mutex<Vec<String>>>,
    heads: Arc<Mutex<Vec<String>>>,
    sent: Arc<AtomicU64>,
    /// Connections that are accepted and not yet over.
    open: Arc<AtomicU64>,
    tunnel_to: Option<String>,
    tls: Option<Arc<ServerConfig>>,
}

impl Upstream {
    /// Starts one that knows no path.
    pub fn start() -> Upstream {
        Upstream::listen("http", Shared::default())
    }

    /// Starts one that is encrypted.
    pub fn encrypted(tls: Arc<ServerConfig>) -> Upstream {
        Upstream::listen("https", Shared { tls: Some(tls), ..Shared::default() })
    }

    /// Starts a proxy whose tunnels all lead to one server, whatever they are asked for.
    /// Plain requests it answers itself: their paths are whole addresses.
    pub fn proxy(tunnel_to: &Upstream) -> Upstream {
        let address = tunnel_to.url.split("://").nth(1).unwrap().to_owned();
        Upstream::listen("http", Shared { tunnel_to: Some(address), ..Shared::default() })
    }

    fn listen(scheme: &str, shared: Shared) -> Upstream {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("{scheme}://{}", listener.local_addr().unwrap());
        let serving = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = serving.clone();
                shared.open.fetch_add(1, Ordering::SeqCst);
                std::thread::spawn(move || {
                    serve(stream, &shared);
                    shared.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Upstream { url, shared }
    }

    /// What a path answers from now on.
    pub fn on(&self, path: &str, replies: impl IntoIterator<Item = Reply>) {
        self.shared.script.lock().unwrap().insert(path.into(), replies.into_iter().collect());
    }

    /// Every request so far: `path`, `path from N` or `path N-M`.
    pub fn requests(&self) -> Vec<String> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// The heads of every request so far.
    pub fn heads(&self) -> Vec<String> {
        self.shared.heads.lock().unwrap().clone()
    }

    /// How many bytes of bodies were sent so far.
    pub fn sent(&self) -> u64 {
        self.shared.sent.load(Ordering::SeqCst)
    }

    /// Waits until everybody who was connected, even to hang up at once, has been dealt with.
    pub fn settle(&self) {
        // Connections are accepted in their order: after this one, all earlier ones were.
        let mut last = TcpStream::connect(self.url.split("://").nth(1).unwrap()).unwrap();
        last.write_all(b"GET /settle HTTP/1.1\r\n\r\n").unwrap();
        last.read_to_end(&mut Vec::new()).unwrap();
        while self.shared.open.load(Ordering::SeqCst) > 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Forgets every path: the cable is out.
    pub fn gone(&self) {
        self.shared.script.lock().unwrap().clear();
        self.shared.requests.lock().unwrap().clear();
    }
}

fn serve(stream: TcpStream, shared: &Shared) -> Option<()> {
    match shared.tls.clone() {
        None if is_connect(&stream) => tunnel(stream, shared),
        None => answer(stream, shared),
        Some(tls) => answer(StreamOwned::new(ServerConnection::new(tls).ok()?, stream), shared),
    }
}

fn is_connect(stream: &TcpStream) -> bool {
    let mut first = [0; 8];
    stream.peek(&mut first).is_ok_and(|count| first[..count].starts_with(b"CONNECT"))
}

/// What a request asks for.
struct Asked {
    path: String,
    start: usize,
    end: Option<usize>,
    if_range: Option<String>,
}

fn answer(stream: impl Read + Write, shared: &Shared) -> Option<()> {
    let mut stream = BufReader::new(stream);
    let asked = read_request(&mut stream, shared)?;
    let stream = stream.into_inner();
    let reply = {
        let mut script = shared.script.lock().unwrap();
        match script.get_mut(&asked.path) {
            Some(replies) if replies.len() > 1 => replies.remove(0),
            Some(replies) => replies[0].clone(),
            None => Reply::status(404),
        }
    };
    send(stream, &reply, &asked, shared)
}

fn read_request(stream: &mut impl BufRead, shared: &Shared) -> Option<Asked> {
    let mut head = String::new();
    while stream.read_line(&mut head).ok()? > 2 {}
    let mut words = head.split(' ');
    let (method, path) = (words.next()?, words.next()?.to_owned());
    let header = |name: &str| {
        let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}: ")))?;
        Some(line[name.len() + 2..].trim().to_owned())
    };
    let range = header("range").and_then(|range| Some(range.strip_prefix("bytes=")?.to_owned()));
    let (start, end) = match range.as_deref().and_then(|range| range.split_once('-')) {
        Some((start, end)) => (start.parse().ok()?, end.parse().ok().map(|last: usize| last + 1)),
        None => (0, None),
    };
    let noted = match (method, start, end) {
        ("CONNECT", ..) => format!("CONNECT {path}"),
        (_, 0, None) => path.clone(),
        (_, _, None) => format!("{path} from {start}"),
        (_, _, Some(end)) => format!("{path} {start}-{end}"),
    };
    shared.requests.lock().unwrap().push(noted);
    let asked = Asked { path, start, end, if_range: header("if-range") };
    shared.heads.lock().unwrap().push(head);
    Some(asked)
}

/// Passes bytes on in both directions.
fn tunnel(client: TcpStream, shared: &Shared) -> Option<()> {
    let mut reader = BufReader::new(client.try_clone().ok()?);
    read_request(&mut reader, shared)?;
    let server = TcpStream::connect(shared.tunnel_to.as_ref()?).ok()?;
    (&client).write_all(b"HTTP/1.1 200 x\r\n\r\n").ok()?;
    let (mut from, mut to) = (server.try_clone().ok()?, client.try_clone().ok()?);
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        to.shutdown(std::net::Shutdown::Both)
    });
    std::io::copy(&mut reader, &mut &server).ok().map(drop)
}

fn send(mut stream: impl Write, reply: &Reply, asked: &Asked, shared: &Shared) -> Option<()> {
    if reply.raw {
        stream.write_all(&reply.body).ok()?;
        stream.flush().ok()?;
        std::thread::sleep(if reply.hang { Duration::from_secs(20) } else { Duration::ZERO });
        return Some(());
    }
    let etag = reply.headers.iter().find(|(name, _)| name == "etag").map(|(_, value)| value);
    let same = asked.if_range.is_none() || asked.if_range.as_ref() == etag;
    let size = reply.body.len();
    let end = asked.end.unwrap_or(size).min(size);
    let is_part = reply.ranges && same && (asked.start > 0 || asked.end.is_some());
    let (status, body, range) = match is_part {
        false => (reply.status, &reply.body[..], None),
        true if asked.start < end => {
            let range = format!("content-range: bytes {}-{}/{size}\r\n", asked.start, end - 1);
            (206, &reply.body[asked.start..end], Some(range))
        }
        true => (416, &[][..], None),
    };
    let mut head = format!("HTTP/1.1 {status} x\r\nconnection: close\r\n");
    if !reply.unannounced {
        head.push_str(&format!("content-length: {}\r\n", reply.announced.unwrap_or(body.len())));
    }
    head.extend(range);
    reply.headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
    stream.write_all(format!("{head}\r\n").as_bytes()).ok()?;
    let sent = reply.cut.unwrap_or(body.len()).min(body.len());
    pour(&mut stream, &body[..sent], reply.drip, shared)?;
    if reply.hang {
        std::thread::sleep(Duration::from_secs(20));
    }
    Some(())
}

fn pour(stream: &mut impl Write, body: &[u8], drip: Option<Duration>, shared: &Shared) -> Option<()> {
    let portion = if drip.is_some() { 1 } else { 64 * 1024 };
    for part in body.chunks(portion) {
        stream.write_all(part).ok()?;
        shared.sent.fetch_add(part.len() as u64, Ordering::SeqCst);
        if let Some(pause) = drip {
            stream.flush().ok()?;
            std::thread::sleep(pause);
        }
    }
    stream.flush().ok()
}
