//! One script of calls to the real ResourceManager, NameNode and JobManager of the trial, and to the ones in memory that the
//! manager's tests run on: status, kind of refusal, and what an answer has must be the same.
//! An answer in memory may lack what a real one has; it has nothing that the real one lacks.
//! Not here: what becomes of what was asked for, which takes time in a real cluster.

use super::{component, master};
use pnda::systems::transport::{Body, Method, Request, Shared};
use pnda::systems::webhdfs::{self, Times};
use pnda::systems::{jobmanager, yarn};
use serde_json::{Value, json};
use std::io::Read;
use std::path::Path;
use url::Url;

/// Three servers, and what is asked of them.
struct Servers {
    yarn: String,
    hdfs: String,
    flink: String,
    user: String,
    job: String,
    transport: Shared,
}

/// What was asked, with the status and the JSON of the answer.
type Told = (String, u16, Value);

impl Servers {
    fn send<'a>(&self, method: Method, url: &'a Url, body: Body<'a>) -> (u16, Value) {
        let mut answer = self.transport.exchange(Request { method, url, wants_json: true, body }).unwrap();
        let mut text = Vec::new();
        answer.body.read_to_end(&mut text).unwrap();
        (answer.status, serde_json::from_slice(&text).unwrap_or_default())
    }

    fn json(&self, method: Method, url: &str, body: &Value) -> (u16, Value) {
        let url = Url::parse(url).unwrap();
        self.send(method, &url, if body.is_null() { Body::Nothing } else { Body::Json(body) })
    }

    /// Files, folders, and what is refused.
    fn of_hdfs(&self) -> Vec<Told> {
        let folder = format!("/user/{}/conformance", self.user);
        let calls: [(Method, &str, &str); 17] = [
            (Method::Delete, "", "op=DELETE&recursive=true"),
            (Method::Get, "", "op=GETFILESTATUS"),
            (Method::Get, "", "op=LISTSTATUS"),
            (Method::Put, "", "op=MKDIRS&permission=700"),
            (Method::Put, "", "op=MKDIRS&permission=700"),
            (Method::Put, "/a", "op=CREATE&overwrite=false&noredirect=true&permission=600"),
            (Method::Put, "/a", "op=CREATE&overwrite=false&noredirect=true&permission=600"),
            (Method::Put, "/b", "op=CREATE&overwrite=true&noredirect=true&permission=600"),
            (Method::Get, "/a", "op=GETFILESTATUS"),
            (Method::Get, "", "op=LISTSTATUS"),
            (Method::Get, "/a", "op=OPEN&noredirect=true&length=9"),
            (Method::Get, "/none", "op=OPEN&noredirect=true"),
            (Method::Put, "/a", "op=RENAME&destination={folder}/b"),
            (Method::Put, "/a", "op=RENAME&destination={folder}/b&renameoptions=NONE"),
            (Method::Put, "/none", "op=RENAME&destination={folder}/c"),
            (Method::Put, "/a", "op=RENAME&destination={folder}/c"),
            (Method::Delete, "/none", "op=DELETE&recursive=true"),
        ];
        let mut told = Vec::new();
        for (method, path, query) in calls {
            let query = query.replace("{folder}", &folder);
            let url = format!("{}/webhdfs/v1{folder}{path}?{query}&user.name={}", self.hdfs, self.user);
            let (status, answer) = self.send(method, &Url::parse(&url).unwrap(), Body::Nothing);
            told.push((format!("{} {path} {query}", method.name()), status, answer.clone()));
            // The DataNode that it names takes the bytes, or gives them.
            let Some(to) = answer["Location"].as_str().and_then(|to| Url::parse(to).ok()) else { continue };
            let mut bytes = &b"bytes"[..];
            let body = if matches!(method, Method::Put) { Body::Bytes(5, &mut bytes) } else { Body::Nothing };
            let (status, answer) = self.send(method, &to, body);
            told.push((format!("{} {path} at its DataNode", method.name()), status, answer));
        }
        told
    }

    /// An id, what takes it, its end, and what is refused.
    fn of_yarn(&self) -> Vec<Told> {
        let at = |path: &str| format!("{}/ws/v1/cluster/{path}?user.name={}", self.yarn, self.user);
        let mut told = Vec::new();
        let mut ask = |what: &str, (status, answer): (u16, Value)| {
            told.push((what.to_owned(), status, answer.clone()));
            answer
        };
        let none = "application_1_0001";
        let new = ask("a new id", self.json(Method::Post, &at("apps/new-application"), &Value::Null));
        let id = new["application-id"].as_str().unwrap();
        ask("one that nobody submitted", self.json(Method::Get, &at(&format!("apps/{id}")), &Value::Null));
        ask("one that nobody was given", self.json(Method::Get, &at(&format!("apps/{none}")), &Value::Null));
        let end = json!({ "state": "KILLED" });
        ask("the end of none", self.json(Method::Put, &at(&format!("apps/{none}/state")), &end));
        ask("no id", self.json(Method::Post, &at("apps"), &json!({ "application-id": "x" })));
        let context = json!({
            "application-id": id, "application-name": "conformance", "application-type": "placeholder",
            "priority": 0, "application-tags": { "tag": ["conformance"] }, "max-app-attempts": 1,
            "resource": { "memory": 64, "vCores": 1 }, "am-container-spec": { "commands": { "command": "sleep 60" } },
        });
        let nobody = format!("{}/ws/v1/cluster/apps", self.yarn);
        ask("a submission", self.json(Method::Post, &at("apps"), &context));
        ask("the same again", self.json(Method::Post, &at("apps"), &context));
        ask("it", self.json(Method::Get, &at(&format!("apps/{id}")), &Value::Null));
        ask("its attempts", self.json(Method::Get, &at(&format!("apps/{id}/appattempts")), &Value::Null));
        let of_tag = format!("{nobody}?applicationTags=conformance&user.name={}", self.user);
        ask("what has the tag", self.json(Method::Get, &of_tag, &Value::Null));
        let of_none = format!("{nobody}?applicationTags=nobody-s&user.name={}", self.user);
        ask("what has a tag of nobody", self.json(Method::Get, &of_none, &Value::Null));
        ask("its end", self.json(Method::Put, &at(&format!("apps/{id}/state")), &end));
        told
    }

    /// What a JobManager accepts, and what it does not know.
    fn of_flink(&self) -> Vec<Told> {
        let job = &self.job;
        let (none, id, other) = ("f".repeat(32), "c0".repeat(16), "c1".repeat(16));
        let checkpoint = json!({ "triggerId": id });
        let savepoint = json!({ "triggerId": other, "target-directory": format!("/user/{}/conformance", self.user) });
        let calls: [(Method, String, &Value); 10] = [
            (Method::Get, "jobs/overview".to_owned(), &Value::Null),
            (Method::Get, format!("jobs/{job}"), &Value::Null),
            (Method::Get, format!("jobs/{none}"), &Value::Null),
            (Method::Get, format!("jobs/{job}/checkpoints/config"), &Value::Null),
            (Method::Get, format!("jobs/{job}/savepoints/{other}"), &Value::Null),
            (Method::Get, format!("jobs/{job}/checkpoints/{id}"), &Value::Null),
            (Method::Post, format!("jobs/{job}/checkpoints"), &checkpoint),
            (Method::Post, format!("jobs/{job}/checkpoints"), &checkpoint),
            (Method::Post, format!("jobs/{none}/savepoints"), &savepoint),
            (Method::Get, "nothing-of-this-name".to_owned(), &Value::Null),
        ];
        let ask = |(method, path, body): (Method, String, &Value)| {
            let (status, answer) = self.json(method, &format!("{}/{path}", self.flink), body);
            (format!("{} {path}", method.name()), status, answer)
        };
        calls.into_iter().map(ask).collect()
    }
}

/// What the answer in memory has and the real one lacks, or has otherwise.
fn lacks(real: &Value, virtual_one: &Value, at: &str) -> Vec<String> {
    let kind = |value: &Value| match value {
        Value::Null => "nothing",
        Value::Bool(_) => "yes or no",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    match (real, virtual_one) {
        (_, Value::Null) | (Value::Null, _) => Vec::new(),
        (Value::Object(real), Value::Object(own)) => {
            let of_key = |(key, own): (&String, &Value)| match real.get(key) {
                // Both are words for which of several things it is.
                Some(real) if key == "exception" && real != own => vec![format!("{at}/{key} is {real}, not {own}")],
                Some(real) => lacks(real, own, &format!("{at}/{key}")),
                None if own.is_null() => Vec::new(),
                None => vec![format!("{at} has no {key}")],
            };
            own.iter().flat_map(of_key).collect()
        }
        (Value::Array(real), Value::Array(own)) => match (real.first(), own.first()) {
            (Some(real), Some(own)) => lacks(real, own, &format!("{at}/0")),
            _ => Vec::new(),
        },
        (real, own) if kind(real) == kind(own) => Vec::new(),
        (real, own) => vec![format!("{at} is {}, not {}", kind(real), kind(own))],
    }
}

fn compare(real: Vec<Told>, own: Vec<Told>) -> Vec<String> {
    let asked = |told: &[Told]| told.iter().map(|(what, ..)| what.clone()).collect::<Vec<_>>();
    let mut differences = Vec::new();
    if real.len() != own.len() {
        differences.push(format!("other calls: {:?} and {:?}", asked(&real), asked(&own)));
    }
    for ((what, status, real), (_, other, own)) in real.iter().zip(&own) {
        if status != other {
            differences.push(format!("{what}: {status} {real}, and in memory {other} {own}"));
        }
        differences.extend(lacks(real, own, "").into_iter().map(|why| format!("{what}: {why}: {real}")));
    }
    differences
}

/// The servers in memory answer as the real ones do, of which one runs `application`.
pub fn servers_in_memory_answer_as_the_real_ones(folder: &Path, application: &str) {
    let config = std::fs::read_to_string(folder.join("node/etc/pnda/applications.toml")).unwrap();
    let config: toml::Table = config.parse().unwrap();
    let (manager, job) = master(folder, &component(folder, application));
    let text = |value: &toml::Value| value.as_str().unwrap().trim_end_matches('/').to_owned();
    let real = Servers {
        yarn: text(&config["resource_managers"][0]),
        hdfs: text(&config["name_nodes"][0]),
        flink: manager.address().to_owned(),
        user: text(&config["user"]),
        job: job.to_string(),
        transport: webhdfs::http(Times::default()),
    };
    let (yarn, hdfs, flink) = (yarn::Fake::start(), webhdfs::Fake::start(), jobmanager::Fake::start(&job));
    let own = Servers {
        yarn: yarn.server.address.clone(),
        hdfs: hdfs.web.clone(),
        flink: flink.server.address.clone(),
        user: real.user.clone(),
        job: real.job.clone(),
        transport: webhdfs::http(Times::default()),
    };
    let mut differences = compare(real.of_hdfs(), own.of_hdfs());
    differences.extend(compare(real.of_yarn(), own.of_yarn()));
    differences.extend(compare(real.of_flink(), own.of_flink()));
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
