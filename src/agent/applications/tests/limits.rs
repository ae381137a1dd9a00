//! How often one caller may ask, and how much he may have, over the listeners; others are not touched by it.
//! The bounds are those of a configuration.
//! Not here: how they are counted.

use super::bed::{Bed, PACKAGE, token};
use std::thread;

#[test]
fn who_asks_too_often_waits_and_nobody_else_does() {
    let bed = Bed::with("requests_a_minute = 60");
    let told = (0..80).map(|_| bed.ask("bob", "GET /packages")).find(|reply| reply.status != 200).unwrap();
    assert_eq!((told.status, told.refusal().1.as_str()), (429, "too-many"));
    assert!(told.head.to_lowercase().contains("retry-after: 5"), "{told:?}");
    assert_eq!(bed.ask("boss", "GET /packages").status, 200);
    let guess = || bed.plain("GET /packages", "authorization: Bearer some-guess-of-a-token\r\n", b"").status;
    let guesses: Vec<u16> = (0..80).map(|_| guess()).collect();
    assert!(guesses.contains(&401) && guesses.ends_with(&[429]), "{guesses:?}");
    let mine = format!("authorization: Bearer {}\r\n", token("boss"));
    assert_eq!(bed.plain("GET /packages", &mine, b"").status, 200, "from the same address");
}

#[test]
fn the_console_asks_for_a_thousand_details_at_once() {
    let bed = Bed::new();
    let ask = || bed.plain("GET /applications/words/detail", "", b"").status;
    let all: Vec<u16> = thread::scope(|scope| {
        let asking: Vec<_> = (0..700).map(|_| scope.spawn(ask)).collect();
        asking.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(all.iter().all(|status| *status == 200), "{all:?}");
}

#[test]
fn one_user_has_so_many_applications() {
    let bed = Bed::with("applications = 2");
    let body = format!("{{\"package\": \"{PACKAGE}\"}}");
    let create = |who: &str, name: &str| bed.send(who, &format!("PUT /v1/applications/{name}"), "", body.as_bytes());
    assert_eq!(create("alice", "second").status, 201);
    let told = create("alice", "third").refusal();
    assert!(told.0 == 403 && told.2.starts_with("alice would have 3 applications"), "{told:?}");
    assert_eq!(create("bob", "third").status, 201);
}

#[test]
fn who_orders_too_often_is_told_when_he_may_again() {
    // Two of them deploy and make what is there.
    let bed = Bed::with("orders_a_minute = 3");
    let body = format!("{{\"package\": \"{PACKAGE}\"}}");
    let create = |who: &str, name: &str| bed.send(who, &format!("PUT /v1/applications/{name}"), "", body.as_bytes());
    assert_eq!(create("alice", "second").status, 201);
    let told = create("alice", "third");
    assert_eq!((told.status, told.refusal().1.as_str()), (429, "too-many"));
    assert!(
        told.head.to_lowercase().contains("retry-after: 5") && told.refusal().2.contains("one user has 3 a minute")
    );
}
