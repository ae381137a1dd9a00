//! `pnda mirror …`: the options its commands share, and where each goes.
//! Defaults of places are chosen here and nowhere else.
//! Not here: the commands themselves.

use crate::cli::failure::{Failure, MISMATCH, Outcome, USAGE, say};
use crate::cli::progress::Progress;
use crate::cli::shipped::{self, Manifests};
use crate::mirror::lock::Lock;
use crate::mirror::manifest::{self, Manifest};
use crate::mirror::sources::{Site, Sources};
use crate::mirror::store::Store;
use crate::mirror::trust::Waiver;
use crate::mirror::verify::Error as Unverified;
use crate::systems::http::{Http, Options, Proxies, Proxy};
use crate::words::size::Size;
use clap::{Args, Subcommand};
use std::path::{Path, PathBuf};

mod advisories;
mod build;
mod diff;
mod fetch;
mod gc;
mod licences;
mod list;
mod lock;
mod outdated;
mod rollback;
mod sbom;
mod schema;
mod serve;
mod signing;
mod status;
mod verify;
mod why;

pub use build::{Built, build};
pub use schema::{Verb, schema};

/// Where a project of the user's own has its manifests, and where `lock` writes by default.
const OWN_MANIFESTS: &str = "mirror-manifests";

/// The commands of the mirror.
#[derive(Subcommand)]
pub enum Command {
    /// Write down exactly what the manifests mean today; the only command that asks what exists.
    Lock(lock::Arguments),
    /// Tell the chains that lead from the manifests to an artifact.
    Why(why::Arguments),
    /// Tell what has a newer version than the lock.
    Outdated(outdated::Arguments),
    /// Bring everything the lock names into the store.
    Fetch(fetch::Arguments),
    /// Fetch, then publish as the next generation of a mirror.
    Build(build::Arguments),
    /// Hold a mirror against its signed list.
    Verify(verify::Arguments),
    /// List the generations that a mirror keeps.
    List(list::Arguments),
    /// Tell how one generation differs from another.
    Diff(diff::Arguments),
    /// Publish anew what an earlier generation held.
    Rollback(rollback::Arguments),
    /// Remove old generations, and what no mirror needs of a store.
    Gc(gc::Arguments),
    /// Tell how a mirror and its store are.
    Status(status::Arguments),
    /// Print the bill of materials of a generation or a role.
    Sbom(sbom::Arguments),
    /// List the licences, and what is under each.
    Licences(licences::Arguments),
    /// Hold what a generation was made from against a snapshot of advisories.
    Advisories(advisories::Arguments),
    /// Serve a mirror over HTTP.
    Serve(serve::Arguments),
}

/// Runs one of them.
pub fn run(command: Command) -> Outcome {
    match command {
        Command::Lock(arguments) => lock::run(&arguments),
        Command::Why(arguments) => why::run(&arguments),
        Command::Outdated(arguments) => outdated::run(&arguments),
        Command::Fetch(arguments) => fetch::run(&arguments),
        Command::Build(arguments) => build::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::List(arguments) => list::run(&arguments),
        Command::Diff(arguments) => diff::run(&arguments),
        Command::Rollback(arguments) => rollback::run(&arguments),
        Command::Gc(arguments) => gc::run(&arguments),
        Command::Status(arguments) => status::run(&arguments),
        Command::Sbom(arguments) => sbom::run(&arguments),
        Command::Licences(arguments) => licences::run(&arguments),
        Command::Advisories(arguments) => advisories::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
    }
}

/// Where things come from and are kept.
#[derive(Args, Clone, Default)]
pub struct Places {
    /// Where bytes are kept by digest.
    #[arg(long, value_name = "FOLDER", help = "Where bytes are kept by digest [default: ~/.cache/pnda/store]")]
    pub store: Option<PathBuf>,
    /// Where a registry is, as in maven=URL, or one of several, as in rpm/baseos=URL; may be given several times.
    #[arg(long = "source", value_name = "KIND[/ID]=URL")]
    pub sources: Vec<String>,
    /// A file with the registries' places.
    #[arg(long = "sources", value_name = "FILE")]
    pub sources_file: Option<PathBuf>,
    /// Take no more than so many bytes a second altogether: 500K, 10M, 1G.
    #[arg(long, value_name = "BYTES")]
    pub max_rate: Option<Size>,
    /// Fetch nothing if the store would hold more bytes than this: 500M, 20G.
    #[arg(long, value_name = "BYTES")]
    pub quota: Option<Size>,
    /// Tell nothing but what goes wrong.
    #[arg(long, short)]
    pub quiet: bool,
}

impl Places {
    /// The store, opened.
    pub fn store(&self) -> Result<Store, Failure> {
        let folder =
            self.store_folder().ok_or_else(|| Failure::new(USAGE, "no home folder is known; give --store FOLDER"))?;
        Ok(Store::open(&folder)?)
    }

    /// Where the store is.
    fn store_folder(&self) -> Option<PathBuf> {
        self.store.clone().or_else(|| home_folder("XDG_CACHE_HOME", ".cache").map(|folder| folder.join("store")))
    }

    /// The registries that this site has.
    pub fn registries(&self) -> Result<Sources, Failure> {
        let environment = std::env::vars().collect();
        let site = Site { arguments: self.sources.clone(), file: self.sources_file.clone(), environment };
        Sources::find(&site).map_err(|error| Failure::new(USAGE, error))
    }

    /// A client for them.
    pub fn http(&self, sources: &Sources) -> Http {
        let mut options = Options::from_environment(&sources.site().environment);
        options.max_rate = self.max_rate.map(|Size(rate)| rate);
        options.authorities.extend(sources.options.certificates.clone());
        if let Some(proxy) = &sources.options.proxy {
            options.proxies = Proxies::all(Proxy::new(proxy));
        }
        if let Some(most) = sources.options.parallel {
            options.bounds = options.bounds.of_host(most);
        }
        Http::with(options)
    }

    /// The most bytes that the store may hold.
    pub fn quota(&self) -> Option<u64> {
        self.quota.map(|Size(quota)| quota)
    }

    /// Who tells people.
    pub fn progress(&self) -> Progress {
        Progress::new(self.quiet)
    }
}

/// What cannot be read is one thing, what is not as it was signed another.
fn untrusted(error: Unverified) -> Failure {
    match error {
        Unverified::Read { .. } | Unverified::Walk { .. } => error.into(),
        error => Failure::new(MISMATCH, error),
    }
}

/// Tells the exceptions that were made, with their reasons: they stand in every report.
fn tell_waivers(waivers: &[Waiver]) -> Result<(), Failure> {
    Ok(waivers.iter().try_for_each(|waiver| say(&format!("exception: {waiver}")))?)
}

/// `pnda`'s folder in one of the user's standard places.
pub fn home_folder(variable: &str, below_home: &str) -> Option<PathBuf> {
    let set = std::env::var_os(variable).filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(below_home));
    Some(set.or_else(home)?.join("pnda"))
}

/// Where the key that signs mirrors is unless it is named.
pub fn own_key() -> Option<PathBuf> {
    Some(home_folder("XDG_CONFIG_HOME", ".config")?.join("mirror.key"))
}

/// Manifests as text and as values.
pub struct Wanted {
    texts: Manifests,
    /// What they mean.
    pub manifest: Manifest,
}

impl Wanted {
    /// The manifests inside the program.
    pub fn shipped() -> Result<Wanted, Failure> {
        Wanted::of(shipped::manifests(None)?)
    }

    /// Reads the manifests of a folder, or those of the project one stands in, or the shipped ones.
    pub fn read(folder: Option<&Path>) -> Result<Wanted, Failure> {
        let own = Some(Path::new(OWN_MANIFESTS)).filter(|own| folder.is_none() && own.is_dir());
        let texts = shipped::manifests(folder.or(own))?;
        Wanted::of(texts)
    }

    fn of(texts: Manifests) -> Result<Wanted, Failure> {
        let manifest = manifest::parse(&texts.files).map_err(|problems| Failure::new(USAGE, problems))?;
        Ok(Wanted { texts, manifest })
    }

    /// The lock as it is, empty if there is none.
    pub fn locked(&self) -> Result<Lock, Failure> {
        Ok(self.texts.lock.as_deref().map(Lock::parse).transpose()?.unwrap_or_default())
    }

    /// The lock, which must answer the manifests.
    pub fn agreed(&self) -> Result<Lock, Failure> {
        let lock = self.locked()?;
        lock.answers(&self.manifest)?;
        Ok(lock)
    }
}
