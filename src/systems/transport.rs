//! The one seam below YARN, HDFS and Flink's JobManager: a request goes out, and its answer comes or is lost.
//! The real one is the HTTP client; a cluster that lives in memory can stand here as well, without sockets.
//! Not here: what is asked, and what an answer means.

use crate::client::{Client, Failure};
use reqwest::header::{ACCEPT, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use serde_json::Value;
use std::fmt;
use std::io::Read;
use std::sync::Arc;
use url::Url;

/// The headers in which Oozie says why it refuses.
pub(crate) const CODE: &str = "oozie-error-code";
pub(crate) const WORDS: &str = "oozie-error-message";

/// Carries requests.
pub trait Transport: fmt::Debug + Send + Sync {
    /// Sends one request and waits for the head of its answer. Nothing is sent twice, and no redirect is followed.
    fn exchange(&self, request: Request<'_>) -> Result<Response, Lost>;
}

/// A transport that many share.
pub type Shared = Arc<dyn Transport>;

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
    /// Removes.
    Delete,
}

/// One request.
pub struct Request<'a> {
    /// How.
    pub method: Method,
    /// Where.
    pub url: &'a Url,
    /// Whether only JSON will do as an answer.
    pub wants_json: bool,
    /// What goes along.
    pub body: Body<'a>,
}

/// What goes along with a request.
pub enum Body<'a> {
    /// Nothing.
    Nothing,
    /// JSON.
    Json(&'a Value),
    /// XML.
    Xml(&'a str),
    /// So many bytes.
    Bytes(u64, &'a mut dyn Read),
}

/// What came back.
pub struct Response {
    /// The status; never followed, whatever it says.
    pub status: u16,
    /// Where it would like us to go.
    pub location: Option<String>,
    /// Why a server refuses, where it says so in its headers alone, as Oozie does: its code and its words.
    pub reason: Option<(String, String)>,
    /// The body as it comes.
    pub body: Reading,
}

/// A body that is read while it comes.
pub type Reading = Box<dyn Read + Send>;

/// No answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lost {
    /// The request did not go out: nobody took the connection.
    NotSent(String),
    /// The request, or a part of it, went out; whether it was taken nobody knows.
    Sent(String),
}

impl Lost {
    /// Whether the request surely did not go out.
    pub fn is_unsent(&self) -> bool {
        matches!(self, Lost::NotSent(_))
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Lost::NotSent(why) | Lost::Sent(why)) = self;
        out.write_str(why)
    }
}

impl From<Failure> for Lost {
    fn from(failure: Failure) -> Lost {
        if failure.is_unsent() { Lost::NotSent(failure.to_string()) } else { Lost::Sent(failure.to_string()) }
    }
}

impl Method {
    /// Its name in HTTP.
    pub fn name(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }
}

impl Transport for Client {
    fn exchange(&self, Request { method, url, wants_json, body }: Request<'_>) -> Result<Response, Lost> {
        let name = reqwest::Method::from_bytes(method.name().as_bytes()).expect("a method of HTTP");
        let mut request = self.request(name, url.as_str());
        if wants_json {
            request = request.header(ACCEPT, "application/json");
        }
        let answer = match body {
            Body::Nothing if method == Method::Get => self.send(request.header(CACHE_CONTROL, "no-cache"))?,
            Body::Nothing => self.send(request.header(CONTENT_LENGTH, 0))?,
            Body::Json(value) => self.send(request.header(CONTENT_TYPE, "application/json").body(value.to_string()))?,
            Body::Xml(text) => {
                let request = request.header(CONTENT_TYPE, "application/xml;charset=UTF-8");
                self.send(request.body(text.to_owned()))?
            }
            Body::Bytes(size, bytes) => {
                let request = request.header(CONTENT_TYPE, "application/octet-stream");
                self.upload(request, size, bytes).map_err(|error| Lost::Sent(error.to_string()))??
            }
        };
        let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (location, status) = (header("location"), answer.status().as_u16());
        let reason = header(CODE).map(|code| (code, header(WORDS).unwrap_or_default()));
        Ok(Response { status, location, reason, body: Box::new(answer.body()) })
    }
}
