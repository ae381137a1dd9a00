//! Flink's own pages of a job that runs, passed on to be looked at: only what is known to show and to change nothing, for Flink
//! cancels and stops jobs on some addresses that are only read.
//! Not here: who may look, and how a browser is kept from trusting what comes: it is the job's.

use super::{Manager, unavailable};
use crate::observe::manager;
use crate::orders::Refusal;
use systems::jobmanager::Page;
use words::chain::chain;
use words::names::{ApplicationName, ComponentName};
use words::shown::shown;

/// A path has no more parts.
const DEEPEST: usize = 12;
/// Where Flink tells of jobs and processes.
const SHOWS: [&str; 6] = ["assets", "config", "jobmanager", "jobs", "overview", "taskmanagers"];
/// Files of the pages themselves.
const FILES: [&str; 9] = ["css", "html", "ico", "js", "png", "svg", "ttf", "woff", "woff2"];
/// Addresses below a job that act when they are read.
const ACTS: [&str; 2] = ["yarn-cancel", "yarn-stop"];

/// Whether something only shows.
fn shows(path: &[&str]) -> bool {
    let plain = |part: &&str| {
        let is_mark = |c: char| c.is_ascii_alphanumeric() || "._-:$".contains(c);
        !part.is_empty() && !part.starts_with('.') && part.chars().all(is_mark)
    };
    let is_file = |name: &str| name.rsplit_once('.').is_some_and(|(_, kind)| FILES.contains(&kind));
    let is_known = match path {
        [] => true,
        [one] => SHOWS.contains(one) || is_file(one),
        [first, ..] => SHOWS.contains(first),
    };
    let acts = path.iter().any(|part| ACTS.contains(&part.to_ascii_lowercase().as_str()));
    is_known && !acts && path.len() <= DEEPEST && path.iter().all(plain)
}

impl Manager {
    /// What the JobManager of a component's run has at a path.
    pub fn dashboard(
        &self,
        name: &ApplicationName,
        component: &ComponentName,
        (path, query): (&str, Option<&str>),
    ) -> Result<Page, Refusal> {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        if !shows(&parts) {
            return Err(Refusal::NotFound(format!("page {} that only shows", shown(path))));
        }
        let state = self.state()?;
        let found = state.applications.get(name).and_then(|application| application.components.get(component));
        let found = found.ok_or_else(|| Refusal::NotFound(format!("component {component} of {name}")))?;
        let over =
            || Refusal::Conflict(format!("{name}/{component} has no JobManager now: its pages are of what runs"));
        let run = found.live().ok_or_else(over)?;
        let running = self.yarn.application(&run.id).map_err(|error| unavailable(chain(&error)))?.ok_or_else(over)?;
        let master = manager(&running, &self.network.flink).ok_or_else(over)?;
        master.page(&parts, query).map_err(|error| unavailable(chain(&error)))
    }
}

#[cfg(test)]
mod tests {
    use super::shows;

    #[test]
    fn only_what_shows_is_passed_on() {
        let of = |path: &str| shows(&path.split('/').filter(|part| !part.is_empty()).collect::<Vec<_>>());
        for path in
            ["", "index.html", "main.1a2b.js", "assets/images/flink-logo.svg", "overview", "config", "jobs/overview"]
        {
            assert!(of(path), "{path}");
        }
        assert!(of("jobs/0a/vertices/1b/subtasks/metrics") && of("taskmanagers/container_1:4711-a/thread-dump"));
        assert!(of("jobmanager/logs/jobmanager.log"));
        for path in ["jobs/0a/yarn-cancel", "jobs/0a/yarn-stop", "jobs/0a/Yarn-Stop", "jars", "jars/a/plan", "cluster"]
        {
            assert!(!of(path), "{path}");
        }
        for path in ["jobs/../jars", "jobs/..%2f", "jobs/a b", "jobs/.x", "x", "etc/passwd.js", "savepoint-disposal"] {
            assert!(!of(path), "{path}");
        }
        assert!(!of(&format!("jobs/{}", "a/".repeat(20))));
    }
}
