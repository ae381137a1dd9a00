//! Flink's pages through the manager, and where they come from: the node on which YARN runs the job's master.
//! Whatever address the master of a job names itself, nobody is led to another node.
//! Not here: which pages are passed on (`manager::dashboard`).

use super::bed::{Bed, FLINK, application, key};

#[test]
fn a_master_leads_the_manager_to_no_other_machine() {
    let mut bed = Bed::new();
    let (manager, id) = bed.started();
    let address = bed.wire.addresses[FLINK].trim_start_matches("http://").to_owned();
    let (host, port) = address.rsplit_once(':').unwrap();
    {
        let mut world = bed.yarn.world();
        let told = world.applications.get_mut(id.as_str()).unwrap();
        told.node = Some(format!("{host}:8042"));
        told.master = Some(format!("elsewhere.invalid:{port}"));
    }
    let page = manager.dashboard(&application(), &key().component, ("jobs/overview", None)).unwrap();
    assert_eq!(page.status, 200, "where YARN runs it");
}
