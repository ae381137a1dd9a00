//! What is rendered of Flink: the file and the keys of each version, several versions, Java, memory, and its secrets.
//! Each rendered configuration passes the lint of the version that will read it.
//! Not here: the lint itself.

use super::*;

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
        let staged = format!("hdfs://10.77.0.2:8020/pnda/flink/{version}-{}", digest(version, generation()));
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
    assert!(staged.contains(&format!("/pnda/flink/2.3.0-{}/lib", digest("2.3.0", generation()))), "{staged:?}");
}

#[test]
fn flink_goes_to_the_folder_from_which_submissions_take_it() {
    let rendered = Case::example("hadoop").set("flink.staged_url", "hdfs://10.77.0.2:8020/shared/flink").done();
    let nodes = rendered.nodes.keys().map(|name| node(&rendered, name.as_str()));
    let uploads: Vec<String> =
        nodes.flat_map(|node| node.hdfs_uploads.into_iter().map(|upload| upload.to.to_string())).collect();
    let folder = format!("/shared/flink/1.20.5-{}", digest("1.20.5", generation()));
    assert_eq!(uploads, [format!("{folder}/lib"), format!("{folder}/plugins")]);
    let applications = text(&rendered, "edge-1", "files/etc/pnda/applications.toml");
    assert!(applications.contains(&format!("staged = \"{folder}\"")), "{applications}");
}

/// What the name of a version's folder in HDFS ends with.
fn digest(version: &str, generation: Generation) -> String {
    let archive = SafePath::new(format!("flink-{version}.tar.gz")).unwrap();
    generation.files[&archive].sha256.to_string()[..16].to_owned()
}

#[test]
fn another_content_of_a_version_lies_beside_the_old_one_in_hdfs() {
    let mut other = generation();
    other.files.get_mut(&SafePath::new("flink-1.20.5.tar.gz").unwrap()).unwrap().sha256 = Sha256::of(b"another");
    let case = Case::example("hadoop");
    let all = [(case.done(), generation()), (case.render_from(&other).unwrap(), other)];
    let [before, after] = all.map(|(rendered, generation)| {
        let folder = format!("/pnda/flink/1.20.5-{}", digest("1.20.5", generation));
        let client = pairs(&rendered, "edge-1", "files/etc/pnda/flink/1.20.5/config.yaml");
        let staged = format!("hdfs://10.77.0.2:8020{folder}");
        assert_eq!(client["yarn.provided.lib.dirs"].trim_matches('\''), format!("{staged}/lib;{staged}/plugins"));
        let nodes: Vec<Node> = rendered.nodes.keys().map(|name| node(&rendered, name.as_str())).collect();
        let uploads = nodes.iter().flat_map(|node| &node.hdfs_uploads).map(|upload| upload.to.to_string());
        assert_eq!(uploads.collect::<Vec<_>>(), [format!("{folder}/lib"), format!("{folder}/plugins")]);
        let manager = nodes.iter().find(|node| node.roles.iter().any(|role| role.as_str() == "applications")).unwrap();
        let file = "files/etc/pnda/applications.toml";
        assert!(text(&rendered, manager.node.as_str(), file).contains(&format!("staged = \"{folder}\"")));
        folder
    });
    assert_ne!(before, after);
}

#[test]
fn whoever_had_flink_in_hdfs_by_its_version_alone_restarts_the_manager_of_applications_and_nothing_else() {
    let (before, after) = (Case::example("hadoop").set("flink.staged_as", "version"), Case::example("hadoop"));
    let changes = difference(&changes::folders(&before.done()), &changes::folders(&after.done()));
    let restarts: BTreeSet<&str> = changes.changed.iter().flat_map(|node| &node.restarts).map(String::as_str).collect();
    assert_eq!(restarts, BTreeSet::from(["pnda-applications"]), "{changes}");
    let old = pairs(&before.done(), "edge-1", "files/etc/pnda/flink/1.20.5/config.yaml");
    assert!(
        old["yarn.provided.lib.dirs"].contains("/pnda/flink/1.20.5/lib;"),
        "as a site that stages it itself has it"
    );
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
        let version: words::flink::Version = version.parse().unwrap();
        let file = version.configuration_file().name();
        let paths =
            ["flink", "flink-history-server"].map(|folder| format!("/files/etc/pnda/{folder}/{version}/{file}"));
        let files: Vec<(String, Vec<u8>)> =
            entries(&rendered).filter(|(path, _)| paths.iter().any(|end| path.ends_with(end))).collect();
        assert!(files.len() > 1, "{name} {version}");
        for (path, bytes) in files {
            let text = String::from_utf8(bytes).unwrap();
            let target = ::flink::Target { version, java: None, deployment: ::flink::memory::Deployment::Yarn };
            let source = Source { file: &path, text: &text };
            let (configuration, findings) = ::flink::lint(source, version.configuration_file().into(), target).unwrap();
            // Where no HDFS is known jobs are archived on a disk, and just that is told.
            let told: Vec<&str> = findings.iter().map(|one| one.key.as_str()).collect();
            let key = "jobmanager.archive.fs.dir";
            let expected: &[&str] = if text.contains(&format!("{key}: file:")) { &[key] } else { &[] };
            assert!(configuration.keys() > 5 && told == expected, "{name} {version}:\n{findings:#?}\n{text}");
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
