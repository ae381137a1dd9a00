//! The way to a client: a socket over which the kernel sends files by itself, and which tells when it takes no more.
//! A body announces a piece of a file with bytes that stand for it; the socket knows them and has the piece sent instead.
//! Not here: roads on which bytes must be seen, as with TLS and HTTP/2; there nothing is announced.

use super::delivery::Delivery;
use hyper::body::Bytes;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, IoSlice};
use std::ops::Range;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use systems::places::Place;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

/// Stands for bytes of files, is never sent, and is recognised by where it lies. Nothing ever reads it.
static PLACEHOLDER: [u8; 1 << 20] = [0; 1 << 20];

/// Pieces of files that were announced and not sent yet, in order; shared by a connection's socket and bodies.
type Announced = Arc<Mutex<VecDeque<Piece>>>;

/// Bytes of a file that are still to be sent, and of which answer they are.
struct Piece {
    file: Arc<File>,
    range: Range<u64>,
    delivery: Option<Arc<Delivery>>,
}

/// How a body reaches its client.
#[derive(Clone, Default)]
pub(super) struct Road(Option<Announced>);

/// A client's socket.
pub(super) struct Socket {
    stream: TcpStream,
    place: Arc<Place>,
    announced: Announced,
}

impl Road {
    /// Has the kernel send the beginning of a range; gives what stands for it, or nothing if this road cannot.
    pub(super) fn announce(
        &self,
        file: &Arc<File>,
        range: &Range<u64>,
        delivery: Option<&Arc<Delivery>>,
    ) -> Option<Bytes> {
        let announced = self.0.as_ref()?;
        let count = (range.end - range.start).min(PLACEHOLDER.len() as u64);
        let range = range.start..range.start + count;
        let piece = Piece { file: file.clone(), range, delivery: delivery.cloned() };
        announced.lock().unwrap_or_else(PoisonError::into_inner).push_back(piece);
        Some(Bytes::from_static(&PLACEHOLDER[..count as usize]))
    }
}

impl Socket {
    /// A socket, and the road over it for bodies whose bytes nobody needs to see.
    pub(super) fn new(stream: TcpStream, place: Arc<Place>) -> (Socket, Road) {
        let announced = Announced::default();
        (Socket { stream, place, announced: announced.clone() }, Road(Some(announced)))
    }

    /// Sends up to `count` bytes of the piece that was announced first.
    fn poll_send(&self, context: &mut Context<'_>, count: usize) -> Poll<io::Result<usize>> {
        let mut announced = self.announced.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Piece { file, range, delivery }) = announced.front_mut() else {
            return Poll::Ready(Err(io::Error::other("bytes that stand for a file, without the file")));
        };
        let count = count.min((range.end - range.start) as usize);
        let mut at = range.start;
        let sent = loop {
            ready!(self.stream.poll_write_ready(context))?;
            let send = || Ok(rustix::fs::sendfile(&self.stream, &*file, Some(&mut at), count)?);
            match self.stream.try_io(Interest::WRITABLE, send) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                sent => break sent?,
            }
        };
        if sent == 0 {
            // The file has become shorter: the client must see that, too.
            return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
        }
        range.start += sent as u64;
        delivery.iter().for_each(|delivery| delivery.sent(sent as u64));
        if range.is_empty() {
            announced.pop_front();
        }
        Poll::Ready(Ok(sent))
    }
}

/// Whether these bytes only stand for others.
fn stands_in(bytes: &[u8]) -> bool {
    !bytes.is_empty() && PLACEHOLDER.as_ptr_range().contains(&bytes.as_ptr())
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = match stands_in(bytes) {
            true => self.poll_send(context, bytes.len()),
            false => Pin::new(&mut self.stream).poll_write(context, bytes),
        };
        self.place.full(written.is_pending());
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let slices = &slices[slices.iter().position(|slice| !slice.is_empty()).unwrap_or(0)..];
        let written = match slices.iter().position(|slice| stands_in(slice)) {
            Some(0) => self.poll_send(context, slices[0].len()),
            first => {
                let before = &slices[..first.unwrap_or(slices.len())];
                Pin::new(&mut self.stream).poll_write_vectored(context, before)
            }
        };
        self.place.full(written.is_pending());
        written
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
