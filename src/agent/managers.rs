//! How the applications of the cluster are, as the node that manages them writes it into HDFS. The agent beside the history server
//! reads it once a round, so that PNDA's one health of Flink knows both, and one node alone tells it.
//! Not here: the manager of the agent's own node (`managed`), and what becomes of the verdict (`health`).

use std::time::Duration;
use systems::hadoop::User;
use systems::webhdfs::{Error, Times, WebHdfs};
use words::chain::chain;
use words::metric::Health;
use words::names::Word;
use words::verdict::{self, Verdict};

/// It is written anew every ten seconds, and another node takes over after forty.
const ABANDONED: Duration = Duration::from_secs(90);

/// Where it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Managers {
    /// The addresses of the NameNodes.
    pub name_nodes: Vec<String>,
    /// As whom HDFS is asked.
    pub user: Word,
    /// The file.
    pub file: String,
}

/// Reads it, and remembers what it was.
pub struct Watch {
    hdfs: WebHdfs,
    file: String,
    last: Option<Last>,
}

/// The file as it was seen last.
struct Last {
    written_ms: u64,
    /// Since when it has been so, by a clock that never goes back.
    since: Duration,
    node: String,
    verdict: Verdict,
}

impl Watch {
    /// Has seen nothing yet.
    pub fn new(managers: &Managers, patience: Duration) -> Result<Watch, Error> {
        let times = Times { silence: patience, ..Times::default() };
        let hdfs = WebHdfs::of_several(&managers.name_nodes, User::simple(managers.user.as_str()), times)?;
        Ok(Watch { hdfs, file: managers.file.clone(), last: None })
    }

    /// How they are. What cannot be seen is a warning; that nobody manages them is an error.
    pub fn look(&mut self, now: Duration) -> Verdict {
        match self.read(now) {
            Err(error) => {
                // Who manages could not write either, and has time to from when HDFS is there again.
                self.last.iter_mut().for_each(|last| last.since = now);
                one(Health::Warn, format!("how applications are is not seen: {}", chain(&error)))
            }
            Ok(None) => one(Health::Warn, "no node has managed applications yet".to_owned()),
            Ok(Some(last)) => match now.saturating_sub(last.since) {
                passed if passed > ABANDONED => {
                    let node = if last.node.is_empty() { "the last node" } else { &last.node };
                    one(
                        Health::Error,
                        format!("nobody manages applications: {node} has not said so for {} s", passed.as_secs()),
                    )
                }
                _ => last.verdict.clone(),
            },
        }
    }

    fn read(&mut self, now: Duration) -> Result<Option<&Last>, Error> {
        let Some(status) = self.hdfs.status(&self.file)? else { return Ok(None) };
        let is_same = self.last.as_ref().is_some_and(|last| last.written_ms == status.modification_time);
        if !is_same {
            let bytes = self.hdfs.read(&self.file, verdict::LONGEST as u64)?.unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes);
            let (node, said) = verdict::read(&text);
            // While it is being written it is empty.
            let before = self.last.take().filter(|_| node.is_empty()).map(|last| (last.node, last.verdict));
            let (node, verdict) = before.unwrap_or_else(|| (node.to_owned(), said.unwrap_or_default()));
            self.last = Some(Last { written_ms: status.modification_time, since: now, node, verdict });
        }
        Ok(self.last.as_ref())
    }
}

fn one(health: Health, cause: String) -> Verdict {
    Verdict::of(vec![(health, cause)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use systems::webhdfs::Fake;

    const FILE: &str = "/pnda/apps/manager";

    fn at(second: u64) -> Duration {
        Duration::from_secs(second)
    }

    #[test]
    fn what_the_node_that_manages_says_counts_as_long_as_it_says_something() {
        let fake = Fake::start();
        let hdfs = fake.client();
        let mut watch = Watch { hdfs: fake.client(), file: FILE.to_owned(), last: None };
        let write = |text: &str| hdfs.write(FILE, "600", text.len() as u64, &mut text.as_bytes()).unwrap();
        assert_eq!(watch.look(at(0)).health, Health::Warn, "nobody yet");
        let bad = Verdict::of(vec![(Health::Error, "a/b: given-up".into())]);
        write(&bad.file("edge-1"));
        assert_eq!(watch.look(at(10)), bad);
        write("");
        assert_eq!(watch.look(at(20)), bad, "it is being written");
        write("edge-1");
        assert_eq!(watch.look(at(30)), Verdict::default(), "a release before says nothing of them");
        assert_eq!(watch.look(at(120)), Verdict::default());
        let gone = watch.look(at(121));
        assert_eq!(gone.health, Health::Error);
        assert_eq!(gone.causes, ["nobody manages applications: edge-1 has not said so for 91 s"]);
        write(&Verdict::default().file("edge-2"));
        assert_eq!(watch.look(at(130)).health, Health::Ok);
        let nowhere = Managers {
            name_nodes: vec!["http://127.0.0.1:1".to_owned()],
            user: Word::new("pnda").unwrap(),
            file: FILE.to_owned(),
        };
        watch.hdfs = Watch::new(&nowhere, Duration::from_secs(5)).unwrap().hdfs;
        let unseen = watch.look(at(300));
        assert!(unseen.health == Health::Warn && unseen.causes[0].contains("is not seen"), "{unseen:?}");
        watch.hdfs = fake.client();
        assert_eq!(watch.look(at(390)).health, Health::Ok, "it had no time to write since");
        assert_eq!(watch.look(at(391)).health, Health::Error);
    }
}
