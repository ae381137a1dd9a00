//! What all listeners share: the manager, who may do what, who holds tokens, and the gate that every request goes through.
//! A request is counted for whoever has proved who he is, else for the address that it comes from.
//! Not here: connections, and what is answered.

use super::access::{self, Rules};
use super::body::Reading;
use super::caller::{Peer, Proved};
use super::failure::Failure;
use super::gate::Gate;
use super::routes::{self, Answer, Asked};
use super::streams::Streams;
use super::tokens::Tokens;
use apps::manager::Manager;
use hyper::Request;
use hyper::body::Incoming;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// So long an order is waited for; connections on which nothing moves are ended after two minutes.
const PATIENCE: Duration = Duration::from_secs(100);

/// One for all listeners.
pub(super) struct House {
    pub(super) manager: Arc<Manager>,
    pub(super) rules: Rules,
    pub(super) tokens: Option<Tokens>,
    pub(super) gate: Arc<Gate>,
    pub(super) streams: Arc<Streams>,
}

impl House {
    /// Answers a request. `open`: everybody may look; `came` hears how many bytes of the body have come.
    pub(super) async fn answer(
        self: Arc<House>,
        peer: &Peer,
        open: bool,
        request: Request<Incoming>,
        came: impl Fn(u64) + Send + 'static,
    ) -> Answer {
        self.admit(peer, open, request, came).await.unwrap_or_else(|failure| routes::refused(&failure))
    }

    async fn admit(
        self: Arc<House>,
        peer: &Peer,
        open: bool,
        request: Request<Incoming>,
        came: impl Fn(u64) + Send + 'static,
    ) -> Result<Answer, Failure> {
        let (parts, body) = request.into_parts();
        let proved = peer.proves(&parts.headers, self.tokens.as_ref());
        // Who fails to prove anything is counted, too.
        let key = proved.as_ref().map_or_else(|_| peer.key(), Proved::key);
        self.gate.count(&key, Instant::now())?;
        let proved = proved?;
        let (route, captured) = routes::find(&parts)?;
        let name = routes::user_name(&parts)?;
        if let Proved::Nobody(_) = proved {
            access::check(route.right, None, &self.rules, open)?;
        }
        let desk = self.gate.desk(&key).await?;
        let body = Reading::of(body, came);
        let next = route.asked_next(&captured);
        let work = move || {
            let person = proved.person(&self.rules)?;
            let person = person.map(|person| person.asking_for(name.as_deref(), &self.rules)).transpose()?;
            let asked = Asked { person, parts, captured, body, house: self.clone() };
            let mut answer = routes::answer(&self.manager, route, &self.rules, open, asked)?;
            // It is taken until the work is done, also where nobody waits for it any more, and until the answer has gone out.
            answer.body_mut().keep(desk);
            Ok(answer)
        };
        let work = async { spawn_blocking(work).await.unwrap_or(Err(Failure::Broken)) };
        within(PATIENCE, next, work).await
    }
}

/// What takes long goes on, and whoever ordered it is told so before the connection is taken for dead.
async fn within<T>(
    patience: Duration,
    next: Option<String>,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    match next {
        Some(next) => timeout(patience, work).await.unwrap_or(Err(Failure::UnderWay(next))),
        None => work.await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn an_order_that_takes_long_is_told_to_be_under_way_and_goes_on() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let (tells, done) = mpsc::channel();
        let work = move || {
            std::thread::sleep(Duration::from_millis(100));
            tells.send(()).unwrap();
            Ok::<_, Failure>(1)
        };
        let told = runtime.block_on(async {
            let work = async { spawn_blocking(work).await.unwrap() };
            within(Duration::from_millis(5), Some("GET /x".to_owned()), work).await
        });
        assert!(matches!(&told, Err(Failure::UnderWay(next)) if next == "GET /x"), "{told:?}");
        done.recv().unwrap();
        let whole = runtime.block_on(within(Duration::ZERO, None, async { Ok::<_, Failure>(2) }));
        assert!(matches!(whole, Ok(2)), "what is only asked for is waited for");
    }
}
