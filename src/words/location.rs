//! Where bytes come from: a web address or a folder, joined only with checked paths.
//! Printing one hides user names, passwords and query strings.
//! Not here: any connection.

use super::names::SafePath;
use super::shown::shown;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::fmt;
use std::path::PathBuf;
use url::Url;

/// What a path segment of a URL must not hold as it is: everything but RFC 3986's unreserved characters. Some stores take a
/// raw `+` for a blank, and strict servers refuse a raw `^`.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A place that holds bytes.
#[derive(Clone, PartialEq, Eq)]
pub enum Location {
    /// A web address that the site has named.
    Web(Url),
    /// A web address that a page has named.
    Led(Box<Led>),
    /// A file or folder of this machine.
    Path(PathBuf),
}

/// A web address, and the page that has named it: it may lead no further than a redirect from there.
#[derive(Clone, PartialEq, Eq)]
pub struct Led {
    /// The page.
    pub page: Url,
    /// What it names.
    pub url: Url,
}

/// The text is neither a web address nor a path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no place to read from: {why}", shown(text))]
pub struct BadLocation {
    text: String,
    why: String,
}

impl Location {
    /// Reads `http://…`, `https://…`, `file:///…` or a path.
    pub fn parse(text: &str) -> Result<Location, BadLocation> {
        let bad = |why: &str| BadLocation { text: hide(text), why: why.to_owned() };
        if text.is_empty() {
            return Err(bad("it is empty"));
        }
        if !text.contains("://") {
            return Ok(Location::Path(PathBuf::from(text)));
        }
        let url = Url::parse(text).map_err(|error| bad(&error.to_string()))?;
        match url.scheme() {
            "http" | "https" if url.has_host() => Ok(Location::Web(url)),
            "file" => url.to_file_path().map(Location::Path).map_err(|()| bad("it names no local file")),
            _ => Err(bad("only http, https and file are understood")),
        }
    }

    /// A checked path below this place.
    pub fn join(&self, path: &SafePath) -> Location {
        match self {
            Location::Path(folder) => Location::Path(path.under(folder)),
            Location::Web(base) => Location::Web(joined(base, path)),
            Location::Led(led) => Location::Led(Box::new(Led { page: led.page.clone(), url: joined(&led.url, path) })),
        }
    }
}

impl Location {
    /// The last segment of the address or path, if there is one.
    pub fn file_name(&self) -> Option<String> {
        let url = match self {
            Location::Path(path) => return path.file_name().map(|name| name.to_string_lossy().into_owned()),
            Location::Web(url) => url,
            Location::Led(led) => &led.url,
        };
        let last = url.path_segments()?.next_back().filter(|last| !last.is_empty())?;
        Some(percent_decode_str(last).decode_utf8_lossy().into_owned())
    }
}

fn joined(base: &Url, path: &SafePath) -> Url {
    let mut url = base.clone();
    let segments: Vec<String> =
        path.as_str().split('/').map(|part| utf8_percent_encode(part, SEGMENT).to_string()).collect();
    url.set_path(&format!("{}/{}", base.path().trim_end_matches('/'), segments.join("/")));
    url
}

impl fmt::Display for Location {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Location::Path(path) => write!(out, "{}", path.display()),
            Location::Web(url) => out.write_str(&hide(url.as_str())),
            Location::Led(led) => out.write_str(&hide(led.url.as_str())),
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// The text without user information and query.
fn hide(text: &str) -> String {
    let plain = |text: &str| text.split(['?', '#']).next().unwrap_or_default().to_owned();
    match text.split_once("://") {
        None => plain(text),
        // A password may hold what ends an address elsewhere: all before the last @ of an address that is none is hidden.
        Some((scheme, rest)) if Url::parse(text).is_err() => {
            format!("{scheme}://{}", plain(rest.rsplit('@').next().unwrap_or_default()))
        }
        Some((scheme, rest)) => {
            let rest = plain(rest);
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let host = authority.rsplit('@').next().unwrap_or(authority);
            format!("{scheme}://{host}{path}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_printed() {
        let place = Location::parse("https://me:secret@repo.example/a/b.jar?token=secret").unwrap();
        assert_eq!(place.to_string(), "https://repo.example/a/b.jar");
        let bad = Location::parse("ftp://me:secret@repo.example/a").unwrap_err();
        assert!(!bad.to_string().contains("secret"), "{bad}");
        for text in
            ["https://me:se/cret@repo.example/a", "https://me:se#cret@repo.example:x/a", "https://me:se?cret@:y/"]
        {
            let bad = Location::parse(text).map(|place| place.to_string()).map_err(|bad| bad.to_string());
            let said = bad.unwrap_or_else(|said| said);
            assert!(!said.contains("cret@") && !said.contains("me:se"), "{said}");
        }
    }

    #[test]
    fn a_path_is_joined_and_quoted() {
        let path = SafePath::new("a b/c?d#e%.jar").unwrap();
        let joined = Location::parse("http://repo.example/maven/").unwrap().join(&path);
        let Location::Web(url) = joined else { panic!("a web address stays one") };
        assert_eq!(url.as_str(), "http://repo.example/maven/a%20b/c%3Fd%23e%25.jar");
        let folder = Location::parse("/srv/mirror").unwrap();
        assert_eq!(folder.join(&path), Location::Path(PathBuf::from("/srv/mirror/a b/c?d#e%.jar")));
    }

    #[test]
    fn only_known_schemes_are_read() {
        for text in ["", "ftp://repo.example/", "http://", "javascript://x"] {
            assert!(Location::parse(text).is_err(), "{text}");
        }
        assert_eq!(Location::parse("file:///srv/m").unwrap(), Location::Path(PathBuf::from("/srv/m")));
    }
}
