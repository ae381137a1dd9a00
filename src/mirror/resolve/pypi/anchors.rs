//! The links of an HTML page: every `<a …>` with its attributes, entities resolved.
//! As little of HTML as an index needs; a page ends where it is broken, and nothing is followed or run.
//! Not here: what a link means.

use std::collections::BTreeMap;

/// More attributes than a link of an index has.
const MOST_ATTRIBUTES: usize = 32;
/// A link longer than this is no link of an index.
const MOST_BYTES: usize = 16 << 10;

/// One `<a …>`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Anchor {
    /// Its attributes by lower-case name.
    pub(super) attributes: BTreeMap<String, String>,
}

/// The first links of a page, at most so many.
pub(super) fn anchors(html: &str, most: usize) -> Vec<Anchor> {
    let mut anchors = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix("!--") {
            // A page that never ends its comment has no more links.
            rest = after.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        let is_link = rest.starts_with(['a', 'A']) && rest[1..].starts_with(|c: char| c.is_ascii_whitespace());
        if !is_link {
            continue;
        }
        // Where a link never ends, so does the page: looking on would read the rest again and again.
        let Some((anchor, after)) = anchor(&rest[1..]) else { break };
        anchors.push(anchor);
        rest = after;
        if anchors.len() == most {
            break;
        }
    }
    anchors
}

/// The attributes up to `>`, and what comes after it.
fn anchor(text: &str) -> Option<(Anchor, &str)> {
    let mut anchor = Anchor::default();
    let mut rest = text.trim_start();
    loop {
        if let Some(after) = rest.strip_prefix('>') {
            return Some((anchor, after));
        }
        let end = rest.find(|c: char| c.is_ascii_whitespace() || "=>/".contains(c))?;
        let name = rest[..end].to_ascii_lowercase();
        rest = rest[end..].trim_start();
        let mut value = "";
        if let Some(after) = rest.strip_prefix('=') {
            (value, rest) = self::value(after.trim_start())?;
        } else if let Some(after) = rest.strip_prefix('/') {
            rest = after;
        }
        rest = rest.trim_start();
        if text.len() - rest.len() > MOST_BYTES || anchor.attributes.len() == MOST_ATTRIBUTES {
            return None;
        }
        if !name.is_empty() {
            // The first of two wins, as in every browser.
            anchor.attributes.entry(name).or_insert_with(|| resolve(value));
        }
    }
}

/// A value in quotes or without, and what comes after it.
fn value(text: &str) -> Option<(&str, &str)> {
    for quote in ['"', '\''] {
        if let Some(inside) = text.strip_prefix(quote) {
            return inside.split_once(quote);
        }
    }
    let end = text.find(|c: char| c.is_ascii_whitespace() || c == '>')?;
    Some(text.split_at(end))
}

/// Resolves the entities that stand in addresses and versions.
fn resolve(text: &str) -> String {
    let mut resolved = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        resolved.push_str(&rest[..at]);
        rest = &rest[at..];
        let entity = rest[1..].split_once(';').filter(|(name, _)| name.len() <= 8);
        match entity.and_then(|(name, after)| Some((character(name)?, after))) {
            Some((character, after)) => {
                resolved.push(character);
                rest = after;
            }
            None => {
                resolved.push('&');
                rest = &rest[1..];
            }
        }
    }
    resolved + rest
}

fn character(entity: &str) -> Option<char> {
    match entity {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let digits = entity.strip_prefix('#')?;
            let code = match digits.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => digits.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(html: &str, expected: &[&str]) {
        let shown: Vec<String> = anchors(html, 10)
            .into_iter()
            .map(|anchor| anchor.attributes.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(shown, expected, "{html}");
    }

    #[test]
    fn links_are_read_however_they_are_written() {
        check("<a href=\"x\">x</a><A\nHREF='y' >", &["href=x", "href=y"]);
        check("<a href=x data-yanked>", &["data-yanked= href=x"]);
        check("<a rel = \"internal\" href = \"a&amp;b\" />", &["href=a&b rel=internal"]);
        check(
            "<a data-requires-python=\"&gt;=3.8&#44;&#x3c;4\" href=\"x>y\">",
            &["data-requires-python=>=3.8,<4 href=x>y"],
        );
        check("<abbr href=\"no\"><!-- <a href=\"no\"> --><a href=\"x\" href=\"z\">", &["href=x"]);
    }

    #[test]
    fn broken_pages_end() {
        check("<a href=\"x", &[]);
        check("<a href", &[]);
        check("<a <a <a href=\"y\">", &["<a= href=y"]);
        check("<!-- <a href=\"x\">", &[]);
        check("<a href=\"&bogus;&#xffffffff;&\">", &["href=&bogus;&#xffffffff;&"]);
        check(&format!("<a {} href=\"x\">", "b ".repeat(100_000)), &[]);
        check(&"<a ".repeat(100_000), &[]);
        check("<a é=\"ü\">", &["é=ü"]);
    }
}
