//! Whether the owner has what his job needs in HDFS: a home for the files of a start, folders to write its state into, and the
//! state that it begins from.
//! Not here: other file systems, which are Flink's to look into.

use super::{Facts, Right, Wanted};
use words::application::Finding;

pub(super) fn judge(wanted: &Wanted<'_>, facts: &Facts, findings: &mut Vec<Finding>) {
    let owner = wanted.owner;
    let home = format!("/user/{owner}");
    let make = format!("have an administrator of HDFS make {home} and give it to {owner}");
    match facts.home {
        Some(Right::Missing) => {
            let what = format!("it is not in HDFS, and {owner} may not make it: the files of a start have no place");
            findings.push(Finding::refusal(home, what, make));
        }
        Some(Right::Denied) => {
            let what = format!("{owner} may not write into his own home in HDFS");
            findings.push(Finding::refusal(home, what, make));
        }
        Some(Right::Granted) | None => {}
    }
    for (folder, _) in facts.folders.iter().filter(|(_, right)| *right != Right::Granted) {
        let what = format!("{owner} may not write there, and his job keeps its state in it");
        let remedy = format!("have an administrator of HDFS make it and give it to {owner}");
        findings.push(Finding::refusal(folder, what, remedy));
    }
    match (facts.restore, wanted.restore) {
        (Some(Right::Denied), Some(state)) => {
            let what = format!("{owner} may not read this state, and his job would begin from it");
            findings.push(Finding::refusal(state, what, "have its owner let him, or start from another with --from"));
        }
        (Some(Right::Missing), Some(state)) => {
            let what = "this state is not there any more, and the job would begin from it";
            findings.push(Finding::refusal(state, what, "start from another with --from, or without one with --empty"));
        }
        _ => {}
    }
}
