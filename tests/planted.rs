//! Mistakes that somebody could make in the manager of applications, each planted in a copy of the sources: the seeded runs of
//! `pnda-apps` must find every one of them.
//! What is planted is looked up in each run of the tests; the copies are compiled and run where `PNDA_TEST_LONG` is set.
//! Not here: the runs themselves (`src/apps/manager/tests/seeds`).

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// A mistake: what it is, the file, and what stands there instead of what.
struct Planted {
    what: &'static str,
    file: &'static str,
    text: &'static str,
    instead: &'static str,
}

const PLANTED: [Planted; 13] = [
    Planted {
        what: "a request to submit leaves before the journal has that it begins",
        file: "src/apps/manager/begin.rs",
        text: "let state = self.begin(state, of, run)?;",
        instead: "let _ = Self::begin; let state = self.state()?;",
    },
    Planted {
        what: "what lies under a record's number is taken for one's own",
        file: "src/apps/journal/hdfs.rs",
        text: "Ok(self.get(record.number)?.map(|found| found == text.as_bytes()))",
        instead: "let _ = text; Ok(self.get(record.number)?.map(|_| true))",
    },
    Planted {
        what: "what is submitted lacks the cluster's tag",
        file: "src/apps/submit/context.rs",
        text: "[TAG.to_owned(), tag_of(cluster)].into_iter().chain(order).collect()",
        instead: "let _ = cluster;\n    [TAG.to_owned()].into_iter().chain(order).collect()",
    },
    Planted {
        what: "the oldest state is begun from",
        file: "src/apps/restore.rs",
        text: "states.into_iter().max_by_key(|(_, at_ms)| *at_ms)",
        instead: "states.into_iter().min_by_key(|(_, at_ms)| *at_ms)",
    },
    Planted {
        what: "a savepoint of a stop that failed is not looked for",
        file: "src/apps/restore.rs",
        text: "Outcome::Failed(_) | Outcome::Pending if unknown < MOST_UNKNOWN => {",
        instead: "Outcome::Failed(_) | Outcome::Pending if unknown > MOST_UNKNOWN => {",
    },
    Planted {
        what: "what cannot be seen is over",
        file: "src/apps/decide/mod.rs",
        text: "Yarn::Hidden { hop, why } => cannot_see(hop, why),",
        instead: "Yarn::Hidden { why, .. } => Action::End(End { verdict: Verdict::Lost, diagnostics: why.clone(), at_ms: None, ran_ms: None }),",
    },
    Planted {
        what: "what YARN forgot is submitted again under its id",
        file: "src/apps/decide/mod.rs",
        text: "(true, _) => lost(\"YARN has forgotten it, and only forgets what is over\".into()),",
        instead: "(true, _) if shall_run => Action::Submit,\n        (true, _) => lost(String::new()),",
    },
    Planted {
        what: "a stop with a savepoint kills",
        file: "src/apps/decide/mod.rs",
        text: "Wanted::Stopped { save: true, .. } => save(wanted, component, run, seen),",
        instead: "Wanted::Stopped { save: true, was: None } => save(wanted, component, run, seen),\n        Wanted::Stopped { save: true, .. } => Action::Kill,",
    },
    Planted {
        what: "another run follows at once where YARN has forgotten the last one",
        file: "src/apps/decide/again.rs",
        text: "if end.verdict == Verdict::Lost { pause.max(FORGOTTEN_MS) } else { pause }",
        instead: "pause",
    },
    Planted {
        what: "a state is removed from which something runs that began from it",
        file: "src/apps/decide/dispose.rs",
        text: "if component.live().is_some_and(|run| is_there(&run.restore)) {",
        instead: "if component.live().is_some_and(|run| !run.accepted && is_there(&run.restore)) {",
    },
    Planted {
        what: "a second try writes over the files of the first",
        file: "src/apps/act.rs",
        text: "let place = format!(\"{staging}/{:.8}\", fresh_id());",
        instead: "let _ = fresh_id; let place = format!(\"{staging}/again\");",
    },
    Planted {
        what: "records go that only one snapshot covers",
        file: "src/apps/journal/shelf.rs",
        text: "Some(number) => number <= *older,",
        instead: "Some(number) => number <= *newest,",
    },
    Planted {
        what: "a time of a schedule has a second run",
        file: "src/apps/journal/application.rs",
        text: "(due_ms, None, Streak::default());",
        instead: "(due_ms - 1, None, Streak::default());",
    },
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The text of a file with the mistake in it.
fn planted(one: &Planted) -> String {
    let text = fs::read_to_string(root().join(one.file)).unwrap();
    assert_eq!(text.matches(one.text).count(), 1, "{}: in {}", one.what, one.file);
    text.replace(one.text, one.instead)
}

#[test]
fn what_is_planted_stands_where_it_belongs() {
    for one in &PLANTED {
        planted(one);
    }
}

/// A copy of all that git tracks.
fn copy(folder: &Path) {
    let listed = Command::new("git").args(["ls-files", "-co", "--exclude-standard"]).current_dir(root()).output();
    let listed = String::from_utf8(listed.expect("git lists the files of a checkout").stdout).unwrap();
    for file in listed.lines().filter(|file| root().join(file).is_file()) {
        let to = folder.join(file);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(root().join(file), to).unwrap();
    }
}

/// Runs the seeds in a copy; gives whether they pass, and what they say.
fn seeds(folder: &Path) -> (bool, String) {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["test", "--quiet", "--offline", "-p", "pnda-apps", "--lib", "seeds::"]).current_dir(folder);
    cargo.env("CARGO_TARGET_DIR", folder.with_file_name("planted-target")).env_remove("PNDA_TEST_LONG");
    let output = cargo.output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

#[test]
fn every_mistake_that_is_planted_is_found_by_the_seeds() {
    if env::var_os("PNDA_TEST_LONG").is_none() {
        return;
    }
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("planted");
    let _ = fs::remove_dir_all(&folder);
    copy(&folder);
    let (passes, said) = seeds(&folder);
    assert!(passes, "without a mistake: {said}");
    let mut missed = Vec::new();
    for one in &PLANTED {
        fs::write(folder.join(one.file), planted(one)).unwrap();
        let (passes, said) = seeds(&folder);
        let found: Vec<&str> = said.lines().filter(|line| line.starts_with("seed ")).collect();
        println!("{}: {found:?}", one.what);
        assert!(!said.contains("error: could not compile"), "{}: {said}", one.what);
        if passes || found.is_empty() {
            missed.push(one.what);
        }
        fs::copy(root().join(one.file), folder.join(one.file)).unwrap();
    }
    assert!(missed.is_empty(), "not found: {missed:?}");
}
