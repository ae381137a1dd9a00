//! Pipes in the place of files that are read: whoever puts one there keeps nobody waiting.
//! The program is run as a user runs it, and given a time that it never needs.
//! Not here: what is opened and what is not (`pnda::disk::regular`).

use crate::project::{Project, Ran};
use crate::upstream::Reply;
use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

fn pipe(project: &Project, name: &str) {
    let path = project.path(name);
    let _ = fs::remove_file(&path);
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
}

/// Runs the program, which must end by itself.
fn ends(project: &Project, words: &str) -> Ran {
    let mut child = project.command(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > until {
            child.kill().unwrap();
            panic!("`{words}` waits for ever");
        }
        thread::sleep(Duration::from_millis(20));
    }
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

fn published() -> Project {
    let project = Project::new();
    project.upstream.on("/notes.txt", [Reply::bytes("foo")]);
    project.manifest(
        "[[file]]\nid = \"f\"\nurls = [\"$UP/notes.txt\"]\npath = \"mirror_misc/notes.txt\"\nsha256 = \"2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae\"\n",
    );
    project.run("mirror lock").says(0, "locked");
    project.run("mirror build").says(0, "published generation 1");
    project
}

#[test]
fn a_pipe_inside_a_mirror_keeps_nobody_waiting() {
    for name in ["generation.toml", "generation.toml.minisig", "mirror.pub", "pnda.lock", "mirror_misc/notes.txt"] {
        let project = published();
        pipe(&project, &format!("mirror/current/{name}"));
        for words in ["mirror verify --mirror mirror", "mirror status --mirror mirror", "mirror list --mirror mirror"] {
            ends(&project, words);
        }
        if name == "generation.toml" {
            ends(&project, "mirror serve --mirror mirror --listen 127.0.0.1:0").says(1, "it is not a regular file");
        }
        ends(&project, "mirror build --dry-run").says(if name == "mirror.pub" { 0 } else { 4 }, "generation");
        ends(&project, "mirror build").says(0, "generation");
        ends(&project, "mirror verify --mirror mirror --key mirror/current/mirror.pub");
    }
    let project = published();
    pipe(&project, "mirror/.state/1.toml");
    ends(&project, "mirror status --mirror mirror").says(0, "1");
    ends(&project, "mirror build").says(0, "up to date: generation 1");
}

#[test]
fn a_pipe_among_the_files_that_a_user_names_is_told() {
    let project = published();
    pipe(&project, "pipe");
    for words in ["lint pipe", "cluster check pipe", "cluster render pipe --mirror mirror --key key.pub --out nodes"] {
        ends(&project, words).says(2, "cannot read pipe: it is not a regular file");
    }
    pipe(&project, "manifests/more.toml");
    for words in ["mirror lock", "mirror build"] {
        let ran = ends(&project, words);
        assert!(ran.code != 0 && ran.err.contains("it is not a regular file"), "{words}: {}", ran.err);
    }
    fs::remove_file(project.path("manifests/more.toml")).unwrap();
    pipe(&project, "manifests/pnda.lock");
    ends(&project, "mirror lock").says(1, "it is not a regular file");
}
