//! What this node's Oozie has: whether it works, and its coordinators, each with an end that its owner may have forgotten.
//! Asked once a round, judged, and told: one that ends soon is a warning, for nothing of it runs afterwards and no error
//! says so.
//! Not here: submitting, holding and ending them.

use crate::prometheus::Page;
use std::time::Duration;
use systems::call::{Caller, Times};
use systems::hadoop::User;
use systems::oozie::{Job, Oozie, State};
use url::Url;
use words::chain::chain;
use words::metric::Health;
use words::moment::{age, utc};
use words::shown::shown;

/// As whom it is asked: everybody may read.
const READER: &str = "pnda";
/// So many coordinators are named among the causes.
const MOST_CAUSES: usize = 10;
/// So many are told to Prometheus: those that end first.
const MOST_SERIES: usize = 200;
/// Those that still make runs, or would if somebody resumed them.
const ALIVE: [&str; 9] = [
    "PREP",
    "PREPSUSPENDED",
    "PREPPAUSED",
    "RUNNING",
    "RUNNINGWITHERROR",
    "SUSPENDED",
    "SUSPENDEDWITHERROR",
    "PAUSED",
    "PAUSEDWITHERROR",
];

/// Where it is, and what soon means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// Its address.
    pub url: Url,
    /// A coordinator that ends within this many seconds is told.
    pub ending_seconds: u64,
}

/// Oozie, as the last look found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Overseen {
    /// Its coordinators that are not over, the first to end first.
    Told(Vec<Job>),
    /// It does not answer, or not as it should: why.
    Silent(String),
}

impl Watched {
    /// Asks it; with what was found comes what soon means.
    pub fn look(&self, patience: Duration) -> (Overseen, u64) {
        let caller = Caller::new(Times { connect: patience, answer: patience });
        (Overseen::ask(&self.url, caller), self.ending_seconds)
    }
}

impl Overseen {
    fn ask(url: &Url, caller: Caller) -> Overseen {
        let reader = User::simple(READER);
        let asked = Oozie::through(caller, url.as_str()).and_then(|oozie| {
            let filter = ALIVE.map(|state| ("status", state));
            Ok((oozie.is_at_work(&reader)?, oozie.coordinators(&reader, &filter)?))
        });
        match asked {
            Ok((true, mut jobs)) => {
                jobs.sort_by_key(|job| job.end_ms.unwrap_or(u64::MAX));
                Overseen::Told(jobs)
            }
            Ok((false, _)) => Overseen::Silent("somebody has switched it to maintenance".to_owned()),
            Err(error) => Overseen::Silent(chain(&error)),
        }
    }

    /// How the node is because of it, and why.
    pub fn judge(&self, ending_seconds: u64, now_ms: u64) -> (Health, Vec<String>) {
        let jobs = match self {
            Overseen::Silent(why) => return (Health::Error, vec![format!("Oozie does not work: {why}")]),
            Overseen::Told(jobs) => jobs,
        };
        let ends = jobs.iter().filter_map(|job| Some((job, job.end_ms?)));
        let soon = ends.filter(|(_, end)| end.saturating_sub(now_ms) <= ending_seconds * 1000);
        let mut causes: Vec<String> = soon.map(|(job, end)| told(job, end, now_ms)).collect();
        let more = causes.len().saturating_sub(MOST_CAUSES);
        causes.truncate(MOST_CAUSES);
        causes.extend((more > 0).then(|| format!("{more} more coordinators end")));
        (if causes.is_empty() { Health::Ok } else { Health::Warn }, causes)
    }

    /// Adds what Prometheus gets.
    pub(super) fn samples(&self, page: &mut Page<'_>) {
        let up = "pnda_oozie_up";
        page.family(up, "gauge", "Whether Oozie on this node works.");
        page.sample(up, &[], u8::from(matches!(self, Overseen::Told(_))));
        let Overseen::Told(jobs) = self else { return };
        let count = "pnda_oozie_coordinators";
        page.family(count, "gauge", "Coordinators that are not over.");
        page.sample(count, &[], jobs.len());
        let end = "pnda_oozie_coordinator_end_timestamp_seconds";
        page.family(
            end,
            "gauge",
            "When a coordinator makes no more runs, in seconds since 1970; those that end first.",
        );
        for (job, end_ms) in jobs.iter().filter_map(|job| Some((job, job.end_ms?))).take(MOST_SERIES) {
            let (id, name, user) = (job.id.as_str(), line(&job.name), line(&job.user));
            page.sample(end, &[("id", id), ("name", &name), ("user", &user)], end_ms / 1000);
        }
    }
}

fn told(job: &Job, end_ms: u64, now_ms: u64) -> String {
    let (name, user) = (line(&job.name), line(&job.user));
    let held = if matches!(job.state, State::Suspended { .. }) { ", and is suspended" } else { "" };
    let left = match end_ms.checked_sub(now_ms) {
        Some(left) => format!("ends in {}", age(left / 1000)),
        None => "is past its end".to_owned(),
    };
    format!("the coordinator {name} of {user} ({}) {left}, at {}{held}: no run follows", job.id, utc(end_ms / 1000))
}

/// A name of others as one line.
fn line(text: &str) -> String {
    shown(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Place;
    use systems::oozie::{Fake, JobId, Submitted};
    use words::names::Word;

    const NOW: u64 = 1_796_000_000_000;
    const DAY: u64 = 86_400;

    fn job(name: &str, ends_in_ms: i64) -> Job {
        Job {
            id: JobId::new("0000001-261201030000000-oozie-oozi-C").unwrap(),
            name: name.to_owned(),
            user: "alice".to_owned(),
            path: String::new(),
            state: State::Running { with_error: false },
            start_ms: Some(1),
            end_ms: NOW.checked_add_signed(ends_in_ms),
            next_ms: None,
            actions: Vec::new(),
        }
    }

    #[test]
    fn a_coordinator_that_ends_soon_is_a_warning_before_it_ends() {
        let soon = |ends_in_ms| Overseen::Told(vec![job("counts", ends_in_ms)]).judge(DAY, NOW);
        assert_eq!(soon(86_400_001), (Health::Ok, Vec::new()));
        let expected = "the coordinator counts of alice (0000001-261201030000000-oozie-oozi-C) ends in 1 d 0 h, \
                        at 2026-12-01 00:53:20 UTC: no run follows";
        assert_eq!(soon(86_400_000), (Health::Warn, vec![expected.to_owned()]));
        assert!(soon(-5000).1[0].contains("is past its end"));
        let mut held = job("counts", 5000);
        held.state = State::Suspended { with_error: false };
        assert!(Overseen::Told(vec![held]).judge(DAY, NOW).1[0].ends_with(", and is suspended: no run follows"));
    }

    #[test]
    fn many_are_counted_and_none_that_answers_is_an_error() {
        let many = Overseen::Told((0..12).map(|_| job("x", 1)).collect()).judge(DAY, NOW).1;
        assert_eq!((many.len(), many[10].as_str()), (11, "2 more coordinators end"));
        let (health, causes) = Overseen::Silent("x".into()).judge(DAY, NOW);
        assert_eq!((health, causes), (Health::Error, vec!["Oozie does not work: x".to_owned()]));
    }

    #[test]
    fn those_that_have_not_begun_and_are_held_are_not_over() {
        let fake = Fake::start();
        for (number, status) in ["PREPSUSPENDED", "PREPPAUSED", "SUCCEEDED"].into_iter().enumerate() {
            let submitted = Submitted { user: "alice".to_owned(), status: status.to_owned(), ..Submitted::default() };
            fake.world().jobs.insert(format!("{number}-oozie-C"), submitted);
        }
        let seen = Overseen::ask(&fake.server.address.parse().unwrap(), Caller::new(Times::default()));
        assert!(matches!(&seen, Overseen::Told(jobs) if jobs.len() == 2), "{seen:?}");
    }

    #[test]
    fn prometheus_gets_each_end() {
        let name = |text| Word::new(text).unwrap();
        let place = Place { cluster: name("pico"), node: name("edge") };
        let mut page = Page::of(&place);
        Overseen::Told(vec![job("a\"b", 1000)]).samples(&mut page);
        let text = page.done();
        assert!(text.contains("pnda_oozie_up{cluster=\"pico\",node=\"edge\"} 1\n"), "{text}");
        assert!(text.contains("name=\"a\\\"b\",user=\"alice\"} 1796000001\n"), "{text}");
    }
}
