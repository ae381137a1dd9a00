//! Pages of a JobManager's web interface, as they are: for people who look at a job through somebody else.
//! Only read; what comes is bounded, and is the job's: its program may have written it.
//! Not here: which pages are shown.

use super::{Error, JobManager, read};
use crate::call::Question;

/// Of Flink's own files the largest that a page needs has 2.8 MB; pages are held whole until they have gone out.
const LONGEST: u64 = 4 << 20;

/// What it answers with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The status.
    pub status: u16,
    /// The body.
    pub bytes: Vec<u8>,
}

impl JobManager {
    /// What it has at a path.
    pub fn page(&self, path: &[&str], query: Option<&str>) -> Result<Page, Error> {
        let asked = super::Asked { query, ..read(format!("show /{}", path.join("/")), path) };
        let url = self.url(&asked)?;
        let question = Question { method: asked.method, url: &url, body: None, longest: LONGEST };
        let lost =
            |why: String| Error::Unreachable { operation: asked.operation.clone(), address: self.address.clone(), why };
        let answer = self.caller.ask(&question).map_err(|error| lost(error.to_string()))?;
        let bytes = answer.body.map_err(|why| self.odd(&asked, why.to_string()))?;
        Ok(Page { status: answer.status, bytes })
    }
}
