//! What Oozie gets of a component, for a package of the shape of PNDA's example and for workflows of other kinds.
//! The XML is held as it comes out; that Oozie takes it, a test on the real one shows (`tests/trial/oozie.rs`).
//! Not here: what is submitted when (`manager/tests/workflows.rs`).

use super::action::without_ssh;
use super::*;
use crate::journal::Wanted;
use crate::package::tests::{archive, file};
use words::names::{ApplicationName, ComponentName};

/// As PNDA's example has it.
pub(crate) const BY_SSH: &str = "<workflow-app name=\"${component_application}-workflow\" xmlns=\"uri:oozie:workflow:0.1\">\
    <start to=\"ssh\"/><action name=\"ssh\"><ssh xmlns=\"uri:oozie:ssh-action:0.1\"><host>${flink_client}</host>\
    <command>${path_to_script}</command><capture-output/></ssh><ok to=\"end\"/><error to=\"end\"/></action>\
    <end name=\"end\"/></workflow-app>";
pub(crate) const TIMES: &str = "<coordinator-app name=\"c\" frequency=\"${coord:minutes(component_freq_in_mins)}\" \
    start=\"${component_start}\" end=\"${component_end}\" timezone=\"UTC\" xmlns=\"uri:oozie:coordinator:0.2\"><action><workflow>\
    <app-path>${environment_name_node}${component_hdfs_root}</app-path></workflow></action></coordinator-app>";
pub(crate) const PACKAGE: &str = "counts-1.0.0";

/// A package with one component of type `oozie`.
pub(crate) fn packed(properties: &str, files: &[(&str, &[u8])]) -> Vec<u8> {
    packed_as(&format!("{PACKAGE}/oozie/counts"), properties, files)
}

/// The same with its component in another folder.
pub(crate) fn packed_as(folder: &str, properties: &str, files: &[(&str, &[u8])]) -> Vec<u8> {
    let at = |path: &str| format!("{folder}/{path}");
    let names: Vec<String> = files.iter().map(|(name, _)| at(name)).collect();
    let own = at("properties.json");
    let mut members = vec![file(&own, properties.as_bytes())];
    members.extend(names.iter().zip(files).map(|(name, (_, content))| file(name, content)));
    archive(&members)
}

/// PNDA's example, with a job in Java.
pub(crate) fn example() -> Vec<u8> {
    let properties = r#"{"freq_in_mins": "20", "start": "${deployment_start}", "end": "${deployment_end}", "job_type": "flink",
        "main_jar": "job.jar", "main_class": "example.Main", "application_args": "--out 'a b'", "flink_config_args": "-yn 1 -p 2"}"#;
    let files: [(&str, &[u8]); 3] =
        [("workflow.xml", BY_SSH.as_bytes()), ("coordinator.xml", TIMES.as_bytes()), ("lib/job.jar", b"PK\x03\x04")];
    packed(properties, &files)
}

fn read(bytes: &[u8]) -> Package {
    package::read(&PackageName::new(PACKAGE).unwrap(), bytes).unwrap()
}

fn of() -> Key {
    Key { application: ApplicationName::new("hourly").unwrap(), component: ComponentName::new("counts").unwrap() }
}

fn word(text: &str) -> Word {
    Word::new(text).unwrap()
}

fn prepared(package: &Package) -> Result<Prepared, Error> {
    let cluster = Cluster {
        name: word("pico"),
        filesystem: "hdfs://nn:8020".into(),
        class_path: vec![],
        checkpoints: "/c".into(),
        savepoints: "/s".into(),
        archive: "/a".into(),
        logs: "/l".into(),
        attempts: 1,
    };
    let application = Application {
        package: package.name.clone(),
        owner: word("alice"),
        overrides: serde_json::json!({ "package": PACKAGE }),
        wanted: Wanted::Created,
        information: None,
        components: BTreeMap::new(),
        workflows: BTreeMap::new(),
        upgrade: None,
        previous: None,
    };
    let environment = [
        ("name_node", "hdfs://nn:8020"),
        ("yarn_resource_manager_host", "manager"),
        ("yarn_resource_manager_mr_port", "8032"),
    ];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let queue = word("root.poets");
    let facts = Facts {
        cluster: &cluster,
        environment: &environment,
        layers: &Layers::new(),
        queue: Some(&queue),
        now_ms: 1_796_094_001_000,
    };
    prepare(package, &application, (&of(), &word("0a1b")), &facts)
}

#[test]
fn a_coordinator_of_pnda_s_begins_with_the_next_minute_and_ends_after_a_week() {
    let package = read(&example());
    let prepared = prepared(&package).unwrap();
    assert!(prepared.is_coordinator());
    let configuration = prepared.configuration();
    for (name, value) in [
        ("component_start", "2026-12-01T03:01Z"),
        ("component_end", "2026-12-08T03:01Z"),
        ("component_hdfs_root", "/user/alice/.oozie/0a1b"),
        ("oozie.coord.application.path", "hdfs://nn:8020/user/alice/.oozie/0a1b"),
        ("oozie.wf.external.id", "0a1b"),
        ("resourceManager", "manager:8032"),
        ("mapreduce.job.queuename", "root.poets"),
        ("component_freq_in_mins", "20"),
    ] {
        assert_eq!(configuration.get(name).map(String::as_str), Some(value), "{name}");
    }
}

#[test]
fn pnda_s_action_by_ssh_becomes_one_in_a_container() {
    let package = read(&example());
    let prepared = prepared(&package).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::create_dir(at("lib")).unwrap();
    std::fs::write(at("workflow.xml"), BY_SSH).unwrap();
    let configuration = BTreeMap::from([("env.java.opts.all".to_owned(), "--add-opens=a=b -Dx=y".to_owned())]);
    let flink = FlinkOfJob {
        version: "1.20.5".parse().unwrap(),
        configuration: &configuration,
        log: "/etc/pnda/flink/log4j.properties".into(),
        staged: "hdfs://nn:8020/pnda/flink/1.20.5",
        name: "hourly-counts-job",
        tags: "pnda-oozie-0a1b",
        queue: Some("root.poets"),
    };
    let parts = prepared.assembled(&package, (&of(), Some(&flink)), folder.path()).unwrap();
    let keys: Vec<&str> = parts.iter().map(|part| part.key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "application.properties",
            "config-default.xml",
            "coordinator.xml",
            "job/lib/job.jar",
            "workflow.xml",
            "job/log4j.properties",
            "job/execute.sh",
            "job/config.yaml"
        ]
    );
    let text = |name: &str| std::fs::read_to_string(at(name)).unwrap();
    let workflow = text("workflow.xml");
    assert!(!workflow.contains("ssh-action") && workflow.ends_with("</workflow-app>"), "{workflow}");
    assert!(
        workflow.contains("<resource-manager>manager:8032</resource-manager><name-node>hdfs://nn:8020</name-node>")
    );
    assert!(workflow.contains("<file>/user/alice/.oozie/0a1b/job/lib/job.jar#job.jar</file>"), "{workflow}");
    assert!(workflow.contains("<file>hdfs://nn:8020/pnda/flink/1.20.5/lib#flink</file></shell><ok to=\"end\"/>"));
    let script = text(".execute.sh");
    assert!(script.contains("set -- -c 'example.Main' 'job.jar' '--out' 'a b'\n"), "{script}");
    assert!(
        script.contains("JAVA_OPTIONS='--add-opens=a=b -Dx=y'\n") && script.contains("exec \"$JAVA_HOME/bin/java\"")
    );
    let settings = text(".config.yaml");
    for line in ["\"parallelism.default\": \"2\"", "\"execution.target\": \"yarn-per-job\"", "pnda-oozie-0a1b"] {
        assert!(settings.contains(line), "{line}: {settings}");
    }
    assert!(text("config-default.xml").contains("<name>mapreduce.job.queuename</name><value>root.poets</value>"));
    assert!(text("application.properties").contains("component.freq_in_mins=20"));
}

#[test]
fn another_action_by_ssh_and_what_is_no_xml_are_refused() {
    let other = BY_SSH.replace("${flink_client}", "root@edge");
    let told = without_ssh("workflow.xml", &other, Some("<shell/>")).unwrap_err().to_string();
    assert!(told.contains("the ssh action ssh") && told.contains("have a shell action do it"), "{told}");
    assert!(without_ssh("workflow.xml", BY_SSH, None).is_err(), "without job_type flink there is no script");
    let told = without_ssh("workflow.xml", "<workflow-app>", None).unwrap_err().to_string();
    assert!(told.starts_with("workflow.xml is no XML"), "{told}");
    let entities = "<!DOCTYPE a [<!ENTITY b \"c\">]><a/>";
    assert!(without_ssh("workflow.xml", entities, None).is_err());
}

#[test]
fn every_mistake_of_a_component_is_told() {
    let package =
        read(&packed(r#"{"job_type": "flink", "main_py": "job.py", "schedule": "@daily"}"#, &[("lib/job.py", b"")]));
    let told = prepared(&package).unwrap_err().to_string();
    for line in ["missing file workflow.xml", "Oozie runs no script of Python", "`schedule` is not for Oozie"] {
        assert!(told.contains(line), "{line}: {told}");
    }
    let package = read(&packed(r#"{"key": "@SECRET:credential:key@"}"#, &[("workflow.xml", BY_SSH.as_bytes())]));
    let told = prepared(&package).unwrap_err().to_string();
    assert!(told.contains("Oozie shows the properties of its jobs to everybody"), "{told}");
}
