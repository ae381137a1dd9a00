//! Brings one question to the NameNode that is active, and reads its answer.
//! One that stands by, that starts or that nobody reaches is passed over where there are others.
//! Not here: the questions, and what DataNodes say.

use super::WebHdfs;
use super::error::{Error, of_remote};
use crate::hadoop::{self, Exception, Tried};
use crate::transport::{Body, Lost, Method, Request, Response};
use serde::de::DeserializeOwned;
use std::io::{self, Read};
use url::Url;

/// A listing of a folder with a hundred thousand files is smaller.
const LONGEST_ANSWER: u64 = 64 << 20;

/// A question: method, operation and its parameters.
#[derive(Debug, Clone)]
pub(super) struct Question<'a> {
    pub verb: &'static str,
    pub method: Method,
    pub operation: &'static str,
    pub parameters: &'a [(&'a str, &'a str)],
    /// Whether asking twice is as asking once.
    pub repeatable: bool,
}

impl<'a> Question<'a> {
    /// One that reads.
    pub fn get(verb: &'static str, operation: &'static str, parameters: &'a [(&'a str, &'a str)]) -> Question<'a> {
        Question { verb, method: Method::Get, operation, parameters, repeatable: true }
    }

    /// One that writes what may be written twice.
    pub fn put(verb: &'static str, operation: &'static str, parameters: &'a [(&'a str, &'a str)]) -> Question<'a> {
        Question { method: Method::Put, ..Question::get(verb, operation, parameters) }
    }
}

impl WebHdfs {
    /// What the answer says in JSON.
    pub(super) fn ask<T: DeserializeOwned>(&self, question: &Question<'_>, path: &str) -> Result<T, Error> {
        let bytes = self.exchange(question, path)?;
        serde_json::from_slice(&bytes).map_err(|error| self.odd(question.verb, path, error.to_string()))
    }

    /// The body of a good answer, or what a bad one says.
    pub(super) fn exchange(&self, question: &Question<'_>, path: &str) -> Result<Vec<u8>, Error> {
        // What the only one says is the error; of several, each says why not.
        let mut last = None;
        let found = self.servers.ask(|base| {
            let address = hadoop::address(base).to_owned();
            let mut next = |error: Error, why: String| {
                last = Some(error);
                Tried::Next(why)
            };
            match self.send_question(base, question, path) {
                Ok(answer) => match read(&address, question, path, answer) {
                    Err(error @ Error::Standby { .. }) => next(error, "it stands by".to_owned()),
                    // It starts; another one may be active by now.
                    Err(Error::SafeMode { address, why }) if why.contains("startup") => {
                        next(Error::SafeMode { address, why: why.clone() }, why)
                    }
                    other => Tried::Answered(other),
                },
                Err(lost) => {
                    let why = lost.to_string();
                    match question.repeatable || lost.is_unsent() {
                        true => next(Error::Silent { address, why: why.clone() }, why),
                        false => Tried::Stop(Err(Error::Silent { address, why })),
                    }
                }
            }
        });
        found.unwrap_or_else(|nobody| match last {
            Some(error) if nobody.0.len() == 1 => Err(error),
            _ => Err(Error::NoneActive { verb: question.verb, path: path.to_owned(), nobody }),
        })
    }

    fn send_question(&self, base: &Url, question: &Question<'_>, path: &str) -> Result<Response, Lost> {
        let url = self.url(base, question, path);
        self.transport.exchange(Request { method: question.method, url: &url, wants_json: false, body: Body::Nothing })
    }

    fn url(&self, base: &Url, question: &Question<'_>, path: &str) -> Url {
        let mut url = base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            let parts = path.split('/').filter(|part| !part.is_empty());
            segments.clear().extend(["webhdfs", "v1"].into_iter().chain(parts));
        }
        url.query_pairs_mut().append_pair("op", question.operation).extend_pairs(question.parameters);
        self.user.sign(&mut url);
        url
    }

    pub(super) fn odd(&self, verb: &'static str, path: &str, why: String) -> Error {
        Error::Answer { address: self.address().to_owned(), verb, path: path.to_owned(), why }
    }
}

/// A body that has no more than so many bytes.
pub(super) fn whole(answer: Response, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    answer.body.take(limit + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > limit {
        true => Err(io::Error::other(format!("it is longer than {limit} bytes"))),
        false => Ok(bytes),
    }
}

fn read(address: &str, question: &Question<'_>, path: &str, answer: Response) -> Result<Vec<u8>, Error> {
    let status = answer.status;
    let odd = |why| Error::Answer { address: address.to_owned(), verb: question.verb, path: path.to_owned(), why };
    let bytes = whole(answer, LONGEST_ANSWER).map_err(|error| odd(error.to_string()))?;
    if is_good(status) {
        return Ok(bytes);
    }
    Err(match Exception::read(&bytes) {
        Some(exception) => of_remote(address, question.verb, path, exception),
        None => odd(format!("status {status}")),
    })
}

pub(super) fn is_good(status: u16) -> bool {
    (200..300).contains(&status)
}
