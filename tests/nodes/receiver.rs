//! Receives what agents send to Graphite: keeps every line with its sender, and hands the same bytes to a real carbon.
//! The carbon is Debian's, with a configuration and a data folder of the test's own.
//! Not here: what the lines should say.

use crate::ground::{Ground, HUB, Running};
use crate::machine;
use crate::shell::until;
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Where agents send; every Graphite's own port.
pub(crate) const PORT: u16 = 2003;

/// Where the carbon behind it listens.
const CARBON_PORT: u16 = 2103;

/// Listens on the hub until it is dropped.
pub(crate) struct Receiver {
    lines: Arc<Mutex<Vec<(String, String)>>>,
    stop: Arc<AtomicBool>,
}

impl Receiver {
    /// Listens; what comes is also sent on to the carbon, if there is one.
    pub(crate) fn listen(ground: &Ground, carbon: Option<&Carbon>) -> Receiver {
        let listener = ground.at_hub(|| TcpListener::bind((HUB, PORT)).expect("nobody else is on the hub"));
        listener.set_nonblocking(true).expect("a listener can be asked");
        let receiver = Receiver { lines: Arc::default(), stop: Arc::default() };
        let (lines, stop, forward) = (Arc::clone(&receiver.lines), Arc::clone(&receiver.stop), carbon.is_some());
        let serve = move || {
            while !stop.load(Ordering::Relaxed) {
                match listener.accept() {
                    Ok((stream, _)) => keep(stream, forward, &lines),
                    Err(_) => std::thread::sleep(Duration::from_millis(20)),
                }
            }
        };
        // A thread begins where the one stands that started it: its own connections are made from the hub.
        ground.at_hub(|| std::thread::spawn(serve));
        receiver
    }

    /// How many lines came until now: a point in time, for `wait`.
    pub(crate) fn now(&self) -> usize {
        self.lines().len()
    }

    /// Who sent lines of this metric until now.
    pub(crate) fn senders(&self, name: &str) -> Vec<String> {
        let start = format!("{name} ");
        let of_it = |(from, line): &(String, String)| line.starts_with(&start).then(|| from.clone());
        let senders: BTreeSet<String> = self.lines().iter().filter_map(of_it).collect();
        senders.into_iter().collect()
    }

    /// Waits for a line of these two words, sent after that point by that address.
    #[track_caller]
    pub(crate) fn wait(&self, since: usize, from: &str, name: &str, value: &str) {
        let start = format!("{name} {value} ");
        let came = |lines: &[(String, String)]| lines.iter().any(|(ip, line)| ip == from && line.starts_with(&start));
        until(&format!("`{start}` from {from}"), Duration::from_secs(60), || {
            came(&self.lines()[since..]).then_some(())
        });
    }

    fn lines(&self) -> std::sync::MutexGuard<'_, Vec<(String, String)>> {
        self.lines.lock().expect("no thread panics with it")
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn keep(stream: TcpStream, forward: bool, kept: &Mutex<Vec<(String, String)>>) {
    let mut onward = forward.then(|| TcpStream::connect((HUB, CARBON_PORT)).expect("carbon listens"));
    stream.set_nonblocking(false).expect("a stream can be asked");
    let from = stream.peer_addr().map(|address| address.ip().to_string()).unwrap_or_default();
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        if let Some(onward) = &mut onward {
            writeln!(onward, "{line}").expect("carbon takes lines");
        }
        kept.lock().expect("no thread panics with it").push((from.clone(), line));
    }
}

/// A real carbon-cache on the hub.
pub(crate) struct Carbon {
    data: PathBuf,
    program: Running,
}

impl Carbon {
    /// Starts it; none where Debian's package is not installed, which it says.
    pub(crate) fn start(ground: &Ground) -> Option<Carbon> {
        if !machine::has("carbon-cache") {
            machine::left_out("nodes: a real carbon", "the program `carbon-cache` is not installed");
            return None;
        }
        let (folder, data) = (ground.folder("carbon"), ground.folder("carbon/data"));
        let configuration = configuration(&folder, &data);
        fs::write(folder.join("carbon.conf"), configuration).expect("the ground's folder is writable");
        let schema = "[all]\npattern = .*\nretentions = 1s:1h\n";
        fs::write(folder.join("storage-schemas.conf"), schema).expect("the ground's folder is writable");
        let file = folder.join("carbon.conf");
        let arguments = ["--nodaemon", "--config", &file.to_string_lossy(), "start"].map(str::to_owned);
        let program = ground.start(Path::new("carbon-cache"), &arguments.each_ref().map(String::as_str));
        let mut carbon = Carbon { data, program };
        until("carbon listens", Duration::from_secs(30), || {
            assert!(carbon.program.runs(), "carbon does not start:\n{}", carbon.program.said());
            ground.at_hub(|| TcpStream::connect((HUB, CARBON_PORT)).ok())
        });
        Some(carbon)
    }

    /// Waits until a metric has a file of its own.
    pub(crate) fn wait(&self, metric: &str) {
        let file = self.data.join(metric.replace('.', "/")).with_extension("wsp");
        until(&format!("carbon keeps {metric}"), Duration::from_secs(60), || file.is_file().then_some(()));
    }

    /// Whether it refused to make a file for a metric.
    pub(crate) fn lacks(&self, metric: &str) -> bool {
        !self.data.join(metric.replace('.', "/")).with_extension("wsp").exists()
    }
}

fn configuration(folder: &Path, data: &Path) -> String {
    let (folder, data) = (folder.display(), data.display());
    format!(
        "[cache]\nSTORAGE_DIR = {folder}\nCONF_DIR = {folder}\nLOG_DIR = {folder}\nPID_DIR = {folder}\n\
        LOCAL_DATA_DIR = {data}\nUSER =\nMAX_CREATES_PER_MINUTE = inf\nENABLE_LOGROTATION = False\n\
        LINE_RECEIVER_INTERFACE = {HUB}\nLINE_RECEIVER_PORT = {CARBON_PORT}\n\
        PICKLE_RECEIVER_INTERFACE = {HUB}\nPICKLE_RECEIVER_PORT = 2104\n\
        CACHE_QUERY_INTERFACE = {HUB}\nCACHE_QUERY_PORT = 7002\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_from_a_node_is_kept_and_reaches_a_real_carbon() {
        let Some(ground) = Ground::with(&["node"]) else { return };
        let carbon = Carbon::start(&ground);
        let receiver = Receiver::listen(&ground, carbon.as_ref());
        let since = receiver.now();
        let send = format!("printf 'a.word OK %s\\na.level 0 %s\\n' $(date +%s) $(date +%s) > /dev/tcp/{HUB}/{PORT}");
        ground.node("node").run(&format!("bash -c \"{}\"", send.replace('$', "\\$"))).ok();
        receiver.wait(since, "10.77.0.2", "a.word", "OK");
        receiver.wait(since, "10.77.0.2", "a.level", "0");
        if let Some(carbon) = carbon {
            carbon.wait("a.level");
            assert!(carbon.lacks("a.word"), "a carbon keeps numbers alone");
        }
    }
}
