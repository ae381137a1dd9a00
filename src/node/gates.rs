//! Whether services answer: one quick look at all gates, and waiting at one of them.
//! A service is up when it runs and its gate answers; a gate that answers for somebody else is a port that is taken.
//! Not here: starting anything.

use super::ports;
use super::systemd::{self, ServiceState, Systemd};
use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::{Duration, Instant};
use systems::probe::{self, Seen};
use words::event::{Event, Tell};
use words::names::Word;
use words::node::{Gate, Node, Ready, Service};
use words::parallel::each;

/// What one try may take.
const ONE_TRY: Duration = Duration::from_secs(2);
/// Somebody who watches hears of a long wait so often.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// One quick look at every gate, all at once.
pub(super) fn look(node: &Node) -> BTreeMap<Word, Seen> {
    let gated = node.services.iter().filter_map(|service| Some((&service.name, &service.ready.as_ref()?.at)));
    each(usize::MAX, gated, |(name, gate)| (name.clone(), probe::ask(gate, ONE_TRY))).into_iter().collect()
}

/// What to say when somebody else answers in place of a service that does not run.
pub(super) fn taken(service: &Service, state: &ServiceState, seen: Option<&Seen>) -> Option<String> {
    let stopped = matches!(state.active.as_str(), "inactive" | "failed" | "");
    let (ready, seen) = (service.ready.as_ref()?, seen?);
    if !stopped || !seen.somebody_listens() {
        return None;
    }
    let port = ready.at.url().port_or_known_default()?;
    let by = ports::listener(port).map_or_else(|| "another process".to_owned(), |who| format!("process {who}"));
    let name = &service.name;
    Some(format!("service {name} does not run, but port {port} is taken by {by}: stop it, or choose another port"))
}

/// Waits until a service runs and answers. `before` is the main process of its last life, if it had one: what that
/// one still answers while systemd stops it does not count.
pub(super) fn wait(
    systemd: &Systemd,
    name: &Word,
    ready: &Ready,
    before: Option<&str>,
    tell: Tell,
) -> Result<(), systemd::Error> {
    let within = Duration::from_secs(ready.within.into());
    let (start, mut told) = (Instant::now(), Instant::now());
    let mut failed_before = None;
    loop {
        let states = systemd.look([name].into_iter())?;
        let state = states.into_iter().next().map(|(_, state)| state).unwrap_or_default();
        let renewed = before.is_none_or(|before| state.life.0 != before);
        let seen = probe::ask(&ready.at, ONE_TRY.min(within.max(systemd.waits.look)));
        if state.is_active() && renewed && seen == Seen::Answer {
            tell(Event::Note(format!("service {name} answers after {:.1} s", start.elapsed().as_secs_f64())));
            return Ok(());
        }
        // A unit that systemd has given up does not come back; one look may catch it just before it begins.
        let failed = (state.active == "failed").then(|| state.clone());
        if start.elapsed() > within || (failed.is_some() && failed == failed_before) {
            return Err(systemd.unready(name, &state, &ready.at, &seen, start.elapsed()));
        }
        failed_before = failed;
        if told.elapsed() > TELL_EVERY {
            told = Instant::now();
            let (waited, at) = (start.elapsed().as_secs(), &ready.at);
            tell(Event::Note(format!("service {name}: waiting for {at} since {waited} s of {}: {seen}", ready.within)));
        }
        sleep(systemd.waits.look);
    }
}

/// Whether an address of a NameNode is what a gate of this node asks: the same port, and the same host or this one.
pub(super) fn serves(gate: &Gate, web: &str) -> bool {
    let Ok(web) = url::Url::parse(web) else { return false };
    let host = |url: &url::Url| url.host_str().map(str::to_owned).unwrap_or_default();
    let local = |host: &str| matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    let (own, theirs) = (host(gate.url()), host(&web));
    let same_port = gate.url().port_or_known_default() == web.port_or_known_default();
    same_port && (own == theirs || local(&own) || local(&theirs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_on_loopback_serves_the_node_s_own_name() {
        let serves = |gate: &str, web: &str| serves(&Gate::parse(gate).unwrap(), web);
        assert!(serves("http://127.0.0.1:9870/jmx", "http://manager:9870"));
        assert!(serves("http://manager:9870/", "http://manager:9870/"));
        assert!(!serves("http://worker:9870/", "http://manager:9870"));
        assert!(!serves("http://127.0.0.1:9864/", "http://manager:9870"));
    }
}
