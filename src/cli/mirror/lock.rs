//! `pnda mirror lock`: manifests to lock.
//! It prints how the lock changes, writes it, or with `--check` only says whether it is still true.
//! Not here: resolving.

use super::{Places, Wanted};
use crate::cli::failure::{Outcome, WOULD_CHANGE, finish, say};
use crate::cli::shipped::LOCK;
use crate::mirror::disk;
use crate::mirror::lock::{Lock, difference};
use crate::mirror::resolve::{self, Upgrade};
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

/// Options of `pnda mirror lock`.
#[derive(Args)]
pub struct Arguments {
    /// The folder with the manifests; the lock is written there.
    #[arg(long, value_name = "FOLDER", default_value = super::OWN_MANIFESTS)]
    manifests: PathBuf,
    /// Only say whether the lock is still true: exit code 4 if not. Everything is asked anew.
    #[arg(long)]
    check: bool,
    /// Only show how the lock would change: exit code 4 if it would.
    #[arg(long)]
    dry_run: bool,
    /// Take newer versions where the manifests leave that open: of everything, or of the entries and packages named;
    /// without it, what was locked stays as long as it satisfies.
    #[arg(long, value_name = "NAME", num_args = 0.., conflicts_with = "check")]
    upgrade: Option<Vec<String>>,
    #[command(flatten)]
    places: Places,
}

/// Runs it.
pub fn run(arguments: &Arguments) -> Outcome {
    let wanted = Wanted::read(Some(&arguments.manifests))?;
    let before = match wanted.locked() {
        Err(failure) if !arguments.check => {
            finish("the old lock is left out of account", Err(failure));
            Lock::default()
        }
        locked => locked?,
    };
    let (store, sources) = (arguments.places.store()?, arguments.places.registries()?);
    let http = arguments.places.http(&sources);
    let _held = store.lock_shared()?;
    let progress = arguments.places.progress();
    let tell = |event| progress.tell(event);
    let upgrade = match &arguments.upgrade {
        None => Upgrade::Nothing,
        Some(names) if names.is_empty() => Upgrade::Everything,
        Some(names) => Upgrade::Only(names.clone()),
    };
    let world = resolve::World { sources: &sources, http: &http, store: &store, upgrade: &upgrade, tell: &tell };
    let trust = if arguments.check { resolve::Trust::AskAgain } else { resolve::Trust::LastLock };
    let lock = resolve::lock(&wanted.manifest, &before, &world, trust)?;
    let changes = difference(&before, &lock);
    if lock == before {
        say(&format!("the lock is up to date: {} artifacts, {} bytes", lock.artifacts.len(), lock.size()))?;
        return Ok(ExitCode::SUCCESS);
    }
    for line in &changes {
        say(line)?;
    }
    if arguments.check || arguments.dry_run {
        say(&format!("the lock would change: {} artifacts differ", changes.len()))?;
        return Ok(ExitCode::from(WOULD_CHANGE));
    }
    disk::replace(&arguments.manifests.join(LOCK), lock.render().as_bytes())?;
    say(&format!(
        "locked {} artifacts, {} bytes; {} differ from before",
        lock.artifacts.len(),
        lock.size(),
        changes.len()
    ))?;
    Ok(ExitCode::SUCCESS)
}
