//! Flink in HDFS: a container has it out of a folder that is named by its content; and a component that asks for the other
//! release that is there runs on that one, stops with its state and begins from it.
//! Not here: what a stop and a start are held to besides; that is the same with each release.

use super::by_client::the_other_release_has_a_client_too;
use super::registries::out_of_reach;
use super::{PNDA, app, app_does, component, is_long, packed, restored, store};
use pnda::mirror::lock::Source;
use pnda::systems::webhdfs::{Times, WebHdfs};
use pnda::words::application::State;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The release beside the trial's own.
pub const OTHER: &str = "2.3.0";

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/endless/Endless.java");

/// The shipped manifests with those of the other release and of these folders; locked, and all that they name in the store.
pub fn manifests(folder: &Path, more: &[&str]) -> PathBuf {
    let (own, shipped) = (folder.join("manifests"), Path::new(env!("CARGO_MANIFEST_DIR")).join("mirror-manifests"));
    std::fs::create_dir_all(&own).unwrap();
    let folders = ["", "flink-2"].iter().chain(more).map(|name| shipped.join(name));
    for entry in folders.flat_map(|folder| std::fs::read_dir(folder).unwrap()) {
        let path = entry.unwrap().path();
        if path.is_file() {
            std::fs::copy(&path, own.join(path.file_name().unwrap())).unwrap();
        }
    }
    for verb in ["lock", "fetch"] {
        let mut command = Command::new(PNDA);
        command.args(["mirror", verb, "--quiet", "--manifests"]).arg(&own).arg("--store").arg(store());
        let output = command.output().unwrap();
        let text = String::from_utf8_lossy(&[output.stderr, output.stdout].concat()).into_owned();
        // What the trial itself needs came from there a moment ago.
        assert!(output.status.success(), "{verb}: {text} {:?}", out_of_reach(&[Source::Maven, Source::Pypi], &text));
    }
    own
}

/// The folder of a release in HDFS, by the digest of its archive on the mirror.
fn staged(folder: &Path, version: &str) -> String {
    let list = std::fs::read_to_string(folder.join("mirror/current/generation.toml")).unwrap();
    let list: toml::Table = list.parse().unwrap();
    let archive = format!("flink-{version}.tar.gz");
    let file = list["file"].as_array().unwrap().iter().find(|file| file["path"].as_str() == Some(&archive)).unwrap();
    format!("/pnda/flink/{version}-{}", &file["sha256"].as_str().unwrap()[..16])
}

/// From where YARN brought Flink into the container of an application's JobManager, as its process was told.
fn distribution(id: &str) -> String {
    let own = format!("_APP_ID={id}");
    let environments = std::fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| {
        let bytes = std::fs::read(entry.path().join("environ")).ok()?;
        let variables: Vec<String> =
            bytes.split(|byte| *byte == 0).map(|one| String::from_utf8_lossy(one).into()).collect();
        variables.contains(&own).then_some(variables)
    });
    let told = environments.flatten().find_map(|one| Some(one.strip_prefix("_FLINK_DIST_JAR=")?.to_owned()));
    told.unwrap_or_else(|| panic!("no process of {id}"))
}

/// A running application has its Flink out of the folder with that content.
pub fn a_container_has_flink_by_its_content(folder: &Path, application: &str, version: &str) {
    let id = component(folder, application).yarn_id.unwrap();
    let (found, wanted) = (distribution(&id), format!("{}/lib/flink-dist-{version}.jar", staged(folder, version)));
    assert!(found.contains(&wanted), "{found} and not {wanted}");
    let config = std::fs::read_to_string(folder.join("node/etc/pnda/applications.toml")).unwrap();
    let config: toml::Table = config.parse().unwrap();
    let web = config["name_nodes"][0].as_str().unwrap();
    let hdfs = WebHdfs::new(web, config["user"].as_str().unwrap(), Times::default()).unwrap();
    let beside = hdfs.list(&staged(folder, version)).unwrap().unwrap();
    let mut beside: Vec<&str> = beside.iter().map(|status| status.path_suffix.as_str()).collect();
    beside.sort_unstable();
    assert_eq!(beside, ["lib", "plugins"], "nothing that is half sent is left");
}

/// A job that never ends and remembers how far it has come, against that release's own jars; none without a compiler.
fn compiled(folder: &Path) -> Option<PathBuf> {
    if Command::new("javac").arg("-version").output().is_err() {
        drop(writeln!(std::io::stderr(), "left out: Flink {OTHER} in the trial: the program `javac` is not installed"));
        return None;
    }
    let (classes, jar) = (folder.join("classes"), folder.join("endless.jar"));
    let path = format!("{}/*", folder.join(format!("node/opt/pnda/flink-{OTHER}/lib")).display());
    let mut compiler = Command::new("javac");
    compiler.args(["--release", "17", "-cp", &path, "-d"]).arg(&classes).arg(SOURCE);
    assert!(compiler.status().unwrap().success());
    let mut packer = Command::new("jar");
    packer.arg("--create").arg("--file").arg(&jar).arg("-C").arg(&classes).arg("Endless.class");
    assert!(packer.status().unwrap().success());
    Some(jar)
}

/// Deployed, started, seen running, stopped with a savepoint, started from it, on the release that it asks for.
pub fn an_application_runs_on_the_flink_that_it_asks_for(folder: &Path) {
    let Some(jar) = compiled(folder) else { return };
    let properties = serde_json::json!({ "main_jar": "endless.jar", "main_class": "Endless", "flink_version": OTHER });
    let file = packed(folder, "newer-1.0.0", &jar, &properties);
    app_does(folder, &["deploy", file.to_str().unwrap()]);
    app_does(folder, &["create", "newer", "--package", "newer-1.0.0"]);
    let explained = app_does(folder, &["explain", "newer"]);
    assert!(explained.contains(OTHER), "{explained}");
    app_does(folder, &["start", "newer", "--wait"]);
    let first = component(folder, "newer");
    assert_eq!((first.state, &first.restored_from), (State::Running, &None));
    a_container_has_flink_by_its_content(folder, "newer", OTHER);
    app_does(folder, &["stop", "newer", "--wait"]);
    let stopped = component(folder, "newer");
    let savepoint = stopped.savepoints[0].path.clone().unwrap();
    assert_eq!((stopped.state, stopped.yarn_id), (State::Stopped, first.yarn_id.clone()));
    app_does(folder, &["start", "newer", "--wait"]);
    let second = component(folder, "newer");
    assert_eq!((second.state, &second.restored_from), (State::Running, &Some(savepoint.clone())));
    assert_eq!(restored(folder, &second), Some(savepoint), "Flink says so too");
    app_does(folder, &["stop", "newer", "--no-savepoint", "--wait"]);
    app_does(folder, &["delete", "newer", "--yes"]);
    a_job_whose_operators_are_named_moves_to_the_other_release(folder);
    app_does(folder, &["undeploy", "newer-1.0.0"]);
    if is_long() {
        the_other_release_has_a_client_too(folder, &jar);
    }
}

/// Flink does not promise it; who says that he knows may try, and with this job it goes well.
fn a_job_whose_operators_are_named_moves_to_the_other_release(folder: &Path) {
    let before = "machine.flink_version=1.20.5";
    app_does(folder, &["create", "moving", "--package", "newer-1.0.0", "--set", before]);
    app_does(folder, &["start", "moving", "--wait"]);
    let after = format!("machine.flink_version={OTHER}");
    let order = ["upgrade", "moving", "--set", &after];
    let (success, refused) = app(folder, &order);
    assert!(!success && refused.contains("does not promise that 2.3.0 reads the state of 1.20.5"), "{refused}");
    app_does(folder, &[&order[..], &["--allow-state-of-other-flink", "--wait"]].concat());
    let moved = component(folder, "moving");
    let savepoint = moved.savepoints[0].path.clone();
    assert_eq!((moved.state, &moved.restored_from), (State::Running, &savepoint));
    assert_eq!(restored(folder, &moved), savepoint, "Flink says so too");
    a_container_has_flink_by_its_content(folder, "moving", OTHER);
    app_does(folder, &["stop", "moving", "--no-savepoint", "--wait"]);
    app_does(folder, &["delete", "moving", "--yes"]);
}
