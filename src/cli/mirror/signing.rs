//! The options of commands that sign a mirror.
//! The key lies in the user's own configuration unless it is named.
//! Not here: which key may sign (`mirror::signing`).

use super::own_key;
use crate::cli::failure::{Failure, USAGE};
use crate::mirror::signing::Signing;
use clap::Args;
use std::path::PathBuf;

/// Options of whoever signs.
#[derive(Args, Default)]
pub struct Keys {
    /// The key that signs the list; made on first use [default: ~/.config/pnda/mirror.key]
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// The key that the mirror goes over to, or comes from: it signs nothing, and its OpenPGP key is published beside the
    /// one that does, for machines to trust both; made on first use.
    #[arg(long, value_name = "FILE")]
    pub other_key: Option<PathBuf>,
    /// Sign with --key although another one signed what is published now; nodes must have been rendered with it.
    #[arg(long)]
    pub new_key: bool,
}

impl Keys {
    /// With the defaults filled in.
    pub fn signing(&self) -> Result<Signing, Failure> {
        let key = self.key.clone().or_else(own_key);
        let key = key.ok_or_else(|| Failure::new(USAGE, "no home folder is known; give --key FILE"))?;
        Ok(Signing { key, other: self.other_key.clone(), new: self.new_key })
    }
}
