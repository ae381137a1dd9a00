//! The page of a folder that has none of its own: names and sizes, nothing more.
//! Everything in it is escaped, for names come from the world.
//! Not here: which folders have such a page.

use super::pinned::Row;
use super::target;
use words::markup::escaped;
use words::names::SafePath;

/// The page of a folder; no path is the mirror itself.
pub(super) fn page(path: Option<&SafePath>, rows: &[Row]) -> String {
    let line = |row: &Row| {
        let slash = if row.size.is_none() { "/" } else { "" };
        let size = row.size.map(|size| size.to_string()).unwrap_or_default();
        let (link, name) = (target::escaped(&row.name), escaped(&row.name));
        format!("<tr><td><a href=\"./{link}{slash}\">{name}{slash}</a></td><td>{size}</td></tr>")
    };
    let title = path.map_or("/".to_owned(), |path| format!("/{}/", escaped(path.as_str())));
    format!(
        "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>{title}</title></head>\n\
         <body><h1>{title}</h1><table>\n{}\n</table></body></html>\n",
        rows.iter().map(line).collect::<Vec<_>>().join("\n")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_is_escaped() {
        let rows = [Row { name: "<x>.jar".into(), size: Some(3) }, Row { name: "lib".into(), size: None }];
        let page = page(Some(&SafePath::new("a&b").unwrap()), &rows);
        assert!(page.contains("<a href=\"./%3Cx%3E.jar\">&lt;x&gt;.jar</a></td><td>3</td>"), "{page}");
        assert!(page.contains("<a href=\"./lib/\">lib/</a>") && page.contains("<h1>/a&amp;b/</h1>"), "{page}");
    }
}
