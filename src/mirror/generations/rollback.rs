//! Goes back to what an earlier generation held: as a new generation, for nodes refuse a mirror whose number shrinks.
//! Its files are the earlier one's, by hard links; the list is signed anew under the next number.
//! Not here: the switch (`stage`).

use super::stage::{Staged, Unplaced, stage};
use super::{Error as Generations, current, list, numbers, place};
use crate::keys::{Signer, is_signed};
use disk::regular::{self, Links};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use words::digest::Sha256;
use words::generation::{Generation, Head};
use words::names::SafePath;

/// Why nothing was rolled back; the current generation is as it was.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The generations cannot be looked at.
    #[error(transparent)]
    Generations(#[from] Generations),
    /// There is nothing to go back to.
    #[error("{} keeps no generation before {current}, the current one", path.display())]
    First { path: PathBuf, current: u64 },
    /// The earlier generation was not signed by the mirror's key.
    #[error(
        "generation {number} was not signed by the key that would sign for it now: if the mirror had another key then, name its public half with --signed-by"
    )]
    Foreign { number: u64 },
    /// The earlier generation is not whole.
    #[error(
        "generation {number} is not whole, first of all {path}: mend it with `pnda mirror verify --repair --generation {number}`"
    )]
    Damaged { number: u64, path: SafePath },
    /// The new generation is not in its place.
    #[error(transparent)]
    Place(#[from] Unplaced<Unlinked>),
}

/// Why a file of the earlier generation is not in the new one.
#[derive(Debug, thiserror::Error)]
#[error("cannot link {}", path.display())]
pub struct Unlinked {
    path: PathBuf,
    source: io::Error,
}

/// How closely the earlier generation is looked at before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Every file must be there with its length.
    Sizes,
    /// Every byte must be as listed.
    Bytes,
}

/// What going back came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// The current generation holds exactly what the earlier one does.
    Same { number: u64, of: u64 },
    /// This list would be published, with the content of the earlier generation.
    New { list: Generation, of: u64 },
}

/// Decides what going back to a generation, or to the one before the current, comes to.
pub fn plan(mirror: &Path, to: Option<u64>) -> Result<Plan, Error> {
    let now = list(&current(mirror))?;
    let kept = numbers(mirror)?;
    let before = || kept.iter().copied().filter(|number| *number < now.number).max();
    let first = || Error::First { path: mirror.to_owned(), current: now.number };
    let of = to.or_else(before).ok_or_else(first)?;
    let then = list(&super::chosen(mirror, Some(of))?)?;
    if then.files == now.files && then.lock == now.lock {
        return Ok(Plan::Same { number: now.number, of });
    }
    let number = kept.last().copied().unwrap_or(0).max(now.number).saturating_add(1);
    Ok(Plan::New { list: Generation { number, ..then }, of })
}

/// Goes back; the caller has the mirror for itself. Who signs now, and the public key that may have signed then besides.
pub fn roll_back(mirror: &Path, plan: &Plan, look: Look, (signer, then): (&Signer, Option<&str>)) -> Result<(), Error> {
    let Plan::New { list, of } = plan else { return Ok(()) };
    let folder = place(mirror, *of);
    if !signer.signed(&folder) && !then.is_some_and(|key| is_signed(&folder, key)) {
        return Err(Error::Foreign { number: *of });
    }
    if let Some(path) = first_damage(&folder, list, look) {
        return Err(Error::Damaged { number: *of, path });
    }
    let head = Head { number: list.number, lock: list.lock };
    let write = |out: &mut dyn io::Write| out.write_all(list.render().as_bytes());
    let staged = Staged { head, content_of: Some(*of), list: &write };
    Ok(stage(mirror, &staged, signer, |folder_of_new| link_all(list, &folder, folder_of_new))?)
}

fn first_damage(folder: &Path, list: &Generation, look: Look) -> Option<SafePath> {
    list.files.iter().find_map(|(path, listed)| {
        let file = path.under(folder);
        let sized = fs::metadata(&file).is_ok_and(|found| found.len() == listed.size);
        let digest = || Sha256::of_reader(&mut regular::open(&file, Links::Follow)?).map(|(sha256, _)| sha256);
        let whole = sized && (look == Look::Sizes || digest().is_ok_and(|sha256| sha256 == listed.sha256));
        (!whole).then(|| path.clone())
    })
}

fn link_all(list: &Generation, from: &Path, to: &Path) -> Result<(), Unlinked> {
    for path in list.files.keys() {
        let target = path.under(to);
        let link = || {
            if let Some(parent) = target.parent() {
                fs::create_dir_all(parent)?;
            }
            // A file can have only so many names; one more is then a copy.
            fs::hard_link(path.under(from), &target).or_else(|_| fs::copy(path.under(from), &target).map(drop))
        };
        link().map_err(|source| Unlinked { path: target.clone(), source })?;
    }
    let synced = File::open(to).and_then(|folder| rustix::fs::syncfs(&folder).map_err(io::Error::from));
    synced.map_err(|source| Unlinked { path: to.to_owned(), source })
}
