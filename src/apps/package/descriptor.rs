//! Reads the JSON files of a component: `properties.json` and the descriptors beside it. An empty file is `{}`.
//! A name that stands twice is told, for which of the two counts depends on who reads.
//! Not here: which properties a type of components has.

use super::archive::{Findings, at};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use words::shown::shown;

/// Descriptors that PNDA's packages have besides their properties.
pub(super) const DESCRIPTORS: [&str; 3] = ["hdfs.json", "hbase.json", "opentsdb.json"];
/// The file of a component's properties.
pub(super) const PROPERTIES: &str = "properties.json";
/// No JSON file of a component is longer.
pub(super) const LONGEST: u64 = 256 << 10;
const LONGEST_NAME: usize = 256;

/// The properties of a component, each as text.
pub(super) fn properties(member: &str, bytes: &[u8], findings: &mut Findings) -> BTreeMap<String, String> {
    let Some(Pairs(pairs)) = json(member, bytes, findings, || Pairs(Vec::new())) else { return BTreeMap::new() };
    let mut properties = BTreeMap::new();
    for (name, value) in pairs {
        match scalar(&name, &value) {
            Err((what, remedy)) => findings.problem(member, what, remedy),
            Ok(text) => {
                if properties.insert(name.clone(), text).is_some() {
                    let what = format!("`{}` is there twice", shown(&name));
                    findings.problem(member, what, "leave one of them");
                }
            }
        }
    }
    properties
}

/// A property's value as text, or what is wrong with it and what would be right.
pub(super) fn scalar(name: &str, value: &Value) -> Result<String, (String, &'static str)> {
    if name.is_empty() || name.len() > LONGEST_NAME || name.chars().any(char::is_control) {
        let what = format!("`{}` cannot be the name of a property", shown(name));
        return Err((what, "a name has 1 to 256 characters, none of them a line end or the like"));
    }
    let kind = match value {
        Value::String(text) => return Ok(text.clone()),
        Value::Number(number) => return Ok(number.to_string()),
        Value::Bool(flag) => return Ok(flag.to_string()),
        Value::Null => "null",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    Err((format!("the value of `{}` is {kind}", shown(name)), "write a text, a number, true or false"))
}

/// A descriptor as it is.
pub(super) fn descriptor(member: &str, bytes: &[u8], findings: &mut Findings) -> Option<Value> {
    json(member, bytes, findings, || Value::Object(serde_json::Map::new()))
}

fn json<T: for<'a> Deserialize<'a>>(
    member: &str,
    bytes: &[u8],
    findings: &mut Findings,
    empty: impl FnOnce() -> T,
) -> Option<T> {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    if bytes.trim_ascii().is_empty() {
        return Some(empty());
    }
    match serde_json::from_slice(bytes) {
        Ok(value) => Some(value),
        Err(error) => {
            let mut origin = at(member);
            origin.line = Some(error.line()).filter(|line| *line > 0);
            let remedy = "write a JSON object, as in {\"main_py\": \"job.py\"}";
            findings.problems.add(origin.problem(format!("it is not what it must be: {error}"), remedy));
            None
        }
    }
}

/// The members of an object in their order, each as often as it is there.
struct Pairs(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Pairs, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Pairs;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object of names and values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Object)
    }
}
