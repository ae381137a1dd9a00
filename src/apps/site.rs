//! The cluster as its agent is told of it: where YARN and HDFS answer, which releases of Flink are staged, where things lie.
//! Read from the agent's configuration; a release's settings come from the file that Flink's own clients on this node read.
//! Not here: the configuration's syntax (`agent`), and anything that changes.

use crate::client::Client;
use crate::defaults::{Defaults, Layers};
use crate::manager::Callbacks;
use crate::package::mirror::Mirror;
use crate::queue;
use crate::staged::{self, Staged};
use crate::submit::{Cluster, Distribution};
use disk::regular;
use flink::memory::Deployment;
use flink::{Syntax, Target};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::time::Duration;
use systems::users::Account;
use systems::webhdfs::{self, WebHdfs};
use words::chain::chain;
use words::flink::Version;
use words::names::Word;
use words::problem::Source;

/// A configuration file of Flink is shorter.
const LONGEST: u64 = 1 << 20;

/// Flink's own in ZooKeeper, where nobody says otherwise.
const ROOT: &str = "flink";

/// Everything that the manager must know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// What submissions depend on.
    pub cluster: Cluster,
    /// Who the agent is in HDFS.
    pub user: Word,
    /// The members of this group may do everything.
    pub admins: Word,
    /// Addresses of the ResourceManagers, as in `http://manager:8088`.
    pub resource_managers: Vec<String>,
    /// Addresses of the NameNodes, as in `http://manager:9870`.
    pub name_nodes: Vec<String>,
    /// The folder on this node for packages and what is under way.
    pub folder: PathBuf,
    /// The folder in HDFS for the journal.
    pub hdfs_folder: String,
    /// The releases of Flink.
    pub flinks: BTreeMap<Version, Release>,
    /// The link to the one that is taken where nobody names one: `flink-1.20.5`.
    pub flink_home: PathBuf,
    /// The map of users and groups to queues, on this node; without one YARN decides.
    pub queue_map: Option<PathBuf>,
    /// The mirror, which may have packages too.
    pub mirror: Option<Mirror>,
    /// Where Graphite can be asked, as in `http://graphite:8080`.
    pub graphite: Option<String>,
    /// Where Oozie answers, as in `http://edge:11000`.
    pub oozie: Option<String>,
    /// Where changes of state are told.
    pub callbacks: Callbacks,
    /// Flink's own client on this node, where it may be started.
    pub client: Option<Client>,
    /// The file on this node with defaults for properties of components.
    pub defaults: Option<PathBuf>,
    /// The folder on this node with the secrets of applications, a folder for each owner.
    pub secrets: Option<PathBuf>,
    /// What packages may refer to as `environment_…`.
    pub environment: BTreeMap<String, String>,
}

/// A release of Flink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// The configuration of its clients on this node.
    pub configuration: PathBuf,
    /// The log settings of its containers, on this node.
    pub log: PathBuf,
    /// The folder in HDFS that has its `lib` and `plugins`.
    pub staged: String,
}

/// Why a release cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not in the agent's configuration.
    #[error("Flink {0} is not one of this cluster's")]
    Unknown(Version),
    /// The map has no queue for somebody, or cannot be asked.
    #[error("{} must have a queue for the applications of {owner}, as in `{owner}: default`", map.display())]
    Queue { map: PathBuf, owner: Word, source: queue::Error },
    /// Its configuration cannot be read.
    #[error("cannot read Flink's configuration {}", file.display())]
    Read { file: PathBuf, source: io::Error },
    /// Its copy in HDFS cannot be looked at.
    #[error("cannot look at the copy of Flink {version} in HDFS")]
    Hdfs { version: Version, source: webhdfs::Error },
    /// It is not there.
    #[error(
        "Flink {version} is not in {folder} of HDFS: `pnda-agent install` on the node that stages it brings it there"
    )]
    NotStaged { version: Version, folder: String },
}

impl Error {
    /// Whether it may be otherwise in a moment.
    pub fn is_passing(&self) -> bool {
        matches!(self, Error::Queue { source, .. } if source.is_passing())
    }
}

/// The place of that jar in the distribution and in containers.
pub fn python_jar(version: Version) -> String {
    format!("opt/flink-python-{version}.jar")
}

impl Site {
    /// The folder on this node in which files for Oozie are made ready: nothing in it outlives the manager.
    pub fn workflows(&self) -> PathBuf {
        self.folder.join("workflows")
    }

    /// The release that is taken where nobody names one: that of this node, else the newest.
    pub fn usual(&self) -> Option<Version> {
        let link = std::fs::read_link(&self.flink_home).ok();
        let name = link.as_ref().and_then(|link| link.file_name()?.to_str()?.strip_prefix("flink-")?.parse().ok());
        name.filter(|version| self.flinks.contains_key(version)).or_else(|| self.flinks.keys().next_back().copied())
    }

    /// The queue that a user's applications are submitted to, by the same map as his commands.
    pub fn queue(&self, owner: &Word) -> Result<Option<Word>, Error> {
        let Some(map) = &self.queue_map else { return Ok(None) };
        let user = Account::named(owner.as_str()).map_err(queue::Error::User);
        let chosen = user.and_then(|user| queue::choose(map, &user, None));
        let failed = |source| Error::Queue { map: map.clone(), owner: owner.clone(), source };
        chosen.map(|(queue, _)| Some(queue)).map_err(failed)
    }

    /// Where job managers keep what they need to take over from one another, as the releases' configurations say.
    pub fn high_availability(&self) -> Result<BTreeSet<String>, Error> {
        let mut folders = BTreeSet::new();
        for (version, release) in &self.flinks {
            let set = self.configuration(release, *version)?;
            let folder =
                set.get("high-availability.storageDir").and_then(|url| url.strip_prefix(&*self.cluster.filesystem));
            folders.extend(
                folder.filter(|folder| folder.starts_with('/')).map(|folder| folder.trim_end_matches('/').to_owned()),
            );
        }
        Ok(folders)
    }

    /// Where they keep it in ZooKeeper, as in `one:2181,two:2181/flink`.
    pub fn znodes(&self) -> Result<BTreeSet<String>, Error> {
        let mut places = BTreeSet::new();
        for (version, release) in &self.flinks {
            let set = self.configuration(release, *version)?;
            let value = |key: &str| set.get(key).map(|value| value.trim());
            let kind = value("high-availability.type").or_else(|| value("high-availability"));
            let Some(quorum) = value("high-availability.zookeeper.quorum") else { continue };
            if kind.is_some_and(|kind| kind.eq_ignore_ascii_case("zookeeper")) {
                let root = value("high-availability.zookeeper.path.root").unwrap_or(ROOT).trim_matches('/');
                places.insert(format!("{}/{root}", quorum.trim_end_matches('/')));
            }
        }
        Ok(places)
    }

    /// The defaults for the applications of a user, or why nobody can say them.
    pub fn layers(&self, owner: &Word) -> Result<Layers, String> {
        let Some(file) = &self.defaults else { return Ok(Layers::new()) };
        let text = regular::read_short_text(file, LONGEST).map_err(|error| format!("{}: {error}", file.display()))?;
        let source = Source { file: &file.display().to_string(), text: &text };
        let defaults = Defaults::parse(source).map_err(|problems| problems.to_string())?;
        let queue = if defaults.has_queues() { self.queue(owner).map_err(|error| chain(&error))? } else { None };
        Ok(defaults.layers(queue.as_ref()))
    }

    /// The log settings of a release's containers.
    pub fn log_settings(&self, version: Version) -> PathBuf {
        self.flinks.get(&version).map(|release| release.log.clone()).unwrap_or_default()
    }

    /// The jar by which a release runs scripts of Python, on this node: no copy in HDFS has it.
    pub fn python_jar(&self, version: Version) -> Option<PathBuf> {
        Some(self.home(version).join(python_jar(version))).filter(|jar| jar.is_file())
    }

    /// A release on this node.
    pub fn home(&self, version: Version) -> PathBuf {
        self.flink_home.with_file_name(format!("flink-{version}"))
    }

    /// Where Flink's own client has what is its.
    pub fn clients(&self) -> PathBuf {
        self.folder.join("clients")
    }

    /// A release as it is now: its settings on this node, its files in HDFS. `now` is of a clock that never goes back.
    pub fn distribution(
        &self,
        (staged, hdfs): (&Staged, &WebHdfs),
        version: Version,
        now: Duration,
    ) -> Result<Distribution, Error> {
        let release = self.flinks.get(&version).ok_or(Error::Unknown(version))?;
        let files = staged.files(hdfs, &release.staged, now).map_err(|error| match error {
            staged::Error::Hdfs(source) => Error::Hdfs { version, source },
            staged::Error::Missing(folder) => Error::NotStaged { version, folder },
        })?;
        Ok(Distribution { version, configuration: self.configuration(release, version)?, files: files.to_vec() })
    }

    fn configuration(&self, release: &Release, version: Version) -> Result<BTreeMap<String, String>, Error> {
        let file = &release.configuration;
        let read = |source| Error::Read { file: file.clone(), source };
        let text = regular::read_short_text(file, LONGEST).map_err(read)?;
        let target = Target { version, java: None, deployment: Deployment::Yarn };
        let source = Source { file: &file.display().to_string(), text: &text };
        let syntax = Syntax::from(version.configuration_file());
        let read = flink::lint(source, syntax, target).map_err(|_| Error::Unknown(version))?;
        Ok(read.0.pairs().map(|(key, value)| (key.to_owned(), value.to_owned())).collect())
    }
}
