//! A mirror of one test with exactly the files that the test says, published, signed and served for real.
//! It asks with curl, and over sockets where curl is too well-behaved.
//! Not here: what is asserted.

use pnda::mirror::keys::Signer;
use pnda::mirror::publish::generation::publish;
use pnda::mirror::serve::{self, Server};
use pnda::mirror::store::Store;
use pnda::words::digest::Sha256;
use pnda::words::names::SafePath;
use pnda::words::tree::{Entry, Tree};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// A folder with a mirror, a store and a key.
pub struct Site {
    folder: tempfile::TempDir,
    store: Store,
    signer: Signer,
}

/// An answer: its head and its body.
#[derive(Debug)]
pub struct Answer {
    pub head: String,
    pub body: Vec<u8>,
}

impl Site {
    /// A mirror whose first generation holds these files.
    pub fn of(files: &[(&str, &[u8])]) -> Site {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store")).unwrap();
        let signer = Signer::load_or_make(&folder.path().join("key")).unwrap();
        let site = Site { folder, store, signer };
        site.publish(files);
        site
    }

    /// Publishes the next generation.
    pub fn publish(&self, files: &[(&str, &[u8])]) {
        let mut tree = Tree::default();
        for (path, bytes) in files {
            tree.insert(SafePath::new(*path).unwrap(), Entry::file(*bytes)).unwrap();
        }
        publish(&self.path("mirror"), &tree, Sha256::of(b"lock"), &self.store, &self.signer).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Serves it on a port of the system's choice.
    pub fn serve(&self) -> Server {
        serve::start(&self.path("mirror"), "127.0.0.1:0".parse().unwrap()).unwrap()
    }
}

impl Answer {
    /// The status of the answer.
    pub fn status(&self) -> u16 {
        self.head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default()
    }

    /// A header's value; nothing if it is not there.
    pub fn header(&self, name: &str) -> &str {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        let found = lines.into_iter().find(|(there, _)| there.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value.trim())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    fn read(bytes: &[u8]) -> Answer {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").map_or(bytes.len(), |at| at + 4);
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        Answer { head, body: bytes[end..].to_vec() }
    }
}

/// Asks with curl.
pub fn curl(arguments: &[&str]) -> Answer {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--include", "--path-as-is", "--max-time", "30"]).args(arguments);
    let output = command.env_remove("http_proxy").env("no_proxy", "*").output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Answer::read(&output.stdout)
}

/// Sends these bytes as they are, and reads until the server closes or half a minute has gone by.
pub fn raw(address: SocketAddr, request: &str) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    Answer::read(&bytes)
}
