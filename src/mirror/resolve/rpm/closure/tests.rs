//! The closure of RPM packages on small repositories that stand in the text: what comes along, and what is told.
//! Each test is one rule of the choice.
//! Not here: indexes and packages as they are in files.

use super::super::primary::tests::{package, primary};
use super::super::primary::{Texts, read};
use super::super::{files, xml};
use super::*;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// Packages as `name-version-release.architecture | requires: a, b | provides: c`.
fn universe(lines: &str) -> Universe {
    let packages = lines.lines().map(|line| {
        let mut parts = line.split('|').map(str::trim);
        let (identity, lists) = (parts.next().unwrap(), parts.collect::<Vec<_>>());
        package(identity, &lists)
    });
    let text = primary(&packages.collect::<Vec<_>>());
    let architectures = ["x86_64".into(), "noarch".into(), "i686".into()];
    let offers = read(xml::read(text.as_bytes()), 0, &architectures, &mut Texts::default()).unwrap();
    let paths: HashSet<Arc<str>> = [Arc::from("/usr/bin/tool")].into();
    let groups = BTreeMap::from([("core".to_owned(), vec!["base".to_owned(), "elsewhere".to_owned()])]);
    let mut universe = Universe::of(offers, groups);
    universe.add_files(0, files::find(xml::read(text.as_bytes()), &paths).unwrap());
    universe
}

fn told(lines: &str, packages: &[&str], change: impl Fn(&mut Request)) -> String {
    let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
    let architectures = texts(&["x86_64", "noarch"]);
    let mut request = Request { entry: "e".into(), packages: texts(packages), architectures, ..Request::default() };
    change(&mut request);
    match resolve(&universe(lines), &request) {
        Ok(closure) => {
            let chains = closure.chosen.into_iter().map(|chosen| chosen.because);
            chains.chain(closure.notes).collect::<Vec<_>>().join("\n")
        }
        Err(error) => error.to_string(),
    }
}

fn check(lines: &str, packages: &[&str], expected: &str) {
    assert_eq!(told(lines, packages, |_| {}), expected);
}

#[test]
fn the_newest_comes_with_all_it_needs() {
    let lines = "a-1-1.noarch\na-1.10-1.noarch | requires: b >= 1, cap, /usr/bin/tool\na-1.9-1.noarch\n\
        b-1-1.x86_64\nb-1-1.i686\nc-1-1.noarch | provides: cap = 3\nt-1-1.noarch | file: /usr/bin/tool";
    let expected = "e > a-1.10-1.noarch\ne > a-1.10-1.noarch > b-1-1.x86_64\ne > a-1.10-1.noarch > c-1-1.noarch\n\
        e > a-1.10-1.noarch > t-1-1.noarch";
    check(lines, &["a"], expected);
}

#[test]
fn a_line_of_the_manifest_has_several_forms() {
    let lines = "a-1-1.noarch\na-1:2-1.el9.noarch\na-1:3-1.noarch\nt-1-1.noarch | file: /usr/bin/tool";
    for (text, wanted) in [
        ("a", "a-1:3-1.noarch"),
        ("a < 1:3", "a-1:2-1.el9.noarch"),
        ("a-1:2-1.el9.noarch", "a-1:2-1.el9.noarch"),
        ("a-2-1.el9", "a-1:2-1.el9.noarch"),
        ("a-2", "a-1:2-1.el9.noarch"),
        ("a-0:1-1", "a-1-1.noarch"),
        ("a.noarch", "a-1:3-1.noarch"),
        ("/usr/bin/tool", "t-1-1.noarch"),
    ] {
        check(lines, &[text], &format!("e > {wanted}"));
    }
    check(lines, &["a-2", "a"], "e > a-1:2-1.el9.noarch");
    check(lines, &["a", "a-2"], "e > a-1:2-1.el9.noarch");
}

#[test]
fn conditions_hold_in_the_end() {
    let lines = "a-1-1.noarch | requires: (x if late), b, (y if never else z), (u unless b else v)\n\
        b-1-1.noarch | requires: (gone or late), (w1 with w2)\nlate-1-1.noarch\nx-1-1.noarch\ny-1-1.noarch\n\
        z-1-1.noarch\nu-1-1.noarch\nv-1-1.noarch\nww-1-1.noarch | provides: w1, w2\nw-1-1.noarch | provides: w1";
    let told = told(lines, &["a"], |_| {});
    let last: Vec<&str> = told.lines().map(|line| line.rsplit(" > ").next().unwrap()).collect();
    assert_eq!(last, ["a", "b", "late", "v", "ww", "x", "z"].map(|name| format!("{name}-1-1.noarch")));
}

#[test]
fn what_is_missing_is_told_with_its_chain_and_the_nearest() {
    let lines = "a-1-1.noarch | requires: b\nb-1-1.noarch | requires: rsyslogg";
    let expected =
        "no package provides `rsyslogg`, which is wanted by e > a-1-1.noarch > b-1-1.noarch; the nearest is `rsyslog`";
    check(&format!("{lines}\nrsyslog-1-1.noarch"), &["a"], expected);
    check(lines, &["bb"], "no package provides `bb`, which is wanted by e; the nearest is `b`");
    check(lines, &["@none"], "no repository has a group `none`");
}

#[test]
fn what_replaces_a_package_is_taken_for_it() {
    let lines = "old-1-1.noarch\nnew-1-1.noarch | obsoletes: old < 2 | provides: old = 1\na-1-1.noarch | requires: old";
    check(lines, &["old"], "e > new-1-1.noarch");
    check(lines, &["a"], "e > a-1-1.noarch\ne > a-1-1.noarch > new-1-1.noarch");
    check(lines, &["old-1-1.noarch"], "e > old-1-1.noarch");
    let told = told(lines, &["old-1-1.noarch", "new"], |_| {});
    assert!(told.starts_with("e > new-1-1.noarch\n  replaces, so that only one"), "{told}");
}

#[test]
fn a_conflict_is_told_with_both_chains() {
    let lines = "a-1-1.noarch | requires: b\nb-1-1.noarch | conflicts: web < 2\nc-1-1.noarch | provides: web = 1";
    check(lines, &["a"], "e > a-1-1.noarch\ne > a-1-1.noarch > b-1-1.noarch");
    let told = told(lines, &["a", "c"], |_| {});
    let expected =
        "e > a-1-1.noarch > b-1-1.noarch\n  conflicts with `web < 2`, which is provided by\ne > c-1-1.noarch";
    assert!(told.starts_with(expected), "{told}");
}

#[test]
fn of_two_that_clash_one_is_left_out_if_another_will_do() {
    let lines = "a-1-1.noarch | requires: so, mini\nful-1-1.noarch | provides: so\n\
        mini-1-1.noarch | provides: so | conflicts: ful";
    let expected = "e > a-1-1.noarch\ne > a-1-1.noarch > mini-1-1.noarch\n\
        ful-1-1.noarch is not taken: it cannot stand beside what else is needed";
    check(lines, &["a"], expected);
    let told = told(lines, &["a", "ful"], |_| {});
    assert!(told.starts_with("e > a-1-1.noarch > mini-1-1.noarch\n  conflicts with `ful`"), "{told}");
}

#[test]
fn an_early_choice_gives_way_to_a_later_need() {
    let lines = "a-1-1.noarch | requires: l, b\nb-1-1.noarch | requires: l = 1\nl-1-1.noarch\nl-2-1.noarch\n\
        c-1-1.noarch | requires: l = 2";
    check(lines, &["a"], "e > a-1-1.noarch\ne > a-1-1.noarch > b-1-1.noarch\ne > a-1-1.noarch > l-1-1.noarch");
    let told = told(lines, &["b", "c"], |_| {});
    assert!(told.starts_with("no version of `l` suits everybody:\n"), "{told}");
    assert!(told.contains("e > b-1-1.noarch") && told.contains("e > c-1-1.noarch"), "{told}");
}

#[test]
fn what_nodes_have_is_not_taken_again() {
    let lines = "a-1-1.noarch | requires: base, lib >= 2, glibc, inner\nbase-1-1.noarch | requires: inner, gone\n\
        inner-1-1.noarch\nlib-2-1.noarch\nglibc-3-1.x86_64";
    let base = |request: &mut Request| {
        request.base = ["@core", "lib-1-1.noarch", "glibc-2.34-9.x86_64"].map(str::to_owned).to_vec();
    };
    assert_eq!(told(lines, &["a"], base), "e > a-1-1.noarch\ne > a-1-1.noarch > lib-2-1.noarch");
}

#[test]
fn recommended_packages_come_only_when_wanted() {
    let lines = "a-1-1.noarch | recommends: b, gone\nb-1-1.noarch";
    check(lines, &["a"], "e > a-1-1.noarch");
    assert_eq!(told(lines, &["a"], |request| request.weak = true), "e > a-1-1.noarch\ne > a-1-1.noarch > b-1-1.noarch");
}

#[test]
fn of_several_that_would_do_one_is_taken_and_the_others_named() {
    let lines = "a-1-1.noarch | requires: smtp\nlong-1-1.noarch | provides: smtp\nmx-1-1.noarch | provides: smtp\n\
        aa-2-1.module_el9.noarch | provides: smtp";
    let expected = "e > a-1-1.noarch\ne > a-1-1.noarch > mx-1-1.noarch\n\
        `smtp` is provided by mx, which is taken, and by long: name one of those to have it instead";
    check(lines, &["a"], expected);
    check(lines, &["long", "a"], "e > a-1-1.noarch\ne > long-1-1.noarch");
}

#[test]
fn a_hostile_index_ends_in_an_error_and_not_in_a_loop() {
    let circle: String = (0..500).map(|at| format!("p{at}-1-1.noarch | requires: p{}\n", (at + 1) % 500)).collect();
    assert_eq!(told(circle.trim(), &["p0"], |_| {}).lines().count(), 500);
    let nested = format!("a-1-1.noarch | requires: {}b{}", "(".repeat(100), ")".repeat(100));
    assert!(told(&nested, &["a"], |_| {}).contains("needs something that is not understood"));
}
