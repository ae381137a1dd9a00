//! `pnda-agent queue`: which queue of YARN somebody's work goes to, for every command that submits.
//! The queue alone is on standard output; exit codes and messages are those of PNDA's script: 1 no map, 2 no rule, 3 refused.
//! Not here: the decision.

use super::failure::{FAILED, Failure, Outcome, say, warn};
use crate::apps::queue::{self, Error, Refused};
use crate::systems::users::Account;
use crate::words::chain::chain;
use clap::Args;
use rustix::process::geteuid;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

/// No rule is for this user.
const NO_RULE: u8 = 2;
/// The queue that was asked for is none of his.
const NOT_HIS: u8 = 3;

/// Options of `queue`.
#[derive(Args)]
pub(super) struct Arguments {
    /// The queue that is asked for; an empty one is none.
    #[arg(long, value_name = "QUEUE", allow_hyphen_values = true)]
    requested: Option<OsString>,
    /// The map of users and groups to queues.
    #[arg(long, value_name = "FILE", default_value = queue::FILE)]
    map: PathBuf,
    /// Whose queue, instead of the caller's: for root alone.
    #[arg(long, value_name = "USER")]
    user: Option<String>,
}

/// Decides for the caller.
pub(super) fn run(arguments: &Arguments) -> Outcome {
    let user = user(arguments.user.as_deref())?;
    let requested = arguments.requested.as_ref().map(|queue| queue.to_string_lossy());
    let requested = requested.as_deref().filter(|queue| !queue.is_empty());
    match queue::choose(&arguments.map, &user, requested) {
        Ok((queue, mistakes)) => {
            if !mistakes.is_empty() {
                warn(&mistakes.to_string())?;
            }
            say(queue.as_str())?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            // PNDA's messages have nothing before them.
            warn(&chain(&error))?;
            Ok(ExitCode::from(code(&error)))
        }
    }
}

fn user(named: Option<&str>) -> Result<Account, Failure> {
    let caller = geteuid();
    match named {
        None => Ok(Account::of_number(caller.as_raw())?),
        Some(name) if caller.is_root() => Ok(Account::named(name)?),
        Some(_) => Err(Failure::new(FAILED, "only root may ask for the queue of somebody else: leave --user out")),
    }
}

fn code(error: &Error) -> u8 {
    match error {
        Error::Refused { why: Refused::NoRule { .. }, .. } => NO_RULE,
        Error::Refused { why: Refused::NotHis { .. }, .. } => NOT_HIS,
        Error::Missing(_) | Error::Read { .. } | Error::User(_) => FAILED,
    }
}
