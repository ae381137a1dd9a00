//! Folders in HDFS that a component wants to have, as PNDA's `hdfs.json` says it: each has a name, by which its path is known as
//! `hdfspath_NAME`, and is made before a run begins.
//! Not here: making them (`act`). What `delete_on_undeploy` would remove stays: it cuts levels off a path and removes all below.

use super::properties::substitute;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use words::problem::{Origin, Problems};
use words::shown::shown;

/// The descriptor.
pub(super) const FILE: &str = "hdfs.json";
/// Before the name of a folder, where its path is a property.
pub(super) const PREFIX: &str = "hdfspath_";
const LONGEST_PATH: usize = 1024;
const MOST: usize = 64;

#[derive(Deserialize)]
struct Entry {
    name: String,
    path: String,
}

/// The paths by the names of their properties; `known` is put in for `${name}`. All mistakes are told at once.
pub(super) fn read(
    place: &str,
    descriptor: Option<&Value>,
    known: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, Problems> {
    let (mut paths, mut problems) = (BTreeMap::new(), Problems::default());
    let origin = Origin::of_file(place);
    let form = "write [{\"name\": \"results\", \"path\": \"/user/alice/results\"}]";
    let entries = match descriptor {
        None => Vec::new(),
        Some(Value::Object(object)) if object.is_empty() => Vec::new(),
        Some(value) => serde_json::from_value::<Vec<Entry>>(value.clone()).unwrap_or_else(|error| {
            problems.add(origin.problem(format!("it is no list of folders: {error}"), form));
            Vec::new()
        }),
    };
    if entries.len() > MOST {
        problems.add(origin.problem(format!("it names more than {MOST} folders"), "leave out what it does not need"));
    }
    for Entry { name, path } in entries.into_iter().take(MOST) {
        let path = substitute(&path, known);
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            let what = format!("`{}` cannot be the name of a folder", shown(&name));
            problems.add(origin.problem(what, "a name has letters, digits and _"));
        } else if !is_path(&path) {
            let what = format!("the path of {name} is `{}`", shown(&path));
            problems.add(origin.problem(what, "write a path from / on, without . and .., of letters, digits and -_.="));
        } else if paths.insert(format!("{PREFIX}{name}"), path).is_some() {
            problems.add(origin.problem(format!("{name} is there twice"), "leave one of them"));
        }
    }
    problems.into_result(paths)
}

fn is_path(path: &str) -> bool {
    let part = |part: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.=".contains(&byte);
        !part.is_empty() && part != "." && part != ".." && part.bytes().all(plain)
    };
    let parts = path.strip_suffix('/').unwrap_or(path).strip_prefix('/');
    path.len() <= LONGEST_PATH && parts.is_some_and(|parts| parts.split('/').all(part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(value: Value) -> Result<BTreeMap<String, String>, String> {
        let known = BTreeMap::from([("application_user".to_owned(), "alice".to_owned())]);
        read("p-1.0.0/flink/c/hdfs.json", Some(&value), &known).map_err(|problems| problems.to_string())
    }

    #[test]
    fn folders_are_known_by_their_names() {
        let both = json!([
            { "name": "results", "path": "/user/${application_user}/results", "delete_on_undeploy": 1 },
            { "name": "in_1", "path": "/data/year=2026/" }
        ]);
        let paths = of(both).unwrap();
        assert_eq!(paths["hdfspath_results"], "/user/alice/results");
        assert_eq!((paths.len(), paths["hdfspath_in_1"].as_str()), (2, "/data/year=2026/"));
        assert!(of(json!({})).unwrap().is_empty());
    }

    #[test]
    fn every_mistake_is_told() {
        let told = of(json!([
            { "name": "a b", "path": "/x" }, { "name": "up", "path": "/x/../y" }, { "name": "root", "path": "/" },
            { "name": "unknown", "path": "/x/${nobody}" }, { "name": "r", "path": "/r" }, { "name": "r", "path": "/s" },
        ]))
        .unwrap_err();
        for line in ["`a b` cannot", "path of up is `/x/../y`", "path of root is `/`", "${nobody}", "r is there twice"]
        {
            assert!(told.contains(line), "{line}: {told}");
        }
        assert!(of(json!({ "name": "a" })).unwrap_err().contains("no list of folders"));
    }
}
