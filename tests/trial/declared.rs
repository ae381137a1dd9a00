//! A real application as a document, its events, and Flink's own pages through the manager: what is exported is so, and
//! what is looked at is what the JobManager says.
//! Not here: what stands against a document, which the manager's own tests have.

use super::{app, app_does, component};
use pnda::systems::local::{Content, LocalServer};
use pnda::words::happened::Happened;
use std::path::Path;

/// Of an application that runs.
pub fn is_exported_and_looked_at(folder: &Path, application: &str) {
    let file = folder.join("declared.toml");
    let text = app_does(folder, &["export", application]);
    std::fs::write(&file, &text).unwrap();
    let file = file.to_str().unwrap();
    assert_eq!(app_does(folder, &["apply", file]), "nothing to do\n", "{text}");
    std::fs::write(file, text.replace("\"running\"", "\"stopped\"")).unwrap();
    let planned = app_does(folder, &["apply", file, "--dry-run"]);
    assert!(planned.contains("stop") && planned.contains("planned"), "{planned}");
    std::fs::write(file, text.replace("package = \"", "package = \"un")).unwrap();
    let (success, refused) = app(folder, &["apply", file]);
    assert!(!success && refused.contains("declared.toml:3: "), "{refused}");

    let events = app_does(folder, &["events", application, "--json"]);
    let events: Vec<Happened> = events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(events.iter().any(|one| one.kind == "run-accepted" && one.component.is_some()), "{events:?}");
    the_jobmanager_s_pages_are_shown(folder, application);
}

fn the_jobmanager_s_pages_are_shown(folder: &Path, application: &str) {
    let socket = LocalServer::new(&folder.join("node/var/lib/pnda/applications/socket"));
    let running = component(folder, application);
    let at = format!("/v1/applications/{application}/components/{}/dashboard", running.name);
    let get = |path: &str| {
        let (status, bytes) = socket.ask(hyper::Method::GET, &format!("{at}{path}"), Content::None).unwrap();
        (status, String::from_utf8_lossy(&bytes).into_owned())
    };
    let job = running.job_id.unwrap();
    assert!(get("/jobs/overview").1.contains(&job));
    let (status, page) = get("/");
    assert!(status == 200 && page.contains("<html") && page.contains("Flink"), "{page}");
    // Flink itself would cancel it.
    assert_eq!(get(&format!("/jobs/{job}/yarn-cancel")).0, 404);
    assert_eq!(get("").0, 308);
}
