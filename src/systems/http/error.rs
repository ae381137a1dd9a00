//! Why there is no usable answer, in words that say what to do, and whether trying again may help.
//! Every address in here prints without user information and query.
//! Not here: how often it is tried.

use super::redirect::Refused;
use crate::client::Failure;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};
use tokio_rustls::rustls::pki_types::UnixTime;
use url::Url;
use words::location::Location;

/// Longest wait that a server may ask for with `Retry-After` before we give up instead.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server says it has no such thing.
    #[error("{location}: the server has no such file (status {status})")]
    Missing { location: Location, status: u16 },
    /// The server refuses or fails.
    #[error("{location}: the server answered with status {status}{}{}", meaning(*.status), asked(*.retry_after))]
    Status { location: Location, status: u16, retry_after: Option<Duration> },
    /// The server asked everybody to stay away, for longer than anybody waits.
    #[error("{location}: not asked: its server wants no request for another {} s", wait.as_secs())]
    Closed { location: Location, wait: Duration },
    /// It redirects more often than anybody should.
    #[error("{location}: the server redirects in a circle, or too often")]
    Redirects { location: Location },
    /// It redirects to where nobody may be sent.
    #[error("{location}: the server redirects to {}, which is not followed: {}", refused.to, refused.why)]
    Redirect { location: Location, refused: Box<Refused> },
    /// A page names what leads to where nobody may be sent.
    #[error("{location}: a page of {} leads there, which is not followed: {}", page.host_str().unwrap_or_default(), refused.why)]
    Led { location: Location, page: Box<Url>, refused: Box<Refused> },
    /// An answer that does not fit the question.
    #[error("{location}: the answer makes no sense: {what}")]
    Nonsense { location: Location, what: &'static str },
    /// No connection, a broken one, or no answer in time.
    #[error("{location}: no usable answer{}", advice(source))]
    Connection { location: Location, source: Box<Failure> },
    /// The body broke off, or came too slowly.
    #[error("{location}: the answer broke off")]
    Body { location: Location, source: io::Error },
    /// The body is longer than it may be.
    #[error("{location}: the answer is longer than {limit} bytes")]
    TooLong { location: Location, limit: u64 },
    /// A path where a web address is needed.
    #[error("{location} is not a web address")]
    NotWeb { location: Location },
    /// A file of certificates that cannot be used.
    #[error("cannot use {} as a file of trusted certificates (PEM)", path.display())]
    Authority { path: PathBuf, source: io::Error },
    /// A proxy that cannot be used.
    #[error("cannot use the proxy {proxy}: write http://HOST:PORT or https://HOST:PORT")]
    Proxy { proxy: String },
}

fn meaning(status: u16) -> &'static str {
    match status {
        401 => ": it wants credentials; name them for the source in sources.toml (credentials = \"env:NAME\")",
        403 => ": it refuses access",
        407 => ": the proxy wants credentials",
        416 => ": it has not the range that was asked for",
        429 => ": too many requests; it asks to slow down",
        500.. => ": it has a problem of its own; try again later",
        ..=399 => ": that is no answer to what was asked",
        _ => "",
    }
}

fn asked(retry_after: Option<Duration>) -> String {
    retry_after.map(|wait| format!(" (it wants to be left alone for {} s)", wait.as_secs())).unwrap_or_default()
}

/// What a person can do about a connection that failed.
fn advice(failure: &Failure) -> String {
    match failure.tls().and_then(out_of_time) {
        Some(why) => format!(": its certificate {why}"),
        None => plain_advice(failure).to_owned(),
    }
}

/// A certificate that is valid at another time than the machine thinks it is: as often as not it is the clock that is wrong.
fn out_of_time(error: &tokio_rustls::rustls::Error) -> Option<String> {
    use tokio_rustls::rustls::{CertificateError, Error as Tls};
    let date = |time: UnixTime| httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(time.as_secs()));
    let Tls::InvalidCertificate(certificate) = error else { return None };
    let (bound, time, now) = match certificate {
        CertificateError::ExpiredContext { time, not_after } => ("until", *not_after, *time),
        CertificateError::NotValidYetContext { time, not_before } => ("from", *not_before, *time),
        _ => return None,
    };
    Some(format!(
        "is valid {bound} {}, and the clock of this machine says {}: set the clock if it is wrong, else renew the certificate",
        date(time),
        date(now)
    ))
}

fn plain_advice(failure: &Failure) -> &'static str {
    use tokio_rustls::rustls::{CertificateError, Error as Tls};
    match failure.tls() {
        Some(Tls::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature)) => {
            ": its certificate is not trusted; name the file of your certificate authority"
        }
        Some(Tls::InvalidCertificate(_)) => ": its certificate is not valid for it now",
        Some(_) => ": there is no encrypted connection to be had",
        None if failure.is_unknown_name() => ": the name is not known; is there a way out, or a proxy to set?",
        None if failure.is_refused_by_proxy() => ": the proxy refuses",
        None => "",
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
            Error::Connection { source, .. } => !source.is_lasting(),
            Error::Body { .. } => true,
            _ => false,
        }
    }

    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Error::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
