//! What `--json` prints, verb by verb, against the published schema, with a validator that others made.
//! Every verb is run as a user runs it, dry runs and failures too.
//! Not here: what the values are, which the tests of each verb say.

use crate::project::Project;
use crate::upstream::Reply;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::Read;
use std::process::{Command, Stdio};

const MANIFEST: &str = r#"
[[pypi]]
id = "tool"
package = "tool==1.0"
wheel = { python = "py3", platform = "any" }

[[file]]
id = "notes"
urls = ["$UP/notes.txt"]
path = "mirror_misc/notes.txt"
first-use = true

[[waiver]]
artifact = "notes/*"
allows = "first-use"
reason = "nobody signs notes"
"#;

const RECORDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/advisories");

/// The published document.
fn published() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/pnda-mirror.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The project with this version of its tool.
fn wanting(project: &Project, version: u32) {
    let (name, text) = (format!("tool-{version}.0-py3-none-any.whl"), format!("wheel {version}"));
    project.manifest(&MANIFEST.replace("1.0", &format!("{version}.0"))).pypi("tool", &name, text.as_bytes());
    project.upstream.on("/notes.txt", [Reply::bytes("notes")]);
}

/// Runs a verb, and holds what it prints against the schema; the verbs that ran are noted.
struct Checker {
    project: Project,
    schema: Value,
    ran: BTreeSet<String>,
}

impl Checker {
    fn run(&mut self, code: i32, words: &str) -> Value {
        let ran = self.project.run(&format!("mirror {words} --json"));
        assert_eq!(ran.code, code, "{words}: {}{}", ran.out, ran.err);
        let value: Value =
            serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{words}: {error}: {}", ran.out));
        self.follows(words, value)
    }

    fn follows(&mut self, words: &str, value: Value) -> Value {
        let verb = words.split(' ').next().unwrap();
        let schema = json!({ "allOf": [self.schema["properties"][verb]], "$defs": self.schema["$defs"] });
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        let errors: Vec<String> =
            validator.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert_eq!(errors, [""; 0], "{words}: {value:#}");
        self.ran.insert(verb.to_owned());
        value
    }
}

#[test]
fn every_verb_prints_what_the_published_schema_says() {
    let project = Project::new();
    wanting(&project, 1);
    let mut checker = Checker { project, schema: published(), ran: BTreeSet::new() };
    checker.run(4, "lock --dry-run");
    let locked = checker.run(0, "lock");
    assert_eq!((&locked["artifacts"], &locked["written"]), (&json!(2), &json!(true)));
    assert_eq!(locked["packages"][0]["name"], "notes.txt", "{locked:#}");
    assert_eq!(checker.run(0, "lock --check")["up_to_date"], true);
    checker.run(0, "why tool --manifests manifests");
    assert_eq!(checker.run(4, "fetch --dry-run")["kept"], 1, "locking took in what nobody vouches for");
    std::fs::remove_dir_all(checker.project.path("store/sha256")).unwrap();
    assert_eq!(checker.run(4, "build --dry-run")["fetch"]["missing"][0]["address"], "tool/tool-1.0-py3-none-any.whl");
    assert_eq!(checker.run(4, "fetch --dry-run")["files"], 2);
    assert_eq!(checker.run(0, "fetch")["files"], 2);
    assert!(checker.run(4, "build --dry-run")["makes_key"].is_string());
    assert_eq!(checker.run(0, "build")["changes"], Value::Null);
    assert_eq!(checker.run(0, "build --dry-run")["publishes"], false);

    checker.project.pypi("tool", "tool-2.0-py3-none-any.whl", b"wheel 2");
    let index = format!("pypi={}/simple", checker.project.upstream.url);
    let newer = checker.run(4, &format!("outdated --manifests manifests --store store --source {index} --quiet"));
    assert_eq!(newer[0]["newest"], "2.0");
    wanting(&checker.project, 2);
    checker.run(0, "lock");
    assert_eq!(checker.run(4, "build --dry-run")["generation"], Value::Null, "the new wheel is not there yet");
    checker.run(0, "fetch");
    assert_eq!(checker.run(4, "build --dry-run")["generation"], 2);
    let built = checker.run(0, "build");
    assert_eq!(built["changes"]["packages"][0]["after"], json!(["2.0"]));
    assert_eq!(built["waivers"][0]["reason"], "nobody signs notes");
    the_mirror(&mut checker);
    the_server(&mut checker);

    let known: BTreeSet<String> = checker.schema["properties"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(known, checker.ran, "every verb was run");
}

/// It says where it serves, and goes on serving.
fn the_server(checker: &mut Checker) {
    let mut server = Command::new(env!("CARGO_BIN_EXE_pnda"));
    server.args(["mirror", "serve", "--json", "--tls", "self", "--listen", "127.0.0.1:0", "--tls-folder"]);
    let (folder, mirror) = (checker.project.path("tls"), checker.project.path("mirror"));
    server.arg(folder).arg("--mirror").arg(mirror).stdout(Stdio::piped());
    let mut server = server.spawn().unwrap();
    let said = serde_json::Deserializer::from_reader(server.stdout.take().unwrap()).into_iter().next();
    server.kill().and_then(|()| server.wait()).unwrap();
    let said = checker.follows("serve", said.unwrap().unwrap());
    assert!(said["url"].as_str().unwrap().starts_with("https://127.0.0.1:"), "{said}");
    assert!(said["certificate"]["file"].as_str().unwrap().ends_with("tls/mirror.crt"), "{said}");
}

/// The verbs that look at a mirror of two generations, or change it.
fn the_mirror(checker: &mut Checker) {
    checker.run(0, "list --mirror mirror");
    checker.run(0, "verify --mirror mirror");
    checker.run(0, "verify --mirror mirror --sample 1 --seed 7");
    checker.run(0, "diff 1 2 --mirror mirror");
    checker.run(0, "diff mirror/generations/1/pnda.lock mirror/generations/2/pnda.lock");
    checker.run(0, "status --mirror mirror --store store --manifests manifests");
    checker.run(0, "sbom --mirror mirror");
    checker.run(0, "sbom --mirror mirror --role agent");
    checker.run(0, "licences --mirror mirror");
    checker.run(0, &format!("advisories --mirror mirror --from {RECORDS}"));
    checker.run(4, "rollback --mirror mirror --key key --dry-run");
    assert_eq!(checker.run(0, "rollback --mirror mirror --key key")["content_of"], 1);
    assert_eq!(checker.run(4, "gc --mirror mirror --keep 1 --store store --dry-run")["removed"], json!([1, 2]));
    checker.run(0, "gc --mirror mirror --keep 1 --store store");
    let notes = checker.project.path("mirror/current/mirror_misc/notes.txt");
    std::fs::remove_file(&notes).unwrap();
    checker.run(3, "verify --mirror mirror");
    checker.run(0, "verify --mirror mirror --repair --store store --manifests manifests");
}

#[test]
fn the_schema_is_one_and_refuses_what_is_not_printed() {
    let document = published();
    assert!(jsonschema::meta::is_valid(&document), "it is a schema itself");
    let validator = jsonschema::draft202012::new(&document).unwrap();
    assert!(
        validator.is_valid(&json!({ "fetch": { "dry_run": false, "files": 1, "bytes": 2, "kept": 0, "missing": [] } }))
    );
    for wrong in [json!({ "fetch": {} }), json!({ "list": [{ "number": "1" }] }), json!({ "verify": [] })] {
        assert!(!validator.is_valid(&wrong), "{wrong}");
    }
    let project = Project::new();
    let one: Value = serde_json::from_str(&project.run("schema fetch").says(0, "pnda mirror fetch").out).unwrap();
    assert!(jsonschema::draft202012::new(&one).unwrap().is_valid(&json!({
        "dry_run": true, "files": 0, "bytes": 0, "kept": 3, "missing": []
    })));
    project.run("schema nothing").says(2, "possible values");
}

#[test]
fn what_changed_since_the_generation_before_ends_a_build() {
    let project = Project::new();
    for version in [1, 2] {
        wanting(&project, version);
        project.run("mirror lock").says(0, "exception: notes/* needs no more than first-use: nobody signs notes");
        project.run("mirror build").says(0, &format!("published generation {version} "));
    }
    wanting(&project, 3);
    project.run("mirror lock").says(0, "locked 2");
    let told = project.run("mirror build").says(0, "changed since generation 2:\n  pypi tool 2.0 is now 3.0\n").out;
    assert!(told.lines().count() < 25, "{told}");
    assert!(!project.run("mirror build").says(0, "up to date: generation 3").out.contains("changed"));
}

#[test]
fn a_reader_that_has_heard_enough_is_no_failure() {
    let project = Project::new();
    for words in ["schema", "completions bash", "manual"] {
        let mut command = project.command(words);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let mut told = String::new();
        child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
        assert_eq!((child.wait().unwrap().code(), told.as_str()), (Some(0), ""), "{words}");
    }
}
