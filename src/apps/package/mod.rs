//! Application packages in PNDA's format: one folder, in it types of components, in them components with their files.
//! A package is read whole and every mistake of it is told at once; nothing of it is trusted before.
//! Not here: where packages are kept while applications run from them on YARN.

mod archive;
mod arguments;
pub mod classes;
pub mod container;
mod contents;
pub mod depot;
mod descriptor;
mod extract;
pub mod flink;
mod hdfs_paths;
pub mod mirror;
pub mod oozie;
mod options;
pub mod overrides;
pub mod properties;
pub mod properties_file;
pub mod python;
pub mod repository;
pub mod reserved;
mod saving;
mod schedule;
#[cfg(test)]
pub(crate) mod tests;

use crate::secrets;
use archive::Findings;
use flink::FlinkComponent;
use oozie::OozieComponent;
use properties::Owned;
use serde_json::Value;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::Read;
use words::names::{ApplicationName, ComponentName, ComponentType, PackageName, SafePath, Word};
use words::problem::{Problem, Problems};

pub use archive::{LIMITS, Limits};
pub use extract::Error as ExtractError;

/// A package that was read whole and is right in itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its name, which is also the name of its one folder.
    pub name: PackageName,
    /// In the order of type and name; never empty.
    pub components: Vec<Component>,
    /// What is no mistake and should be known: where it is, what it is, what may be done.
    pub notes: Vec<Problem>,
}

/// One component of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// What it is.
    pub kind: Kind,
    /// The type as the package writes it: the name of the folder.
    pub written: ComponentType,
    /// Its name, once in each type.
    pub name: ComponentName,
    /// What `properties.json` says, as text.
    pub properties: BTreeMap<String, String>,
    /// `hdfs.json` and its kin, by file name.
    pub descriptors: BTreeMap<String, Value>,
    /// Every file of it by its path in the component's folder, with its length.
    pub files: BTreeMap<SafePath, u64>,
}

/// What a component is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A Flink job, called `flink` or, in PNDA's guide, `flinkStreaming`.
    Flink,
    /// A workflow or coordinator of Oozie.
    Oozie,
    /// A Spark streaming job.
    SparkStreaming,
    /// A notebook.
    Jupyter,
    /// Anything else.
    Other(ComponentType),
}

impl Kind {
    /// What a type as it is written stands for.
    pub fn of(written: &ComponentType) -> Kind {
        match written.as_str() {
            "flink" | "flinkStreaming" => Kind::Flink,
            "oozie" => Kind::Oozie,
            "sparkStreaming" => Kind::SparkStreaming,
            "jupyter" => Kind::Jupyter,
            _ => Kind::Other(written.clone()),
        }
    }

    /// The type's name, one for each.
    pub fn as_str(&self) -> &str {
        match self {
            Kind::Flink => "flink",
            Kind::Oozie => "oozie",
            Kind::SparkStreaming => "sparkStreaming",
            Kind::Jupyter => "jupyter",
            Kind::Other(written) => written.as_str(),
        }
    }

    /// What becomes of such a component where it is not run; nothing of one that is.
    pub fn outlook(&self) -> Option<&'static str> {
        match self {
            Kind::Flink | Kind::Oozie => None,
            Kind::SparkStreaming => {
                Some("not run by this version: Spark jobs are kept in the package, and only Flink jobs start")
            }
            Kind::Jupyter => Some("not run by this version: notebooks are kept in the package, and copied to nobody"),
            Kind::Other(_) => Some("not run by this version: nobody knows this type; `flink` is the one that runs"),
        }
    }
}

impl Component {
    /// Where its properties stand, as mistakes name it.
    pub fn place(&self, package: &PackageName) -> String {
        format!("{package}/{}/{}/properties.json", self.written, self.name)
    }
}

impl Package {
    /// The component of this type and name.
    pub fn component(&self, kind: &Kind, name: &ComponentName) -> Option<&Component> {
        self.components.iter().find(|component| component.kind == *kind && component.name == *name)
    }

    /// What PNDA's interface calls the defaults: the properties by type and component.
    pub fn defaults(&self) -> Value {
        let mut types: BTreeMap<&str, BTreeMap<&str, &BTreeMap<String, String>>> = BTreeMap::new();
        for component in &self.components {
            let of_type = types.entry(component.kind.as_str()).or_default();
            of_type.insert(component.name.as_str(), &component.properties);
        }
        serde_json::json!(types)
    }
}

/// Reads a package from its archive, a tar.gz, as it streams in. All mistakes are told at once, each with its member.
pub fn read(name: &PackageName, archive: impl Read) -> Result<Package, Problems> {
    read_within(name, archive, LIMITS)
}

/// What a component of type `flink` comes down to in an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// All properties, expanded: what `application.properties` gets.
    pub properties: BTreeMap<String, String>,
    /// What is run, and how.
    pub flink: FlinkComponent,
    /// What is no mistake and should be known.
    pub notes: Vec<Problem>,
}

/// Brings a component of type `flink` together with what the site and the application say. `set`: its properties, with defaults
/// below them.
pub fn prepare(
    package: &PackageName,
    (component, set): (&Component, &BTreeMap<String, String>),
    environment: &BTreeMap<String, String>,
    overrides: &BTreeMap<String, String>,
    owned: &Owned<'_>,
) -> Result<Prepared, Problems> {
    let properties = expanded(package, (component, set), environment, overrides, (owned, &BTreeMap::new()))?;
    let own = properties::of_component(&properties);
    let place = component.place(package);
    let (flink, notes) = FlinkComponent::parse(&place, &own, &component.files)?;
    secrets::check(&place, &own, &flink).into_result(Prepared { properties, flink, notes })
}

/// All properties of a component, with the paths of its `hdfs.json`. `given` are more, by their full names, and above all others.
fn expanded(
    package: &PackageName,
    (component, set): (&Component, &BTreeMap<String, String>),
    environment: &BTreeMap<String, String>,
    overrides: &BTreeMap<String, String>,
    (owned, given): (&Owned<'_>, &BTreeMap<String, String>),
) -> Result<BTreeMap<String, String>, Problems> {
    let expanded = |paths: &BTreeMap<String, String>| properties::expand(environment, set, overrides, (owned, paths));
    let descriptor = component.descriptors.get(hdfs_paths::FILE);
    let beside = component.place(package).replace(descriptor::PROPERTIES, hdfs_paths::FILE);
    let mut paths = hdfs_paths::read(&beside, descriptor, &expanded(given))?;
    paths.extend(given.clone());
    Ok(expanded(&paths))
}

/// What a component of type `oozie` comes down to in an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreparedWorkflow {
    /// All properties, expanded: what Oozie gets.
    pub properties: BTreeMap<String, String>,
    /// What it is.
    pub oozie: OozieComponent,
    /// What is no mistake and should be known.
    pub notes: Vec<Problem>,
}

/// The same as `prepare` for a component of type `oozie`; `given` are properties of this submission, by their full names.
pub fn prepare_workflow(
    package: &PackageName,
    (component, set): (&Component, &BTreeMap<String, String>),
    environment: &BTreeMap<String, String>,
    overrides: &BTreeMap<String, String>,
    (owned, given): (&Owned<'_>, &BTreeMap<String, String>),
) -> Result<PreparedWorkflow, Problems> {
    let properties = expanded(package, (component, set), environment, overrides, (owned, given))?;
    let (place, own) = (component.place(package), properties::of_component(&properties));
    let (oozie, notes) = OozieComponent::parse(&place, &own, &component.files)?;
    if secrets::named(properties.values()).is_empty() {
        return Ok(PreparedWorkflow { properties, oozie, notes });
    }
    let what = "Oozie shows the properties of its jobs to everybody, and there is a secret by reference among them";
    let origin = words::problem::Origin::of_file(&place);
    Err(origin.problem(what, "have the action read the secret itself, from a file of its owner in HDFS").into())
}

/// The folders in HDFS that a component wants to have, of its expanded properties.
pub fn folders(properties: &BTreeMap<String, String>) -> Vec<String> {
    let named = properties.iter().filter(|(name, _)| name.starts_with(hdfs_paths::PREFIX));
    named.map(|(_, path)| path.clone()).collect()
}

/// Whether each component that is run could be made part of an application as the package has it; notes otherwise.
pub fn check(package: &Package, environment: &BTreeMap<String, String>) -> Result<Vec<Problem>, Problems> {
    let (mut problems, mut notes) = (Problems::default(), package.notes.clone());
    for component in package.components.iter().filter(|component| component.kind.outlook().is_none()) {
        // There is no application yet; any name stands for it.
        let stand_in = (ApplicationName::new(component.name.as_str()), Word::new("owner"));
        let (Ok(application), Ok(owner)) = &stand_in else { continue };
        let owned = Owned { application, component: &component.name, owner };
        let (set, none) = ((component, &component.properties), BTreeMap::new());
        let prepared = match component.kind {
            Kind::Oozie => {
                prepare_workflow(&package.name, set, environment, &none, (&owned, &none)).map(|one| one.notes)
            }
            _ => prepare(&package.name, set, environment, &none, &owned).map(|one| one.notes),
        };
        match prepared {
            Ok(said) => notes.extend(said),
            Err(found) => problems.extend(found),
        }
    }
    problems.into_result(notes)
}

fn read_within(name: &PackageName, archive: impl Read, limits: Limits) -> Result<Package, Problems> {
    let mut findings = Findings::default();
    let mut contents = contents::Contents::new(name);
    let walked = archive::walk::<Infallible>(name, archive, limits, &mut findings, |path, member, findings| {
        contents.take(path, member, findings)
    });
    match walked {
        Ok(()) => {}
        Err(never) => match never {},
    }
    // Of an archive that could not be read to its end, nobody knows what it lacks.
    let whole = findings.problems.is_empty();
    let mut last = Findings::default();
    let components = contents.finish(&mut last);
    if whole || !components.is_empty() {
        findings.problems.extend(last.problems);
    }
    findings.notes.extend(last.notes);
    findings.notes.sort();
    let notes = findings.notes;
    findings.problems.into_result(Package { name: name.clone(), components, notes })
}
