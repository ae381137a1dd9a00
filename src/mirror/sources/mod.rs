//! Where registries are: a property of the site, found in its own settings, never in this project.
//! In order: the command line, `sources.toml`, the environment, then what the machine's ordinary clients are set up with.
//! Not here: any request to a registry.

use super::lock::Source;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::OnceLock;
use words::location::Location;
use words::names::{BadName, Word};
use words::problem::Problems;

mod clients;
mod file;
mod secret;

pub use clients::apt_keyrings;
pub use file::Options;

/// A place that gives files of one kind: the registry itself, or one more under an id of its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The kind of files.
    pub kind: Source,
    /// The id of one more place, such as a repository that POMs name; none is the registry itself.
    pub id: Option<Word>,
}

/// A registry's place, and who said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its base address; credentials are in it, and are never shown.
    pub location: Location,
    /// Where that was found, for people.
    pub told_by: String,
    /// A file of OpenPGP public keys that are trusted for what it gives.
    pub keys: Option<PathBuf>,
    /// What must vouch for what it gives, where that is not the default.
    pub policy: Option<super::trust::Policy>,
}

/// The places of the registries that are known, and how they are asked.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// What the site says.
    found: BTreeMap<Key, Found>,
    /// What the machine's clients are set up with, asked when it is needed: some have to be started for it.
    defaults: BTreeMap<Key, OnceLock<Option<Found>>>,
    /// How all of them are asked.
    pub options: Options,
    site: Site,
}

/// Why a registry's place is not known.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `--source` was not understood.
    #[error("`--source {text}` is not understood: write KIND=URL or KIND/ID=URL; kinds are {}", kinds())]
    Argument { text: String },
    /// A secret on the command line.
    #[error(
        "`--source {key}=…` holds a user or a password, and everybody on this machine can read a command line: \
         name the source in sources.toml, with `credentials = \"env:NAME\"`, `\"file:PATH\"` or `\"systemd:NAME\"`"
    )]
    Exposed { key: Key },
    /// An id that is none.
    #[error("`--source` names a place by something that is no id")]
    Id(#[from] BadName),
    /// An address that is none.
    #[error("the source {key} of {told_by} is no address")]
    Address { key: Key, told_by: String, source: words::location::BadLocation },
    /// `sources.toml` has mistakes.
    #[error("the sources file has mistakes")]
    File(#[source] Problems),
    /// A sources file that was named cannot be read.
    #[error("cannot read {}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    /// Credentials cannot be had.
    #[error("the credentials of {told_by} cannot be read")]
    Secret { told_by: String, source: secret::Error },
    /// Nothing says where it is.
    #[error(
        "no {kind} source is known: none was given, and {client} is not set up on this machine; \
         give one with `--source {kind}=URL`, in sources.toml, or as {variable}"
    )]
    Unknown { kind: Source, client: &'static str, variable: String },
    /// Nothing says where one more place is.
    #[error(
        "no source `{kind}/{id}` is set up: give one with `--source {kind}/{id}=URL` or in sources.toml; \
         places beside the registry are off until the site turns them on"
    )]
    Off { kind: Source, id: Word },
}

/// What is looked at, in one value, so that finding is a decision.
#[derive(Debug, Clone, Default)]
pub struct Site {
    /// `--source KIND=URL`.
    pub arguments: Vec<String>,
    /// `--sources FILE`, or the default places.
    pub file: Option<PathBuf>,
    /// The environment.
    pub environment: BTreeMap<String, String>,
}

impl std::fmt::Display for Key {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.id {
            None => self.kind.fmt(out),
            Some(id) => write!(out, "{}/{id}", self.kind),
        }
    }
}

impl Key {
    /// The registry of a kind itself.
    pub fn registry(kind: Source) -> Key {
        Key { kind, id: None }
    }

    /// Reads `maven` or `maven/confluent`.
    fn parse(text: &str) -> Option<Result<Key, BadName>> {
        let (kind, id) = text.split_once('/').map_or((text, None), |(kind, id)| (kind, Some(id)));
        let kind = Source::registries().into_iter().find(|known| known.to_string() == kind)?;
        Some(id.map(Word::new).transpose().map(|id| Key { kind, id }))
    }
}

fn kinds() -> String {
    Source::registries().map(|kind| kind.to_string()).join(", ")
}

fn variable(kind: Source) -> String {
    format!("PNDA_SOURCE_{}", kind.to_string().to_uppercase())
}

impl Sources {
    /// Looks in all places, in order.
    pub fn find(site: &Site) -> Result<Sources, Error> {
        let mut sources = Sources { site: site.clone(), ..Sources::default() };
        for kind in Source::registries() {
            sources.defaults.insert(Key::registry(kind), OnceLock::new());
            let name = variable(kind);
            if let Some(text) = site.environment.get(&name) {
                sources.put(Key::registry(kind), text, format!("the variable {name}"), None, None)?;
            }
        }
        file::read(site, &mut sources)?;
        for text in &site.arguments {
            // The address may hold a password, so only what stands before it is shown.
            let refused = || Error::Argument { text: text.split_once('=').map_or("…", |(key, _)| key).to_owned() };
            let (key, url) = text.split_once('=').ok_or_else(refused)?;
            let key = Key::parse(key).ok_or_else(refused)??;
            let (keys, policy) = sources.found.get(&key).map_or((None, None), |old| (old.keys.clone(), old.policy));
            if exposes(url) {
                return Err(Error::Exposed { key });
            }
            sources.put(key, url, "the command line".to_owned(), keys, policy)?;
        }
        sources.add_suites();
        Ok(sources)
    }

    /// The machine's own apt knows a place for each suite; a site that names one for all of them means all.
    fn add_suites(&mut self) {
        if self.found.contains_key(&Key::registry(Source::Apt)) {
            return;
        }
        for known in clients::apt() {
            let key = Key { kind: Source::Apt, id: Some(known.id) };
            // What apt reads and this does not is left out, as if apt did not have it.
            let Ok(location) = Location::parse(&known.url) else { continue };
            let found = Found { location, told_by: known.told_by, keys: known.keys, policy: known.policy };
            self.found.entry(key).or_insert(found);
        }
    }

    fn put(
        &mut self,
        key: Key,
        text: &str,
        told_by: String,
        keys: Option<PathBuf>,
        policy: Option<super::trust::Policy>,
    ) -> Result<(), Error> {
        match Location::parse(text) {
            Ok(location) => drop(self.found.insert(key, Found { location, told_by, keys, policy })),
            Err(source) => return Err(Error::Address { key, told_by, source }),
        }
        Ok(())
    }

    /// A place, or what to do about it being unknown.
    pub fn of(&self, key: &Key) -> Result<&Found, Error> {
        let Key { kind, id } = key;
        self.given(key).or_else(|| self.of_client(key)).ok_or_else(|| match id {
            Some(id) => Error::Off { kind: *kind, id: id.clone() },
            None => Error::Unknown { kind: *kind, client: client(*kind), variable: variable(*kind) },
        })
    }

    /// Every place of a kind that is known, the registry itself first.
    pub fn all(&self, kind: Source) -> impl Iterator<Item = (&Key, &Found)> {
        let given = self.found.range(Key::registry(kind)..).take_while(move |(key, _)| key.kind == kind);
        let registry =
            self.defaults.get_key_value(&Key::registry(kind)).filter(|(key, _)| !self.found.contains_key(key));
        registry.into_iter().filter_map(|(key, _)| Some((key, self.of_client(key)?))).chain(given)
    }

    /// What the machine's client knows of a place.
    fn of_client(&self, key: &Key) -> Option<&Found> {
        self.defaults.get(key)?.get_or_init(|| self.client(key.kind)).as_ref()
    }

    /// What the machine's client of a kind is set up with.
    fn client(&self, kind: Source) -> Option<Found> {
        let (text, told_by) = match kind {
            Source::Maven => clients::maven(&self.site),
            Source::Pypi => clients::pypi(&self.site),
            Source::Apt | Source::Rpm | Source::File => None,
        }?;
        let location = Location::parse(&text).ok()?;
        Some(Found { location, told_by, keys: None, policy: None })
    }

    /// What the site demands of a place, if it says so.
    pub fn policy(&self, key: &Key) -> Option<super::trust::Policy> {
        self.given(key)?.policy
    }

    /// A place that the site gives. A suite of Debian that has no place of its own is in the archive.
    fn given(&self, key: &Key) -> Option<&Found> {
        let archive = || self.found.get(&Key::registry(Source::Apt)).filter(|_| key.kind == Source::Apt);
        self.found.get(key).or_else(archive)
    }

    /// The Maven repository, or what to do about there being none.
    pub fn maven(&self) -> Result<&Location, Error> {
        self.of(&Key::registry(Source::Maven)).map(|found| &found.location)
    }

    /// The Python index, or what to do about there being none.
    pub fn pypi(&self) -> Result<&Location, Error> {
        self.of(&Key::registry(Source::Pypi)).map(|found| &found.location)
    }

    /// What was looked at.
    pub fn site(&self) -> &Site {
        &self.site
    }
}

/// Whether an address holds credentials; the environment may, for only its user can read that.
fn exposes(url: &str) -> bool {
    matches!(Location::parse(url), Ok(Location::Web(url)) if !url.username().is_empty() || url.password().is_some())
}

/// The ordinary client of a kind, for people.
fn client(kind: Source) -> &'static str {
    match kind {
        Source::Maven => "Maven",
        Source::Pypi => "pip",
        Source::Apt => "apt",
        Source::Rpm => "dnf",
        Source::File => "no client",
    }
}

/// An address in text, and who gave it.
type Told = Option<(String, String)>;

#[cfg(test)]
mod tests {
    use super::*;

    fn with_file(text: &str, site: Site) -> Result<Sources, Error> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sources.toml");
        std::fs::write(&file, text).unwrap();
        Sources::find(&Site { file: Some(file), ..site })
    }

    #[test]
    fn the_command_line_wins_over_the_file_and_the_file_over_the_environment() {
        let site = Site {
            arguments: vec!["maven=https://b.example/m".into()],
            environment: BTreeMap::from([
                ("PNDA_SOURCE_PYPI".into(), "https://c.example/p".into()),
                ("PNDA_SOURCE_APT".into(), "https://c.example/a".into()),
            ]),
            ..Site::default()
        };
        let text = "maven = \"https://a.example/m\"\npypi = \"https://a.example/p\"\n";
        let sources = with_file(text, site).unwrap();
        assert_eq!(sources.maven().unwrap().to_string(), "https://b.example/m");
        assert_eq!(sources.pypi().unwrap().to_string(), "https://a.example/p");
        let apt = sources.of(&Key::registry(Source::Apt)).unwrap();
        assert_eq!(
            (apt.location.to_string().as_str(), apt.told_by.as_str()),
            ("https://c.example/a", "the variable PNDA_SOURCE_APT")
        );
    }

    #[test]
    fn a_source_may_say_more_than_its_address() {
        let text = "proxy = \"http://proxy.example:3128\"\nparallel = 3\n\
            [[source]]\nkind = \"maven\"\nid = \"confluent\"\nurl = \"https://c.example/maven\"\n\
            credentials = \"env:LOGIN\"\npolicy = \"signature\"\nkeys = \"/etc/keys.asc\"\n";
        let environment = BTreeMap::from([("LOGIN".into(), "me:sec@ret".into())]);
        let sources = with_file(text, Site { environment, ..Site::default() }).unwrap();
        let key = Key { kind: Source::Maven, id: Some(Word::new("confluent").unwrap()) };
        let found = sources.of(&key).unwrap();
        assert_eq!(found.location.to_string(), "https://c.example/maven");
        let Location::Web(url) = &found.location else { panic!("a web address stays one") };
        assert_eq!((url.username(), url.password()), ("me", Some("sec%40ret")));
        assert!(!format!("{sources:?}").contains("c.example/maven@") && !format!("{found:?}").contains("ret"));
        assert_eq!(found.policy, Some(crate::trust::Policy::Signature));
        assert_eq!((sources.options.parallel, sources.options.proxy.is_some()), (Some(3), true));
    }

    #[test]
    fn mistakes_name_where_they_are_and_no_secret() {
        let argument = Site { arguments: vec!["mavn=https://me:secret@a.example".into()], ..Site::default() };
        let error = Sources::find(&argument).unwrap_err().to_string();
        assert!(error.contains("mavn") && !error.contains("secret"), "{error}");
        let Err(Error::File(problems)) = with_file("mavne = \"x\"\n", Site::default()) else {
            panic!("the key is unknown")
        };
        assert!(problems.to_string().contains("did you mean `maven`?"));
        let text = "[[source]]\nkind = \"maven\"\nurl = \"https://a.example\"\ncredentials = \"me:secret\"\n";
        let Err(Error::File(problems)) = with_file(text, Site::default()) else { panic!("it is no reference") };
        assert!(problems.to_string().contains("sources.toml:4") && !problems.to_string().contains("secret"));
    }

    #[test]
    fn a_secret_is_refused_on_the_command_line_and_taken_from_the_environment() {
        for url in ["https://me:secret@a.example/m", "https://secret@a.example/m", "https://:secret@a.example/m"] {
            let site = Site { arguments: vec![format!("maven={url}")], ..Site::default() };
            let error = Sources::find(&site).unwrap_err().to_string();
            assert!(error.contains("`--source maven=…`") && error.contains("credentials = \"env:NAME\""), "{error}");
            assert!(!error.contains("secret"), "{error}");
            let environment = BTreeMap::from([("PNDA_SOURCE_MAVEN".into(), url.into())]);
            Sources::find(&Site { environment, ..Site::default() }).unwrap().maven().unwrap();
        }
    }

    #[test]
    fn nothing_known_says_what_to_do() {
        let error = Sources::default().maven().unwrap_err().to_string();
        assert!(error.contains("--source maven=URL") && error.contains("PNDA_SOURCE_MAVEN"), "{error}");
        let key = Key { kind: Source::Maven, id: Some(Word::new("confluent").unwrap()) };
        let error = Sources::default().of(&key).unwrap_err().to_string();
        assert!(error.contains("--source maven/confluent=URL"), "{error}");
    }
}
