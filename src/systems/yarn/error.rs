//! Why YARN did not do what it was asked to, or why nobody knows whether it did.
//! The latter is a kind of its own: who asked must look before he asks again.
//! Not here: waiting.

use crate::hadoop::Nobody;

/// Why a question came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is not one.
    #[error("`{}` is not where a ResourceManager can answer: write http://host:port", words::shown::shown(address))]
    Address { address: String },
    /// Nobody answers, or only who stands by. It was not taken.
    #[error(
        "no ResourceManager that is active answers ({nobody}), so it was not possible to {operation}: \
         start one, or name the one that is active"
    )]
    NoneActive { operation: String, nobody: Nobody },
    /// The question went out and the answer did not come.
    #[error(
        "the ResourceManager at {address} did not answer when it was asked to {operation} ({why}): \
         it may have been done; look before you ask again"
    )]
    Unanswered { operation: String, address: String, why: String },
    /// It refused.
    #[error("the ResourceManager at {address} refused to {operation}: {kind}: {why}")]
    Refused { operation: String, address: String, status: u16, kind: String, why: String },
    /// What came back is not what a ResourceManager says.
    #[error("what {address} answers when it is asked to {operation} is no ResourceManager's: {why}")]
    Answer { operation: String, address: String, why: String },
}

impl Error {
    /// Whether it may pass by itself.
    pub fn is_passing(&self) -> bool {
        matches!(self, Error::NoneActive { .. } | Error::Unanswered { .. })
    }

    /// Whether what was asked for may have been done all the same.
    pub fn may_have_been_done(&self) -> bool {
        matches!(self, Error::Unanswered { .. })
    }
}
