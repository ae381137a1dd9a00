//! What a closure comes to, as text: a list of packages in, the chosen ones with their reasons out.
//! Each test is one rule of Debian's policy, or one answer that a person gets.
//! Not here: reading an archive.

use super::*;
use crate::manifest::AptBase;
use crate::resolve::apt::control::Stanzas;
use crate::resolve::apt::state::LONGEST_CHAIN;
use crate::resolve::apt::version::Version;
use words::digest::Sha256;
use words::names::Word;

/// A package a line: `name version; field: value; …`.
fn universe(text: &str) -> Universe {
    let mut packages = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (name, rest) = line.split_once(' ').unwrap();
        let (version, fields) = rest.split_once("; ").unwrap_or((rest, ""));
        let fields = fields.replace("; ", "\n");
        let digest = Sha256::of(format!("{name} {version}").as_bytes());
        let stanza = format!(
            "Package: {name}\nVersion: {version}\nArchitecture: amd64\nFilename: pool/{name}_{version}.deb\nSize: 1\n\
             SHA256: {digest}\n{fields}\n"
        );
        let stanza = Stanzas::all(stanza.as_bytes()).read().unwrap().unwrap();
        packages.push(Package::listed(stanza, &Word::new("stable").unwrap()).unwrap());
    }
    Universe::of(packages, "amd64").unwrap()
}

struct Case<'a> {
    list: &'a str,
    base: &'a str,
    prefer: &'a [&'a str],
    recommends: bool,
}

impl Case<'_> {
    fn solve(&self, roots: &str) -> Result<(Vec<String>, Vec<String>), String> {
        let universe = universe(self.list);
        let have = |line: &str| {
            let (name, version) = line.trim().split_once(' ').unwrap();
            Package::bare(name, Version::parse(version).unwrap(), "amd64")
        };
        let base = match self.base {
            "required" => Base::read(&AptBase::Required, &universe).map_err(|error| error.to_string())?,
            lines => Base::of(lines.split(", ").filter(|line| !line.is_empty()).map(have)),
        };
        let root = |text: &str| Relation::parse(text, "amd64").unwrap().unwrap();
        let prefer = self.prefer.iter().map(|text| Sha256::of(text.as_bytes())).collect();
        let request = Request {
            entry: "os",
            universe: &universe,
            roots: roots.split(", ").map(root).collect(),
            base: &base,
            prefer: &prefer,
            recommends: self.recommends,
            taste: Taste::Newest,
        };
        let closure = solve(&request).map_err(|error| error.to_string())?;
        Ok((closure.chosen.iter().map(|chosen| chosen.because.join(" > ")).collect(), closure.notes))
    }
}

fn case(list: &str) -> Case<'_> {
    Case { list, base: "", prefer: &[], recommends: false }
}

fn chosen(list: &str, roots: &str) -> Vec<String> {
    case(list).solve(roots).unwrap().0
}

#[test]
fn what_is_needed_comes_along_with_its_reasons() {
    let list = "a 1; Depends: b (>= 1), c\nb 1; Pre-Depends: c\nc 1\nd 1";
    assert_eq!(chosen(list, "a"), ["os > a=1", "os > a=1 > b=1", "os > a=1 > c=1"]);
    assert_eq!(
        chosen("a 1; Depends: b\nb 1; Depends: a", "a"),
        ["os > a=1", "os > a=1 > b=1"],
        "circles are no trouble"
    );
}

#[test]
fn a_long_chain_of_reasons_loses_its_middle() {
    let list: String = (0..40).map(|at| format!("p{at} 1; Depends: p{}\n", (at + 1) % 40)).collect();
    let all = chosen(&list, "p0");
    let last = all.iter().find(|chain| chain.ends_with(" > p39=1")).unwrap();
    assert!(all.len() == 40 && last.starts_with("os > p0=1 > … > p") && last.contains("p38=1 > p39=1"), "{last}");
    assert_eq!(last.matches(" > ").count(), LONGEST_CHAIN);
}

#[test]
fn the_newest_version_wins_unless_one_is_pinned() {
    let list = "a 1\na 1.10\na 1.9\nb 1; Depends: a";
    assert_eq!(chosen(list, "a"), ["os > a=1.10"]);
    assert_eq!(chosen(list, "a (= 1.9)"), ["os > a=1.9"]);
    assert_eq!(chosen(list, "b, a (<< 1.9)"), ["os > a=1", "os > b=1"]);
}

#[test]
fn what_the_last_lock_chose_stays_while_it_satisfies() {
    let list = "a 1\na 2\nb 1; Depends: a\nc 1; Depends: a (>= 2)";
    let case = Case { prefer: &["a 1"], ..case(list) };
    assert_eq!(case.solve("b").unwrap().0, ["os > b=1 > a=1", "os > b=1"]);
    assert_eq!(case.solve("b, c").unwrap().0, ["os > b=1 > a=2", "os > b=1", "os > c=1"]);
}

#[test]
fn an_alternative_that_comes_anyway_is_enough() {
    let list = "a 1; Depends: x | y\nb 1; Depends: y\nx 1\ny 1";
    assert_eq!(chosen(list, "a"), ["os > a=1", "os > a=1 > x=1"]);
    assert_eq!(chosen(list, "a, b"), ["os > a=1", "os > b=1", "os > b=1 > y=1"]);
    let case = Case { base: "y 1", ..case(list) };
    assert_eq!(case.solve("a").unwrap().0, ["os > a=1"], "so is one that nodes have");
    assert_eq!(chosen("a 1; Depends: gone | y\ny 1", "a"), ["os > a=1", "os > a=1 > y=1"]);
}

#[test]
fn a_virtual_package_is_provided_by_the_most_common_one() {
    let list = "a 1; Depends: mta\nexim 1; Provides: mta; Priority: optional\n\
        postfix 1; Provides: mta (= 3); Priority: important\nmta-all 1; Provides: mta; Priority: extra";
    assert_eq!(chosen(list, "a"), ["os > a=1", "os > a=1 > postfix=1"]);
    let versioned = list.replace("Depends: mta", "Depends: mta (>= 3)").replace("mta (= 3)", "mta");
    assert!(case(&versioned).solve("a").is_err(), "a version needs a version");
    assert_eq!(chosen(&list.replace("Depends: mta", "Depends: mta (>= 3)"), "a").len(), 2);
}

#[test]
fn what_nodes_have_stays_away_and_what_is_asked_for_by_name_comes() {
    let list = "a 1; Depends: libc (>= 2), curl\nlibc 2.1\ncurl 8";
    let case = |base| Case { base, ..case(list) };
    assert_eq!(case("libc 2.0, curl 7").solve("a").unwrap().0, ["os > a=1"]);
    assert_eq!(case("libc 1.9, curl 7").solve("a").unwrap().0, ["os > a=1", "os > a=1 > libc=2.1"]);
    assert_eq!(case("libc 2.0, curl 7").solve("a, curl").unwrap().0, ["os > a=1", "os > curl=8"]);
}

#[test]
fn a_debian_has_what_is_required_and_what_that_needs_in_its_oldest_version() {
    let list = "bash 5; Essential: yes; Depends: libc\nlibc 2.36\nlibc 2.37\ninit 1; Priority: required\n\
        a 1; Depends: bash, libc (>= 2.36), init\nb 1; Depends: libc (>= 2.37)";
    let case = Case { base: "required", ..case(list) };
    assert_eq!(case.solve("a").unwrap().0, ["os > a=1"]);
    assert_eq!(case.solve("b").unwrap().0, ["os > b=1", "os > b=1 > libc=2.37"]);
}

#[test]
fn a_debian_was_installed_with_merged_folders_and_not_converted() {
    let list = "init 1; Priority: required; Depends: usrmerge | usr-is-merged\nusrmerge 1; Depends: perl\nperl 5\n\
        usr-is-merged 1\na 1; Depends: perl";
    let case = Case { base: "required", ..case(list) };
    assert_eq!(case.solve("a").unwrap().0, ["os > a=1", "os > a=1 > perl=5"]);
}

#[test]
fn a_newer_part_of_the_base_takes_its_siblings_along() {
    let list = "libssl 3.1\nlibssl 3.0; Priority: required\nopenssl 3.0; Priority: required; Depends: libssl (= 3.0)\n\
        openssl 3.1; Depends: libssl (= 3.1)\na 1; Depends: libssl (>= 3.1)\nold 1; Priority: required\n\
        old 2\nb 1; Breaks: old (<< 2)";
    let case = Case { base: "required", ..case(list) };
    assert_eq!(
        case.solve("a").unwrap().0,
        ["os > a=1", "os > a=1 > libssl=3.1", "os > a=1 > libssl=3.1 > openssl=3.1"]
    );
    assert_eq!(case.solve("b").unwrap().0, ["os > b=1", "os > b=1 > old=2"]);
}

#[test]
fn relations_that_agree_on_one_version_find_it() {
    let list = "a 1; Depends: lib\nb 1; Depends: lib (<< 2)\nlib 1\nlib 2\nlib 3";
    assert_eq!(chosen(list, "a, b"), ["os > a=1", "os > b=1", "os > a=1 > lib=1"]);
}

#[test]
fn relations_that_exclude_each_other_are_told_with_both_chains() {
    let list = "a 1; Depends: lib (>= 2)\nb 1; Depends: lib (<< 2)\nlib 1\nlib 2";
    assert_eq!(
        case(list).solve("a, b").unwrap_err(),
        "no version of lib satisfies everybody (there is 2, 1):\n  os > b=1 wants lib (<< 2)\n  os > a=1 wants lib (>= 2)"
    );
}

#[test]
fn packages_that_exclude_each_other_are_told_with_both_chains() {
    for field in ["Conflicts", "Breaks"] {
        let list = format!("a 1; Depends: x\nb 1; Depends: y\nx 1; {field}: y (<< 2)\ny 1");
        let error = case(&list).solve("a, b").unwrap_err();
        assert!(error.contains("os > a=1 > x=1") && error.contains("os > b=1 > y=1"), "{error}");
        assert!(error.contains("two [[apt]] entries"), "{error}");
        assert_eq!(chosen(&list.replace("y 1", "y 2"), "a, b").len(), 4);
    }
    let virtually = "a 1; Conflicts: mta; Provides: mta\nb 1; Provides: mta";
    assert!(case(virtually).solve("a, b").is_err());
    assert_eq!(chosen(virtually, "a"), ["os > a=1"], "nobody excludes itself");
}

#[test]
fn an_alternative_that_would_exclude_another_is_passed_over() {
    let list = "a 1; Depends: x | y\nb 1; Conflicts: x\nx 1\ny 1";
    assert_eq!(chosen(list, "b, a"), ["os > a=1", "os > b=1", "os > a=1 > y=1"]);
}

#[test]
fn everything_that_is_missing_is_told_at_once_with_the_nearest_name() {
    let list = "a 1; Depends: lib (>= 3), gone\nlib 2\nrsyslog 8";
    let error = case(list).solve("a, rsylog").unwrap_err();
    assert_eq!(
        error,
        "os > a=1 needs gone, which is not to be had: no suite that the manifest names has such a package\n\
         os > a=1 needs lib (>= 3), which is not to be had: there is 2\n\
         os needs rsylog, which is not to be had: did you mean `rsyslog`?"
    );
}

#[test]
fn recommended_packages_come_where_they_are_wanted_and_can_be_had() {
    let list = "a 1; Recommends: b, gone\nb 1; Depends: c\nc 1";
    assert_eq!(chosen(list, "a"), ["os > a=1"]);
    let (chosen, notes) = Case { recommends: true, ..case(list) }.solve("a").unwrap();
    assert_eq!(chosen, ["os > a=1", "os > a=1 > b=1", "os > a=1 > b=1 > c=1"]);
    assert_eq!(notes, ["os > a=1 recommends gone, which is left out"]);
    let list = "a 1; Depends: lib; Recommends: lib (<< 2)\nlib 1\nlib 2";
    let (chosen, _) = Case { recommends: true, ..case(list) }.solve("a").unwrap();
    assert_eq!(chosen, ["os > a=1", "os > a=1 > lib=2"], "they do not decide over what is needed");
}

#[test]
fn a_package_for_another_architecture_is_no_answer() {
    let list = "a 1; Depends: python:any, x:arm64 | y\npython 3; Multi-Arch: allowed\nx 1\ny 1";
    assert_eq!(chosen(list, "a"), ["os > a=1", "os > a=1 > python=3", "os > a=1 > y=1"]);
}
