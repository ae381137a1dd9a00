//! One bounded question to a server of the site, with what came back or how it was lost: no proxy, no redirect, no retry.
//! A question that surely did not go out is told from one that may have been taken: only the former may be asked elsewhere.
//! Not here: what an answer means.

mod connecting;

pub(crate) use connecting::{agent, lost};

use std::fmt;
use std::io::Read;
use std::time::Duration;
use ureq::http::Response;
use url::Url;

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
pub struct Caller(ureq::Agent);

/// What is done to the thing at the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Writes, and twice is not once.
    Post,
    /// Writes, and twice is once.
    Put,
    /// Changes a part.
    Patch,
}

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

/// No answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lost {
    /// The question did not go out: nobody took the connection.
    NotSent(String),
    /// The question, or a part of it, went out; whether it was taken nobody knows.
    Sent(String),
}

impl Caller {
    /// What asks within these times.
    pub fn new(times: Times) -> Caller {
        let config = ureq::Agent::config_builder()
            .timeout_connect(Some(times.connect))
            .timeout_global(Some(times.answer))
            // A kept connection may be half open: then nobody knows whether a question was taken.
            .max_idle_connections(0);
        Caller(agent(config))
    }

    /// Reads the beginning of something of any kind: a body that is longer is cut, and the connection with it.
    pub fn beginning(&self, url: &Url, most: u64) -> Result<Answer, Lost> {
        let sent = self.0.get(url.as_str()).header("cache-control", "no-cache").call();
        sent.map(|response| answer(response, most, false)).map_err(|error| lost(&error))
    }

    /// Asks once.
    pub fn ask(&self, question: &Question<'_>) -> Result<Answer, Lost> {
        let address = question.url.as_str();
        let json = "application/json";
        let sent = match question.method {
            Method::Get => self.0.get(address).header("accept", json).header("cache-control", "no-cache").call(),
            method => {
                let request = match method {
                    Method::Post => self.0.post(address),
                    Method::Patch => self.0.patch(address),
                    _ => self.0.put(address),
                };
                let request = request.header("accept", json);
                match question.body {
                    Some(body) => request.header("content-type", json).send(body.to_string().as_bytes()),
                    None => request.send_empty(),
                }
            }
        };
        sent.map(|response| answer(response, question.longest, true)).map_err(|error| lost(&error))
    }
}

fn answer(response: Response<ureq::Body>, longest: u64, whole: bool) -> Answer {
    let status = response.status().as_u16();
    let location = response.headers().get("location").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mut bytes = Vec::new();
    let read = response.into_body().into_reader().take(longest + 1).read_to_end(&mut bytes);
    let body = match read {
        Ok(count) if whole && count as u64 > longest => Err(Cut::TooLong(longest)),
        Ok(_) => {
            bytes.truncate(usize::try_from(longest).unwrap_or(usize::MAX));
            Ok(bytes)
        }
        Err(error) => Err(Cut::Broken(error.to_string())),
    };
    Answer { status, location, body }
}

#[cfg(test)]
mod tests;
