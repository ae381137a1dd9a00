//! What a JobManager leaves of a job in the archive of finished jobs: pages of its interface, as they were at the end.
//! Read from bytes; whatever is in them, an answer is found or there is none.
//! Not here: where archives lie.

use super::checkpoints::Checkpoints;
use super::failure::{Failures, Told};
use super::job::JobState;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::fmt;

/// The kind of page and what is told of it: nothing else of an archive is kept.
const PAGES: [(&str, &str); 5] = [
    ("jobs", "exceptions"),
    ("applications", "exceptions"),
    ("jobs", "checkpoints"),
    ("jobs", "overview"),
    ("applications", "overview"),
];

/// An archive: the pages that are of interest, by kind and what they tell.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "File")]
pub struct Archive(BTreeMap<(&'static str, &'static str), String>);

#[derive(Deserialize)]
struct File {
    #[serde(deserialize_with = "pages")]
    archive: BTreeMap<(&'static str, &'static str), String>,
}

#[derive(Deserialize)]
struct Page {
    path: String,
    json: String,
}

impl From<File> for Archive {
    fn from(file: File) -> Archive {
        Archive(file.archive)
    }
}

/// Whoever wrote it, there may be a million pages: each is dropped before the next one is read.
fn pages<'de, D: Deserializer<'de>>(input: D) -> Result<BTreeMap<(&'static str, &'static str), String>, D::Error> {
    input.deserialize_seq(Pages)
}

struct Pages;

impl<'de> Visitor<'de> for Pages {
    type Value = BTreeMap<(&'static str, &'static str), String>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list of pages")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut pages: S) -> Result<Self::Value, S::Error> {
        let mut kept = BTreeMap::new();
        while let Some(Page { path, json }) = pages.next_element()? {
            if let Some(page) = PAGES.into_iter().find(|page| is(&path, page)) {
                kept.entry(page).or_insert(json);
            }
        }
        Ok(kept)
    }
}

/// `/jobs/ID/exceptions` and the like, and `/jobs/overview`.
fn is(path: &str, (kind, end): &(&str, &str)) -> bool {
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    parts == [*kind, *end] || matches!(parts[..], [one, _, other] if one == *kind && other == *end)
}

/// How a job, or in 2.x a whole program, came to its end.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Ended {
    /// A final state, if it is an archive of what ended.
    #[serde(alias = "status")]
    pub state: JobState,
    /// When, in milliseconds since 1970.
    #[serde(rename = "end-time")]
    pub at_ms: u64,
    /// How long it took, in milliseconds.
    #[serde(rename = "duration")]
    pub ran_ms: u64,
}

#[derive(Deserialize)]
struct Overview {
    #[serde(alias = "applications")]
    jobs: Vec<Ended>,
}

impl Archive {
    /// Reads one; none if it is no archive.
    pub fn read(bytes: &[u8]) -> Option<Archive> {
        serde_json::from_slice(bytes).ok()
    }

    fn page<T: for<'de> Deserialize<'de>>(&self, kind: &'static str, end: &'static str) -> Option<T> {
        serde_json::from_str(self.0.get(&(kind, end))?).ok()
    }

    /// What failed, the latest first; in Flink 2.x also of a `main` that failed before there was a job.
    pub fn failures(&self, most: usize) -> Option<Failures> {
        let told: Option<Told> = self.page("jobs", "exceptions").or_else(|| self.page("applications", "exceptions"));
        Some(told?.failures(most))
    }

    /// The job's checkpoints.
    pub fn checkpoints(&self) -> Option<Checkpoints> {
        self.page("jobs", "checkpoints")
    }

    /// How what it tells of came to its end.
    pub fn ended(&self) -> Vec<Ended> {
        let told: Option<Overview> = self.page("jobs", "overview").or_else(|| self.page("applications", "overview"));
        told.map_or_else(Vec::new, |told| told.jobs).into_iter().filter(|one| one.state.is_final()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(name: &str) -> Archive {
        let file = format!("{}/../../tests/fixtures/flink-archives/{name}", env!("CARGO_MANIFEST_DIR"));
        Archive::read(&std::fs::read(file).unwrap()).unwrap()
    }

    #[test]
    fn the_cause_of_a_failed_job_is_found_in_the_archives_of_real_flinks() {
        let failures = archive("1.20.5-failed-job.json").failures(3).unwrap();
        assert!(failures.list[0].cause.contains("RuntimeException"), "{failures:?}");
        let never = archive("2.3.0-job-that-never-started.json").failures(3).unwrap();
        assert!(never.list[0].cause.contains("FileNotFoundException"), "{never:?}");
        let main = archive("2.3.0-failmain-application-summary.json").failures(3).unwrap();
        assert!(!main.list.is_empty() && main.list[0].cause.contains(": "), "{main:?}");
    }

    #[test]
    fn the_checkpoints_of_a_finished_job_are_found() {
        let checkpoints = archive("2.3.0-job.json").checkpoints().unwrap();
        assert_eq!((checkpoints.counts.completed, checkpoints.counts.failed), (4, 1));
        assert!(checkpoints.savepoint.is_some());
        assert_eq!(archive("2.3.0-failmain-application-summary.json").checkpoints(), None);
    }

    #[test]
    fn how_a_job_came_to_its_end_is_found() {
        let ended = |name: &str| archive(name).ended();
        let at = |state, at_ms, ran_ms| [Ended { state, at_ms, ran_ms }];
        assert_eq!(ended("1.20.5-failed-job.json"), at(JobState::Failed, 1796025985601, 66118));
        assert_eq!(ended("2.3.0-job.json"), at(JobState::Finished, 1796024247846, 66374));
        assert_eq!(ended("2.3.0-failmain-application-summary.json"), at(JobState::Failed, 1796024857824, 420));
        assert_eq!(Archive::default().ended(), []);
    }

    #[test]
    fn what_is_no_archive_is_none() {
        for bytes in [&b""[..], b"{}", b"[]", b"{\"archive\":[{\"path\":1}]}", b"\xff"] {
            assert_eq!(Archive::read(bytes), None);
        }
        let odd = Archive::read(br#"{"archive":[{"path":"/jobs/x/exceptions","json":"not json"}]}"#).unwrap();
        assert!(odd.failures(1).is_none() && odd.checkpoints().is_none());
    }
}
