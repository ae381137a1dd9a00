//! The manager's figures in Prometheus' text format. A series is there for each component and each state that it is in: how many
//! there are is bounded by the manager.
//! Not here: the format (`prometheus`), and the agent's own counts.

use super::Managed;
use crate::prometheus::Page;
use std::fmt::Display;
use words::alarm::Severity;
use words::application::State;
use words::figures::{Component, Figures, Tally};

pub(in crate::managed) const STATES: [State; 15] = [
    State::Scheduled,
    State::Stopped,
    State::Submitting,
    State::Waiting,
    State::Starting,
    State::Running,
    State::Restarting,
    State::Stopping,
    State::Finished,
    State::Failed,
    State::Cancelled,
    State::Killed,
    State::Lost,
    State::CannotSee,
    State::Unknown,
];

/// Adds all of them.
pub(crate) fn samples(page: &mut Page<'_>, managed: &Managed) {
    let up = "pnda_applications_manager_up";
    page.family(up, "gauge", "Whether the manager of applications on this node answers.");
    page.sample(up, &[], u8::from(matches!(managed, Managed::Told(_))));
    if let Managed::Told(figures) = managed {
        of_all(page, figures);
        of_manager(page, figures);
        // One that stands by knows nothing.
        if figures.manages {
            of_components(page, &figures.components);
            alarms(page, figures);
        }
    }
}

fn of_all(page: &mut Page<'_>, figures: &Figures) {
    let manages = "pnda_applications_manager_manages";
    page.family(manages, "gauge", "Whether this node manages applications; 0: it stands by.");
    page.sample(manages, &[], u8::from(figures.manages));
    if !figures.manages {
        return;
    }
    let components = "pnda_application_components";
    page.family(components, "gauge", "Components of applications, by state.");
    for state in STATES {
        let count = figures.states.get(&state).copied().unwrap_or_default();
        page.sample(components, &[("state", &state.to_string())], count);
    }
    let alarms = "pnda_application_alarms";
    page.family(alarms, "gauge", "Alarms of applications and of their manager, by severity.");
    for severity in [Severity::Critical, Severity::Warning] {
        let count = figures.alarms.get(&severity).copied().unwrap_or_default();
        page.sample(alarms, &[("severity", &severity.to_string())], count);
    }
    let left_out = "pnda_application_components_left_out";
    page.family(left_out, "gauge", "Components that have no series of their own, because there are too many.");
    page.sample(left_out, &[], figures.left_out);
}

fn of_manager(page: &mut Page<'_>, figures: &Figures) {
    let records = "pnda_applications_journal_records";
    page.family(records, "gauge", "The number of the last record in the journal of applications.");
    page.sample(records, &[], figures.records);
    let kinds = [
        ("rounds", &figures.rounds, "Rounds of the manager: what is for all components together."),
        ("looks", &figures.looks, "Looks at single components, with what followed from them."),
        ("appends", &figures.appends, "Records written to the journal."),
    ];
    for (kind, tally, help) in kinds {
        summary(page, &format!("pnda_applications_manager_{kind}_seconds"), help, &[(None, *tally)]);
        let failed = format!("pnda_applications_manager_{kind}_failed_total");
        page.family(&failed, "counter", &format!("{help} Those that failed."));
        page.sample(&failed, &[], tally.failed);
    }
    if let Some(test) = &figures.selftest {
        let passed = "pnda_applications_selftest_passed";
        page.family(passed, "gauge", "Whether the manager's own small job got through the last time.");
        page.sample(passed, &[], u8::from(test.passed));
        let at = "pnda_applications_selftest_timestamp_seconds";
        page.family(at, "gauge", "When that was, in seconds since 1970.");
        page.sample(at, &[], test.at_ms as f64 / 1000.0);
        let took = "pnda_applications_selftest_duration_seconds";
        page.family(took, "gauge", "How long its steps took together.");
        page.sample(took, &[], test.steps.iter().map(|step| step.ms).sum::<u64>() as f64 / 1000.0);
    }
    let requests: Vec<(Option<&str>, Tally)> =
        figures.requests.iter().map(|(kind, tally)| (Some(kind.as_str()), *tally)).collect();
    let help = "Requests of the manager, by the kind of server.";
    summary(page, "pnda_applications_manager_requests_seconds", help, &requests);
    let failed = "pnda_applications_manager_requests_failed_total";
    page.family(failed, "counter", "Requests of the manager without an answer, or with one of status 500 and more.");
    for (kind, tally) in &requests {
        page.sample(failed, &[("server", kind.unwrap_or_default())], tally.failed);
    }
}

/// How often, and how long altogether.
fn summary(page: &mut Page<'_>, name: &str, help: &str, all: &[(Option<&str>, Tally)]) {
    page.family(name, "summary", help);
    for (server, tally) in all {
        let labels: Vec<(&str, &str)> = server.iter().map(|server| ("server", *server)).collect();
        page.sample(&format!("{name}_sum"), &labels, tally.micros as f64 / 1e6);
        page.sample(&format!("{name}_count"), &labels, tally.count);
    }
}

fn of_components(page: &mut Page<'_>, all: &[Component]) {
    if all.is_empty() {
        return;
    }
    let state = "pnda_application_state";
    page.family(state, "gauge", "A component's state: 1 for the one that it is in.");
    for component in all {
        with(page, state, component, &[("state", &component.state.to_string())], 1);
    }
    let seconds = |ms: Option<u64>| ms.map(|ms| ms as f64 / 1000.0);
    let count = |count: Option<u64>| count.map(|count| count as f64);
    type Of<'a> = &'a dyn Fn(&Component) -> Option<f64>;
    let families: [(&str, &str, &str, Of<'_>); 8] = [
        ("restarts", "gauge", "How often the manager began it again within the last hour.", &|one| {
            Some(one.restarts as f64)
        }),
        ("task_restarts_total", "counter", "How often Flink restarted the tasks of its job.", &|one| {
            count(one.task_restarts)
        }),
        ("checkpoints_completed_total", "counter", "Checkpoints of its job that are complete.", &|one| {
            count(one.completed)
        }),
        ("checkpoints_failed_total", "counter", "Checkpoints of its job that failed.", &|one| count(one.failed)),
        (
            "last_checkpoint_timestamp_seconds",
            "gauge",
            "When the last complete checkpoint of its job began, in seconds since 1970.",
            &|one| seconds(one.checkpoint_ms),
        ),
        ("checkpoint_interval_seconds", "gauge", "From one checkpoint to the next, where it takes some.", &|one| {
            seconds(one.interval_ms)
        }),
        (
            "back_pressure_ratio",
            "gauge",
            "For which part of its time the step that waits most for those after it does so.",
            &|one| Some(one.held_up? as f64 / 100.0),
        ),
        ("attempt", "gauge", "Which attempt of YARN at its run there is.", &|one| count(one.attempt)),
    ];
    for (name, kind, help, value) in families {
        let name = format!("pnda_application_{name}");
        let known: Vec<(&Component, f64)> = all.iter().filter_map(|one| Some((one, value(one)?))).collect();
        if !known.is_empty() {
            page.family(&name, kind, help);
            known.into_iter().for_each(|(one, value)| with(page, &name, one, &[], value));
        }
    }
}

fn with(page: &mut Page<'_>, name: &str, of: &Component, more: &[(&str, &str)], value: impl Display) {
    let own =
        [("application", of.application.as_str()), ("component", of.component.as_str()), ("owner", of.owner.as_str())];
    page.sample(name, &[&own[..], more].concat(), value);
}

fn alarms(page: &mut Page<'_>, figures: &Figures) {
    let alarm = "pnda_application_alarm";
    let of = figures.components.iter().flat_map(|one| one.alarms.iter().map(move |alarm| (one, alarm)));
    let of: Vec<_> = of.collect();
    if of.is_empty() && figures.own_alarms.is_empty() {
        return;
    }
    page.family(alarm, "gauge", "An alarm: 1 while there is one. Without an application it is the manager's own.");
    for own in &figures.own_alarms {
        page.sample(alarm, &[("alarm", &own.name.to_string()), ("severity", &own.severity.to_string())], 1);
    }
    for (one, (name, severity)) in of {
        with(page, alarm, one, &[("alarm", &name.to_string()), ("severity", &severity.to_string())], 1);
    }
}
