//! The program `pnda-agent`, one on each node.
//! It only hands over to its command line.
//! Not here: anything else.

fn main() -> std::process::ExitCode {
    pnda::cli::agent::main()
}
