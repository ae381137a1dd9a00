//! An answer that is under way: who waits for it, what has gone, and the turn that it takes on its connection.
//! It is shared by all that still have bytes of the answer to send, and over when the last of them is done.
//! Not here: bytes.

use super::access::Entry;
use std::sync::Arc;
use systems::places::UnderWay;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The right to hold an open file, and as much of it as is sent at once.
pub(super) type Turn = OwnedSemaphorePermit;

/// An answer that is under way.
pub(super) struct Delivery {
    under_way: UnderWay,
    /// The line of the access log.
    entry: Option<Entry>,
    _turn: Option<Turn>,
}

impl Delivery {
    /// An answer that has its turn; over HTTP/1.1 it needs none, for there one follows the other.
    pub(super) fn new(under_way: UnderWay, entry: Option<Entry>, turn: Option<Turn>) -> Delivery {
        Delivery { under_way, entry, _turn: turn }
    }

    /// So many bytes of the answer's body have gone.
    pub(super) fn sent(&self, count: u64) {
        self.under_way.sent(count);
        self.entry.iter().for_each(|entry| entry.sent(count));
    }
}

/// The turns of a connection: one of its own, so that nobody else can hold it up, and what is left of those for all.
pub(super) struct Turns {
    own: Arc<Semaphore>,
    of_all: Arc<Semaphore>,
}

impl Turns {
    /// Those of a new connection.
    pub(super) fn new(of_all: &Arc<Semaphore>) -> Turns {
        Turns { own: Arc::new(Semaphore::new(1)), of_all: of_all.clone() }
    }

    /// The next turn; where none is left, it is that of an earlier answer on this connection.
    pub(super) async fn next(&self) -> Option<Turn> {
        let left = [&self.own, &self.of_all].into_iter().find_map(|turns| turns.clone().try_acquire_owned().ok());
        if left.is_some() { left } else { self.own.clone().acquire_owned().await.ok() }
    }
}
