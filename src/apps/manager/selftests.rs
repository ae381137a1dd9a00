//! The manager's own selftest at an interval, as the user that it runs as: whether a small job gets through, before people find
//! out that theirs do not. Off unless the node's file says how often.
//! Not here: the way that it goes (`selftest`).

use super::{Manager, lock};
use crate::journal::Origin;
use crate::orders::Caller;
use crate::selftest::{Orders, PACKAGE, Trial, selftest};
use serde_json::json;
use std::sync::atomic::Ordering;
use std::time::Duration;
use words::application::Application;
use words::names::{ApplicationName, PackageName};
use words::parallel::AtEnd;
use words::selftest::Selftest;

/// What it is called.
const NAME: &str = "selftest-manager";
/// How long its job may take.
const WITHIN: Duration = Duration::from_secs(300);
/// From one look at whether it is time to the next.
const TICK: Duration = Duration::from_secs(5);

/// The last one, and since when they fail.
#[derive(Debug, Clone)]
pub(super) struct Last {
    pub(super) test: Selftest,
    pub(super) failing_ms: Option<u64>,
}

struct Own<'a> {
    manager: &'a Manager,
    by: Caller,
}

impl Orders for Own<'_> {
    fn deploy(&self, package: &PackageName) -> Result<(), String> {
        let state = self.manager.state().map_err(|refusal| refusal.to_string())?;
        if state.packages.contains_key(package) {
            return Ok(());
        }
        self.manager.deploy_if_right(package, &self.by).map(drop).map_err(|refusal| refusal.to_string())
    }

    fn create(&self, name: &ApplicationName, package: &PackageName) -> Result<(), String> {
        let made = self.manager.create(name, &json!({ "package": package }), &self.by);
        made.map(drop).map_err(|refusal| refusal.to_string())
    }

    fn start(&self, name: &ApplicationName) -> Result<(), String> {
        self.manager.start_if_ready(name, Origin::Newest, &self.by).map(drop).map_err(|refusal| refusal.to_string())
    }

    fn application(&self, name: &ApplicationName) -> Result<Option<Application>, String> {
        if self.manager.closed.load(Ordering::Acquire) {
            return Err("the manager ends".to_owned());
        }
        self.manager.application(name).map_err(|refusal| refusal.to_string())
    }

    fn delete(&self, name: &ApplicationName) -> Result<(), String> {
        self.manager.delete(name, &self.by).map_err(|refusal| refusal.to_string())
    }
}

impl Manager {
    pub(super) fn test_for_ever(&self, interval: Duration) {
        let _end = AtEnd(|| self.close());
        let mut due = self.clock.passed() + interval.min(WITHIN);
        while !self.closed.load(Ordering::Acquire) {
            self.clock.sleep(TICK);
            // One that stands by, or can record nothing, says so already.
            if self.clock.passed() >= due && self.silent().is_none() {
                self.test();
                due = self.clock.passed() + interval;
            }
        }
    }

    /// One selftest.
    pub(super) fn test(&self) {
        let (Ok(name), Ok(package)) = (ApplicationName::new(NAME), PackageName::new(PACKAGE)) else { return };
        let own = Own { manager: self, by: Caller { name: self.site.user.clone(), is_admin: true } };
        let test = selftest(&own, self.clock.as_ref(), &Trial { name: &name, package: &package, within: WITHIN });
        if let Some((step, why)) = test.failed() {
            (self.tell)(&format!("the selftest failed at `{step}`: {why}"));
        }
        let mut last = lock(&self.tested);
        let before = last.as_ref().and_then(|last: &Last| last.failing_ms);
        let failing_ms = (!test.passed).then(|| before.unwrap_or(test.at_ms));
        *last = Some(Last { test, failing_ms });
    }
}
