//! Maven's rules one by one, on POMs small enough to see: `a 1: want b 1 -c` is `g:a:1` that wants `g:b:1` without `g:c`.
//! Where the rule is not obvious, Maven 3.8.7 was asked about the same POMs.
//! Not here: real closures, see `fixtures`.

use super::{Closure, Coordinate, Error, Pattern, PomError, Poms, Request, Resolver, Root, What};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

mod shorthand;

use shorthand::{Texts, check, closure, coordinate, dependency, refuse, request, texts};

#[test]
fn the_nearest_version_wins() {
    check("a 1", "a 1: want b 1; want c 1\n b 1: want d 1\n d 1: want c 2\n c 1:\n c 2:", "a 1, b 1, c 1, d 1");
    check("a 1, c 2", "a 1: want c 1\n c 1:\n c 2:", "a 1, c 2");
}

#[test]
fn the_first_of_equally_near_versions_wins() {
    check("a 1, b 1", "a 1: want c 1\n b 1: want c 2\n c 1:\n c 2:", "a 1, b 1, c 1");
    check("b 1, a 1", "a 1: want c 1\n b 1: want c 2\n c 1:\n c 2:", "a 1, b 1, c 2");
}

#[test]
fn what_a_loser_wants_is_not_taken_but_its_pom_is_read() {
    let lines = "a 1: want c 1; want b 1\n b 1: want c 2\n c 1:\n c 2: want d 1\n d 1:";
    check("a 1", lines, "a 1, b 1, c 1");
    let poms = closure("a 1", lines).unwrap().poms;
    let told: Vec<String> =
        poms.iter().map(|chosen| format!("{} < {}", chosen.coordinate, chosen.because.join(" < "))).collect();
    assert_eq!(
        told,
        [
            "g:a:pom:1 < ",
            "g:b:pom:1 < g:a:1",
            "g:c:pom:1 < g:a:1",
            "g:c:pom:2 < g:a:1 < g:b:1",
            "g:d:pom:1 < g:a:1 < g:b:1 < g:c:2",
        ]
    );
}

#[test]
fn a_cycle_of_dependencies_is_no_trouble() {
    check("a 1", "a 1: want b 1\n b 1: want a 2\n a 2: want b 2\n b 2:", "a 1, b 1");
}

#[test]
fn parents_give_properties_management_and_dependencies() {
    check(
        "a 1",
        "a 1: parent p 1; set v 2; want b
         p 1: parent q 1; set v 1; want c ${w}
         q 1: set w 7; manage b ${v}
         b 2:\n c 7:",
        "a 1, b 2, c 7",
    );
}

#[test]
fn a_child_overrides_what_its_parent_declares() {
    check(
        "a 1",
        "a 1: parent p 1; want b 2; manage c 2\n p 1: want b 1; want c; manage c 1\n b 2:\n c 2:",
        "a 1, b 2, c 2",
    );
}

#[test]
fn the_version_of_the_project_is_that_of_the_child() {
    check(
        "a 2",
        "a 2: parent p 1; set revision 9\n p 1: want b ${project.version}; want c ${revision}; want d ${pom.parent.version}\n b 2:\n c 9:\n d 1:",
        "a 2, b 2, c 9, d 1",
    );
}

#[test]
fn a_version_may_be_inherited() {
    let lines = "p 3: want b ${project.version}\n b 3:";
    let Texts(mut poms) = texts(lines);
    let parent = "<parent><groupId>g</groupId><artifactId>p</artifactId><version>3</version></parent>";
    poms.insert(coordinate("a", "3").pom(), format!("<project>{parent}<artifactId>a</artifactId></project>"));
    let closure = Resolver::new(&Texts(poms), 17).closure(&request("a 3")).unwrap();
    assert_eq!(closure.artifacts[1].coordinate.to_string(), "g:b:3");
}

#[test]
fn the_version_of_a_parent_may_be_a_range() {
    check("a 1", "a 1: parent p [1,3)\n p 1:\n p 2: want b 1\n p 3:\n b 1:", "a 1, b 1");
}

#[test]
fn an_imported_bom_manages_after_what_stands_there_itself() {
    check(
        "a 1",
        "a 1: manage b 1; import bom 1; import bom2 1; want b; want c; want d
         bom 1: manage b 2; manage c 2
         bom2 1: manage c 3; import bom3 1
         bom3 1: parent bomp 1
         bomp 1: manage d 4
         b 1:\n c 2:\n d 4:",
        "a 1, b 1, c 2, d 4",
    );
}

#[test]
fn of_two_managed_versions_maven_takes_the_first_but_beside_an_import_the_last() {
    let rest = "b 1:\n b 2:\n bom 1: manage b 3";
    check("a 1", &format!("a 1: manage b 1; manage b 2; want b\n {rest}"), "a 1, b 1");
    check("a 1", &format!("a 1: manage b 1; manage b 2; import bom 1; want b\n {rest}"), "a 1, b 2");
}

#[test]
fn management_fills_what_is_open_and_nothing_else() {
    check("a 1", "a 1: manage b 9 runtime -c; want b 1\n b 1: want c 1\n c 1:", "a 1, b 1");
    check("a 1", "a 1: manage b 1 -c; want b -d\n b 1: want c 1; want d 1\n c 1:\n d 1:", "a 1, b 1, c 1");
    check("a 1", "a 1: manage b 1 test; want b; manage c 1 optional; want c\n c 1:", "a 1, c 1");
}

#[test]
fn pins_and_boms_of_the_request_hold_below_the_roots() {
    let lines =
        "a 1: want b 1; want c 1\n b 1: want d 1\n b 2:\n c 5:\n bom 1: manage b 7; manage c 5; manage a 9\n d 1:";
    check("a 1, pin b 2, bom bom 1", lines, "a 1, b 2, c 5");
    check("a 1, bom bom 1", "a 1: want b 1\n b 1: want c 1\n c 1:\n bom 1: manage b 1 -c", "a 1, b 1");
    check("a 1, bom bom 1", "a 1: want b 1\n b 1: want c 1\n c 1:\n bom 1: manage b 1 provided", "a 1");
}

#[test]
fn management_of_a_dependency_holds_for_that_one_alone() {
    check("a 1", "a 1: manage c 9; want b 1\n b 1: want c 1\n c 1:", "a 1, b 1, c 1");
}

#[test]
fn exclusions_hold_for_everything_below() {
    let lines = "a 1: want b 1 -d\n b 1: want c 1\n c 1: want d 1; want e 1\n d 1:\n e 1:";
    check("a 1", lines, "a 1, b 1, c 1, e 1");
    check("a 1 -g:c", lines, "a 1, b 1");
    check("a 1 -*:c", lines, "a 1, b 1");
    check("a 1 -g:*", lines, "a 1");
    check("a 1 alone", lines, "a 1");
    check("a 1, without g:b", lines, "a 1");
    check("a 1, b 1, without g:b", lines, "a 1, b 1, c 1, d 1, e 1");
}

#[test]
fn an_exclusion_holds_on_its_own_way_only() {
    check(
        "a 1, b 1",
        "a 1: want c 1 -d\n b 1: want e 1\n e 1: want d 1\n c 1: want d 1\n d 1:",
        "a 1, b 1, c 1, d 1, e 1",
    );
}

#[test]
fn what_is_optional_or_for_tests_or_provided_is_left_to_others() {
    check(
        "a 1",
        "a 1: want b 1 optional; want c 1 test; want d 1 provided; want e 1 runtime\n e 1: want f 1\n f 1:",
        "a 1, e 1, f 1",
    );
}

#[test]
fn a_file_of_the_machine_is_none_of_a_repository() {
    check("a 1", "a 1: want tools 1 system; want b 1\n b 1: want tools 2\n tools 2:", "a 1, b 1");
}

#[test]
fn types_are_extensions_and_classifiers() {
    check(
        "a 1",
        "a 1: want b 1 type=test-jar; want b 1 classifier=linux; want b 1; want c 1 type=pom; want w 1 type=war
         b 1:\n c 1: want d 1\n d 1:\n w 1: want x 1",
        "a 1, b 1, b jar linux 1, b jar tests 1, c pom 1, d 1, w war 1",
    );
}

#[test]
fn a_relocated_artifact_is_taken_from_its_new_place() {
    check("a 1", "a 1: want old 1\n old 1: relocate new 2\n new 2: want b 1\n b 1:", "a 1, b 1, new 2");
    check("a 1 -g:new", "a 1: want old 1\n old 1: relocate new", "a 1");
    check("a 1", "a 1: want old 1 -new\n old 1: relocate new\n new 1:", "a 1, new 1");
    let pinned = "a 1: want old 1\n old 1: relocate new\n new 1:\n new 3:";
    check("a 1, pin new 3", pinned, "a 1, new 3");
    assert_eq!(closure("a 1, pin new 3", pinned).unwrap().poms.len(), 4);
}

#[test]
fn old_and_new_name_are_one_artifact() {
    let lines = "a 1: want old 2\n old 2: relocate new\n new 2: want z 1\n z 1:\n old 1:";
    check("a 1, old 1", lines, "a 1, old 1");
}

#[test]
fn a_range_takes_the_highest_version_in_it() {
    check(
        "a 1",
        "a 1: want b [1,3)\n b 1:\n b 2.5: want c 1\n b 2.10: want d 1\n b 3:\n c 1:\n d 1:",
        "a 1, b 2.10, d 1",
    );
}

#[test]
fn a_range_far_away_overrules_a_near_wish() {
    check(
        "a 1, b 1",
        "a 1: want x 1\n b 1: want c 1\n c 1: want x [2,3]\n x 1:\n x 2:\n x 3:\n x 4:",
        "a 1, b 1, c 1, x 3",
    );
    check(
        "a 1",
        "a 1: want b 1; want c 1\n b 1: want x [1,3]\n c 1: want x [2]\n x 1:\n x 2:\n x 3:",
        "a 1, b 1, c 1, x 2",
    );
}

#[test]
fn a_range_below_one_that_lost_demands_nothing() {
    check(
        "a 1",
        "a 1: want x 1; want c 1; want b 1\n b 1: want c 2\n c 2: want x [2]\n c 1:\n x 1:\n x 2:",
        "a 1, b 1, c 1, x 1",
    );
}

#[test]
fn a_scope_that_maven_does_not_know_is_resolved_with_all_below_it() {
    check("a 1", "a 1: want b 1 scope=optional\n b 1: want c 1; want d 1 runtime\n c 1:\n d 1:", "a 1, b 1, c 1, d 1");
    check(
        "a 1",
        "a 1: want b 1; want c 1 provided\n b 1: want d 1 scope=whatever; want e 1 test\n c 1:\n d 1:\n e 1:",
        "a 1, b 1, d 1",
    );
}

#[test]
fn latest_and_release_are_versions_too() {
    check(
        "a 1",
        "a 1: want b LATEST; want c RELEASE\n b 1:\n b 2-SNAPSHOT:\n c 1:\n c 2-SNAPSHOT:",
        "a 1, b 2-SNAPSHOT, c 1",
    );
}

#[test]
fn profiles_that_are_active_anywhere_count() {
    let profile =
        |activation: &str, inner: &str| format!("<profile><activation>{activation}</activation>{inner}</profile>");
    let want = |artifact| format!("<dependencies>{}</dependencies>", dependency(&[artifact, "1"]));
    let lines = [
        profile("<jdk>[11,)</jdk>", &want("b")),
        profile("<jdk>1.8</jdk>", &want("c")),
        profile("<property><name>env.CI</name></property>", &want("d")),
        profile("<os><family>unix</family></os>", "<properties><v>2</v></properties>"),
    ]
    .concat();
    let own = "<properties><v>1</v></properties><dependencies><dependency><groupId>g</groupId><artifactId>e</artifactId><version>${v}</version></dependency></dependencies>";
    check("a 1", &format!("a 1: {own}<profiles>{lines}</profiles>\n b 1:\n e 2:"), "a 1, b 1, e 2");
}

#[test]
fn without_a_version_maven_ignores_all_dependencies() {
    let lines = "a 1: want b; want c 1\n c 1:";
    check("a 1", lines, "a 1");
    let warnings = closure("a 1", lines).unwrap().warnings;
    assert_eq!(warnings, ["Maven ignores the dependencies of `g:a:1`: its dependency `g:b` has no version"]);
}

#[test]
fn all_that_is_missing_is_told_at_once() {
    refuse(
        "a 1, z 2",
        "a 1: want b 1; want c 1.5; repository confluent https://repo.example/maven
         b 1: parent p 1\n c 1.4:\n c 1.9:\n c 2:\n z 1:",
        "3 of what is wanted cannot be resolved:
  `g:c:pom:1.5` does not exist; the nearest version that does is 1.4
    wanted by g:a:1
    `g:a:1` names the repository `confluent` (https://repo.example/maven), which is off: `--source maven/confluent=URL` or sources.toml turns it on
  `g:p:pom:1` does not exist, in no version
    wanted by g:a:1 -> g:b:pom:1
    `g:a:1` names the repository `confluent` (https://repo.example/maven), which is off: `--source maven/confluent=URL` or sources.toml turns it on
  `g:z:pom:2` does not exist; the nearest version that does is 1",
    );
}

#[test]
fn a_loser_that_is_missing_is_only_a_warning() {
    let lines = "a 1: want c 1; want b 1\n b 1: want c 2\n c 1:";
    check("a 1", lines, "a 1, b 1, c 1");
    let warnings = closure("a 1", lines).unwrap().warnings;
    assert!(
        warnings[0].starts_with("`g:c:2` lost to another version, yet Maven before 3.9 would read its POM and warn"),
        "{warnings:?}"
    );
}

#[test]
fn cycles_of_parents_imports_and_relocations_are_told() {
    let cycle = |lines| match closure("a 1", lines).unwrap_err() {
        Error::Unresolved(troubles) => (troubles[0].what.clone(), troubles[0].because.join(" ")),
        other => panic!("{other}"),
    };
    assert_eq!(cycle("a 1: parent p 1\n p 1: parent a 1"), (What::Cycle("parents"), "g:a:pom:1 g:p:pom:1".into()));
    let imports = cycle("a 1: import b 1\n b 1: import c 1\n c 1: import b 1");
    assert_eq!(imports, (What::Cycle("imports"), "g:a:pom:1 g:b:pom:1 g:c:pom:1".into()));
    assert_eq!(cycle("a 1: relocate b\n b 1: relocate a").0, What::Cycle("relocations"));
}

#[test]
fn a_pom_that_cannot_be_read_is_told_with_its_line() {
    refuse(
        "a 1",
        "a 1: want b 1\n b 1: <a></b>",
        "1 of what is wanted cannot be resolved:
  `g:b:pom:1` is not readable: line 1: expected 'a' tag, not 'b'
    wanted by g:a:1",
    );
    refuse(
        "a 1",
        "a 1: want b 1\n b 1: broken",
        "1 of what is wanted cannot be resolved:
  `g:b:pom:1` could not be asked for: connection reset
    wanted by g:a:1",
    );
}

#[test]
fn versions_that_exclude_each_other_are_told() {
    refuse(
        "a 1",
        "a 1: want b 1; want c 1\n b 1: want x [1]\n c 1: want x [2]\n x 1:\n x 2:",
        "1 of what is wanted cannot be resolved:
  `g:x` is wanted in versions that exclude each other: g:b:1 wants [1], g:c:1 wants [2]
    wanted by g:a:1 -> g:b:1",
    );
    refuse(
        "a 1",
        "a 1: want x [5,6)\n x 1:",
        "1 of what is wanted cannot be resolved:\n  `g:x` has no version in [5,6)\n    wanted by g:a:1",
    );
}

#[test]
fn one_root_in_two_versions_is_refused() {
    refuse(
        "a 1, a 2",
        "a 1:\n a 2:",
        "the roots `g:a:1` and `g:a:2` are the same artifact asked for in two ways; keep one of them",
    );
    check("a 1, a 1", "a 1:", "a 1");
}

#[test]
fn a_hostile_name_becomes_no_path() {
    for version in ["../../x", "${nothing}", "1/2", "[1"] {
        let error = closure("a 1", &format!("a 1: want b {version}")).unwrap_err().to_string();
        assert!(error.contains("cannot be used") && error.contains("wanted by g:a:1"), "{error}");
    }
}

#[test]
fn boms_that_import_each_other_many_times_are_read_once() {
    let mut lines = "a 1: import l0 1; import r0 1\n".to_owned();
    for at in 0..50 {
        for side in ["l", "r"] {
            writeln!(lines, "{side}{at} 1: import l{0} 1; import r{0} 1", at + 1).unwrap();
        }
    }
    lines += "l50 1:\n r50 1:";
    assert_eq!(closure("a 1", &lines).unwrap().poms.len(), 103);
}

#[test]
fn a_deep_and_wide_graph_ends() {
    let mut lines = String::new();
    for at in 0..40 {
        for side in ["l", "r"] {
            writeln!(lines, "{side}{at} 1: want l{0} 1 -x{side}{at}; want r{0} 1 -y{side}{at}", at + 1).unwrap();
        }
    }
    lines += "l40 1:\n r40 1:";
    assert_eq!(closure("l0 1", &lines).unwrap().artifacts.len(), 81);
}

#[test]
fn the_same_request_has_the_same_answer() {
    let lines =
        "a 1: parent p 1; want b 1; want c 1\n b 1: parent p 1; want c 2\n c 1: parent p 1\n c 2: parent p 1\n p 1:";
    let first = closure("a 1", lines).unwrap();
    for _ in 0..20 {
        assert_eq!(closure("a 1", lines).unwrap(), first);
    }
}
