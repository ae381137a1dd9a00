//! `pnda mirror outdated`: what has a newer version than the lock.
//! Exit code 0 if nothing has, 4 if something has.
//! Not here: asking registries.

use super::{Places, Wanted};
use crate::cli::failure::{Outcome, WOULD_CHANGE, say, say_json};
use crate::mirror::resolve::outdated::{Outdated, outdated};
use crate::mirror::resolve::{Upgrade, World};
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

/// Options of `pnda mirror outdated`.
#[derive(Args)]
pub struct Arguments {
    /// The folder with the manifests and their lock [default: ./mirror-manifests, else the shipped ones]
    #[arg(long, value_name = "FOLDER")]
    manifests: Option<PathBuf>,
    /// Print the answer as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    places: Places,
}

/// Runs it.
pub fn run(arguments: &Arguments) -> Outcome {
    let wanted = Wanted::read(arguments.manifests.as_deref())?;
    let (lock, store) = (wanted.agreed()?, arguments.places.store()?);
    let sources = arguments.places.registries()?;
    let (http, progress) = (arguments.places.http(&sources), arguments.places.progress());
    let _held = store.lock_shared()?;
    let tell = |event| progress.tell(event);
    let world = World { sources: &sources, http: &http, store: &store, upgrade: &Upgrade::Nothing, tell: &tell };
    let found = outdated(&wanted.manifest, &lock, &world)?;
    if arguments.json {
        say_json(&found)?;
    } else {
        table(&found).iter().try_for_each(|line| say(line))?;
    }
    Ok(if found.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(WOULD_CHANGE) })
}

fn table(found: &[Outdated]) -> Vec<String> {
    if found.is_empty() {
        return vec!["everything is at its newest version".into()];
    }
    let width = found.iter().map(|one| one.package.len()).max().unwrap_or(0).max(7);
    let line = |one: &Outdated| {
        let in_line = one.newest_in_line.as_deref().unwrap_or("-");
        format!("{:width$}  {:14}  {in_line:14}  {:14}  {}", one.package, one.locked, one.newest, one.entry)
    };
    let head = format!("{:width$}  {:14}  {:14}  {:14}  ENTRY", "PACKAGE", "LOCKED", "SAME LINE", "NEWEST");
    std::iter::once(head).chain(found.iter().map(line)).collect()
}
