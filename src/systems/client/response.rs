//! An answer: its head, and its body as a reader that gives up a server that says nothing for too long.
//! Not here: how many bytes may come, and how slowly.
//! A body that was not read to its end costs its connection.

use super::Failure;
use super::runtime::wait;
use hyper::body::{Buf, Bytes};
use reqwest::header::HeaderMap;
use reqwest::{StatusCode, Version};
use std::io::{self, Read};
use std::time::Duration;

/// An answer whose body is still to be read.
#[derive(Debug)]
pub(crate) struct Response {
    inner: reqwest::Response,
    silence: Duration,
}

impl Response {
    pub(super) fn new(inner: reqwest::Response, silence: Duration) -> Response {
        Response { inner, silence }
    }

    pub fn status(&self) -> StatusCode {
        self.inner.status()
    }

    pub fn headers(&self) -> &HeaderMap {
        self.inner.headers()
    }

    /// Whether it shares its connection with others.
    pub fn is_multiplexed(&self) -> bool {
        self.inner.version() == Version::HTTP_2
    }

    /// The bytes as they come.
    pub fn body(self) -> Reading {
        Reading { response: self.inner, silence: self.silence, chunk: Bytes::new() }
    }

    /// All bytes, if there are no more than so many.
    pub fn whole(self, limit: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.body().take(limit + 1).read_to_end(&mut bytes)?;
        match bytes.len() as u64 > limit {
            true => Err(io::Error::other(format!("it is longer than {limit} bytes"))),
            false => Ok(bytes),
        }
    }
}

/// The bytes of an answer while they come.
#[derive(Debug)]
pub struct Reading {
    response: reqwest::Response,
    silence: Duration,
    chunk: Bytes,
}

impl Read for Reading {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.chunk.is_empty() {
            let response = &mut self.response;
            let next = wait(self.silence, async {
                // One without bytes is not the end.
                loop {
                    match response.chunk().await {
                        Ok(Some(chunk)) if chunk.is_empty() => {}
                        next => return next,
                    }
                }
            })?;
            self.chunk = next.map_err(Failure::from)?.unwrap_or_default();
        }
        let count = self.chunk.len().min(buffer.len());
        self.chunk.copy_to_slice(&mut buffer[..count]);
        Ok(count)
    }
}
