//! pip and uv against a mirror that was really made, where nothing but loopback can be reached.
//! Bytes come from the machine's own Python index, through the engine, into a store that stays between runs.
//! Not here: how versions are chosen; that is tested beside its code.

use crate::mirror::cache;
use crate::namespace;
use crate::registries::out_of_reach;
use pnda::mirror::lock::Source;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const PNDA: &str = env!("CARGO_BIN_EXE_pnda");
/// Of a namespace of its own, so nobody else has it.
const PORT: u16 = 8080;
const INDEX: &str = "http://127.0.0.1:8080/mirror_python/simple";

/// A folder, a mirror in it, and a network namespace without a way out in which that mirror is served.
struct Site {
    folder: tempfile::TempDir,
    namespace: String,
    server: Option<Child>,
}

impl Site {
    /// Makes a mirror of a fixture's manifests; none, with a line that says why, where this machine cannot.
    fn make(fixture: &str) -> Option<Site> {
        if let Some(why) = lacks() {
            left_out!("pip and uv against a mirror of {fixture}: {why}");
            return None;
        }
        fs::create_dir_all(cache()).unwrap();
        let folder = tempfile::tempdir_in(cache()).unwrap();
        let namespace = format!("pnda-py-{}", folder.path().file_name()?.to_string_lossy().trim_start_matches('.'));
        let site = Site { folder, namespace, server: None };
        run(Command::new("ip").args(["netns", "add", &site.namespace]));
        site.run(&["ip", "link", "set", "lo", "up"]);
        match site.build(fixture) {
            Ok(()) => Some(site.serve()),
            Err(why) => {
                left_out!("pip and uv against a mirror of {fixture}: {why}");
                None
            }
        }
    }

    /// Locks, from the lock that was committed, and builds, as a person would; says why where no index is reachable.
    fn build(&self, fixture: &str) -> Result<(), String> {
        let manifests = self.path("manifests");
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/python").join(fixture);
        fs::create_dir(&manifests).unwrap();
        for entry in fs::read_dir(from).unwrap().flatten() {
            fs::copy(entry.path(), manifests.join(entry.file_name())).unwrap();
        }
        let store = cache().join("python-store");
        for words in [&["lock"][..], &["build", "--mirror", "mirror", "--key", "key"]] {
            let mut pnda = Command::new(PNDA);
            pnda.current_dir(self.folder.path()).args(["mirror"]).args(words);
            let output = pnda.args(["--quiet", "--manifests", "manifests", "--store"]).arg(&store).output().unwrap();
            if !output.status.success() {
                let said = said(&output);
                let why = out_of_reach(&[Source::Pypi], &said);
                return Err(why.unwrap_or_else(|| panic!("{pnda:?} failed:\n{said}")));
            }
        }
        Ok(())
    }

    fn serve(mut self) -> Site {
        let listen = format!("127.0.0.1:{PORT}");
        let mut server = self.inside(&[PNDA, "mirror", "serve", "--mirror", "mirror", "--listen", &listen]);
        self.server = Some(server.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        let begun = Instant::now();
        let asks = ["curl", "--silent", "--fail", "--location", "--output", "/dev/null", INDEX];
        while !self.inside(&asks).status().unwrap().success() {
            assert!(begun.elapsed() < Duration::from_secs(30), "the mirror does not answer");
            std::thread::sleep(Duration::from_millis(100));
        }
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A command in the namespace, with nothing of this machine's settings.
    fn inside(&self, words: &[&str]) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.namespace]).args(words).current_dir(self.folder.path()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.folder.path()).env("TMPDIR", self.folder.path());
        command.env("UV_CACHE_DIR", self.path("uv-cache")).env("UV_NO_CONFIG", "1").env("no_proxy", "*");
        command
    }

    fn run(&self, words: &[&str]) -> String {
        run(&mut self.inside(words))
    }

    /// The machine's pip, which may work for an environment that has none of its own.
    fn pip(&self, environment: &[&str], words: &[&str]) -> Command {
        let pip = ["python3", "-m", "pip", "--isolated", "--no-cache-dir", "--disable-pip-version-check"];
        self.inside(&[&pip[..], environment, &words[..1], &["--quiet", "--index-url", INDEX], &words[1..]].concat())
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Some(server) = &mut self.server {
            let _ = server.kill();
            let _ = server.wait();
        }
        let _ = Command::new("ip").args(["netns", "delete", &self.namespace]).status();
    }
}

/// Why this machine cannot try real clients; none if it can.
fn lacks() -> Option<String> {
    let answers = |words: &[&str]| {
        let said = Command::new(words[0]).args(&words[1..]).stdin(Stdio::null()).output();
        said.is_ok_and(|said| said.status.success())
    };
    let needs: [(&[&str], &str); 3] = [
        (&["curl", "--version"], "curl is not installed"),
        (&["python3", "-m", "pip", "--version"], "pip is not installed"),
        (&["python3", "-c", "import venv"], "Python cannot make environments"),
    ];
    let missing = needs.iter().find(|(words, _)| !answers(words)).map(|(_, why)| (*why).to_owned());
    missing.or_else(namespace::lacks)
}

/// What a command that must succeed says.
#[track_caller]
fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}\n{}", said(&output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn said(output: &Output) -> String {
    [&output.stdout[..], &output.stderr].map(String::from_utf8_lossy).concat()
}

fn files(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[test]
fn pyflink_installs_where_nothing_can_be_reached() {
    let version = Command::new("python3").args(["-c", "import sys; print('%d.%d' % sys.version_info[:2])"]).output();
    if version.is_ok_and(|said| said.stdout != b"3.11\n") {
        left_out!("PyFlink offline: this machine's Python is not 3.11, for which the mirror is made");
        return;
    }
    let Some(site) = Site::make("pyflink") else { return };
    let works = |python: &str| {
        let program = "import pyflink.table, pyflink.version as v; print(v.__version__, pyflink.table.__file__)";
        let told = site.run(&[python, "-c", program]);
        let environment = python.split('/').next().unwrap();
        assert!(told.starts_with("1.20.5 ") && told.contains(environment), "{told}");
    };
    site.run(&["python3", "-m", "venv", "--without-pip", "by-pip"]);
    run(&mut site.pip(&["--python", "by-pip/bin/python"], &["install", "--no-compile", "uv", "apache-flink==1.20.5"]));
    works("by-pip/bin/python");

    let uv = "by-pip/bin/uv";
    site.run(&[uv, "venv", "--quiet", "--python", "by-pip/bin/python", "by-uv"]);
    let python = "by-uv/bin/python";
    site.run(&[uv, "pip", "install", "--quiet", "--default-index", INDEX, "--python", python, "apache-flink==1.20.5"]);
    works(python);
}

#[test]
fn each_interpreter_and_platform_gets_its_own_wheel() {
    let Some(site) = Site::make("wheels") else { return };
    for (python, tag) in [("3.9", "cp39"), ("3.11", "cp311")] {
        for arch in ["x86_64", "aarch64"] {
            let (to, platform) = (format!("{tag}-{arch}"), format!("manylinux2014_{arch}"));
            let target = ["--python-version", python, "--platform", &platform, "--only-binary", ":all:"];
            run(&mut site.pip(&[], &[&["download", "--dest", &to][..], &target, &["markupsafe"]].concat()));
            let got = files(&site.path(&to));
            assert!(got.len() == 1 && got[0].contains(&format!("-{tag}-{tag}-")) && got[0].contains(arch), "{got:?}");
        }
    }
    let absent = ["download", "--python-version", "3.12", "--only-binary", ":all:", "markupsafe"];
    let refused = site.pip(&[], &absent).output().unwrap();
    assert!(said(&refused).contains("No matching distribution"), "{}", said(&refused));
}

#[test]
fn pip_refuses_a_package_that_changed_on_the_mirror() {
    let Some(site) = Site::make("wheels") else { return };
    let packages = site.path("mirror/current/mirror_python/packages");
    let name =
        files(&packages).into_iter().find(|name| name.contains("cp39") && name.ends_with("_x86_64.whl")).unwrap();
    let mut bytes = fs::read(packages.join(&name)).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    // The file is a hard link into the store, which must stay as it is.
    fs::remove_file(packages.join(&name)).unwrap();
    fs::write(packages.join(&name), bytes).unwrap();
    let platform = ["--python-version", "3.9", "--platform", "manylinux2014_x86_64", "--only-binary", ":all:"];
    let words = [&["download", "--dest", "got"][..], &platform, &["markupsafe"]].concat();
    let said = said(&site.pip(&[], &words).output().unwrap());
    assert!(said.contains("DO NOT MATCH THE HASHES"), "{said}");
}
