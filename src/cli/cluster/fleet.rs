//! The options of commands that reach many nodes: how they are reached, which of them are meant, and how many at a time.
//! What nodes say while they work goes to standard error, with the node's name before it.
//! Not here: reaching them (the fleet room).

use crate::cli::failure::{Failure, USAGE, warn};
use crate::cluster;
use crate::fleet::{Plan, Reach, Said};
use crate::systems::ssh::Ssh;
use crate::words::names::{BadName, Word};
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

/// How nodes are reached, and which.
#[derive(Args)]
pub struct Options {
    /// Only these nodes, with commas between them.
    #[arg(long, value_name = "NODES", value_delimiter = ',')]
    limit: Vec<String>,
    /// How many nodes are worked on at the same time.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: u16,
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

impl Options {
    /// The nodes that are meant, in their order.
    pub fn plan<'a>(&self, cluster: &'a cluster::Plan) -> Result<Plan<'a>, Failure> {
        Plan::of(cluster, &self.limit).map_err(|error| Failure::new(USAGE, error))
    }

    /// How they are reached.
    pub fn reach(&self) -> Reach {
        let ssh = Ssh {
            config: self.ssh_config.clone(),
            user: self.user.clone(),
            sudo: self.r#become,
            patience: Duration::from_secs(self.timeout),
        };
        Reach { ssh, jobs: self.jobs.into() }
    }

    /// Tells what a node says.
    pub fn tell(&self, said: Said<'_>) {
        if !self.quiet {
            // Nothing can be done about a closed standard error.
            let _ = warn(&format!("{}: {}", said.node, said.line));
        }
    }
}
