//! The program `pnda-agent`, one on each node; called `pnda` it is what people use on an edge.
//! It only hands over to a command line.
//! Not here: anything else.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let called = std::env::args_os().next().unwrap_or_default();
    match Path::new(&called).file_name().and_then(|name| name.to_str()) {
        Some("pnda") => pnda::cli::edge::main(),
        _ => pnda::cli::agent::main(),
    }
}
