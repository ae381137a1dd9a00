//! An index of a repository as text that says what it means and not how it is written.
//! Packages and the entries of lists are sorted; what depends on when an index was made is left out.
//! Not here: which indexes are compared.

use roxmltree::{Document, Node};
use std::io::Read;
use std::path::Path;

/// The index of a kind below a folder's `repodata`.
pub fn index(folder: &Path, kind: &str) -> String {
    let ending = format!("-{kind}.xml.gz");
    let mut entries = std::fs::read_dir(folder.join("repodata")).unwrap().map(|entry| entry.unwrap().path());
    let path = entries.find(|path| path.to_string_lossy().ends_with(&ending)).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    told(Document::parse(&text).unwrap().root_element(), 0)
}

fn told(node: Node<'_, '_>, depth: usize) -> String {
    let mut attributes: Vec<String> = node
        .attributes()
        .filter(|attribute| !(node.tag_name().name() == "time" && attribute.name() == "file"))
        .map(|attribute| format!(" {}={:?}", attribute.name(), attribute.value()))
        .collect();
    attributes.sort();
    let own: String = node.children().filter(Node::is_text).filter_map(|text| text.text()).collect();
    let namespace = node.tag_name().namespace().unwrap_or_default().rsplit('/').next().unwrap_or_default();
    let mut inner: Vec<String> = node.children().filter(Node::is_element).map(|child| told(child, depth + 1)).collect();
    // The order of changes is theirs to say; that of everything else means nothing.
    if !node.children().any(|child| child.tag_name().name() == "changelog") {
        inner.sort();
    }
    let own = if own.trim().is_empty() { String::new() } else { format!(" {own:?}") };
    format!(
        "\n{}{} ({namespace}){}{own}{}",
        node.tag_name().name(),
        " ".repeat(depth),
        attributes.concat(),
        inner.concat()
    )
}
