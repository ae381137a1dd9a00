//! A tree while it is laid out: texts that are more than a line go into the store, so that memory holds only what they are.
//! Each text is told apart by its digest, so that one that was published before is not written again.
//! Not here: what is laid out.

use super::Error;
use crate::store::{Batch, Store};
use std::io::{self, Write};
use systems::download::Expected;
use words::names::SafePath;
use words::tree::{Entry, Tree};

/// Up to here a text stays beside its path: side files with a digest in them, which are most of a mirror.
const SHORT: usize = 256;

/// A tree that grows, and the texts that it refers to.
pub(super) struct Laying<'a> {
    pub(super) store: &'a Store,
    pub(super) tree: Tree,
    pub(super) texts: Batch<'a>,
}

impl<'a> Laying<'a> {
    pub(super) fn new(store: &'a Store) -> Laying<'a> {
        Laying { store, tree: Tree::default(), texts: store.batch() }
    }

    /// Puts a file that is in the store.
    pub(super) fn object(&mut self, path: SafePath, made: Expected) -> Result<(), Error> {
        let object = Entry::Object { digest: made.sha256, size: made.size, executable: false };
        Ok(self.tree.insert(path, object)?)
    }

    /// Puts a text.
    pub(super) fn text(&mut self, path: SafePath, text: impl AsRef<[u8]>) -> Result<(), Error> {
        let text = text.as_ref();
        if text.len() <= SHORT {
            return Ok(self.tree.insert(path, Entry::file(text))?);
        }
        let kept = self.texts.put(text)?;
        self.object(path, kept)
    }

    /// Puts a text that is too long to be held.
    pub(super) fn written(
        &mut self,
        path: SafePath,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Error> {
        let kept = self.texts.write(write)?;
        self.object(path, kept)
    }

    /// Gives the texts their names, so that they can be read.
    pub(super) fn settle(&mut self) -> Result<(), Error> {
        Ok(self.texts.settle()?)
    }

    /// All of it.
    pub(super) fn done(mut self) -> Result<Tree, Error> {
        self.settle()?;
        Ok(self.tree)
    }
}
