//! How words look in the published schema of what `--json` prints: text of a pattern.
//! Each pattern is what the word's own check lets through, as far as a pattern can say it.
//! Not here: the checks themselves, or any document.

use super::digest::Sha256;
use super::names::{SafePath, Word};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;

macro_rules! text {
    ($type:ident, $about:literal, $pattern:literal) => {
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "description": $about, "pattern": $pattern })
            }
        }
    };
}

text!(Sha256, "A SHA-256 digest.", "^[0-9a-f]{64}$");
text!(SafePath, "A relative path of plain segments.", "^[^/]+(/[^/]+)*$");
text!(Word, "A name.", "^[A-Za-z0-9_][A-Za-z0-9._+-]{0,127}$");
