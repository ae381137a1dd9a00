//! A client of a server on this machine that is reached through a socket: one request a connection, JSON or a file out,
//! bytes back. Who asks is told by the machine, so nothing is sent for that.
//! Not here: what requests mean.

use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body, Bytes, Frame};
use hyper::client::conn::http1::handshake;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::time::timeout;

/// An answer is shorter.
const LONGEST_ANSWER: usize = 64 << 20;
/// A file goes out in pieces of this size.
const PIECE: usize = 256 * 1024;
/// What a request may take: a large package is read, written and made durable.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// What goes along with a request.
pub enum Content<'a> {
    /// Nothing.
    None,
    /// A document.
    Json(&'a Value),
    /// A file, from its beginning.
    File(File),
}

/// The server at a socket.
#[derive(Debug, Clone)]
pub struct LocalServer {
    socket: PathBuf,
    patience: Duration,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody listens.
    #[error("nobody answers at {}", socket.display())]
    Connect { socket: PathBuf, source: io::Error },
    /// The connection broke.
    #[error("the connection to {} broke", socket.display())]
    Broken { socket: PathBuf, source: hyper::Error },
    /// The answer did not come, or was no answer.
    #[error("{} gave no whole answer: {why}", socket.display())]
    Answer { socket: PathBuf, why: String },
    /// This machine cannot do it.
    #[error("cannot ask {}", socket.display())]
    Here { socket: PathBuf, source: io::Error },
}

impl LocalServer {
    /// The server whose socket is this.
    pub fn new(socket: &Path) -> LocalServer {
        LocalServer { socket: socket.to_owned(), patience: PATIENCE }
    }

    /// The same for who does not wait so long.
    pub fn within(self, patience: Duration) -> LocalServer {
        LocalServer { patience, ..self }
    }

    /// Asks, and gives status and body.
    pub fn ask(&self, method: Method, path: &str, content: Content<'_>) -> Result<(u16, Vec<u8>), Error> {
        let here = |source| Error::Here { socket: self.socket.clone(), source };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(here)?;
        runtime.block_on(async {
            let asked = timeout(self.patience, self.exchange(method, path, content)).await;
            asked.unwrap_or_else(|_| Err(self.odd("it takes too long")))
        })
    }

    async fn exchange(&self, method: Method, path: &str, content: Content<'_>) -> Result<(u16, Vec<u8>), Error> {
        let failed = |source| Error::Connect { socket: self.socket.clone(), source };
        let broken = |source| Error::Broken { socket: self.socket.clone(), source };
        let stream = UnixStream::connect(&self.socket).await.map_err(failed)?;
        let (mut sender, connection) = handshake(TokioIo::new(stream)).await.map_err(broken)?;
        tokio::spawn(connection);
        let request = Request::builder().method(method).uri(path).header(HOST, "localhost");
        let request = match content {
            Content::None => request.body(Full::default().map_err(|never| match never {}).boxed()),
            Content::Json(value) => {
                let body = Full::from(value.to_string()).map_err(|never| match never {}).boxed();
                request.header(CONTENT_TYPE, "application/json").body(body)
            }
            Content::File(file) => {
                let length =
                    file.metadata().map_err(|source| Error::Here { socket: self.socket.clone(), source })?.len();
                request.header(CONTENT_LENGTH, length).body(pieces(file))
            }
        };
        let request = request.map_err(|error| self.odd(&error.to_string()))?;
        let answer = sender.send_request(request).await.map_err(broken)?;
        let status = answer.status().as_u16();
        let body = Limited::new(answer.into_body(), LONGEST_ANSWER).collect().await;
        Ok((status, body.map_err(|error| self.odd(&error.to_string()))?.to_bytes().to_vec()))
    }

    fn odd(&self, why: &str) -> Error {
        Error::Answer { socket: self.socket.clone(), why: why.to_owned() }
    }
}

/// A file, read by a thread of its own as fast as it is taken.
fn pieces(mut file: File) -> BoxBody<Bytes, io::Error> {
    let (sender, receiver) = channel::<io::Result<Frame<Bytes>>>(2);
    tokio::task::spawn_blocking(move || {
        let mut buffer = vec![0; PIECE];
        loop {
            let piece = match file.read(&mut buffer) {
                Ok(0) => return,
                Ok(count) => Ok(Frame::data(Bytes::copy_from_slice(&buffer[..count]))),
                Err(error) => Err(error),
            };
            let broken = piece.is_err();
            if sender.blocking_send(piece).is_err() || broken {
                return;
            }
        }
    });
    Pieces(receiver).boxed()
}

/// The pieces of a file, in their order.
struct Pieces(Receiver<io::Result<Frame<Bytes>>>);

impl Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.0.poll_recv(context)
    }
}
