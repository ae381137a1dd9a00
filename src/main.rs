//! The program `pnda`, the engine.
//! It only hands over to its command line.
//! Not here: anything else.

fn main() -> std::process::ExitCode {
    pnda::cli::pnda::main()
}
