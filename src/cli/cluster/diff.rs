//! `pnda cluster diff`: what would change on which node since the last render.
//! It renders anew in memory, reads the folders of the last render, and writes nothing.
//! Not here: comparing them.

use super::content::{self, LONGEST};
use super::given::Rendering;
use crate::cli::failure::{FAILED, Failure, Outcome, WOULD_CHANGE, say, say_json};
use crate::cluster::{self, Folders, Rendered};
use crate::disk::regular::{self, Links};
use crate::words::names::Word;
use crate::words::tree::{Entry, Tree};
use clap::Args;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

/// Options of `pnda cluster diff`.
#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    rendering: Rendering,
    /// Exit with 4 if anything would change.
    #[arg(long)]
    exit_code: bool,
}

/// Runs it.
pub fn run(arguments: &Arguments) -> Outcome {
    let before = written(&arguments.rendering.out)?;
    let differences = cluster::difference(&before, &folders(&arguments.rendering.rendered()?));
    match (arguments.rendering.json, differences.is_empty()) {
        (true, _) => say_json(&differences)?,
        (false, true) => say("nothing would change")?,
        (false, false) => say(&differences.to_string())?,
    }
    let change = arguments.exit_code && !differences.is_empty();
    Ok(if change { ExitCode::from(WOULD_CHANGE) } else { ExitCode::SUCCESS })
}

fn folders(rendered: &Rendered) -> Folders {
    let text = |entry: &Entry| match entry {
        Entry::File { bytes, .. } => String::from_utf8_lossy(bytes).into_owned(),
        Entry::Object { .. } => String::new(),
    };
    let folder = |(node, tree): (&Word, &Tree)| {
        let files = tree.iter().map(|(path, entry)| (path.to_string(), text(&entry))).collect();
        (node.to_string(), files)
    };
    rendered.nodes.iter().map(folder).collect()
}

/// The nodes' folders as they were written.
fn written(out: &Path) -> Result<Folders, Failure> {
    let failed = |path: &Path, error| Failure::new(FAILED, format!("cannot read {}: {error}", path.display()));
    let mut found = Folders::new();
    let nodes = fs::read_dir(out).map_err(|error| failed(out, error))?;
    for node in nodes.flatten() {
        let root = node.path();
        let mut files = BTreeMap::new();
        for (name, path) in content::files(&root).map_err(|error| failed(&root, error))? {
            let bytes = regular::read(&path, Links::Follow, LONGEST).map_err(|error| failed(&path, error))?;
            files.insert(name, String::from_utf8_lossy(&bytes).into_owned());
        }
        found.insert(node.file_name().to_string_lossy().into_owned(), files);
    }
    Ok(found)
}
