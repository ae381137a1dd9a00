//! The emitted `install.sh`, run by the machine's `sh` against a mirror in a folder and over HTTP.
//! The agent it fetches is a script of the test's own, which notes what it was told.
//! Not here: what the real agent does then.

use crate::upstream::{Reply, Upstream};
use pnda::cluster::{self, Inputs};
use pnda::words::digest::Sha256;
use pnda::words::generation::{Generation, Listed};
use pnda::words::names::SafePath;
use pnda::words::problem::Source;
use pnda::words::tree::Entry;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;
use tempfile::TempDir;

const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
/// Notes its arguments, one a line, and ends as the test wants it to.
const AGENT: &str = "#!/bin/sh\nfor word; do printf '%s\\n' \"$word\"; done\nexit \"${AGENT_ENDS:-0}\"\n";

/// A node's folder with its door, a mirror beside it, and a place for temporary files.
struct Door {
    folder: TempDir,
}

impl Door {
    fn new() -> Door {
        let door = Door { folder: tempfile::tempdir().unwrap() };
        for name in ["node", "the mirror", "tmp"] {
            fs::create_dir(door.path(name)).unwrap();
        }
        fs::write(door.path("node/install.sh"), script()).unwrap();
        fs::write(door.path("the mirror/pnda-agent"), AGENT).unwrap();
        door
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("sh");
        command.arg("node/install.sh").args(arguments).current_dir(self.folder.path());
        command.env("TMPDIR", self.path("tmp")).env_remove("PNDA_MIRROR");
        command
    }

    /// Runs it; whatever happens, nothing temporary is left.
    fn run(&self, arguments: &[&str]) -> Output {
        self.end(self.command(arguments))
    }

    fn end(&self, mut command: Command) -> Output {
        let output = command.output().unwrap();
        assert_eq!(fs::read_dir(self.path("tmp")).unwrap().count(), 0, "the temporary folder is left");
        output
    }
}

/// The rendered script of the example cluster, for a mirror that holds the agent above.
fn script() -> Vec<u8> {
    let listed = |bytes: &[u8]| Listed { size: bytes.len() as u64, sha256: Sha256::of(bytes) };
    let files = [
        ("pnda-agent", AGENT.as_bytes()),
        ("flink-1.20.5.tar.gz", b"flink"),
        ("hadoop-3.4.2.tar.gz", b"hadoop"),
        ("mirror_misc/jre-17.0.9.2.tar.gz", b"jre"),
    ];
    let files = files.map(|(name, bytes)| (SafePath::new(name).unwrap(), listed(bytes)));
    let generation = Generation { number: 1, lock: Sha256::of(b""), files: files.into() };
    let cluster = &cluster::example_clusters()["pico.toml"];
    let rendered =
        cluster::render(&Inputs::shipped(Source { file: "pico.toml", text: cluster }, Some(&generation), KEY));
    let nodes = rendered.unwrap().nodes;
    match nodes.values().next().unwrap().get(&SafePath::new("install.sh").unwrap()) {
        Some(Entry::File { bytes, executable: true }) => bytes.clone(),
        other => panic!("{other:?}"),
    }
}

fn told(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

fn handed_over(door: &Door, mirror: &str, more: &[&str]) -> String {
    let node = fs::canonicalize(door.path("node")).unwrap();
    let words = ["install", "--node", node.to_str().unwrap(), "--mirror", mirror];
    words.iter().chain(more).map(|word| format!("{word}\n")).collect()
}

#[test]
fn the_agent_gets_the_nodes_folder_the_mirror_and_every_other_word() {
    let door = Door::new();
    let (code, said, _) = told(&door.run(&["--dry-run", "--mirror", "the mirror", "--json", "a b"]));
    assert_eq!((code, said), (0, handed_over(&door, "the mirror", &["--dry-run", "--json", "a b"])));
    let (code, said, _) = told(&door.run(&["--mirror=the mirror"]));
    assert_eq!((code, said), (0, handed_over(&door, "the mirror", &[])));
    let mut command = door.command(&[]);
    command.env("PNDA_MIRROR", door.path("the mirror"));
    let (code, said, _) = told(&door.end(command));
    assert_eq!((code, said), (0, handed_over(&door, door.path("the mirror").to_str().unwrap(), &[])));
}

#[test]
fn the_agents_exit_code_is_the_scripts() {
    let door = Door::new();
    for wanted in [1, 3, 4] {
        let mut command = door.command(&["--mirror", "the mirror"]);
        command.env("AGENT_ENDS", wanted.to_string());
        assert_eq!(told(&door.end(command)).0, wanted);
    }
}

#[test]
fn an_agent_with_one_flipped_byte_never_runs() {
    let door = Door::new();
    fs::write(door.path("the mirror/pnda-agent"), AGENT.replace("for", "fur")).unwrap();
    let (code, said, error) = told(&door.run(&["--mirror", "the mirror"]));
    assert_eq!((code, said.as_str()), (3, ""));
    assert!(error.contains("is not the one this script was made for: its SHA-256 is "), "{error}");
}

#[test]
fn a_mirror_that_is_not_there_is_told_as_such() {
    let door = Door::new();
    let (code, _, error) = told(&door.run(&["--mirror", "nowhere"]));
    assert_eq!(code, 1);
    assert!(error.contains("there is no file nowhere/pnda-agent"), "{error}");
    let (code, _, error) = told(&door.run(&["--mirror"]));
    assert_eq!(code, 2, "{error}");
}

#[test]
fn over_http_it_fetches_one_file_and_no_more_than_that_is_long() {
    let fetches = ["curl", "wget"].iter().any(|program| Path::new("/usr/bin").join(program).exists());
    if !fetches {
        left_out!("install.sh over HTTP: neither curl nor wget is installed");
        return;
    }
    let door = Door::new();
    let upstream = Upstream::start();
    upstream.on("/m/pnda-agent", [Reply::bytes(AGENT)]);
    let mirror = format!("{}/m", upstream.url);
    let (code, said, error) = told(&door.run(&["--mirror", &mirror]));
    assert_eq!((code, said), (0, handed_over(&door, &mirror, &[])), "{error}");
    upstream.on("/m/pnda-agent", [Reply::bytes(vec![b'x'; 1 << 20])]);
    let (code, said, error) = told(&door.run(&["--mirror", &mirror]));
    assert_eq!((code, said.as_str()), (1, ""), "{error}");
    let (code, _, error) = told(&door.run(&["--mirror", &format!("{}/other", upstream.url)]));
    assert_eq!(code, 1);
    assert!(error.contains("could not fetch"), "{error}");
}

/// A folder of programs that has all the script calls but one of the two that fetch.
fn programs_without(door: &Door, absent: &str) -> PathBuf {
    let folder = door.path("programs");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir(&folder).unwrap();
    for program in
        ["cat", "chmod", "cp", "curl", "date", "dirname", "mktemp", "rm", "sh", "sha256sum", "timeout", "wget"]
    {
        let there = ["/usr/bin", "/bin"].map(|bin| Path::new(bin).join(program)).into_iter().find(|path| path.exists());
        if let Some(there) = there.filter(|_| program != absent) {
            std::os::unix::fs::symlink(there, folder.join(program)).unwrap();
        }
    }
    folder
}

#[test]
fn a_mirror_that_sends_a_byte_now_and_then_is_given_up() {
    for (program, other) in [("curl", "wget"), ("wget", "curl")] {
        if !Path::new("/usr/bin").join(program).exists() {
            left_out!("install.sh and a slow mirror: {program} is not installed");
            continue;
        }
        let door = Door::new();
        let upstream = Upstream::start();
        // More than a minute at this pace, and never so long nothing that a bound for one read would see it.
        let whole = AGENT.repeat(2);
        upstream.on("/m/pnda-agent", [Reply::bytes(&*whole).dripping(Duration::from_millis(600))]);
        let mut command = door.command(&["--mirror", &format!("{}/m", upstream.url)]);
        command.env("PATH", programs_without(&door, other)).env("PNDA_PATIENCE", "1");
        let (code, said, error) = told(&door.end(command));
        assert_eq!((code, said.as_str()), (1, ""), "{program}: {error}");
        assert!(error.contains("could not fetch"), "{program}: {error}");
        assert!(upstream.sent() < whole.len() as u64, "{program} waited for all of it");
    }
}

#[test]
fn a_patience_that_is_no_number_is_told() {
    let door = Door::new();
    for patience in ["x", "0", "1s", "99999999999999999999"] {
        let mut command = door.command(&["--mirror", "the mirror"]);
        command.env("PNDA_PATIENCE", patience);
        let (code, _, error) = told(&door.end(command));
        assert!(code == 2 && error.contains("PNDA_PATIENCE is"), "{patience}: {code} {error}");
    }
}
