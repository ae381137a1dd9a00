//! `pnda mirror gc`: removes old generations, and with `--store` what no mirror refers to any more.
//! The current generation always stays, and so does what somebody is reading.
//! Not here: deciding what goes.

use crate::cli::failure::{Failure, Outcome, USAGE, WOULD_CHANGE, say, say_json};
use crate::cli::shipped;
use crate::mirror::gc::{self, Object, Surplus, users};
use crate::mirror::generations::alone::alone;
use crate::mirror::lock::Lock;
use crate::mirror::store::Store;
use clap::Args;
use indicatif::HumanBytes;
use schemars::JsonSchema;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// Options of `pnda mirror gc`.
#[derive(Args)]
pub struct Arguments {
    /// The mirror's folder.
    #[arg(long, value_name = "FOLDER")]
    mirror: PathBuf,
    /// How many of the newest generations stay.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    keep: u32,
    /// Clean up this store too; every mirror that uses it must be there.
    #[arg(long, value_name = "FOLDER")]
    store: Option<PathBuf>,
    /// A mirror that is gone for good and no longer counts; may be given several times.
    #[arg(long, value_name = "FOLDER", requires = "store")]
    forget: Vec<PathBuf>,
    /// What came into the store within this time stays, as in 90s, 30m, 24h or 7d.
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = grace)]
    grace: Duration,
    /// The folder with the manifests, whose lock a build may still want [default: ./mirror-manifests, if it is there]
    #[arg(long, value_name = "FOLDER")]
    manifests: Option<PathBuf>,
    /// Only say what would go: exit code 4 if anything would.
    #[arg(long)]
    dry_run: bool,
    /// Print what went as JSON.
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize, JsonSchema)]
pub(super) struct Removed<'a> {
    /// Whether this is only what would be done.
    dry_run: bool,
    /// The generations that went, or would go.
    removed: &'a [u64],
    /// Those that stay only because somebody is reading them.
    in_use: &'a [u64],
    /// Those that stay.
    kept: &'a [u64],
    /// The files of the store that went, or would go.
    objects: usize,
    /// Their bytes.
    object_bytes: u64,
}

fn grace(text: &str) -> Result<Duration, String> {
    let units = [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)];
    let unit = units.into_iter().find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, seconds)));
    let (number, seconds) = unit.unwrap_or((text, if text == "0" { 1 } else { 0 }));
    let number: Option<u64> = number.parse().ok().filter(|_| seconds > 0);
    let grace = number.and_then(|number| number.checked_mul(seconds)).map(Duration::from_secs);
    grace.ok_or_else(|| format!("`{text}` is no time: write a number with s, m, h or d, or 0"))
}

/// Runs it.
pub fn run(arguments: &Arguments) -> Outcome {
    let mirror = &arguments.mirror;
    if !crate::mirror::generations::is_mirror(mirror) {
        let text = format!("{} keeps no generations: name the folder that `pnda mirror build` made", mirror.display());
        return Err(Failure::new(USAGE, text));
    }
    let _alone = (!arguments.dry_run).then(|| alone(mirror)).transpose()?;
    let surplus = gc::surplus(mirror, arguments.keep as usize)?;
    let (mut objects, mut lock) = (Vec::new(), None);
    if let Some(folder) = &arguments.store {
        let store = existing_store(folder)?;
        // Held until everything is removed: no build and no fetch is at work meanwhile.
        lock = Some(store.lock_exclusive()?);
        objects = unused(arguments, &store, &surplus)?;
    }
    if !arguments.dry_run {
        gc::remove_generations(mirror, &surplus)?;
        gc::remove_objects(&objects)?;
    }
    drop(lock);
    tell(arguments, &surplus, &objects)?;
    let would = arguments.dry_run && !(surplus.numbers.is_empty() && objects.is_empty());
    Ok(if would { ExitCode::from(WOULD_CHANGE) } else { ExitCode::SUCCESS })
}

fn existing_store(folder: &Path) -> Result<Store, Failure> {
    if folder.join("sha256").is_dir() {
        return Ok(Store::open(folder)?);
    }
    Err(Failure::new(USAGE, format!("{} is no store: it has no folder sha256", folder.display())))
}

fn unused(arguments: &Arguments, store: &Store, surplus: &Surplus) -> Result<Vec<Object>, Failure> {
    let own = Path::new(super::OWN_MANIFESTS);
    let manifests = arguments.manifests.as_deref().or(Some(own).filter(|own| own.is_dir()));
    let text = manifests.map(|folder| shipped::manifests(Some(folder))).transpose()?.and_then(|texts| texts.lock);
    let locks: Vec<Lock> = text.iter().map(|text| Lock::parse(text)).collect::<Result<_, _>>()?;
    let going = (arguments.mirror.as_path(), surplus);
    let (forgotten, grace) = (arguments.forget.as_slice(), arguments.grace);
    let objects = gc::unused(&gc::Request { store, going, forgotten, locks: &locks, grace })?;
    if !arguments.dry_run {
        forgotten.iter().try_for_each(|gone| users::forget(store, gone).map(drop))?;
        users::note(store, &arguments.mirror)?;
    }
    Ok(objects)
}

fn tell(arguments: &Arguments, surplus: &Surplus, objects: &[Object]) -> Result<(), Failure> {
    let bytes: u64 = objects.iter().map(|object| object.size).sum();
    if arguments.json {
        return say_json(&Removed {
            dry_run: arguments.dry_run,
            removed: &surplus.numbers,
            in_use: &surplus.pinned,
            kept: &surplus.kept,
            objects: objects.len(),
            object_bytes: bytes,
        });
    }
    let what = if arguments.dry_run { "would remove" } else { "removed" };
    let list = |numbers: &[u64]| match numbers {
        [] => "none".to_owned(),
        numbers => numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(", "),
    };
    say(&format!("{what} generations: {}; kept: {}", list(&surplus.numbers), list(&surplus.kept)))?;
    if !surplus.pinned.is_empty() {
        say(&format!("somebody is reading {}: run it again later", list(&surplus.pinned)))?;
    }
    if arguments.store.is_some() {
        say(&format!("{what} {} files of the store, {}", objects.len(), HumanBytes(bytes)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grace_is_a_number_with_a_unit() {
        assert_eq!(grace("24h"), Ok(Duration::from_secs(86_400)));
        assert_eq!(grace("0"), Ok(Duration::ZERO));
        for text in ["", "h", "24", "-1h", "1w", "99999999999999999999d", "18446744073709551615d"] {
            assert!(grace(text).is_err(), "{text}");
        }
    }
}
