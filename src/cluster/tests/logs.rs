//! Whoever ships logs reads the same paths, and sends them where somebody takes them.
//! Held against the defaults that the program carries.
//! Not here: shipping; that is tested on nodes.

use super::*;

#[test]
fn a_shipper_of_any_kind_reads_the_same_paths() {
    let case = |shipper| Case::example("production").set("log.shipper", shipper).done();
    let paths = text(&case("none"), "worker-1", "files/opt/pnda/logstash/paths.txt");
    let globs: Vec<&str> = paths.lines().filter(|line| line.starts_with('/')).collect();
    assert_eq!(globs.len(), 13);
    assert!(globs.contains(&"/var/log/pnda/hadoop-yarn/container/application_*/container_*/*.log"));
    let forms = [
        ("rsyslog", "files/etc/pnda/rsyslog/shipper.conf", "file="),
        ("logstash", "files/opt/pnda/logstash/shipper.conf", ""),
        ("vector", "files/etc/pnda/vector/shipper.yaml", "- "),
    ];
    for (shipper, file, before) in forms {
        let rendered = case(shipper);
        let conf = text(&rendered, "worker-1", file);
        let quoted = conf.lines().filter_map(|line| line.trim().strip_prefix(before)?.strip_prefix('"'));
        let quoted = quoted.map(|rest| rest.trim_end_matches(['"', ',']));
        let listed: Vec<&str> = quoted.filter(|path| path.starts_with('/') && !path.contains("/rolled/")).collect();
        assert_eq!(listed, globs, "{shipper}");
        let tree = &rendered.nodes[&Word::new("worker-1").unwrap()];
        for (other, file, _) in forms.iter().filter(|(other, _, _)| *other != shipper) {
            assert!(tree.get(&SafePath::new(*file).unwrap()).is_none(), "{other} beside {shipper}");
        }
    }
}

#[test]
fn logs_are_shipped_where_somebody_takes_them() {
    let ships = |rendered: &Rendered, name| {
        node(rendered, name).services.iter().any(|service| service.name.as_str() == "pnda-log-shipper")
    };
    let production = Case::example("production").done();
    assert!(ships(&production, "worker-1") && ships(&production, "manager-2"));
    let conf = text(&production, "worker-1", "files/etc/pnda/rsyslog/shipper.conf");
    assert!(conf.contains("target=\"10.78.0.12\""), "{conf}");
    let server = text(&production, "manager-2", "files/etc/pnda/rsyslog/server.conf");
    assert!(server.contains("address=\"10.78.0.12\" port=\"2514\"") && !server.contains("hiredis"), "{server}");
    // With redis alone it is Logstash, as in PNDA; with neither, nothing is shipped.
    let standard = Case::example("standard").done();
    assert!(!ships(&standard, "worker"));
    assert!(text(&standard, "worker", "files/opt/pnda/logstash/shipper.conf").contains("redis {"));
    let without = Case::of(&example_clusters()["standard.toml"].replace("log.redis.host", "#")).done();
    let tree = &without.nodes[&Word::new("worker").unwrap()];
    assert!(tree.get(&SafePath::new("files/opt/pnda/logstash/shipper.conf").unwrap()).is_none());
    let told = Case::example("production").set("log.shipper", "syslog").told();
    assert!(told.contains("not of kind choice") && told.contains("one of rsyslog, logstash, vector, none"), "{told}");
    let told = Case::example("standard").set("log.shipper", "rsyslog").told();
    assert!(told.contains("shipper.conf"), "a shipper without a server: {told}");
}
