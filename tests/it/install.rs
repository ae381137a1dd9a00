//! `pnda-agent install` as an operator and `install.sh` call it: what it prints, its exit codes, and a kill at any moment.
//! Everything happens in one temporary folder, for one user.
//! Not here: what an install does in detail; that is tested beside its code.

use flate2::Compression;
use flate2::write::GzEncoder;
use pnda::words::digest::Sha256;
use pnda::words::generation::{Generation, Listed};
use pnda::words::names::SafePath;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A signed mirror with one archive, and a node that wants it.
struct Site {
    folder: TempDir,
    archive: Vec<u8>,
}

impl Site {
    /// An archive of `files` files.
    fn new(files: usize) -> Site {
        let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for number in 0..files {
            let text = format!("file {number}\n").repeat(500);
            let mut header = tar::Header::new_gnu();
            header.set_mode(0o644);
            header.set_size(text.len() as u64);
            tar.append_data(&mut header, format!("flink-1/lib/{number}"), text.as_bytes()).unwrap();
        }
        let archive = tar.into_inner().unwrap().finish().unwrap();
        let site = Site { folder: TempDir::new().unwrap(), archive };
        site.publish("port = 1\n");
        site
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn publish(&self, config: &str) {
        let pair = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
        let listed = Listed { size: self.archive.len() as u64, sha256: Sha256::of(&self.archive) };
        let files = BTreeMap::from([(SafePath::new("flink.tar.gz").unwrap(), listed)]);
        let list = Generation { number: 1, lock: Sha256::of(b""), files }.render();
        let signature = minisign::sign(None, &pair.sk, list.as_bytes(), None, None).unwrap().to_string();
        fs::create_dir_all(self.at("mirror")).unwrap();
        fs::create_dir_all(self.at("node/files/etc")).unwrap();
        for (path, text) in [
            ("mirror/generation.toml", list.as_str()),
            ("mirror/generation.toml.minisig", signature.as_str()),
            ("node/files/etc/agent.toml", config),
            ("node/node.toml", &self.document(&pair.pk.to_base64(), config)),
        ] {
            fs::write(self.at(path), text).unwrap();
        }
        fs::write(self.at("mirror/flink.tar.gz"), &self.archive).unwrap();
    }

    fn document(&self, key: &str, config: &str) -> String {
        let digest = |bytes: &[u8]| Sha256::of(bytes).to_string();
        format!(
            "format = 1\ncluster = \"pico\"\nnode = \"edge-1\"\nroles = []\ninputs = \"{}\"\nscope = \"user\"\n\
             root = \"{}\"\n[mirror]\nurl = \"http://repo.example/\"\npublic_key = \"{key}\"\n\
             [[archive]]\ninto = \"/opt/flink-1\"\nfrom = \"flink.tar.gz\"\nsize = {}\nsha256 = \"{}\"\n\
             [[file]]\npath = \"/etc/agent.toml\"\nsha256 = \"{}\"\nowner = \"root\"\ngroup = \"root\"\nmode = \"0644\"\n\
             [[link]]\npath = \"/opt/flink\"\nto = \"/opt/flink-1\"\n",
            digest(b""),
            self.at("root").display(),
            self.archive.len(),
            digest(&self.archive),
            digest(config.as_bytes()),
        )
    }

    fn command(&self, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pnda-agent"));
        command.arg("install").arg("--node").arg(self.at("node")).arg("--mirror").arg(self.at("mirror")).args(more);
        command
    }

    fn install(&self, more: &[&str]) -> Output {
        self.command(more).output().unwrap()
    }

    /// Every path below the root, but for the installer's own folder.
    fn paths(&self) -> BTreeSet<String> {
        let root = self.at("root");
        let mut found = BTreeSet::new();
        let mut left = vec![root.clone()];
        while let Some(folder) = left.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() && !path.is_symlink() {
                    left.push(path.clone());
                }
                found.insert(path.strip_prefix(&root).unwrap().display().to_string());
            }
        }
        found.into_iter().filter(|path| !path.starts_with("var")).collect()
    }
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_dry_run_says_what_an_install_then_does() {
    let site = Site::new(1);
    let planned = site.install(&["--dry-run"]);
    assert_eq!(planned.status.code(), Some(4), "{}", err(&planned));
    assert!(out(&planned).contains("archive  /opt/flink-1") && out(&planned).contains("would be made on node edge-1"));
    assert!(!site.at("root").exists());
    let done = site.install(&[]);
    assert_eq!(done.status.code(), Some(0), "{}", err(&done));
    assert!(out(&done).contains("made on node edge-1, from generation 1"), "{}", out(&done));
    for again in [site.install(&[]), site.install(&["--dry-run"])] {
        assert_eq!(again.status.code(), Some(0));
        assert_eq!(out(&again), "nothing to do: node edge-1 is as generation 1 wants it\n");
    }
}

#[test]
fn machines_get_json() {
    let site = Site::new(1);
    let done = site.install(&["--json"]);
    let report: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!((report["node"].as_str(), report["generation"].as_u64()), (Some("edge-1"), Some(1)));
    assert!(report["steps"].as_array().is_some_and(|steps| steps.iter().any(|step| step["kind"] == "link")));
    // Talk goes to standard error as ever: whoever drives many nodes shows it.
    assert!(err(&done).contains("is verified"), "{}", err(&done));
}

#[test]
fn wrong_bytes_are_told_apart_from_other_failures() {
    let site = Site::new(1);
    fs::write(site.at("mirror/flink.tar.gz"), vec![0; site.archive.len()]).unwrap();
    let refused = site.install(&[]);
    assert_eq!(refused.status.code(), Some(3), "{}", err(&refused));
    assert!(err(&refused).contains("flink.tar.gz has other content") && !site.at("root").exists());
    fs::remove_file(site.at("mirror/generation.toml")).unwrap();
    assert_eq!(site.install(&[]).status.code(), Some(1));
    assert_eq!(site.command(&["--frobnicate"]).output().unwrap().status.code(), Some(2));
    let image = site.install(&["--root", "/nowhere"]);
    assert!(err(&image).contains("rendered for another root"), "{}", err(&image));
    let older = site.install(&["--allow-older"]);
    assert_eq!(older.status.code(), Some(1), "an option that changes nothing here");
}

#[test]
fn a_kill_at_any_moment_is_made_good_by_the_next_run() {
    let site = Site::new(400);
    let start = Instant::now();
    assert!(site.install(&[]).status.success());
    let whole = start.elapsed();
    let wanted = site.paths();
    let mut killed = 0;
    for step in 0..8 {
        fs::remove_dir_all(site.at("root/opt")).unwrap();
        site.publish(&format!("port = {}\n", step + 2));
        let mut child = site.command(&[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(whole * step / 8 + Duration::from_millis(1));
        child.kill().unwrap();
        killed += usize::from(child.wait().unwrap().signal().is_some());
        let next = site.install(&[]);
        assert!(next.status.success(), "{}", err(&next));
        assert_eq!(site.paths(), wanted, "killed at {step} of 8");
        assert_eq!(fs::read_to_string(site.at("root/etc/agent.toml")).unwrap(), format!("port = {}\n", step + 2));
        assert!(out(&site.install(&[])).contains("nothing to do"));
    }
    assert!(killed > 0, "no kill came in time");
    let home = fs::read_dir(site.at("root/var/lib/pnda/install")).unwrap();
    let mut home: Vec<_> = home.map(|entry| entry.unwrap().file_name()).collect();
    home.sort();
    // What a kill leaves while something old is removed goes with the next thing that is.
    home.retain(|name| name != ".gone");
    assert_eq!(home, ["generations", "listings", "state.toml"]);
}

/// Everything by which an install changes a disk, but for the bytes of files.
const CHANGES: [&str; 14] = [
    "rename",
    "renameat",
    "renameat2",
    "unlink",
    "unlinkat",
    "rmdir",
    "mkdir",
    "mkdirat",
    "symlink",
    "symlinkat",
    "linkat",
    "fchmod",
    "fsync",
    "syncfs",
];

#[test]
fn a_kill_before_each_change_of_the_disk_is_made_good_by_the_next_run() {
    if !Command::new("strace").arg("-V").output().is_ok_and(|version| version.status.success()) {
        left_out!("a kill before each change of the disk: the program `strace` is not installed");
        return;
    }
    let site = Site::new(3);
    assert!(site.install(&[]).status.success());
    let wanted = site.paths();
    let mut kills = 0;
    for call in CHANGES {
        for number in 1.. {
            let config = format!("port = \"{call} {number}\"\n");
            fs::remove_dir_all(site.at("root/opt")).unwrap();
            site.publish(&config);
            if !site.is_killed(call, number) {
                break;
            }
            kills += 1;
            let next = site.install(&[]);
            assert!(next.status.success(), "{call} {number}: {}", err(&next));
            assert_eq!(site.paths(), wanted, "killed before {call} {number}");
            assert_eq!(fs::read_to_string(site.at("root/etc/agent.toml")).unwrap(), config);
            assert!(out(&site.install(&[])).contains("nothing to do"), "{call} {number}");
        }
    }
    assert!(kills > 30, "only {kills} changes");
}

impl Site {
    /// Installs, and is killed before a system call is made for the so many-th time; no if it was not made so often.
    fn is_killed(&self, call: &str, number: usize) -> bool {
        let install = self.command(&[]);
        let mut strace = Command::new("strace");
        strace.args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace=?{call}")]);
        strace.args(["-e", &format!("inject=?{call}:signal=KILL:when={number}")]);
        strace.arg(install.get_program()).args(install.get_args());
        let ended = strace.output().unwrap();
        let killed = ended.status.signal() == Some(9);
        assert!(killed || ended.status.success(), "{call} {number}: {}", err(&ended));
        killed
    }
}
