//! The Java that runs Flink: whether it is new enough, and whether it knows the options that the file gives it.
//! What a Java does not know it refuses to start with, unless it was told to skip that.
//! Not here: sizes of memory, which Flink gives to Java itself (`memory`).

use super::file::Entry;
use super::{Configuration, Findings};
use words::flink::Version;

/// Options that a later Java no longer has: since which, and what to do.
const REMOVED: [(&str, u32, &str); 6] = [
    ("UseConcMarkSweepGC", 14, "write -XX:+UseG1GC, or leave it out"),
    ("UseParNewGC", 10, "leave it out"),
    ("CMSInitiatingOccupancyFraction", 14, "leave it out"),
    ("MaxPermSize", 17, "leave it out: Flink sets the metaspace"),
    ("PrintGCDateStamps", 9, "write -Xlog:gc*"),
    ("UseGCLogFileRotation", 9, "write -Xlog:gc*:file=…:time:filecount=5,filesize=10m"),
];

/// Looks at the Java and its options.
pub(super) fn judge(configuration: &Configuration, findings: &mut Findings) {
    let options = configuration.entries.iter().filter(|entry| is_options(&entry.key));
    options.clone().for_each(|entry| sizes(entry, findings));
    let Some(java) = configuration.target.java else { return };
    let version = configuration.target.version;
    if java < version.oldest_java() {
        let what = format!("Flink {version} does not run on Java {java}");
        let remedy = format!("give it Java {} or newer", version.oldest_java());
        findings.error(&configuration.file, "", what, remedy);
    }
    options.clone().for_each(|entry| known(entry, java, version, findings));
    let opened = options.clone().any(|entry| entry.value.contains("--add-opens"));
    if java >= 17 && !opened {
        let what = format!("no option opens Java {java} to Flink: jobs fail with InaccessibleObjectException");
        let remedy = "add `env.java.opts.all` with the --add-opens of the configuration that Flink brings";
        match options.clone().find(|entry| entry.key == "env.java.opts.all" || entry.key == "env.java.opts") {
            Some(entry) => findings.warning(&entry.origin, &entry.key, what, remedy),
            None => findings.warning(&configuration.file, "", what, remedy),
        }
    }
}

fn is_options(key: &str) -> bool {
    key.starts_with("env.java.opts") || key.starts_with("env.java.default-opts")
}

/// Flink computes the heap; an option that says otherwise makes that wrong.
fn sizes(entry: &Entry, findings: &mut Findings) {
    let Entry { key, value, origin, .. } = entry;
    let clients = key.ends_with(".client") || key.ends_with(".historyserver") || key.ends_with(".sql-gateway");
    let sized = |word: &&str| {
        ["-Xmx", "-Xms", "-XX:MaxDirectMemorySize", "-XX:MaxMetaspaceSize"].iter().any(|name| word.starts_with(name))
    };
    if let Some(word) = value.split_whitespace().find(sized).filter(|_| !clients) {
        let what = format!("`{key}` sets {word}, which Flink computes: the process gets another size than YARN grants");
        findings.warning(origin, key, what, "leave it out, and set `jobmanager.memory.*` and `taskmanager.memory.*`");
    }
}

fn known(entry: &Entry, java: u32, version: Version, findings: &mut Findings) {
    let Entry { key, value, origin, .. } = entry;
    // From 1.18 on Flink itself adds the option that lets Java skip what it does not know (measured).
    let skipped = value.contains("-XX:+IgnoreUnrecognizedVMOptions") || version.line() >= (1, 18);
    for (name, since, remedy) in REMOVED.iter().filter(|(name, since, _)| java >= *since && value.contains(name)) {
        let what = format!("Java knows {name} only before {since}, and here is {java}");
        match skipped {
            true => findings.warning(origin, key, format!("{what}: it skips it"), *remedy),
            false => findings.error(origin, key, format!("{what}: it does not start"), *remedy),
        }
    }
    if java == 8 && !skipped && ["--add-opens", "--add-exports"].iter().any(|name| value.contains(name)) {
        let what = "Java 8 knows no modules, and does not start with --add-opens or --add-exports";
        findings.error(origin, key, what, "leave them out, or add -XX:+IgnoreUnrecognizedVMOptions");
    }
}
