//! A project of one test: a folder, manifests, a scripted registry, and the program run as a user runs it.
//! It is the only place that knows the command line's common options.
//! Not here: what is asserted.

use crate::upstream::{Reply, Upstream};
use pnda::words::digest::{Sha1, Sha256};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// A folder with manifests, and a registry that answers on loopback.
pub struct Project {
    folder: tempfile::TempDir,
    pub upstream: Upstream,
}

/// What a run of the program gave.
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Project {
    pub fn new() -> Project {
        Project::in_folder(tempfile::tempdir().unwrap())
    }

    /// In memory where the machine has such a folder: for tests that write a lot and cut no power.
    pub fn in_memory() -> Project {
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        Project::in_folder(folder.unwrap())
    }

    fn in_folder(folder: tempfile::TempDir) -> Project {
        fs::create_dir(folder.path().join("manifests")).unwrap();
        fs::write(folder.path().join("agent"), "an agent").unwrap();
        Project { folder, upstream: Upstream::start() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn manifest(&self, text: &str) -> &Project {
        fs::write(self.path("manifests/m.toml"), text.replace("$UP", &self.upstream.url)).unwrap();
        self
    }

    /// A file of the Maven repository, with its SHA-1.
    pub fn maven(&self, path: &str, bytes: &[u8]) -> &Project {
        self.upstream.on(&format!("/maven/{path}"), [Reply::bytes(bytes)]);
        self.upstream.on(&format!("/maven/{path}.sha1"), [Reply::bytes(Sha1::of(bytes).to_string())]);
        self
    }

    /// The only file of a project of the Python index.
    pub fn pypi(&self, project: &str, name: &str, bytes: &[u8]) -> &Project {
        let (sha256, size) = (Sha256::of(bytes), bytes.len());
        let page = format!(
            r#"{{"files":[{{"filename":"{name}","url":"../../files/{name}","size":{size},"hashes":{{"sha256":"{sha256}"}}}}]}}"#
        );
        self.upstream.on(&format!("/simple/{project}/"), [Reply::bytes(page)]);
        self.upstream.on(&format!("/files/{name}"), [Reply::bytes(bytes)]);
        self
    }

    /// Runs `pnda` with these words.
    pub fn run(&self, words: &str) -> Ran {
        let output = self.command(words).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ran { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// The same, not yet started.
    pub fn command(&self, words: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pnda"));
        command.current_dir(self.folder.path()).env_clear().env("HOME", self.folder.path());
        command.args(words.split(' '));
        if ["mirror lock", "mirror fetch", "mirror build"].iter().any(|known| words.starts_with(known)) {
            command.args(["--manifests", "manifests", "--store", "store"]);
            command.arg(format!("--source=maven={}/maven", self.upstream.url));
            command.arg(format!("--source=pypi={}/simple", self.upstream.url));
        }
        if words.starts_with("mirror build") {
            command.args(["--mirror", "mirror"]);
            if !words.contains("--key=") {
                command.args(["--key", "key"]);
            }
            if !words.contains("--agent") {
                command.args(["--agent", "agent"]);
            }
        }
        command
    }

    /// A file's text, or nothing if it is not there.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }
}

impl Ran {
    /// The exit code and a part of what was said, on either stream.
    pub fn says(self, code: i32, part: &str) -> Ran {
        let all = format!("{}{}", self.out, self.err);
        assert!(self.code == code && all.contains(part), "wanted {code} and {part:?}, got {} and\n{all}", self.code);
        self
    }
}
