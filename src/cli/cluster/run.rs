//! `pnda cluster run -- VERB`: one verb of `pnda-agent` on the nodes of a cluster, over ssh.
//! Every node's answer is shown under its name; the worst exit code is the command's own.
//! Not here: what the verbs do.

use super::fleet::Reach;
use super::given::Given;
use crate::cli::failure::{FAILED, Outcome, say};
use crate::cluster;
use crate::words::chain::chain;
use crate::words::parallel::each;
use clap::Args;
use std::process::ExitCode;

/// Options of `pnda cluster run`.
#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    given: Given,
    #[command(flatten)]
    reach: Reach,
    /// The verb of pnda-agent and its options, as in `-- check`.
    #[arg(last = true, required = true, value_name = "VERB")]
    verb: Vec<String>,
}

/// Where roles put the agent.
const RUN: &str = "exec /opt/pnda/agent/pnda-agent \"$@\" </dev/null";

/// Runs it.
pub fn run(arguments: &Arguments) -> Outcome {
    let plan = arguments.given.decide(None, cluster::plan)?;
    let mut worst = 0;
    for wave in arguments.reach.waves(&plan)? {
        let answers = each(arguments.reach.jobs.into(), wave, |node| {
            (&node.node, arguments.reach.run(node, RUN, &arguments.verb, b""))
        });
        for (node, answer) in answers {
            let (code, text) = match answer {
                Ok(answer) => (answer.code.and_then(|code| u8::try_from(code).ok()).unwrap_or(FAILED), answer.stdout),
                Err(error) => (FAILED, chain(&error)),
            };
            worst = worst.max(code);
            say(&format!("{node}: exit code {code}\n{}", indented(&text)))?;
        }
    }
    Ok(ExitCode::from(worst))
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}
