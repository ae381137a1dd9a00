//! From a component of type `oozie` to what Oozie gets: its properties are expanded, and its files are written into a folder of
//! their own and completed. Each submission has another folder in HDFS, by which its job is found again.
//! Not here: sending anything, and what Oozie makes of it.

mod action;
#[cfg(test)]
pub(crate) mod tests;

use crate::act::Part;
use crate::defaults::{self, Layers};
use crate::journal::{Application, Key};
use crate::package::oozie::{LIB, OozieComponent, WORKFLOW};
use crate::package::overrides::Overrides;
use crate::package::properties::Owned;
use crate::package::{self, Component, Kind, Package, properties_file};
use crate::submit::Cluster;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};
use words::application::SetBy;
use words::markup::escaped;
use words::moment::utc_ms;
use words::names::{PackageName, Word};
use words::problem::Problems;

pub use action::FlinkOfJob;

/// Where PNDA's coordinators begin and end unless they say otherwise.
const START: &str = "deployment_start";
const END: &str = "deployment_end";
const MINUTE_MS: u64 = 60_000;
const WEEK_MS: u64 = 7 * 86_400_000;
/// What its actions have where they say nothing.
const DEFAULTS: &str = "config-default.xml";
const SETTINGS: &str = "application.properties";
const QUEUE: &str = "mapreduce.job.queuename";
const TAG: &str = "pnda-oozie-";
const ROOT: &str = "component_hdfs_root";
/// Files of a component that are for the manager alone.
const OURS: [&str; 4] = ["properties.json", "hdfs.json", "hbase.json", "opentsdb.json"];
/// An XML file of a component is shorter.
const LONGEST: u64 = 1 << 20;

/// Why a component cannot be submitted to Oozie.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The component, or what the application overrides, has mistakes.
    #[error("{0}")]
    Mistakes(Problems),
    /// The package does not have it.
    #[error("{package} has no component {of} of type oozie")]
    Gone { package: PackageName, of: Key },
    /// There is no Oozie.
    #[error("{0} is for Oozie, and this cluster has none: add the stack oozie to the cluster file")]
    NoOozie(Key),
    /// Nobody knows where its actions submit what they run.
    #[error("{0} cannot be submitted: the environment of applications does not name YARN's address for clients")]
    NoYarn(Key),
    /// The Flink job that it brings needs a release that waits for a job out of a script.
    #[error(
        "{of} runs a Flink job by Oozie, which takes Flink 1.15 to 1.20, and this cluster has {have}: make it a component of type flink with `schedule`"
    )]
    NoFlink { of: Key, have: String },
    /// An action that cannot run here.
    #[error(
        "{file} has the ssh action {action}, and Oozie has no key to other machines here: have a shell action do it, or write \
         PNDA's `${{flink_client}}` and `${{path_to_script}}` with job_type flink"
    )]
    Ssh { file: String, action: String },
    /// Its XML is none.
    #[error("{file} is no XML: {why}")]
    Xml { file: String, why: String },
    /// Its files cannot be written or read on this machine.
    #[error("cannot write the files of {of} into {}", folder.display())]
    Write { of: Key, folder: PathBuf, source: io::Error },
}

/// What a submission depends on.
pub struct Facts<'a> {
    /// Where things lie in HDFS.
    pub cluster: &'a Cluster,
    /// What packages may refer to as `environment_…`.
    pub environment: &'a BTreeMap<String, String>,
    /// The defaults for its owner.
    pub layers: &'a Layers,
    /// The queue of its owner.
    pub queue: Option<&'a Word>,
    /// The time, in milliseconds since 1970.
    pub now_ms: u64,
}

/// A component that can be submitted to Oozie.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    /// What it is.
    pub oozie: OozieComponent,
    /// All properties, expanded, by their full names.
    pub properties: BTreeMap<String, String>,
    /// From where each of them comes.
    pub origins: BTreeMap<String, SetBy>,
    /// What people should know.
    pub warnings: Vec<String>,
    /// Its folder in HDFS.
    pub folder: String,
    /// What Oozie gets beside its properties.
    own: BTreeMap<String, String>,
    queue: Option<Word>,
}

/// The folder in HDFS of a submission.
pub fn folder(owner: &Word, token: &Word) -> String {
    format!("/user/{owner}/.oozie/{token}")
}

/// The tag in YARN of what the Flink job of a submission runs.
pub fn tag(token: &Word) -> String {
    format!("{TAG}{token}")
}

/// Whether a tag is of a submission.
pub fn is_tag(tag: &str) -> bool {
    tag.strip_prefix(TAG).is_some_and(|token| token.len() == 32 && token.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Looks at a component as it would be submitted under a token, or says everything that is wrong with it.
pub fn prepare(
    package: &Package,
    application: &Application,
    (of, token): (&Key, &Word),
    facts: &Facts<'_>,
) -> Result<Prepared, Error> {
    let overrides = Overrides::parse(&application.overrides).map_err(Error::Mistakes)?;
    let component = component(package, of)?;
    let owned = Owned { application: &of.application, component: &of.component, owner: &application.owner };
    let overridden = overrides.of(&Kind::Oozie, &of.component);
    let set = defaults::joined(facts.layers, &component.properties, &overridden);
    let folder = folder(&application.owner, token);
    // The first minute that is not over when it is submitted.
    let start_ms = (facts.now_ms / MINUTE_MS + 1) * MINUTE_MS;
    let minute = |at_ms: u64| format!("{}Z", utc_ms(at_ms).get(..16).unwrap_or_default());
    let given = [(ROOT, folder.clone()), (START, minute(start_ms)), (END, minute(start_ms + WEEK_MS))];
    let given = given.map(|(name, value)| (name.to_owned(), value)).into();
    let prepared =
        package::prepare_workflow(&package.name, (component, &set), facts.environment, &overridden, (&owned, &given));
    let package::PreparedWorkflow { properties, oozie, notes } = prepared.map_err(Error::Mistakes)?;
    let origins = defaults::origins(&properties, facts.layers, &component.properties, &overridden);
    let known = |name: &str| facts.environment.get(name);
    let yarn = known("yarn_resource_manager_host").zip(known("yarn_resource_manager_mr_port"));
    let (host, port) = yarn.ok_or_else(|| Error::NoYarn(of.clone()))?;
    let (yarn, filesystem) = (format!("{host}:{port}"), &facts.cluster.filesystem);
    let path = if oozie.is_coordinator { "oozie.coord.application.path" } else { "oozie.wf.application.path" };
    let mut own: BTreeMap<String, String> = [
        (path, format!("{filesystem}{folder}")),
        (systems::oozie::EXTERNAL_ID, token.to_string()),
        ("oozie.use.system.libpath", "true".to_owned()),
        ("nameNode", filesystem.clone()),
        ("resourceManager", yarn.clone()),
        ("jobTracker", yarn),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    own.extend(facts.queue.map(|queue| (QUEUE.to_owned(), queue.to_string())));
    let warnings = notes.iter().map(ToString::to_string).collect();
    Ok(Prepared { oozie, properties, origins, warnings, folder, own, queue: facts.queue.cloned() })
}

fn component<'a>(package: &'a Package, of: &Key) -> Result<&'a Component, Error> {
    let found = package.component(&Kind::Oozie, &of.component);
    found.ok_or_else(|| Error::Gone { package: package.name.clone(), of: of.clone() })
}

impl Prepared {
    /// What Oozie gets.
    pub fn configuration(&self) -> BTreeMap<String, String> {
        self.properties.iter().chain(&self.own).map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// What Oozie gets beside its properties.
    pub fn own(&self) -> &BTreeMap<String, String> {
        &self.own
    }

    /// Its properties, without the times that each submission has of its own.
    pub fn lasting(&self) -> BTreeMap<String, String> {
        let is_given =
            |name: &String| [START, END].contains(&&**name) && self.origins.get(name) == Some(&SetBy::Submission);
        self.properties
            .iter()
            .filter(|(name, _)| !is_given(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }

    /// The folders in HDFS that it wants to have.
    pub fn folders(&self) -> Vec<String> {
        package::folders(&self.properties)
    }

    /// Completes the files of the component, which lie in a folder of this machine; gives those that go into its folder in HDFS.
    pub fn assembled(
        &self,
        package: &Package,
        (of, flink): (&Key, Option<&FlinkOfJob<'_>>),
        folder: &Path,
    ) -> Result<Vec<Part>, Error> {
        let component = component(package, of)?;
        let failed = |source| Error::Write { of: of.clone(), folder: folder.to_owned(), source };
        let has = |file: &str| component.files.keys().any(|path| path.as_str() == file);
        let settings = folder.join(SETTINGS);
        let written = if has(SETTINGS) { fs::read(&settings).map_err(failed)? } else { Vec::new() };
        fs::write(&settings, properties_file::finished(&written, &self.properties)).map_err(failed)?;
        let mut parts: Vec<Part> = Vec::new();
        let mut part = |key: &str, file: PathBuf| parts.push(Part { key: key.to_owned(), file, is_archive: false });
        part(SETTINGS, settings);
        if !has(DEFAULTS)
            && let Some(queue) = &self.queue
        {
            fs::write(folder.join(DEFAULTS), defaults_file(queue)).map_err(failed)?;
            part(DEFAULTS, folder.join(DEFAULTS));
        }
        let job = self.oozie.flink.as_ref().zip(flink);
        for path in component.files.keys().filter(|path| !OURS.contains(&path.as_str()) && *path.as_str() != *SETTINGS)
        {
            let file = path.under(folder);
            if path.file_name() == WORKFLOW {
                let text = disk::regular::read_short_text(&file, LONGEST).map_err(failed)?;
                let run = job.map(|(job, flink)| flink.action(job, &self.own, &self.folder));
                fs::write(&file, action::without_ssh(path.as_str(), &text, run.as_deref())?).map_err(failed)?;
            }
            // On the class path of the action it would stand before Flink.
            let own = path.as_str().strip_prefix(LIB).filter(|_| job.is_some());
            part(&own.map_or_else(|| path.to_string(), |rest| format!("{}{rest}", action::JARS)), file);
        }
        if let Some((job, flink)) = job {
            parts.extend(flink.parts(job, folder).map_err(failed)?);
        }
        Ok(parts)
    }

    /// Whether it has a file of times.
    pub fn is_coordinator(&self) -> bool {
        self.oozie.is_coordinator
    }
}

/// What actions have that say nothing of their queue.
fn defaults_file(queue: &Word) -> String {
    let queue = escaped(queue.as_str());
    let property = |name: &str| format!("<property><name>{name}</name><value>{queue}</value></property>");
    format!("<configuration>{}{}</configuration>\n", property(QUEUE), property("oozie.launcher.queue"))
}
