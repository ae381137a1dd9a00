//! What only YARN makes wrong: keys that its containers set themselves, or that Flink refuses to run with there.
//! Not here: folders that another machine does not see (`folders`), and what YARN itself allows.
//! What Flink does with each was asked of real ones of 1.20 and 2.3.

use super::file::Entry;
use super::memory::Deployment;
use super::{Configuration, Findings};

/// Addresses that a container replaces by its node's own.
const BOUND: [&str; 3] = ["rest.bind-address", "jobmanager.bind-host", "taskmanager.bind-host"];

/// Looks at all of them.
pub(super) fn judge(configuration: &Configuration, findings: &mut Findings) {
    if configuration.target.deployment != Deployment::Yarn {
        return;
    }
    // The newer key is looked for by its own name: in Flink the older one stands for it where it is not set.
    if let (Some(Entry { key, value, origin, .. }), None) =
        (configuration.known("rest.port"), configuration.entry("rest.bind-port"))
        && value.parse::<u16>().is_ok_and(|port| port != 0)
    {
        let what = format!("`{key}` is one port for every job manager: on a node there can be only one of them");
        findings.warning(
            origin,
            key,
            what,
            "write `rest.bind-port: 50100-50200`, or leave it out: any free one is taken",
        );
    }
    let mode = configuration.setting("scheduler-mode").filter(|entry| entry.value.eq_ignore_ascii_case("reactive"));
    if let Some(Entry { key, origin, .. }) = mode {
        let what = format!("`{key}` cannot be reactive on YARN: no job manager would start");
        findings.error(origin, key, what, "leave it out, or set `jobmanager.scheduler: adaptive`");
    }
    for Entry { key, value, origin, .. } in BOUND.iter().filter_map(|key| configuration.setting(key)) {
        if matches!(value.as_str(), "localhost" | "127.0.0.1" | "::1") {
            let what = format!("`{key}: {value}` does nothing on YARN: containers use their node's own address");
            findings.note(origin, key, what, "");
        }
    }
}
