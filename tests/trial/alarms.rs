//! Alarms and figures of the real manager: a job that fails at once is told, the agent's page has what Flink says of a job that
//! runs, and the selftest goes its way.
//! Not here: each alarm on its edge, which is tested beside the code.

use super::{app, app_does, packed};
use pnda::words::alarm::{Alarm, Kind};
use pnda::words::selftest::{Name, Selftest};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The page of the trial's agent, once it is as it should be.
fn page(folder: &Path, is_good: impl Fn(&str) -> bool) -> String {
    let config = std::fs::read_to_string(folder.join("node/etc/pnda/agent.toml")).unwrap();
    let config: toml::Table = config.parse().unwrap();
    let url = format!("http://{}/metrics", config["listen"].as_str().unwrap());
    let client = pnda::systems::site::client(Duration::from_secs(20));
    let deadline = Instant::now() + Duration::from_secs(150);
    loop {
        let text = String::from_utf8(client.get(&url, 1 << 20).unwrap()).unwrap();
        if is_good(&text) {
            return text;
        }
        assert!(Instant::now() < deadline, "{text}");
        sleep(Duration::from_millis(500));
    }
}

/// The value of a component's series.
fn value(page: &str, name: &str, application: &str) -> Option<f64> {
    let own = format!("application=\"{application}\"");
    let line = page.lines().find(|line| line.starts_with(&format!("{name}{{")) && line.contains(&own))?;
    line.rsplit(' ').next()?.parse().ok()
}

/// It was begun again after its JobManager was killed, and takes checkpoints.
pub fn the_agent_s_page_has_the_component(folder: &Path, application: &str) {
    let of = |page: &str, name: &str| value(page, &format!("pnda_application_{name}"), application);
    let is_whole = |page: &str| {
        of(page, "checkpoints_completed_total").is_some_and(|count| count > 0.0)
            && of(page, "task_restarts_total").is_some()
    };
    let page = page(folder, is_whole);
    assert_eq!((of(&page, "restarts"), of(&page, "attempt")), (Some(1.0), Some(1.0)), "{page}");
    // The program says so, whatever its package wants.
    assert_eq!(of(&page, "checkpoint_interval_seconds"), Some(2.0), "{page}");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
    let age = now - of(&page, "last_checkpoint_timestamp_seconds").unwrap();
    assert!((-5.0..180.0).contains(&age), "{age}: {page}");
    let state = format!("application=\"{application}\"");
    let running = |line: &&str| line.contains(&state) && line.contains("state=\"running\"");
    assert!(
        page.lines().filter(|line| line.starts_with("pnda_application_state{")).any(|line| running(&line)),
        "{page}"
    );
    assert!(page.contains("server=\"jobmanager\"") && page.contains("pnda_applications_manager_up"), "{page}");
}

fn alarms(folder: &Path) -> Vec<Alarm> {
    let (_, text) = app(folder, &["alarms", "--json"]);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// A program that wants an argument and gets none fails at once, and no other run follows.
pub fn a_job_that_fails_is_told_and_a_selftest_passes(folder: &Path) {
    let jar = "flink-examples-streaming-1.20.0.jar";
    let properties = serde_json::json!({
        "main_jar": jar, "main_class": "org.apache.flink.streaming.examples.socket.SocketWindowWordCount",
        "application_args": "--hostname 127.0.0.1 --port none", "respawn_type": "no",
    });
    let file = packed(folder, "fails-1.0.0", &folder.join("mirror/current/mirror_apps").join(jar), &properties);
    app_does(folder, &["deploy", file.to_str().unwrap()]);
    let (success, test) = app(folder, &["selftest", "--package", "fails-1.0.0", "--json"]);
    let test: Selftest = serde_json::from_str(&test).unwrap_or_else(|error| panic!("{error}: {test}"));
    assert!(!success && !test.passed && test.failed().is_some_and(|(step, _)| step == Name::Finish), "{test:?}");
    // What failed is left to be looked at.
    let all = alarms(folder);
    let failed = all.iter().find(|alarm| alarm.name == Kind::Failed).unwrap_or_else(|| panic!("{all:?}"));
    let left = failed.application.as_ref().unwrap().as_str();
    let status = app_does(folder, &["status", left]);
    assert!(status.contains("critical: failed, since"), "{status}");
    page(folder, |page| value(page, "pnda_application_alarm", left) == Some(1.0));
    let test = app_does(folder, &["selftest"]);
    assert!(test.contains("finish") && test.contains("all of it works"), "{test}");
    assert!(alarms(folder).iter().all(|alarm| alarm.name != Kind::Failed));
    app_does(folder, &["undeploy", "fails-1.0.0"]);
}
