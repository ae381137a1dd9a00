//! Which node manages the applications of a cluster: its name lies in a file of HDFS that it writes anew every few seconds.
//! Another node stands by until that file has not changed for a while by its own clock, whatever clocks say elsewhere.
//! Not here: what keeps two managers from doing a thing twice; that is the journal.

use std::sync::Mutex;
use std::time::Duration;
use systems::webhdfs::{self, WebHdfs};
use words::shown::shown;
use words::verdict::{self, Verdict};

/// How often the file is written anew.
const RENEWAL: Duration = Duration::from_secs(10);
/// One that was not written anew for so long is nobody's.
const ABANDONED: Duration = Duration::from_secs(40);
/// A name is shorter, with what is beside it.
const LONGEST: u64 = verdict::LONGEST as u64;

/// This node, and what it has seen of others.
pub struct Holder {
    file: String,
    node: String,
    seen: Mutex<Seen>,
    /// What is written beside its name.
    says: Mutex<Verdict>,
}

/// What the file was when it was looked at last.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
enum Seen {
    /// It was not looked at.
    #[default]
    Nothing,
    /// Ours, written at that moment.
    Own(Duration),
    /// Somebody else's, as it has been since a moment.
    Other { name: String, written_ms: u64, since: Duration },
    /// Ours, and about to be another node's.
    Parting { to: String, until: Duration },
}

/// Why this node does not manage applications.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another one does.
    #[error(
        "the applications of this cluster are managed on {node}, which carries out what is ordered here; this node takes over {} s \
         after that one is gone",
        ABANDONED.as_secs()
    )]
    Elsewhere { node: String },
    /// It cannot be seen who does.
    #[error("cannot see in HDFS which node manages the applications")]
    Hidden(#[source] webhdfs::Error),
}

impl Holder {
    /// A node that manages nothing yet.
    pub fn new(hdfs_folder: &str, node: &str) -> Holder {
        Holder {
            file: format!("{hdfs_folder}/manager"),
            node: node.to_owned(),
            seen: Mutex::default(),
            says: Mutex::default(),
        }
    }

    /// This machine, by the name that it calls itself.
    pub fn this_machine(hdfs_folder: &str) -> Holder {
        Holder::new(hdfs_folder, &rustix::system::uname().nodename().to_string_lossy())
    }

    /// Makes sure that this node is the one that manages, `now` by a clock that never goes back.
    pub fn hold(&self, hdfs: &WebHdfs, now: Duration) -> Result<(), Error> {
        let mut seen = self.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match &*seen {
            Seen::Own(at) if now < *at + RENEWAL => return Ok(()),
            Seen::Parting { to, until } if now < *until => return Err(Error::Elsewhere { node: to.clone() }),
            _ => {}
        }
        let (found, said) = self.look(hdfs, now).map_err(Error::Hidden)?;
        let is_ours = matches!(found, Seen::Own(_) | Seen::Nothing);
        let is_abandoned = match (&found, &*seen) {
            (Seen::Other { name, written_ms, .. }, Seen::Other { name: before, written_ms: then, since }) => {
                name == before && written_ms == then && now >= *since + ABANDONED
            }
            _ => false,
        };
        if is_ours || is_abandoned {
            let mut says = self.says.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            // Of applications it knows nothing yet: until it does, what was said last counts.
            if !matches!(&*seen, Seen::Own(_)) {
                *says = said.unwrap_or_default();
            }
            let text = says.file(&self.node);
            let written = hdfs.write(&self.file, "600", text.len() as u64, &mut text.as_bytes());
            // While HDFS takes nothing, no other node can take it over either.
            if !matches!(found, Seen::Own(_)) {
                written.map_err(Error::Hidden)?;
            }
            *seen = Seen::Own(now);
            return Ok(());
        }
        let Seen::Other { name, written_ms, .. } = &found else { return Ok(()) };
        // Whoever was cut off in the middle of writing left it empty.
        let node = if name.is_empty() { "another node".to_owned() } else { shown(name).to_string() };
        if !matches!(&*seen, Seen::Other { name: before, written_ms: then, .. } if before == name && then == written_ms)
        {
            *seen = found;
        }
        Err(Error::Elsewhere { node })
    }

    /// Whether the file is written anew by the next look.
    pub fn is_due(&self, now: Duration) -> bool {
        let seen = self.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        matches!(&*seen, Seen::Own(at) if now >= *at + RENEWAL)
    }

    /// What is written beside this node's name from now on.
    pub fn say(&self, verdict: Verdict) {
        *self.says.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = verdict;
    }

    /// From now on another node shall manage: nothing more is done here. Gives whether this one manages now.
    pub fn part(&self, to: &str, now: Duration) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let is_ours = matches!(*seen, Seen::Own(_));
        if is_ours {
            *seen = Seen::Parting { to: to.to_owned(), until: now + ABANDONED };
        }
        is_ours
    }

    /// What this node did is done: the file gets the other one's name, and keeps what was said last. Where that is not there this one takes over again.
    /// Gives whether the file had this node's name.
    pub fn hand_over(&self, hdfs: &WebHdfs, to: &str) -> Result<bool, webhdfs::Error> {
        let is_ours = hdfs.read(&self.file, LONGEST)?.is_some_and(|bytes| named(&bytes) == self.node);
        if is_ours {
            let text = self.says.lock().unwrap_or_else(std::sync::PoisonError::into_inner).file(to);
            hdfs.write(&self.file, "600", text.len() as u64, &mut text.as_bytes())?;
        }
        Ok(is_ours)
    }

    /// The node to which this one is handing over.
    pub fn parts_to(&self, now: Duration) -> Option<String> {
        match &*self.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner) {
            Seen::Parting { to, until } if now < *until => Some(to.clone()),
            _ => None,
        }
    }

    /// This node's name.
    pub fn node(&self) -> &str {
        &self.node
    }

    /// Who it is, and what was said last.
    fn look(&self, hdfs: &WebHdfs, now: Duration) -> Result<(Seen, Option<Verdict>), webhdfs::Error> {
        let Some(bytes) = hdfs.read(&self.file, LONGEST)? else { return Ok((Seen::Nothing, None)) };
        let text = String::from_utf8_lossy(&bytes);
        let (name, said) = verdict::read(&text);
        if name == self.node {
            return Ok((Seen::Own(now), said));
        }
        let written_ms = hdfs.status(&self.file)?.map_or(0, |status| status.modification_time);
        Ok((Seen::Other { name: name.to_owned(), written_ms, since: now }, said))
    }
}

/// Which node a file names.
fn named(bytes: &[u8]) -> String {
    verdict::read(&String::from_utf8_lossy(bytes)).0.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use systems::webhdfs::Fake;

    fn at(second: u64) -> Duration {
        Duration::from_secs(second)
    }

    #[test]
    fn a_node_that_parts_does_nothing_and_the_one_it_names_takes_over_at_once() {
        let fake = Fake::start();
        let hdfs = fake.client();
        let node = |name: &str| Holder::new("/pnda/apps", name);
        let (one, other) = (node("edge-1"), node("edge-2"));
        one.hold(&hdfs, at(0)).unwrap();
        assert!(other.hold(&hdfs, at(0)).is_err());
        assert!(!other.part("edge-1", at(0)), "it does not manage");
        assert!(one.part("edge-2", at(1)));
        let stands_by = |holder: &Holder, now| matches!(holder.hold(&hdfs, now), Err(Error::Elsewhere { .. }));
        assert!(stands_by(&one, at(2)) && stands_by(&other, at(2)), "what it did may not be done yet");
        assert_eq!(one.parts_to(at(2)).as_deref(), Some("edge-2"));
        assert!(one.hand_over(&hdfs, "edge-2").unwrap());
        assert!(!one.hand_over(&hdfs, "edge-3").unwrap(), "it is not its any more");
        other.hold(&hdfs, at(3)).unwrap();
        assert!(stands_by(&one, at(30)) && stands_by(&one, at(50)), "also when its patience is over");
    }

    #[test]
    fn beside_its_name_is_how_the_applications_are_and_others_read_the_name() {
        let fake = Fake::start();
        let hdfs = fake.client();
        let (one, other) = (Holder::new("/pnda/apps", "edge-1"), Holder::new("/pnda/apps", "edge-2"));
        one.hold(&hdfs, at(0)).unwrap();
        assert!(!one.is_due(at(9)) && one.is_due(at(10)) && !other.is_due(at(10)));
        one.say(Verdict::of(vec![(words::metric::Health::Error, "a/b: given-up".into())]));
        one.hold(&hdfs, at(10)).unwrap();
        let text = String::from_utf8(hdfs.read("/pnda/apps/manager", LONGEST).unwrap().unwrap()).unwrap();
        assert_eq!(text, "edge-1\n{\"health\":\"ERROR\",\"causes\":[\"a/b: given-up\"]}");
        let refused = other.hold(&hdfs, at(1000)).unwrap_err().to_string();
        assert!(refused.contains("managed on edge-1, which"), "{refused}");
        assert!(one.part("edge-2", at(11)) && one.hand_over(&hdfs, "edge-2").unwrap());
    }

    #[test]
    fn a_node_that_begins_says_what_was_said_last_until_it_knows_how_they_are() {
        let fake = Fake::start();
        let hdfs = fake.client();
        let node = |name: &str| Holder::new("/pnda/apps", name);
        let said = || {
            let text = String::from_utf8(hdfs.read("/pnda/apps/manager", LONGEST).unwrap().unwrap()).unwrap();
            let (node, said) = verdict::read(&text);
            (node.to_owned(), said.unwrap())
        };
        let bad = Verdict::of(vec![(words::metric::Health::Error, "a/b: given-up".into())]);
        let (one, other) = (node("edge-1"), node("edge-2"));
        one.hold(&hdfs, at(0)).unwrap();
        assert_eq!(said(), ("edge-1".to_owned(), Verdict::default()), "nobody has said anything");
        one.say(bad.clone());
        one.hold(&hdfs, at(10)).unwrap();
        assert!(one.part("edge-2", at(11)) && one.hand_over(&hdfs, "edge-2").unwrap());
        assert_eq!(said(), ("edge-2".to_owned(), bad.clone()));
        other.hold(&hdfs, at(12)).unwrap();
        assert_eq!(said(), ("edge-2".to_owned(), bad.clone()));
        // It is started again.
        let other = node("edge-2");
        other.hold(&hdfs, at(0)).unwrap();
        assert_eq!(said().1, bad);
        other.say(Verdict::default());
        other.hold(&hdfs, at(10)).unwrap();
        assert_eq!(said().1, Verdict::default());
        // What the first one knew is old when it takes over.
        assert!(one.hold(&hdfs, at(100)).is_err());
        one.hold(&hdfs, at(141)).unwrap();
        assert_eq!(said(), ("edge-1".to_owned(), Verdict::default()));
    }

    #[test]
    fn a_node_that_is_named_and_not_there_gets_nothing() {
        let fake = Fake::start();
        let hdfs = fake.client();
        let one = Holder::new("/pnda/apps", "edge-1");
        one.hold(&hdfs, at(0)).unwrap();
        assert!(one.part("edge-9", at(0)));
        assert!(one.hand_over(&hdfs, "edge-9").unwrap());
        assert!(one.hold(&hdfs, at(41)).is_err() && one.hold(&hdfs, at(80)).is_err());
        one.hold(&hdfs, at(81)).unwrap();
    }

    #[test]
    fn a_second_node_stands_by_names_the_first_and_takes_over_when_that_is_gone() {
        let fake = Fake::start();
        let hdfs = fake.client();
        let node = |name: &str| Holder::new("/pnda/apps", name);
        let (one, other) = (node("edge-1"), node("edge-2"));
        one.hold(&hdfs, at(0)).unwrap();
        let refused = other.hold(&hdfs, at(1000)).unwrap_err().to_string();
        assert!(refused.contains("managed on edge-1"), "{refused}");
        // It is written anew, and so not abandoned.
        for second in (10..=60).step_by(10) {
            one.hold(&hdfs, at(second)).unwrap();
            assert!(other.hold(&hdfs, at(1000 + second)).is_err(), "{second}");
        }
        assert!(other.hold(&hdfs, at(1099)).is_err());
        other.hold(&hdfs, at(1100)).unwrap();
        // The first one was held up, and sees it when it is due to write.
        assert!(matches!(one.hold(&hdfs, at(75)), Err(Error::Elsewhere { node }) if node == "edge-2"));
        // The same node, started again, does not wait.
        node("edge-2").hold(&hdfs, at(0)).unwrap();
    }
}
