//! Bills of materials, one for a generation and one for each role, made from the lock and not by scanning files.
//! A file of the mirror is known by its digest: as an artifact of the lock, an assembly of such, or a program of ours.
//! Not here: the form of the document (`cyclonedx`), or how licences are read (`licences`).

use super::licences;
use super::lock::{Artifact, Lock};
use super::manifest::Manifest;
use super::purl::Purl;
use super::store::Store;
use crate::words::digest::Sha256;
use crate::words::names::{SafePath, Word};
use crate::words::tree::{Entry, Tree};
use cyclonedx::{Bom, Component};
use std::collections::{BTreeMap, BTreeSet};

pub mod cyclonedx;

/// What a role's nodes take from the mirror, by role.
pub type Roles = BTreeMap<Word, BTreeSet<SafePath>>;

/// The generation's bill in a mirror.
pub fn path() -> SafePath {
    SafePath::new("sbom/generation.cdx.json").expect("a plain path")
}

/// A role's bill in a mirror.
pub fn path_of(role: &Word) -> SafePath {
    SafePath::new(format!("sbom/role-{role}.cdx.json")).expect("a word is a plain segment")
}

/// What bills are made from.
pub struct Sources<'a> {
    /// The recipes of assemblies.
    pub manifest: &'a Manifest,
    /// Everything that was agreed.
    pub lock: &'a Lock,
    /// Where metadata is read.
    pub store: &'a Store,
    /// The mirror, but for the bills themselves.
    pub tree: &'a Tree,
    /// What roles take.
    pub roles: &'a Roles,
}

/// Every bill by its path in the mirror.
pub fn bills(sources: &Sources<'_>) -> BTreeMap<SafePath, String> {
    let parts = Parts::of(sources);
    let content = content(sources);
    let mut bills = BTreeMap::new();
    let excepted = |subject: Component| {
        sources.lock.waivers.iter().fold(subject, |subject, waiver| subject.with("waiver", waiver.to_string()))
    };
    let subject = excepted(Component::named("platform", "mirror", "pnda-mirror"));
    let wants = &parts.wants;
    let bom = Bom::new(subject, content, parts.components.clone(), wants);
    bills.insert(path(), bom.render());
    for (role, paths) in sources.roles {
        let root = format!("role-{role}");
        let taken: BTreeSet<String> = paths.iter().filter_map(|path| parts.reference_at(path, sources.tree)).collect();
        let all = reachable(&taken, wants);
        let components = parts.components.iter().filter(|(reference, _)| all.contains(*reference));
        let mut wants = wants.clone();
        wants.insert(root.clone(), taken);
        let subject = excepted(Component::named("platform", &root, &root));
        let components = components.map(|(reference, component)| (reference.clone(), component.clone())).collect();
        bills.insert(path_of(role), Bom::new(subject, content, components, &wants).render());
    }
    bills
}

/// The digest of everything a mirror holds but its bills.
fn content(sources: &Sources<'_>) -> Sha256 {
    let lines = sources.tree.iter().map(|(path, entry)| format!("{} {path}\n", entry.digest()));
    Sha256::of(lines.collect::<String>().as_bytes())
}

/// Everything below these, themselves among it.
fn reachable(from: &BTreeSet<String>, wants: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<String> {
    let (mut found, mut open): (BTreeSet<String>, Vec<&String>) = (from.clone(), from.iter().collect());
    while let Some(reference) = open.pop() {
        for next in wants.get(reference).into_iter().flatten() {
            if found.insert(next.clone()) {
                open.push(next);
            }
        }
    }
    found
}

/// All components, what they want, and where they are found by digest.
struct Parts {
    components: BTreeMap<String, Component>,
    wants: BTreeMap<String, BTreeSet<String>>,
    by_digest: BTreeMap<Sha256, String>,
}

impl Parts {
    fn of(sources: &Sources<'_>) -> Parts {
        let mut parts = Parts { components: BTreeMap::new(), wants: BTreeMap::new(), by_digest: BTreeMap::new() };
        let places = places(sources.tree);
        let described = described(sources.lock);
        let metadata = |artifact: &Artifact| Purl::of(artifact).is_pom() && described.contains(folder(artifact));
        let wanted = sources.lock.artifacts.iter().filter(|artifact| !metadata(artifact) && !artifact.is_signature());
        let reader = licences::Reader::new(sources.lock, sources.store);
        let mut added: Vec<(&Artifact, String)> = Vec::new();
        for artifact in wanted {
            let component = of_artifact(artifact, &reader, &places);
            added.push((artifact, parts.add(component, artifact.sha256)));
        }
        parts.chains(&added);
        for assembly in sources.manifest.assemblies.values() {
            parts.made(&assembly.path, "assembly", sources, &places);
        }
        parts.assemblies(sources);
        parts.programs(sources, &places);
        parts
    }

    /// Adds a component, and gives its reference; one that has the name of another gets its digest into its own.
    fn add(&mut self, mut component: Component, sha256: Sha256) -> String {
        let mut reference = component.reference.clone().unwrap_or_default();
        if self.components.contains_key(&reference) {
            reference = format!("{reference}#{sha256}");
            component.reference = Some(reference.clone());
        }
        self.by_digest.insert(sha256, reference.clone());
        self.components.insert(reference.clone(), component);
        reference
    }

    fn reference_at(&self, path: &SafePath, tree: &Tree) -> Option<String> {
        self.by_digest.get(&tree.get(path)?.digest()).cloned()
    }

    /// Wants along the chains of the lock: what is left out is stepped over.
    fn chains(&mut self, added: &[(&Artifact, String)]) {
        let mut names: BTreeMap<&str, &String> = BTreeMap::new();
        for (artifact, reference) in added {
            let own = artifact.because.iter().filter_map(|chain| chain.rsplit(" > ").next());
            names.extend(own.map(|own| (own, reference)));
        }
        for chain in added.iter().flat_map(|(artifact, _)| &artifact.because) {
            let mut above = "mirror";
            for reference in chain.split(" > ").filter_map(|name| names.get(name)).map(|reference| reference.as_str()) {
                if reference != above {
                    self.wants.entry(above.to_owned()).or_default().insert(reference.to_owned());
                    above = reference;
                }
            }
        }
    }

    /// Something that was made here and lies on the mirror.
    fn made(&mut self, path: &SafePath, what: &str, sources: &Sources<'_>, places: &Places<'_>) {
        let Some(sha256) = sources.tree.get(path).map(Entry::digest) else { return };
        let purl = format!("pkg:generic/{}?checksum=sha256:{sha256}", path.file_name());
        let mut component = Component::named("application", &purl, path.file_name()).hashed(sha256).with("made", what);
        component.purl = Some(purl);
        let reference = self.add(placed(component, sha256, places), sha256);
        self.wants.entry("mirror".to_owned()).or_default().insert(reference);
    }

    /// An assembly wants the parts that it takes.
    fn assemblies(&mut self, sources: &Sources<'_>) {
        for assembly in sources.manifest.assemblies.values() {
            let Some(reference) = self.reference_at(&assembly.path, sources.tree) else { continue };
            let artifacts = assembly.takes.iter().flat_map(|take| sources.lock.wanted_by(&take.from));
            let parts: BTreeSet<String> =
                artifacts.filter_map(|artifact| self.by_digest.get(&artifact.sha256).cloned()).collect();
            self.wants.entry(reference).or_default().extend(parts);
        }
    }

    /// Objects that are neither in the lock nor assembled are programs of ours.
    fn programs(&mut self, sources: &Sources<'_>, places: &Places<'_>) {
        let locked: BTreeSet<Sha256> = sources.lock.artifacts.iter().map(|artifact| artifact.sha256).collect();
        for (path, entry) in sources.tree.iter() {
            let foreign = |digest| !locked.contains(digest) && !self.by_digest.contains_key(digest);
            if matches!(entry, Entry::Object { digest, .. } if foreign(digest)) {
                self.made(path, "program", sources, places);
            }
        }
    }
}

/// The paths of the mirror by what lies there.
type Places<'a> = BTreeMap<Sha256, Vec<&'a SafePath>>;

fn places(tree: &Tree) -> Places<'_> {
    let mut places = Places::new();
    let objects = tree.iter().filter(|(_, entry)| matches!(entry, Entry::Object { .. }));
    objects.for_each(|(path, entry)| places.entry(entry.digest()).or_default().push(path));
    places
}

fn placed(component: Component, sha256: Sha256, places: &Places<'_>) -> Component {
    let paths = places.get(&sha256).into_iter().flatten();
    paths.fold(component, |component, path| component.with("path", path.as_str()))
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

fn of_artifact(artifact: &Artifact, reader: &licences::Reader<'_>, places: &Places<'_>) -> Component {
    let purl = Purl::of(artifact);
    let is_code = !purl.is_pom();
    let kind = if purl.kind == "generic" || !is_code { "file" } else { "library" };
    let mut component = Component::named(kind, &purl.to_string(), &purl.name)
        .hashed(artifact.sha256)
        .licensed(&reader.licences(artifact));
    // A scanner would take the POM of a version that lost for the version itself, and warn of what nobody has.
    component.purl = is_code.then(|| purl.to_string());
    component.group = purl.namespace.filter(|_| purl.kind == "maven");
    component.version = purl.version;
    component = artifact.because.iter().fold(component, |component, chain| component.with("because", chain.as_str()));
    placed(component, artifact.sha256, places)
}

#[cfg(test)]
mod tests;
