//! A configuration file of one of this program's services: read whole and bounded, with every mistake told at once.
//! Each service names its file in its own words.
//! Not here: what stands in a file.

use disk::regular;
use std::io;
use std::path::{Path, PathBuf};
use words::document::{self, Table};
use words::problem::{Problems, Source};

/// Nobody writes more than this by hand.
pub(crate) const LONGEST: u64 = 1 << 20;

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read {what} {}", file.display())]
    Read { what: &'static str, file: PathBuf, source: io::Error },
    /// It has mistakes.
    #[error("{what} has mistakes:\n{problems}")]
    Mistakes { what: &'static str, problems: Problems },
}

/// Reads and checks a file; `what` names it, as in `the agent's configuration`.
pub(crate) fn read<T>(
    what: &'static str,
    file: &Path,
    config: impl FnOnce(&mut Table<'_>) -> Option<T>,
) -> Result<T, Error> {
    let fail = |source| Error::Read { what, file: file.to_owned(), source };
    let text = regular::read_short_text(file, LONGEST).map_err(fail)?;
    let source = Source { file: &file.display().to_string(), text: &text };
    document::read(source, config).map_err(|problems| Error::Mistakes { what, problems })
}
