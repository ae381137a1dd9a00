//! Runs the agent: one thread looks and judges, one sends, the main one serves the pages and waits for the end.
//! Ready means that the pages can be asked; a signal ends it at once, for nothing is lost with it.
//! Not here: any decision.

use super::api::Pages;
use super::board::Board;
use super::config::Config;
use super::ending::{Ended, Signals};
use super::health::{Round, State, judge};
use super::log::{self, Level};
use super::managed::Managed;
use super::managers::Watch;
use super::publish::{self, Receiver};
use super::systemd::{self, Watchdog};
use super::{clock, guests};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use systems::history_server::HistoryServer;
use systems::hostnames::Hostnames;
use systems::webhdfs;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// Enough for a TLS handshake of an unoptimised build; the threads do little else.
const STACK: usize = 512 * 1024;

/// Why the agent does not run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The machine does not give what an event loop needs.
    #[error("cannot start the agent's event loop")]
    Start(#[source] io::Error),
    /// Somebody else has the address, or it is not this machine's.
    #[error("cannot listen on {address}; set another `listen` in the agent's configuration")]
    Listen { address: SocketAddr, source: io::Error },
    /// Nothing can be believed of what nobody vouches for.
    #[error("cannot use the certificates in {}", file.display())]
    Authority { file: PathBuf, source: io::Error },
    /// It cannot be asked how applications are.
    #[error("cannot ask HDFS how applications are")]
    Managers(#[source] webhdfs::Error),
    /// The loop that does the work is gone; without it the agent only looks alive.
    #[error("the loop that watches has ended, which it never should; please report what stands above")]
    Ended,
    /// The machine gives no more threads.
    #[error("cannot start the thread `{name}`")]
    Thread { name: &'static str, source: io::Error },
}

/// Runs until SIGTERM or SIGINT.
pub fn run(config: Config) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .thread_stack_size(STACK)
        .build()
        .map_err(Error::Start)?;
    runtime.block_on(serve(config))
}

async fn serve(config: Config) -> Result<(), Error> {
    let mut signals = Signals::new().map_err(Error::Start)?;
    let address = config.listen;
    let listener = TcpListener::bind(address).await.map_err(|source| Error::Listen { address, source })?;
    let bound = listener.local_addr().unwrap_or(address);
    let receivers = Receiver::all(&config);
    let board = Arc::new(Board::new(config.interval, receivers.iter().map(Receiver::name)));
    let names = Hostnames::new(address.ip(), config.host.as_slice());
    let pages = Pages { board: board.clone(), place: config.place.clone(), names };
    tokio::spawn(guests::receive(listener, guests::LIMITS, pages));
    systemd::ready();
    log::line(Level::Info, "the agent serves its pages", &[("listen", &bound)]);
    let ended = start(config, receivers, board)?;
    signals.wait(ended, Error::Ended).await?;
    systemd::stopping();
    log::line(Level::Info, "the agent was asked to stop", &[]);
    Ok(())
}

fn start(config: Config, receivers: Vec<Receiver>, board: Arc<Board>) -> Result<Ended, Error> {
    let watchdog = Watchdog::from_systemd();
    let deadline = watchdog.deadline(config.interval);
    if !receivers.is_empty() {
        let board = board.clone();
        thread("publish", move || publish::publish(&board, &receivers, deadline))?;
    }
    let server = history_server(&config, deadline)?;
    let (alive, ended) = oneshot::channel();
    let mut managers = managers(&config, deadline)?;
    let (socket, oozie, interval, begun) = (config.applications, config.oozie, config.interval, Instant::now());
    let look = move || {
        let seen = server.as_ref().map(HistoryServer::observe);
        // Each of them has an end; all together may take longer than systemd waits.
        watchdog.feed();
        let managed = socket.as_deref().map(|socket| Managed::ask(socket, deadline));
        watchdog.feed();
        let overseen = oozie.as_ref().map(|oozie| oozie.look(deadline));
        watchdog.feed();
        let round = judge(seen.as_ref(), clock::now_ms()).with_manager(managed).with_oozie(overseen);
        round.with_applications(managers.as_mut().map(|watch| watch.look(begun.elapsed())))
    };
    thread("watch", move || {
        let _alive = alive;
        watch(look, &board, interval, watchdog);
    })?;
    Ok(ended)
}

/// The history server that a configuration names.
pub fn history_server(config: &Config, deadline: Duration) -> Result<Option<HistoryServer>, Error> {
    let server = config.history_server.clone().map(|url| HistoryServer::new(url, deadline));
    match (server, &config.authority) {
        (Some(server), Some(file)) => {
            let failed = |source| Error::Authority { file: file.clone(), source };
            server.believing(file).map(Some).map_err(failed)
        }
        (server, _) => Ok(server),
    }
}

/// Where a configuration says that the state of applications can be read.
pub fn managers(config: &Config, deadline: Duration) -> Result<Option<Watch>, Error> {
    config.managers.as_ref().map(|managers| Watch::new(managers, deadline).map_err(Error::Managers)).transpose()
}

fn thread(name: &'static str, work: impl FnOnce() + Send + 'static) -> Result<(), Error> {
    let builder = std::thread::Builder::new().name(name.to_owned()).stack_size(STACK);
    builder.spawn(work).map(drop).map_err(|source| Error::Thread { name, source })
}

/// Looks, judges and puts up, for ever.
fn watch(mut look: impl FnMut() -> Round, board: &Board, interval: Duration, watchdog: Watchdog) {
    let mut was = None;
    loop {
        let due = Instant::now() + interval;
        watchdog.feed();
        let round = look();
        tell(&round, &mut was);
        board.put(round, Instant::now());
        watchdog.sleep_until(due);
    }
}

/// Says how it is when that has changed, in the same words to the log and to systemd.
fn tell(round: &Round, was: &mut Option<State>) {
    let state = round.state();
    if was.as_ref() == Some(&state) {
        return;
    }
    let sentence = round.sentence();
    let story = round.flink.as_ref().and_then(|flink| flink.fault.as_ref()).map(|fault| fault.story.as_str());
    let before = was.as_ref().map_or("UNKNOWN", |state| state.health().as_str());
    let mut fields: Vec<(&str, &dyn std::fmt::Display)> = vec![("health", &round.health), ("was", &before)];
    if let Some(story) = &story {
        fields.push(("story", story));
    }
    log::line(Level::Info, &sentence, &fields);
    systemd::status(&sentence);
    *was = Some(state);
}
