//! An application that runs becomes another version, for real: a good one begins from the savepoint of the old one and shows a
//! checkpoint of its own; one that cannot read the state is followed by the version before it, from its savepoint.
//! Not here: what else may happen on the way, which `src/apps/manager/tests` makes up.

use super::{app, app_does, component, packed, restored};
use pnda::words::application::{self as told, State};
use pnda::words::change::{Plan, Step};
use std::path::Path;

const JAR: &str = "flink-examples-streaming-1.20.0.jar";
const EXAMPLES: &str = "org.apache.flink.streaming.examples";

fn deploy(folder: &Path, package: &str, class: &str, arguments: &str) {
    let properties = serde_json::json!({
        "main_jar": JAR, "main_class": format!("{EXAMPLES}.{class}"), "application_args": arguments,
        "flink_config_args": "-Dexecution.checkpointing.interval=2s",
    });
    let file = packed(folder, package, &folder.join("mirror/current/mirror_apps").join(JAR), &properties);
    app_does(folder, &["deploy", file.to_str().unwrap()]);
}

fn told(folder: &Path) -> told::Application {
    serde_json::from_str(&app_does(folder, &["status", "states", "--json"])).unwrap()
}

/// `states` runs; its version is another one then.
pub fn a_good_version_stays_and_a_bad_one_goes_back(folder: &Path) {
    deploy(folder, "states-1.1.0", "statemachine.StateMachineExample", "--error-rate 0.02 --sleep 5");
    deploy(folder, "states-1.2.0", "windowing.TopSpeedWindowing", "");
    let first = component(folder, "states");
    let plan = app_does(folder, &["upgrade", "states", "--package", "states-1.1.0", "--dry-run", "--json"]);
    let plan: Plan = serde_json::from_str(&plan).unwrap();
    assert!(!plan.is_refused() && plan.steps.len() == 4, "{plan:?}");
    let changed = &plan.difference.components[0].properties;
    assert!(changed.iter().any(|one| one.new.as_deref() == Some("--error-rate 0.02 --sleep 5")), "{changed:?}");

    app_does(folder, &["upgrade", "states", "--package", "states-1.1.0", "--wait"]);
    let (newer, application) = (component(folder, "states"), told(folder));
    assert_eq!((newer.state, application.package.as_str()), (State::Running, "states-1.1.0"));
    assert_eq!(application.upgrade.map(|upgrade| upgrade.step), Some(Step::Good));
    let savepoint = newer.savepoints.last().unwrap().path.clone();
    assert_eq!((&newer.restored_from, restored(folder, &newer)), (&savepoint, savepoint.clone()));
    assert_ne!(newer.yarn_id, first.yarn_id);
    let history = app_does(folder, &["history", "states"]);
    assert!(history.contains("asked for after all tasks ran"), "{history}");

    let (success, bad) = app(folder, &["upgrade", "states", "--package", "states-1.2.0", "--wait"]);
    assert!(!success && bad.contains("returned: machine failed") && bad.contains("is not available"), "{bad}");
    let (back, application) = (component(folder, "states"), told(folder));
    assert_eq!((back.state, application.package.as_str()), (State::Running, "states-1.1.0"));
    let savepoint = back.savepoints.last().unwrap().path.clone();
    assert_eq!((&back.restored_from, restored(folder, &back)), (&savepoint, savepoint.clone()));
    assert_ne!(back.restored_from, newer.restored_from, "the one that was taken before it");
    let rollback = app_does(folder, &["rollback", "states", "--dry-run"]);
    assert!(rollback.contains("states-1.0.0") && rollback.contains("is processed again"), "{rollback}");
}

/// What was deployed for it.
pub fn undeploy(folder: &Path) {
    for package in ["states-1.1.0", "states-1.2.0"] {
        app_does(folder, &["undeploy", package]);
    }
}
