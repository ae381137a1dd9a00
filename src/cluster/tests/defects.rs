//! One fixture for each defect of a cluster file, a role or a template: told with file, line and remedy.
//! `BLESS=1` writes the expected texts anew.
//! Not here: what is right.

use super::*;

fn folder(path: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let entry = entry.unwrap().path();
            if entry.is_dir() {
                folders.push(entry);
            } else {
                let name = entry.strip_prefix(path).unwrap().display().to_string();
                found.insert(name, std::fs::read_to_string(entry).unwrap());
            }
        }
    }
    found
}

/// A fixture: a cluster file, roles and templates that replace or join the defaults, and settings of a command line.
fn fixture(path: &Path) -> Case {
    let files = folder(path);
    let mut case = Case::of(&files["cluster.toml"]);
    let mut roles: BTreeMap<String, String> = case.roles.into_iter().collect();
    for (name, text) in &files {
        if name.starts_with("roles/") {
            roles.insert(name.clone(), text.clone());
        } else if let Some(name) = name.strip_prefix("templates/") {
            case.templates.insert(name.to_owned(), text.clone());
        }
    }
    let set = files.get("set.txt").into_iter().flat_map(|text| text.lines());
    case.overrides = set.map(|line| line.split_once('=').unwrap()).map(|(k, v)| (k.into(), v.into())).collect();
    case.roles = roles.into_iter().collect();
    case
}

#[test]
fn every_defect_is_told_with_file_line_and_remedy() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/cluster");
    let mut cases: Vec<_> = std::fs::read_dir(fixtures).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(cases.len() > 25);
    for path in cases {
        let told = fixture(&path).told() + "\n";
        let expected = path.join("expected.txt");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&expected, &told).unwrap();
        }
        assert_ne!(told, "\n", "{} was accepted", path.display());
        assert_eq!(told, std::fs::read_to_string(&expected).unwrap_or_default(), "{}", path.display());
    }
}
