//! Reads the two answers of a history server while they stream: who it is, and how many jobs it lists.
//! Jobs are counted, not kept, so a long list costs no memory.
//! Not here: any connection.

use super::Failure;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::io::{BufReader, Read};
use words::flink::Version;
use words::names::Word;

/// Who answered `/config`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The version as it says, a plain word.
    pub version: String,
    /// The same, if it is one that our tables can judge.
    pub known: Option<Version>,
}

#[derive(Deserialize)]
struct ConfigText {
    #[serde(rename = "flink-version")]
    version: Option<String>,
    #[serde(default)]
    features: Features,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct Features {
    web_history: bool,
    web_submit: bool,
}

/// Reads the answer to `/config`.
pub(super) fn identity(
    path: &'static str,
    status: u16,
    body: &mut dyn Read,
    refusal: u64,
) -> Result<Identity, Failure> {
    let text: ConfigText = json(path, status, body, refusal)?;
    let no = |what| Err(Failure::NotHistoryServer { path, what });
    let Some(version) = text.version else {
        return no("it names no Flink version");
    };
    let known: Option<Version> = version.parse().ok();
    // Before 1.18 only a JobManager that accepts jobs gives itself away.
    let other = match known {
        Some(known) if known.says_web_history() => !text.features.web_history,
        _ => text.features.web_submit,
    };
    if other {
        return no("it is the JobManager of a running cluster");
    }
    // The word goes into metrics and logs: whatever is no plain word is not passed on.
    let version = Word::new(version).map_or_else(|_| "unknown".to_owned(), String::from);
    Ok(Identity { version, known })
}

/// Reads the answer to either path of the overview: the number of `jobs`, or, before 1.5, of `finished`.
pub(super) fn jobs(path: &'static str, status: u16, body: &mut dyn Read, refusal: u64) -> Result<u64, Failure> {
    let counts: Counts = json(path, status, body, refusal)?;
    let what = "it lists neither `jobs` nor `finished`";
    counts.jobs.or(counts.finished).ok_or(Failure::NotHistoryServer { path, what })
}

fn json<T: for<'de> Deserialize<'de>>(
    path: &'static str,
    status: u16,
    body: &mut dyn Read,
    refusal: u64,
) -> Result<T, Failure> {
    if status != 200 {
        return Err(Failure::Status { path, status, body: beginning(body, refusal) });
    }
    serde_json::from_reader(BufReader::new(body)).map_err(|source| Failure::NotJson { path, source })
}

/// What a refusal says; the status counts even if its body breaks off.
fn beginning(body: &mut dyn Read, limit: u64) -> String {
    let mut bytes = Vec::new();
    let _ = body.take(limit).read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

#[derive(Default)]
struct Counts {
    jobs: Option<u64>,
    finished: Option<u64>,
}

impl<'de> Deserialize<'de> for Counts {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Counts, D::Error> {
        input.deserialize_map(CountsVisitor)
    }
}

struct CountsVisitor;

impl<'de> Visitor<'de> for CountsVisitor {
    type Value = Counts;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an overview of jobs")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Counts, M::Error> {
        let mut counts = Counts::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "jobs" => counts.jobs = Some(map.next_value::<Length>()?.0),
                "finished" => counts.finished = Some(map.next_value::<Length>()?.0),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(counts)
    }
}

/// The number of items of a list.
struct Length(u64);

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Length, D::Error> {
        input.deserialize_seq(LengthVisitor)
    }
}

struct LengthVisitor;

impl<'de> Visitor<'de> for LengthVisitor {
    type Value = Length;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list of jobs")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut items: S) -> Result<Length, S::Error> {
        let mut count = 0;
        while items.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(Length(count))
    }
}
