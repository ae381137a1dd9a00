//! Why Oozie did not do what it was asked to, or why nobody knows whether it did.
//! The latter is a kind of its own: Oozie has no ids of ours, so who asked must look before he asks again.
//! Not here: waiting.

use words::shown::shown;

/// Why a question came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is not one.
    #[error("`{}` is not where Oozie can answer: write http://host:port", shown(address))]
    Address { address: String },
    /// Nobody took the connection.
    #[error(
        "Oozie does not answer at {address} ({why}), so it was not possible to {operation}: \
         start it, or name another address"
    )]
    NotThere { operation: String, address: String, why: String },
    /// The question went out and the answer did not come.
    #[error(
        "Oozie at {address} did not answer when it was asked to {operation} ({why}): \
         it may have been done; look before you ask again"
    )]
    Unanswered { operation: String, address: String, why: String },
    /// It refused.
    #[error("Oozie at {address} refused to {operation}: {code}: {}", shown(why))]
    Refused { operation: String, address: String, status: u16, code: String, why: String },
    /// What came back is not what Oozie says.
    #[error("what {address} answers when it is asked to {operation} is not Oozie's: {why}")]
    Answer { operation: String, address: String, why: String },
}

impl Error {
    /// Whether it may pass by itself.
    pub fn is_passing(&self) -> bool {
        matches!(self, Error::NotThere { .. } | Error::Unanswered { .. })
    }

    /// Whether what was asked for may have been done all the same.
    pub fn may_have_been_done(&self) -> bool {
        matches!(self, Error::Unanswered { .. })
    }
}
