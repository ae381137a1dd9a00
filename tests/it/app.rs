//! `pnda app` before a real manager whose YARN and HDFS are scripted: what `--json` prints follows the published schema, and a
//! shell completes its verbs, on an edge too; and the manager's listeners as a cluster file has them.
//! Not here: applications that run.

use crate::manager::Manager;
use pnda::agent::applications::config::{self, Config};
use pnda::apps::housekeeping::Rules;
use pnda::cluster::{self, Inputs};
use pnda::words::names::SafePath;
use pnda::words::problem::{Problems, Source};
use pnda::words::tree::{Entry, Tree};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

const PNDA: &str = env!("CARGO_BIN_EXE_pnda");
const AGENT: &str = env!("CARGO_BIN_EXE_pnda-agent");

fn published() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/pnda-app.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn run(program: impl AsRef<Path>, words: &[&str]) -> (i32, String, String) {
    let output = Command::new(program.as_ref()).args(words).stdin(Stdio::null()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn what_the_verbs_print_as_json_is_what_the_published_schema_says() {
    let (manager, schema) = (Manager::start(), published());
    let socket = manager.folder.path().join("socket");
    let mut ran = BTreeSet::new();
    let mut check = |verb: &str, words: &[&str]| {
        let all = [&["app", "--socket", socket.to_str().unwrap(), verb, "--json"], words].concat();
        let (code, out, err) = run(PNDA, &all);
        assert_eq!(code, 0, "{verb}: {err}\n{}", manager.log());
        let value: Value = serde_json::from_str(&out).unwrap();
        let of = json!({ "allOf": [schema["properties"][verb]], "$defs": schema["$defs"] });
        let validator = jsonschema::draft202012::new(&of).unwrap();
        let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert_eq!(errors, [""; 0], "{verb}: {value:#}");
        assert!(!validator.is_valid(&json!(1)), "{verb}");
        ran.insert(verb.to_owned());
        value
    };
    assert_eq!(check("packages", &[]), json!(["word-count-1.0.0"]));
    assert_eq!(check("list", &[]).as_array().unwrap().len(), 2);
    assert_eq!(check("status", &["words"])["status"], "CREATED");
    assert_eq!(check("explain", &["words"])[0]["main_class"], "example.Count");
    let other = ["words", "--set", "count.application_args=--fast"];
    let difference = check("diff", &other);
    assert_eq!(difference["components"][0]["properties"][0]["new"], "--fast", "{difference}");
    let plan = check("upgrade", &[&other[..], &["--dry-run"]].concat());
    let weights: Vec<&Value> = plan["findings"].as_array().unwrap().iter().map(|one| &one["weight"]).collect();
    assert_eq!((&plan["purpose"], weights), (&json!("upgrade"), vec![&json!("warning")]), "{plan}");
    let savepoints = check("savepoints", &["words"]);
    assert_eq!(savepoints["list"], json!([]), "{savepoints}");
    assert!(check("alarms", &[]).is_array());
    let history = check("history", &["words"]);
    assert_eq!(history[0]["what"], "made of word-count-1.0.0", "{history}");
    let cleaning = check("clean", &["--dry-run"]);
    let goes: Vec<&Value> = cleaning["entries"].as_array().unwrap().iter().filter(|one| one["goes"] == true).collect();
    assert!(goes.is_empty(), "{cleaning}");
    let exported = check("export", &["words"]);
    assert_eq!(exported["words"]["wanted"], "stopped", "{exported}");
    let document = manager.folder.path().join("declared.toml");
    let (code, text, err) = run(PNDA, &["app", "--socket", socket.to_str().unwrap(), "export", "words"]);
    assert_eq!(code, 0, "{err}");
    std::fs::write(&document, &text).unwrap();
    let document = document.to_str().unwrap();
    assert_eq!(check("apply", &[document]), json!({ "applications": [] }), "what is exported is so");
    std::fs::write(document, text.replace("wanted = \"stopped\"", "wanted = \"running\"")).unwrap();
    let planned = check("apply", &[document, "--dry-run"]);
    assert_eq!(planned["applications"][0]["steps"][0], json!({ "order": "start", "state": "planned" }), "{planned}");
    let known: BTreeSet<String> = schema["properties"].as_object().unwrap().keys().cloned().collect();
    let left: Vec<&String> = known.difference(&ran).collect();
    assert_eq!(
        left,
        ["events", "foreign", "logs", "selftest"],
        "of events there are lines, the others are of a run: `tests/trial.rs`"
    );
    events_are_a_document_a_line(&socket, &schema);
    a_document_that_is_wrong_is_told_line_by_line(&socket);
}

fn events_are_a_document_a_line(socket: &Path, schema: &Value) {
    let of = json!({ "allOf": [schema["properties"]["events"]], "$defs": schema["$defs"] });
    let validator = jsonschema::draft202012::new(&of).unwrap();
    let (code, out, err) = run(PNDA, &["app", "--socket", socket.to_str().unwrap(), "events", "words", "--json"]);
    let lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(code == 0 && lines.iter().all(|line| validator.is_valid(line)), "{out}{err}");
    assert_eq!(
        (&lines[0]["kind"], &lines[0]["application"]),
        (&json!("application-created"), &json!("words")),
        "{out}"
    );
}

/// Mistakes of the file have exit code 2, what stands against it 1, each with its line.
fn a_document_that_is_wrong_is_told_line_by_line(socket: &Path) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.toml");
    let apply = |text: &str| {
        std::fs::write(&file, text).unwrap();
        run(PNDA, &["app", "--socket", socket.to_str().unwrap(), "apply", file.to_str().unwrap()])
    };
    let (code, _, err) = apply("format = 1\n[[application]]\nname = \"a b\"\nwanted = \"on\"\n");
    assert!(code == 2 && err.contains("a.toml:3: ") && err.contains("a.toml:4: "), "{err}");
    let missing =
        |name: &str| format!("[[application]]\nname = \"{name}\"\npackage = \"{name}-1.0.0\"\nwanted = \"stopped\"\n");
    let (code, _, err) = apply(&format!("format = 1\n{}{}", missing("one"), missing("two")));
    assert!(code == 1 && err.contains("a.toml:2: one: "), "{err}");
    assert!(err.contains("a.toml:6: two: "), "{err}");
}

#[test]
fn the_schema_is_one_and_is_told_verb_by_verb() {
    assert!(jsonschema::meta::is_valid(&published()));
    for verb in published()["properties"].as_object().unwrap().keys() {
        let (code, out, err) = run(PNDA, &["app", "schema", verb]);
        assert_eq!(code, 0, "{err}");
        assert!(jsonschema::draft202012::new(&serde_json::from_str(&out).unwrap()).is_ok(), "{verb}");
    }
}

#[test]
fn a_shell_completes_the_verbs_of_applications_also_on_an_edge() {
    let folder = tempfile::tempdir().unwrap();
    let edge = folder.path().join("pnda");
    symlink(AGENT, &edge).unwrap();
    for program in [Path::new(PNDA), &edge] {
        let script = format!(
            "source <({} completions bash); COMP_WORDS=(pnda app sta); COMP_CWORD=2; _pnda pnda sta app; echo ${{COMPREPLY[@]}}; \
             COMP_WORDS=(pnda app start x --); COMP_CWORD=4; _pnda pnda -- x; echo ${{COMPREPLY[@]}}",
            program.display()
        );
        let (code, out, err) = run("bash", &["-c", &script]);
        assert_eq!((code, err.as_str()), (0, ""));
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(lines[0], "start status");
        assert!(lines[1].contains("--from") && lines[1].contains("--wait"), "{out}");
    }
}

/// A file of the example cluster's edge with these settings.
fn file(tree: &Tree, path: &str) -> Option<String> {
    match tree.get(&SafePath::new(format!("files/etc/pnda/{path}")).unwrap()) {
        Some(Entry::File { bytes, .. }) => Some(String::from_utf8(bytes.to_vec()).unwrap()),
        _ => None,
    }
}

fn with(settings: &[(&str, &str)]) -> (Result<Config, Problems>, Tree) {
    let text = &cluster::example_clusters()["hadoop.toml"];
    let key = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
    let shipped = Inputs::shipped(Source { file: "hadoop.toml", text }, None, key);
    let overrides = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let rendered = cluster::render(&Inputs { overrides, ..shipped }).unwrap_or_else(|problems| panic!("{problems}"));
    let tree = rendered.nodes.into_values().find(|tree| file(tree, "applications.toml").is_some()).unwrap();
    let text = file(&tree, "applications.toml").unwrap();
    (config::parse(Source { file: "applications.toml", text: &text }), tree)
}

#[test]
fn a_cluster_file_says_how_old_what_nobody_needs_becomes() {
    let usual = with(&[]).0.unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(usual.cleaning, Rules::default(), "what is rendered is what counts without");
    let set = [("applications.clean.every", "24h"), ("applications.clean.checkpoints", "48h")];
    let other = with(&[&set[..], &[("applications.clean.most_archives", "7")]].concat());
    let cleaning = other.0.unwrap_or_else(|problems| panic!("{problems}")).cleaning;
    let (every, checkpoints_ms) = (Some(Duration::from_secs(86_400)), 48 * 3_600_000);
    assert_eq!(cleaning, Rules { every, checkpoints_ms, most_archives: 7, ..Rules::default() });
    let refused = with(&[("applications.clean.archives", "1s")]).0;
    assert!(refused.is_err_and(|problems| problems.to_string().contains("archives_seconds")));
}

#[test]
fn a_cluster_file_opens_listeners_and_they_are_closed_without() {
    let (usual, tree) = with(&[]);
    let usual = usual.unwrap_or_else(|problems| panic!("{problems}"));
    assert!(usual.entrances.listeners.is_empty() && usual.entrances.tokens.is_none());
    assert!(file(&tree, "applications/tokens").is_none() && file(&tree, "applications/key.pem").is_none());
    assert_eq!(usual.site.environment["flink"], "/opt/pnda/bin/flink");
    assert!(usual.site.environment["name_node"].starts_with("hdfs://"), "{:?}", usual.site.environment);

    let (open, tree) = with(&[
        ("applications.api.port", "5443"),
        ("applications.api.address", "10.77.0.3"),
        ("applications.pnda.port", "5000"),
        ("applications.tokens", "file:/etc/pnda/secrets/tokens"),
        ("applications.tls_clients", "file:/etc/pnda/secrets/people.pem"),
        ("applications.proxies", "consoles"),
    ]);
    let open = open.unwrap_or_else(|problems| panic!("{problems}"));
    let of = |at: usize| &open.entrances.listeners[at];
    assert_eq!((of(0).listen.to_string().as_str(), of(0).open), ("10.77.0.3:5443", false));
    assert!(of(0).tls.as_ref().unwrap().clients.is_some());
    assert_eq!((of(1).listen.to_string().as_str(), of(1).open, &of(1).tls), ("127.0.0.1:5000", true, &None));
    assert!(open.entrances.tokens.is_some());
    let tokens = file(&tree, "applications/tokens").unwrap();
    assert!(tokens.contains("@SECRET:file:/etc/pnda/secrets/tokens@"), "{tokens}");
    assert!(file(&tree, "applications/key.pem").is_some());

    let (plain, _) = with(&[
        ("applications.api.port", "5443"),
        ("applications.api.address", "10.77.0.3"),
        ("applications.tls", "off"),
    ]);
    let told = plain.unwrap_err().to_string();
    assert!(told.contains("`10.77.0.3:5443` is reached by others, and that takes `tls = true`"), "{told}");
}
