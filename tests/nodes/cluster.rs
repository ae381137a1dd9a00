//! A whole cluster on six nodes without a way out: HDFS, YARN, ZooKeeper, Kafka and Flink, from the project's own mirror.
//! What is installed is what the roles say; a job is submitted from an edge with the installed client, and ends well.
//! Not here: Flink alone on a site's own Hadoop (slice.rs).

use crate::ground::{Ground, HUB};
use crate::machine;
use crate::node::Node;
use crate::shell::{Output, until};
use crate::site::Site;
use crate::steps::Steps;
use std::time::Duration;

/// The nodes, by their addresses.
const NODES: [&str; 6] = ["manager", "edge-1", "edge-2", "worker-1", "worker-2", "broker-1"];

/// The order in which they are installed.
const ORDER: [&str; 6] = ["manager", "broker-1", "worker-1", "worker-2", "edge-1", "edge-2"];

/// Where a rendered folder is put on its node.
const FOLDER: &str = "/srv/pnda";

/// The example that is run; its words are its own.
const EXAMPLE: &str = "mirror_apps/flink-examples-streaming-1.20.0.jar";
const WORD_COUNT: &str = "org.apache.flink.streaming.examples.wordcount.WordCount";

#[test]
fn a_cluster_is_provisioned_and_runs_a_flink_job() {
    let mut steps = Steps::default();
    let Some(mut ground) = steps.take("boot of six nodes", || Ground::with(&NODES)) else { return };
    let site = match steps.take("mirror build", || Site::build(&ground)) {
        Ok(site) => site,
        Err(why) => return machine::left_out("a cluster on six nodes", &why),
    };
    steps.take("render", || site.render("hadoop", &[]));
    let _server = site.serve(&ground);
    for name in ORDER {
        let node = ground.node(name);
        node.copy(&site.node(name), FOLDER);
        node.run(&format!("sh {FOLDER}/install.sh --dry-run")).exited(4);
        steps.take(&format!("install on {name}"), || install(node).ok());
    }
    steps.take("second installs", || ground.nodes().iter().for_each(changes_nothing));
    steps.take("job", || runs_a_job(ground.node("edge-2"), ground.node("manager")));
    steps.take("records", || keeps_records(ground.node("broker-1")));
    steps.take("power cut of a worker", || {
        comes_back(ground.node_mut("worker-1"), &["hdfs-datanode", "yarn-nodemanager"])
    });
    let once = ["hdfs-namenode", "yarn-resourcemanager", "zookeeper", "flink-history-server"];
    steps.take("power cut of the manager", || comes_back(ground.node_mut("manager"), &once));
    steps.take("history after it", || history_is_told(ground.node("edge-1")));
    machine::tell(&format!("cluster: {steps}"));
}

/// A topic is written and read.
fn keeps_records(broker: &Node) {
    let kafka = |script: &str| {
        let address = format!("{}:9092", broker.address);
        format!("JAVA_HOME=/opt/pnda/jre /opt/pnda/kafka/bin/{script} --bootstrap-server {address} --topic words")
    };
    broker.run(&format!("{} --create", kafka("kafka-topics.sh"))).ok();
    broker.run(&format!("echo well met | {}", kafka("kafka-console-producer.sh"))).ok();
    let read = format!("{} --from-beginning --max-messages 1 --timeout-ms 30000", kafka("kafka-console-consumer.sh"));
    assert_eq!(broker.run(&read).ok().text(), "well met");
}

/// After a power cut everything is back by itself, as it was installed.
fn comes_back(node: &mut Node, services: &[&str]) {
    node.cut();
    node.boot();
    services.iter().for_each(|service| node.wait_active(service));
    // The installer waits until they answer, and has nothing else to do.
    let again = install(node).ok();
    assert!(!again.stdout.contains("starts") && !again.stdout.contains("new"), "{}: {}", node.name, again.told());
    changes_nothing(node);
    node.run("/opt/pnda/agent/pnda-agent verify").ok();
}

/// What jobs left in HDFS outlives the manager's power.
fn history_is_told(edge: &Node) {
    until("the history server tells of the job", Duration::from_secs(120), || {
        let told = edge.run("curl --silent http://manager:8082/jobs/overview").stdout;
        told.contains("\"state\":\"FINISHED\"").then_some(())
    });
}

fn install(node: &Node) -> Output {
    node.run(&format!("sh {FOLDER}/install.sh"))
}

fn changes_nothing(node: &Node) {
    let again = install(node).ok();
    assert!(again.stdout.contains("nothing to do"), "{}: {}", node.name, again.told());
}

/// Somebody of the group `dev` runs a job with the client of an edge; its history is told by the manager.
fn runs_a_job(edge: &Node, manager: &Node) {
    // Who belongs to which group, and so may use which queue, is asked where the ResourceManager is.
    for node in [edge, manager] {
        node.run("groupadd dev && useradd --create-home --groups dev alice").ok();
    }
    edge.run("HADOOP_USER_NAME=hdfs hdfs dfs -mkdir -p /user/alice && HADOOP_USER_NAME=hdfs hdfs dfs -chown alice /user/alice").ok();
    edge.run_as("alice", &format!("curl --silent --fail --output job.jar http://{HUB}:8080/{EXAMPLE}")).ok();
    let run =
        "flink run-application --target yarn-application -Dyarn.application.queue=dev -Dyarn.application.name=words";
    edge.run_as("alice", &format!("{run} --class {WORD_COUNT} job.jar")).ok();
    let state = until("the application ends", Duration::from_secs(180), || {
        let told =
            edge.run("curl --silent 'http://manager:8088/ws/v1/cluster/apps?states=FINISHED,FAILED,KILLED'").stdout;
        told.contains("finalStatus").then_some(told)
    });
    for part in ["\"finalStatus\":\"SUCCEEDED\"", "\"user\":\"alice\"", "\"queue\":\"root.applications.dev\""] {
        assert!(state.contains(part), "{part} in {state}");
    }
    history_is_told(edge);
}
