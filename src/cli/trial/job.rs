//! One small batch job through the installed client, and what the services of the trial answer.
//! The job's jar comes from the mirror; its archive must arrive in the history server.
//! Not here: submission to YARN.

use super::children::Children;
use crate::cli::failure::{FAILED, Failure};
use crate::systems::site;
use serde::Deserialize;
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The example on the mirror, and its program.
const JAR: &str = "mirror/current/mirror_apps/flink-examples-streaming-1.20.0.jar";
const MAIN: &str = "org.apache.flink.streaming.examples.wordcount.WordCount";
/// How long anything here may take on a slow machine.
const PATIENCE: Duration = Duration::from_secs(180);

/// The services that a trial asks.
pub(super) struct Service {
    history_server: String,
    agent: String,
    client: ureq::Agent,
}

/// A job as the history server tells it.
#[derive(Deserialize)]
pub(super) struct Job {
    #[serde(rename = "jid")]
    pub(super) id: String,
    pub(super) name: String,
    pub(super) state: String,
    #[serde(rename = "duration")]
    pub(super) duration_ms: u64,
}

#[derive(Deserialize)]
struct Jobs {
    jobs: Vec<Job>,
}

#[derive(Deserialize)]
struct Health {
    status: String,
}

impl Service {
    /// Services on loopback.
    pub(super) fn new(history_server: u16, agent: u16) -> Service {
        Service {
            history_server: format!("http://127.0.0.1:{history_server}/jobs/overview"),
            agent: format!("http://127.0.0.1:{agent}/health"),
            client: site::client(Duration::from_secs(5)),
        }
    }

    /// What the agent says of the history server.
    pub(super) fn health(&self) -> Result<String, Failure> {
        let health: Health = serde_json::from_slice(&self.get(&self.agent)?)?;
        Ok(health.status)
    }

    /// The jobs that the history server has read.
    pub(super) fn jobs(&self) -> Result<Vec<Job>, Failure> {
        let jobs: Jobs = serde_json::from_slice(&self.get(&self.history_server)?)?;
        Ok(jobs.jobs)
    }

    /// Whether one of them went well.
    pub(super) fn has_finished_job(&self) -> Result<bool, Failure> {
        Ok(self.jobs()?.iter().any(|job| job.state == "FINISHED"))
    }

    fn get(&self, url: &str) -> Result<Vec<u8>, Failure> {
        Ok(self.client.get(url).call()?.body_mut().with_config().limit(8 << 20).read_to_vec()?)
    }

    /// Waits until the agent calls the history server well.
    pub(super) fn wait_until_healthy(&self, children: &mut Children, stopped: &AtomicBool) -> Result<(), Failure> {
        wait(children, stopped, "the history server is not well", || self.health().is_ok_and(|health| health == "OK"))
    }

    /// Waits until the history server has read a job that went well.
    pub(super) fn wait_for_job(&self, children: &mut Children, stopped: &AtomicBool) -> Result<(), Failure> {
        wait(children, stopped, "no finished job arrived in the history server", || {
            self.has_finished_job().unwrap_or(false)
        })
    }
}

fn wait(
    children: &mut Children,
    stopped: &AtomicBool,
    what: &str,
    mut done: impl FnMut() -> bool,
) -> Result<(), Failure> {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        children.check()?;
        if stopped.load(Ordering::Relaxed) {
            return Err(Failure::new(FAILED, "stopped"));
        }
        if Instant::now() > deadline {
            return Err(Failure::new(FAILED, format!("{what} after {} s", PATIENCE.as_secs())));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

/// Runs the example as YARN would: one process is the application's job manager, another its task manager.
/// (Flink's `local` target would be one process less, but it writes no archive.)
pub(super) fn run(folder: &Path, stopped: &AtomicBool) -> Result<(), Failure> {
    let [rpc, rest] = [super::free_port(16123)?, super::free_port(16181)?];
    let manager = [
        "-Djobmanager.rpc.address=127.0.0.1".to_owned(),
        format!("-Djobmanager.rpc.port={rpc}"),
        "-Djobmanager.bind-host=127.0.0.1".into(),
        format!("-Drest.port={rest}"),
        "-Drest.bind-address=127.0.0.1".into(),
    ];
    let worker = ["-Dtaskmanager.host=127.0.0.1".to_owned(), "-Dtaskmanager.bind-host=127.0.0.1".into()];
    let mut job_manager = script(folder, "standalone-job.sh", "job")?;
    job_manager.args(["--job-classname", MAIN, "--jars"]).arg(folder.join(JAR));
    let mut job_manager = Process(job_manager.args(&manager).args(["--execution-mode", "BATCH"]).spawn()?);
    let mut task_manager = script(folder, "taskmanager.sh", "job-tasks")?;
    let _task_manager = Process(task_manager.args(&manager[..2]).args(worker).spawn()?);
    let log = folder.join("log/job.log");
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = job_manager.0.try_wait()? {
            let failed = || Failure::new(FAILED, format!("the job failed: {status}; see {}", log.display()));
            return if status.success() { Ok(()) } else { Err(failed()) };
        }
        if stopped.load(Ordering::Relaxed) || Instant::now() > deadline {
            return Err(Failure::new(FAILED, format!("the job did not end; see {}", log.display())));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// One of Flink's own scripts, in the foreground, with what was installed.
fn script(folder: &Path, name: &str, log: &str) -> Result<Command, Failure> {
    let output = File::create(folder.join(format!("log/{log}.log")))?;
    let mut command = Command::new(folder.join("node/opt/pnda/flink/bin").join(name));
    command
        .arg("start-foreground")
        .env("FLINK_CONF_DIR", folder.join("node/etc/pnda/flink"))
        .env("JAVA_HOME", folder.join("node/opt/pnda/jre"))
        .env("FLINK_LOG_DIR", folder.join("log"))
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output);
    Ok(command)
}

/// A process that ends when nobody holds it any more.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
