//! Serves a mirror over HTTP: ranges, conditional requests, listings. Read-only; any other web server does as well.
//! The current generation is looked up at each request, so a publication is seen at once.
//! Not here: what is served.

use super::publish::generation::current;
use crate::words::names::SafePath;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use axum::{Router, routing};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tower_http::services::ServeDir;

/// Why nothing is served.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no mirror.
    #[error("{} holds no published generation; run `pnda mirror build` first", path.display())]
    NoMirror { path: PathBuf },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen { address: SocketAddr, source: io::Error },
    /// The server failed.
    #[error("the server stopped")]
    Serve(#[source] io::Error),
}

/// A server that is bound and runs until it is dropped or told to stop.
pub struct Server {
    /// Where it listens; the port is the real one if 0 was asked for.
    pub address: SocketAddr,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<io::Result<()>>>,
}

/// Starts serving in a thread of its own.
pub fn start(mirror: &Path, address: SocketAddr) -> Result<Server, Error> {
    if super::publish::generation::current_list(mirror).is_none() {
        return Err(Error::NoMirror { path: mirror.to_owned() });
    }
    let listen = |source| Error::Listen { address, source };
    let listener = std::net::TcpListener::bind(address).map_err(listen)?;
    listener.set_nonblocking(true).map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(listen)?;
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let mirror = mirror.to_owned();
    let run = move || {
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            let until = async { drop(stopped.await) };
            axum::serve(listener, routes(mirror)).with_graceful_shutdown(until).await
        })
    };
    Ok(Server { address, stop: Some(stop), thread: Some(std::thread::spawn(run)) })
}

impl Server {
    /// Waits until the server ends by itself.
    pub fn wait(mut self) -> Result<(), Error> {
        self.thread.take().map_or(Ok(()), |thread| thread.join().unwrap_or(Ok(()))).map_err(Error::Serve)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Open downloads are not waited for: the thread ends with the program.
        drop(self.stop.take());
    }
}

fn routes(mirror: PathBuf) -> Router {
    Router::new().fallback(routing::get(answer)).with_state(Arc::new(mirror))
}

async fn answer(State(mirror): State<Arc<PathBuf>>, request: Request) -> Response {
    let folder = current(&mirror);
    let path = percent_decode_str(request.uri().path()).decode_utf8_lossy().trim_start_matches('/').to_owned();
    if let Some(inside) = folder_to_list(&folder, &path) {
        return listing(&inside, &path).await;
    }
    match ServeDir::new(&folder).try_call(request).await {
        Ok(response) => response.map(Body::new),
        Err(error) if error.kind() == io::ErrorKind::NotFound => StatusCode::NOT_FOUND.into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// The folder that a request means, if it is one without a page of its own.
fn folder_to_list(folder: &Path, path: &str) -> Option<PathBuf> {
    let inside = match path.strip_suffix('/') {
        Some(below) => SafePath::new(below).ok()?.under(folder),
        None if path.is_empty() => folder.to_owned(),
        None => return None,
    };
    (inside.is_dir() && !inside.join("index.html").is_file()).then_some(inside)
}

async fn listing(folder: &Path, path: &str) -> Response {
    let Ok(mut entries) = tokio::fs::read_dir(folder).await else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let mut rows = Vec::new();
    while let Ok(Some(entry)) = entries.next_entry().await {
        let Ok(metadata) = entry.metadata().await else { continue };
        let name = entry.file_name().to_string_lossy().into_owned();
        rows.push((name, metadata.is_dir(), metadata.len()));
    }
    rows.sort();
    Html(listing_page(path, &rows)).into_response()
}

fn listing_page(path: &str, rows: &[(String, bool, u64)]) -> String {
    let line = |(name, folder, size): &(String, bool, u64)| {
        let slash = if *folder { "/" } else { "" };
        let href = utf8_percent_encode(name, NON_ALPHANUMERIC);
        let size = if *folder { String::new() } else { size.to_string() };
        format!("<tr><td><a href=\"{href}{slash}\">{}{slash}</a></td><td>{size}</td></tr>", escape(name))
    };
    let rows: Vec<String> = rows.iter().map(line).collect();
    let title = format!("/{}", escape(path));
    format!(
        "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>{title}</title></head>\n\
         <body><h1>{title}</h1><table>\n{}\n</table></body></html>\n",
        rows.join("\n")
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_is_escaped() {
        let page = listing_page("a&b/", &[("<x>.jar".into(), false, 3), ("lib".into(), true, 0)]);
        assert!(page.contains("<a href=\"%3Cx%3E%2Ejar\">&lt;x&gt;.jar</a></td><td>3</td>"), "{page}");
        assert!(page.contains("<a href=\"lib/\">lib/</a>") && page.contains("/a&amp;b/"), "{page}");
    }
}
