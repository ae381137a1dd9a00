//! `pnda app foreign` and `adopt`: what runs on YARN and no application here has, and going on with it.
//! Not here: any rule about it; the manager says what is refused and why.
//! Names are their owners' to choose, and are escaped where they are printed.

use super::{checked, settled, shown, table, tell, wait};
use crate::cli::failure::{Outcome, say};
use crate::systems::manager::Client;
use crate::words::foreign::{Adopted, Foreign};
use crate::words::ids::ApplicationId;
use crate::words::moment;
use crate::words::names::ApplicationName;
use crate::words::shown::shown as escaped;
use clap::Args;
use std::collections::BTreeMap;
use std::process::ExitCode;

#[derive(Args)]
pub(super) struct List {
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub(super) struct Adopt {
    /// The application: made of a package with this one component, and not running.
    #[arg(value_parser = checked::<ApplicationName>)]
    application: ApplicationName,
    /// YARN's id of what runs, as `pnda app foreign` lists it.
    #[arg(value_parser = checked::<ApplicationId>)]
    id: ApplicationId,
    /// Wait until its savepoint is complete. Exit code 1 if it is not.
    #[arg(long)]
    wait: bool,
}

pub(super) fn list(client: &Client, List { json }: List) -> Outcome {
    shown(&client.foreign()?, json, |all| text(all))?;
    Ok(ExitCode::SUCCESS)
}

fn text(all: &[Foreign]) -> String {
    if all.is_empty() {
        return "all of Flink's applications that run are known here\n".to_owned();
    }
    let head = ["YARN ID", "NAME", "USER", "QUEUE", "STATE", "SUBMITTED", ""].map(str::to_owned);
    let row = |one: &Foreign| {
        let since = one.started_ms.map(|ms| moment::utc(ms / 1000)).unwrap_or_default();
        let lost = if one.is_lost { "ours, and no application here knows it" } else { "" };
        let names = [&one.name, &one.user, &one.queue, &one.state].map(|text| escaped(text).to_string());
        [vec![one.yarn_id.to_string()], names.to_vec(), vec![since, lost.to_owned()]].concat()
    };
    table::columns(&[head.to_vec()].into_iter().chain(all.iter().map(row)).collect::<Vec<_>>())
}

pub(super) fn adopt(client: &Client, Adopt { application, id, wait }: Adopt) -> Outcome {
    let Adopted { component, job_id, savepoint, findings } = client.adopt(&application, &id)?;
    tell(&findings)?;
    say(&format!("{application}/{component} goes on with {id}, job {job_id}; savepoint {savepoint} of it is taken"))?;
    settled(client, &application, wait, wait::is_saved(BTreeMap::from([(component, savepoint)])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_somebody_else_is_escaped() {
        let one = Foreign {
            yarn_id: ApplicationId::new("application_1_0001").unwrap(),
            name: "\u{1b}[31mjob".to_owned(),
            user: "bob".to_owned(),
            queue: "root.default".to_owned(),
            state: "RUNNING".to_owned(),
            started_ms: Some(1_000),
            is_lost: true,
        };
        let told = text(&[one]);
        assert!(told.contains("application_1_0001") && told.contains("no application here knows it"), "{told}");
        assert!(!told.contains('\u{1b}'), "{told}");
    }
}
