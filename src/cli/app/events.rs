//! `pnda app events`: what happened, a line each, once or for as long as somebody looks.
//! Who follows asks once a second for what came after what he has; a manager that does not answer for a moment ends nothing.
//! Not here: the stream of events, which is for programs on the network.

use super::checked;
use super::wait::{PAUSE, SILENCE};
use crate::cli::failure::{Failure, Outcome, give, say, warn};
use crate::systems::manager::Client;
use crate::words::happened::{Happened, Page};
use crate::words::moment;
use crate::words::names::ApplicationName;
use crate::words::shown::{json, shown};
use clap::Args;
use std::process::ExitCode;
use std::time::Instant;

#[derive(Args)]
pub(super) struct Events {
    /// Of this application alone.
    #[arg(value_parser = checked::<ApplicationName>)]
    application: Option<ApplicationName>,
    /// Go on with what happens, until Ctrl-C.
    #[arg(short, long)]
    follow: bool,
    /// Only what came after the record of this number.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(..=u64::from(u32::MAX)))]
    after: Option<u64>,
    /// Print JSON, a line each.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(client: &Client, wanted: &Events) -> Outcome {
    let (mut after, mut silent) = (wanted.after, None::<Instant>);
    loop {
        let page = match client.happened(after) {
            Ok(page) => page,
            Err(_) if wanted.follow && silent.get_or_insert_with(Instant::now).elapsed() < SILENCE => {
                std::thread::sleep(PAUSE);
                continue;
            }
            Err(failure) => return Err(failure.into()),
        };
        silent = None;
        print(&page, wanted)?;
        let goes_on = page.more && Some(page.after) != after;
        after = Some(page.after);
        match (goes_on, wanted.follow) {
            (true, _) => {}
            (false, true) => std::thread::sleep(PAUSE),
            (false, false) => return Ok(ExitCode::SUCCESS),
        }
    }
}

fn print(page: &Page, wanted: &Events) -> Result<(), Failure> {
    if page.missed {
        warn("some of what came after that number is not kept any more")?;
    }
    let is_meant =
        |one: &&Happened| wanted.application.as_ref().is_none_or(|name| one.application.as_ref() == Some(name));
    for one in page.events.iter().filter(is_meant) {
        match wanted.json {
            true => give(format!("{}\n", json(&serde_json::to_string(one)?)).as_bytes())?,
            false => say(&line(one))?,
        }
    }
    Ok(())
}

fn line(one: &Happened) -> String {
    let of = match (&one.application, &one.component) {
        (Some(application), Some(component)) => format!("{application}/{component}: "),
        (Some(application), None) => format!("{application}: "),
        (None, _) => String::new(),
    };
    format!("{}  {}  {}  {of}{}", one.number, moment::utc(one.at_ms / 1000), one.by, shown(&one.what))
}
