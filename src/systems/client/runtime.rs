//! The thread that drives all connections of the program, from the first request on; who asks waits on a thread of his own.
//! Timers and sockets are driven here, the work of a request where it is waited for.
//! Not here: what is waited for.

use super::Failure;
use std::future::{Future, pending};
use std::io;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;
use tokio::runtime::{Builder, Handle};
use tokio::time::timeout;

/// Enough for a connection in an unoptimised build.
const STACK: usize = 512 * 1024;

/// The event loop of all clients.
pub(super) fn runtime() -> Result<Handle, Failure> {
    static RUNNING: Mutex<Option<Handle>> = Mutex::new(None);
    let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    match &*running {
        Some(handle) => Ok(handle.clone()),
        None => Ok(running.insert(start().map_err(Failure::Machine)?).clone()),
    }
}

fn start() -> io::Result<Handle> {
    let runtime = Builder::new_current_thread().enable_all().thread_stack_size(STACK).build()?;
    let handle = runtime.handle().clone();
    let drive = move || runtime.block_on(pending::<()>());
    thread::Builder::new().name("http".to_owned()).stack_size(STACK).spawn(drive)?;
    Ok(handle)
}

/// Waits for something, so long at the most.
pub(super) fn wait<T>(most: Duration, what: impl Future<Output = T>) -> Result<T, Failure> {
    let in_time = runtime()?.block_on(async { timeout(most, what).await });
    in_time.map_err(|_| Failure::Silence(most))
}
