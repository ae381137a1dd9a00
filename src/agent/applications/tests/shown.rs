//! What is told to some alone: events as a page and as a stream, declarations, Flink's own pages.
//! Each is asked for by those who may have it and by those who may not.
//! Not here: what is in them.

use super::bed::{Bed, PACKAGE, request};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

fn kinds(page: &Value) -> Vec<String> {
    let events = page["events"].as_array().unwrap().iter();
    events.map(|one| one["kind"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn events_are_told_of_what_one_may_see_and_go_on_from_a_number() {
    let bed = Bed::new();
    let get = |who: &str, path: &str| bed.ask(who, &format!("GET {path}"));
    let page = get("alice", "/v1/events").json();
    assert_eq!(kinds(&page), ["package-deployed", "application-created"]);
    let made = &page["events"][1];
    assert_eq!((&made["by"], &made["application"], &made["number"]), (&json!("alice"), &json!("words"), &json!(2)));
    assert_eq!(made["what"], format!("made of {PACKAGE}"));
    assert_eq!((&page["after"], &page["more"], &page["missed"]), (&json!(2), &json!(false), &json!(false)));
    assert_eq!(kinds(&get("bob", "/v1/events").json()), ["package-deployed"], "bob does not see what is alice's");
    assert_eq!(kinds(&get("boss", "/v1/events?after=1").json()), ["application-created"]);
    assert_eq!(kinds(&get("alice", "/v1/events?after=2").json()), [""; 0]);
    assert_eq!(get("alice", "/v1/events?after=-1").status, 400);
    assert_eq!(bed.plain("GET /v1/events", "", b"").status, 401);

    // It was deleted, and another one has its name: what was before is still alice's.
    bed.ask("alice", "DELETE /v1/applications/words");
    let gone = || kinds(&get("alice", "/v1/events").json()).contains(&"application-deleted".to_owned());
    for _ in 0..100 {
        bed.round();
        if gone() {
            break;
        }
    }
    assert!(gone(), "{}", get("alice", "/v1/events").body);
    let body = format!("{{\"package\": \"{PACKAGE}\"}}");
    assert_eq!(bed.send("bob", "PUT /v1/applications/words", "", body.as_bytes()).status, 201);
    assert_eq!(kinds(&get("bob", "/v1/events").json()), ["package-deployed", "application-created"]);
    let of_alice = get("alice", "/v1/events").json();
    let created = kinds(&of_alice).iter().filter(|kind| *kind == "application-created").count();
    assert_eq!(created, 1, "{of_alice}");
}

/// What comes on the local socket until something is in it.
fn until(stream: &mut UnixStream, wanted: &str) -> String {
    let (mut text, mut piece) = (String::new(), [0; 4096]);
    while !text.contains(wanted) {
        let count = stream.read(&mut piece).unwrap();
        assert!(count > 0, "it ended: {text}");
        text += &String::from_utf8_lossy(&piece[..count]);
    }
    text
}

#[test]
fn a_stream_tells_what_happens_as_it_does_and_goes_on_after_what_was_had() {
    let bed = Bed::new();
    let listen = |headers: &str| {
        let mut stream = UnixStream::connect(bed.folder.path().join("socket")).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let headers = format!("accept: text/event-stream\r\n{headers}");
        stream.write_all(&request("GET /v1/events", &headers, b"")).unwrap();
        stream
    };
    let mut all = listen("last-event-id: 0\r\n");
    let told = until(&mut all, "id: 2\n");
    assert!(
        told.contains("content-type: text/event-stream") && told.contains("id: 1\nevent: happened\ndata: {"),
        "{told}"
    );
    let mut new = listen("");
    until(&mut new, "id: ");
    let body = format!("{{\"package\": \"{PACKAGE}\"}}");
    assert_eq!(bed.send("alice", "PUT /v1/applications/others", "", body.as_bytes()).status, 201);
    let told = until(&mut new, "\"application\":\"others\"");
    assert!(!told.contains("id: 2\n") && told.contains("id: 3\n"), "{told}");
    assert!(until(&mut all, "id: 3\n").contains("application-created"));
    let mut more: Vec<UnixStream> = (0..2).map(|_| listen("")).collect();
    more.iter_mut().for_each(|stream| drop(until(stream, "id: ")));
    let mut last = listen("");
    assert!(until(&mut last, "end one first").contains("429"), "four are all");
    drop((more, all));
}

#[test]
fn declarations_are_for_owners_and_applying_what_is_so_does_nothing() {
    let bed = Bed::new();
    let mine = bed.ask("alice", "GET /v1/declarations").json();
    assert_eq!(mine, json!({ "words": { "package": PACKAGE, "owner": "alice", "wanted": "stopped" } }));
    assert_eq!(bed.ask("alice", "GET /v1/applications/words/declaration").json(), mine);
    assert_eq!(bed.ask("bob", "GET /v1/declarations").json(), json!({}));
    assert_eq!(bed.ask("bob", "GET /v1/applications/words/declaration").status, 403);
    let apply = |who: &str, applications: &Value, dry: bool| {
        let body = json!({ "applications": applications, "dry_run": dry }).to_string();
        bed.send(who, "POST /v1/apply", "", body.as_bytes())
    };
    assert_eq!(apply("alice", &mine, false).json(), json!({ "applications": [] }));
    let told = apply("bob", &mine, false).json();
    assert_eq!(told["applications"][0]["findings"][0]["weight"], "refusal", "{told}");
    let other = json!({ "more": { "package": PACKAGE, "wanted": "stopped" } });
    let dry = apply("alice", &other, true).json();
    assert_eq!(dry["applications"][0]["steps"], json!([{ "order": "create", "state": "planned" }]), "{dry}");
    assert_eq!(bed.ask("alice", "GET /v1/applications/more").status, 404);
    let done = apply("alice", &other, false).json();
    assert_eq!(done["applications"][0]["steps"][0]["state"], "ordered", "{done}");
    assert_eq!(bed.ask("alice", "GET /v1/applications/more").status, 200);
    assert_eq!(bed.send("alice", "POST /v1/apply", "", br#"{"aplications": {}}"#).status, 400);
}

#[test]
fn pages_of_flink_are_looked_at_by_who_may_read_logs_and_by_get_alone() {
    let bed = Bed::new();
    let at = "/v1/applications/words/components/count/dashboard";
    let moved = bed.ask("alice", &format!("GET {at}"));
    assert!(moved.status == 308 && moved.head.to_lowercase().contains("location: dashboard/"), "{moved:?}");
    let told = bed.ask("alice", &format!("GET {at}/jobs/overview")).refusal();
    assert_eq!((told.0, told.1.as_str()), (409, "conflict"), "nothing of it runs: {told:?}");
    assert_eq!(bed.ask("alice", &format!("GET {at}/jars")).status, 404);
    assert_eq!(bed.ask("alice", &format!("GET {at}/jobs/{}/yarn-cancel", "a".repeat(32))).status, 404);
    assert_eq!(bed.ask("bob", &format!("GET {at}/")).status, 403);
    for method in ["POST", "PATCH", "PUT", "DELETE"] {
        let told = bed.ask("alice", &format!("{method} {at}/jars/upload"));
        assert!(told.status == 405 && told.head.to_lowercase().contains("allow: get"), "{told:?}");
    }
    assert_eq!(bed.plain(&format!("GET {at}/"), "", b"").status, 401);
}
