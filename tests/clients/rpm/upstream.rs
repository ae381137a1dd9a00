//! Real RPM packages and real repositories of them, made with rpmbuild, rpmsign and createrepo in a folder of the test.
//! Beside them the project that mirrors them: manifests, sources, and the program run as a user runs it.
//! Not here: what is asserted.

use crate::namespace;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// What a program said, and how it ended.
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    #[track_caller]
    pub fn of(command: &mut Command) -> Ran {
        let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ran { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }

    /// The exit code and a part of what was said, on either stream.
    #[track_caller]
    pub fn says(self, code: i32, part: &str) -> Ran {
        assert!(self.code == code && self.told().contains(part), "wanted {code} and {part:?}, got {}", self.told());
        self
    }

    #[track_caller]
    pub fn ok(self) -> Ran {
        self.says(0, "")
    }

    pub fn told(&self) -> String {
        format!("{}\n{}{}", self.code, self.out, self.err)
    }
}

/// Whether the machine has these programs; says what is left out otherwise.
pub fn has(programs: &[&str]) -> bool {
    let there = |program: &&&str| {
        let mut command = Command::new(program);
        command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err()
    };
    let missing: Vec<&str> = programs.iter().filter(there).copied().collect();
    if !missing.is_empty() {
        left_out!("RPM mirrors with real clients: this machine has no {}", missing.join(", "));
    }
    missing.is_empty()
}

pub struct Upstream {
    folder: tempfile::TempDir,
}

/// A server: `pnda mirror serve` in a network of its own, or what stands for upstream.
pub struct Served(Child);

impl Served {
    /// The server, and the line it says when it is ready.
    fn start(command: &mut Command) -> (Served, String) {
        let mut served = Served(command.stdout(Stdio::piped()).spawn().unwrap());
        let mut line = String::new();
        BufReader::new(served.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.to_lowercase().starts_with("serving"), "{line}");
        (served, line)
    }

    /// A command in the same network.
    pub fn inside(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["-t", &self.0.id().to_string(), "-n", "--", program]);
        command
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        // gpg leaves its agent behind.
        for keys in ["gpg", "gpg-other"] {
            drop(self.command("gpgconf").env("GNUPGHOME", self.path(keys)).args(["--kill", "gpg-agent"]).status());
        }
    }
}

impl Upstream {
    /// An empty one; none if this machine cannot, which it says.
    pub fn new() -> Option<Upstream> {
        if let Some(why) = namespace::lacks() {
            left_out!("RPM mirrors with real clients: {why}");
            return None;
        }
        if !has(&["rpmbuild", "rpmsign", "createrepo_c", "dnf", "gpg", "unshare", "nsenter"]) {
            return None;
        }
        let upstream = Upstream { folder: tempfile::tempdir().unwrap() };
        for folder in ["manifests", "upstream/base", "upstream/more", "specs"] {
            fs::create_dir_all(upstream.path(folder)).unwrap();
        }
        fs::write(upstream.path("agent"), "an agent").unwrap();
        for (keys, name) in [("gpg", "vendor@rpm.example"), ("gpg-other", "other@rpm.example")] {
            upstream.make_key(keys, name);
        }
        upstream.sources_with_keys();
        Some(upstream)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// A program of the machine that knows nothing of the user who runs the test.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("HOME", self.folder.path()).env("GNUPGHOME", self.path("gpg")).env("LC_ALL", "C.UTF-8");
        command
    }

    fn make_key(&self, keys: &str, name: &str) {
        let folder = self.path(keys);
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        let gpg = |arguments: &[&str]| {
            let mut command = self.command("gpg");
            Ran::of(command.env("GNUPGHOME", &folder).args(["--batch", "--quiet"]).args(arguments)).ok()
        };
        gpg(&["--passphrase", "", "--quick-generate-key", name, "rsa3072", "sign", "never"]);
        let key = gpg(&["--armor", "--export"]).out;
        fs::write(self.path(&format!("{keys}.asc")), key).unwrap();
    }

    /// The fingerprint of the vendor's key.
    pub fn signer(&self) -> String {
        let listed = Ran::of(self.command("gpg").args(["--with-colons", "--fingerprint"])).ok().out;
        let line = listed.lines().find(|line| line.starts_with("fpr:")).unwrap();
        line.split(':').nth(9).unwrap().to_owned()
    }

    /// The vendor's public key.
    pub fn public_key(&self) -> PathBuf {
        self.path("gpg.asc")
    }

    pub fn sources_with_keys(&self) {
        self.sources(&format!("keys = \"{}\"\n", self.public_key().display()));
    }

    pub fn sources_without_keys(&self) {
        self.sources("");
    }

    fn sources(&self, more: &str) {
        self.sources_at(&format!("file://{}", self.path("upstream").display()), more);
    }

    /// The repositories over HTTP, as long as what is given back lives.
    pub fn over_http(&self) -> Served {
        // dnf is a Python program, so Python is there; its server is as plain as a server can be.
        let mut command = self.command("python3");
        command.args(["-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory"]);
        let (served, line) = Served::start(command.arg(self.path("upstream")).stderr(Stdio::null()));
        let address = line.split(['(', ')']).nth(1).unwrap().trim_end_matches('/').to_owned();
        self.sources_at(&address, &format!("keys = \"{}\"\n", self.public_key().display()));
        served
    }

    fn sources_at(&self, base: &str, more: &str) {
        let one = |id: &str| format!("[[source]]\nkind = \"rpm\"\nid = \"{id}\"\nurl = \"{base}/{id}\"\n{more}");
        fs::write(self.path("sources.toml"), format!("{}{}", one("base"), one("more"))).unwrap();
    }

    /// Builds a package, `name-version-release`, with these lines in its specification, and these files.
    pub fn package(&self, repository: &str, identity: &str, lines: &str, files: &[&str]) {
        let (name_version, release) = identity.rsplit_once('-').unwrap();
        let (name, version) = name_version.rsplit_once('-').unwrap();
        let (epoch, version) = version
            .split_once(':')
            .map_or((String::new(), version), |(epoch, version)| (format!("Epoch: {epoch}\n"), version));
        let install: String = files
            .iter()
            .map(|path| {
                format!("mkdir -p \"$(dirname '%{{buildroot}}{path}')\"\necho {name} > '%{{buildroot}}{path}'\n")
            })
            .collect();
        let listed: String = files.iter().map(|path| format!("\"{path}\"\n")).collect();
        let changes: String = (1..=12)
            .rev()
            .map(|day| {
                format!(
                    "* {} Feb {day:02} 2021 Jane <jane@rpm.example> - {day}\n- change {day} & more\n",
                    WEEK[day % 7]
                )
            })
            .collect();
        let spec = format!(
            "Name: {name}\nVersion: {version}\nRelease: {release}\n{epoch}Summary: The <{name}> & more\nLicense: MIT\n\
             BuildArch: noarch\n{lines}\n%description\nLine one.\n\nLine \"two\" äöü.\n%prep\n%build\n%install\n\
             {install}mkdir -p %{{buildroot}}/var/lib/{name}\n%post -p <lua>\nio.open('/ran', 'a'):write('{name}\\n')\n\
             %files\n{listed}%dir /var/lib/{name}\n%ghost /var/log/{name}.log\n%changelog\n{changes}"
        );
        let path = self.path("specs").join(format!("{identity}.spec"));
        fs::write(&path, spec).unwrap();
        let top = self.path("top");
        let mut command = self.command("rpmbuild");
        command.arg("-bb").arg("--define").arg(format!("_topdir {}", top.display()));
        command.args(["--define", "_missing_doc_files_terminate_build 0", "--define", "__spec_install_post %{nil}"]);
        command.arg("--define").arg(format!("_rpmdir {}", self.path("upstream").join(repository).display()));
        command.args(["--define", "_rpmfilename %{name}-%{version}-%{release}.%{arch}.rpm"]);
        Ran::of(command.arg(path)).ok();
    }

    /// Every package is signed by the vendor.
    pub fn sign_packages(&self) {
        for repository in ["base", "more"] {
            let folder = self.path("upstream").join(repository);
            let packages = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
            let packages: Vec<PathBuf> =
                packages.filter(|path| path.extension().is_some_and(|end| end == "rpm")).collect();
            Ran::of(
                self.command("rpmsign")
                    .args(["--addsign", "--define", "__gpg /usr/bin/gpg", "--define", "_gpg_name vendor@rpm.example"])
                    .args(packages),
            )
            .ok();
        }
    }

    pub fn sign_with_another_key(&self, repository: &str, name: &str) {
        let package = self.path("upstream").join(repository).join(name);
        let mut command = self.command("rpmsign");
        command.env("GNUPGHOME", self.path("gpg-other"));
        Ran::of(
            command
                .args(["--addsign", "--define", "__gpg /usr/bin/gpg", "--define", "_gpg_name other@rpm.example"])
                .arg(package),
        )
        .ok();
    }

    pub fn create_repositories(&self) {
        ["base", "more"].iter().for_each(|name| self.createrepo(&self.path("upstream").join(name)));
    }

    pub fn createrepo(&self, folder: &Path) {
        Ran::of(self.command("createrepo_c").arg("--quiet").arg(folder)).ok();
    }

    /// The vendor signs the lists of indexes.
    pub fn sign_indexes(&self) {
        for name in ["base", "more"] {
            let list = self.path("upstream").join(name).join("repodata/repomd.xml");
            Ran::of(self.command("gpg").args(["--batch", "--yes", "--armor", "--detach-sign"]).arg(list)).ok();
        }
    }

    pub fn manifest(&self, text: &str) {
        fs::write(self.path("manifests/m.toml"), text).unwrap();
    }

    /// Runs `pnda` with these words.
    pub fn pnda(&self, words: &str) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pnda"));
        command.current_dir(self.folder.path()).env_clear().env("HOME", self.folder.path()).args(words.split(' '));
        command.args(["--manifests", "manifests", "--store", "store", "--sources", "sources.toml"]);
        if words.starts_with("mirror build") {
            command.args(["--mirror", "mirror", "--key", "key", "--agent", "agent", "--quiet"]);
        }
        Ran::of(&mut command)
    }

    /// The paths that the mirror's list names.
    pub fn published(&self) -> Vec<String> {
        let sums = self.read("mirror/current/SHA256SUMS");
        sums.lines().map(|line| line.split_once("  ").unwrap().1.to_owned()).collect()
    }

    /// Serves the mirror on port 8080 of a network with nothing but loopback.
    pub fn serve(&self) -> Served {
        let script = "ip link set lo up && exec \"$0\" mirror serve --mirror mirror --listen 127.0.0.1:8080";
        let mut command = self.command("unshare");
        command.current_dir(self.folder.path()).args(["--net", "--", "sh", "-c", script, env!("CARGO_BIN_EXE_pnda")]);
        Served::start(&mut command).0
    }

    /// Changes what a repository's index says; the list of indexes has the digest of that.
    pub fn rewrite_primary(&self, repository: &str, change: impl Fn(&str) -> String) {
        let folder = self.path("upstream").join(repository).join("repodata");
        let mut packed = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        let packed = packed.find(|path| path.to_string_lossy().ends_with("-primary.xml.gz")).unwrap();
        let text = std::io::read_to_string(flate2::read::GzDecoder::new(fs::File::open(packed).unwrap())).unwrap();
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut encoder, change(&text).as_bytes()).unwrap();
        let bytes = encoder.finish().unwrap();
        fs::write(folder.join("changed.xml.gz"), &bytes).unwrap();
        let (digest, size) = (pnda::words::digest::Sha256::of(&bytes), bytes.len());
        let list = format!(
            "<repomd><data type=\"primary\"><checksum type=\"sha256\">{digest}</checksum>\
             <location href=\"repodata/changed.xml.gz\"/><size>{size}</size></data></repomd>"
        );
        fs::write(folder.join("repomd.xml"), list).unwrap();
    }
}

/// The days of the first week of February 2021, for changelogs; the first was a Monday.
const WEEK: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
