//! Reads JSON that versions of Hadoop and Flink write differently: null for nothing, numbers as text, one thing for a list of one.
//! What cannot be read is as if it were not there.
//! Not here: what the fields mean.

use serde::de::value::MapAccessDeserializer;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::marker::PhantomData;
use words::ids::{ContainerId, HostPort};

/// What is kept of a list that strangers may write: an entry takes far more memory than the few bytes that it can be made of.
pub(crate) const MOST_LISTED: usize = 10_000;

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

/// A number or a text; none where there is anything else, of which nothing is kept.
enum Scalar {
    Whole(i128),
    Fraction(f64),
    Text(String),
    None,
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Scalar, D::Error> {
        input.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("anything")
    }

    fn visit_unit<E>(self) -> Result<Scalar, E> {
        Ok(Scalar::None)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Scalar, E> {
        Ok(Scalar::None)
    }

    fn visit_u64<E>(self, number: u64) -> Result<Scalar, E> {
        Ok(Scalar::Whole(number.into()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Scalar, E> {
        Ok(Scalar::Whole(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Scalar, E> {
        Ok(Scalar::Fraction(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(text.trim().to_owned()))
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut items: S) -> Result<Scalar, S::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::None)
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Scalar, M::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::None)
    }
}

/// A number that is not negative; a text of one, too.
pub(crate) fn count<'de, D: Deserializer<'de>>(input: D) -> Result<Option<u64>, D::Error> {
    Ok(match Scalar::deserialize(input)? {
        Scalar::Whole(number) => u64::try_from(number).ok(),
        Scalar::Fraction(number) => of_fraction(number),
        Scalar::Text(text) => text.parse().ok().or_else(|| of_fraction(text.parse().ok()?)),
        Scalar::None => None,
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
    Ok(match Scalar::deserialize(input)? {
        Scalar::Whole(number) => i64::try_from(number).ok(),
        Scalar::Text(text) => text.parse().ok(),
        Scalar::Fraction(_) | Scalar::None => None,
    })
}

/// A number that is not negative; whatever is none is 0.
pub(crate) fn number<'de, D: Deserializer<'de>>(input: D) -> Result<u64, D::Error> {
    Ok(count(input)?.unwrap_or_default())
}

/// The first entries of a list; null is an empty one.
pub(crate) fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(input: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::<First<T>>::deserialize(input)?.map_or_else(Vec::new, |First(list)| list))
}

struct First<T>(Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for First<T> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<First<T>, D::Error> {
        input.deserialize_seq(FirstVisitor(PhantomData))
    }
}

struct FirstVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for FirstVisitor<T> {
    type Value = First<T>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut items: S) -> Result<First<T>, S::Error> {
        let mut list = Vec::new();
        while list.len() < MOST_LISTED
            && let Some(item) = items.next_element()?
        {
            list.push(item);
        }
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(First(list))
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, from_str, from_value, json};

    #[derive(Debug, Deserialize)]
    struct Odd {
        #[serde(default, deserialize_with = "count")]
        count: Option<u64>,
        #[serde(default, deserialize_with = "signed")]
        signed: Option<i64>,
        #[serde(default, deserialize_with = "list")]
        list: Vec<Value>,
    }

    #[test]
    fn numbers_come_in_many_forms_and_what_is_none_is_passed_over() {
        for (given, counted, signed) in [
            (json!(7), Some(7), Some(7)),
            (json!(" 7 "), Some(7), Some(7)),
            (json!(7.5), Some(7), None),
            (json!("7.5"), Some(7), None),
            (json!(-7), None, Some(-7)),
            (json!("NaN"), None, None),
            (json!(u64::MAX), Some(u64::MAX), None),
            (json!(true), None, None),
            (json!(null), None, None),
            (json!([[1], {}]), None, None),
            (json!({"a": [1]}), None, None),
        ] {
            let odd: Odd = from_value(json!({ "count": given, "signed": given })).unwrap();
            assert_eq!((odd.count, odd.signed), (counted, signed), "{given}");
        }
    }

    #[test]
    fn of_a_list_without_an_end_only_the_beginning_is_kept() {
        let odd: Odd = from_str(&format!("{{\"list\": [{}0], \"count\": 3}}", "{},".repeat(2 * MOST_LISTED))).unwrap();
        assert_eq!((odd.list.len(), odd.count), (MOST_LISTED, Some(3)));
        assert!(from_str::<Odd>("{\"list\": null}").unwrap().list.is_empty());
    }
}
