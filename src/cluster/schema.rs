//! The JSON Schema of cluster files, made from the roles: an editor knows every setting, its form and its default.
//! It says what a file may look like; what goes together is `pnda cluster check`'s concern.
//! Not here: reading cluster files (`spec`).

use super::role::Role;
use super::setting::{Declaration, Default, Kind, Value as Setting};
use super::spec::NodeKind;
use super::{resolve, role};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use words::names::Word;
use words::problem::Problems;

/// The schema for these roles and flavors, given by file name and text.
pub fn schema(roles: &[(String, String)], flavors: &[(String, String)]) -> Result<Value, Problems> {
    let mut problems = Problems::default();
    let roles = role::read_all(roles, &mut problems);
    let flavors = flavors.iter().filter_map(|(file, _)| file.rsplit('/').next()?.strip_suffix(".toml"));
    let schema = document(&roles, &flavors.collect());
    problems.into_result(schema)
}

fn document(roles: &BTreeMap<Word, Role>, flavors: &BTreeSet<&str>) -> Value {
    let kinds = NodeKind::ALL.map(NodeKind::as_str);
    let stacks: BTreeSet<&str> = roles.values().filter_map(|role| Some(role.stack.as_ref()?.text.as_str())).collect();
    let all = settings(resolve::declarations(roles).into_values());
    let of_role = |role: &Role| settings(role.lists.settings.iter());
    let of_roles: Map<String, Value> = roles.iter().map(|(name, role)| (name.to_string(), of_role(role))).collect();
    let of_kinds: Map<String, Value> = kinds.iter().map(|kind| ((*kind).to_owned(), reference())).collect();
    let names: Vec<&str> = roles.keys().map(Word::as_str).collect();
    let of_pnda = format!("^({})(-[0-9]+)?$", NodeKind::OF_PNDA.map(|(name, _)| name).join("|"));
    let node = json!({
        "type": "object",
        "description": "One machine.",
        "required": ["name", "address", "kinds"],
        "additionalProperties": false,
        "properties": {
            "name": { "type": "string", "description": "Its name: letters, digits and . _ + -" },
            "address": { "type": "string", "description": "Its host name or IP address, as other nodes reach it." },
            "kinds": {
                "type": "array", "items": { "anyOf": [{ "enum": kinds }, { "pattern": of_pnda }] }, "minItems": 1,
                "description": "What it is for."
            },
            "roles": { "type": "array", "items": { "enum": names }, "description": "Roles that it has besides." },
            "settings": reference(),
        }
    });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A cluster of pnda",
        "type": "object",
        "required": ["name", "mirror", "node"],
        "additionalProperties": false,
        "properties": {
            "name": { "type": "string", "description": "The cluster's name." },
            "flavor": { "enum": flavors, "description": "The size it is made for." },
            "stacks": {
                "type": "array", "items": { "enum": stacks },
                "description": "What it runs besides Flink; without hadoop, the site's own is used."
            },
            "mirror": {
                "type": "object", "required": ["url"], "additionalProperties": false,
                "properties": { "url": { "type": "string", "description": "Where nodes install from." } }
            },
            "settings": reference(),
            "kind": {
                "type": "object", "additionalProperties": false, "properties": of_kinds,
                "description": "Settings of all nodes of a kind."
            },
            "role": {
                "type": "object", "additionalProperties": false, "properties": of_roles,
                "description": "Settings of all nodes that have a role."
            },
            "node": { "type": "array", "items": node, "minItems": 1 },
        },
        "$defs": { "settings": all },
    })
}

fn reference() -> Value {
    json!({ "$ref": "#/$defs/settings" })
}

/// Settings by their dotted names, as nested tables.
fn settings<'a>(declared: impl Iterator<Item = &'a Declaration>) -> Value {
    let mut tree = Map::new();
    for setting in declared {
        let mut branch = &mut tree;
        let mut parts = setting.name.split('.').peekable();
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                branch.insert(part.to_owned(), form(setting));
                break;
            }
            let table = || json!({ "type": "object", "additionalProperties": false, "properties": {} });
            let below = branch.entry(part.to_owned()).or_insert_with(table);
            let Some(Value::Object(properties)) = below.get_mut("properties") else { break };
            branch = properties;
        }
    }
    json!({ "type": "object", "additionalProperties": false, "properties": tree })
}

fn form(setting: &Declaration) -> Value {
    let kind = match setting.kind {
        Kind::Boolean => "boolean",
        Kind::Integer | Kind::Port => "integer",
        _ => "string",
    };
    let mut form = json!({ "type": kind, "description": format!("{} Form: {}.", setting.about, setting.kind.form()) });
    match &setting.default {
        Some(Default::Value(Setting::Text(text))) => form["default"] = json!(text),
        Some(Default::Value(Setting::Integer(number))) => form["default"] = json!(number),
        Some(Default::Value(Setting::Boolean(flag))) => form["default"] = json!(flag),
        _ => {}
    }
    form
}

#[cfg(test)]
mod tests {
    use super::super::{default_flavors, default_roles};
    use super::*;

    #[test]
    fn the_published_schema_is_that_of_the_roles() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas/pnda-cluster.json");
        let made = serde_json::to_string_pretty(&schema(&default_roles(), &default_flavors()).unwrap()).unwrap() + "\n";
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(path, &made).unwrap();
        }
        assert!(made == std::fs::read_to_string(path).unwrap_or_default(), "make it anew with BLESS=1");
    }
}
