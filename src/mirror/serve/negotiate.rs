//! What a client accepts: codings and media types with their q-values, the more exact word winning.
//! Pure; a client that says nothing accepts every type and no coding.
//! Not here: which forms of a file there are.

use hyper::header::{ACCEPT, ACCEPT_ENCODING, HeaderMap, HeaderName};

/// The most that a q-value can say; they have three digits.
const SURE: u16 = 1000;

/// The two forms of a page of a Python index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IndexForm {
    /// For browsers and old clients, with the media type to name it by.
    Html(&'static str),
    /// PEP 691.
    Json,
}

/// PEP 691's media type.
pub(super) const PYPI_JSON: &str = "application/vnd.pypi.simple.v1+json";
const PYPI_HTML: &str = "application/vnd.pypi.simple.v1+html";
const HTML: &str = "text/html; charset=utf-8";

/// The form of a Python index that a client likes best; HTML where it likes both the same or neither.
pub(super) fn index_form(headers: &HeaderMap) -> IndexForm {
    let best = |names: &[&str]| names.iter().map(|name| quality(headers, ACCEPT, name)).max().unwrap_or_default();
    let json = best(&[PYPI_JSON, "application/vnd.pypi.simple.latest+json"]);
    let own_html = best(&[PYPI_HTML, "application/vnd.pypi.simple.latest+html"]);
    let html = best(&["text/html"]);
    if json > own_html.max(html) {
        IndexForm::Json
    } else if html >= own_html {
        IndexForm::Html(HTML)
    } else {
        IndexForm::Html(PYPI_HTML)
    }
}

/// Which of these codings, the preferred first, the client wants most; none if it wants none of them.
pub(super) fn coding<'a>(headers: &HeaderMap, codings: &[&'a str]) -> Option<&'a str> {
    if !headers.contains_key(ACCEPT_ENCODING) {
        return None;
    }
    let rated = codings.iter().rev().map(|coding| (quality(headers, ACCEPT_ENCODING, coding), *coding));
    rated.max_by_key(|(quality, _)| *quality).filter(|(quality, _)| *quality > 0).map(|(_, coding)| coding)
}

/// How much a client wants something: 0 not at all, 1000 very much. Nothing said means very much.
fn quality(headers: &HeaderMap, header: HeaderName, wanted: &str) -> u16 {
    let mut said = false;
    let mut best = (0, 0);
    for value in headers.get_all(header) {
        said = true;
        for item in value.to_str().unwrap_or_default().split(',') {
            let mut words = item.split(';').map(str::trim);
            let Some(exact) = words.next().and_then(|pattern| matches(pattern, wanted)) else { continue };
            let quality = words.find_map(q_value).unwrap_or(SURE);
            best = best.max((exact, quality));
        }
    }
    if said { best.1 } else { SURE }
}

/// How exactly a pattern means something: 3 by name, 2 by its type, 1 as everything.
fn matches(pattern: &str, wanted: &str) -> Option<u8> {
    if pattern.eq_ignore_ascii_case(wanted) {
        return Some(3);
    }
    let whole_type = pattern.strip_suffix("/*").zip(wanted.split_once('/'));
    match pattern {
        "*" | "*/*" => Some(1),
        _ if whole_type.is_some_and(|(pattern, (kind, _))| pattern.eq_ignore_ascii_case(kind)) => Some(2),
        _ => None,
    }
}

/// `q=0.5` as 500; what cannot be read is a wish like any other.
fn q_value(word: &str) -> Option<u16> {
    let text = word.strip_prefix("q=").or_else(|| word.strip_prefix("Q="))?.trim();
    let (whole, digits) = text.split_once('.').unwrap_or((text, ""));
    let thousandths = format!("{digits:0<3}").get(..3).and_then(|digits| digits.parse::<u16>().ok());
    Some(if whole == "0" { thousandths.unwrap_or(SURE) } else { SURE })
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    fn headers(name: HeaderName, text: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(text).unwrap())])
    }

    #[test]
    fn the_index_comes_as_the_client_likes_it() {
        let pip = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01";
        for (accept, wanted) in [
            (pip, IndexForm::Json),
            ("application/vnd.pypi.simple.latest+json", IndexForm::Json),
            ("text/html;q=0.1, application/vnd.pypi.simple.v1+json;q=0.05", IndexForm::Html(HTML)),
            ("application/vnd.pypi.simple.v1+json;q=0, */*", IndexForm::Html(HTML)),
            ("application/vnd.pypi.simple.v1+html", IndexForm::Html(PYPI_HTML)),
            ("*/*", IndexForm::Html(HTML)),
            ("application/*, text/html;q=0.9", IndexForm::Html(PYPI_HTML)),
            ("image/png", IndexForm::Html(HTML)),
            ("text/html;q=0.3, application/vnd.pypi.simple.v1+json;q=0.301", IndexForm::Json),
        ] {
            assert_eq!(index_form(&headers(ACCEPT, accept)), wanted, "{accept}");
        }
        assert_eq!(index_form(&HeaderMap::new()), IndexForm::Html(HTML));
    }

    #[test]
    fn a_coding_is_only_used_when_it_is_wanted() {
        let best = |text: &str| coding(&headers(ACCEPT_ENCODING, text), &["zstd", "gzip"]);
        assert_eq!(best("gzip, deflate, zstd"), Some("zstd"));
        assert_eq!(best("gzip, deflate"), Some("gzip"));
        assert_eq!(best("gzip;q=0.5, zstd;q=0.4"), Some("gzip"));
        assert_eq!(best("*;q=0.1, zstd;q=0"), Some("gzip"));
        assert_eq!(best("identity"), None);
        assert_eq!(best("gzip;q=0"), None);
        assert_eq!(best(""), None);
        assert_eq!(coding(&HeaderMap::new(), &["zstd", "gzip"]), None);
    }
}
