//! `pnda cluster install` against an `ssh` and nodes of the test's own: who is asked what, in which order, and what then.
//! The script that stands for ssh runs what it is given on this machine; each node's `install.sh` notes what it was told.
//! Not here: real nodes behind a real sshd, which tests/nodes has.

use pnda::cluster::{self, Inputs};
use pnda::words::digest::Sha256;
use pnda::words::generation::{Generation, Listed};
use pnda::words::names::{SafePath, Word};
use pnda::words::problem::Source;
use pnda::words::report::{Effect, FORMAT, Kind, Line, Report};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

/// Stands for ssh: a node that is down is not reached, and its state is a folder of the test's.
const SSH: &str = "#!/bin/sh\n\
    while [ \"$1\" != -- ]; do shift; done\n\
    [ ! -e \"$TEST/down-$2\" ] || { echo \"ssh: connect to host $2: No route to host\" >&2; exit 255; }\n\
    exec sh -c \"$(printf '%s' \"$3\" | sed \"s|/var/lib/pnda|$TEST/state-$2|g\")\"\n";

/// What a node's script does: it notes its options, says what the test wants it to, and fails if the test wants that.
const INSTALL: &str = "#!/bin/sh\n\
    echo \"NODE $*\" >> \"$TEST/log\"\n\
    case \"$*\" in *--dry-run*) told=look ;; *) told=did ;; esac\n\
    [ ! -e \"$TEST/fail-NODE\" ] || { echo \"the NameNode does not answer\" >&2; exit 1; }\n\
    cat \"$TEST/$told-NODE\" 2>/dev/null || { echo '{\"format\":1,\"node\":\"n\",\"generation\":1,\"steps\":[],\"notes\":[],\"commands\":[]}'; exit 0; }\n\
    [ $told = did ] || exit 4\n";

/// A rendered cluster, and what its nodes are to say.
struct Fleet {
    folder: TempDir,
}

impl Fleet {
    fn new() -> Fleet {
        let fleet = Fleet { folder: tempfile::tempdir().unwrap() };
        let ssh = fleet.path("bin/ssh");
        fs::create_dir(ssh.parent().unwrap()).unwrap();
        fs::write(&ssh, SSH).unwrap();
        fs::set_permissions(&ssh, fs::Permissions::from_mode(0o755)).unwrap();
        for node in documents() {
            let (folder, name) = (fleet.path("nodes").join(&node.0), &node.0);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("node.toml"), &node.1).unwrap();
            fs::write(folder.join("install.sh"), INSTALL.replace("NODE", name)).unwrap();
        }
        fleet
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn note(&self, name: &str, text: &str) -> &Fleet {
        fs::write(self.path(name), text).unwrap();
        self
    }

    /// Notes that something is installed on a node.
    fn stands(&self, address: &str) -> &Fleet {
        fs::create_dir_all(self.path(&format!("state-{address}/install"))).unwrap();
        self
    }

    /// Runs the install; gives the code, the answer, and the talk.
    fn say(&self, options: &[&str]) -> (i32, String, String) {
        let cluster = Path::new(env!("CARGO_MANIFEST_DIR")).join("clusters/hadoop.toml");
        let mut command = Command::new(env!("CARGO_BIN_EXE_pnda"));
        command.args(["cluster", "install"]).arg(cluster).arg("--nodes").arg(self.path("nodes")).arg("--json");
        let path = format!("{}:{}", self.path("bin").display(), std::env::var("PATH").unwrap());
        let output = command.args(options).env("TEST", self.folder.path()).env("PATH", path).output().unwrap();
        let [answer, talk] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        (output.status.code().unwrap(), answer, talk)
    }

    /// Runs the install; gives the code, the nodes with their results in order, and what nodes were told in order.
    fn install(&self, options: &[&str]) -> (i32, Vec<String>, Vec<String>) {
        let (code, answer, talk) = self.say(options);
        let answer: Value = serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {talk}"));
        let nodes = answer["nodes"].as_array().unwrap().iter();
        let results = nodes.map(|node| format!("{} {}", node["node"], node["result"]).replace('"', "")).collect();
        let log = fs::read_to_string(self.path("log")).unwrap_or_default();
        let _ = fs::remove_file(self.path("log"));
        (code, results, log.lines().map(str::to_owned).collect())
    }
}

/// Each node's `node.toml`.
fn documents() -> Vec<(String, Vec<u8>)> {
    let names = [
        "pnda-agent",
        "flink-1.20.5.tar.gz",
        "hadoop-3.4.2.tar.gz",
        "mirror_misc/jre-17.0.9.2.tar.gz",
        "mirror_misc/kafka_2.13-3.9.1.tar.gz",
    ];
    let listed = |name: &str| Listed { size: 1, sha256: Sha256::of(name.as_bytes()) };
    let files = names.iter().map(|name| (SafePath::new(*name).unwrap(), listed(name))).collect();
    let generation = Generation { number: 1, lock: Sha256::of(b""), files };
    let cluster = &cluster::example_clusters()["hadoop.toml"];
    let rendered =
        cluster::render(&Inputs::shipped(Source { file: "hadoop.toml", text: cluster }, Some(&generation), KEY));
    let rendered = rendered.unwrap_or_else(|problems| panic!("{problems}"));
    let document = SafePath::new("node.toml").unwrap();
    let bytes = |tree: &pnda::words::tree::Tree| match tree.get(&document) {
        Some(pnda::words::tree::Entry::File { bytes, .. }) => bytes.clone(),
        _ => panic!("a node has a document"),
    };
    rendered.nodes.iter().map(|(node, tree)| (node.to_string(), bytes(tree))).collect()
}

/// A step as the agent tells it.
/// The answer of an agent that does this to a service.
fn answer(effects: &[Effect]) -> String {
    let step = |effect: &Effect| Line::new(Kind::Service, "yarn-nodemanager", *effect, "in words");
    let (format, node, steps) = (FORMAT, Word::new("n").unwrap(), effects.iter().map(step).collect());
    serde_json::to_string(&Report { format, node, generation: 1, steps, notes: vec![], commands: vec![] }).unwrap()
}

#[test]
fn where_nothing_is_installed_nothing_is_asked_first_and_waves_come_in_order() {
    let fleet = Fleet::new();
    fleet.note("did-manager", &answer(&[Effect::Start]));
    let (code, results, log) = fleet.install(&["--jobs", "1"]);
    assert_eq!(code, 0);
    assert_eq!((results.len(), log.len()), (6, 6), "{log:?}");
    assert!(log.iter().all(|line| line.ends_with(" --json")), "{log:?}");
    let place = |node: &str| log.iter().position(|line| line.starts_with(node)).unwrap();
    assert!(place("manager") < place("worker-1") && place("worker-2") < place("edge-1"), "{log:?}");
    assert!(results.contains(&"manager changed".into()) && results.contains(&"edge-1 unchanged".into()), "{results:?}");
}

#[test]
fn the_first_wave_that_fails_is_the_last_and_the_next_run_does_the_rest() {
    let fleet = Fleet::new();
    fleet.note("fail-worker-1", "");
    let (code, results, log) = fleet.install(&[]);
    assert_eq!(code, 1);
    assert!(
        results.contains(&"worker-1 failed".into()) && results.contains(&"worker-2 unchanged".into()),
        "{results:?}"
    );
    assert!(results.contains(&"edge-1 not-tried".into()), "{results:?}");
    assert!(!log.iter().any(|line| line.starts_with("edge-1")), "{log:?}");
    fs::remove_file(fleet.path("fail-worker-1")).unwrap();
    assert_eq!(fleet.install(&[]).0, 0);
}

#[test]
fn nodes_that_restart_something_are_asked_and_come_one_at_a_time() {
    let fleet = Fleet::new();
    for (worker, address) in [("worker-1", "10.77.0.5"), ("worker-2", "10.77.0.6")] {
        fleet.stands(address).note(&format!("look-{worker}"), &answer(&[Effect::Restart]));
        fleet.note(&format!("did-{worker}"), &answer(&[Effect::Restart]));
    }
    let (code, results, log) = fleet.install(&["--limit", "worker-1,worker-2", "--jobs", "1"]);
    assert_eq!((code, results), (0, vec!["worker-1 changed".to_owned(), "worker-2 changed".to_owned()]));
    let told = ["worker-1 --dry-run --json", "worker-2 --dry-run --json", "worker-1 --json", "worker-2 --json"];
    assert_eq!(log, told);

    // With one of them away nobody restarts the other.
    fleet.note("down-10.77.0.6", "");
    let (code, results, log) = fleet.install(&["--limit", "worker-1,worker-2"]);
    assert_eq!((code, results), (1, vec!["worker-1 not-tried".to_owned(), "worker-2 unreachable".to_owned()]));
    assert_eq!(log, ["worker-1 --dry-run --json"]);
}

#[test]
fn a_dry_run_looks_everywhere_and_says_whether_something_would_change() {
    let fleet = Fleet::new();
    let (code, _, log) = fleet.install(&["--dry-run"]);
    assert_eq!((code, log.len()), (0, 6));
    fleet.note("look-broker-1", &answer(&[Effect::Start]));
    let (code, results, log) = fleet.install(&["--dry-run"]);
    assert!(code == 4 && results.contains(&"broker-1 would-change".into()), "{results:?}");
    assert!(log.iter().all(|line| line.ends_with("--dry-run --json")), "{log:?}");
}

#[test]
fn a_node_cannot_write_to_the_terminal_of_whoever_drives_it() {
    let fleet = Fleet::new();
    let evil = "x\u{1b}]0;owned\u{7}\u{9b}1m\u{202e}\r\npnda: all is well";
    let named = answer(&[Effect::Restart]).replace("\"yarn-nodemanager\"", &Value::from(evil).to_string());
    let hidden = |text: &str| text.chars().any(|c| c != '\n' && (c.is_control() || c == '\u{202e}'));
    fleet.stands("10.77.0.5").note("look-worker-1", &named).note("did-worker-1", &named);
    let worker = fleet.path("nodes/worker-1/install.sh");
    let talks = format!("#!/bin/sh\nprintf '%s\\n' '{evil}' >&2\n{}", fs::read_to_string(&worker).unwrap());
    fs::write(&worker, talks).unwrap();
    let (code, said, talk) = fleet.say(&["--limit", "worker-1"]);
    assert!(code == 0 && !hidden(&said) && !hidden(&talk), "{said:?} {talk:?}");
    assert!(talk.lines().all(|line| line.starts_with("worker-1: ")), "{talk:?}");
    let nodes: Value = serde_json::from_str(&said).unwrap();
    let restarted = nodes["nodes"][0]["restarts"][0].as_str().unwrap();
    assert!(
        restarted.starts_with("x\\u{1b}]0;owned") && !hidden(restarted) && !restarted.contains('\n'),
        "{restarted:?}"
    );
    fleet.note("fail-worker-1", "");
    let (code, said, talk) = fleet.say(&["--limit", "worker-1"]);
    assert!(code == 1 && !hidden(&said) && !hidden(&talk), "{said:?} {talk:?}");
}

/// Says what was brought besides the folder, by whom it can be read, and keeps the key to compare.
const BROUGHT: &str = "#!/bin/sh\n\
    while [ \"$1\" != --certificates ]; do shift; done\n\
    (cd \"$2\" && stat -c 'NODE %a %n' . *) >> \"$TEST/log\"\n\
    cat \"$2/key.pem\" > \"$TEST/key-NODE\"\n\
    echo '{\"format\":1,\"node\":\"n\",\"generation\":1,\"steps\":[],\"notes\":[],\"commands\":[]}'\n";

#[test]
fn each_node_is_brought_its_own_key_and_no_other() {
    let fleet = Fleet::new();
    let cluster = Path::new(env!("CARGO_MANIFEST_DIR")).join("clusters/hadoop.toml");
    let out = fleet.path("certificates");
    let make = |options: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pnda"));
        let output =
            command.args(["cluster", "certificates"]).arg(&cluster).arg("--out").arg(&out).args(options).output();
        let output = output.unwrap();
        (output.status.code().unwrap(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, told) = make(&["--dry-run"]);
    assert_eq!((code, told.matches("  new").count(), out.exists()), (4, 6, false), "{told}");
    assert_eq!(make(&[]).0, 0);
    let state = || {
        let folders = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().path());
        let all = folders.flat_map(|path| match path.is_dir() {
            true => fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect(),
            false => vec![path],
        });
        let file = |path: PathBuf| {
            let about = fs::metadata(&path).unwrap();
            assert_eq!(about.permissions().mode() & 0o077, 0, "{}", path.display());
            (path.clone(), fs::read(path).unwrap(), about.modified().unwrap())
        };
        let mut state: Vec<_> = all.map(file).collect();
        state.sort();
        state
    };
    let before = state();
    let (code, told) = make(&[]);
    assert_eq!((code, told.matches("  as it is").count()), (0, 6), "{told}");
    assert!(state() == before, "a second run writes nothing");
    // What is shorter than a third of the days that are wanted now is made anew.
    assert_eq!(make(&["--dry-run", "--days", "1825"]).0, 4);
    for (node, _) in documents() {
        fs::write(fleet.path("nodes").join(&node).join("install.sh"), BROUGHT.replace("NODE", &node)).unwrap();
    }
    let (code, _, log) = fleet.install(&["--certificates", out.to_str().unwrap()]);
    assert_eq!((code, log.len()), (0, 24), "{log:?}");
    for (node, _) in documents() {
        let of = log.iter().filter_map(|line| line.strip_prefix(&format!("{node} ")));
        let expected = ["700 .", "600 authority.pem", "600 certificate.pem", "600 key.pem"];
        assert_eq!(of.collect::<Vec<_>>(), expected, "{node}");
        let (own, got) = (out.join(&node).join("key.pem"), fleet.path(&format!("key-{node}")));
        assert_eq!(fs::read(own).unwrap(), fs::read(got).unwrap(), "{node}");
    }
    // Half an authority is not papered over with a new one.
    fs::remove_file(out.join("authority.key")).unwrap();
    assert_eq!(make(&[]).0, 2);
    assert!(!out.join("authority.key").exists());
}
