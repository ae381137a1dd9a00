//! How the nodes of a fleet are reached, and how many at a time.
//! What nodes say while they work is an event for each line, with the node's name.
//! Not here: what is run on them.

use cluster::Planned;
use systems::ssh::{Answer, Error, Ssh};
use words::names::Host;

/// A line that a node has said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said<'a> {
    /// Its name.
    pub node: &'a str,
    /// The line, without its end.
    pub line: &'a str,
}

/// Who hears what nodes say while they work.
pub type Tell<'a> = &'a (dyn Fn(Said<'_>) + Sync);

/// How nodes are reached.
#[derive(Debug, Clone)]
pub struct Reach {
    /// The sessions.
    pub ssh: Ssh,
    /// How many nodes are worked on at the same time.
    pub jobs: usize,
}

impl Reach {
    /// Runs a line of shell as root on a node.
    pub(crate) fn run(
        &self,
        node: &Planned,
        line: &str,
        arguments: &[String],
        input: &[u8],
        tell: Tell<'_>,
    ) -> Result<Answer, Error> {
        let host = Host::new(node.address.as_str()).map_err(|error| Error::Follow(std::io::Error::other(error)))?;
        self.ssh.run(&host, line, arguments, input, &|line| tell(Said { node: &node.node, line }))
    }
}
