//! Looks at YARN and HDFS for what a start may fail over. Every question reads; what is not told is left out.
//! Few questions: those whose answer cannot matter are not asked, and YARN is not asked again once it is silent.
//! Not here: what follows.

use super::answers::Answers;
use super::{Facts, Right, Wanted};
use crate::journal::Key;
use crate::submit::Cluster;
use systems::hadoop::User;
use systems::users::Account;
use systems::webhdfs::{self, WebHdfs};
use systems::yarn::ResourceManager;
use systems::yarn::scheduler::Kind;

/// Who is asked, and what was said before.
#[derive(Clone, Copy)]
pub struct Asking<'a> {
    /// YARN.
    pub yarn: &'a ResourceManager,
    /// HDFS, as the owner.
    pub hdfs: &'a WebHdfs,
    /// What is not asked again.
    pub answers: &'a Answers,
}

/// Looks at everything.
pub fn look(asking: Asking<'_>, cluster: &Cluster, of: &Key, wanted: &Wanted<'_>) -> Facts {
    let mut facts = Facts::default();
    asking.at_yarn(wanted, &mut facts);
    let _ = asking.in_hdfs(cluster, of, wanted, &mut facts);
    facts
}

impl Asking<'_> {
    fn at_yarn(&self, wanted: &Wanted<'_>, facts: &mut Facts) {
        let Asking { yarn, answers, .. } = *self;
        let Ok(scheduler) = yarn.scheduler() else { return };
        let is_on = |name| answers.setting(yarn, name).ok().flatten().map(|value| value == "true");
        facts.has_access_lists = is_on("yarn.acl.enable");
        let found = wanted.queue.and_then(|name| scheduler.find(name));
        if facts.has_access_lists == Some(true)
            && let Some(queue) = found
        {
            let owner = User::simple(wanted.owner.as_str());
            facts.may_submit = answers.may_submit(yarn, &owner, &queue.path).ok().flatten();
            let account = Account::named(wanted.owner.as_str());
            facts.groups = account.and_then(|account| account.group_names()).ok();
        }
        if scheduler.kind == Kind::Fair && wanted.queue.is_some() && found.is_none() {
            facts.makes_queues = is_on("yarn.scheduler.fair.allow-undeclared-pools");
        }
        if wanted.priority > 0 {
            let most = answers.setting(yarn, "yarn.cluster.max-application-priority").ok().flatten();
            facts.most_priority = most.and_then(|text| text.parse().ok());
        }
        if !wanted.labels.is_empty() {
            facts.labels = answers.labels(yarn).ok();
        }
        facts.nodes = answers.nodes(yarn).ok();
        facts.scheduler = Some(scheduler);
    }

    /// Stops at the first question that HDFS does not answer.
    fn in_hdfs(
        &self,
        cluster: &Cluster,
        of: &Key,
        wanted: &Wanted<'_>,
        facts: &mut Facts,
    ) -> Result<(), webhdfs::Error> {
        facts.home = Some(self.right_in(&format!("/user/{}", wanted.owner))?);
        for folder in [cluster.checkpoints_of(wanted.owner, of), cluster.savepoints_of(wanted.owner, of)] {
            let right = self.right_in(&folder)?;
            facts.folders.push((folder, right));
        }
        let state = wanted.restore.and_then(|state| state.strip_prefix(cluster.filesystem.as_str()));
        if let Some(state) = state.filter(|state| state.starts_with('/')) {
            // Somebody may have removed it since it was chosen.
            let may = self.hdfs.may(&format!("{}/_metadata", state.trim_end_matches('/')), "r--")?;
            facts.restore = Some(match may {
                Some(true) => Right::Granted,
                Some(false) => Right::Denied,
                None => Right::Missing,
            });
        }
        Ok(())
    }

    /// Whether a folder can be written into; one that is not there may be made by whoever may write where it would be.
    fn right_in(&self, folder: &str) -> Result<Right, webhdfs::Error> {
        let may = |path: &str, action| self.answers.may(self.hdfs, path, action);
        match may(folder, "rwx")? {
            Some(true) => return Ok(Right::Granted),
            Some(false) => return Ok(Right::Denied),
            None => {}
        }
        let mut above = folder;
        while let Some((next, _)) = above.rsplit_once('/').filter(|(next, _)| !next.is_empty()) {
            above = next;
            if let Some(may) = may(above, "-wx")? {
                return Ok(if may { Right::Granted } else { Right::Missing });
            }
        }
        Ok(if may("/", "-wx")? == Some(true) { Right::Granted } else { Right::Missing })
    }
}
