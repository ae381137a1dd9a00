//! What PNDA's data logger is told: each change of state once, in its order, also of what failed;
//! and nobody waits for it.
//! Not here: what it makes of that.

use super::bed::{Bed, alice, application, is_running, is_stopped, told_of};
use crate::journal::Origin;
use crate::package::tests::wordcount_as;
use serde_json::Value;
use std::sync::atomic::{AtomicUsize, Ordering};
use systems::Scripted;
use words::names::PackageName;

fn answer(status: u16) -> Vec<u8> {
    format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").into_bytes()
}

/// What came so far: the path, and the state with its reason.
fn told(server: &Scripted) -> Vec<String> {
    let told = |line: String| {
        let document: Value = serde_json::from_str(&line[line.find('{').unwrap()..]).unwrap();
        let data = &document["data"][0];
        assert!(data["timestamp"].as_u64() > Some(0) && document["timestamp"].is_u64() && !data["id"].is_null());
        let path = line.split(' ').nth(1).unwrap().to_owned();
        let why = data["information"].as_str().map(|why| format!(": {why}")).unwrap_or_default();
        format!("{path} {}{why}", data["state"].as_str().unwrap())
    };
    server.asked().into_iter().map(told).collect()
}

#[test]
fn each_change_of_state_is_told_once_and_in_order() {
    let server = Scripted::start(|_| answer(200));
    let mut bed = Bed::new().calling_back(&server.address);
    let (manager, _) = bed.started();
    manager.stop(&application(), true, &alice()).unwrap();
    assert!(bed.settle(&manager, is_stopped), "{:?}", told_of(&manager));
    manager.delete(&application(), &alice()).unwrap();
    manager.round();
    manager.call_back_now();
    let states = ["STARTING", "STARTED", "STOPPING", "CREATED", "DESTROYING", "NOTCREATED"];
    assert_eq!(told(&server), states.map(|state| format!("/applications {state}")));
    let missing = PackageName::new("missing-1.0.0").unwrap();
    manager.deploy(&missing, &alice()).unwrap_err();
    manager.call_back_now();
    let failed = told(&server);
    assert_eq!(failed[0], "/packages DEPLOYING");
    assert!(failed[1].starts_with("/packages NOTDEPLOYED: Error deploying missing-1.0.0"), "{failed:?}");
    manager.receive(&missing, &alice(), &*wordcount_as("missing-1.0.0"), None).unwrap();
    manager.remove(&missing).unwrap();
    manager.call_back_now();
    assert_eq!(told(&server), ["/packages CREATED", "/packages NOTCREATED"], "the repository tells, too");
}

#[test]
fn who_does_not_answer_is_asked_again_and_loses_no_order() {
    let asked = AtomicUsize::new(0);
    let server = Scripted::start(move |_| match asked.fetch_add(1, Ordering::Relaxed) {
        0 | 1 => answer(503),
        _ => answer(200),
    });
    let mut bed = Bed::new().calling_back(&server.address);
    let (manager, _) = bed.started();
    manager.call_back_now();
    let told = told(&server);
    assert_eq!(told, ["STARTING", "STARTING", "STARTING", "STARTED"].map(|state| format!("/applications {state}")));
    assert!(is_running(&told_of(&manager).unwrap()));
    // One that never answers holds up nothing: the order is taken while changes wait.
    let mut bed = Bed::new().calling_back("http://127.0.0.1:1");
    let (manager, _) = bed.started();
    manager.stop(&application(), false, &alice()).unwrap();
    assert!(bed.settle(&manager, is_stopped));
    assert_eq!(manager.state().unwrap().number, bed.journal().number, "and all of it is in the journal");
    assert!(matches!(manager.start(&application(), Origin::Newest, &alice()), Ok(())));
}
