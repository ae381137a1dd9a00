//! PNDA's paths as its clients know them, and what groups may do: words, codes, nulls, and what is not there.
//! Each answer is read as JSON, as the real clients read it.
//! Not here: who is let in.

use super::bed::{Bed, PACKAGE};
use super::scripted_cluster;
use serde_json::{Value, json};

#[test]
fn packages_and_applications_are_told_in_pnda_s_words() {
    let bed = Bed::new();
    let get = |path: &str| bed.plain(&format!("GET {path}"), "", b"");
    assert_eq!(get("/packages").json(), json!([PACKAGE]));
    let told = get(&format!("/packages/{PACKAGE}")).json();
    assert_eq!((&told["name"], &told["version"]), (&json!("word-count"), &json!("1.0.0")));
    assert_eq!((&told["status"], &told["user"]), (&json!("DEPLOYED"), &json!("alice")));
    assert_eq!(told["defaults"]["flink"]["count"]["main_jar"], "count.jar");
    let unknown = json!({ "name": "some-thing", "version": "1.0.0", "status": "NOTDEPLOYED", "user": null,
                          "defaults": null, "information": null });
    assert_eq!(get("/packages/some-thing-1.0.0").json(), unknown);
    assert_eq!(get("/packages/some-thing-1.0.0/applications").json(), json!([]));
    let listed = json!([{ "name": "word-count", "latest_versions": [{ "version": "1.0.0", "file": "word-count-1.0.0.tar.gz" }] }]);
    assert_eq!(get("/repository/packages").json(), listed);
    assert_eq!(get("/applications/words/status").json(), json!({ "status": "CREATED", "information": null }));
    let gone = json!({ "status": "NOTCREATED", "information": null });
    assert_eq!(get("/applications/none").json(), gone);
    assert_eq!(get("/applications/none/status").json(), gone);
    let detail = get("/applications/none/detail");
    assert_eq!((detail.status, &detail.json()["status"]), (404, &json!("NOTCREATED")));
    assert_eq!(get("/applications/none/summary").json(), json!({ "none": { "status": "Not Created" } }));
    let summary = get("/applications/words/summary").json();
    assert_eq!(summary["words"]["aggregate_status"], "CREATED");
    assert_eq!(summary["words"]["flink-1"]["name"], "words-count-job");
    let own = bed.ask("alice", "GET /applications/words").json();
    assert_eq!((&own["overrides"]["package"], &own["package_name"]), (&json!(PACKAGE), &json!(PACKAGE)));
    let reply = get("/applications/words/everything").refusal();
    assert_eq!((reply.0, reply.2.as_str()), (400, "an application has status, detail and summary"));
    let reply = bed.ask("alice", "POST /applications/words/restart").refusal();
    assert_eq!((reply.0, reply.2.as_str()), (400, "restart is not a valid action (start|stop)"));
}

#[test]
fn the_environment_is_told_without_secrets() {
    let bed = Bed::new();
    let told = bed.plain("GET /environment/endpoints", "", b"").json();
    let expected = json!({ "kafka_brokers": "kafka.example:9092", "yarn_resource_manager_host": "rm.example",
                           "yarn_resource_manager_port": "8088" });
    assert_eq!(told, expected);
}

#[test]
fn a_package_that_is_missing_is_taken_and_told_as_its_clients_look_for_it() {
    let bed = Bed::new();
    assert_eq!(bed.ask("alice", "PUT /packages/none-1.0.0").status, 202);
    let told = bed.plain("GET /packages/none-1.0.0/status", "", b"").json();
    assert!(
        told["status"] == "NOTDEPLOYED" && told["information"].as_str().unwrap().contains("none-1.0.0NotFound"),
        "{told}"
    );
    assert_eq!(bed.ask("alice", "DELETE /packages/none-1.0.0").status, 404);
    assert_eq!(bed.ask("alice", &format!("PUT /packages/{PACKAGE}")).status, 409);
    let create = |name: &str, body: &str| bed.send("alice", &format!("PUT /applications/{name}"), "", body.as_bytes());
    for wrong in ["", "{}", "[]", "hello", r#"{"package": 1}"#, r#"{"package": "none-1.0.0", "user": "bob"}"#] {
        assert_eq!(create("new", wrong).status, 400, "{wrong}");
    }
    assert_eq!(create("new", r#"{"package": "none-1.0.0"}"#).status, 404);
    assert_eq!(create("words", &format!("{{\"package\": \"{PACKAGE}\"}}")).status, 409);
}

#[test]
fn groups_decide_who_deploys_and_owners_and_administrators_change() {
    let bed = Bed::new();
    let told =
        bed.send("bob", "PUT /repository/packages/b-1.0.0.tar.gz", "", &scripted_cluster::package(PACKAGE)).refusal();
    assert_eq!(told.2, "only members of the group dev bring and deploy packages; bob is none");
    for line in
        ["PUT /packages/none-1.0.0", "PUT /v1/packages/none-1.0.0", "DELETE /repository/packages/b-1.0.0.tar.gz"]
    {
        assert_eq!(bed.ask("bob", line).status, 403, "{line}");
    }
    assert_eq!(bed.ask("boss", "DELETE /repository/packages/b-1.0.0.tar.gz").status, 404);
    let body = format!("{{\"package\": \"{PACKAGE}\"}}");
    assert_eq!(
        bed.send("bob", "PUT /v1/applications/bobs", "", body.as_bytes()).status,
        201,
        "no group is named for it"
    );
    for line in [
        "POST /applications/words/start",
        "POST /applications/words/stop",
        "DELETE /applications/words",
        "POST /v1/applications/words/start",
        "POST /v1/applications/words/stop",
        "DELETE /v1/applications/words",
        "GET /v1/applications/words/explain",
        "GET /v1/applications/words/components/count/logs",
        &format!("DELETE /packages/{PACKAGE}"),
    ] {
        let told = bed.ask("bob", line).refusal();
        assert_eq!((told.0, told.1.as_str()), (403, "forbidden"), "{line}");
        assert!(told.2.contains("alice"), "{line}: {told:?}");
    }
    assert_eq!(bed.ask("bob", "GET /v1/applications/words").status, 200);
    assert_eq!(bed.ask("boss", "POST /v1/applications/words/start").status, 202);
    assert_eq!(bed.ask("boss", &format!("DELETE /packages/{PACKAGE}")).status, 409, "it is in use");
}

#[test]
fn what_comes_later_is_a_refusal_of_its_own() {
    let bed = Bed::new();
    let mut archive = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for path in ["w-1.0.0/", "w-1.0.0/jupyter/", "w-1.0.0/jupyter/flow/", "w-1.0.0/jupyter/flow/flow.ipynb"] {
        let mut header = tar::Header::new_gnu();
        header.set_size(0);
        header.set_mode(0o644);
        header.set_entry_type(if path.ends_with('/') { tar::EntryType::Directory } else { tar::EntryType::Regular });
        archive.append_data(&mut header, path, &b""[..]).unwrap();
    }
    let bytes = archive.into_inner().unwrap().finish().unwrap();
    assert_eq!(bed.send("alice", "PUT /repository/packages/w-1.0.0.tar.gz", "", &bytes).status, 200);
    assert_eq!(bed.ask("alice", "PUT /packages/w-1.0.0").status, 202);
    let told = bed.send("alice", "PUT /applications/flow", "", br#"{"package": "w-1.0.0"}"#).refusal();
    assert_eq!((told.0, told.1.as_str()), (501, "not-yet"));
    assert!(told.2.starts_with("not yet: w-1.0.0 has no component of type flink or oozie"), "{told:?}");
}

#[test]
fn the_document_of_the_interface_is_served() {
    let bed = Bed::new();
    let served = bed.plain("GET /v1/openapi.json", "", b"").json();
    assert_eq!(served, super::super::openapi::document());
    let methods: Value = served["paths"]["/applications/{application}"].clone();
    assert_eq!(methods.as_object().unwrap().len(), 3);
}
