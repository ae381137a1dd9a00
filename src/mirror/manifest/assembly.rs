//! `[[assembly]]`: an archive of our own, made of locked parts.
//! It is a recipe: which members of which entry go where.
//! Not here: making it.

use crate::words::document::{Table, Text};
use crate::words::names::{SafePath, Word};
use std::collections::BTreeMap;

/// A deterministic archive made of locked parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assembly {
    /// Its path on the mirror; a gzipped tar.
    pub path: SafePath,
    /// What goes in, in order; later entries never replace earlier ones.
    pub takes: Vec<Take>,
    /// Small files of our own, as text.
    pub files: BTreeMap<SafePath, String>,
    /// Symbolic links inside.
    pub links: BTreeMap<SafePath, String>,
    /// Patterns of members that must be executable, matched with the path inside the assembly.
    pub executable: Vec<String>,
}

/// Members of one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Take {
    /// The entry it comes from.
    pub from: Word,
    /// The folder inside the part's archive, with a closing slash; none takes the artifacts themselves as files.
    pub members: Option<String>,
    /// The folder inside the assembly, with a closing slash, or nothing for its top.
    pub into: String,
    /// Patterns, matched below `members`, that stay out.
    pub except: Vec<String>,
}

/// Reads one `[[assembly]]`, and the texts that name its parts.
pub(super) fn read(table: &mut Table<'_>) -> Option<(Assembly, Vec<Text>)> {
    let path = table.parsed("path", "flink-1.20.5.tar.gz", SafePath::new);
    if let Some(path) = path.as_ref().filter(|path| !path.as_str().ends_with(".tar.gz")) {
        let what = format!("an assembly cannot be written as `{path}`");
        table.add(table.origin().problem(what, "let its path end in .tar.gz"));
    }
    let executable = table.list("executable").into_iter().map(|text| text.text).collect();
    let (mut takes, mut parts) = (Vec::new(), Vec::new());
    table.tables("take", |inner| {
        let from = inner.required("from", "the id of an entry");
        let members = inner.optional_parsed("members", "pyflink/bin/", folder);
        let into = inner.optional_parsed("into", "bin/", folder).unwrap_or_default();
        let except = inner.list("except").into_iter().map(|text| text.text).collect();
        if let Some(name) = from.as_ref().and_then(|from| inner.check(from, "flink", Word::new)) {
            takes.push(Take { from: name, members, into, except });
            parts.extend(from);
        }
    });
    if takes.is_empty() {
        table.add(table.origin().problem("this [[assembly]] takes nothing", "add an [[assembly.take]] with `from`"));
    }
    let mut files = BTreeMap::new();
    table.tables("file", |inner| {
        let (path, text) = (inner.parsed("path", "conf/site.xml", SafePath::new), inner.required("text", "a line"));
        files.extend(path.zip(text.map(|text| text.text)));
    });
    let mut links = BTreeMap::new();
    table.tables("link", |inner| {
        let (path, to) = (inner.parsed("path", "lib/a", SafePath::new), inner.parsed("to", "b", SafePath::new));
        if let (Some(path), Some(to)) = (path, to) {
            links.insert(path, to.to_string());
        }
    });
    Some((Assembly { path: path?, takes, files, links, executable }, parts))
}

/// A folder inside an archive: a safe path with a closing slash.
fn folder(text: String) -> Result<String, String> {
    let inner = text.strip_suffix('/').ok_or_else(|| format!("`{text}` is no folder: it must end in `/`"))?;
    SafePath::new(inner).map_err(|error| error.to_string())?;
    Ok(text)
}
