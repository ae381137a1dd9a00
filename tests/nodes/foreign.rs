//! A Hadoop that is not ours on an edge: the same jars, laid out as Bigtop's packages lay them out.
//! It is looked at before anything is installed, and Flink's client finds its classes there.
//! Not here: services; the ResourceManager that it names does not run.

use crate::ground::HUB;
use crate::node::Node;
use crate::site::Site;

const HADOOP: &str = "hadoop-3.4.2.tar.gz";
const JAR: &str = "flink-examples-streaming-1.20.0.jar";

/// Folders of jars by what their names begin with, as the packages `hadoop`, `hadoop-hdfs` and `hadoop-yarn` have them.
const LAYOUT: &str =
    "set -e; mkdir -p /usr/lib/hadoop/lib /usr/lib/hadoop/bin /usr/lib/hadoop-hdfs /usr/lib/hadoop-yarn /tmp/h
tar --extract --gzip --file /tmp/hadoop.tar.gz --directory /tmp/h
cd /tmp/h/lib
mv hadoop-yarn-* /usr/lib/hadoop-yarn/; mv hadoop-hdfs-* /usr/lib/hadoop-hdfs/
mv hadoop-common-* hadoop-auth-* hadoop-annotations-* /usr/lib/hadoop/; mv * /usr/lib/hadoop/lib/
ln -s hadoop-common-3.4.2.jar /usr/lib/hadoop/hadoop-common.jar
ln -s /usr/lib/hadoop/bin/hadoop /usr/bin/hadoop
rm -r /tmp/h /tmp/hadoop.tar.gz";

const COMMAND: &str = "#!/bin/sh
[ \"$1\" = classpath ] || exit 1
echo \"${HADOOP_CONF_DIR:-/etc/hadoop/conf}:/usr/lib/hadoop/lib/*:/usr/lib/hadoop/*:/usr/lib/hadoop-hdfs/*:/usr/lib/hadoop-yarn/*\"
";

/// Refused while something is missing, installed when nothing is, and used.
pub(crate) fn brings_its_own_hadoop(edge: &Node, site: &Site, folder: &str) {
    site.render("standard", &["stacks=site-hadoop"]);
    edge.copy(&site.node(&edge.name), folder);
    let refused = edge.run(&format!("sh {folder}/install.sh")).exited(1);
    for what in ["core-site.xml is missing: deploy the client configuration", "/usr/bin/hadoop is missing: install"] {
        assert!(refused.stderr.contains(what), "{}", refused.told());
    }

    edge.run(&format!("curl --silent --fail --output /tmp/hadoop.tar.gz http://{HUB}:8080/{HADOOP}")).ok();
    edge.run(LAYOUT).ok();
    edge.write("/usr/lib/hadoop/bin/hadoop", COMMAND);
    edge.run("chmod 755 /usr/lib/hadoop/bin/hadoop; mkdir -p /etc/hadoop/conf").ok();
    let file = |pairs: &[(&str, &str)]| {
        let property =
            |(key, value): &(&str, &str)| format!("<property><name>{key}</name><value>{value}</value></property>\n");
        format!("<configuration>\n{}</configuration>\n", pairs.iter().map(property).collect::<String>())
    };
    let (core, yarn) = ("/etc/hadoop/conf/core-site.xml", "/etc/hadoop/conf/yarn-site.xml");
    edge.write(core, &file(&[("fs.defaultFS", "hdfs://manager:8020"), ("ipc.client.connect.max.retries", "1")]));
    edge.write("/etc/hadoop/conf/hdfs-site.xml", &file(&[]));
    edge.write(yarn, &file(&[]));
    edge.run("mv /usr/lib/hadoop-yarn/hadoop-yarn-client-3.4.2.jar /srv/").ok();
    let refused = edge.run(&format!("sh {folder}/install.sh")).exited(1);
    for what in ["yarn-site.xml names no yarn.resourcemanager.address", "holds no hadoop-yarn-client: "] {
        assert!(refused.stderr.contains(what), "{}", refused.told());
    }

    let quick = [
        ("yarn.resourcemanager.hostname", "manager"),
        ("yarn.resourcemanager.connect.max-wait.ms", "1000"),
        ("yarn.resourcemanager.connect.retry-interval.ms", "500"),
    ];
    edge.write(yarn, &file(&quick));
    edge.run("mv /srv/hadoop-yarn-client-3.4.2.jar /usr/lib/hadoop-yarn/").ok();
    edge.run(&format!("sh {folder}/install.sh")).ok();
    let check = "/opt/pnda/agent/pnda-agent check --config /etc/pnda/agent.toml";
    assert!(edge.run(check).ok().stdout.contains("the site's, in /etc/hadoop/conf"));
    edge.run(&format!("curl --silent --fail --output /tmp/job.jar http://{HUB}:8080/mirror_apps/{JAR}")).ok();
    let run = "/usr/bin/flink run-application --target yarn-application /tmp/job.jar";
    let failed = edge.run_as("alice", run);
    let said = failed.told();
    assert!(failed.code != Some(0) && said.contains("manager:8032") && said.contains("Connection refused"), "{said}");
    assert!(!said.contains("ClassNotFound") && !said.contains("NoClassDef"), "{said}");

    edge.run("rm /etc/hadoop/conf/core-site.xml").ok();
    let faulty = edge.run(check).exited(1);
    assert!(faulty.stdout.contains("/etc/hadoop/conf/core-site.xml is missing"), "{}", faulty.told());
}
