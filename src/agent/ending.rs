//! How a service ends: by a signal, which is well, or because the thread that does its work is gone, which is not.
//! Signals are taken from the moment on that this is made, so none is missed while a service starts.
//! Not here: what a service does before it ends.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::task::Poll;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

/// Resolves when the thread that holds the other end is gone; nothing is ever sent.
pub(crate) type Ended = oneshot::Receiver<Infallible>;

/// SIGTERM and SIGINT.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Takes them from now on.
    pub(crate) fn new() -> io::Result<Signals> {
        Ok(Signals { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for one of them; an error, if the thread ends before.
    pub(crate) async fn wait<E>(&mut self, mut ended: Ended, error: E) -> Result<(), E> {
        let was_asked = std::future::poll_fn(|context| {
            if self.terminate.poll_recv(context).is_ready() || self.interrupt.poll_recv(context).is_ready() {
                return Poll::Ready(true);
            }
            Pin::new(&mut ended).poll(context).map(|_| false)
        });
        if was_asked.await { Ok(()) } else { Err(error) }
    }
}
