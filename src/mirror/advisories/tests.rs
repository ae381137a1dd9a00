//! Tests of advisories: which versions a record is about, in each ecosystem, and what is told of it.
//! Records here have the shapes that OSV's databases publish; the command line is tested in `tests/it/advisories.rs`.
//! Not here: snapshots as files.

use super::*;

fn package(order: Order, name: &str, version: &str) -> Package {
    let artifacts = vec![(SafePath::new("a").unwrap(), ["app > a"].into_iter().collect())];
    Package { order, name: name.into(), version: version.into(), artifacts }
}

fn record(json: &str) -> Record {
    serde_json::from_str(json).unwrap()
}

/// A record about one package with these affected ranges and versions.
fn about(ecosystem: &str, name: &str, rest: &str) -> Record {
    record(&format!(
        r#"{{"id":"X-1","affected":[{{"package":{{"ecosystem":"{ecosystem}","name":"{name}"}},{rest}}}]}}"#
    ))
}

fn matches(record: &Record, package: &Package) -> Option<Finding> {
    let packages = [package.clone()];
    let mut matcher = Matcher::new(&packages, None);
    matcher.take(record);
    matcher.findings().pop()
}

fn range(events: &str) -> String {
    format!(r#""ranges":[{{"type":"ECOSYSTEM","events":[{events}]}}]"#)
}

#[test]
fn a_range_ends_before_what_is_fixed_and_after_what_was_last() {
    let check = |events: &str, affected: &[&str], not: &[&str]| {
        let record = about("Maven", "g:a", &range(events));
        let hit = |version: &&str| matches(&record, &package(Order::Maven, "g:a", version)).is_some();
        assert!(affected.iter().all(&hit), "{events}");
        assert!(!not.iter().any(hit), "{events}");
    };
    check(r#"{"introduced":"0"},{"fixed":"2.15.3"}"#, &["1.0", "2.15.2", "2.15.3-rc1"], &["2.15.3", "2.16.0"]);
    check(r#"{"introduced":"1.0"},{"last_affected":"1.5"}"#, &["1.0", "1.5"], &["0.9", "1.5.1"]);
    check(
        r#"{"fixed":"1.2"},{"introduced":"1.0"},{"introduced":"2.0"},{"fixed":"2.1"}"#,
        &["1.1", "2.0"],
        &["1.2", "1.9", "2.1"],
    );
    check(r#"{"introduced":"0"}"#, &["1", "99"], &[]);
    check(r#"{"introduced":"0"},{"limit":"2.0"}"#, &["1.9"], &["2.0"]);
    check("", &[], &["1.0"]);
}

#[test]
fn listed_versions_count_and_commits_do_not() {
    let record = about(
        "PyPI",
        "Apache_Flink",
        r#""versions":["1.20.5"],"ranges":[{"type":"GIT","events":[{"introduced":"0"}]}]"#,
    );
    assert!(matches(&record, &package(Order::Pypi, "apache-flink", "1.20.5")).is_some());
    assert!(matches(&record, &package(Order::Pypi, "apache-flink", "1.20.4")).is_none());
    assert!(matches(&record, &package(Order::Maven, "apache-flink", "1.20.5")).is_none());
}

#[test]
fn only_the_release_of_debian_counts_that_is_named() {
    let record = about("Debian:11", "openssl", &range(r#"{"introduced":"0"},{"fixed":"3.0.11-1~deb12u2"}"#));
    let packages = [package(Order::Debian, "openssl", "3.0.11-1~deb12u1")];
    for (release, found) in [(None, 1), (Some("11"), 1), (Some("12"), 0)] {
        let mut matcher = Matcher::new(&packages, release);
        matcher.take(&record);
        assert_eq!(matcher.findings().len(), found, "{release:?}");
    }
}

#[test]
fn a_finding_says_what_mends_it() {
    let events = r#"{"introduced":"1.0"},{"fixed":"1.3"},{"introduced":"2.0"},{"fixed":"2.0.4"},{"fixed":"2.2"}"#;
    let found = matches(&about("Maven", "g:a", &range(events)), &package(Order::Maven, "g:a", "2.0.1")).unwrap();
    assert_eq!(found.fixed.as_deref(), Some("2.0.4"));
    let unfixed = about("Maven", "g:a", &range(r#"{"introduced":"0"}"#));
    assert_eq!(matches(&unfixed, &package(Order::Maven, "g:a", "1")).unwrap().fixed, None);
}

#[test]
fn severity_is_a_word_or_a_vector() {
    let severity = |rest: &str| {
        let json = format!(
            r#"{{"id":"X-1","affected":[{{"package":{{"ecosystem":"Maven","name":"a"}},"versions":["1"]}}],{rest}}}"#
        );
        matches(&record(&json), &package(Order::Maven, "a", "1")).unwrap().severity
    };
    assert_eq!(severity(r#""database_specific":{"severity":"MODERATE"}"#), Severity::Medium);
    let vector = r#""severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]"#;
    assert_eq!(severity(vector), Severity::Critical);
    assert_eq!(severity(r#""severity":null,"database_specific":"text""#), Severity::Unknown);
}

#[test]
fn what_was_withdrawn_is_not_told_and_what_is_told_is_plain() {
    let json = r#"{"id":"X-1","summary":"a\u001b[31m red\nline","affected":[{"package":{"ecosystem":"Maven","name":"a"},"versions":["1"]}]"#;
    let found = matches(&record(&format!("{json}}}")), &package(Order::Maven, "a", "1")).unwrap();
    assert_eq!(found.summary, "a[31m red");
    let withdrawn = record(&format!(r#"{json},"withdrawn":"2024-01-01T00:00:00Z"}}"#));
    assert!(matches(&withdrawn, &package(Order::Maven, "a", "1")).is_none());
}
