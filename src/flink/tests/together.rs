//! Settings that are right each for itself and wrong together, or where Flink runs: with each other, with folders, YARN and Java.
//! Text in, findings out, as in the tests of single settings.
//! Not here: single settings.

use super::super::{Severity, Syntax, Target, lint};
use super::{Deployment, found, target};
use words::problem::Source;

#[test]
fn settings_that_contradict_each_other_are_told() {
    let check = |text: &str, expected: &str| {
        let found = found(text, Syntax::Yaml, "1.20.5");
        let whats: Vec<&str> = found.lines().filter(|line| line.starts_with("c:")).collect();
        assert_eq!(whats.join("\n"), expected, "{text}");
    };
    check(
        "high-availability.type: zookeeper\n",
        "c:1: error: high availability with zookeeper needs `high-availability.storageDir`: no job manager would start\n\
         c:1: error: high availability with zookeeper needs `high-availability.zookeeper.quorum`: no job manager would start",
    );
    check(
        "high-availability.storageDir: hdfs:///a\n",
        "c:1: warning: `high-availability.storageDir` does nothing while high availability is off",
    );
    check(
        "high-availability.type: zk\n",
        "c:1: error: `high-availability.type` cannot be `zk`: Flink takes it for the name of a class",
    );
    check(
        "yarn.application-attempts: 3\n",
        "c:1: warning: `yarn.application-attempts` is 3 without high availability: a second attempt starts the job from scratch",
    );
    check(
        "execution.checkpointing.interval: 1 min\n",
        "c:1: warning: checkpoints are taken, and kept in the job manager's heap: they are lost with it",
    );
    check(
        "execution.checkpointing.interval: 1 min\nexecution.checkpointing.dir: hdfs:///a\n",
        "c:1: note: the last checkpoint is removed when a job is cancelled or fails for good",
    );
    check(
        "high-availability.type: zookeeper\nhigh-availability.storageDir: hdfs:///a\n\
         high-availability.zookeeper.quorum: a:1\nhigh-availability.cluster-id: b\n",
        "c:4: warning: `high-availability.cluster-id` is the same for every application of this file: \
         two would take each other's jobs",
    );
    check(
        "execution.checkpointing.storage: filesystem\n",
        "c:1: error: checkpoints go to a file system, and none is named: no job would start",
    );
    check(
        "state.backend.type: heap\n",
        "c:1: error: `state.backend.type` cannot be `heap`: Flink takes it for the name of a class",
    );
    check(
        "restart-strategy.type: fixed\n",
        "c:1: error: `restart-strategy.type` cannot be `fixed`: no job would start",
    );
    check(
        "restart-strategy.type: failure-rate\nrestart-strategy.fixed-delay.attempts: 3\n",
        "c:2: warning: `restart-strategy.fixed-delay.attempts` does nothing: the strategy is failure-rate",
    );
    check("taskmanager.numberOfTaskSlots: 0\n", "c:1: error: `taskmanager.numberOfTaskSlots` cannot be 0");
    check("rest.bind-port: 80810\n", "c:1: error: `rest.bind-port` cannot be 80810");
    check(
        "metrics.reporters: a\nmetrics.reporter.b.factory.class: x.Y\n",
        "c:1: warning: `metrics.reporters` names `a`, which has no factory: it reports nothing\n\
         c:2: warning: `b` is not among `metrics.reporters`: it reports nothing",
    );
    check(
        "jobmanager.archive.fs.dir: hdfs:///a\nhistoryserver.archive.fs.dir: hdfs:///b/\n",
        "c:2: warning: the history server does not look where job managers archive: `hdfs:///a`",
    );
    check(
        "jobmanager.memory.process.size: 400m\n",
        "c:1: error: no job manager would start: metaspace 256m + JVM overhead 192m make 448m, more than the process of 400m",
    );
    check(
        "env.java.opts.all: -Xmx2g\n",
        "c:1: warning: `env.java.opts.all` sets -Xmx2g, which Flink computes: the process gets another size than YARN grants",
    );
}

#[test]
fn folders_that_flink_refuses_or_that_others_do_not_see_are_told() {
    let check = |text: &str, expected: &str| {
        let found = found(text, Syntax::Yaml, "2.3.0");
        let whats: Vec<&str> = found.lines().filter(|line| line.starts_with("c:")).collect();
        assert_eq!(whats.join("\n"), expected, "{text}");
    };
    for key in ["execution.checkpointing.dir", "execution.checkpointing.savepoint-dir"] {
        check(&format!("{key}: /flink/ck\n"), &format!("c:1: error: `{key}` has no scheme: no job would start"));
        for root in ["s3://bucket", "s3://bucket/", "hdfs:///", "hdfs://nn:8020", "file:/"] {
            let found = found(&format!("{key}: {root}\n"), Syntax::Yaml, "2.3.0");
            assert!(found.contains("is the root of a file system") && found.contains("error"), "{root}: {found}");
        }
        for good in ["hdfs:///flink", "hdfs://nn/flink", "hdfs:/flink", "s3://bucket/x"] {
            check(&format!("{key}: {good}\n"), "");
        }
        check(
            &format!("{key}: file:///flink\n"),
            &format!(
                "c:1: warning: `{key}` is on the disk of whichever machine YARN chooses: it is not found again from another"
            ),
        );
    }
    check(
        "jobmanager.archive.fs.dir: /flink/done\n",
        "c:1: warning: `jobmanager.archive.fs.dir` has no scheme: /flink/done is a folder of each machine's own disk",
    );
    check("jobmanager.archive.fs.dir: /flink/done\nfs.default-scheme: hdfs://nn\n", "");
    check(
        "jobmanager.archive.fs.dir: FILE:///flink/done\n",
        "c:1: warning: `jobmanager.archive.fs.dir` is on the disk of whichever machine YARN chooses: \
         nobody learns there how a job ended",
    );
    check(
        "execution.checkpointing.dir: hdfs:///${USER}/ck\n",
        "c:1: warning: `execution.checkpointing.dir` has a variable in it, which nobody expands: the folder is called so",
    );
}

#[test]
fn what_only_yarn_makes_wrong_is_told() {
    let of = |text: &str, deployment| {
        let target = Target { deployment, ..target("1.20.5") };
        let (_, findings) = lint(Source { file: "c", text }, Syntax::Yaml, target).unwrap();
        findings
            .into_iter()
            .filter(|one| one.origin.line.is_some())
            .map(|one| (one.severity, one.key))
            .collect::<Vec<_>>()
    };
    for (text, severity, key) in [
        ("rest.port: 8081\n", Severity::Warning, "rest.port"),
        ("scheduler-mode: reactive\n", Severity::Error, "scheduler-mode"),
        ("rest.bind-address: localhost\n", Severity::Note, "rest.bind-address"),
        ("jobmanager.archive.fs.dir: file:/done\n", Severity::Warning, "jobmanager.archive.fs.dir"),
    ] {
        assert_eq!(of(text, Deployment::Yarn), [(severity, key.to_owned())], "{text}");
        assert_eq!(of(text, Deployment::Standalone), [], "{text}");
    }
    assert_eq!(of("rest.port: 8081\nrest.bind-port: 50100-50200\n", Deployment::Yarn), []);
    assert_eq!(of("rest.port: 0\n", Deployment::Yarn), []);
}

#[test]
fn java_is_held_against_flink_and_against_its_options() {
    let check = |java: u32, version: &str, text: &str, expected: &str| {
        let target = Target { java: Some(java), ..target(version) };
        let syntax = target.version.configuration_file().into();
        let (_, findings) = lint(Source { file: "c", text }, syntax, target).unwrap();
        let whats: Vec<String> =
            findings.iter().map(|finding| format!("{}: {}", finding.severity, finding.what)).collect();
        assert_eq!(whats.join("\n"), expected, "{java} {text}");
    };
    let opened = "env.java.opts.all: --add-opens=java.base/java.util=ALL-UNNAMED\n";
    check(8, "2.3.0", "rest.port: 0\n", "error: Flink 2.3.0 does not run on Java 8");
    check(17, "2.3.0", opened, "");
    check(
        17,
        "1.20.5",
        "rest.port: 0\n",
        "warning: no option opens Java 17 to Flink: jobs fail with InaccessibleObjectException",
    );
    check(8, "1.20.5", opened, "");
    check(8, "1.17.2", opened, "error: Java 8 knows no modules, and does not start with --add-opens or --add-exports");
    let collector = "env.java.opts.taskmanager: -XX:+UseParNewGC\n";
    check(11, "1.17.2", collector, "error: Java knows UseParNewGC only before 10, and here is 11: it does not start");
    check(11, "1.18.1", collector, "warning: Java knows UseParNewGC only before 10, and here is 11: it skips it");
}
