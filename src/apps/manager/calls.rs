//! Tells whoever is to be called when an alarm begins and when it ends. What was told is kept in a file, so that a manager that
//! begins anew does not tell it again; where it is killed between telling and noting, it is told twice.
//! Not here: what is new (`alarms::news`), and how a program or an address is told (`systems`).

use super::{Manager, lock};
use crate::alarms::news::{Event, Pace, Told, news, note};
use disk::regular::{self, Links};
use disk::replace;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Duration;
use systems::hook::Hook;
use words::alarm::Alarm;
use words::chain::chain;
use words::parallel::AtEnd;

/// From one look at what is new to the next.
const TICK: Duration = Duration::from_secs(2);
/// A manager that has just begun has not seen everything yet: for so long it calls nothing ended.
const BLIND: Duration = Duration::from_secs(180);
/// A file of so many alarms that somebody was called for is shorter.
const LONGEST: u64 = 16 << 20;

/// Who is called, and how often at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calls {
    /// Who.
    pub hook: Hook,
    /// How often in a minute.
    pub most: usize,
}

/// What was told, and how fast.
pub(super) struct Calling {
    told: Told,
    pace: Pace,
    file: PathBuf,
    is_failing: bool,
}

impl Calling {
    pub(super) fn begin(folder: &Path) -> Calling {
        let file = folder.join("alarms-told.json");
        let known = regular::read(&file, Links::Refuse, LONGEST).ok();
        let known: Option<Vec<Alarm>> = known.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let told = known.into_iter().flatten().map(|alarm| (crate::alarms::news::key(&alarm), alarm)).collect();
        Calling { told, pace: Pace::default(), file, is_failing: false }
    }

    fn keep(&self) -> io::Result<()> {
        replace::replace_private(&self.file, &serde_json::to_vec(&self.told.values().collect::<Vec<_>>())?)
    }
}

impl Manager {
    pub(super) fn call_for_ever(&self, calls: &Calls) {
        let _end = AtEnd(|| self.close());
        let mut calling = Calling::begin(&self.site.folder);
        while !self.closed.load(Ordering::Acquire) {
            self.call(calls, &mut calling);
            self.clock.sleep(TICK);
        }
    }

    /// Tells what is new.
    pub(super) fn call(&self, calls: &Calls, calling: &mut Calling) {
        // One that stands by knows nothing, and whoever manages calls.
        if lock(&self.since).elsewhere.is_some() {
            return;
        }
        let mut now = self.alarms();
        let is_known = self.state().is_ok();
        if !is_known {
            // What cannot be seen is as it was.
            now.extend(calling.told.values().filter(|alarm| alarm.application.is_some()).cloned());
        }
        let may_end = is_known && self.clock.passed() >= BLIND;
        for news in news(&calling.told, &now, &self.site.cluster.name) {
            let at = self.clock.passed();
            if (news.event == Event::Ended && !may_end) || !calling.pace.may(at, calls.most) {
                continue;
            }
            let document = serde_json::to_string(&news).unwrap_or_default() + "\n";
            let done = calls.hook.tell(&document);
            calling.pace.tried(self.clock.passed(), done.is_err());
            if let Err(error) = done {
                if !calling.is_failing {
                    (self.tell)(&format!("nobody is told of alarms, which is tried again: {}", chain(&error)));
                }
                calling.is_failing = true;
                return;
            }
            calling.is_failing = false;
            note(&mut calling.told, &news);
            if let Err(error) = calling.keep() {
                (self.tell)(&format!("{} cannot be written: {error}", calling.file.display()));
            }
        }
    }
}
