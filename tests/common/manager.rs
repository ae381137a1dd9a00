//! The real manager of applications in a process of its own, with YARN and HDFS scripted, a package and two applications; it
//! listens on its socket and, for a token, on loopback.
//! Not here: what is tested with it.

use crate::scripted_cluster;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use systems::{webhdfs, yarn};

const AGENT: &str = env!("CARGO_BIN_EXE_pnda-agent");
/// Of an administrator.
pub const TOKEN: &str = "a-token-of-whoever-tries-everything";
/// One that is deployed, and one that is not.
const PACKAGES: [&str; 2] = ["word-count-1.0.0", "word-count-1.0.1"];

/// A manager that runs until this is dropped.
pub struct Manager {
    pub folder: tempfile::TempDir,
    pub url: String,
    process: Child,
}

impl Drop for Manager {
    fn drop(&mut self) {
        let _ = self.process.kill().and_then(|()| self.process.wait());
    }
}

impl Manager {
    pub fn start() -> Manager {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = folder.path().join("applications.toml");
        fs::write(&config, configuration(folder.path(), port)).unwrap();
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let mut agent = Command::new(AGENT);
        agent.args(["applications", "--config"]).arg(&config).stdin(Stdio::null()).stderr(log);
        let manager = Manager { url: format!("http://127.0.0.1:{port}"), process: agent.spawn().unwrap(), folder };
        let begun = Instant::now();
        while manager.ask(&["/packages"]).is_empty() {
            assert!(begun.elapsed() < Duration::from_secs(30), "{}", manager.log());
            std::thread::sleep(Duration::from_millis(50));
        }
        for package in PACKAGES {
            let file = manager.folder.path().join("package");
            fs::write(&file, scripted_cluster::package(package)).unwrap();
            let place = format!("/repository/packages/{package}.tar.gz");
            manager.ask(&[&place, "--upload-file", file.to_str().unwrap()]);
        }
        manager.ask(&[&format!("/packages/{}", PACKAGES[0]), "--request", "PUT"]);
        for name in ["0", "words"] {
            let body = format!("{{\"package\": \"{}\"}}", PACKAGES[0]);
            manager.ask(&[&format!("/applications/{name}"), "--request", "PUT", "--data", &body]);
        }
        assert_eq!(manager.ask(&["/applications"]), "[\"0\",\"words\"]", "{}", manager.log());
        manager
    }

    /// What curl gets.
    pub fn ask(&self, words: &[&str]) -> String {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--fail", "--oauth2-bearer", TOKEN]);
        let output = curl.arg(format!("{}{}", self.url, words[0])).args(&words[1..]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

fn configuration(folder: &Path, port: u16) -> String {
    let digest = pnda::words::digest::Sha256::of(TOKEN.as_bytes());
    fs::write(folder.join("tokens"), format!("tester {digest} pnda-admins\n")).unwrap();
    let (first, tables) = scripted_cluster::configuration(folder, &yarn::Fake::start(), &webhdfs::Fake::start());
    format!(
        r#"{first}
admins = "pnda-admins"

[limits]
requests_a_minute = 1000000

[api]
listen = "127.0.0.1:{port}"
{tables}"#
    )
}
