//! Our submissions held against those of Flink's own command line, as a real ResourceManager stored them
//! (`tests/fixtures/submission`), and what no package and no argument can break.
//! Not here: submitting.

use super::*;
use crate::journal::Key;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use words::names::{ApplicationName, ComponentName};

const FILESYSTEM: &str = "hdfs://nn.example:8020";

fn fixture(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/submission");
    std::fs::read_to_string(folder.join(name)).unwrap()
}

/// What the command line sent, and the same job for ours.
struct Sample {
    context: Value,
    cluster: Cluster,
    flink: Distribution,
    job: Job,
    own: Vec<Resource>,
}

fn sample(version: &str) -> Sample {
    let context: Value = serde_json::from_str(&fixture(&format!("{version}.context.json"))).unwrap();
    let resources = context["am-container-spec"]["local-resources"].as_object().unwrap().iter();
    let resources = resources.map(|(key, value)| Resource {
        key: key.clone(),
        path: value["resource"].as_str().unwrap().strip_prefix(FILESYSTEM).unwrap().to_owned(),
        size: value["size"].as_u64().unwrap(),
        time_ms: value["timestamp"].as_u64().unwrap(),
        is_public: value["visibility"] == "PUBLIC",
    });
    let (files, own): (Vec<Resource>, Vec<Resource>) = resources.partition(|resource| resource.is_public);
    let flink = Distribution { version: version.parse().unwrap(), configuration: own_configuration(version), files };
    let jar = own.iter().find_map(|resource| resource.key.strip_prefix("usrlib/")).unwrap().to_owned();
    let word = |text: &str| Word::new(text).unwrap();
    let cluster = Cluster {
        name: word("Pico"),
        filesystem: FILESYSTEM.into(),
        class_path: vec!["/etc/hadoop/conf".into(), "/opt/hadoop/lib/*".into()],
        checkpoints: "/pnda/flink/checkpoints".into(),
        savepoints: "/pnda/flink/savepoints".into(),
        archive: "/pnda/flink/completed-jobs".into(),
        logs: "/app-logs".into(),
        attempts: 4,
    };
    let job = Job {
        id: ApplicationId::new(context["application-id"].as_str().unwrap()).unwrap(),
        of: Key {
            application: ApplicationName::new("states").unwrap(),
            component: ComponentName::new("machine").unwrap(),
        },
        owner: word("alice"),
        main_class: "org.apache.flink.streaming.examples.statemachine.StateMachineExample".into(),
        main_jar: SafePath::new(jar).unwrap(),
        arguments: Vec::new(),
        configuration: BTreeMap::new(),
        queue: None,
        job: None,
        restore: None,
    };
    Sample { context, cluster, flink, job, own }
}

/// The cluster's part of the configuration: what the command line found in its folder and on its own line.
fn own_configuration(version: &str) -> BTreeMap<String, String> {
    let ours = ["$internal.", "internal.", "pipeline.", "high-availability.", "rest."];
    let mut pairs = cli_configuration(version);
    pairs.retain(|key, _| !ours.iter().any(|prefix| key.starts_with(prefix)));
    pairs
}

fn cli_configuration(version: &str) -> BTreeMap<String, String> {
    let (name, text) = (format!("{version}.config.yaml"), fixture(&format!("{version}.config.yaml")));
    let target =
        flink::Target { version: version.parse().unwrap(), java: None, deployment: flink::memory::Deployment::Yarn };
    let source = words::problem::Source { file: &name, text: &text };
    let read = flink::lint(source, flink::Syntax::Yaml, target).unwrap().0;
    read.pairs().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

fn entries(value: &Value) -> BTreeMap<String, Value> {
    let entries = value["entry"].as_array().unwrap().iter();
    entries.map(|entry| (entry["key"].as_str().unwrap().to_owned(), entry["value"].clone())).collect()
}

#[test]
fn a_context_is_the_one_that_flinks_own_client_sends() {
    for version in ["1.20.5", "2.3.0"] {
        let Sample { context: theirs, cluster, flink, job, own } = sample(version);
        let configuration = configuration(&cluster, &flink, &job).unwrap();
        let ours = context(&cluster, &flink, &job, &configuration, &own).unwrap();
        for key in ["application-id", "application-type", "resource", "priority", "max-app-attempts"] {
            assert_eq!(ours[key], theirs[key], "{version} {key}");
        }
        assert_eq!(ours["keep-containers-across-application-attempts"], false);
        let (our, their) = (&ours["am-container-spec"], &theirs["am-container-spec"]);
        assert_eq!(our["commands"]["command"], their["commands"][0], "{version}");
        let environment = entries(&our["environment"]);
        let added_by_yarn = ["APPLICATION_WEB_PROXY_BASE", "APP_SUBMIT_TIME_ENV"];
        let theirs = their["environment"].as_object().unwrap().iter();
        for (name, value) in theirs.filter(|(name, _)| !added_by_yarn.contains(&name.as_str())) {
            let set = |value: &Value| value.as_str().unwrap().split(';').map(str::to_owned).collect::<BTreeSet<_>>();
            assert_eq!(set(&environment[name]), set(value), "{version} {name}");
        }
        let resources = entries(&our["local-resources"]);
        assert_eq!(serde_json::json!(resources), their["local-resources"], "{version}");
    }
}

#[test]
fn a_configuration_has_what_flinks_own_client_writes() {
    // Where the client's own machine is, and what only it reads.
    let of_the_client = ["$internal.deployment.config-dir", "$internal.yarn.log-config-file", "rest.address"];
    for version in ["1.20.5", "2.3.0"] {
        let Sample { cluster, flink, job, .. } = sample(version);
        let ours = configuration(&cluster, &flink, &job).unwrap();
        for (key, value) in cli_configuration(version) {
            if of_the_client.contains(&key.as_str()) || key.starts_with("pipeline.") || key.ends_with("program-args") {
                continue;
            }
            assert_eq!(ours.get(&key), Some(value.as_str()), "{version} {key}");
        }
        assert_eq!(ours.get("pipeline.jars"), Some(format!("file:/usrlib/{}", job.main_jar).as_str()));
    }
}

#[test]
fn what_was_written_is_what_flink_reads_whatever_stands_in_it() {
    let Sample { cluster, flink, mut job, .. } = sample("1.20.5");
    job.arguments =
        ["it's", "say \"yes\"", "a;b", "k: v", "#no", "", "line1\nline2", "üñí", "{a: [1]}", "\u{85}", "- x"]
            .map(str::to_owned)
            .into();
    job.configuration.insert("env.java.opts.jobmanager".into(), "-Dx='y: z' # \"q\"".into());
    let written = configuration(&cluster, &flink, &job).unwrap();
    let text = written.text();
    assert_eq!(text.lines().count(), written.pairs.len() + 1, "no value begins another line");
    let target = flink::Target { version: flink.version, java: None, deployment: flink::memory::Deployment::Yarn };
    let read = flink::lint(words::problem::Source { file: "config.yaml", text: &text }, flink::Syntax::Yaml, target);
    let read: BTreeMap<String, String> =
        read.unwrap().0.pairs().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    for (key, value) in &written.pairs {
        assert_eq!(read.get(key), Some(value), "{key}");
    }
}

#[test]
fn state_is_kept_apart_by_owner_and_component_and_no_attempt_begins_from_nothing() {
    let Sample { cluster, mut flink, mut job, .. } = sample("2.3.0");
    flink.configuration.insert("yarn.application-attempts".into(), "4".into());
    flink.configuration.insert("metrics.reporters".into(), "grph".into());
    job.configuration.insert("state.checkpoints.dir".into(), "hdfs://elsewhere/x".into());
    job.restore = Some("hdfs://nn.example:8020/s".into());
    job.job = JobId::new("a".repeat(32)).ok();
    let written = configuration(&cluster, &flink, &job).unwrap();
    assert_eq!(
        written.get("execution.checkpointing.dir"),
        Some("hdfs://nn.example:8020/pnda/flink/checkpoints/alice/states/machine")
    );
    assert_eq!(written.get("state.checkpoints.dir"), None);
    assert_eq!(written.get("yarn.application-attempts"), Some("1"));
    assert_eq!(written.get("execution.state-recovery.path"), Some("hdfs://nn.example:8020/s"));
    assert_eq!(written.get("metrics.reporter.grph.prefix"), Some("application.kpi.states.machine"));
    assert_eq!(written.get("$internal.pipeline.job-id"), Some("a".repeat(32).as_str()));
    for (key, value) in [
        ("high-availability.type", "zookeeper"),
        ("high-availability.storageDir", "hdfs://nn.example:8020/ha"),
        ("high-availability.zookeeper.quorum", "manager:2181"),
    ] {
        flink.configuration.insert(key.into(), value.into());
    }
    let with_others = configuration(&cluster, &flink, &job).unwrap();
    assert_eq!(with_others.get("yarn.application-attempts"), Some("4"));
    let sent = context(&cluster, &flink, &job, &with_others, &[]).unwrap();
    assert_eq!(
        (sent["max-app-attempts"].as_u64(), &sent["application-tags"]["tag"][1]),
        (Some(4), &"pnda-pico".into())
    );
}

#[test]
fn what_would_not_start_is_refused_with_its_reason() {
    let Sample { cluster, mut flink, mut job, mut own, .. } = sample("1.20.5");
    own.push(Resource { key: "a';'b".into(), path: "/x".into(), size: 1, time_ms: 1, is_public: false });
    let good = configuration(&cluster, &flink, &job).unwrap();
    let told = context(&cluster, &flink, &job, &good, &own).unwrap_err().to_string();
    assert!(told.contains("cannot be shipped"), "{told}");
    job.configuration.insert("jobmanager.memory.process.size".into(), "100m".into());
    let told = configuration(&cluster, &flink, &job).unwrap_err().to_string();
    assert!(told.contains("Flink would not start"), "{told}");
    job.configuration.clear();
    flink.files.retain(|file| !file.key.contains("flink-dist"));
    let told = context(&cluster, &flink, &job, &good, &[]).unwrap_err().to_string();
    assert!(told.contains("has no lib/flink-dist"), "{told}");
    for old in ["1.18.1", "1.19.3", "3.0.0"] {
        flink.version = old.parse().unwrap();
        assert!(matches!(configuration(&cluster, &flink, &job), Err(Refused::Version(_))), "{old}");
    }
}
