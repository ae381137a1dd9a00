//! `pnda try`: the whole thing on one machine, without root, under one folder, made of the real pieces.
//! It builds the mirror, serves it, renders `clusters/pico.toml`, runs the node's `install.sh`, starts its services.
//! Not here: a second way of doing any of that.

use super::cluster::given::{decide_with, generation, setting};
use super::cluster::render::one_tree;
use super::failure::{FAILED, Failure, Outcome, USAGE, say};
use super::mirror::{Built, Places, Signing, Wanted, build, home_folder};
use crate::cluster;
use crate::mirror::{folder, serve};
use crate::words::event::{Event, Tell};
use crate::words::names::Word;
use crate::words::node::{self, Node};
use crate::words::problem::Source;
use children::Children;
use clap::Args;
use ports::Ports;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

mod children;
mod job;
mod ports;

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
    /// Start a broker of Kafka too.
    #[arg(long)]
    kafka: bool,
    /// The folder with the manifests and their lock [default: the shipped ones]
    #[arg(long, value_name = "FOLDER")]
    manifests: Option<PathBuf>,
    /// A setting of the cluster that the trial does not choose itself; may be given several times.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = setting)]
    set: Vec<(String, String)>,
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
    let (trial, node_folder) = prepare(folder, arguments, &tell)?;
    let node = read_node(&node_folder)?;
    let stopped = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, stopped.clone())?;
    }
    let mut children = Children::start(&node, &trial.folder, &trial.ports, &tell)?;
    // What goes into HDFS needs HDFS, which runs now.
    let outcome = install(&node_folder).and_then(|()| use_it(&trial, &mut children, &stopped, arguments.once, &tell));
    tell(Event::Note("stopping every service".into()));
    children.stop();
    outcome
}

/// Keeps a second trial of the same folder out: it would end the services of the first.
fn alone(folder: &Path) -> Result<fs::File, Failure> {
    let file = fs::File::create(folder.join("lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(_) => Err(Failure::new(FAILED, format!("another trial runs in {}; name another --dir", folder.display()))),
    }
}

/// Everything up to a node whose files are installed; gives its rendered folder.
fn prepare(folder: PathBuf, arguments: &Arguments, tell: Tell) -> Result<(Trial, PathBuf), Failure> {
    let places = &arguments.places;
    let places = Places { store: places.store.clone().or(Some(folder.join("store"))), ..places.clone() };
    let mirror = folder.join("mirror");
    let wanted = arguments.manifests.as_deref().map_or_else(Wanted::shipped, |own| Wanted::read(Some(own)))?;
    let built = build(
        &mirror,
        wanted,
        &Signing::with(folder.join("keys/mirror.key"), false),
        &std::env::current_exe()?,
        &places,
        tell,
    )?;
    let ports = Ports::hold()?;
    let server = serve::start(&mirror, SocketAddr::from((Ipv4Addr::LOCALHOST, ports.of("mirror"))))?;
    tell(Event::Note(format!("serving generation {} on http://{}/", built.generation, server.address)));
    let node_folder = render_node(&folder, &mirror, &built.public_key, &ports, arguments)?;
    tell(Event::Note("installing the node with its own install.sh".into()));
    install(&node_folder)?;
    Ok((Trial { folder, ports, built, _server: server }, node_folder))
}

/// Renders the shipped cluster into the folder; gives the only node's folder.
fn render_node(
    folder: &Path,
    mirror: &Path,
    key: &str,
    ports: &Ports,
    arguments: &Arguments,
) -> Result<PathBuf, Failure> {
    let clusters = cluster::example_clusters();
    let text = clusters.get(CLUSTER).map(String::as_str).unwrap_or_default();
    let file = format!("clusters/{CLUSTER}");
    let kafka = arguments.kafka;
    let set = |name: &str, value: String| (name.to_owned(), value);
    let me = user()?;
    let mut overrides = vec![
        set("mirror.url", ports.url("mirror")),
        set("stacks", if kafka { "hadoop,kafka" } else { "hadoop" }.into()),
        set("flink.history_server.refresh", "1s".into()),
        set("agent.listen", format!("127.0.0.1:{}", ports.of("agent"))),
        set("agent.interval", "4s".into()),
        set("hdfs.safemode_extension", "1ms".into()),
        set("hdfs.replication", "1".into()),
    ];
    overrides.extend(["hdfs.user", "pnda.user", "yarn.user"].map(|name| set(name, me.clone())));
    let chosen = ports.settings().filter(|(name, _)| kafka || !name.starts_with("kafka."));
    overrides.extend(chosen.map(|(name, port)| set(name, port.to_string())));
    overrides.extend(arguments.set.iter().cloned());
    let root = folder.join("node").display().to_string();
    let (source, held) = (Source { file: &file, text }, generation(mirror, &[key])?);
    let rendered = decide_with(source, Some(&held), &[key], overrides, Some(root), cluster::render)?;
    folder::replace_tree(&one_tree(&rendered)?, &folder.join("cluster"))?;
    let node: Option<&Word> = rendered.nodes.keys().next();
    let node = node.ok_or_else(|| Failure::new(FAILED, format!("{file} has no node")))?;
    Ok(folder.join("cluster").join(node.as_str()))
}

/// The name of whoever runs this: as which everything runs.
fn user() -> Result<String, Failure> {
    let output = Command::new("id").arg("-un").output()?;
    let name = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let nameless = || Failure::new(FAILED, "this user has no name, and Hadoop wants one: run it as another");
    if output.status.success() { Ok(name) } else { Err(nameless()) }
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
fn use_it(trial: &Trial, children: &mut Children<'_>, stopped: &AtomicBool, once: bool, tell: Tell) -> Outcome {
    let service = job::Service::new(&trial.ports);
    tell(Event::Note("waiting for the agent to call everything well, and for YARN to have a worker".into()));
    service.wait_until_healthy(children, stopped)?;
    if !service.has_finished_job()? {
        tell(Event::Note("running a small Flink application on YARN".into()));
        job::run(&trial.folder, children, stopped)?;
        service.wait_for_job(children, stopped)?;
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
    let ports = &trial.ports;
    let mut lines = vec![
        String::new(),
        format!("  mirror          {}/  generation {}", ports.url("mirror"), trial.built.generation),
        format!("  HDFS            {}/  hdfs://127.0.0.1:{}", ports.url("hdfs.web_port"), ports.of("hdfs.port")),
        format!("  YARN            {}/", ports.url("yarn.web_port")),
        format!("  history server  {}/", ports.url("flink.history_server.port")),
        format!("  agent           {}/health", ports.url("agent")),
        format!("  health          {}", service.health()?),
        format!("  flink           {}", trial.folder.join("node/usr/bin/flink").display()),
        format!("  applications    pnda app --socket {} list", trial.folder.join(job::SOCKET).display()),
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
