//! Our submissions held against those of Flink's own command line, as a real ResourceManager stored them
//! (`tests/fixtures/submission`), and what no package and no argument can break.
//! Not here: submitting.

use super::*;
use crate::journal::Key;
use crate::package::flink::Program;
use crate::package::python::Archive;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use words::names::{ApplicationName, ComponentName, SafePath};

/// What samples of scripts are called beside the release.
const PYTHON: &str = ".python";
const SAMPLES: [&str; 4] = ["1.20.5", "2.3.0", "1.20.5.python", "2.3.0.python"];
const FILESYSTEM: &str = "hdfs://nn.example:8020";

fn fixture(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/submission");
    std::fs::read_to_string(folder.join(name)).unwrap()
}

fn path(text: &str) -> SafePath {
    SafePath::new(text).unwrap()
}

/// What the command line sent, and the same job for ours.
struct Sample {
    context: Value,
    cluster: Cluster,
    flink: Distribution,
    job: Job,
    own: Vec<Resource>,
}

/// The release of a sample.
fn version_of(name: &str) -> &str {
    name.trim_end_matches(PYTHON)
}

/// What a job of a sample is submitted with.
pub(crate) fn sample(name: &str) -> (Cluster, Distribution, Job) {
    let Sample { cluster, flink, job, .. } = whole(name);
    (cluster, flink, job)
}

fn whole(name: &str) -> Sample {
    let context: Value = serde_json::from_str(&fixture(&format!("{name}.context.json"))).unwrap();
    let resources = context["am-container-spec"]["local-resources"].as_object().unwrap().iter();
    let resources = resources.map(|(key, value)| Resource {
        key: key.clone(),
        path: value["resource"].as_str().unwrap().strip_prefix(FILESYSTEM).unwrap().to_owned(),
        size: value["size"].as_u64().unwrap(),
        time_ms: value["timestamp"].as_u64().unwrap(),
        is_public: value["visibility"] == "PUBLIC",
        is_archive: value["type"] == "ARCHIVE",
    });
    let (files, own): (Vec<Resource>, Vec<Resource>) = resources.partition(|resource| resource.is_public);
    let version = version_of(name).parse().unwrap();
    let flink = Distribution { version, configuration: own_configuration(name), files };
    let jar = own.iter().find_map(|resource| resource.key.strip_prefix("usrlib/"));
    let program = match jar {
        Some(jar) => {
            let class = "org.apache.flink.streaming.examples.statemachine.StateMachineExample".into();
            Program::Jar { jar: path(jar), class }
        }
        None => {
            Program::Python { script: path("jobs/wc.py"), files: Vec::new(), archives: Vec::new(), has_jars: false }
        }
    };
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
        way: Way::Native(ApplicationId::new(context["application-id"].as_str().unwrap()).unwrap()),
        of: Key {
            application: ApplicationName::new("states").unwrap(),
            component: ComponentName::new("machine").unwrap(),
        },
        owner: word("alice"),
        order: Some(17),
        arguments: if jar.is_some() { Vec::new() } else { vec!["--in".into(), "x".into()] },
        program,
        configuration: BTreeMap::new(),
        queue: None,
        job: None,
        restore: None,
    };
    Sample { context, cluster, flink, job, own }
}

fn id_of(job: &Job) -> ApplicationId {
    match &job.way {
        Way::Native(id) => id.clone(),
        Way::Client(tag) => panic!("{tag} has no id"),
    }
}

/// The cluster's part of the configuration: what the command line found in its folder and on its own line.
fn own_configuration(name: &str) -> BTreeMap<String, String> {
    let ours = ["$internal.", "internal.", "pipeline.", "high-availability.", "rest."];
    let mut pairs = cli_configuration(name);
    pairs.retain(|key, _| !ours.iter().any(|prefix| key.starts_with(prefix)));
    pairs
}

fn cli_configuration(name: &str) -> BTreeMap<String, String> {
    let (file, text) = (format!("{name}.config.yaml"), fixture(&format!("{name}.config.yaml")));
    let version = version_of(name).parse().unwrap();
    let target = flink::Target { version, java: None, deployment: flink::memory::Deployment::Yarn };
    let source = words::problem::Source { file: &file, text: &text };
    let read = flink::lint(source, flink::Syntax::Yaml, target).unwrap().0;
    read.pairs().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

fn entries(value: &Value) -> BTreeMap<String, Value> {
    let entries = value["entry"].as_array().unwrap().iter();
    entries.map(|entry| (entry["key"].as_str().unwrap().to_owned(), entry["value"].clone())).collect()
}

#[test]
fn a_context_is_the_one_that_flinks_own_client_sends() {
    for version in SAMPLES {
        let Sample { context: theirs, cluster, flink, job, own } = whole(version);
        let configuration = configuration(&cluster, &flink, &job).unwrap();
        let ours = context(&cluster, &flink, (&job, &id_of(&job)), &configuration, &own).unwrap();
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
    for version in SAMPLES {
        let Sample { cluster, flink, job, .. } = whole(version);
        let ours = configuration(&cluster, &flink, &job).unwrap();
        for (key, value) in cli_configuration(version) {
            if of_the_client.contains(&key.as_str()) || key.starts_with("pipeline.") || key.ends_with("program-args") {
                continue;
            }
            assert_eq!(ours.get(&key), Some(value.as_str()), "{version} {key}");
        }
        match &job.program {
            Program::Jar { jar, .. } => {
                assert_eq!(ours.get("pipeline.jars"), Some(format!("file:/usrlib/{jar}").as_str()));
            }
            // Theirs is on the client's machine, ours in the container.
            Program::Python { .. } => {
                assert_eq!(ours.get("pipeline.jars"), None);
                assert!(
                    fixture(&format!("{version}.config.yaml"))
                        .contains("- --python\n    - /opt/jobs/wc.py\n    - --in\n")
                );
                assert_eq!(ours.arguments, ["--python", "jobs/wc.py", "--", "--in", "x"]);
            }
        }
    }
}

#[test]
fn what_was_written_is_what_flink_reads_whatever_stands_in_it() {
    let Sample { cluster, flink, mut job, .. } = whole("1.20.5");
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
    let Sample { cluster, mut flink, mut job, .. } = whole("2.3.0");
    flink.configuration.insert("yarn.application-attempts".into(), "4".into());
    flink.configuration.insert("metrics.reporters".into(), "grph".into());
    job.configuration.insert("state.checkpoints.dir".into(), "hdfs://elsewhere/x".into());
    job.configuration.insert("execution.savepoint-restore-mode".into(), "CLAIM".into());
    job.restore = Some("hdfs://nn.example:8020/s".into());
    job.job = JobId::new("a".repeat(32)).ok();
    let written = configuration(&cluster, &flink, &job).unwrap();
    assert_eq!(
        written.get("execution.checkpointing.dir"),
        Some("hdfs://nn.example:8020/pnda/flink/checkpoints/alice/states/machine")
    );
    assert_eq!(written.get("state.checkpoints.dir"), None);
    assert_eq!(written.get("execution.savepoint-restore-mode"), None);
    assert!(written.warnings.iter().any(|told| told.contains("nothing claims a state")), "{:?}", written.warnings);
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
    let sent = context(&cluster, &flink, (&job, &id_of(&job)), &with_others, &[]).unwrap();
    assert_eq!(
        (sent["max-app-attempts"].as_u64(), &sent["application-tags"]["tag"]),
        (Some(4), &serde_json::json!(["pnda", "pnda-pico", "pnda-order-17"]))
    );
}

#[test]
fn what_would_not_start_is_refused_with_its_reason() {
    let Sample { cluster, mut flink, mut job, mut own, .. } = whole("1.20.5");
    own.push(Resource {
        key: "a';'b".into(),
        path: "/x".into(),
        size: 1,
        time_ms: 1,
        is_public: false,
        is_archive: false,
    });
    let good = configuration(&cluster, &flink, &job).unwrap();
    let told = context(&cluster, &flink, (&job, &id_of(&job)), &good, &own).unwrap_err().to_string();
    assert!(told.contains("cannot be shipped"), "{told}");
    job.configuration.insert("jobmanager.memory.process.size".into(), "100m".into());
    let told = configuration(&cluster, &flink, &job).unwrap_err().to_string();
    assert!(told.contains("Flink would not start"), "{told}");
    job.configuration.clear();
    flink.files.retain(|file| !file.key.contains("flink-dist"));
    let told = context(&cluster, &flink, (&job, &id_of(&job)), &good, &[]).unwrap_err().to_string();
    assert!(told.contains("has no lib/flink-dist"), "{told}");
    for old in ["1.18.1", "1.19.3", "3.0.0"] {
        flink.version = old.parse().unwrap();
        assert!(matches!(configuration(&cluster, &flink, &job), Err(Refused::Version(_))), "{old}");
    }
}

/// Releases before 1.19 read `flink-conf.yaml`, and are held against the rules of that file.
#[test]
fn flinks_own_client_gets_what_its_release_reads() {
    let Sample { cluster, mut flink, mut job, .. } = whole("1.20.5");
    job.way = Way::Client(Word::new("pnda-1").unwrap());
    for (old, dir) in [
        ("1.15.4", "state.checkpoints.dir"),
        ("1.18.1", "state.checkpoints.dir"),
        ("1.19.3", "state.checkpoints.dir"),
        ("1.20.5", "execution.checkpointing.dir"),
    ] {
        flink.version = old.parse().unwrap();
        let set = configuration(&cluster, &flink, &job).unwrap();
        let folder = Some("hdfs://nn.example:8020/pnda/flink/checkpoints/alice/states/machine");
        assert_eq!(set.get(dir), folder, "{old}");
    }
    flink.version = "1.18.1".parse().unwrap();
    job.configuration.insert("env.java.opts".into(), "-Dx=a # b".into());
    let told = configuration(&cluster, &flink, &job).unwrap_err().to_string();
    assert!(told.contains("the value of env.java.opts cannot be written into Flink 1.18.1's file"), "{told}");
}

#[test]
fn an_environment_that_travels_is_unpacked_in_each_container() {
    let Sample { cluster, flink, mut job, mut own, .. } = whole("1.20.5.python");
    let (file, folder) = (path("env.tar.gz"), "env".to_owned());
    let archives = vec![Archive { file, folder: folder.clone() }];
    job.program = Program::Python {
        script: path("job.py"),
        files: vec![path("words.py"), path("more")],
        archives,
        has_jars: true,
    };
    job.configuration.insert("python.executable".into(), "env/bin/python".into());
    own.push(Resource {
        key: folder,
        path: "/x/env.tar.gz".into(),
        size: 1,
        time_ms: 2,
        is_public: false,
        is_archive: true,
    });
    let set = configuration(&cluster, &flink, &job).unwrap();
    assert_eq!(set.get("python.files"), Some("words.py,more"));
    assert_eq!(set.get("yarn.classpath.include-user-jar"), Some("DISABLED"), "else Flink looks for no jar");
    // The cluster names another one for both, and the package wins for both.
    assert_eq!(flink.configuration["python.client.executable"], "python3");
    assert_eq!(set.get("python.client.executable"), Some("env/bin/python"));
    let sent = context(&cluster, &flink, (&job, &id_of(&job)), &set, &own).unwrap();
    let resources = entries(&sent["am-container-spec"]["local-resources"]);
    assert_eq!(
        (&resources["env"]["type"], &resources["log4j.properties"]["type"]),
        (&"ARCHIVE".into(), &"FILE".into())
    );
    let environment = entries(&sent["am-container-spec"]["environment"]);
    let shipped = environment["_CLIENT_SHIP_FILES"].as_str().unwrap();
    assert!(
        shipped.contains(
            "/x/env.tar.gz','size':1,'modificationTime':2,'visibility':'APPLICATION','resourceType':'ARCHIVE'}"
        )
    );
}

#[test]
fn flinks_own_client_takes_a_script_and_no_word_of_it_for_its_own() {
    let Sample { cluster, flink, mut job, .. } = whole("1.20.5.python");
    job.way = Way::Client(Word::new("pnda-1").unwrap());
    job.arguments = vec!["-p".into(), "7".into()];
    let set = configuration(&cluster, &flink, &job).unwrap();
    let places = client::Places { java_options: &[], class_path: "x", log: "y", jars: "z" };
    let words = client::words(flink.version, &job, &set.pairs, places);
    assert_eq!(words[words.len() - 6..], ["-py", "jobs/wc.py", "--", "--", "-p", "7"]);
    let archives = vec![Archive { file: path("env.tar.gz"), folder: "env".to_owned() }];
    job.program = Program::Python { script: path("job.py"), files: Vec::new(), archives, has_jars: false };
    assert!(matches!(configuration(&cluster, &flink, &job), Err(Refused::Archives(_))));
}

#[test]
fn one_interpreter_is_meant_for_the_script_and_its_functions() {
    let Sample { cluster, mut flink, mut job, .. } = whole("1.20.5.python");
    let both = ["python.executable", "python.client.executable"];
    let of = |flink: &Distribution, job: &Job| {
        let set = configuration(&cluster, flink, job).unwrap();
        both.map(|key| set.get(key).unwrap_or("-").to_owned())
    };
    assert_eq!(of(&flink, &job), ["python3", "python3"]);
    flink.configuration.insert(both[1].into(), "/client".into());
    assert_eq!(of(&flink, &job), ["python3", "/client"], "the cluster's two are the cluster's");
    job.configuration.insert(both[1].into(), "/own".into());
    assert_eq!(of(&flink, &job), ["/own", "/own"]);
    job.configuration.insert(both[0].into(), "/other".into());
    assert_eq!(of(&flink, &job), ["/other", "/own"]);
    job.configuration.clear();
    flink.configuration.retain(|key, _| !both.contains(&key.as_str()));
    assert_eq!(of(&flink, &job), ["-", "-"]);
    assert_eq!(configuration(&cluster, &flink, &job).unwrap().get("yarn.classpath.include-user-jar"), Some("ORDER"));
}
