//! What would be submitted, where each value comes from, and what stands against it: the same preparation as a start, up to the
//! first act. It asks YARN and HDFS what is there; nothing is recorded or sent, and no id is reserved.
//! Not here: the preparation, and which facts matter (`preflight`).

use super::carry_out::Failed;
use super::{Manager, unavailable};
use crate::journal::{Application, Component, Key, Origin, State};
use crate::orders::{self, Caller, Refusal};
use crate::package::flink::Program;
use crate::package::{Kind, Package};
use crate::preflight::answers::Answers;
use crate::preflight::look::{Asking, look};
use crate::preflight::{Wanted, judge, python};
use crate::prepare::{Prepared, RunOf};
use crate::savepoints::lies_in;
use crate::site::python_jar;
use crate::submit::{Configuration, Distribution, Job, Refused, Way, configuration};
use crate::{restore, secrets, site};
use systems::hadoop::User;
use words::application::{DryRun, Explained, Finding, SetBy, Value, Weight};
use words::chain::chain;
use words::flink::Version;
use words::ids::ApplicationId;
use words::names::{ApplicationName, Word};

/// Stands for the id that a start would reserve.
const NO_ID: &str = "application_0_0";
/// Stands for the tag by which what Flink's own client submits would be found.
const NO_TAG: &str = "pnda-client";

/// A component, as far as it can be prepared.
struct Looked {
    findings: Vec<Finding>,
    explained: Option<Explained>,
}

/// What a component would run with.
struct Chosen<'a> {
    package: &'a Package,
    prepared: &'a Prepared,
    queue: Option<Word>,
    restore: Option<String>,
    /// Whether it runs: its newest state is replaced by the next one, and what begins after it begins from another.
    runs: bool,
    answers: &'a Answers,
}

impl Manager {
    /// All components of an application, as a start would submit them now.
    pub fn explain(&self, name: &ApplicationName) -> Result<Vec<Explained>, Refusal> {
        let dry = self.look(&*self.state()?, name, &Origin::Newest, &Answers::default())?;
        if dry.components.is_empty() {
            return Err(Refusal::Invalid(lines(&dry.findings)));
        }
        Ok(dry.components)
    }

    /// What a start from there would submit, and everything that stands against it.
    pub fn dry_run(&self, name: &ApplicationName, origin: &Origin, by: &Caller) -> Result<DryRun, Refusal> {
        self.dry_run_with(name, origin, by, &Answers::default())
    }

    fn dry_run_with(
        &self,
        name: &ApplicationName,
        origin: &Origin,
        by: &Caller,
        answers: &Answers,
    ) -> Result<DryRun, Refusal> {
        let state = self.state()?;
        let application = orders::own(&state, name, by)?;
        let mut dry = self.look(&state, name, origin, answers)?;
        if let Err(refusal) = orders::start(name, application) {
            dry.findings.insert(0, Finding::refusal(name.as_str(), refusal.to_string(), ""));
        }
        Ok(dry)
    }

    /// Orders a start, unless something stands against it; gives what is worth knowing.
    pub fn start_if_ready(&self, name: &ApplicationName, origin: Origin, by: &Caller) -> Result<Vec<Finding>, Refusal> {
        orders::start(name, orders::own(&*self.state()?, name, by)?)?;
        let answers = Answers::default();
        let dry = self.dry_run_with(name, &origin, by, &answers)?;
        if let Some(why) = refusals(dry.findings.clone()) {
            return Err(Refusal::Invalid(format!("nothing was submitted:\n{why}")));
        }
        self.keep_answers(name, answers);
        self.start(name, origin, by)?;
        Ok(dry.findings)
    }

    pub(super) fn look(
        &self,
        state: &State,
        name: &ApplicationName,
        origin: &Origin,
        answers: &Answers,
    ) -> Result<DryRun, Refusal> {
        let application =
            state.applications.get(name).ok_or_else(|| Refusal::NotFound(format!("application {name}")))?;
        let mut dry = DryRun { findings: Vec::new(), components: Vec::new() };
        for (component, run) in &application.components {
            let of = Key { application: name.clone(), component: component.clone() };
            let looked = self.look_at(state, &of, (application, run), (origin, answers))?;
            dry.findings.extend(looked.findings);
            dry.components.extend(looked.explained);
        }
        self.look_at_workflows(state, name, &mut dry);
        // What is so for all components is told once.
        let mut told = std::collections::BTreeSet::new();
        dry.findings.retain(|finding| told.insert(finding.clone()));
        dry.findings.sort_by_key(|finding| finding.weight);
        Ok(dry)
    }

    /// One component: what is wrong is a finding, what cannot be looked up is an error.
    fn look_at(
        &self,
        state: &State,
        of: &Key,
        (application, run): (&Application, &Component),
        (origin, answers): (&Origin, &Answers),
    ) -> Result<Looked, Refusal> {
        let owner = &application.owner;
        let mut findings = Vec::new();
        let mut found = |place: &str, why: String| findings.push(Finding::refusal(place, why, ""));
        let (package, prepared) = match self.prepared(state, of) {
            Ok(prepared) => prepared,
            Err(Failed::Passing(why)) => return Err(unavailable(why)),
            Err(Failed::ForGood(why)) => {
                found(&of.to_string(), why);
                return Ok(Looked { findings, explained: None });
            }
        };
        let hdfs = self.hdfs.as_user(&User::simple(owner.as_str()));
        let begins = (run.begins_from(origin), prepared.first_state());
        let chosen = restore::choose(&hdfs, &self.site.cluster, (owner, of), run, begins);
        let restore = match chosen {
            Ok(restore) => restore,
            Err(error) if error.is_passing() => return Err(unavailable(chain(&error))),
            Err(error) => {
                found(&format!("the state of {of}"), chain(&error));
                None
            }
        };
        let queue = match self.site.queue(owner) {
            Ok(queue) => queue,
            Err(error) if error.is_passing() => return Err(unavailable(chain(&error))),
            Err(error) => {
                found(&format!("the queue of {owner}"), chain(&error));
                None
            }
        };
        findings.extend(drained(of, run, restore.as_deref()));
        let runs = run.live().is_some();
        let chosen = Chosen { package: &package, prepared: &prepared, queue, restore, runs, answers };
        self.with_flink(state, of, owner, chosen, findings)
    }

    /// The rest of it, which needs a release of Flink.
    fn with_flink(
        &self,
        state: &State,
        of: &Key,
        owner: &Word,
        Chosen { package, prepared, queue, restore, runs, answers }: Chosen<'_>,
        mut findings: Vec<Finding>,
    ) -> Result<Looked, Refusal> {
        let mut found = |place: &str, why: String| findings.push(Finding::refusal(place, why, ""));
        let flink = match self.distribution(prepared.flink) {
            Ok(flink) => flink,
            Err(error @ (site::Error::Hdfs { .. } | site::Error::Read { .. })) => {
                return Err(unavailable(chain(&error)));
            }
            Err(error) => {
                found(&of.to_string(), chain(&error));
                return Ok(Looked { findings, explained: None });
            }
        };
        let way = match prepared.is_by_client() {
            true => Way::Client(Word::new(NO_TAG).map_err(unavailable)?),
            false => Way::Native(ApplicationId::new(NO_ID).map_err(unavailable)?),
        };
        let run = RunOf { way, order: None, queue: queue.as_ref(), job: None, restore: restore.as_deref() };
        let job = prepared.job(of, owner, &run);
        let configuration = match configuration(&self.site.cluster, &flink, &job) {
            Ok(configuration) => configuration,
            Err(Refused::Configuration(all)) => {
                all.into_iter().for_each(|why| found(&format!("the configuration of {of}"), why));
                return Ok(Looked { findings, explained: None });
            }
            Err(error) => {
                found(&of.to_string(), chain(&error));
                return Ok(Looked { findings, explained: None });
            }
        };
        if let (Some(component), Some(deployed)) =
            (package.component(&Kind::Flink, &of.component), state.packages.get(&package.name))
        {
            let classes = self.classes(owner, (package, deployed.sha256), component, prepared, answers);
            findings.extend_from_slice(&classes);
        }
        let mut wanted = Wanted::of(&configuration, owner, queue.as_ref());
        wanted.restore = wanted.restore.filter(|_| !runs);
        findings.extend(self.preflight(&job, prepared.flink, (&configuration, &wanted), answers));
        findings.extend(self.secrets_that_lack(prepared, owner));
        let explained = explained(prepared, &flink, &job, configuration, findings.clone());
        Ok(Looked { findings, explained: Some(explained) })
    }

    /// Secrets that cannot be put in now.
    fn secrets_that_lack(&self, prepared: &Prepared, owner: &Word) -> Vec<Finding> {
        let remedy = "have an administrator put it there on each edge, root's and of the service's group, mode 640";
        let lack = |name: &Word| {
            let error = secrets::read_one(self.site.secrets.as_deref(), owner, name).err()?;
            Some(Finding::refusal(format!("secret {name}"), chain(&error), remedy))
        };
        prepared.secrets().iter().filter_map(lack).collect()
    }

    /// What the cluster would object to.
    pub(super) fn preflight(
        &self,
        job: &Job,
        version: Version,
        (configuration, wanted): (&Configuration, &Wanted<'_>),
        answers: &Answers,
    ) -> Vec<Finding> {
        let hdfs = self.hdfs.as_user(&User::simple(job.owner.as_str()));
        let asking = Asking { yarn: &self.yarn, hdfs: &hdfs, answers };
        let mut findings = judge(wanted, &look(asking, &self.site.cluster, &job.of, wanted));
        findings.extend(python::judge(job, version, configuration, self.site.python_jar(version).is_some()));
        findings.sort();
        findings
    }
}

/// A state that is the end of its job's data.
fn drained(of: &Key, component: &Component, path: Option<&str>) -> Option<Finding> {
    let path = path?;
    let is_it = component.savepoints.iter().any(|one| one.drain && lies_in(path, &one.folder));
    let what = "its job was drained: what was in windows is out, as at the end of all data";
    let remedy = "begin from an earlier savepoint with --from if the data goes on";
    is_it.then(|| Finding::warning(format!("the state of {of}"), what, remedy))
}

/// What keeps something from running, as one text.
pub(super) fn refusals(findings: Vec<Finding>) -> Option<String> {
    let refused = findings.iter().any(|finding| finding.weight == Weight::Refusal);
    refused.then(|| lines(&findings))
}

pub(super) fn lines(findings: &[Finding]) -> String {
    findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// The jar that has the main class.
fn main_jar(job: &Job, version: Version) -> String {
    match &job.program {
        Program::Jar { jar, .. } => jar.to_string(),
        Program::Python { .. } => python_jar(version),
    }
}

fn explained(
    prepared: &Prepared,
    flink: &Distribution,
    job: &Job,
    done: Configuration,
    findings: Vec<Finding>,
) -> Explained {
    let from = |key: &str, value: &str| match key {
        _ if job.configuration.get(key).is_some_and(|own| own == value) => prepared.key_from(key),
        _ if flink.configuration.get(key).is_some_and(|own| own == value) => SetBy::Cluster,
        _ => SetBy::Submission,
    };
    let warnings = prepared.warnings.iter().chain(&done.warnings).cloned().collect();
    let pairs = done.pairs.into_iter();
    Explained {
        component: job.of.component.clone(),
        flink: prepared.flink.to_string(),
        main_class: job.main_class().to_owned(),
        main_jar: main_jar(job, prepared.flink),
        arguments: done.arguments,
        restore: job.restore.clone(),
        configuration: pairs.map(|(key, value)| Value { from: from(&key, &value), key, value }).collect(),
        properties: prepared.properties.clone(),
        set_by: prepared.origins.clone(),
        warnings,
        findings,
    }
}
