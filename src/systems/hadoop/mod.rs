//! What Hadoop's web interfaces have in common: who asks, which of several servers is the active one, how they refuse.
//! WebHDFS and the ResourceManager both stand on it.
//! Not here: what is asked of either.

mod exception;
mod servers;

pub use exception::Exception;
pub use servers::{BadAddress, Nobody, Servers, Tried, address};

use url::Url;

/// Who asks, and how a server knows. Today by the name alone (Hadoop's simple authentication, which believes any).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct User {
    name: Box<str>,
}

impl User {
    /// Somebody whose name is believed.
    pub fn simple(name: &str) -> User {
        User { name: name.into() }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Puts into a question who asks it.
    pub(crate) fn sign(&self, url: &mut Url) {
        url.query_pairs_mut().append_pair("user.name", &self.name);
    }
}
