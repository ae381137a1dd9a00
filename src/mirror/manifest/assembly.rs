//! `[[assembly]]`: an archive or a folder of our own, made of locked parts.
//! It is a recipe: which members of which entry go where.
//! Not here: making it.

use std::collections::BTreeMap;
use words::document::{Table, Text};
use words::names::{SafePath, Word};

/// Something deterministic made of locked parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assembly {
    /// Its path on the mirror.
    pub path: SafePath,
    /// What lies there.
    pub form: Form,
    /// What goes in, in order; later entries never replace earlier ones.
    pub takes: Vec<Take>,
    /// Small files of our own, as text.
    pub files: BTreeMap<SafePath, String>,
    /// Symbolic links inside.
    pub links: BTreeMap<SafePath, String>,
    /// Patterns of members that must be executable, matched with the path inside the assembly.
    pub executable: Vec<String>,
}

/// What an assembly is on the mirror.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A gzipped tar.
    TarGz,
    /// A zip.
    Zip,
    /// A folder; each member is a file of the mirror.
    Folder,
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
    let place = read_place(table);
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
    let (path, form) = place?;
    if form == Form::Folder && !links.is_empty() {
        let what = "an assembly that is a folder has no links";
        table.add(table.origin().problem(what, "leave them out, or make it a .tar.gz with `path`"));
    }
    Some((Assembly { path, form, takes, files, links, executable }, parts))
}

/// Where it lies: `path` of an archive, or `folder`.
fn read_place(table: &mut Table<'_>) -> Option<(SafePath, Form)> {
    let below = table.optional_parsed("folder", "mirror_misc/plugins/", folder);
    if let Some(below) = below {
        if table.optional("path").is_some() {
            table.add(
                table.origin().problem("an assembly is an archive or a folder", "give `path` or `folder`, not both"),
            );
        }
        return Some((SafePath::new(below.trim_end_matches('/')).ok()?, Form::Folder));
    }
    let path = table.parsed("path", "flink-1.20.5.tar.gz", SafePath::new)?;
    match path.as_str() {
        text if text.ends_with(".tar.gz") => Some((path, Form::TarGz)),
        text if text.ends_with(".zip") => Some((path, Form::Zip)),
        _ => {
            let what = format!("an assembly cannot be written as `{path}`");
            table.add(table.origin().problem(what, "let its path end in .tar.gz or .zip, or give `folder`"));
            None
        }
    }
}

/// A folder inside an archive: a safe path with a closing slash.
fn folder(text: String) -> Result<String, String> {
    let inner = text.strip_suffix('/').ok_or_else(|| format!("`{text}` is no folder: it must end in `/`"))?;
    SafePath::new(inner).map_err(|error| error.to_string())?;
    Ok(text)
}
