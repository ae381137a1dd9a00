//! Whether it is time for a savepoint that nobody ordered. Pure.
//! However many intervals or times have passed, one savepoint makes up for all of them; one that failed is tried again when the
//! next one is due.
//! Not here: whether one can be taken now, and how many stay (`retention`).

use crate::journal::{Component, Run};
use crate::saving::When;
use crate::schedule::Due;

/// Whether a savepoint of a run is due.
pub fn is_due(component: &Component, run: &Run, now_ms: u64) -> bool {
    let Some(saving) = &run.saving else { return false };
    // One that was ordered counts too.
    let asked = component.savepoints.iter().rfind(|one| one.run == run.id).map(|one| one.at_ms);
    let last = asked.unwrap_or(run.at_ms);
    // A clock that was set back makes nobody wait.
    now_ms < last
        || match &saving.when {
            When::Every { interval_ms } => now_ms - last >= *interval_ms,
            When::At { schedule } => matches!(schedule.due(last, now_ms), Due::Now(_)),
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Outcome, Savepoint};
    use crate::saving::Saving;
    use crate::schedule::{Missed, Text};
    use words::ids::{ApplicationId, JobId, TriggerId};

    const BEGAN: u64 = 1_000_000;
    const MINUTE: u64 = 60_000;

    fn run(number: u32) -> Run {
        let saving = Some(Saving { when: When::Every { interval_ms: MINUTE }, keep: 1, keep_ms: None });
        Run { saving, ..Run::of(ApplicationId::new(format!("application_1_{number:04}")).unwrap(), 1, BEGAN) }
    }

    fn asked(of: &Run, at_ms: u64, outcome: Outcome) -> Component {
        let savepoint = Savepoint {
            id: TriggerId::new("a".repeat(32)).unwrap(),
            run: of.id.clone(),
            job: JobId::new("0".repeat(32)).unwrap(),
            folder: "/s".into(),
            at_ms,
            goes_on: true,
            outcome,
            periodic: true,
            drain: false,
            package: None,
        };
        Component { savepoints: vec![savepoint], ..Component::default() }
    }

    #[test]
    fn an_interval_after_the_run_began_or_was_saved_last_one_is_due() {
        let (one, none) = (run(1), Component::default());
        let due = |component: &Component, now_ms| is_due(component, &one, now_ms);
        assert!(!due(&none, BEGAN + MINUTE - 1) && due(&none, BEGAN + MINUTE) && due(&none, BEGAN + 1000 * MINUTE));
        for outcome in [Outcome::Completed("/s/1".into()), Outcome::Failed("no".into())] {
            let saved = asked(&one, BEGAN + 5 * MINUTE, outcome);
            assert!(!due(&saved, BEGAN + 6 * MINUTE - 1) && due(&saved, BEGAN + 6 * MINUTE));
            // Of another run it says nothing.
            assert!(is_due(&saved, &run(2), BEGAN + MINUTE));
        }
        assert!(!is_due(&none, &Run { saving: None, ..run(1) }, u64::MAX));
    }

    #[test]
    fn at_the_times_of_a_schedule_one_is_due_and_one_makes_up_for_all_that_were_missed() {
        let text = Text { cron: "0 * * * *".into(), zone: "UTC".into(), missed: Missed::One };
        let when = When::At { schedule: text.try_into().unwrap() };
        let one = Run { saving: Some(Saving { when, keep: 1, keep_ms: None }), ..run(1) };
        let (hour, none) = (60 * MINUTE, Component::default());
        assert!(!is_due(&none, &one, hour - 1) && is_due(&none, &one, hour) && is_due(&none, &one, 9 * hour + 1));
        let saved = asked(&one, 9 * hour + 1, Outcome::Completed("/s/1".into()));
        assert!(!is_due(&saved, &one, 10 * hour - 1) && is_due(&saved, &one, 10 * hour));
    }

    #[test]
    fn a_clock_that_was_set_back_makes_nobody_wait() {
        let one = run(1);
        let saved = asked(&one, BEGAN + 1000 * MINUTE, Outcome::Completed("/s/1".into()));
        assert!(is_due(&saved, &one, BEGAN + 2 * MINUTE));
    }
}
