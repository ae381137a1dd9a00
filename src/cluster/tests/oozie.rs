//! The role `oozie`: one server on an edge, on loopback unless the site says otherwise, which acts for others from its own node alone.
//! The units' hardening and the restarts of what it reads are the rules of all roles, held here for its stack too.
//! Not here: whether Oozie runs; the trial shows it (`tests/trial/oozie.rs`).

use super::*;

fn with_oozie() -> Case {
    let text = example_clusters()["hadoop.toml"].replacen("\"zookeeper\"]", "\"oozie\", \"zookeeper\"]", 1);
    Case::of(&text)
}

#[test]
fn one_edge_has_oozie_and_hadoop_lets_it_act_for_others_from_there() {
    let rendered = with_oozie().done();
    let services = |name| node(&rendered, name).services.into_iter().map(|service| service.name.to_string());
    assert!(services("edge-1").any(|name| name == "oozie") && services("edge-2").all(|name| name != "oozie"));
    let site = text(&rendered, "edge-1", "files/etc/oozie/oozie-site.xml");
    let property = |name: &str, value: &str| format!("<property><name>{name}</name><value>{value}</value></property>");
    for (name, value) in [
        ("oozie.http.hostname", "127.0.0.1"),
        ("oozie.service.AuthorizationService.security.enabled", "true"),
        ("oozie.service.WorkflowAppService.system.libpath", "hdfs://10.77.0.2:8020/pnda/oozie"),
        ("oozie.launcher.default.max.attempts", "1"),
        ("oozie.service.StatusTransitService.statusTransit.interval", "10"),
    ] {
        assert!(site.contains(&property(name, value)), "{name}\n{site}");
    }
    for name in ["manager", "worker-1", "edge-2"] {
        let core = text(&rendered, name, "files/etc/hadoop/conf/core-site.xml");
        assert!(core.contains(&property("hadoop.proxyuser.oozie.hosts", "10.77.0.3")), "{name}\n{core}");
    }
    let plain = text(&Case::example("hadoop").done(), "manager", "files/etc/hadoop/conf/core-site.xml");
    assert!(!plain.contains("proxyuser"), "nobody acts for others where there is no Oozie: {plain}");
}

#[test]
fn yarn_waits_longer_than_a_minute_for_an_action_which_is_heard_of_once_a_minute() {
    let expiry = |case: Case| {
        let site = text(&case.done(), "manager", "files/etc/hadoop/conf/yarn-site.xml");
        let (_, after) = site.split_once("yarn.am.liveness-monitor.expiry-interval-ms</name><value>").unwrap();
        after.split_once('<').unwrap().0.to_owned()
    };
    assert_eq!(expiry(with_oozie()), "240000");
    assert_eq!(expiry(Case::example("hadoop")), "60000");
}

#[test]
fn the_agent_beside_it_looks_at_it() {
    let case = with_oozie().set("oozie.port", "11001").set("oozie.ending", "48h");
    let rendered = case.done();
    let expected = "[oozie]\nurl = \"http://127.0.0.1:11001\"\nending_seconds = 172800\n";
    assert!(text(&rendered, "edge-1", "files/etc/pnda/agent.toml").contains(expected));
    assert!(!text(&rendered, "edge-2", "files/etc/pnda/agent.toml").contains("oozie"));
    let managers = |node: &str| text(&rendered, node, "files/etc/pnda/applications.toml");
    assert!(managers("edge-1").contains("\noozie = \"http://127.0.0.1:11001\"\n"));
    assert!(managers("edge-2").contains("\noozie = \"http://10.77.0.3:11001\"\n"), "{}", managers("edge-2"));
}

#[test]
fn its_unit_says_what_it_may_write_and_take() {
    let unit = text(&with_oozie().done(), "edge-1", "files/etc/systemd/system/oozie.service");
    for line in ["User=oozie", "MemoryMax=1024M", "ProtectSystem=strict"] {
        assert!(unit.lines().any(|there| there == line), "{line}\n{unit}");
    }
    assert!(unit.contains("ReadWritePaths=/var/lib/oozie /var/log/pnda/oozie"), "{unit}");
}
