//! `pnda cluster install`: every node of a cluster over ssh, wave by wave, from its folder and its own `install.sh`.
//! A wave begins when the one before it answers; the first that fails is the last. A run after that does what is left.
//! Not here: who comes when, and what an answer means, which the cluster room decides.

use super::certificates::brought;
use super::content::{Content, From};
use super::fleet::Reach;
use crate::cli::failure::{FAILED, Failure, Outcome, WOULD_CHANGE, say, say_json, warn};
use crate::cluster::{Came, Driven, DrivenNode, Planned, packed, rounds};
use crate::words::parallel::each;
use crate::words::tree::Tree;
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

/// Options of `pnda cluster install`.
#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    from: From,
    #[command(flatten)]
    reach: Reach,
    /// How many nodes of a wave that restart a running service are changed at the same time.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    at_once: u16,
    /// Bring each node its key and certificates from here, as `pnda cluster certificates` made them.
    #[arg(long, value_name = "FOLDER")]
    certificates: Option<PathBuf>,
    /// Only look at each node: exit code 4 if something would change anywhere.
    #[arg(long)]
    dry_run: bool,
    /// Print what became of each node as JSON.
    #[arg(long)]
    json: bool,
}

/// Unpacks a node's folder from standard input where nobody but root sees it, and runs its script.
const BRING: &str = "umask 077; here=$(mktemp -d) || exit 1; trap 'rm -rf \"$here\"' EXIT; trap 'exit 129' HUP INT TERM; \
    tar -x -f - -C \"$here\" || exit 1; \
    [ ! -d \"$here/certificates\" ] || set -- --certificates \"$here/certificates\" \"$@\"; sh \"$here/install.sh\" \"$@\" </dev/null";

/// The same, but a node that has something installed is only looked at: what it would restart is asked before it is done.
const LOOK_OR_BRING: &str = "[ ! -e /var/lib/pnda/install ] || set -- --dry-run \"$@\"; ";

/// How a node is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ask {
    /// Only look.
    Look,
    /// Install where nothing is installed, and look elsewhere.
    First,
    /// Install.
    Install,
}

/// Runs it.
pub fn run(arguments: &Arguments) -> Outcome {
    let content = arguments.from.content()?;
    let waves = arguments.reach.waves(&content.plan)?;
    for node in &content.gone {
        warn(&format!(
            "node {node} was rendered once and is no longer in the cluster: run `pnda-agent uninstall` there"
        ))?;
    }
    let mut driven = Driven { cluster: content.plan.cluster.clone(), nodes: Vec::new() };
    for wave in &waves {
        let went_well = driven.went_well() || arguments.dry_run;
        let mut nodes: Vec<DrivenNode> =
            wave.iter().map(|node| DrivenNode::waiting(&node.node, &node.address)).collect();
        if went_well {
            drive(arguments, &content, wave, &mut nodes)?;
        }
        driven.nodes.append(&mut nodes);
    }
    match arguments.json {
        true => say_json(&driven)?,
        false => say(&driven.to_string())?,
    }
    let change = driven.would_change();
    Ok(ExitCode::from(match driven.went_well() {
        false => FAILED,
        true if change => WOULD_CHANGE,
        true => 0,
    }))
}

/// Drives the nodes of one wave: a first visit to all, and where it is not enough, the rounds that follow from it.
fn drive(arguments: &Arguments, content: &Content, wave: &[&Planned], nodes: &mut [DrivenNode]) -> Result<(), Failure> {
    let all = (0..wave.len()).collect();
    visit(arguments, content, wave, nodes, all, if arguments.dry_run { Ask::Look } else { Ask::First })?;
    if arguments.dry_run {
        return Ok(());
    }
    let rounds = rounds(nodes, &content.plan.everywhere, usize::from(arguments.at_once));
    for round in rounds {
        if nodes.iter().any(|node| matches!(node.result, Came::Failed | Came::Unreachable)) {
            break;
        }
        visit(arguments, content, wave, nodes, round, Ask::Install)?;
    }
    // What was only looked at when another failed has not had its turn.
    nodes.iter_mut().filter(|node| node.result == Came::WouldChange).for_each(|node| node.result = Came::NotTried);
    Ok(())
}

/// Visits some nodes of a wave at the same time.
fn visit(
    arguments: &Arguments,
    content: &Content,
    wave: &[&Planned],
    nodes: &mut [DrivenNode],
    places: Vec<usize>,
    ask: Ask,
) -> Result<(), Failure> {
    let none = Tree::default();
    let mut visits = Vec::new();
    for at in places {
        let mut tree = content.nodes.get(&wave[at].node).unwrap_or(&none).clone();
        if let Some(folder) = &arguments.certificates {
            let certificates = brought(folder, &wave[at].node, "certificates")?;
            certificates.iter().try_for_each(|(path, entry)| tree.insert(path, entry.clone()))?;
        }
        visits.push((at, nodes[at].clone(), packed(&tree)?));
    }
    let done = each(arguments.reach.jobs.into(), visits, |(at, mut node, bytes)| {
        let (line, options) = match ask {
            Ask::Look => (BRING.to_owned(), &["--dry-run", "--json"][..]),
            Ask::First => (format!("{LOOK_OR_BRING}{BRING}"), &["--json"][..]),
            Ask::Install => (BRING.to_owned(), &["--json"][..]),
        };
        let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        let began = Instant::now();
        let said = arguments.reach.run(wave[at], &line, &options, &bytes);
        let seconds = began.elapsed().as_secs_f64();
        match said {
            Ok(answer) => node.hears(answer.code, &answer.stdout, &answer.last, seconds),
            Err(error) => node.breaks(crate::words::chain::chain(&error), seconds),
        }
        (at, node)
    });
    for (at, node) in done {
        nodes[at] = node;
    }
    Ok(())
}
