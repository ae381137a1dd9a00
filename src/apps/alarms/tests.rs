//! Each alarm, on its edge: what is just not one, and what just is;
//! and that what has passed is none.
//! Not here: how what is known came to be known.

use super::*;
use crate::decide::{Saved, Seen};
use crate::journal::{End, Origin, Run};
use crate::respawn::{Policy, Respawn};
use crate::vitals::tests::{AT, look};
use crate::vitals::{Look, Vitals};
use serde_json::json;
use systems::yarn::{FinalStatus, State as YarnState};
use words::application::Metrics;
use words::ids::ApplicationId;

/// All there is to know of a component.
struct Known {
    wanted: Wanted,
    component: Component,
    state: State,
    observed: Option<Observed>,
    since: SinceWhen,
    trouble: Option<(&'static str, u64)>,
    vitals: Option<Vitals>,
    now_ms: u64,
}

/// One that runs and does well.
fn well() -> Known {
    let run = Run { begun: true, accepted: true, ..Run::of(ApplicationId::new("application_1_1").unwrap(), 7, AT) };
    Known {
        wanted: Wanted::Started { order: 7, origin: Origin::Newest },
        component: Component { run: Some(run), ..Component::default() },
        state: State::Running,
        observed: Some(seen(YarnState::Running, 1)),
        since: SinceWhen::default(),
        trouble: None,
        vitals: None,
        now_ms: AT + 3_600_000,
    }
}

fn seen(state: YarnState, attempt: u64) -> Observed {
    let seen = Seen {
        state,
        final_status: FinalStatus::Undefined,
        diagnostics: String::new(),
        queue: String::new(),
        had_master: true,
        finished_ms: None,
        ran_ms: None,
        is_placeholder: false,
        job: Job::None,
        saved: Saved::None,
        attempt: Some(attempt),
        master: None,
    };
    Observed { as_of: 9, yarn: Yarn::Known(Box::new(seen)) }
}

/// One whose run has ended.
fn ended(verdict: Verdict, respawn: Respawn) -> Known {
    let mut one = well();
    let run = one.component.run.as_mut().unwrap();
    run.end = Some(End { at_ms: Some(AT + 5), ..End::of(verdict, "") });
    run.policy = Policy { respawn, pause_ms: 2000, limit: Some(0) };
    one.component.streak.failures = u32::from(verdict == Verdict::Failed);
    Known { state: State::Failed, ..one }
}

fn alarms(one: &Known) -> Vec<Alarm> {
    let application = ApplicationName::new("words").unwrap();
    let (component, owner) = (ComponentName::new("count").unwrap(), Word::new("alice").unwrap());
    let signs = Signs {
        wanted: &one.wanted,
        known: &one.component,
        state: one.state,
        observed: one.observed.as_ref(),
        since: one.since,
        trouble: one.trouble,
        vitals: one.vitals.as_ref(),
        now_ms: one.now_ms,
    };
    of(&Of { application: &application, component: &component, owner: &owner }, &signs)
}

/// Kind and beginning of each.
fn told(one: &Known) -> Vec<(Kind, u64)> {
    let all = alarms(one);
    assert!(all.iter().all(|alarm| !alarm.what.is_empty() && !alarm.remedy.is_empty()), "{all:?}");
    all.into_iter().map(|alarm| (alarm.name, alarm.since_ms)).collect()
}

#[test]
fn what_does_well_and_what_was_never_started_has_none() {
    assert_eq!(told(&well()), []);
    let created = Known { wanted: Wanted::Created, component: Component::default(), state: State::Stopped, ..well() };
    assert_eq!(told(&created), []);
}

#[test]
fn an_end_that_nothing_follows_is_one_unless_it_is_wanted() {
    let cases = [
        (Verdict::Failed, Respawn::No, Some(Kind::Failed)),
        (Verdict::Lost, Respawn::No, Some(Kind::Failed)),
        (Verdict::Failed, Respawn::OnFailure, Some(Kind::GivenUp)),
        (Verdict::Killed, Respawn::OnFailure, Some(Kind::EndedElsewhere)),
        (Verdict::Cancelled, Respawn::No, Some(Kind::EndedElsewhere)),
        (Verdict::Succeeded, Respawn::No, None),
        // Another run follows.
        (Verdict::Killed, Respawn::Always, None),
    ];
    for (verdict, respawn, expected) in cases {
        let found = told(&ended(verdict, respawn));
        assert_eq!(
            found,
            expected.map(|kind| (kind, AT + 5)).into_iter().collect::<Vec<_>>(),
            "{verdict:?} {respawn:?}"
        );
        let stopped = Wanted::Stopped { save: false, was: None };
        assert_eq!(told(&Known { wanted: stopped, ..ended(verdict, respawn) }), [], "{verdict:?}: as ordered");
    }
}

/// Three failures, an hour of calm, and then more: only those within the hour count.
#[test]
fn runs_that_follow_others_count_within_an_hour() {
    let minutes = |times: &[u64]| times.iter().map(|minute| AT + minute * MINUTE_MS).collect::<Vec<_>>();
    let after = |times: &[u64], now: u64| {
        let mut one = Known { now_ms: AT + now * MINUTE_MS, ..well() };
        one.component.respawned_ms = minutes(times);
        told(&one)
    };
    assert_eq!(after(&[1, 2], 3), []);
    assert_eq!(after(&[1, 2, 3], 4), [(Kind::Restarts, AT + MINUTE_MS)]);
    assert_eq!(after(&[1, 2, 3], 70), []);
    assert_eq!(after(&[1, 2, 3, 100, 101], 102), []);
    assert_eq!(after(&[1, 2, 3, 100, 101, 102], 103), [(Kind::Restarts, AT + 100 * MINUTE_MS)]);
}

#[test]
fn what_lasts_is_one_and_what_passes_is_none() {
    let at = |since: SinceWhen, observed: Observed, state, passed_ms| {
        told(&Known { since, observed: Some(observed), state, now_ms: AT + passed_ms, ..well() })
    };
    let hidden = || Observed { as_of: 9, yarn: Yarn::Hidden { hop: "the ResourceManager", why: "no\nroute".into() } };
    let since = SinceWhen { hidden_ms: Some(AT), ..SinceWhen::default() };
    assert_eq!(at(since, hidden(), State::CannotSee, HIDDEN_MS - 1), []);
    assert_eq!(at(since, hidden(), State::CannotSee, HIDDEN_MS), [(Kind::CannotSee, AT)]);
    let since = SinceWhen { waiting_ms: Some(AT), ..SinceWhen::default() };
    let accepted = || seen(YarnState::Accepted, 1);
    assert_eq!(at(since, accepted(), State::Waiting, WAITING_MS - 1), []);
    assert_eq!(at(since, accepted(), State::Waiting, WAITING_MS), [(Kind::Waiting, AT)]);
    let since = SinceWhen { another_attempt_ms: Some(AT), ..SinceWhen::default() };
    assert_eq!(at(since, seen(YarnState::Running, 2), State::Running, 0), [(Kind::Attempts, AT)]);
    for (passed, expected) in [(FAILING_MS - 1, 0), (FAILING_MS, 1)] {
        let one = Known { trouble: Some(("HDFS is full", AT)), now_ms: AT + passed, ..well() };
        assert_eq!(told(&one).len(), expected);
    }
}

#[test]
fn the_hop_that_does_not_answer_is_named_in_one_line() {
    let yarn = Yarn::Hidden { hop: "the ResourceManager", why: "no\nroute".into() };
    let since = SinceWhen { hidden_ms: Some(AT), ..SinceWhen::default() };
    let one = Known { observed: Some(Observed { as_of: 9, yarn }), since, state: State::CannotSee, ..well() };
    assert_eq!(alarms(&one)[0].what, "the ResourceManager does not answer: no route");
}

/// A look at a job with an interval of 10 s, whose checkpoints are so.
fn checkpointed(at_ms: u64, began_ms: u64, latest: serde_json::Value, counts: serde_json::Value) -> Look {
    let checkpoints = serde_json::from_value(json!({ "counts": counts, "latest": latest })).unwrap();
    Look { interval_ms: Some(10_000), checkpoints: Some(checkpoints), ..look(at_ms, began_ms, at_ms) }
}

#[test]
fn checkpoints_that_do_not_come_are_one_also_where_none_fails_and_none_ever_came() {
    let looked = |latest, at| {
        let vitals = Vitals::after(None, checkpointed(at, AT, latest, json!({})));
        told(&Known { vitals: Some(vitals), now_ms: at, ..well() })
    };
    // Five intervals are less than a minute here, and a minute it is.
    assert_eq!(looked(json!({}), AT + 60_000), []);
    assert_eq!(looked(json!({}), AT + 60_001), [(Kind::CheckpointsMissing, AT + 10_000)]);
    let completed = json!({ "completed": { "id": 3, "trigger_timestamp": AT + 500_000 } });
    assert_eq!(looked(completed.clone(), AT + 560_000), []);
    assert_eq!(looked(completed.clone(), AT + 560_001), [(Kind::CheckpointsMissing, AT + 510_000)]);
    // Where nobody can look any more, what is not seen is no alarm.
    let vitals = Vitals::after(None, checkpointed(AT + 505_000, AT, completed, json!({})));
    assert_eq!(told(&Known { vitals: Some(vitals), now_ms: AT + 900_000, ..well() }), []);
    let without = Vitals::after(None, Look { interval_ms: None, ..look(AT + 900_000, AT, AT + 900_000) });
    assert_eq!(told(&Known { vitals: Some(without), ..well() }), [], "a job that takes none");
}

#[test]
fn checkpoints_that_fail_are_one_until_one_is_complete_and_also_every_other_one() {
    let failed = json!({
        "completed": { "id": 3, "trigger_timestamp": AT + 19_000 },
        "failed": { "id": 4, "failure_timestamp": AT + 20_000 },
    });
    let look = |at| checkpointed(at, AT, failed.clone(), json!({ "completed": 3, "failed": 1 }));
    let first = Vitals::after(None, look(AT + 79_000));
    let with = |vitals: &Vitals| told(&Known { vitals: Some(vitals.clone()), ..well() });
    assert_eq!(with(&first), [], "a job that begins has such a one");
    let first = Vitals::after(None, Look { interval_ms: Some(60_000), ..look(AT + 80_000) });
    assert_eq!(with(&first), [(Kind::CheckpointsFail, AT + 20_000)]);
    let well_again = json!({
        "completed": { "id": 5, "trigger_timestamp": AT + 80_000 },
        "failed": { "id": 4, "failure_timestamp": AT + 20_000 },
    });
    let looked = |failed: u64| {
        let look = checkpointed(AT + 95_000, AT, well_again.clone(), json!({ "completed": 4, "failed": failed }));
        Vitals::after(Some(first.clone()), look)
    };
    assert_eq!(with(&looked(1)), []);
    assert_eq!(with(&looked(4)), [(Kind::CheckpointsFail, AT + 80_000)]);
}

#[test]
fn restarts_of_tasks_held_up_steps_and_late_metrics_are_told() {
    let mut one = Vitals::after(None, look(AT + 60_000, AT, AT + 60_000));
    one.metrics = Some(Metrics { last_ms: Some(AT), are_late: true, hidden: None });
    one.held_up = Some(crate::vitals::HeldUp { step: "Source: a\tb".into(), percent: 71, since_ms: Some(AT) });
    let with = |vitals: &Vitals, now_ms| told(&Known { vitals: Some(vitals.clone()), now_ms, ..well() });
    assert_eq!(with(&one, AT + HELD_UP_MS - 1), [(Kind::MetricsLate, AT)]);
    assert_eq!(with(&one, AT + HELD_UP_MS), [(Kind::BackPressure, AT), (Kind::MetricsLate, AT)]);
    let restarted = |count| Vitals::after(None, Look { restarts: Some(count), ..look(AT + 60_000, AT, AT + 60_000) });
    assert_eq!(with(&restarted(2), AT), []);
    assert_eq!(with(&restarted(3), AT), [(Kind::TaskRestarts, AT + 60_000)]);
}

#[test]
fn what_is_stuck_before_it_ever_ran_is_told() {
    let given_up = Component { given_up: Some("its package is gone".into()), ..Component::default() };
    assert_eq!(
        told(&Known { component: given_up, ..well() }).iter().map(|(kind, _)| *kind).collect::<Vec<_>>(),
        [Kind::GivenUp]
    );
    let tag = "pnda-client-1".to_owned();
    let attempt = json!({
        "tag": tag, "begun": { "folder": "f", "at_ms": AT }, "at_ms": AT, "intent": { "order": 7, "queue": null, "job": null, "restore": null },
    });
    let attempt = serde_json::from_value(attempt).unwrap();
    let component = Component { attempt: Some(attempt), ..Component::default() };
    let tried = |found, trail| Observed { as_of: 9, yarn: Yarn::Tried(Box::new(attempt::Tried { found, trail })) };
    let with = |observed, passed: u64| {
        let since = SinceWhen { hidden_ms: Some(AT), ..SinceWhen::default() };
        let one =
            Known { component: component.clone(), observed: Some(observed), since, now_ms: AT + passed, ..well() };
        told(&one)
    };
    let (none, lost) = (|| attempt::Found::None, || attempt::Trail::None);
    assert_eq!(with(tried(none(), lost()), HIDDEN_MS - 1), []);
    assert_eq!(with(tried(none(), lost()), HIDDEN_MS), [(Kind::CannotSee, AT)]);
    assert_eq!(with(tried(none(), attempt::Trail::Running), HIDDEN_MS), []);
    let hidden = attempt::Found::Hidden { hop: "the ResourceManager", why: "no route".into() };
    assert_eq!(with(tried(hidden, lost()), HIDDEN_MS), [(Kind::CannotSee, AT)]);
}
