//! What is set otherwise than in a package, as arguments or in a file: for `create` and for changes.
//! Not here: what a property means; the manager says what is wrong with it.
//! A value in an argument is seen by everybody on the machine, so a file may have it.

use crate::cli::failure::{Failure, USAGE};
use crate::words::names::{ComponentName, PackageName};
use serde_json::{Map, Value, json};
use std::path::Path;

/// A property of a component, as an argument.
#[derive(Debug, Clone)]
pub(super) struct Property {
    component: ComponentName,
    name: String,
    value: String,
}

pub(super) fn property(text: &str) -> Result<Property, String> {
    let form = "write COMPONENT.PROPERTY=VALUE, as in wordcount.application_args=--fast";
    let (left, value) = text.split_once('=').ok_or(form)?;
    let (component, name) = left.split_once('.').filter(|(_, name)| !name.is_empty()).ok_or(form)?;
    let component = ComponentName::new(component).map_err(|error| error.to_string())?;
    Ok(Property { component, name: name.to_owned(), value: value.to_owned() })
}

/// The document of an application that is made.
pub(super) fn body(package: &PackageName, set: Vec<Property>, overrides: Option<&Path>) -> Result<Value, Failure> {
    Ok(match overrides {
        None if set.is_empty() => json!({ "package": package }),
        None => json!({ "package": package, "flink": of_set(set) }),
        Some(file) => {
            let mut body = of_file(file)?;
            body["package"] = json!(package);
            body
        }
    })
}

/// An object in a file.
pub(super) fn of_file(file: &Path) -> Result<Value, Failure> {
    let wrong = |error: &dyn std::fmt::Display| Failure::new(USAGE, format!("{}: {error}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| wrong(&error))?;
    let body: Value = serde_json::from_str(&text).map_err(|error| wrong(&error))?;
    if body.is_object() { Ok(body) } else { Err(wrong(&"it is not an object")) }
}

/// Properties by component.
pub(super) fn of_set(set: Vec<Property>) -> Map<String, Value> {
    let mut components: Map<String, Value> = Map::new();
    for Property { component, name, value } in set {
        let of = components.entry(component.to_string()).or_insert_with(|| json!({}));
        of[name] = Value::from(value);
    }
    components
}
