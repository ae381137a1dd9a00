//! From a component of a package to what is submitted: properties are expanded, the program is found, its files are written
//! into a folder of their own and completed.
//! Not here: the launch context, and sending anything.

use crate::act::Part;
use crate::defaults::{self, Layers};
use crate::journal::{Application, Key, Run, fresh_id};
use crate::package::container::{is_flinks, is_jar, is_shipped, place};
use crate::package::flink::{FlinkComponent, JobType, Program};
use crate::package::overrides::Overrides;
use crate::package::properties::Owned;
use crate::package::repository::Repository;
use crate::package::{self, Kind, Package, properties_file};
use crate::secrets::{self, Values};
use crate::submit::{Job, LINES, RESTORE, Way};
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::{fs, io};
use words::application::SetBy;
use words::digest::Sha256;
use words::flink::Version;
use words::ids::JobId;
use words::names::{PackageName, SafePath, Word};
use words::problem::Problems;

/// Why a component cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The package is gone, or is not what it was.
    #[error("the package {0} cannot be read")]
    Package(PackageName, #[source] package::repository::Error),
    /// The component, or what the application overrides, has mistakes.
    #[error("{0}")]
    Mistakes(Problems),
    /// It is of a kind that is not run.
    #[error("the component {of} is not run: {why}")]
    NotRun { of: Key, why: String },
    /// The site's defaults cannot be read now, or who they are for.
    #[error("the defaults of the site cannot be used: {0}")]
    Defaults(String),
    /// The cluster has none.
    #[error("this cluster has no release of Flink that is staged in HDFS")]
    NoFlink,
    /// Flink's own client is not to be started here.
    #[error(
        "{0} is submitted by Flink's own client, which this node may not start: set `applications.flink_client` of the cluster \
         to on, or write `flink_submission` native"
    )]
    NoClient(Key),
    /// Its client would write the secrets into files of its own.
    #[error("{0} has secrets by reference, and those are put in natively only: write `flink_submission` native")]
    Secrets(Key),
    /// Its files cannot be written on this machine.
    #[error("cannot write the files of {of} into {}", folder.display())]
    Write { of: Key, folder: PathBuf, source: io::Error },
}

/// A component that can be run.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    /// The release of Flink.
    pub flink: Version,
    /// The program.
    pub component: FlinkComponent,
    /// What people should know.
    pub warnings: Vec<String>,
    /// All properties, expanded, by their full names.
    pub properties: BTreeMap<String, String>,
    /// From where each of them comes.
    pub origins: BTreeMap<String, SetBy>,
}

/// The releases of Flink that a cluster has, and the one that is taken where nobody names one.
pub struct Releases<'a> {
    /// All, by number.
    pub all: &'a [Version],
    /// The usual one.
    pub usual: Version,
}

impl Releases<'_> {
    /// The one that is meant: a whole number or a line; PNDA's packages name 1.4, which no cluster has.
    fn of(&self, asked: Option<&str>, warnings: &mut Vec<String>) -> Version {
        let Some(asked) = asked else { return self.usual };
        let fits = |version: &&Version| {
            let text = version.to_string();
            text == asked || text.strip_prefix(asked).is_some_and(|rest| rest.starts_with('.'))
        };
        if let Some(found) = self.all.iter().rfind(fits) {
            return *found;
        }
        let have = self.all.iter().map(Version::to_string).collect::<Vec<_>>().join(" and ");
        warnings.push(format!("it asks for Flink {asked}, which is not here ({have} are): it runs on {}", self.usual));
        self.usual
    }
}

/// What whoever chooses the client should know.
const BY_CLIENT: &str = "Flink's own client submits it: where its node is lost within these seconds, nobody knows whether it \
                         did until YARN has it, and it is not submitted a second time before somebody says so";

/// Looks at a component as it would be run, or says everything that is wrong with it.
pub fn prepare(
    package: &Package,
    application: &Application,
    of: &Key,
    (environment, layers): (&BTreeMap<String, String>, &Layers),
    releases: &Releases<'_>,
) -> Result<Prepared, Error> {
    let overrides = Overrides::parse(&application.overrides).map_err(Error::Mistakes)?;
    let found = package.component(&Kind::Flink, &of.component);
    let not_run = |why: &str| Error::NotRun { of: of.clone(), why: why.to_owned() };
    let component = found.ok_or_else(|| not_run("the package has no such component of type flink"))?;
    let owned = Owned { application: &of.application, component: &of.component, owner: &application.owner };
    let own = overrides.of(&Kind::Flink, &of.component);
    let set = defaults::joined(layers, &component.properties, &own);
    let prepared = package::prepare(&package.name, (component, &set), environment, &own, &owned);
    let package::Prepared { properties, flink, notes } = prepared.map_err(Error::Mistakes)?;
    let origins = defaults::origins(&properties, layers, &component.properties, &own);
    let jars = component.files.keys().filter(|path| is_jar(path));
    let mut names: Vec<&str> = jars.map(SafePath::file_name).collect();
    names.sort_unstable();
    if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(not_run(&format!("it has two jars of the name {}, and all jars lie in one folder", twice[0])));
    }
    let mut warnings: Vec<String> = notes.iter().map(ToString::to_string).collect();
    let others = component.files.keys().filter(|path| is_flinks(path.as_str()) && !is_jar(path));
    warnings.extend(
        others.map(|path| format!("{path} is not shipped: lib, opt, plugins and usrlib are Flink's own folders")),
    );
    let version = releases.of(flink.version.as_deref(), &mut warnings);
    let mut prepared = Prepared { flink: version, component: flink, warnings, properties, origins };
    if prepared.is_by_client() {
        if !prepared.secrets().is_empty() {
            return Err(Error::Secrets(of.clone()));
        }
        prepared.warnings.push(BY_CLIENT.to_owned());
    }
    Ok(prepared)
}

impl Error {
    /// Whether it may be otherwise in a moment.
    pub fn is_passing(&self) -> bool {
        matches!(self, Error::Defaults(_))
    }
}

impl Prepared {
    /// Whether Flink's own client submits it: where somebody says so, and where nothing else can.
    pub fn is_by_client(&self) -> bool {
        self.component.is_by_client.unwrap_or(!LINES.contains(&self.flink.line()))
    }

    /// From where a key of Flink's configuration comes that it asks for.
    pub fn key_from(&self, key: &str) -> SetBy {
        let of = |name: &str| self.origins.get(name).copied();
        let own = of("component_flink_parallelism").filter(|_| key == "parallelism.default");
        own.or_else(|| of("component_flink_config_args")).unwrap_or(SetBy::Package)
    }

    /// The folders in HDFS that it wants to have.
    pub fn folders(&self) -> Vec<String> {
        package::folders(&self.properties)
    }

    /// The secrets that it refers to.
    pub fn secrets(&self) -> BTreeSet<Word> {
        secrets::named(self.properties.values())
    }

    /// The same with secrets in its properties: nobody is told of it.
    pub fn with_secrets(self, values: &Values) -> Prepared {
        let filled = self.properties.iter().map(|(name, value)| (name.clone(), secrets::filled(value, values)));
        Prepared { properties: filled.collect(), ..self }
    }

    /// The id under which its job will run, where it is known to have one job: a batch program may run several.
    pub fn job_id(&self) -> Option<JobId> {
        JobId::new(fresh_id()).ok().filter(|_| self.component.job_type == JobType::Streaming)
    }

    /// The state that the package names for its first run.
    pub fn first_state(&self) -> Option<&str> {
        let set = &self.component.configuration;
        set.get(RESTORE).or_else(|| set.get("execution.savepoint.path")).map(String::as_str)
    }

    /// The job of a run.
    pub fn job(&self, of: &Key, owner: &Word, run: &RunOf<'_>) -> Job {
        Job {
            way: run.way.clone(),
            of: of.clone(),
            owner: owner.clone(),
            order: run.order,
            program: self.component.program.clone(),
            arguments: self.component.arguments.clone(),
            configuration: self.component.configuration.clone(),
            queue: run.queue.cloned(),
            job: run.job.cloned(),
            restore: run.restore.map(str::to_owned),
        }
    }

    /// Writes the component's files into a folder that is made, and gives those that go into the container.
    pub fn write(
        &self,
        repository: &Repository,
        (package, digest): (&Package, Sha256),
        of: &Key,
        folder: &Path,
    ) -> Result<Vec<Part>, Error> {
        let write = |source| Error::Write { of: of.clone(), folder: folder.to_owned(), source };
        let found = package.component(&Kind::Flink, &of.component);
        let not_run = || Error::NotRun { of: of.clone(), why: "the package does not have it any more".to_owned() };
        let component = found.ok_or_else(not_run)?;
        // What an application sets is nobody else's to read, for as long as it lies here.
        let above = folder.parent().unwrap_or(folder);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(above).map_err(write)?;
        let extracted = repository.extract(&package.name, digest, component, folder);
        extracted.map_err(|error| Error::Package(package.name.clone(), error))?;
        let file = folder.join(package::flink::APPLICATION_PROPERTIES);
        let finished = properties_file::finished(&fs::read(&file).map_err(write)?, &self.properties);
        fs::write(&file, finished).map_err(write)?;
        let shipped = component.files.keys().filter(|path| is_shipped(path));
        Ok(shipped.map(|path| self.part(path, folder)).collect())
    }

    fn part(&self, path: &SafePath, folder: &Path) -> Part {
        let archives = match &self.component.program {
            Program::Python { archives, .. } => archives.as_slice(),
            Program::Jar { .. } => &[],
        };
        let unpacked = archives.iter().find(|archive| archive.file == *path).map(|archive| archive.folder.clone());
        Part { is_archive: unpacked.is_some(), key: unpacked.unwrap_or_else(|| place(path)), file: path.under(folder) }
    }
}

/// What a run has beside its component.
pub struct RunOf<'a> {
    /// How it comes to YARN.
    pub way: Way,
    /// The order that it follows.
    pub order: Option<u64>,
    /// The queue.
    pub queue: Option<&'a Word>,
    /// The job's id.
    pub job: Option<&'a JobId>,
    /// The state from which it begins.
    pub restore: Option<&'a str>,
}

impl<'a> From<&'a Run> for RunOf<'a> {
    fn from(run: &'a Run) -> RunOf<'a> {
        RunOf {
            way: Way::Native(run.id.clone()),
            order: Some(run.order),
            queue: run.queue.as_ref(),
            job: run.job.as_ref(),
            restore: run.restore.as_deref(),
        }
    }
}
