//! A server on the loopback for tests: it answers each request with what a script makes of it, and notes what it was asked.
//! A test can have it take a request and not answer, or neither take nor answer.
//! Not here: what any real server says.

use crate::transport::{self, Body, Lost, Transport};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{fmt, io};
use url::Url;

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    pub url: Url,
    pub body: Vec<u8>,
}

impl Request {
    /// One that is sent, with its whole body.
    pub fn of(request: transport::Request<'_>) -> Result<Request, Lost> {
        let body = match request.body {
            Body::Nothing => Vec::new(),
            Body::Json(value) => value.to_string().into_bytes(),
            Body::Xml(text) => text.as_bytes().to_vec(),
            Body::Bytes(size, bytes) => {
                let mut body = Vec::new();
                let read = bytes.take(size).read_to_end(&mut body);
                read.map_err(|error| Lost::Sent(error.to_string()))?;
                body
            }
        };
        Ok(Request { method: request.method.name().to_owned(), url: request.url.clone(), body })
    }

    /// A parameter of the query; empty if it is not there.
    pub fn parameter(&self, name: &str) -> String {
        self.url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
    }

    /// The method and the segments of the path, for matching.
    pub fn parts(&self) -> Vec<&str> {
        let segments = self.url.path_segments().into_iter().flatten();
        [self.method.as_str()].into_iter().chain(segments).collect()
    }

    /// `METHOD /path?query body`.
    fn line(&self) -> String {
        let query = self.url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let body = String::from_utf8_lossy(&self.body);
        format!("{} {}{query} {body}", self.method, self.url.path()).trim_end().to_owned()
    }
}

#[derive(Debug, Default)]
struct Notes {
    asked: Vec<String>,
    lost: Vec<(String, usize)>,
    dropped: Vec<(String, usize)>,
}

/// What a request is answered with: the bytes of an answer; none hang up.
type Script = Arc<dyn Fn(&Request) -> Vec<u8> + Send + Sync>;

/// The running server; it ends with the test's process.
#[derive(Clone)]
pub struct Scripted {
    pub address: String,
    notes: Arc<Mutex<Notes>>,
    script: Script,
}

impl fmt::Debug for Scripted {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.address)
    }
}

impl Scripted {
    /// The script gives the bytes of an answer; none hang up.
    pub fn start(script: impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static) -> Scripted {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let server = Scripted { address, notes: Arc::default(), script: Arc::new(script) };
        let served = server.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let server = served.clone();
                std::thread::spawn(move || server.talk(stream));
            }
        });
        server
    }

    /// What it was asked since the last time: `METHOD /path?query body`.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.notes().asked)
    }

    /// How many requests since then began like this.
    pub fn count(&self, beginning: &str) -> usize {
        self.notes().asked.iter().filter(|line| line.starts_with(beginning)).count()
    }

    /// The next requests that begin like this are taken and not answered.
    pub fn lose(&self, beginning: &str, times: usize) {
        self.notes().lost.push((beginning.to_owned(), times));
    }

    /// The next requests that begin like this are neither taken nor answered.
    pub fn drop(&self, beginning: &str, times: usize) {
        self.notes().dropped.push((beginning.to_owned(), times));
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn talk(&self, mut stream: TcpStream) {
        if let Some(request) = self.request(&stream) {
            let _ = stream.write_all(&self.answer(&request));
        }
    }

    /// The bytes of the answer to a request, with or without a connection; none if it gets none.
    pub fn answer(&self, request: &Request) -> Vec<u8> {
        let line = request.line();
        let (lost, dropped) = {
            let mut notes = self.notes();
            notes.asked.push(line.clone());
            (due(&mut notes.lost, &line), due(&mut notes.dropped, &line))
        };
        if dropped {
            return Vec::new();
        }
        let bytes = (self.script)(request);
        if lost { Vec::new() } else { bytes }
    }

    fn request(&self, stream: &TcpStream) -> Option<Request> {
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let mut length = 0;
        loop {
            let mut header = String::new();
            if reader.read_line(&mut header).ok()? == 0 || header.trim().is_empty() {
                break;
            }
            if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let mut words = line.split(' ');
        let method = words.next()?.to_owned();
        let url = Url::parse(&self.address).ok()?.join(words.next()?).ok()?;
        Some(Request { method, url, body })
    }
}

fn due(faults: &mut [(String, usize)], line: &str) -> bool {
    let due = faults.iter_mut().find(|(beginning, left)| *left > 0 && line.starts_with(beginning.as_str()));
    due.map(|(_, left)| *left -= 1).is_some()
}

/// An answer that is whole; further headers end in line ends.
pub fn http(status: u16, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status} x\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n{body}").into_bytes()
}

/// Servers in this process, reached without a socket: each request goes to a script with the URL that it has.
#[derive(Clone)]
pub struct InProcess(Script);

impl InProcess {
    /// The script gives the bytes of an answer; none hang up.
    pub fn of(script: impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static) -> InProcess {
        InProcess(Arc::new(script))
    }
}

impl fmt::Debug for InProcess {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("servers in this process")
    }
}

impl Transport for InProcess {
    fn exchange(&self, request: transport::Request<'_>) -> Result<transport::Response, Lost> {
        let request = Request::of(request)?;
        response((self.0)(&request)).ok_or_else(|| Lost::Sent("it hung up".to_owned()))
    }
}

/// What the bytes of an answer say; none if they are none.
fn response(bytes: Vec<u8>) -> Option<transport::Response> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = str::from_utf8(&bytes[..end]).ok()?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<(&str, &str)> = head.lines().filter_map(|line| line.split_once(": ")).collect();
    let header = |name: &str| {
        let found = headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name));
        found.map(|(_, value)| (*value).to_owned())
    };
    let reason = header(transport::CODE).map(|code| (code, header(transport::WORDS).unwrap_or_default()));
    let body = Box::new(io::Cursor::new(bytes[end + 4..].to_vec()));
    Some(transport::Response { status, location: header("location"), reason, body })
}

#[test]
fn a_resource_manager_and_a_namenode_answer_in_this_process() {
    let (yarn, hdfs) = (crate::yarn::Fake::start(), crate::webhdfs::Fake::start());
    let (served, files) = (yarn.clone(), hdfs.clone());
    // No such host is anywhere.
    let of = move |request: &Request| match request.url.host_str() {
        Some("rm.invalid") => served.server.answer(request),
        _ => files.answer_to(request),
    };
    let transport: transport::Shared = Arc::new(InProcess::of(of));
    let caller = crate::call::Caller::through(&transport);
    let alice = crate::hadoop::User::simple("alice");
    let manager = crate::yarn::ResourceManager::through(caller, &["http://rm.invalid:8088"]).unwrap();
    let id = manager.new_application(&alice).unwrap().id;
    manager.submit(&alice, &serde_json::json!({ "application-id": id })).unwrap();
    assert_eq!(manager.application(&id).unwrap().unwrap().state, crate::yarn::State::Accepted);
    let hdfs = crate::webhdfs::WebHdfs::through(&transport, &["http://nn.invalid:9870"], alice).unwrap();
    hdfs.write("/a/b", "600", 3, &mut &b"abc"[..]).unwrap();
    assert_eq!(hdfs.read("/a/b", 9).unwrap(), Some(b"abc".to_vec()));
    assert_eq!(hdfs.status("/nothing").unwrap(), None);
    yarn.server.lose("GET", 1);
    assert!(manager.application(&id).is_err(), "an answer can be lost here, too");
}
