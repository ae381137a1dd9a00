//! The path of a request as a path inside the mirror, or nothing: nothing leaves it and nothing hidden is named.
//! Escapes are decoded once; repeated slashes count as one, because people join addresses carelessly.
//! Not here: whether there is such a file.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use words::names::SafePath;

/// Everything but what is plain in every part of a URL.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'+');

/// What a request names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// Inside the mirror; none is the mirror itself.
    pub(super) path: Option<SafePath>,
    /// Whether it ended in a slash, as folders do.
    pub(super) folder: bool,
}

impl Target {
    /// Reads the path of a URL.
    pub(super) fn read(path: &str) -> Option<Target> {
        let text = percent_decode_str(path).decode_utf8().ok()?;
        let segments: Vec<&str> = text.split('/').filter(|segment| !segment.is_empty()).collect();
        if !text.starts_with('/') || segments.iter().any(|segment| segment.starts_with('.')) {
            return None;
        }
        let folder = text.ends_with('/');
        match segments.is_empty() {
            true => Some(Target { path: None, folder }),
            false => Some(Target { path: Some(SafePath::new(segments.join("/")).ok()?), folder }),
        }
    }

    /// The address of the same thing as a folder.
    pub(super) fn as_folder(&self) -> String {
        match &self.path {
            None => "/".to_owned(),
            Some(path) => format!("/{}/", path.as_str().split('/').map(escaped).collect::<Vec<_>>().join("/")),
        }
    }
}

/// A name as it stands in a URL.
pub(super) fn escaped(name: &str) -> String {
    utf8_percent_encode(name, ESCAPED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_something_inside() {
        let named = |text| Target::read(text).map(|target| (target.path.map(String::from), target.folder));
        let inside = |text: &str, folder| Some((Some(text.to_owned()), folder));
        assert_eq!(named("/"), Some((None, true)));
        assert_eq!(named("//"), Some((None, true)));
        assert_eq!(named("/a/b%20c"), inside("a/b c", false));
        assert_eq!(named("//a///b/"), inside("a/b", true));
        assert_eq!(named("/a%2Fb"), inside("a/b", false));
        assert_eq!(named("/%252e%252e/x"), inside("%2e%2e/x", false), "decoded once");
    }

    #[test]
    fn nothing_outside_or_hidden_can_be_named() {
        for text in [
            "/..",
            "/../x",
            "/a/../../x",
            "/%2e%2e/x",
            "/a/%2e%2e%2fx",
            "/.git/config",
            "/a/.new-1/x",
            "/./a",
            "*",
            "",
            "/a%00b",
            "/a%0ab",
            "/a\\b",
            "/%5c..%5cx",
            "/%ff",
            "/a%c0%ae%c0%ae/",
        ] {
            assert_eq!(Target::read(text), None, "{text}");
        }
        assert_eq!(Target::read(&format!("/{}", "a".repeat(256))), None);
    }

    #[test]
    fn a_folder_s_address_cannot_become_another_host() {
        assert_eq!(Target::read("//evil.example/%0d%0a").map(|target| target.as_folder()), None);
        assert_eq!(Target::read("//evil.example/a b").unwrap().as_folder(), "/evil.example/a%20b/");
    }
}
