//! One bounded question to a server of the site, with what came back or how it was lost: no proxy, no redirect, no retry.
//! A question that surely did not go out is told from one that may have been taken: only the former may be asked elsewhere.
//! Not here: what an answer means.

use crate::client::{self, Client, Speaks, Trust};
use crate::transport::{Body, Request, Response, Shared};
use reqwest::ClientBuilder;
use std::fmt;
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

pub use crate::transport::{Lost, Method};

/// How long a question may take.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// Until somebody takes the connection.
    pub connect: Duration,
    /// Until the whole answer is there, from the beginning.
    pub answer: Duration,
}

impl Default for Times {
    fn default() -> Times {
        Times { connect: Duration::from_secs(3), answer: Duration::from_secs(20) }
    }
}

/// What asks. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Caller(Shared);

/// One question.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// How.
    pub method: Method,
    /// Where.
    pub url: &'a Url,
    /// JSON that goes along.
    pub body: Option<&'a serde_json::Value>,
    /// The most bytes that an answer may have.
    pub longest: u64,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The status; never followed, whatever it says.
    pub status: u16,
    /// Where it would like us to go.
    pub location: Option<String>,
    /// Why it refuses, where it says so in its headers alone.
    pub reason: Option<(String, String)>,
    /// The body, or why it did not come whole: the status counts all the same.
    pub body: Result<Vec<u8>, Cut>,
}

/// Why a body is not whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cut {
    /// It has more bytes than were asked for.
    TooLong(u64),
    /// The connection ended, or the time.
    Broken(String),
}

impl fmt::Display for Cut {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cut::TooLong(longest) => write!(out, "it is longer than {longest} bytes"),
            Cut::Broken(why) => write!(out, "it broke off: {why}"),
        }
    }
}

impl Caller {
    /// What asks within these times.
    pub fn new(times: Times) -> Caller {
        Caller(Arc::new(Client::new(builder(times), times.answer)))
    }

    /// The same for addresses that others have chosen: what is no other machine is not asked.
    pub fn elsewhere(times: Times) -> Caller {
        let builder = builder(times).dns_resolver(Arc::new(client::Names));
        Caller(Arc::new(client::Elsewhere(Client::new(builder, times.answer))))
    }

    /// What asks over this, which has its own times.
    pub fn through(transport: &Shared) -> Caller {
        Caller(transport.clone())
    }

    /// What carries its questions.
    pub fn transport(&self) -> &Shared {
        &self.0
    }

    /// Reads the beginning of something of any kind: a body that is longer is cut, and the connection with it.
    pub fn beginning(&self, url: &Url, most: u64) -> Result<Answer, Lost> {
        let request = Request { method: Method::Get, url, wants_json: false, body: Body::Nothing };
        Ok(answer(self.0.exchange(request)?, most, false))
    }

    /// Sends XML, once, and reads what comes back.
    pub fn send_xml(&self, url: &Url, text: &str, longest: u64) -> Result<Answer, Lost> {
        let request = Request { method: Method::Post, url, wants_json: true, body: Body::Xml(text) };
        Ok(answer(self.0.exchange(request)?, longest, true))
    }

    /// Asks once.
    pub fn ask(&self, question: &Question<'_>) -> Result<Answer, Lost> {
        let Question { method, url, body, longest } = *question;
        let body = body.filter(|_| method != Method::Get).map_or(Body::Nothing, Body::Json);
        Ok(answer(self.0.exchange(Request { method, url, wants_json: true, body })?, longest, true))
    }
}

fn builder(times: Times) -> ClientBuilder {
    client::builder(&Trust::MACHINE, Speaks::Http1)
        .connect_timeout(times.connect)
        .timeout(times.answer)
        // A kept connection may be half open: then nobody knows whether a question was taken.
        .pool_max_idle_per_host(0)
}

fn answer(Response { status, location, reason, body }: Response, longest: u64, whole: bool) -> Answer {
    let mut bytes = Vec::new();
    let body = match body.take(longest + 1).read_to_end(&mut bytes) {
        Ok(count) if whole && count as u64 > longest => Err(Cut::TooLong(longest)),
        Ok(_) => {
            bytes.truncate(usize::try_from(longest).unwrap_or(usize::MAX));
            Ok(bytes)
        }
        Err(error) => Err(Cut::Broken(error.to_string())),
    };
    Answer { status, location, reason, body }
}

#[cfg(test)]
mod tests;
