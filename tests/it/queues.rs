//! The queue wrapper as an edge node gets it, run by the machine's `sh`: who asks for what, and what is run.
//! The callers and the commands behind the wrapper are scripts of the test's own.
//! Not here: YARN's own opinion; a cluster of real nodes asks for that.

use pnda::cluster::{self, Inputs};
use pnda::words::digest::Sha256;
use pnda::words::generation::{Generation, Listed};
use pnda::words::names::SafePath;
use pnda::words::problem::Source;
use pnda::words::tree::Entry;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
const BIN: &str = "opt/pnda/rm-wrapper/bin";
const REAL: [&str; 4] = ["flink", "flink-1.20.5", "yarn-session.sh", "spark-submit"];

/// An edge's wrapper in a folder, real commands behind it, and `id` of whoever the test says.
struct Edge {
    folder: TempDir,
}

impl Edge {
    fn new() -> Edge {
        let edge = Edge { folder: tempfile::tempdir().unwrap() };
        let root = edge.folder.path();
        let held = ["flink-1.20.5.tar.gz", "hadoop-3.4.2.tar.gz", "mirror_misc/jre-17.0.9.2.tar.gz", "pnda-agent"];
        let listed = Listed { size: 1, sha256: Sha256::of(b"1") };
        let files = held.map(|name| (SafePath::new(name).unwrap(), listed)).into();
        let generation = Generation { number: 1, lock: Sha256::of(b""), files };
        let rendered = cluster::render(&Inputs {
            root: Some(root.display().to_string()),
            ..Inputs::shipped(
                Source { file: "pico.toml", text: &cluster::example_clusters()["pico.toml"] },
                Some(&generation),
                KEY,
            )
        });
        let rendered = rendered.unwrap_or_else(|problems| panic!("{problems}"));
        for (path, entry) in rendered.nodes.values().next().unwrap().iter() {
            let Some(place) = path.as_str().strip_prefix("files/") else { continue };
            let Entry::File { bytes, .. } = entry else { continue };
            script(&root.join(place), &String::from_utf8_lossy(&bytes));
        }
        for name in REAL {
            symlink("yarn-common-wrapper.sh", root.join(BIN).join(name)).unwrap();
            script(&root.join("real").join(name), &format!("#!/bin/sh\nprintf '{name}'\nprintf ' %s' \"$@\"\n"));
        }
        script(&root.join("real/id"), "#!/bin/sh\ncase $1 in -un) echo \"$WHO\" ;; *) echo \"$GROUPS_OF\" ;; esac\n");
        script(&root.join("real/logger"), "#!/bin/sh\n");
        edge
    }

    /// What a line of a member of these groups runs; or the exit code and what was said.
    fn run(&self, who: &str, groups: &str, line: &str) -> Result<String, (i32, String)> {
        let root = self.folder.path();
        let path = format!("{}:{}:/usr/bin:/bin", root.join(BIN).display(), root.join("real").display());
        let mut command = Command::new("sh");
        command.args(["-c", line]).env_clear().envs([("PATH", path.as_str()), ("WHO", who), ("GROUPS_OF", groups)]);
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        match output.status.code() {
            Some(0) => Ok(text(output.stdout)),
            code => Err((code.unwrap(), text(output.stderr))),
        }
    }
}

fn script(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_submission_runs_in_a_queue_that_its_user_may_use() {
    let edge = Edge::new();
    let queue = "-Dyarn.application.queue=";
    for (who, groups, line, runs) in [
        (
            "pnda",
            "pnda",
            "flink run-application a.jar --x y",
            format!("flink run-application {queue}default a.jar --x y"),
        ),
        ("dev1", "pnda dev", "flink run -c Main a.jar", format!("flink run {queue}dev -c Main a.jar")),
        ("dev1", "dev", "flink-1.20.5 run a.jar", format!("flink-1.20.5 run {queue}dev a.jar")),
        ("prod1", "prod", "flink run -yqu dev a.jar", format!("flink run {queue}dev a.jar")),
        ("prod1", "prod", "flink run --yarnqueue=prod a.jar", format!("flink run {queue}prod a.jar")),
        ("prod1", "prod", &format!("flink run {queue}dev a.jar"), format!("flink run {queue}dev a.jar")),
        (
            "prod1",
            "prod",
            "flink run -D yarn.application.queue=dev -D a=b a.jar",
            format!("flink run {queue}dev -D a=b a.jar"),
        ),
        // Whoever still names YARN the old way gets the old option.
        ("dev1", "dev", "flink run -m yarn-cluster a.jar", "flink run -yqu dev -m yarn-cluster a.jar".into()),
        // What is the program's is left to it, and a jar that is no program too.
        ("dev1", "dev", "flink run a.jar --queue mine -qu z", format!("flink run {queue}dev a.jar --queue mine -qu z")),
        ("dev1", "dev", "flink run -C x.jar -yqu dev a.jar", format!("flink run {queue}dev -C x.jar a.jar")),
        ("dev1", "dev", "flink run -py job.py --queue q", format!("flink run {queue}dev -py job.py --queue q")),
        // Commands that submit nothing are nobody's concern.
        ("joe", "joe", "flink list", "flink list".into()),
        ("joe", "joe", "flink", "flink ".into()),
        ("dev1", "dev", "yarn-session.sh -qu dev -d", format!("yarn-session.sh {queue}dev -d")),
        ("dev1", "dev", "spark-submit --class A a.jar", "spark-submit --queue=dev --class A a.jar".into()),
    ] {
        assert_eq!(edge.run(who, groups, line), Ok(runs), "{who} {line}");
    }
}

#[test]
fn a_submission_that_no_queue_takes_runs_nothing() {
    let edge = Edge::new();
    for (who, groups, line, code, said) in [
        ("dev1", "dev", "flink run -yqu prod a.jar", 3, "dev1 may use dev, and not prod"),
        ("joe", "users", "flink run a.jar", 2, "No matching rule for joe"),
        ("joe", "dev-ops", "flink run a.jar", 2, "No matching rule for joe"),
        ("dev1", "dev", "flink run -yqu", 2, "-yqu names no queue"),
    ] {
        let refused = edge.run(who, groups, line).unwrap_err();
        assert!(refused.0 == code && refused.1.contains(said), "{who} {line}: {refused:?}");
    }
    fs::remove_file(edge.folder.path().join("opt/pnda/rm-wrapper/policies/map.txt")).unwrap();
    let refused = edge.run("dev1", "dev", "flink run a.jar").unwrap_err();
    assert!(refused.0 == 1 && refused.1.contains("map.txt file missing"), "{refused:?}");
}
