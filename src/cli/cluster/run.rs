//! `pnda cluster run -- VERB`: one verb of `pnda-agent` on the nodes of a cluster, over ssh.
//! Every node's answer is shown under its name; the worst exit code is the command's own.
//! Not here: what the verbs do.

use super::fleet as options;
use super::given::Given;
use crate::cli::failure::{FAILED, Outcome, say};
use crate::cluster;
use crate::fleet::{self, Said};
use crate::words::chain::chain;
use clap::Args;
use std::process::ExitCode;

/// Options of `pnda cluster run`.
#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    given: Given,
    #[command(flatten)]
    reach: options::Options,
    /// The verb of pnda-agent and its options, as in `-- check`.
    #[arg(last = true, required = true, value_name = "VERB")]
    verb: Vec<String>,
}

/// Runs it.
pub fn run(arguments: &Arguments) -> Outcome {
    let cluster = arguments.given.decide(None, cluster::plan)?;
    let plan = arguments.reach.plan(&cluster)?;
    let tell = |said: Said<'_>| arguments.reach.tell(said);
    let mut worst = 0;
    fleet::run(&plan, &arguments.reach.reach(), &arguments.verb, &tell, |answered| {
        let (code, text) = match answered.answer {
            Ok((code, text)) => (code.and_then(|code| u8::try_from(code).ok()).unwrap_or(FAILED), text),
            Err(error) => (FAILED, chain(&error)),
        };
        worst = worst.max(code);
        say(&format!("{}: exit code {code}\n{}", answered.node, indented(&text)))
    })?;
    Ok(ExitCode::from(worst))
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}
