//! `pnda try`: the whole thing on one machine, without root, under one folder, made of the real pieces.
//! It builds the mirror, serves it, renders `clusters/pico.toml`, runs the node's `install.sh`, starts its services.
//! Not here: a second way of doing any of that.

use super::failure::{FAILED, Failure, Outcome, USAGE, say};
use super::mirror::{Built, Places, Wanted, build, home_folder};
use super::render::{one_tree, render};
use crate::cluster;
use crate::mirror::{folder, serve};
use crate::words::event::{Event, Tell};
use crate::words::names::Word;
use crate::words::node::{self, Node};
use crate::words::problem::Source;
use children::Children;
use clap::Args;
use rustix::fs::{FlockOperation, flock};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

mod children;
mod job;

/// The cluster that is tried.
const CLUSTER: &str = "pico.toml";

/// Options of `pnda try`.
#[derive(Args)]
pub struct Arguments {
    /// The folder under which everything happens [default: ~/.local/share/pnda/try]
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
    /// Check that everything works, stop it again, and exit: 0 if it did.
    #[arg(long)]
    once: bool,
    #[command(flatten)]
    places: Places,
}

/// What is running, for people.
struct Trial {
    folder: PathBuf,
    ports: Ports,
    built: Built,
    _server: serve::Server,
}

/// The ports of one trial, all on loopback.
#[derive(Clone, Copy)]
struct Ports {
    mirror: u16,
    history_server: u16,
    agent: u16,
}

impl Ports {
    /// The usual ones, or for each that is taken the next that is free.
    fn choose() -> Result<Ports, Failure> {
        Ok(Ports { mirror: free_port(18080)?, history_server: free_port(18180)?, agent: free_port(18280)? })
    }
}

/// The first port from `first` on that nobody uses on loopback.
fn free_port(first: u16) -> Result<u16, Failure> {
    let found = (first..first + 40).find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok());
    found.ok_or_else(|| Failure::new(FAILED, format!("no port from {first} on is free")))
}

/// Runs it.
pub fn run(arguments: &Arguments) -> Outcome {
    let folder = arguments.dir.clone().or_else(|| home_folder("XDG_DATA_HOME", ".local/share").map(|f| f.join("try")));
    let folder = folder.ok_or_else(|| Failure::new(USAGE, "no home folder is known; give --dir FOLDER"))?;
    fs::create_dir_all(&folder)?;
    let folder = fs::canonicalize(folder)?;
    let progress = arguments.places.progress();
    let tell = |event| progress.tell(event);
    let _alone = alone(&folder)?;
    children::stop_strays(&folder)?;
    let (trial, node) = prepare(folder, &arguments.places, &tell)?;
    let stopped = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, stopped.clone())?;
    }
    let mut children = Children::start(&node, &trial.folder, &tell)?;
    let outcome = use_it(&trial, &mut children, &stopped, arguments.once, &tell);
    tell(Event::Note("stopping every service".into()));
    children.stop();
    outcome
}

/// Keeps a second trial of the same folder out: it would end the services of the first.
fn alone(folder: &Path) -> Result<fs::File, Failure> {
    let file = fs::File::create(folder.join("lock"))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(_) => Err(Failure::new(FAILED, format!("another trial runs in {}; name another --dir", folder.display()))),
    }
}

/// Everything up to a node that is installed.
fn prepare(folder: PathBuf, places: &Places, tell: Tell) -> Result<(Trial, Node), Failure> {
    let places = Places { store: places.store.clone().or(Some(folder.join("store"))), ..places.clone() };
    let (mirror, wanted) = (folder.join("mirror"), Wanted::shipped()?);
    let built = build(&mirror, wanted, &folder.join("keys/mirror.key"), &std::env::current_exe()?, &places, tell)?;
    let ports = Ports::choose()?;
    let server = serve::start(&mirror, SocketAddr::from((Ipv4Addr::LOCALHOST, ports.mirror)))?;
    tell(Event::Note(format!("serving generation {} on http://{}/", built.generation, server.address)));
    let node_folder = render_node(&folder, &mirror, &built.public_key, ports)?;
    tell(Event::Note("installing the node with its own install.sh".into()));
    install(&node_folder)?;
    let node = read_node(&node_folder)?;
    Ok((Trial { folder, ports, built, _server: server }, node))
}

/// Renders the shipped cluster into the folder; gives the only node's folder.
fn render_node(folder: &Path, mirror: &Path, key: &str, ports: Ports) -> Result<PathBuf, Failure> {
    let clusters = cluster::example_clusters();
    let text = clusters.get(CLUSTER).map(String::as_str).unwrap_or_default();
    let file = format!("clusters/{CLUSTER}");
    let set = |name: &str, value: String| (name.to_owned(), value);
    let overrides = vec![
        set("mirror.url", format!("http://127.0.0.1:{}", ports.mirror)),
        set("flink.history_server.port", ports.history_server.to_string()),
        set("flink.history_server.refresh", "1s".into()),
        set("agent.listen", format!("127.0.0.1:{}", ports.agent)),
        set("agent.interval", "4s".into()),
    ];
    let root = folder.join("node").display().to_string();
    let rendered = render(Source { file: &file, text }, mirror, key, overrides, Some(root))?;
    folder::replace_tree(&one_tree(&rendered)?, &folder.join("cluster"))?;
    let node: Option<&Word> = rendered.nodes.keys().next();
    let node = node.ok_or_else(|| Failure::new(FAILED, format!("{file} has no node")))?;
    Ok(folder.join("cluster").join(node.as_str()))
}

fn install(node_folder: &Path) -> Result<(), Failure> {
    let script = node_folder.join("install.sh");
    let status = Command::new("sh").arg(&script).stdout(std::io::stderr()).status()?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::new(FAILED, format!("{} failed: {status}", script.display())))
}

fn read_node(node_folder: &Path) -> Result<Node, Failure> {
    Ok(toml::from_str(&fs::read_to_string(node_folder.join(node::DOCUMENT))?)?)
}

/// Waits for health, runs the job, says what is there, and stays until it is told to stop.
fn use_it(trial: &Trial, children: &mut Children, stopped: &AtomicBool, once: bool, tell: Tell) -> Outcome {
    let service = job::Service::new(trial.ports.history_server, trial.ports.agent);
    tell(Event::Note("waiting for the history server and the agent".into()));
    service.wait_until_healthy(children, stopped)?;
    if !service.has_finished_job()? {
        tell(Event::Note("running a small Flink batch job".into()));
        job::run(&trial.folder, stopped)?;
        service.wait_for_job(children, stopped)?;
        service.wait_until_healthy(children, stopped)?;
    }
    say(&summary(trial, &service)?)?;
    if once {
        return Ok(ExitCode::SUCCESS);
    }
    say("\nCtrl-C stops everything; the next `pnda try` starts from what is here.")?;
    while !stopped.load(Ordering::Relaxed) {
        children.check()?;
        std::thread::sleep(Duration::from_millis(200));
    }
    Ok(ExitCode::SUCCESS)
}

fn summary(trial: &Trial, service: &job::Service) -> Result<String, Failure> {
    let mut lines = vec![
        String::new(),
        format!("  mirror          http://127.0.0.1:{}/  generation {}", trial.ports.mirror, trial.built.generation),
        format!("  history server  http://127.0.0.1:{}/", trial.ports.history_server),
        format!("  agent           http://127.0.0.1:{}/health", trial.ports.agent),
        format!("  health          {}", service.health()?),
        format!("  flink           {}", trial.folder.join("node/usr/bin/flink").display()),
        format!("  everything in   {}", trial.folder.display()),
        String::new(),
        format!("  {:<32}  {:<40}  {:>8}  STATE", "JOB", "NAME", "SECONDS"),
    ];
    for job in service.jobs()? {
        let seconds = job.duration_ms as f64 / 1000.0;
        lines.push(format!("  {:<32}  {:<40}  {seconds:>8.1}  {}", job.id, job.name, job.state));
    }
    Ok(lines.join("\n"))
}
