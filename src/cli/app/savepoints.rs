//! `pnda app savepoint`, `savepoints` and `dispose`: taking savepoints, listing them, removing them.
//! Not here: any rule about them; the manager says what is refused and why.
//! What comes from others is escaped where it is printed.

use super::{checked, settled, table, wait};
use crate::cli::failure::{Failure, Outcome, say, say_json, warn};
use crate::systems::manager::Client;
use crate::words::ids::TriggerId;
use crate::words::moment;
use crate::words::names::{ApplicationName, ComponentName};
use crate::words::savepoints::{Adopt, Dispose, Kept, Removed, Savepoints};
use crate::words::shown::shown;
use clap::Args;
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

#[derive(Args)]
pub(super) struct Take {
    /// Its name.
    #[arg(value_parser = checked::<ApplicationName>)]
    application: ApplicationName,
    /// Wait until it is complete. Exit code 1 if it is not.
    #[arg(long)]
    wait: bool,
    /// Take none: have the next start begin from this savepoint or checkpoint in HDFS, wherever it comes from.
    #[arg(long, value_name = "PATH", conflicts_with = "wait")]
    adopt: Option<String>,
    /// The component that begins from it, where there are several.
    #[arg(long, value_parser = checked::<ComponentName>, requires = "adopt")]
    component: Option<ComponentName>,
}

#[derive(Args)]
pub(super) struct List {
    /// Its name.
    #[arg(value_parser = checked::<ApplicationName>)]
    application: ApplicationName,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub(super) struct Remove {
    /// The application.
    #[arg(value_parser = checked::<ApplicationName>)]
    application: ApplicationName,
    /// The savepoint's id, as `pnda app savepoints` lists it.
    #[arg(value_parser = checked::<TriggerId>)]
    savepoint: TriggerId,
    /// Remove it although its component would begin from it.
    #[arg(long)]
    newest: bool,
    /// Only say what would be removed, and what stands against it.
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn take(client: &Client, Take { application, wait, adopt, component }: Take) -> Outcome {
    if let Some(path) = adopt {
        client.adopt_state(&application, &Adopt { component, path })?;
        say(&format!("the next start of {application} begins from it"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let taken = client.savepoint(&application)?.savepoints;
    for (component, id) in &taken {
        say(&format!("savepoint {id} of {component}"))?;
    }
    let ids: BTreeMap<ComponentName, String> = taken;
    settled(client, &application, wait, wait::is_saved(ids))
}

pub(super) fn list(client: &Client, List { application, json }: List) -> Outcome {
    let all = client.savepoints(&application)?;
    match json {
        true => say_json(&all)?,
        false => print(&application, &all)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn print(application: &ApplicationName, all: &Savepoints) -> Result<(), Failure> {
    for note in &all.notes {
        warn(&shown(note).to_string())?;
    }
    if all.list.is_empty() {
        return Ok(say(&format!("no savepoint; `pnda app savepoint {application}` takes one"))?);
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    Ok(say(&text(all, now.try_into().unwrap_or(u64::MAX)))?)
}

/// A line each, then what there is to say of some.
fn text(all: &Savepoints, now_ms: u64) -> String {
    let head = ["ID", "COMPONENT", "STATE", "ORIGIN", "AGE", "BYTES", "USABLE", "JOB", "PACKAGE"].map(str::to_owned);
    let word = |known: Option<String>| known.unwrap_or_else(|| "?".to_owned());
    let row = |kept: &Kept| {
        let drained = if kept.drained { ", drained" } else { "" };
        vec![
            kept.id.clone(),
            kept.component.to_string(),
            kept.state.to_string(),
            format!("{}{drained}", kept.origin),
            moment::age(now_ms.saturating_sub(kept.at_ms) / 1000),
            word(kept.bytes.map(|bytes| bytes.to_string())),
            word(kept.usable.map(|usable| if usable { "yes" } else { "no" }.to_owned())),
            kept.job_id.clone().unwrap_or_default(),
            kept.package.as_ref().map(ToString::to_string).unwrap_or_default(),
        ]
    };
    let rows: Vec<_> = [head.to_vec()].into_iter().chain(all.list.iter().map(row)).collect();
    let more = |kept: &Kept| {
        let path = kept.path.iter().map(|path| format!("lies in {path}"));
        let needed = kept.in_use.iter().map(|who| format!("in use: {who}"));
        let all = path.chain(kept.reason.clone()).chain(needed);
        all.map(|line| format!("{}: {}\n", kept.id, shown(&line))).collect::<String>()
    };
    format!("{}\n{}", table::columns(&rows), all.list.iter().map(more).collect::<String>())
}

pub(super) fn remove(client: &Client, Remove { application, savepoint, newest, dry_run }: Remove) -> Outcome {
    let Removed { component, folder, bytes, next, .. } =
        client.dispose(&application, &savepoint, Dispose { newest, dry_run })?;
    let size = bytes.map(|bytes| format!(", {bytes} bytes")).unwrap_or_default();
    let what = if dry_run { "would be removed" } else { "is removed" };
    say(&format!("savepoint {savepoint} {what}, with all in {}{size}", shown(&folder)))?;
    let next = next.map(|path| format!("begins from {}", shown(&path)));
    let next = next.unwrap_or_else(|| "begins from no state of its own: name one with --from, or --empty".to_owned());
    say(&format!("{component} then {next}"))?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::savepoints::{KeptState, TakenBy};

    #[test]
    fn a_savepoint_is_a_line_and_what_others_named_is_escaped() {
        let kept = Kept {
            id: "a".repeat(32),
            component: ComponentName::new("count").unwrap(),
            state: KeptState::Completed,
            reason: None,
            origin: TakenBy::Stop,
            drained: true,
            at_ms: 1_000_000,
            bytes: Some(4096),
            path: Some("hdfs://nn:8020/s/\u{1b}[31m".to_owned()),
            usable: None,
            job_id: None,
            package: None,
            in_use: vec!["a/count runs, and began from it".to_owned()],
        };
        let told = text(&Savepoints { list: vec![kept], notes: Vec::new() }, 1_000_000 + 7_260_000);
        assert!(told.contains("completed  stop, drained  2 h 1 min  4096   ?"), "{told}");
        assert!(told.contains("in use: a/count runs") && !told.contains('\u{1b}'), "{told}");
    }
}
