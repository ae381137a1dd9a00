//! Cold fetch and verification of 400 files (1.5 GB) from nginx on loopback, against curl, aria2 and what the machine can.
//! Each way starts with an empty folder; the best of several rounds counts. It prints a table for `benches/README.md`.
//! Not here: any bound that a test asserts; figures differ between machines, ratios less.

use pnda::words::digest::Sha256;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Sizes as on a real mirror: a few distributions, many jars.
const LARGE: (usize, usize) = (4, 150 << 20);
const SMALL: (usize, usize) = (396, 2_300_000);
const ROUNDS: usize = 3;

/// The files, the server, and a folder for each try.
struct Bench {
    folder: tempfile::TempDir,
    url: String,
    names: Vec<String>,
    bytes: u64,
    nginx: Child,
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = self.nginx.kill();
        let _ = self.nginx.wait();
    }
}

impl Bench {
    fn new() -> io::Result<Bench> {
        let folder = tempfile::tempdir_in(".")?;
        let site = folder.path().join("site");
        fs::create_dir(&site)?;
        let mut random = fastrand::Rng::with_seed(4);
        let (mut names, mut bytes, mut manifest, mut sums) = (Vec::new(), 0, String::new(), String::new());
        for (at, size) in sizes().into_iter().enumerate() {
            let mut body = vec![0; size];
            random.fill(&mut body);
            let (name, sha256) = (format!("file-{at}.jar"), Sha256::of(&body));
            fs::write(site.join(&name), &body)?;
            bytes += size as u64;
            manifest.push_str(&format!(
                "[[file]]\nid = \"f{at}\"\nurls = [\"$UP/{name}\"]\nsha256 = \"{sha256}\"\npath = \"mirror_misc/{name}\"\n"
            ));
            sums.push_str(&format!("{sha256}  {name}\n"));
            names.push(name);
        }
        let (nginx, url) = serve(folder.path(), &site)?;
        let bench = Bench { url, names, bytes, nginx, folder };
        fs::create_dir(bench.path("manifests"))?;
        fs::write(bench.path("manifests/m.toml"), manifest.replace("$UP", &bench.url))?;
        fs::write(bench.path("sums"), sums)?;
        let urls: Vec<String> = bench.names.iter().map(|name| format!("{}/{name}", bench.url)).collect();
        fs::write(bench.path("urls"), urls.join("\n") + "\n")?;
        run(bench.pnda("lock", "first"))?;
        fs::remove_dir_all(bench.path("first"))?;
        Ok(bench)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn pnda(&self, command: &str, store: &str) -> Command {
        let mut pnda = Command::new(env!("CARGO_BIN_EXE_pnda"));
        pnda.args(["mirror", command, "--quiet", "--manifests"]).arg(self.path("manifests"));
        pnda.arg("--store").arg(self.path(store));
        pnda
    }

    /// One try, into a folder of its own that is gone afterwards.
    fn took(&self, way: Way) -> io::Result<Duration> {
        let target = self.path("target");
        fs::create_dir(&target)?;
        sync(self.folder.path())?;
        let began = Instant::now();
        match way {
            Way::Ours => run(self.pnda("fetch", "target/store"))?,
            Way::Floor => self.floor(&target)?,
            Way::Aria2 => self.shell(&target, ARIA2)?,
            Way::Serial => self.shell(&target, SERIAL)?,
        }
        let took = began.elapsed();
        fs::remove_dir_all(&target)?;
        Ok(took)
    }

    fn shell(&self, folder: &Path, script: &str) -> io::Result<()> {
        let mut shell = Command::new("sh");
        shell.args(["-euc", script]).current_dir(folder).env("URLS", self.path("urls")).env("SUMS", self.path("sums"));
        run(shell)
    }

    /// What disk and digest alone take: two threads read, hash and write all of it, and then it is made durable.
    fn floor(&self, target: &Path) -> io::Result<()> {
        let todo = Mutex::new(self.names.iter());
        let copy = |name: &String| -> io::Result<Sha256> {
            let (mut from, mut to) = (File::open(self.path("site").join(name))?, File::create(target.join(name))?);
            let (mut hasher, mut buffer) = (pnda::words::digest::Hasher::default(), vec![0; 128 * 1024]);
            loop {
                let count = from.read(&mut buffer)?;
                if count == 0 {
                    return Ok(hasher.finish());
                }
                hasher.update(&buffer[..count]);
                to.write_all(&buffer[..count])?;
            }
        };
        let worker = || {
            while let Some(name) = todo.lock().ok().and_then(|mut todo| todo.next()) {
                copy(name)?;
            }
            io::Result::Ok(())
        };
        std::thread::scope(|scope| {
            let (one, two) = (scope.spawn(worker), scope.spawn(worker));
            one.join().map_err(|_| io::Error::other("a thread failed"))??;
            two.join().map_err(|_| io::Error::other("a thread failed"))?
        })?;
        sync(target)
    }

    /// The largest resident set of a fetch, in KiB.
    fn memory(&self) -> io::Result<u64> {
        let mut child = self.pnda("fetch", "memory").stdout(Stdio::null()).spawn()?;
        let mut most = 0;
        while child.try_wait()?.is_none() {
            let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            most = most.max(line.and_then(|line| line.trim().split(' ').next()?.parse().ok()).unwrap_or(0));
            std::thread::sleep(Duration::from_millis(20));
        }
        fs::remove_dir_all(self.path("memory"))?;
        Ok(most)
    }
}

fn sizes() -> Vec<usize> {
    let large = std::iter::repeat_n(LARGE.1, LARGE.0);
    large.chain((0..SMALL.0).map(|at| SMALL.1 / 2 + at * SMALL.1 / SMALL.0)).collect()
}

/// nginx as a static server with its usual settings, in the foreground and with everything below one folder.
fn serve(folder: &Path, site: &Path) -> io::Result<(Child, String)> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let (folder, site) = (folder.canonicalize()?, site.canonicalize()?);
    let own = |name: &str| folder.join(name).display().to_string();
    let text = format!(
        "daemon off; master_process off; pid {}; error_log {};\nevents {{}}\nhttp {{ access_log off; sendfile on;\n\
         client_body_temp_path {t}; proxy_temp_path {t}; fastcgi_temp_path {t}; uwsgi_temp_path {t}; scgi_temp_path {t};\n\
         server {{ listen 127.0.0.1:{port}; root {}; }} }}\n",
        own("pid"),
        own("log"),
        site.display(),
        t = own("temporary")
    );
    fs::write(folder.join("nginx.conf"), text)?;
    let nginx = Command::new("nginx").arg("-c").arg(folder.join("nginx.conf")).stderr(Stdio::null()).spawn()?;
    for _ in 0..500 {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Ok((nginx, format!("http://127.0.0.1:{port}")));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Err(io::Error::other("nginx does not listen"))
}

fn run(mut command: Command) -> io::Result<()> {
    let status = command.stdout(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("{command:?}: {status}"))) }
}

/// Waits until the file system has everything on its disk.
fn sync(folder: &Path) -> io::Result<()> {
    rustix::fs::syncfs(File::open(folder)?).map_err(io::Error::from)
}

/// What PNDA's scripts do: one file after another, and the sum of each.
const SERIAL: &str = "while read -r url; do curl -sS -LOJf \"$url\"; sha512sum \"${url##*/}\" >\"${url##*/}.sha512.txt\"; done <\"$URLS\"";
/// aria2 with the connections that it may be given, and a check by the common tool.
const ARIA2: &str =
    "aria2c -q -j 6 -x 4 -s 4 -k 16M --file-allocation=none -i \"$URLS\"; sha256sum --quiet -c \"$SUMS\"";

#[derive(Clone, Copy)]
enum Way {
    Floor,
    Ours,
    Aria2,
    Serial,
}

const WAYS: [(Way, &str); 4] = [
    (Way::Floor, "disk and digest alone, 2 threads"),
    (Way::Ours, "`pnda mirror fetch`, durable and verified"),
    (Way::Aria2, "`aria2c` + `sha256sum`"),
    (Way::Serial, "PNDA's way: serial `curl` + `sha512sum`"),
];

fn main() -> io::Result<()> {
    let bench = Bench::new()?;
    let mut best = [Duration::MAX; WAYS.len()];
    // Round by round, so that what else the machine does falls on all alike.
    for _ in 0..ROUNDS {
        for (best, (way, _)) in best.iter_mut().zip(WAYS) {
            *best = bench.took(way)?.min(*best);
        }
    }
    let ours = best[Way::Ours as usize].as_secs_f64();
    let mut out = io::stdout().lock();
    writeln!(out, "| way | seconds | MB/s | against pnda |\n|---|---|---|---|")?;
    for (took, (_, name)) in best.iter().zip(WAYS) {
        let seconds = took.as_secs_f64();
        writeln!(out, "| {name} | {seconds:.2} | {:.0} | {:.2} |", bench.bytes as f64 / 1e6 / seconds, seconds / ours)?;
    }
    writeln!(out, "\nLargest resident set of `pnda mirror fetch`: {} MiB.", bench.memory()? / 1024)
}
