//! What the classes of a package need and a release of Flink on this cluster lacks: looked at when it is deployed and when a
//! start is prepared. What was found is kept, not the classes: a package and a release do not change.
//! Not here: what is looked for (`package::classes`).

use super::explain::lines;
use super::{Manager, lock, unavailable};
use crate::clock::Clock;
use crate::orders::{Caller, Refusal};
use crate::package::classes::apart::{self, Question};
use crate::package::flink::{FlinkComponent, Program};
use crate::package::{Component, Kind, Package, mirror};
use crate::preflight::answers::Answers;
use crate::prepare::Prepared;
use std::collections::{BTreeMap, BTreeSet};
use std::io::BufReader;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use systems::yarn::scheduler::java_of;
use words::application::{Finding, Weight};
use words::chain::chain;
use words::digest::Sha256;
use words::flink::Version;
use words::names::{PackageName, Word};
use words::problem::Problem;

/// So much that was found is kept.
const MOST_KEPT: usize = 200;
/// So many looks at the same time, and none by two for one user: each takes some sixty megabytes.
const MOST_LOOKS: usize = 2;
/// For so long a look waits for others.
const WAIT: Duration = Duration::from_secs(20);
/// So long what could not be looked at is not looked at again.
const FAILED_STAYS: Duration = Duration::from_secs(600);
/// So many NodeManagers are asked for their Java: the oldest counts.
const MOST_ASKED: usize = 3;
/// So long they are not asked again.
const JAVA_STAYS: Duration = Duration::from_secs(600);
/// Of a Java that nobody tells, no class is too new.
const ANY_JAVA: u16 = 99;

/// What was looked at: a component of certain bytes, as a program of it, on a release and a Java.
type Subject = (Sha256, String, Version, u16);

/// When a look failed, and what is told instead.
type Failed = (Duration, Arc<[Finding]>);

/// What was found so far.
#[derive(Default)]
pub(super) struct Looked {
    found: Mutex<BTreeMap<Subject, Arc<[Finding]>>>,
    /// What could not be looked at, and when that was: who asks for the same again must not keep others waiting.
    failed: Mutex<BTreeMap<Subject, Failed>>,
    /// For whom something is looked at now.
    looking: Mutex<BTreeSet<Word>>,
    /// The Java of the nodes, and when that was.
    java: Mutex<Option<(Duration, u16)>>,
}

/// A look that somebody takes, until this is dropped.
pub(super) struct Turn<'a> {
    looked: &'a Looked,
    user: Word,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        lock(&self.looked.looking).remove(&self.user);
    }
}

impl Looked {
    /// What one user has looked at takes one place alone; nobody waits for long.
    pub(super) fn turn(&self, user: &Word, clock: &dyn Clock) -> Option<Turn<'_>> {
        let end = clock.passed() + WAIT;
        loop {
            let mut looking = lock(&self.looking);
            if looking.len() < MOST_LOOKS && looking.insert(user.clone()) {
                return Some(Turn { looked: self, user: user.clone() });
            }
            drop(looking);
            if clock.passed() > end {
                return None;
            }
            clock.sleep(Duration::from_millis(50));
        }
    }

    fn known(&self, subject: &Subject, now: Duration) -> Option<Arc<[Finding]>> {
        let mut failed = lock(&self.failed);
        failed.retain(|_, (at, _)| now < *at + FAILED_STAYS);
        let found = lock(&self.found).get(subject).cloned();
        found.or_else(|| failed.get(subject).map(|(_, found)| found.clone()))
    }

    fn keep(&self, subject: Subject, found: &Arc<[Finding]>) {
        let mut all = lock(&self.found);
        if all.len() >= MOST_KEPT {
            all.pop_first();
        }
        all.insert(subject, found.clone());
    }
}

impl Manager {
    /// Deploys a package unless it runs on no release of Flink that is here; gives what is worth knowing.
    pub fn deploy_if_right(&self, name: &PackageName, by: &Caller) -> Result<Vec<Finding>, Refusal> {
        let is_deployed = self.state()?.packages.contains_key(name);
        if !is_deployed {
            self.bring(name)?;
        }
        // Who has it already is told so, and what is wrong with the package itself, by the deployment.
        let Some((package, stored)) = self.repository.package(name).ok().filter(|_| !is_deployed) else {
            return self.deploy(name, by).map(|()| Vec::new());
        };
        let note = |note: &Problem| Finding::warning(note.origin.to_string(), &note.what, &note.remedy);
        let mut findings: Vec<Finding> = package.notes.iter().map(note).collect();
        let mut runs = self.site.flinks.is_empty();
        for version in self.site.flinks.keys() {
            let found = self.of_package(&by.name, (&package, stored.digest), *version);
            runs |= found.iter().all(|finding| finding.weight == Weight::Warning);
            findings.extend(
                found.into_iter().map(|one| Finding { place: format!("Flink {version}: {}", one.place), ..one }),
            );
        }
        if !runs {
            let why = lines(&findings);
            self.remember_refused(name, format!("Error deploying {name}: {why}"));
            return Err(Refusal::Invalid(format!("{name} runs on no release of Flink that is here:\n{why}")));
        }
        self.deploy(name, by)?;
        // Another release runs it: this one's refusals are to be known.
        Ok(findings.into_iter().map(|one| Finding { weight: Weight::Warning, ..one }).collect())
    }

    /// Brings a package that nobody uploaded from the mirror, if there is one.
    fn bring(&self, name: &PackageName) -> Result<(), Refusal> {
        let is_here = !matches!(self.repository.open(name), Err(error) if error.is_missing());
        let Some(mirror) = self.site.mirror.as_ref().filter(|_| !is_here) else { return Ok(()) };
        match mirror.bring(name, &self.repository) {
            Ok(_) => Ok(()),
            Err(error @ mirror::Error::NotFound { .. }) => {
                // As PNDA's clients know it.
                self.remember_refused(name, format!("Error deploying {name} {name}NotFound, details: {error}"));
                Err(Refusal::NotFound(error.to_string()))
            }
            Err(error) => Err(unavailable(chain(&error))),
        }
    }

    fn of_package(&self, user: &Word, package: (&Package, Sha256), version: Version) -> Vec<Finding> {
        let java = self.java(&Answers::default());
        let components = package.0.components.iter().filter(|component| component.kind == Kind::Flink);
        let of = |component: &Component| {
            let parsed = FlinkComponent::parse("", &component.properties, &component.files);
            parsed.map_or_else(
                |_| Vec::new(),
                |(flink, _)| self.of_component(user, package, component, &flink.program, (version, java)).to_vec(),
            )
        };
        components.flat_map(of).collect()
    }

    /// What the classes of a component need of a release, for a user.
    pub(super) fn classes(
        &self,
        user: &Word,
        package: (&Package, Sha256),
        component: &Component,
        prepared: &Prepared,
        answers: &Answers,
    ) -> Arc<[Finding]> {
        let on = (prepared.flink, self.java(answers));
        self.of_component(user, package, component, &prepared.component.program, on)
    }

    fn of_component(
        &self,
        user: &Word,
        (package, digest): (&Package, Sha256),
        component: &Component,
        program: &Program,
        (version, java): (Version, u16),
    ) -> Arc<[Finding]> {
        let folder = format!("{}/{}", component.written, component.name);
        let subject = (digest, format!("{folder} {program:?}"), version, java);
        let known = || self.looked.known(&subject, self.clock.passed());
        if let Some(found) = known() {
            return found;
        }
        let unseen = |why: String| -> Arc<[Finding]> {
            let remedy = "`pnda package check` looks at them on any machine";
            [Finding::warning(&folder, format!("its classes were not looked at: {why}"), remedy)].into()
        };
        let Some(_turn) = self.looked.turn(user, &*self.clock) else {
            return unseen("other packages are being looked at".to_owned());
        };
        if let Some(found) = known() {
            return found;
        }
        match self.look_into(&package.name, &folder, program, (version, java)) {
            Ok(found) => {
                let found: Arc<[Finding]> = found.into();
                self.looked.keep(subject, &found);
                found
            }
            Err(why) => {
                let found = unseen(why);
                lock(&self.looked.failed).insert(subject, (self.clock.passed(), found.clone()));
                found
            }
        }
    }

    /// Where a program is there for it, in a process of its own: the classes of a release take some sixty megabytes.
    fn look_into(
        &self,
        package: &PackageName,
        folder: &str,
        program: &Program,
        (version, java): (Version, u16),
    ) -> Result<Vec<Finding>, String> {
        let hadoop =
            self.site.cluster.class_path.iter().filter_map(|entry| entry.strip_suffix("/*")).map(PathBuf::from);
        let question = Question {
            package: package.clone(),
            folder: folder.to_owned(),
            program: program.clone(),
            flink: self.site.flink_home.with_file_name(format!("flink-{version}")),
            hadoop: hadoop.filter(|folder| folder.is_dir()).collect(),
            java,
        };
        let archive = BufReader::new(self.repository.open(package).map_err(|error| chain(&error))?);
        match &self.apart {
            Some(program) => apart::ask(program, &question, archive),
            None => apart::look(&question, archive),
        }
    }

    /// The oldest Java of some nodes that run containers.
    fn java(&self, answers: &Answers) -> u16 {
        let now = self.clock.passed();
        if let Some((_, java)) = lock(&self.looked.java).filter(|(at, _)| now < *at + JAVA_STAYS) {
            return java;
        }
        let nodes = answers.nodes(&self.yarn).unwrap_or_default();
        let running = nodes.into_iter().filter(|node| node.state == "RUNNING").take(MOST_ASKED);
        let Some(java) = running.filter_map(|node| java_of(&self.network.nodes, &node.address?)).min() else {
            return ANY_JAVA;
        };
        *lock(&self.looked.java) = Some((now, java));
        java
    }
}
