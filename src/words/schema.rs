//! How words look in the published schema of what `--json` prints: text of a pattern.
//! Each pattern is what the word's own check lets through, as far as a pattern can say it.
//! Not here: the checks themselves, or any document.

use super::digest::Sha256;
use super::ids::ApplicationId;
use super::names::{ApplicationName, ComponentName, ComponentType, PackageName, SafePath, Word};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;

macro_rules! text {
    ($type:ident, $about:literal, $pattern:literal $(, $longest:literal)?) => {
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "description": $about, "pattern": $pattern $(, "maxLength": $longest)? })
            }
        }
    };
}

text!(Sha256, "A SHA-256 digest.", "^[0-9a-f]{64}$");
text!(SafePath, "A relative path of plain segments.", "^[^/]+(/[^/]+)*$");
text!(Word, "A name.", "^[A-Za-z0-9_][A-Za-z0-9._+-]{0,127}$");
text!(ApplicationId, "YARN's id of an application.", "^application_[0-9]{1,19}_[0-9]{1,19}$");
text!(ApplicationName, "The name of an application.", "^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$");
text!(ComponentName, "The name of a component.", "^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$");
text!(ComponentType, "A type of components.", "^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$");
text!(
    PackageName,
    "The name of a package with its version.",
    "^[A-Za-z0-9][A-Za-z0-9._-]*-[0-9]{1,9}[.][0-9]{1,9}[.][0-9]{1,9}$",
    128
);
