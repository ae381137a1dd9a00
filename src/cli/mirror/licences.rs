//! `pnda mirror licences`: every licence with what is under it, as the generation's bill of materials has them.
//! What names no licence is listed last, for somebody has to look at it.
//! Not here: reading licences, or judging them.

use super::sbom::{Copy, whole};
use crate::cli::failure::{Outcome, say, say_json};
use crate::mirror::sbom::cyclonedx::{Bom, Component};
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

/// Options of `pnda mirror licences`.
#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    copy: Copy,
    /// Only the licences, not what is under each.
    #[arg(long)]
    brief: bool,
    /// Print them as JSON.
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize, JsonSchema)]
pub(super) struct Licences<'a> {
    /// What is under each licence, by the licence's name.
    licences: BTreeMap<&'a str, BTreeSet<String>>,
    /// What names no licence.
    unknown: BTreeSet<String>,
}

/// Runs it.
pub fn run(arguments: &Arguments) -> Outcome {
    let bom: Bom = serde_json::from_str(&whole(&arguments.copy)?)?;
    let mut licences: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut unknown = BTreeSet::new();
    for component in bom.components.iter().filter(|component| component.made().is_none()) {
        let names = component.licence_names();
        if names.is_empty() {
            unknown.insert(name(component));
        }
        for licence in names {
            licences.entry(licence).or_default().insert(name(component));
        }
    }
    if arguments.json {
        say_json(&Licences { licences, unknown })?;
        return Ok(ExitCode::SUCCESS);
    }
    let unknown = Some(("(no licence named)", unknown)).filter(|(_, names)| !names.is_empty());
    for (licence, names) in licences.into_iter().chain(unknown) {
        say(&format!("{:>5}  {licence}", names.len()))?;
        if !arguments.brief {
            names.iter().try_for_each(|name| say(&format!("         {name}")))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn name(component: &Component) -> String {
    let group = component.group.as_ref().map(|group| format!("{group}:")).unwrap_or_default();
    let version = component.version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
    format!("{group}{}{version}", component.name)
}
