//! Laws of rendering, held against the defaults that the program carries and against one fixture for each defect.
//! `BLESS=1` writes the expected texts anew.
//! Not here: tests of single modules, which are beside them.

use super::facts::FACTS;
use super::item::What;
use super::*;
use crate::words::digest::Sha256;
use crate::words::generation::Listed;
use crate::words::names::SafePath;
use crate::words::node::{Node, Scope};
use crate::words::tree::Entry;
use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;

const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

fn generation() -> Generation {
    let names = [
        "flink-1.20.5.tar.gz",
        "flink-1.15.4.tar.gz",
        "flink-1.18.1.tar.gz",
        "flink-2.3.0.tar.gz",
        "hadoop-3.4.2.tar.gz",
        "mirror_misc/jre-17.0.9.2.tar.gz",
        "mirror_misc/jre-8.0.392.tar.gz",
        "mirror_misc/kafka_2.13-3.9.1.tar.gz",
        "pnda-agent",
    ];
    let listed = |name: &str| Listed { size: name.len() as u64, sha256: Sha256::of(name.as_bytes()) };
    let files = names.iter().map(|name| (SafePath::new(*name).unwrap(), listed(name))).collect();
    Generation { number: 7, lock: Sha256::of(b"lock"), files }
}

struct Case {
    file: String,
    text: String,
    roles: Vec<(String, String)>,
    templates: BTreeMap<String, String>,
    overrides: Vec<(String, String)>,
    root: Option<String>,
}

impl Case {
    fn of(text: &str) -> Case {
        Case {
            file: "cluster.toml".into(),
            text: text.to_owned(),
            roles: default_roles(),
            templates: default_templates(),
            overrides: Vec::new(),
            root: None,
        }
    }

    fn example(name: &str) -> Case {
        Case::of(&example_clusters()[&format!("{name}.toml")])
    }

    fn set(mut self, name: &str, value: &str) -> Case {
        self.overrides.push((name.into(), value.into()));
        self
    }

    fn render(&self) -> Result<Rendered, Problems> {
        self.render_from(&generation())
    }

    fn render_from(&self, generation: &Generation) -> Result<Rendered, Problems> {
        render(&Inputs {
            cluster: Source { file: &self.file, text: &self.text },
            roles: self.roles.clone(),
            flavors: default_flavors(),
            templates: self.templates.clone(),
            generation: Some(generation),
            public_key: KEY,
            overrides: self.overrides.clone(),
            root: self.root.clone(),
        })
    }

    fn done(&self) -> Rendered {
        self.render().unwrap_or_else(|problems| panic!("{problems}"))
    }

    fn told(&self) -> String {
        self.render().map_or_else(|problems| problems.to_string(), |_| String::new())
    }
}

fn text(rendered: &Rendered, node: &str, path: &str) -> String {
    let tree = &rendered.nodes[&Word::new(node).unwrap()];
    match tree.get(&SafePath::new(path).unwrap()) {
        Some(Entry::File { bytes, .. }) => String::from_utf8(bytes).unwrap(),
        other => panic!("{node} {path}: {other:?}"),
    }
}

fn node(rendered: &Rendered, name: &str) -> Node {
    toml::from_str(&text(rendered, name, "node.toml")).unwrap()
}

fn entries(rendered: &Rendered) -> impl Iterator<Item = (String, Vec<u8>)> {
    rendered.nodes.iter().flat_map(|(node, tree)| {
        tree.iter().map(move |(path, entry)| match entry {
            Entry::File { bytes, .. } => (format!("{node}/{path}"), bytes),
            Entry::Object { .. } => unreachable!("nothing rendered lies in a store"),
        })
    })
}

fn all_examples() -> Vec<Case> {
    let names = ["pico", "standard", "production", "hadoop"];
    let user = |name: &&str| Case { root: Some("/srv/try".into()), ..Case::example(name) };
    names.iter().map(|name| Case::example(name)).chain(names.iter().map(user)).collect()
}

#[test]
fn a_node_document_reads_back_and_names_exactly_the_files_beside_it() {
    for case in all_examples() {
        let rendered = case.done();
        for (name, tree) in &rendered.nodes {
            let node = node(&rendered, name.as_str());
            let mut expected: BTreeSet<String> = node.files.iter().map(|file| file.source()).collect();
            for file in &node.files {
                let entry = tree.get(&SafePath::new(file.source()).unwrap()).unwrap();
                assert_eq!(entry.digest(), file.sha256, "{name} {}", file.path);
            }
            expected.extend(["install.sh", "node.toml", "origins.toml"].map(String::from));
            let there: BTreeSet<String> = tree.iter().map(|(path, _)| path.to_string()).collect();
            assert_eq!(there, expected);
        }
    }
}

#[test]
fn the_same_inputs_give_the_same_bytes_in_whatever_order_the_nodes_stand() {
    let case = Case::example("production");
    let (head, nodes) = case.text.split_once("[[node]]").unwrap();
    let mut nodes: Vec<&str> = nodes.split("[[node]]").map(str::trim_end).collect();
    nodes.reverse();
    let shuffled = Case::of(&format!("{head}[[node]]{}\n", nodes.join("\n\n[[node]]")));
    let (first, second) = (case.done(), shuffled.done());
    assert_eq!(first, case.done());
    assert_eq!(first.assignment, second.assignment);
    // The origins name lines of the file, and those have moved.
    let placed = |(path, _): &(String, Vec<u8>)| !path.ends_with("/origins.toml");
    assert!(entries(&first).filter(placed).eq(entries(&second).filter(placed)));
}

#[test]
fn a_setting_changes_only_the_files_that_use_it() {
    let changed = |name: &str, value: &str| -> Vec<String> {
        let (before, after) = (Case::example("pico").done(), Case::example("pico").set(name, value).done());
        let pairs = entries(&before).zip(entries(&after));
        let files = pairs.filter(|(before, after)| before != after && before.0.contains("/files/"));
        files.map(|((path, _), _)| path.trim_start_matches("pico/files").to_owned()).collect()
    };
    assert_eq!(changed("log.redis.port", "6380"), ["/opt/pnda/logstash/shipper.conf"]);
    assert_eq!(changed("flink.parallelism", "2"), ["/etc/pnda/flink/1.20.5/config.yaml"]);
    let history_server = "/etc/pnda/flink-history-server/1.20.5/config.yaml";
    assert_eq!(changed("flink.history_server.port", "8092"), ["/etc/pnda/agent.toml", history_server]);
}

#[test]
fn every_template_is_used_by_a_role() {
    let mut problems = Problems::default();
    let roles = role::read_all(&default_roles(), &mut problems);
    let items = roles.values().flat_map(|role| &role.lists.items);
    let mut used: BTreeSet<String> = [desired::UNIT, render::INSTALL].map(String::from).into();
    used.extend(items.filter_map(|item| match &item.what {
        What::File { template, .. } => Some(template.text.clone()),
        _ => None,
    }));
    assert_eq!(used, default_templates().into_keys().collect());
}

/// Every name that a text uses.
fn uses(text: &str) -> BTreeSet<String> {
    let environment = minijinja::Environment::new();
    let template = environment.template_from_str(text).unwrap();
    template.undeclared_variables(true).into_iter().collect()
}

#[test]
fn every_setting_is_used_and_every_use_is_declared() {
    let mut problems = Problems::default();
    let roles = role::read_all(&default_roles(), &mut problems);
    let declared: BTreeSet<String> = resolve::declarations(&roles).into_keys().map(str::to_owned).collect();
    let mut used = BTreeSet::new();
    // Names that are no settings: the node's own, the engine's, and those of one template each.
    let other = |name: &String| {
        ["cluster", "node", "address", "nodes", "at", "each"].contains(&name.as_str())
            || name.starts_with("service.")
            || name.starts_with("door.")
    };
    for text in default_templates().into_values().chain(default_roles().into_iter().map(|(_, text)| text)) {
        used.extend(uses(&text).into_iter().filter(|name| !other(name)));
    }
    for item in roles.values().flat_map(|role| &role.lists.items) {
        let names = item
            .when
            .iter()
            .chain(&item.unless)
            .chain(&item.each)
            .filter_map(|condition| condition.text.split(' ').next());
        used.extend(names.map(str::to_owned));
    }
    let facts: BTreeSet<String> =
        used.iter().filter_map(|name| name.strip_prefix("facts.")).map(String::from).collect();
    assert_eq!(facts, FACTS.iter().map(|fact| fact.name.to_owned()).collect());
    used.retain(|name| !name.starts_with("facts."));
    used.extend(FACTS.iter().flat_map(|fact| fact.uses).map(|name| (*name).to_owned()));
    assert_eq!(used, declared);
}

#[test]
fn every_file_says_first_what_it_was_made_from() {
    for case in all_examples() {
        for (path, bytes) in entries(&case.done()) {
            let text = String::from_utf8(bytes).unwrap();
            let line = text.lines().find(|line| !line.starts_with("#!") && !line.starts_with("<?xml")).unwrap();
            let said = line.trim_start_matches("<!-- ").trim_start_matches("# ");
            assert!(said.starts_with("Made by pnda for node "), "{path}: {line}");
            assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{path} ends oddly");
            assert!(text.lines().all(|line| line.trim_end() == line), "{path} has blanks at a line's end");
        }
    }
}

#[test]
fn every_folder_of_ours_is_placed_with_an_owner() {
    let ours = ["/etc/pnda", "/opt/pnda", "/var/lib/pnda", "/var/log/pnda"];
    let rendered = Case::example("pico").done();
    let node = node(&rendered, "pico");
    let directories: BTreeSet<&str> = node.directories.iter().map(|directory| directory.path.as_str()).collect();
    let files = node.files.iter().map(|file| file.path.as_str());
    let links = node.links.iter().map(|link| link.path.as_str());
    let archives = node.archives.iter().map(|archive| archive.into.as_str());
    let downloads = node.downloads.iter().map(|download| download.path.as_str());
    for path in files.chain(links).chain(archives).chain(downloads).chain(directories.iter().copied()) {
        let (parent, _) = path.rsplit_once('/').unwrap();
        let inside = ours.iter().any(|folder| parent == *folder || parent.starts_with(&format!("{folder}/")));
        assert!(!inside || directories.contains(parent), "{parent}, where {path} lies, is not listed");
    }
}

#[test]
fn in_a_users_folder_every_path_is_below_it_and_there_are_no_users_and_units() {
    let case = Case { root: Some("/srv/try".into()), ..Case::example("pico") };
    let rendered = case.done();
    let node = node(&rendered, "pico");
    assert_eq!((node.scope, node.root.as_str(), node.users.len()), (Scope::User, "/srv/try", 0));
    let history_server = node.services.iter().find(|service| service.name.as_str() == "flink-history-server").unwrap();
    assert_eq!(history_server.command, ["/srv/try/opt/pnda/bin/historyserver.sh", "start-foreground"]);
    assert!(node.services.iter().all(|service| service.unit.is_empty()));
    for (path, bytes) in entries(&rendered).filter(|(path, _)| path.contains("/files/")) {
        assert!(!path.contains("/systemd/"), "{path}");
        let text = String::from_utf8(bytes).unwrap();
        let remark = |line: &&str| line.trim_start().starts_with('#') || line.trim_start().starts_with("<!--");
        for line in text.lines().filter(|line| !remark(line)) {
            let bare = line.replace("/srv/try/opt", "").replace("/srv/try/etc", "").replace("/srv/try/var", "");
            let escaped =
                ["/opt/pnda", "/etc/pnda", "/var/", "/run/", "/etc/hadoop"].iter().find(|dir| bare.contains(**dir));
            assert_eq!(escaped, None, "{path}: {line}");
        }
    }
    let odd = Case { root: Some("/srv/a b".into()), ..Case::example("pico") };
    assert!(odd.told().starts_with("--root: `/srv/a b` cannot stand for `/`"), "{}", odd.told());
}

#[test]
fn the_standard_cluster_has_one_history_server_and_clients_on_both_edges() {
    let expected = "\
NODE     ADDRESS    KINDS    ROLES
edge-1   10.77.0.3  edge     flink-client log-shipper queue-wrapper agent
edge-2   10.77.0.4  edge     flink-client log-shipper queue-wrapper agent
manager  10.77.0.2  manager  log-shipper flink-history-server agent
worker   10.77.0.5  worker   log-shipper agent
";
    let rendered = Case::example("standard").done();
    assert_eq!(rendered.assignment.to_string(), expected);
    let services = |name| -> Vec<String> {
        node(&rendered, name).services.iter().map(|service| service.name.to_string()).collect()
    };
    assert_eq!(services("manager"), ["flink-history-server", "pnda-agent"]);
    assert_eq!(services("edge-1"), ["pnda-agent"]);
}

/// A rendered text without what it was made from.
fn body(rendered: &Rendered, node: &str, path: &str) -> String {
    text(rendered, node, path).split_once('\n').unwrap().1.to_owned()
}

#[test]
fn the_agent_is_told_what_its_node_has() {
    let rendered = Case::example("production").done();
    let expected = "cluster = \"production\"\nnode = \"manager-1\"\nlisten = \"127.0.0.1:8084\"\ninterval_seconds = 10\n\n\
        [history_server]\nurl = \"http://127.0.0.1:8082\"\n\n\
        [graphite]\naddress = \"edge-1:2003\"\n\n\
        [console]\nurl = \"http://edge-1:3001/metrics\"\n";
    assert_eq!(body(&rendered, "manager-1", "files/etc/pnda/agent.toml"), expected);
    let rendered = Case::example("standard").done();
    let expected = "cluster = \"standard\"\nnode = \"worker\"\nlisten = \"127.0.0.1:8084\"\ninterval_seconds = 10\n";
    assert_eq!(body(&rendered, "worker", "files/etc/pnda/agent.toml"), expected);
}

/// The configuration's keys and values.
fn configuration(version: &str, file: &str) -> BTreeMap<String, String> {
    let case = Case::example("pico").set("flink.version", version).set("graphite.address", "[::1]:2003");
    pairs(&case.done(), "pico", &format!("files/etc/pnda/flink/{version}/{file}"))
}

fn pairs(rendered: &Rendered, node: &str, path: &str) -> BTreeMap<String, String> {
    let text = text(rendered, node, path);
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let pairs = lines.map(|line| line.split_once(": ").unwrap());
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

#[test]
fn flink_gets_the_file_and_the_keys_that_its_version_reads() {
    let old = configuration("1.15.4", "flink-conf.yaml");
    assert!(old["env.java.opts.client"].starts_with("--add-exports="), "quotes would become part of the value");
    assert_eq!(old["metrics.scope.jm.job"], "jobmanager.<job_name>");
    assert!(!old.contains_key("metrics.scope.jm-operator"));
    let new = configuration("2.3.0", "config.yaml");
    assert!(new["env.java.opts.all"].starts_with("'--add-exports="));
    assert_eq!(new["metrics.scope.jm-job"], "'jobmanager.<job_name>'");
    assert_eq!(new["metrics.reporter.grph.host"], "'::1'");
    for configuration in [&old, &new] {
        assert_eq!(configuration["jobmanager.memory.process.size"], "1600m");
        assert_eq!(configuration["env.java.home"], "/opt/pnda/jre");
    }
}

#[test]
fn only_the_history_servers_node_is_told_how_to_serve_history() {
    let rendered = Case::example("standard").done();
    let of = |node| pairs(&rendered, node, "files/etc/pnda/flink/1.20.5/config.yaml");
    assert!(["manager", "edge-1"].iter().all(|node| !of(node).keys().any(|key| key.starts_with("historyserver."))));
    let own = "files/etc/pnda/flink-history-server/1.20.5/config.yaml";
    assert_eq!(pairs(&rendered, "manager", own)["historyserver.web.port"], "8082");
    assert!(rendered.nodes[&Word::new("edge-1").unwrap()].get(&SafePath::new(own).unwrap()).is_none());
}

#[test]
fn two_versions_of_flink_lie_side_by_side_each_in_its_own_form() {
    let rendered = Case::example("hadoop").set("flink.version", "1.18.1").set("flink.also", "2.3.0,1.20.5").done();
    let edge = node(&rendered, "edge-1");
    let (old, new) = ("files/etc/pnda/flink/1.18.1/flink-conf.yaml", "files/etc/pnda/flink/2.3.0/config.yaml");
    let (old, new) = (pairs(&rendered, "edge-1", old), pairs(&rendered, "edge-1", new));
    assert!(old.contains_key("state.savepoints.dir") && new.contains_key("execution.checkpointing.savepoint-dir"));
    for (pairs, version) in [(&old, "1.18.1"), (&new, "2.3.0")] {
        let staged = format!("hdfs://10.77.0.2:8020/pnda/flink/{version}");
        assert_eq!(pairs["yarn.provided.lib.dirs"].trim_matches('\''), format!("{staged}/lib;{staged}/plugins"));
    }
    let paths = |prefix: &str| -> Vec<String> {
        let links = edge.links.iter().map(|link| link.path.to_string());
        let archives = edge.archives.iter().map(|archive| archive.into.to_string());
        links.chain(archives).filter(|path| path.starts_with(prefix)).collect()
    };
    assert_eq!(
        paths("/usr/bin/flink-"),
        ["1.18.1", "1.20.5", "2.3.0"].map(|version| format!("/usr/bin/flink-{version}"))
    );
    assert_eq!(paths("/opt/pnda/rm-wrapper/bin/flink").len(), 4);
    assert_eq!(paths("/opt/pnda/flink-").len(), 3);
    let staging =
        rendered.nodes.keys().map(|name| node(&rendered, name.as_str())).find(|node| !node.hdfs_uploads.is_empty());
    let staged: Vec<String> = staging.unwrap().hdfs_uploads.iter().map(|upload| upload.to.to_string()).collect();
    assert_eq!(staged.len(), 6);
    assert!(staged.contains(&"/pnda/flink/2.3.0/lib".to_owned()), "{staged:?}");
}

#[test]
fn another_version_takes_one_link_and_a_restart_of_the_history_server() {
    let render = |version, also| Case::example("hadoop").set("flink.version", version).set("flink.also", also).done();
    let (before, after) = (render("1.20.5", "2.3.0"), render("2.3.0", "1.20.5"));
    let rendered_files = |rendered: &Rendered| -> Vec<(String, Vec<u8>)> {
        entries(rendered).filter(|(path, _)| path.contains("/files/") && !path.contains("/systemd/")).collect()
    };
    assert!(rendered_files(&before) == rendered_files(&after), "no file depends on which version is the node's own");
    for name in ["manager", "edge-1"] {
        let (before, after) = (node(&before, name), node(&after, name));
        let changed: Vec<&str> =
            after.links.iter().filter(|link| !before.links.contains(link)).map(|link| link.path.as_str()).collect();
        assert_eq!(changed, ["/opt/pnda/flink"], "{name}");
        for service in after.services.iter().filter(|service| service.name.as_str() == "flink-history-server") {
            assert!(service.restart_on.iter().any(|path| path.as_str() == "/opt/pnda/flink"));
        }
    }
}

#[test]
fn a_secret_stands_in_one_file_of_a_node_and_there_as_a_mark() {
    let case = Case::example("hadoop").set("flink.history_server.tls_keystore", "/etc/pnda/tls.p12");
    let told = case.told();
    assert!(
        told.contains("`flink.history_server.tls_keystore` is nothing without `flink.history_server.tls_password`"),
        "{told}"
    );
    let reference = "file:/etc/pnda/tls.password";
    let rendered = case.set("flink.history_server.tls_password", reference).done();
    let path = "/etc/pnda/flink-history-server/1.20.5/config.yaml";
    let configuration = pairs(&rendered, "manager", &format!("files{path}"));
    let mark = format!("'@SECRET:{reference}@'");
    assert_eq!(configuration["security.ssl.rest.keystore-password"], mark);
    assert_eq!(configuration["security.ssl.rest.key-password"], mark);
    let keystore = "/run/credentials/flink-history-server.service/keystore";
    assert_eq!(configuration["security.ssl.rest.keystore"], keystore);
    let naming: Vec<String> = entries(&rendered)
        .filter(|(_, bytes)| String::from_utf8_lossy(bytes).contains(reference))
        .map(|(path, _)| path)
        .collect();
    assert_eq!(naming, [format!("manager/files{path}"), "manager/node.toml".into(), "manager/origins.toml".into()]);
    let document = node(&rendered, "manager");
    let file = document.files.iter().find(|file| file.path.as_str() == path).unwrap();
    assert_eq!((file.secrets.len(), file.access.mode.bits(), file.access.group.as_str()), (1, 0o640, "pnda"));
    let unit = text(&rendered, "manager", "files/etc/systemd/system/flink-history-server.service");
    assert!(unit.contains("\nLoadCredential=keystore:/etc/pnda/tls.p12\n"), "{unit}");
    let agent = text(&rendered, "manager", "files/etc/pnda/agent.toml");
    assert!(agent.contains("url = \"https://10.77.0.2:8082\""), "{agent}");
    let literal = Case::example("hadoop").set("flink.history_server.tls_password", "hunter2").told();
    assert!(literal.contains("is not of kind secret") && !literal.contains("hunter2"), "{literal}");
}

#[test]
fn a_version_that_the_mirror_or_java_cannot_give_is_refused() {
    let told = Case::example("pico").set("flink.also", "2.2.9").told();
    assert!(told.contains("the mirror (generation 7) does not hold `flink-2.2.9.tar.gz`"), "{told}");
    let told = Case::example("pico").set("flink.also", "2.3.0").set("java.version", "8.0.392").told();
    assert!(
        told.contains("--set flink.also: Flink 2.3.0 does not run on Java 8\n    give it Java 11 or newer"),
        "{told}"
    );
    assert!(!told.contains("Flink 1.20.5 does not run"), "{told}");
}

#[test]
fn a_java_of_the_site_replaces_the_one_from_the_mirror() {
    let rendered = Case::example("pico").set("java.home", "/usr/lib/jvm/java-17").done();
    let node = node(&rendered, "pico");
    assert!(!node.archives.iter().any(|archive| archive.into.as_str().contains("jre")));
    assert!(!node.links.iter().any(|link| link.path.as_str() == "/opt/pnda/jre"));
    assert!(!node.services[0].restart_on.iter().any(|path| path.as_str() == "/opt/pnda/jre"));
    let configuration = text(&rendered, "pico", "files/etc/pnda/flink/1.20.5/config.yaml");
    assert!(configuration.contains("\nenv.java.home: /usr/lib/jvm/java-17\n"), "{configuration}");
}

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

#[test]
fn origins_say_who_decided() {
    let text_of = Case::example("pico").text + "settings.flink.parallelism = 3\n";
    let rendered = Case::of(&text_of).set("flink.taskmanager.slots", "4").done();
    let origins = text(&rendered, "pico", "origins.toml");
    for line in [
        "\"flink.parallelism\" = { value = 3, from = \"cluster.toml:17\" }",
        "\"flink.taskmanager.slots\" = { value = 4, from = \"--set flink.taskmanager.slots\" }",
        "\"flink.history_server.address\" = { value = \"127.0.0.1\", from = \"cluster.toml:10\" }",
        "\"graphite.address\" = { from = \"roles/parts/metrics.toml:3\" }",
    ] {
        assert!(origins.lines().any(|there| there == line), "{line}\n{origins}");
    }
    assert!(origins.parse::<toml::Table>().is_ok());
}

#[test]
fn the_mirror_can_be_named_on_the_command_line() {
    let rendered = Case::example("standard").set("mirror.url", "http://10.0.0.9/").done();
    assert_eq!(node(&rendered, "worker").mirror.url, "http://10.0.0.9");
    assert!(Case::example("standard").set("mirror.url", "mirror").told().contains("cannot be a mirror's address"));
}

#[test]
fn generated_scripts_pass_shellcheck() {
    if std::process::Command::new("shellcheck").arg("--version").output().is_err() {
        // Written past the harness, which would keep it to itself.
        let _ = writeln!(std::io::stderr(), "left out: shellcheck of generated scripts: shellcheck is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut scripts = BTreeSet::new();
    for case in all_examples() {
        for (_, bytes) in entries(&case.done()).filter(|(_, bytes)| bytes.starts_with(b"#!")) {
            let script = folder.path().join(Sha256::of(&bytes).to_string());
            std::fs::write(&script, bytes).unwrap();
            scripts.insert(script);
        }
    }
    assert!(scripts.len() >= 14, "each node has a script of its own");
    let output = std::process::Command::new("shellcheck").args(scripts).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

fn folder(path: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let entry = entry.unwrap().path();
            if entry.is_dir() {
                folders.push(entry);
            } else {
                let name = entry.strip_prefix(path).unwrap().display().to_string();
                found.insert(name, std::fs::read_to_string(entry).unwrap());
            }
        }
    }
    found
}

/// The nodes' folders as texts.
fn folders(rendered: &Rendered) -> Folders {
    let mut folders = Folders::new();
    for (path, bytes) in entries(rendered) {
        let (node, path) = path.split_once('/').unwrap();
        let texts = folders.entry(node.to_owned()).or_default();
        texts.insert(path.to_owned(), String::from_utf8(bytes).unwrap());
    }
    folders
}

/// The example with workers up to this number.
fn with_workers(count: usize) -> Case {
    let mut case = Case::example("hadoop");
    for number in 3..=count {
        let node =
            format!("name = \"worker-{number}\"\naddress = \"10.77.1.{number}\"\nkinds = [\"hadoop-dn-{number}\"]");
        case.text += &format!("\n[[node]]\n{node}\n");
    }
    case
}

#[test]
fn a_worker_more_changes_nobody_else() {
    let changes = difference(&folders(&with_workers(2).done()), &folders(&with_workers(3).done()));
    assert_eq!(changes.to_string(), "worker-3: a new node\n");
}

#[test]
fn nodes_that_change_alike_are_told_once() {
    let (before, after) = (with_workers(6), with_workers(6).set("yarn.nodemanager.cores", "6"));
    let changes = difference(&folders(&before.done()), &folders(&after.done()));
    assert_eq!(changes.changed.len(), 9, "{changes}");
    let told = changes.to_string();
    let heads: Vec<&str> = told.lines().filter(|line| !line.starts_with(' ')).collect();
    assert_eq!(heads, ["edge-1, edge-2:", "manager:", "worker-1 ... worker-6 (6 nodes):"]);
    assert_eq!(told.matches("restarts: yarn-nodemanager").count(), 1, "{told}");
}

/// A fixture: a cluster file, roles and templates that replace or join the defaults, and settings of a command line.
fn fixture(path: &Path) -> Case {
    let files = folder(path);
    let mut case = Case::of(&files["cluster.toml"]);
    let mut roles: BTreeMap<String, String> = case.roles.into_iter().collect();
    for (name, text) in &files {
        if name.starts_with("roles/") {
            roles.insert(name.clone(), text.clone());
        } else if let Some(name) = name.strip_prefix("templates/") {
            case.templates.insert(name.to_owned(), text.clone());
        }
    }
    let set = files.get("set.txt").into_iter().flat_map(|text| text.lines());
    case.overrides = set.map(|line| line.split_once('=').unwrap()).map(|(k, v)| (k.into(), v.into())).collect();
    case.roles = roles.into_iter().collect();
    case
}

#[test]
fn every_defect_is_told_with_file_line_and_remedy() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cluster");
    let mut cases: Vec<_> = std::fs::read_dir(fixtures).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(cases.len() > 25);
    for path in cases {
        let told = fixture(&path).told() + "\n";
        let expected = path.join("expected.txt");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&expected, &told).unwrap();
        }
        assert_ne!(told, "\n", "{} was accepted", path.display());
        assert_eq!(told, std::fs::read_to_string(&expected).unwrap_or_default(), "{}", path.display());
    }
}

#[test]
fn every_rendered_configuration_of_flink_passes_the_lint_of_its_version() {
    let versions = ["1.15.4", "1.16.3", "1.17.2", "1.18.1", "1.19.3", "1.20.5", "2.0.2", "2.1.3", "2.2.1", "2.3.0"];
    for (at, version) in versions.into_iter().enumerate() {
        let name = ["pico", "standard", "production", "hadoop"][at % 4];
        let case = Case::example(name).set("flink.version", version).set("graphite.address", "graphite:2003");
        let case = case.set("flink.history_server.tls_keystore", "/etc/pnda/tls.p12");
        let case = case.set("flink.history_server.tls_password", "credential:tls");
        let mut generation = generation();
        let archive = format!("flink-{version}.tar.gz");
        let listed = Listed { size: 1, sha256: Sha256::of(archive.as_bytes()) };
        generation.files.insert(SafePath::new(archive).unwrap(), listed);
        let rendered = case.render_from(&generation).unwrap_or_else(|problems| panic!("{version}: {problems}"));
        let version: crate::words::flink::Version = version.parse().unwrap();
        let file = version.configuration_file().name();
        let paths =
            ["flink", "flink-history-server"].map(|folder| format!("/files/etc/pnda/{folder}/{version}/{file}"));
        let files: Vec<(String, Vec<u8>)> =
            entries(&rendered).filter(|(path, _)| paths.iter().any(|end| path.ends_with(end))).collect();
        assert!(files.len() > 1, "{name} {version}");
        for (path, bytes) in files {
            let text = String::from_utf8(bytes).unwrap();
            let target = lint::Target { version, java: None, deployment: lint::memory::Deployment::Yarn };
            let source = Source { file: &path, text: &text };
            let (configuration, findings) = lint::lint(source, version.configuration_file().into(), target).unwrap();
            assert!(configuration.keys() > 5 && findings.is_empty(), "{name} {version}:\n{findings:#?}\n{text}");
        }
    }
}

#[test]
fn memory_that_flink_would_refuse_is_told_at_its_setting() {
    let case = Case::example("pico").set("flink.jobmanager.memory", "500m").set("flink.taskmanager.slots", "0");
    assert_eq!(
        case.told(),
        "--set flink.jobmanager.memory: no job manager would start: off-heap 128m, more than the Flink memory of 52m\n    \
         raise `flink.jobmanager.memory` by 77m at least, or lower a part\n\
         --set flink.taskmanager.slots: `flink.taskmanager.slots` cannot be 0\n    write 1 or more"
    );
}
