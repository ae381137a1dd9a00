//! Which request means what: PNDA's paths as its clients know them, and our own below `/v1`, which say more.
//! A request that cannot be understood is refused with what would be right.
//! Not here: whether it is allowed, and doing it (`apps`).

use super::body::Reading;
use super::{dm, own};
use apps::manager::Manager;
use apps::orders::{Caller, Refusal};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};
use std::io::Read;
use words::names::BadName;
use words::shown::shown;

/// What goes back.
pub(super) type Answer = Response<Full<Bytes>>;

/// A document that is written by hand is shorter.
const LONGEST_DOCUMENT: u64 = 256 << 10;

/// A request.
pub(super) struct Asked {
    /// Who asks.
    pub(super) caller: Caller,
    /// How, and for what.
    pub(super) parts: Parts,
    /// With what.
    pub(super) body: Reading,
}

impl Asked {
    /// The method, for a `match`.
    pub(super) fn method(&self) -> &Method {
        &self.parts.method
    }

    /// The value of a parameter; one that is given twice is refused.
    pub(super) fn parameter(&self, name: &str) -> Result<Option<String>, Refusal> {
        let query = self.parts.uri.query().unwrap_or_default();
        let mut values = url::form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name);
        let first = values.next().map(|(_, value)| value.into_owned());
        match values.next() {
            Some(_) => Err(Refusal::Invalid(format!("the parameter `{name}` is given twice"))),
            None => Ok(first),
        }
    }

    /// The body as JSON; an empty one is an empty document.
    pub(super) fn document(&mut self) -> Result<Value, Refusal> {
        let mut bytes = Vec::new();
        let read = (&mut self.body).take(LONGEST_DOCUMENT + 1).read_to_end(&mut bytes);
        read.map_err(|error| Refusal::Invalid(format!("the request broke off: {error}")))?;
        if bytes.len() as u64 > LONGEST_DOCUMENT {
            return Err(Refusal::Invalid(format!("the document is longer than {LONGEST_DOCUMENT} bytes")));
        }
        if bytes.is_empty() {
            return Ok(json!({}));
        }
        serde_json::from_slice(&bytes).map_err(|error| Refusal::Invalid(format!("the body is not JSON: {error}")))
    }
}

/// Answers a request.
pub(super) fn answer(manager: &Manager, asked: Asked) -> Answer {
    let path = asked.parts.uri.path().to_owned();
    let decoded: Result<Vec<String>, _> = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .map(|segment| percent_encoding::percent_decode_str(segment).decode_utf8().map(|text| text.into_owned()))
        .collect();
    let Ok(segments) = decoded else { return refused(StatusCode::BAD_REQUEST, "the path is not UTF-8") };
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let done = match segments.as_slice() {
        ["v1", rest @ ..] => own::answer(manager, asked, rest),
        all => dm::answer(manager, asked, all),
    };
    done.unwrap_or_else(|refusal| of_refusal(&refusal))
}

/// A name that came as part of a path.
pub(super) fn name<T: TryFrom<String, Error = BadName>>(text: &str) -> Result<T, Refusal> {
    T::try_from(text.to_owned()).map_err(|error| Refusal::Invalid(error.to_string()))
}

/// A document.
pub(super) fn document(status: StatusCode, value: &impl Serialize) -> Result<Answer, Refusal> {
    let bytes = serde_json::to_vec(value).map_err(|error| Refusal::Unavailable(error.to_string()))?;
    Ok(bytes_of(status, "application/json", bytes))
}

/// Bytes.
pub(super) fn bytes_of(status: StatusCode, media_type: &'static str, bytes: Vec<u8>) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(bytes)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// Taken, and nothing to say.
pub(super) fn taken() -> Answer {
    bytes_of(StatusCode::ACCEPTED, "application/json", Vec::new())
}

/// Nothing is here.
pub(super) fn nowhere(asked: &Asked) -> Refusal {
    let path = shown(asked.parts.uri.path()).to_string();
    Refusal::NotFound(format!("{} {path} in this interface; guide/applications.md lists what is", asked.parts.method))
}

/// A refusal in PNDA's form: the reason under `information`.
pub(super) fn refused(status: StatusCode, why: &str) -> Answer {
    let text = json!({ "information": why }).to_string();
    bytes_of(status, "application/json", text.into_bytes())
}

fn of_refusal(refusal: &Refusal) -> Answer {
    let status = match refusal {
        Refusal::NotFound(_) => StatusCode::NOT_FOUND,
        Refusal::Conflict(_) => StatusCode::CONFLICT,
        Refusal::Forbidden(_) => StatusCode::FORBIDDEN,
        Refusal::Invalid(_) => StatusCode::BAD_REQUEST,
        Refusal::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    refused(status, &refusal.to_string())
}
