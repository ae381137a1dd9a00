//! One published folder, three ways to it: our server, nginx, and the plain file system. The bytes are the same.
//! curl reads every file of the signed list; pip installs from each.
//! Not here: conditions, ranges and the like (`tests/it/serve.rs`).

use crate::nginx::Nginx;
use pnda::mirror::keys::Signer;
use pnda::mirror::publish::generation::{current, publish};
use pnda::mirror::serve;
use pnda::mirror::store::Store;
use pnda::words::digest::Sha256;
use pnda::words::generation::{Generation, LIST, PUBLIC_KEY, SIGNATURE};
use pnda::words::names::SafePath;
use pnda::words::tree::{Entry, Tree};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A wheel that pip accepts.
fn wheel() -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in [
        ("tool.py", "answer = 42\n"),
        ("tool-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tool\nVersion: 1.0\n"),
        ("tool-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"),
        ("tool-1.0.dist-info/RECORD", "tool.py,,\n"),
    ] {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

/// A small mirror with every kind of file; its folder as a web server has it.
fn published(folder: &Path) -> PathBuf {
    let wheel = wheel();
    let name = "tool-1.0-py3-none-any.whl";
    let link = format!("<a href=\"../../packages/{name}#sha256={}\">{name}</a>", Sha256::of(&wheel));
    let large: Vec<u8> = (0..2_000_000u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 11) as u8).collect();
    let mut tree = Tree::default();
    for (path, bytes) in [
        ("mirror_maven/org/example/a/1.0/a-1.0.jar", large.as_slice()),
        ("mirror_maven/org/example/a/1.0/a-1.0.pom", b"<project/>"),
        ("mirror_maven/org/example/a/1.0/a-1.0.jar.sha1", b"0000"),
        (&format!("mirror_python/packages/{name}"), &wheel),
        ("mirror_python/simple/tool/index.html", link.as_bytes()),
        ("mirror_python/simple/tool/index.html.gz", &gzip(link.as_bytes())),
        ("mirror_python/simple/index.html", b"<a href=\"tool/\">tool</a>"),
        ("mirror_misc/a b+c~1.tar.gz", b"a name with everything"),
        ("mirror_misc/empty", b""),
    ] {
        tree.insert(SafePath::new(path).unwrap(), Entry::file(bytes)).unwrap();
    }
    let (store, mirror) = (Store::open(&folder.join("store")).unwrap(), folder.join("mirror"));
    let signer = Signer::load_or_make(&folder.join("key")).unwrap();
    publish(&mirror, &tree, Sha256::of(b"lock"), &store, &signer).unwrap();
    mirror
}

/// The three ways, each as an address without a closing slash.
fn ways(folder: &Path, nginx: Option<&Nginx>, ours: &serve::Server) -> Vec<String> {
    let mut ways = vec![format!("http://{}", ours.address), format!("file://{}", folder.display())];
    match nginx {
        Some(nginx) => ways.push(nginx.url.clone()),
        None => left_out!("the mirror under nginx: nginx is not installed"),
    }
    ways
}

fn escaped(path: &str) -> String {
    path.replace(' ', "%20")
}

#[test]
fn every_file_is_the_same_by_every_way() {
    let folder = tempfile::tempdir().unwrap();
    let mirror = published(folder.path());
    let served = current(&mirror);
    let ours = serve::start(&mirror, "127.0.0.1:0".parse().unwrap()).unwrap();
    let nginx = Nginx::serve(&served).ok();
    let list = Generation::parse(&std::fs::read_to_string(served.join(LIST)).unwrap()).unwrap();
    let paths = list.files.keys().map(|path| path.to_string()).chain([LIST, SIGNATURE, PUBLIC_KEY].map(str::to_owned));
    for path in paths {
        let wanted = std::fs::read(served.join(&path)).unwrap();
        for way in ways(&served, nginx.as_ref(), &ours) {
            let mut curl = Command::new("curl");
            curl.args(["--silent", "--show-error", "--fail", &format!("{way}/{}", escaped(&path))]);
            let output = curl.env("no_proxy", "*").output().unwrap();
            assert!(output.status.success() && output.stdout == wanted, "{way} {path}");
        }
    }
}

#[test]
fn pip_installs_by_every_way() {
    let folder = tempfile::tempdir().unwrap();
    let mirror = published(folder.path());
    let served = current(&mirror);
    let ours = serve::start(&mirror, "127.0.0.1:0".parse().unwrap()).unwrap();
    let nginx = Nginx::serve(&served).ok();
    for (at, way) in ways(&served, nginx.as_ref(), &ours).iter().enumerate() {
        let target = folder.path().join(format!("target-{at}"));
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--no-cache-dir", "--isolated", "--target"]).arg(&target);
        pip.args(["--index-url", &format!("{way}/mirror_python/simple"), "tool"]).env_remove("PIP_FIND_LINKS");
        let output = pip.env("no_proxy", "*").output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if said.contains("No module named pip") {
            left_out!("pip against the mirror: pip is not installed");
            return;
        }
        assert!(output.status.success() && target.join("tool.py").is_file(), "{way}: {said}");
    }
}
