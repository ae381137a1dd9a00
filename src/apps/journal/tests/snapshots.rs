//! Snapshots: made, read, damaged, killed in the middle; records that they cover go, and whoever is late learns it.
//! HDFS is scripted here; two writers and snapshots on a real NameNode are tried by `pnda try`.
//! Not here: when one is made.

use super::*;
use std::collections::BTreeMap;
use systems::webhdfs::{Fake, Node};

const FOLDER: &str = "/journal";

fn journal(fake: &Fake) -> Arc<HdfsJournal> {
    let hdfs = fake.client().as_user(&User::simple("pnda"));
    Arc::new(HdfsJournal::open(hdfs, FOLDER).unwrap())
}

fn open(fake: &Fake) -> Book {
    Book::open(journal(fake)).unwrap()
}

fn undeployed() -> Fact {
    Fact::PackageUndeployed { package: PackageName::new("p-1.0.0").unwrap(), why: None }
}

/// A book with an application that runs, and so many records more.
fn with_records(fake: &Fake, more: usize) -> Book {
    let mut book = open(fake);
    note(&mut book, created());
    note(&mut book, Fact::StartOrdered { application: key().application, origin: Origin::Path("/s/1".into()) });
    note(&mut book, intended(1, 2));
    note(&mut book, Fact::SubmissionBegun { of: key(), id: id(1) });
    add(&mut book, more);
    book
}

fn add(book: &mut Book, more: usize) {
    (0..more).for_each(|_| note(book, undeployed()));
}

fn keep(fake: &Fake, book: &mut Book) {
    let snapshot = book.snapshot();
    journal(fake).keep(&snapshot).unwrap();
    book.kept(&snapshot, true).unwrap();
}

/// The names of files in a folder of the journal.
fn names(fake: &Fake, folder: &str) -> Vec<u64> {
    let prefix = format!("{folder}/");
    let world = fake.world.lock().unwrap();
    let names = world.nodes.iter().filter(|(_, node)| node.bytes.is_some());
    names.filter_map(|(path, _)| path.strip_prefix(&prefix)?.parse().ok()).collect()
}

fn nodes(fake: &Fake) -> BTreeMap<String, Node> {
    fake.world.lock().unwrap().nodes.clone()
}

#[test]
fn records_are_read_in_pieces() {
    let fake = Fake::start();
    let book = with_records(&fake, 2 * PIECE);
    assert_eq!(open(&fake).state, book.state);
    let whole = Arc::new(Memory::default());
    whole.records.lock().unwrap().extend(journal(&fake).read(1, 1000).unwrap());
    assert_eq!(Book::open(whole.clone()).unwrap().state, book.state);
    let from: Vec<u64> = whole.asked.lock().unwrap().clone();
    assert_eq!(from, [1, PIECE as u64 + 1, 2 * PIECE as u64 + 1]);
    assert_eq!(journal(&fake).read(3, 20).unwrap().len(), 20, "no more than was asked for");
}

#[test]
fn two_snapshots_are_kept_and_the_records_before_both_of_them_go() {
    let fake = Fake::start();
    let mut book = with_records(&fake, 0);
    fake.client().write(&format!("{FOLDER}/.left-by-a-writer"), "600", 1, &mut &b"x"[..]).unwrap();
    let snapshots = format!("{FOLDER}/snapshots");
    for (kept, first) in [(vec![4], 1), (vec![4, 8], 5), (vec![8, 12], 9), (vec![12, 16], 13)] {
        keep(&fake, &mut book);
        assert_eq!(names(&fake, &snapshots), kept);
        assert_eq!(names(&fake, FOLDER), (first..=book.state.number).collect::<Vec<_>>());
        assert_eq!(open(&fake).state, book.state);
        add(&mut book, 4);
        assert_eq!(open(&fake).state, book.state);
    }
    assert!(!fake.listing().iter().any(|line| line.contains("left-by")), "{:?}", fake.listing());
}

/// Numbers whose records went are free, and the journal does not end there.
#[test]
fn whoever_is_late_learns_it_although_the_number_is_free_again() {
    let fake = Fake::start();
    let mut late = with_records(&fake, 0);
    let mut book = open(&fake);
    for _ in 0..3 {
        add(&mut book, 3);
        keep(&fake, &mut book);
    }
    assert_eq!(names(&fake, FOLDER), [11, 12, 13]);
    let state = book.state.clone();
    let refused = late.note(&word("late"), 1, undeployed());
    assert!(matches!(refused, Err(NoteError::Append(AppendError::Superseded { number: 5 }))), "{refused:?}");
    assert!(matches!(late.catch_up(), Err(ReadError::Removed { number: 5 })));
    assert_eq!(late.state.number, 4, "what it left there is nobody's record");
    assert_eq!(open(&fake).state, state);
    assert!(matches!(journal(&fake).read(1, 9), Err(ReadError::Removed { number: 1 })));
    add(&mut book, 1);
    keep(&fake, &mut book);
    assert_eq!(names(&fake, FOLDER), [14], "and goes with the next snapshot");
}

#[test]
fn a_snapshot_can_be_killed_at_every_step() {
    let steps = |fake: &Fake| {
        let mut book = with_records(fake, 3);
        keep(fake, &mut book);
        add(&mut book, 3);
        keep(fake, &mut book);
        add(&mut book, 3);
        book
    };
    let mut killed = 0;
    for left in 0.. {
        let fake = Fake::start();
        let mut book = steps(&fake);
        fake.world.lock().unwrap().changes_left = Some(left);
        let done = journal(&fake).keep(&book.snapshot());
        fake.world.lock().unwrap().changes_left = None;
        // Whoever comes next, on another node, goes on.
        let mut next = open(&fake);
        assert_eq!(next.state, book.state, "{left}: {:?}", fake.listing());
        add(&mut next, 1);
        book.catch_up().unwrap();
        assert_eq!(book.state, next.state, "{left}");
        if done.is_ok() {
            break;
        }
        killed += 1;
        keep(&fake, &mut next);
        keep(&fake, &mut next);
        assert_eq!(open(&fake).state, next.state, "{left}");
        assert_eq!(names(&fake, &format!("{FOLDER}/snapshots")).len(), 2, "{left}");
        let most = if names(&fake, FOLDER)[0] > 7 { 7 } else { 99 };
        assert!(names(&fake, FOLDER).len() <= most, "{left}: {:?}", names(&fake, FOLDER));
    }
    println!("steps of a snapshot at which it was killed: {killed}");
    assert!(killed >= 8, "{killed}");
}

#[test]
fn a_snapshot_that_is_damaged_is_passed_over_and_nothing_goes_because_of_it() {
    let fake = Fake::start();
    let mut book = with_records(&fake, 3);
    keep(&fake, &mut book);
    add(&mut book, 3);
    let snapshot = book.snapshot();
    journal(&fake).keep(&snapshot).unwrap();
    let (newest, good) = (format!("{FOLDER}/snapshots/{:020}", snapshot.state.number), nodes(&fake));
    let text = String::from_utf8(good[&newest].bytes.clone().unwrap()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let without_end = lines[..lines.len() - 1].join("\n") + "\n";
    for damaged in
        ["", "{}\n", &without_end, &text[..text.len() / 2], &text.replace("alice", "malice"), &(text.clone() + "x")]
    {
        fake.world.lock().unwrap().nodes.get_mut(&newest).unwrap().bytes = Some(damaged.as_bytes().to_vec());
        assert_eq!(open(&fake).state, book.state, "{damaged}");
        let more = Snapshot { state: Arc::new(State { number: 99, ..State::default() }), ..snapshot.clone() };
        let refused = journal(&fake).keep(&more);
        assert!(matches!(&refused, Err(KeepError::Read(_))), "{damaged}: {refused:?}");
        assert_eq!(names(&fake, FOLDER).first(), Some(&8), "what went before is all that went");
        fake.world.lock().unwrap().nodes.clone_from(&good);
    }
    let later = text.replacen("\"format\":4", "\"format\":5", 1);
    fake.world.lock().unwrap().nodes.get_mut(&newest).unwrap().bytes = Some(later.into_bytes());
    let told = Book::open(journal(&fake)).map(drop).unwrap_err().to_string();
    assert!(told.contains("format 5") && told.contains("install the release that made it"), "{told}");
}

/// They stand for records that go only where both are good.
#[test]
fn where_both_snapshots_are_damaged_the_records_count_and_one_that_is_gone_is_named() {
    let fake = Fake::start();
    let mut book = with_records(&fake, PIECE);
    let all = nodes(&fake);
    keep(&fake, &mut book);
    add(&mut book, 3);
    let kept = journal(&fake).keep(&book.snapshot());
    kept.unwrap();
    let records = all.into_iter().filter(|(path, _)| !path.contains("/snapshots"));
    // What the older one covers was not removed yet.
    fake.world.lock().unwrap().nodes.extend(records);
    for (path, node) in &mut fake.world.lock().unwrap().nodes {
        if path.contains("/snapshots/") {
            node.bytes = Some(b"{}\n".to_vec());
        }
    }
    let again = open(&fake);
    assert_eq!(again.state, book.state);
    let mut goes_on = again;
    add(&mut goes_on, 1);
    assert_eq!(open(&fake).state, goes_on.state);
    fake.world.lock().unwrap().nodes.remove(&format!("{FOLDER}/{:020}", 7));
    let error = Book::open(journal(&fake)).map(drop).unwrap_err();
    let told = words::chain::chain(&error);
    assert!(matches!(error, ReadError::Lost { number: 7, .. }), "{told}");
    assert!(told.contains("record 7 of the 68") && told.contains("bring the journal's folder back"), "{told}");
}

/// A snapshot that a release has made: nobody makes it anew.
fn as_it_lies(format: u32, number: u64) -> (String, Snapshot) {
    let folder = format!("../../tests/fixtures/formats/snapshot-{format}");
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let text = std::fs::read_to_string(folder.join(format!("{number:020}"))).unwrap();
    let snapshot = Snapshot::read(number, text.as_bytes()).unwrap();
    (text, snapshot)
}

fn frozen_snapshot(format: u32, number: u64) -> (String, Snapshot) {
    let (text, snapshot) = as_it_lies(format, number);
    assert_eq!(*snapshot.state, frozen(format).pop().unwrap(), "what follows from the frozen records");
    (text, snapshot)
}

#[test]
fn frozen_snapshots_are_read_and_made_as_they_are() {
    let (text, snapshot) = frozen_snapshot(FORMAT, 76);
    assert_eq!(snapshot.lines().collect::<String>(), text);
    // The first line has another format by now, and the last one the digest of all.
    let (text, snapshot) = frozen_snapshot(2, 21);
    let (made, frozen_lines): (Vec<String>, Vec<&str>) = (snapshot.lines().collect(), text.lines().collect());
    let of_state = 1..frozen_lines.len() - 1;
    let made_lines: Vec<&str> = made[of_state.clone()].iter().map(|line| line.trim_end()).collect();
    assert_eq!(made_lines, frozen_lines[of_state], "what came later is not there");
}

/// Which content the old version's package had is written down only since.
#[test]
fn a_snapshot_of_before_is_read_without_what_came_later() {
    let (_, snapshot) = as_it_lies(3, 55);
    let mut state = frozen(3).swap_remove(54);
    for application in state.applications.values_mut() {
        Arc::make_mut(application).upgrade.iter_mut().for_each(|upgrade| upgrade.from_sha256 = None);
    }
    assert_eq!(*snapshot.state, state);
}

#[test]
fn a_copy_goes_on_from_a_snapshot_and_keeps_what_is_told() {
    let (fake, folder) = (Fake::start(), tempfile::tempdir().unwrap());
    let file = folder.path().join("journal.sqlite");
    let copied = || Book::open_with_copy(journal(&fake), &file);
    drop(with_records(&fake, 0));
    let mut book = copied().unwrap();
    for _ in 0..3 {
        add(&mut book, 3);
        keep(&fake, &mut book);
    }
    let told = book.records_of(&key().application).unwrap();
    assert_eq!(told.len(), 4, "HDFS has them no more");
    let number = book.state.number;
    drop(book);
    fake.world.lock().unwrap().changes.clear();
    let mut book = copied().unwrap();
    assert_eq!((book.state.clone(), book.state.number), (open(&fake).state, number));
    assert_eq!(book.records_of(&key().application).unwrap(), told);
    // Everything about an application that is gone goes with the next snapshot.
    note(&mut book, Fact::DeleteOrdered { application: key().application });
    note(&mut book, Fact::ApplicationDeleted { application: key().application });
    keep(&fake, &mut book);
    assert!(book.records_of(&key().application).unwrap().is_empty());
    drop(book);
    // A node without a copy, and one whose copy is older than what is kept.
    let old = std::fs::read(&file).unwrap();
    let mut other = open(&fake);
    for _ in 0..3 {
        add(&mut other, 3);
        keep(&fake, &mut other);
    }
    for copy in [None, Some(old)] {
        let _ = std::fs::remove_file(&file);
        if let Some(copy) = copy {
            std::fs::write(&file, copy).unwrap();
        }
        let mut book = copied().unwrap();
        assert_eq!(book.state, other.state);
        note(&mut book, undeployed());
        other.catch_up().unwrap();
        drop(book);
        assert_eq!(copied().unwrap().state, other.state);
    }
}

#[test]
fn a_copy_that_knows_more_than_a_journal_with_snapshots_stops_everything() {
    let (fake, folder) = (Fake::start(), tempfile::tempdir().unwrap());
    let file = folder.path().join("journal.sqlite");
    drop(with_records(&fake, 0));
    let mut book = Book::open_with_copy(journal(&fake), &file).unwrap();
    for _ in 0..2 {
        add(&mut book, 3);
        keep(&fake, &mut book);
    }
    let before = nodes(&fake);
    add(&mut book, 1);
    drop(book);
    fake.world.lock().unwrap().nodes = before;
    let ahead = Book::open_with_copy(journal(&fake), &file).map(drop).unwrap_err();
    assert!(matches!(ahead, ReadError::Ahead { number: 11, .. }), "{ahead}");
}

#[test]
fn a_snapshot_is_due_after_a_thousand_records_and_soon_again_where_it_was_not_kept() {
    let mut book = book();
    add(&mut book, 999);
    assert_eq!(book.due(), None);
    add(&mut book, 1);
    let snapshot = book.due().unwrap();
    book.kept(&snapshot, false).unwrap();
    add(&mut book, 99);
    assert_eq!(book.due(), None);
    add(&mut book, 1);
    let snapshot = book.due().unwrap();
    book.kept(&snapshot, true).unwrap();
    add(&mut book, 999);
    assert_eq!(book.due(), None);
}

#[test]
fn of_many_savepoints_those_go_first_that_there_never_were() {
    let mut book = book();
    note(&mut book, created());
    note(&mut book, Fact::StartOrdered { application: key().application, origin: Origin::Newest });
    note(&mut book, intended(1, 2));
    for turn in 0..150_u32 {
        let id = TriggerId::new(format!("{turn:032x}")).unwrap();
        let (job, folder) = (JobId::new("0".repeat(32)).unwrap(), "/s".to_owned());
        let run = super::id(1);
        note(
            &mut book,
            Fact::SavepointIntended {
                of: key(),
                id: id.clone(),
                run,
                job,
                folder,
                goes_on: false,
                periodic: false,
                drain: false,
            },
        );
        note(
            &mut book,
            match turn {
                0 => Fact::SavepointCompleted { of: key(), id, path: "/s/1".into() },
                _ => Fact::SavepointFailed { of: key(), id, why: "no".into(), is_over: false },
            },
        );
    }
    let savepoints = &book.state.applications[&key().application].components[&key().component].savepoints;
    assert_eq!((savepoints.len(), &savepoints[0].outcome), (100, &Outcome::Completed("/s/1".into())));
    assert_eq!(savepoints[99].id.to_string(), format!("{:032x}", 149));
}
