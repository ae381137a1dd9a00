//! The command line of `pnda-agent`.
//! `run` is what systemd starts; `check` is for people: one look, now; installing has files of its own.
//! Not here: any logic.

use super::failure::{FAILED, Failure, Outcome, USAGE, finish, say};
use super::{agent_install, agent_installed, agent_queue};
use crate::agent::board::View;
use crate::agent::config::{self, Config};
use crate::agent::health::{Round, judge};
use crate::agent::managed::Managed;
use crate::agent::report::Report;
use crate::agent::{applications, clock, config_file, logs, service};
use crate::apps::package::classes::apart;
use crate::systems::history_server::HistoryServer;
use crate::systems::site_hadoop::{self, Classes};
use crate::words::metric::Health;
use clap::{CommandFactory, Parser, Subcommand};
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// How long `check` waits for each answer.
const DEADLINE: Duration = Duration::from_secs(5);

/// The agent of one node: looks at Flink's history server and tells how it is.
#[derive(Parser)]
#[command(name = "pnda-agent", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run as a service: look every few seconds, serve the pages, tell the receivers.
    Run {
        /// The agent's configuration.
        #[arg(long, value_name = "FILE", default_value = config::FILE)]
        config: PathBuf,
    },
    /// Look once and say how it is; exit code 0 if it works, 1 if not.
    Check {
        /// The agent's configuration.
        #[arg(long, value_name = "FILE", default_value = config::FILE)]
        config: PathBuf,
        /// Print the JSON that /health would give.
        #[arg(long)]
        json: bool,
    },
    /// Run as a service: read the log files of this node into the queue from which rsyslog sends them.
    Logs {
        /// Which logs, and where they wait.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Run as a service: manage applications on YARN, and answer `pnda app` through a local socket.
    Applications {
        /// Where the cluster is, and where people reach it.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Look at the classes of a package for the manager of applications, which asks on standard input.
    #[command(name = apart::COMMAND, hide = true)]
    LookAtClasses,
    /// Print the queue of YARN for the caller's work; exit code 1 without a map, 2 if no rule fits, 3 if it is refused.
    Queue(agent_queue::Arguments),
    /// Bring this node to what was rendered for it, from a mirror alone.
    Install(agent_install::Arguments),
    /// List the installs that are kept on this node.
    Generations(agent_installed::Look),
    /// Bring back an earlier install, byte for byte and without the mirror.
    Rollback(agent_installed::Rollback),
    /// Hold every byte of this node against what was installed; exit code 3 if something differs.
    Verify(agent_installed::Look),
    /// Restore what differs from what was installed; what somebody changed is kept beside.
    Repair(agent_installed::Change),
    /// Take everything away that installs have placed; data stays unless it is purged.
    Uninstall(agent_installed::Uninstall),
}

/// The command line itself, to hold words against it without running them.
pub fn command() -> clap::Command {
    Arguments::command()
}

/// Reads the arguments and does what they say.
pub fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Run { config } => run(&config),
        Command::Check { config, json } => check(&config, json),
        Command::Logs { config } => read_logs(&config),
        Command::Applications { config } => manage(&config),
        Command::LookAtClasses => look_at_classes(),
        Command::Queue(arguments) => agent_queue::run(&arguments),
        Command::Install(arguments) => agent_install::run(&arguments),
        Command::Generations(arguments) => agent_installed::generations(&arguments),
        Command::Rollback(arguments) => agent_installed::rollback(&arguments),
        Command::Verify(arguments) => agent_installed::verify(&arguments),
        Command::Repair(arguments) => agent_installed::repair(&arguments),
        Command::Uninstall(arguments) => agent_installed::uninstall(&arguments),
    };
    finish("pnda-agent", outcome)
}

fn run(file: &Path) -> Outcome {
    service::run(read(file)?)?;
    Ok(ExitCode::SUCCESS)
}

fn read_logs(file: &Path) -> Outcome {
    let config = logs::config::read(file).map_err(unusable)?;
    logs::run(&config)?;
    Ok(ExitCode::SUCCESS)
}

fn manage(file: &Path) -> Outcome {
    let config = applications::config::read(file).map_err(unusable)?;
    applications::run(config)?;
    Ok(ExitCode::SUCCESS)
}

fn look_at_classes() -> Outcome {
    apart::serve(io::stdin().lock(), io::stdout().lock())?;
    Ok(ExitCode::SUCCESS)
}

/// Mistakes of a file are its writer's.
fn unusable(error: config_file::Error) -> Failure {
    match error {
        config_file::Error::Mistakes { .. } => Failure::new(USAGE, error),
        config_file::Error::Read { .. } => Failure::from(error),
    }
}

fn read(file: &Path) -> Result<Config, Failure> {
    config::read(file).map_err(unusable)
}

fn check(file: &Path, json: bool) -> Outcome {
    let config = read(file)?;
    let server = service::history_server(&config, DEADLINE)?;
    let seen = server.as_ref().map(HistoryServer::observe);
    let faults = config.hadoop.iter().flat_map(|site| site_hadoop::faults(site, Path::new("/"), Classes::Here));
    let managed = config.applications.as_deref().map(|socket| Managed::ask(socket, DEADLINE));
    let applications = service::managers(&config, DEADLINE)?.map(|mut watch| watch.look(Duration::ZERO));
    let overseen = config.oozie.as_ref().map(|oozie| oozie.look(DEADLINE));
    let round = judge(seen.as_ref(), clock::now_ms()).with_faults(faults.collect());
    let round = round.with_manager(managed).with_oozie(overseen).with_applications(applications);
    let failed = round.health == Health::Error;
    let text =
        if json { Report::of(&View::Fresh(Arc::new(round)), &config.place).json() } else { table(&round, &config) };
    say(&text)?;
    Ok(if failed { ExitCode::from(FAILED) } else { ExitCode::SUCCESS })
}

/// What a person wants to see: the verdict, why, and the figures behind it.
fn table(round: &Round, config: &Config) -> String {
    let mut rows = vec![
        ("node".to_owned(), format!("{} of {}", config.place.node, config.place.cluster)),
        ("health".to_owned(), round.health.to_string()),
    ];
    let server = config.history_server.as_ref().map_or("none on this node", |url| url.as_str());
    rows.push(("history server".to_owned(), server.to_owned()));
    rows.extend(config.hadoop.iter().map(|site| ("Hadoop".to_owned(), format!("the site's, in {}", site.conf))));
    rows.extend(round.causes.iter().map(|cause| ("cause".to_owned(), cause.clone())));
    if let Some(flink) = &round.flink {
        rows.extend(flink.fault.iter().map(|fault| ("story".to_owned(), fault.story.clone())));
        rows.extend(flink.via.iter().map(|via| ("jobs told by".to_owned(), (*via).to_owned())));
    }
    rows.extend(round.metrics.iter().map(|metric| (metric.name.to_string(), metric.value.to_string())));
    let width = rows.iter().map(|(key, _)| key.len()).max().unwrap_or_default();
    rows.iter().map(|(key, value)| format!("{key:width$}  {value}").trim_end().to_owned() + "\n").collect()
}
