//! What a component says about runs that end by themselves: when another one follows, how soon, and how often.
//! In the words of systemd's `Restart=`, which PNDA's packages have.
//! Not here: the decision (`decide::again`).

use serde::{Deserialize, Serialize};

/// After which ends another run follows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Respawn {
    /// `no`: after none.
    #[default]
    No,
    /// `always`: after each, whoever brought it about.
    Always,
    /// `on-success`: after one that went well.
    OnSuccess,
    /// `on-failure`: after one that failed, or of which nobody knows how it ended.
    OnFailure,
}

/// What a run was intended with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// When.
    pub respawn: Respawn,
    /// How long after the first failure; each further one in a row doubles it.
    pub pause_ms: u64,
    /// So many failures in a row are followed by another run; none: however many.
    pub limit: Option<u32>,
}

impl Policy {
    /// That nothing follows.
    pub fn is_none(&self) -> bool {
        *self == Policy::default()
    }
}
