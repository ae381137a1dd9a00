//! dnf and rpm as the distribution ships them, on a root of the test's own, with signatures demanded everywhere.
//! They see the mirror and nothing else; the configuration is what a node would get.
//! Not here: what is installed.

use super::upstream::{Ran, Served, Upstream};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

static NEXT: AtomicU32 = AtomicU32::new(1);

pub struct Dnf<'a> {
    upstream: &'a Upstream,
    served: &'a Served,
    folder: PathBuf,
}

pub const MIRROR: &str = "http://127.0.0.1:8080/mirror_rpm";

impl<'a> Dnf<'a> {
    /// A new root without anything, whose only repository is the mirror.
    pub fn new(upstream: &'a Upstream, served: &'a Served) -> Dnf<'a> {
        let folder = upstream.path(&format!("dnf-{}", NEXT.fetch_add(1, Ordering::Relaxed)));
        fs::create_dir_all(folder.join("root")).unwrap();
        let dnf = Dnf { upstream, served, folder };
        dnf.configure(&format!("{MIRROR}/RPM-GPG-KEY-pnda-mirror\n  file://{}", upstream.public_key().display()));
        dnf
    }

    /// The same, with only this key trusted.
    pub fn trusting(self, key: &Path) -> Dnf<'a> {
        self.configure(&format!("file://{}", key.display()));
        self
    }

    fn configure(&self, keys: &str) {
        let text = format!(
            "[main]\nplugins=0\nreposdir=/nonexistent\ncachedir=/cache\nlogdir=/log\npersistdir=/persist\n\
             install_weak_deps=0\n[pnda]\nname=pnda\nbaseurl={MIRROR}\ngpgcheck=1\nrepo_gpgcheck=1\ngpgkey={keys}\n\
             retries=1\nskip_if_unavailable=0\n"
        );
        fs::write(self.folder.join("dnf.conf"), text).unwrap();
    }

    pub fn root(&self, path: &str) -> PathBuf {
        self.folder.join("root").join(path)
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = self.served.inside("dnf");
        command
            .env("HOME", self.upstream.path(""))
            .env("LC_ALL", "C.UTF-8")
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command.arg("-c").arg(self.folder.join("dnf.conf")).arg("--installroot").arg(self.root(""));
        Ran::of(command.args(["--assumeyes", "--releasever=9"]).args(arguments))
    }

    pub fn rpm(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.upstream.command("rpm").arg("--root").arg(self.root("")).args(arguments))
    }

    /// What `rpmkeys` finds of a published package, with only the vendor's key.
    pub fn keys(&self, package: &str) -> Ran {
        let database = format!("_dbpath {}", self.folder.join("keys").display());
        let rpmkeys = |arguments: &[&str], path: &Path| {
            Ran::of(self.upstream.command("rpmkeys").args(["--define", &database]).args(arguments).arg(path))
        };
        rpmkeys(&["--import"], &self.upstream.public_key()).ok();
        rpmkeys(&["--checksig"], &self.upstream.path("mirror/current").join(package))
    }
}
