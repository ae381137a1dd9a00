//! One download against servers that are broken or hostile: right bytes arrive, or nothing does and the reason is told.
//! Each test is one way in which a registry can misbehave.
//! Not here: what is done with the bytes.

use crate::upstream::{Reply, Upstream};
use pnda::mirror::store::{Error, Store};
use pnda::systems::download::Expected;
use pnda::systems::http::{Http, Patience};
use pnda::words::digest::Sha256;
use pnda::words::event::silent;
use pnda::words::location::Location;
use std::process::Command;
use std::time::Duration;

const BODY: &[u8] = b"The quick brown fox jumps over the lazy dog";

struct Bench {
    _folder: tempfile::TempDir,
    store: Store,
    upstream: Upstream,
}

impl Bench {
    fn new(replies: impl IntoIterator<Item = Reply>) -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let upstream = Upstream::start();
        upstream.on("/a.jar", replies);
        Bench { _folder: folder, store, upstream }
    }

    fn bring(&self) -> Result<(), Error> {
        let patience = Patience { tries: 3, first_wait: Duration::from_millis(1), silence: Duration::from_millis(500) };
        let location = Location::parse(&format!("{}/a.jar", self.upstream.url)).unwrap();
        self.store.bring(&Http::new(patience), &[location], expected(), &silent)
    }

    fn arrives(&self) {
        self.bring().unwrap();
        assert_eq!(std::fs::read(self.store.path(expected().sha256)).unwrap(), BODY);
    }

    fn refused(&self, why: &str) {
        let error = self.bring().unwrap_err();
        let mut text = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            text = format!("{text}: {cause}");
            source = cause.source();
        }
        assert!(text.contains(why), "{why}\nis not in\n{text}");
        assert!(!self.store.has(expected()));
    }
}

fn expected() -> Expected {
    Expected { size: BODY.len() as u64, sha256: Sha256::of(BODY) }
}

#[test]
fn a_server_that_works_is_asked_once() {
    let bench = Bench::new([Reply::bytes(BODY)]);
    bench.arrives();
    bench.arrives();
    assert_eq!(bench.upstream.requests(), ["/a.jar"]);
}

#[test]
fn missing_is_final() {
    let bench = Bench::new([Reply::status(404)]);
    bench.refused("the server has no such file (status 404)");
    assert_eq!(bench.upstream.requests().len(), 1);
}

#[test]
fn forbidden_is_final_and_says_so() {
    Bench::new([Reply::status(403)]).refused("status 403: it refuses access");
}

#[test]
fn a_server_that_recovers_is_asked_again() {
    Bench::new([Reply::status(503), Reply::status(500), Reply::bytes(BODY)]).arrives();
}

#[test]
fn a_server_that_does_not_recover_is_given_up() {
    let bench = Bench::new([Reply::status(503)]);
    bench.refused("status 503: it has a problem of its own");
    assert_eq!(bench.upstream.requests().len(), 3);
}

#[test]
fn too_many_requests_waits_as_it_was_told() {
    let bench = Bench::new([Reply::status(429).header("retry-after", "1"), Reply::bytes(BODY)]);
    let began = std::time::Instant::now();
    bench.arrives();
    assert!(began.elapsed() >= Duration::from_secs(1), "it did not wait");
}

#[test]
fn too_many_requests_for_an_hour_is_given_up_at_once() {
    let bench = Bench::new([Reply::status(429).header("retry-after", "3600")]);
    bench.refused("status 429: too many requests");
    assert_eq!(bench.upstream.requests().len(), 1);
}

#[test]
fn a_body_that_breaks_off_is_resumed() {
    let bench = Bench::new([Reply::bytes(BODY).cut_after(10), Reply::bytes(BODY).cut_after(5), Reply::bytes(BODY)]);
    bench.arrives();
    assert_eq!(bench.upstream.requests(), ["/a.jar", "/a.jar from 10", "/a.jar from 15"]);
}

#[test]
fn what_an_earlier_run_left_is_not_fetched_again() {
    let bench = Bench::new([Reply::bytes(BODY).cut_after(10), Reply::status(403), Reply::bytes(BODY)]);
    bench.refused("status 403");
    assert_eq!(bench.store.begun(expected()), 10);
    bench.arrives();
    assert_eq!(bench.upstream.requests().last().unwrap(), "/a.jar from 10");
}

#[test]
fn a_server_without_ranges_is_read_from_the_beginning() {
    let bench = Bench::new([Reply::bytes(BODY).cut_after(10), Reply::bytes(BODY).without_ranges()]);
    bench.arrives();
}

#[test]
fn wrong_bytes_are_refused() {
    Bench::new([Reply::bytes(BODY.to_ascii_uppercase())]).refused("has other content");
}

#[test]
fn a_changed_file_under_a_resumed_download_is_read_anew() {
    let other = BODY.to_ascii_uppercase();
    let bench = Bench::new([Reply::bytes(other).cut_after(10), Reply::status(403), Reply::bytes(BODY)]);
    bench.refused("status 403");
    bench.arrives();
}

#[test]
fn a_longer_body_is_refused() {
    let longer = [BODY, b" and more"].concat();
    Bench::new([Reply::bytes(longer)]).refused("is longer than the 43 bytes it must have");
}

#[test]
fn an_endless_body_is_refused() {
    let endless = vec![b'x'; 1 << 20];
    let bench = Bench::new([Reply::bytes(endless).announcing(43)]);
    bench.refused("has other content");
}

#[test]
fn a_shorter_length_is_refused() {
    Bench::new([Reply::bytes(&BODY[..20])]).refused("has 20 bytes; it must have 43");
}

#[test]
fn a_length_that_lies_is_given_up() {
    let bench = Bench::new([Reply::bytes(&BODY[..20]).announcing(43).without_ranges()]);
    bench.refused("the answer broke off");
}

#[test]
fn redirects_in_a_circle_are_refused() {
    Bench::new([Reply::status(302).header("location", "/a.jar")]).refused("redirects in a circle");
}

#[test]
fn a_redirect_to_a_local_file_is_refused() {
    Bench::new([Reply::status(302).header("location", "file:///etc/passwd")])
        .refused("which is not followed: only http and https are");
}

#[test]
fn a_redirect_to_another_place_is_followed() {
    let bench = Bench::new([Reply::status(302).header("location", "/b.jar")]);
    bench.upstream.on("/b.jar", [Reply::bytes(BODY)]);
    bench.arrives();
}

#[test]
fn nobody_there_is_told() {
    let bench = Bench::new([Reply::bytes(BODY)]);
    let patience = Patience { tries: 2, first_wait: Duration::from_millis(1), silence: Duration::from_millis(500) };
    let location = Location::parse("http://127.0.0.1:1/a.jar").unwrap();
    assert!(bench.store.bring(&Http::new(patience), &[location], expected(), &silent).is_err());
}

#[test]
fn a_disk_that_fills_up_loses_nothing() {
    let small = tempfile::tempdir().unwrap();
    let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"]).arg(small.path()).output();
    if !mount.is_ok_and(|output| output.status.success()) {
        left_out!("a full disk: a small file system can only be mounted by root");
        return;
    }
    let body = vec![b'x'; 200_000];
    let expected = Expected { size: 200_000, sha256: Sha256::of(&body) };
    let upstream = Upstream::start();
    upstream.on("/a.jar", [Reply::bytes(body)]);
    let location = Location::parse(&format!("{}/a.jar", upstream.url)).unwrap();
    let store = Store::open(small.path()).unwrap();
    let error = store.bring(&Http::new(Patience::default()), &[location], expected, &silent).unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    let held = store.has(expected);
    drop(store);
    assert!(Command::new("umount").arg(small.path()).status().unwrap().success());
    assert!(cause.contains("the disk is full; free some space and run it again") && !held, "{cause}");
}

#[test]
fn bytes_of_a_folder_are_shared_and_not_copied_where_the_disk_can() {
    let folder = tempfile::tempdir().unwrap();
    let (image, mount) = (folder.path().join("image"), folder.path().join("mount"));
    std::fs::create_dir(&mount).unwrap();
    std::fs::File::create(&image).unwrap().set_len(400 << 20).unwrap();
    let run = |program: &str, words: &[&str], path: &std::path::Path| {
        let output = Command::new(program).args(words).arg(path).arg(&mount).output();
        output.is_ok_and(|output| output.status.success())
    };
    let made = Command::new("mkfs.xfs").args(["-q", "-m", "reflink=1"]).arg(&image).output();
    if !made.is_ok_and(|output| output.status.success()) || !run("mount", &["-o", "loop"], &image) {
        left_out!("shared bytes: an XFS image can only be made with xfsprogs and mounted by root");
        return;
    }
    let used = || {
        let disk = rustix::fs::statvfs(&mount).unwrap();
        (disk.f_blocks - disk.f_bfree) * disk.f_frsize
    };
    let sync = || rustix::fs::syncfs(std::fs::File::open(&mount).unwrap()).unwrap();
    let body: Vec<u8> = (0..32_u32 << 20).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let expected = Expected { size: body.len() as u64, sha256: Sha256::of(&body) };
    let file = mount.join("a.jar");
    std::fs::write(&file, body).unwrap();
    sync();
    let before = used();
    let store = Store::open(&mount.join("store")).unwrap();
    let brought = store.bring(&Http::new(Patience::default()), &[Location::Path(file)], expected, &silent);
    sync();
    let (grown, held) = (used() - before, store.has(expected));
    drop(store);
    assert!(Command::new("umount").arg(&mount).status().unwrap().success());
    brought.unwrap();
    assert!(held && grown < 4 << 20, "the disk holds {grown} bytes more");
}
