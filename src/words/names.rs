//! Names that become a path, a URL segment, a shell word, a unit or a user are types, checked where they enter.
//! After parsing, no code needs to ask again whether a name is safe.
//! Not here: what a name stands for.

use super::shown::shown;
use std::path::{Path, PathBuf};

/// A name that was refused, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` cannot be used as a {kind}: {why}", shown(name))]
pub struct BadName {
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) why: &'static str,
}

macro_rules! checked_name {
    ($(#[$doc:meta])* $type:ident, $kind:literal, $check:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(Box<str>);

        impl $type {
            /// Checks the text; the error says what is wrong with it.
            pub fn new(text: impl Into<String>) -> Result<$type, $crate::names::BadName> {
                let text = text.into();
                match $check(&text) {
                    None => Ok($type(text.into())),
                    Some(why) => Err($crate::names::BadName { kind: $kind, name: text, why }),
                }
            }

            /// The text, known to be safe.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $type {
            type Error = $crate::names::BadName;

            fn try_from(text: String) -> Result<$type, $crate::names::BadName> {
                $type::new(text)
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> String {
                name.0.into()
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str(&self.0)
            }
        }

        impl std::fmt::Debug for $type {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str(&self.0)
            }
        }
    };
}

pub(crate) use checked_name;

checked_name!(
    /// A relative path of plain segments joined by `/`: it cannot leave the folder it is joined to.
    SafePath, "path inside a folder", refuse_path
);
checked_name!(
    /// An absolute path on a node, of plain segments.
    NodePath, "path on a node", refuse_node_path
);
checked_name!(
    /// A word of letters, digits, `.`, `_`, `+` and `-`: nodes, roles, clusters, artifacts, users, versions.
    Word, "name", refuse_word
);
checked_name!(
    /// A DNS host name or an IP address.
    Host, "host", refuse_host
);
checked_name!(
    /// The name of an application, as PNDA allows it: letters, digits, `_` and `-`.
    ApplicationName, "name of an application", refuse_application
);
checked_name!(
    /// The name of a component in its package; the same characters.
    ComponentName, "name of a component", refuse_application
);
checked_name!(
    /// The type of a component in its package, as in `flink`; the same characters.
    ComponentType, "type of components", refuse_application
);
checked_name!(
    /// The name of a package with its version, as in `wordcount-1.2.3`.
    PackageName, "name of a package", refuse_package
);

impl std::borrow::Borrow<str> for SafePath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl SafePath {
    /// The last segment.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// This path inside `folder`, on the local file system.
    pub fn under(&self, folder: &Path) -> PathBuf {
        folder.join(&*self.0)
    }

    /// `name` inside this folder.
    pub fn join(&self, name: &str) -> Result<SafePath, BadName> {
        SafePath::new(format!("{}/{name}", self.0))
    }

    /// Every folder above this path, shortest first.
    pub fn parents(&self) -> impl Iterator<Item = SafePath> + '_ {
        self.0.match_indices('/').map(|(at, _)| SafePath(self.0[..at].into()))
    }
}

impl PackageName {
    /// The name before the last `-`.
    pub fn name(&self) -> &str {
        self.0.rsplit_once('-').map_or(&*self.0, |(name, _)| name)
    }

    /// The version after the last `-`.
    pub fn version(&self) -> &str {
        self.0.rsplit_once('-').map_or("", |(_, version)| version)
    }

    /// The numbers of the version, for sorting.
    pub fn numbers(&self) -> Vec<u64> {
        self.version().split('.').filter_map(|part| part.parse().ok()).collect()
    }
}

impl NodePath {
    /// This path as seen when `/` of the node is the folder `root`.
    pub fn under(&self, root: &Path) -> PathBuf {
        root.join(self.0.trim_start_matches('/'))
    }

    /// The last segment.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// The folder it lies in; none right below `/`.
    pub fn parent(&self) -> Option<NodePath> {
        self.0.rsplit_once('/').filter(|(folder, _)| !folder.is_empty()).map(|(folder, _)| NodePath(folder.into()))
    }

    /// Every folder above this path except `/`, shortest first.
    pub fn parents(&self) -> impl Iterator<Item = NodePath> + '_ {
        self.0.match_indices('/').skip(1).map(|(at, _)| NodePath(self.0[..at].into()))
    }

    /// Whether it lies somewhere inside `folder`.
    pub fn is_below(&self, folder: &NodePath) -> bool {
        self.0.strip_prefix(&*folder.0).is_some_and(|rest| rest.starts_with('/'))
    }

    /// Another name in the same folder.
    pub fn beside(&self, name: &str) -> Result<NodePath, BadName> {
        NodePath::new(format!("{}/{name}", self.parent().map(String::from).unwrap_or_default()))
    }

    /// `name` inside this folder.
    pub fn join(&self, name: &str) -> Result<NodePath, BadName> {
        NodePath::new(format!("{}/{name}", self.0))
    }
}

fn refuse_segment(segment: &str) -> Option<&'static str> {
    match segment {
        "" => Some("it has an empty segment"),
        "." | ".." => Some("it has a `.` or `..` segment"),
        _ if segment.len() > 255 => Some("a segment is longer than 255 bytes"),
        _ if segment.chars().any(|c| c.is_control() || c == '\\') => Some("it has a control character or a backslash"),
        _ => None,
    }
}

fn refuse_path(text: &str) -> Option<&'static str> {
    if text.starts_with('/') {
        return Some("it is absolute");
    }
    if text.len() > 1024 {
        return Some("it is longer than 1024 bytes");
    }
    text.split('/').find_map(refuse_segment)
}

fn refuse_node_path(text: &str) -> Option<&'static str> {
    match text.strip_prefix('/') {
        None => Some("it is not absolute"),
        Some(rest) => rest.split('/').find_map(refuse_segment),
    }
}

fn refuse_word(text: &str) -> Option<&'static str> {
    if text.is_empty() || text.len() > 128 {
        return Some("it must have 1 to 128 characters");
    }
    if !text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') {
        return Some("it must begin with a letter or a digit");
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._+-".contains(c);
    (!text.chars().all(allowed)).then_some("only letters, digits and . _ + - are allowed")
}

/// A leading `-` would be an option where the name is an argument.
fn refuse_application(text: &str) -> Option<&'static str> {
    if text.is_empty() || text.len() > 64 {
        return Some("it must have 1 to 64 characters");
    }
    if text.starts_with('-') {
        return Some("it must not begin with `-`");
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    (!text.chars().all(allowed)).then_some("only letters, digits, _ and - are allowed")
}

fn refuse_package(text: &str) -> Option<&'static str> {
    const FORM: &str = "it must be NAME-VERSION with a version of three numbers, as in wordcount-1.2.3";
    if text.len() > 128 {
        return Some("it is longer than 128 characters");
    }
    let Some((name, version)) = text.rsplit_once('-') else { return Some(FORM) };
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) || !name.chars().all(allowed) {
        return Some("its name must begin with a letter or a digit and have only letters, digits and . _ -");
    }
    let number = |part: &str| !part.is_empty() && part.len() <= 9 && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = version.split('.').collect();
    (parts.len() != 3 || !parts.iter().all(|part| number(part))).then_some(FORM)
}

fn refuse_host(text: &str) -> Option<&'static str> {
    if text.is_empty() || text.len() > 253 {
        return Some("it must have 1 to 253 characters");
    }
    if text.parse::<std::net::IpAddr>().is_ok() {
        return None;
    }
    let good = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    (!text.split('.').all(good)).then_some("it is neither a host name nor an IP address")
}

/// Whether a path fits a pattern with at most one `*`, which stands for any characters.
pub fn matches(pattern: &str, path: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == path,
        Some((before, after)) => {
            path.len() >= before.len() + after.len() && path.starts_with(before) && path.ends_with(after)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_cannot_leave_its_folder() {
        assert!(SafePath::new("a/".repeat(600) + "a").is_err(), "a path has an end");
        for text in ["", "/etc/passwd", "../x", "a/../../x", "a//b", "a/./b", "a\\b", "a\nb", "a/"] {
            assert!(SafePath::new(text).is_err(), "{text:?}");
        }
        let path = SafePath::new("org/apache/flink.jar").unwrap();
        assert_eq!(path.file_name(), "flink.jar");
        let parents: Vec<_> = path.parents().map(String::from).collect();
        assert_eq!(parents, ["org", "org/apache"]);
    }

    #[test]
    fn a_node_path_is_absolute_and_plain() {
        assert!(NodePath::new("/opt/pnda/flink").is_ok());
        for text in ["opt", "/", "/opt/../etc", "//opt", "/opt/"] {
            assert!(NodePath::new(text).is_err(), "{text:?}");
        }
        let path = NodePath::new("/opt/pnda").unwrap();
        assert_eq!(path.under(Path::new("/srv/try")), Path::new("/srv/try/opt/pnda"));
        assert_eq!((path.parent(), path.file_name()), (NodePath::new("/opt").ok(), "pnda"));
        assert_eq!(NodePath::new("/opt").unwrap().parent(), None);
        assert_eq!(path.parents().map(String::from).collect::<Vec<_>>(), ["/opt"]);
        assert!(path.is_below(&NodePath::new("/opt").unwrap()) && !path.is_below(&NodePath::new("/op").unwrap()));
        assert_eq!(NodePath::new("/opt").unwrap().beside(".opt").unwrap().as_str(), "/.opt");
    }

    #[test]
    fn words_and_hosts_are_plain() {
        assert!(Word::new("flink-1.20.5").is_ok());
        for text in ["", "-x", "a b", "a;b", "a/b", "$(x)", "ä"] {
            assert!(Word::new(text).is_err(), "{text:?}");
        }
        assert!(Host::new("edge-1.node.dc1").is_ok() && Host::new("10.7.0.2").is_ok() && Host::new("::1").is_ok());
        for text in ["", "a_b", "-a", "a..b", "a b"] {
            assert!(Host::new(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn applications_and_packages_are_named_as_in_pnda() {
        for text in ["a", "word-count_2", "_x", "A"] {
            assert!(ApplicationName::new(text).is_ok() && ComponentName::new(text).is_ok(), "{text:?}");
        }
        for text in ["", "-x", "a b", "a;id", "a\n", "a.b", "a/b", "ä", &"a".repeat(65)] {
            assert!(ApplicationName::new(text).is_err() && ComponentName::new(text).is_err(), "{text:?}");
        }
        let package = PackageName::new("test-package-1.0.2").unwrap();
        assert_eq!((package.name(), package.version(), package.numbers()), ("test-package", "1.0.2", vec![1, 0, 2]));
        for text in ["a-1.0", "a=1.0.2", "a", "a-1.0.2a", "-1.0.2", "../a-1.0.2", "a-1.0.2\n", "a-1..2", "a b-1.0.2"] {
            assert!(PackageName::new(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn patterns_have_one_star() {
        assert!(matches("bin/*", "bin/flink") && matches("*.sh", "a/b.sh") && matches("a", "a"));
        assert!(!matches("a*a", "a") && !matches("bin/*", "lib/x") && !matches("a", "ab"));
    }
}
