//! `[[file]]`: a plain file with its addresses, because it has no registry.
//! What vouches for it stands beside the addresses.
//! Not here: whether it exists.

use crate::words::digest::Sha256;
use crate::words::document::Table;
use crate::words::location::Location;
use crate::words::names::SafePath;
use std::fmt;

/// A plain file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileWant {
    /// Its addresses, tried in order.
    pub urls: Vec<String>,
    /// Its identity.
    pub sha256: Sha256,
    /// Its path on the mirror.
    pub path: SafePath,
}

/// Reads one `[[file]]`.
pub(super) fn read(table: &mut Table<'_>) -> Option<FileWant> {
    let urls = table.required_list("urls", "https://downloads.example/tool-1.2.tar.gz");
    for url in &urls {
        let what = match Location::parse(&url.text) {
            Ok(Location::Web(_)) => continue,
            Ok(Location::Path(_)) => format!("`{}` is no web address", url.text),
            Err(error) => error.to_string(),
        };
        table.add(url.origin.problem(what, "write http://… or https://…"));
    }
    let sha256 = table.parsed("sha256", "the 64 hexadecimal digits its publisher gives", Sha256::try_from);
    let path = table.parsed("path", "mirror_misc/tool-1.2.tar.gz", SafePath::new);
    Some(FileWant { urls: urls.into_iter().map(|url| url.text).collect(), sha256: sha256?, path: path? })
}

impl fmt::Display for FileWant {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "file {} {}", self.sha256, self.urls.join(" "))
    }
}
