//! A pair of NameNodes and a pair of ResourceManagers on loopback, with one DataNode, one NodeManager and a ZooKeeper, out of
//! what a trial that has ended left in its folder: its programs, its settings, and its HDFS with all that lies in it.
//! Not here: what is tried on it. NameNodes are made active by command, as without a failover controller; the
//! ResourceManagers choose by themselves.

use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take on a slow machine.
const PATIENCE: Duration = Duration::from_secs(180);
/// The packages of Java that Hadoop looks into.
const OPENED: [&str; 10] =
    ["lang", "lang.reflect", "util", "util.concurrent", "util.zip", "net", "io", "nio", "math", "text"];
/// What listens, each on a port of its own.
const PORTS: [&str; 21] = [
    "zk",
    "dn",
    "dn-web",
    "dn-ipc",
    "nm",
    "nm-localizer",
    "nm-web",
    "nn1",
    "nn1-web",
    "nn2",
    "nn2-web",
    "rm1",
    "rm1-scheduler",
    "rm1-tracker",
    "rm1-admin",
    "rm1-web",
    "rm2",
    "rm2-scheduler",
    "rm2-tracker",
    "rm2-admin",
    "rm2-web",
];

/// What runs, until this is dropped.
pub struct Ground {
    /// What the trial has installed.
    node: PathBuf,
    /// What is ours.
    pub place: PathBuf,
    ports: BTreeMap<&'static str, u16>,
    daemons: BTreeMap<String, Child>,
}

impl Drop for Ground {
    fn drop(&mut self) {
        for child in self.daemons.values_mut() {
            let _ = child.kill().and_then(|()| child.wait());
        }
        // Containers go on without their NodeManager; who they are the folder in their command line tells.
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let command = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let is_ours = String::from_utf8_lossy(&command).contains(&*self.place.to_string_lossy());
            let pid = entry.file_name().to_str().and_then(|name| name.parse().ok()).filter(|_| is_ours);
            if let Some(pid) = pid.and_then(rustix::process::Pid::from_raw) {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
        }
    }
}

impl Ground {
    /// Brings everything up, in a folder of this name: the second NameNode is active, and the second ResourceManager, which is there first.
    pub fn up(folder: &Path, name: &str) -> Ground {
        let (node, place) = (folder.join("node"), folder.join(name));
        let mut ground = Ground { node, place, ports: ports(), daemons: BTreeMap::new() };
        ground.configure();
        ground
            .hadoop("hdfs.server.namenode.NameNode", &["-Ddfs.ha.namenode.id=nn1", "-initializeSharedEdits", "-force"]);
        copy(&ground.place.join("name1"), &ground.place.join("name2"));
        let zoo = ground.place.join("zoo.cfg").display().to_string();
        ground.start("zk", "org.apache.zookeeper.server.quorum.QuorumPeerMain", &[&zoo]);
        ground.name_node("nn1");
        ground.name_node("nn2");
        until("ZooKeeper listens", || TcpStream::connect((Ipv4Addr::LOCALHOST, ground.ports["zk"])).is_ok());
        ground.start("dn", "org.apache.hadoop.hdfs.server.datanode.DataNode", &[]);
        ground.resource_manager("rm2");
        until("rm2 is active", || ground.is_active("rm2"));
        ground.resource_manager("rm1");
        ground.make_active("nn2");
        ground.node_manager();
        until("rm1 stands by", || ground.rm("rm1", "info").is_some_and(|told| told.to_string().contains("STANDBY")));
        ground.wait_for_worker();
        ground
    }

    /// Where one answers over HTTP.
    pub fn web(&self, name: &str) -> String {
        format!("http://127.0.0.1:{}", self.ports[format!("{name}-web").as_str()])
    }

    /// The end of a process, as when its machine loses its power.
    pub fn kill(&mut self, name: &str) {
        let mut child = self.daemons.remove(name).unwrap();
        child.kill().and_then(|()| child.wait()).unwrap();
    }

    pub fn pid(&self, name: &str) -> rustix::process::Pid {
        rustix::process::Pid::from_child(&self.daemons[name])
    }

    pub fn name_node(&mut self, name: &'static str) {
        let id = format!("-Ddfs.ha.namenode.id={name}");
        self.start(name, "org.apache.hadoop.hdfs.server.namenode.NameNode", &[&id]);
    }

    pub fn resource_manager(&mut self, name: &'static str) {
        let id = format!("-Dyarn.resourcemanager.ha.id={name}");
        self.start(name, "org.apache.hadoop.yarn.server.resourcemanager.ResourceManager", &[&id]);
    }

    pub fn node_manager(&mut self) {
        self.start("nm", "org.apache.hadoop.yarn.server.nodemanager.NodeManager", &[]);
    }

    /// Whether NameNodes take changes: `enter`, `leave`.
    pub fn safe_mode(&self, verb: &str) {
        self.hadoop("hdfs.tools.DFSAdmin", &["-safemode", verb]);
    }

    /// Makes a NameNode the active one, whatever has become of the other; until it takes writes.
    pub fn make_active(&self, name: &str) {
        until(&format!("{name} answers"), || self.nn(name, "NameNodeStatus").is_some());
        self.hadoop("hdfs.tools.DFSHAAdmin", &["-transitionToActive", "--forceactive", name]);
        until(&format!("{name} takes writes"), || {
            let is_active = self.nn(name, "NameNodeStatus").is_some_and(|bean| bean["State"] == "active");
            is_active && self.nn(name, "NameNodeInfo").is_some_and(|bean| bean["Safemode"] == "")
        });
    }

    /// Whether a ResourceManager says that it is the active one.
    pub fn is_active(&self, name: &str) -> bool {
        self.rm(name, "info").is_some_and(|told| told["clusterInfo"]["haState"] == "ACTIVE")
    }

    /// When it began, which ids that it gives begin with.
    pub fn started(&self, name: &str) -> u64 {
        self.rm(name, "info").and_then(|told| told["clusterInfo"]["startedOn"].as_u64()).unwrap()
    }

    /// Until a node serves the ResourceManager that is active.
    pub fn wait_for_worker(&self) {
        let has_worker = |name| {
            self.is_active(name)
                && self.rm(name, "metrics").is_some_and(|told| told["clusterMetrics"]["activeNodes"] == 1)
        };
        until("YARN has its worker", || ["rm1", "rm2"].into_iter().any(has_worker));
    }

    fn rm(&self, name: &str, what: &str) -> Option<Value> {
        ask(&format!("{}/ws/v1/cluster/{what}", self.web(name)))
    }

    fn nn(&self, name: &str, bean: &str) -> Option<Value> {
        let told = ask(&format!("{}/jmx?qry=Hadoop:service=NameNode,name={bean}", self.web(name)))?;
        told["beans"].get(0).cloned()
    }

    fn java(&self, class: &str) -> Command {
        let mut java = Command::new(self.node.join("opt/pnda/jre/bin/java"));
        let hadoop = self.node.join("opt/pnda/hadoop");
        let path = [self.place.join("conf"), hadoop.join("share"), hadoop.join("lib/*")];
        let path = path.map(|path| path.display().to_string()).join(":");
        java.args(OPENED.map(|package| format!("--add-opens=java.base/java.{package}=ALL-UNNAMED")));
        java.args(["-Xmx256m", "-Dhadoop.root.logger=INFO,console", "-cp", &path, class]);
        java.stdin(Stdio::null()).current_dir(&self.place);
        java
    }

    /// A command of Hadoop's, to its end.
    fn hadoop(&self, class: &str, arguments: &[&str]) {
        let output = self.java(&format!("org.apache.hadoop.{class}")).args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn start(&mut self, name: &str, class: &str, arguments: &[&str]) {
        let log = File::options().create(true).append(true).open(self.place.join(format!("{name}.log"))).unwrap();
        let mut java = self.java(class);
        java.args(arguments).stdout(log.try_clone().unwrap()).stderr(log).process_group(0);
        self.daemons.insert(name.to_owned(), java.spawn().unwrap());
    }
}

/// What an address answers.
fn ask(url: &str) -> Option<Value> {
    let client = pnda::systems::site::client(Duration::from_secs(5));
    serde_json::from_slice(&client.get(url, 8 << 20).ok()?).ok()
}

/// Waits.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "not in {} s: {what}", PATIENCE.as_secs());
        thread::sleep(Duration::from_millis(100));
    }
}

/// A free port of loopback for each, below those that the kernel gives away.
fn ports() -> BTreeMap<&'static str, u16> {
    let first = 20_000 + (std::process::id() % 1000) as u16 * 10;
    let mut free = (first..32_000).filter(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok());
    PORTS.into_iter().map(|name| (name, free.next().expect("a port is free"))).collect()
}

fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap().success());
}

/// What is set beyond what the trial's own settings say.
impl Ground {
    fn configure(&self) {
        copy(&self.node.join("etc/hadoop/conf"), &{
            fs::create_dir_all(&self.place).unwrap();
            self.place.join("conf")
        });
        for (folder, name) in [("name", "name1"), ("data", "data")] {
            copy(&self.node.join("var/lib/hadoop-hdfs").join(folder), &self.place.join(name));
        }
        let zoo = format!(
            "tickTime=500\ndataDir={}\nclientPort={}\nclientPortAddress=127.0.0.1\nadmin.enableServer=false\n",
            self.place.join("zk").display(),
            self.ports["zk"]
        );
        fs::write(self.place.join("zoo.cfg"), zoo).unwrap();
        self.set("core-site.xml", &[("fs.defaultFS", "hdfs://pair"), ("hadoop.zk.address", &self.at("zk"))]);
        self.set_hdfs();
        self.set_yarn();
    }

    fn at(&self, name: &str) -> String {
        format!("127.0.0.1:{}", self.ports[name])
    }

    fn file(&self, name: &str) -> String {
        self.place.join(name).display().to_string()
    }

    /// Of two values of one name in a file the later one counts.
    fn set(&self, file: &str, more: &[(&str, &str)]) {
        let path = self.place.join("conf").join(file);
        let property =
            |(name, value): &(&str, &str)| format!("<property><name>{name}</name><value>{value}</value></property>\n");
        let more: String = more.iter().map(property).collect();
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("</configuration>", &format!("{more}</configuration>"))).unwrap();
    }

    fn set_hdfs(&self) {
        self.set(
            "hdfs-site.xml",
            &[
                ("dfs.nameservices", "pair"),
                ("dfs.ha.namenodes.pair", "nn1,nn2"),
                ("dfs.namenode.shared.edits.dir", &format!("file://{}", self.file("shared"))),
                (
                    "dfs.client.failover.proxy.provider.pair",
                    "org.apache.hadoop.hdfs.server.namenode.ha.ConfiguredFailoverProxyProvider",
                ),
                ("dfs.ha.fencing.methods", "shell(/bin/true)"),
                ("dfs.ha.tail-edits.period", "1s"),
                ("dfs.heartbeat.interval", "1"),
                ("dfs.datanode.data.dir", &format!("file://{}", self.file("data"))),
                ("dfs.datanode.address", &self.at("dn")),
                ("dfs.datanode.http.address", &self.at("dn-web")),
                ("dfs.datanode.ipc.address", &self.at("dn-ipc")),
            ],
        );
        for (name, folder) in [("nn1", "name1"), ("nn2", "name2")] {
            let key = |what: &str| format!("dfs.namenode.{what}.pair.{name}");
            self.set(
                "hdfs-site.xml",
                &[
                    (&key("rpc-address"), &self.at(name)),
                    (&key("http-address"), &self.at(&format!("{name}-web"))),
                    (&key("name.dir"), &format!("file://{}", self.file(folder))),
                ],
            );
        }
    }

    fn set_yarn(&self) {
        let store = "org.apache.hadoop.yarn.server.resourcemanager.recovery.ZKRMStateStore";
        let path = format!("{},{}", self.file("conf"), self.node.join("opt/pnda/hadoop/lib/*").display());
        self.set(
            "yarn-site.xml",
            &[
                ("yarn.resourcemanager.ha.enabled", "true"),
                ("yarn.resourcemanager.ha.rm-ids", "rm1,rm2"),
                ("yarn.resourcemanager.cluster-id", "pair"),
                ("yarn.resourcemanager.store.class", store),
                ("yarn.resourcemanager.zk-timeout-ms", "4000"),
                // With the usual 30 s nodes come back so late that healthy applications are killed.
                ("yarn.resourcemanager.connect.retry-interval.ms", "1000"),
                ("yarn.client.failover-sleep-max-ms", "2000"),
                ("yarn.nodemanager.address", &self.at("nm")),
                ("yarn.nodemanager.localizer.address", &self.at("nm-localizer")),
                ("yarn.nodemanager.webapp.address", &self.at("nm-web")),
                ("yarn.nodemanager.local-dirs", &self.file("local")),
                ("yarn.nodemanager.log-dirs", &self.file("containers")),
                ("yarn.nodemanager.recovery.dir", &self.file("recovery")),
                ("yarn.nodemanager.resource.memory-mb", "12288"),
                ("yarn.nodemanager.remote-app-log-dir", "hdfs://pair/app-logs"),
                ("yarn.application.classpath", &path),
            ],
        );
        for name in ["rm1", "rm2"] {
            let set = |what: &str, port: &str| {
                let port = self.at(&format!("{name}{port}"));
                self.set("yarn-site.xml", &[(&format!("yarn.resourcemanager.{what}.{name}"), &port)]);
            };
            set("address", "");
            set("scheduler.address", "-scheduler");
            set("resource-tracker.address", "-tracker");
            set("admin.address", "-admin");
            set("webapp.address", "-web");
            self.set("yarn-site.xml", &[(&format!("yarn.resourcemanager.hostname.{name}"), "127.0.0.1")]);
        }
    }
}
