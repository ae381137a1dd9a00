//! Whether another run follows one that ended by itself, and when. Pure.
//! What cannot heal is not tried again, and a job that fails at once is given up sooner than one that lasts.
//! Not here: from which state the next run begins (`restore`).

use crate::journal::{Component, End, Run, Verdict, Wanted};
use crate::respawn::{Policy, Respawn};

/// What finishes is not begun again sooner, whatever its package says.
const LEAST_PAUSE_MS: u64 = 10_000;
/// However often it failed, it is tried again within this.
const LONGEST_PAUSE_MS: u64 = 5 * 60_000;
/// A ResourceManager that lost its memory has its nodes end what it does not know; until then that may run.
const FORGOTTEN_MS: u64 = 60_000;
/// So many runs in a row that did not last are enough.
const AT_ONCE: u32 = 3;
/// What Flink and Java say where the same program fails the same way for ever, and what to do about it.
const HOPELESS: [(&str, &str); 8] = [
    (
        "is not available in the new program",
        "the program lacks an operator that the state has: give it the old uid, or allow state that is not claimed",
    ),
    (
        "There is no operator for the state",
        "the program lacks an operator that the state has: give it the old uid, or allow state that is not claimed",
    ),
    ("StateMigrationException", "the state has another type than the program: deploy a version that reads it"),
    ("ClassNotFoundException", "a class is missing in the package"),
    ("NoClassDefFoundError", "a class is missing in the package"),
    ("NoSuchMethodError", "the package was built for another release"),
    ("NoSuchFieldError", "the package was built for another release"),
    ("UnsupportedClassVersionError", "the package was built for a newer Java"),
];

/// What follows an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Again {
    /// Nothing, as it is wanted.
    No,
    /// Nothing, although another run is wanted: why.
    GivenUp(String),
    /// Another run, at this time in milliseconds since 1970.
    At(u64),
}

/// What follows the last run of a component, if that is over and was one of the order that is in force.
pub fn again(wanted: &Wanted, component: &Component) -> Again {
    let (Wanted::Started { order, .. }, Some(run)) = (wanted, &component.run) else { return Again::No };
    let Some(end) = run.end.as_ref().filter(|_| run.order == *order) else { return Again::No };
    if let Some(why) = &component.given_up {
        return Again::GivenUp(why.clone());
    }
    if !follows(run.policy.respawn, end.verdict) {
        return Again::No;
    }
    let streak = component.streak;
    if streak.failures == 0 {
        return Again::At(run.ended_ms + run.policy.pause_ms.max(LEAST_PAUSE_MS));
    }
    if let Some(remedy) = hopeless(end).filter(|_| streak.at_once > 0) {
        return Again::GivenUp(format!("it would fail again: {remedy}"));
    }
    if streak.at_once >= AT_ONCE && run.policy.limit.is_some() {
        return Again::GivenUp(format!("it failed {} times in a row soon after its start", streak.at_once));
    }
    if run.policy.limit.is_some_and(|limit| streak.failures > limit) {
        return Again::GivenUp(format!("it failed {} times in a row", streak.failures));
    }
    let pause = pause_ms(run.policy, streak.failures);
    Again::At(run.ended_ms + if end.verdict == Verdict::Lost { pause.max(FORGOTTEN_MS) } else { pause })
}

fn follows(respawn: Respawn, verdict: Verdict) -> bool {
    match (respawn, verdict) {
        (Respawn::No, _) | (_, Verdict::Abandoned) => false,
        (Respawn::Always, _) => true,
        (Respawn::OnSuccess, verdict) => verdict == Verdict::Succeeded,
        (Respawn::OnFailure, verdict) => matches!(verdict, Verdict::Failed | Verdict::Lost),
    }
}

fn pause_ms(policy: Policy, failures: u32) -> u64 {
    let factor = 1u64 << failures.saturating_sub(1).min(20);
    policy.pause_ms.max(1).saturating_mul(factor).min(LONGEST_PAUSE_MS.max(policy.pause_ms))
}

fn hopeless(end: &End) -> Option<&'static str> {
    // A class that failed to begin is there; over what, may pass.
    if end.diagnostics.contains("Could not initialize class") {
        return None;
    }
    HOPELESS.iter().find(|(said, _)| end.diagnostics.contains(said)).map(|(_, remedy)| *remedy)
}

/// Whether that time has come. Before the end itself it is nobody's: a clock that was set back makes nobody wait.
pub fn is_due(component: &Component, at_ms: u64, now_ms: u64) -> bool {
    now_ms >= at_ms || component.run.as_ref().is_none_or(|run| now_ms < run.ended_ms)
}

/// Whether the last run may go on for a while although it is over as far as YARN tells, for that has forgotten it.
pub fn may_still_run(component: &Component, now_ms: u64) -> bool {
    let is_lost = |run: &&Run| run.end.as_ref().is_some_and(|end| end.verdict == Verdict::Lost);
    let lost = component.run.as_ref().filter(is_lost);
    lost.is_some_and(|run| (run.ended_ms..run.ended_ms + FORGOTTEN_MS).contains(&now_ms))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Origin, Streak};
    use words::ids::ApplicationId;

    const ENDED: u64 = 1_000_000;

    fn ended(policy: Policy, verdict: Verdict, diagnostics: &str, streak: Streak) -> Component {
        let end = End::of(verdict, diagnostics);
        let id = ApplicationId::new("application_1_1").unwrap();
        let run = Run { begun: true, accepted: true, policy, end: Some(end), ended_ms: ENDED, ..Run::of(id, 7, 0) };
        Component { run: Some(run), streak, ..Component::default() }
    }

    fn started() -> Wanted {
        Wanted::Started { order: 7, origin: Origin::Newest }
    }

    fn policy(respawn: Respawn) -> Policy {
        Policy { respawn, pause_ms: 2000, limit: Some(10) }
    }

    fn failed(failures: u32, at_once: u32, limit: Option<u32>, said: &str) -> Again {
        let policy = Policy { limit, ..policy(Respawn::OnFailure) };
        again(&started(), &ended(policy, Verdict::Failed, said, Streak { failures, at_once }))
    }

    #[test]
    fn the_policy_decides_for_each_end() {
        use Respawn::{Always, No, OnFailure, OnSuccess};
        use Verdict::{Abandoned, Cancelled, Failed, Killed, Lost, Succeeded};
        let follows = [
            (No, vec![]),
            (Always, vec![Succeeded, Failed, Cancelled, Killed, Lost]),
            (OnSuccess, vec![Succeeded]),
            (OnFailure, vec![Failed, Lost]),
        ];
        for (respawn, by) in follows {
            for verdict in [Succeeded, Failed, Cancelled, Killed, Lost, Abandoned] {
                let found = again(&started(), &ended(policy(respawn), verdict, "", Streak::default()));
                assert_eq!(matches!(found, Again::At(_)), by.contains(&verdict), "{respawn:?} {verdict:?}: {found:?}");
            }
        }
    }

    #[test]
    fn nothing_follows_where_something_else_was_ordered() {
        let component = ended(policy(Respawn::Always), Verdict::Failed, "", Streak { failures: 1, at_once: 0 });
        let stopped = Wanted::Stopped { save: true, was: None };
        let later = Wanted::Started { order: 8, origin: Origin::Newest };
        for wanted in [Wanted::Created, stopped, Wanted::Deleted, later] {
            assert_eq!(again(&wanted, &component), Again::No, "{wanted:?}");
        }
    }

    #[test]
    fn pauses_double_and_end_at_five_minutes() {
        let pauses = [(1, 2), (2, 4), (3, 8), (7, 128), (8, 256), (9, 300), (40, 300)];
        for (failures, seconds) in pauses {
            assert_eq!(failed(failures, 0, None, ""), Again::At(ENDED + seconds * 1000), "{failures}");
        }
    }

    #[test]
    fn a_limit_ends_it_and_what_fails_at_once_sooner() {
        assert!(matches!(failed(10, 2, Some(10), ""), Again::At(_)));
        for (failures, at_once) in [(11, 0), (3, 3)] {
            let found = failed(failures, at_once, Some(10), "");
            assert!(matches!(&found, Again::GivenUp(why) if why.contains("in a row")), "{found:?}");
        }
        assert!(matches!(failed(500, 500, None, ""), Again::At(_)), "unlimited is unlimited");
    }

    #[test]
    fn what_cannot_heal_is_given_up_at_once_whatever_the_limit() {
        let said = "Failed.\nCaused by: java.lang.ClassNotFoundException: com.example.Main";
        assert!(matches!(failed(1, 0, None, said), Again::At(_)), "it ran with the same program");
        let passing = "java.lang.NoClassDefFoundError: Could not initialize class com.example.Client";
        assert!(matches!(failed(1, 1, None, passing), Again::At(_)));
        assert_eq!(
            failed(1, 1, None, said),
            Again::GivenUp("it would fail again: a class is missing in the package".into())
        );
    }

    #[test]
    fn a_clock_that_was_set_back_makes_nobody_wait() {
        let component = ended(policy(Respawn::Always), Verdict::Failed, "", Streak { failures: 1, at_once: 0 });
        let due = |now_ms: u64| is_due(&component, ENDED + 2000, now_ms);
        assert_eq!([ENDED + 2000, ENDED + 1999, ENDED, ENDED - 1].map(due), [true, false, false, true]);
    }
}
