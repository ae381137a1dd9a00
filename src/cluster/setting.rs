//! Settings: each is declared once, in a role or a part, with a kind, a default and a sentence.
//! A value of a kind is safe wherever a template may print it: kinds leave no room for quotes or line ends.
//! Not here: which value a node gets (`resolve`).

use super::role::suggestion;
use std::fmt;
use std::mem::discriminant;
use words::document::{Raw, Table, Text};
use words::flink::Version;
use words::names::{Host, NodePath, SafePath, Word};
use words::problem::{Origin, nearest};
use words::secret::Secret;

/// What a setting may hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Address,
    Addresses,
    Boolean,
    /// One of these words.
    Choice(Vec<String>),
    ClassPath,
    Duration,
    FlinkVersion,
    FlinkVersions,
    Host,
    Integer,
    MirrorPath,
    Path,
    Port,
    Secret,
    Size,
    Url,
    Word,
}

/// Every kind: its name in role files and what its values look like.
static KINDS: [(&str, Kind, &str); 17] = [
    ("address", Kind::Address, "a host and a port, as in \"manager:2003\""),
    ("addresses", Kind::Addresses, "hosts and ports joined by commas, as in \"a:2181,b:2181\""),
    ("boolean", Kind::Boolean, "true or false"),
    ("choice", Kind::Choice(Vec::new()), "one of"),
    (
        "class-path",
        Kind::ClassPath,
        "jars, folders and …/* joined by colons, as in \"/usr/lib/hadoop/*:/etc/hadoop/conf\"",
    ),
    ("duration", Kind::Duration, "a number with ms, s, m or h, as in \"10s\""),
    ("flink-version", Kind::FlinkVersion, "a release from 1.15 on, as in \"1.20.5\""),
    ("flink-versions", Kind::FlinkVersions, "releases from 1.15 on joined by commas, as in \"1.20.5,2.3.0\""),
    ("host", Kind::Host, "a host name or an IP address"),
    ("integer", Kind::Integer, "a whole number, not below 0"),
    ("mirror-path", Kind::MirrorPath, "a path below the mirror's root"),
    ("path", Kind::Path, "an absolute path of letters, digits and . _ + -"),
    ("port", Kind::Port, "a port from 1 to 65535"),
    ("secret", Kind::Secret, "where the node finds it: file:/path, env:NAME or credential:NAME"),
    ("size", Kind::Size, "a number with k, m or g, as in \"1600m\""),
    ("url", Kind::Url, "an address with its scheme, as in \"hdfs://nameservice/pnda\""),
    ("word", Kind::Word, "letters, digits and . _ + -"),
];

/// Older releases have other memory and reporter keys; `pnda` renders none for them.
const OLDEST_LINE: (u32, u32) = (1, 15);

/// A setting's value on a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// Nothing: only settings declared as optional can be unset, and templates ask for it.
    Unset,
    Text(String),
    Integer(i64),
    Boolean(bool),
    /// Printed as its mark, which the node replaces.
    Secret(Secret),
}

impl Value {
    /// The text, if it is one.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Unset => Ok(()),
            Value::Text(text) => out.write_str(text),
            Value::Integer(number) => write!(out, "{number}"),
            Value::Boolean(flag) => write!(out, "{flag}"),
            Value::Secret(secret) => out.write_str(&secret.mark()),
        }
    }
}

/// A setting as a role or part declares it.
#[derive(Debug, Clone)]
pub(super) struct Declaration {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// None: the cluster must say.
    pub(super) default: Option<Default>,
    /// Whether it may be unset.
    pub(super) optional: bool,
    /// No two nodes may have the same value; it is who the node is in its role, and the others may print it.
    pub(super) unique: bool,
    /// What it does, in a sentence.
    pub(super) about: String,
    pub(super) origin: Origin,
}

/// The value that a setting has where nobody gives one.
#[derive(Debug, Clone)]
pub(super) enum Default {
    Value(Value),
    /// A template over the node's other settings and `nodes`; an empty text leaves an optional setting unset.
    Derived(Text),
}

impl Kind {
    fn entry(&self) -> &'static (&'static str, Kind, &'static str) {
        let same = |kind| discriminant(kind) == discriminant(self);
        KINDS.iter().find(|(_, kind, _)| same(kind)).expect("every kind is in the table")
    }

    /// Its name, as role files have it.
    pub(super) fn name(&self) -> &'static str {
        self.entry().0
    }

    /// What its values look like.
    pub(super) fn form(&self) -> String {
        let form = self.entry().2;
        match self {
            Kind::Choice(words) => format!("{form} {}", words.join(", ")),
            _ => form.to_owned(),
        }
    }

    fn read(table: &mut Table<'_>) -> Option<Kind> {
        let name = table.required("kind", "word")?;
        let kind = KINDS.iter().find(|(known, _, _)| *known == name.text).map(|(_, kind, _)| kind.clone());
        if kind.is_none() {
            let known: Vec<&str> = KINDS.iter().map(|(name, _, _)| *name).collect();
            let remedy = suggestion(nearest(&name.text, known.clone()), &format!("kinds are {}", known.join(", ")));
            table.add(name.origin.problem(format!("`{}` is not a kind of setting", name.text), remedy));
        }
        Some(match kind? {
            Kind::Choice(_) => {
                let words = table.required_list("values", "rsyslog");
                Kind::Choice(words.into_iter().map(|word| word.text).collect())
            }
            kind => kind,
        })
    }

    /// The value that TOML gave, if this kind can hold it.
    pub(super) fn accept(&self, raw: &Raw) -> Option<Value> {
        match (self, raw) {
            (Kind::Boolean, Raw::Boolean(flag)) => Some(Value::Boolean(*flag)),
            (Kind::Integer, Raw::Integer(number)) if *number >= 0 => Some(Value::Integer(*number)),
            (Kind::Port, Raw::Integer(number)) if (1..=65535).contains(number) => Some(Value::Integer(*number)),
            (Kind::Boolean | Kind::Integer | Kind::Port, _) => None,
            (Kind::Secret, Raw::Text(text)) => text.parse().ok().map(Value::Secret),
            (_, Raw::Text(text)) => self.fits(text).then(|| Value::Text(text.clone())),
            _ => None,
        }
    }

    /// The value that an argument of the command line gave.
    pub(super) fn accept_argument(&self, text: &str) -> Option<Value> {
        let raw = match self {
            Kind::Boolean => Raw::Boolean(text.parse().ok()?),
            Kind::Integer | Kind::Port => Raw::Integer(text.parse().ok()?),
            _ => Raw::Text(text.to_owned()),
        };
        self.accept(&raw)
    }

    fn fits(&self, text: &str) -> bool {
        match self {
            Kind::Address => split_address(text).is_some(),
            Kind::Choice(words) => words.iter().any(|word| word == text),
            Kind::Addresses => text.split(',').all(|one| split_address(one).is_some()),
            Kind::ClassPath => text.split(':').all(is_class_path_entry),
            Kind::Duration => milliseconds(text).is_some(),
            Kind::FlinkVersion => is_release(text),
            Kind::FlinkVersions => text.split(',').all(is_release),
            Kind::Host => Host::new(text).is_ok(),
            Kind::MirrorPath => SafePath::new(text).is_ok() && text.chars().all(plain),
            Kind::Path => NodePath::new(text).is_ok() && text.chars().all(plain),
            Kind::Size => bytes(text).is_some(),
            Kind::Url => is_url(text),
            Kind::Word => Word::new(text).is_ok(),
            Kind::Boolean | Kind::Integer | Kind::Port | Kind::Secret => false,
        }
    }
}

fn is_class_path_entry(text: &str) -> bool {
    let path = text.strip_suffix("/*").unwrap_or(text);
    NodePath::new(path).is_ok() && path.chars().all(plain)
}

fn is_release(text: &str) -> bool {
    let rendered = |version: Version| version.line() >= OLDEST_LINE && version.to_string() == text;
    text.parse().is_ok_and(rendered)
}

/// What a path may be made of so that no format on a node has to quote it: units, properties, YAML, shell.
pub(super) fn plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "/._+-".contains(c)
}

/// Host and port of `host:port`.
pub(super) fn split_address(text: &str) -> Option<(&str, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let port: u16 = port.parse().ok()?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    // A bare IPv6 address cannot be told from its port.
    let good = match bare {
        Some(inner) => inner.contains(':') && Host::new(inner).is_ok(),
        None => !host.contains(':') && Host::new(host).is_ok(),
    };
    (good && port > 0).then_some((host, port))
}

/// The length of a duration such as `10s`.
pub(super) fn milliseconds(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let number: u64 = text[..digits].parse().ok()?;
    let unit = match &text[digits..] {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    number.checked_mul(unit).filter(|ms| *ms > 0)
}

/// The bytes of a size such as `1600m`.
pub(super) fn bytes(text: &str) -> Option<u64> {
    let unit = match text.chars().last()? {
        'k' => 1 << 10,
        'm' => 1 << 20,
        'g' => 1 << 30,
        _ => return None,
    };
    let number: u32 = text[..text.len() - 1].parse().ok()?;
    Some(u64::from(number) * unit).filter(|bytes| *bytes > 0)
}

fn is_url(text: &str) -> bool {
    let clean = |c: char| c.is_ascii_graphic() && !"'\"`$\\<>{}".contains(c);
    let Ok(url) = url::Url::parse(text) else { return false };
    text.chars().all(clean) && text.contains("://") && url.password().is_none()
}

impl Declaration {
    /// Reads one `[[setting]]`.
    pub(super) fn read(table: &mut Table<'_>) -> Option<Declaration> {
        let name = table.parsed("name", "flink.version", parse_name);
        let kind = Kind::read(table);
        let given = table.value("default");
        let (optional, unique) = (table.flag("optional", false), table.flag("unique", false));
        let about = table.required("about", "The release of Flink.");
        if let Some(about) = about.as_ref().filter(|about| !about.text.ends_with('.')) {
            let remedy = "say what the setting does, and end with a dot";
            table.add(about.origin.problem("`about` is not a sentence", remedy));
        }
        let about = about.map_or_else(String::new, |about| about.text);
        let (name, kind) = (name?, kind?);
        let default = match given {
            None => optional.then_some(Default::Value(Value::Unset)),
            Some((Raw::Text(text), origin)) if text.contains("{{") || text.contains("{%") => {
                Some(Default::Derived(Text { text, origin }))
            }
            Some((raw, at)) => {
                let value = kind.accept(&raw);
                if value.is_none() {
                    let what = format!("the default of `{name}` is not of kind {}", kind.name());
                    table.add(at.problem(what, format!("write {}", kind.form())));
                }
                Some(Default::Value(value?))
            }
        };
        Some(Declaration { name, kind, default, optional, unique, about, origin: table.origin().clone() })
    }
}

fn parse_name(name: String) -> Result<String, String> {
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_lowercase())
            && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    match name.contains('.') && name.split('.').all(part) {
        true => Ok(name),
        false => Err(format!("`{name}` is not a setting's name: write lower-case words joined by dots")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_lets_nothing_through_that_a_file_would_have_to_quote() {
        let kinds = KINDS.iter().map(|(_, kind, _)| kind);
        for (kind, hostile) in
            kinds.flat_map(|kind| ["a b", "a\nb", "$(x)", "a'b", "a\"b", "", "`x`"].map(|t| (kind, t)))
        {
            assert_eq!(kind.accept_argument(hostile), None, "{} {hostile:?}", kind.name());
        }
    }

    #[test]
    fn a_choice_takes_its_words_alone_and_says_them() {
        let kind = Kind::Choice(vec!["rsyslog".into(), "none".into()]);
        assert_eq!((kind.name(), kind.form().as_str()), ("choice", "one of rsyslog, none"));
        assert!(kind.accept_argument("none").is_some() && kind.accept_argument("syslog").is_none());
    }

    #[test]
    fn each_kind_knows_its_values() {
        let good = [
            (Kind::Address, "manager:2003"),
            (Kind::Address, "[::1]:2003"),
            (Kind::Boolean, "true"),
            (Kind::ClassPath, "/usr/lib/hadoop/*:/etc/hadoop/conf:/opt/a.jar"),
            (Kind::Duration, "10s"),
            (Kind::FlinkVersion, "1.20.5"),
            (Kind::FlinkVersions, "1.20.5,2.3.0"),
            (Kind::Integer, "0"),
            (Kind::MirrorPath, "mirror_misc/pnda-agent"),
            (Kind::Path, "/etc/hadoop/conf"),
            (Kind::Port, "8082"),
            (Kind::Secret, "file:/etc/pnda/secrets/keystore"),
            (Kind::Secret, "credential:keystore"),
            (Kind::Size, "1600m"),
            (Kind::Url, "hdfs://HDFS-HA/pnda/flink/completed-jobs"),
            (Kind::Url, "file:///var/lib/pnda"),
            (Kind::Word, "1.20.5"),
        ];
        let bad = [
            (Kind::Address, "manager"),
            (Kind::Address, "::1:2003"),
            (Kind::ClassPath, "/usr/lib/*/lib"),
            (Kind::ClassPath, "lib/*"),
            (Kind::Duration, "10"),
            (Kind::Duration, "0s"),
            (Kind::FlinkVersion, "1.4.2"),
            (Kind::FlinkVersion, "1.20"),
            (Kind::FlinkVersions, "1.20.5,"),
            (Kind::FlinkVersions, "1.20.5, 2.3.0"),
            (Kind::Integer, "-1"),
            (Kind::MirrorPath, "../x"),
            (Kind::Path, "etc"),
            (Kind::Port, "0"),
            (Kind::Port, "65536"),
            (Kind::Secret, "hunter2"),
            (Kind::Size, "1600"),
            (Kind::Size, "m"),
            (Kind::Url, "localhost:80"),
            (Kind::Url, "http://user:secret@host/"),
        ];
        for (kind, text) in good {
            assert!(kind.accept_argument(text).is_some(), "{} {text}", kind.name());
        }
        for (kind, text) in bad {
            assert!(kind.accept_argument(text).is_none(), "{} {text}", kind.name());
        }
        assert_eq!(milliseconds("10s"), Some(10_000));
        assert_eq!(Kind::Port.accept(&Raw::Text("8082".into())), None, "TOML writes ports as numbers");
    }
}
