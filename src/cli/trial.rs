//! `pnda try`: the whole thing on one machine, without root, under one folder, made of the real pieces.
//! It builds the mirror as `pnda mirror build` does; a dry run prints the plan that would be carried out.
//! Not here: what is planned, started and asked, which is the trial room's.

use super::app::table;
use super::cluster::given::{generation, setting};
use super::failure::{FAILED, Failure, Outcome, USAGE, WOULD_CHANGE, say};
use super::mirror::{Places, Wanted, build, home_folder};
use crate::mirror::signing::Signing;
use crate::trial::{Choices, Error, Mirror, Plan};
use crate::words::event::Tell;
use clap::Args;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Options of `pnda try`.
#[derive(Args)]
pub struct Arguments {
    /// The folder under which everything happens [default: ~/.local/share/pnda/try]
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
    /// Check that everything works, stop it again, and exit: 0 if it did.
    #[arg(long)]
    once: bool,
    /// Start a broker of Kafka too.
    #[arg(long)]
    kafka: bool,
    /// The folder with the manifests and their lock [default: the shipped ones]
    #[arg(long, value_name = "FOLDER")]
    manifests: Option<PathBuf>,
    /// A setting of the cluster that the trial does not choose itself; may be given several times.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = setting)]
    set: Vec<(String, String)>,
    /// Only say what would be started, and where: nothing is changed, exit code 4.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    places: Places,
}

/// Runs it.
pub fn run(arguments: &Arguments) -> Outcome {
    let folder = arguments.dir.clone().or_else(|| home_folder("XDG_DATA_HOME", ".local/share").map(|f| f.join("try")));
    let folder = folder.ok_or_else(|| Failure::new(USAGE, "no home folder is known; give --dir FOLDER"))?;
    let Arguments { kafka, once, .. } = *arguments;
    let plan = Plan::of(Choices { folder, kafka, once, set: arguments.set.clone() })?;
    if arguments.dry_run {
        say(&plan.to_string())?;
        return Ok(ExitCode::from(WOULD_CHANGE));
    }
    let progress = arguments.places.progress();
    let tell = |event| progress.tell(event);
    let prepared = plan.prepare(|plan| mirror(plan, arguments, &tell), &tell)?;
    let stopped = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, stopped.clone())?;
    }
    let mut trial = prepared.start(&stopped).map_err(failure)?;
    say(&trial.summary()?)?;
    if !once {
        say("\nCtrl-C stops everything; the next `pnda try` starts from what is here.")?;
        trial.stay(&stopped)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Builds the mirror of a trial, from a store of its own unless another is named.
fn mirror(plan: &Plan, arguments: &Arguments, tell: Tell) -> Result<Mirror, Failure> {
    let (mirror, places) = (plan.mirror(), &arguments.places);
    let store = places.store.clone().or(mirror.parent().map(|folder| folder.join("store")));
    let places = Places { store, ..places.clone() };
    let wanted = arguments.manifests.as_deref().map_or_else(Wanted::shipped, |own| Wanted::read(Some(own)))?;
    let signing = Signing::with(plan.key(), false);
    let public_key = build(&mirror, wanted, &signing, &std::env::current_exe()?, &places, tell)?.public_key;
    Ok(Mirror { list: generation(&mirror, &[&public_key])?, public_key })
}

/// What the application was like when it ended is told as `pnda app status` tells it.
fn failure(error: Error) -> Failure {
    match error {
        Error::NotFinished(told) => {
            Failure::new(FAILED, format!("{}:\n{}", Error::NotFinished(told.clone()), table::application(&told)))
        }
        error => error.into(),
    }
}
