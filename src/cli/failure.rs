//! A command that failed: the error chain, printed once, and the exit code.
//! Codes: 0 done, 1 failed, 2 wrong usage, 3 verification found a difference, 4 something would change.
//! Not here: what failed.

use crate::mirror::signing;
use crate::systems::manager;
use crate::trial;
use crate::words::chain::chain;
use crate::words::shown::{json, lines};
use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

/// The command could not do what it was asked to.
pub const FAILED: u8 = 1;
/// The command line or a document is wrong.
pub const USAGE: u8 = 2;
/// Bytes are not what was agreed.
pub const MISMATCH: u8 = 3;
/// Something would change; only said by checks and dry runs.
pub const WOULD_CHANGE: u8 = 4;

/// An error with its exit code.
#[derive(Debug)]
pub struct Failure {
    code: u8,
    error: Box<dyn Error>,
}

impl Failure {
    /// What went wrong, without the code.
    pub fn into_error(self) -> Box<dyn Error> {
        self.error
    }

    /// What went wrong.
    pub fn error(&self) -> &dyn Error {
        &*self.error
    }

    /// An error with another code than 1.
    pub fn new(code: u8, error: impl Into<Box<dyn Error>>) -> Failure {
        Failure { code, error: error.into() }
    }
}

impl<E: Error + 'static> From<E> for Failure {
    fn from(error: E) -> Failure {
        Failure::new(if is_of_request(&error) { USAGE } else { FAILED }, error)
    }
}

/// Whether a room says that what it was asked for is wrong.
fn is_of_request(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref().is_some_and(manager::Error::is_of_request)
        || error.downcast_ref().is_some_and(signing::Error::is_of_request)
        || error.downcast_ref().is_some_and(trial::Error::is_of_request)
}

/// What a command comes to.
pub type Outcome = Result<ExitCode, Failure>;

/// Prints the chain of causes, if it failed, and gives the exit code.
pub fn finish(program: &str, outcome: Outcome) -> ExitCode {
    match outcome {
        Ok(code) => code,
        Err(failure) => {
            let _ = writeln!(io::stderr(), "{program}: {}", lines(&chain(&*failure.error)));
            ExitCode::from(failure.code)
        }
    }
}

/// Prints what a command answers: data goes to standard output.
pub fn say(text: &str) -> io::Result<()> {
    give(format!("{}\n", lines(text.trim_end_matches('\n'))).as_bytes())
}

/// The same, byte for byte.
pub fn give(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    heard(out.write_all(bytes).and_then(|()| out.flush()))
}

/// Prints a value that a program reads.
pub fn say_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    Ok(give(format!("{}\n", json(&serde_json::to_string_pretty(value)?)).as_bytes())?)
}

/// A reader that has heard enough, such as `head`, is no failure; what was done keeps its exit code.
fn heard(said: io::Result<()>) -> io::Result<()> {
    match said {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        said => said,
    }
}

/// Prints what a person should know besides: talk goes to standard error.
pub fn warn(text: &str) -> io::Result<()> {
    heard(writeln!(io::stderr(), "{}", lines(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_of_the_manager_is_wrong_usage_where_the_request_is_wrong() {
        for (of_request, code) in [(true, USAGE), (false, FAILED)] {
            let refused = manager::Error::Refused { said: "no".into(), of_request };
            assert_eq!(Failure::from(refused).code, code);
        }
    }
}
