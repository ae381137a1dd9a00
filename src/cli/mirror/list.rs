//! `pnda mirror list`: the generations that a mirror keeps, a line each.
//! The current one is marked; it reads lists only, so it is instant on any mirror.
//! Not here: whether they are whole.

use crate::cli::failure::{Outcome, say, say_json};
use crate::mirror::generations::listing::{Row, rows};
use crate::words::moment::utc;
use clap::Args;
use indicatif::HumanBytes;
use std::path::PathBuf;
use std::process::ExitCode;

/// Options of `pnda mirror list`.
#[derive(Args)]
pub struct Arguments {
    /// The mirror's folder, or a plain copy of one generation.
    #[arg(long, value_name = "FOLDER")]
    mirror: PathBuf,
    /// Print the rows as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs it.
pub fn run(arguments: &Arguments) -> Outcome {
    let rows = rows(&arguments.mirror)?;
    if arguments.json {
        say_json(&rows)?;
        return Ok(ExitCode::SUCCESS);
    }
    say(&format!("  {:>10}  {:<23}  {:>7}  {:>12}  {:>12}", "GENERATION", "PUBLISHED", "FILES", "SIZE", "NEW"))?;
    rows.iter().try_for_each(|row| say(&line(row)))?;
    Ok(ExitCode::SUCCESS)
}

fn line(row: &Row) -> String {
    let (size, new) = (HumanBytes(row.bytes).to_string(), HumanBytes(row.new_bytes).to_string());
    let mark = if row.current { '*' } else { ' ' };
    let published = row.published.map_or_else(|| "unknown".to_owned(), utc);
    let content = row.content_of.map(|number| format!("  content of {number}")).unwrap_or_default();
    format!("{mark} {:>10}  {published:<23}  {:>7}  {size:>12}  {new:>12}{content}", row.number, row.files)
}
