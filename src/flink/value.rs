//! Values as Flink's options of each type read them: lengths of time, sizes of memory, numbers, lists, maps.
//! Held against what real Flinks of 1.15, 1.20 and 2.3 took and refused (`tests/fixtures/flink`).
//! Not here: which option has which type (`catalogue`).

use super::catalogue::Row;
use super::file::Syntax;
use words::flink::Version;

/// Units of time with their nanoseconds; Flink takes them in any case.
const TIMES: [(&[&str], u128); 7] = [
    (&["d", "day", "days"], 86_400_000_000_000),
    (&["h", "hour", "hours"], 3_600_000_000_000),
    (&["m", "min", "minute", "minutes"], 60_000_000_000),
    (&["s", "sec", "secs", "second", "seconds"], 1_000_000_000),
    (&["ms", "milli", "millis", "millisecond", "milliseconds", ""], 1_000_000),
    (&["µs", "micro", "micros", "microsecond", "microseconds"], 1_000),
    (&["ns", "nano", "nanos", "nanosecond", "nanoseconds"], 1),
];

/// Units of memory with the power of two that they are.
const SIZES: [(&[&str], u32); 5] = [
    (&["b", "bytes", ""], 0),
    (&["k", "kb", "kibibytes"], 10),
    (&["m", "mb", "mebibytes"], 20),
    (&["g", "gb", "gibibytes"], 30),
    (&["t", "tb", "tebibytes"], 40),
];

/// What a value has to look like, for people.
pub(super) fn form(row: &Row) -> String {
    let one = row.kind.trim_start_matches("List<").trim_end_matches('>');
    let form = match one {
        "Boolean" => "true or false".to_owned(),
        "Duration" => {
            "a whole number with ms, s, min, h or d, as in `10 s`; without a unit it is milliseconds".to_owned()
        }
        "MemorySize" => "a whole number with k, m, g or t, as in `1600m`; without a unit it is bytes".to_owned(),
        "Integer" => format!("a whole number from {} to {}", i32::MIN, i32::MAX),
        "Long" => "a whole number".to_owned(),
        "Float" | "Double" => "a number, as in `0.1`".to_owned(),
        "Map" => "pairs, as in `key1:value1,key2:value2`".to_owned(),
        "Enum" => format!("one of {}", row.values.join(", ")),
        _ => "a text".to_owned(),
    };
    if one == row.kind { form } else { format!("{form}; several with `;` between them") }
}

/// Whether an option of this type takes the value, as this version reads it in this syntax.
pub(super) fn fits(row: &Row, value: &str, syntax: Syntax, version: Version) -> bool {
    match row.kind {
        "Boolean" => ["true", "false"].contains(&value.to_lowercase().as_str()),
        "Duration" => nanoseconds(value, version).is_some(),
        "MemorySize" => bytes(value).is_some(),
        "Integer" => value.parse::<i32>().is_ok(),
        "Long" => value.parse::<i64>().is_ok(),
        "Float" | "Double" => is_float(value),
        "Enum" => one_of(&row.values, value),
        "Map" => is_map(value, syntax),
        kind if kind.starts_with("List<") => match (elements(value, syntax), kind) {
            (Some(elements), "List<Enum>") => elements.iter().all(|element| one_of(&row.values, element)),
            (Some(elements), "List<Map>") => elements.iter().all(|element| is_map(element, syntax)),
            (elements, _) => elements.is_some(),
        },
        _ => true,
    }
}

fn one_of(values: &[&str], value: &str) -> bool {
    values.iter().any(|known| known.eq_ignore_ascii_case(value))
}

/// A number and its unit.
fn split_unit(text: &str) -> Option<(u128, String)> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..end].parse().ok()?, text[end..].trim().to_lowercase()))
}

/// The length of time that Flink reads, in nanoseconds.
pub(super) fn nanoseconds(text: &str, version: Version) -> Option<u128> {
    // Measured: 2.1 takes ISO 8601 as well, 2.0 does not.
    if version >= Version::new(2, 1, 0) && text.trim().starts_with(['p', 'P']) {
        return iso(text.trim());
    }
    let (number, unit) = split_unit(text)?;
    let (_, length) = TIMES.iter().find(|(names, _)| names.contains(&unit.as_str()))?;
    // Java counts whole seconds in 64 bits, and up to 2.0 the number as well.
    let fits = number <= i64::MAX as u128 || version >= Version::new(2, 1, 0);
    let nanoseconds = number.checked_mul(*length).filter(|_| fits)?;
    (nanoseconds / 1_000_000_000 <= i64::MAX as u128).then_some(nanoseconds)
}

/// `P1DT2H3M4.5S` as `java.time.Duration` reads it, without signs.
fn iso(text: &str) -> Option<u128> {
    let text = text.to_uppercase();
    let (days, time) = match text.strip_prefix('P')?.split_once('T') {
        Some((_, "")) => return None,
        Some((days, time)) => (days, time),
        None => (text.strip_prefix('P')?, ""),
    };
    let whole = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<u64>().ok())?;
    let mut seconds = match days.strip_suffix('D') {
        Some(number) => u128::from(whole(number)?) * 86_400,
        None if days.is_empty() && !time.is_empty() => 0,
        None => return None,
    };
    let mut rest = time;
    for (unit, length) in [('H', 3600), ('M', 60)] {
        if let Some((number, after)) = rest.split_once(unit) {
            seconds += u128::from(whole(number)?) * length;
            rest = after;
        }
    }
    let mut nanoseconds = 0;
    if let Some((number, after)) = rest.split_once('S') {
        let (number, decimals) = number.split_once('.').unwrap_or((number, ""));
        seconds += u128::from(whole(number)?);
        nanoseconds = whole(&format!("{decimals:0<9}")).filter(|_| decimals.len() <= 9)?;
        rest = after;
    }
    let fits = rest.is_empty() && seconds <= i64::MAX as u128;
    fits.then_some(seconds * 1_000_000_000 + u128::from(nanoseconds))
}

/// The size of memory that Flink reads, in bytes.
pub(super) fn bytes(text: &str) -> Option<u64> {
    let (number, unit) = split_unit(text)?;
    let (_, shift) = SIZES.iter().find(|(names, _)| names.contains(&unit.as_str()))?;
    let bytes = number.checked_mul(1 << shift).and_then(|bytes| u64::try_from(bytes).ok());
    bytes.filter(|bytes| *bytes <= i64::MAX as u64)
}

/// A number as Java writes them: Rust's, less its own words for what is not finite, plus a suffix and hexadecimal.
fn is_float(text: &str) -> bool {
    let text = text.trim();
    let bare = text.trim_start_matches(['+', '-']);
    if ["NaN", "Infinity"].contains(&bare) {
        return text.len() <= bare.len() + 1;
    }
    if let Some(hexadecimal) = bare.strip_prefix("0x").or_else(|| bare.strip_prefix("0X")) {
        return hexadecimal.contains(['p', 'P']);
    }
    let number = text.strip_suffix(['f', 'F', 'd', 'D']).unwrap_or(text);
    number.contains(|c: char| c.is_ascii_digit()) && !number.contains(['n', 'N', 'y']) && number.parse::<f64>().is_ok()
}

/// The elements of a list: `a;b`, quotes around those with a semicolon; in YAML also a list of its own.
pub(super) fn elements(text: &str, syntax: Syntax) -> Option<Vec<String>> {
    if syntax == Syntax::Yaml
        && let Some(elements) = super::yaml::list(text)
    {
        return Some(elements);
    }
    split_quoted(text, ';')
}

/// Pairs with commas between them, or in YAML a map of its own.
fn is_map(text: &str, syntax: Syntax) -> bool {
    if super::yaml::is_flow_map(text) {
        return true;
    }
    if syntax == Syntax::Yaml && text.trim().is_empty() {
        return true;
    }
    let Some(pairs) = split_quoted(text, ',') else { return false };
    pairs.iter().all(|pair| split_quoted(pair, ':').is_some_and(|words| words.len() == 2))
}

/// Splits as Flink does: a part may begin with a quote and then reaches to its match; two stand for one. There is no part
/// before a delimiter at the beginning, and none behind one at the end.
fn split_quoted(text: &str, delimiter: char) -> Option<Vec<String>> {
    let mut parts = Vec::new();
    let text = text.trim_start();
    let mut chars = text.strip_prefix(delimiter).unwrap_or(text).chars().peekable();
    while chars.peek().is_some() {
        let mut part = String::new();
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        match chars.next_if(|c| *c == '"' || *c == '\'') {
            Some(quote) => {
                loop {
                    match chars.next()? {
                        c if c == quote && chars.next_if_eq(&quote).is_none() => break,
                        c => part.push(c),
                    }
                }
                while chars.next_if(|c| c.is_whitespace()).is_some() {}
                if chars.next().is_some_and(|c| c != delimiter) {
                    return None;
                }
            }
            None => {
                while let Some(c) = chars.next_if(|c| *c != delimiter) {
                    part.push(c);
                }
                chars.next();
            }
        }
        parts.push(part.trim().to_owned());
    }
    Some(parts)
}
