//! A ZooKeeper in memory for tests: nodes by their paths, the requests that the client has, and nothing else.
//! It answers at once, on a port of loopback, until the program ends.
//! Not here: sessions that end, rights, and more than one server.

use super::{CHILDREN, CLOSE, DELETE, EXISTS, NO_NODE, NOT_EMPTY};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// When a node was changed, and whether it ends with a session.
type Nodes = BTreeMap<String, (u64, bool)>;

/// The server.
pub struct Fake {
    /// Where it answers.
    pub address: SocketAddr,
    nodes: Arc<Mutex<Nodes>>,
}

impl Fake {
    /// Starts one, which ends with the program.
    pub fn start() -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let fake = Fake { address: listener.local_addr().expect("it is bound"), nodes: Arc::default() };
        let nodes = fake.nodes.clone();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let nodes = nodes.clone();
                thread::spawn(move || answer(stream, &nodes));
            }
        });
        fake
    }

    /// Makes a node and those above it.
    pub fn make(&self, path: &str, at_ms: u64, is_held: bool) {
        let mut nodes = self.nodes.lock().expect("nobody fails");
        for (at, _) in path.match_indices('/').skip(1) {
            nodes.entry(path[..at].to_owned()).or_insert((at_ms, false));
        }
        nodes.insert(path.to_owned(), (at_ms, is_held));
    }

    /// What is there.
    pub fn paths(&self) -> Vec<String> {
        self.nodes.lock().expect("nobody fails").keys().cloned().collect()
    }
}

fn answer(mut stream: TcpStream, nodes: &Mutex<Nodes>) -> Option<()> {
    read(&mut stream)?;
    let mut hello = [0, 30_000_i32].map(i32::to_be_bytes).concat();
    hello.extend(1_i64.to_be_bytes());
    hello.extend(16_i32.to_be_bytes());
    hello.extend([0; 17]);
    write(&mut stream, &hello)?;
    loop {
        let request = read(&mut stream)?;
        let part = |at: usize| Some(i32::from_be_bytes(request.get(at..at + 4)?.try_into().ok()?));
        let (number, kind) = (part(0)?, part(4)?);
        if kind == CLOSE {
            return None;
        }
        let path = String::from_utf8(request[12..12 + part(8)? as usize].to_vec()).ok()?;
        let (error, body) = told(&mut *nodes.lock().ok()?, kind, &path);
        let mut answer = number.to_be_bytes().to_vec();
        answer.extend(0_i64.to_be_bytes());
        answer.extend(error.to_be_bytes());
        answer.extend(body);
        write(&mut stream, &answer)?;
    }
}

fn told(nodes: &mut Nodes, kind: i32, path: &str) -> (i32, Vec<u8>) {
    let Some((at_ms, is_held)) = nodes.get(path).copied() else { return (NO_NODE, Vec::new()) };
    let below = format!("{path}/");
    let children = nodes.keys().filter_map(|path| path.strip_prefix(&below)).filter(|name| !name.contains('/'));
    let children: Vec<&str> = children.collect();
    let mut stat = [1, 1, at_ms, at_ms].map(u64::to_be_bytes).concat();
    stat.extend([0; 12]);
    stat.extend(u64::from(is_held).to_be_bytes());
    stat.extend([0; 16]);
    match kind {
        EXISTS => (0, stat),
        CHILDREN => {
            let mut list = (children.len() as i32).to_be_bytes().to_vec();
            for name in children {
                list.extend((name.len() as i32).to_be_bytes());
                list.extend(name.as_bytes());
            }
            list.extend(stat);
            (0, list)
        }
        DELETE if children.is_empty() => {
            nodes.remove(path);
            (0, Vec::new())
        }
        _ => (NOT_EMPTY, Vec::new()),
    }
}

fn read(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut size = [0; 4];
    stream.read_exact(&mut size).ok()?;
    let mut bytes = vec![0; i32::from_be_bytes(size) as usize];
    stream.read_exact(&mut bytes).ok()?;
    Some(bytes)
}

fn write(stream: &mut TcpStream, bytes: &[u8]) -> Option<()> {
    stream.write_all(&[&(bytes.len() as i32).to_be_bytes(), bytes].concat()).ok()
}
