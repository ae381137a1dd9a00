//! `pnda mirror sbom`: prints the bill of materials of a generation, or of what one role takes from it.
//! It is the published file, held against the signed list: any copy of the mirror has it.
//! Not here: making it (`build`).

use super::untrusted;
use crate::cli::failure::{Failure, Outcome, USAGE, say};
use crate::disk::regular;
use crate::mirror::generations::chosen;
use crate::mirror::sbom::{path, path_of};
use crate::mirror::verify::{signed_file, signed_list};
use crate::words::generation::Generation;
use crate::words::names::{SafePath, Word};
use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Options of `pnda mirror sbom`.
#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    pub(super) copy: Copy,
    /// Only what the nodes of this role take.
    #[arg(long, value_name = "ROLE", value_parser = |role: &str| Word::new(role))]
    role: Option<Word>,
    /// The form in which it is printed.
    #[arg(long, value_enum, default_value = "cyclonedx")]
    format: Format,
    /// Print it as JSON, which it always is.
    #[arg(long)]
    json: bool,
}

/// One generation of a mirror, and who must have signed it.
#[derive(Args)]
pub struct Copy {
    /// The mirror's folder, or a plain copy of one generation.
    #[arg(long, value_name = "FOLDER")]
    mirror: PathBuf,
    /// Another generation than the current one.
    #[arg(long, value_name = "NUMBER")]
    generation: Option<u64>,
    /// A file with the public key that must have signed the list.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

/// Forms of a bill of materials.
#[derive(Clone, std::marker::Copy, ValueEnum)]
enum Format {
    /// CycloneDX 1.6, JSON.
    Cyclonedx,
}

impl Copy {
    /// The generation's folder and its list.
    pub(super) fn list(&self) -> Result<(PathBuf, Generation), Failure> {
        let key = self.key.as_ref().map(|key| regular::read_text(key)).transpose()?;
        let folder = chosen(&self.mirror, self.generation)?;
        let list = signed_list(&folder, key.as_deref()).map_err(untrusted)?;
        Ok((folder, list))
    }

    /// The text of a listed file; where the list has none, what to do about it.
    pub(super) fn text(folder: &Path, list: &Generation, path: &SafePath, remedy: &str) -> Result<String, Failure> {
        if !list.files.contains_key(path) {
            let text = format!("generation {} holds no {path}: {remedy}", list.number);
            return Err(Failure::new(USAGE, text));
        }
        let bytes = signed_file(folder, list, path).map_err(untrusted)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// The generation's bill.
pub(super) fn whole(copy: &Copy) -> Result<String, Failure> {
    let (folder, list) = copy.list()?;
    Copy::text(&folder, &list, &path(), "it was made by an older program; the next `pnda mirror build` makes one")
}

/// Runs it.
pub fn run(arguments: &Arguments) -> Outcome {
    let Format::Cyclonedx = arguments.format;
    let text = match &arguments.role {
        None => whole(&arguments.copy)?,
        Some(role) => {
            let (folder, list) = arguments.copy.list()?;
            let prefix = "sbom/role-";
            let known =
                list.files.keys().filter_map(|path| path.as_str().strip_prefix(prefix)?.strip_suffix(".cdx.json"));
            let remedy = format!("its roles are {}", known.collect::<Vec<_>>().join(", "));
            Copy::text(&folder, &list, &path_of(role), &remedy)?
        }
    };
    say(&text)?;
    Ok(ExitCode::SUCCESS)
}
