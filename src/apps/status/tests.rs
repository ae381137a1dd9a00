//! The table of states (`src/apps/states.tsv`), each cell through the real look at servers that answer as real ones did:
//! YARN, the JobManager and HDFS over HTTP, then the decision, then the word that people see.
//! Not here: words for what is ordered meanwhile; those are in `decide` and the manager's own tests.
//! A cell that is missing or stands twice fails, as does one whose evidence is not there.

use super::{State, state};
use crate::decide::{Action, Rest, next};
use crate::journal::{Application, Component, Key, Origin, Run, Wanted};
use crate::observe::{Listed, Observer};
use crate::submit::Cluster;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use systems::call::Caller;
use systems::webhdfs::{self, WebHdfs};
use systems::yarn::{ResourceManager, Times};
use systems::{Scripted, hadoop::User};
use words::ids::{ApplicationId, JobId};
use words::names::{ApplicationName, ComponentName, PackageName, Word};

const TABLE: &str = include_str!("../states.tsv");
const ORDER: u64 = 7;
/// What YARN, its final status, Flink's job, its tasks and the checkpoints can be.
const BEFORE: [&str; 4] = ["NEW", "NEW_SAVING", "SUBMITTED", "ACCEPTED"];
const AFTER: [&str; 3] = ["FINISHED", "FAILED", "KILLED"];
const FINAL: [&str; 5] = ["UNDEFINED", "SUCCEEDED", "FAILED", "KILLED", "ENDED"];
const JOBS: [&str; 11] = [
    "INITIALIZING",
    "CREATED",
    "RUNNING",
    "FAILING",
    "FAILED",
    "CANCELLING",
    "CANCELED",
    "FINISHED",
    "RESTARTING",
    "SUSPENDED",
    "RECONCILING",
];
const TASKS: [&str; 2] = ["some", "all"];

/// YARN, final status, job, tasks, checkpoints.
type Cell = [&'static str; 5];

/// A line of the table.
#[derive(Debug, Clone, Copy)]
struct Row {
    /// What people are told, and what is done next.
    told: [&'static str; 2],
    mark: &'static str,
    evidence: &'static str,
}

fn cells() -> BTreeSet<Cell> {
    let mut all: BTreeSet<Cell> = ["silent", "foreign", "forgotten"].map(|yarn| [yarn, "-", "-", "-", "-"]).into();
    all.extend(["none", "some", "silent"].map(|kept| ["unknown", "-", "-", "-", kept]));
    for ending in FINAL {
        all.extend(BEFORE.iter().chain(&AFTER).map(|yarn| [*yarn, ending, "-", "-", "-"]));
        all.extend(["none", "silent"].map(|job| ["RUNNING", ending, job, "-", "-"]));
        all.extend(JOBS.iter().flat_map(|job| TASKS.map(|tasks| ["RUNNING", ending, *job, tasks, "-"])));
    }
    all
}

/// The table: `A|B` stands for a line of each, `*` for each that there is.
fn table() -> BTreeMap<Cell, Row> {
    let mut table = BTreeMap::new();
    for (number, line) in TABLE.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
        let columns: Vec<&'static str> = line.split('\t').collect();
        let [yarn, ending, job, tasks, kept, told, then, mark, evidence] = columns[..] else {
            panic!("line {}: nine columns", number + 1)
        };
        let row = Row { told: [told, then], mark, evidence };
        let fits = |words: &str, value: &str| words == "*" || words.split('|').any(|word| word == value);
        let of_line = cells()
            .into_iter()
            .filter(|cell| [yarn, ending, job, tasks, kept].iter().zip(cell).all(|(words, value)| fits(words, value)));
        let mut count = 0;
        for cell in of_line {
            assert!(table.insert(cell, row).is_none(), "line {}: {cell:?} stands twice", number + 1);
            count += 1;
        }
        assert!(count > 0, "line {}: there is no such cell", number + 1);
    }
    table
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn recorded(name: &str) -> Value {
    let file = root().join("tests/fixtures/states").join(name);
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    serde_json::from_str(&text).unwrap()
}

/// Nobody listens there.
fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// The servers, and what they answer now: a status and a document.
struct Servers {
    yarn: Scripted,
    flink: Scripted,
    hdfs: webhdfs::Fake,
    says: Arc<Mutex<[(u16, Value); 2]>>,
}

impl Servers {
    fn start() -> Servers {
        let says = Arc::new(Mutex::new([(404, Value::Null), (404, Value::Null)]));
        let [yarn, flink] = [0, 1].map(|which| {
            let says = Arc::clone(&says);
            Scripted::start(move |_| {
                let (status, body) = &says.lock().unwrap()[which];
                let body = body.to_string();
                let length = body.len();
                format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}")
                    .into_bytes()
            })
        });
        Servers { yarn, flink, hdfs: webhdfs::Fake::start(), says }
    }

    /// Has them answer as in a cell: with what was recorded, or with something recorded that was changed to be so.
    fn answer(&self, cell: Cell, row: Row) {
        let [yarn, ending, job, tasks, _] = cell;
        let files: Vec<&str> = if row.mark == "recorded" { row.evidence.split(' ').collect() } else { Vec::new() };
        let unknown = matches!(yarn, "unknown" | "forgotten");
        let usual = if unknown { "yarn-unknown.json" } else { "yarn-RUNNING-UNDEFINED.json" };
        let mut told = recorded(files.first().copied().unwrap_or(usual));
        if yarn == "foreign" {
            assert_eq!(told["app"]["user"], "bob");
            told["app"]["id"] = id().as_str().into();
        } else if !unknown {
            match row.mark {
                "recorded" => {
                    assert_eq!((&told["app"]["state"], &told["app"]["finalStatus"]), (&yarn.into(), &ending.into()))
                }
                _ => (told["app"]["state"], told["app"]["finalStatus"]) = (yarn.into(), ending.into()),
            }
            let address: String =
                if job == "silent" { nowhere() } else { self.flink.address.trim_start_matches("http://").into() };
            let host = address.rsplit_once(':').unwrap().0;
            told["app"]["amHostHttpAddress"] = format!("{host}:8042").into();
            told["app"]["amRPCAddress"] = address.into();
            told["app"]["id"] = id().as_str().into();
        }
        let mut jobs = recorded(files.get(1).copied().unwrap_or("jobs-RUNNING-all.json"));
        match (job, row.mark) {
            ("-" | "silent", _) => {}
            ("none", "recorded") => assert_eq!(jobs, json!({ "jobs": [] })),
            ("none", _) => jobs = json!({ "jobs": [] }),
            (job, "recorded") => {
                let (one, running) = (&jobs["jobs"][0], &jobs["jobs"][0]["tasks"]);
                let [total, done] = [
                    running["total"].as_u64().unwrap(),
                    ["running", "finished"].iter().filter_map(|key| running[key].as_u64()).sum(),
                ];
                assert_eq!((one["state"].as_str(), total > 0 && done == total), (Some(job), tasks == "all"), "{one}");
            }
            (job, _) => {
                jobs["jobs"][0]["state"] = job.into();
                jobs["jobs"][0]["tasks"] = json!({ "total": 2, "running": if tasks == "all" { 2 } else { 1 } });
            }
        }
        *self.says.lock().unwrap() = [(if unknown { 404 } else { 200 }, told), (200, jobs)];
    }
}

impl Servers {
    /// As whom YARN says that it runs; somebody else's is foreign.
    fn owner(&self, yarn: &str) -> Word {
        let says = self.says.lock().unwrap();
        let user = says[0].1["app"]["user"].as_str().filter(|_| yarn != "foreign");
        word(user.unwrap_or("alice"))
    }
}

fn id() -> ApplicationId {
    ApplicationId::new("application_1796023296291_0042").unwrap()
}

fn key() -> Key {
    Key { application: ApplicationName::new("a").unwrap(), component: ComponentName::new("c").unwrap() }
}

fn word(text: &str) -> Word {
    Word::new(text).unwrap()
}

/// A component that was started and whose run YARN took, or perhaps not.
fn component(accepted: bool) -> Component {
    let job = Some(JobId::new("0".repeat(32)).unwrap());
    let run = Run { job, begun: true, accepted, ..Run::of(id(), ORDER, 0) };
    Component { changed: 1, run: Some(run), ..Component::default() }
}

fn cluster() -> Cluster {
    Cluster {
        name: word("pico"),
        filesystem: "hdfs://nn".into(),
        class_path: Vec::new(),
        checkpoints: "/checkpoints".into(),
        savepoints: "/savepoints".into(),
        archive: "/archive".into(),
        logs: "/logs".into(),
        attempts: 1,
    }
}

/// What is told and done in a cell: the state, once what follows from the end is written down, and the act.
fn fold(servers: &Servers, cell: Cell) -> [String; 2] {
    let [yarn, .., kept] = cell;
    let address = if yarn == "silent" { format!("http://{}", nowhere()) } else { servers.yarn.address.clone() };
    let yarn_client = ResourceManager::new(&[address], Times::default()).unwrap();
    let (fake, cluster, mut component) = (servers.hdfs.client(), cluster(), component(yarn != "unknown"));
    let (owner, run) = (servers.owner(yarn), component.run.clone().unwrap());
    let place = format!("{}/{}", cluster.checkpoints_of(&owner, &key()), run.job.unwrap());
    let _ = fake.delete(&place);
    if kept == "some" {
        fake.make_folder(&place, "777").unwrap();
    }
    let silent = WebHdfs::new(&format!("http://{}", nowhere()), "pnda", webhdfs::Times::default()).unwrap();
    let hdfs = if kept == "silent" { silent } else { fake.as_user(&User::simple("pnda")) };
    let wanted = Wanted::Started { order: ORDER, origin: Origin::Newest };
    let application = Application {
        package: PackageName::new("p-1.0.0").unwrap(),
        owner,
        wanted: wanted.clone(),
        components: BTreeMap::from([(key().component, component.clone())]),
        overrides: Value::Null,
        information: None,
        upgrade: None,
        previous: None,
        workflows: BTreeMap::new(),
    };
    let flink = Caller::new(systems::call::Times::default());
    let observer = Observer {
        yarn: &yarn_client,
        hdfs: &hdfs,
        flink: &flink,
        cluster: &cluster,
        clients: std::path::Path::new("/none"),
    };
    let observed = observer.look(1, (&key(), &application, &component), Listed::Ask);
    let action = next(&wanted, &component, &observed, 0);
    let done = match &action {
        Action::Rest(Rest::CannotSee { .. }) => "wait",
        Action::Rest(_) => "rest",
        Action::Submit => "submit",
        Action::End(_) => "end",
        other => panic!("{cell:?}: {other:?}"),
    };
    if let Action::End(end) = action {
        component.run.as_mut().unwrap().end = Some(end);
    }
    let (state, _): (State, String) = state(&wanted, &component, Some(&observed));
    [state.to_string(), done.to_owned()]
}

/// What a mark says must be there.
fn is_shown(cell: Cell, row: Row) {
    match row.mark {
        // Looked into where it is answered.
        "recorded" => assert!(row.evidence.ends_with(".json"), "{cell:?}: the files that were recorded"),
        "real" => {
            let (file, function) = row.evidence.split_once(' ').expect("a file and a function");
            let text = std::fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
            assert!(text.contains(&format!("fn {function}(")), "{cell:?}: {file} has no {function}");
        }
        "unreachable" => assert!(row.evidence.len() > 20, "{cell:?}: why it cannot be"),
        other => panic!("{cell:?}: `{other}` is none of recorded, real and unreachable"),
    }
}

#[test]
fn every_cell_of_the_table_is_what_the_real_look_gives() {
    let (table, servers) = (table(), Servers::start());
    let missing: Vec<Cell> = cells().into_iter().filter(|cell| !table.contains_key(cell)).collect();
    assert!(missing.is_empty(), "missing: {missing:?}");
    for (cell, row) in &table {
        is_shown(*cell, *row);
        servers.answer(*cell, *row);
        let given = fold(&servers, *cell);
        let same = [cell[0], "UNDEFINED", cell[2], cell[3], cell[4]];
        let told = if row.told == ["as UNDEFINED", "-"] { table[&same].told } else { row.told };
        assert_eq!(given, told, "{cell:?}");
    }
    for mark in ["recorded", "real", "unreachable"] {
        assert!(table.values().any(|row| row.mark == mark), "{mark}");
    }
}
