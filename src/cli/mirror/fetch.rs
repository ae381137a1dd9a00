//! `pnda mirror fetch`: lock to store; `build`, `verify --repair` and `pnda try` fetch by the same function.
//! A dry run lists what is missing.
//! Not here: how bytes come (`mirror::fetch`).

use super::{Places, Wanted};
use crate::cli::failure::{FAILED, Failure, MISMATCH, Outcome, WOULD_CHANGE, say, say_json};
use crate::mirror::fetch::{self, Fetch};
use crate::mirror::lock::{Artifact, Lock, Source};
use crate::mirror::store::Store;
use crate::words::chain::chain;
use crate::words::event::Tell;
use crate::words::names::{SafePath, Word};
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;
use std::path::PathBuf;
use std::process::ExitCode;

/// Options of `pnda mirror fetch`.
#[derive(Args)]
pub struct Arguments {
    /// The folder with the manifests and their lock [default: ./mirror-manifests, else the shipped ones]
    #[arg(long, value_name = "FOLDER")]
    manifests: Option<PathBuf>,
    /// Only list what is missing: exit code 4 if anything is.
    #[arg(long)]
    dry_run: bool,
    /// Print what came, or is missing, as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    places: Places,
}

/// What a fetch did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Fetched {
    /// Whether this is only what would be done.
    pub dry_run: bool,
    /// Files that came, or would come, over the network.
    pub files: usize,
    /// The bytes of them that came, or would come.
    pub bytes: u64,
    /// Files that were in the store already.
    pub kept: usize,
    /// What a dry run found missing, the largest first.
    pub missing: Vec<Missing>,
}

/// A file that is not in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Missing {
    /// The kind of place it would come from.
    pub source: Source,
    /// The place's id, where it is not the registry itself.
    pub origin: Option<Word>,
    /// Its address there.
    pub address: SafePath,
    /// Its length in bytes.
    pub size: u64,
}

/// Runs it.
pub fn run(arguments: &Arguments) -> Outcome {
    let wanted = Wanted::read(arguments.manifests.as_deref())?;
    let lock = wanted.agreed()?;
    let store = arguments.places.store()?;
    if arguments.dry_run {
        let planned = plan(&wanted, &lock, &store, &arguments.places)?;
        match arguments.json {
            true => say_json(&planned.0)?,
            false => tell_plan(&planned)?,
        }
        return Ok(planned.0.code());
    }
    let progress = arguments.places.progress();
    let _held = store.lock_shared()?;
    let fetched = fetch(&wanted, &lock, &store, &arguments.places, &|event| progress.tell(event))?;
    match arguments.json {
        true => say_json(&fetched)?,
        false => say(&format!(
            "fetched {} files, {} bytes; {} files were there",
            fetched.files, fetched.bytes, fetched.kept
        ))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// What a fetch would do, and what it would take.
pub(super) type Planned = (Fetched, Option<fetch::Preflight>);

/// Looks what is missing.
pub(super) fn plan(wanted: &Wanted, lock: &Lock, store: &Store, places: &Places) -> Result<Planned, Failure> {
    let sources = places.registries()?;
    let http = places.http(&sources);
    let (tell, quota) = (crate::words::event::silent, places.quota());
    let fetch = Fetch { lock, manifest: &wanted.manifest, sources: &sources, http: &http, quota, tell: &tell };
    let missing = fetch.plan(store);
    let preflight = (!missing.is_empty()).then(|| fetch.preflight(store, &missing));
    let planned = Fetched {
        dry_run: true,
        files: missing.len(),
        bytes: preflight.map_or(0, |preflight| preflight.to_come()),
        kept: fetch.kept(store),
        missing: missing.into_iter().map(Missing::of).collect(),
    };
    Ok((planned, preflight))
}

/// Tells it to people.
pub(super) fn tell_plan((planned, preflight): &Planned) -> Result<(), Failure> {
    for missing in &planned.missing {
        say(&format!("{:>12} {}", missing.size, missing.address))?;
    }
    let bytes: u64 = planned.missing.iter().map(|missing| missing.size).sum();
    say(&format!("would fetch {} files, {bytes} bytes", planned.files))?;
    Ok(preflight.iter().try_for_each(|preflight| say(&preflight.to_string()))?)
}

impl Missing {
    fn of(artifact: &Artifact) -> Missing {
        let (origin, address) = (artifact.origin.clone(), artifact.address.clone());
        Missing { source: artifact.source, origin, address, size: artifact.size }
    }
}

impl Fetched {
    /// The exit code of a dry run.
    fn code(&self) -> ExitCode {
        if self.missing.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(WOULD_CHANGE) }
    }
}

/// Brings what is missing; where nothing is, nobody is asked where anything would be.
pub(super) fn fetch(
    wanted: &Wanted,
    lock: &Lock,
    store: &Store,
    places: &Places,
    tell: Tell,
) -> Result<Fetched, Failure> {
    if lock.artifacts.iter().all(|artifact| store.has(fetch::expected(artifact))) {
        return Ok(Fetched { kept: lock.artifacts.len(), ..Fetched::default() });
    }
    let sources = places.registries()?;
    let http = places.http(&sources);
    let quota = places.quota();
    let fetch = Fetch { lock, manifest: &wanted.manifest, sources: &sources, http: &http, quota, tell };
    let fetched = fetch.run(store).map_err(|error| {
        let code = if error.is_mismatch() { MISMATCH } else { FAILED };
        Failure::new(code, explained(error))
    })?;
    let (files, bytes, kept) = (fetched.files, fetched.bytes, fetched.kept);
    Ok(Fetched { files, bytes, kept, ..Fetched::default() })
}

/// A fetch that failed for several artifacts names each with its causes.
fn explained(error: fetch::Error) -> Box<dyn std::error::Error> {
    let fetch::Error::Some { failed, .. } = &error else { return error.into() };
    let lines: Vec<String> = failed.iter().map(|failure| chain(failure)).collect();
    format!("{error}\n{}", lines.join("\n")).into()
}
