//! A large file over several connections: pieces in order, finished ones never again, and the server's word is checked.
//! The bounds are small here, so that a file of some kilobytes is a large one.
//! Not here: what hostile servers do with small files (`faults`), and real kills (`kill`).

use crate::upstream::{Reply, Upstream};
use pnda::mirror::resolve::unseen;
use pnda::mirror::store::{Error, Store};
use pnda::systems::download::Expected;
use pnda::systems::http::{Http, Options, Patience, Split};
use pnda::words::digest::{Sha1, Sha256};
use pnda::words::event::{Event, Tell, silent};
use pnda::words::location::Location;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

struct Bench {
    _folder: tempfile::TempDir,
    store: Store,
    upstream: Upstream,
    body: Vec<u8>,
}

impl Bench {
    fn new() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let body = (0..100_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        Bench { _folder: folder, store, upstream: Upstream::start(), body }
    }

    fn on(&self, replies: impl IntoIterator<Item = Reply>) {
        self.upstream.on("/a.jar", replies);
    }

    fn good(&self) -> Reply {
        Reply::bytes(self.body.as_slice()).header("etag", "\"one\"")
    }

    fn expected(&self) -> Expected {
        Expected { size: self.body.len() as u64, sha256: Sha256::of(&self.body) }
    }

    fn http(&self) -> Http {
        let patience = Patience { tries: 3, first_wait: Duration::from_millis(1), silence: Duration::from_secs(10) };
        let split = Split { from: 50_000, piece: 10_000, connections: 4 };
        Http::with(Options { patience, split, ..Options::default() })
    }

    fn place(&self) -> Location {
        Location::parse(&format!("{}/a.jar", self.upstream.url)).unwrap()
    }

    /// How many bytes of the file have left the server, once it is done with everybody.
    fn sent(&self) -> u64 {
        self.upstream.settle();
        self.upstream.sent()
    }

    fn bring(&self) -> Result<(), Error> {
        self.bring_and_tell(&silent)
    }

    fn bring_and_tell(&self, tell: Tell) -> Result<(), Error> {
        self.store.bring(&self.http(), &[self.place()], self.expected(), tell)
    }

    fn arrives(&self) {
        self.bring().unwrap();
        assert_eq!(std::fs::read(self.store.path(self.expected().sha256)).unwrap(), self.body);
        let left = std::fs::read_dir(self.store.folder().join("partial")).unwrap().count();
        assert_eq!(left, 0, "nothing is left beside it");
    }
}

#[test]
fn each_piece_is_asked_for_once() {
    let bench = Bench::new();
    bench.on([bench.good()]);
    bench.arrives();
    let wanted: BTreeSet<String> = (0..10).map(|at| format!("/a.jar {}-{}", at * 10_000, (at + 1) * 10_000)).collect();
    let asked = bench.upstream.requests();
    assert_eq!((asked.len(), asked.into_iter().collect::<BTreeSet<_>>()), (10, wanted));
    assert_eq!(bench.sent(), 100_000);
}

#[test]
fn a_panic_on_one_connection_ends_the_download() {
    let bench = Bench::new();
    bench.on([bench.good()]);
    let first = AtomicBool::new(true);
    let tell = |event: Event| {
        let bytes_came = matches!(event, Event::Bytes(1..));
        assert!(!(bytes_came && first.swap(false, Ordering::Relaxed)), "whoever listens fails once");
    };
    assert!(catch_unwind(AssertUnwindSafe(|| bench.bring_and_tell(&tell))).is_err());
}

#[test]
fn bytes_land_where_they_belong_whoever_is_first() {
    for _ in 0..40 {
        let bench = Bench::new();
        bench.on([bench.good()]);
        bench.arrives();
        assert_eq!(bench.sent(), 100_000, "no piece had to come again");
    }
}

#[test]
fn a_server_without_ranges_is_read_over_one_connection() {
    let bench = Bench::new();
    bench.on([bench.good().without_ranges()]);
    bench.arrives();
    assert_eq!(bench.upstream.requests().len(), 1);
}

#[test]
fn a_piece_that_breaks_off_is_taken_up_where_it_was() {
    let bench = Bench::new();
    bench.on([bench.good(), bench.good().cut_after(4_000), bench.good()]);
    bench.arrives();
    assert_eq!(bench.upstream.requests().len(), 11);
    assert_eq!(bench.sent(), 100_000);
}

#[test]
fn finished_pieces_are_not_fetched_again() {
    let bench = Bench::new();
    bench.on([bench.good(), bench.good(), bench.good(), bench.good(), Reply::status(403)]);
    let error = std::error::Error::source(&bench.bring().unwrap_err()).unwrap().to_string();
    assert!(error.contains("cannot download"), "{error}");
    let (begun, sent) = (bench.store.begun(bench.expected()), bench.sent());
    assert!(begun > 0 && sent <= 40_000, "{begun} {sent}");
    bench.on([bench.good()]);
    bench.arrives();
    assert_eq!(bench.sent(), sent + 100_000 - begun);
}

#[test]
fn what_one_stream_left_counts_as_pieces() {
    let bench = Bench::new();
    let partial = bench.store.folder().join("partial").join(bench.expected().sha256.to_string());
    std::fs::write(partial, &bench.body[..35_000]).unwrap();
    bench.on([bench.good()]);
    bench.arrives();
    assert_eq!(bench.sent(), 70_000);
}

#[test]
fn a_file_that_changes_meanwhile_is_read_anew() {
    let bench = Bench::new();
    let other = Reply::bytes(bench.body.to_ascii_uppercase()).header("etag", "\"two\"");
    bench.on([other.clone(), other.clone(), other, bench.good()]);
    bench.arrives();
}

#[test]
fn a_file_that_keeps_changing_is_given_up() {
    let bench = Bench::new();
    bench.on((0..40).map(|at| Reply::bytes(bench.body.as_slice()).header("etag", format!("\"{at}\""))));
    let error = bench.bring().unwrap_err();
    let text = std::error::Error::source(&error).unwrap().to_string();
    assert!(error.is_mismatch() && text.contains("changed while it was downloaded"), "{text}");
    assert!(!bench.store.has(bench.expected()));
}

#[test]
fn pieces_of_another_file_are_found_by_the_digest_and_removed() {
    let bench = Bench::new();
    let lie = Reply::bytes(bench.body.to_ascii_uppercase());
    bench.on([lie]);
    let error = bench.bring().unwrap_err();
    assert!(error.is_mismatch() && !bench.store.has(bench.expected()), "{error}");
    assert_eq!(bench.store.begun(bench.expected()), 0);
    bench.on([bench.good()]);
    bench.arrives();
}

#[test]
fn another_size_is_told_before_much_is_read() {
    let bench = Bench::new();
    bench.on([Reply::bytes(vec![b'x'; 400_000])]);
    let error = bench.bring().unwrap_err();
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("is longer than the 100000 bytes"));
    assert_eq!(bench.upstream.requests().len(), 1);
}

#[test]
fn what_nobody_agreed_to_yet_comes_in_pieces_where_the_server_gives_them() {
    let bench = Bench::new();
    let take = || unseen::take(&bench.http(), &bench.place(), &bench.store, &silent);
    let pieces = || bench.upstream.requests().iter().filter(|path| path.starts_with("/a.jar ")).count();
    let whole = |taken: unseen::Taken| {
        assert_eq!((taken.sha1, taken.sha256), (Sha1::of(&bench.body), bench.expected().sha256));
        assert_eq!(
            std::fs::read_dir(bench.store.folder().join("partial")).unwrap().count(),
            1,
            "nothing lies beside it"
        );
    };
    bench.on([bench.good()]);
    whole(take().unwrap());
    assert_eq!(pieces(), 0, "it does not say that it gives parts");

    bench.on([bench.good().header("accept-ranges", "bytes")]);
    whole(take().unwrap());
    assert_eq!(pieces(), 9, "the first piece comes with the answer that tells the size");

    let other = Reply::bytes(bench.body.as_slice()).header("etag", "\"two\"").header("accept-ranges", "bytes");
    bench.on([bench.good().header("accept-ranges", "bytes"), other]);
    let error = take().map(|_| ()).unwrap_err();
    assert!(pnda::words::chain::chain(&error).contains("changed while it was downloaded"), "{error:?}");
    assert_eq!(std::fs::read_dir(bench.store.folder().join("partial")).unwrap().count(), 0, "nothing is left");
}
