//! Floods from one address against `pnda mirror serve` and nginx: what a new client waits for its answer meanwhile, from
//! another address and from the same, and what memory the server takes. Loopback only; every flood ends after its time.
//! Not here: any bound that a test asserts. `cargo bench --bench flood -- PNDA`; it prints a table for `benches/README.md`.

#[path = "../tests/common/h2.rs"]
mod h2;

use pnda::words::digest::Sha256;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::fs;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::{TcpSocket, TcpStream};
use tokio::runtime::Runtime;
use tokio::time::timeout;

/// How long each flood lasts; probes come in its second half.
const FLOOD: Duration = Duration::from_secs(30);
const PROBES: usize = 10;
/// A probe that has no answer by then counts as this.
const GIVEN_UP: Duration = Duration::from_secs(10);
const LARGE: usize = 200_000_000;
const FILES: u64 = 16_384;
const SAME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const OTHER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// What one connection of a flood does, again and again.
#[derive(Clone, Copy)]
enum Flood {
    /// Asks every four seconds and keeps the connection.
    Kept,
    /// Asks for the largest file and takes 4 KiB of it every 15 seconds.
    Slow,
    /// Asks for it over 32 streams of HTTP/2 and takes nothing.
    Unread,
    /// Sends a byte of a head every two seconds.
    Heads,
}

const FLOODS: [(&str, Flood, usize); 4] = [
    ("4,096 kept connections", Flood::Kept, 4096),
    ("4,096 slow readers", Flood::Slow, 4096),
    ("1,500 × 32 streams of HTTP/2, unread", Flood::Unread, 1500),
    ("4,096 heads without an end", Flood::Heads, 4096),
];

/// A server, ended with this.
struct Server {
    name: &'static str,
    child: Child,
    address: SocketAddr,
    /// Where it speaks HTTP/2 without TLS.
    second: SocketAddr,
}

impl Drop for Server {
    fn drop(&mut self) {
        // nginx ends its workers when it is asked to, and not when it is killed.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let end = Instant::now() + Duration::from_secs(5);
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < end {
            sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn main() -> io::Result<()> {
    let program = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let program = fs::canonicalize(program.unwrap_or("target/release/pnda".to_owned()))?;
    let limit = Rlimit { current: Some(FILES), maximum: getrlimit(Resource::Nofile).maximum };
    setrlimit(Resource::Nofile, limit)?;
    let folder = tempfile::tempdir()?;
    make(folder.path())?;
    let mut out = io::stdout();
    writeln!(out, "| flood | server | from another address | from the same | largest resident set |")?;
    writeln!(out, "|---|---|---|---|---|")?;
    for (name, flood, count) in FLOODS {
        for start in [ours, theirs] {
            let server = start(&program, folder.path())?;
            let row = measure(&server, flood, count)?;
            writeln!(out, "| {name} | {} | {row} |", server.name)?;
        }
    }
    Ok(())
}

/// A mirror of a small and a large file.
fn make(folder: &Path) -> io::Result<()> {
    let mut large = vec![0; LARGE];
    fastrand::Rng::with_seed(1).fill(&mut large);
    let mut list = format!("format = 1\nnumber = 1\nlock = \"{}\"\n", Sha256::of(b""));
    for (name, bytes) in [("large.bin", &large[..]), ("small.txt", b"small")] {
        let (size, sha256) = (bytes.len(), Sha256::of(bytes));
        list.push_str(&format!("\n[[file]]\npath = \"{name}\"\nsize = {size}\nsha256 = \"{sha256}\"\n"));
        fs::create_dir_all(folder.join("site"))?;
        fs::write(folder.join("site").join(name), bytes)?;
    }
    fs::write(folder.join("site/generation.toml"), list)
}

fn ours(program: &Path, folder: &Path) -> io::Result<Server> {
    let address = free()?;
    let mut command = Command::new(program);
    command.args(["mirror", "serve", "--listen", &address.to_string(), "--mirror"]).arg(folder.join("site"));
    started("pnda", command, address, address)
}

fn theirs(_: &Path, folder: &Path) -> io::Result<Server> {
    let (address, second) = (free()?, free()?);
    let (site, pid) = (folder.join("site"), folder.join("nginx.pid"));
    let text = format!(
        "user root;\nworker_processes 2;\nworker_rlimit_nofile {FILES};\ndaemon off;\npid {};\nerror_log /dev/null;\n\
         events {{ worker_connections 2048; }}\nhttp {{ sendfile on; access_log off; root {};\n\
         server {{ listen {address}; listen {second} http2; }} }}\n",
        pid.display(),
        site.display(),
    );
    let file = folder.join("nginx.conf");
    fs::write(&file, text)?;
    let mut command = Command::new("nginx");
    command.arg("-c").arg(file).stderr(Stdio::null());
    started("nginx", command, address, second)
}

fn free() -> io::Result<SocketAddr> {
    std::net::TcpListener::bind((SAME, 0))?.local_addr()
}

/// Starts a server; one that ends or does not answer is an error, and nothing of it is left.
fn started(name: &'static str, mut command: Command, address: SocketAddr, second: SocketAddr) -> io::Result<Server> {
    let mut server = Server { name, child: command.stdout(Stdio::null()).spawn()?, address, second };
    let end = Instant::now() + Duration::from_secs(10);
    let mut answers = false;
    while !answers {
        // It may be somebody else who answers.
        sleep(Duration::from_millis(200));
        answers = answered(address, SAME, Duration::from_secs(1)).unwrap_or(false);
        if let Some(status) = server.child.try_wait()? {
            return Err(io::Error::other(format!("{name} does not start: {status}")));
        }
        if Instant::now() > end {
            return Err(io::Error::other(format!("{name} does not answer")));
        }
    }
    Ok(server)
}

/// Lets a flood come, asks meanwhile, and gives the cells of its row.
fn measure(server: &Server, flood: Flood, count: usize) -> io::Result<String> {
    let runtime = Runtime::new()?;
    let end = Instant::now() + FLOOD;
    let address = if matches!(flood, Flood::Unread) { server.second } else { server.address };
    for at in 0..count {
        runtime.spawn(connections(flood, address, Duration::from_millis(at as u64), end));
    }
    sleep(FLOOD / 3);
    let [other, same] = [OTHER, SAME].map(|from| probes(server.address, from));
    let peak = peak(server.child.id())?;
    runtime.shutdown_background();
    Ok(format!("{other} | {same} | {:.0} MiB", peak as f64 / 1024.0))
}

/// A place in a flood: a connection, and when it was ended another, until the time is over.
async fn connections(flood: Flood, address: SocketAddr, begin: Duration, end: Instant) {
    tokio::time::sleep(begin).await;
    while Instant::now() < end {
        if let Ok(mut stream) = TcpStream::connect(address).await {
            let _ = timeout(end.saturating_duration_since(Instant::now()), one(flood, &mut stream)).await;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn one(flood: Flood, stream: &mut TcpStream) -> io::Result<()> {
    let mut part = vec![0; 4096];
    match flood {
        Flood::Kept => loop {
            stream.write_all(b"HEAD /small.txt HTTP/1.1\r\nHost: localhost\r\n\r\n").await?;
            if stream.read(&mut part).await? == 0 {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_secs(4)).await;
        },
        Flood::Slow => {
            stream.write_all(b"GET /large.bin HTTP/1.1\r\nHost: localhost\r\n\r\n").await?;
            while stream.read(&mut part).await? > 0 {
                tokio::time::sleep(Duration::from_secs(15)).await;
            }
            Ok(())
        }
        Flood::Unread => {
            stream.write_all(&h2::ask("/large.bin", 32)).await?;
            while !stream.ready(Interest::READABLE).await?.is_read_closed() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            Ok(())
        }
        Flood::Heads => {
            stream.write_all(b"GET /small.txt HTTP/1.1\r\nHost: localhost\r\nX: ").await?;
            loop {
                tokio::time::sleep(Duration::from_secs(2)).await;
                stream.write_all(b"x").await?;
            }
        }
    }
}

/// The middle and the longest of several waits for an answer; a client that is sent away comes again.
fn probes(address: SocketAddr, from: IpAddr) -> String {
    let mut waits: Vec<Duration> = (0..PROBES).map(|_| probe(address, from)).collect();
    waits.sort();
    let seconds = |wait: Duration| match wait {
        GIVEN_UP => "none".to_owned(),
        wait => format!("{:.0} ms", wait.as_secs_f64() * 1e3),
    };
    format!("{}, at most {}", seconds(waits[PROBES / 2]), seconds(waits[PROBES - 1]))
}

fn probe(address: SocketAddr, from: IpAddr) -> Duration {
    sleep(Duration::from_millis(200));
    let begin = Instant::now();
    while begin.elapsed() < GIVEN_UP {
        if answered(address, from, GIVEN_UP.saturating_sub(begin.elapsed())).is_ok_and(|answered| answered) {
            return begin.elapsed();
        }
        sleep(Duration::from_millis(5));
    }
    GIVEN_UP
}

/// Whether a new connection from this address has an answer within a time.
fn answered(address: SocketAddr, from: IpAddr, within: Duration) -> io::Result<bool> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let connect = async {
        let socket = TcpSocket::new_v4()?;
        socket.bind((from, 0).into())?;
        let mut stream = socket.connect(address).await?;
        stream.write_all(b"GET /small.txt HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
        let mut text = String::new();
        stream.read_to_string(&mut text).await?;
        io::Result::Ok(text.ends_with("small"))
    };
    runtime.block_on(async { timeout(within, connect).await }).unwrap_or(Ok(false))
}

/// What a server and its workers held at most, in KiB.
fn peak(id: u32) -> io::Result<u64> {
    let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children"))?;
    let ids = [id].into_iter().chain(children.split_whitespace().filter_map(|child| child.parse().ok()));
    let of = |id: u32| {
        let mut status = String::new();
        fs::File::open(format!("/proc/{id}/status"))?.read_to_string(&mut status)?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0 kB");
        line.trim().trim_end_matches(" kB").trim().parse::<u64>().map_err(io::Error::other)
    };
    ids.map(of).sum()
}
