//! What an application sets otherwise than its package: the body of the request that creates it.
//! `{"package": "wordcount-1.2.3", "flink": {"word-count": {"application_args": "--port 9100"}}}`
//! Not here: what the values mean; they are checked as properties of their component.

use super::{Kind, Package, descriptor};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use words::names::{ComponentName, ComponentType, PackageName};
use words::problem::{Origin, Problems, nearest};
use words::shown::shown;

/// What mistakes name as their place.
const PLACE: &str = "overrides";
const FORM: &str = "write {\"package\": \"NAME-1.2.3\", \"flink\": {\"COMPONENT\": {\"PROPERTY\": \"VALUE\"}}}";

/// The overrides of one application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overrides {
    /// The package that the application is made of.
    pub package: PackageName,
    components: BTreeMap<(Kind, ComponentName), BTreeMap<String, String>>,
}

impl Overrides {
    /// None at all.
    pub fn none(package: PackageName) -> Overrides {
        Overrides { package, components: BTreeMap::new() }
    }

    /// Reads the body; all mistakes at once.
    pub fn parse(body: &Value) -> Result<Overrides, Problems> {
        let mut reader = Reader { problems: Problems::default(), components: BTreeMap::new() };
        let Some(members) = body.as_object() else {
            reader.problem("it is no JSON object", FORM);
            return Err(reader.problems);
        };
        let package = reader.package(members);
        for (name, value) in members.iter().filter(|(name, _)| *name != "package") {
            match name.as_str() {
                "user" => {
                    reader.problem("`user` cannot be set", "who creates an application is its owner: leave it out")
                }
                _ => reader.kind(name, value),
            }
        }
        match (package, reader.problems.is_empty()) {
            (Some(package), true) => Ok(Overrides { package, components: reader.components }),
            _ => Err(reader.problems.sorted()),
        }
    }

    /// The same where who set a property said the component alone, which is taken as one of type `flink`.
    pub fn fitted(mut self, package: &Package) -> Overrides {
        let is_other = |(kind, name): &&(Kind, ComponentName)| {
            let there = |kind: &Kind| package.component(kind, name).is_some();
            *kind == Kind::Flink && !there(kind) && there(&Kind::Oozie)
        };
        let others: Vec<_> = self.components.keys().filter(is_other).cloned().collect();
        for of in others {
            let Some(set) = self.components.remove(&of) else { continue };
            self.components.entry((Kind::Oozie, of.1)).or_default().extend(set);
        }
        self
    }

    /// Holds them against the package: whether each component that is named is in it.
    pub fn check(&self, package: &Package) -> Result<(), Problems> {
        let mut problems = Problems::default();
        let there = |(kind, name): &&(Kind, ComponentName)| package.component(kind, name).is_none();
        for (kind, name) in self.components.keys().filter(there) {
            let known: Vec<String> =
                package.components.iter().map(|known| format!("{}/{}", known.kind.as_str(), known.name)).collect();
            let wanted = format!("{}/{name}", kind.as_str());
            let remedy = match nearest(&wanted, known.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are: {}", known.join(", ")),
            };
            let what = format!("`{}` has no component `{wanted}`", package.name);
            problems.add(Origin::of_file(PLACE).problem(what, remedy));
        }
        problems.into_result(())
    }

    /// What is set for one component.
    pub fn of(&self, kind: &Kind, name: &ComponentName) -> BTreeMap<String, String> {
        self.components.get(&(kind.clone(), name.clone())).cloned().unwrap_or_default()
    }

    /// The same as JSON, in the form of the request; types have one name each.
    pub fn to_json(&self) -> Value {
        let mut body = Map::from_iter([("package".to_owned(), Value::from(self.package.as_str()))]);
        for ((kind, name), properties) in &self.components {
            let of_type = body.entry(kind.as_str()).or_insert_with(|| Value::Object(Map::new()));
            of_type[name.as_str()] = serde_json::json!(properties);
        }
        Value::Object(body)
    }
}

struct Reader {
    problems: Problems,
    components: BTreeMap<(Kind, ComponentName), BTreeMap<String, String>>,
}

impl Reader {
    fn problem(&mut self, what: impl Into<String>, remedy: impl Into<String>) {
        self.problems.add(Origin::of_file(PLACE).problem(what, remedy));
    }

    fn package(&mut self, members: &Map<String, Value>) -> Option<PackageName> {
        let name = match members.get("package") {
            Some(Value::String(name)) => PackageName::new(name.as_str()),
            Some(_) => {
                self.problem("`package` is no text", FORM);
                return None;
            }
            None => {
                self.problem("`package` is missing", FORM);
                return None;
            }
        };
        name.map_err(|error| self.problem(error.to_string(), FORM)).ok()
    }

    fn kind(&mut self, written: &str, value: &Value) {
        let kind = match ComponentType::new(written) {
            Ok(written) => Kind::of(&written),
            Err(error) => return self.problem(error.to_string(), FORM),
        };
        let Some(components) = value.as_object() else {
            return self.problem(format!("`{}` is no object of components", shown(written)), FORM);
        };
        for (name, value) in components {
            match ComponentName::new(name.as_str()) {
                Ok(name) => self.component(&kind, name, value),
                Err(error) => self.problem(error.to_string(), "components are named as in the package"),
            }
        }
    }

    fn component(&mut self, kind: &Kind, name: ComponentName, value: &Value) {
        let place = format!("{}/{name}", kind.as_str());
        let Some(members) = value.as_object() else {
            return self.problem(format!("`{place}` is no object of properties"), FORM);
        };
        let mut properties = BTreeMap::new();
        for (property, value) in members {
            match descriptor::scalar(property, value) {
                Ok(text) => drop(properties.insert(property.clone(), text)),
                Err((what, remedy)) => self.problem(format!("{place}: {what}"), remedy),
            }
        }
        // `flink` and `flinkStreaming` are one type.
        if self.components.insert((kind.clone(), name), properties).is_some() {
            self.problem(format!("`{place}` is there twice"), "write it once");
        }
    }
}
