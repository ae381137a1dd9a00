//! What YARN and HDFS said about one order of one owner: of all its components, and at their submissions soon after, nothing is
//! asked twice. Who did not answer is asked again.
//! Not here: the queues, which may close at any moment and are asked for each time.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use systems::hadoop::User;
use systems::webhdfs::{self, WebHdfs};
use systems::yarn::scheduler::Node;
use systems::yarn::{self, ResourceManager};

/// Answers by what was asked.
type Kept<K, V> = Mutex<BTreeMap<K, V>>;

/// All that was said.
#[derive(Debug, Default)]
pub struct Answers {
    rights: Kept<(String, &'static str), Option<bool>>,
    settings: Kept<&'static str, Option<String>>,
    queues: Kept<String, Option<bool>>,
    labels: Kept<(), Vec<String>>,
    nodes: Kept<(), Vec<Node>>,
}

impl Answers {
    /// Whether the one who asks may do something with a path; none if it is not there.
    pub fn may(&self, hdfs: &WebHdfs, path: &str, action: &'static str) -> Result<Option<bool>, webhdfs::Error> {
        once(&self.rights, (path.to_owned(), action), || hdfs.may(path, action))
    }

    /// A setting of YARN.
    pub fn setting(&self, yarn: &ResourceManager, name: &'static str) -> Result<Option<String>, yarn::Error> {
        once(&self.settings, name, || yarn.setting(name))
    }

    /// Whether the owner may use a queue, where YARN tells.
    pub fn may_submit(&self, yarn: &ResourceManager, owner: &User, queue: &str) -> Result<Option<bool>, yarn::Error> {
        once(&self.queues, queue.to_owned(), || yarn.may_submit(owner, queue))
    }

    /// The labels of nodes.
    pub fn labels(&self, yarn: &ResourceManager) -> Result<Vec<String>, yarn::Error> {
        once(&self.labels, (), || yarn.labels())
    }

    /// The nodes.
    pub fn nodes(&self, yarn: &ResourceManager) -> Result<Vec<Node>, yarn::Error> {
        once(&self.nodes, (), || yarn.nodes())
    }
}

/// Asks unless it was answered before. Nobody waits for whom another one asks: at worst both ask.
fn once<K: Ord, V: Clone, E>(kept: &Kept<K, V>, key: K, ask: impl FnOnce() -> Result<V, E>) -> Result<V, E> {
    let held = || kept.lock().unwrap_or_else(PoisonError::into_inner);
    let known = held().get(&key).cloned();
    if let Some(known) = known {
        return Ok(known);
    }
    let answer = ask()?;
    held().insert(key, answer.clone());
    Ok(answer)
}
