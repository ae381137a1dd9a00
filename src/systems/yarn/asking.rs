//! Brings one question to the ResourceManager that is active: each address once, and one that may have taken it is the last.
//! Sorting an answer is pure: what status, address and body mean.
//! Not here: the questions.

use super::error::Error;
use crate::call::{Answer, Caller, Cut, Lost, Method, Question};
use crate::hadoop::{self, Exception, Servers, Tried, User};
use serde_json::Value;
use url::Url;

/// How the page of one that stands by begins, whatever its status: it knows who is active, or it does not.
const STANDS_BY: [&[u8]; 3] = [b"This is standby RM", b"Can not find any active RM", b"There is no active RM"];

/// What is asked.
pub(super) struct Asked<'a> {
    /// After "asked to".
    pub operation: String,
    pub method: Method,
    /// Where the interface begins.
    pub below: &'a [&'static str],
    /// The path from there.
    pub path: Vec<&'a str>,
    pub query: &'a [(&'a str, &'a str)],
    pub user: Option<&'a User>,
    pub body: Option<&'a Value>,
    pub longest: u64,
    /// Whether asking twice is as asking once: then a lost answer is no reason not to ask the next one.
    pub repeatable: bool,
    /// Whether an answer is of the active one; for what one that stands by answers too.
    pub is_active: fn(&[u8]) -> bool,
}

/// An answer of the active one.
pub(super) struct Got {
    pub address: String,
    pub status: u16,
    pub bytes: Vec<u8>,
}

pub(super) fn ask(caller: &Caller, servers: &Servers, asked: &Asked<'_>) -> Result<Got, Error> {
    let tried = servers.ask(|base| {
        let url = url(base, asked);
        let question = Question { method: asked.method, url: &url, body: asked.body, longest: asked.longest };
        let address = hadoop::address(base).to_owned();
        match caller.ask(&question) {
            Err(Lost::NotSent(why)) => Tried::Next(why),
            Err(Lost::Sent(why)) => unanswered(asked, address, why),
            Ok(answer) => sort(asked, address, answer),
        }
    });
    tried.unwrap_or_else(|nobody| Err(Error::NoneActive { operation: asked.operation.clone(), nobody }))
}

fn url(base: &Url, asked: &Asked<'_>) -> Url {
    let mut url = base.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.clear().extend(asked.below.iter().chain(&asked.path));
    }
    if !asked.query.is_empty() {
        url.query_pairs_mut().extend_pairs(asked.query);
    }
    if let Some(user) = asked.user {
        user.sign(&mut url);
    }
    url
}

fn unanswered<T>(asked: &Asked<'_>, address: String, why: String) -> Tried<Result<T, Error>> {
    match asked.repeatable {
        true => Tried::Next(why),
        false => Tried::Stop(Err(Error::Unanswered { operation: asked.operation.clone(), address, why })),
    }
}

/// What an answer means.
fn sort(asked: &Asked<'_>, address: String, answer: Answer) -> Tried<Result<Got, Error>> {
    let operation = asked.operation.clone();
    let status = answer.status;
    let said = answer.body.as_deref().unwrap_or_default();
    if STANDS_BY.iter().any(|page| said.trim_ascii_start().starts_with(page)) {
        return Tried::Next(stands_by(answer.location.as_deref()));
    }
    if (300..400).contains(&status) {
        let to = answer.location.as_deref().unwrap_or("nowhere");
        return Tried::Next(format!("it sends us to {to}, which is not followed"));
    }
    if let Some(Exception { kind, message }) = Exception::read(said).filter(|_| status >= 400) {
        let error = Error::Refused { operation, address, status, kind, why: message };
        return match &error {
            Error::Refused { kind, .. } if kind == "StandbyException" => Tried::Next(error.to_string()),
            _ => Tried::Answered(Err(error)),
        };
    }
    match (status, answer.body) {
        (200..300, Ok(bytes)) if (asked.is_active)(&bytes) => Tried::Answered(Ok(Got { address, status, bytes })),
        (200..300, Ok(_)) => Tried::Next(stands_by(None)),
        // What is accepted is accepted; nothing is read from that body.
        (202, Err(_)) => Tried::Answered(Ok(Got { address, status, bytes: Vec::new() })),
        (200..300, Err(why @ Cut::TooLong(_))) => {
            Tried::Answered(Err(Error::Answer { operation, address, why: why.to_string() }))
        }
        (200..300, Err(why)) => unanswered(asked, address, why.to_string()),
        // A server in between that lost it, or one that starts.
        (502..=504, _) => unanswered(asked, address, format!("status {status}")),
        _ => Tried::Answered(Err(Error::Answer { operation, address, why: format!("status {status}") })),
    }
}

fn stands_by(location: Option<&str>) -> String {
    match location.and_then(|location| Url::parse(location).ok()) {
        Some(url) => {
            let port = url.port_or_known_default().map(|port| format!(":{port}")).unwrap_or_default();
            format!("it stands by and names {}{port}", url.host_str().unwrap_or_default())
        }
        None => "it stands by".to_owned(),
    }
}
