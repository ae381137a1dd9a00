//! HTTP as it arrives: requests to the mirror's server, answers to the client.
//! Both run over real sockets; a server that gave up on a request for good would not answer the next.
//! Not here: TLS.

use super::said;
use crate::scripted::{Scripted, client};
use pnda::mirror::serve::{self, Server};
use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const BODY: &[u8] = b"0123456789abcdef";

/// Panics of the server's own threads, which no caller sees.
static PANICS: AtomicUsize = AtomicUsize::new(0);

static SERVER: LazyLock<(tempfile::TempDir, Server)> = LazyLock::new(|| {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let thread = std::thread::current();
        if thread.name().is_some_and(|name| name.starts_with("tokio") || name == "serve") {
            PANICS.fetch_add(1, Ordering::SeqCst);
        }
        before(info);
    }));
    let folder = tempfile::tempdir().unwrap();
    mirror(folder.path());
    let server = serve::start(folder.path(), "127.0.0.1:0".parse().unwrap()).unwrap();
    (folder, server)
});

fn mirror(folder: &Path) {
    let list = include_bytes!("../corpus/generation_list/plain.toml");
    fs::create_dir_all(folder.join("mirror_misc")).unwrap();
    fs::create_dir_all(folder.join("mirror_python/simple/app")).unwrap();
    fs::write(folder.join("generation.toml"), list).unwrap();
    fs::write(folder.join("mirror_misc/a.txt"), BODY).unwrap();
    fs::write(folder.join("mirror_python/simple/app/index.html"), "<html></html>").unwrap();
    fs::write(folder.join("mirror_python/simple/app/index.json"), "{}").unwrap();
}

pub fn request(bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(SERVER.1.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let mut answer = Vec::new();
    // A server that has seen enough may close before it was given everything.
    let asked = stream.write_all(bytes).and_then(|()| stream.shutdown(Shutdown::Write));
    let heard = asked.and_then(|()| stream.read_to_end(&mut answer));
    assert_eq!(PANICS.load(Ordering::SeqCst), 0, "the server panicked");
    let head = String::from_utf8_lossy(&answer[..answer.len().min(200)]).into_owned();
    let status = head.split_whitespace().nth(1).and_then(|text| text.parse::<u16>().ok());
    assert!(status.is_none_or(|status| status < 500), "{head}");
    // Letters, as outcomes are told apart by them.
    let status = status.map_or_else(String::new, |status| format!("status {}", "s".repeat(usize::from(status) % 97)));
    format!("{} {status}", heard.is_ok())
}

static ANSWERS: LazyLock<Scripted> = LazyLock::new(Scripted::start);

pub fn answer(bytes: &[u8]) -> String {
    // Wherever another place is named, the client would go there.
    if bytes.to_ascii_lowercase().windows(8).any(|word| word == b"location") {
        return "elsewhere".into();
    }
    ANSWERS.raw(bytes);
    let answer = client().get(&ANSWERS.location(), 5, "*/*");
    match answer {
        Ok(answer) => format!("{} {}", answer.is_part, said(&answer.body.take(1 << 20).read_to_end(&mut Vec::new()))),
        Err(error) => said(&Err::<(), _>(error)),
    }
}
