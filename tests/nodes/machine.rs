//! What this machine can bear: whether nodes can be made on it, and where their control groups go.
//! Everything is tried rather than guessed, so that a container without rights leaves out instead of failing.
//! Not here: making anything that stays.

use crate::shell;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Says in one line that something was left out.
pub(crate) fn left_out(what: &str, why: &str) {
    tell(&format!("left out: {what}: {why}"));
}

/// Says something past the test runner's capture, which hides what a passing test prints.
pub(crate) fn tell(line: &str) {
    // Nothing can be done about a closed standard error.
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Why nodes cannot be made here; none if they can.
pub(crate) fn lacks() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("needs root".to_owned());
    }
    let programs = ["ip", "debootstrap", "systemd-nspawn", "nsenter", "mount", "umount", "tar", "timeout"];
    if let Some(program) = programs.into_iter().find(|program| !has(program)) {
        return Some(format!("the program `{program}` is not installed"));
    }
    if control_groups().is_empty() {
        return Some("no control groups of systemd's kind at /sys/fs/cgroup".to_owned());
    }
    no_namespace().or_else(no_overlay)
}

/// Whether a program is on the search path.
pub(crate) fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]).any(|folder| folder.join(program).is_file())
}

/// The roots below which a node needs a control group of its own: one with cgroup v2, two with v1.
pub(crate) fn control_groups() -> Vec<PathBuf> {
    let root = Path::new("/sys/fs/cgroup");
    if root.join("cgroup.controllers").exists() {
        return vec![root.to_owned()];
    }
    ["systemd", "unified"].into_iter().map(|name| root.join(name)).filter(|path| path.is_dir()).collect()
}

fn no_namespace() -> Option<String> {
    let name = format!("pnda-t-{}-try", std::process::id());
    let made = shell::run("ip", &["netns", "add", &name]);
    shell::run("ip", &["netns", "delete", &name]);
    (made.code != Some(0)).then(|| format!("no network namespaces: {}", made.stderr.trim()))
}

fn no_overlay() -> Option<String> {
    let folder = tempfile::tempdir().ok()?;
    let [lower, upper, work, root] = ["lower", "upper", "work", "root"].map(|name| folder.path().join(name));
    for path in [&lower, &upper, &work, &root] {
        fs::create_dir(path).ok()?;
    }
    let mounted = overlay(&lower, &upper, &work, &root);
    if mounted.code == Some(0) {
        shell::run("umount", &[&root.to_string_lossy()]).ok();
    }
    (mounted.code != Some(0)).then(|| format!("no overlayfs in the temporary folder: {}", mounted.stderr.trim()))
}

/// Lays `upper` over `lower` at `root`.
pub(crate) fn overlay(lower: &Path, upper: &Path, work: &Path, root: &Path) -> shell::Output {
    let options = format!("lowerdir={},upperdir={},workdir={}", lower.display(), upper.display(), work.display());
    shell::run("mount", &["-t", "overlay", "overlay", "-o", &options, &root.to_string_lossy()])
}

/// Unmounts everything at or below a folder, the innermost first.
pub(crate) fn unmount_below(folder: &Path) -> Result<(), String> {
    let mounts = || -> Vec<PathBuf> {
        let text = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        let paths = text.lines().filter_map(|line| line.split(' ').nth(1)).map(PathBuf::from);
        paths.filter(|path| path.starts_with(folder)).collect()
    };
    for path in mounts().iter().rev() {
        shell::run("umount", &["--lazy", &path.to_string_lossy()]);
    }
    match mounts().first() {
        Some(path) => Err(format!("{} cannot be unmounted", path.display())),
        None => Ok(()),
    }
}
