//! `pnda mirror lock`: manifests to lock.
//! It prints how the lock changes, writes it, or with `--check` only says whether it is still true.
//! Not here: resolving.

use super::{Places, Wanted, tell_waivers};
use crate::cli::failure::{Failure, Outcome, USAGE, WOULD_CHANGE, finish, say, say_json};
use crate::cli::shipped::LOCK;
use crate::disk::replace;
use crate::mirror::generations::difference::{Package, packages};
use crate::mirror::lock::{Lock, difference};
use crate::mirror::resolve::{self, Upgrade};
use crate::mirror::trust::Waiver;
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;
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
    /// Print how the lock changes as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    places: Places,
}

/// A first lock of more artifacts is told as their number.
const A_FEW: usize = 40;

/// What `--json` prints.
#[derive(Serialize, JsonSchema)]
pub(super) struct Locked {
    /// How many artifacts it names.
    artifacts: usize,
    /// Their bytes.
    bytes: u64,
    /// Whether it is as it was.
    up_to_date: bool,
    /// Whether it was written.
    written: bool,
    /// Packages whose versions or bytes differ from before.
    packages: Vec<Package>,
    /// Every artifact that differs from before, in words.
    changes: Vec<String>,
    /// The exceptions from what sources demand, with their reasons.
    waivers: Vec<Waiver>,
}

/// Runs it.
pub fn run(arguments: &Arguments) -> Outcome {
    let mut wanted = Wanted::read(Some(&arguments.manifests))?;
    let before = match wanted.locked() {
        Err(failure) if !arguments.check => {
            finish("the old lock is left out of account", Err(failure));
            Lock::default()
        }
        locked => locked?,
    };
    // From here on only what it means is needed; of many artifacts, the text is much.
    wanted.texts.lock = None;
    let upgrade = match &arguments.upgrade {
        None => Upgrade::Nothing,
        Some(names) if names.is_empty() => Upgrade::Everything,
        Some(names) => {
            let only = Upgrade::only(names, &wanted.manifest, &before);
            only.map_err(|unknown| Failure::new(USAGE, unknown))?
        }
    };
    let (store, sources) = (arguments.places.store()?, arguments.places.registries()?);
    let http = arguments.places.http(&sources);
    let _held = store.lock_shared()?;
    let progress = arguments.places.progress();
    let tell = |event| progress.tell(event);
    let world = resolve::World { sources: &sources, http: &http, store: &store, upgrade: &upgrade, tell: &tell };
    let trust = if arguments.check { resolve::Trust::AskAgain } else { resolve::Trust::LastLock };
    let lock = resolve::lock(&wanted.manifest, &before, &world, trust)?;
    let changes = difference(&before, &lock);
    let would = arguments.check || arguments.dry_run;
    let written = lock != before && !would;
    if written {
        replace::replace_by(&arguments.manifests.join(LOCK), |out| lock.write(out))?;
    }
    if arguments.json {
        say_json(&Locked::of(&before, &lock, changes, written))?;
    } else {
        // A first lock of many is a count, and quiet means what goes wrong.
        let first = before.artifacts.is_empty() && changes.len() > A_FEW;
        let lines = if arguments.places.quiet || first { &[][..] } else { &changes };
        tell_lock(&before, &lock, lines, (changes.len(), written))?;
    }
    Ok(if lock != before && would { ExitCode::from(WOULD_CHANGE) } else { ExitCode::SUCCESS })
}

impl Locked {
    fn of(before: &Lock, lock: &Lock, changes: Vec<String>, written: bool) -> Locked {
        Locked {
            artifacts: lock.artifacts.len(),
            bytes: lock.size(),
            up_to_date: lock == before,
            written,
            packages: packages(before, lock),
            changes,
            waivers: lock.waivers.clone(),
        }
    }
}

fn tell_lock(before: &Lock, lock: &Lock, lines: &[String], (differ, written): (usize, bool)) -> Result<(), Failure> {
    let (artifacts, bytes) = (lock.artifacts.len(), lock.size());
    lines.iter().try_for_each(|line| say(line))?;
    if lock == before {
        say(&format!("the lock is up to date: {artifacts} artifacts, {bytes} bytes"))?;
    } else if written {
        say(&format!("locked {artifacts} artifacts, {bytes} bytes; {differ} differ from before"))?;
    } else {
        say(&format!("the lock would change: {differ} artifacts differ"))?;
    }
    tell_waivers(&lock.waivers)
}
