//! The plan of a trial: where it is, its ports, what the cluster is rendered with, and who runs what, in the order of the acts.
//! It looks at the machine and changes nothing; printed it is what a dry run says, and `run` does it.
//! Not here: doing it (`run`).

use crate::children::is_ours;
use crate::error::Error;
use crate::ports::Ports;
use crate::{job, run};
use cluster::{Because, Inputs};
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf, absolute};
use std::process::Command;
use words::generation::Generation;
use words::problem::{Problems, Source};

/// The cluster that is tried: its file's name among the examples, and how mistakes name it.
const CLUSTER: &str = "pico.toml";
const FILE: &str = "clusters/pico.toml";

/// What is asked for.
pub struct Choices {
    /// The folder under which everything happens.
    pub folder: PathBuf,
    /// Whether a broker of Kafka starts, too.
    pub kafka: bool,
    /// Whether everything ends when it has worked.
    pub once: bool,
    /// Settings of the cluster that the trial does not choose itself.
    pub set: Vec<(String, String)>,
}

/// What a trial does.
pub struct Plan {
    pub(crate) folder: PathBuf,
    pub(crate) ports: Ports,
    settings: Vec<(String, String)>,
    node: String,
    roles: Vec<Because>,
    once: bool,
}

impl Plan {
    /// Plans a trial. The ports are held from here on.
    pub fn of(choices: Choices) -> Result<Plan, Error> {
        let folder = real(&absolute(choices.folder)?)?;
        run::refuse_second(&folder)?;
        let ports = Ports::hold(|pid| is_ours(pid, &folder))?;
        let mut settings = chosen(&ports, &user()?, choices.kafka);
        settings.extend(choices.set);
        let mut plan = Plan { folder, ports, settings, node: String::new(), roles: Vec::new(), once: choices.once };
        let decided = plan.with_cluster(None, cluster::NO_KEY, cluster::plan)?;
        let first = decided.waves.into_iter().flat_map(|wave| wave.nodes).next();
        let first = first.ok_or_else(|| Error::NoNode(FILE))?;
        (plan.node, plan.roles) = (first.node, first.roles);
        Ok(plan)
    }

    /// The mirror's folder.
    pub fn mirror(&self) -> PathBuf {
        self.folder.join("mirror")
    }

    /// The key that signs the mirror.
    pub fn key(&self) -> PathBuf {
        self.folder.join("keys/mirror.key")
    }

    /// The folder of the rendered node.
    pub(crate) fn node_folder(&self) -> PathBuf {
        self.folder.join("cluster").join(&self.node)
    }

    /// Lets the cluster room decide about the shipped cluster with the settings of this trial.
    pub(crate) fn with_cluster<T>(
        &self,
        generation: Option<&Generation>,
        key: &str,
        decide: impl FnOnce(&Inputs<'_>) -> Result<T, Problems>,
    ) -> Result<T, Error> {
        let clusters = cluster::example_clusters();
        let text = clusters.get(CLUSTER).map(String::as_str).unwrap_or_default();
        let shipped = Inputs::shipped(Source { file: FILE, text }, generation, key);
        let root = Some(self.folder.join("node").display().to_string());
        decide(&Inputs { overrides: self.settings.clone(), root, ..shipped }).map_err(Error::Cluster)
    }
}

/// The settings that a trial chooses.
fn chosen(ports: &Ports, user: &str, kafka: bool) -> Vec<(String, String)> {
    let set = |name: &str, value: String| (name.to_owned(), value);
    let mut all = vec![
        set("mirror.url", ports.url("mirror")),
        set("stacks", if kafka { "hadoop,kafka" } else { "hadoop" }.into()),
        set("flink.history_server.refresh", "1s".into()),
        set("agent.listen", format!("127.0.0.1:{}", ports.of("agent"))),
        set("agent.interval", "4s".into()),
        set("hdfs.safemode_extension", "1ms".into()),
        set("hdfs.replication", "1".into()),
    ];
    all.extend(["hdfs.user", "pnda.user", "yarn.user"].map(|name| set(name, user.to_owned())));
    let own = ports.settings().filter(|(name, _)| kafka || !name.starts_with("kafka."));
    all.extend(own.map(|(name, port)| set(name, port.to_string())));
    all
}

/// A folder's own path, also where it is yet to be made: services that an earlier run has left are known by it.
fn real(folder: &Path) -> io::Result<PathBuf> {
    match (fs::canonicalize(folder), folder.parent(), folder.file_name()) {
        (Err(error), Some(above), Some(name)) if error.kind() == io::ErrorKind::NotFound => Ok(real(above)?.join(name)),
        (found, ..) => found,
    }
}

/// The name of whoever runs this: as which everything runs.
fn user() -> Result<String, Error> {
    let output = Command::new("id").arg("-un").output()?;
    let name = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if output.status.success() { Ok(name) } else { Err(Error::Nameless) }
}

impl fmt::Display for Plan {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "in {}:", self.folder.display())?;
        writeln!(out, "  build the mirror in mirror/, signed with keys/mirror.key")?;
        writeln!(out, "  serve it on {}/", self.ports.url("mirror"))?;
        writeln!(out, "  render {FILE} into cluster/, with")?;
        let width = self.settings.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        for (name, value) in &self.settings {
            writeln!(out, "    {name:width$}  {value}")?;
        }
        writeln!(out, "  install node {} below node/, and start its services, by role", self.node)?;
        let width = self.roles.iter().map(|because| because.role.len()).max().unwrap_or_default();
        for because in &self.roles {
            writeln!(out, "    {:width$}  {}", because.role, because.about)?;
        }
        writeln!(out, "  run {} on YARN, unless the history server has a job that went well", job::PACKAGE_NAME)?;
        let end = if self.once { "stop every service" } else { "stop every service when it is told to end" };
        writeln!(out, "  {end}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choices(folder: &Path, set: &[(&str, &str)]) -> Choices {
        let set = set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Choices { folder: folder.to_owned(), kafka: false, once: true, set }
    }

    #[test]
    fn a_plan_says_what_is_started_where_and_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let plan = Plan::of(choices(&folder.path().join("new/try"), &[("agent.host", "pico.test")])).unwrap();
        let told = plan.to_string();
        for part in [
            "new/try:\n",
            &format!("serve it on http://127.0.0.1:{}/", plan.ports.of("mirror")),
            "yarn-resourcemanager",
            "  pico.test\n",
            "run wordcount-1.0.0 on YARN",
        ] {
            assert!(told.contains(part), "{part}: {told}");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_setting_that_is_wrong_is_told_before_anything_is_built() {
        let folder = tempfile::tempdir().unwrap();
        let refused = Plan::of(choices(folder.path(), &[("agent.intervall", "9s")])).err().unwrap();
        assert!(refused.is_of_request() && refused.to_string().contains("agent.intervall"), "{refused}");
    }

    #[test]
    fn a_folder_in_which_a_trial_runs_has_no_second_plan() {
        let folder = tempfile::tempdir().unwrap();
        let held = run::alone(folder.path()).unwrap();
        assert!(matches!(Plan::of(choices(folder.path(), &[])), Err(Error::Taken(_))));
        drop(held);
        Plan::of(choices(folder.path(), &[])).unwrap();
    }
}
