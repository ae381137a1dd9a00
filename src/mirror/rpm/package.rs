//! What a package says of itself in its header: its name, what it needs and provides, its files and its changes.
//! Text of any encoding becomes text that XML can hold.
//! Not here: how that is written into an index (`publish`).

use super::header::{Error, Header, Headers, MOST_PATHS};
use super::relation::{Comparison, Relation};
use std::borrow::Cow;
use std::io::Read;
use std::sync::Arc;

/// Tags of single values.
mod tag {
    pub const NAME: u32 = 1000;
    pub const VERSION: u32 = 1001;
    pub const RELEASE: u32 = 1002;
    pub const EPOCH: u32 = 1003;
    pub const SUMMARY: u32 = 1004;
    pub const DESCRIPTION: u32 = 1005;
    pub const BUILD_TIME: u32 = 1006;
    pub const BUILD_HOST: u32 = 1007;
    pub const SIZE: u32 = 1009;
    pub const LONG_SIZE: u32 = 5009;
    pub const VENDOR: u32 = 1011;
    pub const LICENSE: u32 = 1014;
    pub const PACKAGER: u32 = 1015;
    pub const GROUP: u32 = 1016;
    pub const URL: u32 = 1020;
    pub const ARCHITECTURE: u32 = 1022;
    pub const SOURCE: u32 = 1044;
    pub const ARCHIVE_SIZE: u32 = 1046;
    pub const LONG_ARCHIVE_SIZE: u32 = 271;
    /// In the header of signatures.
    pub const PAYLOAD_SIZE: u32 = 1007;
}

/// Tags of lists: files and changes.
const OLD_FILE_NAMES: u32 = 1027;
const FILE_MODES: u32 = 1030;
const FILE_FLAGS: u32 = 1037;
const DIRECTORY_INDEXES: u32 = 1116;
const BASE_NAMES: u32 = 1117;
const DIRECTORY_NAMES: u32 = 1118;
const CHANGE_TIMES: u32 = 1080;
const CHANGE_NAMES: u32 = 1081;
const CHANGE_TEXTS: u32 = 1082;

/// A file that is listed but not in the payload.
const GHOST: u64 = 64;
/// Bits of a need that must be met before a script runs.
const BEFORE: u64 = 64 | 512 | 1024;
/// How many changes an index holds of a package.
const CHANGES: usize = 10;

/// The kinds of dependencies, in the order of an index.
pub const KINDS: [Kind; 8] = [
    Kind { name: "provides", tags: [1047, 1112, 1113] },
    Kind { name: "requires", tags: [1049, 1048, 1050] },
    Kind { name: "conflicts", tags: [1054, 1053, 1055] },
    Kind { name: "obsoletes", tags: [1090, 1114, 1115] },
    Kind { name: "suggests", tags: [5049, 5051, 5050] },
    Kind { name: "enhances", tags: [5055, 5057, 5056] },
    Kind { name: "recommends", tags: [5046, 5048, 5047] },
    Kind { name: "supplements", tags: [5052, 5054, 5053] },
];

/// One kind of dependencies.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// Its name in an index.
    pub name: &'static str,
    /// The tags of names, flags and versions.
    tags: [u32; 3],
}

/// A dependency, and whether it must be met before the package's scripts run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Need {
    /// What.
    pub relation: Relation,
    /// Whether before.
    pub before: bool,
}

/// A file of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its absolute path.
    pub path: String,
    /// What it is, where it is no plain file: `dir` or `ghost`.
    pub kind: Option<&'static str>,
}

/// An entry of the changelog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Seconds since 1970.
    pub time: u64,
    /// Who.
    pub author: String,
    /// What.
    pub text: String,
}

/// A package's description of itself.
#[derive(Debug, Clone)]
pub struct Package {
    /// Its headers, for what is not taken out of them.
    pub headers: Headers,
    /// The length of its file in bytes.
    pub size: u64,
    /// Its name.
    pub name: String,
    /// Its epoch.
    pub epoch: u64,
    /// Its version.
    pub version: String,
    /// Its release.
    pub release: String,
    /// Its architecture, or `src`.
    pub architecture: String,
}

impl Package {
    /// Reads a package's headers from its beginning.
    pub fn read(from: impl Read, size: u64) -> Result<Package, Error> {
        let headers = Headers::read(from)?;
        let header = &headers.package;
        let text = |tag, what| header.text(tag).filter(|text| !text.is_empty()).ok_or(Error::Missing { what });
        let architecture = match header.has(tag::SOURCE) || !header.has(1106) {
            true => text(tag::ARCHITECTURE, "architecture")?.into_owned(),
            false => "src".to_owned(),
        };
        let paths = places(header).map(|(_, folder, name)| folder.len() + name.len());
        if paths.sum::<usize>() > MOST_PATHS {
            return Err(Error::Paths);
        }
        Ok(Package {
            name: text(tag::NAME, "name")?.into_owned(),
            version: text(tag::VERSION, "version")?.into_owned(),
            release: text(tag::RELEASE, "release")?.into_owned(),
            epoch: header.number(tag::EPOCH).unwrap_or(0),
            architecture,
            size,
            headers,
        })
    }

    /// `name-epoch:version-release.architecture`, the epoch only where there is one.
    pub fn identity(&self) -> String {
        let epoch = if self.epoch == 0 { String::new() } else { format!("{}:", self.epoch) };
        format!("{}-{epoch}{}-{}.{}", self.name, self.version, self.release, self.architecture)
    }

    /// One of the texts that people read; empty where the package says nothing.
    pub fn said(&self, of: Said) -> String {
        plain(&self.headers.package.text(of as u32).unwrap_or_default())
    }

    /// When it was built, in seconds since 1970.
    pub fn built(&self) -> u64 {
        self.headers.package.number(tag::BUILD_TIME).unwrap_or(0)
    }

    /// The bytes of its files, and of its payload unpacked.
    pub fn sizes(&self) -> (u64, u64) {
        let (own, signature) = (&self.headers.package, &self.headers.signature);
        let first =
            |places: &[(&Header, u32)]| places.iter().find_map(|(header, tag)| header.number(*tag)).unwrap_or(0);
        let archive = [
            (signature, tag::PAYLOAD_SIZE),
            (signature, tag::LONG_ARCHIVE_SIZE),
            (own, tag::ARCHIVE_SIZE),
            (own, tag::LONG_ARCHIVE_SIZE),
        ];
        (first(&[(own, tag::SIZE), (own, tag::LONG_SIZE)]), first(&archive))
    }

    /// Its dependencies of one kind, each once, in the order of the header; RPM's own features are left out.
    pub fn needs(&self, kind: Kind) -> Vec<Need> {
        let [names, flags, versions] = kind.tags;
        let header = &self.headers.package;
        let (flags, versions) = (header.numbers(flags), header.texts(versions));
        let mut found: Vec<Need> = Vec::new();
        let mut seen = std::collections::BTreeSet::new();
        for (at, name) in header.texts(names).iter().enumerate() {
            let flags = flags.get(at).copied().unwrap_or(0);
            if name.is_empty() || name.starts_with("rpmlib(") {
                continue;
            }
            let version = versions.get(at).filter(|version| !version.is_empty());
            let range = Comparison::of_bits(flags).zip(version.map(|version| Arc::from(plain(version))));
            let relation = Relation { name: plain(name).into(), range };
            let need = Need { relation, before: kind.name == "requires" && flags & BEFORE != 0 };
            if seen.insert(need.clone()) {
                found.push(need);
            }
        }
        found
    }

    /// Its files.
    pub fn files(&self) -> Vec<Listed> {
        let header = &self.headers.package;
        let (modes, flags) = (header.numbers(FILE_MODES), header.numbers(FILE_FLAGS));
        let mut paths: Vec<(usize, String)> =
            places(header).map(|(at, folder, name)| (at, format!("{folder}{name}"))).collect();
        if paths.is_empty() {
            let old = header.texts(OLD_FILE_NAMES).into_iter().enumerate();
            paths = old.map(|(at, path)| (at, path.into_owned())).collect();
        }
        let kind = |at: usize| match (modes.get(at).map(|mode| mode & 0o170_000), flags.get(at)) {
            (Some(0o040_000), _) => Some("dir"),
            (_, Some(flags)) if flags & GHOST != 0 => Some("ghost"),
            _ => None,
        };
        paths.iter().map(|(at, path)| Listed { path: plain(path), kind: kind(*at) }).collect()
    }

    /// Its latest changes, the oldest first.
    pub fn changes(&self) -> Vec<Change> {
        let header = &self.headers.package;
        let (times, authors) = (header.numbers(CHANGE_TIMES), header.texts(CHANGE_NAMES));
        let texts = header.texts(CHANGE_TEXTS);
        let of = |((time, author), text): ((&u64, &Cow<'_, str>), &Cow<'_, str>)| Change {
            time: *time,
            author: plain(author),
            text: plain(text),
        };
        let mut changes: Vec<Change> = times.iter().zip(&authors).zip(&texts).take(CHANGES).map(of).collect();
        changes.reverse();
        changes
    }
}

/// The number, folder and name of each file; one whose folder is not there is left out.
fn places(header: &Header) -> impl Iterator<Item = (usize, Cow<'_, str>, Cow<'_, str>)> {
    let (folders, indexes) = (header.texts(DIRECTORY_NAMES), header.numbers(DIRECTORY_INDEXES));
    let folder = move |at: usize| folders.get(usize::try_from(*indexes.get(at)?).ok()?).cloned();
    let names = header.texts(BASE_NAMES).into_iter().enumerate();
    names.filter_map(move |(at, name)| Some((at, folder(at)?, name)))
}

/// What a package says for people.
#[derive(Debug, Clone, Copy)]
#[repr(u32)]
pub enum Said {
    /// One line.
    Summary = tag::SUMMARY,
    /// More.
    Description = tag::DESCRIPTION,
    /// Who packed it.
    Packager = tag::PACKAGER,
    /// Its home.
    Url = tag::URL,
    /// Its licence.
    License = tag::LICENSE,
    /// Who gives it.
    Vendor = tag::VENDOR,
    /// Its place in an old order.
    Group = tag::GROUP,
    /// Where it was built.
    BuildHost = tag::BUILD_HOST,
    /// The source package it was built from.
    Source = tag::SOURCE,
}

/// Text without the characters that XML cannot hold.
fn plain(text: &str) -> String {
    let allowed = |c: &char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
    text.chars().filter(allowed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpm::header::tests::{REAL, Value, file, small};

    #[test]
    fn a_package_says_what_it_is() {
        let package = Package::read(&small()[..], 500).unwrap();
        assert_eq!(package.identity(), "app-2.0-3.el9.noarch");
        let provides: Vec<String> = package.needs(KINDS[0]).iter().map(|need| need.relation.to_string()).collect();
        assert_eq!(provides, ["app = 2.0-3.el9", "web"]);
        let files: Vec<String> = package.files().into_iter().map(|file| file.path).collect();
        assert_eq!(files, ["/usr/bin/app", "/usr/bin/tool"]);
        assert_eq!((package.built(), package.sizes(), package.said(Said::Url)), (0, (0, 0), String::new()));
    }

    #[test]
    fn a_real_package_is_read_whole() {
        let package = Package::read(REAL, REAL.len() as u64).unwrap();
        assert_eq!(package.identity(), "app-1:2.0-3.el9.noarch");
        let needs: Vec<String> = package.needs(KINDS[1]).iter().map(|need| need.relation.to_string()).collect();
        assert_eq!(needs[..3], ["(extra if lib)", "/bin/sh", "/usr/bin/tool"]);
        assert_eq!(needs.last().unwrap(), "lib < 3", "{needs:?}");
        assert_eq!(package.needs(KINDS[3])[0].relation.to_string(), "oldapp < 2");
        let files: Vec<String> = package.files().iter().map(|file| format!("{:?} {}", file.kind, file.path)).collect();
        assert_eq!(files[0], "Some(\"dir\") /etc/app");
        assert_eq!(files.last().unwrap(), "Some(\"ghost\") /var/log/app/log");
        let changes: Vec<String> = package.changes().into_iter().map(|change| change.text).collect();
        assert_eq!(changes, ["- first", "- second & more"]);
        assert_eq!((package.sizes().0, package.said(Said::BuildHost).as_str()), (12, "builder.example"));
    }

    #[test]
    fn lists_that_do_not_fit_each_other_are_cut() {
        let bytes = file(&[
            (1000, Value::Text("a")),
            (1001, Value::Text("1\u{1}")),
            (1002, Value::Text("1")),
            (1022, Value::Text("noarch")),
            (1049, Value::Texts(&["rpmlib(X)", "b", "b", "c"])),
            (1048, Value::Numbers(&[8, 12])),
            (1050, Value::Texts(&["1", "2"])),
            (1116, Value::Numbers(&[7, 0])),
            (1117, Value::Texts(&["lost", "found"])),
            (1118, Value::Texts(&["/"])),
            (1030, Value::Numbers(&[0, 0o040_755])),
        ]);
        let package = Package::read(&bytes[..], 1).unwrap();
        let needs: Vec<String> = package.needs(KINDS[1]).iter().map(|need| need.relation.to_string()).collect();
        assert_eq!(needs, ["b >= 2", "b", "c"]);
        let files: Vec<(String, Option<&str>)> =
            package.files().into_iter().map(|file| (file.path, file.kind)).collect();
        assert_eq!(files, [("/found".to_owned(), Some("dir"))], "modes are those of the file, not of its neighbour");
    }

    #[test]
    fn one_long_folder_does_not_make_paths_without_end() {
        let (folder, names) = ("/".repeat(1 << 20), vec!["a"; 100]);
        let bytes = file(&[
            (1000, Value::Text("a")),
            (1001, Value::Text("1")),
            (1002, Value::Text("1")),
            (1022, Value::Text("noarch")),
            (1116, Value::Numbers(&[0; 100])),
            (1117, Value::Texts(&names)),
            (1118, Value::Texts(&[&folder])),
        ]);
        assert!(matches!(Package::read(&bytes[..], 1), Err(Error::Paths)));
    }
}
