//! Plain files and archives on the mirror, each with side files that `sha256sum -c` and `sha512sum -c` accept.
//! The names of the side files are PNDA's (`.sha512.txt`); unlike there, the line holds the bare file name.
//! Not here: what the files are.

use super::{Error, object};
use crate::mirror::store::Store;
use crate::systems::download::Expected;
use crate::words::names::SafePath;
use crate::words::tree::{Entry, Tree};

/// Puts a file and its side files.
pub(super) fn add(tree: &mut Tree, path: &SafePath, made: Expected, store: &Store) -> Result<(), Error> {
    let name = path.file_name();
    tree.insert(path.clone(), object(made))?;
    let sha256 = format!("{}  {name}\n", made.sha256);
    tree.insert(SafePath::new(format!("{path}.sha256"))?, Entry::file(sha256))?;
    let sha512 = format!("{}  {name}\n", store.sha512(made.sha256)?);
    tree.insert(SafePath::new(format!("{path}.sha512.txt"))?, Entry::file(sha512))?;
    Ok(())
}
