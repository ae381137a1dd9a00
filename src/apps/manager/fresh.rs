//! What was seen when a start was ordered, for the submissions that follow at once; what was seen longer ago is looked at again.
//! A new order always looks for itself: whoever was refused has mended something.
//! Not here: which of it is asked again all the same (`preflight::look`).

use super::{Manager, lock};
use crate::preflight::answers::Answers;
use crate::site;
use crate::submit::Distribution;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use words::flink::Version;
use words::names::ApplicationName;

/// Rights, nodes and settings do not change so soon.
const FRESH: Duration = Duration::from_secs(60);

/// By application, with when it was ordered.
pub(super) type Fresh = BTreeMap<ApplicationName, (Duration, Arc<Answers>)>;

impl Manager {
    pub(super) fn keep_answers(&self, name: &ApplicationName, answers: Answers) {
        let now = self.clock.passed();
        let mut fresh = lock(&self.fresh);
        fresh.retain(|_, (ordered, _)| now < *ordered + FRESH);
        fresh.insert(name.clone(), (now, Arc::new(answers)));
    }

    /// What was said at the order, while that counts.
    pub(super) fn answers_of(&self, name: &ApplicationName) -> Arc<Answers> {
        let now = self.clock.passed();
        let kept = lock(&self.fresh).get(name).filter(|(ordered, _)| now < *ordered + FRESH).cloned();
        kept.map(|(_, answers)| answers).unwrap_or_default()
    }

    pub(super) fn distribution(&self, version: Version) -> Result<Distribution, site::Error> {
        self.site.distribution((&self.staged, &self.hdfs), version, self.clock.passed())
    }
}
