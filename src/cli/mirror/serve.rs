//! `pnda mirror serve`: a mirror over HTTP, on loopback unless told.
//! It runs until it is stopped.
//! Not here: how requests are answered.

use crate::cli::failure::{Outcome, say};
use crate::mirror::serve;
use clap::Args;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

/// Options of `pnda mirror serve`.
#[derive(Args)]
pub struct Arguments {
    /// The mirror's folder.
    #[arg(long, value_name = "FOLDER")]
    mirror: PathBuf,
    /// Where to listen; loopback unless told.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
}

/// Runs it.
pub fn run(arguments: &Arguments) -> Outcome {
    let server = serve::start(&arguments.mirror, arguments.listen)?;
    say(&format!("serving {} on http://{}/", arguments.mirror.display(), server.address))?;
    server.wait()?;
    Ok(ExitCode::SUCCESS)
}
