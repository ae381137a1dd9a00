//! What took the place of keys that Flink dropped without keeping their names: the catalogue cannot tell.
//! Each line is a key (or the beginning of some) and what to do; evidence is Flink's own deprecation notes.
//! Not here: keys that were renamed, which the catalogue knows.

/// Keys, and what to write instead.
const REPLACED: &[(&str, &str)] = &[
    ("akka.watch.", "leave it out: connections are watched by `heartbeat.interval` and `heartbeat.timeout`"),
    ("cluster.evenly-spread-out-slots", "write `taskmanager.load-balance.mode: SLOTS`"),
    ("cluster.fine-grained-resource-management.enabled", "leave it out: it is always on"),
    ("execution.async-state.", "the key begins with `table.exec.async-state.` or is set by the job"),
    ("execution.checkpointing.force", "leave it out: set `execution.checkpointing.interval` alone"),
    ("fine-grained.shuffle-mode.all-blocking", "leave it out"),
    ("high-availability.job.delay", "leave it out"),
    ("high-availability.use-old-ha-services", "leave it out"),
    (
        "high-availability.zookeeper.path.running-registry",
        "leave it out: `job-result-store.storage-path` holds this now",
    ),
    ("jobmanager.heap.", "write `jobmanager.memory.process.size`, the size of the whole process, at least `1600m`"),
    ("jobmanager.web.ssl.enabled", "write `security.ssl.rest.enabled`"),
    ("local.number-resourcemanager", "leave it out"),
    ("metrics.reporter.", "write `metrics.reporter.<name>.factory.class`"),
    ("pipeline.auto-type-registration", "leave it out: types are registered with `pipeline.serialization-config`"),
    ("pipeline.default-kryo-serializers", "write `pipeline.serialization-config`"),
    ("pipeline.registered-kryo-types", "write `pipeline.serialization-config`"),
    ("pipeline.registered-pojo-types", "write `pipeline.serialization-config`"),
    ("pipeline.time-characteristic", "leave it out: event time is always on"),
    ("queryable-state.", "queryable state is on its way out: serve state from a sink"),
    ("resourcemanager.taskmanager-release.wait.result.consumed", "leave it out"),
    ("security.ssl.enabled", "write `security.ssl.internal.enabled` and `security.ssl.rest.enabled`"),
    ("security.ssl.verify-hostname", "leave it out: internal connections authenticate each other"),
    ("slotmanager.request-timeout", "write `slot.request.timeout`"),
    ("sql-client.display.max-column-width", "write `table.display.max-column-width`"),
    ("state.backend.async", "leave it out: snapshots are always asynchronous"),
    ("state.backend.rocksdb.checkpointdir", "write `state.backend.rocksdb.localdir`"),
    ("table.exec.shuffle-mode", "write `execution.batch-shuffle-mode`"),
    ("taskmanager.exit-on-fatal-akka-error", "leave it out"),
    ("taskmanager.heap.", "write `taskmanager.memory.process.size`, the size of the whole process"),
    ("taskmanager.initial-registration-pause", "write `cluster.registration.initial-timeout`"),
    ("taskmanager.max-registration-pause", "write `cluster.registration.max-timeout`"),
    ("taskmanager.net.", "leave it out: Netty's own settings are no longer open"),
    ("taskmanager.network.batch-shuffle.compression.enabled", "write `taskmanager.network.compression.codec`"),
    ("taskmanager.network.blocking-shuffle.compression.enabled", "write `taskmanager.network.compression.codec`"),
    ("taskmanager.network.blocking-shuffle.type", "leave it out"),
    ("taskmanager.network.netty.", "leave it out: Flink's defaults hold"),
    (
        "taskmanager.network.numberOfBuffers",
        "write `taskmanager.memory.network.min` and `taskmanager.memory.network.max`",
    ),
    ("taskmanager.refused-registration-pause", "write `cluster.registration.refused-registration-delay`"),
    ("taskmanager.registration.initial-backoff", "write `cluster.registration.initial-timeout`"),
    ("taskmanager.registration.max-backoff", "write `cluster.registration.max-timeout`"),
    ("taskmanager.registration.refused-backoff", "write `cluster.registration.refused-registration-delay`"),
    ("web.backpressure.", "leave it out: back-pressure is measured all the time"),
    ("web.ssl.enabled", "write `security.ssl.rest.enabled`"),
];

/// What to do about a key that is gone or on its way out.
pub(super) fn remedy(key: &str) -> Option<&'static str> {
    let is = |(known, _): &&(&str, &str)| key == *known || (known.ends_with('.') && key.starts_with(*known));
    REPLACED.iter().find(is).map(|(_, remedy)| *remedy)
}
