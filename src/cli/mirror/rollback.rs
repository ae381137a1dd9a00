//! `pnda mirror rollback`: publishes anew what an earlier generation held.
//! Nodes refuse a mirror whose number shrinks, so going back is a step forward.
//! Not here: how it is done.

use super::own_key;
use crate::cli::failure::{Failure, MISMATCH, Outcome, USAGE, WOULD_CHANGE, say, say_json};
use crate::disk::regular;
use crate::mirror::generations::alone::alone;
use crate::mirror::generations::rollback::{Error, Look, Plan, plan, roll_back};
use crate::mirror::signing::Signing;
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;
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
    /// Sign with --key although another one signed what is published now; nodes must have been rendered with it.
    #[arg(long)]
    new_key: bool,
    /// A file with the public key that signed the earlier generation, if the mirror had another key then.
    #[arg(long, value_name = "FILE")]
    signed_by: Option<PathBuf>,
    /// Read every byte of the earlier generation before; without it, every length.
    #[arg(long)]
    verify: bool,
    /// Only say what would be published: exit code 4 if anything would.
    #[arg(long)]
    dry_run: bool,
    /// Print what was published as JSON.
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize, JsonSchema)]
pub(super) struct RolledBack {
    /// Whether this is only what would be done.
    dry_run: bool,
    /// Whether a generation was, or would be, published.
    published: bool,
    /// The generation that has the content now, or would have it.
    generation: u64,
    /// The generation whose content it is.
    content_of: u64,
}

/// Runs it.
pub fn run(arguments: &Arguments) -> Outcome {
    let mirror = &arguments.mirror;
    if arguments.dry_run {
        let plan = plan(mirror, arguments.number)?;
        tell(arguments, &plan, "would publish")?;
        return Ok(if matches!(plan, Plan::New { .. }) { ExitCode::from(WOULD_CHANGE) } else { ExitCode::SUCCESS });
    }
    let key = arguments.key.clone().or_else(own_key);
    let key = key.filter(|key| key.exists()).ok_or_else(|| {
        Failure::new(USAGE, "the mirror's key is not here: give --key FILE, for the list must be signed anew")
    })?;
    let _alone = alone(mirror)?;
    let signer = Signing::with(key, arguments.new_key).signer(mirror)?;
    let then = arguments.signed_by.as_ref().map(|key| regular::read_text(key)).transpose()?;
    let plan = plan(mirror, arguments.number)?;
    let look = if arguments.verify { Look::Bytes } else { Look::Sizes };
    roll_back(mirror, &plan, look, (&signer, then.as_deref())).map_err(|error| match error {
        Error::Damaged { .. } | Error::Foreign { .. } => Failure::new(MISMATCH, error),
        error => error.into(),
    })?;
    tell(arguments, &plan, "published")?;
    Ok(ExitCode::SUCCESS)
}

fn tell(arguments: &Arguments, plan: &Plan, what: &str) -> Result<(), Failure> {
    let (published, generation, of) = match plan {
        Plan::New { list, of } => (true, list.number, *of),
        Plan::Same { number, of } => (false, *number, *of),
    };
    if arguments.json {
        return say_json(&RolledBack { dry_run: arguments.dry_run, published, generation, content_of: of });
    }
    let what = if published { what } else { "up to date:" };
    let has = if published { "with" } else { "has" };
    Ok(say(&format!("{what} generation {generation} {has} the content of {of}"))?)
}
