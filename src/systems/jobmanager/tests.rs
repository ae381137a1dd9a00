//! Asks scripted JobManagers that answer as four real versions did, and some that do not answer.
//! The captures lie in tests/fixtures/jobmanager, their stacks shortened.
//! Not here: a real JobManager.

use super::*;
use crate::scripted::Scripted;
use std::net::TcpListener;
use std::time::Duration;

const SHORT: Times = Times { connect: Duration::from_millis(500), answer: Duration::from_millis(500) };
const VERSIONS: [&str; 4] = ["1.15.4", "1.18.1", "1.20.5", "2.3.0"];

/// A JobManager that answers everything alike, and the server behind it.
fn answering(bytes: Vec<u8>) -> (JobManager, Scripted) {
    let server = Scripted::start(move |_| bytes.clone());
    let address = server.address.trim_start_matches("http://").parse().unwrap();
    (JobManager::new(&address, SHORT), server)
}

fn http(status: u16, body: &str) -> Vec<u8> {
    crate::scripted::http(status, "", body)
}

fn capture(version: &str, name: &str) -> Value {
    let file = format!("{}/../../tests/fixtures/jobmanager/{version}/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

/// A JobManager that answers as one of a version did.
fn real(version: &str, name: &str) -> JobManager {
    let capture = capture(version, name);
    answering(http(capture["status"].as_u64().unwrap() as u16, &capture["response"].to_string())).0
}

fn job_id() -> JobId {
    JobId::new("04bb4a68ae39e95cce3dc3da35a53337").unwrap()
}

fn trigger_id() -> TriggerId {
    TriggerId::new("be2a5d541c474f1a9036c40eeea5711a").unwrap()
}

#[test]
fn four_versions_tell_of_their_jobs() {
    for version in VERSIONS {
        let jobs = real(version, "jobs-overview").jobs().unwrap();
        let job = &jobs[0];
        assert_eq!((job.name.as_str(), &job.state, job.ended_ms), ("state-job", &JobState::Running, None), "{version}");
        assert_eq!((job.tasks.total, job.tasks.running, job.tasks.failed), (4, 4, 0), "{version}");
        let job = real(version, "job").job(&job.id).unwrap().unwrap();
        let first = &job.vertices[0];
        assert_eq!(
            (first.name.as_str(), first.parallelism, first.status.as_str()),
            ("Source: src -> Map", 2, "RUNNING")
        );
    }
}

#[test]
fn four_versions_tell_of_their_checkpoints() {
    for (version, discarded) in [("1.15.4", None), ("1.18.1", None), ("1.20.5", Some(true)), ("2.3.0", Some(false))] {
        let told = real(version, "checkpoints").checkpoints(&job_id()).unwrap();
        let completed = told.completed.unwrap();
        assert!(told.counts.completed >= 1 && completed.triggered_ms.is_some(), "{version}");
        assert!(completed.external_path.unwrap().ends_with(&format!("/chk-{}", completed.id)), "{version}");
        assert!(discarded.is_none_or(|discarded| discarded == completed.discarded), "{version}");
        assert_eq!((told.savepoint, told.restored), (None, None));
        let restored = real(version, "resumed-checkpoints").checkpoints(&job_id()).unwrap().restored.unwrap();
        assert!(restored.is_savepoint && restored.external_path.unwrap().contains("/sp/savepoint-"), "{version}");
    }
    let bare = r#"{"counts":{"total":"NaN"},"latest":{"completed":{"id":1,"external_path":"<checkpoint-not-externally-addressable>"}}}"#;
    let completed = answering(http(200, bare)).0.checkpoints(&job_id()).unwrap().completed.unwrap();
    assert_eq!((completed.external_path, completed.discarded), (None, true), "what is not said is not there");
}

#[test]
fn versions_tell_what_failed_in_a_line() {
    for version in VERSIONS {
        assert_eq!(real(version, "exceptions").exceptions(&job_id(), 5).unwrap(), Failures::default(), "{version}");
    }
    for version in &VERSIONS[1..] {
        let failures = real(version, "failed-exceptions").exceptions(&job_id(), 5).unwrap();
        let lines: Vec<_> = failures.list.iter().map(|one| (one.cause.as_str(), one.count)).collect();
        assert_eq!(lines, [("java.lang.RuntimeException: boom", 1)], "{version}");
    }
    for version in &VERSIONS[2..] {
        let failures = real(version, "restarting-exceptions").exceptions(&job_id(), 5).unwrap();
        let [failure] = &failures.list[..] else { panic!("{failures:?}") };
        assert_eq!(failure.cause, "java.lang.RuntimeException: boom at 201", "{version}");
        assert_eq!(failure.step.as_deref(), Some("Source: src -> m"), "{version}");
    }
}

#[test]
fn what_became_of_a_savepoint_is_told_whatever_flink_calls_it() {
    for version in VERSIONS {
        let unknown = TriggerId::new("0".repeat(32)).unwrap();
        let id = &job_id();
        assert_eq!(real(version, "operation-unknown").operation(id, &unknown).unwrap(), Operation::Unknown);
        let done = real(version, "operation-done").operation(id, &unknown).unwrap();
        assert!(matches!(&done, Operation::Completed { location } if location.contains("/sp/savepoint-")), "{done:?}");
        let cause = "java.io.IOException: Failed to create savepoint directory at file:/proc/nope".to_owned();
        let failed = real(version, "operation-failed").operation(id, &unknown).unwrap();
        assert_eq!(failed, Operation::Failed { cause, saved: None }, "{version}");
    }
    let told = |body: &str| answering(http(200, body)).0.operation(&job_id(), &trigger_id());
    assert_eq!(told(r#"{"status":{"id":"IN_PROGRESS"},"operation":null}"#).unwrap(), Operation::InProgress);
    let stopping = r#"{"status":{"id":"COMPLETED"},"operation":{"failure-cause":{"class":"x","stack-trace":"x.StopWithSavepointStoppingException: A savepoint has been created at: hdfs:/sp/savepoint-1, but the corresponding job 04 failed during stopping.\n\tat y\nCaused by: z.Boom: b"}}}"#;
    let expected = Operation::Failed { cause: "z.Boom: b".into(), saved: Some("hdfs:/sp/savepoint-1".into()) };
    assert_eq!(told(stopping).unwrap(), expected);
    for odd in [r#"{"status":{"id":"COMPLETED"}}"#, r#"{"status":{"id":"COMPLETED"},"operation":{}}"#, "{}"] {
        assert!(matches!(told(odd), Err(Error::Answer { .. })), "{odd}");
    }
}

#[test]
fn a_savepoint_and_a_stop_are_asked_for_with_keys_of_their_own() {
    for version in VERSIONS {
        assert!(real(version, "savepoint").savepoint(&job_id(), &SavepointRequest::default()).is_ok(), "{version}");
        assert!(real(version, "stop").stop(&job_id(), &StopRequest::default()).is_ok(), "{version}");
        real(version, "cancel").cancel(&job_id()).unwrap();
    }
    let (manager, server) = answering(http(202, r#"{"request-id":"be2a5d541c474f1a9036c40eeea5711a"}"#));
    let (directory, own) = (Some("hdfs:///sp".to_owned()), Some(trigger_id()));
    let request = SavepointRequest { target_directory: directory.clone(), trigger_id: own.clone() };
    assert_eq!(manager.savepoint(&job_id(), &request).unwrap(), trigger_id());
    manager.stop(&job_id(), &StopRequest { target_directory: directory, drain: true, trigger_id: own }).unwrap();
    manager.stop(&job_id(), &StopRequest::default()).unwrap();
    manager.cancel(&job_id()).unwrap();
    let id = job_id();
    let expected = [
        format!(
            r#"POST /jobs/{id}/savepoints {{"cancel-job":false,"target-directory":"hdfs:///sp","triggerId":"{}"}}"#,
            trigger_id()
        ),
        format!(
            r#"POST /jobs/{id}/stop {{"drain":true,"targetDirectory":"hdfs:///sp","triggerId":"{}"}}"#,
            trigger_id()
        ),
        format!(r#"POST /jobs/{id}/stop {{"drain":false}}"#),
        format!("PATCH /jobs/{id}?mode=cancel"),
    ];
    assert_eq!(server.asked(), expected);
}

#[test]
fn a_job_that_is_not_known_is_told_from_a_server_that_is_none() {
    let unknown = JobId::new("0".repeat(32)).unwrap();
    for version in VERSIONS {
        assert_eq!(real(version, "unknown-job").job(&unknown).unwrap(), None, "{version}");
    }
    let no_page = format!(r#"{{"errors":["Unable to load requested file /jobs/{unknown}."]}}"#);
    for (status, body) in
        [(404, no_page.as_str()), (404, r#"{"errors":["File not found."]}"#), (404, ""), (302, ""), (200, "")]
    {
        assert!(answering(http(status, body)).0.job(&unknown).is_err(), "{body}");
    }
    let starts = r#"{"errors":["Service temporarily unavailable due to an ongoing leader election. Please refresh."]}"#;
    let error = answering(http(503, starts)).0.job(&unknown).unwrap_err();
    assert!(error.is_passing() && matches!(error, Error::NotReady { .. }), "{error}");
    let refused = answering(http(500, r#"{"errors":["a.B: c\n\tat x","d"]}"#)).0.cancel(&unknown).unwrap_err();
    assert!(
        refused.to_string().ends_with("cancel job 00000000000000000000000000000000: status 500: a.B: c; d"),
        "{refused}"
    );
}

#[test]
fn what_was_accepted_keeps_its_own_id_and_what_is_lost_is_told() {
    let broken = || answering(b"HTTP/1.1 202 x\r\ncontent-length: 100\r\n\r\n{".to_vec()).0;
    let own = StopRequest { trigger_id: Some(trigger_id()), ..StopRequest::default() };
    assert_eq!(broken().stop(&job_id(), &own).unwrap(), trigger_id());
    let error = broken().stop(&job_id(), &StopRequest::default()).unwrap_err();
    assert!(error.may_have_been_done(), "{error}");
    let (hangs_up, server) = answering(Vec::new());
    let error = hangs_up.stop(&job_id(), &own).unwrap_err();
    assert!(error.may_have_been_done() && server.count("POST") == 1, "{error}");
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let error = JobManager::new(&nobody.parse().unwrap(), SHORT).stop(&job_id(), &own).unwrap_err();
    assert!(matches!(&error, Error::Unreachable { .. }) && !error.may_have_been_done(), "{error}");
}

#[test]
fn the_fake_of_other_rooms_tests_answers_as_the_real_one() {
    let (id, trigger, unknown) = (job_id(), trigger_id(), JobId::new("0".repeat(32)).unwrap());
    let fake = Fake::start(&id);
    let manager = fake.client();
    assert_eq!(manager.jobs().unwrap()[0].state, JobState::Running);
    assert_eq!((manager.job(&id).unwrap().unwrap().vertices.len(), manager.job(&unknown).unwrap()), (1, None));
    assert_eq!(manager.checkpoints(&id).unwrap(), Checkpoints::default());
    assert_eq!(manager.exceptions(&id, 9).unwrap(), Failures::default());
    assert_eq!(manager.operation(&id, &trigger).unwrap(), Operation::Unknown);
    let request =
        StopRequest { target_directory: Some("hdfs:/sp".into()), trigger_id: Some(trigger.clone()), drain: false };
    fake.world().outcome = Outcome::Pending;
    fake.server.lose("POST", 1);
    assert!(manager.stop(&id, &request).unwrap_err().may_have_been_done());
    assert_eq!(manager.stop(&id, &request).unwrap(), trigger);
    assert_eq!(manager.operation(&id, &trigger).unwrap(), Operation::InProgress);
    fake.world().outcome = Outcome::Failing("a.B: c\nCaused by: d.E: f".into());
    assert!(matches!(manager.operation(&id, &trigger).unwrap(), Operation::Failed { cause, .. } if cause == "d.E: f"));
    fake.world().outcome = Outcome::Done;
    let location = Fake::place("hdfs:/sp", &trigger);
    assert_eq!(manager.operation(&id, &trigger).unwrap(), Operation::Completed { location });
    assert_eq!(manager.job(&id).unwrap().unwrap().state, JobState::Finished);
    let other = manager.savepoint(&unknown, &SavepointRequest::default()).unwrap();
    assert!(matches!(manager.operation(&unknown, &other).unwrap(), Operation::Failed { .. }));
    manager.cancel(&id).unwrap();
    assert!(matches!(manager.cancel(&unknown), Err(Error::Refused { status: 404, .. })));
}

#[test]
fn four_versions_tell_how_often_a_job_is_checkpointed() {
    for version in VERSIONS {
        assert_eq!(
            real(version, "checkpoints-config").checkpoint_interval(&job_id()).unwrap(),
            Some(2000),
            "{version}"
        );
    }
    let never = answering(http(200, &format!(r#"{{"interval":{}}}"#, i64::MAX))).0;
    assert_eq!(never.checkpoint_interval(&job_id()).unwrap(), None);
    let batch = answering(http(404, r#"{"errors":["Checkpointing is not enabled for this job (x)."]}"#)).0;
    assert_eq!(batch.checkpoint_interval(&job_id()).unwrap(), None);
}

#[test]
fn restarts_are_told_where_flink_has_counted_them() {
    let counted = answering(http(200, r#"[{"id":"numRestarts","value":"3"}]"#)).0;
    assert_eq!(counted.restarts(&job_id()).unwrap(), Some(3));
    assert_eq!(answering(http(200, "[]")).0.restarts(&job_id()).unwrap(), None);
}

#[test]
fn newer_versions_tell_how_long_a_step_was_held_up_and_what_time_it_is() {
    let held_up = |version| {
        let jid = capture(version, "measured-job")["response"]["jid"].as_str().unwrap().to_owned();
        let job = real(version, "measured-job").job(&JobId::new(jid).unwrap()).unwrap().unwrap();
        assert!(job.now_ms > job.started_ms);
        job.vertices[0].metrics.back_pressured_ms
    };
    assert_eq!(["1.15.4", "1.20.5", "2.3.0"].map(held_up), [None, Some(0), Some(0)]);
}
