//! Completions and the manual, as shells and `man` take them.
//! They are made by the program, and read by the programs that they are for.
//! Not here: what commands do.

use crate::project::Project;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

#[test]
fn completions_are_made_for_every_shell() {
    let project = Project::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let text = project.run(&format!("completions {shell}")).says(0, "pnda").out;
        assert!(text.contains("outdated") && text.contains("rollback") && text.contains("json"), "{shell}");
        std::fs::write(project.path(shell), text).unwrap();
    }
    for shell in ["bash", "zsh"] {
        match Command::new(shell).arg("-n").arg(project.path(shell)).output() {
            Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
            Err(error) => left_out!("completions read by {shell}: {error}"),
        }
    }
    project.run("completions tcsh").says(2, "possible values");
}

/// The pages that `pnda manual --out` writes, by name.
fn pages(project: &Project) -> Vec<PathBuf> {
    project.run("manual --out pages");
    let pages = std::fs::read_dir(project.path("pages")).unwrap();
    let mut pages: Vec<PathBuf> = pages.map(|entry| entry.unwrap().path()).collect();
    pages.sort();
    pages
}

#[test]
fn every_command_has_a_page() {
    let project = Project::new();
    let pages = pages(&project);
    let name = |path: &PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
    let pages: BTreeSet<String> = pages.iter().map(name).collect();
    let listed = |words: &str| -> Vec<String> {
        let help = project.run(words).out;
        let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
        commands.map(|line| line.split_whitespace().next().unwrap().to_owned()).filter(|name| name != "help").collect()
    };
    let (top, mirror) = (listed("--help"), listed("mirror --help"));
    assert!(top.len() >= 6 && mirror.len() >= 15, "{top:?} {mirror:?}");
    let top = top.iter().map(|name| format!("pnda-{name}"));
    let mirror = mirror.iter().map(|name| format!("pnda-mirror-{name}"));
    let missing: Vec<String> = top.chain(mirror).filter(|name| !pages.contains(name)).collect();
    assert_eq!(missing, [""; 0], "{pages:?}");
}

#[test]
fn every_page_is_set_without_a_warning() {
    let project = Project::new();
    for page in pages(&project) {
        match Command::new("groff").args(["-man", "-Tutf8", "-ww", "-z"]).arg(&page).output() {
            Ok(output) => {
                let told = String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success() && told.is_empty(), "{}: {told}", page.display());
            }
            Err(error) => return left_out!("the manual as groff sets it: {error}"),
        }
    }
}

#[test]
fn exit_codes_are_in_the_help_and_in_the_manual() {
    let project = Project::new();
    let manual = project.run("manual").out;
    for text in [project.run("--help").out, manual] {
        for code in
            ["0 done", "1 failed", "2 wrong usage", "3 bytes are not what was agreed", "4 something would change"]
        {
            assert!(text.contains(code), "{code}: {text}");
        }
    }
}
