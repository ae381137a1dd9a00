//! Asks scripted servers on the loopback: answers as Hadoop 3.4 gives them, and every way not to answer.
//! What is lost between a submission and its answer is the heart of it.
//! Not here: the real ResourceManager.

use super::*;
use crate::scripted::{Scripted, http};
use std::net::TcpListener;
use std::time::Duration;

const SHORT: Times = Times { connect: Duration::from_millis(500), answer: Duration::from_millis(500) };

/// A server that answers everything alike.
fn answering(status: u16, body: &'static str) -> Scripted {
    Scripted::start(move |_| http(status, "", body))
}

/// As it was seen: the redirect names the other one whatever that is.
fn stands_by() -> Scripted {
    Scripted::start(|request| match request.url.path() == "/ws/v1/cluster/info" {
        true => http(200, "", r#"{"clusterInfo":{"haState":"STANDBY","resourceManagerVersion":"3.4.2"}}"#),
        false => http(307, "location: http://rm.example:8088/ws\r\n", "This is standby RM. The redirect url is: /ws\n"),
    })
}

fn nobody() -> String {
    format!("http://{}", TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap())
}

fn manager(addresses: &[&str]) -> ResourceManager {
    ResourceManager::new(addresses, SHORT).unwrap()
}

fn id() -> ApplicationId {
    ApplicationId::new("application_1796001168688_0001").unwrap()
}

fn alice() -> User {
    User::simple("alice")
}

fn context() -> Value {
    serde_json::json!({ "application-id": id().as_str() })
}

#[test]
fn an_id_is_asked_for_and_something_is_submitted_with_it() {
    let server = Scripted::start(|request| match request.url.path().ends_with("new-application") {
        true => http(
            200,
            "",
            r#"{"application-id":"application_1796001168688_0001","maximum-resource-capability":{"memory":8192,"vCores":4,"resourceInformations":{}}}"#,
        ),
        false => http(202, "location: http://x/\r\n", ""),
    });
    let manager = manager(&[&server.address]);
    let new = manager.new_application(&alice()).unwrap();
    assert_eq!(new, NewApplication { id: id(), most_memory_mb: 8192, most_cores: 4 });
    manager.submit(&alice(), &context()).unwrap();
    manager.kill(&alice(), &id()).unwrap();
    let expected = [
        "POST /ws/v1/cluster/apps/new-application?user.name=alice",
        "POST /ws/v1/cluster/apps?user.name=alice {\"application-id\":\"application_1796001168688_0001\"}",
        "PUT /ws/v1/cluster/apps/application_1796001168688_0001/state?user.name=alice {\"state\":\"KILLED\"}",
    ];
    assert_eq!(server.asked(), expected);
}

#[test]
fn a_submission_whose_answer_is_lost_is_sent_to_nobody_else() {
    let other = answering(202, "");
    let bodies = [Vec::new(), http(502, "", "bad gateway"), http(504, "", "")];
    for lost in bodies {
        let first = Scripted::start(move |_| lost.clone());
        let manager = manager(&[&first.address, &other.address]);
        let error = manager.submit(&alice(), &context()).unwrap_err();
        assert!(error.may_have_been_done() && error.to_string().contains("submit application_1796"), "{error}");
        assert_eq!((first.asked().len(), other.asked().len()), (1, 0));
        assert_eq!(manager.address(), other.address, "the other one is asked first now");
    }
    let silent = Scripted::start(|_| {
        std::thread::sleep(Duration::from_secs(1));
        Vec::new()
    });
    let error = manager(&[&silent.address, &other.address]).submit(&alice(), &context()).unwrap_err();
    assert!(error.may_have_been_done() && other.asked().is_empty(), "{error}");
}

#[test]
fn what_was_accepted_is_accepted_even_if_the_answer_breaks_off() {
    let server = Scripted::start(|_| b"HTTP/1.1 202 x\r\ncontent-length: 100\r\n\r\nabc".to_vec());
    manager(&[&server.address]).submit(&alice(), &context()).unwrap();
}

#[test]
fn the_active_one_is_found_and_remembered_and_found_anew() {
    let (standby, active) = (stands_by(), answering(202, ""));
    let manager = manager(&[&nobody(), &standby.address, &active.address]);
    manager.submit(&alice(), &context()).unwrap();
    manager.submit(&alice(), &context()).unwrap();
    assert_eq!((standby.asked().len(), active.asked().len()), (1, 2));
    // Pages without an address, where none is active.
    let page = "Can not find any active RM. Will retry in next 3 seconds.\nHA Zookeeper Connection State: x\n";
    let first = Scripted::start(move |_| http(307, "Refresh: 3;url=/cluster\r\n", page));
    let second = answering(200, "There is no active RM right now.\nHA Zookeeper Connection State: x\n");
    let all = [first.address.as_str(), &second.address, &standby.address];
    let error = self::manager(&all).application(&id()).unwrap_err();
    assert!(error.is_passing() && !error.may_have_been_done());
    let text = error.to_string();
    for part in [
        first.address.as_str(),
        &second.address,
        &standby.address,
        "stands by; ",
        "stands by and names rm.example:8088",
        "tell of application_",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn who_is_active_tells_its_version() {
    let info = r#"{"clusterInfo":{"haState":"ACTIVE","resourceManagerVersion":"3.4.2","startedOn":1796001168688}}"#;
    let (standby, active) = (stands_by(), answering(200, info));
    let told = manager(&[&standby.address, &active.address]).information().unwrap();
    assert_eq!(
        (told.ha_state.as_str(), told.version.as_str(), told.started_ms),
        ("ACTIVE", "3.4.2", Some(1796001168688))
    );
    assert!(matches!(manager(&[&standby.address]).information(), Err(Error::NoneActive { .. })));
}

#[test]
fn an_application_that_is_not_known_is_told_from_a_server_that_is_none() {
    let unknown = r#"{"RemoteException":{"exception":"NotFoundException","message":"java.lang.Exception: app with id: application_1796001168688_0001 not found","javaClassName":"org.apache.hadoop.yarn.webapp.NotFoundException"}}"#;
    assert_eq!(manager(&[&answering(404, unknown).address]).application(&id()).unwrap(), None);
    let others = [
        (404, "<html>no such page</html>"),
        (404, ""),
        (404, r#"{"RemoteException":{"exception":"FileNotFoundException","message":"x"}}"#),
        (500, unknown),
        (200, "{}"),
        (200, "<html>"),
        (200, r#"{"app":{"id":"application_1_2"}}"#),
        (200, r#"{"app":{"id":"../../x"}}"#),
        (401, "<html>Authentication required</html>"),
        (302, ""),
    ];
    for (status, body) in others {
        let error = manager(&[&answering(status, body).address]).application(&id()).unwrap_err();
        assert!(error.to_string().contains("tell of application_1796001168688_0001"), "{error}");
    }
}

#[test]
fn what_is_refused_says_why_in_one_line() {
    let refusal = r#"{"RemoteException":{"exception":"BadRequestException","message":"Application is submitted to a queue that does not exist\n\tat org.example","javaClassName":"x"}}"#;
    let error = manager(&[&answering(400, refusal).address]).submit(&alice(), &context()).unwrap_err();
    assert!(matches!(&error, Error::Refused { status: 400, kind, .. } if kind == "BadRequestException"), "{error}");
    assert!(!error.to_string().contains("org.example") && !error.is_passing());
}

#[test]
fn an_application_is_read_whatever_is_missing_or_new() {
    let bare = r#"{"app":{"id":"application_1796001168688_0001","state":"FINAL_SAVING","finalStatus":null,"amRPCAddress":"N/A","startedTime":"NaN","allocatedMB":-1,"applicationTags":null,"new":[1]}}"#;
    let app = manager(&[&answering(200, bare).address]).application(&id()).unwrap().unwrap();
    assert_eq!((app.state, app.final_status), (State::Other("FINAL_SAVING".into()), FinalStatus::Undefined));
    assert_eq!((app.am_rpc_address, app.started_ms, app.allocated_mb, app.tags), (None, None, None, vec![]));
}

#[test]
fn a_list_is_filtered_and_may_be_empty_in_any_way() {
    let app = r#"{"id":"application_1796001168688_0001","applicationTags":"FP:c,fp-app:a"}"#;
    let others = r#"{"id":"application_1796001168688_0002","applicationTags":"of-somebody-else"}"#;
    for (body, count) in [
        (r#"{"apps":null}"#.to_owned(), 0),
        ("{}".to_owned(), 0),
        (r#"{"apps":{}}"#.to_owned(), 0),
        (r#"{"apps":{"app":null}}"#.to_owned(), 0),
        (format!(r#"{{"apps":{{"app":{app}}}}}"#), 1),
        (format!(r#"{{"apps":{{"app":[{app},{others}]}}}}"#), 1),
    ] {
        let server = Scripted::start(move |_| http(200, "", &body));
        let found = manager(&[&server.address]).applications("fp:c", &[State::Accepted, State::Running]).unwrap();
        assert_eq!(found.len(), count);
        let asked =
            "GET /ws/v1/cluster/apps?applicationTags=fp%3Ac&deSelects=resourceRequests&states=ACCEPTED%2CRUNNING";
        assert_eq!(server.asked(), [asked]);
    }
    let bad = answering(200, r#"{"apps":{"app":[{"id":"x"}]}}"#);
    assert!(matches!(manager(&[&bad.address]).applications("a", &[]), Err(Error::Answer { .. })));
}

/// An answer as a real one of Hadoop 3.4.2 gave it.
fn captured(name: &str) -> String {
    let file = format!("{}/../../tests/fixtures/yarn/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let capture: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    capture["answer"].to_string()
}

fn capture(name: &str) -> Scripted {
    let answer = captured(name);
    Scripted::start(move |_| http(200, "", &answer))
}

#[test]
fn a_real_resource_manager_is_understood() {
    let id = ApplicationId::new("application_1796023296291_0021").unwrap();
    let real = |name: &str| manager(&[&capture(name).address]);
    let app = real("application-running").application(&id).unwrap().unwrap();
    assert_eq!((app.state, app.final_status), (State::Running, FinalStatus::Undefined));
    assert_eq!(app.am_rpc_address.unwrap().to_string(), "localhost:35767");
    assert_eq!((app.tags, app.running_containers), (vec!["pnda-app-x".to_owned(), "pnda-run-1".to_owned()], Some(2)));
    let app = real("application-finished").application(&id).unwrap().unwrap();
    assert_eq!(
        (app.state, app.final_status, app.finished_ms),
        (State::Finished, FinalStatus::Succeeded, Some(1796023785518))
    );
    let failed = ApplicationId::new("application_1796023296291_0114").unwrap();
    let app = real("application-failed").application(&failed).unwrap().unwrap();
    assert_eq!((app.state, app.final_status), (State::Failed, FinalStatus::Failed));
    assert!(app.am_rpc_address.is_none() && app.allocated_mb.is_none() && app.tags.is_empty());
    assert!(app.diagnostics.contains("exitCode: 2"));
    let attempts = real("attempts").attempts(&id).unwrap();
    assert_eq!(attempts[0].node_http_address, "localhost:29042".parse().ok());
    assert_eq!((attempts[0].started_ms, attempts[0].finished_ms), (Some(1796023733711), None));
    for (name, count) in [("containers", 2), ("containers-one", 1)] {
        let found = real(name).containers(&id, &attempts[0].id).unwrap();
        assert_eq!((found.len(), found[0].state.as_str(), found[0].exit_status), (count, "RUNNING", Some(0)));
        assert_eq!(found[0].node_http_address, "localhost:29042".parse().ok());
    }
    for (body, count) in
        [("null", 0), ("{}", 0), (r#"{"containers":{"container":{"containerId":"container_1_2_3_4"}}}"#, 1)]
    {
        assert_eq!(manager(&[&answering(200, body).address]).containers(&id, &attempts[0].id).unwrap().len(), count);
    }
}

#[test]
fn readers_with_a_name_say_it() {
    let server = answering(200, "{}");
    let _ = manager(&[&server.address]).reading_as(alice()).applications("a", &[]);
    assert!(server.asked()[0].ends_with("&user.name=alice"));
}

#[test]
fn the_fake_of_other_rooms_tests_answers_as_the_real_one() {
    let fake = Fake::start();
    let (manager, alice) = (fake.client(), alice());
    let id = manager.new_application(&alice).unwrap().id;
    let context = |name: &str| serde_json::json!({ "application-id": id.as_str(), "application-name": name, "application-tags": { "tag": ["FP:c"] } });
    assert_eq!(manager.application(&id).unwrap(), None);
    fake.server.drop("POST /ws/v1/cluster/apps?", 1);
    assert!(manager.submit(&alice, &context("one")).unwrap_err().may_have_been_done());
    assert_eq!(manager.application(&id).unwrap(), None, "it was not taken");
    fake.server.lose("POST /ws/v1/cluster/apps?", 1);
    assert!(manager.submit(&alice, &context("one")).unwrap_err().may_have_been_done());
    manager.submit(&alice, &context("two")).unwrap();
    assert_eq!(fake.server.count("POST /ws/v1/cluster/apps?"), 3);
    let app = manager.application(&id).unwrap().unwrap();
    assert_eq!((app.name.as_str(), app.user.as_str(), &app.state), ("one", "alice", &State::Accepted));
    fake.run(&id, "worker-1:45678");
    let running = manager.applications("fp:c", &[State::Running]).unwrap();
    assert_eq!(running[0].am_rpc_address, "worker-1:45678".parse().ok());
    assert!(manager.applications("fp:c", &[State::Accepted]).unwrap().is_empty());
    assert!(manager.applications("fp:other", &[]).unwrap().is_empty());
    manager.kill(&alice, &id).unwrap();
    manager.kill(&alice, &id).unwrap();
    let app = manager.application(&id).unwrap().unwrap();
    assert_eq!((app.state, app.final_status, app.finished_ms.is_some()), (State::Killed, FinalStatus::Killed, true));
    assert_eq!(manager.attempts(&id).unwrap().len(), 1);
    fake.world().refuse.push((403, "AccessControlException", "alice must not"));
    assert!(matches!(manager.submit(&alice, &context("x")), Err(Error::Refused { status: 403, .. })));
    fake.world().stands_by = true;
    assert!(matches!(manager.application(&id), Err(Error::NoneActive { .. })));
    assert!(manager.information().is_err());
    fake.world().stands_by = false;
    fake.forget(&id);
    assert_eq!((manager.application(&id).unwrap(), manager.information().unwrap().version.as_str()), (None, "3.4.2"));
}

/// A ResourceManager that gives what real ones gave.
fn several() -> Scripted {
    Scripted::start(|request| {
        let name = match request.url.path() {
            "/ws/v1/cluster/scheduler" => "scheduler-capacity",
            "/ws/v1/cluster/get-node-labels" => "labels",
            "/ws/v1/cluster/nodes" => "nodes",
            "/ws/v1/cluster/queues/open/access" => "access-yes",
            "/ws/v1/cluster/queues/default/access" => "access-no",
            "/conf" if request.parameter("name") == "yarn.acl.enable" => "conf-acl",
            "/ws/v1/cluster/queues/dev/access" => return http(403, "", &captured("access-forbidden")),
            _ => return http(404, "", ""),
        };
        http(200, "", &captured(name))
    })
}

fn scheduler(name: &str) -> scheduler::Scheduler {
    manager(&[&capture(name).address]).scheduler().unwrap()
}

#[test]
fn queues_of_the_capacity_scheduler_are_read() {
    let told = scheduler("scheduler-capacity");
    let paths: Vec<&str> = told.queues.iter().map(|queue| queue.path.as_str()).collect();
    assert_eq!(paths, ["root", "root.default", "root.applications", "root.applications.dev", "root.applications.prod"]);
    let dev = told.find("dev").unwrap();
    assert_eq!(dev.path, "root.applications.dev");
    assert_eq!((dev.state.as_str(), dev.is_leaf, dev.grows), ("RUNNING", true, false));
    assert_eq!(dev.most, Some(scheduler::Most { memory_mb: 4096, cores: 8 }));
    assert_eq!(dev.access, Some([" dev,prod".to_owned(), " ".to_owned()]));
    let way: Vec<&str> = told.way_to(dev).map(|queue| queue.path.as_str()).collect();
    assert_eq!(way, ["root", "root.applications", "root.applications.dev"]);
    assert!(told.find("root.default").is_some() && !told.find("applications").unwrap().is_leaf);
    assert!(told.find("Default").is_none() && told.find("root.dev").is_none());

    let told = scheduler("scheduler-labels");
    assert_eq!(told.find("stopped").unwrap().state, "STOPPED");
    assert_eq!(told.find("gpu").unwrap().labels, Some(vec!["gpu".to_owned()]));
    assert_eq!(told.find("default").unwrap().most.unwrap().memory_mb, 2048);
}

#[test]
fn queues_of_the_fair_scheduler_are_read() {
    let told = scheduler("scheduler-fair");
    assert_eq!(told.kind, scheduler::Kind::Fair);
    let leaves: Vec<&str> = told.queues.iter().filter(|queue| queue.is_leaf).map(|queue| queue.path.as_str()).collect();
    assert!(leaves.contains(&"root.dev.one") && leaves.contains(&"root.prod"), "{leaves:?}");
    assert_eq!(told.find("prod").unwrap().most, Some(scheduler::Most { memory_mb: 2048, cores: 2 }));
    assert!(told.find("one").is_none() && told.find("dev").is_some_and(|queue| !queue.is_leaf));
}

#[test]
fn settings_labels_nodes_and_rights_are_read() {
    let server = several();
    let manager = manager(&[&server.address]);
    assert_eq!(manager.setting("yarn.acl.enable").unwrap().as_deref(), Some("true"));
    assert_eq!(manager.setting("no.such").unwrap(), None);
    assert_eq!(manager.labels().unwrap(), ["gpu"]);
    let nodes = manager.nodes().unwrap();
    assert_eq!((nodes.len(), nodes[0].memory_mb(), nodes[0].free_mb), (1, 4096, 512));
    assert_eq!(nodes[0].address.as_ref().unwrap().to_string(), "localhost:18042");
    let may = |queue: &str| manager.may_submit(&alice(), queue).unwrap();
    assert_eq!((may("open"), may("default"), may("dev")), (Some(true), Some(false), None));
}

#[test]
fn a_java_is_known_by_either_way_of_counting() {
    let bean =
        |version: &str| format!(r#"{{"beans":[{{"name":"java.lang:type=Runtime","SpecVersion":"{version}"}}]}}"#);
    for (said, java) in [("17", Some(17)), ("1.8", Some(8)), ("", None), ("x", None)] {
        assert_eq!(scheduler::java_in(bean(said).as_bytes()), java, "{said}");
    }
    assert_eq!(scheduler::java_in(b"<html>"), None);
}
