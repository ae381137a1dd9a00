//! Groups of packages, as a repository's index `group` names them: `@core` and the like.
//! A group means its mandatory and default packages.
//! Not here: environments, languages, or conditions in groups.

use super::xml::{Document, Error, Step};
use std::collections::BTreeMap;
use std::io::BufRead;

/// The most packages that all groups together name.
const MOST: usize = 1 << 20;

/// The packages of each group, by the group's id.
pub fn read<R: BufRead>(mut document: Document<R>) -> Result<BTreeMap<String, Vec<String>>, Error> {
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let (mut open, mut text) = (Vec::<String>::new(), String::new());
    let (mut id, mut packages, mut counts, mut named) = (String::new(), Vec::new(), false, 0);
    loop {
        match document.step()? {
            Step::Open(element) => {
                text.clear();
                if element.name() == "packagereq" {
                    counts = matches!(element.get("type")?.as_deref(), None | Some("mandatory" | "default"));
                }
                open.push(element.name().to_owned());
            }
            Step::Text(part) => text.push_str(&part),
            Step::Close(name) => {
                open.pop();
                match (name.as_str(), open.last().map(String::as_str)) {
                    ("id", Some("group")) => id = text.trim().to_owned(),
                    ("packagereq", _) if counts && named < MOST => {
                        packages.push(text.trim().to_owned());
                        named += 1;
                    }
                    ("group", _) => {
                        groups.entry(std::mem::take(&mut id)).or_default().append(&mut packages);
                    }
                    _ => {}
                }
            }
            Step::End => return Ok(groups),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::xml;

    #[test]
    fn a_group_is_its_mandatory_and_default_packages() {
        let text = b"<comps><group><id>core</id><name>Core</name><packagelist>\
            <packagereq type=\"mandatory\">bash</packagereq><packagereq type=\"optional\">fish</packagereq>\
            <packagereq type=\"default\">vim</packagereq></packagelist></group>\
            <environment><id>server</id><grouplist><groupid>core</groupid></grouplist></environment></comps>";
        let groups = super::read(xml::read(&text[..])).unwrap();
        assert_eq!(groups.into_iter().collect::<Vec<_>>(), [("core".into(), vec!["bash".into(), "vim".into()])]);
    }
}
