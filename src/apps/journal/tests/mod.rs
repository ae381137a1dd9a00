//! A journal in memory that can be late, fail, or lose its answer; what follows from records; frozen records.
//! The one in HDFS is held against a scripted WebHDFS here, and against a real NameNode by `pnda try`.
//! Not here: decisions.

mod snapshots;
mod upgrades;

use super::*;
use crate::respawn::Policy;
use crate::saving::When;
use std::sync::{Arc, Mutex};
use systems::hadoop::User;
use words::ids::{ApplicationId, JobId, TriggerId};
use words::names::{ApplicationName, ComponentName, PackageName, Word};

/// Records in memory.
#[derive(Default)]
struct Memory {
    records: Mutex<Vec<Record>>,
    /// From which numbers on it was read.
    asked: Mutex<Vec<u64>>,
}

impl Journal for Memory {
    fn append(&self, record: &Record) -> Result<(), AppendError> {
        let mut records = self.records.lock().unwrap();
        match record.number == records.len() as u64 + 1 {
            true => records.push(record.clone()),
            false => return Err(AppendError::Superseded { number: record.number }),
        }
        Ok(())
    }

    fn begin(&self) -> Result<Option<Snapshot>, ReadError> {
        Ok(None)
    }

    fn read(&self, from: u64, most: usize) -> Result<Vec<Record>, ReadError> {
        self.asked.lock().unwrap().push(from);
        let records = self.records.lock().unwrap();
        Ok(records.iter().skip(from as usize - 1).take(most).cloned().collect())
    }

    fn keep(&self, _: &Snapshot) -> Result<(), KeepError> {
        Ok(())
    }

    fn probe(&self) -> Result<(), systems::webhdfs::Error> {
        Ok(())
    }
}

fn word(text: &str) -> Word {
    Word::new(text).unwrap()
}

fn key() -> Key {
    Key { application: ApplicationName::new("a").unwrap(), component: ComponentName::new("c").unwrap() }
}

fn id(number: u32) -> ApplicationId {
    ApplicationId::new(format!("application_1_{number:04}")).unwrap()
}

fn created() -> Fact {
    Fact::ApplicationCreated {
        application: key().application,
        package: PackageName::new("p-1.0.0").unwrap(),
        owner: word("alice"),
        overrides: serde_json::json!({ "package": "p-1.0.0" }),
        components: vec![key().component],
        workflows: Vec::new(),
        forked: None,
    }
}

fn book() -> Book {
    Book::open(Arc::new(Memory::default())).unwrap()
}

fn note(book: &mut Book, fact: Fact) {
    book.note(&word("alice"), 1000, fact).unwrap();
}

fn intended(number: u32, order: u64) -> Fact {
    let job = JobId::new("0".repeat(32)).ok();
    Fact::RunIntended {
        of: key(),
        id: id(number),
        intent: Intent {
            order,
            queue: None,
            job,
            restore: None,
            policy: Policy::default(),
            due_ms: None,
            package: None,
            saving: None,
            states_ms: None,
            checkpoints: None,
        },
    }
}

#[test]
fn a_state_follows_from_its_records_alone() {
    let journal = Arc::new(Memory::default());
    let mut book = Book::open(journal.clone()).unwrap();
    note(&mut book, created());
    note(&mut book, Fact::StartOrdered { application: key().application, origin: Origin::Newest });
    note(&mut book, intended(1, 2));
    note(&mut book, Fact::RunAccepted { of: key(), id: id(1), is_placeholder: false });
    let application = &book.state.applications[&key().application];
    let component = &application.components[&key().component];
    assert_eq!(application.wanted, Wanted::Started { order: 2, origin: Origin::Newest });
    assert!(component.live().is_some_and(|run| run.accepted && run.order == 2) && component.changed == 4);
    assert_eq!(Book::open(journal).unwrap().state, book.state, "read again");
}

#[test]
fn a_stop_that_cannot_save_goes_back_to_the_order_before() {
    let mut book = book();
    for fact in [
        created(),
        Fact::StartOrdered { application: key().application, origin: Origin::Newest },
        intended(1, 2),
        Fact::StopOrdered { application: key().application, save: true, drain: false },
        Fact::StopOrdered { application: key().application, save: true, drain: false },
    ] {
        note(&mut book, fact);
    }
    let trigger = TriggerId::new("a".repeat(32)).unwrap();
    let job = JobId::new("0".repeat(32)).unwrap();
    note(
        &mut book,
        Fact::SavepointIntended {
            of: key(),
            id: trigger.clone(),
            run: id(1),
            job,
            folder: "/s".into(),
            goes_on: false,
            periodic: false,
            drain: false,
        },
    );
    assert!(book.state.applications[&key().application].components[&key().component].pending().is_some());
    note(&mut book, Fact::SavepointFailed { of: key(), id: trigger, why: "no".into(), is_over: false });
    let application = &book.state.applications[&key().application];
    assert_eq!(application.wanted, Wanted::Started { order: 2, origin: Origin::Newest });
    assert_eq!(application.information.as_deref(), Some("Error stopping a: no"));
    assert!(application.components[&key().component].live().is_some(), "the job goes on");
}

#[test]
fn a_stop_without_a_savepoint_outlives_a_savepoint_that_fails() {
    let mut book = book();
    let trigger = TriggerId::new("a".repeat(32)).unwrap();
    let job = JobId::new("0".repeat(32)).unwrap();
    for fact in [
        created(),
        Fact::StartOrdered { application: key().application, origin: Origin::Newest },
        intended(1, 2),
        Fact::StopOrdered { application: key().application, save: true, drain: false },
        Fact::SavepointIntended {
            of: key(),
            id: trigger.clone(),
            run: id(1),
            job,
            folder: "/s".into(),
            goes_on: false,
            periodic: false,
            drain: false,
        },
        Fact::StopOrdered { application: key().application, save: false, drain: false },
        Fact::SavepointFailed { of: key(), id: trigger, why: "no".into(), is_over: false },
    ] {
        note(&mut book, fact);
    }
    let wanted = &book.state.applications[&key().application].wanted;
    assert!(matches!(wanted, Wanted::Stopped { save: false, .. }), "{wanted:?}");
}

#[test]
fn of_a_component_one_run_and_one_savepoint_are_open_at_a_time() {
    let mut book = book();
    note(&mut book, created());
    note(&mut book, intended(1, 1));
    let refused = book.note(&word("alice"), 1, intended(2, 1));
    assert!(matches!(&refused, Err(NoteError::Misfit(_))), "{refused:?}");
    let save = |letter: &str| Fact::SavepointIntended {
        of: key(),
        id: TriggerId::new(letter.repeat(32)).unwrap(),
        run: id(1),
        job: JobId::new("0".repeat(32)).unwrap(),
        folder: "/s".into(),
        goes_on: false,
        periodic: false,
        drain: false,
    };
    note(&mut book, save("a"));
    let refused = book.note(&word("alice"), 1, save("b"));
    assert!(matches!(&refused, Err(NoteError::Misfit(_))), "{refused:?}");
}

#[test]
fn a_fact_that_does_not_fit_is_not_written() {
    let journal = Arc::new(Memory::default());
    let mut book = Book::open(journal.clone()).unwrap();
    let refused = book.note(&word("alice"), 1, Fact::RunAccepted { of: key(), id: id(1), is_placeholder: false });
    assert!(matches!(refused, Err(NoteError::Misfit(_))), "{refused:?}");
    assert_eq!(journal.read(1, 1).unwrap().len(), 0);
}

#[test]
fn of_two_writers_one_learns_that_it_is_late() {
    let journal = Arc::new(Memory::default());
    let (mut one, mut other) = (Book::open(journal.clone()).unwrap(), Book::open(journal).unwrap());
    note(&mut one, created());
    let late = other.note(&word("bob"), 1, created());
    assert!(matches!(late, Err(NoteError::Append(AppendError::Superseded { number: 1 }))), "{late:?}");
    other.catch_up().unwrap();
    assert_eq!(other.state, one.state);
}

#[test]
fn a_later_format_is_refused_with_the_remedy_and_nothing_is_lost() {
    let text = r#"{"format":5,"number":1,"what":"ever"}"#;
    let told = Record::read(1, text.as_bytes()).unwrap_err().to_string();
    assert!(told.contains("format 5") && told.contains("install the release that wrote it"), "{told}");
    for damaged in ["", "{}", "[]", r#"{"format":1,"number":2}"#] {
        assert!(matches!(Record::read(1, damaged.as_bytes()), Err(Unreadable::Damaged { .. })), "{damaged}");
    }
}

/// Records that a release has written: nobody writes them anew. Gives what follows from them, after each.
fn frozen(format: u32) -> Vec<State> {
    let folder = format!("../../tests/fixtures/formats/journal-{format}");
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut number = 0;
    let mut all = Vec::new();
    let mut state = State::default();
    while let Ok(text) = std::fs::read_to_string(folder.join(format!("{:020}", number + 1))) {
        number += 1;
        let record = Record::read(number, text.as_bytes()).unwrap();
        assert_eq!(record.text(), text);
        assert_eq!(record.format, format);
        state.apply(&record).unwrap();
        all.push(state.clone());
    }
    all
}

/// The runs of the only application, as they are after so many records.
fn run_after(states: &[State], record: usize) -> Run {
    let applications = &states[record - 1].applications;
    applications.values().next().unwrap().components.values().next().unwrap().run.clone().unwrap()
}

#[test]
fn frozen_records_are_read_and_written_as_they_are() {
    let first = frozen(1);
    assert_eq!(first.len(), 17, "one record of each kind");
    let last = &first[16];
    assert!(last.applications.is_empty() && last.packages.is_empty(), "the last ones forget everything");
    assert!(run_after(&first, 4).begun, "nothing was written before such an intent was sent");
    let second = frozen(2);
    assert_eq!(second.len(), 21, "what is new, in its place");
    assert!(!run_after(&second, 4).begun && !run_after(&second, 6).ran());
    assert_eq!(run_after(&second, 6).end.unwrap().verdict, Verdict::Abandoned);
    assert!(!run_after(&second, 8).begun && run_after(&second, 9).begun);
    assert_eq!(run_after(&second, 8).policy.limit, Some(10));
    let application = |record: usize| second[record - 1].applications.values().next().unwrap();
    assert!(matches!(application(13).wanted, Wanted::Stopped { .. }), "what is over does not go on");
    let component = |record: usize| application(record).components.values().next().unwrap();
    assert_eq!((component(14).streak.at_once, component(15).streak.failures), (1, 0));
    assert!(!component(21).run.as_ref().unwrap().ran(), "a placeholder runs nothing");
    assert_eq!(component(16).given_up.as_deref(), Some("the package is gone"));
}

#[test]
fn frozen_records_of_the_third_format_lead_to_what_they_did() {
    assert_eq!(frozen(3).len(), 55);
    lead_to_what_they_did(&frozen(3));
}

/// The records that both have, from the first on.
fn lead_to_what_they_did(states: &[State]) {
    let of = |record: usize, name: &str| {
        let name = ApplicationName::new(name).unwrap();
        Arc::clone(&states[record - 1].applications[&name])
    };
    let component = |record: usize, name: &str| of(record, name).components.values().next().unwrap().clone();
    assert!(component(6, "counts").attempt.is_some_and(|attempt| attempt.begun.is_some()));
    let found = component(8, "counts");
    assert!(found.attempt.is_none() && found.live().is_some_and(|run| run.accepted && run.tag.is_some()));
    assert!(component(13, "counts").savepoints[1].periodic && component(15, "counts").savepoints.len() == 1);
    assert_eq!(of(20, "counts").package.as_str(), "counts-1.1.0");
    assert!(component(25, "counts").trial.is_some_and(|trial| trial.asked.is_some()));
    assert_eq!(of(29, "counts").package.as_str(), "counts-1.0.0", "the old one is back");
    assert!(component(35, "counts").savepoints.last().unwrap().drain);
    let nightly = component(39, "nightly");
    assert!(nightly.schedule.is_some() && nightly.forked.is_some());
    assert_eq!(component(42, "nightly").refusals.unwrap().count, 1);
    assert_eq!(component(47, "nightly").refusals.unwrap().count, 2);
    assert!(!component(47, "nightly").run.unwrap().ran(), "what took its id ran nothing");
    let adopted = component(49, "counts").run.unwrap();
    assert!(adopted.accepted && adopted.order == 49 && adopted.adopted.is_some_and(|adopted| adopted.states.is_some()));
    assert!(component(51, "counts").run.unwrap().is_killed);
    assert_eq!([52, 53, 54, 55].map(|record| states[record - 1].cleanings.len()), [0, 1, 0, 1]);
}

#[test]
fn frozen_records_of_the_fourth_format_lead_to_what_they_did() {
    let states = frozen(FORMAT);
    assert_eq!(states.len(), 76, "what is new, in its place");
    lead_to_what_they_did(&states);
    let of = |record: usize, name: &str| {
        let name = ApplicationName::new(name).unwrap();
        Arc::clone(&states[record - 1].applications[&name])
    };
    let component = |record: usize, name: &str| of(record, name).components.values().next().unwrap().clone();
    let begins = Some(Origin::Path("hdfs://nn.example:8020/user/alice/brought/savepoint-1".into()));
    assert_eq!([56, 60, 61].map(|record| component(record, "counts").begins == begins), [true, false, true]);
    assert!(component(57, "counts").rescaling.is_some() && component(58, "counts").rescaling.is_none());
    assert!(of(58, "counts").information.as_ref().is_some_and(|why| why.starts_with("Error rescaling counts: ")));
    let never = component(61, "counts").run.unwrap();
    assert!(!never.ran() && never.saving.is_some_and(|saving| matches!(saving.when, When::At { .. })));
    let job = |record: usize| of(record, "hourly").workflows.values().next().unwrap().job.clone().unwrap();
    assert!(job(64).begun_ms.is_none() && job(65).begun_ms.is_some() && job(66).id.is_some());
    assert!(job(68).is_held && !of(68, "hourly").has_live_workflow());
    assert_eq!((job(70).is_held, job(70).order), (false, 69));
    assert_eq!(job(72).end.unwrap().verdict, Verdict::Killed);
    let ended = component(76, "counts").run.unwrap();
    assert!(ended.checkpoints.is_some() && ended.end.unwrap().had_state);
}

/// What is new after a release has another format: an older one would not know what it reads.
#[test]
fn every_kind_of_record_has_a_frozen_sample() {
    let formats = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/formats");
    let kind = |entry: std::fs::DirEntry| {
        let record: serde_json::Value = serde_json::from_slice(&std::fs::read(entry.path()).unwrap()).unwrap();
        record["fact"]["kind"].as_str().unwrap().to_owned()
    };
    let files = (1..=FORMAT).flat_map(|format| std::fs::read_dir(formats.join(format!("journal-{format}"))).unwrap());
    let frozen: std::collections::BTreeSet<String> = files.flatten().map(kind).collect();
    let unknown = serde_json::from_str::<Fact>("{\"kind\":\"no-such-kind\"}").unwrap_err().to_string();
    let (_, known) = unknown.split_once("expected one of ").unwrap();
    let known = known.split(" at line").next().unwrap().split(", ").map(|kind| kind.trim_matches('`').to_owned());
    assert_eq!(frozen, known.collect());
}

#[test]
fn in_hdfs_a_number_is_written_once_whatever_becomes_of_the_answer() {
    let fake = systems::webhdfs::Fake::start();
    let hdfs = fake.client().as_user(&User::simple("pnda"));
    let journal = Arc::new(HdfsJournal::open(hdfs.clone(), "/journal").unwrap());
    let mut one = Book::open(journal.clone()).unwrap();
    let mut other = Book::open(journal).unwrap();
    note(&mut one, created());
    note(&mut one, Fact::StartOrdered { application: key().application, origin: Origin::Empty });
    let late = other.note(&word("bob"), 1, created());
    assert!(matches!(late, Err(NoteError::Append(AppendError::Superseded { number: 1 }))), "{late:?}");
    other.catch_up().unwrap();
    assert_eq!(other.state, one.state);
    let again = HdfsJournal::open(hdfs, "/journal").unwrap();
    assert_eq!(Book::open(Arc::new(again)).unwrap().state, one.state);
}

#[test]
fn a_run_that_never_ran_does_not_hide_the_state_of_the_one_before() {
    let mut book = book();
    note(&mut book, created());
    note(&mut book, Fact::StartOrdered { application: key().application, origin: Origin::Newest });
    note(&mut book, intended(1, 2));
    note(&mut book, Fact::RunAccepted { of: key(), id: id(1), is_placeholder: false });
    let end = |verdict| End::of(verdict, "");
    note(&mut book, Fact::RunEnded { of: key(), id: id(1), end: end(Verdict::Failed) });
    note(&mut book, Fact::StartOrdered { application: key().application, origin: Origin::Empty });
    note(&mut book, intended(2, 6));
    note(&mut book, Fact::RunEnded { of: key(), id: id(2), end: end(Verdict::Failed) });
    let component = &book.state.applications[&key().application].components[&key().component];
    assert_eq!(component.last_that_ran().map(|run| run.id.clone()), Some(id(1)));
}

/// A book with a copy in a folder of its own.
fn with_copy(journal: &Arc<Memory>, folder: &tempfile::TempDir) -> Result<Book, ReadError> {
    Book::open_with_copy(journal.clone(), &folder.path().join("apps/journal.sqlite"))
}

#[test]
fn a_copy_gives_what_the_journal_had_and_only_what_is_newer_is_read_there() {
    let (journal, folder) = (Arc::new(Memory::default()), tempfile::tempdir().unwrap());
    let mut book = with_copy(&journal, &folder).unwrap();
    note(&mut book, created());
    note(&mut book, Fact::StartOrdered { application: key().application, origin: Origin::Newest });
    drop(book);
    // Somebody else writes one more.
    note(&mut Book::open(journal.clone()).unwrap(), intended(1, 2));
    journal.asked.lock().unwrap().clear();
    let book = with_copy(&journal, &folder).unwrap();
    assert_eq!(*journal.asked.lock().unwrap(), [2, 3], "the last that is known, and what is newer");
    assert_eq!(book.state, Book::open(journal.clone()).unwrap().state);
    let told = book.records_of(&key().application).unwrap();
    assert_eq!(told, *journal.records.lock().unwrap());
    assert!(book.records_of(&ApplicationName::new("other").unwrap()).unwrap().is_empty());
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(folder.path().join("apps/journal.sqlite")).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "nobody else reads it");
}

#[test]
fn a_copy_that_knows_more_than_the_journal_stops_everything_and_says_why() {
    let (journal, folder) = (Arc::new(Memory::default()), tempfile::tempdir().unwrap());
    let mut book = with_copy(&journal, &folder).unwrap();
    note(&mut book, created());
    note(&mut book, Fact::StartOrdered { application: key().application, origin: Origin::Newest });
    drop(book);
    let last = journal.records.lock().unwrap().pop().unwrap();
    let ahead = with_copy(&journal, &folder).map(drop).unwrap_err();
    assert!(matches!(ahead, ReadError::Ahead { number: 2, .. }), "{ahead}");
    // Another record of the same number.
    journal.records.lock().unwrap().push(Record { nonce: fresh_id(), ..last.clone() });
    assert!(matches!(with_copy(&journal, &folder), Err(ReadError::Ahead { number: 2, .. })));
    journal.records.lock().unwrap()[1] = last;
    assert_eq!(with_copy(&journal, &folder).unwrap().state.number, 2);
}

#[test]
fn a_copy_that_is_damaged_or_of_another_format_is_put_aside_and_made_anew() {
    let (journal, folder) = (Arc::new(Memory::default()), tempfile::tempdir().unwrap());
    let file = folder.path().join("apps/journal.sqlite");
    let mut book = with_copy(&journal, &folder).unwrap();
    note(&mut book, created());
    drop(book);
    let whole = std::fs::read(&file).unwrap();
    let other_format = {
        let mut bytes = whole.clone();
        // SQLite keeps user_version there.
        bytes[60..64].copy_from_slice(&9u32.to_be_bytes());
        bytes
    };
    let text = String::from_utf8_lossy(&whole).find("\"nonce\"").is_some();
    assert!(text, "the record lies in it as it is");
    let at = whole.windows(7).position(|bytes| bytes == b"\"nonce\"").unwrap();
    let mut broken_record = whole.clone();
    broken_record[at] = b'!';
    let torn = whole[..whole.len() / 2].to_vec();
    for (what, bytes) in [
        ("none", b"no database at all".repeat(100)),
        ("format", other_format),
        ("record", broken_record),
        ("torn", torn),
    ] {
        std::fs::write(&file, bytes).unwrap();
        let book = with_copy(&journal, &folder).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(book.state.number, 1, "{what}");
        drop(book);
        assert_eq!(with_copy(&journal, &folder).unwrap().records_of(&key().application).unwrap().len(), 1, "{what}");
    }
}

#[test]
fn a_copy_of_a_later_release_is_left_as_it_is() {
    let (journal, folder) = (Arc::new(Memory::default()), tempfile::tempdir().unwrap());
    let mut book = with_copy(&journal, &folder).unwrap();
    note(&mut book, created());
    drop(book);
    let file = folder.path().join("apps/journal.sqlite");
    let bytes = std::fs::read(&file).unwrap();
    let at = bytes.windows(10).position(|bytes| bytes == b"\"format\":4").unwrap() + 9;
    let mut later = bytes.clone();
    later[at] = b'9';
    std::fs::write(&file, &later).unwrap();
    let refused = with_copy(&journal, &folder).map(drop).unwrap_err();
    let text = words::chain::chain(&refused);
    assert!(text.contains("format 9") && text.contains("install the release"), "{text}");
    assert_eq!(std::fs::read(&file).unwrap(), later);
}
