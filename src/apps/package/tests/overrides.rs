//! The body that creates an application: its shape, and whether it fits the package.
//! All mistakes are told at once.
//! Not here: what the properties mean.

use super::*;
use crate::package::overrides::Overrides;
use serde_json::json;

fn mistakes(body: &Value) -> String {
    Overrides::parse(body).unwrap_err().to_string()
}

#[test]
fn overrides_have_the_shape_of_pnda_s_requests() {
    let body = json!({"package": "p-1.2.3", "flink": {"c": {"a": "x", "n": 1}}, "oozie": {"w": {"b": true}}});
    let overrides = Overrides::parse(&body).unwrap();
    assert_eq!(overrides.package, named("p-1.2.3"));
    let c = overrides.of(&Kind::Flink, &ComponentName::new("c").unwrap());
    assert_eq!((c["a"].as_str(), c["n"].as_str()), ("x", "1"));
    assert_eq!(overrides.of(&Kind::Oozie, &ComponentName::new("c").unwrap()), BTreeMap::new());
    assert_eq!(Overrides::parse(&overrides.to_json()).unwrap(), overrides);
    assert_eq!(Overrides::parse(&json!({"package": "p-1.2.3"})).unwrap(), Overrides::none(named("p-1.2.3")));
}

#[test]
fn flink_streaming_is_the_same_type() {
    let overrides = Overrides::parse(&json!({"package": "p-1.2.3", "flinkStreaming": {"c": {"a": "x"}}})).unwrap();
    assert_eq!(overrides.of(&Kind::Flink, &ComponentName::new("c").unwrap())["a"], "x");
    let twice = json!({"package": "p-1.2.3", "flinkStreaming": {"c": {}}, "flink": {"c": {}}});
    assert!(mistakes(&twice).contains("`flink/c` is there twice"));
}

#[test]
fn who_the_owner_is_cannot_be_said() {
    assert!(mistakes(&json!({"package": "p-1.2.3", "user": "root"})).contains("`user` cannot be set"));
}

#[test]
fn all_mistakes_of_a_body_are_told_at_once() {
    let body = json!({"package": "p-1.2", "flink": {"a;b": {}, "c": {"l": [], "o": {}, "z": null}, "d": 1}, "x y": {}, "q": []});
    let said = mistakes(&body);
    for mistake in [
        "`p-1.2` cannot be used as a name of a package",
        "`a;b` cannot be used as a name of a component",
        "flink/c: the value of `l` is a list",
        "flink/c: the value of `o` is an object",
        "flink/c: the value of `z` is null",
        "`flink/d` is no object of properties",
        "`x y` cannot be used as a type of components",
        "`q` is no object of components",
    ] {
        assert!(said.contains(mistake), "{mistake}: {said}");
    }
    for body in [json!([]), json!("x"), json!({}), json!({"package": 1})] {
        assert!(mistakes(&body).contains("write {\"package\""));
    }
}

#[test]
fn a_component_that_is_not_in_the_package_is_told() {
    let package = accepted(&[file("p-1.0.0/flink/word-count/x", b""), file("p-1.0.0/oozie/w/x", b"")]);
    let parse = |body: Value| Overrides::parse(&body).unwrap().check(&package).map_err(|problems| problems.to_string());
    assert_eq!(parse(json!({"package": "p-1.0.0", "flink": {"word-count": {}}, "oozie": {"w": {}}})), Ok(()));
    let said = parse(json!({"package": "p-1.0.0", "flink": {"word-cuont": {}}, "spark": {"other": {}}})).unwrap_err();
    assert!(said.contains("no component `flink/word-cuont`\n    did you mean `flink/word-count`?"), "{said}");
    assert!(said.contains("no component `spark/other`\n    there are: flink/word-count, oozie/w"), "{said}");
}
