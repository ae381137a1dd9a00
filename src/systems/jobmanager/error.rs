//! Why a JobManager did not do what it was asked to, or why nobody knows whether it did.
//! A JobManager goes away with its job: nobody there is an everyday answer, and says nothing of the job.
//! Not here: what became of the job.

/// Why a question came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody took the connection, or the answer to a question that changes nothing did not come.
    #[error(
        "no JobManager answers at {address}, so it was not possible to {operation} ({why}): ask YARN where it is now"
    )]
    Unreachable { operation: String, address: String, why: String },
    /// The question went out and the answer did not come.
    #[error(
        "the JobManager at {address} did not answer when it was asked to {operation} ({why}): \
         it may have been done; ask again with the same trigger id, or look"
    )]
    Unanswered { operation: String, address: String, why: String },
    /// It starts, or another one takes over.
    #[error("the JobManager at {address} cannot {operation} yet: {why}")]
    NotReady { operation: String, address: String, why: String },
    /// It refused.
    #[error("the JobManager at {address} refused to {operation}: status {status}: {why}")]
    Refused { operation: String, address: String, status: u16, why: String },
    /// What came back is not what a JobManager says.
    #[error("what {address} answers when it is asked to {operation} is no JobManager's: {why}")]
    Answer { operation: String, address: String, why: String },
}

impl Error {
    /// Whether it may pass by itself, or with another address.
    pub fn is_passing(&self) -> bool {
        matches!(self, Error::Unreachable { .. } | Error::Unanswered { .. } | Error::NotReady { .. })
    }

    /// Whether what was asked for may have been done all the same.
    pub fn may_have_been_done(&self) -> bool {
        matches!(self, Error::Unanswered { .. })
    }
}
