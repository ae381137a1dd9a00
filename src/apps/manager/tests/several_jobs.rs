//! A program of several jobs, whose ids nobody knows before: the newest state of its last run is found by the clock of HDFS alone,
//! which is another one than the manager's.
//! Not here: programs of one job, whose folder is known.

use super::bed::{Bed, FILESYSTEM, alice, application, is_running, told_of};
use crate::journal::Origin;
use crate::manager::Manager;
use crate::package::tests::WORDCOUNT;
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

#[test]
fn what_a_run_of_several_jobs_left_is_told_from_what_was_there_before_by_one_clock() {
    let mut bed = Bed::new();
    let manager = bed.manager();
    manager.round();
    manager.delete(&application(), &alice()).unwrap();
    manager.round();
    let overrides = json!({ "package": WORDCOUNT, "flink": { "word-count": { "flink_job_type": "batch" } } });
    manager.create(&application(), &overrides, &alice()).unwrap();
    let of = |job: u32, number: u32| format!("/pnda/flink/checkpoints/alice/words/word-count/{job:032x}/chk-{number}");
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
