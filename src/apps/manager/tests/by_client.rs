//! Submissions by Flink's own client, which chooses the id: the manager dies or the client gives up at each point, and nothing
//! runs twice; where nobody can tell, nothing is tried again.
//! Not here: the real client, which `tests/trial` starts.

use super::bed::{Bed, TestClock, alice, application, is_running, is_stopped, told_of};
use super::faults::{FAULTS, each};
use super::wire::Wire;
use crate::client::{Launch, Runner};
use crate::journal::Origin;
use crate::manager::Manager;
use serde_json::json;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use systems::hadoop::User;
use systems::{webhdfs, yarn};
use words::application::{Phase, State};

/// What the client does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Does {
    /// It submits.
    Submits,
    /// It gives up before it has an id.
    GivesUp,
    /// YARN refuses its application.
    IsRefused,
    /// Its request is still under way when it is killed.
    IsCut,
}

/// In the place of the client.
struct Script {
    yarn: yarn::Fake,
    hdfs: webhdfs::Fake,
    /// With it the manager dies, where it is to.
    wire: Wire,
    does: Mutex<Does>,
    dies: AtomicBool,
    starts: AtomicUsize,
}

/// A cluster with the servers that the script speaks to.
fn bed(does: Does) -> (Bed, Arc<Script>) {
    let bed = Bed::new();
    let (yarn, hdfs, wire) = (bed.yarn.clone(), bed.hdfs.clone(), bed.wire.clone());
    let script = Arc::new(Script { yarn, hdfs, wire, does: does.into(), dies: false.into(), starts: 0.into() });
    (bed.into_by_client(script.clone()), script)
}

impl Runner for Script {
    fn run(&self, launch: Launch, _: &mut dyn FnMut() -> bool) -> io::Result<()> {
        let number = self.starts.fetch_add(1, Ordering::Relaxed) + 1;
        self.wire.plan().is_dead = self.dies.load(Ordering::Relaxed);
        let does = *self.does.lock().unwrap();
        let log = launch.folder.join("client.log");
        let gives_up = "ERROR x - Error while running the command.\nCaused by: java.io.IOException: no such queue\n";
        if does == Does::GivesUp {
            return std::fs::write(log, gives_up);
        }
        let words = std::fs::read_to_string(launch.folder.join("words"))?;
        assert!(
            words.contains("\"-c\"\n\"example.WordCountStream\"") && words.contains("\"--windowtime\"\n"),
            "{words}"
        );
        let jar = launch.folder.join("home/usrlib/wordcount.jar");
        assert!(jar.is_file() && launch.folder.join("conf/log4j.properties").is_file());
        let file = std::fs::read_to_string(launch.folder.join("conf/config.yaml"))?;
        let value = |key: &str| {
            let line = file.lines().find_map(|line| line.strip_prefix(&format!("\"{key}\": ")));
            line.map(|line| serde_json::from_str::<String>(line).unwrap())
        };
        let id = format!("application_7_{number:04}");
        let more = if does == Does::IsRefused { gives_up } else { "" };
        std::fs::write(log, format!("INFO y - Submitting application master {id}\n{more}"))?;
        if does != Does::Submits {
            return Ok(());
        }
        let folder = format!("/user/alice/.flink/{id}/conf");
        let hdfs = self.hdfs.client().as_user(&User::simple("alice"));
        hdfs.write(&format!("{folder}/config.yaml"), "600", file.len() as u64, &mut file.as_bytes()).unwrap();
        let tags: Vec<String> = value("yarn.tags").unwrap().split(',').map(str::to_owned).collect();
        let context = json!({
            "application-name": value("yarn.application.name"), "application-type": "Apache Flink",
            "application-tags": { "tag": tags }, "files": format!("{folder}/config.yaml"),
        });
        let submitted = yarn::Submitted {
            user: "alice".into(),
            context,
            state: "ACCEPTED".into(),
            final_status: "UNDEFINED".into(),
            ..yarn::Submitted::default()
        };
        self.yarn.world().applications.insert(id, submitted);
        Ok(())
    }
}

impl Script {
    fn starts(&self) -> usize {
        self.starts.load(Ordering::Relaxed)
    }
}

fn start(manager: &Manager) {
    manager.round();
    manager.start(&application(), Origin::Newest, &alice()).unwrap();
}

#[test]
fn what_the_client_submits_is_found_by_its_tag_and_stopped_and_started_again_like_any_other() {
    let (mut bed, script) = bed(Does::Submits);
    let (manager, id) = bed.started();
    assert_eq!((script.starts(), id.as_str()), (1, "application_7_0001"));
    let run = bed.component().run.unwrap();
    assert!(run.accepted && run.tag.is_some() && bed.component().attempt.is_none());
    assert_eq!(bed.set_for(&id, "high-availability.cluster-id"), None, "the client names it");
    manager.stop(&application(), true, &alice()).unwrap();
    assert!(bed.settle(&manager, is_stopped), "{:?}", told_of(&manager));
    drop(manager);
    let (_, next) = bed.started();
    assert_eq!((script.starts(), next.as_str()), (2, "application_7_0002"));
    let clients = std::fs::read_dir(bed.folder.path().join("apps/clients")).unwrap().count();
    assert_eq!(clients, 0, "no files stay on the node");
}

#[test]
fn a_client_that_gives_up_is_told_with_its_cause_and_nothing_is_occupied() {
    let (bed, script) = bed(Does::GivesUp);
    let manager = bed.manager();
    start(&manager);
    manager.round();
    let told = told_of(&manager).unwrap();
    let information = told.information.clone().unwrap_or_default();
    assert!(information.contains("Flink's client: java.io.IOException: no such queue"), "{told:?}");
    assert!(is_stopped(&told) && script.starts() == 1 && bed.yarn.world().applications.is_empty(), "{told:?}");
}

#[test]
fn an_id_that_yarn_does_not_have_is_occupied_before_anything_else_may_run() {
    for (does, says) in [(Does::IsRefused, "no such queue"), (Does::IsCut, "Flink's client: ")] {
        let (mut bed, script) = bed(does);
        let manager = bed.manager();
        start(&manager);
        assert!(bed.settle(&manager, is_stopped), "{does:?}: {:?}", told_of(&manager));
        let told = told_of(&manager).unwrap();
        assert!(told.information.as_ref().is_some_and(|why| why.contains(says)), "{does:?}: {told:?}");
        let world: Vec<String> = bed.yarn.world().applications.keys().cloned().collect();
        assert_eq!((script.starts(), world), (1, vec!["application_7_0001".to_owned()]), "{does:?}");
        assert!(bed.is_placeholder(&bed.component().run.unwrap().id), "{does:?}: a late request comes too late");
        drop(manager);
        *script.does.lock().unwrap() = Does::Submits;
        let (_, next) = bed.started();
        assert_eq!(next.as_str(), "application_7_0002");
    }
}

/// The manager dies while its client runs.
fn dies(bed: &Bed, script: &Script) {
    script.dies.store(true, Ordering::Relaxed);
    let manager = bed.manager();
    start(&manager);
    manager.round();
    drop(manager);
    script.dies.store(false, Ordering::Relaxed);
    bed.wire.revive();
    assert!(bed.component().attempt.is_some_and(|attempt| attempt.begun.is_some()));
}

#[test]
fn another_node_finds_what_was_submitted_by_its_tag() {
    let (mut bed, script) = bed(Does::Submits);
    dies(&bed, &script);
    let other = bed.manager_elsewhere();
    assert!(bed.settle(&other, is_running), "{:?}", told_of(&other));
    assert_eq!((script.starts(), bed.yarn.world().applications.len()), (1, 1));
}

#[test]
fn where_nobody_can_tell_nothing_is_tried_again_until_a_person_has_made_sure() {
    let (bed, script) = bed(Does::GivesUp);
    dies(&bed, &script);
    let clock = Arc::new(TestClock::by(3600));
    let other = bed.manager_elsewhere_by(&clock);
    (0..3).for_each(|_| other.round());
    let told = told_of(&other).unwrap();
    assert_eq!(told.components[0].state, State::Unknown, "{told:?}");
    assert!(told.components[0].reason.contains("a stop without a savepoint ends the doubt"), "{told:?}");
    other.stop(&application(), true, &alice()).unwrap();
    other.round();
    assert_eq!(told_of(&other).unwrap().components[0].state, State::Unknown);
    other.stop(&application(), false, &alice()).unwrap();
    other.round();
    assert_eq!(told_of(&other).unwrap().components[0].state, State::Unknown, "its client may still run there");
    clock.ahead_ms.store(11 * 60_000, Ordering::Relaxed);
    other.round();
    assert!(is_stopped(&told_of(&other).unwrap()), "{:?}", told_of(&other));
    assert_eq!(script.starts(), 1, "never a second try by itself");
    // The node itself knows better: its client has ended, and had no id.
    let (bed, script) = self::bed(Does::GivesUp);
    dies(&bed, &script);
    let manager = bed.manager();
    (0..2).for_each(|_| manager.round());
    assert!(is_stopped(&told_of(&manager).unwrap()), "{:?}", told_of(&manager));
}

#[test]
fn where_the_order_goes_on_the_client_is_tried_again_after_growing_pauses() {
    for does in [Does::GivesUp, Does::IsRefused] {
        let (mut bed, script) = bed(Does::Submits);
        let clock = Arc::new(TestClock::by(3600));
        let manager = bed.manager_by(&clock);
        start(&manager);
        assert!(bed.settle(&manager, is_running));
        *script.does.lock().unwrap() = does;
        let id = bed.component().run.unwrap().id;
        bed.yarn.set(&id, "FAILED", "FAILED");
        let mut starts = Vec::new();
        for _ in 0..40 {
            clock.ahead_ms.fetch_add(5_000, Ordering::Relaxed);
            for _ in 0..3 {
                manager.round();
                bed.step();
            }
            starts.push(script.starts());
        }
        let last = *starts.last().unwrap();
        assert!((3..=9).contains(&last), "{does:?}: in 200 s, with pauses: {starts:?}");
        let told = told_of(&manager).unwrap();
        let reason = &told.components[0].reason;
        assert!(told.status != Phase::Created && reason.contains("no such queue"), "{does:?}: {told:?}");
        *script.does.lock().unwrap() = Does::Submits;
        clock.ahead_ms.fetch_add(10 * 60_000, Ordering::Relaxed);
        assert!(bed.settle(&manager, is_running), "{does:?}: {:?}", told_of(&manager));
    }
}

#[test]
fn somebody_elses_application_with_the_tag_is_left_alone() {
    let (bed, script) = bed(Does::GivesUp);
    dies(&bed, &script);
    let tag = bed.component().attempt.unwrap().tag;
    let context = json!({ "application-tags": { "tag": [tag] } });
    let (user, state) = ("mallory".to_owned(), "RUNNING".to_owned());
    let foreign = yarn::Submitted { user, context, state, ..yarn::Submitted::default() };
    bed.yarn.world().applications.insert("application_7_0666".into(), foreign);
    let manager = bed.manager_elsewhere();
    (0..3).for_each(|_| manager.round());
    assert_eq!(told_of(&manager).unwrap().components[0].state, State::Unknown);
    assert_eq!(bed.yarn.world().applications["application_7_0666"].state, "RUNNING");
}

#[test]
fn a_start_by_the_client_runs_once_whatever_becomes_of_any_request() {
    let (mut bed, script) = bed(Does::Submits);
    let fresh = bed.hdfs.world.lock().unwrap().nodes.clone();
    // Who goes on is another manager: what this one would do itself is what a native start does.
    let kills: Vec<_> = FAULTS.into_iter().filter(|(_, kills)| *kills).collect();
    let points = each(&kills, |point| {
        bed.take_back(&fresh);
        bed.yarn.world().applications.clear();
        let _ = std::fs::remove_dir_all(bed.folder.path().join("apps/clients"));
        let before = script.starts();
        let order = |manager: &Manager| manager.start(&application(), Origin::Newest, &alice());
        let (manager, hit) = bed.suffer(point, order, is_running);
        let told = told_of(&manager);
        assert!(told.as_ref().is_some_and(is_running), "{point:?}: {told:?}");
        assert_eq!(script.starts() - before, 1, "{point:?}");
        let id = told.unwrap().components[0].yarn_id.clone().unwrap();
        assert_eq!(bed.yarn.world().applications.keys().collect::<Vec<_>>(), [&id], "{point:?}");
        assert_eq!(manager.state().unwrap(), bed.journal(), "{point:?}");
        hit
    });
    println!("points of a start by the client: {points:?}, {} in all", points.iter().sum::<usize>());
    assert!(points.iter().all(|count| *count > 20), "{points:?}");
}
