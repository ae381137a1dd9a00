//! What lies between a manager and a real ResourceManager or NameNode: requests go through, and at one of them something is
//! done, before the server has it or after it has answered.
//! Not here: what is done. HDFS's data goes from DataNodes, past this.
#![allow(dead_code, reason = "tests and a bench share it, and each stands on a part")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// At which request, and when.
pub enum Moment {
    /// Before the server has the request of this number.
    Before(usize),
    /// After it has answered it; nobody hears the answer.
    After(usize),
    /// Before the server has the first request whose first line contains this.
    BeforeFirst(&'static str),
    /// After it has answered the first one of those.
    AfterFirst(&'static str),
}

/// What is done then.
type Act = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Plan {
    count: usize,
    bytes: usize,
    then: Option<(Moment, Act)>,
}

/// Relays before several servers, counted together.
#[derive(Clone, Default)]
pub struct Relay {
    plan: Arc<Mutex<Plan>>,
}

impl Relay {
    /// Another address of a server, as `http://host:port`.
    pub fn before(&self, server: &str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (relay, server) = (self.clone(), server.trim_start_matches("http://").to_owned());
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (relay, server) = (relay.clone(), server.clone());
                thread::spawn(move || relay.pass(stream, &server));
            }
        });
        address
    }

    /// Counts anew, and does this once.
    pub fn expect(&self, moment: Moment, act: impl FnOnce() + Send + 'static) {
        *self.plan.lock().unwrap() = Plan { then: Some((moment, Box::new(act))), ..Plan::default() };
    }

    /// Requests since then, and whether it was done. Nothing is done from now on.
    pub fn end(&self) -> (usize, bool) {
        let mut plan = self.plan.lock().unwrap();
        (plan.count, plan.then.take().is_none())
    }

    /// Bytes of the answers since then.
    pub fn bytes(&self) -> usize {
        self.plan.lock().unwrap().bytes
    }

    /// Whether it is still to be done.
    pub fn waits(&self) -> bool {
        self.plan.lock().unwrap().then.is_some()
    }

    /// What is due at a request: before it, or after it.
    fn due(&self, line: &str) -> (Option<Act>, Option<Act>) {
        let mut plan = self.plan.lock().unwrap();
        plan.count += 1;
        let count = plan.count;
        match plan.then.take() {
            Some((Moment::Before(at), act)) if at == count => (Some(act), None),
            Some((Moment::BeforeFirst(text), act)) if line.contains(text) => (Some(act), None),
            Some((Moment::After(at), act)) if at == count => (None, Some(act)),
            Some((Moment::AfterFirst(text), act)) if line.contains(text) => (None, Some(act)),
            other => {
                plan.then = other;
                (None, None)
            }
        }
    }

    /// One request a connection.
    fn pass(&self, client: TcpStream, server: &str) -> Option<()> {
        let mut reader = BufReader::new(&client);
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let lower = line.to_ascii_lowercase();
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            if line.trim().is_empty() {
                break;
            }
            if !lower.starts_with("connection:") {
                head += &line;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let (before, after) = self.due(head.lines().next().unwrap_or_default());
        if let Some(act) = before {
            act();
        }
        let mut upstream = TcpStream::connect(server).ok()?;
        upstream.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes()).ok()?;
        upstream.write_all(&body).ok()?;
        let mut answer = Vec::new();
        upstream.read_to_end(&mut answer).ok()?;
        self.plan.lock().unwrap().bytes += answer.len();
        match after {
            Some(act) => act(),
            None => (&client).write_all(&answer).ok()?,
        }
        Some(())
    }
}
