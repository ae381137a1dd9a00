//! Holds the house to its own rules: who may import whom, sizes, first lines, banned words, no registry's host.
//! Each test is one rule; a breach names the file, the line and the rule.
//! Not here: whether the program works.

use pnda::mirror::lock::Source;
use pnda::mirror::sources::Key;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Says in one line what was left out and why, past the runner's capture, which hides what a passing test prints.
macro_rules! left_out {
    ($($said:tt)*) => {
        drop(std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("left out: {}\n", format_args!($($said)*))))
    };
}

/// Which room may depend on which; each room is a crate, so the compiler holds what its `Cargo.toml` says.
const LAYERS: &[(&str, &[&str])] = &[
    ("words", &[]),
    ("disk", &["words"]),
    ("systems", &["words", "disk"]),
    ("mirror", &["words", "disk", "systems"]),
    ("cluster", &["words", "flink"]),
    ("flink", &["words"]),
    ("fleet", &["words", "systems", "cluster"]),
    ("node", &["words", "disk", "systems"]),
    ("agent", &["words", "disk", "systems", "apps"]),
    ("apps", &["words", "disk", "flink", "systems"]),
    ("trial", &["words", "disk", "systems", "mirror", "cluster"]),
];

/// A source file may have this many lines without its tests.
const FILE_LINES: usize = 400;
/// A function may have this many lines.
const FUNCTION_LINES: usize = 60;

struct File {
    path: String,
    text: String,
    /// Declared with `#[cfg(test)]` by the file above it.
    is_test: bool,
}

impl File {
    /// The lines that are not tests: everything before the module `tests`; nothing of a file of tests.
    fn own_lines(&self) -> Vec<&str> {
        if self.is_test || self.path.starts_with("tests/") {
            return Vec::new();
        }
        let lines: Vec<&str> = self.text.lines().collect();
        let end = lines.iter().position(|line| line.trim() == "#[cfg(test)]").unwrap_or(lines.len());
        lines[..end].to_vec()
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file that git tracks, or would track.
fn tracked() -> Vec<PathBuf> {
    let git = Command::new("git").args(["ls-files", "-co", "--exclude-standard"]).current_dir(root()).output();
    let text = String::from_utf8(git.expect("git lists the files of a checkout").stdout).unwrap();
    text.lines().map(PathBuf::from).filter(|path| root().join(path).is_file()).collect()
}

fn sources() -> Vec<File> {
    let rust = tracked().into_iter().filter(|path| path.extension().is_some_and(|end| end == "rs"));
    let read = |path: PathBuf| File {
        text: std::fs::read_to_string(root().join(&path)).unwrap(),
        path: path.display().to_string(),
        is_test: false,
    };
    let mut files: Vec<File> = rust.map(read).collect();
    let tests: BTreeSet<String> = files.iter().flat_map(declared_tests).collect();
    let part_of_one =
        |path: &str| tests.iter().any(|test| path.starts_with(&format!("{}/", test.trim_end_matches(".rs"))));
    files.iter_mut().for_each(|file| file.is_test = tests.contains(&file.path) || part_of_one(&file.path));
    assert!(files.len() > 30, "the checkout has no sources");
    files
}

/// The files that a file declares as tests with `#[cfg(test)]` and `mod name;`.
fn declared_tests(file: &File) -> Vec<String> {
    let folder = match file.path.strip_suffix("/mod.rs").or_else(|| file.path.strip_suffix("/lib.rs")) {
        Some(folder) => folder.to_owned(),
        None => file.path.trim_end_matches(".rs").to_owned(),
    };
    let lines: Vec<&str> = file.text.lines().map(str::trim).collect();
    let of_tests = ["#[cfg(test)]", "#[cfg(any(test, feature = \"testing\"))]"];
    let declared = lines.windows(2).filter(|pair| of_tests.contains(&pair[0]));
    let name = |pair: &[&str]| {
        Some(pair[1].trim_start_matches("pub(crate) ").strip_prefix("mod ")?.strip_suffix(';')?.to_owned())
    };
    declared.filter_map(name).map(|name| format!("{folder}/{name}.rs")).collect()
}

/// Fails with all breaches of a rule.
fn hold(rule: &str, breaches: Vec<String>) {
    assert!(breaches.is_empty(), "{rule}:\n  {}", breaches.join("\n  "));
}

#[test]
fn rooms_depend_only_on_what_they_may() {
    let folder = std::fs::read_dir(root().join("src")).unwrap().flatten();
    let crates = folder.filter(|entry| entry.path().join("Cargo.toml").is_file());
    let found: BTreeSet<String> = crates.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    let listed: BTreeSet<String> = LAYERS.iter().map(|(room, _)| (*room).to_owned()).collect();
    assert_eq!(found, listed, "every crate below src is a room of the table at the top of this file");
    let mut breaches = Vec::new();
    for (room, allowed) in LAYERS {
        let text = std::fs::read_to_string(root().join("src").join(room).join("Cargo.toml")).unwrap();
        let table: toml::Table = text.parse().unwrap();
        let depends = ["dependencies", "dev-dependencies", "build-dependencies"].into_iter();
        let depends = depends.filter_map(|kind| table.get(kind)?.as_table()).flat_map(toml::Table::keys);
        let wrong = depends.filter(|name| listed.contains(*name) && !allowed.contains(&name.as_str()));
        breaches.extend(wrong.map(|name| format!("src/{room}/Cargo.toml: {room} depends on {name}")));
    }
    hold("a room depends only on what the table at the top of this file allows", breaches);
}

#[test]
fn every_file_says_what_it_is_and_what_it_is_not() {
    let missing = |file: &File| {
        let lines: Vec<&str> = file.text.lines().take(3).collect();
        lines.len() < 3 || !lines.iter().all(|line| line.starts_with("//! "))
    };
    let breaches = sources().iter().filter(|file| missing(file)).map(|file| file.path.clone()).collect();
    hold("a file opens with three lines on what it is and what it is not", breaches);
}

#[test]
fn files_and_functions_stay_small() {
    let mut breaches = Vec::new();
    for file in sources() {
        let lines = file.own_lines();
        if lines.len() > FILE_LINES {
            breaches.push(format!("{} has {} lines", file.path, lines.len()));
        }
        for (at, size) in functions(&lines) {
            if size > FUNCTION_LINES {
                breaches.push(format!("{}:{at}: a function of {size} lines", file.path));
            }
        }
    }
    hold(&format!("a file has at most {FILE_LINES} lines, a function {FUNCTION_LINES}"), breaches);
}

/// The line and length of each function; rustfmt closes a function at the column where it began.
fn functions(lines: &[&str]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let trimmed = line.trim_start();
        let words: Vec<&str> = trimmed.split(['(', '<']).next().unwrap_or_default().split(' ').collect();
        // A trait's function may have no body.
        if !words.contains(&"fn") || trimmed.starts_with("//") || trimmed.ends_with(';') {
            continue;
        }
        let closing = format!("{}}}", " ".repeat(line.len() - trimmed.len()));
        let size = lines[at..].iter().position(|line| *line == closing);
        found.extend(size.map(|size| (at + 1, size + 1)));
    }
    found
}

#[test]
fn nothing_is_left_for_later() {
    let banned = [
        "println!(\"left out",
        "TODO",
        "FIXME",
        "XXX",
        "dbg!(",
        "todo!(",
        "unimplemented!(",
        "allow(dead_code)",
        "#[ignore",
    ];
    let mut breaches = Vec::new();
    for file in sources().iter().filter(|file| file.path != "tests/tidy.rs") {
        for (at, line) in file.text.lines().enumerate() {
            breaches.extend(
                banned
                    .iter()
                    .filter(|word| line.contains(**word))
                    .map(|word| format!("{}:{}: {word}", file.path, at + 1)),
            );
        }
    }
    hold("nothing is unfinished, dead or ignored", breaches);
}

#[test]
fn only_the_edge_prints_and_nothing_gives_up() {
    let mut breaches = Vec::new();
    let program = |file: &&File| file.path.starts_with("src/") && !file.path.ends_with("/build.rs");
    for file in sources().iter().filter(program) {
        for (at, line) in file.own_lines().iter().enumerate() {
            let place = format!("{}:{}", file.path, at + 1);
            if line.contains(".unwrap()") || line.contains("panic!(") || line.contains("unreachable!(") {
                breaches.push(format!("{place}: gives up"));
            }
            if !file.path.starts_with("src/cli/") && (line.contains("println!(") || line.contains("print!(")) {
                breaches.push(format!("{place}: prints"));
            }
        }
    }
    hold("only the command line prints, and no code gives up", breaches);
}

#[test]
fn rooms_do_not_ask_the_clock_or_the_environment_where_they_decide() {
    let pure = ["src/words/", "src/cluster/", "src/flink/"];
    let asks = ["std::fs", "std::net", "std::process", "std::env", "SystemTime::now", "Instant::now"];
    let mut breaches = Vec::new();
    for file in sources().iter().filter(|file| pure.iter().any(|room| file.path.starts_with(room))) {
        for (at, line) in file.own_lines().iter().enumerate() {
            let used = asks.iter().filter(|word| line.contains(**word) && !line.contains("std::net::IpAddr"));
            breaches.extend(used.map(|word| format!("{}:{}: {word}", file.path, at + 1)));
        }
    }
    hold("words, flink and cluster touch nothing outside", breaches);
}

#[test]
fn only_one_file_acts_on_yarn_hdfs_and_flink() {
    // What reserves, submits, kills, saves, or changes anything in HDFS; the journal, its holder and the packages write themselves.
    let acts = [
        "new_application(",
        "yarn.submit(",
        "yarn.kill(",
        "StopRequest",
        "runner.run(",
        "oozie.submit(",
        "oozie.tell(",
    ];
    let changes = ["write(", "create(", "rename(", "delete(", "make_folder(", "set_mode("];
    let allowed = [
        "src/apps/act.rs",
        "src/apps/journal/hdfs.rs",
        "src/apps/journal/shelf.rs",
        // It starts Flink's own client.
        "src/apps/manager/by_client.rs",
        "src/apps/package/depot.rs",
        "src/apps/holder.rs",
    ];
    let mut breaches = Vec::new();
    let others = |file: &&File| {
        file.path.starts_with("src/apps/") && !file.path.contains("/tests") && !allowed.contains(&&*file.path)
    };
    for file in sources().iter().filter(others) {
        for (at, line) in file.own_lines().iter().enumerate() {
            let changes_hdfs = changes
                .iter()
                .any(|verb| ["hdfs", "))", "owner)"].iter().any(|end| line.contains(&format!("{end}.{verb}"))));
            if changes_hdfs || acts.iter().any(|act| line.contains(act)) {
                breaches.push(format!("{}:{}: {}", file.path, at + 1, line.trim()));
            }
        }
    }
    hold("act.rs alone acts", breaches);
}

#[test]
fn what_is_decided_about_applications_touches_nothing_outside() {
    let pure = [
        "alarms",
        "decide/",
        "declare.rs",
        "defaults.rs",
        "housekeeping/",
        "status.rs",
        "vitals.rs",
        "orders.rs",
        "submit/",
        "manager/crew.rs",
        "journal/state.rs",
        "journal/record.rs",
        "journal/application.rs",
        "journal/attempt.rs",
        "journal/savepoint.rs",
        "journal/upgrade.rs",
        "journal/upgrading.rs",
        "respawn.rs",
        "saving.rs",
        "schedule.rs",
    ];
    let asks =
        ["std::fs", "std::net", "std::process", "std::env", "std::thread", "SystemTime", "Instant", "File::open"];
    let mut breaches = Vec::new();
    let decides = |file: &&File| pure.iter().any(|place| file.path.starts_with(&format!("src/apps/{place}")));
    for file in sources().iter().filter(decides).filter(|file| !file.path.contains("/tests")) {
        for (at, line) in file.own_lines().iter().enumerate() {
            let used = asks.iter().filter(|word| line.contains(**word));
            breaches.extend(used.map(|word| format!("{}:{}: {word}", file.path, at + 1)));
        }
    }
    hold("what is decided about applications touches no clock, file, socket or process", breaches);
}

fn registry_hosts() -> BTreeSet<String> {
    let site = pnda::mirror::sources::Site { environment: std::env::vars().collect(), ..Default::default() };
    let sources = pnda::mirror::sources::Sources::find(&site).unwrap_or_default();
    let registry = |kind| sources.of(&Key::registry(kind)).map(|found| found.location.to_string());
    let mut texts: Vec<String> = Source::registries().into_iter().filter_map(|kind| registry(kind).ok()).collect();
    for list in ["/etc/apt/sources.list", "/etc/apt/sources.list.d/debian.sources"] {
        let text = std::fs::read_to_string(list).unwrap_or_default();
        texts.extend(text.split_whitespace().filter(|word| word.contains("://")).map(str::to_owned));
    }
    let cargo = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo = cargo.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
    for entry in cargo.iter().flat_map(|home| std::fs::read_dir(home.join("registry/index"))).flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        texts.extend(name.rsplit_once('-').map(|(host, _)| format!("x://{host}")));
    }
    let host = |text: &String| Some(text.split("://").nth(1)?.split(['/', ':']).next()?.to_owned());
    texts
        .iter()
        .filter_map(host)
        .filter(|host| host.contains('.') && host.parse::<std::net::IpAddr>().is_err())
        .collect()
}

#[test]
fn no_registry_host_and_no_machine_path_is_written_down() {
    let mut words = registry_hosts();
    words.extend([["/ro", "ot/"].concat(), ["/ho", "me/"].concat(), ["/wo", "rk/"].concat()]);
    let mut breaches = Vec::new();
    for path in tracked() {
        let bytes = std::fs::read(root().join(&path)).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        for (at, line) in text.lines().enumerate() {
            let found = words.iter().filter(|word| line.contains(word.as_str()));
            breaches.extend(found.map(|word| format!("{}:{}: {word}", path.display(), at + 1)));
        }
    }
    hold("no registry's host and no path of one machine is written down", breaches);
}

#[test]
fn the_format_is_rustfmt() {
    run("cargo", &["fmt", "--all", "--check"]);
}

#[test]
fn clippy_has_nothing_to_say() {
    run("cargo", &["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"]);
}

#[test]
fn scripts_pass_shellcheck() {
    if Command::new("shellcheck").arg("--version").output().is_err() {
        left_out!("shellcheck of our scripts: shellcheck is not installed");
        return;
    }
    // Templates are not scripts yet; what is rendered from them is checked where they are rendered.
    let script = |path: &PathBuf| {
        if path.starts_with("templates") {
            return false;
        }
        let text = std::fs::read(root().join(path)).unwrap_or_default();
        text.starts_with(b"#!/bin/sh")
    };
    let scripts: Vec<String> =
        tracked().iter().filter(|path| script(path)).map(|path| path.display().to_string()).collect();
    if scripts.is_empty() {
        return;
    }
    run("shellcheck", &scripts.iter().map(String::as_str).collect::<Vec<_>>());
}

fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).current_dir(root()).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{program} {}:\n{}", arguments.join(" "), String::from_utf8_lossy(&text));
}
