//! Pages and lists that clients read as text also lie there compressed, once, for a server that can give that form.
//! Only what is worth it: long enough, and of a kind that no client fetches compressed by itself.
//! Not here: which client gets which form.

use super::Error;
use crate::words::names::SafePath;
use crate::words::tree::{Entry, Tree};
use flate2::{Compression, GzBuilder};
use std::io::Write;

/// Shorter texts go in one packet anyway.
const WORTH: u64 = 1400;
/// Sections whose indexes have compressed forms of their own.
const OTHERS: [&str; 2] = ["mirror_apt/", "mirror_rpm/"];

/// Puts a compressed form beside every page and list that is worth it.
pub(super) fn add(tree: &mut Tree) -> Result<(), Error> {
    let worth = |(path, entry): (&SafePath, &Entry)| match entry {
        Entry::File { bytes, .. } if is_text(path.as_str()) && entry.size() >= WORTH => {
            Some((path.clone(), bytes.clone()))
        }
        _ => None,
    };
    let texts: Vec<(SafePath, Vec<u8>)> = tree.iter().filter_map(worth).collect();
    for (path, bytes) in texts {
        let beside = SafePath::new(format!("{path}.gz"))?;
        let mut gzip = GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), Compression::best());
        let packed = gzip.write_all(&bytes).and_then(|()| gzip.finish());
        // Writing into memory does not fail; if it did, the text alone would do.
        if let Ok(packed) = packed {
            tree.insert(beside, Entry::file(packed))?;
        }
    }
    Ok(())
}

fn is_text(path: &str) -> bool {
    let ends = [".html", ".json", ".xml", "/index.v1_json"];
    ends.iter().any(|end| path.ends_with(end)) && !OTHERS.iter().any(|section| path.starts_with(section))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_have_a_compressed_form_and_nothing_else_has() {
        let mut tree = Tree::default();
        for (path, size) in
            [("s/index.html", 2000), ("s/short.html", 10), ("m/a.jar", 2000), ("mirror_rpm/r.xml", 2000)]
        {
            tree.insert(SafePath::new(path).unwrap(), Entry::file("x".repeat(size))).unwrap();
        }
        add(&mut tree).unwrap();
        let paths: Vec<&str> = tree.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths, ["m/a.jar", "mirror_rpm/r.xml", "s/index.html", "s/index.html.gz", "s/short.html"]);
        let again = tree.clone();
        add(&mut tree).unwrap();
        assert_eq!(tree, again, "the same text gives the same bytes");
    }
}
