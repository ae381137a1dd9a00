//! What stands against a start is told before anything is submitted: at the order, by a dry run, and again before the
//! submission of what was ordered when all was well.
//! Not here: each rule (`preflight::tests`).

use super::bed::{Bed, alice, application, is_running, told_of};
use super::wire::Answer;
use crate::journal::Origin;
use crate::manager::change::Change;
use crate::orders::{Caller, Refusal};
use crate::package::classes::tests::{classes, packed};
use crate::package::tests::program;
use std::path::Path;
use words::application::{Finding, Weight};
use words::change::Purpose;
use words::names::{ApplicationName, PackageName};

/// What a real ResourceManager gave.
pub(super) fn capture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../tests/fixtures/yarn/{name}.json"));
    let capture: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    capture["answer"].to_string()
}

/// Has YARN tell of its queues, and of its access lists.
pub(super) fn tell(bed: &Bed, scheduler: String) {
    let mut world = bed.yarn.world();
    world.answers.insert("/ws/v1/cluster/scheduler".into(), scheduler);
    world.answers.insert("/conf?name=yarn.acl.enable".into(), capture("conf-acl"));
}

fn places(findings: &[Finding]) -> Vec<&str> {
    let refusals = findings.iter().filter(|finding| finding.weight == Weight::Refusal);
    refusals.map(|finding| finding.place.as_str()).collect()
}

/// The queue `default` with a limit that neither container of the bed keeps to, and stopped.
fn hostile() -> String {
    let text = capture("scheduler-labels").replace(r#""memory":2048"#, r#""memory":300"#);
    text.replacen(r#""state":"RUNNING""#, r#""state":"STOPPED""#, 1)
}

/// A running job replaces its checkpoints all the time, and what follows it begins from a later state.
#[test]
fn a_checkpoint_that_is_replaced_meanwhile_stands_not_against_a_restart() {
    let mut bed = Bed::new();
    let (manager, _) = bed.started();
    assert!(bed.settle(&manager, is_running));
    let job = told_of(&manager).unwrap().components[0].job_id.clone().unwrap();
    bed.leave(&format!("/pnda/flink/checkpoints/alice/words/word-count/{job}/chk-3"));
    let gone = Some((404, "FileNotFoundException", "it was there a moment ago"));
    let of_check = Answer { to: "chk-3/_metadata?op=CHECKACCESS", acts: false, says: gone };
    bed.wire.plan().answers = vec![of_check];
    let dry = manager.plan(&application(), &Change::to(Purpose::Restart), &alice()).unwrap();
    assert_eq!(places(&dry.findings), [""; 0], "{:?}", dry.findings);
}

#[test]
fn everything_that_stands_against_a_start_is_told_at_once_and_nothing_is_written() {
    let bed = Bed::new();
    let manager = bed.manager();
    manager.round();
    tell(&bed, hostile());
    for folder in ["/user", "/pnda/flink/checkpoints", "/pnda/flink/savepoints"] {
        bed.hdfs.client().delete(folder).unwrap();
    }
    bed.hdfs.world.lock().unwrap().barred = vec!["alice /".into(), "alice /pnda/flink".into()];
    let before = (bed.journal(), bed.hdfs.listing());
    bed.yarn.server.asked();

    let dry = manager.dry_run(&application(), &Origin::Newest, &alice()).unwrap();
    let expected = [
        "/pnda/flink/checkpoints/alice/words/word-count",
        "/pnda/flink/savepoints/alice/words/word-count",
        "/user/alice",
        "jobmanager.memory.process.size",
        "queue root.default",
        "taskmanager.memory.process.size",
    ];
    assert_eq!(places(&dry.findings), expected, "{:#?}", dry.findings);
    assert!(dry.is_refused() && dry.components.len() == 1);
    let explained = manager.explain(&application()).unwrap();
    assert_eq!(places(&explained[0].findings), expected);

    let refused = manager.start_if_ready(&application(), Origin::Newest, &alice());
    let Err(Refusal::Invalid(why)) = refused else { panic!("{refused:?}") };
    assert!(expected.iter().all(|place| why.contains(place)), "{why}");
    assert_eq!((bed.journal(), bed.hdfs.listing()), before);
    let asked = bed.yarn.server.asked();
    assert!(asked.iter().all(|line| line.starts_with("GET ")), "{asked:?}");
}

#[test]
fn a_dry_run_of_what_may_start_names_what_would_be_submitted_and_changes_nothing() {
    let bed = Bed::new();
    let manager = bed.manager();
    manager.round();
    tell(&bed, capture("scheduler-labels"));
    let before = (bed.journal(), bed.hdfs.listing());
    let dry = manager.dry_run(&application(), &Origin::Empty, &alice()).unwrap();
    assert!(!dry.is_refused() && dry.components[0].main_class.contains("WordCount"), "{dry:?}");
    assert_eq!((bed.journal(), bed.hdfs.listing()), before);
    let gone = manager.dry_run(&application(), &Origin::Path("/nowhere/chk-1".into()), &alice()).unwrap();
    assert!(gone.is_refused() && gone.findings[0].what.contains("/nowhere/chk-1"), "{:?}", gone.findings);
    let bob = Caller { name: super::bed::word("bob"), is_admin: false };
    assert!(matches!(manager.dry_run(&application(), &Origin::Newest, &bob), Err(Refusal::Forbidden(_))));
}

#[test]
fn a_queue_that_stops_after_the_order_ends_the_start_without_a_submission() {
    let bed = Bed::new();
    let manager = bed.manager();
    manager.round();
    tell(&bed, capture("scheduler-labels"));
    manager.start_if_ready(&application(), Origin::Newest, &alice()).unwrap();
    tell(&bed, hostile());
    manager.round();
    manager.round();
    let told = told_of(&manager).unwrap();
    assert!(bed.submitted().is_empty() && bed.yarn.world().applications.is_empty());
    assert!(format!("{told:?}").contains("STOPPED"), "{told:?}");
    assert!(bed.component().live().is_none());
}

/// A package with this program of the fixtures, whose classes begin so.
fn received(bed: &Bed, manager: &crate::manager::Manager, name: &str, main: &str) -> PackageName {
    let lib = bed.folder.path().join("flink-2.3.0/lib");
    std::fs::create_dir_all(&lib).unwrap();
    std::fs::write(lib.join("flink-dist-2.3.0.jar"), packed(&classes("new", &[""]))).unwrap();
    let jar = packed(&classes("job", &[&main.replace('.', "/")]));
    let package = PackageName::new(name).unwrap();
    manager.receive(&package, &alice(), &*program(name, main, &jar), None).unwrap();
    package
}

#[test]
fn a_package_that_no_release_here_can_run_is_not_deployed() {
    let bed = Bed::new();
    let manager = bed.manager();
    manager.round();
    let gone = received(&bed, &manager, "gone-1.0.0", "com.example.Gone");
    let refused = manager.deploy_if_right(&gone, &alice());
    let Err(Refusal::Invalid(why)) = refused else { panic!("{refused:?}") };
    assert!(why.contains("Flink 2.3.0: flink/program/job.jar") && why.contains("ParameterTool"), "{why}");
    assert!(manager.refused(&gone).is_some_and(|why| why.contains("ParameterTool")));
    assert!(!bed.journal().packages.contains_key(&gone));

    let good = received(&bed, &manager, "good-1.0.0", "com.example.Good");
    assert_eq!(manager.deploy_if_right(&good, &alice()).unwrap(), []);
    assert!(matches!(manager.deploy_if_right(&good, &alice()), Err(Refusal::Conflict(_))));
}

#[test]
fn a_class_that_the_release_lacks_refuses_the_start_too() {
    let bed = Bed::new();
    let manager = bed.manager();
    manager.round();
    // Deployed when nobody looked.
    let gone = received(&bed, &manager, "gone-1.0.0", "com.example.Gone");
    manager.deploy(&gone, &alice()).unwrap();
    let name = ApplicationName::new("late").unwrap();
    manager.create(&name, &serde_json::json!({ "package": gone }), &alice()).unwrap();
    let refused = manager.start_if_ready(&name, Origin::Newest, &alice());
    assert!(matches!(&refused, Err(Refusal::Invalid(why)) if why.contains("ParameterTool")), "{refused:?}");

    // Where no distribution is on the node, it is said that nobody looked.
    std::fs::remove_dir_all(bed.folder.path().join("flink-2.3.0")).unwrap();
    let dry = bed.manager();
    dry.round();
    let dry = dry.dry_run(&name, &Origin::Newest, &alice()).unwrap();
    assert!(dry.findings.iter().any(|one| one.what.contains("its classes were not looked at")), "{dry:?}");
    assert!(!dry.is_refused());
}
