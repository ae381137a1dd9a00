//! `sources.toml`: the site's own word on where its registries are, how they are asked, and what must vouch for them.
//! A short form names an address, `[[source]]` says more; credentials are named, never written there.
//! Not here: who else may say where a registry is.

use super::{Error, Key, Site, Sources, secret};
use crate::lock::Source;
use crate::trust::Policy;
use std::path::{Path, PathBuf};
use words::document::{self, Table};
use words::location::Location;
use words::names::Word;
use words::problem::Source as Document;

/// How registries are asked, whichever it is.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// The proxy for all of them; none leaves it to the environment.
    pub proxy: Option<String>,
    /// PEM certificates that are trusted besides the machine's own.
    pub certificates: Option<PathBuf>,
    /// Requests to one host at a time.
    pub parallel: Option<usize>,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A proxy's address may hold a password.
        write!(out, "Options({} at a time)", self.parallel.map_or("some".into(), |parallel| parallel.to_string()))
    }
}

struct Entry {
    key: Key,
    url: String,
    credentials: Option<secret::Reference>,
    keys: Option<PathBuf>,
    policy: Option<Policy>,
}

/// Takes in the site's file, if there is one.
pub(super) fn read(site: &Site, sources: &mut Sources) -> Result<(), Error> {
    let Some(path) = site.file.clone().or_else(|| default_file(site)) else { return Ok(()) };
    let text = std::fs::read_to_string(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
    let file = path.display().to_string();
    let (options, entries) = document::read(Document { file: &file, text: &text }, table).map_err(Error::File)?;
    sources.options = options;
    for entry in entries {
        let key = entry.key.clone();
        sources.put(entry.key, &entry.url, file.clone(), entry.keys, entry.policy)?;
        if let (Some(reference), Some(found)) = (entry.credentials, sources.found.get_mut(&key)) {
            let told_by = format!("the source {key} in {file}");
            let login = reference.read(&site.environment).map_err(|source| Error::Secret { told_by, source })?;
            login.put_into(&mut found.location);
        }
    }
    Ok(())
}

fn table(table: &mut Table<'_>) -> Option<(Options, Vec<Entry>)> {
    let mut entries = Vec::new();
    for (name, kind) in [("maven", Source::Maven), ("pypi", Source::Pypi), ("apt", Source::Apt), ("rpm", Source::Rpm)] {
        let url = table.optional(name).map(|text| text.text);
        entries.extend(url.map(|url| Entry {
            key: Key::registry(kind),
            url,
            credentials: None,
            keys: None,
            policy: None,
        }));
    }
    let proxy = table.optional_parsed("proxy", "http://proxy.example:3128", |text| match Location::parse(&text) {
        Ok(Location::Path(_)) => Err("it is no web address".to_owned()),
        Ok(_) => Ok(text),
        Err(error) => Err(error.to_string()),
    });
    let certificates = table.optional("certificates").map(|text| PathBuf::from(text.text));
    let parallel = table.number("parallel", 1..=64).map(|number| number as usize);
    entries.extend(table.tables("source", entry).into_iter().flatten());
    Some((Options { proxy, certificates, parallel }, entries))
}

fn entry(table: &mut Table<'_>) -> Option<Entry> {
    let kind = table.parsed("kind", "maven", |text| {
        let known = Source::registries().into_iter().find(|kind| kind.to_string() == text);
        known.ok_or_else(|| format!("`{text}` is no kind of source; kinds are {}", super::kinds()))
    });
    let id = table.optional_parsed("id", "confluent", Word::new);
    let url = table.required("url", "https://repo.example/maven");
    let credentials = table.optional_parsed("credentials", "env:REPO_LOGIN or file:/etc/pnda/repo.login", |text| {
        secret::Reference::parse(&text)
    });
    let keys = table.optional("keys").map(|text| PathBuf::from(text.text));
    let policy = table.optional_parsed("policy", "checksum", |text| Policy::parse(&text));
    Some(Entry { key: Key { kind: kind?, id }, url: url?.text, credentials, keys, policy })
}

fn default_file(site: &Site) -> Option<PathBuf> {
    let home = site.environment.get("HOME").map(|home| Path::new(home).join(".config"));
    let user = site.environment.get("XDG_CONFIG_HOME").map(PathBuf::from).or(home);
    let places = user.into_iter().chain([PathBuf::from("/etc")]);
    places.map(|folder| folder.join("pnda/sources.toml")).find(|path| path.is_file())
}
