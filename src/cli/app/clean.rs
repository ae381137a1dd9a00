//! `pnda app clean`: what housekeeping removes, or would, and why everything else stays.
//! What comes from others is escaped where it is printed.
//! Not here: any rule about it; the manager decides.

use super::table;
use crate::cli::failure::{Outcome, say, say_json, warn};
use crate::systems::manager::Client;
use crate::words::housekeeping::{self, Cleaning, Entry};
use crate::words::moment;
use crate::words::shown::shown;
use crate::words::size::Size;
use clap::Args;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

#[derive(Args)]
pub(super) struct Clean {
    /// Only say what would be removed and why, and why everything else stays: nothing is changed.
    #[arg(long)]
    dry_run: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(client: &Client, Clean { dry_run, json }: Clean) -> Outcome {
    let found = client.clean(housekeeping::Clean { dry_run })?;
    if json {
        say_json(&found)?;
        return Ok(ExitCode::SUCCESS);
    }
    for note in &found.notes {
        warn(&shown(note).to_string())?;
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    say(&text(&found, dry_run, now.try_into().unwrap_or(u64::MAX)))?;
    Ok(ExitCode::SUCCESS)
}

/// What goes and what stays, a line each with its reason below.
fn text(found: &Cleaning, dry_run: bool, now_ms: u64) -> String {
    let (going, staying): (Vec<_>, Vec<_>) = found.entries.iter().partition(|one| one.goes);
    let bytes: u64 = going.iter().filter_map(|one| one.bytes).sum();
    let what = if dry_run { "would be removed" } else { "are removed" };
    let head = format!("{} things {what}, {}", going.len(), Size(bytes));
    let rows = |all: &[&Entry]| match all.is_empty() {
        true => String::new(),
        false => listed(all, now_ms),
    };
    let stays = format!("{} stay", staying.len());
    let under_way = match (found.under_way, dry_run) {
        (0, _) | (_, false) => String::new(),
        (count, true) => format!("{count} are being removed by an order that was given before\n"),
    };
    format!("{head}\n{}{stays}\n{}{under_way}", rows(&going), rows(&staying)).trim_end().to_owned()
}

fn listed(all: &[&Entry], now_ms: u64) -> String {
    let head = ["KIND", "SIZE", "AGE", "OWNER", "WHAT", "WHY"].map(str::to_owned).to_vec();
    let row = |one: &&Entry| {
        vec![
            one.kind.to_string(),
            one.bytes.map(|bytes| Size(bytes).to_string()).unwrap_or_default(),
            moment::age(now_ms.saturating_sub(one.at_ms) / 1000),
            shown(&one.owner).to_string(),
            shown(&one.path).to_string(),
            shown(&one.why).to_string(),
        ]
    };
    let rows: Vec<_> = [head].into_iter().chain(all.iter().map(row)).collect();
    format!("{}\n", table::columns(&rows))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::housekeeping::Kind;

    #[test]
    fn each_thing_is_a_line_with_its_reason_and_what_others_named_is_escaped() {
        let one = |goes: bool, why: &str| Entry {
            kind: Kind::HighAvailability,
            path: "/ha/\u{1b}[31m".to_owned(),
            owner: "alice".to_owned(),
            application: None,
            bytes: goes.then_some(4096),
            at_ms: 1_000_000,
            goes,
            why: why.to_owned(),
        };
        let entries = vec![one(true, "YARN says KILLED"), one(false, "it is not ours")];
        let found = Cleaning { entries, notes: Vec::new(), under_way: 3 };
        let told = text(&found, true, 1_000_000 + 7_260_000);
        assert!(told.starts_with("1 things would be removed, 4.0 KiB\n") && told.contains("\n1 stay\n"), "{told}");
        assert!(told.contains("high-availability  4.0 KiB  2 h 1 min  alice"), "{told}");
        assert!(
            told.contains("YARN says KILLED") && told.contains("it is not ours") && !told.contains('\u{1b}'),
            "{told}"
        );
        assert!(told.ends_with("3 are being removed by an order that was given before"), "{told}");
    }
}
