//! The one HTTP client of both programs, and its blocking face: a call waits, a body is a reader, a file goes out in pieces.
//! Nothing here may be called from an event loop, which would stand still meanwhile.
//! Not here: who is asked, what for, and what an answer means.

mod elsewhere;
mod failure;
mod response;
mod runtime;
mod trust;

pub(crate) use elsewhere::{Elsewhere, Names};
pub use failure::{Failure, Fault};
pub use response::Reading;
pub(crate) use response::Response;
pub(crate) use trust::{Trust, certificates};

use http_body_util::channel::Channel;
use hyper::body::Bytes;
use reqwest::header::{ACCEPT_ENCODING, CONTENT_LENGTH, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Body, ClientBuilder, Method, RequestBuilder};
use runtime::{runtime, wait};
use std::convert::Infallible;
use std::io::{self, Read};
use std::time::Duration;
use tokio::time::timeout;
use words::parallel::AtEnd;

/// The most that an answer's headers may take.
const MOST_HEADER_BYTES: u32 = 64 * 1024;
/// How much of a file goes out at a time.
const PORTION: usize = 64 * 1024;

/// Which versions of HTTP a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Speaks {
    /// One request at a time on a connection.
    Http1,
    /// Many at a time on one connection to a server that agrees to it while the encryption is set up, else the same.
    Http2,
}

/// What all clients have in common: the machine's TLS settings, no proxy, no redirect, no compression.
pub(crate) fn builder(trust: &Trust, speaks: Speaks) -> ClientBuilder {
    let builder = reqwest::Client::builder()
        .tls_backend_preconfigured(trust.config(speaks))
        .no_proxy()
        .redirect(Policy::none())
        .referer(false)
        .user_agent(concat!("pnda/", env!("CARGO_PKG_VERSION")))
        .default_headers(HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static("identity"))]));
    match speaks {
        Speaks::Http1 => builder.http1_only(),
        Speaks::Http2 => builder.http2_max_header_list_size(MOST_HEADER_BYTES),
    }
}

/// A client; cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    inner: reqwest::Client,
    silence: Duration,
}

impl Client {
    /// One that waits so long for an answer, and again for the next bytes of it.
    pub(crate) fn new(builder: ClientBuilder, silence: Duration) -> Client {
        Client { inner: builder.build().expect("a client needs nothing that could be absent"), silence }
    }

    /// A request to be completed and sent.
    pub(crate) fn request(&self, method: Method, url: &str) -> RequestBuilder {
        self.inner.request(method, url)
    }

    /// Sends a request and waits for the head of its answer.
    pub(crate) fn send(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let response = wait(self.silence, async { request.send().await })??;
        self.checked(response)
    }

    /// Reads a small answer whole, whatever its status.
    pub fn get(&self, url: &str, limit: u64) -> io::Result<Vec<u8>> {
        self.send(self.request(Method::GET, url))?.whole(limit)
    }

    /// Sends so many bytes. The outer error is the reader's: it does not give them.
    pub(crate) fn upload(
        &self,
        request: RequestBuilder,
        size: u64,
        bytes: &mut dyn Read,
    ) -> io::Result<Result<Response, Failure>> {
        let (mut sender, body) = Channel::<Bytes, Infallible>::new(1);
        let request = request.header(CONTENT_LENGTH, size).body(Body::wrap(body));
        let runtime = match runtime() {
            Ok(runtime) => runtime,
            Err(failure) => return Ok(Err(failure)),
        };
        let answer = runtime.spawn(request.send());
        // Whoever gives up leaves no request behind that may still come true.
        let request = answer.abort_handle();
        let _ended = AtEnd(|| request.abort());
        let mut left = size;
        while left > 0 {
            let mut portion = vec![0; PORTION.min(left.try_into().unwrap_or(PORTION))];
            let count = bytes.read(&mut portion)?;
            if count == 0 {
                return Err(io::Error::other("it became shorter meanwhile"));
            }
            portion.truncate(count);
            left -= count as u64;
            let sent = runtime.block_on(async { timeout(self.silence, sender.send_data(portion.into())).await });
            // A server that takes no more may have said why.
            if !matches!(sent, Ok(Ok(()))) {
                break;
            }
        }
        drop(sender);
        let answer = wait(self.silence, answer).and_then(|ended| Ok(ended.map_err(io::Error::other)??));
        Ok(answer.and_then(|response| self.checked(response)))
    }

    fn checked(&self, response: reqwest::Response) -> Result<Response, Failure> {
        let length = response.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        if length > MOST_HEADER_BYTES as usize {
            Err(Failure::Headers(length))
        } else {
            Ok(Response::new(response, self.silence))
        }
    }
}
