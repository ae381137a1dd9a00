//! `pnda app`: deploys packages, makes applications of them, starts, stops and looks at them, through the manager's socket.
//! Who asks is told by the machine: the user who runs this.
//! Not here: any rule; the manager says what is refused and why.

use super::failure::{Outcome, say, say_json, warn};
use crate::systems::manager::Client;
use crate::words::application::{Application, Finding};
use crate::words::names::{ApplicationName, BadName, ComponentName, PackageName, Word};
use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::{Value, json};
use settings::{Property, property};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

mod adopt;
mod change;
mod clean;
mod declared;
mod events;
mod logs;
mod savepoints;
mod schema;
mod selftest;
mod settings;
pub(super) mod table;
mod wait;

/// Where the manager of a node answers unless told otherwise.
const SOCKET: &str = "/var/lib/pnda/applications/socket";

/// Options of every verb.
#[derive(Args)]
pub struct Arguments {
    /// The socket of the manager.
    #[arg(long, global = true, value_name = "FILE", default_value = SOCKET, env = "PNDA_APPLICATIONS")]
    socket: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Deploy a package: a file NAME-VERSION.tar.gz, which is uploaded, or by its name one that is uploaded or on the mirror.
    Deploy {
        /// The package's file, or its name, as in wordcount-1.2.3.
        package: PathBuf,
    },
    /// Take a deployed package back; refused while an application is made of it.
    Undeploy {
        /// The package, as in wordcount-1.2.3.
        #[arg(value_parser = checked::<PackageName>)]
        package: PackageName,
    },
    /// List the packages that are deployed.
    Packages {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Make an application of a deployed package; nothing runs yet.
    Create {
        /// Its name.
        #[arg(value_parser = checked::<ApplicationName>)]
        application: ApplicationName,
        /// The package, as in wordcount-1.2.3.
        #[arg(long, value_parser = checked::<PackageName>)]
        package: PackageName,
        /// A property of a component: COMPONENT.PROPERTY=VALUE; may be given several times.
        #[arg(long, value_name = "COMPONENT.PROPERTY=VALUE", value_parser = property)]
        set: Vec<Property>,
        /// A JSON file of properties: {"flink": {"COMPONENT": {"PROPERTY": "VALUE"}}}. Secrets belong here, for arguments are
        /// seen by everybody.
        #[arg(long, value_name = "FILE", conflicts_with = "set")]
        overrides: Option<PathBuf>,
        /// Begin from the state that this application has now: its newest savepoint, or what it would begin from.
        #[arg(long, value_name = "APPLICATION", value_parser = checked::<ApplicationName>)]
        state_of: Option<ApplicationName>,
    },
    /// Start an application, from its newest state.
    Start {
        /// Its name.
        #[arg(value_parser = checked::<ApplicationName>)]
        application: ApplicationName,
        /// Start from this savepoint or checkpoint: its path, or its id as `pnda app savepoints` lists it.
        #[arg(long, value_name = "PATH|ID")]
        from: Option<String>,
        /// Start without state, although there may be some.
        #[arg(long, conflicts_with = "from")]
        empty: bool,
        /// Wait until everything runs or has ended.
        #[arg(long)]
        wait: bool,
        /// Only say what stands against it and what would be submitted: nothing is changed. Exit code 1 if it would be
        /// refused.
        #[arg(long, conflicts_with = "wait")]
        dry_run: bool,
    },
    /// Stop an application with a savepoint, from which its next start begins.
    Stop {
        /// Its name.
        #[arg(value_parser = checked::<ApplicationName>)]
        application: ApplicationName,
        /// Kill it without one.
        #[arg(long)]
        no_savepoint: bool,
        /// End it for good: close all windows, then take the savepoint.
        #[arg(long, conflicts_with = "no_savepoint")]
        drain: bool,
        /// Wait until nothing of it runs.
        #[arg(long)]
        wait: bool,
    },
    /// Take a savepoint of an application that runs and goes on; one that is under way is joined.
    Savepoint(savepoints::Take),
    /// List the savepoints of an application, those too that others made, with their sizes and who needs them.
    Savepoints(savepoints::List),
    /// Remove a savepoint with its files; refused while somebody needs it.
    Dispose(savepoints::Remove),
    #[command(flatten)]
    Change(change::Change),
    /// Start an application and wait for its end. Exit codes: 0 finished, 1 failed, 2 refused, 5 cancelled or killed, 6 it
    /// cannot be seen what became of it.
    Run {
        /// Its name.
        #[arg(value_parser = checked::<ApplicationName>)]
        application: ApplicationName,
        /// Start without state, although there may be some.
        #[arg(long)]
        empty: bool,
    },
    #[command(flatten)]
    Declared(declared::Declared),
    /// Say how an application and its components are.
    Status {
        /// Its name.
        #[arg(value_parser = checked::<ApplicationName>)]
        application: ApplicationName,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// List all applications.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// List what somebody should look at, and what to do about it, the worst of each component first.
    Alarms {
        /// Of this application; without a name, of all of them and of the manager.
        #[arg(value_parser = checked::<ApplicationName>)]
        application: Option<ApplicationName>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// List Flink's applications on YARN that no application here has: somebody else's, or lost ones; administrators see all.
    Foreign(adopt::List),
    /// Go on with an application of YARN that somebody else submitted; a savepoint of it is taken at once.
    Adopt(adopt::Adopt),
    /// Have another edge manage the applications, such as before this one is switched off: what this one is doing is done to
    /// its end first. For administrators.
    Handover {
        /// The edge, by the name that it calls itself.
        #[arg(long, value_name = "NODE", value_parser = checked::<Word>)]
        to: Word,
    },
    /// List what happened to an application: when, by whom, and why.
    History {
        /// Its name.
        #[arg(value_parser = checked::<ApplicationName>)]
        application: ApplicationName,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// List what happened to all applications whose logs you may read, and to packages: the last of it, or all from now on.
    Events(events::Events),
    /// Print what changes, until Ctrl-C.
    Watch {
        /// Its name.
        #[arg(value_parser = checked::<ApplicationName>)]
        application: ApplicationName,
    },
    /// Print the logs of a component's last run, whether it runs or has ended: of each process the ends of its files. With -f
    /// goes on until the component is over; exit codes as of `run`, and 0 where it was stopped as ordered.
    Logs {
        /// The application.
        #[arg(value_parser = checked::<ApplicationName>)]
        application: ApplicationName,
        /// The component; none if there is only one.
        #[arg(value_parser = checked::<ComponentName>)]
        component: Option<ComponentName>,
        /// Print what is written from now on, too.
        #[arg(short, long)]
        follow: bool,
        /// How many bytes of the ends of each process's files; 262144, or 8192 to begin with where it goes on.
        #[arg(long)]
        bytes: Option<u64>,
        /// Print JSON.
        #[arg(long, conflicts_with = "follow")]
        json: bool,
    },
    /// Say what a start would submit, and where each value comes from.
    Explain {
        /// Its name.
        #[arg(value_parser = checked::<ApplicationName>)]
        application: ApplicationName,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print the JSON Schema of what a verb prints with `--json`, or of all of them.
    Schema {
        /// The verb; without one, all of them in one document.
        #[arg(value_enum)]
        verb: Option<schema::Verb>,
    },
    /// Run the mirror's small batch job the whole way: deploy, create, start, wait for its end, delete. Exit code 1 where a step
    /// fails; what failed is left to be looked at, and the next selftest takes it away.
    Selftest {
        /// The package, whose job must come to an end by itself.
        #[arg(long, value_parser = checked::<PackageName>, default_value = crate::apps::selftest::PACKAGE)]
        package: PackageName,
        /// How many seconds the job may take, waiting for room included; then it is killed.
        #[arg(long, value_name = "SECONDS", default_value_t = 300)]
        within: u64,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Remove from HDFS what nobody needs any more: what was sent for applications that are over, old checkpoints, archives of
    /// finished jobs, releases of Flink that others took the place of. For administrators.
    Clean(clean::Clean),
    /// Forget an application; what runs of it is killed. Savepoints and checkpoints stay in HDFS.
    Delete {
        /// Its name.
        #[arg(value_parser = checked::<ApplicationName>)]
        application: ApplicationName,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
}

/// A name as an argument.
fn checked<T: TryFrom<String, Error = BadName>>(text: &str) -> Result<T, BadName> {
    T::try_from(text.to_owned())
}

/// Runs a verb.
pub fn run(arguments: Arguments) -> Outcome {
    let client = Client::new(&arguments.socket);
    match arguments.command {
        Command::Deploy { package } => tell(&client.deploy(&package)?)?,
        Command::Undeploy { package } => client.undeploy(&package)?,
        Command::Foreign(list) => return adopt::list(&client, list),
        Command::Adopt(adopt) => return adopt::adopt(&client, adopt),
        Command::Handover { to } => {
            client.hand_over(&to)?;
            say(&format!("{to} manages as soon as it looks, within seconds; if it does not, this node does again"))?;
        }
        Command::Packages { json } => shown(&client.packages()?, json, |all| table::packages(all))?,
        Command::Create { application, package, set, overrides, state_of } => {
            let mut body = settings::body(&package, set, overrides.as_deref())?;
            state_of.into_iter().for_each(|other| body["state_of"] = json!(other));
            create(&client, &application, &body)?;
        }
        Command::Start { application, from, empty, wait, dry_run } => {
            if dry_run {
                return rehearsed(&client, &application, from.as_deref(), empty);
            }
            tell(&client.start(&application, from.as_deref(), empty)?)?;
            return settled(&client, &application, wait, wait::runs);
        }
        Command::Stop { application, no_savepoint, drain, wait } => {
            client.stop(&application, !no_savepoint, drain)?;
            return settled(&client, &application, wait, wait::has_stopped);
        }
        Command::Savepoint(take) => return savepoints::take(&client, take),
        Command::Savepoints(list) => return savepoints::list(&client, list),
        Command::Dispose(remove) => return savepoints::remove(&client, remove),
        Command::Change(change) => return change::run(&client, change),
        Command::Declared(declared) => return declared::run(&client, declared),
        Command::Run { application, empty } => {
            tell(&client.start(&application, None, empty)?)?;
            return wait::to_its_end(&client, &application);
        }
        Command::Status { application, json } => {
            warn_of_silence(&client)?;
            shown(&with_details(&client, &application)?, json, table::application)?;
        }
        Command::History { application: of, json } => shown(&client.history(&of)?, json, |all| table::history(all))?,
        Command::Alarms { application: of, json } => {
            shown(&client.alarms(of.as_ref())?, json, |all| table::alarms(all))?
        }
        Command::List { json } => list(&client, json)?,
        Command::Events(wanted) => return events::run(&client, &wanted),
        Command::Watch { application } => wait::watch(&client, &application)?,
        Command::Logs { application, component, follow, bytes, json } => {
            let component = client.component(&application, component)?;
            return logs::run(&client, &application, &component, bytes, (follow, json));
        }
        Command::Explain { application: of, json } => shown(&client.explain(&of)?, json, |all| table::explained(all))?,
        Command::Schema { verb } => say_json(&schema::schema(verb))?,
        Command::Selftest { package, within, json } => return selftest::run(&client, &package, within, json),
        Command::Clean(choices) => return clean::run(&client, choices),
        Command::Delete { application, yes } => return delete(&client, &application, yes),
    }
    Ok(ExitCode::SUCCESS)
}

fn list(client: &Client, json: bool) -> Result<(), super::failure::Failure> {
    warn_of_silence(client)?;
    shown(&client.applications()?, json, |all| table::list(all))
}

fn delete(client: &Client, application: &ApplicationName, yes: bool) -> Outcome {
    if !yes && !wait::is_sure(&format!("{application} will be killed and forgotten; its state stays in HDFS."))? {
        return Ok(ExitCode::from(super::failure::FAILED));
    }
    client.delete(application)?;
    wait::until_gone(client, application)?;
    Ok(ExitCode::SUCCESS)
}

fn create(client: &Client, application: &ApplicationName, body: &Value) -> Result<(), super::failure::Failure> {
    let created = client.create(application, body)?;
    let notes: String = created.notes.iter().map(|note| format!("note: {note}\n")).collect();
    Ok(say(&format!("{notes}{}{application} is made\n", table::findings(&created.findings)))?)
}

/// An application with what Flink says of it, for those who may know.
fn with_details(client: &Client, application: &ApplicationName) -> Result<Application, super::failure::Failure> {
    let mut told = client.application(application)?;
    for component in &mut told.components {
        component.details = client.details(application, &component.name);
    }
    Ok(told)
}

/// What a start would do.
fn rehearsed(client: &Client, application: &ApplicationName, from: Option<&str>, empty: bool) -> Outcome {
    let dry = client.dry_run(application, from, empty)?;
    say(&table::dry_run(&dry))?;
    Ok(if dry.is_refused() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// What was found before a start, if anything was.
fn tell(findings: &[Finding]) -> Result<(), super::failure::Failure> {
    if findings.is_empty() { Ok(()) } else { Ok(say(&table::findings(findings))?) }
}

/// Whoever looks must know that nothing new begins.
fn warn_of_silence(client: &Client) -> Result<(), super::failure::Failure> {
    if let Some(silence) = client.silence()? {
        if silence.stands_by {
            return Ok(warn(&format!("this node stands by: {}", silence.why))?);
        }
        let since = crate::words::moment::utc(silence.since_ms / 1000);
        warn(&format!("nothing can be recorded since {since}, and nothing new begins: {}", silence.why))?;
    }
    Ok(())
}

/// A value for programs, or for people.
fn shown<T: Serialize>(value: &T, json: bool, text: impl FnOnce(&T) -> String) -> Result<(), super::failure::Failure> {
    if json { say_json(value) } else { Ok(say(&text(value))?) }
}

fn settled(
    client: &Client,
    application: &ApplicationName,
    wait: bool,
    is_settled: impl Fn(&Application) -> wait::Settled,
) -> Outcome {
    if !wait {
        say(&format!("taken; `pnda app status {application}` says how it goes"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let (application, code) = wait::until(client, application, Duration::from_millis(300), is_settled)?;
    shown(&application, false, table::application)?;
    Ok(code)
}
