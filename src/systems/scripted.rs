//! A server on the loopback for tests: it answers each request with what a script makes of it, and notes what it was asked.
//! A test can have it take a request and not answer, or neither take nor answer.
//! Not here: what any real server says.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use url::Url;

/// A request as it came.
#[derive(Debug)]
pub struct Request {
    pub method: String,
    pub url: Url,
    pub body: Vec<u8>,
}

impl Request {
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

/// The running server; it ends with the test's process.
#[derive(Debug, Clone)]
pub struct Scripted {
    pub address: String,
    notes: Arc<Mutex<Notes>>,
}

impl Scripted {
    /// The script gives the bytes of an answer; none hang up.
    pub fn start(script: impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static) -> Scripted {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let server = Scripted { address, notes: Arc::default() };
        let (served, script) = (server.clone(), Arc::new(script));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (server, script) = (served.clone(), script.clone());
                std::thread::spawn(move || server.talk(stream, &*script));
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

    fn talk(&self, mut stream: TcpStream, script: &dyn Fn(&Request) -> Vec<u8>) {
        let Some(request) = self.request(&stream) else { return };
        let line = request.line();
        let (lost, dropped) = {
            let mut notes = self.notes();
            notes.asked.push(line.clone());
            (due(&mut notes.lost, &line), due(&mut notes.dropped, &line))
        };
        if dropped {
            return;
        }
        let bytes = script(&request);
        if !lost {
            let _ = stream.write_all(&bytes);
        }
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
