//! Places of a server: so many connections at a time, of which one client address holds no more than its share.
//! Whoever does nothing is ended in time; where places are short, those go first that make the least use of theirs.
//! Not here: sockets, HTTP, what is answered.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// An answer that has not brought its client so many bytes since it last counted has not moved.
const STEP: u64 = 16 * 1024;
/// An answer that has not moved for this long gives way where places are short. A good client's comes in bursts, too.
const SLOW: Duration = Duration::from_millis(250);
/// How often connections are looked through for those whose time is over.
const ROUND: Duration = Duration::from_secs(1);

/// How many connections there may be, and how long one may do nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections at a time.
    pub places: usize,
    /// Of these, what one client address may hold; of IPv6, a network of 64 bits, for a host has all of that.
    pub share: usize,
    /// Of these, what is kept for addresses that hold none.
    pub reserve: usize,
    /// From the beginning of a connection to the whole head of its first request.
    pub first: Duration,
    /// From the last of an answer to the whole head of the next request.
    pub kept: Duration,
    /// How long an answer may stand still.
    pub still: Duration,
}

/// All places of a server.
pub struct Places {
    limits: Limits,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    by: HashMap<IpAddr, Vec<Arc<Seat>>>,
    count: usize,
}

/// A place that is taken, until this is dropped.
pub struct Place {
    places: Arc<Places>,
    seat: Arc<Seat>,
}

/// An answer that is under way, until this is dropped.
pub struct UnderWay(Arc<Seat>);

struct Seat {
    client: IpAddr,
    begin: Instant,
    /// When it began, or an answer on it last began or moved: milliseconds since the beginning.
    last: AtomicU64,
    /// What has gone of answers since then, in bytes.
    gone: AtomicU64,
    answers: AtomicUsize,
    asked: AtomicBool,
    full: AtomicBool,
    over: Notify,
}

impl Places {
    /// Places of which none is taken.
    pub fn new(limits: Limits) -> Arc<Places> {
        Arc::new(Places { limits, taken: Mutex::default() })
    }

    /// A place for a client, if need be that of another connection; none if all are put to better use.
    pub fn take(self: &Arc<Places>, address: IpAddr) -> Option<Place> {
        let client = client(address);
        let mut taken = self.lock();
        let own = taken.by.get(&client).map_or(0, Vec::len);
        let open = self.limits.places - if own == 0 { 0 } else { self.limits.reserve };
        let within = own < self.limits.share;
        if !within || taken.count >= open {
            // Who has its share takes no place of others.
            let least = taken.least(|seat| within || seat.client == client)?;
            taken.remove(&least);
            least.over.notify_one();
        }
        let seat = Arc::new(Seat::new(client));
        taken.by.entry(client).or_default().push(seat.clone());
        taken.count += 1;
        Some(Place { places: self.clone(), seat })
    }

    /// Ends connections whose time is over, for ever.
    pub async fn watch(self: Arc<Places>) {
        loop {
            tokio::time::sleep(ROUND).await;
            let taken = self.lock();
            let over = taken.by.values().flatten().filter(|seat| seat.still() > seat.most(&self.limits));
            over.for_each(|seat| seat.over.notify_one());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    /// The connection that makes the least use of its place: it waits, or its answer does not move. Of several that wait,
    /// or do not move, the one whose client holds the most places, then the one that has done so for longest.
    fn least(&self, among: impl Fn(&Seat) -> bool) -> Option<Arc<Seat>> {
        let of_all = self.by.values().flat_map(|seats| seats.iter().map(|seat| (seat, seats.len())));
        let idle = of_all.filter(|(seat, _)| among(seat) && (!seat.works() || seat.still() >= SLOW));
        let least = idle.min_by_key(|(seat, held)| (seat.works(), Reverse(*held), Reverse(seat.still())));
        least.map(|(seat, _)| seat.clone())
    }

    fn remove(&mut self, seat: &Arc<Seat>) {
        let Some(seats) = self.by.get_mut(&seat.client) else { return };
        let Some(at) = seats.iter().position(|there| Arc::ptr_eq(there, seat)) else { return };
        seats.swap_remove(at);
        self.count -= 1;
        if seats.is_empty() {
            self.by.remove(&seat.client);
        }
    }
}

impl Seat {
    fn new(client: IpAddr) -> Seat {
        Seat {
            client,
            begin: Instant::now(),
            last: AtomicU64::new(0),
            gone: AtomicU64::new(0),
            answers: AtomicUsize::new(0),
            asked: AtomicBool::new(false),
            full: AtomicBool::new(false),
            over: Notify::new(),
        }
    }

    /// Whether anything is to be sent on it.
    fn works(&self) -> bool {
        self.answers.load(Relaxed) > 0 || self.full.load(Relaxed)
    }

    fn moved(&self) {
        self.gone.store(0, Relaxed);
        self.last.store(self.begin.elapsed().as_millis() as u64, Relaxed);
    }

    /// How long nothing has begun or moved.
    fn still(&self) -> Duration {
        self.begin.elapsed().saturating_sub(Duration::from_millis(self.last.load(Relaxed)))
    }

    /// How long that may be.
    fn most(&self, limits: &Limits) -> Duration {
        match (self.works(), self.asked.load(Relaxed)) {
            (true, _) => limits.still,
            (false, true) => limits.kept,
            (false, false) => limits.first,
        }
    }
}

impl Place {
    /// Works in this place, until that is done or the place goes to another.
    pub async fn keep<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        first(work, self.seat.over.notified()).await
    }

    /// A request has come, and is answered until what this gives is dropped.
    pub fn answer(&self) -> UnderWay {
        self.seat.asked.store(true, Relaxed);
        self.seat.answers.fetch_add(1, Relaxed);
        self.seat.moved();
        UnderWay(self.seat.clone())
    }

    /// Whether the client's side takes nothing more for now.
    pub fn full(&self, full: bool) {
        self.seat.full.store(full, Relaxed);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.lock().remove(&self.seat);
    }
}

impl UnderWay {
    /// So many bytes have gone.
    pub fn sent(&self, count: u64) {
        if self.0.gone.fetch_add(count, Relaxed) + count >= STEP {
            self.0.moved();
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        // When it ended is near enough to when it last moved.
        self.0.answers.fetch_sub(1, Relaxed);
    }
}

/// The first of two futures: the work, or nothing if the other ends before it.
pub async fn first<T>(work: impl Future<Output = T>, other: impl Future<Output = ()>) -> Option<T> {
    let (mut work, mut other) = (pin!(work), pin!(other));
    std::future::poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => other.as_mut().poll(context).map(|()| None),
    })
    .await
}

/// What counts as one client.
pub fn client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(places: usize, share: usize, reserve: usize) -> Arc<Places> {
        let time = Duration::from_secs(5);
        Places::new(Limits { places, share, reserve, first: time, kept: time, still: time })
    }

    fn ended(place: &Place) -> bool {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(place.keep(async { tokio::task::yield_now().await })).is_none()
    }

    fn take(places: &Arc<Places>, address: &str) -> Option<Place> {
        let place = places.take(address.parse().unwrap());
        // So that each is older than the next.
        std::thread::sleep(Duration::from_millis(2));
        place
    }

    #[test]
    fn a_client_with_its_share_replaces_its_own_oldest_and_nobody_else() {
        let places = places(10, 2, 1);
        let other = take(&places, "10.0.0.2").unwrap();
        let (first, second) = (take(&places, "10.0.0.1").unwrap(), take(&places, "10.0.0.1").unwrap());
        let third = take(&places, "10.0.0.1").unwrap();
        assert_eq!([&other, &first, &second, &third].map(ended), [false, true, false, false]);
        drop((first, second));
        let _fourth = take(&places, "10.0.0.1").unwrap();
        assert!(!ended(&third), "a place that was left is free, and counted once");
    }

    #[test]
    fn a_host_s_ipv6_addresses_are_one_client_and_so_is_a_mapped_one() {
        let same = |one: &str, other: &str| client(one.parse().unwrap()) == client(other.parse().unwrap());
        assert!(same("2001:db8:0:1::1", "2001:db8:0:1:ffff::2") && !same("2001:db8:0:1::1", "2001:db8:0:2::1"));
        assert!(same("::ffff:10.0.0.1", "10.0.0.1") && !same("10.0.0.1", "10.0.0.2"));
    }

    #[test]
    fn answers_that_move_are_not_ended_and_slow_ones_go_after_those_that_wait() {
        let places = places(10, 3, 0);
        let [slow, waits, moves] = [(), (), ()].map(|()| take(&places, "10.0.0.1").unwrap());
        let (_unread, read) = (slow.answer(), moves.answer());
        std::thread::sleep(SLOW);
        read.sent(STEP);
        let fourth = take(&places, "10.0.0.1").unwrap();
        assert_eq!([&slow, &waits, &moves].map(ended), [false, true, false]);
        let _busy = fourth.answer();
        let fifth = take(&places, "10.0.0.1").unwrap();
        assert!(ended(&slow) && !ended(&moves));
        let _busy = fifth.answer();
        read.sent(STEP);
        assert!(take(&places, "10.0.0.1").is_none(), "all that are left have something to do");
        assert!(take(&places, "10.0.0.2").is_some());
    }

    #[test]
    fn the_reserve_is_for_those_who_hold_nothing() {
        let places = places(4, 3, 1);
        let held = ["10.0.0.1", "10.0.0.2", "10.0.0.3"].map(|address| take(&places, address).unwrap());
        let _busy = held.each_ref().map(Place::answer);
        assert!(take(&places, "10.0.0.1").is_none());
        let last = take(&places, "10.0.0.4").unwrap();
        let _busy = last.answer();
        assert!(take(&places, "10.0.0.5").is_none());
        drop(last);
        assert!(take(&places, "10.0.0.5").is_some());
    }

    #[test]
    fn where_all_is_taken_who_holds_the_most_gives_way() {
        let places = places(4, 3, 0);
        let modest = take(&places, "10.0.0.1").unwrap();
        let greedy = [(), (), ()].map(|()| take(&places, "10.0.0.2").unwrap());
        let _new = take(&places, "10.0.0.3").unwrap();
        assert!(ended(&greedy[0]) && !ended(&modest));
    }

    #[test]
    fn what_nobody_reads_ends_as_what_nobody_asks_for() {
        let limits = Limits { still: Duration::ZERO, ..places(9, 9, 0).limits };
        let places = Places::new(limits);
        let (stuck, waits) = (take(&places, "10.0.0.1").unwrap(), take(&places, "10.0.0.1").unwrap());
        stuck.full(true);
        assert!(stuck.seat.still() > stuck.seat.most(&limits) && waits.seat.still() < waits.seat.most(&limits));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            tokio::spawn(places.clone().watch());
            assert!(stuck.keep(std::future::pending::<()>()).await.is_none());
        });
        assert!(!ended(&waits));
    }
}
