//! What just happened, for whoever tells people: one enum, sent by effects, rendered at the edge.
//! Effects never print; they send these.
//! Not here: how an event looks on a terminal.

/// Something a person may want to see while it works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A stage begins: `steps` things of `bytes` bytes altogether; 0 where it is not known.
    Stage { name: String, steps: u64, bytes: u64 },
    /// Bytes went through.
    Bytes(u64),
    /// Bytes that had gone through must come again.
    Lost(u64),
    /// One of the steps is done.
    Step(String),
    /// Something went wrong and is tried again.
    Retry { what: String, why: String, wait_ms: u64 },
    /// Worth a line, nothing to do.
    Note(String),
    /// The stage is over.
    Done(String),
}

/// Where events go; shared by threads.
pub type Tell<'a> = &'a (dyn Fn(Event) + Sync);

/// Nobody listens.
pub fn silent(_: Event) {}
