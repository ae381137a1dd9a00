//! Declared applications, below `/v1`: told as a document would have them, and brought about.
//! Not here: the document that people write (`words::declared`), and what it takes.
//! What an application sets may be a secret: it is told to its owner and administrators alone.

use super::failure::Failure;
use super::routes::{Answer, Asked, document, fine};
use apps::manager::Manager;
use hyper::StatusCode;
use words::declared::Apply;

pub(super) fn all(manager: &Manager, asked: Asked) -> Result<Answer, Failure> {
    fine(&manager.declarations(&[], asked.caller()?)?)
}

pub(super) fn one(manager: &Manager, asked: Asked) -> Result<Answer, Failure> {
    fine(&manager.declarations(&[asked.name(0)?], asked.caller()?)?)
}

pub(super) fn apply(manager: &Manager, mut asked: Asked) -> Result<Answer, Failure> {
    let wanted: Apply = asked.typed()?;
    document(StatusCode::ACCEPTED, &manager.apply(&wanted, asked.caller()?)?)
}
