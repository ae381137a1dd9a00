//! What is told of components that Oozie runs before they are submitted: what stands against it, and what Oozie would get.
//! The same preparation as a submission, files among it; nothing is sent.
//! Not here: submitting (`workflows`).

use super::workflows::Failed;
use super::{Manager, unavailable};
use crate::journal::{Application, Key, State, Workflow, fresh_id};
use crate::orders::Refusal;
use crate::package::Package;
use crate::package::oozie::{COORDINATOR, WORKFLOW};
use crate::workflow::{self, Prepared};
use std::collections::BTreeMap;
use std::fs;
use systems::hadoop::User;
use systems::oozie::{Action, JobId};
use words::application::{DryRun, Explained, Finding, SetBy, Value};
use words::chain::chain;
use words::ids::ApplicationId;
use words::names::{ApplicationName, ComponentName, Word};

impl Manager {
    /// Adds what is so of the workflows of an application to what is so of its other components.
    pub(super) fn look_at_workflows(&self, state: &State, name: &ApplicationName, dry: &mut DryRun) {
        let Some(application) = state.applications.get(name) else { return };
        for component in application.workflows.keys() {
            let of = Key { application: name.clone(), component: component.clone() };
            match self.checked(state, application, &of) {
                Ok(prepared) => dry.components.push(explained(component, &prepared)),
                Err(why) => dry.findings.push(Finding::refusal(of.to_string(), why, "")),
            }
        }
        if let Some(oozie) = self.oozie.as_ref().filter(|_| !application.workflows.is_empty()) {
            let what = match oozie.is_at_work(&User::simple(application.owner.as_str())) {
                Ok(true) => return,
                Ok(false) => "somebody has switched it to maintenance, and it takes nothing".to_owned(),
                Err(error) => chain(&error),
            };
            dry.findings.push(Finding::warning("Oozie", what, "it is submitted when Oozie works"));
        }
    }

    /// The application of YARN whose logs tell most of a job of Oozie's: its newest Flink job, else its newest launcher.
    pub(super) fn newest_of_workflow(
        &self,
        owner: &Word,
        workflow: &Workflow,
    ) -> Result<Option<ApplicationId>, Refusal> {
        let Some(job) = &workflow.job else { return Ok(None) };
        let tagged = self.yarn.applications(&workflow::tag(&job.token), &[]);
        let tagged = tagged.map_err(|error| unavailable(chain(&error)))?.into_iter();
        let flink = tagged.filter(|one| one.user == owner.as_str()).map(|one| one.id).max_by_key(ApplicationId::number);
        let (None, Some(oozie), Some(id)) = (&flink, &self.oozie, &job.id) else { return Ok(flink) };
        let user = User::simple(owner.as_str());
        let asked = |id: &JobId| oozie.job(&user, id).map_err(|error| unavailable(chain(&error)));
        let Some(mut found) = asked(id)? else { return Ok(None) };
        if job.is_coordinator {
            let run = found.actions.iter().find_map(|run| JobId::new(run.external_id.clone()?).ok());
            let Some(run) = run.map_or(Ok(None), |run| asked(&run))? else { return Ok(None) };
            found = run;
        }
        Ok(found.actions.iter().find_map(Action::application))
    }

    /// The properties of a component as they are expanded, the same for each submission.
    pub(super) fn properties_for_oozie(
        &self,
        state: &State,
        package: &Package,
        of: &Key,
    ) -> Option<BTreeMap<String, String>> {
        let application = state.applications.get(&of.application)?;
        let token = Word::new("submission").ok()?;
        let prepared = self.prepare_workflow(package, application, (of, &token)).ok()?;
        Some(prepared.lasting())
    }

    fn checked(&self, state: &State, application: &Application, of: &Key) -> Result<Prepared, String> {
        let (package, _) = self.package(state, &application.package).map_err(|error| chain(&error))?;
        self.check_workflow(&package, application, of)
    }

    /// A component as it would be submitted, its files among it.
    pub(super) fn check_workflow(
        &self,
        package: &Package,
        application: &Application,
        of: &Key,
    ) -> Result<Prepared, String> {
        let said = |failed| match failed {
            Failed::Passing(why) | Failed::ForGood(why) => why,
        };
        let token = Word::new(fresh_id()).map_err(|error| error.to_string())?;
        let prepared = self.prepare_workflow(package, application, (of, &token)).map_err(said)?;
        let folder = self.ready_in(&token);
        let parts = self.parts(package, (application, of, &token), &prepared, &folder).map_err(said);
        let _ = fs::remove_dir_all(&folder);
        parts.map(|_| prepared)
    }
}

fn explained(component: &ComponentName, prepared: &Prepared) -> Explained {
    let own = prepared.own().iter();
    let configuration =
        own.map(|(key, value)| Value { key: key.clone(), value: value.clone(), from: SetBy::Submission }).collect();
    Explained {
        component: component.clone(),
        flink: String::new(),
        main_class: String::new(),
        main_jar: if prepared.is_coordinator() { COORDINATOR } else { WORKFLOW }.to_owned(),
        arguments: Vec::new(),
        restore: None,
        configuration,
        properties: prepared.properties.clone(),
        set_by: prepared.origins.clone(),
        warnings: prepared.warnings.clone(),
        findings: Vec::new(),
    }
}
