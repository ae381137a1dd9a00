//! Installs every node of a plan from its folder and its own `install.sh`, or only looks at each.
//! A wave begins when the one before it has answered; the first that fails is the last. A run after that does what is left.
//! Not here: what is in a node's folder, and what an answer means (`outcome`).

use crate::outcome::{Came, Driven, DrivenNode, rounds};
use crate::plan::{Plan, Visits};
use crate::reach::{Reach, Tell};
use cluster::{Planned, packed};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::Instant;
use words::chain::chain;
use words::parallel::each;
use words::tree::Tree;

/// Unpacks a node's folder from standard input where nobody but root sees it, and runs its script.
const BRING: &str = "umask 077; here=$(mktemp -d) || exit 1; trap 'rm -rf \"$here\"' EXIT; trap 'exit 129' HUP INT TERM; \
    tar -x -f - -C \"$here\" || exit 1; \
    [ ! -d \"$here/certificates\" ] || set -- --certificates \"$here/certificates\" \"$@\"; sh \"$here/install.sh\" \"$@\" </dev/null";

/// The same, but a node that has something installed is only looked at: what it would restart is asked before it is done.
const LOOK_OR_BRING: &str = "[ ! -e /var/lib/pnda/install ] || set -- --dry-run \"$@\"; ";

/// How a node is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ask {
    /// Only look.
    Look,
    /// Install where nothing is installed, and look elsewhere.
    First,
    /// Install.
    Install,
}

/// An install of the nodes of a plan.
pub struct Install<'a, E> {
    /// Who, in which order.
    pub plan: Plan<'a>,
    /// How they are reached.
    pub reach: Reach,
    /// What each node gets.
    pub nodes: &'a BTreeMap<String, Tree>,
    /// Services that every node runs for itself: no other node waits while one of them restarts.
    pub everywhere: &'a BTreeSet<String>,
    /// What each visit is.
    pub visits: Visits,
    /// What is brought to a node beside its folder, read when it is its turn.
    pub beside: &'a dyn Fn(&str) -> Result<Tree, E>,
    /// Who hears what nodes say.
    pub tell: Tell<'a>,
}

impl<E: From<io::Error>> Install<'_, E> {
    /// Carries the plan out, and tells what each node came to. Fails where something of a node's cannot be read here.
    pub fn run(&self) -> Result<Driven, E> {
        let mut driven = Driven { cluster: self.plan.cluster.to_owned(), nodes: Vec::new() };
        for wave in &self.plan.waves {
            let mut nodes: Vec<DrivenNode> =
                wave.iter().map(|node| DrivenNode::waiting(&node.node, &node.address)).collect();
            if driven.went_well() || self.visits == Visits::Looks {
                self.drive(wave, &mut nodes)?;
            }
            driven.nodes.append(&mut nodes);
        }
        Ok(driven)
    }

    /// Drives the nodes of one wave: a first visit to all, and where it is not enough, the rounds that follow from it.
    fn drive(&self, wave: &[&Planned], nodes: &mut [DrivenNode]) -> Result<(), E> {
        let all = (0..wave.len()).collect();
        let at_once = match self.visits {
            Visits::Looks => return self.visit(wave, nodes, all, Ask::Look),
            Visits::Changes { at_once } => at_once,
        };
        self.visit(wave, nodes, all, Ask::First)?;
        for round in rounds(nodes, self.everywhere, at_once) {
            if nodes.iter().any(|node| matches!(node.result, Came::Failed | Came::Unreachable)) {
                break;
            }
            self.visit(wave, nodes, round, Ask::Install)?;
        }
        // What was only looked at when another failed has not had its turn.
        nodes.iter_mut().filter(|node| node.result == Came::WouldChange).for_each(|node| node.result = Came::NotTried);
        Ok(())
    }

    /// Visits some nodes of a wave at the same time.
    fn visit(&self, wave: &[&Planned], nodes: &mut [DrivenNode], places: Vec<usize>, ask: Ask) -> Result<(), E> {
        let mut visits = Vec::new();
        for at in places {
            visits.push((at, nodes[at].clone(), packed(&self.brought(&wave[at].node)?)?));
        }
        let (line, options) = match ask {
            Ask::Look => (BRING.to_owned(), &["--dry-run", "--json"][..]),
            Ask::First => (format!("{LOOK_OR_BRING}{BRING}"), &["--json"][..]),
            Ask::Install => (BRING.to_owned(), &["--json"][..]),
        };
        let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        let (reach, tell) = (&self.reach, self.tell);
        let done = each(reach.jobs, visits, |(at, mut node, bytes)| {
            let began = Instant::now();
            let said = reach.run(wave[at], &line, &options, &bytes, tell);
            let seconds = began.elapsed().as_secs_f64();
            match said {
                Ok(answer) => node.hears(answer.code, &answer.stdout, &answer.last, seconds),
                Err(error) => node.breaks(chain(&error), seconds),
            }
            (at, node)
        });
        done.into_iter().for_each(|(at, node)| nodes[at] = node);
        Ok(())
    }

    /// A node's folder, with what is brought beside it.
    fn brought(&self, node: &str) -> Result<Tree, E> {
        let mut tree = self.nodes.get(node).cloned().unwrap_or_default();
        for (path, entry) in (self.beside)(node)?.iter() {
            tree.insert(path, entry.clone()).map_err(io::Error::other)?;
        }
        Ok(tree)
    }
}
