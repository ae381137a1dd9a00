//! What one user may have, of a whole manager: applications, starts that wait, room for packages; others are untouched.
//! Each bound is reached, refused, and free again once something went.
//! Not here: how often somebody may ask.

use super::bed::{Bed, TestClock, alice, word};
use crate::journal::Origin;
use crate::manager::classes::Looked;
use crate::orders::{Caller, Refusal};
use crate::package::repository::Error;
use crate::package::tests::{WORDCOUNT, wordcount};
use crate::share::Share;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use words::names::{ApplicationName, PackageName};

fn named(name: &str) -> ApplicationName {
    ApplicationName::new(name).unwrap()
}

fn bob() -> Caller {
    Caller { name: word("bob"), is_admin: false }
}

#[test]
fn applications_and_starts_that_wait_are_bounded_for_each_user() {
    let bed = Bed::new();
    let share = Share { applications: 3, waiting: 1, ..Share::default() };
    let manager = bed.manager().sharing(share);
    manager.round();
    let create = |name: &str, by: &Caller| manager.create(&named(name), &json!({ "package": WORDCOUNT }), by);
    create("second", &alice()).unwrap();
    create("third", &alice()).unwrap();
    let refused = create("fourth", &alice()).unwrap_err();
    let told = "alice would have 4 applications, and one user may have 3: delete 1 first";
    assert!(matches!(&refused, Refusal::Forbidden(why) if why == told), "{refused}");
    create("of-bob", &bob()).unwrap();
    let start = |name: &str, by: &Caller| manager.start(&named(name), Origin::Newest, by);
    start("second", &alice()).unwrap();
    let refused = start("third", &alice()).unwrap_err();
    assert!(matches!(&refused, Refusal::TooMany(why) if why.contains("starting or stopping")), "{refused}");
    start("of-bob", &bob()).unwrap();
    manager.stop(&named("second"), false, &alice()).unwrap();
    manager.delete(&named("third"), &alice()).unwrap();
    manager.round();
    create("fourth", &alice()).unwrap();
}

#[test]
fn orders_that_the_journal_grows_by_are_bounded_for_each_user_and_those_that_end_something_are_not() {
    let bed = Bed::new();
    let clock = Arc::new(TestClock::by(0));
    let manager = bed.manager_by(&clock).sharing(Share { orders: 2, ..Share::default() });
    manager.round();
    let create = |by: &Caller| manager.create(&named("second"), &json!({ "package": WORDCOUNT }), by);
    for _ in 0..2 {
        create(&alice()).unwrap();
        manager.delete(&named("second"), &alice()).unwrap();
        manager.round();
    }
    let number = bed.journal().number;
    let refused = create(&alice()).unwrap_err();
    assert!(matches!(&refused, Refusal::TooMany(why) if why.contains("in 30 s")), "{refused}");
    assert_eq!(bed.journal().number, number, "nothing is written");
    create(&bob()).unwrap();
    manager.delete(&named("second"), &bob()).unwrap();
    manager.round();
    clock.seconds.store(30, Ordering::Relaxed);
    create(&alice()).unwrap();
}

#[test]
fn packages_take_room_of_whoever_brought_them_first() {
    let bed = Bed::new();
    let size = wordcount().len() as u64;
    let manager = bed.manager().sharing(Share { uploads: 2 * size.max(4096) + 100, ..Share::default() });
    let name = |version: u32| PackageName::new(format!("word-count-1.0.{version}")).unwrap();
    let receive = |version: u32, by: &Caller, bytes: &[u8], length| manager.receive(&name(version), by, bytes, length);
    // One is there already.
    receive(1, &alice(), &wordcount(), Some(size)).unwrap();
    assert!(matches!(receive(2, &alice(), &wordcount(), Some(size)), Err(Error::NoShare { .. })));
    assert!(matches!(receive(2, &alice(), &wordcount(), None), Err(Error::NoShare { .. })), "nothing was announced");
    receive(2, &bob(), &wordcount(), None).unwrap();
    receive(1, &bob(), &wordcount(), Some(size)).unwrap();
    manager.repository().delete(&name(1)).unwrap();
    receive(3, &alice(), &wordcount(), None).unwrap();
    assert_eq!(manager.repository().held_by(&word("bob")).unwrap(), size.max(4096), "it was there already");
}

#[test]
fn one_user_has_one_package_looked_at_and_leaves_a_place_for_another() {
    let (looked, clock) = (Looked::default(), Arc::new(TestClock::by(1)));
    let turn = |name: &str| looked.turn(&word(name), &clock);
    let first = turn("alice");
    assert!(first.is_some() && turn("alice").is_none(), "the second one waits in vain");
    let second = turn("bob");
    assert!(second.is_some() && turn("carol").is_none(), "two are all");
    drop(first);
    let third = turn("carol");
    assert!(third.is_some() && turn("alice").is_none());
    drop((second, third));
    assert!(turn("alice").is_some());
}
