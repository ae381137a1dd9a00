//! What all listeners share: the manager, who may do what, who holds tokens, and the gate that every request goes through.
//! A request is counted for whoever has proved who he is, else for the address that it comes from.
//! Not here: connections, and what is answered.

use super::access::{self, Rules};
use super::body::Reading;
use super::caller::{Peer, Proved};
use super::failure::Failure;
use super::gate::Gate;
use super::routes::{self, Answer, Asked};
use super::tokens::Tokens;
use apps::manager::Manager;
use hyper::Request;
use hyper::body::Incoming;
use std::sync::Arc;
use std::time::Instant;

/// One for all listeners.
pub(super) struct House {
    pub(super) manager: Arc<Manager>,
    pub(super) rules: Rules,
    pub(super) tokens: Option<Tokens>,
    pub(super) gate: Arc<Gate>,
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
        let work = move || {
            // It is taken until the work is done, also where nobody waits for it any more.
            let _desk = desk;
            let person = proved.person(&self.rules)?;
            let person = person.map(|person| person.asking_for(name.as_deref(), &self.rules)).transpose()?;
            let asked = Asked { person, parts, captured, body };
            routes::answer(&self.manager, route, &self.rules, open, asked)
        };
        tokio::task::spawn_blocking(work).await.unwrap_or(Err(Failure::Broken))
    }
}
