//! The `Release` of a suite on the mirror, as text: what it holds, and the digest of each list.
//! Its date is that of the key that signs it, so that the same content gives the same bytes; it never expires.
//! Not here: its signature.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::SystemTime;
use systems::download::Expected;
use words::names::{SafePath, Word};

/// The text, for suites whose lists are of these components and architectures.
pub(super) fn text<'a>(
    suite: &SafePath,
    parts: impl Iterator<Item = &'a (Word, Word)>,
    lists: &BTreeMap<String, Expected>,
    date: SystemTime,
) -> String {
    let (components, architectures): (BTreeSet<&str>, BTreeSet<&str>) =
        parts.map(|(component, architecture)| (component.as_str(), architecture.as_str())).unzip();
    let words = |words: BTreeSet<&str>| words.into_iter().collect::<Vec<_>>().join(" ");
    let date = httpdate::fmt_http_date(date).replace("GMT", "UTC");
    let mut text = format!(
        "Origin: pnda\nLabel: pnda mirror\nSuite: {suite}\nCodename: {suite}\nDate: {date}\nArchitectures: {}\n\
         Components: {}\nDescription: packages for nodes without a way out\nAcquire-By-Hash: yes\n\
         No-Support-for-Architecture-all: Packages\nSHA256:\n",
        words(architectures),
        words(components)
    );
    for (path, made) in lists {
        let _ = writeln!(text, " {} {:>10} {path}", made.sha256, made.size);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve::apt::release::Release;
    use words::digest::Sha256;

    #[test]
    fn our_own_reader_understands_it() {
        let parts =
            [("main", "amd64"), ("extra", "amd64")].map(|(c, a)| (Word::new(c).unwrap(), Word::new(a).unwrap()));
        let made = Expected { size: 0, sha256: Sha256::of(b"") };
        let lists = BTreeMap::from([("main/binary-amd64/Packages".to_owned(), made)]);
        let date = httpdate::parse_http_date("Mon, 01 Jun 2026 01:02:03 GMT").unwrap();
        let text = text(&SafePath::new("bookworm").unwrap(), parts.iter(), &lists, date);
        assert!(text.contains("Components: extra main\n") && text.contains("Architectures: amd64\n"), "{text}");
        let release = Release::parse(&text).unwrap();
        assert!(release.by_hash() && release.date == Some(date));
        assert_eq!(release.lists("main", "amd64").unwrap()[0].packed, made);
    }
}
