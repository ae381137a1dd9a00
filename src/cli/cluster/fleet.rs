//! The nodes of a cluster over ssh: how they are reached, which of them are meant, and how many at a time.
//! What nodes say while they work is told line by line, each with its name.
//! Not here: what is run on them.

use crate::cli::failure::{Failure, USAGE, warn};
use crate::cluster::{Plan, Planned};
use crate::systems::ssh::{Answer, Error, Ssh};
use crate::words::names::{BadName, Host, Word};
use crate::words::problem::nearest;
use clap::Args;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

/// How nodes are reached, and which.
#[derive(Args)]
pub struct Reach {
    /// Only these nodes, with commas between them.
    #[arg(long, value_name = "NODES", value_delimiter = ',')]
    limit: Vec<String>,
    /// How many nodes are worked on at the same time.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: u16,
    /// A configuration of ssh instead of the user's own.
    #[arg(long, value_name = "FILE")]
    ssh_config: Option<PathBuf>,
    /// Who logs in [default: whom ssh's configuration says]
    #[arg(long, value_name = "NAME", value_parser = user)]
    user: Option<Word>,
    /// Become root on the node with sudo, which must not ask for a password.
    #[arg(long)]
    r#become: bool,
    /// How long a node may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    timeout: u64,
    /// Do not tell what nodes say while they work.
    #[arg(long)]
    quiet: bool,
}

fn user(text: &str) -> Result<Word, BadName> {
    Word::new(text)
}

impl Reach {
    /// The waves of a plan with the nodes that are meant, without those that became empty.
    pub fn waves<'a>(&self, plan: &'a Plan) -> Result<Vec<Vec<&'a Planned>>, Failure> {
        let all: BTreeSet<&str> = plan.waves.iter().flat_map(|wave| &wave.nodes).map(|node| &*node.node).collect();
        if let Some(name) = self.limit.iter().find(|name| !all.contains(name.as_str())) {
            let like = nearest(name, all.iter().copied()).map(|like| format!("; did you mean {like}?"));
            let text = format!("cluster {} has no node {name}{}", plan.cluster, like.unwrap_or_default());
            return Err(Failure::new(USAGE, text));
        }
        let meant = |node: &&Planned| self.limit.is_empty() || self.limit.contains(&node.node);
        let waves = plan.waves.iter().map(|wave| wave.nodes.iter().filter(meant).collect::<Vec<_>>());
        Ok(waves.filter(|wave| !wave.is_empty()).collect())
    }

    /// Runs a line of shell as root on a node; what it says on the way is told with the node's name.
    pub fn run(&self, node: &Planned, line: &str, arguments: &[String], input: &[u8]) -> Result<Answer, Error> {
        let ssh = Ssh {
            config: self.ssh_config.clone(),
            user: self.user.clone(),
            sudo: self.r#become,
            patience: Duration::from_secs(self.timeout),
        };
        let host = Host::new(node.address.as_str()).map_err(|error| Error::Follow(std::io::Error::other(error)))?;
        // Nothing can be done about a closed standard error.
        let tell = |said: &str| drop(if self.quiet { Ok(()) } else { warn(&format!("{}: {said}", node.node)) });
        ssh.run(&host, line, arguments, input, &tell)
    }
}
