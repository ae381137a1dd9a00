//! Why a request is not answered with what it asks for: a kind that programs read, a sentence for people, a status.
//! PNDA's clients read `information`; `error` is ours.
//! Not here: the rules (`apps::orders`), and who somebody is.

use apps::orders::Refusal;
use apps::package::repository;
use hyper::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use words::chain::chain;

/// A request that is refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// By a rule, or by what is there.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Nobody knows who asks, and that counts here.
    #[error("{0}")]
    Stranger(String),
    /// Another method would be right.
    #[error("this path takes {0}")]
    Method(String),
    /// The body is longer than what it can be.
    #[error("{0}")]
    TooLarge(String),
    /// Too often, or too many at a time.
    #[error("{0}")]
    TooMany(String),
    /// The request was meant for another server.
    #[error("{0}")]
    Misdirected(String),
    /// It takes longer than clients wait, and goes on.
    #[error(
        "it takes long, and goes on: `{0}` tells what becomes of an order, which is not to be given again before; a dry run orders nothing and may be asked for again"
    )]
    UnderWay(String),
    /// This program failed.
    #[error("the manager failed; its log says more")]
    Broken,
}

/// A refusal as it is written.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "Refusal")]
pub(super) struct Told {
    /// Why, in a sentence or several lines, with what would be right.
    information: String,
    /// The kind.
    error: Kind,
}

/// What programs tell refusals apart by.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    NotFound,
    Conflict,
    Forbidden,
    Invalid,
    NotYet,
    Unavailable,
    Unauthenticated,
    WrongMethod,
    TooLarge,
    TooMany,
    Misdirected,
    UnderWay,
    Broken,
}

impl Failure {
    /// The kind and its status.
    pub(super) fn kind(&self) -> (Kind, StatusCode) {
        match self {
            Failure::Refused(Refusal::NotFound(_)) => (Kind::NotFound, StatusCode::NOT_FOUND),
            Failure::Refused(Refusal::Conflict(_)) => (Kind::Conflict, StatusCode::CONFLICT),
            Failure::Refused(Refusal::Forbidden(_)) => (Kind::Forbidden, StatusCode::FORBIDDEN),
            Failure::Refused(Refusal::Invalid(_)) => (Kind::Invalid, StatusCode::BAD_REQUEST),
            Failure::Refused(Refusal::TooMany(_)) => (Kind::TooMany, StatusCode::TOO_MANY_REQUESTS),
            Failure::Refused(Refusal::NotYet(_)) => (Kind::NotYet, StatusCode::NOT_IMPLEMENTED),
            Failure::Refused(Refusal::Unavailable(_)) => (Kind::Unavailable, StatusCode::SERVICE_UNAVAILABLE),
            Failure::Stranger(_) => (Kind::Unauthenticated, StatusCode::UNAUTHORIZED),
            Failure::Method(_) => (Kind::WrongMethod, StatusCode::METHOD_NOT_ALLOWED),
            Failure::TooLarge(_) => (Kind::TooLarge, StatusCode::PAYLOAD_TOO_LARGE),
            Failure::TooMany(_) => (Kind::TooMany, StatusCode::TOO_MANY_REQUESTS),
            Failure::Misdirected(_) => (Kind::Misdirected, StatusCode::MISDIRECTED_REQUEST),
            Failure::UnderWay(_) => (Kind::UnderWay, StatusCode::GATEWAY_TIMEOUT),
            Failure::Broken => (Kind::Broken, StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    /// As it is written.
    pub(super) fn told(&self) -> Told {
        Told { information: self.to_string(), error: self.kind().0 }
    }
}

impl From<repository::Error> for Failure {
    fn from(error: repository::Error) -> Failure {
        use repository::Error;
        let text = chain(&error);
        match error {
            Error::NotFound { .. } => Refusal::NotFound(text).into(),
            Error::Published { .. } => Refusal::Conflict(text).into(),
            Error::NoShare { .. } => Refusal::Forbidden(text).into(),
            Error::TooLarge { .. } => Failure::TooLarge(text),
            Error::Folder { .. } | Error::NoRoom { .. } => Refusal::Unavailable(text).into(),
            _ => Refusal::Invalid(text).into(),
        }
    }
}
