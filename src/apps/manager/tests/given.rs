//! What the site gives to applications: secrets by reference, which nobody is told, and defaults in layers, which are told with
//! where they come from.
//! Not here: the rules of each file, which are tested beside their code.

use super::bed::{Bed, alice, application, is_running, told_of};
use crate::journal::Origin;
use crate::manager::Manager;
use crate::orders::Refusal;
use crate::package::tests::WORDCOUNT;
use serde_json::{Value, json};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use words::application::SetBy;
use words::names::ApplicationName;

/// Long enough to be nothing else.
const SECRET: &str = "hunter2-of-the-database";

fn create(manager: &Manager, properties: &Value) -> Result<(), Refusal> {
    let body = json!({ "package": WORDCOUNT, "flink": { "word-count": properties } });
    manager.create(&ApplicationName::new("secretive").unwrap(), &body, &alice()).map(drop)
}

fn write(path: &Path, text: &str, mode: u32) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_secret_is_in_what_its_job_gets_and_nowhere_else() {
    let mut bed = Bed::new();
    let manager = bed.manager();
    manager.round();
    manager.delete(&application(), &alice()).unwrap();
    manager.round();
    let set = json!({
        "db_password": "@SECRET:credential:db@",
        "jdbc": "jdbc:x?password=${component_db_password}",
        "flink_config_args": "-yn 1 -yD s3.secret-key=@SECRET:credential:db@",
    });
    let body = json!({ "package": WORDCOUNT, "flink": { "word-count": set } });
    manager.create(&application(), &body, &alice()).unwrap();
    let dry = manager.dry_run(&application(), &Origin::Newest, &alice()).unwrap();
    let told: String = dry.findings.iter().map(|finding| format!("{finding}\n")).collect();
    assert!(dry.is_refused() && told.contains("secret db") && told.contains("alice"), "{told}");
    let refused = manager.start_if_ready(&application(), Origin::Newest, &alice());
    assert!(matches!(refused, Err(Refusal::Invalid(why)) if why.contains("the secret db of alice")));

    write(&bed.folder.path().join("secrets/alice/db"), &format!("{SECRET}\n"), 0o600);
    manager.start_if_ready(&application(), Origin::Newest, &alice()).unwrap();
    assert!(bed.settle(&manager, is_running), "{:?}", told_of(&manager));
    let holders: Vec<(String, String)> = {
        let world = bed.hdfs.world.lock().unwrap();
        let holds = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).contains(SECRET);
        let found = world.nodes.iter().filter(|(_, node)| node.bytes.as_ref().is_some_and(holds));
        found.map(|(path, node)| (path.rsplit('/').next().unwrap().to_owned(), node.mode.clone())).collect()
    };
    let own = ["application.properties", "config.yaml"].map(|name| (name.to_owned(), "600".to_owned()));
    assert_eq!(holders, own, "both are the owner's alone");
    let id = told_of(&manager).unwrap().components[0].yarn_id.clone().unwrap();
    let context = bed.yarn.world().applications[&id].context.to_string();
    let explained = serde_json::to_string(&manager.explain(&application()).unwrap()).unwrap();
    assert!(explained.contains("@SECRET:credential:db@"), "{explained}");
    let told = format!("{context}{explained}{:?}{:?}", told_of(&manager), manager.history(&application()).unwrap());
    assert!(!told.contains(SECRET), "{told}");
    assert_eq!(bed.work(), 0, "nothing is left on the node");
    let copy = fs::read(bed.folder.path().join("apps/journal.sqlite")).unwrap();
    assert!(!String::from_utf8_lossy(&copy).contains(SECRET));
}

#[test]
fn a_secret_is_refused_where_everybody_would_see_it() {
    let bed = Bed::new();
    let manager = bed.manager();
    manager.round();
    let mark = "@SECRET:credential:db@";
    for (properties, part) in [
        (json!({ "application_args": format!("--password {mark}") }), "Flink shows arguments to everybody"),
        (json!({ "p": mark, "application_args": "--password ${component_p}" }), "Flink shows arguments to everybody"),
        (json!({ "flink_config_args": format!("-yD s3.endpoint={mark}") }), "`s3.endpoint` of Flink's configuration"),
        (json!({ "flink_config_args": format!("-yD containerized.master.env.PASSWORD={mark}") }), "has a secret"),
        (json!({ "flink_config_args": format!("-s {mark}") }), "has a secret"),
        (json!({ "p": "@SECRET:file:/etc/shadow@" }), "a reference to a secret that is none"),
        (json!({ "p": "@SECRET:credential:../bob@" }), "a reference to a secret that is none"),
        (json!({ "p": "@SECRET:db" }), "write @SECRET:credential:NAME@"),
    ] {
        let told = create(&manager, &properties).expect_err(&properties.to_string()).to_string();
        assert!(told.contains(part), "{properties}: {told}");
    }
}

#[test]
fn defaults_of_the_site_are_below_what_package_and_application_say() {
    let bed = Bed::new();
    write(
        &bed.folder.path().join("defaults.toml"),
        "[all]\nflink_parallelism = 3\nlog_level = \"WARN\"\nsite_topic = \"all\"\n",
        0o644,
    );
    let bed = bed.with_defaults();
    let manager = bed.manager();
    manager.round();
    let explained = manager.explain(&application()).unwrap().remove(0);
    let of = |name: &str| (explained.properties[name].as_str(), explained.set_by[name]);
    assert_eq!(of("component_flink_parallelism"), ("3", SetBy::Site));
    assert_eq!(of("component_site_topic"), ("all", SetBy::Site));
    assert_eq!(of("component_log_level"), ("INFO", SetBy::Package));
    assert_eq!(of("component_job_name"), ("words-word-count-job", SetBy::Submission));
    let parallelism = explained.configuration.iter().find(|one| one.key == "parallelism.default").unwrap();
    assert_eq!((parallelism.value.as_str(), parallelism.from), ("3", SetBy::Site));

    create(&manager, &json!({ "flink_parallelism": "5" })).unwrap();
    let own = manager.explain(&ApplicationName::new("secretive").unwrap()).unwrap().remove(0);
    assert_eq!(own.properties["component_flink_parallelism"], "5");
    assert_eq!(own.set_by["component_flink_parallelism"], SetBy::Application);

    write(&bed.folder.path().join("defaults.toml"), "[all]\nmain_jar = \"x\"\n", 0o644);
    let told = manager.start_if_ready(&application(), Origin::Newest, &alice()).unwrap_err();
    assert!(matches!(&told, Refusal::Unavailable(why) if why.contains("defaults.toml:2")), "{told}");
}
