//! A component of type `oozie`: a workflow, which `coordinator.xml` begins at its times. With `job_type` flink, as in PNDA, it
//! brings a Flink job beside it, which an action of the workflow runs.
//! Not here: what Oozie gets of it (`workflow`), and what its XML means, which Oozie says when it is submitted.

use super::flink::{APPLICATION_PROPERTIES, FlinkComponent, KNOWN, Program};
use std::collections::BTreeMap;
use words::names::SafePath;
use words::problem::{Origin, Problem, Problems};
use words::shown::shown;

/// What each has.
pub const WORKFLOW: &str = "workflow.xml";
/// What makes it periodic.
pub const COORDINATOR: &str = "coordinator.xml";
/// Where the jars of its actions lie; and the Flink job that it brings.
pub const LIB: &str = "lib/";
/// Where that job lies in HDFS.
pub const JOB: &str = "job/";

/// A component of type `oozie` that is right in itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OozieComponent {
    /// It begins runs at its times; else it is one workflow.
    pub is_coordinator: bool,
    /// The Flink job that it brings.
    pub flink: Option<FlinkComponent>,
}

impl OozieComponent {
    /// Reads the properties, which are expanded already. `place` names them in mistakes; notes come with the result.
    pub fn parse(
        place: &str,
        properties: &BTreeMap<String, String>,
        files: &BTreeMap<SafePath, u64>,
    ) -> Result<(OozieComponent, Vec<Problem>), Problems> {
        let (origin, mut problems, mut notes) = (Origin::of_file(place), Problems::default(), Vec::new());
        let has = |file: &str| files.keys().any(|path| path.as_str() == file);
        if !has(WORKFLOW) {
            problems.add(origin.problem(format!("missing file {WORKFLOW}"), "add it beside properties.json"));
        }
        if properties.contains_key("schedule") {
            let remedy = format!("write them into {COORDINATOR}, or make it a component of type flink");
            problems.add(origin.problem("`schedule` is not for Oozie, which has its own times", remedy));
        }
        if properties.contains_key("spark_version") {
            notes.push(origin.problem("there is no Spark in this Oozie: its actions of Spark fail", ""));
        }
        let flink = match properties.get("job_type").map(String::as_str) {
            None | Some("") => None,
            Some("flink") if files.keys().any(|path| path.as_str().starts_with(JOB)) => {
                let what = format!("files in {JOB} would lie among those by which its Flink job is run");
                problems.add(origin.problem(what, "give the folder another name"));
                None
            }
            Some("flink") => match job(place, &origin, properties, files) {
                Ok((flink, said)) => {
                    notes.extend(said);
                    Some(flink)
                }
                Err(found) => {
                    problems.extend(found);
                    None
                }
            },
            Some(other) => {
                let what = format!("job_type is `{}`", shown(other));
                problems.add(origin.problem(what, "write flink for a Flink job in lib/, or leave it out"));
                None
            }
        };
        problems.into_result((OozieComponent { is_coordinator: has(COORDINATOR), flink }, notes))
    }
}

/// The Flink job, whose jar lies in `lib`.
fn job(
    place: &str,
    origin: &Origin,
    properties: &BTreeMap<String, String>,
    files: &BTreeMap<SafePath, u64>,
) -> Result<(FlinkComponent, Vec<Problem>), Problems> {
    // What Oozie says otherwise is told by its own rule.
    let about = |(name, _): &(&String, &String)| KNOWN.contains(&name.as_str()) && !name.starts_with("schedule");
    let own = properties.iter().filter(about).map(|(name, value)| (name.clone(), value.clone())).collect();
    let inside = |(path, size): (&SafePath, &u64)| Some((SafePath::new(path.as_str().strip_prefix(LIB)?).ok()?, *size));
    let settings = SafePath::new(APPLICATION_PROPERTIES).ok().map(|path| (path, 0));
    let (flink, notes) =
        FlinkComponent::parse(place, &own, &files.iter().filter_map(inside).chain(settings).collect())?;
    match &flink.program {
        Program::Jar { .. } => Ok((flink, notes)),
        Program::Python { .. } => {
            let remedy = "make it a component of type flink with `schedule`";
            Err(origin.problem("Oozie runs no script of Python", remedy).into())
        }
    }
}
