//! One verb of `pnda-agent` on the nodes of a cluster, wave by wave.
//! All nodes of a wave are asked, a few at a time, whatever the others answer.
//! Not here: what the verbs do.

use crate::plan::Plan;
use crate::reach::{Reach, Tell};
use systems::ssh::Error;
use words::parallel::each;

/// Where roles put the agent.
const RUN: &str = "exec /opt/pnda/agent/pnda-agent \"$@\" </dev/null";

/// What a node has answered.
#[derive(Debug)]
pub struct Answered<'a> {
    /// Its name.
    pub node: &'a str,
    /// The exit code, none where it could not be reached or was cut off, and its answer; or why there was no session.
    pub answer: Result<(Option<i32>, String), Error>,
}

/// Runs a verb with its options; `show` gets each wave's answers in the order of its nodes, and may end it all.
pub fn run<E>(
    plan: &Plan<'_>,
    reach: &Reach,
    verb: &[String],
    tell: Tell<'_>,
    mut show: impl FnMut(Answered<'_>) -> Result<(), E>,
) -> Result<(), E> {
    for wave in &plan.waves {
        let answers = each(reach.jobs, wave, |node| {
            let answer = reach.run(node, RUN, verb, b"", tell).map(|answer| (answer.code, answer.stdout));
            Answered { node: &node.node, answer }
        });
        answers.into_iter().try_for_each(&mut show)?;
    }
    Ok(())
}
