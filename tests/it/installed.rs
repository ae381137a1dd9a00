//! What `pnda-agent` does with what is installed, as an operator calls it: tables, JSON, exit codes, and a kill on the way.
//! Everything happens in one temporary folder, for one user.
//! Not here: what each verb does in detail; that is tested beside its code.

use pnda::words::digest::Sha256;
use pnda::words::generation::{Generation, Listed};
use pnda::words::names::SafePath;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A signed mirror of nothing, and a node with one file and whatever more it wants.
struct Site {
    folder: TempDir,
}

impl Site {
    fn new() -> Site {
        Site { folder: TempDir::new().unwrap() }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn render(&self, text: &str, more: &str) {
        let pair = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
        let list = Generation { number: 3, lock: Sha256::of(b""), files: BTreeMap::<SafePath, Listed>::new() }.render();
        let signature = minisign::sign(None, &pair.sk, list.as_bytes(), None, None).unwrap().to_string();
        let (root, mirror) = (self.at("root"), self.at("mirror"));
        let document = format!(
            "format = 1\ncluster = \"pico\"\nnode = \"edge-1\"\nroles = [\"flink-client\"]\ninputs = \"{}\"\nscope = \"user\"\n\
             root = \"{}\"\n[mirror]\nurl = \"{}\"\npublic_key = \"{}\"\n\
             [[file]]\npath = \"/etc/a\"\nsha256 = \"{}\"\nowner = \"root\"\ngroup = \"root\"\nmode = \"0644\"\n{more}",
            Sha256::of(text.as_bytes()),
            root.display(),
            mirror.display(),
            pair.pk.to_base64(),
            Sha256::of(text.as_bytes()),
        );
        fs::create_dir_all(&mirror).unwrap();
        fs::create_dir_all(self.at("node/files/etc")).unwrap();
        fs::write(mirror.join("generation.toml"), list).unwrap();
        fs::write(mirror.join("generation.toml.minisig"), signature).unwrap();
        fs::write(self.at("node/files/etc/a"), text).unwrap();
        fs::write(self.at("node/node.toml"), document).unwrap();
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pnda-agent"));
        command.args(words);
        match words[0] {
            "install" => command.arg("--node").arg(self.at("node")),
            _ => command.arg("--root").arg(self.at("root")),
        };
        command
    }

    /// What a verb prints, and its exit code.
    fn run(&self, words: &[&str]) -> (String, Option<i32>) {
        let Output { stdout, stderr, status } = self.command(words).output().unwrap();
        (String::from_utf8([stdout, stderr].concat()).unwrap(), status.code())
    }

    fn done(&self, words: &[&str]) -> String {
        let (text, code) = self.run(words);
        assert_eq!(code, Some(0), "{words:?}: {text}");
        text
    }
}

#[test]
fn an_operator_goes_back_verifies_mends_and_uninstalls() {
    let site = Site::new();
    site.render("one\n", "");
    site.done(&["install"]);
    site.render("two\n", "");
    site.done(&["install"]);
    let listed = site.done(&["generations"]);
    let rows: Vec<&str> = listed.lines().map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!(rows, ["NUMBER", "*2", "1"], "{listed}");
    let json: serde_json::Value = serde_json::from_str(&site.done(&["generations", "--json"])).unwrap();
    assert_eq!((json[0]["number"].as_u64(), json[1]["current"].as_bool()), (Some(2), Some(false)));
    assert_eq!(json[0]["roles"][0].as_str(), Some("flink-client"));
    let (planned, code) = site.run(&["rollback", "--dry-run"]);
    assert!(code == Some(4) && planned.contains("/etc/a") && planned.contains("would be made"), "{planned}");
    fs::remove_dir_all(site.at("mirror")).unwrap();
    assert!(site.done(&["rollback"]).contains("generation 1 is the one that is brought back"));
    assert_eq!(fs::read_to_string(site.at("root/etc/a")).unwrap(), "one\n");
    assert_eq!(site.run(&["rollback", "7"]).1, Some(1));
    assert_eq!(site.done(&["verify"]), "node edge-1 is as it was installed\n");
    fs::write(site.at("root/etc/a"), "1\n").unwrap();
    let (found, code) = site.run(&["verify"]);
    assert_eq!(code, Some(3));
    assert!(found.starts_with("file     /etc/a: changed\n    - 1\n    + one\n1 difference on node edge-1"), "{found}");
    let json: serde_json::Value = serde_json::from_str(&site.run(&["verify", "--json"]).0).unwrap();
    assert_eq!(json["steps"][0]["what"].as_str(), Some("/etc/a"));
    assert_eq!(site.run(&["repair", "--dry-run"]).1, Some(4));
    assert!(site.done(&["repair"]).contains("kept as /etc/a.pnda-saved"));
    assert_eq!(fs::read_to_string(site.at("root/etc/a.pnda-saved")).unwrap(), "1\n");
    site.done(&["verify"]);
    fs::remove_file(site.at("root/etc/a.pnda-saved")).unwrap();
    assert_eq!(site.run(&["uninstall", "--dry-run"]).1, Some(4));
    site.done(&["uninstall", "--purge"]);
    assert_eq!(fs::read_dir(site.at("root")).unwrap().count(), 0);
    assert!(site.run(&["verify"]).0.contains("nothing was installed yet"));
}

#[test]
fn a_kill_while_something_is_prepared_is_made_good() {
    let site = Site::new();
    let script = "mkdir -p $R/nn && touch $R/nn/half && sleep 1 && mv $R/nn/half $R/nn/whole"
        .replace("$R", &site.at("root").display().to_string());
    let once = format!(
        "[[once]]\nname = \"format\"\nuser = \"root\"\ncreates = \"/nn\"\ncommand = [\"/bin/sh\", \"-c\", \"{script}\"]\n"
    );
    site.render("one\n", &once);
    let mut child = site.command(&["install"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let began = Instant::now();
    while !site.at("root/nn/half").exists() {
        assert!(began.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let (busy, code) = site.run(&["install"]);
    assert_eq!(code, Some(1), "what the killed one had started still runs: {busy}");
    assert!(busy.contains("another install is running"), "{busy}");
    while site.run(&["install"]).1 != Some(0) {
        assert!(began.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(site.at("root/nn/whole").exists());
    assert!(site.at("root/nn.pnda-saved").exists(), "nobody knew whether it was whole");
    assert!(site.done(&["install"]).starts_with("nothing to do"));
}

#[test]
fn what_the_site_must_bring_is_looked_at_before_anything_is_placed() {
    let site = Site::new();
    let conf = "/etc/hadoop/conf/core-site.xml";
    site.render(
        "ours",
        &format!("[[expected]]\npath = \"{conf}\"\nabout = \"the site's Hadoop: deploy its clients here\"\n"),
    );
    let refused = site.command(&["install"]).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains(&format!("{conf} is missing: the site's Hadoop: ")), "{said}");
    assert!(!site.at("root/etc/a").exists(), "nothing was placed");
    // A distribution's configuration is mostly reached through links.
    fs::create_dir_all(site.at("root/etc/hadoop/conf.site")).unwrap();
    fs::write(site.at("root/etc/hadoop/conf.site/core-site.xml"), "").unwrap();
    std::os::unix::fs::symlink("conf.site", site.at("root/etc/hadoop/conf")).unwrap();
    assert!(site.command(&["install"]).status().unwrap().success() && site.at("root/etc/a").exists());
}

#[test]
fn what_outlives_its_installer_can_neither_let_the_lock_go_nor_keep_it() {
    let site = Site::new();
    let script = "for fd in 0 1 2 3 4 5 6 7 8 9; do flock --unlock $fd; done 2>$R/no; sleep 60 >$R/no 2>&1 & \
                  echo $! >$R/left; mkdir -p $R/nn; sleep 1; touch $R/nn/whole"
        .replace("$R", &site.at("root").display().to_string());
    let once = format!(
        "[[once]]\nname = \"format\"\nuser = \"root\"\ncreates = \"/nn\"\ncommand = [\"/bin/sh\", \"-c\", \"{script}\"]\n"
    );
    site.render("one\n", &once);
    let mut child = site.command(&["install"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let began = Instant::now();
    while !site.at("root/nn").exists() {
        assert!(began.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let (busy, code) = site.run(&["install"]);
    assert!(code == Some(1) && busy.contains("another install is running"), "it let the lock go: {busy}");
    while site.run(&["install"]).1 != Some(0) {
        assert!(began.elapsed() < Duration::from_secs(30), "what it left behind keeps the lock");
        std::thread::sleep(Duration::from_millis(50));
    }
    let left = fs::read_to_string(site.at("root/left")).unwrap();
    assert!(Command::new("kill").arg(left.trim()).status().unwrap().success(), "it still ran");
}

#[test]
fn a_look_at_the_site_s_hadoop_gives_nothing_to_whoever_owns_its_configuration() {
    if !rustix::process::geteuid().is_root() {
        left_out!("the configuration of somebody else: not root");
        return;
    }
    let site = Site::new();
    let (conf, told, command) = (site.at("root/conf"), site.at("told"), site.at("hadoop"));
    for (folder, mode) in [(site.at(""), 0o755), (conf.clone(), 0o755), (told.clone(), 0o777)] {
        fs::create_dir_all(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).unwrap();
    }
    let evil = format!("id -u >{0}/uid; env >{0}/environment\n", told.display());
    fs::write(conf.join("hadoop-env.sh"), evil).unwrap();
    for owned in [&conf, &conf.join("hadoop-env.sh")] {
        std::os::unix::fs::chown(owned, Some(4242), Some(4242)).unwrap();
    }
    // As Apache's command does.
    fs::write(&command, "#!/bin/sh\n. \"$HADOOP_CONF_DIR/hadoop-env.sh\"\necho /nowhere\n").unwrap();
    fs::set_permissions(&command, fs::Permissions::from_mode(0o755)).unwrap();
    site.render("ours", &format!("[[site_hadoop]]\nconf = \"/conf\"\ncommand = \"{}\"\n", command.display()));
    for words in [&["install", "--dry-run"][..], &["install"]] {
        let asked = site.command(words).env("SECRET_IN_ENV", "hunter2").output().unwrap();
        let said = String::from_utf8_lossy(&asked.stderr).into_owned();
        assert!(said.contains("the class path of the site's Hadoop holds no hadoop-common: /nowhere"), "{said}");
        assert_eq!(fs::read_to_string(told.join("uid")).unwrap(), "65534\n", "{words:?}");
        assert!(!fs::read_to_string(told.join("environment")).unwrap().contains("hunter2"), "{words:?}");
        fs::remove_file(told.join("uid")).unwrap();
    }
}
