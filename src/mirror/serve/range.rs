//! The `Range` header: which bytes of a file a client wants.
//! What is not understood is ignored, as the standard asks: then the whole file is sent.
//! Not here: sending them.

use std::ops::Range;

/// More ranges than this are an attack; delta clients of RPM repositories ask for up to 256.
const MOST: usize = 256;

/// What is asked of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    /// All of it.
    Whole,
    /// These bytes, in this order; at least one range, none empty.
    Parts(Vec<Range<u64>>),
    /// Only bytes that it does not have.
    Nothing,
}

/// Reads the header for a file of `size` bytes.
pub(super) fn asked(header: Option<&str>, size: u64) -> Asked {
    let Some(list) = header.and_then(|text| text.trim().strip_prefix("bytes=")) else { return Asked::Whole };
    let specs: Vec<&str> = list.split(',').map(str::trim).filter(|spec| !spec.is_empty()).collect();
    if specs.is_empty() || specs.len() > MOST {
        return Asked::Whole;
    }
    let Some(parts) = specs.iter().map(|spec| part(spec, size)).collect::<Option<Vec<_>>>() else {
        return Asked::Whole;
    };
    let parts: Vec<Range<u64>> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    let total = parts.iter().fold(0u64, |sum, part| sum.saturating_add(part.end - part.start));
    match parts.len() {
        0 => Asked::Nothing,
        // Overlapping ranges would make a small request a large answer.
        _ if total > size => Asked::Whole,
        _ => Asked::Parts(parts),
    }
}

/// One range, cut to the file's size and empty if it lies outside; none if it is no range at all.
fn part(spec: &str, size: u64) -> Option<Range<u64>> {
    let (first, last) = spec.split_once('-')?;
    if first.is_empty() {
        return Some(size.saturating_sub(number(last)?)..size);
    }
    let first = number(first)?;
    let last = if last.is_empty() { u64::MAX } else { number(last)? };
    let end = last.saturating_add(1).min(size);
    (first <= last).then(|| first.min(end)..end)
}

/// Digits only: the parser of numbers would take a sign as well. What is too large is as large as can be.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_the_standard_says() {
        let one = |range| Asked::Parts(vec![range]);
        for (header, wanted) in [
            ("bytes=0-0", one(0..1)),
            ("bytes=2-", one(2..10)),
            ("bytes=-3", one(7..10)),
            ("bytes=-99", one(0..10)),
            ("bytes=8-99", one(8..10)),
            ("bytes=0-99999999999999999999999", one(0..10)),
            ("bytes=0-1, 4-5 ,,9-", Asked::Parts(vec![0..2, 4..6, 9..10])),
            ("bytes=0-1,50-60", one(0..2)),
            ("bytes=10-", Asked::Nothing),
            ("bytes=-0", Asked::Nothing),
        ] {
            assert_eq!(asked(Some(header), 10), wanted, "{header}");
        }
        assert_eq!(asked(Some("bytes=0-"), 0), Asked::Nothing);
    }

    #[test]
    fn what_is_no_range_or_too_much_is_ignored() {
        let many = format!("bytes={}", "0-0,".repeat(257));
        for header in ["bytes=", "bytes=x-1", "bytes=+1-2", "bytes=5-2", "lines=1-2", "bytes=0-9,0-9", "bytes=1", &many]
        {
            assert_eq!(asked(Some(header), 10), Asked::Whole, "{header}");
        }
        assert_eq!(asked(None, 10), Asked::Whole);
    }
}
