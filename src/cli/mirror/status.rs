//! `pnda mirror status`: how a mirror and its store are, on one page.
//! It looks and changes nothing.
//! Not here: reading what is listed (`verify`).

use super::{Places, Wanted, tell_waivers};
use crate::cli::failure::{Outcome, say, say_json};
use crate::mirror::generations::status::{Status, StoreStatus, status, store_status};
use crate::mirror::generations::{self, current, head};
use crate::mirror::lock::Reader;
use crate::mirror::trust::Waiver;
use crate::words::chain::chain;
use crate::words::digest::Sha256;
use crate::words::moment::utc;
use clap::Args;
use indicatif::HumanBytes;
use schemars::JsonSchema;
use serde::Serialize;
use std::path::PathBuf;
use std::process::ExitCode;

/// Options of `pnda mirror status`.
#[derive(Args)]
pub struct Arguments {
    /// The mirror's folder.
    #[arg(long, value_name = "FOLDER")]
    mirror: PathBuf,
    /// The folder with the manifests and their lock [default: ./mirror-manifests, else the shipped ones]
    #[arg(long, value_name = "FOLDER")]
    manifests: Option<PathBuf>,
    /// Print it as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    places: Places,
}

/// What `--json` prints.
#[derive(Serialize, JsonSchema)]
pub(super) struct Page {
    #[serde(flatten)]
    status: Status,
    /// Whether the lock answers the manifests, in words.
    lock: String,
    /// Whether the current generation was made from that lock.
    published: bool,
    /// The exceptions that the current generation was made with, and their reasons.
    waivers: Vec<Waiver>,
}

/// Runs it.
pub fn run(arguments: &Arguments) -> Outcome {
    let mut status = status(&arguments.mirror)?;
    status.store = arguments.places.existing_store().as_ref().map(store_status);
    let served = current(&arguments.mirror);
    let waivers = generations::waivers(&served);
    let made_from = head(&served)?.lock;
    let published = |wanted: Wanted| {
        // A lock that a generation was made from needs no closer look.
        let same = |text: &&str| Sha256::of(text.as_bytes()) == made_from;
        let request = wanted.texts.lock.as_deref().filter(same).and_then(Reader::open).map(|reader| reader.request);
        if request == Some(Sha256::of(wanted.manifest.request().as_bytes())) {
            return Ok(true);
        }
        Ok(wanted.agreed()?.digest() == made_from)
    };
    let (lock, published) = match Wanted::read(arguments.manifests.as_deref()).and_then(published) {
        Ok(published) => ("answers the manifests".to_owned(), published),
        Err(failure) => (chain(failure.error()), false),
    };
    let page = Page { status, lock, published, waivers };
    if arguments.json {
        say_json(&page)?;
    } else {
        lines(&page).iter().try_for_each(|(name, text)| say(&format!("{name:<12} {text}")))?;
        tell_waivers(&page.waivers)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn lines(page: &Page) -> Vec<(&'static str, String)> {
    let (status, now) = (&page.status, &page.status.current);
    let bytes = |bytes| HumanBytes(bytes).to_string();
    let when = |seconds: Option<u64>| seconds.map_or_else(|| "at an unknown time".to_owned(), utc);
    let kept: Vec<String> = status.generations.iter().map(u64::to_string).collect();
    let verified = match &status.verified {
        None => "never".to_owned(),
        Some(found) => {
            let result = match found.differences {
                0 => "as listed".to_owned(),
                differences => format!("{differences} differences"),
            };
            format!("{}: read {} of {} files, {result}", utc(found.at), found.read, found.of)
        }
    };
    let made = if page.published { "; the current generation is made from it" } else { "" };
    let mut lines = vec![
        ("generation", format!("{}, published {}", now.number, when(now.published))),
        ("holds", format!("{} files, {}", now.files, bytes(now.bytes))),
        ("signed by", status.public_key.clone().unwrap_or_else(|| "an unknown key".to_owned())),
        ("verified", verified),
        ("lock", format!("{}{made}", page.lock)),
        ("kept", kept.join(", ")),
        ("free", status.free.map_or_else(|| "unknown".to_owned(), bytes)),
    ];
    if let Some(store) = &status.store {
        lines.extend(store_lines(store));
    }
    if status.busy {
        lines.push(("busy", "a run is changing the mirror now".to_owned()));
    } else if !status.leftovers.is_empty() {
        let left = status.leftovers.join(", ");
        lines.push(("left over", format!("{left}: the next build or gc removes it")));
    }
    lines
}

fn store_lines(store: &StoreStatus) -> Vec<(&'static str, String)> {
    let free = store.free.map_or_else(|| "unknown".to_owned(), |free| HumanBytes(free).to_string());
    let mut lines = vec![("store", format!("{} objects, {}; {free} free", store.objects, HumanBytes(store.bytes)))];
    if store.partial > 0 {
        lines.push(("begun", format!("{} downloads, {}", store.partial, HumanBytes(store.partial_bytes))));
    }
    lines.push(("used by", store.mirrors.join(", ")));
    lines
}

impl Places {
    /// The store, if it is there already.
    fn existing_store(&self) -> Option<crate::mirror::store::Store> {
        let there = self.store_folder()?.join("sha256").is_dir();
        if there { self.store().ok() } else { None }
    }
}
