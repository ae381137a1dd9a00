//! The logs of a component's last run, found without ids of any kind: of containers that run from their NodeManagers, of those
//! that have ended from HDFS, where YARN gathers them; read as the application's owner.
//! Not here: who may read them (`agent`), and which parts are wanted (`crate::logs`).

use super::Manager;
use crate::logs::{Wanted, processes};
use crate::orders::Refusal;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use systems::aggregated_logs::{Entry, Found, Gathered};
use systems::call::Caller;
use systems::hadoop::User;
use systems::yarn::logs::NodeLogs;
use systems::yarn::{self, Attempt, Container};
use words::application::{LogFile, Logs};
use words::chain::chain;
use words::ids::{ApplicationId, ContainerId, HostPort};
use words::names::{ApplicationName, ComponentName, Word};
use words::parallel;

/// Containers or files that are asked for at once.
const AT_ONCE: usize = 8;
/// What all logs of an answer have together.
const BUDGET: u64 = 2 << 20;
/// More files than this a container has only where somebody fills it.
const MOST_FILES: usize = 64;
/// Logs that are looked at before no further file is.
const MOST_LOGS: usize = 50_000;
/// Containers whose nodes are asked.
const MOST_CONTAINERS: usize = 1000;

/// Logs of a container by name, with their sizes.
type Sizes = BTreeMap<String, u64>;

/// Where the logs of a container are.
enum Place {
    Node(NodeLogs),
    /// Logs of one container can be in several files, where YARN gathers while it runs.
    Gathered(BTreeMap<String, usize>),
}

/// What is known of a run's logs.
#[derive(Default)]
struct Places {
    of: BTreeMap<ContainerId, (Place, Sizes)>,
    files: Vec<Gathered>,
    /// Containers that have no logs anywhere.
    without: BTreeSet<ContainerId>,
    notes: Vec<String>,
    is_over: bool,
    /// Whether YARN still brings logs to HDFS.
    pending: bool,
}

impl Manager {
    /// What is wanted of the logs of a component's last run.
    pub fn logs(&self, name: &ApplicationName, component: &ComponentName, wanted: &Wanted) -> Result<Logs, Refusal> {
        let state = self.state()?;
        let application =
            state.applications.get(name).ok_or_else(|| Refusal::NotFound(format!("application {name}")))?;
        let run = match (application.components.get(component), application.workflows.get(component)) {
            (Some(found), _) => found.run.as_ref().map(|run| run.id.clone()),
            (None, Some(workflow)) => self.newest_of_workflow(&application.owner, workflow)?,
            (None, None) => return Err(Refusal::NotFound(format!("component {component} of {name}"))),
        };
        let told = self.told(name, application).components.into_iter().find(|one| one.name == *component);
        let state = told.map(|one| one.state).ok_or_else(|| Refusal::NotFound(format!("component {component}")))?;
        let Some(run) = &run else {
            return match wanted.follows && !state.is_over() {
                true => Ok(Logs { state, files: Vec::new(), notes: Vec::new(), pending: true }),
                false => Err(Refusal::NotFound(format!("run of {name}/{component} yet"))),
            };
        };
        let mut places = self.places(run, &application.owner);
        let files = places.read(wanted);
        if files.is_empty() && places.notes.is_empty() && wanted.read.is_none() {
            places.notes.push("there is no log yet".to_owned());
        }
        Ok(Logs { state, files, notes: places.notes, pending: places.pending })
    }

    /// Finds the logs of a run. What cannot be asked is said, and hides nothing else.
    fn places(&self, run: &ApplicationId, owner: &Word) -> Places {
        let mut places = Places::default();
        let reader = User::simple(owner.as_str());
        let known = self.yarn.application(run).unwrap_or_else(|error| {
            places.notes.push(chain(&error));
            None
        });
        places.is_over = known.as_ref().is_none_or(|known| known.state.is_final());
        let found = Found::of(&self.hdfs.as_user(&reader), &self.site.cluster.logs, owner.as_str(), run);
        let found = found.unwrap_or_else(|error| {
            places.notes.push(chain(&error));
            Found::default()
        });
        let status = known.as_ref().and_then(|known| known.log_aggregation_status.clone()).unwrap_or_default();
        let is_coming = matches!(status.as_str(), "NOT_START" | "RUNNING" | "RUNNING_WITH_FAILURE");
        places.pending = places.is_over && (found.is_growing || (known.is_some() && is_coming));
        places.files = found.files;
        let closed = found.closed.iter().take(1);
        places.notes.extend(closed.map(|error| format!("{}: try `yarn logs -applicationId {}`", chain(error), run)));
        places.add_gathered();
        if known.is_some() {
            match self.nodes(run) {
                Ok(nodes) => places.add_nodes(nodes, &self.network.nodes, &reader),
                Err(error) => places.notes.push(chain(&error)),
            }
        }
        places.say_what_is_missing(&status);
        places
    }

    /// The containers of all attempts of a run that YARN still knows, with the nodes that have them.
    fn nodes(&self, run: &ApplicationId) -> Result<BTreeMap<ContainerId, HostPort>, yarn::Error> {
        let mut nodes = BTreeMap::new();
        for attempt in self.yarn.attempts(run)? {
            let Attempt { container, node_http_address, .. } = &attempt;
            nodes.extend(container.clone().zip(node_http_address.clone()));
            let others = self.yarn.containers(run, &attempt.id)?.into_iter();
            nodes.extend(others.filter_map(|Container { id, node_http_address, .. }| Some((id, node_http_address?))));
        }
        Ok(nodes)
    }
}

impl Places {
    /// What the files in HDFS have; a later file has the newer log. Whose logs they are, may write what he likes there.
    fn add_gathered(&mut self) {
        let mut count = 0;
        for from in (0..self.files.len()).step_by(AT_ONCE) {
            let some = &self.files[from..(from + AT_ONCE).min(self.files.len())];
            let lists = parallel::each(AT_ONCE, some, |file| file.list());
            for (at, list) in (from..).zip(lists) {
                let list = list.unwrap_or_else(|error| {
                    self.notes.push(chain(&error));
                    Vec::new()
                });
                count += list.len();
                list.into_iter().for_each(|entry| self.add_entry(at, entry));
            }
            if count > MOST_LOGS {
                self.notes.push("this run has more logs than are looked at here; `yarn logs` reads them".to_owned());
                break;
            }
        }
    }

    fn add_entry(&mut self, at: usize, entry: Entry) {
        let empty = || (Place::Gathered(BTreeMap::new()), Sizes::new());
        let (place, sizes) = self.of.entry(entry.container).or_insert_with(empty);
        if let Place::Gathered(files) = place
            && (sizes.len() < MOST_FILES || sizes.contains_key(&entry.name))
        {
            files.insert(entry.name.clone(), at);
            sizes.insert(entry.name, entry.size);
        }
    }

    /// What NodeManagers have: the newest of what runs, and what is not in HDFS of what has ended.
    fn add_nodes(&mut self, nodes: BTreeMap<ContainerId, HostPort>, caller: &Caller, reader: &User) {
        let wanted = nodes.into_iter().filter(|(container, _)| !(self.is_over && self.of.contains_key(container)));
        let wanted: Vec<(ContainerId, HostPort)> = wanted.take(MOST_CONTAINERS).collect();
        let asked = parallel::each(AT_ONCE, wanted, |(container, node)| {
            let logs = NodeLogs::through(caller.clone(), &node).reading_as(reader.clone());
            let list = logs.list(&container);
            (container, logs, list)
        });
        for (container, logs, list) in asked {
            match list {
                Ok(Some(list)) => {
                    let sizes = list.into_iter().take(MOST_FILES).map(|log| (log.name, log.size)).collect();
                    self.of.insert(container, (Place::Node(logs), sizes));
                }
                Ok(None) if self.of.contains_key(&container) => {}
                Ok(None) => drop(self.without.insert(container)),
                // One node that is away hides no other.
                Err(error) => self.notes.push(chain(&error)),
            }
        }
    }

    /// Says whose logs are nowhere, and what becomes of them.
    fn say_what_is_missing(&mut self, status: &str) {
        let all: BTreeSet<&ContainerId> = self.of.keys().chain(&self.without).collect();
        let named = processes(all).into_iter().filter(|(container, _)| self.without.contains(*container));
        let whose: Vec<String> = named.map(|(of, name)| format!("{name} of attempt {}", of.attempt())).collect();
        let whose = if whose.is_empty() { "some processes".to_owned() } else { whose.join(", ") };
        let note = match (self.is_over, self.pending, status) {
            (true, true, _) => "YARN is bringing logs of this run to HDFS: ask again in a few seconds".to_owned(),
            (false, ..) if !self.without.is_empty() => {
                format!("{whose}: it has ended, and YARN brings its logs to HDFS when the whole run has ended")
            }
            (true, false, "DISABLED") => {
                "this YARN gathers no logs: set yarn.log-aggregation-enable, or look on the nodes".to_owned()
            }
            (true, false, _) if self.of.is_empty() || !self.without.is_empty() => format!(
                "{whose}: no logs are on the nodes or in HDFS; YARN removes them some days after the end \
                 (yarn.log-aggregation.retain-seconds), and does not bring those of a node that was lost"
            ),
            _ => return,
        };
        self.notes.push(note);
    }

    /// Reads what is wanted, by attempt and process.
    fn read(&mut self, wanted: &Wanted) -> Vec<LogFile> {
        let most = wanted.bytes.min(BUDGET / self.of.len().max(1) as u64);
        let mut nodes = Vec::new();
        let mut gathered: Vec<BTreeMap<(ContainerId, String), Range<u64>>> = vec![BTreeMap::new(); self.files.len()];
        for (container, (place, sizes)) in &self.of {
            for (name, range) in wanted.ranges(container, sizes, matches!(place, Place::Gathered(_)), most) {
                match place {
                    Place::Node(logs) => nodes.push((logs, container, name, range)),
                    Place::Gathered(files) => {
                        if let Some(file) = files.get(&name).and_then(|at| gathered.get_mut(*at)) {
                            file.insert((container.clone(), name), range);
                        }
                    }
                }
            }
        }
        let mut parts = parallel::each(AT_ONCE, nodes, |(logs, container, name, range)| {
            of_node(logs, container, name, &range, wanted)
        });
        let files = self.files.iter().zip(&gathered).filter(|(_, ranges)| !ranges.is_empty());
        parts.extend(parallel::each(AT_ONCE, files, |(file, ranges)| of_file(file, ranges, wanted)));
        let named = processes(self.of.keys().chain(&self.without));
        let mut read = Vec::new();
        for part in parts {
            match part {
                Ok(parts) => read.extend(parts.into_iter().filter_map(|part| part.told(&named))),
                Err(why) => self.notes.push(why),
            }
        }
        read.sort_by(|(left, file), (right, other)| (left, &file.name).cmp(&(right, &other.name)));
        read.into_iter().map(|(_, file)| file).collect()
    }
}

/// A part of a log.
struct Part {
    container: ContainerId,
    name: String,
    size: u64,
    from: u64,
    bytes: Vec<u8>,
}

impl Part {
    /// As it is told, with the place of its process among the others.
    fn told(self, named: &[(&ContainerId, String)]) -> Option<(usize, LogFile)> {
        let place = named.iter().position(|(container, _)| **container == self.container)?;
        let file = LogFile {
            process: named[place].1.clone(),
            attempt: self.container.attempt(),
            container: self.container.to_string(),
            name: self.name,
            size: self.size,
            from: self.from,
            to: self.from + self.bytes.len() as u64,
            text: text(&self.bytes),
        };
        Some((place, file)).filter(|_| !self.bytes.is_empty())
    }
}

/// Bytes as text. In JSON a control character takes six bytes, and a log may hold nothing else.
fn text(bytes: &[u8]) -> String {
    let is_odd = |letter: char| letter.is_control() && !matches!(letter, '\n' | '\r' | '\t');
    String::from_utf8_lossy(bytes).replace(is_odd, "\u{fffd}")
}

fn of_node(
    logs: &NodeLogs,
    container: &ContainerId,
    name: String,
    range: &Range<u64>,
    wanted: &Wanted,
) -> Result<Vec<Part>, String> {
    let most = range.end - range.start;
    let piece = match wanted.read {
        Some(_) => logs.from(container, &name, range.start, most),
        None => logs.last(container, &name, most),
    };
    let Some(mut piece) = piece.map_err(|error| chain(&error))? else { return Ok(Vec::new()) };
    let from = wanted.whole_lines(piece.from, &mut piece.bytes, true);
    Ok(vec![Part { container: container.clone(), name, size: piece.length, from, bytes: piece.bytes }])
}

fn of_file(
    file: &Gathered,
    ranges: &BTreeMap<(ContainerId, String), Range<u64>>,
    wanted: &Wanted,
) -> Result<Vec<Part>, String> {
    let pieces = file.read(&mut |entry| {
        let range = ranges.get(&(entry.container.clone(), entry.name.clone()));
        range.cloned().unwrap_or_default()
    });
    let part = |mut piece: systems::aggregated_logs::Piece| {
        let is_whole = piece.from + piece.bytes.len() as u64 == piece.entry.size;
        let from = wanted.whole_lines(piece.from, &mut piece.bytes, !is_whole);
        let entry = piece.entry;
        Part { container: entry.container, name: entry.name, size: entry.size, from, bytes: piece.bytes }
    };
    Ok(pieces.map_err(|error| chain(&error))?.into_iter().map(part).collect())
}
