//! Bounds what an archive may unpack to: a reader that gives so many bytes and then fails.
//! A tar reader takes long names into memory, however long they are; between members only a header may come.
//! Not here: what is read.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

/// What may stand between the bytes of two files: headers, long names, padding.
const LONGEST_HEADER: u64 = 1 << 20;

/// Gives at most as many bytes as are allowed.
pub struct Meter<R> {
    inner: R,
    left: Rc<Cell<u64>>,
}

/// Says how many bytes a meter may give from now on.
#[derive(Clone)]
pub struct Allowance(Rc<Cell<u64>>);

impl<R: Read> Meter<R> {
    /// A meter that allows a header, and what says otherwise.
    pub fn new(inner: R) -> (Meter<R>, Allowance) {
        let left = Rc::new(Cell::new(LONGEST_HEADER));
        (Meter { inner, left: left.clone() }, Allowance(left))
    }
}

impl Allowance {
    /// A member of this size comes.
    pub fn member(&self, size: u64) {
        self.0.set(size.saturating_add(LONGEST_HEADER));
    }

    /// A header comes.
    pub fn header(&self) {
        self.0.set(LONGEST_HEADER);
    }
}

impl<R: Read> Read for Meter<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left.get() == 0 && !buffer.is_empty() {
            return Err(io::Error::other("a header is longer than any header is"));
        }
        let most = buffer.len().min(usize::try_from(self.left.get()).unwrap_or(usize::MAX));
        let count = self.inner.read(&mut buffer[..most])?;
        self.left.set(self.left.get() - count as u64);
        Ok(count)
    }
}
