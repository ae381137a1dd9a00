//! Logs of a run while its node has them, while YARN brings them to HDFS, from there, and when they are nowhere.
//! The gathered file is one that a real NodeManager wrote, of two attempts.
//! Not here: its formats (`systems::aggregated_logs`), and who may read.

use super::bed::{Bed, application, key};
use crate::logs::Wanted;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use systems::Scripted;
use words::application::Logs;
use words::ids::ApplicationId;

const LOG: &str = "first line\nsecond line\nthird li";

fn answer(status: u16, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// A NodeManager that has one log of one container, until it has nothing any more.
fn node_manager(log: &Arc<Mutex<Option<&'static str>>>) -> Scripted {
    let log = Arc::clone(log);
    Scripted::start(move |request| {
        let Some(text) = *log.lock().unwrap() else { return answer(404, "") };
        if request.parts().last().is_some_and(|last| *last == "logs") {
            let files = format!(
                r#"[{{"fileName":"jobmanager.log","fileSize":"{}"}}, {{"fileName":"launch_container.sh","fileSize":"9"}}]"#,
                text.len()
            );
            return answer(
                200,
                &format!(r#"{{"containerLogsInfo":{{"containerLogInfo":{files},"logAggregationType":"LOCAL"}}}}"#),
            );
        }
        let size: usize = request.parameter("size").trim_start_matches('-').parse().unwrap();
        let end = &text[text.len() - size.min(text.len())..];
        answer(200, &format!("Container: x\nLogType:x\nLogLength:{}\nLogContents:\n{end}", text.len()))
    })
}

/// A run whose JobManager is on a node with a log.
struct Run {
    bed: Bed,
    manager: super::super::Manager,
    id: ApplicationId,
    log: Arc<Mutex<Option<&'static str>>>,
}

impl Run {
    fn started() -> Run {
        let mut bed = Bed::new();
        let (manager, id) = bed.started();
        let log = Arc::new(Mutex::new(Some(LOG)));
        let node = node_manager(&log).address.trim_start_matches("http://").to_owned();
        bed.yarn.world().applications.get_mut(id.as_str()).unwrap().node = Some(node);
        Run { bed, manager, id, log }
    }

    fn logs(&self, wanted: &Wanted) -> Logs {
        self.manager.logs(&application(), &key().component, wanted).unwrap()
    }

    /// YARN has brought its logs to HDFS.
    fn gather(&self) {
        let file = format!("{}/../../tests/fixtures/aggregated-logs/tfile-none", env!("CARGO_MANIFEST_DIR"));
        let bytes = std::fs::read(file).unwrap();
        let path = format!("/app-logs/alice/bucket-logs-tfile/{:04}/{}/node-1_8041", self.id.number(), self.id);
        self.bed.direct("alice").write(&path, "640", bytes.len() as u64, &mut &bytes[..]).unwrap();
        self.bed.yarn.world().applications.get_mut(self.id.as_str()).unwrap().logs_are_gathered = true;
    }
}

fn ends(bytes: u64) -> Wanted {
    Wanted { bytes, ..Wanted::default() }
}

fn texts(logs: &Logs) -> Vec<(String, &str)> {
    let head = |file: &words::application::LogFile| format!("{} {} {}", file.process, file.attempt, file.name);
    logs.files.iter().map(|file| (head(file), file.text.as_str())).collect()
}

#[test]
fn logs_come_from_the_node_while_it_runs_and_from_hdfs_when_it_has_failed() {
    let run = Run::started();
    let live = run.logs(&ends(1000));
    assert_eq!(texts(&live), [("JobManager 1 jobmanager.log".to_owned(), LOG)]);
    assert!(live.notes.is_empty() && !live.pending, "{live:?}");
    assert_eq!(texts(&run.logs(&ends(12)))[0].1, "third li", "no half line at its beginning");

    *run.log.lock().unwrap() = None;
    let between = run.logs(&ends(1000));
    assert!(
        between.files.is_empty() && between.notes[0].starts_with("JobManager of attempt 1: it has ended"),
        "{between:?}"
    );
    run.bed.yarn.set(&run.id, "FAILED", "FAILED");
    let coming = run.logs(&ends(1000));
    assert!(coming.pending && coming.notes[0].contains("ask again"), "{coming:?}");

    run.gather();
    // The file is of another application; a ResourceManager has forgotten this one, and HDFS has not.
    run.bed.yarn.forget(&run.id);
    let gathered = run.logs(&ends(1000));
    let names: Vec<String> = texts(&gathered).into_iter().map(|(head, _)| head).collect();
    let of =
        |attempt| ["flink.log", "jobmanager.log", "jobmanager.out"].map(|name| format!("JobManager {attempt} {name}"));
    assert_eq!(names[..6], [of(1), of(2)].concat(), "{names:?}");
    assert!(gathered.files[1].text.starts_with("line of container_") && gathered.files[1].text.ends_with("_000001\n"));
    assert!(gathered.notes.is_empty() && !gathered.pending, "{gathered:?}");
}

#[test]
fn who_follows_reads_on_where_he_was_in_whole_lines_and_in_hdfs_to_the_end() {
    let run = Run::started();
    let follow = |read: Option<&[(&str, &str, u64)]>| {
        let mut known: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
        for (of, name, to) in read.unwrap_or_default() {
            known.entry((*of).to_owned()).or_default().insert((*name).to_owned(), *to);
        }
        let read = read.map(|_| known);
        run.logs(&Wanted { bytes: 1000, follows: true, read })
    };
    let first = follow(None);
    assert_eq!((first.files[0].text.as_str(), first.files[0].to), ("first line\nsecond line\n", 23));
    let container = first.files[0].container.clone();
    assert_eq!(follow(Some(&[(&container, "jobmanager.log", 11)])).files[0].text, "second line\n");
    assert!(follow(Some(&[(&container, "jobmanager.log", 23)])).files.is_empty(), "the line may go on");

    *run.log.lock().unwrap() = None;
    run.bed.yarn.set(&run.id, "KILLED", "KILLED");
    run.gather();
    let gathered = run.logs(&ends(1000));
    let known: Vec<(&str, &str, u64)> = gathered
        .files
        .iter()
        .filter(|file| file.name != "flink.log")
        .map(|file| (file.container.as_str(), file.name.as_str(), file.to))
        .collect();
    let rest = follow(Some(&known));
    assert_eq!(rest.files.iter().map(|file| file.text.as_str()).collect::<Vec<_>>(), ["café \u{fffd} no end"; 2]);
}

#[test]
fn logs_that_are_nowhere_are_told_with_the_reason() {
    let run = Run::started();
    *run.log.lock().unwrap() = None;
    run.bed.yarn.set(&run.id, "KILLED", "KILLED");
    run.bed.yarn.world().applications.get_mut(run.id.as_str()).unwrap().logs_are_gathered = true;
    let nowhere = run.logs(&ends(1000));
    assert!(nowhere.files.is_empty() && !nowhere.pending, "{nowhere:?}");
    assert!(nowhere.notes[0].contains("retain-seconds"), "{nowhere:?}");
    // One that cannot be read hides no other.
    run.gather();
    let path = format!("/app-logs/alice/logs/{}/node-2_8041", run.id);
    run.bed.direct("alice").write(&path, "640", 7, &mut &b"nothing"[..]).unwrap();
    let partly = run.logs(&ends(1000));
    assert!(!partly.files.is_empty() && partly.notes.iter().any(|note| note.contains("node-2_8041")), "{partly:?}");
    let all: BTreeMap<&str, u64> = partly.files.iter().map(|file| (file.name.as_str(), file.size)).collect();
    assert!(all.values().all(|size| *size > 0), "{all:?}");
}

#[test]
fn logs_that_were_packed_into_an_archive_are_read_there_and_one_that_is_none_is_told() {
    let run = Run::started();
    *run.log.lock().unwrap() = None;
    run.bed.yarn.set(&run.id, "FINISHED", "SUCCEEDED");
    run.bed.yarn.world().applications.get_mut(run.id.as_str()).unwrap().logs_are_gathered = true;
    let folder = format!("/app-logs/alice/bucket-logs-tfile/{:04}/{1}/{1}.har", run.id.number(), run.id);
    let write = |name: &str, bytes: &[u8]| {
        let file = format!("{folder}/{name}");
        run.bed.direct("alice").write(&file, "640", bytes.len() as u64, &mut &*bytes).unwrap();
    };
    let told = || run.logs(&ends(1000));
    write("_masterindex", b"x");
    let notes = told().notes.join("\n");
    assert!(notes.contains(&folder) && notes.contains(&format!("yarn logs -applicationId {}", run.id)), "{notes}");
    for name in ["_masterindex", "_index", "part-0"] {
        let archive = format!("{}/../../tests/fixtures/aggregated-logs/archive.har", env!("CARGO_MANIFEST_DIR"));
        write(name, &std::fs::read(format!("{archive}/{name}")).unwrap());
    }
    let packed = told();
    let file = packed.files.iter().find(|file| file.name == "jobmanager.log").unwrap();
    assert!(file.text.starts_with("line of container_"), "{packed:?}");
    assert!(!packed.notes.join("\n").contains(&folder), "{packed:?}");
}
