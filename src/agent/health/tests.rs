//! Observations in, metrics and causes out, compared as text.
//! The expected texts are PNDA's.
//! Not here: connections.

use super::*;
use std::time::Duration;
use systems::history_server::{Identity, Jobs};

fn call<T>(result: Result<T, Failure>, ms: u64) -> Call<T> {
    Call { result, took: Duration::from_millis(ms) }
}

fn identity(version: &str) -> Result<Identity, Failure> {
    Ok(Identity { version: version.to_owned(), known: version.parse().ok() })
}

fn refused(path: &'static str) -> Failure {
    let source = Box::new(std::io::Error::from(std::io::ErrorKind::ConnectionRefused).into());
    Failure::Unreachable { url: "http://127.0.0.1:8082".parse().unwrap(), path, source }
}

/// Each metric as a line, with its causes if it has some.
fn lines(round: &Round) -> String {
    let line = |metric: &Metric| match metric.causes.is_empty() {
        true => format!("{}={}\n", metric.name, metric.value),
        false => format!("{}={} {}\n", metric.name, metric.value, metric.causes_text()),
    };
    round.metrics.iter().map(line).collect()
}

#[test]
fn a_good_look_gives_the_metrics_of_the_platform_tests_in_their_order() {
    let jobs = Jobs { count: 4, via: "/jobs/overview" };
    let seen = Observation { identity: call(identity("1.20.5"), 7), jobs: Some(call(Ok(jobs), 3)) };
    let round = judge(Some(&seen), 1500);
    assert_eq!(
        lines(&round),
        "flink.history_server_available_success=true\n\
         flink.installed_flink_version=1.20.5\n\
         flink.history_server_available_ms=7\n\
         flink.history_server_completed_jobs_success=true\n\
         flink.history_server_completed_jobs_count=4\n\
         flink.history_server_completed_jobs_ms=3\n\
         flink.health=OK\n\
         hadoop.flink.health=OK\n"
    );
    assert_eq!(round.sentence(), "flink OK: history server of Flink 1.20.5, jobs told by /jobs/overview");
    assert!(round.metrics.iter().all(|metric| metric.source == "flink" && metric.at_ms == 1500));
}

#[test]
fn nobody_there_gives_the_failure_values_and_the_cause() {
    let seen = Observation { identity: call(Err(refused("/config")), 1), jobs: None };
    let round = judge(Some(&seen), 1);
    let cause = "Unable to connect to the Flink History Server (request path = /config)";
    assert_eq!(
        lines(&round),
        format!(
            "flink.history_server_available_success=false\n\
             flink.installed_flink_version=\n\
             flink.history_server_available_ms=-1\n\
             flink.history_server_completed_jobs_success=false\n\
             flink.history_server_completed_jobs_count=-1\n\
             flink.history_server_completed_jobs_ms=-1\n\
             flink.health=ERROR [\"{cause}\"]\n\
             hadoop.flink.health=ERROR [\"{cause}\"]\n"
        )
    );
    assert_eq!(round.sentence(), format!("flink ERROR: {cause}"));
}

#[test]
fn a_server_that_lost_its_list_is_there_and_not_well() {
    let body = "{\"errors\":[\"File not found.\"]}\n".to_owned();
    let failure = Failure::Status { path: "/jobs/overview", status: 404, body };
    let seen = Observation { identity: call(identity("1.20.5"), 7), jobs: Some(call(Err(failure), 3)) };
    let round = judge(Some(&seen), 1);
    let flink = round.flink.clone().unwrap();
    assert_eq!((flink.version.as_deref(), flink.overview_ms, flink.via), (Some("1.20.5"), Some(3), None));
    assert_eq!(
        round.causes,
        ["Flink History Server - {\"errors\":[\"File not found.\"]} (request path = /jobs/overview)"]
    );
}

#[test]
fn a_version_that_no_table_knows_is_a_warning() {
    let jobs = Jobs { count: 0, via: "/jobs/overview" };
    let seen = Observation { identity: call(identity("nightly"), 7), jobs: Some(call(Ok(jobs), 3)) };
    let round = judge(Some(&seen), 1);
    assert_eq!(round.health, Health::Warn);
    assert_eq!(
        round.sentence(),
        "flink WARN: Flink History Server - its version `nightly` is none that this agent knows \
         (request path = /config)"
    );
}

#[test]
fn causes_have_the_forms_that_pnda_knows() {
    let path = "/config";
    let told = |failure| cause(&failure);
    let json = serde_json::from_str::<u8>("<").unwrap_err();
    assert_eq!(
        [
            told(Failure::Status { path, status: 500, body: String::new() }),
            told(Failure::Status { path, status: 500, body: "a\r\n\tb\u{1b}[1m".into() }),
            told(Failure::Late { path, deadline: Duration::from_secs(5) }),
            told(Failure::TooLong { path, limit: 9 }),
            told(Failure::NotHistoryServer { path, what: "it is a teapot" }),
            told(Failure::NotJson { path, source: json }),
        ],
        [
            "Flink History Server - status 500 (request path = /config)",
            "Flink History Server - a b [1m (request path = /config)",
            "Flink History Server - no complete answer within 5000 ms (request path = /config)",
            "Flink History Server - the answer is longer than 9 bytes (request path = /config)",
            "Flink History Server - no history server answers: it is a teapot (request path = /config)",
            "Platform Testing Client Error- the answer is not the JSON of a history server (request path = /config)",
        ]
    );
    let long = Failure::Status { path, status: 500, body: "ä".repeat(5000) };
    assert!(told(long).len() < 700);
}

#[test]
fn a_changed_wording_is_not_a_changed_state() {
    let look = |body: &str| {
        let failure = Failure::Status { path: "/config", status: 500, body: body.to_owned() };
        judge(Some(&Observation { identity: call(Err(failure), 1), jobs: None }), 1).state()
    };
    assert_eq!(look("failed at 10:00"), look("failed at 10:01"));
    let gone = Observation { identity: call(Err(refused("/config")), 1), jobs: None };
    assert_ne!(look("failed"), judge(Some(&gone), 1).state());
}

#[test]
fn a_node_without_a_history_server_publishes_nothing() {
    let round = judge(None, 1);
    assert_eq!((round.health, round.metrics.len()), (Health::Ok, 0));
    assert_eq!(round.sentence(), "no history server on this node, nothing to watch");
}

#[test]
fn where_there_are_applications_the_two_names_of_health_are_of_both_and_the_node_is_as_well_as_it_is() {
    let jobs = Jobs { count: 4, via: "/jobs/overview" };
    let seen = Observation { identity: call(identity("1.20.5"), 7), jobs: Some(call(Ok(jobs), 3)) };
    let verdict = Verdict::of(vec![(Health::Error, "a/b: given-up".into())]);
    let before = judge(Some(&seen), 1500);
    assert_eq!(before.clone().with_applications(None), before);
    assert_eq!(before.clone().with_applications(Some(Verdict::default())), before);
    let round = before.clone().with_applications(Some(verdict.clone()));
    let told = "flink.health=ERROR [\"a/b: given-up\"]\nhadoop.flink.health=ERROR [\"a/b: given-up\"]\n";
    assert!(lines(&round).ends_with(told), "{}", lines(&round));
    assert_eq!(round.metrics[..6], before.metrics[..6]);
    assert_eq!((round.health, round.state()), (Health::Ok, before.state()));
    // Without a history server there is nothing to tell, and another node does.
    assert!(judge(None, 1500).with_applications(Some(verdict)).metrics.is_empty());
}
