//! Documents of the interface that stand nowhere else: what goes in and comes out, with their schemas.
//! What is told of applications is in `words::application`.
//! Not here: how they are filled.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use words::application::{DryRun, Finding, Phase};
use words::digest::Sha256;
use words::names::{ApplicationName, ComponentName, PackageName, Word};

/// A schema, with what it refers to in the generator.
pub(super) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// The schema of a type.
pub(super) fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// Any JSON; an OpenAPI document is described elsewhere.
pub(super) fn any_object(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object" })
}

/// Bytes as they are.
pub(super) fn bytes(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "format": "binary" })
}

/// What an application is made from: its package, and what is set otherwise than there.
pub(super) fn creation(generator: &mut SchemaGenerator) -> Schema {
    let package = generator.subschema_for::<PackageName>();
    let name = "^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$";
    json_schema!({
        "type": "object",
        "description": "The package, and by type and component the properties that are set otherwise than in it.",
        "properties": { "package": package, "user": false },
        "required": ["package"],
        "propertyNames": { "pattern": name },
        "additionalProperties": {
            "type": "object",
            "propertyNames": { "pattern": name },
            "additionalProperties": {
                "type": "object",
                "propertyNames": { "pattern": "^[ -~]{1,256}$" },
                "additionalProperties": { "type": ["string", "number", "boolean"] }
            }
        }
    })
}

/// The same in our own interface, where it may begin from the state of another application.
pub(super) fn own_creation(generator: &mut SchemaGenerator) -> Schema {
    let name = generator.subschema_for::<ApplicationName>();
    let mut schema = creation(generator);
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert("state_of".to_owned(), name.to_value());
    }
    schema
}

/// PNDA's summary of one application: its state, or the state of each component and of the whole.
pub(super) fn summary(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "description": "Under the application's name: `status`, where there is none; else `aggregate_status`, and an entry for each component.",
        "additionalProperties": { "type": "object" }
    })
}

/// From what a start begins.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("not" = json!({
    "required": ["from", "empty"], "properties": { "from": { "type": "string" }, "empty": { "const": true } },
})))]
pub(super) struct Start {
    /// From this savepoint or checkpoint: its path, or the id of a savepoint of the application.
    pub(super) from: Option<String>,
    /// From nothing, although there may be a state.
    pub(super) empty: bool,
    /// Only say what would be submitted, and what stands against it.
    pub(super) dry_run: bool,
}

/// How a stop ends a job.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Stop {
    /// With a savepoint; without one it is killed.
    pub(super) savepoint: bool,
    /// For good: all windows are closed before the savepoint.
    pub(super) drain: bool,
}

impl Default for Stop {
    fn default() -> Stop {
        Stop { savepoint: true, drain: false }
    }
}

/// Which node is to manage.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HandOver {
    /// By the name that the machine calls itself.
    pub(super) to: Word,
}

/// How the manager is.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ManagerState {
    /// Why nothing is done here; none if all is well.
    pub(super) silence: Option<Silence>,
}

/// Nothing can be recorded, or another node manages.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Silence {
    /// Since when, in milliseconds since 1970.
    pub(super) since_ms: u64,
    /// Why.
    pub(super) why: String,
    /// Another node manages, and this one stands by: what it shows is what it knows and sees itself, and it takes orders, which
    /// the other one carries out.
    pub(super) stands_by: bool,
}

/// What is worth knowing of an application that was made, and what stands against its start now.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Notes {
    pub(super) notes: Vec<String>,
    pub(super) findings: Vec<Finding>,
}

/// What was found, none of which kept an order from being taken.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Findings {
    pub(super) findings: Vec<Finding>,
}

/// A start that was taken, or what it would do.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum StartTold {
    Taken(Findings),
    Dry(DryRun),
}

/// A package that was taken in.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Uploaded {
    pub(super) sha256: Sha256,
    pub(super) size: u64,
}

/// The newest versions of a package in the repository.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Listed {
    pub(super) name: String,
    pub(super) latest_versions: Vec<Version>,
}

/// A version in the repository.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Version {
    pub(super) version: String,
    pub(super) file: String,
}

/// Properties by type and component.
pub(super) type Properties = BTreeMap<String, BTreeMap<String, BTreeMap<String, String>>>;

/// A package, in PNDA's words.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct PackageTold {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) status: Deployed,
    /// Who deployed it.
    pub(super) user: Option<Word>,
    /// Its properties by type and component.
    pub(super) defaults: Option<Properties>,
    pub(super) information: Option<String>,
}

/// Whether a package is deployed.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Deployed {
    NotDeployed,
    Deployed,
}

/// How a package is, in PNDA's words.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct PackageStatus {
    pub(super) status: Deployed,
    pub(super) information: Option<String>,
}

/// How an application is, in PNDA's words; one that is not there is told, too.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Status {
    There { status: Phase, information: Option<String> },
    NotThere(NotCreated),
}

/// An application that is not there.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct NotCreated {
    status: NotCreatedWord,
    information: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
enum NotCreatedWord {
    #[serde(rename = "NOTCREATED")]
    NotCreated,
}

impl NotCreated {
    pub(super) fn new() -> NotCreated {
        NotCreated { status: NotCreatedWord::NotCreated, information: None }
    }
}

/// An application, in PNDA's words.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum ApplicationTold {
    There(Box<Known>),
    NotThere(NotCreated),
}

/// An application that is there.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Known {
    /// What is set otherwise than in the package; for its owner and administrators.
    pub(super) overrides: Option<Value>,
    pub(super) defaults: Option<Properties>,
    pub(super) name: ApplicationName,
    pub(super) package_name: PackageName,
    pub(super) status: Phase,
    pub(super) information: Option<String>,
}

/// What YARN knows of an application's components, in PNDA's words.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Detail {
    pub(super) yarn_applications: BTreeMap<String, InYarn>,
    pub(super) status: Phase,
    pub(super) name: ApplicationName,
}

/// A component's last run in YARN.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) struct InYarn {
    pub(super) component: ComponentName,
    pub(super) r#type: &'static str,
    pub(super) yarn_id: String,
    pub(super) yarn_start_time: Option<u64>,
    pub(super) yarn_state: &'static str,
}
