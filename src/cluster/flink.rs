//! Flink's configuration as keys and values, in the form and with the names that the version reads.
//! Every rename is one line here with its evidence; a template prints the list as it is.
//! Not here: the settings' defaults (roles), or the file's syntax (`words::flink`).

use super::facts::Seen;
use super::setting::{milliseconds, split_address};
use flink::memory::Deployment;
use flink::{Severity, Target};
use std::collections::BTreeSet;
use words::flink::Version;
use words::problem::Source;

/// What Flink 1.18 and later need of a Java from 9 on, as the distribution's own configuration has it, less what it
/// exports of `jdk.compiler`: a runtime without that module would warn five times at each start.
pub(super) const JAVA_OPTIONS: [&str; 15] = [
    "--add-exports=java.base/sun.net.util=ALL-UNNAMED",
    "--add-exports=java.rmi/sun.rmi.registry=ALL-UNNAMED",
    "--add-exports=java.security.jgss/sun.security.krb5=ALL-UNNAMED",
    "--add-opens=java.base/java.lang=ALL-UNNAMED",
    "--add-opens=java.base/java.net=ALL-UNNAMED",
    "--add-opens=java.base/java.io=ALL-UNNAMED",
    "--add-opens=java.base/java.nio=ALL-UNNAMED",
    "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
    "--add-opens=java.base/java.lang.reflect=ALL-UNNAMED",
    "--add-opens=java.base/java.text=ALL-UNNAMED",
    "--add-opens=java.base/java.time=ALL-UNNAMED",
    "--add-opens=java.base/java.util=ALL-UNNAMED",
    "--add-opens=java.base/java.util.concurrent=ALL-UNNAMED",
    "--add-opens=java.base/java.util.concurrent.atomic=ALL-UNNAMED",
    "--add-opens=java.base/java.util.concurrent.locks=ALL-UNNAMED",
];

/// Settings that the configuration is made of; those of roles the node has not are left out.
pub(super) const USES: &[&str] = &[
    "flink.also",
    "flink.archive_url",
    "flink.attempts",
    "flink.checkpoints_url",
    "flink.ha_url",
    "flink.history_server.address",
    "flink.history_server.port",
    "flink.history_server.refresh",
    "flink.history_server.tls_keystore",
    "flink.history_server.tls_password",
    "flink.jobmanager.memory",
    "flink.parallelism",
    "flink.python",
    "flink.savepoints_url",
    "flink.staged_as",
    "flink.staged_url",
    "flink.taskmanager.memory",
    "flink.taskmanager.slots",
    "flink.version",
    "graphite.address",
    "java.home",
    "java.version",
    "log.flink",
    "zookeeper.quorum",
];

/// A key and its value.
pub(super) type Pair = (&'static str, String);

/// The versions that a node has, oldest first; none where Flink is not.
pub(super) fn versions(seen: &Seen<'_>) -> BTreeSet<Version> {
    let also = seen.text("flink.also").into_iter().flat_map(|also| also.split(','));
    seen.text("flink.version").into_iter().chain(also).filter_map(|version| version.parse().ok()).collect()
}

/// The configuration of clients, which is also that of the jobs that they submit.
pub(super) fn configuration(seen: &Seen<'_>, version: Version) -> Vec<Pair> {
    let mut pairs = job_defaults(seen);
    pairs.extend(environment(seen, version));
    pairs.push(("jobmanager.archive.fs.dir", archive(seen)));
    pairs.extend(durable(seen, version));
    pairs.extend(on_yarn(seen, version));
    pairs.extend(graphite(seen, version));
    pairs
}

/// Keys that stand for one setting each.
const SETTINGS: [(&str, &str); 4] = [
    ("jobmanager.memory.process.size", "flink.jobmanager.memory"),
    ("parallelism.default", "flink.parallelism"),
    ("taskmanager.memory.process.size", "flink.taskmanager.memory"),
    ("taskmanager.numberOfTaskSlots", "flink.taskmanager.slots"),
];

/// What one of the versions would refuse of the configuration: the setting, what is wrong and what would be right.
pub(super) fn refused(seen: &Seen<'_>) -> BTreeSet<(&'static str, String, String)> {
    let lacks = |one: &str, other: &str| seen.printed(one).is_some() && seen.printed(other).is_none();
    let (keystore, password) = ("flink.history_server.tls_keystore", "flink.history_server.tls_password");
    let half = [(keystore, password), (password, keystore)].into_iter().filter(|(one, other)| lacks(one, other));
    let half =
        half.map(|(one, other)| (one, format!("`{one}` is nothing without `{other}`"), format!("give `{other}`")));
    let by_version = versions(seen).into_iter().flat_map(|version| refused_by(seen, version));
    by_version.chain(half).collect()
}

fn refused_by(seen: &Seen<'_>, version: Version) -> Vec<(&'static str, String, String)> {
    let chosen = seen.text("flink.version").and_then(|text| text.parse().ok()) == Some(version);
    let by_version = if chosen { "flink.version" } else { "flink.also" };
    let file = version.configuration_file();
    let lines = |pairs: Vec<Pair>| {
        let lines = pairs.iter().map(|(key, value)| format!("{key}: {}\n", file.quote(value)));
        lines.collect::<String>()
    };
    let texts = [lines(configuration(seen, version)), lines(history_server(seen, version))];
    let target = Target { version, java: java(seen), deployment: Deployment::Yarn };
    let linted = texts.iter().map(|text| flink::lint(Source { file: file.name(), text }, file.into(), target));
    let findings = linted.flat_map(|linted| linted.map_or_else(|_| Vec::new(), |(_, findings)| findings));
    let told = |finding: flink::Finding| {
        let known = SETTINGS.iter().find(|(key, _)| *key == finding.key);
        let (key, setting) = *known.unwrap_or(&("", by_version));
        let named = |text: String| if key.is_empty() { text } else { text.replace(key, setting) };
        (setting, named(finding.what), named(finding.remedy))
    };
    findings.filter(|finding| finding.severity == Severity::Error).map(told).collect()
}

/// The Java from the mirror; that of the site is only known on its nodes.
fn java(seen: &Seen<'_>) -> Option<u32> {
    match seen.text("java.home") {
        None => seen.text("java.version")?.split('.').next()?.parse().ok(),
        Some(_) => None,
    }
}

fn from(key: &'static str, value: Option<String>) -> Option<Pair> {
    value.map(|value| (key, value))
}

/// Process sizes rather than heaps: in 1.15 to 1.20 the old `heap.mb: 1024` leaves a heap of 448 MiB, and 2.x ignores
/// it and then refuses to submit. No port of the REST server: on YARN each job manager takes a free one.
fn job_defaults(seen: &Seen<'_>) -> Vec<Pair> {
    let pairs = [
        from("jobmanager.memory.process.size", seen.printed("flink.jobmanager.memory")),
        from("taskmanager.memory.process.size", seen.printed("flink.taskmanager.memory")),
        from("taskmanager.numberOfTaskSlots", seen.printed("flink.taskmanager.slots")),
        from("parallelism.default", seen.printed("flink.parallelism")),
        from("python.executable", seen.printed("flink.python")),
        from("python.client.executable", seen.printed("flink.python")),
        // Clients fall back to these where a command names no target.
        from("jobmanager.rpc.address", Some("localhost".into())),
        from("jobmanager.rpc.port", Some("6123".into())),
    ];
    pairs.into_iter().flatten().collect()
}

/// Containers run on the node manager's Java. From 1.18 on Flink lets an old one skip what it does not know
/// (measured); before, a Java 8 would not start with these options, so only what runs on our own Java gets them.
fn environment(seen: &Seen<'_>, version: Version) -> Vec<Pair> {
    let all = &["env.java.opts.all"][..];
    let own = &["env.java.opts.client", "env.java.opts.historyserver"][..];
    let options = if version >= Version::new(1, 18, 0) { all } else { own };
    let mut pairs = vec![("env.java.home", java_home(seen))];
    pairs.extend(options.iter().map(|key| (*key, JAVA_OPTIONS.join(" "))));
    pairs.extend(from("env.log.dir", seen.text("log.flink").map(|path| seen.at(path))));
    pairs
}

/// Where Java is: the one from the mirror unless the site has its own.
pub(super) fn java_home(seen: &Seen<'_>) -> String {
    seen.text("java.home").map_or_else(|| seen.at("/opt/pnda/jre"), str::to_owned)
}

/// Where finished jobs are kept.
fn archive(seen: &Seen<'_>) -> String {
    let own = || format!("file://{}", seen.at("/var/lib/pnda/flink/completed-jobs"));
    seen.text("flink.archive_url").map_or_else(own, str::to_owned)
}

/// The configuration of the history server, in a folder of its own; empty where there is none.
pub(super) fn history_server(seen: &Seen<'_>, version: Version) -> Vec<Pair> {
    let Some(port) = seen.printed("flink.history_server.port") else { return Vec::new() };
    // A bare number is read as milliseconds by the integer option up to 1.18 and by the duration of 1.20 on.
    let refresh = seen.text("flink.history_server.refresh").and_then(milliseconds);
    let mut pairs = environment(seen, version);
    pairs.push(("historyserver.archive.fs.dir", archive(seen)));
    pairs.extend(from("historyserver.archive.fs.refresh-interval", refresh.map(|ms| ms.to_string())));
    pairs.extend(from("historyserver.web.address", seen.printed("flink.history_server.address")));
    pairs.push(("historyserver.web.port", port));
    // It deletes this folder when it stops (measured): one of its own, inside the folder that the role places.
    pairs.push(("historyserver.web.tmpdir", seen.at("/var/lib/pnda/flink/history-server/web")));
    pairs.extend(tls(seen));
    pairs
}

/// Where systemd lays the keystore for the history server, whoever may read the site's file.
const KEYSTORE: &str = "/run/credentials/flink-history-server.service/keystore";

/// The history server takes its certificate from the options of REST servers (`security.ssl.rest`), with both switched on.
fn tls(seen: &Seen<'_>) -> Vec<Pair> {
    let Some(given) = seen.text("flink.history_server.tls_keystore") else { return Vec::new() };
    // A user's folder has no systemd.
    let keystore = if seen.at("").is_empty() { KEYSTORE } else { given };
    let mut pairs: Vec<Pair> = vec![
        ("historyserver.web.ssl.enabled", "true".into()),
        ("security.ssl.rest.enabled", "true".into()),
        ("security.ssl.rest.keystore", keystore.into()),
    ];
    let password = seen.printed("flink.history_server.tls_password");
    pairs.extend(from("security.ssl.rest.keystore-password", password.clone()));
    pairs.extend(from("security.ssl.rest.key-password", password));
    pairs
}

/// Where jobs keep what must outlive them: 1.20 renamed the folders, 1.17 the kind of high availability.
fn durable(seen: &Seen<'_>, version: Version) -> Vec<Pair> {
    let (checkpoints, savepoints) = match version >= Version::new(1, 20, 0) {
        true => ("execution.checkpointing.dir", "execution.checkpointing.savepoint-dir"),
        false => ("state.checkpoints.dir", "state.savepoints.dir"),
    };
    let kind = if version >= Version::new(1, 17, 0) { "high-availability.type" } else { "high-availability" };
    let mut pairs: Vec<Pair> = from(checkpoints, seen.printed("flink.checkpoints_url")).into_iter().collect();
    pairs.extend(from(savepoints, seen.printed("flink.savepoints_url")));
    if let (Some(storage), Some(quorum)) = (seen.printed("flink.ha_url"), seen.printed("zookeeper.quorum")) {
        pairs.push((kind, "zookeeper".into()));
        pairs.push(("high-availability.storageDir", storage));
        pairs.push(("high-availability.zookeeper.quorum", quorum));
    }
    pairs
}

/// A user's jar on the class path and in the job's own loader as well breaks jobs with Avro (measured); left off the
/// class path it runs.
fn on_yarn(seen: &Seen<'_>, version: Version) -> Vec<Pair> {
    let mut pairs = vec![("yarn.classpath.include-user-jar", "DISABLED".to_owned())];
    pairs.extend(from("yarn.application-attempts", seen.printed("flink.attempts")));
    if let Some(staged) = seen.text("flink.staged_url") {
        let folder = format!("{staged}/{}", self::staged(seen, version));
        pairs.push(("yarn.provided.lib.dirs", format!("{folder}/lib;{folder}/plugins")));
    }
    pairs
}

/// Enough of a digest to tell apart all archives of Flink that there ever are.
const DIGITS: usize = 16;

/// The name of a version's folder in HDFS. What is in it follows from the archive that it is unpacked from, so the
/// archive's digest names it, and another content lies beside it, not in its place.
pub(super) fn staged(seen: &Seen<'_>, version: Version) -> String {
    match seen.text("flink.staged_as") {
        Some("content") => format!("{version}-{:.DIGITS$}", seen.digest(format!("flink-{version}.tar.gz")).to_string()),
        _ => version.to_string(),
    }
}

/// The factory works from 1.15 on, the class no longer from 1.17 on (measured). Scopes without container ids keep the
/// number of metric names bounded; 1.17 renamed those of jobs, or a key would be a value and a table at once.
fn graphite(seen: &Seen<'_>, version: Version) -> Vec<Pair> {
    let Some((host, port)) = seen.text("graphite.address").and_then(split_address) else { return Vec::new() };
    let dashed = version >= Version::new(1, 17, 0);
    let (jm_job, tm_job) = match dashed {
        true => ("metrics.scope.jm-job", "metrics.scope.tm-job"),
        false => ("metrics.scope.jm.job", "metrics.scope.tm.job"),
    };
    let port = port.to_string();
    let mut pairs: Vec<Pair> = [
        ("metrics.reporters", "grph"),
        ("metrics.reporter.grph.factory.class", "org.apache.flink.metrics.graphite.GraphiteReporterFactory"),
        ("metrics.reporter.grph.host", host.trim_matches(['[', ']'])),
        ("metrics.reporter.grph.port", &port),
        ("metrics.reporter.grph.protocol", "TCP"),
        ("metrics.reporter.grph.prefix", "flink"),
        ("metrics.reporter.grph.interval", "60 SECONDS"),
        ("metrics.scope.jm", "jobmanager"),
        (jm_job, "jobmanager.<job_name>"),
        ("metrics.scope.tm", "taskmanager.<host>"),
        (tm_job, "taskmanager.<host>.<job_name>"),
        ("metrics.scope.task", "task.<job_name>.<task_name>.<subtask_index>"),
        ("metrics.scope.operator", "task.<job_name>.<operator_name>.<subtask_index>"),
    ]
    .map(|(key, value)| (key, value.to_owned()))
    .into();
    if version >= Version::new(1, 18, 0) {
        pairs.push(("metrics.scope.jm-operator", "jobmanager.<job_name>.<operator_name>".into()));
    }
    pairs
}
