//! What every verb of `pnda cluster` is given: the cluster file, settings of the command line, and a mirror if there is one.
//! Files are read here, and become the inputs of the cluster room.
//! Not here: what the inputs mean.

use crate::cli::failure::{FAILED, Failure, MISMATCH, USAGE, warn};
use crate::cli::mirror::own_key;
use crate::cluster::{self, Inputs, Rendered};
use crate::disk::regular;
use crate::mirror::keys::Signer;
use crate::mirror::publish::generation::current;
use crate::words::generation::{self as list, Generation};
use crate::words::node::Keys;
use crate::words::problem::{Problems, Source};
use clap::Args;
use std::path::{Path, PathBuf};

/// The cluster, and what differs from its file.
#[derive(Args)]
pub struct Given {
    /// The cluster file.
    pub cluster: PathBuf,
    /// A setting that wins over the cluster file; may be given several times.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = setting)]
    pub set: Vec<(String, String)>,
    /// Install into this folder of a user's own instead of a system.
    #[arg(long, value_name = "FOLDER")]
    pub root: Option<String>,
}

/// The mirror that nodes install from.
#[derive(Args)]
pub struct Served {
    /// The mirror that nodes will install from: its list says what there is.
    #[arg(long, value_name = "FOLDER")]
    pub mirror: PathBuf,
    /// The public key that must have signed the mirror's list, and that nodes will trust; given twice while a mirror goes
    /// over to another key [default: that of ~/.config/pnda/mirror.key, else the mirror's own copy]
    #[arg(long = "key", value_name = "FILE")]
    pub keys: Vec<PathBuf>,
}

/// What is rendered, beside the folder of the last render.
#[derive(Args)]
pub struct Rendering {
    #[command(flatten)]
    pub given: Given,
    #[command(flatten)]
    served: Served,
    /// The folder of the nodes' folders, which a render replaces whole.
    #[arg(long, value_name = "FOLDER")]
    pub out: PathBuf,
    /// Print it as JSON.
    #[arg(long)]
    pub json: bool,
}

impl Rendering {
    /// Renders it, in memory.
    pub fn rendered(&self) -> Result<Rendered, Failure> {
        self.given.decide(Some(&self.served), cluster::render)
    }
}

/// Reads a setting of the command line.
pub fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE, as in flink.history_server.port=8092")?;
    Ok((name.to_owned(), value.to_owned()))
}

impl Given {
    /// Lets the room decide about the cluster, with what a mirror holds if one is given.
    pub fn decide<T>(
        &self,
        served: Option<&Served>,
        decide: impl FnOnce(&Inputs<'_>) -> Result<T, Problems>,
    ) -> Result<T, Failure> {
        let file = self.cluster.display().to_string();
        let text = regular::read_text(&self.cluster)
            .map_err(|error| Failure::new(USAGE, format!("cannot read {file}: {error}")))?;
        let keys = served.map_or_else(|| Ok(vec![cluster::NO_KEY.to_owned()]), Served::trusted_keys)?;
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let generation = served.map(|served| generation(&served.mirror, &keys)).transpose()?;
        let cluster = Source { file: &file, text: &text };
        decide_with(cluster, generation.as_ref(), &keys, self.set.clone(), self.root.clone(), decide)
    }
}

/// The same for a cluster whose text is at hand.
pub fn decide_with<T>(
    cluster: Source<'_>,
    generation: Option<&Generation>,
    public_keys: &[&str],
    overrides: Vec<(String, String)>,
    root: Option<String>,
    decide: impl FnOnce(&Inputs<'_>) -> Result<T, Problems>,
) -> Result<T, Failure> {
    let shipped = Inputs::shipped(cluster, generation, "");
    let inputs = Inputs { overrides, root, public_keys: public_keys.to_vec(), ..shipped };
    decide(&inputs).map_err(|problems| Failure::new(USAGE, problems))
}

/// The current generation of a mirror, whose list one of these keys must have signed.
pub fn generation(mirror: &Path, public_keys: &[&str]) -> Result<Generation, Failure> {
    let served = current(mirror);
    let read = |name: &str| {
        let path = served.join(name);
        regular::read_text(&path).map_err(|error| {
            let text = format!("cannot read {}: {error}; publish the mirror with `pnda mirror build`", path.display());
            Failure::new(FAILED, text)
        })
    };
    let keys = Keys::new(public_keys.iter().copied());
    Generation::verify_by_any(read(list::LIST)?.as_bytes(), &read(list::SIGNATURE)?, &keys)
        .map_err(|error| Failure::new(MISMATCH, error))
}

impl Served {
    /// The keys that nodes will trust. Whoever may write the mirror may write its copy of the key, so that comes last.
    fn trusted_keys(&self) -> Result<Vec<String>, Failure> {
        match (self.keys.as_slice(), own_key().filter(|key| key.exists())) {
            ([], Some(key)) => Ok(vec![Signer::load_or_make(&key)?.public_key()]),
            ([], None) => {
                let copy = current(&self.mirror).join(list::PUBLIC_KEY);
                warn(&format!("nodes will trust the key in {}: give --key to say which it must be", copy.display()))?;
                Ok(vec![regular::read_text(&copy)?])
            }
            (files, _) => {
                let read = |file: &PathBuf| {
                    let failed = |error| Failure::new(USAGE, format!("cannot read {}: {error}", file.display()));
                    regular::read_text(file).map_err(failed)
                };
                files.iter().map(read).collect()
            }
        }
    }
}
