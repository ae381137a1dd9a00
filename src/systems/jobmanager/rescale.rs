//! Another parallelism for a job that goes on: Flink 1.18 and later, with the adaptive scheduler.
//! Steps for which the program itself says how many tasks they have keep theirs.
//! Not here: how many tasks there are then, which depends on what YARN gives (`job`).

use super::{Asked, Error, JobManager, read};
use crate::call::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use words::ids::JobId;

/// How many tasks a step of a job may have; the rest is Flink's, and goes back as it came.
#[derive(Serialize, Deserialize)]
struct Step {
    parallelism: Bounds,
    #[serde(flatten)]
    rest: serde_json::Map<String, serde_json::Value>,
}

#[derive(Serialize, Deserialize)]
struct Bounds {
    #[serde(rename = "lowerBound")]
    lower: u32,
    #[serde(rename = "upperBound")]
    upper: u32,
}

impl JobManager {
    /// Has each step that up to `from` tasks do be done by up to `to`; the same once more changes nothing. Gives whether there is
    /// such a step, or was.
    pub fn rescale(&self, id: &JobId, from: u32, to: u32) -> Result<bool, Error> {
        let path = ["jobs", id.as_str(), "resource-requirements"];
        let asked = read(format!("give job {id} another parallelism"), &path);
        let mut steps: BTreeMap<String, Step> = self.decode(&asked, &self.ask(&asked)?)?;
        if !change(&mut steps, from, to) {
            return Ok(steps.values().any(|step| step.parallelism.upper == to));
        }
        let body = json!(steps);
        self.ask(&Asked { method: Method::Put, body: Some(&body), ..read(asked.operation, &path) }).map(|_| true)
    }
}

/// Gives whether there was something to change.
fn change(steps: &mut BTreeMap<String, Step>, from: u32, to: u32) -> bool {
    let mut is_changed = false;
    for Bounds { lower, upper } in steps.values_mut().map(|step| &mut step.parallelism) {
        if *upper == from && from != to {
            // A job that asked for exactly so many is satisfied with fewer.
            (*lower, *upper, is_changed) = (1, to, true);
        }
    }
    is_changed
}

#[cfg(test)]
mod tests {
    use super::super::Fake;
    use super::*;

    #[test]
    fn steps_of_which_the_program_says_nothing_get_the_other_parallelism_once() {
        let id = JobId::new("a".repeat(32)).unwrap();
        let fake = Fake::start(&id);
        let refused = fake.client().rescale(&id, 2, 4).unwrap_err();
        // As Flink 1.20.5 says it.
        let why =
            "Internal server error.; java.lang.UnsupportedOperationException: The DefaultScheduler does not support";
        assert!(matches!(&refused, Error::Refused { why: said, .. } if said.starts_with(why)), "{refused}");
        let tasks = |source, map| Some(BTreeMap::from([("map".to_owned(), map), ("source".to_owned(), source)]));
        fake.world().tasks = tasks(1, 2);
        for _ in 0..2 {
            assert!(fake.client().rescale(&id, 2, 4).unwrap());
            assert_eq!(fake.world().tasks, tasks(1, 4));
        }
        let puts = fake.server.asked().iter().filter(|line| line.starts_with("PUT")).count();
        assert_eq!(puts, 1);
        assert!(!fake.client().rescale(&id, 3, 5).unwrap(), "no step has so many");
    }
}
