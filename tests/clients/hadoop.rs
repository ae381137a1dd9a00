//! Hadoop and Kafka as the shipped manifests assemble them: they start, keep what they are given, and run nothing else.
//! Daemons are processes of the test on loopback, with the machine's Java; their folders are the test's own.
//! Not here: Hadoop on nodes.

use crate::mirror::{self, Mirror};
use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What a daemon that starts for the first time on a busy machine may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// A daemon that ends with the test.
pub struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub struct Home<'a> {
    pub folder: &'a Path,
    pub environment: Vec<(&'static str, String)>,
}

impl Home<'_> {
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(self.folder.join(words[0]));
        command.args(&words[1..]).envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null());
        command
    }

    pub fn daemon(&self, words: &[&str], log: &Path) -> Daemon {
        let log = fs::File::create(log).unwrap();
        let mut command = self.command(words);
        Daemon(command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap())
    }

    /// The output of a command, once it says what is waited for.
    pub fn until(&self, words: &[&str], expected: &str) -> String {
        let began = Instant::now();
        loop {
            let output = self.command(words).output().unwrap();
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            if text.contains(expected) {
                return text;
            }
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(began.elapsed() < PATIENCE, "{words:?} never said {expected:?} but\n{text}\n{errors}");
            std::thread::sleep(Duration::from_millis(500));
        }
    }
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

pub fn site(properties: &[(&str, String)]) -> String {
    let property =
        |(name, value): &(&str, String)| format!("<property><name>{name}</name><value>{value}</value></property>\n");
    format!("<configuration>\n{}</configuration>\n", properties.iter().map(property).collect::<String>())
}

pub fn unpack(archive: &Path, folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let done = Command::new("tar").arg("xzf").arg(archive).arg("-C").arg(folder).status().unwrap();
    assert!(done.success());
}

fn scripts_are_clean(folder: &Path) {
    if Command::new("shellcheck").arg("--version").output().is_err() {
        left_out!("shellcheck of the assemblies' scripts: shellcheck is not installed");
        return;
    }
    let mut scripts: Vec<_> = fs::read_dir(folder.join("bin")).unwrap().flatten().map(|entry| entry.path()).collect();
    scripts.sort();
    let output = Command::new("shellcheck").arg("-x").args(scripts).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn hadoop_and_kafka_start_from_their_assemblies() {
    if Command::new("java").arg("-version").output().is_err() {
        left_out!("Hadoop and Kafka from their assemblies: no Java is installed");
        return;
    }
    let mirror = match mirror::of("mirror-manifests") {
        Ok(mirror) => mirror,
        Err(why) => {
            left_out!("Hadoop and Kafka from their assemblies: {why}");
            return;
        }
    };
    hdfs_and_yarn(&mirror);
    kafka(&mirror);
}

fn hdfs_and_yarn(mirror: &Mirror) {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("hadoop");
    unpack(&mirror.served("hadoop-3.4.2.tar.gz"), &home);
    scripts_are_clean(&home);
    let conf = folder.path().join("conf");
    fs::create_dir(&conf).unwrap();
    let local = |port: u16| format!("127.0.0.1:{port}");
    let any = || local(0);
    let write = |name: &str, properties: &[(&str, String)]| fs::write(conf.join(name), site(properties)).unwrap();
    write(
        "core-site.xml",
        &[
            ("fs.defaultFS", format!("hdfs://{}", local(free_port()))),
            ("hadoop.tmp.dir", folder.path().join("tmp").display().to_string()),
        ],
    );
    write(
        "hdfs-site.xml",
        &[
            ("dfs.replication", "1".into()),
            ("dfs.namenode.http-address", local(free_port())),
            ("dfs.datanode.address", any()),
            ("dfs.datanode.http.address", any()),
            ("dfs.datanode.ipc.address", any()),
            ("dfs.namenode.safemode.extension", "0".into()),
        ],
    );
    write(
        "yarn-site.xml",
        &[
            ("yarn.resourcemanager.address", local(free_port())),
            ("yarn.resourcemanager.scheduler.address", local(free_port())),
            ("yarn.resourcemanager.resource-tracker.address", local(free_port())),
            ("yarn.resourcemanager.admin.address", local(free_port())),
            ("yarn.resourcemanager.webapp.address", local(free_port())),
            ("yarn.nodemanager.address", any()),
            ("yarn.nodemanager.localizer.address", local(free_port())),
            ("yarn.nodemanager.collector-service.address", local(free_port())),
            ("yarn.nodemanager.webapp.address", any()),
            // Its default is a folder below the one that it is started in.
            ("yarn.nodemanager.log-dirs", folder.path().join("userlogs").display().to_string()),
            ("yarn.nodemanager.disk-health-checker.max-disk-utilization-per-disk-percentage", "99".into()),
        ],
    );
    write(
        "capacity-scheduler.xml",
        &[
            ("yarn.scheduler.capacity.root.queues", "default".into()),
            ("yarn.scheduler.capacity.root.default.capacity", "100".into()),
        ],
    );
    let environment = vec![("HADOOP_CONF_DIR", conf.display().to_string()), ("HADOOP_HEAPSIZE_MAX", "256m".into())];
    let hadoop = Home { folder: &home, environment };
    let formatted = hadoop.command(&["bin/hdfs", "namenode", "-format", "-nonInteractive"]).output().unwrap();
    assert!(formatted.status.success(), "{}", String::from_utf8_lossy(&formatted.stderr));
    let daemons = [
        ["bin/hdfs", "namenode"],
        ["bin/hdfs", "datanode"],
        ["bin/yarn", "resourcemanager"],
        ["bin/yarn", "nodemanager"],
    ];
    let _running: Vec<Daemon> =
        daemons.iter().map(|words| hadoop.daemon(words, &folder.path().join(format!("{}.log", words[1])))).collect();
    hadoop.until(&["bin/yarn", "node", "-list"], "RUNNING");
    hadoop.until(&["bin/hdfs", "dfsadmin", "-report"], "Live datanodes (1)");
    let file = conf.join("core-site.xml");
    let put = hadoop.command(&["bin/hdfs", "dfs", "-put", file.to_str().unwrap(), "/kept.xml"]).output().unwrap();
    assert!(put.status.success(), "{}", String::from_utf8_lossy(&put.stderr));
    let kept = hadoop.command(&["bin/hdfs", "dfs", "-cat", "/kept.xml"]).output().unwrap();
    assert_eq!(kept.stdout, fs::read(&file).unwrap());
}

fn kafka(mirror: &Mirror) {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("kafka");
    unpack(&mirror.served("mirror_misc/kafka_2.13-3.9.1.tar.gz"), &home);
    scripts_are_clean(&home);
    let (broker, controller) = (free_port(), free_port());
    let server = folder.path().join("server.properties");
    let logs = folder.path().join("data");
    let text = format!(
        "process.roles=broker,controller\nnode.id=1\ncontroller.quorum.voters=1@127.0.0.1:{controller}\n\
         listeners=PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}\n\
         controller.listener.names=CONTROLLER\nlog.dirs={}\noffsets.topic.replication.factor=1\n",
        logs.display()
    );
    fs::write(&server, text).unwrap();
    let server = server.to_str().unwrap();
    let kafka = Home { folder: &home, environment: vec![("KAFKA_HEAP_OPTS", "-Xmx256m".into())] };
    let format = ["bin/kafka-storage.sh", "format", "-t", "MkU3OEVBNTcwNTJENDM2Qk", "-c", server];
    let formatted = kafka.command(&format).output().unwrap();
    assert!(formatted.status.success(), "{}", String::from_utf8_lossy(&formatted.stderr));
    let _running = kafka.daemon(&["bin/kafka-server-start.sh", server], &folder.path().join("kafka.log"));
    let broker = format!("127.0.0.1:{broker}");
    let bootstrap = ["--bootstrap-server", broker.as_str()];
    let create = [&["bin/kafka-topics.sh", "--create", "--if-not-exists", "--topic", "t"][..], &bootstrap].concat();
    kafka.until(&create, "Created topic t");
    let produce = [&["bin/kafka-console-producer.sh", "--topic", "t"][..], &bootstrap].concat();
    let mut producer = kafka.command(&produce).stdin(Stdio::piped()).spawn().unwrap();
    producer.stdin.take().unwrap().write_all(b"one\ntwo\nthree\n").unwrap();
    assert!(producer.wait().unwrap().success());
    let consume = ["bin/kafka-console-consumer.sh", "--topic", "t", "--from-beginning", "--max-messages", "3"];
    let consume = [&consume[..], &["--timeout-ms", "60000"], &bootstrap].concat();
    let consumed = kafka.command(&consume).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&consumed.stdout), "one\ntwo\nthree\n");
}
