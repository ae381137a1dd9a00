//! Packages in HDFS: brought there before anything is recorded, taken from there by a node that has none, gone with the package.
//! Names are deployed and removed by one at a time.
//! Not here: what is in a package, and the copies on a node.

use super::bed::{Bed, alice, application, is_running, told_of};
use crate::journal::Origin;
use crate::manager::Manager;
use crate::orders::Refusal;
use crate::package::tests::{WORDCOUNT, program, with_a_folder, wordcount, wordcount_as};
use serde_json::json;
use std::sync::{Arc, mpsc};
use std::thread;
use words::names::{ApplicationName, PackageName};

const FOLDER: &str = "/pnda/apps/packages";

fn name() -> PackageName {
    PackageName::new(WORDCOUNT).unwrap()
}

/// Other content of the same name.
fn another() -> Vec<u8> {
    program(WORDCOUNT, "example.Other", b"")
}

/// What lies in HDFS, without beginnings of files.
fn kept(bed: &Bed) -> Vec<String> {
    let listed = bed.direct("pnda").list(FOLDER).unwrap().unwrap_or_default();
    listed.into_iter().map(|one| one.path_suffix).collect()
}

/// The only file there is.
fn file(bed: &Bed) -> String {
    format!("{FOLDER}/{}", kept(bed)[0])
}

/// A node that begins now, after the first one has gone.
fn other_node(bed: &mut Bed) -> Manager {
    let other = bed.manager_elsewhere();
    other.round();
    other
}

#[test]
fn a_node_without_the_package_takes_it_from_hdfs_and_starts_its_application() {
    let mut bed = Bed::new();
    assert_eq!(kept(&bed).len(), 1);
    let other = other_node(&mut bed);
    assert!(other.repository().open(&name()).is_err_and(|error| error.is_missing()));
    other.start(&application(), Origin::Newest, &alice()).unwrap();
    assert!(bed.settle(&other, is_running), "{:?}", told_of(&other));
    assert_eq!(other.repository().held_by(&alice().name).unwrap(), wordcount().len().max(4096) as u64);
    // From now on its own copy will do.
    bed.direct("pnda").delete(&file(&bed)).unwrap();
    let second = ApplicationName::new("second").unwrap();
    other.create(&second, &json!({ "package": WORDCOUNT }), &alice()).unwrap();
}

#[test]
fn folders_that_a_component_wants_to_have_are_made_as_its_owner_and_known_by_their_names() {
    let mut bed = Bed::new();
    let manager = bed.manager();
    manager.round();
    let (package, name) = (PackageName::new("folders-1.0.0").unwrap(), ApplicationName::new("folders").unwrap());
    let bytes = with_a_folder(package.as_str(), "/user/${application_user}/results");
    manager.receive(&package, &alice(), &*bytes, None).unwrap();
    let notes = manager.deploy_if_right(&package, &alice()).unwrap();
    assert!(format!("{notes:?}").contains("`delete_on_undeploy` removes nothing"), "{notes:?}");
    manager.create(&name, &json!({ "package": package }), &alice()).unwrap();
    let explained = manager.explain(&name).unwrap();
    assert_eq!(explained[0].arguments, ["--out", "/user/alice/results"]);
    assert!(bed.direct("pnda").status("/user/alice/results").unwrap().is_none(), "nothing runs yet");
    manager.start(&name, Origin::Newest, &alice()).unwrap();
    bed.settle(&manager, |_| false);
    let made = bed.direct("pnda").status("/user/alice/results").unwrap().unwrap();
    assert_eq!((made.owner.as_str(), made.is_folder()), ("alice", true));
}

#[test]
fn what_hdfs_has_is_held_against_its_digest_and_what_nobody_has_is_told() {
    let mut bed = Bed::new();
    let place = file(&bed);
    let other = other_node(&mut bed);
    let second = ApplicationName::new("second").unwrap();
    let create = || other.create(&second, &json!({ "package": WORDCOUNT }), &alice());
    let good = bed.hdfs.world.lock().unwrap().nodes[&place].clone();
    let mut damaged = good.clone();
    damaged.bytes.as_mut().unwrap()[20] ^= 1;
    bed.hdfs.world.lock().unwrap().nodes.insert(place.clone(), damaged);
    let refused = create().unwrap_err().to_string();
    assert!(refused.contains("its sha256 is") && refused.contains("the journal says"), "{refused}");
    bed.direct("pnda").delete(&place).unwrap();
    let refused = create().unwrap_err();
    assert!(
        matches!(&refused, Refusal::NotFound(why) if why.contains("neither this node nor HDFS has it")),
        "{refused}"
    );
    // Another content of the name, which was brought here and can never be deployed.
    other.receive(&name(), &alice(), &*another(), None).unwrap();
    bed.hdfs.world.lock().unwrap().nodes.insert(place, good);
    create().unwrap();
}

#[test]
fn a_package_that_hdfs_does_not_take_is_not_deployed_and_nothing_is_left() {
    let bed = Bed::new();
    let (manager, other) = (bed.manager(), PackageName::new("p-1.0.0").unwrap());
    manager.round();
    manager.receive(&other, &alice(), &*wordcount_as("p-1.0.0"), None).unwrap();
    let number = bed.journal().number;
    for left in 0.. {
        bed.hdfs.world.lock().unwrap().changes_left = Some(left);
        let refused = manager.deploy(&other, &alice());
        bed.hdfs.world.lock().unwrap().changes_left = None;
        match refused {
            Ok(()) => break,
            Err(refused) => assert!(matches!(refused, Refusal::Unavailable(_)), "{left}: {refused}"),
        }
        manager.round();
        manager.round();
        let state = bed.journal();
        assert!(state.number == number && !state.packages.contains_key(&other), "{left}");
        // What an upload left is removed when it is old; a file with a name is one that is deployed.
        let half: Vec<String> = kept(&bed).into_iter().filter(|file| file.starts_with("p-1.0.0")).collect();
        assert!(half.is_empty(), "{left}: {half:?}");
    }
    let refused = bed.manager();
    bed.hdfs.refuse("DSQuotaExceededException", "The DiskSpace quota of /pnda is exceeded", usize::MAX);
    refused.receive(&PackageName::new("q-1.0.0").unwrap(), &alice(), &*wordcount_as("q-1.0.0"), None).unwrap();
    let told = manager.deploy(&PackageName::new("q-1.0.0").unwrap(), &alice()).unwrap_err().to_string();
    assert!(told.starts_with("HDFS does not keep the package `q-1.0.0`") && told.contains("quota"), "{told}");
}

#[test]
fn hdfs_gets_what_an_earlier_release_deployed_and_loses_what_is_undeployed() {
    let bed = Bed::new();
    bed.direct("pnda").delete(FOLDER).unwrap();
    let manager = bed.manager();
    manager.begin_round();
    assert_eq!(kept(&bed).len(), 0, "no round waits for it");
    manager.round();
    manager.round();
    assert_eq!(kept(&bed).len(), 1);
    manager.delete(&application(), &alice()).unwrap();
    manager.round();
    manager.undeploy(&name(), &alice()).unwrap();
    manager.round();
    assert_eq!(kept(&bed), Vec::<String>::new());
}

/// Another node deploys them again while the first of them goes: the others stay.
#[test]
fn what_another_node_deploys_meanwhile_is_not_removed() {
    let mut bed = Bed::new();
    let (manager, other) = (bed.manager(), Arc::new(other_node(&mut bed)));
    let names: Vec<_> = (1..=3).map(|number| PackageName::new(format!("p-{number}.0.0")).unwrap()).collect();
    manager.round();
    for name in &names {
        for node in [&manager, &*other] {
            node.receive(name, &alice(), &*wordcount_as(name.as_str()), None).unwrap();
        }
        manager.deploy(name, &alice()).unwrap();
    }
    names.iter().for_each(|name| manager.undeploy(name, &alice()).unwrap());
    assert_eq!(kept(&bed).len(), 4);
    *bed.wire.plan() = Default::default();
    let (deploying, again) = (other.clone(), names.clone());
    let deploy = move || {
        deploying.begin_round();
        again.iter().for_each(|name| deploying.deploy(name, &alice()).unwrap());
    };
    // What is there is listed; whether somebody has written is asked; then the first one goes.
    bed.wire.plan().before = Some((4, Box::new(deploy)));
    manager.shelve();
    assert!(bed.wire.plan().before.is_none());
    assert_eq!(kept(&bed).len(), 3, "{:?}", bed.wire.plan().lines);
    manager.round();
    assert_eq!(kept(&bed).len(), 4, "what went in that moment is brought there again");
}

/// Somebody deploys at the very moment at which somebody else removes: before each request of the deployment in turn.
#[test]
fn a_package_that_is_being_deployed_is_not_removed() {
    let other = PackageName::new("p-1.0.0").unwrap();
    let once = |number: &usize| {
        let bed = Bed::new();
        let manager = Arc::new(bed.manager());
        manager.round();
        manager.receive(&other, &alice(), &*wordcount_as("p-1.0.0"), None).unwrap();
        let (removing, (tells, told)) = (manager.clone(), mpsc::channel());
        let removed = other.clone();
        let remove = move || drop(thread::spawn(move || tells.send(removing.remove(&removed))).join());
        *bed.wire.plan() = Default::default();
        bed.wire.plan().before = Some((*number, Box::new(remove)));
        manager.deploy(&other, &alice()).unwrap();
        let hit = bed.wire.plan().before.take().is_none();
        if hit {
            let refused = told.recv().unwrap();
            assert!(matches!(refused, Err(Refusal::Conflict(_))), "{number}: {refused:?}");
        }
        manager.repository().open(&other).unwrap();
        assert!(matches!(manager.remove(&other), Err(Refusal::Conflict(_))));
        hit
    };
    let points = (1..).take_while(once).count();
    println!("points of a deployment before which it was removed: {points}");
    assert!(points > 5, "{points}");
}

/// An application is made of what was looked at, or not at all.
#[test]
fn a_package_that_is_another_one_by_now_is_not_made_an_application_of() {
    let mut bed = Bed::new();
    let (other, second) = (Arc::new(other_node(&mut bed)), ApplicationName::new("second").unwrap());
    other.delete(&application(), &alice()).unwrap();
    other.round();
    let exchanging = other.clone();
    let exchange = move || {
        exchanging.undeploy(&name(), &alice()).unwrap();
        exchanging.receive(&name(), &alice(), &*another(), None).unwrap();
        exchanging.deploy(&name(), &alice()).unwrap();
    };
    *bed.wire.plan() = Default::default();
    // The package is fetched: that is when it is looked at.
    bed.wire.plan().before = Some((1, Box::new(exchange)));
    let create = || other.create(&second, &json!({ "package": WORDCOUNT }), &alice());
    let refused = create().unwrap_err();
    assert!(matches!(&refused, Refusal::NotFound(_)), "{refused}");
    assert!(bed.wire.plan().before.is_none());
    create().unwrap();
    let components = &bed.journal().applications[&second].components;
    assert_eq!(components.keys().map(ToString::to_string).collect::<Vec<_>>(), ["program"]);
}
