//! `pnda mirror rollback`: publishes anew what an earlier generation held.
//! Nodes refuse a mirror whose number shrinks, so going back is a step forward.
//! Not here: how it is done.

use super::own_key;
use crate::cli::failure::{Failure, MISMATCH, Outcome, USAGE, WOULD_CHANGE, say};
use crate::mirror::generations::alone::alone;
use crate::mirror::generations::rollback::{Error, Look, Plan, plan, roll_back};
use crate::mirror::keys::Signer;
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

/// Options of `pnda mirror rollback`.
#[derive(Args)]
pub struct Arguments {
    /// The generation whose content is published anew [default: the one before the current]
    number: Option<u64>,
    /// The mirror's folder.
    #[arg(long, value_name = "FOLDER")]
    mirror: PathBuf,
    /// The key that signs the list [default: ~/.config/pnda/mirror.key]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Read every byte of the earlier generation before; without it, every length.
    #[arg(long)]
    verify: bool,
    /// Only say what would be published: exit code 4 if anything would.
    #[arg(long)]
    dry_run: bool,
}

/// Runs it.
pub fn run(arguments: &Arguments) -> Outcome {
    let mirror = &arguments.mirror;
    if arguments.dry_run {
        let plan = plan(mirror, arguments.number)?;
        say(&told(&plan, "would publish"))?;
        return Ok(if matches!(plan, Plan::New { .. }) { ExitCode::from(WOULD_CHANGE) } else { ExitCode::SUCCESS });
    }
    let key = arguments.key.clone().or_else(own_key);
    let key = key.filter(|key| key.exists()).ok_or_else(|| {
        Failure::new(USAGE, "the mirror's key is not here: give --key FILE, for the list must be signed anew")
    })?;
    let signer = Signer::load_or_make(&key)?;
    let _alone = alone(mirror)?;
    let plan = plan(mirror, arguments.number)?;
    let look = if arguments.verify { Look::Bytes } else { Look::Sizes };
    roll_back(mirror, &plan, look, &signer).map_err(|error| match error {
        Error::Damaged { .. } | Error::Foreign { .. } => Failure::new(MISMATCH, error),
        error => error.into(),
    })?;
    say(&told(&plan, "published"))?;
    Ok(ExitCode::SUCCESS)
}

fn told(plan: &Plan, what: &str) -> String {
    match plan {
        Plan::New { list, of } => format!("{what} generation {} with the content of {of}", list.number),
        Plan::Same { number, of } => format!("up to date: generation {number} has the content of {of}"),
    }
}
