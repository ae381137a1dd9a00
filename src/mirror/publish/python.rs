//! `mirror_python`: packages and a PEP 503 index with SHA-256 fragments, a root page included.
//! Any pip or uv reads it from a plain web server.
//! Not here: the JSON form of the index, or metadata files.

use super::{Error, object};
use crate::mirror::fetch::expected;
use crate::mirror::lock::Artifact;
use crate::mirror::manifest::Want;
use crate::words::names::SafePath;
use crate::words::tree::{Entry, Tree};
use std::collections::{BTreeMap, BTreeSet};

/// Puts every published package and the pages of the index.
pub(super) fn add(tree: &mut Tree, artifacts: Vec<(&Artifact, &Want)>) -> Result<(), Error> {
    let mut projects: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (artifact, want) in artifacts {
        let Want::Pypi(want) = want else { continue };
        if !want.publish {
            continue;
        }
        let name = artifact.address.file_name();
        tree.insert(SafePath::new(format!("mirror_python/packages/{name}"))?, object(expected(artifact)))?;
        let link = format!("<a href=\"../../packages/{name}#sha256={}\">{name}</a><br>", artifact.sha256);
        projects.entry(want.project.as_str()).or_default().insert(link);
    }
    if projects.is_empty() {
        return Ok(());
    }
    let root = projects.keys().map(|project| format!("<a href=\"{project}/\">{project}</a><br>"));
    tree.insert(SafePath::new("mirror_python/simple/index.html")?, page("Simple index", root))?;
    for (project, links) in &projects {
        let path = SafePath::new(format!("mirror_python/simple/{project}/index.html"))?;
        tree.insert(path, page(&format!("Links for {project}"), links.iter().cloned()))?;
    }
    Ok(())
}

fn page(title: &str, lines: impl Iterator<Item = String>) -> Entry {
    let lines: Vec<String> = lines.collect();
    let version = "<meta name=\"pypi:repository-version\" content=\"1.0\">";
    Entry::file(format!(
        "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\">{version}<title>{title}</title></head>\n<body>\n{}\n</body></html>\n",
        lines.join("\n")
    ))
}
