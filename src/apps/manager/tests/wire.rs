//! What lies between a manager and the scripted servers in tests: it counts every request to any of them, and loses, delays
//! or doubles one of them, after which the manager may be cut off as if it had been killed.
//! Not here: what the servers answer.

use crate::network::Network;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use systems::transport::Shared;
use systems::{InProcess, Request};

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
    /// A request that comes late: after how many others, and where to.
    held: Option<(usize, usize, Request)>,
}

/// So many requests come before one that is late, and so many are lost with one in an outage.
const SEVERAL: usize = 6;

/// A server: what it answers to a request.
pub(super) type Server = Box<dyn Fn(&Request) -> Vec<u8> + Send + Sync>;

/// What is before servers in this process, counted together.
#[derive(Clone)]
pub(super) struct Wire {
    plan: Arc<Mutex<Plan>>,
    /// Where they answer, in the order of the servers.
    pub(super) addresses: Vec<String>,
    transport: Shared,
}

impl Wire {
    pub(super) fn before(servers: Vec<Server>) -> Wire {
        let plan = Arc::<Mutex<Plan>>::default();
        let addresses: Vec<String> =
            (0..servers.len()).map(|place| format!("http://server-{place}.invalid:1")).collect();
        let (passing, places) = (plan.clone(), addresses.clone());
        let script = move |request: &Request| {
            let own = request.url.origin().ascii_serialization();
            let place = places.iter().position(|address| *address == own).expect("one of the servers");
            pass(&passing, &servers, (place, request.clone())).unwrap_or_default()
        };
        Wire { plan, addresses, transport: Arc::new(InProcess::of(script)) }
    }

    /// The network of a manager.
    pub(super) fn network(&self) -> Network {
        Network { nodes: Network::of(&[]).nodes, ..Network::over(&self.transport) }
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

fn pass(plan: &Mutex<Plan>, servers: &[Server], (place, request): (usize, Request)) -> Option<Vec<u8>> {
    let forward = |(place, request): (usize, &Request)| servers[place](request);
    let (fault, held, before) = {
        let mut plan = plan.lock().unwrap();
        let line = format!("{} {}?{}", request.method, request.url.path(), request.url.query().unwrap_or_default());
        let other = plan.answers.iter().find(|answer| line.contains(answer.to)).cloned();
        if let Some(Answer { acts, says, .. }) = other.filter(|_| !plan.is_dead) {
            drop(plan);
            if acts {
                forward((place, &request));
            }
            return says.map(refusal);
        }
        if plan.is_dead || plan.hidden.contains(&place) {
            return None;
        }
        plan.count += 1;
        plan.lines.push(line);
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
            plan.held = Some((if fault == Fault::Late { SEVERAL } else { 1 }, place, request.clone()));
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
            forward((place, &request));
            None
        }
        Fault::Doubled => {
            forward((place, &request));
            Some(forward((place, &request)))
        }
        Fault::None => Some(forward((place, &request))),
    };
    if let Some((_, place, request)) = held {
        forward((place, &request));
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
