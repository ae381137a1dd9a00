//! `pnda mirror build`: lock to store, store to a published generation, and what changed by it in words.
//! `pnda try` calls the same `build`.
//! Not here: how any of it is done.

use super::fetch::{Fetched, fetch, plan, tell_plan};
use super::signing::Keys;
use super::{Places, Wanted, tell_waivers};
use crate::cli::failure::{Failure, Outcome, WOULD_CHANGE, say, say_json};
use crate::cluster;
use crate::mirror::fetch::expected;
use crate::mirror::gc::users;
use crate::mirror::generations::alone::alone;
use crate::mirror::generations::difference::{Package, difference};
use crate::mirror::generations::{self, place};
use crate::mirror::keys::Signer;
use crate::mirror::lock::Lock;
use crate::mirror::openpgp;
use crate::mirror::publish::generation::{Next, Published, next, publish};
use crate::mirror::publish::inputs::{self, Inputs, Unchanged};
use crate::mirror::publish::{self, Layout, Program};
use crate::mirror::signing::Signing;
use crate::mirror::store::Store;
use crate::mirror::trust::{self, Waiver};
use crate::words::event::{Event, Tell};
use crate::words::names::SafePath;
use crate::words::tree::Tree;
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The most lines that tell what changed.
const MOST_LINES: usize = 20;

/// Options of `pnda mirror build`.
#[derive(Args)]
pub struct Arguments {
    /// The mirror's folder; its subfolder `current` is what is served.
    #[arg(long, value_name = "FOLDER")]
    mirror: PathBuf,
    /// The folder with the manifests and their lock [default: ./mirror-manifests, else the shipped ones]
    #[arg(long, value_name = "FOLDER")]
    manifests: Option<PathBuf>,
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
    keys: Keys,
    #[command(flatten)]
    places: Places,
}

/// What a build came to.
#[derive(Debug, Clone, Serialize, JsonSchema)]
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
    /// The key that the mirror goes over to, or comes from, if one was named.
    pub other_public_key: Option<String>,
    /// The exceptions from what sources demand, with their reasons.
    pub waivers: Vec<Waiver>,
    /// How a new generation differs from the one before; none if there is none, or nothing was published.
    pub changes: Option<Changes>,
}

/// How a generation differs from the one before it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Changes {
    /// The number of the one before.
    pub from: u64,
    /// Packages whose versions or bytes differ.
    pub packages: Vec<Package>,
    /// How many files differ in each top folder of the mirror, in words.
    pub sections: Vec<String>,
}

/// What a build would do.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Planned {
    /// Always: this is only what would be done.
    pub dry_run: bool,
    /// What would be fetched; as long as something is missing, nothing more can be said.
    pub fetch: Fetched,
    /// The signing key that would be made.
    pub makes_key: Option<String>,
    /// The generation that would be published, or that is up to date, as far as it can be said.
    pub generation: Option<u64>,
    /// Whether anything would be published.
    pub publishes: bool,
    /// The files of that generation, as far as it can be said.
    pub files: Option<usize>,
    /// The exceptions from what sources demand, with their reasons.
    pub waivers: Vec<Waiver>,
}

/// Fetches and publishes.
pub fn build(
    mirror: &Path,
    mut wanted: Wanted,
    signing: &Signing,
    agent: &Path,
    places: &Places,
    tell: Tell,
) -> Result<Built, Failure> {
    if let Some(built) = unchanged(mirror, &wanted, signing, agent, places, tell)? {
        return Ok(built);
    }
    let mut lock = wanted.agreed()?;
    let judgement = trust::judge(&lock, &places.registries()?).passed()?;
    judgement.notes().into_iter().for_each(|note| tell(Event::Note(note)));
    let _mirror = alone(mirror)?;
    let store = places.store()?;
    let _held = store.lock_shared()?;
    // What keys are missing is told before anything is fetched.
    let signer = signing.signer(mirror)?;
    let openpgp = signing.openpgp(mirror, &lock)?;
    let inputs = with_inputs(&wanted, signing, agent, |inputs| inputs.digest())?;
    // From here on only what it means is needed; of many artifacts, the text is much.
    wanted.texts.lock = None;
    let fetched = fetch(&wanted, &lock, &store, places, tell)?;
    tell(Event::Note("laying out the mirror".into()));
    let tree = lay_out(&wanted, &lock, &store, agent, openpgp.as_ref())?;
    let before = generations::current(mirror);
    let published = publish(mirror, &tree, lock.digest(), &store, &signer)?;
    let (generation, published) = match published {
        Published::New { number, .. } => (number, true),
        Published::UpToDate { number } => (number, false),
    };
    if let Some(inputs) = inputs {
        inputs::note(mirror, generation, inputs);
    }
    // What is told of the change holds both lists and both locks.
    let waivers = std::mem::take(&mut lock.waivers);
    drop((tree, lock));
    let changes = published.then(|| changes(&before, &place(mirror, generation))).flatten();
    let (fetched_files, fetched_bytes, public_key) = (fetched.files, fetched.bytes, signer.public_key());
    let other_public_key = signing.other()?;
    Ok(Built { generation, published, fetched_files, fetched_bytes, public_key, other_public_key, waivers, changes })
}

/// How a new generation differs from the one that was current.
fn changes(before: &Path, after: &Path) -> Option<Changes> {
    let (from, to) = (generations::list(before).ok()?, generations::list(after).ok()?);
    let (from_lock, to_lock) = (generations::lock(before), generations::lock(after));
    let found = difference((&from, from_lock.as_ref()), (&to, to_lock.as_ref()));
    let sections = found.sections.iter().map(|section| section.summary()).collect();
    Some(Changes { from: found.from, packages: found.packages, sections })
}

/// What a build comes to where everything was published already from the same inputs.
fn unchanged(
    mirror: &Path,
    wanted: &Wanted,
    signing: &Signing,
    agent: &Path,
    places: &Places,
    tell: Tell,
) -> Result<Option<Built>, Failure> {
    if !signing.key.exists() || !mirror.exists() {
        return Ok(None);
    }
    let _mirror = alone(mirror)?;
    let (store, sources, signer) = (places.store()?, places.registries()?, Signer::load_or_make(&signing.key)?);
    let _held = store.lock_shared()?;
    let found = with_inputs(wanted, signing, agent, |inputs| inputs.unchanged(mirror, &store, &sources, &signer))?;
    let Some(Unchanged { number, judgement, waivers }) = found else { return Ok(None) };
    // It may be another store than the one that it was published from.
    users::note(&store, mirror)?;
    judgement.notes().into_iter().for_each(|note| tell(Event::Note(note)));
    Ok(Some(Built {
        generation: number,
        published: false,
        fetched_files: 0,
        fetched_bytes: 0,
        public_key: signer.public_key(),
        other_public_key: signing.other()?,
        waivers,
        changes: None,
    }))
}

/// Everything that decides what is on the mirror, for somebody to look at.
fn with_inputs<T>(
    wanted: &Wanted,
    signing: &Signing,
    agent: &Path,
    look: impl FnOnce(&Inputs<'_>) -> Option<T>,
) -> Result<Option<T>, Failure> {
    let Some(lock) = &wanted.texts.lock else { return Ok(None) };
    let openpgp = signing.openpgp_if_there()?;
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

/// What a build would do; as long as something is missing, only that can be said.
fn look(arguments: &Arguments, wanted: &Wanted, signing: &Signing, agent: &Path) -> Outcome {
    let (lock, store) = (wanted.agreed()?, arguments.places.store()?);
    let _held = store.lock_shared()?;
    if !lock.artifacts.iter().all(|artifact| store.has(expected(artifact))) {
        let missing = plan(wanted, &lock, &store, &arguments.places)?;
        let planned = Planned { publishes: true, ..Planned::of(&lock, missing.0.clone()) };
        match arguments.json {
            true => say_json(&planned)?,
            false => tell_plan(&missing)?,
        }
        return Ok(ExitCode::from(WOULD_CHANGE));
    }
    let there = Fetched { dry_run: true, kept: lock.artifacts.len(), ..Fetched::default() };
    let planned = Planned::of(&lock, there);
    if let Some(missing) = signing.missing(&lock) {
        let missing = missing.display().to_string();
        let text = format!("would make the signing key {missing} and publish");
        return told(arguments, &Planned { makes_key: Some(missing), publishes: true, ..planned }, &text);
    }
    let signer = signing.signer(&arguments.mirror)?;
    let openpgp = signing.openpgp(&arguments.mirror, &lock)?;
    let tree = lay_out(wanted, &lock, &store, agent, openpgp.as_ref())?;
    match next(&arguments.mirror, &tree, lock.digest(), &signer)? {
        Next::UpToDate(number) => {
            let text = format!("up to date: generation {number}");
            told(arguments, &Planned { generation: Some(number), ..planned }, &text)
        }
        Next::New(number) | Next::Switch(number) => {
            let files = tree.iter().count();
            let text = format!("would publish generation {number} of {files} files");
            let planned = Planned { generation: Some(number), files: Some(files), publishes: true, ..planned };
            told(arguments, &planned, &text)
        }
    }
}

impl Planned {
    /// Nothing but what would be fetched.
    fn of(lock: &Lock, fetch: Fetched) -> Planned {
        let (makes_key, generation, files) = (None, None, None);
        let waivers = lock.waivers.clone();
        Planned { dry_run: true, fetch, makes_key, generation, publishes: false, files, waivers }
    }
}

/// Prints a plan in one form or the other.
fn told(arguments: &Arguments, planned: &Planned, text: &str) -> Outcome {
    if arguments.json {
        say_json(planned)?;
    } else {
        say(text)?;
        tell_waivers(&planned.waivers)?;
    }
    Ok(if planned.publishes { ExitCode::from(WOULD_CHANGE) } else { ExitCode::SUCCESS })
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
    let signing = arguments.keys.signing()?;
    let agent = agent(arguments.agent.as_deref())?;
    if arguments.dry_run {
        return look(arguments, &wanted, &signing, &agent);
    }
    let progress = arguments.places.progress();
    let built = build(&arguments.mirror, wanted, &signing, &agent, &arguments.places, &|event| progress.tell(event))?;
    if arguments.json {
        say_json(&built)?;
    } else {
        tell_built(&built, &arguments.mirror)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn tell_built(built: &Built, mirror: &Path) -> Result<(), Failure> {
    let what = if built.published { "published" } else { "up to date:" };
    let files = built.fetched_files;
    say(&format!("{what} generation {} (fetched {files} files, {} bytes)", built.generation, built.fetched_bytes))?;
    say(&format!("public key {}", built.public_key))?;
    built.other_public_key.iter().try_for_each(|key| say(&format!("other public key {key}")))?;
    tell_waivers(&built.waivers)?;
    let changes = built.changes.iter().flat_map(|changes| changes.lines(built.generation, mirror));
    changes.into_iter().try_for_each(|line| Ok(say(&line)?))
}

impl Changes {
    /// For people, and not more than they read.
    fn lines(&self, to: u64, mirror: &Path) -> Vec<String> {
        let packages = self.packages.iter().map(|package| format!("  {package}"));
        let mut lines: Vec<String> =
            packages.chain(self.sections.iter().map(|section| format!("  {section}"))).collect();
        let more = lines.len().saturating_sub(MOST_LINES);
        lines.truncate(MOST_LINES);
        if more > 0 {
            let (from, mirror) = (self.from, mirror.display());
            lines.push(format!("  … and {more} more; `pnda mirror diff {from} {to} --mirror {mirror}` tells all"));
        }
        lines.insert(0, format!("changed since generation {}:", self.from));
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(packages: usize) -> Changes {
        let package = |number| Package {
            kind: "maven".into(),
            name: format!("g:a{number}"),
            before: vec!["1".into()],
            after: vec!["2".into()],
        };
        let sections = vec!["(top): 1 changed, as many bytes".to_owned()];
        Changes { from: 1, packages: (0..packages).map(package).collect(), sections }
    }

    #[test]
    fn what_changed_is_told_in_words_and_never_at_length() {
        let few = changes(1).lines(2, Path::new("m"));
        let told = ["changed since generation 1:", "  maven g:a0 1 is now 2", "  (top): 1 changed, as many bytes"];
        assert_eq!(few, told);
        let many = changes(10_000).lines(2, Path::new("m"));
        assert_eq!(many.len(), 1 + MOST_LINES + 1);
        assert_eq!(many[21], "  … and 9981 more; `pnda mirror diff 1 2 --mirror m` tells all");
    }
}
