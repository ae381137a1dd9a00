//! What the test builds before any node is touched: a mirror, and the files of each node of a cluster.
//! Everything is made by the real `pnda` with the command lines that an operator would type.
//! Not here: what happens on the nodes.

use crate::base;
use crate::ground::{Ground, HUB, Running};
use crate::machine;
use crate::registries::out_of_reach;
use crate::shell::{self, until};
use pnda::mirror::lock::Source;
use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const PNDA: &str = env!("CARGO_BIN_EXE_pnda");
const AGENT: &str = env!("CARGO_BIN_EXE_pnda-agent");
const PORT: u16 = 8080;

/// A mirror and the rendered nodes of a cluster.
pub(crate) struct Site {
    mirror: PathBuf,
    nodes: PathBuf,
}

impl Site {
    /// Builds the mirror of what a site runs that has two versions of Flink.
    pub(crate) fn build_with_two_flinks(ground: &Ground) -> Result<Site, String> {
        Site::build_from(ground, &manifests(ground, &["flink-2"]))
    }

    /// Builds the mirror of all manifests in a folder; what no lock beside them knows yet is locked first, and what was
    /// downloaded for an earlier run is not downloaded again. Says why where a registry is out of reach.
    pub(crate) fn build_from(ground: &Ground, manifests: &Path) -> Result<Site, String> {
        let site = Site { mirror: ground.folder("mirror"), nodes: ground.folder("nodes") };
        let (store, key) = (text(&base::cache().join("nodes-store")), text(&ground.folder("key").join("mirror.key")));
        let common = ["--manifests", &text(manifests), "--store", &store, "--quiet"];
        let build = ["mirror", "build", "--agent", AGENT, "--mirror", &text(&site.mirror), "--key", &key];
        reached(run(&[&["mirror", "lock"], &common[..]].concat()))?;
        reached(run(&[&build[..], &common[..]].concat()))?;
        site.is_signed();
        Ok(site)
    }

    /// Anybody can check the mirror's list by hand, with a tool that is not ours.
    fn is_signed(&self) {
        if !machine::has("minisign") {
            return machine::left_out("nodes: the list's signature by hand", "the program `minisign` is not installed");
        }
        let part = |name| text(&self.mirror.join("current").join(name));
        shell::run("minisign", &["-V", "-m", &part("generation.toml"), "-p", &part("mirror.pub")]).ok();
    }

    /// Renders every node's folder of an example cluster, with settings of the command line.
    pub(crate) fn render(&self, cluster: &str, settings: &[&str]) {
        self.render_file(&example(cluster), settings);
    }

    /// The same for a cluster file of the test's own.
    pub(crate) fn render_file(&self, cluster: &Path, settings: &[&str]) {
        let (mirror, out) = (text(&self.mirror), text(&self.nodes));
        let key = text(&self.mirror.join("current/mirror.pub"));
        let mut words = vec!["cluster", "render"];
        let cluster = text(cluster);
        words.extend([&*cluster, "--mirror", &mirror, "--key", &key, "--out", &out]);
        settings.iter().for_each(|setting| words.extend(["--set", setting]));
        run(&words).ok();
    }

    /// Serves the mirror from the hub.
    pub(crate) fn serve(&self, ground: &Ground) -> Running {
        let listen = format!("{HUB}:{PORT}");
        let server =
            ground.start(Path::new(PNDA), &["mirror", "serve", "--mirror", &text(&self.mirror), "--listen", &listen]);
        until("the mirror answers", Duration::from_secs(20), || ground.at_hub(|| TcpStream::connect(&listen).ok()));
        server
    }

    /// The published mirror.
    pub(crate) fn mirror(&self) -> &Path {
        &self.mirror
    }

    /// Where all nodes were rendered.
    pub(crate) fn nodes(&self) -> &Path {
        &self.nodes
    }

    /// The rendered folder of one node.
    pub(crate) fn node(&self, name: &str) -> PathBuf {
        self.nodes.join(name)
    }

    /// Flips one byte in the middle of a file that the mirror serves, while `act` runs.
    pub(crate) fn with_flipped_byte<T>(&self, path: &str, act: impl FnOnce() -> T) -> T {
        let file = fs::canonicalize(self.mirror.join("current").join(path)).expect("the mirror has it");
        let kept = file.with_extension("kept");
        let mut bytes = fs::read(&file).expect("the mirror's files are readable");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        // The file may be a hard link into the store, which must stay as it is.
        fs::rename(&file, &kept).expect("the mirror's folder is writable");
        fs::write(&file, bytes).expect("the mirror's folder is writable");
        let done = act();
        fs::rename(&kept, &file).expect("the mirror's folder is writable");
        done
    }
}

/// The manifests that the project ships, with those of some subfolders, in a folder of the ground.
pub(crate) fn manifests(ground: &Ground, more: &[&str]) -> PathBuf {
    let (own, shipped) = (ground.folder("manifests"), Path::new(env!("CARGO_MANIFEST_DIR")).join("mirror-manifests"));
    let folders = std::iter::once(shipped.clone()).chain(more.iter().map(|folder| shipped.join(folder)));
    for entry in folders.flat_map(|folder| fs::read_dir(folder).expect("the manifests are there")) {
        let path = entry.expect("the manifests are readable").path();
        if path.is_file() {
            fs::copy(&path, own.join(path.file_name().expect("a file has a name"))).expect("the ground is writable");
        }
    }
    own
}

/// An example cluster that the project ships.
pub(crate) fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("clusters/{name}.toml"))
}

/// Holds a run to success, unless a registry could not be reached.
fn reached(output: shell::Output) -> Result<(), String> {
    let failed = output.code != Some(0);
    match out_of_reach(&[Source::Maven, Source::Pypi, Source::Apt], &output.stderr).filter(|_| failed) {
        Some(why) => Err(why),
        None => {
            output.ok();
            Ok(())
        }
    }
}

/// Runs the engine.
fn run(arguments: &[&str]) -> shell::Output {
    shell::finish(Command::new(PNDA).args(arguments))
}

fn text(path: &Path) -> String {
    path.to_str().expect("the test's own paths are text").to_owned()
}
