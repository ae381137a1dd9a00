//! The bytes of an answer: in memory, from files, or both in turn; read piece by piece as the client takes them.
//! Where the road allows it, a piece of a file is only announced, and the kernel sends it.
//! Not here: which bytes.

use super::delivery::Delivery;
use super::road::Road;
use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// What is read at once. A client that takes nothing holds one piece for each of its requests, so it stays small.
/// It is what a frame of HTTP/2 and a record of TLS hold.
pub(super) const PIECE: u64 = 16 * 1024;

/// A part of an answer.
#[derive(Debug)]
pub(super) enum Part {
    /// Bytes in memory.
    Bytes(Bytes),
    /// Bytes of a file.
    File(Arc<File>, Range<u64>),
}

/// An answer's bytes.
#[derive(Default)]
pub(super) struct Body {
    parts: VecDeque<Part>,
    left: u64,
    road: Road,
    /// Over when the answer is, however it ends.
    delivery: Option<Arc<Delivery>>,
}

impl Body {
    /// These parts, one after the other.
    pub(super) fn new(parts: impl IntoIterator<Item = Part>, road: Road) -> Body {
        let parts: VecDeque<Part> = parts.into_iter().filter(|part| part.len() > 0).collect();
        Body { left: parts.iter().map(Part::len).sum(), parts, road, delivery: None }
    }

    /// One text.
    pub(super) fn text(text: impl Into<Bytes>) -> Body {
        Body::new([Part::Bytes(text.into())], Road::default())
    }

    /// Tells this delivery what is sent.
    pub(super) fn within(mut self, delivery: Delivery) -> Body {
        self.delivery = Some(Arc::new(delivery));
        self
    }

    fn next(&mut self) -> io::Result<Option<Bytes>> {
        let Some(part) = self.parts.pop_front() else { return Ok(None) };
        let (file, range) = match part {
            Part::Bytes(bytes) => return Ok(Some(self.noted(bytes))),
            Part::File(file, range) => (file, range),
        };
        let bytes = match self.road.announce(&file, &range, self.delivery.as_ref()) {
            Some(placeholder) => placeholder,
            None => self.noted(read(&file, range.start, PIECE.min(range.end - range.start))?),
        };
        let next = range.start + bytes.len() as u64;
        if next < range.end {
            self.parts.push_front(Part::File(file, next..range.end));
        }
        Ok(Some(bytes))
    }

    /// Bytes that the connection takes over; it holds few, so these count as sent. What is announced counts when it goes.
    fn noted(&self, bytes: Bytes) -> Bytes {
        self.delivery.iter().for_each(|delivery| delivery.sent(bytes.len() as u64));
        bytes
    }
}

/// Reads exactly so many bytes; a file that has become shorter ends the connection, so that the client sees it.
pub(super) fn read(mut file: &File, start: u64, count: u64) -> io::Result<Bytes> {
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::with_capacity(count as usize);
    if file.take(count).read_to_end(&mut bytes)? as u64 != count {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes.into())
}

impl Part {
    fn len(&self) -> u64 {
        match self {
            Part::Bytes(bytes) => bytes.len() as u64,
            Part::File(_, range) => range.end - range.start,
        }
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let next = self.next();
        if let Ok(Some(bytes)) = &next {
            self.left -= bytes.len() as u64;
        }
        Poll::Ready(next.transpose().map(|bytes| bytes.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
