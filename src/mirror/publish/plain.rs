//! Plain files and archives on the mirror, each with side files that `sha256sum -c` and its like accept.
//! The names of the side files are those that PNDA's states ask for; unlike there, the line holds the bare file name.
//! Not here: what the files are.

use super::Error;
use super::laying::Laying;
use crate::store::{self, Store};
use std::collections::BTreeSet;
use systems::download::Expected;
use words::digest::Sha256;
use words::names::SafePath;

/// The section in which PNDA's states ask for further side files, each state for another one.
const MISC: &str = "mirror_misc/";

type Digest = fn(&Store, Sha256) -> Result<String, store::Error>;

/// Beside every file.
const EVERYWHERE: [(&str, Digest); 2] = [("sha256", |_, sha256| Ok(sha256.to_string())), ("sha512.txt", Store::sha512)];
/// Beside files of `mirror_misc`. The SHA-1 is for states that know nothing better.
const IN_MISC: [(&str, Digest); 3] = [("sha1", sha1), ("sha1.txt", sha1), ("sha512", Store::sha512)];

fn sha1(store: &Store, of: Sha256) -> Result<String, store::Error> {
    store.sha1(of).map(|sha1| sha1.to_string())
}

/// Puts a file and its side files; those that the manifest names itself, in `named`, are left to it.
pub(super) fn add(
    laying: &mut Laying<'_>,
    path: &SafePath,
    made: Expected,
    named: &BTreeSet<&SafePath>,
) -> Result<(), Error> {
    let name = path.file_name();
    laying.object(path.clone(), made)?;
    let further = if path.as_str().starts_with(MISC) { &IN_MISC[..] } else { &[] };
    for (ending, digest) in EVERYWHERE.iter().chain(further) {
        let side = SafePath::new(format!("{path}.{ending}"))?;
        if !named.contains(&side) {
            let line = format!("{}  {name}\n", digest(laying.store, made.sha256)?);
            laying.text(side, line)?;
        }
    }
    Ok(())
}
