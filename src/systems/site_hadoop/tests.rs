//! A foreign Hadoop in a folder: laid out as Bigtop's packages do, complete, and with one thing wrong at a time.
//! The jars are small, and state their versions where real ones do.
//! Not here: real jars; nodes have them.

use super::*;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use tempfile::TempDir;
use words::names::NodePath;

struct Site(TempDir);

impl Site {
    fn new() -> Site {
        let site = Site(tempfile::tempdir().unwrap());
        // Root has it looked at by nobody.
        fs::set_permissions(site.0.path(), fs::Permissions::from_mode(0o755)).unwrap();
        for (name, key, value) in [
            ("core-site.xml", "fs.defaultFS", "hdfs://nn:8020"),
            ("hdfs-site.xml", "dfs.replication", "3"),
            ("yarn-site.xml", "yarn.resourcemanager.hostname", "rm"),
        ] {
            let property = format!("<property><name>{key}</name><value>{value}</value></property>");
            site.write(&format!("etc/hadoop/conf/{name}"), &format!("<configuration>{property}</configuration>"));
        }
        site.jar(
            "usr/lib/hadoop/hadoop-common-3.3.6.jar",
            "hadoop-common",
            "org/apache/hadoop/conf/Configuration",
            "3.3.6",
        );
        site.jar(
            "usr/lib/hadoop-hdfs/hadoop-hdfs-client-3.3.6.jar",
            "hadoop-hdfs-client",
            "org/apache/hadoop/hdfs/DistributedFileSystem",
            "3.3.6",
        );
        site.yarn("3.3.6");
        symlink("hadoop-common-3.3.6.jar", site.at("usr/lib/hadoop/hadoop-common.jar")).unwrap();
        let root = site.0.path().display();
        let path = ["hadoop", "hadoop-hdfs", "hadoop-yarn"].map(|name| format!("{root}/usr/lib/{name}/*")).join(":");
        site.command(&format!("[ \"$1\" = classpath ] && echo \"$HADOOP_CONF_DIR:{path}\""));
        site
    }

    fn at(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        fs::create_dir_all(self.at(path).parent().unwrap()).unwrap();
        fs::write(self.at(path), text).unwrap();
    }

    fn command(&self, script: &str) {
        self.write("usr/bin/hadoop", &format!("#!/bin/sh\n{script}\n"));
        fs::set_permissions(self.at("usr/bin/hadoop"), fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn yarn(&self, version: &str) {
        let class = "org/apache/hadoop/yarn/client/api/YarnClient";
        self.jar("usr/lib/hadoop-yarn/hadoop-yarn-client-3.3.6.jar", "hadoop-yarn-client", class, version);
    }

    fn jar(&self, path: &str, library: &str, class: &str, version: &str) {
        fs::create_dir_all(self.at(path).parent().unwrap()).unwrap();
        let mut jar = zip::ZipWriter::new(fs::File::create(self.at(path)).unwrap());
        let options = zip::write::SimpleFileOptions::default();
        jar.start_file(format!("{class}.class"), options).unwrap();
        jar.start_file(format!("META-INF/maven/org.apache.hadoop/{library}/pom.properties"), options).unwrap();
        jar.write_all(format!("#Generated\nversion={version}\n").as_bytes()).unwrap();
        jar.finish().unwrap();
    }

    fn told(&self, class_path: Option<&str>) -> String {
        let path = |path: &str| NodePath::new(self.at(path).display().to_string()).unwrap();
        let class_path = class_path.map(|text| text.replace("ROOT", &self.0.path().display().to_string()));
        let hadoop = SiteHadoop { conf: path("etc/hadoop/conf"), command: path("usr/bin/hadoop"), class_path };
        faults(&hadoop, Path::new("/"), Classes::Here).join("\n").replace(&self.0.path().display().to_string(), "")
    }
}

#[test]
fn a_foreign_layout_is_understood_by_its_command_or_by_the_given_class_path() {
    let site = Site::new();
    assert_eq!(site.told(None), "");
    let all = "ROOT/usr/lib/hadoop/hadoop-common.jar:ROOT/usr/lib/hadoop-hdfs/*:ROOT/usr/lib/hadoop-yarn/*.jar";
    assert_eq!(site.told(Some(all)), "");
    let told = site.told(Some("ROOT/usr/lib/hadoop/*"));
    assert!(told.contains("holds no hadoop-hdfs-client: /usr/lib/hadoop/*") && told.contains("no hadoop-yarn-client"));
}

#[test]
fn everything_that_is_missing_is_told_at_once() {
    let site = Site::new();
    fs::remove_file(site.at("etc/hadoop/conf/yarn-site.xml")).unwrap();
    fs::remove_file(site.at("usr/bin/hadoop")).unwrap();
    assert_eq!(
        site.told(None),
        "/etc/hadoop/conf/yarn-site.xml is missing: deploy the client configuration of the site's Hadoop here, or name \
         its folder in hadoop.conf\n/usr/bin/hadoop is missing: install the client packages of the site's Hadoop here, \
         or name them in hadoop.command or hadoop.class_path"
    );
}

#[test]
fn jars_of_two_versions_or_of_an_old_one_are_refused() {
    let site = Site::new();
    site.yarn("3.1.1.7.1.7.0-551");
    let told = site.told(None);
    assert!(
        told.contains("holds several versions: 3.1.1.7.1.7.0-551 of hadoop-yarn-client (/usr/lib/hadoop-yarn/"),
        "{told}"
    );
    site.yarn("2.7.3");
    assert!(site.told(None).contains("the site's Hadoop is 2.7.3: Flink's clients need 2.10 or newer"));
    site.write("usr/lib/hadoop-yarn/hadoop-yarn-client-3.3.6.jar", "not a jar");
    let told = site.told(None);
    assert!(
        told.contains("hadoop-yarn-client-3.3.6.jar cannot be used") && told.contains("no hadoop-yarn-client"),
        "{told}"
    );
}

#[test]
fn a_command_that_fails_or_prints_nothing_is_told() {
    let site = Site::new();
    site.command("exit 3");
    assert!(site.told(None).contains("/usr/bin/hadoop classpath` ends with exit status: 3"), "{}", site.told(None));
    site.command("true");
    assert!(site.told(None).contains("holds no hadoop-common: it is empty"), "{}", site.told(None));
}

#[test]
fn a_configuration_of_somebody_else_is_nobody_s_and_sees_no_environment() {
    if !rustix::process::geteuid().is_root() {
        writeln!(io::stderr(), "left out: a configuration of somebody else: not root").unwrap();
        return;
    }
    let site = Site::new();
    let told = site.at("told");
    fs::create_dir(&told).unwrap();
    fs::set_permissions(&told, fs::Permissions::from_mode(0o777)).unwrap();
    // As Apache's command does, it reads a file of the configuration, which another user owns.
    let evil = "id -u >$TOLD/uid; id -G >$TOLD/groups; env >$TOLD/environment; cut -d' ' -f6,7 /proc/self/stat >$TOLD/session
                cat >$TOLD/input; cat /etc/shadow >$TOLD/shadow; ls -l /proc/$$/fd >$TOLD/opened; (sleep 1; : >$TOLD/late) &";
    site.write("etc/hadoop/conf/hadoop-env.sh", &evil.replace("$TOLD", &told.display().to_string()));
    std::os::unix::fs::chown(site.at("etc/hadoop/conf/hadoop-env.sh"), Some(4242), Some(4242)).unwrap();
    let script = fs::read_to_string(site.at("usr/bin/hadoop")).unwrap();
    site.command(&script.replace("#!/bin/sh", ". \"$HADOOP_CONF_DIR/hadoop-env.sh\" 2>/dev/null"));
    assert_eq!(site.told(None), "");
    let read = |name: &str| fs::read_to_string(told.join(name)).unwrap();
    assert_eq!(
        (read("uid"), read("groups"), read("input"), read("shadow")),
        ("65534\n".into(), "65534\n".into(), "".into(), "".into())
    );
    assert!(
        !read("environment").contains("CARGO") && read("environment").contains("HADOOP_CONF_DIR="),
        "{}",
        read("environment")
    );
    // Zero where our session is one that this machine does not see, as in a container.
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let ours = stat.split(' ').nth(5).unwrap();
    assert!(
        read("session").ends_with(" 0\n") && !read("session").starts_with(&format!("{ours} ")),
        "{}",
        read("session")
    );
    std::thread::sleep(Duration::from_millis(1200));
    assert!(!told.join("late").exists(), "nothing is left behind");
}

#[test]
fn what_nobody_can_read_and_what_is_no_file_is_told() {
    let site = Site::new();
    fs::remove_file(site.at("etc/hadoop/conf/core-site.xml")).unwrap();
    let pipe = |path: &str| {
        let made = std::process::Command::new("mkfifo").arg(site.at(path)).status().unwrap();
        assert!(made.success());
    };
    pipe("etc/hadoop/conf/core-site.xml");
    fs::remove_file(site.at("usr/lib/hadoop-yarn/hadoop-yarn-client-3.3.6.jar")).unwrap();
    pipe("usr/lib/hadoop-yarn/hadoop-yarn-client-3.3.6.jar");
    let told = site.told(None);
    assert!(told.contains("core-site.xml cannot be used: it is not a regular file"), "{told}");
    assert!(told.contains("hadoop-yarn-client-3.3.6.jar cannot be used: it is not a regular file"), "{told}");
    if !rustix::process::geteuid().is_root() {
        writeln!(io::stderr(), "left out: a command that only root can read: not root").unwrap();
        return;
    }
    fs::set_permissions(site.at("usr/bin/hadoop"), fs::Permissions::from_mode(0o700)).unwrap();
    let told = site.told(None);
    assert!(
        told.contains("classpath` ends with exit status: ") && told.contains(", asked as the user nobody, who"),
        "{told}"
    );
}

#[test]
fn what_the_site_says_cannot_steer_a_terminal() {
    let site = Site::new();
    site.command("printf 'a\\033[2Jb'");
    assert!(site.told(None).contains("holds no hadoop-common: a [2Jb"), "{}", site.told(None));
}

#[test]
fn a_class_path_without_end_takes_neither_memory_nor_time() {
    let site = Site::new();
    let whole = "ROOT/usr/lib/hadoop/*:ROOT/usr/lib/hadoop-hdfs/*:ROOT/usr/lib/hadoop-yarn/*";
    assert_eq!(site.told(Some(&vec![whole; 10_000].join(":"))), "", "one folder is one folder");
    let many: Vec<String> = (0..=MOST_ENTRIES).map(|number| format!("/none/{number}/*")).collect();
    assert!(
        site.told(Some(&many.join(":"))).contains("has more than 2000 entries: name only what Flink's clients need")
    );
    // One folder under many names.
    (0..200).for_each(|number| site.write(&format!("usr/lib/hadoop/{number}.jar"), ""));
    let names: Vec<String> = (0..150).map(|number| format!("ROOT/usr/lib/hadoop{}/*", "/.".repeat(number))).collect();
    assert!(site.told(Some(&names.join(":"))).contains("has more than 20000 files in its folders: name only"));
    let some = [whole, &names[..50].join(":")].join(":");
    assert_eq!(site.told(Some(&some)), "");
    let kept = entries(&some.replace("ROOT", &site.0.path().display().to_string()), |jar| jar.ends_with("7.jar"));
    assert!(kept.is_ok_and(|kept| kept.len() < 100), "only what is looked at");
}
