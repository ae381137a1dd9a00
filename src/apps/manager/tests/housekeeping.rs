//! Housekeeping of a whole manager: what nobody needs goes and nothing else, whatever is ordered in the middle of it and
//! whatever becomes of any request.
//! What lies in the scripted HDFS is older than any age: nothing is safe here because it is young, unless a test says so.
//! Not here: the rules one by one (`housekeeping::tests`), and a real HDFS and YARN (`tests/trial.rs`).

use super::bed::{Bed, FILESYSTEM, TestClock, alice, application, is_running, is_stopped, key, told_of, word};
use super::wire::Answer;
use crate::housekeeping::Rules;
use crate::journal::Origin;
use crate::orders::Caller;
use crate::package::tests::{WORDCOUNT, with_a_folder, wordcount_as};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use systems::zookeeper;
use words::housekeeping::{Clean, Cleaning, Entry, Kind};
use words::ids::ApplicationId;
use words::names::{ApplicationName, PackageName};

pub(super) const CHECKPOINTS: &str = "/pnda/flink/checkpoints/alice/words/word-count";
pub(super) const DRY: Clean = Clean { dry_run: true };
pub(super) const NOW: Clean = Clean { dry_run: false };

pub(super) fn admin() -> Caller {
    Caller { name: word("root"), is_admin: true }
}

/// The job of an early run, of which nobody knows any more.
pub(super) fn former() -> String {
    format!("{CHECKPOINTS}/{}", "1".repeat(32))
}

pub(super) fn put(bed: &Bed, owner: &str, path: &str) {
    bed.direct(owner).write(path, "640", 3, &mut &b"abc"[..]).unwrap();
}

/// The application has stopped with a savepoint; of a run before it checkpoints, staged files and an archive were left.
pub(super) fn littered() -> Bed {
    let mut bed = Bed::new();
    let (manager, id) = bed.started();
    manager.stop(&application(), true, &alice()).unwrap();
    assert!(bed.settle(&manager, is_stopped));
    let left = ApplicationId::new("application_1796001168688_0777").unwrap();
    let ended = bed.yarn.world().applications[id.as_str()].clone();
    bed.yarn.world().applications.insert(left.to_string(), ended);
    put(&bed, "alice", &format!("/user/alice/.flink/{left}/0/config.yaml"));
    put(&bed, "alice", &format!("{}/chk-7/_metadata", former()));
    put(&bed, "alice", &format!("/pnda/flink/completed-jobs/{}", "2".repeat(32)));
    put(&bed, "pnda", &format!("/pnda/apps/journal/.{}", "3".repeat(32)));
    bed
}

pub(super) fn going(found: &Cleaning) -> Vec<&Entry> {
    found.entries.iter().filter(|one| one.goes).collect()
}

pub(super) fn paths(found: &Cleaning) -> BTreeSet<String> {
    going(found).into_iter().map(|one| one.path.clone()).collect()
}

fn why(found: &Cleaning, path: &str) -> String {
    let one = found.entries.iter().find(|one| one.path.starts_with(path));
    one.map(|one| format!("{}: {}", one.goes, one.why)).unwrap_or_else(|| panic!("{path}: {found:?}"))
}

pub(super) fn all(bed: &Bed) -> BTreeSet<String> {
    bed.hdfs.world.lock().unwrap().nodes.keys().cloned().collect()
}

pub(super) fn lies(bed: &Bed, path: &str) -> bool {
    bed.hdfs.world.lock().unwrap().nodes.contains_key(path)
}

#[test]
fn what_a_dry_run_lists_goes_and_nothing_else() {
    let bed = littered();
    let manager = bed.manager();
    manager.round();
    let (before, number) = (all(&bed), manager.state().unwrap().number);
    let dry = manager.clean(DRY, &admin()).unwrap();
    let kinds: Vec<Kind> = going(&dry).iter().map(|one| one.kind).collect();
    assert_eq!(kinds, [Kind::Staging, Kind::Checkpoints, Kind::Archive, Kind::Leftover], "{dry:?}");
    assert!(going(&dry).iter().all(|one| one.bytes == Some(3)), "{dry:?}");
    assert_eq!((all(&bed), manager.state().unwrap().number), (before.clone(), number), "a dry run changes nothing");
    assert_eq!(why(&dry, "/pnda/flink/2.3.0"), "false: this node is configured with it");

    let ordered = manager.clean(NOW, &admin()).unwrap();
    assert_eq!(paths(&ordered), paths(&dry));
    assert_eq!(ordered.under_way, 4);
    assert!(paths(&dry).iter().all(|path| lies(&bed, path)), "it is written down first");
    let twice = manager.clean(NOW, &admin()).unwrap();
    assert!(going(&twice).is_empty() && why(&twice, &former()).contains("being removed already"), "{twice:?}");
    manager.round();
    let gone: BTreeSet<String> = before.difference(&all(&bed)).cloned().collect();
    for path in paths(&dry) {
        assert!(!lies(&bed, &path), "{path}");
    }
    let beside = |path: &&String| !paths(&dry).iter().any(|going| path.starts_with(going.as_str()));
    // What HDFS has besides of this are records of the journal.
    assert_eq!(gone.iter().filter(beside).collect::<Vec<_>>(), [""; 0]);
    let history = manager.history(&application()).unwrap();
    let told: Vec<&str> = history.iter().rev().take(2).map(|event| event.what.as_str()).collect();
    assert!(told[1].contains(&former()) && told[1].contains("nobody needs this one"), "{told:?}");
    assert!(told[0].contains("1 in all") && history[history.len() - 2].by.as_str() == "root", "{history:?}");
    assert_eq!(manager.state().unwrap(), bed.journal());
    assert!(going(&manager.clean(DRY, &admin()).unwrap()).is_empty());
}

/// Files that a program of Python distributed, of which a part was written to lately; and a version that others took the place of.
#[test]
fn temporary_things_go_as_a_whole_and_packages_are_undeployed_with_the_reason() {
    let bed = Bed::new();
    let manager = bed.manager().cleaning(Rules { most_packages: 1, ..Rules::default() });
    manager.round();
    for (owner, path) in
        [("alice", "dc/plan/deep/a"), ("alice", "dc/young/deep/a"), ("bob", "b"), ("strange name", "c")]
    {
        put(&bed, owner, &format!("/pnda/flink/tmp/{path}"));
    }
    let now_ms = manager.clock.now_ms();
    bed.hdfs.world.lock().unwrap().nodes.get_mut("/pnda/flink/tmp/dc/young/deep/a").unwrap().modified = now_ms;
    let dry = manager.clean(DRY, &admin()).unwrap();
    let temporary: Vec<_> = going(&dry).into_iter().map(|one| (one.kind, &*one.path)).collect();
    let due = [(Kind::Temporary, "/pnda/flink/tmp/b"), (Kind::Temporary, "/pnda/flink/tmp/dc/plan")];
    assert_eq!(temporary.into_iter().collect::<BTreeSet<_>>(), due.into(), "{dry:?}");
    assert!(why(&dry, "/pnda/flink/tmp/dc/young").contains("not long enough ago"), "{dry:?}");
    manager.clean(NOW, &admin()).unwrap();
    // What is written into it meanwhile keeps it, however deep.
    let later = bed.hdfs.world.lock().unwrap().nodes.get_mut("/pnda/flink/tmp/dc/plan/deep/a").unwrap().modified + 1;
    bed.hdfs.world.lock().unwrap().nodes.get_mut("/pnda/flink/tmp/dc/plan/deep/a").unwrap().modified = later;
    manager.round();
    assert!(!lies(&bed, "/pnda/flink/tmp/b") && lies(&bed, "/pnda/flink/tmp/dc/plan/deep/a"));
    assert!(lies(&bed, "/pnda/flink/tmp/dc") && lies(&bed, "/pnda/flink/tmp/c"));

    // The application is made of the first of three.
    let name = |version: u32| PackageName::new(format!("wordcount-9.{version}.0")).unwrap();
    for version in [0, 1] {
        manager.receive(&name(version), &alice(), &*wordcount_as(name(version).as_str()), None).unwrap();
        manager.deploy(&name(version), &alice()).unwrap();
    }
    assert!(why(&manager.clean(NOW, &admin()).unwrap(), name(0).as_str()).contains("not long enough ago"));
    let clock = Arc::new(TestClock::by(3600));
    clock.ahead_ms.store(bed.ahead_ms + 100 * 86_400_000, Ordering::Relaxed);
    drop(manager);
    let manager = bed.manager_by(&clock).cleaning(Rules { most_packages: 1, ..Rules::default() });
    manager.round();
    let done = manager.clean(NOW, &admin()).unwrap();
    assert!(why(&done, name(0).as_str()).starts_with("true: "), "{done:?}");
    let packages: Vec<_> = manager.state().unwrap().packages.keys().map(ToString::to_string).collect();
    assert_eq!(packages, [WORDCOUNT, name(1).as_str()].map(str::to_owned));
    let told = manager.happened(None, |_| true).unwrap();
    let told: Vec<_> = told.events.iter().map(|event| event.what.as_str()).collect();
    assert!(told.iter().any(|what| what.contains("was undeployed by housekeeping: no application")), "{told:?}");
}

/// What a package alone says: no application sets it.
#[test]
fn a_folder_that_a_package_works_in_stays() {
    let bed = Bed::new();
    let manager = bed.manager();
    manager.round();
    let (package, name) = (PackageName::new("folders-1.0.0").unwrap(), ApplicationName::new("folders").unwrap());
    let bytes = with_a_folder(package.as_str(), "/pnda/flink/tmp/dc/of-${component_application}");
    manager.receive(&package, &alice(), &*bytes, None).unwrap();
    manager.deploy(&package, &alice()).unwrap();
    for owner in ["alice", "bob"] {
        put(&bed, owner, &format!("/pnda/flink/tmp/dc/{owner}/a"));
    }
    put(&bed, "bob", "/pnda/flink/tmp/dc/of-folders/a");
    assert_eq!(paths(&manager.clean(DRY, &admin()).unwrap()).len(), 3);
    manager.create(&name, &json!({ "package": package }), &alice()).unwrap();
    let dry = manager.clean(DRY, &admin()).unwrap();
    assert_eq!(why(&dry, "/pnda/flink/tmp/dc/of-folders"), "false: the properties of folders/program name it");
    assert_eq!(paths(&dry).len(), 2, "{dry:?}");
    // What it names is not seen any more.
    manager.repository().delete(&package).unwrap();
    let file = bed.direct("pnda").list("/pnda/apps/packages").unwrap().unwrap().remove(1).path_suffix;
    bed.direct("pnda").delete(&format!("/pnda/apps/packages/{file}")).unwrap();
    let dry = manager.clean(DRY, &admin()).unwrap();
    assert!(why(&dry, "/pnda/flink/tmp/dc/alice").contains("folders/program name is not seen"), "{dry:?}");
    assert!(why(&dry, "/pnda/flink/tmp/dc/bob").starts_with("true"), "{dry:?}");
}

/// Nodes of what is over go; of what runs, of what YARN does not know, and of what somebody holds they stay.
#[test]
fn nodes_of_zookeeper_go_when_yarn_says_that_it_is_over() {
    let (mut bed, zookeeper) = (Bed::new(), zookeeper::Fake::start());
    let file = bed.site.flinks.values().next().unwrap().configuration.clone();
    let text = std::fs::read_to_string(&file).unwrap();
    let folder = format!("{}/flink", zookeeper.address);
    let set = format!(
        "high-availability.type: zookeeper\nhigh-availability.zookeeper.quorum: {}\nhigh-availability.storageDir: {FILESYSTEM}/ha\n",
        zookeeper.address
    );
    std::fs::write(&file, text + &set).unwrap();
    let (manager, running) = bed.started();
    let ended = |number: u32| {
        let id = ApplicationId::new(format!("application_1796001168688_0{number}")).unwrap();
        let mut over = bed.yarn.world().applications[running.as_str()].clone();
        (over.state, over.final_status) = ("KILLED".into(), "KILLED".into());
        bed.yarn.world().applications.insert(id.to_string(), over);
        id
    };
    let (left, held) = (ended(777), ended(778));
    let reserved = "application_1796001168688_0555";
    for id in [running.as_str(), left.as_str(), held.as_str(), reserved, "by-hand"] {
        zookeeper.make(&format!("/flink/{id}/jobs/checkpoints"), 7, false);
    }
    zookeeper.make(&format!("/flink/{held}/leader/latch"), 7, true);
    let dry = manager.clean(DRY, &admin()).unwrap();
    assert_eq!(paths(&dry), [&left, &held].map(|id| format!("{folder}/{id}")).into(), "{dry:?}");
    for (id, expected) in
        [(running.as_str(), "runs"), (reserved, "may be about to be submitted"), ("by-hand", "not ours")]
    {
        assert!(why(&dry, &format!("{folder}/{id}")).contains(expected), "{dry:?}");
    }
    let all = zookeeper.paths();
    manager.clean(NOW, &admin()).unwrap();
    manager.round();
    let gone: Vec<String> = all.into_iter().filter(|path| !zookeeper.paths().contains(path)).collect();
    assert!(gone.len() == 3 && gone.iter().all(|path| path.contains(left.as_str())), "{gone:?}");
    let told = manager.happened(None, |_| true).unwrap().events;
    assert!(told.iter().any(|event| event.what.contains("a session that lives holds")), "{told:?}");
    assert!(manager.state().unwrap().cleanings.is_empty());
}

/// Its package is looked at, for it may name any state.
#[test]
fn an_application_that_never_ran_keeps_what_its_package_names_and_nothing_else() {
    let bed = littered();
    let manager = bed.manager();
    manager.round();
    let other = ApplicationName::new("other").unwrap();
    manager.create(&other, &json!({ "package": WORDCOUNT }), &alice()).unwrap();
    assert!(paths(&manager.clean(DRY, &admin()).unwrap()).contains(&former()));
    manager.delete(&other, &alice()).unwrap();
    manager.round();
    let from = format!("-s {FILESYSTEM}{}/chk-7", former());
    let set = json!({ "package": WORDCOUNT, "flink": { "word-count": { "flink_config_args": from } } });
    manager.create(&other, &set, &alice()).unwrap();
    let dry = manager.clean(DRY, &admin()).unwrap();
    assert!(why(&dry, &former()).starts_with("false: "), "{dry:?}");
}

#[test]
fn what_runs_starts_or_is_not_seen_keeps_everything() {
    let mut bed = littered();
    // Ordered, intended, submitted, running: at no point anything of its component goes.
    let manager = bed.manager();
    manager.round();
    manager.start(&application(), Origin::Newest, &alice()).unwrap();
    for _ in 0..4 {
        let dry = manager.clean(DRY, &admin()).unwrap();
        assert!(going(&dry).iter().all(|one| one.kind != Kind::Checkpoints), "{dry:?}");
        let why = why(&dry, &former());
        assert!(why.contains("it keeps everything") || why.contains("has saved nothing since it began"), "{dry:?}");
        let ours: Vec<String> = bed.journal().applications[&application()].components[&key().component]
            .live()
            .map(|run| format!("/user/alice/.flink/{}", run.id))
            .into_iter()
            .collect();
        assert!(!paths(&dry).iter().any(|path| ours.contains(path)), "{dry:?}");
        manager.round();
        bed.step();
    }
    assert!(told_of(&manager).is_some_and(|told| is_running(&told)));
    // Without YARN nothing that depends on it goes.
    manager.stop(&application(), true, &alice()).unwrap();
    assert!(bed.settle(&manager, is_stopped));
    bed.wire.plan().hidden.push(super::bed::YARN);
    let dry = manager.clean(DRY, &admin()).unwrap();
    assert!(going(&dry).iter().all(|one| !matches!(one.kind, Kind::Staging | Kind::HighAvailability)), "{dry:?}");
    assert!(dry.notes.iter().any(|note| note.contains("YARN")), "{dry:?}");
}

#[test]
fn what_yarn_does_not_know_is_about_to_be_submitted() {
    let bed = littered();
    let manager = bed.manager();
    manager.round();
    let reserved = "application_1796001168688_0555";
    put(&bed, "alice", &format!("/user/alice/.flink/{reserved}/0/config.yaml"));
    put(&bed, "bob", "/user/alice/.flink/by-hand/file");
    let dry = manager.clean(DRY, &admin()).unwrap();
    assert!(why(&dry, &format!("/user/alice/.flink/{reserved}")).contains("may be about to be submitted"), "{dry:?}");
    assert!(why(&dry, "/user/alice/.flink/by-hand").contains("not ours"), "{dry:?}");
    // Somebody else's: without this cluster's tag.
    let mut other = bed.yarn.world().applications["application_1796001168688_0777"].clone();
    let mut tagged = |tag: &str| {
        other.context["application-tags"]["tag"] = json!([tag]);
        bed.yarn.world().applications.insert(reserved.to_owned(), other.clone());
        let dry = manager.clean(DRY, &admin()).unwrap();
        why(&dry, &format!("/user/alice/.flink/{reserved}"))
    };
    for tag in ["pnda-elsewhere", "pnda-oozie-mine"] {
        assert!(tagged(tag).contains("another one than this cluster's"), "{tag}");
    }
    // What Oozie ran for one of ours.
    let why = tagged("pnda-oozie-0123456789abcdef0123456789abcdef");
    assert!(why.contains("no attempt follows"), "{why}");
}

#[test]
fn what_changed_since_it_was_decided_stays_and_is_told() {
    let bed = littered();
    let manager = bed.manager();
    manager.round();
    manager.clean(NOW, &admin()).unwrap();
    let later = 1 + bed.hdfs.world.lock().unwrap().nodes.values().map(|node| node.modified).max().unwrap();
    bed.hdfs.world.lock().unwrap().nodes.get_mut(&former()).unwrap().modified = later;
    manager.round();
    assert!(lies(&bed, &former()));
    let history = manager.history(&application()).unwrap();
    assert!(history.last().unwrap().what.contains("it has changed since"), "{history:?}");
    assert!(manager.state().unwrap().cleanings.is_empty());
}

#[test]
fn what_hdfs_refuses_for_the_moment_goes_later_and_what_it_refuses_for_good_stays() {
    let bed = littered();
    let manager = bed.manager();
    manager.round();
    manager.clean(NOW, &admin()).unwrap();
    let safe_mode = (403, "SafeModeException", "Cannot delete. Name node is in safe mode.");
    bed.wire.plan().answers = vec![Answer { to: "op=DELETE", acts: false, says: Some(safe_mode) }];
    manager.round();
    assert!(lies(&bed, &former()) && !manager.state().unwrap().cleanings.is_empty());
    let denied = (403, "AccessControlException", "Permission denied");
    bed.wire.plan().answers = vec![Answer { to: "completed-jobs", acts: false, says: Some(denied) }];
    manager.round();
    manager.round();
    assert!(!lies(&bed, &former()) && manager.state().unwrap().cleanings.is_empty());
    assert!(lies(&bed, &format!("/pnda/flink/completed-jobs/{}", "2".repeat(32))));
}
