//! What this node's manager of applications counts and measures: asked once a round through its socket, judged, and told.
//! A manager that stands by is well; one that does not answer is not, and its applications may be.
//! Not here: the manager (`apps`), and the history server's health (`health`).

pub(super) mod console;
pub(super) mod graphite;
pub(super) mod prometheus;

use hyper::Method;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use systems::local::{Content, LocalServer};
use words::alarm::Severity;
use words::chain::chain;
use words::figures::{Component, Figures};
use words::metric::Health;

/// So many components are named among the causes.
const MOST_CAUSES: usize = 10;

/// The manager, as the last look found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Managed {
    /// It told this.
    Told(Arc<Figures>),
    /// It does not answer, or not as it should: why.
    Silent(String),
}

impl Managed {
    /// Asks the one at a socket.
    pub fn ask(socket: &Path, patience: Duration) -> Managed {
        let server = LocalServer::new(socket).within(patience);
        match server.ask(Method::GET, "/v1/figures", Content::None) {
            Ok((200, bytes)) => match serde_json::from_slice(&bytes) {
                Ok(figures) => Managed::Told(Arc::new(figures)),
                Err(error) => Managed::Silent(format!("it tells what this agent does not understand: {error}")),
            },
            Ok((status, _)) => Managed::Silent(format!("it answers with status {status}")),
            Err(error) => Managed::Silent(chain(&error)),
        }
    }

    /// How the node is because of it, and why. What runs on the cluster is no reason to take the node for dead.
    pub fn judge(&self) -> (Health, Vec<String>) {
        let figures = match self {
            Managed::Silent(why) => {
                return (Health::Error, vec![format!("the manager of applications does not answer: {why}")]);
            }
            Managed::Told(figures) => figures,
        };
        let own = figures.own_alarms.iter().map(|alarm| format!("{}: {}", alarm.name, alarm.what));
        let critical = figures.components.iter().filter_map(|component| {
            let of = component.alarms.iter().filter(|(_, severity)| *severity == Severity::Critical);
            let names: Vec<String> = of.map(|(name, _)| name.to_string()).collect();
            (!names.is_empty())
                .then(|| format!("{}/{}: {}", component.application, component.component, names.join(", ")))
        });
        let mut causes: Vec<String> = own.chain(critical).collect();
        let more = causes.len().saturating_sub(MOST_CAUSES);
        causes.truncate(MOST_CAUSES);
        causes.extend((more > 0).then(|| format!("{more} more; `pnda app alarms` has all")));
        (if causes.is_empty() { Health::Ok } else { Health::Warn }, causes)
    }
}

/// How a component is by the worst of its alarms.
fn worst(of: &Component) -> Health {
    let health = of.alarms.iter().map(|(_, severity)| match severity {
        Severity::Critical => Health::Error,
        Severity::Warning => Health::Warn,
    });
    health.max().unwrap_or(Health::Ok)
}

/// What is known of a component in numbers.
fn values(of: &Component, at_ms: u64) -> Vec<(&'static str, u64)> {
    let values = [
        ("alarms", Some(of.alarms.len() as u64)),
        ("restarts", Some(of.restarts)),
        ("task_restarts", of.task_restarts),
        ("checkpoints_completed", of.completed),
        ("checkpoints_failed", of.failed),
        ("checkpoint_age_seconds", of.checkpoint_ms.map(|ms| at_ms.saturating_sub(ms) / 1000)),
        ("back_pressure_percent", of.held_up),
        ("attempt", of.attempt),
    ];
    values.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

#[cfg(test)]
mod tests;
