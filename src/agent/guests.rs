//! The agent's door: at most a few guests at once; each asks once, and none stays longer than its time.
//! Where all places are taken the one that came first goes, so that heads without an end keep nobody out.
//! Not here: what guests may ask.

use super::api::Pages;
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;
use systems::places::{Limits, Places};
use tokio::net::TcpListener;
use tokio::time::sleep;

/// From the connection to the last byte of the answer.
const STAY: Duration = Duration::from_secs(3);
/// How many may be in at once, of one address, and what is kept for addresses of which nobody is in.
pub(super) const LIMITS: Limits = Limits { places: 256, share: 128, reserve: 32, first: STAY, kept: STAY, still: STAY };
/// What a head may have: our own clients send a few lines.
const HEAD_BYTES: usize = 8 * 1024;
/// The wait after a failed accept, which means that this process or machine has no more descriptors.
const RECOVER: Duration = Duration::from_millis(500);

/// Receives guests for ever. A kept connection would only hold a place: a watcher comes once in some seconds.
pub(super) async fn receive(listener: TcpListener, limits: Limits, pages: Pages) {
    let (places, pages) = (Places::new(limits), Arc::new(pages));
    tokio::spawn(places.clone().watch());
    loop {
        let Ok((stream, address)) = listener.accept().await else {
            sleep(RECOVER).await;
            continue;
        };
        let Some(place) = places.take(address.ip()) else { continue };
        let pages = pages.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| ready(Ok::<_, Infallible>(pages.answer(&request.into_parts().0))));
            let mut builder = Builder::new();
            builder.keep_alive(false).max_buf_size(HEAD_BYTES);
            let _ = place.keep(builder.serve_connection(TokioIo::new(stream), service)).await;
        });
    }
}
