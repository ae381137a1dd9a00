//! What the fixtures say of Flink, asked of a real one: the distribution that the shipped manifests assemble.
//! Its own code parses the values and divides the memory, through `tools/flink-answers` and `tools/flink-probe`.
//! Not here: our model, which is held against the same fixtures beside it.

use crate::mirror;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

const VERSION: &str = "1.20.5";

fn repository(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[test]
fn a_real_flink_answers_as_the_fixtures_and_the_catalogue_say() {
    if Command::new("javac").arg("-version").output().is_err() {
        left_out!("Flink's own parsing and memory: no JDK is installed");
        return;
    }
    let mirror = match mirror::of("mirror-manifests") {
        Ok(mirror) => mirror,
        Err(why) => {
            left_out!("Flink's own parsing and memory: {why}");
            return;
        }
    };
    let folder = tempfile::tempdir().unwrap();
    let [flink, answers] = ["flink", "answers"].map(|name| folder.path().join(name));
    for folder in [&flink, &answers] {
        fs::create_dir(folder).unwrap();
    }
    let archive = mirror.served(&format!("flink-{VERSION}.tar.gz"));
    assert!(Command::new("tar").arg("xzf").arg(archive).arg("-C").arg(&flink).status().unwrap().success());

    let asked = Command::new(repository("tools/flink-answers")).args([&flink, &answers]).status().unwrap();
    assert!(asked.success());
    let mut compared = 0;
    for answer in fs::read_dir(&answers).unwrap().flatten() {
        let name = answer.file_name().into_string().unwrap();
        let ours = fs::read_to_string(repository("tests/fixtures/flink").join(&name)).unwrap();
        assert_eq!(fs::read_to_string(answer.path()).unwrap(), ours, "{name}");
        compared += 1;
    }
    assert_eq!(compared, 5, "memory, and values and documents in both forms of the file");
    assert_eq!(catalogue(), options(&flink), "make it anew with tools/flink-catalogue");
}

/// The options of this line, as the catalogue has them.
fn catalogue() -> BTreeSet<String> {
    let table = fs::read_to_string(repository("src/flink/options.tsv")).unwrap();
    let (head, rows) = table.split_once('\n').unwrap();
    let versions: Vec<&str> = head.trim_start_matches('#').split_whitespace().collect();
    let at = |version: &str| versions.iter().position(|known| *known == version).unwrap();
    let row = |row: &str| {
        let cells: Vec<&str> = row.splitn(4, '\t').collect();
        let covers = (at(cells[1])..=at(cells[2])).contains(&at(VERSION));
        covers.then(|| format!("{}\t{}", cells[0], cells[3]))
    };
    rows.lines().filter_map(row).collect()
}

/// The same, as the distribution has them.
fn options(flink: &Path) -> BTreeSet<String> {
    let jars = ["lib", "opt"].into_iter().flat_map(|folder| fs::read_dir(flink.join(folder)).unwrap().flatten());
    let ours = |name: &str| name.starts_with("flink") && name.ends_with(".jar");
    let jars = jars.filter(|jar| jar.file_name().to_str().is_some_and(ours)).map(|jar| jar.path());
    let mut probe = Command::new("java");
    probe.args(["-cp", "lib/*:opt/*"]).arg(repository("tools/flink-probe/Options.java")).args(jars).current_dir(flink);
    let output = probe.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}
