//! Conditional requests: whether a client has the bytes already, and whether its range still fits.
//! Pure; the order of the questions is that of the standard.
//! Not here: what the tags and times of a file are.

use httpdate::parse_http_date;
use hyper::header::{
    HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE,
};

/// What a file is known by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Validators {
    /// The entity tag, with its quotes; a weak one begins with `W/`.
    pub(super) tag: HeaderValue,
    /// `Last-Modified`, as it is written; none while the file is too young to be told apart by seconds.
    pub(super) modified: Option<HeaderValue>,
}

/// What the conditions of a request come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Answer it.
    Answer,
    /// Answer it without its range: the client has a part of other bytes.
    AnswerWhole,
    /// The client has these bytes.
    NotModified,
    /// The client wanted other bytes.
    Failed,
}

/// Judges the conditions of a request.
pub(super) fn judge(headers: &HeaderMap, file: &Validators) -> Verdict {
    let conditions = [IF_MATCH, IF_UNMODIFIED_SINCE, IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_RANGE];
    if !conditions.iter().any(|name| headers.contains_key(name)) {
        return Verdict::Answer;
    }
    let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let (file_tag, modified) = (text(&file.tag), file.modified.as_ref().map(text));
    let same_time = |name| said(headers, name).map(|time| Some(time) == modified.as_deref());
    let wanted = match tags(headers, IF_MATCH) {
        Some(tags) => tags.iter().any(|tag| *tag == "*" || strong(tag, &file_tag)),
        None => said(headers, IF_UNMODIFIED_SINCE).is_none_or(|time| !younger(modified.as_deref(), time)),
    };
    if !wanted {
        return Verdict::Failed;
    }
    let had = match tags(headers, IF_NONE_MATCH) {
        Some(tags) => tags.iter().any(|tag| *tag == "*" || weak(tag, &file_tag)),
        // The same time, not a later one: another generation may hold an older file at this place.
        None => same_time(IF_MODIFIED_SINCE).unwrap_or(false),
    };
    if had {
        return Verdict::NotModified;
    }
    let fits = |text: &str| match text.contains('"') {
        true => strong(text, &file_tag),
        false => Some(text) == modified.as_deref(),
    };
    if said(headers, IF_RANGE).is_none_or(fits) { Verdict::Answer } else { Verdict::AnswerWhole }
}

/// A header's text. One that is no text is no condition that could hold.
fn said(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).map(|value| value.to_str().unwrap_or_default().trim())
}

fn tags(headers: &HeaderMap, name: HeaderName) -> Option<Vec<&str>> {
    let lists: Vec<&str> = headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default()).collect();
    // No tag of ours has a comma in it.
    (!lists.is_empty()).then(|| lists.into_iter().flat_map(|list| list.split(',')).map(str::trim).collect())
}

/// Whether a file has changed after a time; what is no time asks nothing.
fn younger(modified: Option<&str>, time: &str) -> bool {
    let date = |text: &str| parse_http_date(text).ok();
    modified.and_then(date).zip(date(time)).is_some_and(|(modified, time)| modified > time)
}

fn strong(asked: &str, tag: &str) -> bool {
    asked == tag && !tag.starts_with("W/")
}

/// Proxies that compress weaken a tag; the bytes behind it are the same.
fn weak(asked: &str, tag: &str) -> bool {
    asked.trim_start_matches("W/") == tag.trim_start_matches("W/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(asked: &[(HeaderName, &'static str)]) -> Verdict {
        let headers = asked.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect();
        let modified = Some(HeaderValue::from_static("Tue, 24 Nov 2026 10:00:00 GMT"));
        judge(&headers, &Validators { tag: HeaderValue::from_static("\"abc\""), modified })
    }

    #[test]
    fn a_client_that_has_the_bytes_is_told_so() {
        for (header, value) in [
            (IF_NONE_MATCH, "\"abc\""),
            (IF_NONE_MATCH, "W/\"abc\""),
            (IF_NONE_MATCH, "\"x\", \"abc\""),
            (IF_NONE_MATCH, "*"),
            (IF_MODIFIED_SINCE, "Tue, 24 Nov 2026 10:00:00 GMT"),
        ] {
            assert_eq!(verdict(&[(header, value)]), Verdict::NotModified, "{value}");
        }
        for (header, value) in [
            (IF_NONE_MATCH, "\"x\""),
            (IF_MODIFIED_SINCE, "Tue, 24 Nov 2026 11:00:00 GMT"),
            (IF_MODIFIED_SINCE, "yesterday"),
        ] {
            assert_eq!(verdict(&[(header, value)]), Verdict::Answer, "{value}");
        }
        let both = [(IF_NONE_MATCH, "\"x\""), (IF_MODIFIED_SINCE, "Tue, 24 Nov 2026 10:00:00 GMT")];
        assert_eq!(verdict(&both), Verdict::Answer, "a tag counts more than a time");
    }

    #[test]
    fn a_range_of_other_bytes_is_not_continued() {
        for value in ["\"x\"", "W/\"abc\"", "Tue, 24 Nov 2026 11:00:00 GMT", ""] {
            assert_eq!(verdict(&[(IF_RANGE, value)]), Verdict::AnswerWhole, "{value}");
        }
        for value in ["\"abc\"", "Tue, 24 Nov 2026 10:00:00 GMT"] {
            assert_eq!(verdict(&[(IF_RANGE, value)]), Verdict::Answer, "{value}");
        }
    }

    #[test]
    fn a_client_that_wants_certain_bytes_gets_no_others() {
        assert_eq!(verdict(&[(IF_MATCH, "\"x\"")]), Verdict::Failed);
        assert_eq!(verdict(&[(IF_MATCH, "\"x\", \"abc\"")]), Verdict::Answer);
        assert_eq!(verdict(&[(IF_UNMODIFIED_SINCE, "Tue, 24 Nov 2026 09:00:00 GMT")]), Verdict::Failed);
        assert_eq!(verdict(&[(IF_UNMODIFIED_SINCE, "Tue, 24 Nov 2026 11:00:00 GMT")]), Verdict::Answer);
    }
}
