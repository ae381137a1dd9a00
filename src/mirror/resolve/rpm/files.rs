//! Which packages bring a file: `primary` lists the files that are asked for most, `filelists` all of them.
//! Only paths that somebody asks for are kept, so a list of any length takes little memory.
//! Not here: who asks.

use super::xml::{Document, Error, Step};
use std::collections::HashSet;
use std::io::BufRead;
use std::sync::Arc;
use words::digest::Sha256;

/// The most files of packages that are kept.
const MOST: usize = 1 << 20;

/// The packages, by digest, that bring one of these paths.
pub fn find<R: BufRead>(
    mut document: Document<R>,
    wanted: &HashSet<Arc<str>>,
) -> Result<Vec<(Sha256, Arc<str>)>, Error> {
    let (mut found, mut package, mut text) = (Vec::new(), None, String::new());
    loop {
        match document.step()? {
            Step::Open(element) => {
                text.clear();
                if element.name() == "package" {
                    package = element.get("pkgid")?.and_then(|digest| digest.parse::<Sha256>().ok());
                }
            }
            Step::Text(part) => text.push_str(&part),
            Step::Close(name) => match (name.as_str(), package) {
                // In `primary` the digest is an element, before the files.
                ("checksum", None) => package = text.trim().parse().ok(),
                ("file", Some(package)) => {
                    found.extend(wanted.get(text.as_str()).map(|path| (package, path.clone())));
                    if found.len() > MOST {
                        return Err(Error::Content("it lists the same files again and again".into()));
                    }
                }
                _ => {}
            },
            Step::End => return Ok(found),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::primary::tests::{package, primary};
    use super::super::xml;
    use super::*;

    #[test]
    fn both_indexes_say_who_brings_a_file() {
        let wanted = HashSet::from([Arc::from("/usr/bin/b & c")]);
        let digest = Sha256::of(b"b-1-1.noarch");
        let listed = format!(
            "<filelists><package pkgid=\"{digest}\" name=\"b\" arch=\"noarch\"><version ver=\"1\"/>\
             <file type=\"dir\">/usr/bin</file><file>/usr/bin/b &amp; c</file></package></filelists>"
        );
        let offered = primary(&[
            package("a-1-1.noarch", &["file: /usr/bin/a"]),
            package("b-1-1.noarch", &["file: /usr/bin/b &amp; c"]),
        ]);
        for text in [listed, offered] {
            assert_eq!(find(xml::read(text.as_bytes()), &wanted).unwrap(), [(digest, Arc::from("/usr/bin/b & c"))]);
        }
    }
}
