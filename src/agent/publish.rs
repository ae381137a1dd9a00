//! Sends each round to the receivers that the configuration names, in a thread of its own.
//! A receiver that fails is tried again with the next round; what it missed is gone, for the newest value is what counts.
//! Not here: the receivers' formats.

use super::board::Board;
use super::clock;
use super::config::Config;
use super::health::Round;
use super::log::{self, Level};
use super::managed::{self, Managed};
use std::error::Error;
use std::time::Duration;
use systems::{console, graphite};
use url::Url;
use words::metric::Metric;

/// Somebody who wants every round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Receiver {
    /// A carbon, or whatever takes its lines.
    Graphite(graphite::Address),
    /// PNDA's data logger.
    Console(Url),
}

impl Receiver {
    /// All that the configuration names.
    pub(super) fn all(config: &Config) -> Vec<Receiver> {
        let graphite = config.graphite.clone().map(Receiver::Graphite);
        let console = config.console.clone().map(Receiver::Console);
        graphite.into_iter().chain(console).collect()
    }

    /// Whether a round has something for it.
    fn wants(&self, round: &Round) -> bool {
        let has_components = matches!(&round.managed, Some(Managed::Told(figures)) if !figures.components.is_empty());
        !round.metrics.is_empty() || has_components
    }

    /// What it is called in logs and metrics.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Receiver::Graphite(_) => "graphite",
            Receiver::Console(_) => "console",
        }
    }

    fn send(&self, round: &Round, deadline: Duration) -> Result<(), Box<dyn Error>> {
        match self {
            Receiver::Graphite(address) => graphite::send(address, &lines(round), deadline)?,
            Receiver::Console(url) => console::post(url, &metrics(round), clock::now_ms(), deadline)?,
        }
        Ok(())
    }
}

/// PNDA's metrics, and those of applications.
fn lines(round: &Round) -> String {
    let managed = match &round.managed {
        Some(Managed::Told(figures)) => managed::graphite::lines(figures, round.at_ms),
        _ => String::new(),
    };
    graphite::lines(&round.metrics) + &managed
}

/// The same for the console.
fn metrics(round: &Round) -> Vec<Metric> {
    let managed = match &round.managed {
        Some(Managed::Told(figures)) => managed::console::metrics(figures, round.at_ms),
        _ => Vec::new(),
    };
    round.metrics.iter().cloned().chain(managed).collect()
}

/// Sends rounds for ever.
pub(super) fn publish(board: &Board, receivers: &[Receiver], deadline: Duration) {
    let mut failing = vec![false; receivers.len()];
    let mut seen = 0;
    loop {
        let (number, round) = board.next(seen);
        seen = number;
        for (receiver, failing) in receivers.iter().zip(&mut failing).filter(|(receiver, _)| receiver.wants(&round)) {
            deliver(receiver, &round, deadline, failing, board);
        }
    }
}

/// One try; a line in the log only when it goes otherwise than the last time.
fn deliver(receiver: &Receiver, round: &Round, deadline: Duration, failing: &mut bool, board: &Board) {
    let name = receiver.name();
    match receiver.send(round, deadline) {
        Ok(()) if *failing => log::line(Level::Info, &format!("{name} takes metrics again"), &[]),
        Ok(()) => {}
        Err(error) => {
            board.count_failure(name);
            if !*failing {
                let message = format!("{name} does not take metrics; every round tries again");
                log::line(Level::Warn, &message, &[("cause", &super::health::story(&*error))]);
            }
            *failing = true;
            return;
        }
    }
    *failing = false;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::judge;
    use std::net::TcpListener;

    #[test]
    fn a_receiver_that_is_gone_is_counted_each_round_and_told_once_per_change() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let receiver = Receiver::Graphite(address.to_string().try_into().unwrap());
        let board = Board::new(Duration::from_secs(10), [receiver.name()]);
        let (round, deadline) = (judge(None, 1), Duration::from_secs(5));
        let mut failing = false;
        deliver(&receiver, &round, deadline, &mut failing, &board);
        deliver(&receiver, &round, deadline, &mut failing, &board);
        assert!(failing);
        assert_eq!(board.view(std::time::Instant::now()).1.failures["graphite"], 2);
        let _back = TcpListener::bind(address).unwrap();
        deliver(&receiver, &round, deadline, &mut failing, &board);
        assert!(!failing);
    }
}
