//! `repomd.xml`: which indexes a repository has, and what their bytes must be.
//! Only SHA-256 counts; an address that leaves the repository is refused.
//! Not here: whether it is signed (`repository`).

use super::xml::{self, Error, Step};
use std::collections::BTreeMap;
use systems::download::Expected;
use words::digest::Sha256;
use words::names::SafePath;

/// The most indexes of one repository.
const MOST: usize = 256;

/// One index of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// Its address below the repository's base.
    pub address: SafePath,
    /// Its bytes as they are served.
    pub expected: Expected,
}

/// Reads it: indexes by their kind, such as `primary`.
pub fn read(bytes: &[u8]) -> Result<BTreeMap<String, Index>, Error> {
    let mut document = xml::read(bytes);
    let mut indexes = BTreeMap::new();
    let (mut draft, mut text) = (Draft::default(), String::new());
    loop {
        match document.step()? {
            Step::Open(element) => {
                text.clear();
                match element.name() {
                    "data" => draft = Draft { kind: element.get("type")?.unwrap_or_default(), ..Draft::default() },
                    "checksum" => draft.sha256 = element.get("type")?.is_some_and(|kind| kind == "sha256"),
                    "location" if element.get("base")?.is_some() => draft.elsewhere = true,
                    "location" => draft.address = element.get("href")?,
                    _ => {}
                }
            }
            Step::Text(part) => text.push_str(&part),
            Step::Close(name) => match name.as_str() {
                "checksum" => draft.checksum = Some(text.trim().to_owned()),
                "size" => draft.size = text.trim().parse().ok(),
                "data" if indexes.len() < MOST => {
                    // Kinds that are not read may be of any form.
                    if let Some(index) = draft.index()? {
                        indexes.insert(std::mem::take(&mut draft.kind), index);
                    }
                }
                _ => {}
            },
            Step::End => return Ok(indexes),
        }
    }
}

#[derive(Default)]
struct Draft {
    kind: String,
    address: Option<String>,
    elsewhere: bool,
    checksum: Option<String>,
    sha256: bool,
    size: Option<u64>,
}

/// The kinds that are read.
const READ: [&str; 4] = ["primary", "filelists", "group", "modules"];

impl Draft {
    fn index(&self) -> Result<Option<Index>, Error> {
        if !READ.contains(&self.kind.as_str()) {
            return Ok(None);
        }
        let bad = |what: String| Error::Content(format!("its index `{}` {what}", self.kind));
        if self.elsewhere {
            return Err(bad("lies in another place than the repository".into()));
        }
        let address = self.address.clone().ok_or_else(|| bad("has no address".into()))?;
        let address = SafePath::new(address).map_err(|error| bad(format!("is at no usable address: {error}")))?;
        let checksum = self.checksum.as_deref().filter(|_| self.sha256);
        let sha256: Option<Sha256> = checksum.and_then(|text| text.parse().ok());
        let sha256 = sha256.ok_or_else(|| bad("has no SHA-256; other digests do not count".into()))?;
        let size = self.size.ok_or_else(|| bad("has no size".into()))?;
        Ok(Some(Index { address, expected: Expected { size, sha256 } }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(change: impl Fn(&str) -> String) -> Result<BTreeMap<String, Index>, Error> {
        let text = format!(
            "<repomd xmlns=\"http://linux.duke.edu/metadata/repo\"><revision>1</revision><data type=\"primary\">\
             <checksum type=\"sha256\">{}</checksum><open-checksum type=\"sha256\">0</open-checksum>\
             <location href=\"repodata/p.xml.gz\"/><size>9</size><open-size>99</open-size></data>\
             <data type=\"other\"><location href=\"../x\"/></data></repomd>",
            Sha256::of(b"p")
        );
        read(change(&text).as_bytes())
    }

    #[test]
    fn an_index_is_known_by_its_digest() {
        let indexes = with(str::to_owned).unwrap();
        assert_eq!(indexes.keys().collect::<Vec<_>>(), ["primary"]);
        let primary = &indexes["primary"];
        assert_eq!((primary.address.as_str(), primary.expected.size), ("repodata/p.xml.gz", 9));
        assert_eq!(primary.expected.sha256, Sha256::of(b"p"));
    }

    #[test]
    fn what_cannot_be_believed_is_refused() {
        for (from, to) in [
            ("repodata/p", "../p"),
            ("repodata/p", "/etc/p"),
            ("href=\"repodata", "xml:base=\"http://other.example/\" href=\"repodata"),
            ("type=\"sha256\"", "type=\"sha\""),
            ("<size>9", "<size>-9"),
            ("<size>9", "<size>99999999999999999999999"),
        ] {
            assert!(matches!(with(|text| text.replacen(from, to, 1)), Err(Error::Content(_))), "{to}");
        }
    }
}
