//! What the members of a package make: components with their properties and files, by type and name.
//! The types are those of PNDA; what is not run is kept all the same, and said.
//! Not here: bounds and names of members (`archive`), and what the properties of one type mean.

use super::archive::{Findings, Halt, Member};
use super::descriptor::{self, DESCRIPTORS, PROPERTIES};
use super::hdfs_paths;
use super::{Component, Kind};
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::io::Read;
use words::names::{ComponentName, ComponentType, PackageName, SafePath};
use words::size::Size;

/// More than any package has; each is held in memory.
const MOST_COMPONENTS: usize = 200;
/// Bytes of all JSON files that are read.
const MOST_JSON: u64 = 2 << 20;

/// Takes members and makes components of them.
pub(super) struct Contents<'a> {
    package: &'a PackageName,
    components: BTreeMap<(ComponentType, ComponentName), Component>,
    /// Types and components whose name was refused, so that each is told once.
    refused: BTreeSet<String>,
    /// Bytes of the JSON files that may still come.
    json_left: u64,
}

impl Contents<'_> {
    pub(super) fn new(package: &PackageName) -> Contents<'_> {
        Contents { package, components: BTreeMap::new(), refused: BTreeSet::new(), json_left: MOST_JSON }
    }

    /// One member by its path in the package's folder. Files beside types and beside components belong to nothing.
    pub(super) fn take(
        &mut self,
        path: &SafePath,
        member: Member<'_>,
        findings: &mut Findings,
    ) -> Result<(), Halt<Infallible>> {
        let parts: Vec<&str> = path.as_str().splitn(3, '/').collect();
        match (parts.as_slice(), member) {
            ([kind, name], Member::Folder) => {
                self.component(kind, name, findings);
                Ok(())
            }
            ([kind, name, _], Member::Folder) => {
                self.component(kind, name, findings);
                Ok(())
            }
            ([kind, name, file], Member::File(size, bytes)) => {
                let place = format!("{}/{path}", self.package);
                let known = *file == PROPERTIES || DESCRIPTORS.contains(file);
                let allowed = descriptor::LONGEST.min(self.json_left);
                self.json_left -= if known { allowed.min(size) } else { 0 };
                let Some(component) = self.component(kind, name, findings) else { return Ok(()) };
                // A part of a path that is safe is safe.
                component.files.extend(SafePath::new(*file).ok().map(|file| (file, size)));
                if known && size > allowed {
                    let what = format!("it is longer than {}, or all such files are too long together", Size(allowed));
                    findings.problem(&place, what, "keep data in other files");
                    return Ok(());
                }
                if known { read_known(component, file, &place, bytes, findings).map_err(Halt::Archive) } else { Ok(()) }
            }
            _ => Ok(()),
        }
    }

    fn component(&mut self, kind: &str, name: &str, findings: &mut Findings) -> Option<&mut Component> {
        let folder = format!("{}/{kind}/{name}", self.package);
        if self.components.len() + self.refused.len() > MOST_COMPONENTS {
            // Told once for all of them.
            if self.refused.insert(String::new()) {
                let what = format!("it has more than {MOST_COMPONENTS} components");
                findings.problem(self.package.as_str(), what, "make several packages of it");
            }
            return None;
        }
        let checked = ComponentType::new(kind).and_then(|kind| Ok((kind, ComponentName::new(name)?)));
        match checked {
            Ok((written, name)) => {
                let fresh = || Component {
                    kind: Kind::of(&written),
                    written: written.clone(),
                    name: name.clone(),
                    properties: BTreeMap::new(),
                    descriptors: BTreeMap::new(),
                    files: BTreeMap::new(),
                };
                Some(self.components.entry((written.clone(), name.clone())).or_insert_with(fresh))
            }
            Err(error) => {
                if self.refused.insert(folder.clone()) {
                    findings.problem(&folder, error.to_string(), "rename the folder and pack again");
                }
                None
            }
        }
    }

    /// All components, once the last member was seen.
    pub(super) fn finish(self, findings: &mut Findings) -> Vec<Component> {
        let mut components: BTreeMap<(Kind, ComponentName), Component> = BTreeMap::new();
        for component in self.components.into_values() {
            let folder = format!("{}/{}/{}", self.package, component.written, component.name);
            note(&component, &folder, findings);
            let (kind, name) = (component.kind.clone(), component.name.clone());
            if let Some(other) = components.insert((kind, name.clone()), component) {
                let what = format!("`{}/{name}` is the same component", other.written);
                findings.problem(&folder, what, "both folders are of one type: rename one of the two components");
            }
        }
        if components.is_empty() && self.refused.is_empty() {
            let remedy =
                format!("put at least one folder below it, as in {}/flink/COMPONENT/properties.json", self.package);
            findings.problem(self.package.as_str(), "there is no component in it", remedy);
        }
        components.into_values().collect()
    }
}

/// What is told of a component that is read but not run, or not as it was.
fn note(component: &Component, folder: &str, findings: &mut Findings) {
    if component.written.as_str() != component.kind.as_str() {
        let what = format!("the type `{}` is read as `{}`", component.written, component.kind.as_str());
        findings.note(folder, what, format!("name the folder `{}`", component.kind.as_str()));
    }
    if let Some(outlook) = component.kind.outlook() {
        findings.note(folder, outlook, "");
    }
    for (name, descriptor) in &component.descriptors {
        let (what, remedy) = match name.as_str() {
            hdfs_paths::FILE if !descriptor.to_string().contains("delete_on_undeploy") => continue,
            hdfs_paths::FILE => (
                "`delete_on_undeploy` removes nothing here: folders stay",
                "remove them by hand when nobody needs them",
            ),
            _ => ("it is kept, and not carried out: there is no such system here", "create what it describes by hand"),
        };
        findings.note(&format!("{folder}/{name}"), what, remedy);
    }
}

/// Reads the files of a component that this version knows.
fn read_known(
    component: &mut Component,
    file: &str,
    place: &str,
    bytes: &mut dyn Read,
    findings: &mut Findings,
) -> std::io::Result<()> {
    let mut text = Vec::new();
    bytes.read_to_end(&mut text)?;
    if file == PROPERTIES {
        component.properties = descriptor::properties(place, &text, findings);
    } else if let Some(value) = descriptor::descriptor(place, &text, findings) {
        component.descriptors.insert(file.to_owned(), value);
    }
    Ok(())
}
