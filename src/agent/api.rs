//! The agent's own pages: `/health`, `/metrics` and PNDA's `/api/dm/metrics`, all read from the board.
//! Nothing here changes anything, so nobody needs to be asked who he is.
//! Not here: what the pages say.

use super::board::Board;
use super::config::Place;
use super::report::{self, Report};
use super::{clock, prometheus};
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::sync::Arc;
use std::time::Instant;

#[derive(Clone)]
struct Known {
    board: Arc<Board>,
    place: Arc<Place>,
}

/// All pages over a board.
pub fn router(board: Arc<Board>, place: Place) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/metrics", get(metrics))
        .route("/api/dm/metrics", get(data_manager))
        .fallback(async || (StatusCode::NOT_FOUND, "here are /health, /metrics and /api/dm/metrics\n"))
        .with_state(Known { board, place: Arc::new(place) })
}

async fn health(State(known): State<Known>) -> Response {
    let (view, _) = known.board.view(Instant::now());
    let report = Report::of(&view, &known.place);
    let status = if report.is_serving() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    page(status, "application/json", report.json())
}

async fn metrics(State(known): State<Known>) -> Response {
    let (view, counts) = known.board.view(Instant::now());
    page(StatusCode::OK, prometheus::MEDIA_TYPE, prometheus::page(&view, &counts, &known.place))
}

async fn data_manager(State(known): State<Known>) -> Response {
    let (view, _) = known.board.view(Instant::now());
    page(StatusCode::OK, "application/json", report::data_manager(&view, clock::now_ms()))
}

fn page(status: StatusCode, media_type: &'static str, text: String) -> Response {
    (status, [(header::CONTENT_TYPE, media_type), (header::CACHE_CONTROL, "no-store")], text).into_response()
}
