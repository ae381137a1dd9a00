//! Applications as a document declares them: of what each is made, what is set otherwise there, and whether it shall run.
//! `pnda app export` writes such a document and `pnda app apply` brings it about; it lives longer than a release, so it says its
//! format.
//! Not here: what it takes to bring it about (`apps::declare`).

use crate::application::{Finding, Weight};
use crate::document::{self, Table};
use crate::names::{ApplicationName, ComponentName, ComponentType, PackageName, Word};
use crate::problem::{Origin, Problems, Source};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The format of the document.
const FORMAT: u64 = 1;
/// What a line that sets a property looks like.
const FORM: &str = "write TYPE.COMPONENT.PROPERTY = \"VALUE\", as in flink.wordcount.application_args = \"--fast\"";

/// Applications by name.
pub type Declarations = BTreeMap<ApplicationName, Declared>;

/// What is set otherwise than in a package: by type, component and property.
pub type Settings = BTreeMap<ComponentType, BTreeMap<ComponentName, BTreeMap<String, String>>>;

/// An application as it shall be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Declared {
    /// The package that it is made of.
    pub package: PackageName,
    /// Whose it is; whoever applies it, where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Word>,
    /// Whether it runs.
    pub wanted: Wanted,
    /// Where it is made only now: it begins from the state that this application has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_of: Option<ApplicationName>,
    /// What is set otherwise than in the package.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set: Settings,
}

/// Whether an application runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Wanted {
    /// It is started, and goes on as its package says.
    Running,
    /// It is not started, or was stopped.
    Stopped,
}

/// What is to be brought about, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Apply {
    /// The applications.
    pub applications: Declarations,
    /// Whether applications of whoever asks that are not among them go: stopped with a savepoint, then forgotten.
    #[serde(default)]
    pub delete_missing: bool,
    /// Only say what would be done.
    #[serde(default)]
    pub dry_run: bool,
}

/// What is done to bring it about, or would be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Applied {
    /// The applications of which there is something to do or to say.
    pub applications: Vec<Steps>,
}

/// What is done with one application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Steps {
    /// The application.
    pub application: ApplicationName,
    /// What is done, in its order; empty if only something is to be said.
    pub steps: Vec<Step>,
    /// What differs, by name: `package`, or TYPE/COMPONENT/PROPERTY. Values may be secrets, and are not told.
    pub differs: Vec<String>,
    /// For what the steps wait that wait, what is under way where none is left, or why one failed.
    pub reason: Option<String>,
    /// What stands against it, or is worth knowing.
    pub findings: Vec<Finding>,
}

/// One order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// Which.
    pub order: Order,
    /// How far it is.
    pub state: StepState,
}

/// What is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// It is made.
    Create,
    /// It is upgraded to what is declared.
    Upgrade,
    /// It is started.
    Start,
    /// It is stopped with a savepoint.
    Stop,
    /// It is forgotten; nothing of it runs any more then.
    Delete,
}

/// How far an order is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StepState {
    /// It was not given: this is a dry run, or something stands against it.
    Planned,
    /// It was given.
    Ordered,
    /// It can be given when something else is over: apply the same again then.
    Waits,
    /// It was refused.
    Failed,
}

impl Applied {
    /// Whether something stands against it, so that nothing is done.
    pub fn is_refused(&self) -> bool {
        let mut findings = self.applications.iter().flat_map(|one| &one.findings);
        findings.any(|finding| finding.weight == Weight::Refusal)
    }

    /// Whether a step is there in this state.
    pub fn has(&self, state: StepState) -> bool {
        self.applications.iter().flat_map(|one| &one.steps).any(|step| step.state == state)
    }

    /// Whether nothing is to be done.
    pub fn is_nothing(&self) -> bool {
        self.applications.iter().all(|one| one.steps.is_empty())
    }

    /// Whether nothing is to be done, and nothing that was ordered before is under way.
    pub fn is_brought_about(&self) -> bool {
        self.applications.iter().all(|one| one.steps.is_empty() && one.reason.is_none())
    }
}

/// Reads a document; every mistake is told at once, with its line. Gives where each application stands, too.
pub fn read(source: Source<'_>) -> Result<(Declarations, BTreeMap<ApplicationName, Origin>), Problems> {
    document::read(source, |table| {
        if table.number("format", FORMAT..=FORMAT).is_none() && table.noted() == 0 {
            let what = "this file does not say its format";
            table.add(table.origin().problem(what, format!("add a line like format = {FORMAT}")));
        }
        let (mut all, mut places) = (Declarations::new(), BTreeMap::new());
        for (name, declared, origin) in table.tables("application", application) {
            let Some((name, declared)) = name.zip(declared) else { continue };
            if let Some(first) = places.insert(name.clone(), origin.clone()) {
                table.add(origin.problem(format!("application {name} is there twice, first at {first}"), "keep one"));
            }
            all.insert(name, declared);
        }
        Some((all, places))
    })
}

fn application(table: &mut Table<'_>) -> (Option<ApplicationName>, Option<Declared>, Origin) {
    let name = table.parsed("name", "counts", ApplicationName::new);
    let package = table.parsed("package", "wordcount-1.2.3", PackageName::new);
    let owner = table.optional_parsed("owner", "alice", Word::new);
    let wanted = table.parsed("wanted", "running", |text| match text.as_str() {
        "running" => Ok(Wanted::Running),
        "stopped" => Ok(Wanted::Stopped),
        _ => Err("`wanted` is running or stopped"),
    });
    let state_of = table.optional_parsed("state_of", "counts", ApplicationName::new);
    let set = settings(table);
    let declared = package.zip(wanted).map(|(package, wanted)| Declared { package, owner, wanted, state_of, set });
    (name, declared, table.origin().clone())
}

fn settings(table: &mut Table<'_>) -> Settings {
    let mut all = Settings::new();
    for (name, (raw, origin)) in table.settings("set") {
        let mut parts = name.splitn(3, '.');
        let (Some(kind), Some(component), Some(property)) = (parts.next(), parts.next(), parts.next()) else {
            table.add(origin.problem(format!("`{name}` names no property of a component"), FORM));
            continue;
        };
        match (ComponentType::new(kind), ComponentName::new(component)) {
            (Ok(kind), Ok(component)) => {
                let of = all.entry(kind).or_default().entry(component).or_default();
                of.insert(property.to_owned(), raw.to_string());
            }
            (Err(error), _) | (_, Err(error)) => table.add(origin.problem(error.to_string(), FORM)),
        }
    }
    all
}

/// The document of these applications.
pub fn text(all: &Declarations) -> String {
    let mut text = format!("format = {FORMAT}\n");
    for (name, Declared { package, owner, wanted, state_of, set }) in all {
        let _ = write!(text, "\n[[application]]\nname = \"{name}\"\npackage = \"{package}\"\n");
        let named =
            [("owner", owner.as_ref().map(Word::as_str)), ("state_of", state_of.as_ref().map(|of| of.as_str()))];
        for (key, value) in named.into_iter().filter_map(|(key, value)| Some((key, value?))) {
            let _ = writeln!(text, "{key} = \"{value}\"");
        }
        let _ = writeln!(text, "wanted = \"{wanted}\"");
        for (kind, components) in set {
            for (component, properties) in components.iter().filter(|(_, properties)| !properties.is_empty()) {
                let _ = writeln!(text, "[application.set.{kind}.{component}]");
                for (property, value) in properties {
                    let _ = writeln!(text, "{} = {}", quoted(property), quoted(value));
                }
            }
        }
    }
    text
}

/// A text as TOML has it in quotes: as JSON does, but for one mark.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

crate::shown::shown_as_in_json!(Wanted, Order, StepState);

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "format = 1\n\n[[application]]\nname = \"counts\"\npackage = \"wordcount-1.2.3\"\nowner = \"alice\"\n\
                        wanted = \"running\"\n[application.set.flink.wordcount]\n\"a.b\" = \"1 \\\"2\\\"\\n\\u007f\"\n\
                        \"flink_parallelism\" = \"4\"\n";

    fn parsed(text: &str) -> Result<Declarations, String> {
        let read = read(Source { file: "a.toml", text });
        read.map(|(all, _)| all).map_err(|problems| problems.to_string())
    }

    #[test]
    fn what_is_written_is_read_again() {
        let all = parsed(TEXT).unwrap();
        assert_eq!(text(&all), TEXT);
        let (_, places) = read(Source { file: "a.toml", text: TEXT }).unwrap();
        assert_eq!(places.values().next().unwrap().to_string(), "a.toml:3");
        let short = TEXT.replace("[application.set.flink.wordcount]", "set.flink.wordcount.flink_parallelism = 4");
        let short: String = short.lines().take(8).map(|line| format!("{line}\n")).collect();
        let set = &parsed(&short).unwrap()[&ApplicationName::new("counts").unwrap()].set;
        let value = serde_json::to_value(set).unwrap();
        assert_eq!(value, serde_json::json!({ "flink": { "wordcount": { "flink_parallelism": "4" } } }));
    }

    #[test]
    fn every_mistake_is_told_with_its_line() {
        let told = parsed(
            "[[application]]\nname = \"a b\"\npackage = \"w-1.0.0\"\nwanted = \"on\"\nset.flink.x = 1\nset.\"f x\".c.p = 1\n\
             [[application]]\nname = \"a\"\nwanted = \"stopped\"\n\
             [[application]]\nname = \"b\"\npackage = \"w-1.0.0\"\nwanted = \"stopped\"\nowners = \"x\"\n\
             [[application]]\nname = \"b\"\npackage = \"w-1.0.0\"\nwanted = \"stopped\"\n",
        )
        .unwrap_err();
        for part in [
            "a.toml: this file does not say its format\n    add a line like format = 1",
            "a.toml:2: `a b` cannot be used as a name of an application",
            "a.toml:4: `wanted` is running or stopped\n    for example: running",
            "a.toml:5: `flink.x` names no property of a component",
            "a.toml:6: `f x` cannot be used as a type of components",
            "a.toml:7: this [[application]] has no `package`",
            "a.toml:14: this [[application]] has an unknown key `owners`\n    did you mean `owner`?",
            "a.toml:15: application b is there twice, first at a.toml:10",
        ] {
            assert!(told.contains(part), "{part}\n{told}");
        }
        assert!(parsed("format = 2\n").unwrap_err().contains("`format` is 2"));
    }
}
