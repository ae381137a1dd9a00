//! What PNDA's console is told of packages and applications: each change of state, in PNDA's words and in its order. Pure.
//! Some states of PNDA's are over here at once, as that of a package that is being deployed: they are told one after the other.
//! Not here: sending it (`manager::callbacks`).

use crate::journal::{Fact, State};
use crate::status::phase;
use serde_json::{Value, json};
use words::application::Phase;
use words::names::{ApplicationName, PackageName};

/// Whose state has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// A package's.
    Package,
    /// An application's.
    Application,
}

/// A change of state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Whose.
    pub of: Of,
    /// Its name.
    pub id: String,
    /// What it is now.
    pub state: String,
    /// Why it is not what was ordered.
    pub information: Option<String>,
}

fn of_package(name: &PackageName, state: &str, information: Option<&str>) -> Change {
    let information = information.map(str::to_owned);
    Change { of: Of::Package, id: name.to_string(), state: state.to_owned(), information }
}

fn of_application(name: &ApplicationName, state: impl ToString, information: Option<String>) -> Change {
    Change { of: Of::Application, id: name.to_string(), state: state.to_string(), information }
}

/// What changes with a record.
pub fn changes(before: &State, after: &State, fact: &Fact) -> Vec<Change> {
    match fact {
        Fact::PackageDeployed { package, .. } => {
            ["DEPLOYING", "DEPLOYED"].map(|state| of_package(package, state, None)).into()
        }
        Fact::PackageUndeployed { package, .. } => {
            ["UNDEPLOYING", "NOTDEPLOYED"].map(|state| of_package(package, state, None)).into()
        }
        Fact::ApplicationCreated { application, .. } => {
            vec![of_application(application, "CREATING", None), of_application(application, Phase::Created, None)]
        }
        Fact::ApplicationDeleted { application } => vec![of_application(application, "NOTCREATED", None)],
        fact => {
            let Some(name) = fact.application() else { return Vec::new() };
            let of = |state: &State| state.applications.get(name).map(|one| (phase(one), one.information.clone()));
            match (of(before), of(after)) {
                (Some((was, _)), Some((is, information))) if was != is => vec![of_application(name, is, information)],
                _ => Vec::new(),
            }
        }
    }
}

/// A package that has come into the repository, or was removed from it.
pub fn in_repository(name: &PackageName, is_there: bool) -> Change {
    of_package(name, if is_there { "CREATED" } else { "NOTCREATED" }, None)
}

/// A package that was not deployed.
pub fn not_deployed(name: &PackageName, why: &str) -> [Change; 2] {
    [of_package(name, "DEPLOYING", None), of_package(name, "NOTDEPLOYED", Some(why))]
}

impl Change {
    /// As PNDA's data logger takes it.
    pub fn document(&self, at_ms: u64) -> Value {
        let mut data = json!({ "id": self.id, "state": self.state, "timestamp": at_ms });
        if let Some(information) = &self.information {
            data["information"] = json!(information);
        }
        json!({ "data": [data], "timestamp": at_ms })
    }
}
