//! What templates call that is ours: quoting for each kind of file, sizes and durations in the unit that a file wants, and
//! where a path is on the node.
//! Not here: which calls are offered (`offered`).

use super::facts;
use super::script;
use super::setting;
use tera::{Error, Kwargs, State, Tera, TeraResult, Value};
use words::markup::escaped;
use words::shell;

/// The engine with what every template can use; nothing is escaped by itself.
pub(super) fn engine(root: &str) -> Tera {
    let mut engine = Tera::new();
    engine.autoescape_on(Vec::<&str>::new());
    let root = root.to_owned();
    engine.register_function("at", move |arguments: Kwargs, _: &State<'_>| {
        arguments.must_get::<&str>("path").map(|path| facts::at(&root, path))
    });
    // What is unset is not there at all.
    engine.register_test("none", |value: &Value, _: Kwargs, _: &State<'_>| value.is_none() || value.is_undefined());
    add(&mut engine, "sh", |text| Ok(shell::word(text).into()));
    add(&mut engine, "bytes", |text| measured(text, setting::bytes, 1).map(Value::from));
    add(&mut engine, "megabytes", |text| measured(text, setting::bytes, 1 << 20).map(Value::from));
    add(&mut engine, "milliseconds", |text| measured(text, setting::milliseconds, 1).map(Value::from));
    add(&mut engine, "seconds", |text| measured(text, setting::milliseconds, 1000).map(Value::from));
    add(&mut engine, "jvm", |text| measured(text, setting::bytes, 1 << 20).map(|heap| jvm(heap).into()));
    add(&mut engine, "xml", |text| Ok(escaped(text).to_string().into()));
    add(&mut engine, "id128", |text| Ok(script::id128(text).into()));
    add(&mut engine, "toml", |text| Ok(toml::Value::String(text.to_owned()).to_string().into()));
    engine
}

fn add(engine: &mut Tera, name: &'static str, filter: fn(&str) -> TeraResult<Value>) {
    engine.register_filter(name, move |value: &Value, _: Kwargs, _: &State<'_>| filter(&text(value)?));
}

/// What a filter is given, as text. Something unset is no text, and would be read as one.
fn text(value: &Value) -> TeraResult<String> {
    match value.as_str() {
        Some(text) => Ok(text.to_owned()),
        None if value.is_number() || value.is_bool() => Ok(value.to_string()),
        None if value.is_none() || value.is_undefined() => {
            Err(Error::message("a setting that this file needs is not set"))
        }
        None => Err(Error::message(format!("a text is needed, and this is of kind {}", value.name()))),
    }
}

/// What a JVM may take altogether: its heap, as much again outside (which is what it allows itself for buffers), and half
/// a gigabyte for classes, compiled code and threads.
fn jvm(heap: u64) -> String {
    format!("{}m", 2 * heap + 512)
}

/// A size or a duration in another unit, rounded up.
fn measured(text: &str, read: fn(&str) -> Option<u64>, unit: u64) -> TeraResult<u64> {
    let wrong = || Error::message(format!("`{text}` is no size or duration"));
    read(text).map(|amount| amount.div_ceil(unit)).ok_or_else(wrong)
}
