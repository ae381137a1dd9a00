//! A successful answer, and its body as it comes in: paced, watched, and counted against its host until it is dropped.
//! What the headers claim is held against what was asked.
//! Not here: what the bytes must be.

use super::error::Error;
use super::gate::Permit;
use super::pace::{Pace, Slowest, Watch};
use reqwest::header::HeaderMap;
use std::io::{self, Read};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use words::location::Location;

/// A successful answer whose body is still to be read.
pub struct Answer {
    /// The offset of the first byte: 0 unless the server honoured the range that was asked for.
    pub start: u64,
    /// Whether the server gives the part that was asked for, and not the whole.
    pub is_part: bool,
    /// How many bytes the server says will follow.
    pub length: Option<u64>,
    /// The size of the whole file, where a part of it says so.
    pub total: Option<u64>,
    /// Whether the server says that it gives parts of it.
    pub gives_parts: bool,
    /// What names this state of the file: a strong `ETag`, else `Last-Modified`.
    pub validator: Option<String>,
    /// The media type, lower case, without parameters.
    pub media_type: String,
    /// The bytes.
    pub body: Box<dyn Read + Send>,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Question<'a> {
    /// The first byte.
    pub start: u64,
    /// The last byte but one, where only a part is wanted.
    pub end: Option<u64>,
    /// Media types that are understood; everything, if it is empty.
    pub accept: &'a str,
    /// The part is only wanted of this state of the file.
    pub validator: Option<&'a str>,
}

impl Question<'_> {
    /// The `Range` header, if a part is asked for.
    pub(super) fn range(&self) -> Option<String> {
        match self.end {
            Some(end) => Some(format!("bytes={}-{}", self.start, end.saturating_sub(1))),
            None => (self.start > 0).then(|| format!("bytes={}-", self.start)),
        }
    }
}

/// The headers of an answer, held against the question.
pub(super) struct Head {
    pub start: u64,
    pub is_part: bool,
    pub length: Option<u64>,
    pub total: Option<u64>,
    pub gives_parts: bool,
    pub validator: Option<String>,
    pub media_type: String,
}

pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Reads status and headers; everything but a body of the wanted bytes is an error.
pub(super) fn head(location: &Location, status: u16, headers: &HeaderMap, question: &Question) -> Result<Head, Error> {
    let nonsense = |what| Error::Nonsense { location: location.clone(), what };
    let mut lengths = headers.get_all("content-length").iter();
    let first = lengths.next();
    if lengths.any(|other| Some(other) != first) {
        return Err(nonsense("it states two lengths"));
    }
    let (start, total) = match status {
        200 => (0, None),
        206 if question.range().is_none() => return Err(nonsense("a part, where the whole was asked for")),
        206 => match text(headers, "content-range").and_then(range) {
            Some((start, _, total)) if start == question.start => (start, total),
            _ => return Err(nonsense("another part than was asked for")),
        },
        404 | 410 => return Err(Error::Missing { location: location.clone(), status }),
        _ => {
            let retry_after = text(headers, "retry-after").and_then(|text| wait_asked_for(text, SystemTime::now()));
            return Err(Error::Status { location: location.clone(), status, retry_after });
        }
    };
    let etag = text(headers, "etag").filter(|etag| etag.starts_with('"'));
    let media_type = text(headers, "content-type").unwrap_or_default();
    Ok(Head {
        start,
        is_part: status == 206,
        length: text(headers, "content-length").and_then(|text| text.parse().ok()),
        total,
        gives_parts: text(headers, "accept-ranges").is_some_and(|unit| unit.trim().eq_ignore_ascii_case("bytes")),
        validator: etag.or_else(|| text(headers, "last-modified")).map(str::to_owned),
        media_type: media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase(),
    })
}

/// First, last and size of `bytes 100-199/200`.
fn range(text: &str) -> Option<(u64, u64, Option<u64>)> {
    let (part, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = part.split_once('-')?;
    let (first, last): (u64, u64) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    let total = if total.trim() == "*" { None } else { Some(total.trim().parse().ok()?) };
    (first <= last && total.is_none_or(|total| last < total)).then_some((first, last, total))
}

/// Both forms of `Retry-After`: seconds, or a date.
fn wait_asked_for(text: &str, now: SystemTime) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let then = httpdate::parse_http_date(text.trim()).ok()?;
    Some(then.duration_since(now).unwrap_or_default())
}

/// A body under way.
pub(super) struct Body<R> {
    inner: R,
    pace: Arc<Pace>,
    watch: Watch,
    _permit: Permit,
}

impl<R: Read> Body<R> {
    pub fn new(inner: R, permit: Permit, pace: Arc<Pace>, slowest: Slowest) -> Body<R> {
        Body { inner, pace, watch: Watch::new(slowest), _permit: permit }
    }
}

impl<R: Read> Read for Body<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let portion = self.pace.portion(buffer.len());
        let began = Instant::now();
        let count = self.inner.read(&mut buffer[..portion])?;
        if count > 0 {
            self.watch.came(count, began.elapsed())?;
            self.pace.passed(count);
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_retry_after_are_read() {
        let now = httpdate::parse_http_date("Mon, 23 Nov 2026 10:00:00 GMT").unwrap();
        assert_eq!(wait_asked_for("7", now), Some(Duration::from_secs(7)));
        assert_eq!(wait_asked_for("Mon, 23 Nov 2026 10:00:30 GMT", now), Some(Duration::from_secs(30)));
        assert_eq!(wait_asked_for("Mon, 23 Nov 2026 09:00:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(wait_asked_for("soon", now), None);
    }

    #[test]
    fn a_range_names_its_bytes() {
        assert_eq!(range("bytes 100-199/200"), Some((100, 199, Some(200))));
        assert_eq!(range("bytes 0-0/*"), Some((0, 0, None)));
        for text in ["items 1-2/3", "bytes 2-1/3", "bytes 1-3/3", "bytes */3", "bytes 1-2"] {
            assert_eq!(range(text), None, "{text}");
        }
    }

    #[test]
    fn an_answer_is_held_against_the_question() {
        let location = Location::parse("http://repo.example/a").unwrap();
        let from_ten = Question { start: 10, ..Question::default() };
        let answered = |status, headers: &[(&'static str, &'static str)], question| {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.append(*name, value.parse().unwrap());
            }
            head(&location, status, &map, &question).map(|head| (head.start, head.validator))
        };
        let etag = ("etag", "\"a\"");
        let part = ("content-range", "bytes 10-19/20");
        assert_eq!(answered(206, &[part, etag], from_ten).unwrap(), (10, Some("\"a\"".into())));
        assert_eq!(answered(200, &[("etag", "W/\"a\"")], from_ten).unwrap(), (0, None));
        for (status, headers, question, why) in [
            (206, &[part][..], Question::default(), "the whole was asked for"),
            (206, &[("content-range", "bytes 5-19/20")], from_ten, "another part"),
            (206, &[], from_ten, "another part"),
            (200, &[("content-length", "1"), ("content-length", "2")], from_ten, "two lengths"),
            (304, &[], from_ten, "no answer to what was asked"),
            (204, &[], from_ten, "no answer to what was asked"),
        ] {
            let error = answered(status, headers, question).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
