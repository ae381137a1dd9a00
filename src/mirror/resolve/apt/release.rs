//! The `Release` of a suite: what it is, when it was made, until when it is to be believed, and the digests of its lists.
//! Its text was verified before it comes here; the clock is a value.
//! Not here: who signed it, or what its lists say.

use super::control::{self, Stanza, Stanzas};
use crate::compression::Compression;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};
use systems::download::Expected;
use words::digest::Sha256;
use words::names::SafePath;
use words::shown::shown;

/// The largest list that is read, packed or not: the largest known have a hundred megabytes.
const LARGEST_LIST: u64 = 1 << 30;

/// The fields that are read.
const FIELDS: [&str; 7] = [
    "Date",
    "Valid-Until",
    "Components",
    "Architectures",
    "Acquire-By-Hash",
    "No-Support-for-Architecture-all",
    "SHA256",
];

/// Why a Release is of no use.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is no control data.
    #[error("the Release is not readable")]
    Control(#[from] control::Error),
    /// It is empty, or says nothing of its lists.
    #[error("the Release names no lists with SHA-256")]
    Empty,
    /// A line of its list of files.
    #[error("the Release lists `{}`, which is not digest, size and path", shown(text))]
    Line { text: String },
    /// A date that cannot be read.
    #[error("the Release has `{field}: {}`, which is no date", shown(text))]
    Date { field: &'static str, text: String },
    /// It was to be believed for a while only, and the while is over.
    #[error(
        "the Release was valid until {until}, which is over: somebody may be showing an old state, or the archive is a \
         snapshot; where that is meant, write allow-expired = true in the manifest"
    )]
    Expired { until: String },
    /// It lists no packages for a component and architecture.
    #[error(
        "the Release has no list of {component} for {architecture}; its components are {components}, its architectures {architectures}"
    )]
    NoList { component: String, architecture: String, components: String, architectures: String },
    /// A list is longer than any may be.
    #[error("the Release says that {path} has {size} bytes, more than any list may have")]
    TooLarge { path: SafePath, size: u64 },
}

/// A suite as its archive describes it.
#[derive(Debug, Clone)]
pub struct Release {
    stanza: Stanza,
    lists: BTreeMap<SafePath, Expected>,
    /// When it was made.
    pub date: Option<SystemTime>,
    until: Option<SystemTime>,
}

/// One list of packages: where it is below the suite's folder, how it is packed, and what it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// Its path below the folder of the suite.
    pub path: SafePath,
    /// How it is packed.
    pub compression: Compression,
    /// What its packed bytes must be.
    pub packed: Expected,
    /// How long it may be when it is unpacked.
    pub limit: u64,
}

impl Release {
    /// Reads a Release.
    pub fn parse(text: &str) -> Result<Release, Error> {
        let stanza = Stanzas::only(text.as_bytes(), &FIELDS).read()?.ok_or(Error::Empty)?;
        let mut lists = BTreeMap::new();
        for line in stanza.lines("SHA256") {
            let bad = || Error::Line { text: line.chars().take(120).collect() };
            let words: Vec<&str> = line.split_whitespace().collect();
            let [digest, size, path] = words[..] else { return Err(bad()) };
            let sha256: Sha256 = digest.parse().map_err(|_| bad())?;
            let size = size.parse().map_err(|_| bad())?;
            // Archives list files with names that are none of ours; a path that leaves the folder is nobody's.
            let path = SafePath::new(path).map_err(|_| bad())?;
            lists.insert(path, Expected { size, sha256 });
        }
        if lists.is_empty() {
            return Err(Error::Empty);
        }
        let date = |field: &'static str| stanza.get(field).map(|text| moment(field, text)).transpose();
        let (date, until) = (date("Date")?, date("Valid-Until")?);
        Ok(Release { stanza, lists, date, until })
    }

    /// Refuses it when its time is over.
    pub fn still_valid(&self, now: SystemTime) -> Result<(), Error> {
        match self.until {
            Some(until) if until < now => Err(Error::Expired { until: httpdate::fmt_http_date(until) }),
            _ => Ok(()),
        }
    }

    /// Whether lists can be asked for by their digest.
    pub fn by_hash(&self) -> bool {
        self.stanza.get("Acquire-By-Hash").is_some_and(|value| value.eq_ignore_ascii_case("yes"))
    }

    /// The lists that a client of an architecture reads of a component: its own, and where packages for all are apart,
    /// those too.
    pub fn lists(&self, component: &str, architecture: &str) -> Result<Vec<List>, Error> {
        let own = self.list(component, architecture)?.ok_or_else(|| Error::NoList {
            component: component.to_owned(),
            architecture: architecture.to_owned(),
            components: self.stanza.get("Components").unwrap_or("unknown").to_owned(),
            architectures: self.stanza.get("Architectures").unwrap_or("unknown").to_owned(),
        })?;
        // As apt does: only where the suite says that it has them, and does not say that they are in every list.
        let words = |field| self.stanza.get(field).unwrap_or_default().split_whitespace();
        let apart = words("Architectures").any(|word| word == "all")
            && !words("No-Support-for-Architecture-all").any(|word| word == "Packages");
        let apart = if apart { self.list(component, "all")? } else { None };
        Ok([own].into_iter().chain(apart).collect())
    }

    /// The smallest form of one list.
    fn list(&self, component: &str, architecture: &str) -> Result<Option<List>, Error> {
        let plain = format!("{component}/binary-{architecture}/Packages");
        let known = |compression: Compression| {
            let (path, packed) = self.lists.get_key_value(format!("{plain}{}", compression.extension()).as_str())?;
            Some((path.clone(), *packed, compression))
        };
        let Some((path, packed, compression)) = Compression::ALL.into_iter().find_map(known) else { return Ok(None) };
        let limit = self.lists.get(plain.as_str()).map_or(LARGEST_LIST, |plain| plain.size);
        if packed.size.max(limit) > LARGEST_LIST {
            return Err(Error::TooLarge { path, size: packed.size.max(limit) });
        }
        Ok(Some(List { path, compression, packed, limit }))
    }
}

/// `Sat, 11 Jul 2026 10:16:37 UTC`, as Debian writes it; other archives write the zone as `+0000` or `GMT`.
fn moment(field: &'static str, text: &str) -> Result<SystemTime, Error> {
    let bad = || Error::Date { field, text: text.chars().take(60).collect() };
    let mut words: Vec<&str> = text.split_whitespace().collect();
    if !matches!(words.pop(), Some("UTC" | "GMT" | "Z" | "+0000" | "-0000")) || words.len() != 5 {
        return Err(bad());
    }
    let (day, time) = (format!("{:0>2}", words[1]), format!("{:0>8}", words[4]));
    let text = format!("{} {day} {} {} {time} GMT", words[0], words[2], words[3]);
    let moment = httpdate::parse_http_date(&text).map_err(|_| bad())?;
    // A year of four digits can be beyond what anybody computes with.
    moment.checked_add(Duration::from_secs(1)).map(|_| moment).ok_or_else(bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn release(head: &str, lists: &str) -> Result<Release, Error> {
        Release::parse(&format!("Suite: stable\n{head}SHA256:\n{}", lists.replace('#', DIGEST)))
    }

    fn at(text: &str) -> SystemTime {
        httpdate::parse_http_date(text).unwrap()
    }

    #[test]
    fn the_smallest_form_of_a_list_is_chosen_and_bounded_by_the_plain_one() {
        let lists = " # 900 main/binary-amd64/Packages\n # 300 main/binary-amd64/Packages.gz\n # 200 main/binary-amd64/Packages.xz\n # 7 main/binary-all/Packages\n";
        let release = release("Architectures: all amd64\n", lists).unwrap();
        let found = release.lists("main", "amd64").unwrap();
        let shown: Vec<_> = found.iter().map(|list| (list.path.as_str(), list.packed.size, list.limit)).collect();
        assert_eq!(shown, [("main/binary-amd64/Packages.xz", 200, 900), ("main/binary-all/Packages", 7, 7)]);
        let error = release.lists("contrib", "amd64").unwrap_err().to_string();
        assert!(error.contains("no list of contrib for amd64"), "{error}");
    }

    #[test]
    fn packages_for_all_are_asked_for_once() {
        let head = "No-Support-for-Architecture-all: Packages\n";
        let lists = " # 9 main/binary-amd64/Packages\n # 7 main/binary-all/Packages\n";
        for head in [&format!("Architectures: amd64 all\n{head}"), "Architectures: amd64\n", ""] {
            assert_eq!(release(head, lists).unwrap().lists("main", "amd64").unwrap().len(), 1, "{head}");
        }
    }

    #[test]
    fn an_old_state_is_not_believed() {
        let text = "Date: Mon, 1 Jun 2026 1:02:03 UTC\nValid-Until: Mon, 08 Jun 2026 01:02:03 +0000\n";
        let release = release(text, " # 1 main/binary-amd64/Packages\n").unwrap();
        assert_eq!(release.date, Some(at("Mon, 01 Jun 2026 01:02:03 GMT")));
        release.still_valid(at("Mon, 08 Jun 2026 01:02:03 GMT")).unwrap();
        let error = release.still_valid(at("Mon, 08 Jun 2026 01:02:04 GMT")).unwrap_err().to_string();
        assert!(error.contains("Mon, 08 Jun 2026 01:02:03 GMT") && error.contains("allow-expired = true"), "{error}");
    }

    #[test]
    fn hostile_releases_are_refused() {
        let one = " # 1 main/binary-amd64/Packages\n";
        assert!(matches!(release("", ""), Err(Error::Empty)));
        assert!(matches!(release("", " # 1 ../../etc/passwd\n"), Err(Error::Line { .. })));
        assert!(matches!(release("", " # x main/binary-amd64/Packages\n"), Err(Error::Line { .. })));
        assert!(matches!(release("", " 12 1 main/binary-amd64/Packages\n"), Err(Error::Line { .. })));
        assert!(matches!(release("Date: yesterday\n", one), Err(Error::Date { field: "Date", .. })));
        let vast = release("", " # 99999999999 main/binary-amd64/Packages\n").unwrap();
        assert!(matches!(vast.lists("main", "amd64"), Err(Error::TooLarge { .. })));
    }
}
