//! `pnda mirror verify`: a mirror against its signed list, whole or by a sample; with `--repair` it is mended.
//! Every difference is a line; exit code 3 if there is one, or one that could not be mended.
//! Not here: how it is checked or mended.

use super::build::lay_out;
use super::fetch::fetch;
use super::{Places, Wanted, own_key, tell_waivers, untrusted};
use crate::cli::failure::{Failure, MISMATCH, Outcome, say, say_json, warn};
use crate::disk::regular;
use crate::mirror::generations::alone::alone;
use crate::mirror::generations::record::{self, Verified};
use crate::mirror::generations::{self, chosen, pin};
use crate::mirror::lock::Lock;
use crate::mirror::signing::Signing;
use crate::mirror::trust::Waiver;
use crate::mirror::verify::repair::{Attempt, Means, Mended, repair};
use crate::mirror::verify::sample::{Sample, Size};
use crate::mirror::verify::{Difference, Report, signed_list, verify_sample};
use crate::words::chain::chain;
use crate::words::event::Tell;
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Options of `pnda mirror verify`.
#[derive(Args)]
pub struct Arguments {
    /// The mirror's folder, or a plain copy of one generation.
    #[arg(long, value_name = "FOLDER")]
    mirror: PathBuf,
    /// A file with the public key that must have signed the list; without it only damage by chance is found.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Another generation than the current one.
    #[arg(long, value_name = "NUMBER")]
    generation: Option<u64>,
    /// Read only some files, as in 5% or 100; of the others only the length is looked at.
    #[arg(long, value_name = "SIZE")]
    sample: Option<Size>,
    /// Which files a sample has; without it they are others each time.
    #[arg(long, value_name = "NUMBER", requires = "sample")]
    seed: Option<u64>,
    /// Replace what is damaged or missing, from the store or by fetching it anew.
    #[arg(long)]
    repair: bool,
    /// For `--repair`: the folder with the manifests [default: ./mirror-manifests, else the shipped ones]
    #[arg(long, value_name = "FOLDER")]
    manifests: Option<PathBuf>,
    /// For `--repair`: the mirror's key; lists of packages are signed anew by the one beside it
    /// [default: ~/.config/pnda/mirror.key]
    #[arg(long, value_name = "FILE", requires = "repair")]
    signing_key: Option<PathBuf>,
    /// For `--repair`: the agent that nodes install [default: the `pnda-agent` beside this program]
    #[arg(long, value_name = "FILE")]
    agent: Option<PathBuf>,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    places: Places,
}

/// What `--json` prints.
#[derive(Serialize, JsonSchema)]
pub(super) struct Checked {
    /// The generation.
    generation: u64,
    /// How many files are in its list.
    files: usize,
    /// Their bytes.
    bytes: u64,
    /// Of how many of them every byte was read.
    read: usize,
    /// What chose them, if not all were read.
    seed: Option<u64>,
    /// What is not as listed.
    differences: Vec<String>,
    /// How many files were mended, if that was tried.
    mended: Option<usize>,
    /// What is still not as listed, if mending was tried.
    left: Option<Vec<String>>,
    /// The exceptions that the generation was made with, and their reasons.
    waivers: Vec<Waiver>,
}

/// Runs it.
pub fn run(arguments: &Arguments) -> Outcome {
    let key = arguments.key.as_ref().map(|key| regular::read_text(key)).transpose()?;
    let progress = arguments.places.progress();
    let tell: Tell = &|event| progress.tell(event);
    let mirror = &arguments.mirror;
    let _alone = arguments.repair.then(|| alone(mirror)).transpose()?;
    let folder = chosen(mirror, arguments.generation)?;
    let _pinned = pin(&folder);
    let seed = arguments.seed.unwrap_or_else(|| fastrand::u64(..1 << 32));
    let sample = arguments.sample.map(|size| Sample { size, seed });
    let report = verify_sample(&folder, key.as_deref(), sample, tell).map_err(untrusted)?;
    let mended = match arguments.repair && report.differences.iter().any(|difference| difference.listed().is_some()) {
        true => Some(mend(arguments, &folder, key.as_deref(), &report, tell)?),
        false => None,
    };
    let left = mended.as_ref().map_or(&report.differences, |mended| &mended.left);
    let verified = Verified { at: record::now(), read: report.read, of: report.files, differences: left.len() };
    if folder.parent().is_some_and(|above| above.ends_with("generations")) {
        record::note_check(mirror, report.number, verified);
    }
    let waivers = generations::waivers(&folder);
    if arguments.json {
        say_json(&Checked::of(&report, sample, mended.as_ref(), waivers))?;
    } else {
        tell_report(&report, sample, mended.as_ref())?;
        tell_waivers(&waivers)?;
        if key.is_none() {
            say("the key was taken from the mirror itself: give --key to prove who signed it")?;
        }
    }
    Ok(if left.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(MISMATCH) })
}

fn mend(
    arguments: &Arguments,
    folder: &Path,
    key: Option<&str>,
    report: &Report,
    tell: Tell,
) -> Result<Mended, Failure> {
    let generation = signed_list(folder, key).map_err(untrusted)?;
    let (mirror, places, store) = (&arguments.mirror, &arguments.places, arguments.places.store()?);
    let _held = store.lock_shared()?;
    let wanted = Wanted::read(arguments.manifests.as_deref())?;
    let bring = |lock: &Lock| -> Attempt<()> {
        fetch(&wanted, lock, &store, places, tell).map(drop).map_err(Failure::into_error)
    };
    let whole_tree = || {
        let lock = wanted.agreed().map_err(Failure::into_error)?;
        bring(&lock)?;
        let agent = super::build::agent(arguments.agent.as_deref())?;
        let key = arguments.signing_key.clone().or_else(own_key);
        let key = key.ok_or("no home folder is known, where the mirror's keys are; give --signing-key FILE")?;
        let signer = Signing::with(key, false).openpgp_of(folder, mirror, &lock)?;
        lay_out(&wanted, &lock, &store, &agent, signer.as_ref()).map_err(Failure::into_error)
    };
    let means = Means { mirror, store: &store, bring: &bring, lay_out: &whole_tree, tell };
    let mended = repair(folder, &generation, report, &means)?;
    mended.troubles.iter().try_for_each(|trouble| warn(&chain(&**trouble)))?;
    Ok(mended)
}

fn lines(differences: &[Difference]) -> Vec<String> {
    differences.iter().map(Difference::to_string).collect()
}

impl Checked {
    fn of(report: &Report, sample: Option<Sample>, mended: Option<&Mended>, waivers: Vec<Waiver>) -> Checked {
        Checked {
            generation: report.number,
            files: report.files,
            bytes: report.bytes,
            read: report.read,
            seed: sample.map(|sample| sample.seed),
            differences: lines(&report.differences),
            mended: mended.map(|mended| mended.files),
            left: mended.map(|mended| lines(&mended.left)),
            waivers,
        }
    }
}

fn tell_report(report: &Report, sample: Option<Sample>, mended: Option<&Mended>) -> Result<(), Failure> {
    let found = lines(&report.differences);
    found.iter().try_for_each(|line| say(line))?;
    let verdict = if found.is_empty() { "as listed".into() } else { format!("{} differences", found.len()) };
    say(&format!("generation {}: {} files, {} bytes, {verdict}", report.number, report.files, report.bytes))?;
    if let Some(sample) = sample {
        say(&format!("read {} of {} files, chosen by --seed {}", report.read, report.files, sample.seed))?;
    }
    if let Some(mended) = mended {
        lines(&mended.left).iter().try_for_each(|line| say(&format!("left {line}")))?;
        say(&format!("mended {} files, {} differences are left", mended.files, mended.left.len()))?;
    }
    Ok(())
}
