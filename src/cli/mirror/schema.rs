//! `pnda schema [VERB]`: the JSON Schema of what the verbs of `pnda mirror` print with `--json`.
//! It is derived from the very types that are printed; `schemas/pnda-mirror.json` is this document, as published.
//! Not here: the types, which stand beside their commands.

use super::{advisories, build, fetch, gc, licences, lock, rollback, serve, status, verify};
use crate::mirror::generations::difference::{Difference, Package};
use crate::mirror::generations::listing::Row;
use crate::mirror::resolve::outdated::Outdated;
use crate::mirror::why::Why;
use clap::ValueEnum;
use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

/// The verbs that print JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Verb {
    Lock,
    Why,
    Outdated,
    Fetch,
    Build,
    Verify,
    List,
    Diff,
    Rollback,
    Gc,
    Status,
    Sbom,
    Licences,
    Advisories,
    Serve,
}

/// The schema of what one verb prints, or of an object with the answers of all verbs, each under its name.
pub fn schema(verb: Option<Verb>) -> Value {
    let mut generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut document = Map::new();
    document.insert("$schema".into(), json!("https://json-schema.org/draft/2020-12/schema"));
    match verb {
        Some(verb) => {
            document.insert("title".into(), json!(format!("What `pnda mirror {} --json` prints", verb.name())));
            document.extend(verb.answer(&mut generator));
        }
        None => {
            let title = "What the verbs of `pnda mirror` print with `--json`, each under its name";
            let about = "Later programs may print more fields than these, and none of these otherwise.";
            document.insert("title".into(), json!(title));
            document.insert("description".into(), json!(about));
            document.insert("type".into(), json!("object"));
            let answers = Verb::value_variants().iter();
            let answers: Map<String, Value> =
                answers.map(|verb| (verb.name(), Value::Object(verb.answer(&mut generator)))).collect();
            document.insert("properties".into(), Value::Object(answers));
        }
    }
    let shared = generator.take_definitions(true);
    if !shared.is_empty() {
        document.insert("$defs".into(), Value::Object(shared));
    }
    Value::Object(document)
}

impl Verb {
    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// The schema of its answer; types that others use too are defined in the generator.
    fn answer(self, generator: &mut SchemaGenerator) -> Map<String, Value> {
        fn one<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
            generator.subschema_for::<T>().to_value()
        }
        let answer = match self {
            Verb::Lock => one::<lock::Locked>(generator),
            Verb::Why => one::<Vec<Why>>(generator),
            Verb::Outdated => one::<Vec<Outdated>>(generator),
            Verb::Fetch => one::<fetch::Fetched>(generator),
            Verb::Build => json!({ "anyOf": [one::<build::Built>(generator), one::<build::Planned>(generator)] }),
            Verb::Verify => one::<verify::Checked>(generator),
            Verb::List => one::<Vec<Row>>(generator),
            Verb::Diff => json!({ "anyOf": [one::<Difference>(generator), one::<Vec<Package>>(generator)] }),
            Verb::Rollback => one::<rollback::RolledBack>(generator),
            Verb::Gc => one::<gc::Removed<'_>>(generator),
            Verb::Status => one::<status::Page>(generator),
            Verb::Sbom => cyclonedx(),
            Verb::Licences => one::<licences::Licences<'_>>(generator),
            Verb::Advisories => one::<advisories::Judged<'_>>(generator),
            Verb::Serve => one::<serve::Serving>(generator),
        };
        Schema::try_from(answer).map(|mut schema| std::mem::take(schema.ensure_object())).unwrap_or_default()
    }
}

/// A bill of materials follows the schema of its own form, which its publisher keeps.
fn cyclonedx() -> Value {
    json!({
        "description": "A bill of materials, as the schema of CycloneDX 1.6 has it.",
        "type": "object",
        "properties": { "bomFormat": { "const": "CycloneDX" }, "specVersion": { "const": "1.6" } },
        "required": ["bomFormat", "specVersion", "metadata", "components", "dependencies"],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_schema_is_that_of_the_program() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/pnda-mirror.json");
        let published = std::fs::read_to_string(path).unwrap_or_default();
        let ours = format!("{}\n", serde_json::to_string_pretty(&schema(None)).unwrap());
        assert!(published == ours, "write it anew with `pnda schema > schemas/pnda-mirror.json`");
    }
}
