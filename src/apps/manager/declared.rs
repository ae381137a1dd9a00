//! Bringing about what is declared: everything that stands against it is told first, of all applications at once, and then
//! nothing is done; else the orders are given one after the other, each as if a person had given it.
//! Not here: which orders those are (`declare`), and what follows from them.

use super::change::Change;
use super::{Manager, unavailable};
use crate::declare::{self, Way};
use crate::journal::{Origin, State};
use crate::orders::{self, Caller, Refusal};
use crate::package::overrides::Overrides;
use crate::preflight::answers::Answers;
use crate::share;
use std::sync::Arc;
use words::application::{Finding, Weight};
use words::change::Purpose;
use words::declared::{Applied, Apply, Declarations, Order, Step, StepState, Steps};
use words::names::ApplicationName;

impl Manager {
    /// Applications of this caller as they would be declared: those of these names, else all of them.
    pub fn declarations(&self, names: &[ApplicationName], by: &Caller) -> Result<Declarations, Refusal> {
        let state = self.state()?;
        if names.is_empty() {
            let own = state.applications.iter().filter(|(_, one)| one.owner == by.name);
            return Ok(declare::declarations(own.map(|(name, one)| (name, one.as_ref()))));
        }
        let named = names.iter().map(|name| Ok((name, orders::own(&state, name, by)?)));
        Ok(declare::declarations(named.collect::<Result<Vec<_>, Refusal>>()?.into_iter()))
    }

    /// Brings about what is declared, unless something stands against any of it; or says what that would do.
    pub fn apply(&self, apply: &Apply, by: &Caller) -> Result<Applied, Refusal> {
        if let Some(why) = self.unrecordable().filter(|_| !apply.dry_run) {
            return Err(unavailable(why));
        }
        let state = self.state()?;
        // What cannot be read is told where something is made of it.
        let fitted = |overrides: Overrides| match self.package(&state, &overrides.package) {
            Ok((package, _)) => overrides.fitted(&package),
            Err(_) => overrides,
        };
        let mut ways = declare::ways(&state, apply, by, &fitted);
        for way in &mut ways {
            way.findings.extend(self.against(&state, way, by)?);
        }
        // One that is being forgotten counts until it is.
        let is_new = |way: &&mut Way| way.ready > 0 && way.orders.contains(&Order::Create);
        let made = ways.iter_mut().filter(is_new);
        for (before, way) in made.enumerate() {
            let over = share::applications(&state, &by.name, before + 1, self.share).err();
            way.findings.extend(over.map(|refusal| Finding::refusal(way.name.as_str(), refusal.to_string(), "")));
        }
        let is_refused = ways.iter().flat_map(|way| &way.findings).any(|one| one.weight == Weight::Refusal);
        let gives = !apply.dry_run && !is_refused;
        let applications = ways.into_iter().map(|way| if gives { self.give(way, by) } else { planned(way) });
        Ok(Applied { applications: applications.collect() })
    }

    /// What stands against the orders of a way that can be given now.
    fn against(&self, state: &State, way: &Way, by: &Caller) -> Result<Vec<Finding>, Refusal> {
        let name = &way.name;
        if way.findings.iter().any(|finding| finding.weight == Weight::Refusal) {
            return Ok(Vec::new());
        }
        let known = state.applications.get(name);
        let found = match way.orders[..way.ready].first() {
            None => return Ok(Vec::new()),
            Some(Order::Create) => self.against_making(state, way, by),
            Some(Order::Upgrade) => self.plan(name, &change(way), by).map(|plan| plan.findings),
            Some(Order::Start) => self.dry_run(name, &Origin::Newest, by).map(|dry| dry.findings),
            Some(Order::Stop) => known.map_or(Ok(()), |one| orders::stop(name, one, true)).map(|()| Vec::new()),
            Some(Order::Delete) => known.map_or(Ok(()), |one| orders::delete(name, one)).map(|()| Vec::new()),
        };
        match found {
            Err(refusal @ Refusal::Unavailable(_)) => Err(refusal),
            Err(refusal) => Ok(refusals(name, &refusal.to_string())),
            Ok(found) => Ok(found),
        }
    }

    fn against_making(&self, state: &State, way: &Way, by: &Caller) -> Result<Vec<Finding>, Refusal> {
        let Some(release) = &way.release else { return Ok(Vec::new()) };
        let made = self.creation(&way.name, &release.overrides, way.state_of.as_ref(), by)?;
        let notes = made.notes.iter().map(|note| Finding::warning(way.name.as_str(), note, ""));
        let mut found: Vec<Finding> = notes.collect();
        if way.orders.contains(&Order::Start) {
            let mut with = state.clone();
            with.applications.insert(way.name.clone(), Arc::new(made.would_be));
            found.extend(self.look(&with, &way.name, &Origin::Newest, &Answers::default())?.findings);
        }
        Ok(found)
    }

    /// Gives the orders that can be given; the first that is refused ends that, for this application. What is beyond the
    /// user's share for the moment waits, as what has to wait for something else does.
    fn give(&self, way: Way, by: &Caller) -> Steps {
        let mut steps = planned(way.clone());
        for (order, step) in way.orders.iter().zip(&mut steps.steps).take(way.ready) {
            step.state = StepState::Ordered;
            if let Err(refusal) = self.give_one(&way, *order, by) {
                let waits = matches!(refusal, Refusal::TooMany(_));
                step.state = if waits { StepState::Waits } else { StepState::Failed };
                steps.reason = Some(refusal.to_string());
                break;
            }
        }
        steps
    }

    fn give_one(&self, way: &Way, order: Order, by: &Caller) -> Result<(), Refusal> {
        let name = &way.name;
        match (order, &way.release) {
            (Order::Create, Some(release)) => {
                self.create_from(name, &release.overrides, way.state_of.as_ref(), by).map(drop)
            }
            (Order::Upgrade, _) => self.change(name, &change(way), by).map(drop),
            (Order::Start, _) => self.start_if_ready(name, Origin::Newest, by).map(drop),
            (Order::Stop, _) => self.stop(name, true, by),
            (Order::Delete, _) => self.delete(name, by),
            (Order::Create, None) => Ok(()),
        }
    }
}

/// The upgrade that leads to what is declared.
fn change(way: &Way) -> Change {
    let package = way.release.as_ref().map(|release| release.package.clone());
    let overrides = way.release.as_ref().map(|release| release.overrides.clone());
    Change { package, overrides, ..Change::to(Purpose::Upgrade) }
}

fn planned(way: Way) -> Steps {
    let Way { name: application, orders, ready, waits: reason, differs, findings, .. } = way;
    let state = |at: usize| if at < ready { StepState::Planned } else { StepState::Waits };
    let steps = orders.into_iter().enumerate().map(|(at, order)| Step { order, state: state(at) });
    Steps { application, steps: steps.collect(), differs, reason, findings }
}

/// A refusal of several lines, each with its remedy below it.
fn refusals(name: &ApplicationName, text: &str) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    for line in text.lines() {
        match (line.strip_prefix("    "), found.last_mut()) {
            (Some(remedy), Some(last)) => last.remedy = remedy.to_owned(),
            _ => found.push(Finding::refusal(name.as_str(), line, "")),
        }
    }
    found
}
