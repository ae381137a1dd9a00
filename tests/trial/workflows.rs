//! A component of the type `oozie` as PNDA's packages have it, through the manager on a real Oozie and YARN: a coordinator whose
//! workflow runs a Flink job; suspended by a stop, resumed by a start, killed with all that it ran by a deletion.
//! Not here: Oozie by its own client (`oozie`), and what is lost on the way, which the manager's own tests have.

use super::{app, app_does, component};
use pnda::words::application::{Application, Component, OozieRun, Phase, State};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

const WORKFLOW: &str = include_str!("oozie/as_pnda/workflow.xml");
const COORDINATOR: &str = include_str!("oozie/as_pnda/coordinator.xml");

/// A package with one component, whose Flink job counts the words of a text that it has itself.
fn package(folder: &Path, version: &str, class: &str) -> PathBuf {
    let (name, jar) = (format!("tallies-{version}"), "flink-examples-streaming-1.20.0.jar");
    let component = folder.join(&name).join("oozie/tally");
    std::fs::create_dir_all(component.join("lib")).unwrap();
    std::fs::copy(folder.join("mirror/current/mirror_apps").join(jar), component.join("lib").join(jar)).unwrap();
    let properties = serde_json::json!({
        "freq_in_mins": "20", "start": "${deployment_start}", "end": "${deployment_end}", "job_type": "flink",
        "main_jar": jar, "main_class": class, "flink_config_args": "-yn 1 -yjm 1024 -ytm 1728",
    });
    for (file, text) in
        [("workflow.xml", WORKFLOW), ("coordinator.xml", COORDINATOR), ("properties.json", &properties.to_string())]
    {
        std::fs::write(component.join(file), text).unwrap();
    }
    let file = folder.join(format!("{name}.tar.gz"));
    let packed = Command::new("tar").arg("czf").arg(&file).arg("-C").arg(folder).arg(&name).status().unwrap();
    assert!(packed.success());
    file
}

fn until(folder: &Path, is_good: impl Fn(&Component) -> bool) -> Component {
    let deadline = Instant::now() + Duration::from_secs(240);
    loop {
        let found = component(folder, "hourly");
        if is_good(&found) {
            return found;
        }
        assert!(Instant::now() < deadline, "{found:?}");
        sleep(Duration::from_millis(500));
    }
}

fn runs(component: &Component) -> &[OozieRun] {
    component.oozie.as_ref().map(|oozie| oozie.runs.as_slice()).unwrap_or_default()
}

fn phase(folder: &Path) -> Phase {
    let told: Application = serde_json::from_str(&app_does(folder, &["status", "hourly", "--json"])).unwrap();
    told.status
}

/// Deployed, started, seen running a Flink job in its time, its logs, stopped, started again, deleted.
pub fn a_coordinator_of_pnda_s_runs(folder: &Path) {
    let class = "org.apache.flink.streaming.examples.wordcount.WordCount";
    let file = package(folder, "1.0.0", class);
    app_does(folder, &["deploy", file.to_str().unwrap()]);
    app_does(folder, &["create", "hourly", "--package", "tallies-1.0.0"]);
    let explained = app_does(folder, &["explain", "hourly"]);
    assert!(explained.contains("coordinator.xml"), "{explained}");
    app_does(folder, &["start", "hourly"]);
    let ran = until(folder, |told| runs(told).iter().any(|run| run.status == "SUCCEEDED"));
    let begun = runs(&ran).iter().filter(|run| run.workflow.is_some()).count();
    assert_eq!((ran.state, begun), (State::Scheduled, 1), "Oozie makes the runs of an hour before: {ran:?}");
    let id = ran.oozie.as_ref().unwrap().id.clone();
    let logs = app_does(folder, &["logs", "hourly"]);
    assert!(logs.contains("JobManager") && logs.contains("hourly-tally-job"), "{logs}");

    app_does(folder, &["stop", "hourly"]);
    let held = until(folder, |told| told.state == State::Stopped);
    assert!(held.reason.starts_with("suspended in Oozie"), "{held:?}");
    assert_eq!(phase(folder), Phase::Created);
    app_does(folder, &["start", "hourly"]);
    let again = until(folder, |told| told.state == State::Scheduled);
    assert_eq!(again.oozie.unwrap().id, id, "the same job goes on");

    // One that fails: its action fails, and so does its run.
    let file = package(folder, "1.0.1", "no.such.Class");
    app_does(folder, &["deploy", file.to_str().unwrap()]);
    app_does(folder, &["upgrade", "hourly", "--package", "tallies-1.0.1"]);
    let failed = until(folder, |told| runs(told).iter().any(|run| run.status == "KILLED"));
    assert_ne!(failed.oozie.as_ref().unwrap().id, id, "another version is another job");
    assert!(failed.reason.contains("some of its runs did not succeed"), "{failed:?}");

    app_does(folder, &["delete", "hourly", "--yes"]);
    let deadline = Instant::now() + Duration::from_secs(120);
    while app(folder, &["status", "hourly"]).0 {
        assert!(Instant::now() < deadline, "it is not forgotten");
        sleep(Duration::from_millis(500));
    }
}
