//! What somebody should look at of a component that Oozie runs: it is over although it should go on, its newest run came to
//! nothing, nobody sees it, acts for it fail. Pure.
//! Not here: components that Flink runs.

use super::{Found, HIDDEN_MS, Of, SinceWhen, acts, all, critical, warning};
use crate::decide::workflow::{Observed, Seen};
use crate::journal::{Verdict, Wanted, Workflow};
use words::alarm::{Alarm, Kind};
use words::shown::shown;

/// Oozie's words for a run of a coordinator that came to nothing.
const LOST: [&str; 3] = ["KILLED", "FAILED", "TIMEDOUT"];
const SUCCEEDED: &str = "SUCCEEDED";

/// What is known of a component. Times are milliseconds since 1970.
#[derive(Debug, Clone)]
pub struct Signs<'a> {
    /// What shall be.
    pub wanted: &'a Wanted,
    /// As the journal has it.
    pub known: &'a Workflow,
    /// What was seen of it last.
    pub observed: Option<&'a Observed>,
    /// Since when somebody does not answer.
    pub since: SinceWhen,
    /// Why acts for it fail, and since when.
    pub trouble: Option<(&'a str, u64)>,
    /// Now.
    pub now_ms: u64,
}

/// The alarms of a component, the worst first.
pub fn of(of: &Of<'_>, signs: &Signs<'_>) -> Vec<Alarm> {
    let found = ended(signs).into_iter().chain(run(signs)).chain(hidden(signs));
    all(of, found.chain(acts(signs.trouble, signs.now_ms)).collect())
}

/// It is over by the order in force, and not because it was done.
fn ended(signs: &Signs<'_>) -> Option<Found> {
    let Wanted::Started { order, .. } = signs.wanted else { return None };
    let job = signs.known.job.as_ref().filter(|job| job.order == *order && !job.is_outdated)?;
    let end = job.end.as_ref()?;
    let since = end.at_ms.unwrap_or(job.at_ms);
    let said = end.diagnostics.lines().next().filter(|why| !why.is_empty());
    let what = format!("in Oozie it {}{}", end.verdict, said.map(|why| format!(": {why}")).unwrap_or_default());
    match end.verdict {
        Verdict::Failed | Verdict::Lost => {
            let remedy = "`pnda app status` and `pnda app logs` say why; `pnda app start` submits it anew";
            Some(critical(Kind::Failed, since, what, remedy))
        }
        Verdict::Killed | Verdict::Cancelled => {
            let remedy = "ask who did it; `pnda app start` submits it anew, `pnda app stop` says that it shall be so";
            Some(warning(Kind::EndedElsewhere, since, what, remedy))
        }
        Verdict::Succeeded | Verdict::Abandoned => None,
    }
}

/// The newest run of a coordinator that is over. What came before has passed.
fn run(signs: &Signs<'_>) -> Option<Found> {
    let job = signs.known.live().filter(|job| job.is_coordinator && !job.is_held)?;
    let Some(Seen::Found { job: seen, .. }) = signs.observed.map(|observed| &observed.seen) else { return None };
    let is_over = |status: &str| status == SUCCEEDED || LOST.contains(&status);
    let newest = seen.actions.iter().filter(|run| is_over(&run.status)).max_by_key(|run| run.due_ms)?;
    LOST.contains(&newest.status.as_str()).then(|| {
        let what = format!("its run {} is {}", shown(&newest.id), newest.status);
        let remedy = "`pnda app logs` says why; `oozie job -rerun` repeats it where its data is wanted";
        warning(Kind::Failed, newest.due_ms.unwrap_or(job.at_ms), what, remedy)
    })
}

fn hidden(signs: &Signs<'_>) -> Option<Found> {
    let Some(Seen::Hidden { hop, why }) = signs.observed.map(|observed| &observed.seen) else { return None };
    let since = signs.since.hidden_ms.filter(|since| since + HIDDEN_MS <= signs.now_ms)?;
    let remedy = "look whether it runs and can be reached from this node; its jobs go on meanwhile";
    Some(critical(Kind::CannotSee, since, format!("{hop} does not answer: {why}"), remedy))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::workflow::Left;
    use crate::journal::{End, OozieJob, Origin};
    use systems::oozie::{Action, Job, JobId, State};
    use words::names::{ApplicationName, ComponentName, PackageName, Word};

    const AT: u64 = 1_800_000_000_000;

    fn job(end: Option<End>) -> Workflow {
        let job = OozieJob {
            token: Word::new("abc").unwrap(),
            order: 7,
            at_ms: AT,
            package: PackageName::new("tallies-1.0.0").unwrap(),
            is_coordinator: true,
            begun_ms: Some(AT),
            id: Some(JobId::new("0000000-1-oozie-C").unwrap()),
            is_held: false,
            is_outdated: false,
            end,
        };
        Workflow { changed: 9, job: Some(job) }
    }

    fn alarms(known: &Workflow, seen: Option<Seen>, since: Option<u64>) -> Vec<(Kind, u64)> {
        let (application, component) = (ApplicationName::new("tallies").unwrap(), ComponentName::new("tally").unwrap());
        let observed = seen.map(|seen| Observed { as_of: 9, seen });
        let signs = Signs {
            wanted: &Wanted::Started { order: 7, origin: Origin::Newest },
            known,
            observed: observed.as_ref(),
            since: SinceWhen { hidden_ms: since, ..SinceWhen::default() },
            trouble: None,
            now_ms: AT + 3_600_000,
        };
        let of_it = Of { application: &application, component: &component, owner: &Word::new("anna").unwrap() };
        of(&of_it, &signs).into_iter().map(|alarm| (alarm.name, alarm.since_ms)).collect()
    }

    fn run_of(minute: u64, status: &str) -> Action {
        let told = serde_json::json!({ "id": "0000000-1-oozie-C@1", "status": status });
        Action { due_ms: Some(AT + minute * 60_000), ..serde_json::from_value(told).unwrap() }
    }

    fn found(runs: Vec<Action>) -> Option<Seen> {
        let job = Job {
            id: JobId::new("0000000-1-oozie-C").unwrap(),
            name: String::new(),
            user: "anna".to_owned(),
            path: String::new(),
            state: State::Running { with_error: true },
            start_ms: None,
            end_ms: None,
            next_ms: None,
            actions: runs,
        };
        Some(Seen::Found { job: Box::new(job), left: Left::default() })
    }

    #[test]
    fn what_oozie_has_ended_is_an_alarm_unless_it_was_done() {
        let ended = |verdict| job(Some(End { at_ms: Some(AT + 5), ..End::of(verdict, "") }));
        assert_eq!(alarms(&ended(Verdict::Failed), None, None), [(Kind::Failed, AT + 5)]);
        assert_eq!(alarms(&ended(Verdict::Killed), None, None), [(Kind::EndedElsewhere, AT + 5)]);
        assert_eq!(alarms(&ended(Verdict::Succeeded), None, None), []);
    }

    #[test]
    fn the_newest_run_that_is_over_counts_and_none_before() {
        let failed = found(vec![run_of(1, "SUCCEEDED"), run_of(2, "KILLED"), run_of(3, "RUNNING")]);
        assert_eq!(alarms(&job(None), failed, None), [(Kind::Failed, AT + 120_000)]);
        let good_again = found(vec![run_of(2, "KILLED"), run_of(3, "SUCCEEDED")]);
        assert_eq!(alarms(&job(None), good_again, None), []);
    }

    #[test]
    fn oozie_that_does_not_answer_is_an_alarm_after_a_minute() {
        let hidden = || Some(Seen::Hidden { hop: "Oozie", why: "refused".to_owned() });
        assert_eq!(alarms(&job(None), hidden(), Some(AT + 3_590_000)), []);
        assert_eq!(alarms(&job(None), hidden(), Some(AT)), [(Kind::CannotSee, AT)]);
    }
}
