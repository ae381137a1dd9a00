//! What is new among alarms for whoever is called: each is told when it begins and when it ends. Pure.
//! Nothing piles up: what began and ended while nobody could be told is not told at all.
//! Not here: telling, and when to try again.

use serde::Serialize;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use words::alarm::{Alarm, Kind};
use words::names::{ApplicationName, ComponentName, Word};

/// In this time at most so many are told.
const MINUTE: Duration = Duration::from_secs(60);

/// What tells one alarm from another.
pub type Key = (Option<ApplicationName>, Option<ComponentName>, Kind);

/// What happened to an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Event {
    /// It began.
    Began,
    /// It has ended.
    Ended,
}

/// What is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct News {
    /// What happened.
    pub event: Event,
    /// In which cluster.
    pub cluster: Word,
    /// To which alarm; of one that has ended, as it was when it began.
    pub alarm: Alarm,
}

/// Alarms that were told to have begun.
pub type Told = BTreeMap<Key, Alarm>;

/// The key of an alarm.
pub fn key(alarm: &Alarm) -> Key {
    (alarm.application.clone(), alarm.component.clone(), alarm.name)
}

/// What is to be told: what is worst first, what has ended last.
pub fn news(told: &Told, now: &[Alarm], cluster: &Word) -> Vec<News> {
    let mut begun: Vec<&Alarm> = now.iter().filter(|alarm| !told.contains_key(&key(alarm))).collect();
    begun.sort_by_key(|alarm| (alarm.severity, alarm.since_ms));
    let ended = told.iter().filter(|(known, _)| !now.iter().any(|alarm| key(alarm) == **known));
    let of = |event, alarm: &Alarm| News { event, cluster: cluster.clone(), alarm: alarm.clone() };
    let begun = begun.into_iter().map(|alarm| of(Event::Began, alarm));
    begun.chain(ended.map(|(_, alarm)| of(Event::Ended, alarm))).collect()
}

/// Notes that something was told.
pub fn note(told: &mut Told, news: &News) {
    match news.event {
        Event::Began => drop(told.insert(key(&news.alarm), news.alarm.clone())),
        Event::Ended => drop(told.remove(&key(&news.alarm))),
    }
}

/// How fast is told: so many a minute, and after a failure not at once again.
#[derive(Debug, Default)]
pub struct Pace {
    told: VecDeque<Duration>,
    failures: u32,
    not_before: Duration,
}

impl Pace {
    /// Whether something may be told now.
    pub fn may(&mut self, now: Duration, most: usize) -> bool {
        while self.told.front().is_some_and(|then| *then + MINUTE <= now) {
            self.told.pop_front();
        }
        now >= self.not_before && self.told.len() < most
    }

    /// Something was tried.
    pub fn tried(&mut self, now: Duration, has_failed: bool) {
        self.told.push_back(now);
        self.failures = if has_failed { (self.failures + 1).min(10) } else { 0 };
        let pause = Duration::from_secs(5 << self.failures.saturating_sub(1)).min(5 * MINUTE);
        self.not_before = if has_failed { now + pause } else { now };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use words::alarm::Severity;

    fn alarm(component: &str, name: Kind, severity: Severity) -> Alarm {
        Alarm {
            application: ApplicationName::new("words").ok(),
            component: ComponentName::new(component).ok(),
            owner: Word::new("alice").ok(),
            name,
            severity,
            since_ms: 1,
            what: "x".into(),
            remedy: "y".into(),
        }
    }

    fn told(told: &Told, now: &[Alarm]) -> Vec<(Event, Kind)> {
        news(told, now, &Word::new("pico").unwrap()).into_iter().map(|news| (news.event, news.alarm.name)).collect()
    }

    #[test]
    fn each_is_told_once_when_it_begins_and_once_when_it_ends() {
        let worst = alarm("count", Kind::GivenUp, Severity::Critical);
        let bad = alarm("count", Kind::Restarts, Severity::Warning);
        let mut known = Told::new();
        assert_eq!(
            told(&known, &[bad.clone(), worst.clone()]),
            [(Event::Began, Kind::GivenUp), (Event::Began, Kind::Restarts)]
        );
        for news in news(&known.clone(), &[bad.clone(), worst.clone()], &Word::new("pico").unwrap()) {
            note(&mut known, &news);
        }
        assert_eq!(told(&known, &[Alarm { since_ms: 9, ..bad.clone() }, worst]), []);
        assert_eq!(told(&known, std::slice::from_ref(&bad)), [(Event::Ended, Kind::GivenUp)]);
        let other = alarm("split", Kind::Restarts, Severity::Warning);
        assert_eq!(told(&known, &[bad, other]), [(Event::Began, Kind::Restarts), (Event::Ended, Kind::GivenUp)]);
    }

    #[test]
    fn so_many_a_minute_and_pauses_that_grow() {
        let seconds = Duration::from_secs;
        let mut pace = Pace::default();
        for _ in 0..3 {
            assert!(pace.may(seconds(1), 3));
            pace.tried(seconds(1), false);
        }
        assert!(!pace.may(seconds(60), 3) && pace.may(seconds(61), 3));
        let mut pace = Pace::default();
        for (at, pause) in [(0, 5), (10, 10), (30, 20), (100, 40), (200, 80), (300, 160), (500, 300), (900, 300)] {
            pace.tried(seconds(at), true);
            assert!(!pace.may(seconds(at + pause - 1), 99) && pace.may(seconds(at + pause), 99), "{at}");
        }
    }
}
