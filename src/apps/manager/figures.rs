//! What the manager counts and measures, put together when its node's agent asks.
//! Not here: counting, and in which words it is told.
//! A list of components has an end, whoever makes how many applications.

use super::{Manager, lock};
use crate::alarms::RESPAWNS_WITHIN_MS;
use crate::decide::Yarn;
use crate::journal::{self, Key, State};
use words::application as told;
use words::figures::{Component, Figures};
use words::names::Word;

/// So many components are told one by one.
const MOST: usize = 1000;

impl Manager {
    /// Everything that is counted and measured.
    pub fn figures(&self) -> Figures {
        let (counts, manages) = (&self.counts, lock(&self.since).elsewhere.is_none());
        let mut figures = Figures {
            manages,
            own_alarms: self.own_alarms(),
            rounds: counts.rounds.tally(),
            looks: counts.looks.tally(),
            appends: counts.appends.tally(),
            selftest: lock(&self.tested).as_ref().map(|last| last.test.clone()),
            ..Figures::default()
        };
        let servers = [
            ("resourcemanager", &counts.yarn),
            ("namenode", &counts.hdfs),
            ("jobmanager", &counts.flink),
            ("nodemanager", &counts.nodes),
            ("oozie", &counts.oozie),
        ];
        figures.requests = servers.into_iter().map(|(kind, count)| (kind.to_owned(), count.tally())).collect();
        if let Ok(state) = self.state() {
            figures.records = state.number;
            // Who manages tells them.
            figures.components = if figures.manages { self.components(&state) } else { Vec::new() };
        }
        for component in &figures.components {
            *figures.states.entry(component.state).or_default() += 1;
        }
        let all = figures.components.iter().flat_map(|one| &one.alarms).map(|(_, severity)| *severity);
        for severity in all.chain(figures.own_alarms.iter().map(|alarm| alarm.severity)) {
            *figures.alarms.entry(severity).or_default() += 1;
        }
        bound(&mut figures);
        figures
    }

    fn components(&self, state: &State) -> Vec<Component> {
        let mut all = Vec::new();
        for (name, application) in &state.applications {
            for told in self.told(name, application).components {
                let of = Key { application: name.clone(), component: told.name.clone() };
                let known = application.components.get(&told.name);
                all.push(self.component(of, &application.owner, &told, known));
            }
        }
        all
    }

    fn component(
        &self,
        of: Key,
        owner: &Word,
        told: &told::Component,
        known: Option<&journal::Component>,
    ) -> Component {
        let recent = self.clock.now_ms().saturating_sub(RESPAWNS_WITHIN_MS);
        let restarts = known.map_or(0, |known| known.respawned_ms.iter().filter(|at| **at > recent).count());
        let attempt = lock(&self.seen).get(&of).and_then(|observed| match &observed.yarn {
            Yarn::Known(seen) => seen.attempt,
            _ => None,
        });
        let looked = lock(&self.looked_at);
        // Of a run that is over nothing is going on.
        let is_live = known.is_some_and(|known| known.live().is_some());
        let vitals = looked.get(&of).and_then(|looked| looked.vitals.as_ref()).filter(|_| is_live);
        Component {
            owner: owner.clone(),
            state: told.state,
            restarts: restarts as u64,
            task_restarts: vitals.and_then(|vitals| vitals.restarts.last()),
            completed: vitals.and_then(|vitals| Some(vitals.counts?[0])),
            failed: vitals.and_then(|vitals| Some(vitals.counts?[1])),
            checkpoint_ms: vitals.and_then(|vitals| vitals.completed_ms),
            interval_ms: vitals.and_then(|vitals| vitals.interval_ms),
            held_up: vitals.and_then(|vitals| Some(vitals.held_up.as_ref()?.percent)),
            attempt: attempt.filter(|_| is_live),
            alarms: told.alarms.iter().map(|alarm| (alarm.name, alarm.severity)).collect(),
            application: of.application,
            component: of.component,
        }
    }
}

/// Those that somebody should look at come first, where there are too many.
fn bound(figures: &mut Figures) {
    if let Some(more) = figures.components.len().checked_sub(MOST).filter(|more| *more > 0) {
        figures.components.sort_by_key(|component| component.alarms.is_empty());
        figures.components.truncate(MOST);
        figures.left_out = more as u64;
    }
}
