//! A polite, blocking HTTP client: bounded time, rate and redirects, few requests at once to one host, retries with
//! jittered back-off that honour `Retry-After` for the whole host. It gives bodies as readers or, where small, as bytes.
//! Not here: what the bytes must be; that is checked where they land.

use std::collections::HashMap;
use std::io::Read;
use std::net::ToSocketAddrs;
use std::sync::{Arc, Mutex, PoisonError};
use url::{Origin, Url};
use words::event::{Event, Tell};
use words::location::{Led, Location};

mod answer;
mod error;
mod gate;
mod options;
mod pace;
mod pools;
mod proxy;
mod redirect;

pub use answer::{Answer, Question};
pub use error::Error;
pub use options::{Bounds, Options, Patience, Split};
pub use pace::Slowest;
pub use proxy::{Proxies, Proxy};

use crate::client::{Response, Speaks};
use error::LONGEST_WAIT;
use gate::{Gate, Permit};
use options::Credentials;
use pace::Pace;
use pools::{Pools, Way};
use redirect::Reach;
pub use redirect::lead;
use reqwest::Method;
use reqwest::header::{ACCEPT, IF_RANGE, RANGE};

/// The most redirects that are followed for one answer.
const MOST_REDIRECTS: usize = 5;

/// The client; cheap to share, keeps connections open.
#[derive(Debug, Clone)]
pub struct Http {
    options: Arc<Options>,
    pools: Arc<Pools>,
    gate: Arc<Gate>,
    pace: Arc<Pace>,
    reaches: Arc<Mutex<HashMap<Origin, Reach>>>,
}

impl Http {
    /// A client that trusts what this machine trusts and uses the proxies of the environment.
    pub fn new(patience: Patience) -> Http {
        Http::with(Options { patience, ..Options::from_environment(&std::env::vars().collect()) })
    }

    /// A client of a site that has said how it reaches the web.
    pub fn with(options: Options) -> Http {
        let (gate, pace) = (Arc::new(Gate::new(options.bounds)), Arc::new(Pace::new(options.max_rate)));
        Http { options: Arc::new(options), pools: Arc::default(), gate, pace, reaches: Arc::default() }
    }

    /// How patient this client is.
    pub fn patience(&self) -> Patience {
        self.options.patience
    }

    /// How it divides large files.
    pub fn split(&self) -> Split {
        self.options.split
    }

    /// How many requests it makes at a time.
    pub fn bounds(&self) -> Bounds {
        self.options.bounds
    }

    /// The most bytes a second that it takes, if that is bounded.
    pub fn max_rate(&self) -> Option<u64> {
        self.options.max_rate
    }

    /// Asks once, from byte `start` on, for an answer of one of the media types in `accept`.
    pub fn get(&self, location: &Location, start: u64, accept: &str) -> Result<Answer, Error> {
        self.ask(location, Question { start, accept, ..Question::default() })
    }

    /// Asks once, following redirects.
    pub fn ask(&self, location: &Location, question: Question) -> Result<Answer, Error> {
        let mut chain = match location {
            Location::Path(_) => return Err(Error::NotWeb { location: location.clone() }),
            Location::Web(url) => self.begin(url),
            Location::Led(led) => self.led(location, led)?,
        };
        for _ in 0..=MOST_REDIRECTS {
            let (response, permit) = self.send(location, &chain, &question)?;
            let status = response.status().as_u16();
            let target = answer::text(response.headers(), "location");
            match (status, target) {
                (301 | 302 | 303 | 307 | 308, Some(target)) => chain.follow(location, target)?,
                _ => return self.answer(location, &chain, response, permit, &question),
            }
        }
        Err(Error::Redirects { location: location.clone() })
    }

    fn begin(&self, url: &Url) -> Chain<'_> {
        let mut at = url.clone();
        let credentials = Credentials::take(&mut at);
        Chain { options: &self.options, source: at.clone(), at, reach: None, credentials }
    }

    /// What a page leads to is asked for as what a redirect leads to.
    fn led(&self, location: &Location, Led { page, url }: &Led) -> Result<Chain<'_>, Error> {
        let reach = self.reach(page);
        match redirect::follow(page, url.as_str(), reach) {
            Ok(_) => Ok(Chain { reach: Some(reach), ..self.begin(url) }),
            Err(refused) => {
                let (location, page) = (location.clone(), page.clone());
                Err(Error::Led { location, page: Box::new(page), refused: Box::new(refused) })
            }
        }
    }

    /// How far inside a page is; looked up once, for a page leads to many files.
    fn reach(&self, page: &Url) -> Reach {
        let proxied = self.options.proxies.for_url(page).is_some();
        let mut known = self.reaches.lock().unwrap_or_else(PoisonError::into_inner);
        *known.entry(page.origin()).or_insert_with(|| reach(page, proxied))
    }

    fn send(&self, location: &Location, chain: &Chain<'_>, question: &Question) -> Result<(Response, Permit), Error> {
        let host = chain.at.host_str().unwrap_or_default();
        let closed = |wait| Error::Closed { location: location.clone(), wait };
        // Pieces of a large file are worth a connection each: one connection has one window, and one bad moment for all.
        let speaks = if question.end.is_some() { Speaks::Http1 } else { Speaks::Http2 };
        let mut permit = self.gate.enter(host, speaks, LONGEST_WAIT).map_err(closed)?;
        let client = self.pools.of(&chain.way(speaks), self.options.patience)?;
        let accept = if question.accept.is_empty() { "*/*" } else { question.accept };
        let mut request = client.request(Method::GET, chain.at.as_str()).header(ACCEPT, accept);
        if let Some(range) = question.range() {
            request = request.header(RANGE, range);
            if let Some(validator) = question.validator {
                request = request.header(IF_RANGE, validator);
            }
        }
        if let Some(Credentials { user, password }) = chain.credentials() {
            request = request.basic_auth(user, Some(password));
        }
        match client.send(request) {
            Ok(response) => {
                permit.answered(response.is_multiplexed());
                Ok((response, permit))
            }
            Err(source) => Err(Error::Connection { location: location.clone(), source: Box::new(source) }),
        }
    }

    fn answer(
        &self,
        location: &Location,
        chain: &Chain<'_>,
        response: Response,
        permit: Permit,
        question: &Question,
    ) -> Result<Answer, Error> {
        let head = answer::head(location, response.status().as_u16(), response.headers(), question);
        if let Err(Error::Status { status: 429 | 503, retry_after: Some(wait), .. }) = &head {
            self.gate.pause(chain.at.host_str().unwrap_or_default(), *wait);
        }
        let head = head?;
        let slowest = match response.is_multiplexed() {
            // The connection must bring it, and shares it out among its streams.
            true => self.options.slowest.shared_by(self.options.bounds.streams),
            false => self.options.slowest,
        };
        let body = answer::Body::new(response.body(), permit, self.pace.clone(), slowest);
        Ok(Answer {
            start: head.start,
            is_part: head.is_part,
            length: head.length,
            total: head.total,
            gives_parts: head.gives_parts,
            validator: head.validator,
            media_type: head.media_type,
            body: Box::new(body),
        })
    }

    /// A small document, whole, with retries.
    pub fn get_small(&self, location: &Location, accept: &str, limit: u64, tell: Tell) -> Result<Vec<u8>, Error> {
        self.retrying(tell, || {
            let answer = self.get(location, 0, accept)?;
            let mut bytes = Vec::new();
            let broke = |source| Error::Body { location: location.clone(), source };
            answer.body.take(limit + 1).read_to_end(&mut bytes).map_err(broke)?;
            if bytes.len() as u64 > limit {
                return Err(Error::TooLong { location: location.clone(), limit });
            }
            Ok(bytes)
        })
    }

    /// Tries again while an error may pass, with growing waits.
    pub fn retrying<T>(&self, tell: Tell, mut once: impl FnMut() -> Result<T, Error>) -> Result<T, Error> {
        let mut tried = 0;
        loop {
            let error = match once() {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            tried += 1;
            if tried >= self.patience().tries || !error.is_passing() {
                return Err(error);
            }
            self.wait(tried, &error, tell);
        }
    }

    /// Sleeps before try number `tried` + 1: as long as was asked for, else twice as long each time. Both with jitter, so
    /// that those who failed together do not come back together.
    pub fn wait(&self, tried: u32, error: &Error, tell: Tell) {
        let backed_off = self.patience().first_wait.saturating_mul(1 << tried.saturating_sub(1).min(6));
        let wait = match error.retry_after() {
            Some(asked) => asked + backed_off.mul_f64(fastrand::f64() / 2.0),
            None => backed_off.mul_f64(0.5 + fastrand::f64() / 2.0),
        };
        let wait = wait.min(LONGEST_WAIT);
        tell(Event::Retry {
            what: format!("try {} of {}", tried + 1, self.patience().tries),
            why: error.to_string(),
            wait_ms: wait.as_millis() as u64,
        });
        std::thread::sleep(wait);
    }
}

/// One question and the redirects that it has led to so far.
struct Chain<'a> {
    options: &'a Options,
    source: Url,
    at: Url,
    /// How far inside the source is; looked up with the first redirect.
    reach: Option<Reach>,
    credentials: Option<Credentials>,
}

impl Chain<'_> {
    fn way(&self, speaks: Speaks) -> Way {
        Way {
            authorities: self.options.authorities.clone(),
            proxy: self.options.proxies.for_url(&self.at).cloned(),
            // What the site itself has named may be anywhere.
            reach: self.reach.unwrap_or(Reach::Local),
            speaks,
        }
    }

    /// Who we are to the server that is asked now: what was given for it, and for no other.
    fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref().filter(|_| self.at.origin() == self.source.origin())
    }

    fn follow(&mut self, location: &Location, target: &str) -> Result<(), Error> {
        let reach = *self
            .reach
            .get_or_insert_with(|| reach(&self.source, self.options.proxies.for_url(&self.source).is_some()));
        match redirect::follow(&self.at, target, reach) {
            Ok(next) => self.at = next,
            Err(refused) => return Err(Error::Redirect { location: location.clone(), refused: Box::new(refused) }),
        }
        Ok(())
    }
}

/// How far inside a source is: as far as the outermost of its addresses. Behind a proxy nobody here can look that up.
fn reach(source: &Url, proxied: bool) -> Reach {
    let written = Reach::written(source);
    if proxied || written != Reach::Public {
        return written;
    }
    let port = source.port_or_known_default().unwrap_or(0);
    let addresses = (source.host_str().unwrap_or_default(), port).to_socket_addrs();
    addresses.ok().and_then(|all| all.map(|address| Reach::of(address.ip())).min()).unwrap_or(Reach::Public)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_known_to_one_server_is_unknown_to_every_other() {
        let http = Http::with(Options::default());
        let mut chain = http.begin(&Url::parse("https://me:secret@Repo.example/a").unwrap());
        let mut known = |at: &str| {
            chain.at = Url::parse(at).unwrap();
            chain.credentials().is_some()
        };
        assert!(known("https://repo.example/a") && known("https://repo.example:443/b"));
        for other in ["http://repo.example/a", "https://repo.example:8443/a", "https://repo.example.evil.example/a"] {
            assert!(!known(other), "{other}");
        }
    }
}
