//! `pnda mirror fetch` and `pnda mirror build`: lock to store, store to a published generation.
//! `pnda try` calls the same `build`.
//! Not here: how any of it is done.

use super::{Places, Wanted, own_key};
use crate::cli::failure::{Failure, MISMATCH, Outcome, USAGE, WOULD_CHANGE, say};
use crate::cluster;
use crate::mirror::fetch::{self, Fetch, Fetched};
use crate::mirror::generations::alone::alone;
use crate::mirror::keys::Signer;
use crate::mirror::lock::Lock;
use crate::mirror::openpgp;
use crate::mirror::publish::generation::{Next, Published, current_list, next, publish};
use crate::mirror::publish::inputs::{self, Inputs, Unchanged};
use crate::mirror::publish::{self, Layout, Program};
use crate::mirror::store::Store;
use crate::mirror::trust::{self, Waiver};
use crate::words::digest::Sha256;
use crate::words::event::{Event, Tell};
use crate::words::names::SafePath;
use crate::words::tree::Tree;
use clap::Args;
use serde::Serialize;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Options of `pnda mirror fetch`.
#[derive(Args)]
pub struct FetchArguments {
    /// The folder with the manifests and their lock [default: ./mirror-manifests, else the shipped ones]
    #[arg(long, value_name = "FOLDER")]
    manifests: Option<PathBuf>,
    /// Only list what is missing: exit code 4 if anything is.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    places: Places,
}

/// Options of `pnda mirror build`.
#[derive(Args)]
pub struct Arguments {
    /// The mirror's folder; its subfolder `current` is what is served.
    #[arg(long, value_name = "FOLDER")]
    mirror: PathBuf,
    /// The folder with the manifests and their lock [default: ./mirror-manifests, else the shipped ones]
    #[arg(long, value_name = "FOLDER")]
    manifests: Option<PathBuf>,
    /// The key that signs the list; made on first use [default: ~/.config/pnda/mirror.key]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// The agent that nodes install [default: the `pnda-agent` beside this program]
    #[arg(long, value_name = "FILE")]
    agent: Option<PathBuf>,
    /// Only say what would be fetched and published: exit code 4 if anything would.
    #[arg(long)]
    dry_run: bool,
    /// Print what was done as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    places: Places,
}

/// Runs `fetch`.
pub fn fetch_only(arguments: &FetchArguments) -> Outcome {
    let wanted = Wanted::read(arguments.manifests.as_deref())?;
    let lock = wanted.agreed()?;
    let store = arguments.places.store()?;
    if arguments.dry_run {
        return show_plan(&wanted, &lock, &store, &arguments.places);
    }
    let progress = arguments.places.progress();
    let _held = store.lock_shared()?;
    let fetched = fetch(&wanted, &lock, &store, &arguments.places, &|event| progress.tell(event))?;
    say(&fetched_line(fetched))?;
    Ok(ExitCode::SUCCESS)
}

fn show_plan(wanted: &Wanted, lock: &Lock, store: &Store, places: &Places) -> Outcome {
    let sources = places.registries()?;
    let http = places.http(&sources);
    let tell = crate::words::event::silent;
    let quota = places.quota();
    let fetch = Fetch { lock, manifest: &wanted.manifest, sources: &sources, http: &http, quota, tell: &tell };
    let missing = fetch.plan(store);
    for artifact in &missing {
        say(&format!("{:>12} {}", artifact.size, artifact.address))?;
    }
    let bytes: u64 = missing.iter().map(|artifact| artifact.size).sum();
    say(&format!("would fetch {} files, {bytes} bytes", missing.len()))?;
    if !missing.is_empty() {
        say(&fetch.preflight(store, &missing).to_string())?;
    }
    Ok(if missing.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(WOULD_CHANGE) })
}

pub(super) fn fetch(
    wanted: &Wanted,
    lock: &Lock,
    store: &Store,
    places: &Places,
    tell: Tell,
) -> Result<Fetched, Failure> {
    let all_there = lock.artifacts.iter().all(|artifact| store.has(fetch::expected(artifact)));
    if all_there {
        return Ok(Fetched { kept: lock.artifacts.len(), ..Fetched::default() });
    }
    let sources = places.registries()?;
    let http = places.http(&sources);
    let quota = places.quota();
    let fetch = Fetch { lock, manifest: &wanted.manifest, sources: &sources, http: &http, quota, tell };
    fetch.run(store).map_err(|error| {
        let code = if error.is_mismatch() { MISMATCH } else { crate::cli::failure::FAILED };
        Failure::new(code, explained(error))
    })
}

/// A fetch that failed for several artifacts names each with its causes.
fn explained(error: fetch::Error) -> Box<dyn std::error::Error> {
    let fetch::Error::Some { failed, .. } = &error else { return error.into() };
    let lines: Vec<String> = failed.iter().map(|failure| crate::cli::failure::chain(failure)).collect();
    format!("{error}\n{}", lines.join("\n")).into()
}

fn fetched_line(fetched: Fetched) -> String {
    format!("fetched {} files, {} bytes; {} files were there", fetched.files, fetched.bytes, fetched.kept)
}

/// What a build came to.
#[derive(Debug, Clone, Serialize)]
pub struct Built {
    /// The generation that is current now.
    pub generation: u64,
    /// Whether it is new.
    pub published: bool,
    /// Files that came over the network.
    pub fetched_files: usize,
    /// Their bytes.
    pub fetched_bytes: u64,
    /// The key that signed it.
    pub public_key: String,
    /// The exceptions from what sources demand, with their reasons.
    pub waivers: Vec<String>,
}

/// Fetches and publishes.
pub fn build(
    mirror: &Path,
    wanted: &Wanted,
    key: &Path,
    agent: &Path,
    places: &Places,
    tell: Tell,
) -> Result<Built, Failure> {
    if let Some(built) = unchanged(mirror, wanted, key, agent, places, tell)? {
        return Ok(built);
    }
    let lock = wanted.agreed()?;
    let judgement = trust::judge(&lock, &places.registries()?).passed()?;
    judgement.notes().into_iter().for_each(|note| tell(Event::Note(note)));
    let _mirror = alone(mirror)?;
    let store = places.store()?;
    let _held = store.lock_shared()?;
    let fetched = fetch(wanted, &lock, &store, places, tell)?;
    let signer = signer(mirror, key)?;
    tell(Event::Note("laying out the mirror".into()));
    let openpgp = openpgp_signer(mirror, &lock, key)?;
    let inputs = with_inputs(wanted, key, agent, |inputs| inputs.digest())?;
    let tree = lay_out(wanted, &lock, &store, agent, openpgp.as_ref())?;
    let published = publish(mirror, &tree, digest(&lock), &store, &signer)?;
    let (generation, published) = match published {
        Published::New { number, .. } => (number, true),
        Published::UpToDate { number } => (number, false),
    };
    if let Some(inputs) = inputs {
        inputs::note(mirror, generation, inputs);
    }
    let public_key = signer.public_key();
    let waivers = lock.waivers.iter().map(Waiver::to_string).collect();
    Ok(Built { generation, published, fetched_files: fetched.files, fetched_bytes: fetched.bytes, public_key, waivers })
}

/// What a build comes to where everything was published already from the same inputs.
fn unchanged(
    mirror: &Path,
    wanted: &Wanted,
    key: &Path,
    agent: &Path,
    places: &Places,
    tell: Tell,
) -> Result<Option<Built>, Failure> {
    if !key.exists() || !mirror.exists() {
        return Ok(None);
    }
    let _mirror = alone(mirror)?;
    let (store, sources, signer) = (places.store()?, places.registries()?, Signer::load_or_make(key)?);
    let _held = store.lock_shared()?;
    let found = with_inputs(wanted, key, agent, |inputs| inputs.unchanged(mirror, &store, &sources, &signer))?;
    let Some(Unchanged { number, judgement, waivers }) = found else { return Ok(None) };
    judgement.notes().into_iter().for_each(|note| tell(Event::Note(note)));
    Ok(Some(Built {
        generation: number,
        published: false,
        fetched_files: 0,
        fetched_bytes: 0,
        public_key: signer.public_key(),
        waivers: waivers.iter().map(Waiver::to_string).collect(),
    }))
}

/// Everything that decides what is on the mirror, for somebody to look at.
fn with_inputs<T>(
    wanted: &Wanted,
    key: &Path,
    agent: &Path,
    look: impl FnOnce(&Inputs<'_>) -> Option<T>,
) -> Result<Option<T>, Failure> {
    let Some(lock) = &wanted.texts.lock else { return Ok(None) };
    let path = Some(openpgp_key(key)).filter(|path| path.exists());
    let openpgp = path.map(|path| openpgp::Signer::load_or_make(&path)).transpose()?;
    let (programs, roles, engine) = (programs(agent)?, cluster::default_roles(), std::env::current_exe()?);
    Ok(look(&Inputs {
        manifests: &wanted.texts.files,
        lock,
        programs: &programs,
        roles: &roles,
        engine: &engine,
        openpgp: openpgp.as_ref(),
    }))
}

/// Programs of our own on the mirror.
fn programs(agent: &Path) -> Result<[Program; 1], Failure> {
    Ok([Program { path: SafePath::new("pnda-agent")?, file: agent.to_owned() }])
}

/// The mirror's key; a mirror that is signed already is not given a new one by accident.
fn signer(mirror: &Path, key: &Path) -> Result<Signer, Failure> {
    if !key.exists() && current_list(mirror).is_some() {
        return Err(lost(mirror, key));
    }
    Ok(Signer::load_or_make(key)?)
}

fn lost(mirror: &Path, key: &Path) -> Failure {
    let text = format!(
        "{} is signed by a key that is not in {}: bring that key, or start a new mirror",
        mirror.display(),
        key.display()
    );
    Failure::new(USAGE, text)
}

pub(super) fn lay_out(
    wanted: &Wanted,
    lock: &Lock,
    store: &Store,
    agent: &Path,
    signer: Option<&openpgp::Signer>,
) -> Result<Tree, Failure> {
    let programs = programs(agent)?;
    let roles = cluster::taken(&cluster::default_roles());
    let layout = Layout { manifest: &wanted.manifest, lock, store, programs: &programs, roles: &roles, signer };
    Ok(publish::tree(&layout)?)
}

/// The key for clients that know OpenPGP alone, beside the mirror's own; made when something is first signed with it.
pub(super) fn openpgp_signer(mirror: &Path, lock: &Lock, key: &Path) -> Result<Option<openpgp::Signer>, Failure> {
    if !publish::needs_openpgp(lock) {
        return Ok(None);
    }
    let path = openpgp_key(key);
    if !path.exists() && current_list(mirror).is_some_and(|there| publish::has_openpgp(&there)) {
        return Err(lost(mirror, &path));
    }
    Ok(Some(openpgp::Signer::load_or_make(&path)?))
}

fn openpgp_key(key: &Path) -> PathBuf {
    let mut name = key.as_os_str().to_owned();
    name.push(".pgp");
    PathBuf::from(name)
}

fn digest(lock: &Lock) -> Sha256 {
    Sha256::of(lock.render().as_bytes())
}

/// What a build would do; as long as something is missing, only that can be said.
fn look(arguments: &Arguments, wanted: &Wanted, key: &Path, agent: &Path) -> Outcome {
    let (lock, store) = (wanted.agreed()?, arguments.places.store()?);
    if !lock.artifacts.iter().all(|artifact| store.has(fetch::expected(artifact))) {
        return show_plan(wanted, &lock, &store, &arguments.places);
    }
    let openpgp = Some(openpgp_key(key)).filter(|_| publish::needs_openpgp(&lock));
    if let Some(missing) = [Some(key.to_owned()), openpgp].into_iter().flatten().find(|key| !key.exists()) {
        say(&format!("would make the signing key {} and publish", missing.display()))?;
        return Ok(ExitCode::from(WOULD_CHANGE));
    }
    let openpgp = openpgp_signer(&arguments.mirror, &lock, key)?;
    let tree = lay_out(wanted, &lock, &store, agent, openpgp.as_ref())?;
    match next(&arguments.mirror, &tree, digest(&lock), &Signer::load_or_make(key)?)? {
        Next::UpToDate(number) => {
            say(&format!("up to date: generation {number}"))?;
            Ok(ExitCode::SUCCESS)
        }
        Next::New(generation) | Next::Switch(generation) => {
            say(&format!("would publish generation {} of {} files", generation.number, generation.files.len()))?;
            Ok(ExitCode::from(WOULD_CHANGE))
        }
    }
}

/// The agent that goes on the mirror.
pub(super) fn agent(named: Option<&Path>) -> io::Result<PathBuf> {
    named.map_or_else(sibling_agent, |named| Ok(named.to_owned()))
}

/// The agent that lies beside this program; where only this one was built, itself: it is the agent under that name.
fn sibling_agent() -> io::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let agent = own.with_file_name("pnda-agent");
    Ok(if agent.is_file() { agent } else { own })
}

/// Runs `build`.
pub fn run(arguments: &Arguments) -> Outcome {
    let wanted = Wanted::read(arguments.manifests.as_deref())?;
    let key = arguments
        .key
        .clone()
        .or_else(own_key)
        .ok_or_else(|| Failure::new(USAGE, "no home folder is known; give --key FILE"))?;
    let agent = agent(arguments.agent.as_deref())?;
    if arguments.dry_run {
        return look(arguments, &wanted, &key, &agent);
    }
    let progress = arguments.places.progress();
    let built = build(&arguments.mirror, &wanted, &key, &agent, &arguments.places, &|event| progress.tell(event))?;
    if arguments.json {
        say(&serde_json::to_string_pretty(&built)?)?;
    } else {
        let what = if built.published { "published" } else { "up to date:" };
        let files = built.fetched_files;
        say(&format!("{what} generation {} (fetched {files} files, {} bytes)", built.generation, built.fetched_bytes))?;
        say(&format!("public key {}", built.public_key))?;
    }
    Ok(ExitCode::SUCCESS)
}
