//! A request on its way: found in the table of routes, held against who asks, answered, refused with what would be right.
//! Both dispatch and the published document come from the one table.
//! Not here: the table itself, and who somebody is.

use super::access::{self, Person, Rules};
use super::body::Reading;
use super::failure::Failure;
use super::house::House;
use super::outgoing::Outgoing;
use super::route::{Route, Takes};
use super::table::ROUTES;
use apps::manager::Manager;
use apps::orders::{Caller, Refusal};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, ORIGIN, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::io::Read;
use std::sync::Arc;
use words::chain::chain;
use words::names::{BadName, Word};
use words::shown::shown;

/// What goes back.
pub(super) type Answer = Response<Outgoing>;

/// A document that is written by hand is shorter.
pub(super) const LONGEST_DOCUMENT: u64 = 256 << 10;
/// Nobody has to wait longer after too many requests.
const RETRY: &str = "5";

/// A request.
pub(super) struct Asked {
    /// Who asks; none where everybody may look.
    pub(super) person: Option<Person>,
    /// How, and for what.
    pub(super) parts: Parts,
    /// The parts of the path that stand for names.
    pub(super) captured: Vec<String>,
    /// With what.
    pub(super) body: Reading,
    /// Of whom, for an answer that goes on after this.
    pub(super) house: Arc<House>,
}

impl Asked {
    /// Who asks.
    pub(super) fn caller(&self) -> Result<&Caller, Failure> {
        let person = self.person.as_ref().map(|person| &person.caller);
        person.ok_or_else(|| Failure::Stranger("who asks must be known here".to_owned()))
    }

    /// A name that came as part of the path.
    pub(super) fn name<T: TryFrom<String, Error = BadName>>(&self, at: usize) -> Result<T, Failure> {
        let text = self.captured.get(at).cloned().unwrap_or_default();
        T::try_from(text).map_err(|error| invalid(error.to_string()))
    }

    /// A number that may be asked for.
    pub(super) fn number(&self, name: &str, absent: u32, most: u32) -> Result<u32, Failure> {
        Ok(self.optional_number(name, most)?.unwrap_or(absent))
    }

    /// The same of one that says something by not being there.
    pub(super) fn optional_number(&self, name: &str, most: u32) -> Result<Option<u32>, Failure> {
        let Some(text) = parameter(&self.parts, name)? else { return Ok(None) };
        let number = text.parse().ok().filter(|number| *number <= most);
        number.map(Some).ok_or_else(|| invalid(format!("`{name}` is a whole number from 0 to {most}")))
    }

    /// The body as JSON; an empty one is an empty document.
    pub(super) fn document(&mut self) -> Result<Value, Failure> {
        let mut bytes = Vec::new();
        let read = (&mut self.body).take(LONGEST_DOCUMENT + 1).read_to_end(&mut bytes);
        read.map_err(|error| invalid(format!("the request broke off: {error}")))?;
        if bytes.len() as u64 > LONGEST_DOCUMENT {
            return Err(too_long());
        }
        if bytes.is_empty() {
            return Ok(json!({}));
        }
        serde_json::from_slice(&bytes).map_err(|error| invalid(format!("the body is not JSON: {error}")))
    }

    /// The body as a type.
    pub(super) fn typed<T: for<'a> Deserialize<'a>>(&mut self) -> Result<T, Failure> {
        let document = self.document()?;
        if !document.is_object() {
            return Err(invalid("the document is no object".to_owned()));
        }
        serde_json::from_value(document).map_err(|error| invalid(format!("the document is wrong: {error}")))
    }
}

pub(super) fn invalid(why: String) -> Failure {
    Refusal::Invalid(why).into()
}

fn too_long() -> Failure {
    Failure::TooLarge(format!("the document is longer than {LONGEST_DOCUMENT} bytes"))
}

/// The value of a parameter; one that is given twice is refused.
fn parameter(parts: &Parts, name: &str) -> Result<Option<String>, Failure> {
    let query = parts.uri.query().unwrap_or_default();
    let mut values = url::form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name);
    let first = values.next().map(|(_, value)| value.into_owned());
    match values.next() {
        Some(_) => Err(invalid(format!("the parameter `{name}` is given twice"))),
        None => Ok(first),
    }
}

/// Whom `user.name` names, as PNDA's clients write it; an empty one names nobody.
pub(super) fn user_name(parts: &Parts) -> Result<Option<String>, Failure> {
    let given = parameter(parts, "user.name")?.filter(|name| !name.is_empty());
    let checked = given.map(|name| Word::new(name).map(String::from)).transpose();
    checked.map_err(|error| invalid(format!("`user.name`: {error}")))
}

/// The route of a request, and what stands for names in its path. What is refused here needs no name of who asks.
pub(super) fn find(parts: &Parts) -> Result<(&'static Route, Vec<String>), Failure> {
    let decode =
        |segment: &str| percent_encoding::percent_decode_str(segment).decode_utf8().map(|text| text.into_owned());
    let segments = parts.uri.path().split('/').filter(|segment| !segment.is_empty());
    let segments: Result<Vec<String>, _> = segments.map(decode).collect();
    let segments = segments.map_err(|_| invalid("the path is not UTF-8".to_owned()))?;
    let fitting: Vec<&Route> = ROUTES.iter().filter(|route| route.fits(&segments)).collect();
    // `/applications/x/start` is what it says, though `/applications/x/ANYTHING` fits, too.
    let most = fitting.iter().map(|route| route.literals()).max();
    let fitting: Vec<&Route> = fitting.into_iter().filter(|route| Some(route.literals()) == most).collect();
    let method = if parts.method == Method::HEAD { &Method::GET } else { &parts.method };
    match fitting.iter().find(|route| route.method == method.as_str()) {
        Some(route) => Ok((route, route.captured(&segments))),
        None if fitting.is_empty() => {
            let why = format!(
                "{} {} in this interface; /v1/openapi.json lists what is",
                parts.method,
                shown(parts.uri.path())
            );
            Err(Refusal::NotFound(why).into())
        }
        None => Err(Failure::Method(fitting.iter().map(|route| route.method).collect::<Vec<_>>().join(", "))),
    }
}

/// Answers a request of a known person, or of nobody. `open`: everybody may look.
pub(super) fn answer(
    manager: &Manager,
    route: &Route,
    rules: &Rules,
    open: bool,
    asked: Asked,
) -> Result<Answer, Failure> {
    access::check(route.right, asked.person.as_ref(), rules, open)?;
    // There is no page of ours: one that gives orders is somebody else's, with the certificate of who looks at it.
    if route.method != "GET" && asked.parts.headers.contains_key(ORIGIN) {
        return Err(Refusal::Forbidden("a page in a browser gives no orders here".to_owned()).into());
    }
    if !matches!(route.takes, Takes::Package) && asked.body.length.is_some_and(|length| length > LONGEST_DOCUMENT) {
        return Err(too_long());
    }
    (route.act)(manager, asked)
}

/// A document.
pub(super) fn document(status: StatusCode, value: &impl Serialize) -> Result<Answer, Failure> {
    let bytes = serde_json::to_vec(value).map_err(|error| Refusal::Unavailable(error.to_string()))?;
    Ok(bytes_of(status, "application/json", bytes))
}

/// A document, and all is well.
pub(super) fn fine(value: &impl Serialize) -> Result<Answer, Failure> {
    document(StatusCode::OK, value)
}

/// Bytes.
pub(super) fn bytes_of(status: StatusCode, media_type: &'static str, bytes: Vec<u8>) -> Answer {
    let mut answer = empty(status);
    *answer.body_mut() = Outgoing::whole(bytes);
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    answer
}

/// So many bytes of a reader.
pub(super) fn pieces_of(media_type: &'static str, reader: impl Read + Send + 'static, length: u64) -> Answer {
    let mut answer = bytes_of(StatusCode::OK, media_type, Vec::new());
    *answer.body_mut() = Outgoing::pieces(reader, length);
    answer
}

/// Nothing to say.
pub(super) fn empty(status: StatusCode) -> Answer {
    let mut answer = Response::new(Outgoing::whole(Vec::new()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// Taken, and nothing to say.
pub(super) fn taken() -> Result<Answer, Failure> {
    Ok(empty(StatusCode::ACCEPTED))
}

/// A refusal.
pub(super) fn refused(failure: &Failure) -> Answer {
    let bytes = serde_json::to_vec(&failure.told()).unwrap_or_else(|error| chain(&error).into_bytes());
    let mut answer = bytes_of(failure.kind().1, "application/json", bytes);
    let header = match failure {
        Failure::Stranger(_) => Some((WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
        Failure::TooMany(_) | Failure::Refused(Refusal::TooMany(_)) => {
            Some((RETRY_AFTER, HeaderValue::from_static(RETRY)))
        }
        Failure::Method(allowed) => HeaderValue::try_from(allowed.as_str()).ok().map(|allowed| (ALLOW, allowed)),
        _ => None,
    };
    answer.headers_mut().extend(header);
    answer
}
