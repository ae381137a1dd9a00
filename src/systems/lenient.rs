//! Reads JSON that versions of Hadoop and Flink write differently: null for nothing, numbers as text, one thing for a list of one.
//! What cannot be read is as if it were not there.
//! Not here: what the fields mean.

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::fmt;
use std::marker::PhantomData;
use words::ids::{ContainerId, HostPort};

/// A list, a single thing, or nothing.
#[derive(Debug)]
pub(crate) struct Many<T>(pub Vec<T>);

impl<T> Default for Many<T> {
    fn default() -> Many<T> {
        Many(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Many<T> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Many<T>, D::Error> {
        input.deserialize_any(ManyVisitor(PhantomData))
    }
}

struct ManyVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ManyVisitor<T> {
    type Value = Many<T>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list, one thing or null")
    }

    fn visit_unit<E>(self) -> Result<Many<T>, E> {
        Ok(Many::default())
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut items: S) -> Result<Many<T>, S::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Many(list))
    }

    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Many<T>, M::Error> {
        Ok(Many(vec![T::deserialize(MapAccessDeserializer::new(map))?]))
    }
}

/// Text; null is none.
pub(crate) fn text<'de, D: Deserializer<'de>>(input: D) -> Result<String, D::Error> {
    Ok(Option::deserialize(input)?.unwrap_or_default())
}

/// Text; null, nothing, `N/A` and `null` are none.
pub(crate) fn some_text<'de, D: Deserializer<'de>>(input: D) -> Result<Option<String>, D::Error> {
    let text: Option<String> = Option::deserialize(input)?;
    Ok(text.filter(|text| !matches!(text.as_str(), "" | "N/A" | "null" | "UNASSIGNED")))
}

/// A number that is not negative; a text of one, too.
pub(crate) fn count<'de, D: Deserializer<'de>>(input: D) -> Result<Option<u64>, D::Error> {
    Ok(match Value::deserialize(input)? {
        Value::Number(number) => number.as_u64().or_else(|| of_fraction(number.as_f64()?)),
        Value::String(text) => text.trim().parse().ok().or_else(|| of_fraction(text.trim().parse().ok()?)),
        _ => None,
    })
}

/// `NaN` and what is negative are none.
fn of_fraction(number: f64) -> Option<u64> {
    (number.is_finite() && (0.0..9e15).contains(&number)).then_some(number as u64)
}

/// Milliseconds; 0 is not yet.
pub(crate) fn moment<'de, D: Deserializer<'de>>(input: D) -> Result<Option<u64>, D::Error> {
    Ok(count(input)?.filter(|moment| *moment != 0))
}

/// A whole number; a text of one, too.
pub(crate) fn signed<'de, D: Deserializer<'de>>(input: D) -> Result<Option<i64>, D::Error> {
    Ok(match Value::deserialize(input)? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    })
}

/// A number that is not negative; whatever is none is 0.
pub(crate) fn number<'de, D: Deserializer<'de>>(input: D) -> Result<u64, D::Error> {
    Ok(count(input)?.unwrap_or_default())
}

/// A list; null is an empty one.
pub(crate) fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(input: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(input)?.unwrap_or_default())
}

/// Texts joined by commas.
pub(crate) fn list_in_text<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<String>, D::Error> {
    let text = text(input)?;
    Ok(text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect())
}

/// `host:port`, with or without `http://`.
pub(crate) fn host_port<'de, D: Deserializer<'de>>(input: D) -> Result<Option<HostPort>, D::Error> {
    let text = text(input)?;
    let bare = text.trim_start_matches("http://").trim_start_matches("https://").trim_end_matches('/');
    Ok(bare.parse().ok())
}

/// The id of a container.
pub(crate) fn container<'de, D: Deserializer<'de>>(input: D) -> Result<Option<ContainerId>, D::Error> {
    Ok(ContainerId::new(text(input)?).ok())
}
