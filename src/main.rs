//! The program `pnda`, the engine; called `pnda-agent` it is the agent, so that one built program is enough to try both.
//! It only hands over to a command line.
//! Not here: anything else.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let called = std::env::args_os().next().unwrap_or_default();
    match Path::new(&called).file_name().and_then(|name| name.to_str()) {
        Some("pnda-agent") => pnda::cli::agent::main(),
        _ => pnda::cli::pnda::main(),
    }
}
