//! Every cell of the decision: what is wanted, what the journal knows, what is seen, and the action that follows.
//! Not here: how things are seen and done.
//! Two rules are held over all of them: nothing is done on what nobody sees, and an intent is never decided anew.

use super::*;
use crate::journal::Origin;
use words::ids::{ApplicationId, TriggerId};

const ORDER: u64 = 7;

fn started() -> Wanted {
    Wanted::Started { order: ORDER, origin: Origin::Newest }
}

fn stopped(save: bool) -> Wanted {
    Wanted::Stopped { save, was: Some((ORDER, Origin::Newest)) }
}

fn id() -> ApplicationId {
    ApplicationId::new("application_1_0001").unwrap()
}

fn job() -> JobId {
    JobId::new("0".repeat(32)).unwrap()
}

fn run(accepted: bool) -> Component {
    let run = Run { begun: true, accepted, ..Run::of(id(), ORDER, 0) };
    Component { changed: 9, run: Some(run), ..Component::default() }
}

fn ended(order: u64) -> Component {
    let end = End::of(Verdict::Failed, "");
    let mut component = run(true);
    component.run = component.run.map(|run| Run { order, end: Some(end), ..run });
    component
}

fn with(outcome: Outcome) -> Component {
    let savepoint = Savepoint {
        id: TriggerId::new("a".repeat(32)).unwrap(),
        run: id(),
        job: job(),
        folder: "/s".into(),
        at_ms: 0,
        goes_on: false,
        outcome,
        periodic: false,
        drain: false,
        package: None,
    };
    Component { savepoints: vec![savepoint], ..run(true) }
}

fn seen(state: State, job: Job, saved: Saved) -> Yarn {
    let (final_status, diagnostics, queue) = (FinalStatus::Undefined, String::new(), "root.default".to_owned());
    let had_master = state == State::Running || state.is_final();
    Yarn::Known(Box::new(Seen {
        state,
        final_status,
        diagnostics,
        queue,
        had_master,
        finished_ms: Some(5),
        ran_ms: None,
        is_placeholder: false,
        job,
        saved,
        attempt: Some(1),
        master: None,
    }))
}

fn known(is_running: bool) -> Job {
    Job::Known { id: job(), state: "RUNNING".into(), is_running }
}

fn hidden() -> Yarn {
    Yarn::Hidden { hop: "the ResourceManager", why: "no route".into() }
}

fn unknown_to_yarn(traces: Traces) -> Yarn {
    Yarn::Unknown { traces, saved: Saved::None, archived: Archived::None }
}

fn decided(wanted: &Wanted, component: &Component, yarn: Yarn) -> Action {
    next(wanted, component, &Observed { as_of: 9, yarn }, 0)
}

#[test]
fn nothing_runs_and_something_shall_or_shall_not() {
    let fresh = Component::default();
    assert_eq!(decided(&started(), &fresh, Yarn::NoRun), Action::Intend { due_ms: None });
    assert_eq!(
        decided(&started(), &ended(3), Yarn::NoRun),
        Action::Intend { due_ms: None },
        "a run of an earlier order"
    );
    assert_eq!(decided(&started(), &ended(ORDER), Yarn::NoRun), Action::Rest(Rest::AsWanted), "it ended by itself");
    for wanted in [Wanted::Created, stopped(true), stopped(false), Wanted::Deleted] {
        for component in [&fresh, &ended(3), &ended(ORDER)] {
            assert_eq!(decided(&wanted, component, Yarn::NoRun), Action::Rest(Rest::AsWanted), "{wanted:?}");
        }
    }
}

#[test]
fn an_intent_is_completed_whatever_is_wanted_by_now() {
    for wanted in [started(), stopped(true), stopped(false), Wanted::Deleted] {
        let absent = decided(&wanted, &run(false), unknown_to_yarn(Traces::None));
        let expected = if wanted == started() { Action::Submit } else { Action::Occupy };
        assert_eq!(absent, expected, "{wanted:?}: under its id, whatever is sent");
        let accepted = decided(&wanted, &run(false), seen(State::Accepted, Job::None, Saved::None));
        assert_eq!(accepted, Action::Accept { is_placeholder: false }, "{wanted:?}");
        let found = decided(&wanted, &run(false), unknown_to_yarn(Traces::Found("/logs/x".into())));
        assert!(matches!(found, Action::End(End { verdict: Verdict::Lost, .. })), "it ran: {found:?}");
        let nobody = decided(&wanted, &run(false), unknown_to_yarn(Traces::Hidden("HDFS is gone".into())));
        match wanted == started() {
            true => assert!(matches!(nobody, Action::Rest(Rest::CannotSee { .. })), "{nobody:?}"),
            false => assert_eq!(nobody, Action::Occupy, "what takes the id runs nothing, whatever became of it"),
        }
        let of = |archived| Yarn::Unknown { traces: Traces::None, saved: Saved::None, archived };
        let end = End { at_ms: Some(1), ran_ms: Some(1), ..End::of(Verdict::Succeeded, "") };
        assert_eq!(decided(&wanted, &run(true), of(Archived::Ended(end.clone()))), Action::End(end));
        let end = End { at_ms: Some(1), ran_ms: Some(1), ..End::of(Verdict::Failed, "") };
        let first = decided(&wanted, &run(false), of(Archived::Ended(end)));
        assert_eq!(first, Action::Accept { is_placeholder: false }, "that it ran is written down first");
        let hidden = decided(&wanted, &run(true), of(Archived::Hidden("HDFS is gone".into())));
        assert!(matches!(hidden, Action::Rest(Rest::CannotSee { .. })), "{hidden:?}");
        let forgotten = decided(&wanted, &run(true), unknown_to_yarn(Traces::None));
        assert!(matches!(forgotten, Action::End(End { verdict: Verdict::Lost, .. })), "{forgotten:?}");
    }
}

#[test]
fn an_intent_that_was_never_sent_is_given_up_where_it_shall_not_run() {
    let mut component = run(false);
    component.run = component.run.map(|run| Run { begun: false, ..run });
    let absent = |wanted: &Wanted| decided(wanted, &component, unknown_to_yarn(Traces::None));
    assert_eq!(absent(&started()), Action::Submit);
    for wanted in [stopped(true), stopped(false), Wanted::Deleted] {
        let action = absent(&wanted);
        assert!(matches!(action, Action::End(End { verdict: Verdict::Abandoned, .. })), "{wanted:?}: {action:?}");
        // Ids are not checked when they are used: what is there is looked at first.
        let there = decided(&wanted, &component, seen(State::Accepted, Job::None, Saved::None));
        assert_eq!(there, Action::Accept { is_placeholder: false }, "{wanted:?}");
    }
}

#[test]
fn nothing_is_done_on_what_nobody_sees_or_on_what_was_seen_before_the_last_record() {
    for wanted in [started(), stopped(true), stopped(false), Wanted::Deleted] {
        for component in [run(false), run(true), with(Outcome::Pending)] {
            let action = decided(&wanted, &component, hidden());
            assert!(matches!(action, Action::Rest(Rest::CannotSee { .. })), "{wanted:?} {action:?}");
            let stale = Observed { as_of: 8, yarn: seen(State::Killed, Job::None, Saved::None) };
            assert_eq!(next(&wanted, &component, &stale, 0), Action::Rest(Rest::Stale));
        }
    }
}

#[test]
fn a_run_is_left_alone_while_it_shall_run() {
    for state in [State::New, State::Submitted, State::Accepted, State::Running, State::Other("FINAL_SAVING".into())] {
        let action = decided(&started(), &run(true), seen(state.clone(), Job::None, Saved::None));
        assert_eq!(action, Action::Rest(Rest::AsWanted), "{state:?}");
    }
}

#[test]
fn the_end_is_written_down_with_yarn_s_and_flink_s_verdict_together() {
    use FinalStatus::{Failed, Killed, Succeeded, Undefined};
    for (state, final_status, verdict) in [
        (State::Finished, Succeeded, Verdict::Succeeded),
        (State::Finished, Failed, Verdict::Failed),
        (State::Finished, Killed, Verdict::Cancelled),
        (State::Finished, Undefined, Verdict::Lost),
        (State::Failed, Failed, Verdict::Failed),
        (State::Failed, Undefined, Verdict::Failed),
        (State::Killed, Killed, Verdict::Killed),
        (State::Killed, Undefined, Verdict::Killed),
    ] {
        for wanted in [started(), stopped(true), stopped(false), Wanted::Deleted] {
            let mut yarn = seen(state.clone(), Job::None, Saved::None);
            if let Yarn::Known(seen) = &mut yarn {
                seen.final_status = final_status.clone();
            }
            let end = End { at_ms: Some(5), ..End::of(verdict, "") };
            assert_eq!(decided(&wanted, &run(true), yarn), Action::End(end), "{state:?} {final_status:?}");
        }
    }
}

#[test]
fn a_stop_with_a_savepoint_kills_only_what_never_ran() {
    let stop = |component: &Component, yarn| decided(&stopped(true), component, yarn);
    let fresh = run(true);
    let waits = || seen(State::Accepted, Job::None, Saved::None);
    assert_eq!(stop(&fresh, waits()), Action::KillUnsaved, "no job of it ever ran");
    let killed = Component { run: fresh.run.clone().map(|run| Run { is_killed: true, ..run }), ..run(true) };
    for wanted in [started(), stopped(true), stopped(false), Wanted::Deleted] {
        assert_eq!(decided(&wanted, &killed, waits()), Action::Kill, "{wanted:?}: it was written down");
    }
    assert_eq!(
        stop(&fresh, seen(State::Running, known(true), Saved::None)),
        Action::Save { job: job(), goes_on: false }
    );
    for job in [Job::None, known(false)] {
        let action = stop(&fresh, seen(State::Running, job, Saved::None));
        assert!(matches!(action, Action::Rest(Rest::Waits(_))), "{action:?}");
    }
    for state in [State::Unknown, State::Other("FINISHING".into())] {
        let action = stop(&fresh, seen(state, known(true), Saved::None));
        assert!(matches!(action, Action::Rest(Rest::Waits(_))), "a word that nobody knows: {action:?}");
    }
    let action = stop(&fresh, seen(State::Running, Job::Hidden("refused".into()), Saved::None));
    assert!(matches!(action, Action::Rest(Rest::CannotSee { hop: "the JobManager", .. })), "{action:?}");
    let action = stop(&with(Outcome::Completed("/s/1".into())), seen(State::Running, Job::None, Saved::None));
    assert!(matches!(action, Action::Rest(Rest::Waits(_))), "a second savepoint is not asked for: {action:?}");
}

#[test]
fn a_job_that_ran_is_not_killed_by_a_stop_with_a_savepoint_while_yarn_starts_it_again() {
    let mut yarn = seen(State::Accepted, Job::None, Saved::None);
    if let Yarn::Known(seen) = &mut yarn {
        seen.had_master = true;
    }
    let action = decided(&stopped(true), &run(true), yarn);
    assert!(matches!(action, Action::Rest(Rest::Waits(_))), "{action:?}");
}

#[test]
fn what_cannot_be_saved_and_has_no_order_to_go_back_to_is_not_asked_again_and_again() {
    let wanted = Wanted::Stopped { save: true, was: None };
    let action = decided(&wanted, &with(Outcome::Failed("no".into())), seen(State::Running, known(true), Saved::None));
    assert!(matches!(action, Action::Rest(Rest::Waits(_))), "{action:?}");
}

#[test]
fn an_id_that_somebody_else_took_is_over_and_his_application_is_left_alone() {
    for wanted in [started(), stopped(true), stopped(false), Wanted::Deleted] {
        let action = decided(&wanted, &run(false), Yarn::Foreign("mallory".into()));
        assert!(matches!(&action, Action::End(End { verdict: Verdict::Failed, .. })), "{action:?}");
    }
}

#[test]
fn a_stop_without_a_savepoint_and_a_deletion_kill() {
    for wanted in [stopped(false), Wanted::Deleted] {
        for state in [State::Accepted, State::Running] {
            assert_eq!(decided(&wanted, &run(true), seen(state, known(true), Saved::None)), Action::Kill);
        }
    }
}

#[test]
fn a_pending_savepoint_is_settled_before_anything_else() {
    let pending = with(Outcome::Pending);
    for wanted in [started(), stopped(true), stopped(false), Wanted::Deleted] {
        let action = |state, saved| decided(&wanted, &pending, seen(state, known(true), saved));
        assert_eq!(action(State::Running, Saved::At("/s/1".into())), Action::Saved("/s/1".into()));
        assert_eq!(action(State::Finished, Saved::At("/s/1".into())), Action::Saved("/s/1".into()));
        assert_eq!(
            action(State::Running, Saved::Failed("no".into())),
            Action::NotSaved { why: "no".into(), is_over: false }
        );
        let hidden = action(State::Finished, Saved::Hidden("no route".into()));
        match needs_none(&wanted) {
            true => assert!(matches!(hidden, Action::NotSaved { is_over: true, .. }), "{hidden:?}"),
            false => assert!(matches!(hidden, Action::Rest(Rest::CannotSee { .. })), "{hidden:?}"),
        }
        let gone = action(State::Failed, Saved::None);
        assert!(matches!(&gone, Action::NotSaved { why, is_over: true } if why.contains("/s")), "{gone:?}");
    }
    for wanted in [started(), stopped(true)] {
        let action = |saved| decided(&wanted, &pending, seen(State::Running, known(true), saved));
        assert_eq!(action(Saved::Unknown), Action::SaveAgain, "under the same id");
        let waits = action(Saved::InProgress);
        assert!(matches!(waits, Action::Rest(Rest::Waits(_))), "{waits:?}");
        let hidden = action(Saved::Hidden("no route".into()));
        assert!(matches!(hidden, Action::Rest(Rest::CannotSee { .. })), "{hidden:?}");
    }
}

#[test]
fn an_end_without_a_savepoint_does_not_wait_for_one_that_is_pending() {
    for wanted in [stopped(false), Wanted::Deleted] {
        for saved in [Saved::InProgress, Saved::Unknown, Saved::Hidden("it hangs".into())] {
            let action = decided(&wanted, &with(Outcome::Pending), seen(State::Running, known(true), saved));
            assert_eq!(action, Action::Kill, "{wanted:?}");
        }
    }
}

#[test]
fn a_queue_that_yarn_chose_itself_is_told() {
    let dev = Word::new("dev").ok();
    assert!(!is_moved(dev.as_ref(), "root.dev") && !is_moved(dev.as_ref(), "dev") && !is_moved(None, "root.x"));
    assert!(is_moved(dev.as_ref(), "root.default"));
}

#[test]
fn a_savepoint_that_was_ordered_is_taken_of_what_runs_and_a_stop_waits_for_it() {
    let ordered = Component { savepoint_ordered: true, ..run(true) };
    let action = decided(&started(), &ordered, seen(State::Running, known(true), Saved::None));
    assert_eq!(action, Action::Save { job: job(), goes_on: true });
    for waits in [seen(State::Accepted, Job::None, Saved::None), seen(State::Running, known(false), Saved::None)] {
        let action = decided(&started(), &ordered, waits);
        assert!(matches!(action, Action::Rest(Rest::Waits(_))), "{action:?}");
    }
    let of = |outcome: Outcome| {
        let mut component = with(outcome);
        component.savepoints[0].goes_on = true;
        component
    };
    let pending = decided(&stopped(true), &of(Outcome::Pending), seen(State::Running, known(true), Saved::InProgress));
    assert!(matches!(pending, Action::Rest(Rest::Waits(_))), "one at a time: {pending:?}");
    // Whether it came to be or not: it is not the one with which the job stops.
    for outcome in [Outcome::Completed("/s/1".into()), Outcome::Failed("no".into())] {
        let action = decided(&stopped(true), &of(outcome), seen(State::Running, known(true), Saved::None));
        assert_eq!(action, Action::Save { job: job(), goes_on: false });
    }
}

#[test]
fn a_savepoint_whose_run_yarn_forgot_is_looked_for_before_the_run_is_called_over() {
    let forgotten = |wanted: &Wanted, saved: Saved| {
        let unknown = Yarn::Unknown { traces: Traces::None, saved, archived: Archived::None };
        decided(wanted, &with(Outcome::Pending), unknown)
    };
    assert_eq!(forgotten(&stopped(true), Saved::At("/s/1".into())), Action::Saved("/s/1".into()));
    let none = forgotten(&stopped(true), Saved::None);
    assert!(matches!(none, Action::NotSaved { is_over: true, .. }), "{none:?}");
    let hidden = || Saved::Hidden("HDFS is gone".into());
    let waits = forgotten(&stopped(true), hidden());
    assert!(matches!(waits, Action::Rest(Rest::CannotSee { .. })), "{waits:?}");
    for wanted in [stopped(false), Wanted::Deleted] {
        let ends = forgotten(&wanted, hidden());
        assert!(matches!(ends, Action::NotSaved { is_over: true, .. }), "nobody waits for it: {ends:?}");
    }
}

#[test]
fn a_savepoint_that_failed_with_its_job_is_settled_when_all_is_over() {
    let ends = Job::Known { id: job(), state: "FAILED".into(), is_running: false };
    let failed = || Saved::Failed("no".into());
    let waits = decided(&stopped(true), &with(Outcome::Pending), seen(State::Running, ends, failed()));
    assert!(matches!(waits, Action::Rest(Rest::Waits(_))), "{waits:?}");
    let goes_on = decided(&stopped(true), &with(Outcome::Pending), seen(State::Running, known(true), failed()));
    assert_eq!(goes_on, Action::NotSaved { why: "no".into(), is_over: false });
}
