//! Pages and lists that clients read as text also lie there compressed, once, for a server that can give that form.
//! Only what is worth it: long enough, and of a kind that no client fetches compressed by itself.
//! Not here: which client gets which form.

use super::Error;
use super::laying::Laying;
use flate2::{Compression, GzBuilder};
use std::fs::File;
use std::io;
use words::digest::Sha256;
use words::names::SafePath;
use words::tree::Entry;

/// Shorter texts go in one packet anyway.
const WORTH: u64 = 1400;
/// Sections whose indexes have compressed forms of their own.
const OTHERS: [&str; 2] = ["mirror_apt/", "mirror_rpm/"];

/// Puts a compressed form beside every page and list that is worth it.
pub(super) fn add(laying: &mut Laying<'_>) -> Result<(), Error> {
    laying.settle()?;
    let worth = |(path, entry): (SafePath, Entry)| match entry {
        Entry::Object { digest, size, .. } if is_text(path.as_str()) && size >= WORTH => Some((path, digest)),
        _ => None,
    };
    let texts: Vec<(SafePath, Sha256)> = laying.tree.iter().filter_map(worth).collect();
    for (path, digest) in texts {
        let file = laying.store.path(digest);
        let mut text = File::open(&file).map_err(|source| Error::Read { path: file, source })?;
        laying.written(SafePath::new(format!("{path}.gz"))?, |out| {
            let mut gzip = GzBuilder::new().mtime(0).operating_system(255).write(out, Compression::best());
            io::copy(&mut text, &mut gzip)?;
            gzip.finish().map(drop)
        })?;
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
    use crate::store::Store;

    #[test]
    fn long_texts_have_a_compressed_form_and_nothing_else_has() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let mut laying = Laying::new(&store);
        for (path, size) in
            [("s/index.html", 2000), ("s/short.html", 10), ("m/a.jar", 2000), ("mirror_rpm/r.xml", 2000)]
        {
            laying.text(SafePath::new(path).unwrap(), "x".repeat(size)).unwrap();
        }
        add(&mut laying).unwrap();
        let paths: Vec<String> = laying.tree.iter().map(|(path, _)| path.into()).collect();
        assert_eq!(paths, ["m/a.jar", "mirror_rpm/r.xml", "s/index.html", "s/index.html.gz", "s/short.html"]);
        let again = laying.tree.clone();
        add(&mut laying).unwrap();
        assert_eq!(laying.done().unwrap(), again, "the same text gives the same bytes");
    }
}
