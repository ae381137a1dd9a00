//! `pnda cluster certificates`: an authority for a site without one, and a key and certificate for each node.
//! The authority is made once and its key stays with the operator; a second run makes what is missing or ends soon.
//! Not here: what a good certificate is (the cluster room), or bringing it to its node (`install`).

use super::given::Given;
use crate::cli::failure::{FAILED, Failure, Outcome, USAGE, WOULD_CHANGE, say, say_json, warn};
use crate::cluster::{self, Change, Found, Order, Pair, Plan, Rendered};
use crate::disk::replace;
use crate::words::names::SafePath;
use crate::words::tree::{Entry, Tree};
use clap::Args;
use std::collections::BTreeMap;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

/// The files of a node.
const KEY: &str = "key.pem";
const CERTIFICATE: &str = "certificate.pem";
const AUTHORITY: &str = "authority.pem";
/// What only the operator has, beside the authority's certificate.
const AUTHORITY_KEY: &str = "authority.key";

/// Options of `pnda cluster certificates`.
#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    given: Given,
    /// Where each node's key and certificates go, in a folder of its name.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Where the authority lies, or is made [default: beside the nodes' folders]
    #[arg(long, value_name = "FOLDER")]
    authority: Option<PathBuf>,
    /// How long a new certificate holds; one that ends within a third of that is made anew.
    #[arg(long, value_name = "N", default_value_t = 365, value_parser = clap::value_parser!(u64).range(3..=1825))]
    days: u64,
    /// Only show what would be made: exit code 4 if anything would.
    #[arg(long)]
    dry_run: bool,
    /// Print what becomes of each node's certificate as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs it.
pub fn run(arguments: &Arguments) -> Outcome {
    let plan = arguments.given.decide(None, cluster::plan)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let order = Order { plan: &plan, now, days: arguments.days };
    let home = arguments.authority.as_ref().unwrap_or(&arguments.out);
    let found = Found { authority: authority(home)?, nodes: nodes(&arguments.out, &plan)? };
    let changes = order.changes(&found)?;
    for node in gone(&arguments.out, &changes) {
        warn(&format!("node {node} is no longer in the cluster: delete {}", arguments.out.join(&node).display()))?;
    }
    if !arguments.dry_run {
        write(arguments, home, order, found.authority, &changes)?;
    }
    match arguments.json {
        true => say_json(&changes)?,
        false => changes.iter().try_for_each(|(node, change)| say(&format!("{node}  {change}")))?,
    }
    let change = changes.values().any(|change| *change != Change::Kept);
    Ok(ExitCode::from(if arguments.dry_run && change { WOULD_CHANGE } else { 0 }))
}

fn write(
    arguments: &Arguments,
    home: &Path,
    order: Order<'_>,
    authority: Option<Pair>,
    changes: &BTreeMap<String, Change>,
) -> Result<(), Failure> {
    private(&arguments.out)?;
    let authority = match authority {
        Some(authority) => authority,
        None => {
            private(home)?;
            let made = order.authority()?;
            // The certificate comes last: where it is, there is a key. Neither replaces another.
            for (file, text) in [(AUTHORITY_KEY, &made.key), (AUTHORITY, &made.certificate)] {
                let path = home.join(file);
                replace::make_private(&path, text.as_bytes()).map_err(failed("make", &path))?;
            }
            warn(&format!("made the authority in {}: nobody but you may have {AUTHORITY_KEY}", home.display()))?;
            made
        }
    };
    for (node, _) in changes.iter().filter(|(_, change)| **change != Change::Kept) {
        let folder = arguments.out.join(node);
        private(&folder)?;
        let pair = order.pair(node, &authority)?;
        for (file, text) in [(KEY, &pair.key), (CERTIFICATE, &pair.certificate), (AUTHORITY, &authority.certificate)] {
            let path = folder.join(file);
            replace::replace_private(&path, text.as_bytes()).map_err(failed("write", &path))?;
        }
    }
    Ok(())
}

/// Says what to run where nodes need certificates that an install brings.
pub fn remind(rendered: &Rendered, cluster: &Path) -> Result<(), Failure> {
    if !rendered.needs_certificates() {
        return Ok(());
    }
    let run = format!("run `pnda cluster certificates {} --out FOLDER`", cluster.display());
    Ok(warn(&format!("logs travel by TLS: {run}, and give that folder to `install` with --certificates"))?)
}

/// A node's folder of certificates as it is brought to the node, below a folder of its own.
pub fn brought(certificates: &Path, node: &str, below: &str) -> Result<Tree, Failure> {
    let mut tree = Tree::default();
    for file in [KEY, CERTIFICATE, AUTHORITY] {
        let path = certificates.join(node).join(file);
        let text = secret(&path)?.ok_or_else(|| {
            let text = format!("there is no {}", path.display());
            Failure::new(USAGE, format!("{text}: make it with `pnda cluster certificates --out`"))
        })?;
        tree.insert(SafePath::new(format!("{below}/{file}"))?, Entry::file(text))?;
    }
    Ok(tree)
}

/// The authority in a folder; half of one is a mistake that must not be papered over.
fn authority(home: &Path) -> Result<Option<Pair>, Failure> {
    match (secret(&home.join(AUTHORITY_KEY))?, secret(&home.join(AUTHORITY))?) {
        (None, None) => Ok(None),
        (Some(key), Some(certificate)) => Ok(Some(Pair { key, certificate })),
        _ => {
            let text = format!("{} has only one of {AUTHORITY_KEY} and {AUTHORITY}", home.display());
            Err(Failure::new(USAGE, format!("{text}: bring back the other, or move it away")))
        }
    }
}

fn nodes(out: &Path, plan: &Plan) -> Result<BTreeMap<String, (Pair, String)>, Failure> {
    let mut found = BTreeMap::new();
    for node in plan.waves.iter().flat_map(|wave| &wave.nodes) {
        let read = |file| secret(&out.join(&node.node).join(file));
        if let (Some(key), Some(certificate), Some(beside)) = (read(KEY)?, read(CERTIFICATE)?, read(AUTHORITY)?) {
            found.insert(node.node.clone(), (Pair { key, certificate }, beside));
        }
    }
    Ok(found)
}

/// A file that nobody else may read; none where there is none.
fn secret(path: &Path) -> Result<Option<String>, Failure> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        text => text.map_err(failed("read", path))?,
    };
    match fs::metadata(path).map_err(failed("read", path))?.permissions().mode() & 0o077 {
        0 => Ok(Some(text)),
        _ => Err(Failure::new(USAGE, format!("others can read {}: run `chmod 600` on it", path.display()))),
    }
}

fn gone(out: &Path, left: &BTreeMap<String, Change>) -> Vec<String> {
    let entries = fs::read_dir(out).into_iter().flatten().flatten();
    let have = entries.filter(|entry| entry.path().join(CERTIFICATE).is_file());
    let names = have.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| !left.contains_key(name)).collect()
}

/// A folder that only its owner looks into.
fn private(folder: &Path) -> Result<(), Failure> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed("make", folder))
}

fn failed<'a>(what: &'a str, path: &'a Path) -> impl Fn(io::Error) -> Failure + 'a {
    move |error| Failure::new(FAILED, format!("cannot {what} {}: {error}", path.display()))
}
