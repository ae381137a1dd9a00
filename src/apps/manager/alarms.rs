//! The alarms of all applications, from what the journal knows, rounds have seen and looks at jobs have found.
//! They are made when somebody asks, so that all who ask at a time are told the same.
//! Not here: what is one (`alarms`).

use super::{Manager, Trouble, lock};
use crate::alarms::{self, Of, Signs, workflow};
use crate::journal::{Application, Key};
use words::alarm::{Alarm, Severity};
use words::application as told;
use words::metric::Health;
use words::names::ApplicationName;
use words::verdict::Verdict;

impl Manager {
    /// All alarms, the manager's own first.
    pub fn alarms(&self) -> Vec<Alarm> {
        let mut all = self.own_alarms();
        let applications = self.applications().unwrap_or_default();
        all.extend(applications.into_iter().flat_map(|one| one.components).flat_map(|one| one.alarms));
        all
    }

    /// How all applications are together.
    pub(super) fn verdict(&self) -> Verdict {
        let told = |alarm: Alarm| {
            let of = alarm.application.zip(alarm.component).map(|(name, component)| format!("{name}/{component}: "));
            let health = match alarm.severity {
                Severity::Critical => Health::Error,
                Severity::Warning => Health::Warn,
            };
            (health, format!("{}{}: {}", of.unwrap_or_default(), alarm.name, alarm.what))
        };
        Verdict::of(self.alarms().into_iter().map(told).collect())
    }

    /// One that stands by is well.
    pub(super) fn own_alarms(&self) -> Vec<Alarm> {
        if lock(&self.since).elsewhere.is_some() {
            return Vec::new();
        }
        let silence = self.silence();
        let now_ms = self.clock.now_ms();
        let silence = silence.and_then(|silence| alarms::cannot_record((silence.since_ms, now_ms), &silence.why));
        let tested = lock(&self.tested).clone().filter(|_| silence.is_none());
        let tested = tested.and_then(|last| {
            let (step, why) = last.test.failed()?;
            Some(alarms::selftest(last.failing_ms?, step, why))
        });
        silence.into_iter().chain(tested).collect()
    }

    /// Adds a component's alarms to what is told of it.
    pub(super) fn add_alarms(&self, name: &ApplicationName, application: &Application, told: &mut told::Component) {
        // Who manages raises them.
        if lock(&self.since).elsewhere.is_some() {
            return;
        }
        let of = Key { application: name.clone(), component: told.name.clone() };
        let Some(known) = application.components.get(&told.name) else {
            told.alarms = self.alarms_of_workflow(&of, application);
            return;
        };
        let observed = lock(&self.seen).get(&of).filter(|observed| observed.as_of >= known.changed).cloned();
        let since = lock(&self.since).of(&of);
        let troubles = lock(&self.troubles);
        let trouble = troubles.get(&of).and_then(Trouble::since);
        let looked = lock(&self.looked_at);
        let signs = Signs {
            wanted: &application.wanted,
            known,
            state: told.state,
            observed: observed.as_ref(),
            since,
            trouble,
            vitals: looked.get(&of).and_then(|looked| looked.vitals.as_ref()),
            now_ms: self.clock.now_ms(),
        };
        let of = Of { application: name, component: &told.name, owner: &application.owner };
        told.alarms = alarms::of(&of, &signs);
    }

    fn alarms_of_workflow(&self, of: &Key, application: &Application) -> Vec<Alarm> {
        let Some(known) = application.workflows.get(&of.component) else { return Vec::new() };
        let overseen = lock(&self.overseen);
        let since = lock(&self.since).of(of);
        let troubles = lock(&self.troubles);
        let signs = workflow::Signs {
            wanted: &application.wanted,
            known,
            observed: overseen.get(of).filter(|observed| observed.as_of >= known.changed),
            since,
            trouble: troubles.get(of).and_then(Trouble::since),
            now_ms: self.clock.now_ms(),
        };
        let of = Of { application: &of.application, component: &of.component, owner: &application.owner };
        workflow::of(&of, &signs)
    }
}
