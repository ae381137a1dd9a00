//! Decides what becomes of the services once the files are placed; stops those that are no longer wanted.
//! A service is restarted when something it lives from changes, and left alone otherwise.
//! Not here: starting them, and how systemd is told.

use super::gates;
use super::observe::Observed;
use super::plan::{Plan, Step};
use super::state::{Pending, State};
use super::systemd::{self, ServiceState, Systemd};
use systems::probe::Seen;
use words::names::{NodePath, Word};
use words::node::{Link, Node, Service};

const UNITS: &str = "/etc/systemd/system/";

/// Adds what comes before any service starts.
pub(super) fn reload(plan: &mut Plan, node: &Node, state: &State, observed: &Observed) {
    let Some(states) = &observed.services else { return };
    let changed = changed(plan);
    let mut steps = Vec::new();
    let lives = |name: &Word| states.get(name).is_none_or(|state| state.enabled || state.active != "inactive");
    let gone = |name: &&Word| node.services.iter().all(|service| service.name != **name) && lives(name);
    steps.extend(state.services.iter().filter(gone).map(|name| Step::Retire(name.clone())));
    let stale = states.values().any(|state| state.stale);
    if state.pending.reload || stale || changed.iter().any(|path| path.as_str().starts_with(UNITS)) {
        steps.push(Step::Reload);
    }
    plan.steps.extend(steps);
}

/// What is said of a service that is masked.
pub(super) fn masked(name: &Word) -> String {
    format!("service {name} is masked: somebody forbade it to start; systemctl unmask {name}, and install again")
}

/// Adds the steps that follow from the others; obstacles are ports that somebody else has taken, and masks.
pub(super) fn extend(plan: &mut Plan, node: &Node, state: &State, observed: &Observed) -> Vec<String> {
    let Some(states) = &observed.services else { return Vec::new() };
    let changed = changed(plan);
    let (mut steps, mut obstacles) = (Vec::new(), Vec::new());
    for service in &node.services {
        let now = states.get(&service.name).cloned().unwrap_or_default();
        if now.masked {
            obstacles.push(masked(&service.name));
            continue;
        }
        let seen = observed.gates.get(&service.name);
        obstacles.extend(gates::taken(service, &now, seen));
        let ours = service_steps(service, &node.links, &now, &changed, &state.pending);
        let starts = ours.iter().any(|step| matches!(step, Step::Start(_) | Step::Restart(..)));
        steps.extend(ours);
        // Without a look nothing is known, and nothing is to be done: it is asked when its turn comes.
        if let Some(seen) = seen.filter(|seen| !starts && **seen != Seen::Answer) {
            steps.push(Step::Await(service.name.clone(), seen.clone()));
        }
    }
    plan.steps.extend(steps);
    obstacles
}

fn service_steps(
    service: &Service,
    links: &[Link],
    now: &ServiceState,
    changed: &[NodePath],
    pending: &Pending,
) -> Vec<Step> {
    let name = service.name.clone();
    let mut steps = Vec::new();
    if !now.enabled {
        steps.push(Step::Enable(name.clone()));
    }
    let cause = service.touched_by(links, changed).cloned();
    let left = || NodePath::new(service.unit_path()).ok().filter(|_| pending.restart.contains(&service.name));
    match cause.or_else(left) {
        _ if !now.is_active() => steps.push(Step::Start(name)),
        Some(cause) => steps.push(Step::Restart(name, cause)),
        None => {}
    }
    steps
}

/// Every path that a plan changes.
pub(super) fn changed(plan: &Plan) -> Vec<NodePath> {
    let path = |step: &Step| match step {
        Step::Put(put) => Some(put.path.clone()),
        Step::Remove(path) => Some(path.clone()),
        _ => None,
    };
    plan.steps.iter().filter_map(path).collect()
}

/// What is left to do when everything is placed but systemd knows nothing of it yet.
pub(super) fn pending(plan: &Plan) -> Pending {
    let restart = |step: &Step| match step {
        Step::Restart(name, _) => Some(name.clone()),
        _ => None,
    };
    Pending { reload: plan.steps.contains(&Step::Reload), restart: plan.steps.iter().filter_map(restart).collect() }
}

/// Stops what is no longer wanted, while its unit file is still there to tell how.
pub(super) fn retire(systemd: &Systemd, plan: &Plan) -> Result<(), systemd::Error> {
    for step in &plan.steps {
        if let Step::Retire(name) = step {
            systemd.retire(name)?;
        }
    }
    Ok(())
}

/// The files stayed as they were: what was stopped runs again, as far as it can.
pub(super) fn restore(systemd: &Systemd, plan: &Plan) {
    for step in &plan.steps {
        if let Step::Retire(name) = step {
            let _ = systemd.enable(name).and_then(|()| systemd.restart(name));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use words::node::ServiceKind;

    fn path(text: &str) -> NodePath {
        NodePath::new(text).unwrap()
    }

    fn service() -> Service {
        Service {
            name: Word::new("agent").unwrap(),
            about: "the agent".into(),
            kind: ServiceKind::Notify,
            user: Word::new("pnda").unwrap(),
            command: vec!["/opt/pnda/jre/bin/java".into(), "-jar".into()],
            environment: Default::default(),
            restart_on: vec![path("/etc/pnda")],
            unit: vec![],
            ready: None,
        }
    }

    fn up() -> ServiceState {
        ServiceState { active: "active".into(), enabled: true, ..ServiceState::default() }
    }

    fn steps(now: &ServiceState, changed: &[&str]) -> Vec<Step> {
        let changed: Vec<NodePath> = changed.iter().map(|text| path(text)).collect();
        service_steps(&service(), &[], now, &changed, &Pending::default())
    }

    #[test]
    fn a_running_service_is_left_alone() {
        assert_eq!(steps(&up(), &[]), []);
        assert_eq!(steps(&up(), &["/opt/pnda/jre-17", "/etc/pnda2/x", "/etc/systemd/system/other.service"]), []);
    }

    #[test]
    fn what_it_lives_from_restarts_it() {
        let causes = ["/etc/pnda/agent.toml", "/opt/pnda/jre", "/etc/systemd/system/agent.service"];
        for cause in causes.into_iter().chain(["/etc/systemd/system/agent.service.d/memory.conf"]) {
            assert_eq!(steps(&up(), &[cause]), [Step::Restart(Word::new("agent").unwrap(), path(cause))], "{cause}");
        }
    }

    #[test]
    fn a_stopped_service_is_enabled_and_started() {
        let name = Word::new("agent").unwrap();
        let expected = [Step::Enable(name.clone()), Step::Start(name)];
        assert_eq!(steps(&ServiceState::default(), &["/etc/pnda/agent.toml"]), expected);
    }

    #[test]
    fn a_restart_that_was_cut_off_is_made_up_for() {
        let pending = Pending { reload: false, restart: [Word::new("agent").unwrap()].into() };
        let steps = service_steps(&service(), &[], &up(), &[], &pending);
        assert!(matches!(steps.as_slice(), [Step::Restart(..)]), "{steps:?}");
    }
}
