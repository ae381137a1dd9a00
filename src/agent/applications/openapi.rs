//! The interface as an OpenAPI 3.1 document, made of the table of routes and of the types that are written.
//! `schemas/pnda-applications.json` is this document, as published.
//! Not here: any route.

use super::access::Right;
use super::failure::Told;
use super::route::{Route, Takes};
use super::shapes::SchemaOf;
use super::shapes::of;
use super::table::ROUTES;
use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value, json};
use words::names::{ApplicationName, ComponentName, PackageName};

/// The document.
pub fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let settings = settings.with(|settings| settings.definitions_path = "/components/schemas".into());
    let mut generator = settings.into_generator();
    let mut paths: Map<String, Value> = Map::new();
    for route in ROUTES {
        let at = paths.entry(route.path).or_insert_with(|| json!({}));
        at[route.method.to_lowercase()] = operation(route, &mut generator);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Applications on YARN",
            "version": "1",
            "description": "The manager of applications: PNDA's Deployment Manager and package repository, and below /v1 what `pnda app` uses.",
            "license": { "name": "Apache 2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "token": [] }, { "certificate": [] }],
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer" },
                "certificate": { "type": "mutualTLS" },
            },
        },
    })
}

fn operation(route: &Route, generator: &mut SchemaGenerator) -> Value {
    let mut operation = json!({
        "operationId": id(route),
        "summary": route.about,
        "tags": [if route.path.starts_with("/v1") { "own" } else { "pnda" }],
        "parameters": parameters(route, generator),
        "responses": responses(route, generator),
    });
    let content = match route.takes {
        Takes::Nothing => None,
        Takes::Document { schema, required } => Some(("application/json", taken(schema), required)),
        Takes::Package => Some(("application/octet-stream", json!({ "type": "string", "format": "binary" }), true)),
    };
    if let Some((media_type, schema, required)) = content {
        operation["requestBody"] = json!({ "required": required, "content": { media_type: { "schema": schema } } });
    }
    if route.right == Right::Look {
        operation["description"] =
            json!("Where the cluster opens a listener for PNDA's clients, nobody needs a name for this.");
    }
    operation
}

/// What comes in may leave out what has a usual value, which what goes out never does.
fn taken(schema: SchemaOf) -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    schema(&mut settings.into_generator()).to_value()
}

/// `GET /v1/applications/{application}/explain` as `getV1ApplicationsApplicationExplain`.
fn id(route: &Route) -> String {
    let words = route.path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    words.fold(route.method.to_lowercase(), |id, word| id + &capital(word))
}

fn parameters(route: &Route, generator: &mut SchemaGenerator) -> Vec<Value> {
    let mut all = Vec::new();
    for name in route.names() {
        let schema = match name {
            "application" => of::<ApplicationName>(generator).to_value(),
            "package" => of::<PackageName>(generator).to_value(),
            "component" => of::<ComponentName>(generator).to_value(),
            "savepoint" => json!({ "type": "string", "pattern": "^[0-9a-f]{32}$" }),
            "file" => {
                json!({ "type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,90}-[0-9]{1,9}[.][0-9]{1,9}[.][0-9]{1,9}[.]tar[.]gz$" })
            }
            _ => json!({ "type": "string" }),
        };
        all.push(json!({ "name": name, "in": "path", "required": true, "schema": schema }));
    }
    let name = json!({ "type": "string", "pattern": "^([A-Za-z0-9_][A-Za-z0-9._+-]{0,127})?$" });
    all.push(json!({
        "name": "user.name", "in": "query", "schema": name,
        "description": "Who asks, or for whom a proxy asks. It proves nothing.",
    }));
    if let Some((name, most, about)) = route.query {
        let schema = json!({ "type": "integer", "minimum": 0, "maximum": most });
        all.push(json!({ "name": name, "in": "query", "schema": schema, "description": about }));
    }
    all
}

/// What comes if all is well, and what a refusal looks like, whatever its status.
fn responses(route: &Route, generator: &mut SchemaGenerator) -> Value {
    let of_json = |schema: Value| json!({ "application/json": { "schema": schema } });
    let refusal = of::<Told>(generator).to_value();
    let refused = json!({ "description": "It is refused.", "content": of_json(refusal.clone()) });
    let mut all = Map::from_iter([("4XX".to_owned(), refused.clone()), ("5XX".to_owned(), refused.clone())]);
    let (status, schema) = route.gives;
    let given = match schema {
        None if status >= 400 => refused,
        None => json!({ "description": "Taken." }),
        Some(schema) => {
            let schema = schema(generator).to_value();
            let is_file = schema["format"] == "binary";
            let content = match (is_file, route.deep) {
                (true, true) => json!({ "*/*": { "schema": schema } }),
                (true, false) => json!({ "application/gzip": { "schema": schema } }),
                (false, _) => of_json(schema),
            };
            json!({ "description": "Done.", "content": content })
        }
    };
    all.insert(status.to_string(), given);
    if let Some((status, schema)) = route.or {
        let either = json!({ "anyOf": [schema(generator).to_value(), refusal] });
        all.insert(status.to_string(), json!({ "description": "There is none.", "content": of_json(either) }));
    }
    Value::Object(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_published_document_is_that_of_the_program() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas/pnda-applications.json");
        let ours = format!("{}\n", serde_json::to_string_pretty(&document()).unwrap());
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(path, &ours).unwrap();
        }
        let published = std::fs::read_to_string(path).unwrap_or_default();
        assert!(published == ours, "write it anew with `BLESS=1 cargo test -p pnda-agent --lib openapi`");
    }

    #[test]
    fn every_route_is_in_it_once_and_nothing_else() {
        let document = document();
        let paths = document["paths"].as_object().unwrap();
        let method = |(path, of): (&String, &Value)| {
            of.as_object().unwrap().keys().map(|method| (method.to_uppercase(), path.clone())).collect::<Vec<_>>()
        };
        let told: BTreeSet<(String, String)> = paths.iter().flat_map(method).collect();
        let routes: Vec<(String, String)> =
            ROUTES.iter().map(|route| (route.method.to_owned(), route.path.to_owned())).collect();
        assert_eq!(routes.len(), routes.iter().collect::<BTreeSet<_>>().len(), "no route is there twice");
        assert_eq!(told, routes.into_iter().collect());
        let ids: Vec<&Value> =
            paths.values().flat_map(|of| of.as_object().unwrap().values()).map(|of| &of["operationId"]).collect();
        assert_eq!(ids.len(), ids.iter().map(|id| id.as_str().unwrap()).collect::<BTreeSet<_>>().len());
    }
}
