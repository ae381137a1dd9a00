//! The client against answers that a real Oozie 5.2.1 gave.
//! Lost answers, refusals and ids of strangers beside what is good.
//! Not here: that a workflow runs; a test on the real parts shows it (`tests/trial/oozie.rs`).

use super::*;
use crate::call::Times;
use crate::scripted::{Request, Scripted, http};

const WORKFLOW: &str = "0000000-261201031500000-oozie-oozi-W";
const COORDINATOR: &str = "0000001-261201031500000-oozie-oozi-C";

fn of(server: &Scripted) -> Oozie {
    Oozie::through(Caller::new(Times::default()), &server.address).unwrap()
}

fn alice() -> User {
    User::simple("alice")
}

#[test]
fn what_is_submitted_is_its_owners_whatever_the_configuration_says() {
    let server = Scripted::start(|_| http(201, "", &format!("{{\"id\":\"{COORDINATOR}\"}}")));
    let configuration = [("user.name", "root"), ("a", "x & <y>")].map(|(name, value)| (name.into(), value.into()));
    let id = of(&server).submit(&alice(), &configuration.into()).unwrap();
    assert_eq!(id.as_str(), COORDINATOR);
    let asked = server.asked();
    assert!(asked[0].starts_with("POST /oozie/v2/jobs?user.name=alice <?xml"), "{asked:?}");
    assert!(asked[0].contains("<name>a</name><value>x &amp; &lt;y&gt;</value>"), "{asked:?}");
    assert!(asked[0].contains("<name>user.name</name><value>alice</value>") && !asked[0].contains("root"), "{asked:?}");
}

#[test]
fn a_lost_answer_is_told_from_a_request_that_did_not_go_out() {
    let server = Scripted::start(|_| http(201, "", &format!("{{\"id\":\"{WORKFLOW}\"}}")));
    server.lose("POST", 1);
    let lost = of(&server).submit(&alice(), &BTreeMap::new()).unwrap_err();
    assert!(lost.may_have_been_done() && lost.to_string().contains("look before you ask again"), "{lost}");
    let nobody = Oozie::through(Caller::new(Times::default()), "http://127.0.0.1:1").unwrap();
    let unsent = nobody.submit(&alice(), &BTreeMap::new()).unwrap_err();
    assert!(!unsent.may_have_been_done() && unsent.is_passing(), "{unsent}");
    assert!(Oozie::through(Caller::new(Times::default()), "http://a/oozie").is_err());
}

#[test]
fn a_refusal_is_told_in_oozies_own_words_and_what_it_does_not_know_is_nothing() {
    let headers = |code: &str, words: &str| format!("oozie-error-code: {code}\r\noozie-error-message: {words}\r\n");
    let server = Scripted::start(move |request: &Request| match request.parts()[0] {
        "GET" => http(400, &headers("E0604", "E0604: Job does not exist [x]"), "<html>"),
        _ => http(401, &headers("E0508", "E0508: User [bob] not authorized for WF job [x]"), "<html>"),
    });
    let id = JobId::new(WORKFLOW).unwrap();
    assert_eq!(of(&server).job(&alice(), &id).unwrap(), None);
    let refused = of(&server).tell(&User::simple("bob"), &id, Verb::Kill).unwrap_err();
    assert!(refused.to_string().contains("refused to kill") && refused.to_string().contains("[bob]"), "{refused}");
    assert_eq!(
        server.asked(),
        [
            format!("GET /oozie/v2/job/{WORKFLOW}?show=info&len=200&order=desc&user.name=alice"),
            format!("PUT /oozie/v2/job/{WORKFLOW}?action=kill&user.name=bob"),
        ]
    );
}

#[test]
fn a_list_of_coordinators_goes_on_until_it_ends_and_one_without_an_end_is_told() {
    let of_so_many = |all: usize| {
        let server = Scripted::start(move |request: &Request| {
            let number = |name: &str| request.parameter(name).parse::<usize>().unwrap();
            let (offset, len) = (number("offset"), number("len"));
            // One comes in between, and moves all others.
            let first = if offset == 1 { 1 } else { offset - 1 };
            let jobs = (first..offset + len).take_while(|job| *job <= all).take(len);
            let jobs = jobs.map(|job| serde_json::json!({ "coordJobId": format!("{job}-oozie-C") }));
            http(200, "", &serde_json::json!({ "coordinatorjobs": jobs.collect::<Vec<_>>() }).to_string())
        });
        of(&server).coordinators(&alice(), &[("user", "alice")])
    };
    for all in [0, 999, 1000, 1001, 2300] {
        assert_eq!(of_so_many(all).unwrap().len(), all);
    }
    let endless = of_so_many(usize::MAX).unwrap_err().to_string();
    assert!(endless.contains("it has more than 5000 that fit"), "{endless}");
}

#[test]
fn an_id_is_oozies_or_none() {
    assert!(JobId::new(WORKFLOW).is_ok() && JobId::new(COORDINATOR).is_ok());
    let long = format!("0{}-W", "0".repeat(300));
    for bad in ["", "-W", "x-W", "0000000-1-oozie-oozi-B", "0/../-W", "0?-W", "0-1@2-W", &long] {
        assert!(JobId::new(bad).is_err(), "{bad}");
    }
}
