//! Whoever ships logs reads the same paths, and sends them where somebody takes them.
//! Held against the defaults that the program carries.
//! Not here: shipping; that is tested on nodes.

use super::*;
use std::collections::BTreeSet;

#[test]
fn a_shipper_of_any_kind_reads_the_same_paths() {
    let case = |shipper| Case::example("production").set("log.shipper", shipper).done();
    let paths = text(&case("none"), "worker-1", "files/opt/pnda/logstash/paths.txt");
    let globs: Vec<&str> = paths.lines().filter(|line| line.starts_with('/')).collect();
    assert_eq!(globs.len(), 13);
    assert!(globs.contains(&"/var/log/pnda/hadoop-yarn/container/application_*/container_*/*.log"));
    let forms = [
        ("rsyslog", &["files/etc/pnda/logs/jobs.toml", "files/etc/pnda/logs/services.toml"][..]),
        ("logstash", &["files/opt/pnda/logstash/shipper.conf"]),
        ("vector", &["files/etc/pnda/vector/shipper.yaml"]),
    ];
    for (shipper, files) in forms {
        let rendered = case(shipper);
        let conf: String = files.iter().map(|file| text(&rendered, "worker-1", file)).collect();
        let quoted = conf.lines().filter_map(|line| line.trim().trim_start_matches("- ").strip_prefix('"'));
        let quoted = quoted.map(|rest| rest.trim_end_matches(['"', ',']));
        let listed: BTreeSet<&str> = quoted.filter(|path| path.starts_with('/')).collect();
        assert_eq!(listed, globs.iter().copied().collect(), "{shipper}");
        let tree = &rendered.nodes[&Word::new("worker-1").unwrap()];
        for (other, files) in forms.iter().filter(|(other, _)| *other != shipper) {
            assert!(tree.get(&SafePath::new(files[0]).unwrap()).is_none(), "{other} beside {shipper}");
        }
    }
}

#[test]
fn records_travel_by_tls_between_nodes_unless_the_cluster_says_otherwise() {
    let case = |settings: &[(&str, &str)]| {
        settings.iter().fold(Case::example("production"), |case, (name, value)| case.set(name, value)).done()
    };
    let server = |rendered: &Rendered| text(rendered, "manager-2", "files/etc/pnda/rsyslog/server.conf");
    let shipper = |rendered: &Rendered| text(rendered, "worker-1", "files/etc/pnda/rsyslog/shipper.conf");
    let service = |rendered: &Rendered, name: &str, service: &str| {
        node(rendered, name).services.into_iter().find(|one| one.name.as_str() == service).unwrap()
    };
    let secure = case(&[]);
    assert!(shipper(&secure).contains("tls.permittedPeer=[\"manager-2\"]"), "{}", shipper(&secure));
    let peers = server(&secure);
    let peers = peers.lines().find(|line| line.contains("tls.permittedPeer")).unwrap();
    let names = secure.nodes.keys().map(|name| format!("\"{name}\""));
    assert_eq!(peers.trim(), format!("tls.permittedPeer=[{}]", names.collect::<Vec<_>>().join(", ")));
    assert!(!server(&secure).contains("imtcp"), "no shipper of this cluster sends lines of JSON");
    for (name, one) in [("worker-1", "pnda-log-shipper"), ("manager-2", "pnda-log-server")] {
        let service = service(&secure, name, one);
        for file in ["authority.pem", "certificate.pem", "key.pem"] {
            let place = format!("/etc/pnda/tls/{file}");
            assert!(service.restart_on.iter().any(|path| path.as_str() == place), "{one} restarts on {place}");
            assert!(service.unit.contains(&format!("LoadCredential={file}:{place}")), "{one} is handed {place}");
            let file = node(&secure, name).files.into_iter().find(|file| file.path.as_str() == place).unwrap();
            assert_eq!((file.access.mode.bits(), file.secrets.len()), (0o600, 1), "{place}");
        }
    }
    let plain = case(&[("log.tls", "off")]);
    assert!(!server(&plain).contains("tls.permittedPeer") && !shipper(&plain).contains("tls.permittedPeer"));
    assert!(node(&plain, "worker-1").files.iter().all(|file| !file.path.as_str().contains("/tls/")));
    let json = case(&[("log.shipper", "vector")]);
    assert!(server(&json).contains("streamDriver.authMode=\"x509/name\""), "{}", server(&json));
    let vector = text(&json, "worker-1", "files/etc/pnda/vector/shipper.yaml");
    assert!(vector.contains("verify_certificate: true") && vector.contains("server_name: \"manager-2\""), "{vector}");
    let own = case(&[("log.tls_key", "file:/etc/site/node.key")]);
    assert!(text(&own, "worker-1", "files/etc/pnda/tls/key.pem").ends_with("@SECRET:file:/etc/site/node.key@\n"));
}

#[test]
fn a_record_is_of_the_node_that_it_comes_from() {
    let server = text(&Case::example("production").done(), "manager-2", "files/etc/pnda/rsyslog/server.conf");
    let host = server.lines().filter(|line| line.contains("$fromhost-ip ==")).collect::<Vec<_>>();
    assert_eq!(host.len(), Case::example("production").done().nodes.len());
    assert!(host.iter().any(|line| line.contains("\"10.78.0.12\" then set $.host = \"manager-2\"")), "{host:?}");
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
    assert!(server.contains("address=\"10.78.0.12\"\n    port=\"2514\"") && !server.contains("hiredis"), "{server}");
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

#[test]
fn who_reads_what_strangers_write_has_no_other_right() {
    let rendered = Case::example("production").done();
    let worker = node(&rendered, "worker-1");
    let unit =
        |name: &str| worker.services.iter().find(|service| service.name.as_str() == name).unwrap().unit.join("\n");
    let jobs = unit("pnda-log-jobs");
    assert!(
        jobs.contains("SupplementaryGroups=hadoop\n") && jobs.contains("TemporaryFileSystem=/etc/pnda:ro"),
        "{jobs}"
    );
    assert!(unit("pnda-log-shipper").contains("SupplementaryGroups=systemd-journal\n"));
    for name in ["pnda-log-jobs", "pnda-log-services", "pnda-log-shipper"] {
        let unit = unit(name);
        assert!(["MemoryMax=", "LimitAS=", "TasksMax="].iter().all(|limit| unit.contains(limit)), "{name}: {unit}");
    }
    // What the users of containers write is no service's.
    let services = text(&rendered, "worker-1", "files/etc/pnda/logs/services.toml");
    assert!(!services.contains("hadoop-yarn") && !services.contains("clients"), "{services}");
}
