//! `pnda app schema [VERB]`: the JSON Schema of what the verbs of `pnda app` print with `--json`.
//! It is derived from the very types that are printed; `schemas/pnda-app.json` is this document, as published.
//! Not here: the types, which stand in `words::application`.

use crate::words::alarm::Alarm;
use crate::words::application::{Application, Event, Explained, Logs};
use crate::words::change::{Difference, Plan};
use crate::words::declared::{Applied, Declarations};
use crate::words::foreign::Foreign;
use crate::words::happened::Happened;
use crate::words::housekeeping::Cleaning;
use crate::words::names::PackageName;
use crate::words::savepoints::Savepoints;
use crate::words::selftest::Selftest;
use clap::ValueEnum;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// The verbs that print JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Verb {
    Packages,
    Status,
    List,
    History,
    Alarms,
    Selftest,
    Logs,
    Explain,
    Savepoints,
    Upgrade,
    Diff,
    Foreign,
    Clean,
    Export,
    Apply,
    Events,
}

/// The schema of what one verb prints, or of an object with the answers of all verbs, each under its name.
pub fn schema(verb: Option<Verb>) -> Value {
    let mut generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut answer = |verb: Verb| {
        let schema = match verb {
            Verb::Packages => generator.subschema_for::<Vec<PackageName>>(),
            Verb::Status => generator.subschema_for::<Application>(),
            Verb::List => generator.subschema_for::<Vec<Application>>(),
            Verb::History => generator.subschema_for::<Vec<Event>>(),
            Verb::Alarms => generator.subschema_for::<Vec<Alarm>>(),
            Verb::Selftest => generator.subschema_for::<Selftest>(),
            Verb::Logs => generator.subschema_for::<Logs>(),
            Verb::Explain => generator.subschema_for::<Vec<Explained>>(),
            Verb::Savepoints => generator.subschema_for::<Savepoints>(),
            Verb::Upgrade => generator.subschema_for::<Plan>(),
            Verb::Diff => generator.subschema_for::<Difference>(),
            Verb::Foreign => generator.subschema_for::<Vec<Foreign>>(),
            Verb::Clean => generator.subschema_for::<Cleaning>(),
            Verb::Export => generator.subschema_for::<Declarations>(),
            Verb::Apply => generator.subschema_for::<Applied>(),
            // One a line.
            Verb::Events => generator.subschema_for::<Happened>(),
        };
        schema.to_value()
    };
    let name = |verb: Verb| verb.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
    let mut document = match verb {
        Some(verb) => {
            let title = format!("What `pnda app {} --json` prints", name(verb));
            json!({ "title": title, "allOf": [answer(verb)] })
        }
        None => {
            let all: Map<String, Value> =
                Verb::value_variants().iter().map(|verb| (name(*verb), answer(*verb))).collect();
            json!({
                "title": "What the verbs of `pnda app` print with `--json`, each under its name",
                "description": "Later programs may print more fields than these, and none of these otherwise.",
                "type": "object",
                "properties": all,
            })
        }
    };
    document["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    document["$defs"] = Value::Object(generator.take_definitions(true));
    document
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_schema_is_that_of_the_program() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/pnda-app.json");
        let ours = format!("{}\n", serde_json::to_string_pretty(&schema(None)).unwrap());
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(path, &ours).unwrap();
        }
        let published = std::fs::read_to_string(path).unwrap_or_default();
        assert!(published == ours, "write it anew with `pnda app schema > schemas/pnda-app.json`");
    }
}
