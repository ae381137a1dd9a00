//! The agent's own pages: `/health`, `/metrics` and PNDA's `/api/dm/metrics`, all read from the board.
//! Nothing here changes anything, so nobody needs to be asked who he is.
//! Not here: what the pages say.

use super::board::Board;
use super::config::Place;
use super::report::{self, Report};
use super::{clock, prometheus};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};
use std::sync::Arc;
use std::time::Instant;
use systems::hostnames::{self, Hostnames};

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";

/// All pages over a board.
pub(super) struct Pages {
    pub(super) board: Arc<Board>,
    pub(super) place: Place,
    /// The names by which the agent may be asked.
    pub(super) names: Hostnames,
}

impl Pages {
    /// Answers a request.
    pub(super) fn answer(&self, request: &Parts) -> Response<String> {
        if !self.names.are_meant(request) {
            return page(StatusCode::MISDIRECTED_REQUEST, TEXT, hostnames::REFUSAL.to_owned());
        }
        let (view, counts) = self.board.view(Instant::now());
        let response = match request.uri.path() {
            "/health" => {
                let report = Report::of(&view, &self.place);
                let status = if report.is_serving() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
                page(status, JSON, report.json())
            }
            "/metrics" => page(StatusCode::OK, prometheus::MEDIA_TYPE, prometheus::page(&view, &counts, &self.place)),
            "/api/dm/metrics" => page(StatusCode::OK, JSON, report::data_manager(&view, clock::now_ms())),
            _ => page(StatusCode::NOT_FOUND, TEXT, "here are /health, /metrics and /api/dm/metrics\n".to_owned()),
        };
        match (&request.method, response.status()) {
            (&Method::GET | &Method::HEAD, _) | (_, StatusCode::NOT_FOUND) => response,
            _ => with(page(StatusCode::METHOD_NOT_ALLOWED, TEXT, String::new()), ALLOW, "GET,HEAD"),
        }
    }
}

fn page(status: StatusCode, media_type: &'static str, text: String) -> Response<String> {
    let mut response = with(with(Response::new(text), CONTENT_TYPE, media_type), CACHE_CONTROL, "no-store");
    *response.status_mut() = status;
    response
}

fn with(mut response: Response<String>, name: HeaderName, value: &'static str) -> Response<String> {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
    response
}
