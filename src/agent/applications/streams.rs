//! What happens, told as it happens: a page of it, or server-sent events for as long as somebody listens, a few at a time.
//! A stream goes on from the number that its listener names; it holds nothing for who is slow, and ends by itself after a while,
//! so that rights are looked at again. While it waits it has no thread, and few read for all of them.
//! Not here: what happened, and how it is said.

use super::access::Person;
use super::failure::Failure;
use super::house::House;
use super::outgoing::{Outgoing, goes_out};
use super::routes::{Answer, Asked, bytes_of, fine, invalid};
use apps::manager::Manager;
use http_body_util::channel::Sender;
use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::header::ACCEPT;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{io, mem};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};
use words::happened::Page;
use words::names::Word;

/// Streams at a time, of all and of one caller.
const MOST: usize = 32;
const SHARE: usize = 4;
/// So long one goes on.
const LONGEST: Duration = Duration::from_secs(10 * 60);
/// Where nothing happens, something is sent so often: whoever is gone is noticed, and nobody takes the line for dead.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// So many read for all streams: who orders finds a thread, however many listen.
pub(super) const READERS: usize = 2;
/// From one look to the next, which is for all of them.
const PAUSE: Duration = Duration::from_millis(500);
/// What is asked for, and what comes then.
const MEDIA_TYPE: &str = "text/event-stream";
/// By which a client that comes again says what it had last.
const LAST: &str = "last-event-id";
/// The most that may be named as `after`.
pub(super) const NEWEST: u32 = u32::MAX;

/// Who listens, and what they wait for.
pub(super) struct Streams {
    seats: Mutex<HashMap<Word, usize>>,
    readers: Semaphore,
    /// The number of the last record.
    number: watch::Sender<u64>,
}

impl Default for Streams {
    fn default() -> Streams {
        Streams { seats: Mutex::default(), readers: Semaphore::new(READERS), number: watch::Sender::new(0) }
    }
}

/// The place of one stream, until this is dropped.
struct Seat {
    streams: Arc<Streams>,
    name: Word,
}

impl Streams {
    fn sit(self: &Arc<Streams>, name: &Word) -> Result<Seat, Failure> {
        let mut all = self.seats.lock().unwrap_or_else(PoisonError::into_inner);
        let (sum, own) = (all.values().sum::<usize>(), all.get(name).copied().unwrap_or_default());
        if sum >= MOST || own >= SHARE {
            return Err(Failure::TooMany(format!("there are {sum} streams, {own} of them of {name}: end one first")));
        }
        all.insert(name.clone(), own + 1);
        Ok(Seat { streams: self.clone(), name: name.clone() })
    }

    /// Reads on a thread, when one of the few is free.
    async fn read<T: Send + 'static>(&self, what: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let _reader = self.readers.acquire().await.ok()?;
        spawn_blocking(what).await.ok()
    }
}

/// Tells all streams of new records, for as long as the service runs.
pub(super) async fn tell_of_news(house: Arc<House>) {
    loop {
        sleep(PAUSE).await;
        let number = house.manager.number();
        house.streams.number.send_if_modified(|known| mem::replace(known, number) != number);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut all = self.streams.seats.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|name, count| {
            *count -= usize::from(*name == self.name);
            *count > 0
        });
    }
}

/// What happened after a number, or last; or all that will.
pub(super) fn events(manager: &Manager, asked: Asked) -> Result<Answer, Failure> {
    let by = asked.caller()?.name.clone();
    let after = asked.optional_number("after", NEWEST)?.map(u64::from);
    let accepted = asked.parts.headers.get_all(ACCEPT).iter().filter_map(|accept| accept.to_str().ok());
    let streams = accepted.into_iter().any(|accept| accept.contains(MEDIA_TYPE));
    let Some(person) = asked.person.clone() else { return Err(invalid("who asks must be known".to_owned())) };
    if !streams {
        return fine(&manager.happened(after, |owner| person.shares_with(owner))?);
    }
    let had = asked.parts.headers.get(LAST).and_then(|last| last.to_str().ok()?.parse().ok());
    let seat = asked.house.streams.sit(&by)?;
    let (sender, body) = Outgoing::stream();
    let from = had.or(after).unwrap_or_else(|| manager.number());
    Handle::current().spawn(feed(asked.house.clone(), person, from, sender, seat));
    let mut answer = bytes_of(StatusCode::OK, MEDIA_TYPE, Vec::new());
    *answer.body_mut() = body;
    Ok(answer)
}

/// Sends what happens until its time is over, or nobody takes it any more.
async fn feed(house: Arc<House>, person: Person, mut after: u64, mut sender: Sender<Bytes, io::Error>, _seat: Seat) {
    let (begun, mut sent) = (Instant::now(), Instant::now());
    // The head goes out with it.
    if !goes_out(&mut sender, Bytes::from(number(after))).await {
        return;
    }
    let (mut is_told, mut news) = (false, house.streams.number.subscribe());
    while begun.elapsed() < LONGEST {
        let mut text = String::new();
        news.mark_unchanged();
        if house.manager.number() > after {
            let (manager, person) = (house.manager.clone(), person.clone());
            let read = move || manager.happened(Some(after), |owner| person.shares_with(owner));
            let Some(Ok(page)) = house.streams.read(read).await else { return };
            // Records that this node's copy does not have yet, or any more, are told as missed once, and waited for.
            if page.after != after || (page.missed && !is_told) {
                (after, is_told, text) = (page.after, page.missed, self::text(&page));
            }
        }
        if text.is_empty() && sent.elapsed() >= HEARTBEAT {
            text = number(after);
        }
        if text.is_empty() {
            // Records that this node does not have yet come without another word.
            let is_behind = house.manager.number() > after;
            let wait = if is_behind { PAUSE } else { HEARTBEAT.saturating_sub(sent.elapsed()) };
            let _ = timeout(wait, news.changed()).await;
        } else if goes_out(&mut sender, Bytes::from(text)).await {
            sent = Instant::now();
        } else {
            return;
        }
    }
}

/// The number up to which all is told, without an event: whoever comes again goes on from there.
fn number(after: u64) -> String {
    format!("id: {after}\n\n")
}

/// As events, each under its number.
fn text(page: &Page) -> String {
    let missed = if page.missed { "event: missed\ndata: {}\n\n" } else { "" };
    let event = |one: &words::happened::Happened| {
        let data = serde_json::to_string(one).unwrap_or_default();
        format!("id: {}\nevent: happened\ndata: {data}\n\n", one.number)
    };
    missed.to_owned() + &page.events.iter().map(event).collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// The threads of a runtime are counted as they begin.
    #[test]
    fn however_many_listen_few_threads_read_for_them_and_none_waits() {
        let (threads, reading, most) = <(Arc<AtomicUsize>, Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
        let begun = threads.clone();
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_time().on_thread_start(move || {
            begun.fetch_add(1, Ordering::SeqCst);
        });
        let streams = Arc::<Streams>::default();
        runtime.build().unwrap().block_on(async {
            let listen = |_| {
                let (streams, mut news) = (streams.clone(), streams.number.subscribe());
                let (reading, most) = (reading.clone(), most.clone());
                tokio::spawn(async move {
                    news.changed().await.unwrap();
                    let read = move || {
                        most.fetch_max(reading.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        std::thread::sleep(Duration::from_millis(5));
                        reading.fetch_sub(1, Ordering::SeqCst);
                    };
                    streams.read(read).await
                })
            };
            let all: Vec<_> = (0..MOST).map(listen).collect();
            sleep(Duration::from_millis(20)).await;
            assert_eq!(threads.load(Ordering::SeqCst), 0, "who waits has none");
            streams.number.send_replace(1);
            for one in all {
                assert_eq!(one.await.unwrap(), Some(()));
            }
        });
        assert_eq!(most.load(Ordering::SeqCst), READERS);
        // One that has read may not be idle yet when the next one begins.
        assert!(threads.load(Ordering::SeqCst) <= 2 * READERS, "{threads:?}");
    }

    #[test]
    fn streams_are_few_and_one_caller_has_his_share() {
        let (streams, name) = (Arc::<Streams>::default(), |text: &str| Word::new(text).unwrap());
        let mine: Vec<Seat> = (0..SHARE).map(|_| streams.sit(&name("alice")).unwrap_or_else(|_| panic!())).collect();
        assert!(matches!(streams.sit(&name("alice")), Err(Failure::TooMany(_))));
        let others: Vec<Seat> = (SHARE..MOST).filter_map(|at| streams.sit(&name(&format!("u{at}"))).ok()).collect();
        assert_eq!(others.len(), MOST - SHARE);
        assert!(streams.sit(&name("bob")).is_err());
        drop(mine);
        assert!(streams.sit(&name("bob")).is_ok());
    }
}
