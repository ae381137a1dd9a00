//! The body of an answer: bytes that are there, or a file that goes out piece by piece, so that a slow reader holds two pieces
//! of it and no more. Whoever is answered holds his desk until the last byte was taken from here.
//! Not here: what is answered, and how long a reader may take.

use super::gate::Desk;
use http_body_util::Full;
use http_body_util::channel::{Channel, Sender};
use hyper::body::{Body, Bytes, Frame, SizeHint};
use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// How much of a file goes out at a time.
const PIECE: usize = 64 << 10;
/// So long a piece may wait for whoever reads.
const STILL: Duration = Duration::from_secs(60);

/// What goes out.
pub(super) struct Outgoing {
    inner: Inner,
    desk: Option<Desk>,
}

enum Inner {
    Whole(Full<Bytes>),
    Pieces(u64, Channel<Bytes, io::Error>),
    Stream(Channel<Bytes, io::Error>),
}

impl Outgoing {
    /// Bytes that are there.
    pub(super) fn whole(bytes: Vec<u8>) -> Outgoing {
        Outgoing { inner: Inner::Whole(Full::new(Bytes::from(bytes))), desk: None }
    }

    /// So many bytes of a reader, which is read on a thread of its own while they go out.
    pub(super) fn pieces(reader: impl Read + Send + 'static, length: u64) -> Outgoing {
        let (sender, body) = Channel::new(1);
        let runtime = Handle::current();
        spawn_blocking(move || send(reader, length, sender, &runtime));
        Outgoing { inner: Inner::Pieces(length, body), desk: None }
    }

    /// What comes for as long as somebody sends.
    pub(super) fn stream() -> (Sender<Bytes, io::Error>, Outgoing) {
        let (sender, body) = Channel::new(1);
        (sender, Outgoing { inner: Inner::Stream(body), desk: None })
    }

    /// The desk stays taken until it has gone out, or nobody takes it any more; nobody works at what only comes in time.
    pub(super) fn keep(&mut self, desk: Desk) {
        self.desk = Some(desk).filter(|_| !matches!(self.inner, Inner::Stream(_)));
    }
}

/// Sends a piece to who takes it in time; gives whether he did.
pub(super) async fn goes_out(sender: &mut Sender<Bytes, io::Error>, piece: Bytes) -> bool {
    matches!(timeout(STILL, sender.send_data(piece)).await, Ok(Ok(())))
}

/// Ends where nobody takes any more; a file that became shorter ends the connection.
fn send(mut reader: impl Read, length: u64, mut sender: Sender<Bytes, io::Error>, runtime: &Handle) {
    let mut left = length;
    while left > 0 {
        let mut piece = vec![0; PIECE.min(left.try_into().unwrap_or(PIECE))];
        match reader.read(&mut piece) {
            Ok(0) => return sender.abort(io::ErrorKind::UnexpectedEof.into()),
            Err(error) => return sender.abort(error),
            Ok(count) => piece.truncate(count),
        }
        left -= piece.len() as u64;
        // Who reads nothing gives his desk to others.
        match runtime.block_on(timeout(STILL, sender.send_data(piece.into()))) {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return,
            Err(_) => return sender.abort(io::ErrorKind::TimedOut.into()),
        }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match &mut self.inner {
            Inner::Whole(body) => Pin::new(body).poll_frame(context).map_err(|never| match never {}),
            Inner::Stream(body) => Pin::new(body).poll_frame(context),
            Inner::Pieces(left, body) => {
                let frame = Pin::new(body).poll_frame(context);
                if let Poll::Ready(Some(Ok(frame))) = &frame {
                    *left = left.saturating_sub(frame.data_ref().map_or(0, |bytes| bytes.len() as u64));
                }
                frame
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.inner {
            Inner::Whole(body) => body.size_hint(),
            Inner::Pieces(left, _) => SizeHint::with_exact(*left),
            Inner::Stream(_) => SizeHint::default(),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.inner {
            Inner::Whole(body) => body.is_end_stream(),
            Inner::Pieces(left, _) => *left == 0,
            Inner::Stream(body) => body.is_end_stream(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::caller::Key;
    use super::super::gate::Gate;
    use super::*;
    use http_body_util::BodyExt;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// A file of any length, and how often it was read.
    struct Endless(Arc<AtomicUsize>);

    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.fetch_add(1, Ordering::SeqCst);
            Ok(buffer.len())
        }
    }

    #[test]
    fn a_slow_reader_holds_a_few_pieces_and_his_desk_until_he_has_all_or_goes_away() {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
            let (gate, key, read) = (Gate::new(1000), Key::User(1), Arc::<AtomicUsize>::default());
            let mut body = Outgoing::pieces(Endless(read.clone()), 1 << 40);
            body.keep(gate.desk(&key).await.unwrap());
            assert_eq!(body.size_hint().exact(), Some(1 << 40));
            assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap().len(), PIECE);
            tokio::time::sleep(Duration::from_millis(200)).await;
            assert!(read.load(Ordering::SeqCst) <= 4, "{read:?}");
            assert!(!gate.is_idle());
            drop(body);
            assert!(gate.is_idle());

            let body = Outgoing::pieces(&b"0123456789"[..], 10);
            assert_eq!(body.collect().await.unwrap().to_bytes(), "0123456789");
            let cut = Outgoing::pieces(&b"012"[..], 10);
            assert!(cut.collect().await.is_err(), "it became shorter");
        });
    }
}
