//! What lies between managers and the cluster: each request may be lost, heard and not answered, taken twice, come late, be
//! answered with something else or with half of it, be the last of its manager, or wait until another node has taken over.
//! Not here: what the cluster answers, and which request suffers what (`steps`).

use super::cluster::Cluster;
use crate::network::Network;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use systems::transport::{self, Body, Lost, Response, Shared, Transport};
use systems::{InProcess, Request};

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The server never sees it.
    Lost,
    /// The server acts, and its answer is lost.
    Unheard,
    /// The server gets it twice; its second answer counts.
    Doubled,
    /// The server gets it after so many more, and nobody gets its answer.
    Late(usize),
    /// The server acts, and half of its answer comes.
    Cut,
    /// The server acts or not, and something in between answers.
    Wrong(usize, bool),
    /// Whoever sends it is held before it leaves, and another node takes over meanwhile.
    Held,
}

/// What something in between answers.
const WRONG: [(u16, &str); 6] = [
    (200, "{}"),
    (200, "<html>welcome</html>"),
    (404, "<html>not found</html>"),
    (500, r#"{"RemoteException":{"exception":"RuntimeException","javaClassName":"x","message":"odd"}}"#),
    (503, "<html>service unavailable</html>"),
    (500, r#"{"errors":["Internal server error."]}"#),
];

/// What looks at each request before it leaves; gives what must not be so.
pub(super) type Watch = dyn Fn(&Request) -> Result<(), String> + Send + Sync;

#[derive(Default)]
pub(super) struct Plan {
    /// Requests so far.
    pub(super) count: usize,
    /// At which request what comes, and whether its manager is killed with it.
    pub(super) armed: Vec<(usize, Fault, bool)>,
    pub(super) late: Vec<(usize, Request)>,
    /// Managers that are dead.
    pub(super) dead: BTreeSet<usize>,
    /// Lets another node go on while somebody is held.
    pub(super) meanwhile: Option<Box<dyn FnOnce() + Send>>,
    /// What happened, where somebody wants to know.
    pub(super) trace: Option<Vec<String>>,
    /// What must not be so.
    pub(super) breaches: Vec<String>,
    /// Where each manager has the files of runs under way, and those that were there when one was killed.
    pub(super) work: BTreeMap<usize, PathBuf>,
    pub(super) left: Vec<PathBuf>,
    /// Faults that came.
    pub(super) hits: usize,
}

/// The line.
pub(super) struct Line {
    pub(super) cluster: Arc<Cluster>,
    plan: Mutex<Plan>,
    watch: Box<Watch>,
}

impl Line {
    pub(super) fn before(cluster: Arc<Cluster>, watch: Box<Watch>) -> Arc<Line> {
        Arc::new(Line { cluster, plan: Mutex::default(), watch })
    }

    pub(super) fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap()
    }

    pub(super) fn tell(&self, line: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.plan().trace {
            trace.push(line());
        }
    }

    /// The network of the manager with this number.
    pub(super) fn network(self: &Arc<Line>, who: usize) -> Network {
        let shared: Shared = Arc::new(Wire { line: self.clone(), who });
        Network { nodes: Network::of(&[]).nodes, ..Network::over(&shared) }
    }

    fn carry(&self, request: &Request) -> Result<Response, Lost> {
        let Some(bytes) = self.cluster.answer(request) else {
            return Err(Lost::NotSent("connection refused".to_owned()));
        };
        let answer = InProcess::of(move |_| bytes.clone());
        let (url, wants_json, body) = (&request.url, false, Body::Nothing);
        answer.exchange(transport::Request { method: transport::Method::Get, url, wants_json, body })
    }

    /// What comes of this request, and whether its sender is dead then; and what comes late by now.
    fn next(&self, who: usize, request: &Request) -> Result<Option<(Fault, bool)>, Lost> {
        let mut plan = self.plan();
        if plan.dead.contains(&who) {
            return Err(Lost::NotSent("its sender is dead".to_owned()));
        }
        plan.count += 1;
        let count = plan.count;
        let at = plan.armed.iter().position(|(number, ..)| *number <= count);
        let fault = at.map(|at| plan.armed.remove(at)).map(|(_, fault, kills)| (fault, kills));
        plan.hits += usize::from(fault.is_some());
        if let Some(trace) = &mut plan.trace
            && (fault.is_some() || (request.method != "GET" && !request.url.path().contains("/pnda/apps/")))
        {
            let what = fault.map(|fault| format!(" ← {fault:?}")).unwrap_or_default();
            trace.push(format!("{who}: {count} {} {}{what}", request.method, short(request)));
        }
        Ok(fault)
    }

    fn pass(&self, who: usize, request: &Request) -> Result<Response, Lost> {
        let fault = self.next(who, request)?;
        let checked = (self.watch)(request);
        self.plan().breaches.extend(checked.err());
        let (fault, kills) = match fault {
            Some((Fault::Held, _)) => {
                let meanwhile = self.plan().meanwhile.take();
                meanwhile.into_iter().for_each(|meanwhile| meanwhile());
                (None, false)
            }
            Some((fault, kills)) => (Some(fault), kills),
            None => (None, false),
        };
        let answer = self.suffer(request, fault);
        self.deliver_late();
        if kills {
            let mut plan = self.plan();
            let entries = plan.work.get(&who).and_then(|work| std::fs::read_dir(work).ok());
            plan.left = entries.into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
            plan.dead.insert(who);
            return Err(Lost::Sent("its sender was killed".to_owned()));
        }
        answer
    }

    fn suffer(&self, request: &Request, fault: Option<Fault>) -> Result<Response, Lost> {
        let lost = || Err(Lost::Sent("it hung up".to_owned()));
        match fault {
            None | Some(Fault::Held) => self.carry(request),
            Some(Fault::Lost) => lost(),
            Some(Fault::Unheard) => self.carry(request).and_then(|_| lost()),
            Some(Fault::Doubled) => self.carry(request).and_then(|_| self.carry(request)),
            Some(Fault::Late(after)) => {
                let mut plan = self.plan();
                let at = plan.count + after;
                plan.late.push((at, request.clone()));
                drop(plan);
                lost()
            }
            Some(Fault::Cut) => {
                let Response { status, location, reason, body: mut whole } = self.carry(request)?;
                let mut body = Vec::new();
                let _ = whole.read_to_end(&mut body);
                // Without a body half of it is half of the head.
                if body.is_empty() {
                    lost()
                } else {
                    Ok(Response { status, location, reason, body: Box::new(Half::of(body)) })
                }
            }
            Some(Fault::Wrong(which, acts)) => {
                if acts {
                    let _ = self.carry(request);
                }
                let (status, body) = WRONG[which % WRONG.len()];
                Ok(Response { status, location: None, reason: None, body: Box::new(body.as_bytes()) })
            }
        }
    }

    fn deliver_late(&self) {
        loop {
            let mut plan = self.plan();
            let count = plan.count;
            let Some(at) = plan.late.iter().position(|(at, _)| *at <= count) else { return };
            let (_, request) = plan.late.remove(at);
            if let Some(trace) = &mut plan.trace {
                trace.push(format!("late: {} {}", request.method, short(&request)));
            }
            drop(plan);
            let _ = self.carry(&request);
        }
    }
}

/// A request in a line.
fn short(request: &Request) -> String {
    let query: Vec<String> = request
        .url
        .query_pairs()
        .filter(|(key, _)| matches!(&**key, "op" | "destination" | "written"))
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let body = String::from_utf8_lossy(&request.body);
    let body: String = body.chars().take(150).collect();
    format!("{}{}?{} {body}", request.url.host_str().unwrap_or_default(), request.url.path(), query.join("&"))
}

/// What one manager asks through.
struct Wire {
    line: Arc<Line>,
    who: usize,
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "the line of manager {}", self.who)
    }
}

impl Transport for Wire {
    fn exchange(&self, request: transport::Request<'_>) -> Result<Response, Lost> {
        self.line.pass(self.who, &Request::of(request)?)
    }
}

/// A body of which half comes.
struct Half(io::Cursor<Vec<u8>>);

impl Half {
    fn of(mut body: Vec<u8>) -> Half {
        body.truncate(body.len() / 2);
        Half(io::Cursor::new(body))
    }
}

impl Read for Half {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it broke off")),
            count => Ok(count),
        }
    }
}
