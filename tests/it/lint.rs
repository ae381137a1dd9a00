//! `pnda lint` as a user runs it: what it prints, its exit codes, and its JSON against the published schema.
//! Files are written into a folder of the test under the names that Flink gives them.
//! Not here: the findings, which are tested beside their rules.

use crate::project::Project;
use serde_json::Value;

fn project(file: &str, text: &str) -> Project {
    let project = Project::new();
    std::fs::write(project.path(file), text).unwrap();
    project
}

#[test]
fn a_good_file_is_silent_and_a_bad_one_fails() {
    let good = "jobmanager.memory.process.size: 1600m\nparallelism.default: 2\n";
    project("config.yaml", good)
        .run("lint config.yaml")
        .says(0, "nothing to say: 2 keys in 1 file, as Flink 1.20.5 reads them");
    let note = project("config.yaml", "state.backend: rocksdb\n");
    note.run("lint config.yaml")
        .says(0, "config.yaml:1: note: `state.backend` is an old name\n    write `state.backend.type`\n1 note");
    let warning = project("config.yaml", "rest:\n  prot: 8081\n");
    warning
        .run("lint config.yaml --flink 2.3")
        .says(1, "config.yaml:2: warning: `rest.prot` is no option of Flink\n    did you mean `rest.port`?\n");
    project("flink-conf.yaml", "rest.port: x\n")
        .run("lint flink-conf.yaml --flink 1.18.1")
        .says(1, "flink-conf.yaml:1: error: ");
}

#[test]
fn what_cannot_be_read_is_wrong_usage() {
    let project = project("config.yaml", "rest.port: 0\n");
    project.run("lint nothing.yaml").says(2, "cannot read nothing.yaml");
    project.run("lint config.yaml --flink 1.4.2").says(2, "name a version from 1.15 on");
    project.run("lint config.yaml --flink two").says(2, "is not a Flink version");
    project.run("lint").says(2, "FILE");
    std::fs::write(project.path("bytes.yaml"), b"a: \xff\n").unwrap();
    project.run("lint bytes.yaml").says(2, "it is no UTF-8");
}

#[test]
fn memory_is_explained() {
    let text = "jobmanager.memory.process.size: 1600m\ntaskmanager.memory.process.size: 600m\n";
    let ran = project("config.yaml", text).run("lint config.yaml --explain-memory");
    let ran = ran.says(1, "      JVM heap             1g      1073741824  what off-heap leaves\n");
    let ran = ran.says(1, "    JVM overhead         192m       201326592  0.1 of the process, raised to the minimum\n");
    ran.says(1, "task manager: would not start: framework heap 128m");
    let old = project("flink-conf.yaml", "taskmanager.heap.mb: 1024\n");
    old.run("lint flink-conf.yaml --explain-memory")
        .says(0, "  process                         1g      1073741824  set at flink-conf.yaml:1\n");
    old.run("lint flink-conf.yaml --explain-memory --standalone")
        .says(0, "    Flink                         1g      1073741824  set at flink-conf.yaml:1\n");
}

#[test]
fn what_is_printed_as_json_follows_the_published_schema() {
    let project = project(
        "config.yaml",
        "rest.prot: 1\njobmanager.memory.process.size: 1g\ntaskmanager.memory.process.size: 9m\n",
    );
    let schema: Value = serde_json::from_str(&project.run("lint --schema").out).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    for words in ["lint config.yaml --json", "lint config.yaml --json --explain-memory --java 17 --flink 2.3"] {
        let ran = project.run(words);
        let value: Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(
            (ran.code, validator.validate(&value).map_err(|error| error.to_string())),
            (1, Ok(())),
            "{}",
            ran.out
        );
        assert_eq!(value["files"][0]["findings"][0]["key"], if words.contains("17") { "" } else { "rest.prot" });
        assert!(value["errors"].as_u64() >= Some(1));
    }
}

#[test]
fn the_guide_shows_what_is_printed() {
    let guide = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/guide/lint.md")).unwrap();
    let old = "jobmanager.heap.mb: 1024\ntaskmanager.memory.preallocate: false\ntaskmanager.number-of-task-slots: 2\n\
        execution.checkpointing.interval: 3 mins\n";
    let shown = project("flink-conf.yaml", old).run("lint flink-conf.yaml --flink 1.20.5").out;
    assert!(guide.contains(&shown), "{shown}");
    let new = project("config.yaml", "jobmanager.memory.process.size: 1600m\n");
    let shown = new.run("lint config.yaml --explain-memory").out;
    assert!(guide.contains(shown.split("\ntask manager").next().unwrap().trim_end()), "{shown}");
}
