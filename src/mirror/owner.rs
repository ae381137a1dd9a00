//! Whose a mirror is, by all that it says of itself: who signed its lists, and the public keys that lie beside them.
//! Damage takes nobody's mirror away and gives it to nobody: what cannot be read says nothing, and the rest is asked.
//! Not here: proof; whoever may write the mirror may write all of this. And what follows from it (`signing`).

use crate::generations::{self, current, list, numbers, place};
use crate::openpgp::{self, Fingerprint};
use crate::publish;
use disk::regular::{self, Links};
use std::fs;
use std::path::Path;
use words::generation::{LIST, PUBLIC_KEY, SIGNATURE, is_by, is_key};

/// A signature and a public key have some kilobytes.
const LONGEST: u64 = 1 << 20;

/// Whose it is, seen from one key; of several answers, the greatest counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// Nothing is signed there.
    Nobody,
    /// Something is, and nothing says by whom.
    Unknown,
    /// The owner of this key.
    This,
    /// The owner of another one.
    Another,
}

impl Owner {
    fn is(this: bool) -> Owner {
        if this { Owner::This } else { Owner::Another }
    }
}

/// Whose the lists of a mirror are. Without a key: whether it has any.
pub fn of_lists(mirror: &Path, public_key: Option<&str>) -> Result<Owner, generations::Error> {
    let least = if numbers(mirror)?.is_empty() { Owner::Nobody } else { Owner::Unknown };
    Ok(ask(mirror, |folder| of_list(folder, public_key))?.max(least))
}

fn of_list(folder: &Path, public_key: Option<&str>) -> Owner {
    let says = |name: &str, says: fn(&str, &str) -> Option<bool>| {
        let text = read(&folder.join(name))?;
        says(&String::from_utf8_lossy(&text), public_key?)
    };
    let said = [says(SIGNATURE, is_by), says(PUBLIC_KEY, is_key)].into_iter().flatten().map(Owner::is).max();
    let there = |name| fs::symlink_metadata(folder.join(name)).is_ok();
    let is_there = [LIST, SIGNATURE, PUBLIC_KEY].into_iter().any(there);
    said.unwrap_or(if is_there { Owner::Unknown } else { Owner::Nobody })
}

/// Whose the lists of packages are, which clients verify with OpenPGP. Without a key: whether there are any.
pub fn of_packages(mirror: &Path, key: Option<&Fingerprint>) -> Result<Owner, generations::Error> {
    ask(mirror, |folder| of_packages_in(folder, key))
}

/// The same for one generation.
pub fn of_packages_in(folder: &Path, key: Option<&Fingerprint>) -> Owner {
    let list = list(folder).ok();
    let signed = list.as_ref().and_then(|list| publish::openpgp_signer(folder, list));
    let keys = publish::OPENPGP_KEYS.iter().filter_map(|path| openpgp::first_key(&read(&folder.join(path))?));
    let said = signed.into_iter().chain(keys).filter_map(|by| Some(Owner::is(by == *key?))).max();
    let is_there = list.as_ref().is_some_and(publish::has_openpgp)
        || publish::OPENPGP_SECTIONS.iter().any(|section| folder.join(section).is_dir());
    said.unwrap_or(if is_there { Owner::Unknown } else { Owner::Nobody })
}

/// Asks what is served, or the newest generation where nothing leads to one; if that says nothing, all of them.
fn ask(mirror: &Path, one: impl Fn(&Path) -> Owner) -> Result<Owner, generations::Error> {
    let numbers = numbers(mirror)?;
    let newest = numbers.last().map(|number| place(mirror, *number));
    let served = current(mirror);
    let first = if served == mirror { newest.unwrap_or(served) } else { served };
    let said = one(&first);
    if said > Owner::Unknown {
        return Ok(said);
    }
    Ok(numbers.into_iter().map(|number| one(&place(mirror, number))).fold(said, Owner::max))
}

fn read(path: &Path) -> Option<Vec<u8>> {
    regular::read(path, Links::Follow, LONGEST).ok()
}
