//! A whole cluster on six nodes without a way out: HDFS, YARN, ZooKeeper, Kafka and Flink, from the project's own mirror.
//! What is installed is what the roles say; a job is submitted from an edge with the installed client, and ends well.
//! Not here: Flink alone on a site's own Hadoop (slice.rs).

use crate::drive::Desk;
use crate::drivers::{Ansible, Salt, recap};
use crate::endless::Endless;
use crate::ground::Ground;
use crate::node::Node;
use crate::shell::{Output, until};
use crate::site::{Site, example};
use crate::steps::Steps;
use crate::{applications, events, logs, machine, packages, site, sql};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The nodes, by their addresses.
const NODES: [&str; 6] = ["manager", "edge-1", "edge-2", "worker-1", "worker-2", "broker-1"];

#[test]
fn a_cluster_is_provisioned_and_runs_a_flink_job() {
    let mut steps = Steps::default();
    let Some(mut ground) = steps.take("boot of six nodes", || Ground::with(&NODES)) else { return };
    if packages::are_left_out("a cluster on six nodes") {
        return;
    }
    let site = match steps.take("mirror build", || Site::build_from(&ground, &manifests(&ground))) {
        Ok(site) => site,
        Err(why) => return machine::left_out("a cluster on six nodes", &why),
    };
    let (small, whole) = (cluster(&ground, Some("worker-2")), cluster(&ground, None));
    steps.take("render", || site.render_file(&small, &[]));
    let _server = site.serve(&ground);
    applications::has_a_token(ground.node("edge-1"));
    steps.take("rsyslog", || logs::install_rsyslog(ground.nodes(), site.mirror()));
    let desk = Desk::new(&ground);
    let nodes = site.nodes().to_owned();
    steps.take("first look", || desk.install(&ground, 4, (&small, &nodes), &["--dry-run"]));
    steps.take("install and a power cut", || loses_a_worker(&mut ground, &desk, (&small, &nodes)));
    let came = steps.take("the rest of it", || desk.install(&ground, 0, (&small, &nodes), &[]));
    assert_eq!(came.of("changed"), ["worker-1", "edge-1", "edge-2"], "{}", came.told());
    site.render_file(&whole, &[]);
    let came = steps.take("a worker more", || desk.install(&ground, 0, (&whole, &nodes), &[]));
    // No setting follows the number of workers, so only the log server is told: it takes records from nodes alone.
    let changed: BTreeSet<&str> = came.of("changed").into_iter().collect();
    assert_eq!((changed, came.of("unchanged").len()), (["broker-1", "worker-2"].into(), 4), "{}", came.told());
    assert_eq!(came.restarts("broker-1"), ["pnda-log-server"], "{}", came.told());
    let came = steps.take("install again", || desk.install(&ground, 0, (&whole, &nodes), &[]));
    assert_eq!(came.of("unchanged").len(), 6, "{}", came.told());
    machine::tell(&format!("the services of six nodes hold {} MiB", resident(&ground)));
    steps.take("job", || runs_a_job(&ground, &site));
    // Beside what Hadoop brings, which is on its class path.
    steps.take("SQL", || sql::is_answered(ground.node("edge-2"), "1.20.5"));
    steps.take("checkpoints", || checkpoints_are_made(ground.node("manager")));
    site.render_file(&whole, &[MEMORY]);
    steps.take("rolling change", || restarts_workers_in_turn(&ground, &desk, (&whole, &nodes)));
    site.render_file(&whole, &[]);
    steps.take("Ansible", || ansible_does_the_same(&ground, &desk, (&whole, &nodes)));
    steps.take("Salt", || salt_does_the_same(&ground, (&whole, &nodes)));
    steps.take("one edge manages", || applications::one_manages(ground.node("edge-1"), ground.node("edge-2")));
    steps.take("an application", || applications::finishes_one(ground.node("edge-1"), ground.node("broker-1")));
    let (edge, from) = (ground.node("edge-1"), ground.node("broker-1"));
    steps.take("one through the network", || applications::runs_through_the_network(edge, from));
    steps.take("one by Flink's own client", || {
        applications::one_manages(ground.node("edge-2"), edge);
        applications::finishes_one_by_client(ground.node("edge-2"));
        applications::one_manages(edge, ground.node("edge-2"));
    });
    let mut endless =
        steps.take("a job without an end", || Endless::start(ground.node("edge-1"), &ground.folder("endless")));
    Endless::is_its_owners(ground.node("edge-1"));
    steps.take("power cut of its edge", || {
        ground.node_mut("edge-1").cut();
        endless.goes_on(ground.node("edge-2"));
        applications::takes_over(ground.node("edge-2"));
        endless.is_known(ground.node("edge-2"));
        comes_back(ground.node_mut("edge-1"), &["pnda-agent", "pnda-applications"]);
        applications::one_manages(ground.node("edge-2"), ground.node("edge-1"));
        endless.is_known(ground.node("edge-1"));
    });
    steps.take("power cut of a worker", || {
        let leads =
            |worker: &&str| ground.node(worker).run("pgrep -f [Y]arnApplicationClusterEntryPoint").code == Some(0);
        let worker = ["worker-1", "worker-2"].into_iter().find(leads).expect("the job is led from a worker");
        comes_back(ground.node_mut(worker), &["hdfs-datanode", "yarn-nodemanager"]);
        let restored = endless.goes_on(ground.node("edge-1"));
        assert!(restored.is_some(), "it went on from a checkpoint");
    });
    let once = ["hdfs-namenode", "hdfs-secondary", "yarn-resourcemanager", "zookeeper", "flink-history-server"];
    steps.take("power cut of the manager", || comes_back(ground.node_mut("manager"), &once));
    steps.take("history after it", || history_is_told(ground.node("edge-1")));
    steps.take("job after it", || {
        endless.goes_on(ground.node("edge-1"));
        endless.is_known(ground.node("edge-1"));
    });
    steps.take("stop and start with its state, by the edge that stands by", || {
        endless.stops_and_starts(ground.node("edge-1"))
    });
    steps.take("cancelled from the other edge", || endless.cancel(ground.node("edge-1")));
    applications::was_cancelled(ground.node("edge-2"), "endless");
    machine::tell(&format!("cluster: {steps}"));
}

/// The memory that all processes of all nodes hold.
fn resident(ground: &Ground) -> u64 {
    let held = |node: &Node| -> u64 {
        let sum = node.run("ps -e -o rss= | awk '{ sum += $1 } END { print sum }'").ok();
        sum.text().parse().expect("ps counts kilobytes")
    };
    ground.nodes().iter().map(held).sum::<u64>() / 1024
}

/// What the project mirrors, and what ships logs.
fn manifests(ground: &Ground) -> PathBuf {
    let folder = site::manifests(ground, &[]);
    fs::write(folder.join("packages.toml"), packages::manifest(&logs::PACKAGES)).expect("it is writable");
    folder
}

/// After a power cut everything is back by itself, as it was installed.
fn comes_back(node: &mut Node, services: &[&str]) {
    node.cut();
    node.boot();
    services.iter().for_each(|service| node.wait_active(service));
    until(&format!("{} is as it was installed", node.name), Duration::from_secs(120), || {
        let verified = node.run("/opt/pnda/agent/pnda-agent verify");
        (verified.code == Some(0)).then_some(())
    });
}

/// What jobs left in HDFS outlives the manager's power.
fn history_is_told(edge: &Node) {
    until("the history server tells of the job", Duration::from_secs(120), || {
        let told = edge.run("curl --silent http://manager:8082/jobs/overview").stdout;
        told.contains("\"state\":\"FINISHED\"").then_some(())
    });
}

/// A setting that NodeManagers read when they start.
const MEMORY: &str = "yarn.nodemanager.memory=3g";

/// The power of a worker is cut while it is installed: it is told, what needs workers waits, and what stands stays.
fn loses_a_worker(ground: &mut Ground, desk: &Desk, plan: (&Path, &Path)) {
    let mut install = desk.begin_install(ground, plan);
    until("the worker is at it", Duration::from_secs(240), || {
        assert!(install.runs(), "{}", install.said());
        install.said().contains("worker-1: fetched").then_some(())
    });
    ground.node_mut("worker-1").cut();
    until("the run ends", Duration::from_secs(120), || (!install.runs()).then_some(()));
    let said = install.said();
    let result = |node: &str, result: &str| {
        let parts = said.split("\"node\": ").find(|part| part.starts_with(&format!("\"{node}\"")));
        assert!(parts.is_some_and(|part| part.contains(&format!("\"result\": \"{result}\""))), "{node}: {said}");
    };
    result("worker-1", "unreachable");
    result("edge-1", "not-tried");
    result("manager", "changed");
    ground.node_mut("worker-1").boot();
}

/// What restarts NodeManagers goes through the workers one after another; each answers before the next is touched.
fn restarts_workers_in_turn(ground: &Ground, desk: &Desk, plan: (&Path, &Path)) {
    let look = desk.install(ground, 4, plan, &["--dry-run"]);
    assert_eq!(look.of("would-change").iter().filter(|node| node.starts_with("worker")).count(), 2, "{}", look.told());
    let came = desk.install(ground, 0, plan, &[]);
    for worker in ["worker-1", "worker-2"] {
        assert_eq!(came.restarts(worker), ["yarn-nodemanager"], "{}", came.told());
    }
    let began = |worker: &str| -> u64 {
        let node = ground.node(worker);
        node.property("yarn-nodemanager", "ExecMainStartTimestampMonotonic")
            .parse()
            .expect("systemd counts microseconds")
    };
    let apart = began("worker-2").abs_diff(began("worker-1"));
    machine::tell(&format!("NodeManagers began {:.1} s apart", apart as f64 / 1e6));
    assert!(apart > 1_000_000, "one waits until the other answers");
    let told = desk.verb(ground, plan.0, "worker-1,edge-1", "check");
    assert!(
        told.stdout.contains("worker-1: exit code") && told.stdout.contains("edge-1: exit code"),
        "{}",
        told.told()
    );
}

/// The play that is emitted looks, changes and finds nothing to do, as the program itself.
fn ansible_does_the_same(ground: &Ground, desk: &Desk, plan: (&Path, &Path)) {
    let Some(ansible) = Ansible::new(desk, Desk::emit(ground, "ansible", plan.0, plan.1)) else { return };
    let look = ansible.play(ground, &["--check", "--diff", "--limit", "worker-1,broker-1"]).ok();
    assert_eq!((recap(&look, "worker-1"), recap(&look, "broker-1")), ((1, 0), (0, 0)), "{}", look.told());
    assert!(look.stdout.contains("yarn-nodemanager  restarted because of"), "{}", look.told());
    let did = ansible.play(ground, &[]).ok();
    assert_eq!((recap(&did, "worker-1"), recap(&did, "worker-2")), ((1, 0), (1, 0)), "{}", did.told());
    let start = Instant::now();
    let again = ansible.play(ground, &[]).ok();
    let theirs = start.elapsed().as_secs_f64();
    ground.nodes().iter().for_each(|node| assert_eq!(recap(&again, &node.name), (0, 0), "{}", again.told()));
    let start = Instant::now();
    desk.install(ground, 0, plan, &[]);
    let ours = start.elapsed().as_secs_f64();
    machine::tell(&format!("nothing to do on six nodes: pnda {ours:.1} s, ansible-playbook {theirs:.1} s"));
}

/// The state that is emitted sees what was changed by hand, mends it, and finds nothing to do.
fn salt_does_the_same(ground: &Ground, plan: (&Path, &Path)) {
    let edge = ground.node("edge-1");
    let Some(salt) = Salt::new(edge, &Desk::emit(ground, "salt", plan.0, plan.1)) else { return };
    edge.run("rm /usr/bin/flink").ok();
    let result = |said: &Output| -> Value {
        let answer: Value =
            serde_json::from_str(&said.stdout).unwrap_or_else(|error| panic!("{error}: {}", said.told()));
        let states = answer["local"].as_object().unwrap_or_else(|| panic!("{}", said.told())).values();
        states.map(|state| state["result"].clone()).next().unwrap_or_default()
    };
    let look = salt.apply("test=True");
    assert_eq!(result(&look), Value::Null, "{}", look.told());
    edge.run("test -e /usr/bin/flink").exited(1);
    let did = salt.apply("").ok();
    assert!(did.stdout.contains("made on node edge-1"), "{}", did.told());
    edge.run("test -e /usr/bin/flink").ok();
    let start = Instant::now();
    let again = salt.apply("").ok();
    assert!(result(&again) == Value::Bool(true) && again.stdout.contains("nothing to do"), "{}", again.told());
    machine::tell(&format!("nothing to do on a node: salt-call {:.1} s", start.elapsed().as_secs_f64()));
}

/// The example cluster, with an image of HDFS every few seconds; on request as it was before a node came to it.
fn cluster(ground: &Ground, without: Option<&str>) -> PathBuf {
    let text = fs::read_to_string(example("hadoop")).expect("the example is there");
    let (head, nodes) = text.split_once("[[node]]").expect("it has nodes");
    let settings = applications::settings(&ground.node("edge-1").address);
    let head = head.replace("[mirror]", "settings.hdfs.checkpoint_period = \"20s\"\n\n[mirror]");
    let nodes = nodes.replace("name = \"edge-1\"\n", &format!("name = \"edge-1\"\n{settings}"));
    let client = "settings.applications.flink_client = \"on\"\n";
    let nodes = nodes.replace("name = \"edge-2\"\n", &format!("name = \"edge-2\"\n{client}"));
    let is_left_out = |one: &&str| without.is_some_and(|node| one.contains(&format!("name = \"{node}\"")));
    let nodes = nodes.split("[[node]]").filter(|one| !is_left_out(one));
    let path = ground.folder("clusters").join(if without.is_some() { "small.toml" } else { "whole.toml" });
    let text: String = nodes.fold(head, |text, one| text + "[[node]]" + one);
    fs::write(&path, text).expect("the ground's folder is writable");
    path
}

/// The NameNode takes an image from the SecondaryNameNode that knows of a file.
fn checkpoints_are_made(manager: &Node) {
    manager.run("HADOOP_USER_NAME=hdfs hdfs dfs -touchz /tmp/noted").ok();
    let answer =
        manager.run("curl --silent 'http://manager:9870/jmx?qry=Hadoop:service=NameNode,name=NameNodeInfo'").ok();
    let parsed = |text: &str| -> Value { serde_json::from_str(text).unwrap_or_default() };
    let journal = parsed(parsed(&answer.stdout)["beans"][0]["JournalTransactionInfo"].as_str().unwrap_or_default());
    let number = journal["LastAppliedOrWrittenTxId"].as_str().and_then(|number| number.parse::<u64>().ok());
    let noted = number.unwrap_or_else(|| panic!("{}", answer.told()));
    until("an image comes", Duration::from_secs(120), || {
        let images = manager.run("ls /var/lib/hadoop-hdfs/name/current").ok();
        let mut numbers = images.stdout.lines().filter_map(|name| name.strip_prefix("fsimage_")?.parse::<u64>().ok());
        numbers.any(|number| number >= noted).then_some(())
    });
    manager.run("grep 'Uploaded image with txid' /var/log/pnda/hadoop-hdfs/hdfs-secondary.log").ok();
}

/// Somebody of the group `dev` runs a job with the client of an edge: it reads a topic and writes another, its history is
/// told by the manager, and what it logged is on the log server.
fn runs_a_job(ground: &Ground, site: &Site) {
    let [edge, other, manager, broker] = ["edge-2", "edge-1", "manager", "broker-1"].map(|name| ground.node(name));
    // Who belongs to which group, and so may use which queue, is asked where the ResourceManager is.
    for node in [edge, other, manager] {
        node.run("groupadd dev && useradd --create-home --groups dev alice && useradd --create-home bob").ok();
    }
    edge.run("HADOOP_USER_NAME=hdfs hdfs dfs -mkdir -p /user/alice && HADOOP_USER_NAME=hdfs hdfs dfs -chown alice /user/alice").ok();
    events::prepare(site, edge, broker, &ground.folder("events"));
    let application = events::run(edge, broker);
    events::are_counted(broker);
    history_is_told(edge);
    for text in events::words() {
        logs::arrives_at_the_log_server(broker, &application, "taskmanager.log", &text);
    }
    logs::arrives_at_the_log_server(broker, &application, "jobmanager.log", "switched from state RUNNING to FINISHED");
    for source in ["flink", "hadoop-hdfs", "hadoop-yarn", "kafka", "zookeeper"] {
        broker.run(&format!("test -s /var/log/pnda/{source}.log")).ok();
    }
}
