//! A whole cluster on six nodes without a way out: HDFS, YARN, ZooKeeper, Kafka and Flink, from the project's own mirror.
//! What is installed is what the roles say; a job is submitted from an edge with the installed client, and ends well.
//! Not here: Flink alone on a site's own Hadoop (slice.rs).

use crate::drive::Desk;
use crate::ground::{Ground, HUB};
use crate::machine;
use crate::node::Node;
use crate::shell::until;
use crate::site::{Site, example};
use crate::steps::Steps;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// The nodes, by their addresses.
const NODES: [&str; 6] = ["manager", "edge-1", "edge-2", "worker-1", "worker-2", "broker-1"];

/// The example that is run; its words are its own.
const EXAMPLE: &str = "mirror_apps/flink-examples-streaming-1.20.0.jar";
const WORD_COUNT: &str = "org.apache.flink.streaming.examples.wordcount.WordCount";

#[test]
fn a_cluster_is_provisioned_and_runs_a_flink_job() {
    let mut steps = Steps::default();
    let Some(ground) = steps.take("boot of six nodes", || Ground::with(&NODES)) else { return };
    let site = match steps.take("mirror build", || Site::build(&ground)) {
        Ok(site) => site,
        Err(why) => return machine::left_out("a cluster on six nodes", &why),
    };
    let (small, whole) = (without(&ground, "worker-2"), example("hadoop"));
    steps.take("render", || site.render_file(&small, &[]));
    let _server = site.serve(&ground);
    let desk = Desk::new(&ground);
    let nodes = site.nodes();
    steps.take("first look", || desk.install(4, &small, nodes, &["--dry-run"]));
    let came = steps.take("install of five nodes", || desk.install(0, &small, nodes, &[]));
    assert_eq!(came.of("changed").len(), 5, "{}", came.told());
    site.render_file(&whole, &[]);
    let came = steps.take("a worker more", || desk.install(0, &whole, nodes, &[]));
    machine::tell(&came.told());
    let came = steps.take("install again", || desk.install(0, &whole, nodes, &[]));
    assert_eq!(came.of("unchanged").len(), 6, "{}", came.told());
    steps.take("job", || runs_a_job(ground.node("edge-2"), ground.node("manager")));
    machine::tell(&format!("cluster: {steps}"));
}

/// The example cluster as it was before a node came to it.
fn without(ground: &Ground, node: &str) -> PathBuf {
    let text = fs::read_to_string(example("hadoop")).expect("the example is there");
    let (head, nodes) = text.split_once("[[node]]").expect("it has nodes");
    let others = nodes.split("[[node]]").filter(|one| !one.contains(&format!("name = \"{node}\"")));
    let path = ground.folder("clusters").join("small.toml");
    let text: String = others.fold(head.to_owned(), |text, one| text + "[[node]]" + one);
    fs::write(&path, text).expect("the ground's folder is writable");
    path
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
    assert!(state.contains("\"finalStatus\":\"SUCCEEDED\"") && state.contains("\"user\":\"alice\""), "{state}");
    until("the history server tells of the job", Duration::from_secs(60), || {
        let told = edge.run("curl --silent http://manager:8082/jobs/overview").stdout;
        told.contains("\"state\":\"FINISHED\"").then_some(())
    });
}
