//! One bounded question to a server of the site, with what came back or how it was lost: no proxy, no redirect, no retry.
//! A question that surely did not go out is told from one that may have been taken: only the former may be asked elsewhere.
//! Not here: what an answer means.

use crate::client::{self, Client, Failure, Response, Speaks, Trust};
use reqwest::header::{ACCEPT, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use std::fmt;
use std::io::Read;
use std::time::Duration;
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
pub struct Caller(Client);

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

impl From<Failure> for Lost {
    fn from(failure: Failure) -> Lost {
        if failure.is_unsent() { Lost::NotSent(failure.to_string()) } else { Lost::Sent(failure.to_string()) }
    }
}

impl Caller {
    /// What asks within these times.
    pub fn new(times: Times) -> Caller {
        let builder = client::builder(&Trust::MACHINE, Speaks::Http1)
            .connect_timeout(times.connect)
            .timeout(times.answer)
            // A kept connection may be half open: then nobody knows whether a question was taken.
            .pool_max_idle_per_host(0);
        Caller(Client::new(builder, times.answer))
    }

    /// Reads the beginning of something of any kind: a body that is longer is cut, and the connection with it.
    pub fn beginning(&self, url: &Url, most: u64) -> Result<Answer, Lost> {
        let request = self.0.request(reqwest::Method::GET, url.as_str()).header(CACHE_CONTROL, "no-cache");
        Ok(answer(self.0.send(request)?, most, false))
    }

    /// Asks once.
    pub fn ask(&self, question: &Question<'_>) -> Result<Answer, Lost> {
        let json = "application/json";
        let method = match question.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Patch => reqwest::Method::PATCH,
        };
        let request = self.0.request(method, question.url.as_str()).header(ACCEPT, json);
        let request = match (question.method, question.body) {
            (Method::Get, _) => request.header(CACHE_CONTROL, "no-cache"),
            (_, Some(body)) => request.header(CONTENT_TYPE, json).body(body.to_string()),
            (_, None) => request.header(CONTENT_LENGTH, 0),
        };
        Ok(answer(self.0.send(request)?, question.longest, true))
    }
}

fn answer(response: Response, longest: u64, whole: bool) -> Answer {
    let status = response.status().as_u16();
    let location = response.headers().get("location").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mut bytes = Vec::new();
    let body = match response.body().take(longest + 1).read_to_end(&mut bytes) {
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
