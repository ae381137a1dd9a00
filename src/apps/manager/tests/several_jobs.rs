//! A program of several jobs, whose ids nobody knows before: the newest state of its last run is found by the clock of HDFS alone,
//! which is another one than the manager's.
//! Not here: programs of one job, whose folder is known.

use super::bed::{Bed, FILESYSTEM, alice, application, is_running, key, told_of};
use crate::journal::Origin;
use crate::manager::Manager;
use crate::package::tests::WORDCOUNT;
use crate::restore;
use serde_json::json;
use words::ids::ApplicationId;

/// Starts it; gives from which state.
fn start(bed: &mut Bed, manager: &Manager, origin: Origin) -> Option<String> {
    manager.start(&application(), origin, &alice()).unwrap();
    assert!(bed.settle(manager, is_running), "{:?}", told_of(manager));
    told_of(manager).unwrap().components.remove(0).restored_from
}

fn end(bed: &Bed, manager: &Manager) {
    let id = told_of(manager).unwrap().components.remove(0).yarn_id.unwrap();
    bed.yarn.set(&ApplicationId::new(id).unwrap(), "KILLED", "KILLED");
    manager.round();
}

/// The application is a program that may run several jobs.
fn batch() -> (Bed, Manager) {
    let bed = Bed::new();
    let manager = bed.manager();
    manager.round();
    manager.delete(&application(), &alice()).unwrap();
    manager.round();
    let overrides = json!({ "package": WORDCOUNT, "flink": { "word-count": { "flink_job_type": "batch" } } });
    manager.create(&application(), &overrides, &alice()).unwrap();
    (bed, manager)
}

/// A state of a job.
fn of(job: u32, number: u32) -> String {
    format!("{}/{job:032x}/chk-{number}", super::housekeeping::CHECKPOINTS)
}

#[test]
fn however_many_jobs_of_a_run_begin_a_state_the_newest_that_is_whole_is_found() {
    let (mut bed, manager) = batch();
    assert_eq!(start(&mut bed, &manager, Origin::Newest), None);
    bed.leave(&of(1, 1));
    for job in 2..40 {
        bed.direct("alice").make_folder(&of(job, 1), "700").unwrap();
    }
    end(&bed, &manager);
    assert_eq!(start(&mut bed, &manager, Origin::Newest), Some(format!("{FILESYSTEM}{}", of(1, 1))));
    end(&bed, &manager);
    assert_eq!(start(&mut bed, &manager, Origin::Empty), None);
    end(&bed, &manager);
    assert_eq!(start(&mut bed, &manager, Origin::Newest), None, "it was there before");
}

/// Its record is of an earlier release: there is the clock of the manager alone.
#[test]
fn where_two_clocks_would_be_compared_nothing_is_taken_that_may_be_of_another_run() {
    let (mut bed, manager) = batch();
    assert_eq!(start(&mut bed, &manager, Origin::Newest), None);
    bed.leave(&of(1, 1));
    end(&bed, &manager);
    let (hour, at_ms) = (3_600_000, 36_000_000);
    bed.hdfs.world.lock().unwrap().nodes.get_mut(&format!("{}/_metadata", of(1, 1))).unwrap().modified = at_ms;
    let of_run = |begun_ms: u64| {
        let mut component = bed.component();
        let run = component.run.as_mut().unwrap();
        (run.states_ms, run.at_ms) = (None, begun_ms);
        let (hdfs, owner) = (bed.direct("alice"), alice().name);
        restore::choose(&hdfs, &bed.site.cluster, (&owner, &key()), &component, (&Origin::Newest, None))
    };
    assert_eq!(of_run(at_ms - hour).unwrap(), Some(format!("{FILESYSTEM}{}", of(1, 1))));
    assert_eq!(of_run(at_ms + hour).unwrap(), None);
    for begun_ms in [at_ms - hour + 1, at_ms + hour - 1] {
        let refused = of_run(begun_ms).unwrap_err();
        assert!(refused.to_string().contains("name it or another state with --from") && !refused.is_passing());
    }
}

#[test]
fn what_a_run_of_several_jobs_left_is_told_from_what_was_there_before_by_one_clock() {
    let (mut bed, manager) = batch();
    assert_eq!(start(&mut bed, &manager, Origin::Newest), None);
    bed.leave(&of(1, 1));
    bed.leave(&of(2, 1));
    // The folder of a job may change after its states.
    bed.leave(&of(1, 2));
    bed.direct("alice").make_folder(&format!("{}/x", of(2, 1).replace("/chk-1", "")), "700").unwrap();
    end(&bed, &manager);
    let newest = Some(format!("{FILESYSTEM}{}", of(1, 2)));
    assert_eq!(start(&mut bed, &manager, Origin::Newest), newest);
    end(&bed, &manager);
    assert_eq!(start(&mut bed, &manager, Origin::Newest), newest, "it took none of its own");
    end(&bed, &manager);
    assert_eq!(start(&mut bed, &manager, Origin::Empty), None);
    end(&bed, &manager);
    assert_eq!(start(&mut bed, &manager, Origin::Newest), None, "what lies there is of runs before");
    bed.leave(&of(3, 1));
    end(&bed, &manager);
    assert_eq!(start(&mut bed, &manager, Origin::Newest), Some(format!("{FILESYSTEM}{}", of(3, 1))));
}
