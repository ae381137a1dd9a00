//! A wish: one artifact that a root or a POM asks for, after exclusions and the management of the request.
//! A granted wish brings the wishes of its POM.
//! Not here: which of several wishes for the same artifact is granted.

use super::coordinate::{Coordinate, Key, Pattern};
use super::error::Trouble;
use super::library::{Library, Reason};
use super::model::Model;
use super::pom::Dependency;
use super::scope::Scope;
use super::version::{Constraint, Ranges, Version};
use super::{Request, Root};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What is left out below a place in the graph; shared, since most places add nothing.
pub(super) type Exclusions = Arc<BTreeSet<Pattern>>;

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Wish {
    pub(super) key: Key,
    pub(super) version: String,
    pub(super) scope: Scope,
    /// Its file holds its dependencies, so they are not looked at.
    fat: bool,
    /// What applies to itself, from above.
    pub(super) outer: Exclusions,
    /// What applies to everything below it.
    pub(super) inner: Exclusions,
    /// A root has depth one, as in Maven.
    pub(super) depth: usize,
}

/// What the request says about artifacts wherever they are wanted.
#[derive(Debug, Default)]
pub(super) struct Management {
    managed: BTreeMap<Key, Managed>,
    /// The BOMs of the request, whose POMs a client reads too.
    pub(super) boms: Vec<Coordinate>,
    /// Whether Maven loads it for itself: then the transports of Maven 2 are left out.
    for_maven: bool,
}

#[derive(Debug, Default)]
struct Managed {
    version: Option<String>,
    scope: Option<Scope>,
    exclusions: Vec<Pattern>,
}

impl Management {
    /// The management of a request: its pins before its BOMs, the first one counts.
    pub(super) fn of(library: &Library<'_>, request: &Request) -> (Management, Vec<Trouble>) {
        let boms: Vec<Coordinate> = request.boms.iter().map(Coordinate::pom).collect();
        let mut management = Management { boms, ..Management::default() };
        let mut troubles = Vec::new();
        for pin in &request.managed {
            management.managed.entry(pin.into()).or_default().version.get_or_insert(pin.version().to_owned());
        }
        for bom in management.boms.clone() {
            match library.management(&bom, &[]) {
                Ok(model) => model.managed.iter().for_each(|dependency| management.add(dependency)),
                Err(failure) => troubles.push(Trouble::of_failure(library, &failure, &[])),
            }
        }
        (management, troubles)
    }

    /// The version that holds for an artifact wherever it is wanted.
    pub(super) fn version(&self, key: &Key) -> Option<&str> {
        self.managed.get(key)?.version.as_deref()
    }

    /// The management that the POM of a tool states for everything below it.
    pub(super) fn stated(managed: &[Dependency], for_maven: bool) -> Management {
        let mut management = Management { for_maven, ..Management::default() };
        managed.iter().for_each(|dependency| management.add(dependency));
        management
    }

    fn add(&mut self, dependency: &Dependency) {
        let managed = self.managed.entry(dependency.key()).or_default();
        managed.version = managed.version.take().or_else(|| dependency.version.clone());
        managed.scope = managed.scope.or_else(|| dependency.scope.as_deref().map(Scope::of));
        managed.exclusions.extend_from_slice(&dependency.exclusions);
    }

    /// The roots' wishes, in their order.
    pub(super) fn roots(&self, request: &Request) -> Vec<Wish> {
        let mut seen = BTreeSet::new();
        let roots = request.roots.iter().filter(|root| seen.insert(&root.coordinate));
        roots.map(|root| self.root(request, root)).collect()
    }

    fn root(&self, request: &Request, root: &Root) -> Wish {
        let mut exclusions = BTreeSet::from_iter(request.exclusions.iter().chain(&root.exclusions).cloned());
        if !root.transitive {
            exclusions.insert(Pattern::everything());
        }
        let alone = Wish::alone(&root.coordinate, Scope::Compile);
        let managed = self.managed.get(&alone.key);
        exclusions.extend(managed.into_iter().flat_map(|managed| managed.exclusions.iter().cloned()));
        Wish { inner: Arc::new(exclusions), ..alone }
    }

    /// What a granted wish wishes in turn: nothing optional, nothing for tests, nothing that is excluded above.
    pub(super) fn below(&self, wish: &Wish, model: &Model) -> Vec<Wish> {
        if wish.fat || wish.scope == Scope::System || model.mistake.is_some() {
            return Vec::new();
        }
        let legacy = self.for_maven && wish.is_core_of_maven_2();
        let above = if legacy { &wish.without(Pattern::of("org.apache.maven.wagon", "*")) } else { wish };
        // Maven selects by what the POM says, before the management of the request.
        let selected = model.dependencies.iter().filter(|dependency| {
            let scope = dependency.scope.as_deref().unwrap_or_default();
            !dependency.is_optional()
                && !matches!(scope, "test" | "provided")
                && !is_excluded(&above.inner, &dependency.group, &dependency.artifact)
        });
        selected.map(|dependency| self.one_below(above, dependency)).collect()
    }

    fn one_below(&self, above: &Wish, dependency: &Dependency) -> Wish {
        let key = dependency.key();
        let managed = self.managed.get(&key);
        let declared = dependency.version.clone().unwrap_or_default();
        let exclusions = || managed.into_iter().flat_map(|managed| &managed.exclusions).chain(&dependency.exclusions);
        let inner = match exclusions().next() {
            None => Arc::clone(&above.inner),
            Some(_) => Arc::new(above.inner.iter().chain(exclusions()).cloned().collect()),
        };
        Wish {
            version: managed.and_then(|managed| managed.version.clone()).unwrap_or(declared),
            scope: managed
                .and_then(|managed| managed.scope)
                .unwrap_or_else(|| Scope::of(dependency.scope.as_deref().unwrap_or_default())),
            fat: dependency.is_fat(),
            outer: Arc::clone(&above.inner),
            inner,
            depth: above.depth + 1,
            key,
        }
    }
}

fn is_excluded(exclusions: &BTreeSet<Pattern>, group: &str, artifact: &str) -> bool {
    exclusions.iter().any(|pattern| pattern.matches(group, artifact))
}

impl Wish {
    /// For an artifact without regard to anything above it.
    pub(super) fn alone(coordinate: &Coordinate, scope: Scope) -> Wish {
        Wish {
            key: Key::from(coordinate),
            version: coordinate.version().to_owned(),
            scope,
            fat: false,
            outer: Exclusions::default(),
            inner: Exclusions::default(),
            depth: 1,
        }
    }

    /// For what a POM declares, where that POM itself is the beginning and has applied its management.
    pub(super) fn declared(dependency: &Dependency) -> Wish {
        Wish {
            key: dependency.key(),
            version: dependency.version.clone().unwrap_or_default(),
            scope: Scope::of(dependency.scope.as_deref().unwrap_or_default()),
            fat: dependency.is_fat(),
            outer: Exclusions::default(),
            inner: Arc::new(dependency.exclusions.iter().cloned().collect()),
            depth: 1,
        }
    }

    fn is_core_of_maven_2(&self) -> bool {
        let Key { group, artifact, .. } = &self.key;
        group == "org.apache.maven" && artifact.starts_with("maven-") && self.version.starts_with("2.")
    }

    /// The same, with one thing more left out below it.
    fn without(&self, pattern: Pattern) -> Wish {
        let inner = self.inner.iter().cloned().chain([pattern]).collect();
        Wish { inner: Arc::new(inner), ..self.clone() }
    }

    /// Whether those above leave it out under the name it has now.
    pub(super) fn is_excluded(&self) -> bool {
        is_excluded(&self.outer, &self.key.group, &self.key.artifact)
    }

    /// What it asks of the version.
    pub(super) fn constraint(&self) -> Result<Constraint, String> {
        Constraint::parse(&self.version)
    }

    /// The existing versions in a range, highest first.
    pub(super) fn versions(&self, library: &Library<'_>, ranges: &Ranges) -> Result<Vec<String>, Reason> {
        let existing = library.versions(&self.key.group, &self.key.artifact)?;
        let mut versions: Vec<String> = existing.iter().filter(|version| ranges.contains(version)).cloned().collect();
        versions.sort_by_cached_key(|version| std::cmp::Reverse(Version::new(version)));
        Ok(versions)
    }

    /// The version that `LATEST` and `RELEASE` mean; every other one means itself.
    pub(super) fn plain_version(&self, library: &Library<'_>) -> String {
        let release = self.version == "RELEASE";
        if !release && self.version != "LATEST" {
            return self.version.clone();
        }
        let existing = library.versions(&self.key.group, &self.key.artifact).unwrap_or_default();
        let meant = existing.iter().filter(|version| !(release && Version::is_snapshot(version)));
        meant.max_by_key(|version| Version::new(version)).cloned().unwrap_or_else(|| self.version.clone())
    }
}
