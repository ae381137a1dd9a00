//! A scripted web server: each path answers what the test says, in that order, the last answer again and again.
//! It notes every request, so that a test can say what was asked for, and how often.
//! Not here: anything a well-behaved server would do by itself, except byte ranges.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// One answer.
#[derive(Clone, Default)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    announced: Option<usize>,
    cut: Option<usize>,
    hang: bool,
    ranges: bool,
}

impl Reply {
    /// The bytes, with byte ranges honoured.
    pub fn bytes(body: impl Into<Vec<u8>>) -> Reply {
        Reply { status: 200, body: body.into(), ranges: true, ..Reply::default() }
    }

    /// Only a status.
    pub fn status(status: u16) -> Reply {
        Reply { status, ..Reply::default() }
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

    /// Closes after so many bytes of the body.
    pub fn cut_after(mut self, bytes: usize) -> Reply {
        self.cut = Some(bytes);
        self
    }

    /// Says nothing more after so many bytes of the body, and does not close either.
    pub fn hanging_after(self, bytes: usize) -> Reply {
        Reply { hang: true, ..self.cut_after(bytes) }
    }

    /// Answers the whole body whatever range is asked for.
    pub fn without_ranges(mut self) -> Reply {
        self.ranges = false;
        self
    }
}

/// The server; it ends with the test's process.
pub struct Upstream {
    /// Its address: `http://127.0.0.1:port`.
    pub url: String,
    script: Arc<Mutex<BTreeMap<String, Vec<Reply>>>>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Upstream {
    /// Starts one that knows no path.
    pub fn start() -> Upstream {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let script: Arc<Mutex<BTreeMap<String, Vec<Reply>>>> = Arc::default();
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let (known, noted) = (script.clone(), requests.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (known, noted) = (known.clone(), noted.clone());
                std::thread::spawn(move || answer(stream, &known, &noted));
            }
        });
        Upstream { url, script, requests }
    }

    /// What a path answers from now on.
    pub fn on(&self, path: &str, replies: impl IntoIterator<Item = Reply>) {
        self.script.lock().unwrap().insert(path.into(), replies.into_iter().collect());
    }

    /// Every request so far: `path` or `path from N`.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// Forgets every path: the cable is out.
    pub fn gone(&self) {
        self.script.lock().unwrap().clear();
        self.requests.lock().unwrap().clear();
    }
}

fn answer(
    mut stream: TcpStream,
    script: &Mutex<BTreeMap<String, Vec<Reply>>>,
    requests: &Mutex<Vec<String>>,
) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut start = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        if header.trim().is_empty() {
            break;
        }
        if let Some(range) = header.to_ascii_lowercase().strip_prefix("range: bytes=") {
            start = range.split('-').next()?.trim().parse().ok()?;
        }
    }
    let asked = if start > 0 { format!("{path} from {start}") } else { path.clone() };
    requests.lock().unwrap().push(asked);
    let reply = {
        let mut script = script.lock().unwrap();
        match script.get_mut(&path) {
            Some(replies) if replies.len() > 1 => replies.remove(0),
            Some(replies) => replies[0].clone(),
            None => Reply::status(404),
        }
    };
    send(&mut stream, &reply, start)
}

fn send(stream: &mut TcpStream, reply: &Reply, start: usize) -> Option<()> {
    let (status, body, range) = match start {
        0 => (reply.status, &reply.body[..], None),
        _ if !reply.ranges => (reply.status, &reply.body[..], None),
        start if start < reply.body.len() => {
            let last = reply.body.len() - 1;
            (206, &reply.body[start..], Some(format!("content-range: bytes {start}-{last}/{}\r\n", reply.body.len())))
        }
        _ => (416, &[][..], None),
    };
    let length = reply.announced.unwrap_or(body.len());
    let mut head = format!("HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: {length}\r\n");
    head.extend(range);
    reply.headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
    stream.write_all(format!("{head}\r\n").as_bytes()).ok()?;
    let sent = reply.cut.unwrap_or(body.len()).min(body.len());
    stream.write_all(&body[..sent]).ok()?;
    stream.flush().ok()?;
    if reply.hang {
        std::thread::sleep(std::time::Duration::from_secs(20));
    }
    Some(())
}
