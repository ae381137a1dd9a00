//! The body of a request as a reader for a thread that may block, while the event loop receives it.
//! Not here: how much of it is read.
//! What is not asked for is not received: a few pieces wait at most.

use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Incoming};
use std::io::{self, Read};
use systems::places::first;
use tokio::sync::mpsc::{Receiver, channel};

/// Pieces that wait to be read.
const PIECES: usize = 4;

/// A body that comes in.
pub struct Reading {
    /// What was announced.
    pub length: Option<u64>,
    pieces: Receiver<io::Result<Bytes>>,
    left: Bytes,
}

impl Reading {
    /// Begins to receive it; `came` hears of each piece how long it is.
    pub fn of(mut body: Incoming, came: impl Fn(u64) + Send + 'static) -> Reading {
        let length = body.size_hint().exact();
        let (sender, pieces) = channel(PIECES);
        tokio::spawn(async move {
            // Where nobody reads any more, nothing is waited for.
            while let Some(Some(frame)) = first(body.frame(), sender.closed()).await {
                let piece = match frame.map(|frame| frame.into_data()) {
                    Ok(Ok(bytes)) => Ok(bytes),
                    Ok(Err(_)) => continue,
                    Err(error) => Err(io::Error::other(error)),
                };
                piece.iter().for_each(|bytes| came(bytes.len() as u64));
                let broken = piece.is_err();
                if sender.send(piece).await.is_err() || broken {
                    return;
                }
            }
        });
        Reading { length, pieces, left: Bytes::new() }
    }
}

impl Read for Reading {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.left.is_empty() {
            match self.pieces.blocking_recv() {
                None => return Ok(0),
                Some(piece) => self.left = piece?,
            }
        }
        let count = buffer.len().min(self.left.len());
        buffer[..count].copy_from_slice(&self.left.split_to(count));
        Ok(count)
    }
}
