//! What must always be so, whatever is lost, late, doubled, wrong or cut, and whoever is killed: one function a rule, each held
//! against the cluster itself and the journal's files, never against what a manager says of itself.
//! Not here: when they are looked at (`play`, `told`, `line`).

use super::super::bed::{FILESYSTEM, application, key};
use super::cluster::{Cluster, Job, Stage};
use super::told::Told;
use crate::clock::Clock;
use crate::decide::again::{Again, again};
use crate::journal::{Component, End, Fact, Intent, Origin, Record, Verdict, Wanted};
use crate::manager::Manager;
use crate::savepoints::lies_in;
use serde_json::Value;
use systems::Request;
use words::ids::{ApplicationId, TriggerId};

/// From one time of the schedule to the next.
const SCHEDULE_MS: u64 = 120_000;

type Held = Result<(), String>;

fn unless(is_so: bool, why: impl FnOnce() -> String) -> Held {
    if is_so { Ok(()) } else { Err(why()) }
}

/// Never two live submissions of a component.
pub(super) fn one_is_alive(told: &Told, cluster: &Cluster) -> Held {
    let alive: Vec<ApplicationId> = cluster.alive().into_iter().filter(|id| told.is_own(id)).collect();
    unless(alive.len() <= 1, || format!("two live submissions: {alive:?}"))
}

/// What is held against each record before what follows from it is believed.
pub(super) fn of_record(told: &Told, cluster: &Cluster, record: &Record) -> Held {
    match &record.fact {
        Fact::RunIntended { intent, .. } => {
            has_its_time(told, cluster, intent)?;
            begins_from_the_newest_state(told, cluster, intent)
        }
        Fact::DisposalOrdered { id, folder, .. } => nobody_needs_what_goes(told, cluster, (id, folder)),
        Fact::SavepointCompleted { path, .. } => {
            unless(cluster.is_whole(path), || format!("there is no savepoint in {path}"))
        }
        Fact::KillIntended { id, .. } => has_nothing_to_save(cluster, id),
        Fact::RunEnded { id, end, .. } => is_over_before_it_is_said(cluster, id, end),
        _ => Ok(()),
    }
}

fn local(path: &str) -> &str {
    path.trim_start_matches(FILESYSTEM)
}

/// The newest state of the application as HDFS has it: what its last job made, else what that began from.
fn newest(told: &Told, cluster: &Cluster) -> Option<String> {
    let life = cluster.life();
    let last = life.jobs.iter().rev().find(|job| job.ran && told.is_own(&job.id))?;
    let made = last.made.iter().rev().find(|path| cluster.is_whole(path)).cloned();
    made.or_else(|| last.from.as_ref().map(|from| local(from).to_owned()))
}

/// A run by a schedule is for a time that has come and had none yet; others are for none.
fn has_its_time(told: &Told, cluster: &Cluster, intent: &Intent) -> Held {
    let component = told.component().ok_or("there is no component")?;
    let (last, now) = (told.last_due_ms, cluster.clock().now_ms());
    let is_its = match intent.due_ms {
        Some(due) => component.schedule.is_some() && due.is_multiple_of(SCHEDULE_MS) && due > last && due <= now,
        None => component.schedule.is_none(),
    };
    unless(is_its, || format!("a run for {:?}, where the last was for {last} and it is {now}", intent.due_ms))
}

/// Never started empty when state existed, nor from an older one than there is; but where that was ordered.
fn begins_from_the_newest_state(told: &Told, cluster: &Cluster, intent: &Intent) -> Held {
    let application = told.state.applications.get(&application()).ok_or("there is no application")?;
    let component = told.component().ok_or("there is no component")?;
    let Wanted::Started { order, origin } = &application.wanted else {
        return Err("it shall not run".to_owned());
    };
    let restore = intent.restore.as_deref().map(local);
    match component.origin(*order, origin) {
        Origin::Empty => unless(restore.is_none(), || format!("it was to begin empty, not from {restore:?}")),
        Origin::Path(path) => {
            unless(restore == Some(local(path)), || format!("it was to begin from {path}, not from {restore:?}"))
        }
        Origin::Newest => {
            let newest = newest(told, cluster);
            // One that YARN accepted and never gave room to began from there, too.
            let waited = component.last_that_ran().filter(|run| never_ran(cluster, &run.id));
            let also = waited.map(|run| run.restore.as_deref().map(local));
            let is_good = restore == newest.as_deref() || also == Some(restore);
            unless(is_good, || format!("it begins from {restore:?}, and the newest state is {newest:?}"))
        }
    }
}

fn never_ran(cluster: &Cluster, id: &ApplicationId) -> bool {
    !cluster.life().jobs.iter().any(|job| job.id == *id && job.ran)
}

/// Nothing is destroyed that a run, an upgrade or the next start needs.
fn nobody_needs_what_goes(told: &Told, cluster: &Cluster, (id, folder): (&TriggerId, &str)) -> Held {
    let began = |job: &&Job| {
        job.is_alive() && told.is_own(&job.id) && job.from.as_ref().is_some_and(|from| lies_in(from, folder))
    };
    if let Some(job) = cluster.life().jobs.iter().find(began) {
        return Err(format!("{} runs, and began from what goes", job.id));
    }
    let application = told.state.applications.get(&application()).ok_or("there is no application")?;
    let stood = application.upgrading().map(|upgrade| upgrade.states.values().flatten().collect::<Vec<_>>());
    if let Some(path) = stood.unwrap_or_default().into_iter().find(|path| lies_in(path, folder)) {
        return Err(format!("an upgrade may go back to {path}"));
    }
    let is_newest = newest(told, cluster).is_some_and(|path| lies_in(&path, folder));
    unless(!is_newest || told.spelt_out.contains(id), || {
        format!("{folder} is the newest state, and nobody spelt it out")
    })
}

/// What is told to be over is over; but what YARN has forgotten, nobody can see.
fn is_over_before_it_is_said(cluster: &Cluster, id: &ApplicationId, end: &End) -> Held {
    let is_unseen = end.verdict == Verdict::Lost;
    unless(is_unseen || !cluster.alive().contains(id), || format!("{id} runs, and is told to be {}", end.verdict))
}

/// Every act is in the journal before its request leaves, and the journal wants it then.
pub(super) fn is_recorded_before(told: &Told, cluster: &Cluster, request: &Request) -> Held {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    match request.parts()[..] {
        ["POST", "ws", "v1", "cluster", "apps"] => {
            let id = body["application-id"].as_str().unwrap_or_default();
            is_submitted_as_intended(told, cluster, id, &body)
        }
        ["PUT", "ws", "v1", "cluster", "apps", id, "state"] => is_to_be_killed(told, id),
        ["POST", "jobs", _, "savepoints" | "stop"] => {
            let id = body["triggerId"].as_str().unwrap_or_default();
            let is_known = told.component().is_some_and(|one| one.savepoints.iter().any(|one| one.id.as_str() == id));
            unless(is_known, || format!("savepoint {id} is asked for, and not in the journal"))
        }
        ["PUT" | "DELETE", "webhdfs", ..] if request.parameter("op") == "DELETE" => {
            is_to_be_removed(told, cluster, request)
        }
        _ => Ok(()),
    }
}

fn is_submitted_as_intended(told: &Told, cluster: &Cluster, id: &str, context: &Value) -> Held {
    let run = told.component().and_then(|component| component.run.as_ref()).filter(|run| run.id.as_str() == id);
    let Some(run) = run else { return Err(format!("{id} is submitted, and not in the journal")) };
    unless(run.begun, || format!("{id} is submitted, and the journal does not have that it begins"))?;
    // YARN takes an id that it knows without effect.
    let is_known = cluster.yarn.world().applications.contains_key(id);
    unless(run.end.is_none() || is_known, || format!("{id} is submitted, and it is over"))?;
    let tags = context["application-tags"]["tag"].as_array().map_or(0, Vec::len);
    unless(tags == 3, || format!("{id} is submitted without its tags"))
}

fn is_to_be_killed(told: &Told, id: &str) -> Held {
    let Some(application) = told.state.applications.get(&application()) else {
        return Err(format!("{id} is killed, and nobody knows it"));
    };
    let component = told.component().filter(|one| one.run.as_ref().is_some_and(|run| run.id.as_str() == id));
    let Some(component) = component else { return Err(format!("{id} is killed, and is not the last run")) };
    let is_written = component.live().is_some_and(|run| run.is_killed);
    let is_wanted = match &application.wanted {
        Wanted::Deleted | Wanted::Stopped { save: false, .. } => true,
        _ if is_written => true,
        Wanted::Stopped { save: true, .. } => false,
        Wanted::Created | Wanted::Started { .. } => component.given_up.is_some(),
    };
    unless(is_wanted, || format!("{id} is killed, and {:?} is wanted", application.wanted))
}

/// What has no job yet has nothing to save.
fn has_nothing_to_save(cluster: &Cluster, id: &ApplicationId) -> Held {
    let ran = cluster.life().jobs.iter().any(|job| job.id == *id && job.ran);
    unless(!ran, || format!("{id} is to be killed without a savepoint, and its job ran"))
}

fn is_to_be_removed(told: &Told, cluster: &Cluster, request: &Request) -> Held {
    let path = request.url.path().trim_start_matches("/webhdfs/v1");
    if let Some(id) = path.strip_prefix("/user/alice/.flink/") {
        let is_alive = cluster.yarn.world().applications.get(id).is_some_and(|known| known.finished == 0);
        return unless(!is_alive, || format!("the files of {id} are removed, and it is alive"));
    }
    if !path.starts_with("/pnda/flink") {
        return Ok(());
    }
    let mut disposals = told.component().into_iter().flat_map(|component| &component.disposals);
    unless(disposals.any(|one| one.folder == path), || format!("{path} is removed, and nobody ordered it"))
}

/// After the last fault all comes to what was ordered last.
pub(super) fn has_come_to_rest(told: &Told, cluster: &Cluster, manager: &Manager) -> Held {
    unless(manager.silent().is_none(), || format!("nothing can be recorded: {:?}", manager.silent()))?;
    let known = manager.state().map_err(|error| error.to_string())?;
    unless(*known == told.state, || "the manager knows something else than the journal".to_owned())?;
    let alive: Vec<ApplicationId> = cluster.alive().into_iter().filter(|id| told.is_own(id)).collect();
    let Some(application) = told.state.applications.get(&application()) else {
        return unless(alive.is_empty(), || format!("{alive:?} runs, and its application is gone"));
    };
    let component = told.component().ok_or("there is no component")?;
    unless(application.upgrading().is_none(), || "an upgrade is under way".to_owned())?;
    unless(component.pending().is_none_or(|one| one.periodic), || "a savepoint is pending".to_owned())?;
    unless(component.disposals.is_empty(), || "a savepoint is being removed".to_owned())?;
    match &application.wanted {
        Wanted::Deleted => Err("it was to be gone".to_owned()),
        Wanted::Created | Wanted::Stopped { .. } => {
            let is_over = alive.is_empty() && component.live().is_none() && component.attempt.is_none();
            unless(is_over, || format!("it was to stop, and {alive:?} runs"))
        }
        Wanted::Started { .. } => runs_or_is_over(&application.wanted, component, cluster, &alive),
    }
}

fn runs_or_is_over(wanted: &Wanted, component: &Component, cluster: &Cluster, alive: &[ApplicationId]) -> Held {
    if component.schedule.is_some() {
        // One run follows the other for ever.
        let known = component.live().map(|run| &run.id);
        return unless(alive.iter().all(|id| Some(id) == known), || format!("{alive:?} runs, and known is {known:?}"));
    }
    if let Some(run) = component.live() {
        let life = cluster.life();
        let runs = life.jobs.iter().any(|job| job.id == run.id && job.stage == Stage::Running && job.is_alive());
        unless(run.accepted && runs && alive == [run.id.clone()], || format!("{} does not run yet", run.id))?;
        return unless(!component.savepoint_ordered, || "a savepoint was ordered, and is not asked for".to_owned());
    }
    unless(alive.is_empty(), || format!("{alive:?} runs, and the journal does not have it"))?;
    let ended = component.run.as_ref().ok_or("it was to run, and never did")?;
    let verdict = ended.end.as_ref().map(|end| end.verdict);
    match again(wanted, component) {
        Again::At(_) => Err("another run follows".to_owned()),
        Again::GivenUp(_) => Ok(()),
        Again::No if component.given_up.is_some() => Ok(()),
        Again::No => {
            let is_by_person = cluster.life().by_person.contains(&ended.id);
            unless(is_by_person, || format!("it was to run, and {} ended ({verdict:?}) by nobody's order", ended.id))
        }
    }
}

/// What a person ordered last is what counts in the end.
pub(super) fn the_last_order_counts(told: &Told) -> Held {
    let wanted = told.state.applications.get(&application()).map(|one| &one.wanted);
    let is_so = match (&told.last_order, wanted) {
        (Some(Fact::DeleteOrdered { .. }), wanted) => wanted.is_none(),
        (Some(Fact::StopOrdered { save: false, .. }), wanted) => matches!(wanted, Some(Wanted::Stopped { .. })),
        (Some(Fact::StopOrdered { save: true, .. }), wanted) => {
            matches!(wanted, Some(Wanted::Stopped { .. })) || told.has_failed
        }
        (Some(Fact::StartOrdered { .. }), wanted) => matches!(wanted, Some(Wanted::Started { .. })) || told.has_failed,
        _ => true,
    };
    unless(is_so, || format!("ordered last was {:?}, and wanted is {wanted:?}", told.last_order))
}

/// Every savepoint that lies there is in the list, whatever was heard of it.
pub(super) fn no_savepoint_is_lost(told: &Told, cluster: &Cluster, manager: &Manager) -> Held {
    if !told.state.applications.contains_key(&application()) {
        return Ok(());
    }
    let listed = manager.savepoints(&application()).map_err(|error| error.to_string())?.list;
    let folder = format!("/pnda/flink/savepoints/alice/words/{}", key().component);
    let life = cluster.life();
    let made = life.jobs.iter().filter(|job| told.is_own(&job.id)).flat_map(|job| &job.made);
    for path in made.filter(|path| path.starts_with(&folder) && cluster.is_whole(path)) {
        let is_it = |kept: &&words::savepoints::Kept| {
            kept.usable == Some(true) && kept.path.as_deref().is_some_and(|one| local(one) == path)
        };
        unless(listed.iter().any(|kept| is_it(&kept)), || format!("{path} lies there, and is in no list"))?;
    }
    Ok(())
}
