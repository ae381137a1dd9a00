//! Looks at scripted servers on the loopback: real answers of four versions, and every way not to answer.
//! The captures lie in tests/fixtures/history-server, as a real history server gave them.
//! Not here: what the agent makes of it.

use super::*;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

const DEADLINE: Duration = Duration::from_millis(400);

/// A server that answers each path with bytes, and an unknown one with 404.
fn server(answers: Vec<(&'static str, Vec<u8>)>) -> Url {
    scripted(move |path, mut stream| {
        let absent = http(404, "{\"errors\":[\"File not found.\"]}");
        let bytes = answers.iter().find(|(known, _)| *known == path).map_or(&absent, |(_, bytes)| bytes);
        let _ = stream.write_all(bytes);
    })
}

/// A server that does with each connection what the script says.
fn scripted(script: impl Fn(&str, TcpStream) + Send + 'static) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut request = [0; 2048];
            let count = stream.read(&mut request).unwrap_or(0);
            let request = String::from_utf8_lossy(&request[..count]).to_lowercase();
            assert!(request.contains("cache-control: no-cache"), "{request}");
            script(request.split(' ').nth(1).unwrap_or(""), stream);
        }
    });
    url
}

fn http(status: u16, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len()).into_bytes()
}

/// A capture: status and body as a real server gave them.
fn capture(version: &str, name: &str) -> Vec<u8> {
    let file = format!("{}/../../tests/fixtures/history-server/{version}/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(file).unwrap();
    let capture: serde_json::Value = serde_json::from_str(&text).unwrap();
    http(capture["status"].as_u64().unwrap() as u16, &capture["response"].to_string())
}

fn config(version: &str) -> Vec<u8> {
    http(200, &format!("{{\"flink-version\":\"{version}\",\"features\":{{\"web-history\":true}}}}"))
}

/// The version and the jobs with their path, or the kind of failure with its path.
fn look(url: Url) -> String {
    let seen = HistoryServer::new(url, DEADLINE).observe();
    match (seen.identity.result, seen.jobs.map(|call| call.result)) {
        (Err(failure), _) | (_, Some(Err(failure))) => format!("{} at {}", failure.kind(), failure.path()),
        (Ok(identity), Some(Ok(jobs))) => format!("{}: {} by {}", identity.version, jobs.count, jobs.via),
        (Ok(_), None) => panic!("the jobs are always asked for after a good identity"),
    }
}

#[test]
fn real_servers_of_four_versions_tell_their_jobs() {
    for (version, count) in [("1.15.4", 4), ("1.18.1", 5), ("1.20.5", 5), ("2.3.0", 5)] {
        let full = server(vec![
            (CONFIG, capture(version, "config")),
            ("/joboverview", capture(version, "joboverview")),
            ("/jobs/overview", capture(version, "jobs-overview")),
        ]);
        assert_eq!(look(full), format!("{version}: {count} by /jobs/overview"));
        let empty = server(vec![
            (CONFIG, capture(version, "config")),
            ("/jobs/overview", capture(version, "jobs-overview-empty")),
        ]);
        assert_eq!(look(empty), format!("{version}: 0 by /jobs/overview"));
    }
}

#[test]
fn a_job_manager_is_no_history_server() {
    for version in ["1.15.4", "1.18.1", "1.20.5", "2.3.0"] {
        let url = server(vec![(CONFIG, capture(version, "jobmanager-config"))]);
        assert_eq!(look(url), "not-a-history-server at /config", "{version}");
    }
}

#[test]
fn version_1_4_counts_finished_jobs_and_has_no_list_before_the_first() {
    let config = http(200, "{\"refresh-interval\":10000,\"flink-version\":\"1.4.2\",\"flink-revision\":\"x\"}");
    let empty = server(vec![(CONFIG, config.clone())]);
    assert_eq!(look(empty), "1.4.2: 0 by /joboverview");
    let list = "{\"running\":[],\"finished\":[{\"jid\":\"a\"},{\"jid\":\"b\"}]}";
    let full = server(vec![(CONFIG, config), ("/joboverview", http(200, list))]);
    assert_eq!(look(full), "1.4.2: 2 by /joboverview");
}

#[test]
fn between_1_5_and_1_10_a_missing_list_is_an_empty_one() {
    assert_eq!(look(server(vec![(CONFIG, config("1.10.3"))])), "1.10.3: 0 by /jobs/overview");
}

#[test]
fn from_1_11_on_a_missing_list_is_a_failure() {
    assert_eq!(look(server(vec![(CONFIG, config("1.20.5"))])), "status at /jobs/overview");
}

#[test]
fn a_version_that_no_table_knows_is_asked_both_ways() {
    let list = ("/joboverview", http(200, "{\"finished\":[]}"));
    assert_eq!(look(server(vec![(CONFIG, config("nightly")), list])), "nightly: 0 by /joboverview");
    let list = ("/jobs/overview", http(200, "{\"jobs\":[1]}"));
    assert_eq!(look(server(vec![(CONFIG, config("<b>\\n")), list])), "unknown: 1 by /jobs/overview");
    assert_eq!(look(server(vec![(CONFIG, config("nightly"))])), "status at /joboverview");
}

#[test]
fn every_way_not_to_answer_has_its_own_name() {
    let wrong = |bytes: Vec<u8>| look(server(vec![(CONFIG, bytes)]));
    assert_eq!(wrong(http(500, "oops")), "status at /config");
    assert_eq!(wrong(http(404, "")), "status at /config");
    assert_eq!(wrong(http(302, "")), "status at /config");
    assert_eq!(wrong(http(200, "<!DOCTYPE html>")), "not-json at /config");
    assert_eq!(wrong(http(200, "")), "not-json at /config");
    assert_eq!(wrong(http(200, "{}")), "not-a-history-server at /config");
    assert_eq!(wrong(b"SSH-2.0-OpenSSH_9.6\r\n".to_vec()), "broken at /config");
    let short = b"HTTP/1.1 200 x\r\ncontent-length: 100\r\n\r\n{\"flink-v".to_vec();
    assert_eq!(wrong(short), "broken at /config");
    let listed = |body| look(server(vec![(CONFIG, config("1.20.5")), ("/jobs/overview", http(200, body))]));
    assert_eq!(listed("{\"tasks\":1}"), "not-a-history-server at /jobs/overview");
    assert_eq!(listed("{\"jobs\":{}}"), "not-json at /jobs/overview");
}

#[test]
fn nobody_there_is_not_the_same_as_nobody_answering() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url: Url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    assert_eq!(look(url.clone()), "timeout at /config");
    drop(listener);
    assert_eq!(look(url), "unreachable at /config");
}

#[test]
fn a_body_that_drips_or_never_ends_costs_no_more_than_the_deadline() {
    let start = Instant::now();
    let drip = scripted(|_, mut stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 x\r\n\r\n{");
        while stream.write_all(b" ").is_ok() {
            thread::sleep(Duration::from_millis(20));
        }
    });
    assert_eq!(look(drip), "timeout at /config");
    assert!(start.elapsed() < DEADLINE * 3);
    let endless = scripted(|path, mut stream| {
        if path == CONFIG {
            let _ = stream.write_all(&config("1.20.5"));
            return;
        }
        let _ = stream.write_all(b"HTTP/1.1 200 x\r\n\r\n{\"jobs\":[");
        let many = "1,".repeat(64 * 1024);
        while stream.write_all(many.as_bytes()).is_ok() {}
    });
    let server = HistoryServer::new(endless, Duration::from_secs(60));
    let failure = server.observe().jobs.unwrap().result.unwrap_err();
    assert!(matches!(failure, Failure::TooLong { limit: LONGEST_BODY, .. }), "{failure:?}");
}

#[test]
fn the_address_may_have_a_path_of_its_own() {
    let mut url =
        server(vec![("/gateway/config", config("1.20.5")), ("/gateway/jobs/overview", http(200, "{\"jobs\":[]}"))]);
    url.set_path("/gateway/");
    assert_eq!(look(url), "1.20.5: 0 by /jobs/overview");
}
