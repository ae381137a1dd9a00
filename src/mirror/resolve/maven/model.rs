//! The effective model of a POM: profiles, parents, properties, imported BOMs and management applied, in Maven's order.
//! It reads other POMs through the `Library` and notes which ones.
//! Not here: which of the dependencies a closure takes.

use super::coordinate::{Coordinate, Key, Pattern};
use super::library::{Built, Failure, Library, Read, Reason};
use super::pom::{Body, Dependency, Pom, Reference, Repository};
use super::properties::{Endless, Properties};
use super::version::{Constraint, Version};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Parents above a POM, and BOMs within BOMs.
const MAX_DEPTH: usize = 64;

/// What a model is wanted for; the other part is left out of it, as management may be long and is often inherited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Purpose {
    Dependencies,
    Management,
}

/// What a POM says once everything is applied.
#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) dependencies: Vec<Dependency>,
    pub(super) managed: Vec<Dependency>,
    pub(super) relocation: Option<Reference>,
    pub(super) repositories: Vec<Repository>,
    /// A mistake for which Maven ignores all dependencies of the POM, with a warning.
    pub(super) mistake: Option<String>,
    /// This POM, its parents, its BOMs and their parents.
    pub(super) read: Vec<Read>,
}

/// Builds the model of the POM at a coordinate; `importing` are the POMs whose imports led here.
pub(super) fn build(
    library: &Library<'_>,
    coordinate: &Coordinate,
    purpose: Purpose,
    importing: &[Coordinate],
) -> Result<Model, Box<Failure>> {
    let mut read = Vec::new();
    let lineage = lineage(library, coordinate, &mut read)?;
    let inherited = Inherited::of(library, &lineage);
    let properties = inherited.properties(library, &lineage, coordinate);
    let interpolated = interpolate(&inherited, &properties, purpose);
    let mut model = interpolated.map_err(|endless| {
        let what = match endless {
            Endless::Cycle(name) => format!("its property `{name}` stands for itself"),
            Endless::TooLong(name) => format!("its property `{name}` grows beyond measure"),
        };
        Failure::here(coordinate, Reason::Unusable(what), &read)
    })?;
    model.read = read;
    import(library, coordinate, purpose, importing, &mut model)?;
    manage(&mut model.dependencies, &model.managed);
    model.mistake = model.dependencies.iter().find_map(mistake);
    Ok(model)
}

/// A POM and its parents, nearest first.
fn lineage(
    library: &Library<'_>,
    coordinate: &Coordinate,
    read: &mut Vec<Read>,
) -> Result<Vec<Arc<Pom>>, Box<Failure>> {
    let mut lineage: Vec<Arc<Pom>> = Vec::new();
    let mut path: Vec<Coordinate> = Vec::new();
    let mut next = coordinate.clone();
    loop {
        let failure = |reason, read: &[Read]| Failure::new(&next, path.clone(), reason, read);
        if path.contains(&next) {
            return Err(failure(Reason::Cycle("parents"), read));
        }
        if path.len() > MAX_DEPTH {
            return Err(failure(Reason::Unusable(format!("it has more than {MAX_DEPTH} descendants")), read));
        }
        let pom = library.pom(&next).map_err(|reason| failure(reason, read))?;
        read.push(Read { pom: next.clone(), because: path.clone() });
        let parent = pom.parent.as_ref().map(|parent| parent_of(library, parent));
        let parent = parent.transpose().map_err(|reason| failure(reason, read))?;
        lineage.push(pom);
        path.push(next);
        match parent {
            Some(parent) => next = parent,
            None => return Ok(lineage),
        }
    }
}

/// Where a parent is; its version may be a range.
fn parent_of(library: &Library<'_>, parent: &Reference) -> Result<Coordinate, Reason> {
    let part = |part: &Option<String>| part.clone().unwrap_or_default();
    let (group, artifact, version) = (part(&parent.group), part(&parent.artifact), part(&parent.version));
    let unusable = |what: String| Reason::Unusable(format!("its parent cannot be found: {what}"));
    let version = match Constraint::parse(&version).map_err(unusable)? {
        Constraint::Soft(version) => version,
        Constraint::Hard(ranges) => {
            let versions = library.versions(&group, &artifact)?;
            let within = versions.iter().filter(|version| ranges.contains(version));
            let highest = within.max_by_key(|version| Version::new(version)).cloned();
            highest.ok_or_else(|| unusable(format!("no version of `{group}:{artifact}` is in {ranges}")))?
        }
    };
    Coordinate::new(&group, &artifact, "pom", "", &version).map_err(|why| unusable(why.to_string()))
}

/// What a POM, its active profiles and its parents declare together, not yet interpolated.
struct Inherited<'a> {
    properties: BTreeMap<&'a str, &'a str>,
    managed: Vec<&'a Dependency>,
    dependencies: Vec<&'a Dependency>,
    repositories: Vec<&'a Repository>,
    relocation: Option<&'a Reference>,
}

impl<'a> Inherited<'a> {
    fn of(library: &Library<'_>, lineage: &'a [Arc<Pom>]) -> Inherited<'a> {
        let mut sum = Inherited {
            properties: BTreeMap::new(),
            managed: Vec::new(),
            dependencies: Vec::new(),
            repositories: Vec::new(),
            relocation: lineage.first().and_then(|pom| pom.relocation.as_ref()),
        };
        for (above, pom) in lineage.iter().enumerate() {
            let profiles = library.environment.active(&pom.profiles).into_iter().map(|profile| &profile.body);
            let bodies: Vec<&Body> = std::iter::once(&pom.body).chain(profiles).collect();
            for body in bodies.iter().rev() {
                for (name, value) in &body.properties {
                    sum.properties.entry(name).or_insert(value);
                }
            }
            sum.repositories.extend(bodies.iter().flat_map(|body| &body.repositories));
            // One that a POM repeats is a mistake that Maven allows: the last one counts.
            let own = once(pom.body.dependencies.iter().collect(), Last);
            let own =
                bodies[1..].iter().fold(own, |own, profile| merge(own, profile.dependencies.iter().collect(), Last));
            sum.dependencies = merge(sum.dependencies, own, First);
            let own = pom.body.managed.iter().collect();
            let own = bodies[1..].iter().fold(own, |own, profile| merge(own, profile.managed.iter().collect(), Last));
            // Maven finds repetitions only where it has two lists to merge, so those of the POM itself stay.
            sum.managed = if above == 0 { own } else { merge(sum.managed, own, First) };
        }
        sum
    }

    fn properties(&self, library: &'a Library<'_>, lineage: &[Arc<Pom>], coordinate: &Coordinate) -> Properties<'a> {
        let mut project = BTreeMap::from([("artifactId", coordinate.artifact().to_owned())]);
        let inherited = |own: fn(&Pom) -> &Option<String>, parents: fn(&Reference) -> &Option<String>| {
            lineage
                .iter()
                .find_map(|pom| own(pom).clone().or_else(|| pom.parent.as_ref().and_then(|it| parents(it).clone())))
        };
        let group = inherited(|pom| &pom.group, |parent| &parent.group);
        let version = inherited(|pom| &pom.version, |parent| &parent.version);
        project.insert("groupId", group.unwrap_or_else(|| coordinate.group().to_owned()));
        project.insert("version", version.unwrap_or_else(|| coordinate.version().to_owned()));
        let own = lineage.first();
        let packaging = own.and_then(|pom| pom.packaging.clone());
        project.insert("packaging", packaging.unwrap_or_else(|| "jar".to_owned()));
        if let Some(parent) = own.and_then(|pom| pom.parent.as_ref()) {
            let parts = [
                ("parent.groupId", &parent.group),
                ("parent.artifactId", &parent.artifact),
                ("parent.version", &parent.version),
            ];
            project.extend(parts.into_iter().filter_map(|(name, part)| Some((name, part.clone()?))));
        }
        Properties {
            project,
            declared: self.properties.clone(),
            environment: &library.environment,
            spent: Cell::default(),
        }
    }
}

use Winner::{First, Last};

/// Which of two declarations of the same dependency counts.
#[derive(Clone, Copy)]
enum Winner {
    First,
    Last,
}

/// What two declarations of the same dependency share: Maven's management key.
fn management_key(dependency: &Dependency) -> (&str, &str, &str, &str) {
    let kind = dependency.kind.as_deref().unwrap_or("jar");
    (&dependency.group, &dependency.artifact, kind, dependency.classifier.as_deref().unwrap_or_default())
}

/// Each dependency once, at the place of its first declaration.
fn once<T: std::borrow::Borrow<Dependency>>(declared: Vec<T>, winner: Winner) -> Vec<T> {
    let mut chosen: BTreeMap<_, usize> = BTreeMap::new();
    let mut places: Vec<usize> = Vec::with_capacity(declared.len());
    for (at, dependency) in declared.iter().enumerate() {
        match (chosen.get(&management_key(dependency.borrow())), winner) {
            (Some(place), Last) => places[*place] = at,
            (Some(_), First) => {}
            (None, _) => {
                chosen.insert(management_key(dependency.borrow()), places.len());
                places.push(at);
            }
        }
    }
    let mut declared: Vec<Option<T>> = declared.into_iter().map(Some).collect();
    places.into_iter().filter_map(|at| declared[at].take()).collect()
}

/// Two lists as one. With nothing to add, Maven leaves repetitions in the first one alone, and so do we.
fn merge<'a>(mut target: Vec<&'a Dependency>, source: Vec<&'a Dependency>, winner: Winner) -> Vec<&'a Dependency> {
    if source.is_empty() {
        return target;
    }
    target.extend(source);
    once(target, winner)
}

fn interpolate(inherited: &Inherited<'_>, properties: &Properties<'_>, purpose: Purpose) -> Result<Model, Endless> {
    let mut model = Model::default();
    if let Some(raw) = inherited.relocation {
        model.relocation = Some(properties.reference(raw)?);
    }
    for raw in &inherited.repositories {
        let (id, url) = (properties.text(&raw.id)?, properties.text(&raw.url)?);
        model.repositories.push(Repository { id, url });
    }
    if purpose == Purpose::Dependencies {
        let dependencies = inherited.dependencies.iter().map(|raw| properties.dependency(raw));
        model.dependencies = dependencies.collect::<Result<_, _>>()?;
    }
    let wanted = names(&model.dependencies);
    let managed = inherited.managed.iter().filter(|raw| {
        let unsure = raw.artifact.contains("${") || raw.scope.is_some() && raw.kind.is_some();
        purpose == Purpose::Management || unsure || wanted.contains(raw.artifact.as_str())
    });
    let managed: Result<_, _> = managed.map(|raw| properties.dependency(raw)).collect();
    model.managed = managed?;
    Ok(model)
}

fn names(dependencies: &[Dependency]) -> BTreeSet<&str> {
    dependencies.iter().map(|dependency| dependency.artifact.as_str()).collect()
}

impl Properties<'_> {
    fn text(&self, raw: &str) -> Result<String, Endless> {
        self.interpolate(raw).map(|text| text.into_owned())
    }

    /// What becomes empty is as if it were not there.
    fn maybe(&self, raw: &Option<String>) -> Result<Option<String>, Endless> {
        let text = raw.as_deref().map(|raw| self.text(raw)).transpose()?;
        Ok(text.filter(|text| !text.is_empty()))
    }

    fn reference(&self, raw: &Reference) -> Result<Reference, Endless> {
        Ok(Reference {
            group: self.maybe(&raw.group)?,
            artifact: self.maybe(&raw.artifact)?,
            version: self.maybe(&raw.version)?,
        })
    }

    fn dependency(&self, raw: &Dependency) -> Result<Dependency, Endless> {
        let exclusion = |raw: &Pattern| Ok(Pattern::of(&self.text(&raw.group)?, &self.text(&raw.artifact)?));
        Ok(Dependency {
            group: self.text(&raw.group)?,
            artifact: self.text(&raw.artifact)?,
            version: self.maybe(&raw.version)?,
            kind: self.maybe(&raw.kind)?,
            classifier: self.maybe(&raw.classifier)?,
            scope: self.maybe(&raw.scope)?,
            optional: self.maybe(&raw.optional)?,
            exclusions: raw.exclusions.iter().map(exclusion).collect::<Result<_, _>>()?,
        })
    }
}

/// Replaces each imported BOM in the management by what it manages, after everything that stands there itself.
fn import(
    library: &Library<'_>,
    coordinate: &Coordinate,
    purpose: Purpose,
    importing: &[Coordinate],
    model: &mut Model,
) -> Result<(), Box<Failure>> {
    let is_import = |one: &Dependency| one.kind.as_deref() == Some("pom") && one.scope.as_deref() == Some("import");
    let (imports, own): (Vec<_>, Vec<_>) = std::mem::take(&mut model.managed).into_iter().partition(is_import);
    if imports.is_empty() {
        model.managed = own;
        return Ok(());
    }
    let path: Vec<Coordinate> = importing.iter().chain([coordinate]).cloned().collect();
    // A BOM may be reached on many ways; it is told once, else there could be more ways than memory.
    let mut told: BTreeSet<Coordinate> = model.read.iter().map(|read| read.pom.clone()).collect();
    let mut managed = once(own, Last);
    for dependency in imports {
        let imported = bom(library, coordinate, &dependency, &path, &model.read)?;
        let new = imported.read.iter().filter(|read| told.insert(read.pom.clone()));
        model.read.extend(new.map(|read| read.below(coordinate)));
        let wanted = names(&model.dependencies);
        let wanted = |one: &&Dependency| purpose == Purpose::Management || wanted.contains(one.artifact.as_str());
        managed.extend(imported.managed.iter().filter(wanted).cloned());
    }
    model.managed = once(managed, First);
    Ok(())
}

/// The model of a BOM that a POM imports at the end of a path of imports.
fn bom(
    library: &Library<'_>,
    coordinate: &Coordinate,
    import: &Dependency,
    path: &[Coordinate],
    read: &[Read],
) -> Built {
    let unusable = |what: String| Failure::here(coordinate, Reason::Unusable(what), read);
    let version = import.version.as_deref().unwrap_or_default();
    let bom = Coordinate::new(&import.group, &import.artifact, "pom", "", version);
    let bom = bom.map_err(|why| unusable(format!("it imports a BOM that cannot be found: {why}")))?;
    if path.contains(&bom) {
        return Err(Failure::new(&bom, path.to_vec(), Reason::Cycle("imports"), read));
    }
    if path.len() > MAX_DEPTH {
        return Err(unusable(format!("it is imported through more than {MAX_DEPTH} BOMs")));
    }
    library.management(&bom, path).map_err(|failure| failure.below(coordinate, read))
}

/// Fills what a dependency leaves open from the management; optional is never managed.
fn manage(dependencies: &mut [Dependency], managed: &[Dependency]) {
    let mut wanted: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (at, dependency) in dependencies.iter().enumerate() {
        wanted.entry(owned(management_key(dependency))).or_default().push(at);
    }
    for managed in managed {
        for at in wanted.get(&owned(management_key(managed))).into_iter().flatten() {
            let dependency = &mut dependencies[*at];
            dependency.version = dependency.version.take().or_else(|| managed.version.clone());
            dependency.scope = dependency.scope.take().or_else(|| managed.scope.clone());
            if dependency.exclusions.is_empty() {
                dependency.exclusions = managed.exclusions.clone();
            }
        }
    }
}

fn owned((group, artifact, kind, classifier): (&str, &str, &str, &str)) -> [String; 4] {
    [group, artifact, kind, classifier].map(str::to_owned)
}

fn mistake(dependency: &Dependency) -> Option<String> {
    let Dependency { group, artifact, version, .. } = dependency;
    match version {
        _ if group.is_empty() || artifact.is_empty() => Some("a dependency has no group or no artifact".to_owned()),
        None => Some(format!("its dependency `{group}:{artifact}` has no version")),
        Some(_) => None,
    }
}

impl Dependency {
    /// The artifact that is meant: Maven's types become extensions and classifiers.
    pub(super) fn key(&self) -> Key {
        let kind = self.kind.as_deref().unwrap_or("jar");
        let (extension, classifier) = match kind {
            "test-jar" => ("jar", "tests"),
            "ejb-client" => ("jar", "client"),
            "java-source" => ("jar", "sources"),
            "javadoc" => ("jar", "javadoc"),
            "ejb" | "maven-plugin" => ("jar", ""),
            other => (other, ""),
        };
        Key {
            group: self.group.clone(),
            artifact: self.artifact.clone(),
            extension: extension.to_owned(),
            classifier: self.classifier.clone().unwrap_or_else(|| classifier.to_owned()),
        }
    }

    /// Whether the artifact holds its dependencies itself.
    pub(super) fn is_fat(&self) -> bool {
        matches!(self.kind.as_deref(), Some("war" | "ear" | "rar" | "par"))
    }

    /// Whether it may be left out.
    pub(super) fn is_optional(&self) -> bool {
        self.optional.as_deref().is_some_and(|text| text.eq_ignore_ascii_case("true"))
    }
}
