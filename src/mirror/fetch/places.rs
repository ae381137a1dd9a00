//! Where an artifact may be now: at its registry, where an index page says, or at the URLs of its manifest, in order.
//! What it is stands in the lock and is not asked again.
//! Not here: asking for it.

use super::{Cause, Fetch};
use crate::lock::{Artifact, Source};
use crate::manifest::Want;
use crate::resolve::pypi;
use crate::sources::Key;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use words::location::Location;
use words::names::Word;

impl Fetch<'_> {
    /// Where an artifact may be now.
    pub(super) fn places(&self, artifact: &Artifact, pages: &Pages) -> Result<Vec<Location>, Cause> {
        match artifact.source {
            Source::Maven | Source::Apt | Source::Rpm => {
                Ok(vec![self.sources.of(&artifact.key())?.location.join(&artifact.address)])
            }
            Source::Pypi => {
                let (project, name) = artifact.address.as_str().split_once('/').ok_or(Cause::Unwanted)?;
                let project = Word::new(project).map_err(|_| Cause::Unwanted)?;
                Ok(vec![pages.locate(self, artifact.key(), &project, name)?])
            }
            Source::File => {
                let wants = artifact.wanted_by.iter().filter_map(|name| self.manifest.wants.get(name));
                let urls = wants.filter_map(|want| match want {
                    Want::File(file) => Some(file.urls.iter()),
                    _ => None,
                });
                let places: Vec<Location> = urls.flatten().filter_map(|url| Location::parse(url).ok()).collect();
                if places.is_empty() { Err(Cause::Unwanted) } else { Ok(places) }
            }
        }
    }
}

/// The index pages that were read in this run, one request each.
#[derive(Default)]
pub(super) struct Pages(Mutex<BTreeMap<(Key, Word), Page>>);

/// One page; who needs it waits for it, and for no other.
type Page = Arc<Mutex<Option<pypi::Project>>>;

impl Pages {
    fn locate(&self, fetch: &Fetch<'_>, key: Key, project: &Word, name: &str) -> Result<Location, pypi::Error> {
        let index = &fetch.sources.of(&key)?.location;
        let page = {
            let mut pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            pages.entry((key, project.clone())).or_default().clone()
        };
        let mut page = page.lock().unwrap_or_else(PoisonError::into_inner);
        let read = match page.take() {
            Some(read) => read,
            None => pypi::project(fetch.http, index, project, fetch.tell)?,
        };
        page.insert(read).named(name).map(|file| file.location)
    }
}
