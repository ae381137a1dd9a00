//! Keys of Flink's configuration that no package and no override sets: whose the application is, what it is called,
//! from where it is staged, what is shipped with it, and who may see it. Older names of the same options are among them.
//! Not here: keys that are only forced to a value when a job is submitted.

use words::names::matches;

const IDENTITY: &str = "it says which application this is, and that is kept by the journal";
const NAME: &str = "the name and the tags of an application are made of the names of application and component";
const QUEUE: &str = "the queue follows from the user and the site's queue map";
const STAGED: &str = "where Flink and the package are staged is the site's";
const SHIPPED: &str = "what is shipped with a job is its package: put the files into the component's folder";
const TARGET: &str = "how a job is submitted is set for the component, not in Flink's configuration";
const ACCESS: &str = "who may see and stop an application is the site's";
const SECURITY: &str = "certificates, keys and Kerberos are the site's";
const ARCHIVE: &str = "ended jobs are archived where the history server looks for them";
const ADDRESS: &str = "addresses are found out on the node where YARN starts the job";

/// A key, or the beginning of keys before a `*`, and the reason.
const RESERVED: &[(&str, &str)] = &[
    ("$internal.*", IDENTITY),
    ("internal.*", IDENTITY),
    ("high-availability.cluster-id", IDENTITY),
    ("high-availability.zookeeper.path.namespace", IDENTITY),
    ("recovery.zookeeper.path.namespace", IDENTITY),
    ("yarn.application.id", IDENTITY),
    ("yarn.application.name", NAME),
    ("yarn.application.tags", NAME),
    ("yarn.tags", NAME),
    ("yarn.application.queue", QUEUE),
    ("yarn.staging-directory", STAGED),
    ("yarn.provided.*", STAGED),
    ("yarn.flink-dist-jar", STAGED),
    ("yarn.ship-files", SHIPPED),
    ("yarn.ship-directories", SHIPPED),
    ("yarn.ship-archives", SHIPPED),
    ("pipeline.jars", SHIPPED),
    ("pipeline.classpaths", SHIPPED),
    ("execution.target", TARGET),
    ("containerized.master.env.HADOOP_*", IDENTITY),
    ("containerized.master.env._*", IDENTITY),
    ("containerized.master.env.CLASSPATH", STAGED),
    ("containerized.master.env.FLINK_*", STAGED),
    ("containerized.taskmanager.env.HADOOP_*", IDENTITY),
    ("containerized.taskmanager.env._*", IDENTITY),
    ("containerized.taskmanager.env.CLASSPATH", STAGED),
    ("containerized.taskmanager.env.FLINK_*", STAGED),
    ("yarn.view.acls", ACCESS),
    ("yarn.modify.acls", ACCESS),
    ("yarn.admin.acls", ACCESS),
    ("security.*", SECURITY),
    ("yarn.security.*", SECURITY),
    ("jobmanager.archive.fs.dir", ARCHIVE),
    ("rest.address", ADDRESS),
    ("rest.bind-address", ADDRESS),
    ("web.address", ADDRESS),
    ("jobmanager.web.address", ADDRESS),
    ("jobmanager.rpc.address", ADDRESS),
];

/// Why a package or an override may not set this key; nothing if it may.
pub fn refused(key: &str) -> Option<&'static str> {
    // A configuration file of lines takes no notice of spaces around a key.
    let key = key.trim();
    RESERVED.iter().find(|(pattern, _)| matches(pattern, key)).map(|(_, reason)| *reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_staging_shipping_and_tags_are_nobodys_to_set() {
        for key in [
            "high-availability.cluster-id",
            "$internal.pipeline.job-id",
            "internal.taskmanager.node-id",
            "yarn.application.name",
            "yarn.application.queue",
            "yarn.application.id",
            "yarn.tags",
            "containerized.master.env.HADOOP_USER_NAME",
            "containerized.taskmanager.env._APP_ID",
            "yarn.staging-directory",
            "yarn.ship-files",
            "yarn.ship-archives",
            "yarn.provided.lib.dirs",
            "yarn.provided.usrlib.dir",
            "yarn.flink-dist-jar",
            "execution.target",
            "pipeline.jars",
            "pipeline.classpaths",
            "security.kerberos.login.keytab",
            "yarn.security.kerberos.ship-local-keytab",
            "yarn.view.acls",
            "yarn.modify.acls",
            "jobmanager.archive.fs.dir",
            "rest.bind-address",
            "web.address",
        ] {
            assert!(refused(key).is_some(), "{key}");
            assert!(refused(&format!(" {key}\t")).is_some(), "{key} with spaces");
        }
        for key in
            ["env.java.opts.all", "parallelism.default", "yarn.application.node-label", "rest.flamegraph.enabled"]
        {
            assert_eq!(refused(key), None, "{key}");
        }
    }

    #[test]
    fn the_older_name_of_a_reserved_key_is_reserved() {
        for key in ["high-availability.zookeeper.path.namespace", "yarn.ship-directories", "jobmanager.web.address"] {
            assert!(refused(key).is_some(), "{key}");
        }
    }
}
