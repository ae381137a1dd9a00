//! A polite, blocking HTTP client: bounded time, bounded redirects, retries with back-off that honour `Retry-After`.
//! It gives bodies as readers or, where they are small, as bytes under a limit.
//! Not here: what the bytes must be; that is checked where they land.

use crate::words::event::{Event, Tell};
use crate::words::location::Location;
use std::io::{self, Read};
use std::time::{Duration, SystemTime};
use ureq::tls::{RootCerts, TlsConfig};

/// Longest wait that a server may ask for with `Retry-After` before we give up instead.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server says it has no such thing.
    #[error("{location}: the server has no such file (status {status})")]
    Missing { location: Location, status: u16 },
    /// The server refuses or fails.
    #[error("{location}: the server answered with status {status}{}", meaning(*.status))]
    Status { location: Location, status: u16, retry_after: Option<Duration> },
    /// It redirects more often than anybody should.
    #[error("{location}: the server redirects in a circle, or too often")]
    Redirects { location: Location },
    /// No connection, a broken one, or no answer in time.
    #[error("{location}: no usable answer")]
    Connection { location: Location, source: Box<ureq::Error> },
    /// The body broke off.
    #[error("{location}: the answer broke off")]
    Body { location: Location, source: io::Error },
    /// The body is longer than it may be.
    #[error("{location}: the answer is longer than {limit} bytes")]
    TooLong { location: Location, limit: u64 },
    /// A path where a web address is needed.
    #[error("{location} is not a web address")]
    NotWeb { location: Location },
}

fn meaning(status: u16) -> &'static str {
    match status {
        401 => ": it wants credentials; give them in the source's address in sources.toml",
        403 => ": it refuses access",
        407 => ": the proxy wants credentials",
        429 => ": too many requests; it asks to slow down",
        500.. => ": it has a problem of its own; try again later",
        _ => "",
    }
}

impl Error {
    /// Whether trying again may help.
    pub fn is_passing(&self) -> bool {
        match self {
            Error::Status { status, retry_after, .. } => {
                let soon = retry_after.is_none_or(|wait| wait <= LONGEST_WAIT);
                soon && (*status == 408 || *status == 429 || *status >= 500)
            }
            Error::Connection { source, .. } => !matches!(
                **source,
                ureq::Error::BadUri(_)
                    | ureq::Error::RequireHttpsOnly(_)
                    | ureq::Error::Tls(_)
                    | ureq::Error::Rustls(_)
            ),
            Error::Body { .. } => true,
            Error::Missing { .. } | Error::Redirects { .. } | Error::TooLong { .. } | Error::NotWeb { .. } => false,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Error::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// How patient to be.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Tries without any progress before giving up.
    pub tries: u32,
    /// The first wait; it doubles each time.
    pub first_wait: Duration,
    /// How long to wait for a connection, an answer, or the next bytes.
    pub silence: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience { tries: 5, first_wait: Duration::from_millis(500), silence: Duration::from_secs(60) }
    }
}

/// The client; cheap to share, keeps connections open.
#[derive(Debug, Clone)]
pub struct Http {
    agent: ureq::Agent,
    patience: Patience,
}

/// A successful answer whose body is still to be read.
pub struct Answer {
    /// The offset of the first byte: 0 unless the server honoured the range that was asked for.
    pub start: u64,
    /// How many bytes the server says will follow.
    pub length: Option<u64>,
    /// The media type, lower case, without parameters.
    pub media_type: String,
    /// The bytes.
    pub body: Box<dyn Read + Send>,
}

impl Http {
    /// A client that trusts what this machine trusts and uses the proxies of the environment.
    pub fn new(patience: Patience) -> Http {
        let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(5)
            .user_agent(concat!("pnda/", env!("CARGO_PKG_VERSION")))
            .accept_encoding("identity")
            .timeout_connect(Some(patience.silence))
            .timeout_recv_response(Some(patience.silence))
            .timeout_per_read(Some(patience.silence))
            .max_idle_connections_per_host(8)
            .tls_config(tls)
            .build();
        Http { agent: config.into(), patience }
    }

    /// How patient this client is.
    pub fn patience(&self) -> Patience {
        self.patience
    }

    /// Asks once, from byte `start` on, for an answer of one of the media types in `accept`.
    pub fn get(&self, location: &Location, start: u64, accept: &str) -> Result<Answer, Error> {
        let Location::Web(url) = location else {
            return Err(Error::NotWeb { location: location.clone() });
        };
        let mut request = self.agent.get(url.as_str()).header("accept", accept);
        if start > 0 {
            request = request.header("range", format!("bytes={start}-"));
        }
        let answer = request.call().map_err(|source| match source {
            ureq::Error::TooManyRedirects | ureq::Error::RedirectFailed => {
                Error::Redirects { location: location.clone() }
            }
            source => Error::Connection { location: location.clone(), source: Box::new(source) },
        })?;
        let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let status = answer.status().as_u16();
        let start = match status {
            200 => 0,
            206 => header("content-range").and_then(|range| range_start(&range)).unwrap_or(u64::MAX),
            404 | 410 => return Err(Error::Missing { location: location.clone(), status }),
            _ => {
                let retry_after = header("retry-after").and_then(|text| wait_asked_for(&text, SystemTime::now()));
                return Err(Error::Status { location: location.clone(), status, retry_after });
            }
        };
        let media_type = header("content-type").unwrap_or_default();
        Ok(Answer {
            start,
            length: header("content-length").and_then(|text| text.parse().ok()),
            media_type: media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase(),
            body: Box::new(answer.into_body().into_reader()),
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
            if tried >= self.patience.tries || !error.is_passing() {
                return Err(error);
            }
            self.wait(tried, &error, tell);
        }
    }

    /// Sleeps before try number `tried` + 1.
    pub fn wait(&self, tried: u32, error: &Error, tell: Tell) {
        let backed_off = self.patience.first_wait.saturating_mul(1 << tried.saturating_sub(1).min(6));
        let wait = error.retry_after().unwrap_or(backed_off).min(LONGEST_WAIT);
        tell(Event::Retry {
            what: format!("try {} of {}", tried + 1, self.patience.tries),
            why: error.to_string(),
            wait_ms: wait.as_millis() as u64,
        });
        std::thread::sleep(wait);
    }
}

/// The first offset of `bytes 100-199/200`.
fn range_start(text: &str) -> Option<u64> {
    text.strip_prefix("bytes ")?.split('-').next()?.trim().parse().ok()
}

/// Both forms of `Retry-After`: seconds, or a date.
fn wait_asked_for(text: &str, now: SystemTime) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let then = httpdate::parse_http_date(text.trim()).ok()?;
    Some(then.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_retry_after_are_read() {
        let now = httpdate::parse_http_date("Mon, 23 Nov 2026 10:00:00 GMT").unwrap();
        assert_eq!(wait_asked_for("7", now), Some(Duration::from_secs(7)));
        assert_eq!(wait_asked_for("Mon, 23 Nov 2026 10:00:30 GMT", now), Some(Duration::from_secs(30)));
        assert_eq!(wait_asked_for("Mon, 23 Nov 2026 09:00:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(wait_asked_for("soon", now), None);
    }

    #[test]
    fn a_range_names_its_first_byte() {
        assert_eq!(range_start("bytes 100-199/200"), Some(100));
        assert_eq!(range_start("items 1-2/3"), None);
    }

    #[test]
    fn only_passing_errors_are_tried_again() {
        let location = Location::parse("http://repo.example/a").unwrap();
        let status = |status, wait: Option<u64>| Error::Status {
            location: location.clone(),
            status,
            retry_after: wait.map(Duration::from_secs),
        };
        assert!(status(503, None).is_passing() && status(429, Some(5)).is_passing());
        assert!(!status(403, None).is_passing() && !status(429, Some(86_400)).is_passing());
        assert!(!Error::Missing { location: location.clone(), status: 404 }.is_passing());
    }
}
