//! The launch context: the document by which YARN starts the JobManager of an application, as Flink's own client writes it.
//! Held against what the clients of real Flinks sent.
//! Not here: the configuration's content, and Flink's options.

use super::configuration::is_lonely;
use super::{Cluster, Configuration, Distribution, Job, KIND, Refused, Resource};
use flink::memory::Model;
use serde_json::{Value, json};
use words::ids::ApplicationId;

/// What Flink's JobManager on YARN runs.
const ENTRY_POINT: &str = "org.apache.flink.yarn.entrypoint.YarnApplicationClusterEntryPoint";
/// For how long a failed attempt counts where YARN may make several: a fault a month ago is none of today's.
const VALIDITY_MS: i64 = 10 * 60 * 1000;
/// The tag of everything that is submitted here, beside that of the cluster.
pub(super) const TAG: &str = "pnda";

/// The tag of what a cluster submits. YARN has tags in small letters only.
pub fn tag_of(cluster: &Cluster) -> String {
    format!("{TAG}-{}", cluster.name).to_lowercase()
}

/// The tags of a run. The order's tells whoever finds it in YARN what had it begin: no two edges ever write a record of one number.
pub(super) fn tags(cluster: &Cluster, order: Option<u64>) -> Vec<String> {
    let order = order.map(|order| format!("{TAG}-order-{order}"));
    [TAG.to_owned(), tag_of(cluster)].into_iter().chain(order).collect()
}

/// The document. `own` is what was uploaded for this run: configuration, log settings, the component's files.
pub fn context(
    cluster: &Cluster,
    flink: &Distribution,
    (job, id): (&Job, &ApplicationId),
    configuration: &Configuration,
    own: &[Resource],
) -> Result<Value, Refused> {
    let mut all: Vec<&Resource> = flink.files.iter().chain(own).collect();
    all.sort();
    if let Some(bad) = all.iter().find(|resource| !is_plain(&resource.key)) {
        return Err(Refused::FileName(bad.key.clone()));
    }
    let resources = all.iter().map(|resource| json!({ "key": resource.key, "value": local(cluster, resource) }));
    let mut context = json!({
        "application-id": id,
        "application-name": job.name(),
        "application-type": configuration.get("yarn.application.type").unwrap_or(KIND),
        // One that is left out is taken for -1.
        "priority": number(configuration, "yarn.application.priority").unwrap_or(0),
        "application-tags": { "tag": tags(cluster, job.order) },
        "max-app-attempts": if is_lonely(&configuration.pairs) { 1 } else { cluster.attempts },
        "attempt-failures-validity-interval": VALIDITY_MS,
        "keep-containers-across-application-attempts": !is_lonely(&configuration.pairs),
        "resource": { "memory": memory_mb(&configuration.memory), "vCores": cores(configuration) },
        "am-container-spec": {
            "commands": { "command": command(configuration) },
            "environment": { "entry": environment(cluster, flink, (job, id), configuration, &all)? },
            "local-resources": { "entry": resources.collect::<Vec<_>>() },
        },
    });
    if let Some(queue) = &job.queue {
        context["queue"] = json!(queue);
    }
    if let Some(label) = configuration.get("yarn.application.node-label") {
        context["app-node-label-expression"] = json!(label);
    }
    Ok(context)
}

/// What Flink's JobManager reads of its environment: where the application's files are, and which of them TaskManagers get.
fn environment(
    cluster: &Cluster,
    flink: &Distribution,
    (job, id): (&Job, &ApplicationId),
    configuration: &Configuration,
    all: &[&Resource],
) -> Result<Vec<Value>, Refused> {
    let missing = |what| Refused::Distribution { version: flink.version, what };
    let is_dist = |key: &str| key.starts_with("lib/flink-dist") && key.ends_with(".jar");
    let dist = all.iter().find(|resource| is_dist(&resource.key)).ok_or_else(|| missing("lib/flink-dist"))?;
    let file = flink.version.configuration_file().name();
    let jars = all.iter().map(|resource| resource.key.as_str());
    let jars: Vec<&str> =
        jars.filter(|key| key.starts_with("lib/") && key.ends_with(".jar") && !is_dist(key)).collect();
    // The empty first entry is the container's own folder, where the log settings and the component's files are.
    let path = format!(":{}:{}:{file}:", jars.join(":"), dist.key);
    let shipped = all.iter().map(|resource| descriptor(cluster, resource)).collect::<Vec<_>>().join(";");
    let url = |path: &str| format!("{}{path}", cluster.filesystem);
    let environment = [
        ("CLASSPATH", format!("{path}:{}", cluster.class_path.join(":"))),
        ("FLINK_LIB_DIR", "./lib".to_owned()),
        ("FLINK_OPT_DIR", "./opt".to_owned()),
        ("HADOOP_USER_NAME", job.owner.to_string()),
        ("_APP_ID", id.to_string()),
        ("_CLIENT_HOME_DIR", url(&format!("/user/{}", job.owner))),
        ("_CLIENT_SHIP_FILES", shipped),
        ("_FLINK_CLASSPATH", path),
        ("_FLINK_DIST_JAR", descriptor(cluster, dist)),
        ("_FLINK_YARN_FILES", url(&super::staging(&job.owner, id))),
    ];
    let more = configuration
        .pairs
        .iter()
        .filter_map(|(key, value)| key.strip_prefix("containerized.master.env.").map(|name| (name, value.clone())));
    let all = environment.into_iter().chain(more);
    Ok(all.map(|(key, value)| json!({ "key": key, "value": value })).collect())
}

/// Names go through a list in quotes and a shell's export.
fn is_plain(key: &str) -> bool {
    key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._+-/".contains(&byte))
}

/// What TaskManagers get, as the JobManager reads it from its environment.
fn descriptor(cluster: &Cluster, resource: &Resource) -> String {
    format!(
        "{{'resourceKey':'{}','path':'{}{}','size':{},'modificationTime':{},'visibility':'{}','resourceType':'{}'}}",
        resource.key,
        cluster.filesystem,
        resource.path,
        resource.size,
        resource.time_ms,
        visibility(resource),
        kind(resource)
    )
}

fn local(cluster: &Cluster, resource: &Resource) -> Value {
    json!({
        "resource": format!("{}{}", cluster.filesystem, resource.path),
        "type": kind(resource),
        "visibility": visibility(resource),
        "size": resource.size,
        "timestamp": resource.time_ms,
    })
}

fn visibility(resource: &Resource) -> &'static str {
    if resource.is_public { "PUBLIC" } else { "APPLICATION" }
}

fn kind(resource: &Resource) -> &'static str {
    if resource.is_archive { "ARCHIVE" } else { "FILE" }
}

fn command(configuration: &Configuration) -> String {
    let size = |name: &str| configuration.memory.size(name).unwrap_or_default();
    let option = |key: &str| configuration.get(key).map(|value| format!(" {value}")).unwrap_or_default();
    let (heap, metaspace, overhead) = (size("heap.size"), size("jvm-metaspace.size"), size("jvm-overhead"));
    let sizes = [
        ("off-heap.size", size("off-heap.size")),
        ("jvm-overhead.min", overhead),
        ("jvm-metaspace.size", metaspace),
        ("heap.size", heap),
        ("jvm-overhead.max", overhead),
    ];
    let sizes: String = sizes.iter().map(|(name, bytes)| format!(" -D jobmanager.memory.{name}={bytes}b")).collect();
    format!(
        "$JAVA_HOME/bin/java -Xmx{heap} -Xms{heap} -XX:MaxMetaspaceSize={metaspace}{}{}{} \
         -XX:+IgnoreUnrecognizedVMOptions -Dlog.file=\"<LOG_DIR>/jobmanager.log\" \
         -Dlog4j.configuration=file:log4j.properties -Dlog4j.configurationFile=file:log4j.properties {ENTRY_POINT}{sizes} \
         1> <LOG_DIR>/jobmanager.out 2> <LOG_DIR>/jobmanager.err",
        option("env.java.default-opts.all"),
        option("env.java.opts.all"),
        option("env.java.opts.jobmanager"),
    )
}

/// YARN counts in MB, and Flink asks for what its whole process has.
fn memory_mb(memory: &Model) -> u64 {
    memory.size("process.size").unwrap_or_default().div_ceil(1 << 20)
}

fn cores(configuration: &Configuration) -> u64 {
    number(configuration, "yarn.appmaster.vcores").unwrap_or(1)
}

fn number(configuration: &Configuration, key: &str) -> Option<u64> {
    configuration.get(key).and_then(|text| text.parse().ok())
}
