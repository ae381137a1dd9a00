//! What lies between a manager and the scripted servers in tests: it counts every request to any of them, and loses, delays
//! or doubles one of them, after which the manager may be cut off as if it had been killed.
//! Not here: what the servers answer.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use systems::Scripted;

/// What becomes of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Nothing: it is answered.
    None,
    /// The server never sees it.
    Dropped,
    /// The server acts, and its answer is lost.
    Swallowed,
    /// The server gets it twice; its second answer counts.
    Doubled,
    /// The server gets it after the next request, and nobody gets its answer.
    Delayed,
    /// The same, after several more.
    Late,
    /// The server acts, its answer is lost, and several more requests with it.
    Outage,
}

/// An answer that does not come from the server.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    /// To requests whose first line contains this.
    pub(super) to: &'static str,
    /// Whether the server acts all the same.
    pub(super) acts: bool,
    /// The status, Hadoop's exception, and its message; none is no answer.
    pub(super) says: Option<(u16, &'static str, &'static str)>,
}

#[derive(Default)]
pub(super) struct Plan {
    /// Requests so far.
    pub(super) count: usize,
    /// Their first lines, without the version of HTTP.
    pub(super) lines: Vec<String>,
    /// What becomes of which request, and whether it is the last one of this manager.
    pub(super) fault: Option<(usize, Fault, bool)>,
    /// Nothing goes through any more: its manager is dead.
    pub(super) is_dead: bool,
    /// Servers that nobody reaches, by their place.
    pub(super) hidden: Vec<usize>,
    /// What requests that contain a text are answered with; none is no answer.
    pub(super) answers: Vec<Answer>,
    /// What is done before the request of this number goes on.
    pub(super) before: Option<(usize, Box<dyn FnOnce() + Send>)>,
    /// The manager's folder for what is under way, and what was in it when it was killed.
    pub(super) work: PathBuf,
    pub(super) left: Vec<PathBuf>,
    /// A request that comes late, and after how many others.
    held: Option<(usize, String, Vec<u8>)>,
}

/// So many requests come before one that is late, and so many are lost with one in an outage.
const SEVERAL: usize = 6;

/// Proxies before servers, counted together.
#[derive(Clone)]
pub(super) struct Wire {
    plan: Arc<Mutex<Plan>>,
    /// Where they answer, in the order of the servers.
    pub(super) addresses: Vec<String>,
}

impl Wire {
    pub(super) fn before(servers: &[&str]) -> Wire {
        let plan = Arc::<Mutex<Plan>>::default();
        let proxy = |(place, server): (usize, &&str)| {
            let (plan, server) = (plan.clone(), (*server).to_owned());
            let script = Scripted::start(move |request| {
                let (url, body) = (&request.url, &request.body);
                let target = format!("{}?{}", url.path(), url.query().unwrap_or_default());
                let head = format!("{} {target} HTTP/1.1\r\ncontent-length: {}\r\n\r\n", request.method, body.len());
                let own = url.origin().ascii_serialization();
                let answer = pass(&plan, place, &server, [head.as_bytes(), body].concat());
                answer.map_or(Vec::new(), |answer| readdressed(&answer, &server, &own))
            });
            script.address
        };
        let addresses = servers.iter().enumerate().map(proxy).collect();
        Wire { plan, addresses }
    }

    pub(super) fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap()
    }

    /// Counts anew; the request of this number suffers, and the manager is killed then or not.
    pub(super) fn expect(&self, number: usize, fault: Fault, kills: bool) {
        *self.plan() = Plan { fault: Some((number, fault, kills)), ..Plan::default() };
    }

    /// Another manager is there.
    pub(super) fn revive(&self) {
        self.plan().is_dead = false;
    }
}

fn pass(plan: &Mutex<Plan>, place: usize, server: &str, request: Vec<u8>) -> Option<Vec<u8>> {
    let (fault, held, before) = {
        let mut plan = plan.lock().unwrap();
        let line = String::from_utf8_lossy(&request[..request.iter().position(|byte| *byte == b'\r').unwrap()]);
        let other = plan.answers.iter().find(|answer| line.contains(answer.to)).cloned();
        if let Some(Answer { acts, says, .. }) = other.filter(|_| !plan.is_dead) {
            drop(plan);
            if acts {
                forward(server, &request);
            }
            return says.map(refusal);
        }
        if plan.is_dead || plan.hidden.contains(&place) {
            return None;
        }
        plan.count += 1;
        plan.lines.push(line.trim_end_matches(" HTTP/1.1").to_owned());
        let (fault, kills) = due(&plan);
        plan.is_dead |= kills;
        if kills {
            let entries = std::fs::read_dir(&plan.work).into_iter().flatten();
            plan.left = entries.map(|entry| entry.unwrap().path()).collect();
        }
        let held = plan.held.take_if(|(after, ..)| {
            *after -= 1;
            *after == 0
        });
        if let Fault::Delayed | Fault::Late = fault {
            plan.held = Some((if fault == Fault::Late { SEVERAL } else { 1 }, server.to_owned(), request.clone()));
        }
        let count = plan.count;
        let before = plan.before.take_if(|(number, _)| *number == count);
        (fault, held, before)
    };
    if let Some((_, before)) = before {
        before();
    }
    let answer = match fault {
        Fault::Dropped | Fault::Delayed | Fault::Late => None,
        Fault::Swallowed | Fault::Outage => {
            forward(server, &request);
            None
        }
        Fault::Doubled => {
            forward(server, &request);
            Some(forward(server, &request))
        }
        Fault::None => Some(forward(server, &request)),
    };
    if let Some((_, server, request)) = held {
        forward(&server, &request);
    }
    answer
}

/// What becomes of the request that was counted last, and whether its manager is killed with it.
fn due(plan: &Plan) -> (Fault, bool) {
    match plan.fault {
        Some((number, fault, kills)) if number == plan.count => (fault, kills),
        Some((number, Fault::Outage, _)) if (number..=number + SEVERAL).contains(&plan.count) => {
            (Fault::Dropped, false)
        }
        _ => (Fault::None, false),
    }
}

fn refusal((status, kind, message): (u16, &str, &str)) -> Vec<u8> {
    let body = serde_json::json!({ "RemoteException": { "exception": kind, "message": message } });
    format!("HTTP/1.1 {status} x\r\n\r\n{body}").into_bytes()
}

fn forward(server: &str, request: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(server.trim_start_matches("http://")).unwrap();
    stream.write_all(request).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    answer
}

/// The NameNode names itself as the DataNode: those requests come through here, too.
fn readdressed(answer: &[u8], server: &str, own: &str) -> Vec<u8> {
    // A server that hangs up says nothing.
    let Some(end) = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { return Vec::new() };
    let head = String::from_utf8_lossy(&answer[..end]);
    let body = &answer[end + 4..];
    let body = str::from_utf8(body).map_or_else(|_| body.to_vec(), |text| text.replace(server, own).into_bytes());
    let head = format!("{}\r\nconnection: close\r\ncontent-length: {}", head.lines().next().unwrap(), body.len());
    [head.as_bytes(), b"\r\n\r\n", &body].concat()
}
