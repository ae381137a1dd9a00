//! `pnda-agent install` against a real NameNode and DataNode: folders and uploads arrive, and stay as they are after.
//! The NameNode starts without a DataNode, which comes later: the install waits for it.
//! Not here: what a scripted server can show; see beside the code.

use crate::hadoop::{Daemon, Home, free_port, site, unpack};
use crate::mirror;
use pnda::systems::webhdfs::{Error, Times, WebHdfs};
use pnda::words::digest::Sha256;
use pnda::words::generation::{Generation, Listed};
use pnda::words::names::SafePath;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(120);

/// A NameNode that is formatted and runs, with its user.
struct Cluster<'a> {
    hadoop: Home<'a>,
    web: String,
    user: String,
}

impl Cluster<'_> {
    fn client(&self) -> WebHdfs {
        WebHdfs::new(&self.web, &self.user, Times::default()).unwrap()
    }

    fn hdfs(&self, words: &[&str]) -> String {
        let output = self.hadoop.command(&[&["bin/hdfs"], words].concat()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

fn configure(conf: &Path, tmp: &Path, web: &str) {
    let local = |port: u16| format!("127.0.0.1:{port}");
    fs::create_dir(conf).unwrap();
    let core =
        [("fs.defaultFS", format!("hdfs://{}", local(free_port()))), ("hadoop.tmp.dir", tmp.display().to_string())];
    let hdfs = [
        ("dfs.replication", "1".into()),
        ("dfs.namenode.http-address", web.to_owned()),
        ("dfs.datanode.address", local(0)),
        ("dfs.datanode.http.address", local(0)),
        ("dfs.datanode.ipc.address", local(0)),
        ("dfs.namenode.safemode.extension", "0".into()),
    ];
    fs::write(conf.join("core-site.xml"), site(&core)).unwrap();
    fs::write(conf.join("hdfs-site.xml"), site(&hdfs)).unwrap();
}

/// A signed mirror in a folder and a node that wants folders and an upload.
fn node(folder: &Path, cluster: &Cluster<'_>, files: &[(&str, &str)], mode: &str) {
    let pair = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
    let list = Generation { number: 1, lock: Sha256::of(b""), files: BTreeMap::<SafePath, Listed>::new() }.render();
    let signature = minisign::sign(None, &pair.sk, list.as_bytes(), None, None).unwrap().to_string();
    fs::create_dir_all(folder.join("mirror")).unwrap();
    fs::write(folder.join("mirror/generation.toml"), list).unwrap();
    fs::write(folder.join("mirror/generation.toml.minisig"), signature).unwrap();
    let (web, user) = (&cluster.web, &cluster.user);
    let hdfs = format!("web = \"{web}\"\nuser = \"{user}\"\n");
    let mut document = format!(
        "format = 1\ncluster = \"pico\"\nnode = \"edge-1\"\nroles = []\ninputs = \"{}\"\nscope = \"user\"\nroot = \"{}\"\n\
         [mirror]\nurl = \"{}\"\npublic_key = \"{}\"\n\
         [[hdfs_directory]]\n{hdfs}path = \"/user/pnda\"\nowner = \"pnda\"\ngroup = \"pnda\"\nmode = \"1777\"\n\
         [[hdfs_upload]]\n{hdfs}from = \"/opt/flink\"\nto = \"/pnda/flink/1.20 lib\"\n\
         owner = \"{user}\"\ngroup = \"hadoop\"\nmode = \"{mode}\"\n",
        Sha256::of(b""),
        folder.join("root").display(),
        folder.join("mirror").display(),
        pair.pk.to_base64(),
    );
    for (path, text) in files {
        let file = folder.join("node/files/opt/flink").join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
        let sha256 = Sha256::of(text.as_bytes());
        document += &format!(
            "[[file]]\npath = \"/opt/flink/{path}\"\nsha256 = \"{sha256}\"\nowner = \"root\"\ngroup = \"root\"\nmode = \"0644\"\n"
        );
    }
    fs::write(folder.join("node/node.toml"), document).unwrap();
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pnda-agent"));
    command.args(["install", "--allow-older", "--node"]).arg(folder.join("node"));
    command
}

fn install(folder: &Path) -> Output {
    command(folder).output().unwrap()
}

fn done(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}", text(&output.stderr));
    (text(&output.stdout), text(&output.stderr))
}

/// Times and names of everything below a folder.
fn times(client: &WebHdfs, path: &str) -> Vec<(String, u64, u64)> {
    let tree = client.tree(path).unwrap().unwrap();
    let files = tree.into_iter().filter(|(_, status)| !status.is_folder());
    files.map(|(name, status)| (name, status.length, status.modification_time)).collect()
}

#[test]
fn a_real_hdfs_gets_what_a_node_wants_and_keeps_its_times() {
    if Command::new("java").arg("-version").output().is_err() {
        left_out!("an install against a real HDFS: no Java is installed");
        return;
    }
    let mirror = match mirror::of("mirror-manifests") {
        Ok(mirror) => mirror,
        Err(why) => {
            left_out!("an install against a real HDFS: {why}");
            return;
        }
    };
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("hadoop");
    unpack(&mirror.served("hadoop-3.4.2.tar.gz"), &home);
    let web = format!("127.0.0.1:{}", free_port());
    configure(&folder.path().join("conf"), &folder.path().join("tmp"), &web);
    let conf = folder.path().join("conf").display().to_string();
    let environment = vec![("HADOOP_CONF_DIR", conf), ("HADOOP_HEAPSIZE_MAX", "256m".into())];
    let hadoop = Home { folder: &home, environment };
    let formatted = hadoop.command(&["bin/hdfs", "namenode", "-format", "-nonInteractive"]).output().unwrap();
    assert!(formatted.status.success(), "{}", String::from_utf8_lossy(&formatted.stderr));
    let user = Command::new("id").arg("-un").output().unwrap().stdout;
    let user = String::from_utf8(user).unwrap().trim().to_owned();
    let cluster = Cluster { hadoop, web: format!("http://{web}"), user };
    let namenode = cluster.hadoop.daemon(&["bin/hdfs", "namenode"], &folder.path().join("namenode.log"));
    answers(&cluster);
    let datanode = arrives_and_stays(folder.path(), &cluster);
    refuses_as_hdfs_does(&cluster);
    waits_for_safe_mode(folder.path(), &cluster);
    converges_after_kills(folder.path(), &cluster);
    drop((namenode, datanode));
}

/// Until the NameNode takes questions.
fn answers(cluster: &Cluster<'_>) {
    let began = Instant::now();
    while let Err(error) = cluster.client().status("/") {
        assert!(error.is_passing() && began.elapsed() < PATIENCE, "{error}");
        thread::sleep(Duration::from_millis(200));
    }
}

/// Gives the DataNode, which lives as long as it is held.
fn arrives_and_stays(folder: &Path, cluster: &Cluster<'_>) -> Daemon {
    node(folder, cluster, &[("lib/a.jar", "a"), ("lib/b 100%.jar", "bb"), ("plugins/x/c.jar", "ccc")], "0644");
    let none = cluster.client().write("/nothing", "0644", 1, &mut &b"x"[..]).unwrap_err();
    assert!(matches!(none, Error::NoDataNode { .. }), "{none}");
    let log = folder.join("datanode.log");
    let (first, datanode) = thread::scope(|scope| {
        let first = scope.spawn(|| install(folder));
        thread::sleep(Duration::from_secs(3));
        let datanode: Daemon = cluster.hadoop.daemon(&["bin/hdfs", "datanode"], &log);
        (first.join().unwrap(), datanode)
    });
    let (said, talked) = done(&first);
    assert!(said.contains("hdfs    /pnda/flink/1.20 lib"), "{said}");
    assert!(talked.contains("has no DataNode"), "{talked}");
    let listed = cluster.hdfs(&["dfs", "-ls", "-R", "/pnda/flink"]);
    let user = &cluster.user;
    for expected in [format!("-rw-r--r--   1 {user} hadoop          3"), format!("drwxr-xr-x   - {user} hadoop")] {
        assert!(listed.contains(&expected), "{expected} is not in\n{listed}");
    }
    assert!(cluster.hdfs(&["dfs", "-ls", "-d", "/user/pnda"]).starts_with("drwxrwxrwt   - pnda pnda"));
    assert_eq!(cluster.hdfs(&["dfs", "-cat", "/pnda/flink/1.20 lib/plugins/x/c.jar"]), "ccc");
    let before = times(&cluster.client(), "/pnda/flink/1.20 lib");
    assert_eq!(before.len(), 3);
    let began = Instant::now();
    assert!(done(&install(folder)).0.starts_with("nothing to do"));
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(times(&cluster.client(), "/pnda/flink/1.20 lib"), before);
    cluster.hdfs(&["dfs", "-rm", "-skipTrash", "/pnda/flink/1.20 lib/lib/a.jar"]);
    let said = done(&install(folder)).0;
    assert!(said.contains("1 files, 1 B"), "{said}");
    let after = times(&cluster.client(), "/pnda/flink/1.20 lib");
    assert_eq!(after[1..], before[1..], "what was whole keeps its times");
    assert_eq!(after[0].1, before[0].1);
    node(folder, cluster, &[("lib/a.jar", "another")], "0640");
    done(&install(folder));
    assert_eq!(cluster.hdfs(&["dfs", "-cat", "/pnda/flink/1.20 lib/lib/a.jar"]), "another");
    assert_eq!(times(&cluster.client(), "/pnda/flink/1.20 lib").len(), 1);
    assert!(!cluster.hdfs(&["dfs", "-ls", "-R", "/pnda/flink"]).contains(".pnda"));
    datanode
}

fn refuses_as_hdfs_does(cluster: &Cluster<'_>) {
    let stranger = WebHdfs::new(&cluster.web, "stranger", Times::default()).unwrap();
    let error = stranger.make_folder("/pnda/theirs", "0755").unwrap_err();
    assert!(matches!(&error, Error::Refused { kind, .. } if kind == "AccessControlException"), "{error}");
    let error = cluster.client().rename("/pnda", "/pnda/flink").unwrap_err();
    assert!(matches!(error, Error::Declined { .. } | Error::Refused { .. }), "{error}");
    assert_eq!(cluster.client().status("/nowhere").unwrap(), None);
}

fn waits_for_safe_mode(folder: &Path, cluster: &Cluster<'_>) {
    cluster.hdfs(&["dfsadmin", "-safemode", "enter"]);
    assert!(done(&install(folder)).0.starts_with("nothing to do"), "what is right needs no change");
    cluster.client().set_mode("/user/pnda", "0755").unwrap_err();
    node(folder, cluster, &[("lib/a.jar", "the third")], "0640");
    let installed = thread::scope(|scope| {
        let installed = scope.spawn(|| install(folder));
        thread::sleep(Duration::from_secs(3));
        cluster.hdfs(&["dfsadmin", "-safemode", "leave"]);
        installed.join().unwrap()
    });
    assert!(done(&installed).1.contains("takes no changes yet"), "{}", done(&installed).1);
    assert_eq!(cluster.hdfs(&["dfs", "-cat", "/pnda/flink/1.20 lib/lib/a.jar"]), "the third");
}

fn converges_after_kills(folder: &Path, cluster: &Cluster<'_>) {
    let names: Vec<String> = (0..40).map(|number| format!("lib/{number}.jar")).collect();
    let render = |text: &str| {
        let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), text)).collect();
        node(folder, cluster, &files, "0644");
    };
    render("0");
    let began = Instant::now();
    done(&install(folder));
    let whole = began.elapsed();
    let mut killed = 0;
    for step in 1..8u32 {
        render(&step.to_string().repeat(step as usize));
        let mut child = command(folder).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(whole * step / 8);
        child.kill().unwrap();
        killed += usize::from(child.wait().unwrap().code().is_none());
        done(&install(folder));
        let lengths: Vec<u64> =
            times(&cluster.client(), "/pnda/flink/1.20 lib").iter().map(|(_, length, _)| *length).collect();
        assert_eq!(lengths, vec![u64::from(step); names.len()], "killed at {step} of 8");
        let names = cluster.client().list("/pnda/flink").unwrap().unwrap();
        assert_eq!(names.len(), 1, "{names:?}");
        assert!(done(&install(folder)).0.starts_with("nothing to do"));
    }
    assert!(killed > 0, "no kill came in time");
}
