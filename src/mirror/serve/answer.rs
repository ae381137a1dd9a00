//! From a request to an answer, out of one generation: which file, which form of it, which bytes.
//! Everything small is read here; files are opened, and their bytes follow as the client takes them.
//! Not here: connections.

use super::body::{Body, Part};
use super::condition::{Validators, Verdict, judge};
use super::form::{self, Chosen, Content, Form};
use super::pinned::Mirror;
use super::range::{Asked, asked};
use super::road::Road;
use super::target::Target;
use hyper::body::Body as HttpBody;
use hyper::header::{
    self, ACCEPT_RANGES, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG,
    HeaderName, HeaderValue, LAST_MODIFIED, LOCATION, RETRY_AFTER, VARY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};
use std::io;
use std::ops::Range;
use systems::hostnames::REFUSAL;

/// Answers a request.
pub(super) fn answer(request: &Parts, mirror: &Mirror, road: Road) -> Response<Body> {
    if request.method != Method::GET && request.method != Method::HEAD {
        return with(told(StatusCode::METHOD_NOT_ALLOWED), ALLOW, "GET, HEAD");
    }
    let Some(target) = Target::read(request.uri.path()) else { return told(StatusCode::NOT_FOUND) };
    let Ok(pinned) = mirror.pin() else {
        return with(told(StatusCode::SERVICE_UNAVAILABLE), RETRY_AFTER, "30");
    };
    let response = match form::choose(&pinned, &target, &request.headers) {
        Ok(Chosen::File(form)) => file(request, form, road),
        Ok(Chosen::Listing(page)) => {
            let response = with(whole(Body::text(page)), CONTENT_TYPE, "text/html; charset=utf-8");
            with(response, CACHE_CONTROL, "no-store")
        }
        Ok(Chosen::Elsewhere(place)) => with(told(StatusCode::MOVED_PERMANENTLY), LOCATION, &place),
        Err(error) => told(refusal(&error)),
    };
    if request.method == Method::HEAD { response.map(|_| Body::default()) } else { response }
}

/// Answers a request that is for another server.
pub(super) fn misdirected() -> Response<Body> {
    let mut response = with(whole(Body::text(REFUSAL)), CONTENT_TYPE, "text/plain; charset=utf-8");
    *response.status_mut() = StatusCode::MISDIRECTED_REQUEST;
    response
}

/// What an error of the file system means to a client; links and the like do not exist for it.
fn refusal(error: &io::Error) -> StatusCode {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidFilename => {
            StatusCode::NOT_FOUND
        }
        io::ErrorKind::PermissionDenied => StatusCode::FORBIDDEN,
        _ if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => StatusCode::NOT_FOUND,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn file(request: &Parts, form: Form, road: Road) -> Response<Body> {
    let verdict = judge(&request.headers, &form.validators);
    let response = match verdict {
        Verdict::NotModified => empty(StatusCode::NOT_MODIFIED),
        Verdict::Failed => told(StatusCode::PRECONDITION_FAILED),
        Verdict::Answer | Verdict::AnswerWhole => {
            let range = request.headers.get(header::RANGE).and_then(|range| range.to_str().ok());
            let ranged = verdict == Verdict::Answer && request.method == Method::GET;
            let asked = asked(range.filter(|_| ranged), form.size);
            sent(asked, &form, road)
        }
    };
    described(response, form)
}

/// The bytes that are asked for.
fn sent(asked: Asked, form: &Form, road: Road) -> Response<Body> {
    match asked {
        Asked::Whole => whole(Body::new([part(form, 0..form.size)], road)),
        Asked::Nothing => {
            with(told(StatusCode::RANGE_NOT_SATISFIABLE), CONTENT_RANGE, &format!("bytes */{}", form.size))
        }
        Asked::Parts(parts) if parts.len() == 1 => {
            let response = whole(Body::new([part(form, parts[0].clone())], road));
            with(partial(response), CONTENT_RANGE, &content_range(&parts[0], form.size))
        }
        Asked::Parts(parts) => several(&parts, form, road),
    }
}

fn part(form: &Form, range: Range<u64>) -> Part {
    match &form.content {
        Content::Small(bytes) => Part::Bytes(bytes.slice(range.start as usize..range.end as usize)),
        Content::Large(file) => Part::File(file.clone(), range),
    }
}

/// Several ranges, as the parts of a message.
fn several(ranges: &[Range<u64>], form: &Form, road: Road) -> Response<Body> {
    let boundary = format!("{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..));
    let mut parts = Vec::new();
    for range in ranges {
        let head = format!(
            "\r\n--{boundary}\r\nContent-Type: {}\r\nContent-Range: {}\r\n\r\n",
            form.media_type,
            content_range(range, form.size)
        );
        parts.extend([Part::Bytes(head.into()), part(form, range.clone())]);
    }
    parts.push(Part::Bytes(format!("\r\n--{boundary}--\r\n").into()));
    let response = partial(whole(Body::new(parts, road)));
    with(response, CONTENT_TYPE, &format!("multipart/byteranges; boundary={boundary}"))
}

fn content_range(range: &Range<u64>, size: u64) -> String {
    format!("bytes {}-{}/{size}", range.start, range.end - 1)
}

/// Says what the bytes are, how long they hold, and what else could have been sent.
fn described(mut response: Response<Body>, form: Form) -> Response<Body> {
    let success = response.status().is_success();
    let headers = response.headers_mut();
    let Validators { tag, modified } = form.validators;
    headers.insert(ETAG, tag);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(form.cache_control));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.extend(modified.map(|time| (LAST_MODIFIED, time)));
    headers.extend(form.vary.map(|names| (VARY, HeaderValue::from_static(names))));
    if success {
        headers.extend(form.coding.map(|coding| (CONTENT_ENCODING, HeaderValue::from_static(coding))));
        headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static(form.media_type));
    }
    response
}

/// An answer of all that a body has.
fn whole(body: Body) -> Response<Body> {
    let length = HttpBody::size_hint(&body).lower();
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_LENGTH, length.into());
    response
}

fn partial(mut response: Response<Body>) -> Response<Body> {
    *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    response
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::default());
    *response.status_mut() = status;
    response
}

/// An answer without a file: a line that says what is the matter.
fn told(status: StatusCode) -> Response<Body> {
    let mut response = with(whole(Body::text(format!("{status}\n"))), CONTENT_TYPE, "text/plain; charset=utf-8");
    *response.status_mut() = status;
    response
}

/// One more header; text that cannot be one is left out.
fn with(mut response: Response<Body>, name: HeaderName, value: &str) -> Response<Body> {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
    response
}
