//! The agent's door: at most a few guests at once, and none stays longer than its time.
//! A client that sends its request byte by byte, or never, costs one slot for some seconds and nothing else.
//! Not here: what guests may ask.

use axum::serve::Listener;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, sleep};

/// How many may be in at once.
const GUESTS: usize = 32;
/// How long one may stay, whatever it does; Prometheus opens a new connection when the old one is gone.
const STAY: Duration = Duration::from_secs(15);
/// The wait after a failed accept, which means that this process or machine has no more descriptors.
const RECOVER: Duration = Duration::from_millis(500);

/// A listener with a door.
pub(super) struct Door {
    listener: TcpListener,
    slots: Arc<Semaphore>,
    stay: Duration,
}

impl Door {
    /// The door of this listener.
    pub(super) fn new(listener: TcpListener) -> Door {
        Door { listener, slots: Arc::new(Semaphore::new(GUESTS)), stay: STAY }
    }
}

impl Listener for Door {
    type Io = Guest;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Guest, SocketAddr) {
        let slot = self.slots.clone().acquire_owned().await.expect("the semaphore is never closed");
        loop {
            match self.listener.accept().await {
                Ok((stream, address)) => {
                    let end = Box::pin(sleep(self.stay));
                    return (Guest { stream, end, _slot: slot }, address);
                }
                Err(_) => sleep(RECOVER).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// One connection with its end in sight.
pub(super) struct Guest {
    stream: TcpStream,
    end: Pin<Box<Sleep>>,
    _slot: OwnedSemaphorePermit,
}

impl Guest {
    fn over(&mut self, context: &mut Context<'_>) -> bool {
        self.end.as_mut().poll(context).is_ready()
    }
}

impl AsyncRead for Guest {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.over(context) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Guest {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.over(context) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::routing::get;
    use std::io::{Read, Write};
    use std::net::TcpStream as Client;

    #[test]
    fn a_guest_that_says_nothing_is_shown_out_and_others_get_in() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let door = Door { listener, slots: Arc::new(Semaphore::new(1)), stay: Duration::from_millis(200) };
        let router = Router::new().route("/", get(async || "hello"));
        std::thread::spawn(move || runtime.block_on(async { axum::serve(door, router).await }));
        let mut silent = Client::connect(address).unwrap();
        let mut polite = Client::connect(address).unwrap();
        polite.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        polite.read_to_string(&mut text).unwrap();
        assert!(text.ends_with("hello"), "{text}");
        assert_eq!(silent.read(&mut [0; 16]).unwrap_or(0), 0);
    }
}
