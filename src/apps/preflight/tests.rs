//! Each rule by itself, over queues as real ResourceManagers told them.
//! What is refused is what a real one refused or failed.
//! Not here: asking for the facts.

use super::*;
use std::path::Path;
use systems::yarn::Fake;
use words::application::Weight;

fn scheduler(name: &str) -> Scheduler {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../tests/fixtures/yarn/{name}.json"));
    let capture: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let yarn = Fake::start();
    yarn.world().answers.insert("/ws/v1/cluster/scheduler".to_owned(), capture["answer"].to_string());
    yarn.client().scheduler().unwrap()
}

fn facts(name: &str) -> Facts {
    Facts { scheduler: Some(scheduler(name)), has_access_lists: Some(true), ..Facts::default() }
}

fn alice() -> Word {
    Word::new("alice").unwrap()
}

fn wanted<'a>(owner: &'a Word, queue: Option<&'a str>) -> Wanted<'a> {
    let small = Most { memory_mb: 1024, cores: 1 };
    Wanted { owner, queue, job_manager: small, task_manager: small, labels: Vec::new(), priority: 0, restore: None }
}

/// Weight, place and the beginning of what is found.
fn told(wanted: &Wanted<'_>, facts: &Facts) -> Vec<String> {
    judge(wanted, facts)
        .iter()
        .map(|finding| format!("{}: {}: {}", finding.weight, finding.place, finding.what))
        .collect()
}

fn says(wanted: &Wanted<'_>, facts: &Facts, expected: &[&str]) {
    let told = told(wanted, facts);
    let fits = told.len() == expected.len() && told.iter().zip(expected).all(|(told, one)| told.starts_with(one));
    assert!(fits, "{told:#?}");
}

#[test]
fn a_queue_that_yarn_would_fail_it_in_is_refused() {
    let (owner, open) = (alice(), facts("scheduler-labels"));
    let open = Facts { may_submit: Some(true), ..open };
    says(&wanted(&owner, Some("open")), &open, &[]);
    says(&wanted(&owner, Some("root.open")), &open, &[]);
    says(&wanted(&owner, Some("nosuch")), &open, &["refusal: queue nosuch: YARN has no such queue"]);
    says(&wanted(&owner, Some("Open")), &open, &["refusal: queue Open: YARN has no such queue"]);
    says(
        &wanted(&owner, Some("root.users")),
        &open,
        &["refusal: queue root.users: applications run in queues that have none"],
    );
    says(&wanted(&owner, Some("stopped")), &open, &["refusal: queue root.stopped: root.stopped is STOPPED"]);
    let remedy = &judge(&wanted(&owner, Some("nosuch")), &open)[0].remedy;
    assert!(remedy.contains("root.default") && remedy.contains("root.users.a"), "{remedy}");
}

#[test]
fn the_fair_scheduler_makes_queues_unless_it_may_not() {
    let (owner, fair) = (alice(), facts("scheduler-fair"));
    says(&wanted(&owner, Some("nosuch")), &fair, &[]);
    says(
        &wanted(&owner, Some("root.dev")),
        &fair,
        &["refusal: queue root.dev: applications run in queues that have none"],
    );
    let strict = Facts { makes_queues: Some(false), ..fair };
    says(
        &wanted(&owner, Some("nosuch")),
        &strict,
        &["warning: queue nosuch: YARN has no such queue, and takes its default"],
    );
    says(&wanted(&owner, None), &strict, &[]);
}

#[test]
fn who_may_use_a_queue_is_yarns_word_or_else_its_lists() {
    let (owner, lists) = (alice(), facts("scheduler-capacity"));
    let refused: &[&str] = &["refusal: queue root.applications.dev: alice may not use it: YARN gives it to `dev,prod`"];
    let of =
        |groups: &[&str]| Facts { groups: Some(groups.iter().map(|one| (*one).to_owned()).collect()), ..lists.clone() };
    says(&wanted(&owner, Some("dev")), &of(&["users"]), refused);
    says(&wanted(&owner, Some("dev")), &of(&["users", "prod"]), &[]);
    says(&wanted(&owner, Some("dev")), &Facts { may_submit: Some(false), ..of(&["dev"]) }, refused);
    says(&wanted(&owner, Some("dev")), &Facts { may_submit: Some(true), ..of(&[]) }, &[]);
    // Nobody knows his groups, and nobody says that lists are asked.
    says(&wanted(&owner, Some("dev")), &lists, &[]);
    says(&wanted(&owner, Some("dev")), &Facts { has_access_lists: None, ..of(&[]) }, &[]);
    let root = Word::new("root").unwrap();
    says(&wanted(&root, Some("default")), &of(&[]), &[]);
    let off = Facts { has_access_lists: Some(false), ..of(&[]) };
    says(&wanted(&owner, Some("dev")), &off, &["warning: yarn.acl.enable: YARN's access lists are off"]);
}

#[test]
fn containers_that_the_queue_does_not_give_are_refused_all_at_once() {
    let (owner, facts) = (alice(), Facts { may_submit: Some(true), ..facts("scheduler-labels") });
    let size = |memory_mb, cores| Most { memory_mb, cores };
    let of = |queue, job_manager, task_manager| Wanted { job_manager, task_manager, ..wanted(&owner, Some(queue)) };
    says(&of("default", size(2048, 4), size(2048, 4)), &facts, &[]);
    // The same sizes in a queue without a limit of its own.
    says(&of("open", size(8192, 4), size(3000, 1)), &facts, &[]);
    says(
        &of("default", size(2049, 1), size(3000, 5)),
        &facts,
        &[
            "refusal: jobmanager.memory.process.size: a JobManager asks for 2049 MB, and the largest container of root.default has 2048",
            "refusal: taskmanager.memory.process.size: a TaskManager asks for 3000 MB",
            "refusal: yarn.containers.vcores: a TaskManager asks for 5 cores, and the largest container of root.default has 4",
        ],
    );
}

#[test]
fn labels_and_priorities_are_held_against_what_there_is() {
    let (owner, facts) = (alice(), facts("scheduler-labels"));
    let facts = Facts { may_submit: Some(true), labels: Some(vec!["gpu".to_owned()]), most_priority: Some(5), ..facts };
    let key = "yarn.application.node-label";
    let labelled = |queue, label| Wanted { labels: vec![(key, label)], ..wanted(&owner, Some(queue)) };
    says(&labelled("gpu", "gpu"), &facts, &[]);
    says(&labelled("gpu", "fast"), &facts, &[&format!("refusal: {key}: no node has the label fast")]);
    let none = Facts { labels: Some(Vec::new()), ..facts.clone() };
    says(&labelled("gpu", "gpu"), &none, &[&format!("refusal: {key}: no node has the label gpu")]);
    let both = Facts { labels: Some(vec!["gpu".to_owned(), "fast".to_owned()]), ..facts.clone() };
    says(&labelled("gpu", "fast"), &both, &[&format!("refusal: {key}: the queue root.gpu does not reach")]);
    let urgent = Wanted { priority: 7, ..wanted(&owner, Some("open")) };
    says(&urgent, &facts, &["warning: yarn.application.priority: the priority 7 is more than the cluster has"]);
    says(&Wanted { priority: 5, ..urgent }, &facts, &[]);
}

#[test]
fn a_full_cluster_is_a_warning_and_never_a_refusal() {
    let owner = alice();
    let nodes = |text: &str| Facts { nodes: Some(serde_json::from_str(text).unwrap()), ..Facts::default() };
    let told = |text: &str| {
        let findings = judge(&wanted(&owner, Some("default")), &nodes(text));
        assert!(findings.iter().all(|finding| finding.weight == Weight::Warning), "{findings:?}");
        findings.into_iter().map(|finding| finding.what).collect::<Vec<_>>().join("\n")
    };
    assert!(told("[]").starts_with("no node of YARN runs"));
    assert!(told(r#"[{"state":"LOST","availMemoryMB":9000}]"#).starts_with("no node of YARN runs"));
    assert!(told(r#"[{"state":"RUNNING","usedMemoryMB":9000,"availMemoryMB":1000}]"#).contains("2048 MB at least"));
    assert!(
        told(r#"[{"state":"RUNNING","usedMemoryMB":0,"availMemoryMB":1000}]"#)
            .contains("no node that runs has 1024 MB")
    );
    assert_eq!(told(r#"[{"state":"RUNNING","availMemoryMB":9000}]"#), "");
}

#[test]
fn what_the_owner_may_not_do_in_hdfs_is_refused() {
    let owner = alice();
    let state = Wanted { restore: Some("hdfs://nn:8020/s/chk-3"), ..wanted(&owner, None) };
    let folder = |right| vec![("/pnda/flink/checkpoints/alice/a/b".to_owned(), right)];
    let with = |home, right, restore| Facts { home: Some(home), folders: folder(right), restore, ..Facts::default() };
    use Right::{Denied, Granted, Missing};
    says(&state, &with(Granted, Granted, Some(Granted)), &[]);
    says(&state, &with(Granted, Granted, None), &[]);
    says(
        &state,
        &with(Missing, Denied, Some(Denied)),
        &[
            "refusal: /pnda/flink/checkpoints/alice/a/b: alice may not write there",
            "refusal: /user/alice: it is not in HDFS, and alice may not make it",
            "refusal: hdfs://nn:8020/s/chk-3: alice may not read this state",
        ],
    );
    says(&state, &with(Denied, Granted, None), &["refusal: /user/alice: alice may not write into his own home"]);
}

#[test]
fn what_nobody_told_refuses_nothing() {
    let owner = alice();
    let most = Most { memory_mb: u64::MAX, cores: u64::MAX };
    let all = Wanted {
        job_manager: most,
        labels: vec![("yarn.application.node-label", "x")],
        priority: 9,
        restore: Some("hdfs:///x"),
        ..wanted(&owner, Some("nosuch"))
    };
    says(&all, &Facts::default(), &[]);
}
