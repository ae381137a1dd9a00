//! What a bill of materials lists, and what wants what: things by their numbers, for there may be a hundred thousand.
//! A thing becomes a component only while it is written.
//! Not here: which bills there are.

use super::Sources;
use super::cyclonedx::{Bom, Component, Dependency, Each};
use crate::licences;
use crate::lock::{Artifact, Chain, Lock};
use crate::purl::Purl;
use std::collections::{BTreeMap, BTreeSet};
use words::digest::Sha256;
use words::names::SafePath;
use words::tree::{Entry, Spot, Tree};

/// All things in the order of their references, what they want, and where they are.
pub(super) struct Parts<'a> {
    pub(super) things: Vec<Thing<'a>>,
    /// What the mirror itself wants.
    pub(super) wanted: BTreeSet<usize>,
    /// What one thing wants of others, sorted.
    wants: Vec<(usize, usize)>,
    /// Things in the order of their digests.
    by_digest: Vec<usize>,
    /// Where things lie, sorted.
    places: Vec<(usize, Spot<'a>)>,
    licences: licences::Reader<'a>,
}

/// One thing of a bill.
pub(super) struct Thing<'a> {
    what: What<'a>,
    /// Another thing has its name, so that its digest belongs to its reference.
    is_twin: bool,
}

enum What<'a> {
    Artifact(&'a Artifact),
    /// It was made here.
    Made(Box<Made<'a>>),
}

struct Made<'a> {
    path: &'a SafePath,
    how: &'static str,
    sha256: Sha256,
}

impl<'a> Parts<'a> {
    pub(super) fn of(sources: &Sources<'a>) -> Parts<'a> {
        let described = described(sources.lock);
        let metadata = |artifact: &Artifact| Purl::of(artifact).is_pom() && described.contains(folder(artifact));
        let listed = sources.lock.artifacts.iter().filter(|one| !one.is_signature() && !metadata(one));
        let mut things: Vec<Thing<'a>> = listed.map(Thing::of).collect();
        let assembled = sources.manifest.assemblies.values().map(|assembly| (&assembly.path, "assembly"));
        let programs = sources.programs.iter().map(|path| (*path, "program"));
        let made = assembled.chain(programs).filter_map(|(path, how)| Thing::made(path, how, sources.tree));
        things.extend(made);
        tell_apart(&mut things);
        let mut by_digest: Vec<usize> = (0..things.len()).collect();
        by_digest.sort_unstable_by_key(|at| (things[*at].sha256(), *at));
        let licences = licences::Reader::new(sources.lock, sources.store);
        let (wanted, wants, places) = (BTreeSet::new(), Vec::new(), Vec::new());
        let mut parts = Parts { things, wanted, wants, by_digest, places, licences };
        parts.chains();
        parts.assemblies(sources);
        parts.wants.sort_unstable();
        parts.wants.dedup();
        let object = |(spot, entry): (Spot<'a>, Entry)| match entry {
            Entry::Object { digest, .. } => Some((parts.thing(digest)?, spot)),
            Entry::File { .. } => None,
        };
        parts.places = sources.tree.spots().filter_map(object).collect();
        parts.places.sort_by_key(|(at, _)| *at);
        parts
    }

    /// The thing that is these bytes; of several the last.
    fn thing(&self, sha256: Sha256) -> Option<usize> {
        let end = self.by_digest.partition_point(|at| self.things[*at].sha256() <= sha256);
        self.by_digest[..end].last().copied().filter(|at| self.things[*at].sha256() == sha256)
    }

    /// What lies at a path.
    pub(super) fn at(&self, path: &SafePath, tree: &Tree) -> Option<usize> {
        self.thing(tree.get(path)?.digest())
    }

    /// Wants along the chains of the lock: what is left out is stepped over.
    fn chains(&mut self) {
        let mut names: BTreeMap<&str, usize> = BTreeMap::new();
        for (at, thing) in self.things.iter().enumerate() {
            names.extend(thing.because().iter().map(|chain| (chain.last(), at)));
        }
        for chain in self.things.iter().flat_map(Thing::because) {
            let mut above = None;
            for next in chain.names().filter_map(|name| names.get(name).copied()) {
                match above {
                    None => drop(self.wanted.insert(next)),
                    Some(above) if above != next => self.wants.push((above, next)),
                    Some(_) => {}
                }
                above = Some(next);
            }
        }
    }

    /// The mirror wants what is made here; an assembly wants the parts that it takes.
    fn assemblies(&mut self, sources: &Sources<'_>) {
        let made = self.things.iter().enumerate().filter(|(_, thing)| matches!(thing.what, What::Made(..)));
        self.wanted.extend(made.map(|(at, _)| at));
        for assembly in sources.manifest.assemblies.values() {
            let Some(at) = self.at(&assembly.path, sources.tree) else { continue };
            for artifact in assembly.takes.iter().flat_map(|take| sources.lock.wanted_by(&take.from)) {
                let part = self.thing(artifact.sha256);
                self.wants.extend(part.map(|part| (at, part)));
            }
        }
    }

    fn wants_of(&self, at: usize) -> impl Iterator<Item = usize> + '_ {
        let start = self.wants.partition_point(|(from, _)| *from < at);
        self.wants[start..].iter().take_while(move |(from, _)| *from == at).map(|(_, to)| *to)
    }

    /// Everything below these, themselves among it.
    pub(super) fn reachable(&self, from: &BTreeSet<usize>) -> BTreeSet<usize> {
        let (mut found, mut open): (BTreeSet<usize>, Vec<usize>) = (from.clone(), from.iter().copied().collect());
        while let Some(at) = open.pop() {
            open.extend(self.wants_of(at).filter(|next| found.insert(*next)));
        }
        found
    }

    /// The bill of a subject that has these things, and wants those.
    pub(super) fn bom<'b>(
        &'b self,
        subject: &Component,
        content: Sha256,
        all: &'b [usize],
        wanted: &'b BTreeSet<usize>,
    ) -> Bom<Each<'b, Component>, Each<'b, Dependency<Each<'b, String>>>> {
        let reference = |at: usize| self.things[at].reference();
        let of_subject = subject.reference.clone().unwrap_or_default();
        let dependencies = Each(Box::new(move || {
            let all_wanted = Each(Box::new(move || Box::new(wanted.iter().map(move |at| reference(*at)))));
            let first =
                Dependency { reference: of_subject.clone(), depends_on: (!wanted.is_empty()).then_some(all_wanted) };
            let dependency = move |at: &'b usize| {
                let each = Each(Box::new(move || Box::new(self.wants_of(*at).map(reference))));
                let wants_some = self.wants_of(*at).next().is_some();
                Dependency { reference: reference(*at), depends_on: wants_some.then_some(each) }
            };
            Box::new(std::iter::once(first).chain(all.iter().map(dependency)))
        }));
        let components = Each(Box::new(move || Box::new(all.iter().map(|at| self.component(*at)))));
        Bom::new(subject.clone(), content, components, dependencies)
    }

    fn component(&self, at: usize) -> Component {
        let thing = &self.things[at];
        let component = match &thing.what {
            What::Artifact(artifact) => of_artifact(artifact, &thing.reference(), &self.licences),
            What::Made(made) => {
                let named = Component::named("application", &thing.reference(), made.path.file_name());
                Component { purl: Some(made.purl()), ..named.hashed(made.sha256).with("made", made.how) }
            }
        };
        let start = self.places.partition_point(|(one, _)| *one < at);
        let places = self.places[start..].iter().take_while(|(one, _)| *one == at);
        places.fold(component, |component, (_, spot)| component.with("path", spot.path()))
    }
}

impl<'a> Thing<'a> {
    fn of(artifact: &'a Artifact) -> Thing<'a> {
        Thing { what: What::Artifact(artifact), is_twin: false }
    }

    fn made(path: &'a SafePath, how: &'static str, tree: &Tree) -> Option<Thing<'a>> {
        let sha256 = tree.get(path)?.digest();
        Some(Thing { what: What::Made(Box::new(Made { path, how, sha256 })), is_twin: false })
    }

    fn sha256(&self) -> Sha256 {
        match &self.what {
            What::Artifact(artifact) => artifact.sha256,
            What::Made(made) => made.sha256,
        }
    }

    /// Its name inside the document.
    fn reference(&self) -> String {
        let purl = match &self.what {
            What::Artifact(artifact) => Purl::of(artifact).to_string(),
            What::Made(made) => made.purl(),
        };
        if self.is_twin { format!("{purl}#{}", self.sha256()) } else { purl }
    }

    fn because(&self) -> &'a [Chain] {
        match self.what {
            What::Artifact(artifact) => &artifact.because,
            What::Made(_) => &[],
        }
    }
}

impl Made<'_> {
    /// It belongs to no kind of package.
    fn purl(&self) -> String {
        format!("pkg:generic/{}?checksum=sha256:{}", self.path.file_name(), self.sha256)
    }
}

/// Sorts things by their references; one that has the name of another gets its digest into its own.
fn tell_apart(things: &mut Vec<Thing<'_>>) {
    things.sort_by_cached_key(Thing::reference);
    let has_name_of_before = |at: &usize| things[at - 1].reference() == things[*at].reference();
    let twins: Vec<usize> = (1..things.len()).filter(has_name_of_before).collect();
    if !twins.is_empty() {
        twins.into_iter().for_each(|at| things[at].is_twin = true);
        things.sort_by_cached_key(Thing::reference);
        things.dedup_by_key(|thing| thing.reference());
    }
}

/// The folders of a Maven repository that hold more than a POM: the POM there is the metadata of what lies beside it.
fn described(lock: &Lock) -> BTreeSet<&str> {
    let beside = |artifact: &&Artifact| artifact.is_signature() || artifact.address.as_str().ends_with(".pom");
    let other = lock.artifacts.iter().filter(|artifact| !beside(artifact));
    other.map(folder).collect()
}

fn folder(artifact: &Artifact) -> &str {
    artifact.address.as_str().rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn of_artifact(artifact: &Artifact, reference: &str, reader: &licences::Reader<'_>) -> Component {
    let purl = Purl::of(artifact);
    let is_code = !purl.is_pom();
    let kind = if purl.kind == "generic" || !is_code { "file" } else { "library" };
    let mut component =
        Component::named(kind, reference, &purl.name).hashed(artifact.sha256).licensed(&reader.licences(artifact));
    // A scanner would take the POM of a version that lost for the version itself, and warn of what nobody has.
    component.purl = is_code.then(|| purl.to_string());
    component.group = purl.namespace.filter(|_| purl.kind == "maven");
    component.version = purl.version;
    artifact.because.iter().fold(component, |component, chain| component.with("because", chain.clone()))
}
