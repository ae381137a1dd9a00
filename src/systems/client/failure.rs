//! Why a request was not answered, or its answer broke off: who was not there, what did not fit, what took too long.
//! It prints the innermost cause and no address; those who ask name what they asked for.
//! Not here: what is done about it.

use std::error::Error;
use std::io;
use std::iter::successors;
use std::time::Duration;
use tokio_rustls::rustls;

/// Why there is no answer, or only a part of one.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// No connection, a broken one, or what came is no HTTP.
    #[error("{}", innermost(.0))]
    Exchange(reqwest::Error),
    /// Nothing came for so long.
    #[error("nothing came within {:.1} s", .0.as_secs_f64())]
    Silence(Duration),
    /// The headers have more bytes than anybody needs.
    #[error("the headers of the answer have {0} bytes")]
    Headers(usize),
    /// This machine gives no thread or no memory for it.
    #[error("{0}")]
    Machine(io::Error),
}

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nobody is there: refused, unreachable, or the name is not known.
    Unreachable,
    /// It took too long.
    Late,
    /// Somebody is there and it broke off or speaks no HTTP.
    Broken,
}

impl Failure {
    /// What kind it is.
    pub fn fault(&self) -> Fault {
        match self {
            Failure::Silence(_) => Fault::Late,
            Failure::Exchange(error) if error.is_timeout() => Fault::Late,
            _ if self.tls().is_some() => Fault::Broken,
            _ => self.io().map_or(Fault::Broken, |error| fault_of_io(error.kind())),
        }
    }

    /// Whether the request surely did not go out.
    pub fn is_unsent(&self) -> bool {
        match self {
            Failure::Exchange(error) => error.is_connect(),
            Failure::Machine(_) => true,
            Failure::Silence(_) | Failure::Headers(_) => false,
        }
    }

    /// Whether the name could not be looked up.
    pub fn is_unknown_name(&self) -> bool {
        matches!(self, Failure::Exchange(error) if error.is_dns() && self.io().is_some())
    }

    /// Whether a proxy answered and made no tunnel.
    pub fn is_refused_by_proxy(&self) -> bool {
        self.io().is_none() && self.causes().any(|cause| cause.to_string().starts_with("tunnel error: "))
    }

    /// Whether it will be so the next time, too.
    pub fn is_lasting(&self) -> bool {
        let too_large = |cause: &(dyn Error + 'static)| {
            cause.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse_too_large)
        };
        let wants_credentials = |cause: &dyn Error| cause.to_string() == "tunnel error: proxy authorization required";
        matches!(self, Failure::Headers(_))
            || self.tls().is_some()
            || self.causes().any(|cause| too_large(cause) || wants_credentials(cause))
    }

    /// What the system says, if it is the cause.
    pub fn io(&self) -> Option<&io::Error> {
        match self {
            Failure::Machine(error) => Some(error),
            _ => self.causes().find_map(|cause| cause.downcast_ref().map(inside)),
        }
    }

    /// What is wrong with the encryption.
    pub fn tls(&self) -> Option<&rustls::Error> {
        self.io()?.get_ref()?.downcast_ref()
    }

    fn causes(&self) -> impl Iterator<Item = &(dyn Error + 'static)> {
        let first: Option<&(dyn Error + 'static)> = match self {
            Failure::Exchange(error) => Some(error),
            _ => None,
        };
        successors(first, |&cause| cause.source())
    }
}

/// An error of the system is often wrapped in another one.
fn inside(error: &io::Error) -> &io::Error {
    error.get_ref().and_then(|inner| inner.downcast_ref()).map_or(error, inside)
}

fn innermost(error: &reqwest::Error) -> String {
    let first: &(dyn Error + 'static) = error;
    successors(Some(first), |&cause| cause.source()).last().map(ToString::to_string).unwrap_or_default()
}

/// What can only happen on a connection is a broken one; all else, a failing resolver or a firewall too, is none.
fn fault_of_io(kind: io::ErrorKind) -> Fault {
    use io::ErrorKind::*;
    match kind {
        TimedOut | WouldBlock => Fault::Late,
        ConnectionReset | ConnectionAborted | BrokenPipe | UnexpectedEof | InvalidData => Fault::Broken,
        _ => Fault::Unreachable,
    }
}

impl From<reqwest::Error> for Failure {
    fn from(error: reqwest::Error) -> Failure {
        Failure::Exchange(error.without_url())
    }
}

/// Those who read a body may get it back with `downcast`.
impl From<Failure> for io::Error {
    fn from(failure: Failure) -> io::Error {
        let kind = match failure.fault() {
            Fault::Late => io::ErrorKind::TimedOut,
            _ => failure.io().map_or(io::ErrorKind::UnexpectedEof, io::Error::kind),
        };
        io::Error::new(kind, failure)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        error.downcast().unwrap_or_else(Failure::Machine)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resolver_that_fails_is_nobody_there() {
        let lookup = io::Error::other("failed to lookup address information: Temporary failure in name resolution");
        assert_eq!(Failure::from(lookup).fault(), Fault::Unreachable);
        assert_eq!(fault_of_io(io::ErrorKind::PermissionDenied), Fault::Unreachable);
        assert_eq!(fault_of_io(io::ErrorKind::ConnectionReset), Fault::Broken);
        assert_eq!(fault_of_io(io::ErrorKind::TimedOut), Fault::Late);
    }
}
