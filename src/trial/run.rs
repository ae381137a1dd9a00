//! A trial as it runs: it is prepared up to a node whose files are installed, then its services start and are used.
//! What ends it, an error, the user or its end, stops every service.
//! Not here: what is built on the mirror, and what is printed.

use crate::children::{self, Children};
use crate::error::Error;
use crate::job::{self, Service};
use crate::plan::Plan;
use disk::lock::{self, Hold};
use disk::regular::Links;
use disk::tree;
use mirror::serve;
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use words::event::{Event, Tell};
use words::generation::Generation;
use words::node::{self, Node};

/// A mirror that was built for the trial.
pub struct Mirror {
    /// Its list, as it was signed.
    pub list: Generation,
    /// The key that signed it.
    pub public_key: String,
}

/// Everything up to the services.
pub struct Prepared<'a> {
    plan: &'a Plan,
    generation: u64,
    node: Node,
    tell: Tell<'a>,
    _server: serve::Server,
    _alone: File,
}

/// A trial whose services run, and whose application has run.
pub struct Trial<'a> {
    prepared: Prepared<'a>,
    children: Children<'a>,
    service: Service,
}

/// Keeps a second trial of the same folder out: it would end the services of the first.
pub(crate) fn alone(folder: &Path) -> Result<File, Error> {
    let file = lock::open(&folder.join("lock"), 0o666)?;
    match lock::wait(lock::A_LOOK, || lock::take(&file, Hold::Alone)).is_ok_and(|taken| taken) {
        true => Ok(file),
        false => Err(Error::Taken(folder.to_owned())),
    }
}

/// Fails if a trial of the folder runs, and changes nothing.
pub(crate) fn refuse_second(folder: &Path) -> Result<(), Error> {
    match lock::is_held(&folder.join("lock"), Hold::Shared, Links::Follow) {
        true => Err(Error::Taken(folder.to_owned())),
        false => Ok(()),
    }
}

impl Plan {
    /// Builds the mirror, serves it, renders and installs the node.
    pub fn prepare<'a, E: From<Error>>(
        &'a self,
        build: impl FnOnce(&Plan) -> Result<Mirror, E>,
        tell: Tell<'a>,
    ) -> Result<Prepared<'a>, E> {
        let alone = self.clear()?;
        let mirror = build(self)?;
        Ok(self.install(&mirror, alone, tell)?)
    }

    /// Makes the folder, for this trial alone.
    fn clear(&self) -> Result<File, Error> {
        fs::create_dir_all(&self.folder)?;
        let alone = alone(&self.folder)?;
        children::stop_strays(&self.folder)?;
        Ok(alone)
    }

    fn install<'a>(&'a self, mirror: &Mirror, alone: File, tell: Tell<'a>) -> Result<Prepared<'a>, Error> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.ports.of("mirror")));
        let server = serve::start(&self.mirror(), address)?;
        let generation = mirror.list.number;
        tell(Event::Note(format!("serving generation {generation} on http://{}/", server.address)));
        let rendered = self.with_cluster(Some(&mirror.list), &mirror.public_key, cluster::render)?;
        tree::replace_tree(&rendered.tree()?, &self.folder.join("cluster"))?;
        tell(Event::Note("installing the node with its own install.sh".into()));
        self.run_script()?;
        let node = toml::from_str(&fs::read_to_string(self.node_folder().join(node::DOCUMENT))?)?;
        Ok(Prepared { plan: self, generation, node, tell, _server: server, _alone: alone })
    }

    fn run_script(&self) -> Result<(), Error> {
        let script = self.node_folder().join("install.sh");
        let status = Command::new("sh").arg(&script).stdout(std::io::stderr()).status()?;
        if status.success() { Ok(()) } else { Err(Error::Install { script, status }) }
    }
}

impl<'a> Prepared<'a> {
    /// Starts the services, waits for health, and runs the application.
    pub fn start(self, stopped: &AtomicBool) -> Result<Trial<'a>, Error> {
        let Prepared { plan, tell, .. } = self;
        let children = Children::start(&self.node, &plan.folder, &plan.ports, tell)?;
        let mut trial = Trial { prepared: self, children, service: Service::new(&plan.ports) };
        // What goes into HDFS needs HDFS, which runs now.
        plan.run_script()?;
        trial.be_used(stopped)?;
        Ok(trial)
    }
}

impl Trial<'_> {
    fn be_used(&mut self, stopped: &AtomicBool) -> Result<(), Error> {
        let Prepared { plan, tell, .. } = &self.prepared;
        tell(Event::Note("waiting for the agent to call everything well, and for YARN to have a worker".into()));
        self.service.wait_until_healthy(&mut self.children, stopped)?;
        if !self.service.has_finished_job()? {
            tell(Event::Note("running a small Flink application on YARN".into()));
            job::run(&plan.folder, &mut self.children, stopped)?;
            self.service.wait_for_job(&mut self.children, stopped)?;
        }
        Ok(())
    }

    /// Stays until it is told to stop, or a service ends.
    pub fn stay(&mut self, stopped: &AtomicBool) -> Result<(), Error> {
        while !stopped.load(Ordering::Relaxed) {
            self.children.check()?;
            std::thread::sleep(Duration::from_millis(200));
        }
        Ok(())
    }

    /// What is running, for people.
    pub fn summary(&self) -> Result<String, Error> {
        let Plan { ports, folder, .. } = self.prepared.plan;
        let mut lines = vec![
            String::new(),
            format!("  mirror          {}/  generation {}", ports.url("mirror"), self.prepared.generation),
            format!("  HDFS            {}/  hdfs://127.0.0.1:{}", ports.url("hdfs.web_port"), ports.of("hdfs.port")),
            format!("  YARN            {}/", ports.url("yarn.web_port")),
            format!("  history server  {}/", ports.url("flink.history_server.port")),
            format!("  agent           {}/health", ports.url("agent")),
            format!("  health          {}", self.service.health()?),
            format!("  flink           {}", folder.join("node/usr/bin/flink").display()),
            format!("  applications    pnda app --socket {} list", folder.join(job::SOCKET).display()),
            format!("  everything in   {}", folder.display()),
            String::new(),
            format!("  {:<32}  {:<40}  {:>8}  STATE", "JOB", "NAME", "SECONDS"),
        ];
        for job in self.service.jobs()? {
            let seconds = job.duration_ms as f64 / 1000.0;
            lines.push(format!("  {:<32}  {:<40}  {seconds:>8.1}  {}", job.id, job.name, job.state));
        }
        Ok(lines.join("\n"))
    }
}

impl Drop for Trial<'_> {
    fn drop(&mut self) {
        (self.prepared.tell)(Event::Note("stopping every service".into()));
        self.children.stop();
    }
}
