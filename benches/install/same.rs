//! One node's document as a play of Ansible's own modules and as a state of Salt's own: what a site would write by hand.
//! Each is written the way that is quickest for its program, and does no more than the document asks for.
//! Not here: running them.

use pnda::words::node::{Access, Archive, Node};
use serde_json::{Map, Value, json};

/// Where what came from the mirror is kept, as both need it to know that it is there.
const CACHE: &str = "/var/cache/steps";

fn at(node: &Node, path: impl std::fmt::Display) -> String {
    format!("{}/{path}", node.mirror.url)
}

fn kept(archive: &Archive) -> String {
    format!("{CACHE}/{}.tar.gz", archive.sha256)
}

/// Owner, group and mode beside what else is said of something.
fn with(access: &Access, mut said: Value) -> Value {
    said["owner"] = json!(access.owner);
    said["group"] = json!(access.group);
    said["mode"] = json!(String::from(access.mode));
    said
}

/// A task that does the same for every item.
fn task(module: &str, arguments: Value, items: Vec<Value>) -> Value {
    json!({ module: arguments, "loop": items, "loop_control": { "label": "" } })
}

/// The play; `folder` is the node's folder on the machine.
pub(crate) fn play(node: &Node, folder: &str) -> Value {
    let users = node.users.iter().map(|one| json!({ "name": one.name, "group": one.group, "home": one.home }));
    let users: Vec<Value> = users.collect();
    let rights = || json!({ "owner": "{{ item.owner }}", "group": "{{ item.group }}", "mode": "{{ item.mode }}" });
    let also = |mut said: Value| {
        said.as_object_mut().expect("arguments are a map").extend(rights().as_object().cloned().unwrap_or_default());
        said
    };
    let folders = node.directories.iter().map(|one| with(&one.access, json!({ "path": one.path })));
    let archives: Vec<Value> = node
        .archives
        .iter()
        .map(|one| json!({ "into": one.into, "url": at(node, &one.from), "kept": kept(one), "sha256": one.sha256 }))
        .collect();
    let downloads = node
        .downloads
        .iter()
        .map(|one| with(&one.access, json!({ "path": one.path, "url": at(node, &one.from), "sha256": one.sha256 })));
    let files = node
        .files
        .iter()
        .map(|one| with(&one.access, json!({ "path": one.path, "src": format!("{folder}/{}", one.source()) })));
    let links = node.links.iter().map(|one| json!({ "path": one.path, "to": one.to }));
    let services = node.services.iter().map(|one| json!({ "name": one.name }));
    let mut copied = task("copy", also(json!({ "src": "{{ item.src }}", "dest": "{{ item.path }}" })), files.collect());
    copied["register"] = json!("copied");
    let mut reload = json!({ "systemd": { "daemon_reload": true } });
    reload["when"] = json!("copied is changed");
    let fetched = json!({ "url": "{{ item.url }}", "dest": "{{ item.kept }}", "checksum": "sha256:{{ item.sha256 }}" });
    let downloaded =
        json!({ "url": "{{ item.url }}", "dest": "{{ item.path }}", "checksum": "sha256:{{ item.sha256 }}" });
    let unpacked = json!({
        "src": "{{ item.kept }}", "dest": "{{ item.into }}", "remote_src": true,
        // Without this it compares every file with the archive, each time.
        "creates": "{{ item.into }}/bin",
    });
    let tasks = [
        task("group", json!({ "name": "{{ item.group }}", "system": true }), users.clone()),
        task(
            "user",
            json!({ "name": "{{ item.name }}", "group": "{{ item.group }}", "home": "{{ item.home }}",
            "system": true, "create_home": false, "shell": "/usr/sbin/nologin" }),
            users,
        ),
        task("file", also(json!({ "path": "{{ item.path }}", "state": "directory" })), folders.collect()),
        json!({ "file": { "path": CACHE, "state": "directory" } }),
        task("get_url", fetched, archives.clone()),
        task("file", json!({ "path": "{{ item.into }}", "state": "directory", "mode": "0755" }), archives.clone()),
        task("unarchive", unpacked, archives),
        task("get_url", also(downloaded), downloads.collect()),
        copied,
        task("file", json!({ "src": "{{ item.to }}", "path": "{{ item.path }}", "state": "link" }), links.collect()),
        reload,
        task("systemd", json!({ "name": "{{ item.name }}", "enabled": true, "state": "started" }), services.collect()),
    ];
    json!([{ "hosts": "all", "gather_facts": false, "tasks": tasks }])
}

/// The state; `folder` is the node's folder on the machine.
pub(crate) fn state(node: &Node, folder: &str) -> Value {
    let mut states = Map::new();
    let mut add = |function: &str, name: &str, mut said: Vec<Value>| {
        said.insert(0, json!({ "name": name }));
        // Salt goes through them as they come, and a map is written in the order of its keys.
        states.insert(format!("{:04} {function} {name}", states.len()), json!({ function: said }));
    };
    let rights = |access: &Access| {
        vec![
            json!({ "user": access.owner }),
            json!({ "group": access.group }),
            json!({ "mode": String::from(access.mode) }),
        ]
    };
    for user in &node.users {
        add("group.present", user.group.as_str(), vec![json!({ "system": true })]);
        let said = [("gid", json!(user.group)), ("home", json!(user.home)), ("system", json!(true))];
        let said = said.into_iter().chain([("createhome", json!(false)), ("shell", json!("/usr/sbin/nologin"))]);
        add("user.present", user.name.as_str(), said.map(|(name, value)| json!({ name: value })).collect());
    }
    for one in &node.directories {
        add("file.directory", one.path.as_str(), rights(&one.access));
    }
    let source = |url: String, sha256: String| vec![json!({ "source": url }), json!({ "source_hash": sha256 })];
    for one in &node.archives {
        let mut said = source(at(node, &one.from), one.sha256.to_string());
        // Without the second it lists the archive, each time.
        said.extend([json!({ "enforce_toplevel": false }), json!({ "if_missing": format!("{}/bin", one.into) })]);
        add("archive.extracted", one.into.as_str(), said);
    }
    for one in &node.downloads {
        let mut said = source(at(node, &one.from), one.sha256.to_string());
        said.extend(rights(&one.access));
        add("file.managed", one.path.as_str(), said);
    }
    for one in &node.files {
        let mut said = vec![json!({ "source": format!("{folder}/{}", one.source()) })];
        said.extend(rights(&one.access));
        add("file.managed", one.path.as_str(), said);
    }
    for one in &node.links {
        add("file.symlink", one.path.as_str(), vec![json!({ "target": one.to })]);
    }
    for one in &node.services {
        add("service.running", one.name.as_str(), vec![json!({ "enable": true })]);
    }
    Value::Object(states)
}
