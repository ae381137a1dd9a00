//! A selftest: the small batch job of the mirror goes the whole way, from its package to its end, and is forgotten.
//! It goes through the same orders as everything else, as whoever asks; one that failed is left to be looked at, and the next
//! one takes it away. Not here: who gives the orders, and what is told of it.

use crate::clock::Clock;
use std::time::Duration;
use words::application::{Application, Phase, State};
use words::names::{ApplicationName, PackageName};
use words::selftest::{Name, Selftest, Step};

/// The example that the mirror has.
pub const PACKAGE: &str = "wordcount-1.0.0";
/// From one look at it to the next.
const PAUSE: Duration = Duration::from_secs(1);
/// How long it may take to be forgotten.
const FORGETTING: Duration = Duration::from_secs(60);

/// Gives the orders. What is refused is told as it was said.
pub trait Orders {
    /// Has a package deployed, if it is not.
    fn deploy(&self, package: &PackageName) -> Result<(), String>;
    /// Makes an application.
    fn create(&self, name: &ApplicationName, package: &PackageName) -> Result<(), String>;
    /// Starts it.
    fn start(&self, name: &ApplicationName) -> Result<(), String>;
    /// Says how it is, if it is there.
    fn application(&self, name: &ApplicationName) -> Result<Option<Application>, String>;
    /// Has it forgotten.
    fn delete(&self, name: &ApplicationName) -> Result<(), String>;
}

/// What is tried.
pub struct Trial<'a> {
    /// What the application is called.
    pub name: &'a ApplicationName,
    /// Of what it is made.
    pub package: &'a PackageName,
    /// How long its job may take, waiting for room included.
    pub within: Duration,
}

/// Goes the way.
pub fn selftest(orders: &impl Orders, clock: &dyn Clock, trial: &Trial<'_>) -> Selftest {
    let Trial { name, package, within } = *trial;
    let mut test = Selftest { passed: false, at_ms: clock.now_ms(), steps: Vec::new() };
    let mut step = |what: Name, work: &dyn Fn() -> Result<(), String>| {
        let begun = clock.passed();
        let failed = work().err();
        let ms = clock.passed().saturating_sub(begun).as_millis() as u64;
        test.steps.push(Step { name: what, ms, failed });
        test.steps.last().is_some_and(|step| step.failed.is_none())
    };
    let passed = step(Name::Deploy, &|| orders.deploy(package))
        && step(Name::Create, &|| {
            take_away_what_was_left(orders, clock, name)?;
            orders.create(name, package)
        })
        && step(Name::Start, &|| orders.start(name))
        && step(Name::Finish, &|| finish(orders, clock, trial))
        && step(Name::Delete, &|| forget(orders, clock, name));
    let is_late = !passed
        && test.steps.last().is_some_and(|step| step.name == Name::Finish && step.ms >= within.as_millis() as u64);
    if is_late {
        // What waits for room must not run when nobody looks any more.
        let _ = orders.delete(name);
    }
    Selftest { passed, ..test }
}

fn take_away_what_was_left(orders: &impl Orders, clock: &dyn Clock, name: &ApplicationName) -> Result<(), String> {
    match orders.application(name)? {
        None => Ok(()),
        Some(left) if is_live(&left) => Err(format!("{name} is {}: another selftest is under way", left.status)),
        Some(_) => forget(orders, clock, name),
    }
}

fn is_live(application: &Application) -> bool {
    let is_over = |state: State| state.is_over();
    application.status != Phase::Created && !application.components.iter().all(|component| is_over(component.state))
}

fn finish(orders: &impl Orders, clock: &dyn Clock, trial: &Trial<'_>) -> Result<(), String> {
    let begun = clock.passed();
    loop {
        let found = orders.application(trial.name)?.ok_or_else(|| format!("{} is gone", trial.name))?;
        let component = found.components.first();
        let how = component.map(|component| (component.state, component.reason.as_str()));
        match how {
            _ if found.status == Phase::Created => return Err(found.information.unwrap_or_default()),
            Some((State::Finished, _)) => return Ok(()),
            Some((state, why)) if state.is_over() => return Err(format!("its job is {state}: {why}")),
            _ => {}
        }
        if clock.passed().saturating_sub(begun) >= trial.within {
            let (state, why) = how.map_or_else(Default::default, |(state, why)| (state.to_string(), why));
            return Err(format!("it is {state} after {} s: {why}", trial.within.as_secs()));
        }
        clock.sleep(PAUSE);
    }
}

fn forget(orders: &impl Orders, clock: &dyn Clock, name: &ApplicationName) -> Result<(), String> {
    orders.delete(name)?;
    let begun = clock.passed();
    while orders.application(name)?.is_some() {
        if clock.passed().saturating_sub(begun) >= FORGETTING {
            return Err(format!("it is still there after {} s", FORGETTING.as_secs()));
        }
        clock.sleep(PAUSE);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
