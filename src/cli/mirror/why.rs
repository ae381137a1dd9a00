//! `pnda mirror why NAME`: the chains that lead from the manifests to an artifact of the lock.
//! Exit code 1 if nothing is called so.
//! Not here: finding them.

use super::Wanted;
use crate::cli::failure::{Outcome, say, say_json};
use crate::mirror::why::{why, why_in};
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

/// Options of `pnda mirror why`.
#[derive(Args)]
pub struct Arguments {
    /// group:artifact, a project, a package, with :version or ==version or without; or a part of an address.
    name: String,
    /// The folder with the manifests and their lock [default: ./mirror-manifests, else the shipped ones]
    #[arg(long, value_name = "FOLDER")]
    manifests: Option<PathBuf>,
    /// Print the answer as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs it.
pub fn run(arguments: &Arguments) -> Outcome {
    let wanted = Wanted::read(arguments.manifests.as_deref())?;
    let found = match wanted.texts.lock.as_deref().and_then(|text| why_in(text, &arguments.name)) {
        Some(found) => found?,
        None => why(&wanted.locked()?, &arguments.name)?,
    };
    if arguments.json {
        say_json(&found)?;
        return Ok(ExitCode::SUCCESS);
    }
    for one in found {
        say(&one.package)?;
        one.chains.iter().try_for_each(|chain| say(&format!("  {chain}")))?;
    }
    Ok(ExitCode::SUCCESS)
}
