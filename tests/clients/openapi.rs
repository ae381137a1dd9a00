//! The manager of applications before a tester that others made: schemathesis reads the document that the manager serves, makes
//! requests that follow it and requests that do not, and holds every answer against it.
//! YARN and HDFS are scripted, the program is the real one. Not here: what the answers mean.

use crate::manager::{Manager, TOKEN};
use crate::mirror::cache;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

const TESTER: &str = "schemathesis==4.32.5";

/// The tester's program, installed once; why there is none where Python's registry is out of reach.
fn tester() -> Result<PathBuf, String> {
    let folder = cache().join(TESTER);
    let program = folder.join("bin/schemathesis");
    if program.exists() {
        return Ok(program);
    }
    let run = |command: &mut Command| match command.stdin(Stdio::null()).output() {
        Err(error) => Err(error.to_string()),
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(said(&output).lines().last().unwrap_or("it failed").to_owned()),
    };
    let new = tempfile::tempdir_in(cache()).map_err(|error| error.to_string())?;
    run(Command::new("python3").args(["-m", "venv"]).arg(new.path()))?;
    run(Command::new(new.path().join("bin/python3")).args(["-m", "pip", "install", "--quiet", TESTER]))?;
    // Its programs name the folder in which they were made.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("bin")).map_err(|error| error.to_string())?;
    let kept = new.keep();
    std::os::unix::fs::symlink(kept.join("bin/schemathesis"), &program).map_err(|error| error.to_string())?;
    Ok(program)
}

fn said(output: &Output) -> String {
    [&output.stdout[..], &output.stderr].map(String::from_utf8_lossy).concat()
}

#[test]
fn no_request_makes_the_manager_fail_and_every_answer_is_as_the_document_says() {
    let tester = match tester() {
        Ok(tester) => tester,
        Err(why) => return left_out!("schemathesis before the manager of applications: {why}"),
    };
    let manager = Manager::start();
    let mut command = Command::new(tester);
    command.arg("run").arg(format!("{}/v1/openapi.json", manager.url)).current_dir(manager.folder.path());
    command.args(["--header", &format!("Authorization: Bearer {TOKEN}"), "--checks", "all", "--seed", "7"]);
    // Whether a component or property that fits the schema is one of the package's, only the package says.
    // A removal is answered with 202 and takes a round: until then the application is shown as `DESTROYING`.
    command.args(["--exclude-checks", "positive_data_acceptance,use_after_free"]);
    // Whoever hands over to a node that is not there stands by for a while, and has little to answer then.
    command.args(["--exclude-path", "/v1/handover"]);
    command.args(["--max-examples", "8", "--generation-database", "none", "--no-color", "--continue-on-failure"]);
    let output = command.stdin(Stdio::null()).output().unwrap();
    let said = said(&output);
    assert!(output.status.success(), "{said}\n{}", manager.log());
    let generated = said.lines().find_map(|line| line.trim().split_once(" generated")?.0.parse::<u32>().ok());
    assert!(generated > Some(500), "{said}");
    assert_eq!(manager.ask(&["/v1/state"]), "{\"silence\":null}", "it still answers");
}
