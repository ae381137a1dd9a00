//! Reads ahead on a thread of its own: while one piece is written, the next is inflated.
//! What is read is the same as without it, errors too; what lies between the two is bounded.
//! Not here: what is read.

use std::io::{self, ErrorKind, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

const PIECE: usize = 256 << 10;
/// Pieces that wait.
const MOST: usize = 4;

/// What was read ahead.
pub(super) struct Ahead {
    pieces: Receiver<io::Result<Vec<u8>>>,
    piece: Vec<u8>,
    at: usize,
}

/// Has a reader read ahead as long as `act` takes.
pub(super) fn reading<T>(reader: impl Read + Send, act: impl FnOnce(Ahead) -> T) -> T {
    let (sender, pieces) = sync_channel(MOST);
    thread::scope(|scope| {
        scope.spawn(move || read(reader, &sender));
        // Once this is dropped nobody takes the next piece, and the thread ends.
        act(Ahead { pieces, piece: Vec::new(), at: 0 })
    })
}

fn read(mut reader: impl Read, sender: &SyncSender<io::Result<Vec<u8>>>) {
    loop {
        let mut piece = vec![0; PIECE];
        let read = match reader.read(&mut piece) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Ok(0) => return,
            Ok(count) => Ok(count),
            Err(error) => Err(error),
        };
        let last = read.is_err();
        let read = read.map(|count| {
            piece.truncate(count);
            piece
        });
        if sender.send(read).is_err() || last {
            return;
        }
    }
}

impl Read for Ahead {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.at == self.piece.len() {
            match self.pieces.recv() {
                // Its end.
                Err(_) => return Ok(0),
                Ok(piece) => (self.piece, self.at) = (piece?, 0),
            }
        }
        let count = into.len().min(self.piece.len() - self.at);
        into[..count].copy_from_slice(&self.piece[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_comes_in_its_order() {
        let bytes: Vec<u8> = (0..3 * PIECE + 7).map(|at| at as u8).collect();
        let mut read = Vec::new();
        reading(&bytes[..], |mut ahead| ahead.read_to_end(&mut read)).unwrap();
        assert!(read == bytes);
    }

    #[test]
    fn an_error_comes_after_what_was_read_before_it() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("broken"))
            }
        }
        let mut read = Vec::new();
        let error = reading((&b"good"[..]).chain(Broken), |mut ahead| ahead.read_to_end(&mut read)).unwrap_err();
        assert_eq!((read.as_slice(), error.to_string().as_str()), (&b"good"[..], "broken"));
    }

    #[test]
    fn who_stops_early_is_not_waited_for() {
        let first = reading(io::repeat(7), |mut ahead| {
            let mut first = [0];
            ahead.read_exact(&mut first).map(|()| first)
        });
        assert_eq!(first.unwrap(), [7]);
    }
}
