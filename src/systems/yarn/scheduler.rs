//! What YARN's scheduler says of its queues, of both kinds that Hadoop brings, and what else decides whether it takes something:
//! settings of the ResourceManager, labels, nodes, and who may use a queue.
//! Not here: what follows for a submission.

use super::asking::Asked;
use super::{Error, LONGEST_LIST, ResourceManager, read};
use crate::call::{Caller, Method, Question};
use crate::hadoop::User;
use crate::lenient::{self, Many};
use serde::Deserialize;
use url::Url;
use words::ids::HostPort;

/// What a server says of one property of its Java.
const LONGEST_PROPERTY: u64 = 64 << 10;

/// Which scheduler it is: each names and makes queues in its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// Queues are there or are not; the last part of a path that is unique names one, too.
    Capacity,
    /// A queue that is not there may be made for whoever asks.
    Fair,
    /// Another one, of which nothing is known.
    #[default]
    Other,
}

/// The scheduler.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scheduler {
    /// Which one.
    pub kind: Kind,
    /// Its queues; each one after the one that it is in.
    pub queues: Vec<Queue>,
}

/// A queue.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Queue {
    /// Its whole name, as in `root.default`.
    pub path: String,
    /// Applications run in queues that have none in them.
    pub is_leaf: bool,
    /// `RUNNING`, `STOPPED` or `DRAINING`; empty where the scheduler has no such thing.
    pub state: String,
    /// The largest container that it gives, where it says so.
    pub most: Option<Most>,
    /// Who may use it, as Hadoop writes it, where it says so: submitters, then administrators.
    pub access: Option<[String; 2]>,
    /// The labels of nodes that it reaches; `*` is all.
    pub labels: Option<Vec<String>>,
    /// Queues in it are made when they are asked for.
    pub grows: bool,
}

/// A size of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub struct Most {
    /// Its memory.
    #[serde(default, rename = "memory", deserialize_with = "lenient::number")]
    pub memory_mb: u64,
    /// Its cores.
    #[serde(default, rename = "vCores", deserialize_with = "lenient::number")]
    pub cores: u64,
}

/// A node of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Node {
    /// `RUNNING`, where it takes containers.
    #[serde(default, deserialize_with = "lenient::text")]
    pub state: String,
    /// Where its NodeManager answers.
    #[serde(default, rename = "nodeHTTPAddress", deserialize_with = "lenient::host_port")]
    pub address: Option<HostPort>,
    #[serde(default, rename = "usedMemoryMB", deserialize_with = "lenient::number")]
    used_mb: u64,
    /// Memory that nobody has.
    #[serde(default, rename = "availMemoryMB", deserialize_with = "lenient::number")]
    pub free_mb: u64,
}

impl Node {
    /// All its memory.
    pub fn memory_mb(&self) -> u64 {
        self.used_mb.saturating_add(self.free_mb)
    }
}

impl Scheduler {
    /// The place of a queue among the queues, by its path or by the last part of it, where only one has that.
    pub fn find(&self, name: &str) -> Option<&Queue> {
        let rooted = format!("root.{name}");
        if let Some(found) = self.queues.iter().find(|queue| queue.path == name || queue.path == rooted) {
            return Some(found);
        }
        if self.kind != Kind::Capacity {
            return None;
        }
        let mut same = self.queues.iter().filter(|queue| queue.path.rsplit('.').next() == Some(name));
        same.next().filter(|_| same.next().is_none())
    }

    /// A queue and all that it is in.
    pub fn way_to<'a>(&'a self, queue: &'a Queue) -> impl Iterator<Item = &'a Queue> {
        let above = |one: &&Queue| {
            one.path == queue.path || queue.path.strip_prefix(&one.path).is_some_and(|rest| rest.starts_with('.'))
        };
        self.queues.iter().filter(above)
    }
}

impl ResourceManager {
    /// The scheduler with its queues.
    pub fn scheduler(&self) -> Result<Scheduler, Error> {
        let question = self.question("tell of its queues".into(), vec!["scheduler"]);
        let asked = Asked { longest: LONGEST_LIST, ..question };
        let got = self.ask(&asked)?;
        let root = read::<Document>(&asked, &got)?.scheduler.info;
        let kind = match root.kind.as_str() {
            "capacityScheduler" => Kind::Capacity,
            "fairScheduler" => Kind::Fair,
            _ => Kind::Other,
        };
        let mut queues = Vec::new();
        root.root.map_or(root.queue, |root| *root).flatten("", &mut queues);
        Ok(Scheduler { kind, queues })
    }

    /// A setting of the ResourceManager, with Hadoop's default where nobody sets it; none if it has no such setting.
    pub fn setting(&self, name: &str) -> Result<Option<String>, Error> {
        let question = self.question(format!("tell how it has {name}"), vec!["conf"]);
        let query = [("name", name)];
        let asked = Asked { below: &[], query: &query, ..question };
        match self.ask(&asked) {
            Ok(got) => Ok(read::<Setting>(&asked, &got)?.property.value),
            Err(Error::Answer { why, .. }) if why == "status 404" => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The labels of nodes that there are.
    pub fn labels(&self) -> Result<Vec<String>, Error> {
        let asked = self.question("list the labels of nodes".into(), vec!["get-node-labels"]);
        let got = self.ask(&asked)?;
        let labels = read::<Labels>(&asked, &got)?.list.unwrap_or_default();
        Ok(labels.0.into_iter().map(|label| label.name).collect())
    }

    /// The nodes.
    pub fn nodes(&self) -> Result<Vec<Node>, Error> {
        let question = self.question("list its nodes".into(), vec!["nodes"]);
        let asked = Asked { longest: LONGEST_LIST, ..question };
        let got = self.ask(&asked)?;
        Ok(read::<Nodes>(&asked, &got)?.nodes.unwrap_or_default().list.0)
    }

    /// Whether somebody may submit to a queue. YARN tells administrators of that queue only: none for others.
    pub fn may_submit(&self, user: &User, queue: &str) -> Result<Option<bool>, Error> {
        let operation = format!("say whether {} may use {queue}", user.name());
        let query = [("user", user.name()), ("queue-acl-type", "SUBMIT_APPLICATIONS")];
        let asked = Asked { query: &query, ..self.question(operation, vec!["queues", queue, "access"]) };
        match self.ask(&asked) {
            Ok(got) => Ok(read::<Access>(&asked, &got)?.allowed.parse().ok()),
            Err(Error::Refused { status: 403, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The Java that a server of Hadoop runs on, as in 17; containers on its node get the same unless somebody says otherwise.
pub fn java_of(caller: &Caller, server: &HostPort) -> Option<u16> {
    let url = Url::parse(&format!("http://{server}/jmx?get=java.lang:type=Runtime::SpecVersion")).ok()?;
    let question = Question { method: Method::Get, url: &url, body: None, longest: LONGEST_PROPERTY };
    let answer = caller.ask(&question).ok().filter(|answer| answer.status == 200)?;
    java_in(&answer.body.ok()?)
}

/// Java up to 8 calls itself 1.8.
pub(super) fn java_in(bytes: &[u8]) -> Option<u16> {
    let beans: Beans = serde_json::from_slice(bytes).ok()?;
    let version = beans.beans.into_iter().find_map(|bean| bean.version)?;
    version.strip_prefix("1.").unwrap_or(&version).parse().ok()
}

#[derive(Deserialize)]
struct Document {
    scheduler: Outer,
}

#[derive(Deserialize)]
struct Outer {
    #[serde(rename = "schedulerInfo")]
    info: Info,
}

#[derive(Deserialize)]
struct Info {
    #[serde(default, rename = "type", deserialize_with = "lenient::text")]
    kind: String,
    /// Of the fair one.
    #[serde(default, rename = "rootQueue")]
    root: Option<Box<RawQueue>>,
    /// Of the capacity one, which is its root itself.
    #[serde(flatten)]
    queue: RawQueue,
}

#[derive(Deserialize, Default)]
struct RawQueue {
    #[serde(default, rename = "queueName", deserialize_with = "lenient::text")]
    name: String,
    #[serde(default, deserialize_with = "lenient::text")]
    state: String,
    #[serde(default)]
    queues: Option<RawQueues>,
    #[serde(default, rename = "childQueues")]
    children: Option<RawQueues>,
    #[serde(default, rename = "maximumAllocation")]
    most: Option<Most>,
    #[serde(default, rename = "maxContainerAllocation")]
    most_of_fair: Option<Most>,
    #[serde(default, rename = "queueAcls")]
    access: Option<RawAccess>,
    #[serde(default, rename = "nodeLabels")]
    labels: Option<Many<String>>,
    #[serde(default, rename = "autoCreateChildQueueEnabled")]
    grows: bool,
    #[serde(default, rename = "autoCreationEligibility", deserialize_with = "lenient::text")]
    growth: String,
}

#[derive(Deserialize, Default)]
struct RawQueues {
    #[serde(default)]
    queue: Many<RawQueue>,
}

#[derive(Deserialize)]
struct RawAccess {
    #[serde(default, rename = "queueAcl")]
    list: Many<RawRight>,
}

#[derive(Deserialize)]
struct RawRight {
    #[serde(default, rename = "accessType", deserialize_with = "lenient::text")]
    kind: String,
    #[serde(default, rename = "accessControlList", deserialize_with = "lenient::text")]
    list: String,
}

impl RawQueue {
    /// The fair scheduler's names are whole, the capacity one's are the last part.
    fn flatten(self, above: &str, queues: &mut Vec<Queue>) {
        let is_whole = above.is_empty() || self.name.starts_with(&format!("{above}."));
        let path = if is_whole { self.name } else { format!("{above}.{}", self.name) };
        let children: Vec<RawQueue> =
            [self.queues, self.children].into_iter().flatten().flat_map(|list| list.queue.0).collect();
        let right = |access: &RawAccess, kind: &str| {
            access.list.0.iter().find(|right| right.kind.starts_with(kind)).map(|right| right.list.clone())
        };
        let access = self
            .access
            .as_ref()
            .and_then(|access| Some([right(access, "SUBMIT_APP")?, right(access, "ADMINISTER_QUEUE")?]));
        queues.push(Queue {
            path: path.clone(),
            is_leaf: children.is_empty(),
            state: self.state,
            most: self.most.or(self.most_of_fair).filter(|most| most.memory_mb > 0),
            access,
            labels: self.labels.map(|labels| labels.0),
            grows: self.grows || matches!(self.growth.as_str(), "legacy" | "flexible"),
        });
        children.into_iter().for_each(|child| child.flatten(&path, queues));
    }
}

#[derive(Deserialize)]
struct Setting {
    property: Property,
}

#[derive(Deserialize)]
struct Property {
    #[serde(default, deserialize_with = "lenient::some_text")]
    value: Option<String>,
}

#[derive(Deserialize)]
struct Labels {
    #[serde(default, rename = "nodeLabelInfo")]
    list: Option<Many<Label>>,
}

#[derive(Deserialize)]
struct Label {
    #[serde(default, deserialize_with = "lenient::text")]
    name: String,
}

#[derive(Deserialize)]
struct Nodes {
    #[serde(default)]
    nodes: Option<NodeList>,
}

#[derive(Deserialize, Default)]
struct NodeList {
    #[serde(default, rename = "node")]
    list: Many<Node>,
}

#[derive(Deserialize)]
struct Access {
    #[serde(default, deserialize_with = "lenient::text")]
    allowed: String,
}

#[derive(Deserialize)]
struct Beans {
    #[serde(default)]
    beans: Vec<Bean>,
}

#[derive(Deserialize)]
struct Bean {
    #[serde(default, rename = "SpecVersion", deserialize_with = "lenient::some_text")]
    version: Option<String>,
}
