//! What tells whether a job that runs does well: how often it should be checkpointed, and how often its tasks began again.
//! Small answers, asked once in a while.
//! Not here: its checkpoints, which are asked for by whoever looks at it, too.

use super::{Error, JobManager, does_not_know, read};
use serde::Deserialize;
use words::ids::JobId;

/// Flink writes the largest number there is where a job takes no checkpoints by itself.
const LONGEST_INTERVAL_MS: u64 = 366 * 86_400_000;

#[derive(Deserialize)]
struct Config {
    interval: u64,
}

#[derive(Deserialize)]
struct Metric {
    id: String,
    value: Option<String>,
}

impl JobManager {
    /// From one checkpoint of a job to the next, in milliseconds; none if it takes none by itself.
    pub fn checkpoint_interval(&self, id: &JobId) -> Result<Option<u64>, Error> {
        let path = ["jobs", id.as_str(), "checkpoints", "config"];
        let asked = read(format!("tell how often job {id} is checkpointed"), &path);
        match self.ask(&asked) {
            Ok(bytes) => {
                let Config { interval } = self.decode(&asked, &bytes)?;
                Ok(Some(interval).filter(|interval| (1..=LONGEST_INTERVAL_MS).contains(interval)))
            }
            // A job in batch mode has none, and says so in the words of what is not there.
            Err(Error::Refused { status: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// How often the tasks of a job began again after a failure; none where it is not told yet.
    pub fn restarts(&self, id: &JobId) -> Result<Option<u64>, Error> {
        let path = ["jobs", id.as_str(), "metrics"];
        let asked = super::Asked {
            query: Some("get=numRestarts"),
            ..read(format!("tell how often the tasks of job {id} began again"), &path)
        };
        match self.ask(&asked) {
            Ok(bytes) => {
                let metrics: Vec<Metric> = self.decode(&asked, &bytes)?;
                let found = metrics.into_iter().find(|metric| metric.id == "numRestarts");
                Ok(found.and_then(|metric| metric.value?.parse().ok()))
            }
            Err(error) if does_not_know(&error, id.as_str()) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
