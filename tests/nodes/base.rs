//! The base image of every node: a minimal Debian with systemd, made once and kept outside the repository.
//! Its name holds the digest of its recipe, so a changed recipe makes a new one; it appears whole or not at all.
//! Not here: anything of the project itself; nodes get that by installing it.

use crate::{machine, shell};
use pnda::mirror::lock::Source;
use pnda::mirror::sources::{Key, Site, Sources};
use pnda::words::digest::Sha256;
use pnda::words::names::Word;
use rustix::fs::{FlockOperation, flock};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

const SUITE: &str = "bookworm";

/// Without libnss-systemd a `DynamicUser` has no name; curl and ca-certificates stand for what a site's image has, and so do
/// an ssh server, sudo and the Python that Ansible needs on a node.
const PACKAGES: &str =
    "systemd,systemd-sysv,dbus,iproute2,curl,ca-certificates,procps,libnss-systemd,openssh-server,sudo,python3";

/// Counts changes of what `strip` does, which the digest of the package list cannot see.
const RECIPE: u32 = 1;

/// The folder with the image; makes it if it is not there.
pub(crate) fn image() -> Result<PathBuf, String> {
    let digest = Sha256::of(format!("{RECIPE} {SUITE} {PACKAGES}").as_bytes()).to_string();
    let image = cache().join(format!("nodes-base-{}", &digest[..16]));
    fs::create_dir_all(cache()).map_err(|error| format!("cannot make {}: {error}", cache().display()))?;
    // Two runs at the same time make it once.
    let lock = File::create(cache().join("nodes-base.lock")).map_err(|error| error.to_string())?;
    flock(&lock, FlockOperation::LockExclusive).map_err(|error| error.to_string())?;
    if !image.is_dir() {
        make(&image)?;
    }
    Ok(image)
}

/// Where things that take long to make are kept between runs.
pub(crate) fn cache() -> PathBuf {
    let named = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let target = || named("CARGO_TARGET_DIR").unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target"));
    let folder = named("PNDA_TEST_CACHE").unwrap_or_else(target);
    std::path::absolute(&folder).unwrap_or(folder)
}

/// The archive that this machine uses for a suite; none if it uses another release.
pub(crate) fn archive(suite: &str) -> Option<String> {
    let site = Site { environment: std::env::vars().collect(), ..Site::default() };
    let key = Key { kind: Source::Apt, id: Some(Word::new(suite).ok()?) };
    Some(Sources::find(&site).ok()?.of(&key).ok()?.location.to_string())
}

fn make(image: &Path) -> Result<(), String> {
    let archive = archive(SUITE).ok_or_else(|| format!("this machine's apt does not use Debian {SUITE}"))?;
    let staging = image.with_extension("new");
    remove(&staging)?;
    let folder = staging.to_string_lossy();
    let include = format!("--include={PACKAGES}");
    let made = shell::run("debootstrap", &["--variant=minbase", &include, SUITE, &folder, &archive]);
    if made.code != Some(0) {
        let last: Vec<&str> = made.stdout.lines().chain(made.stderr.lines()).rev().take(3).collect();
        return Err(format!("debootstrap failed: {}", last.join("; ")));
    }
    strip(&staging).map_err(|error| format!("cannot finish the base image: {error}"))?;
    fs::rename(&staging, image).map_err(|error| format!("cannot place the base image: {error}"))
}

/// Takes out what debootstrap copied from this machine, and what only apt needs.
fn strip(root: &Path) -> std::io::Result<()> {
    // Empty, so that every node makes an identity of its own without asking questions on its console.
    for file in ["etc/machine-id", "etc/resolv.conf", "etc/apt/sources.list", "etc/hostname"] {
        fs::write(root.join(file), "")?;
    }
    for folder in ["var/cache/apt/archives", "var/lib/apt/lists"] {
        fs::remove_dir_all(root.join(folder))?;
        fs::create_dir_all(root.join(folder).join("partial"))?;
    }
    Ok(())
}

fn remove(folder: &Path) -> Result<(), String> {
    // A debootstrap that was killed leaves mounts of the machine's own behind; removal must not walk into them.
    machine::unmount_below(folder)?;
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("cannot remove {}: {error}", folder.display()))
        }
        _ => Ok(()),
    }
}
