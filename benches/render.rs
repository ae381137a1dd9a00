//! What rendering a large cluster takes: 1,000 workers or as many as are named, with HDFS and YARN beside Flink.
//! The mirror is a list of names alone: what is measured is deciding and printing, not writing.
//! Not here: any bound that a test asserts. It prints a table for `benches/README.md`.

use pnda::cluster::{self, Inputs, Rendered};
use pnda::words::digest::Sha256;
use pnda::words::generation::{Generation, Listed};
use pnda::words::names::SafePath;
use pnda::words::problem::Source;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::time::Instant;

#[path = "render/ansible.rs"]
mod ansible;

/// A key of the right form, that signed nothing.
const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

const HEAD: &str = "name = \"large\"\nflavor = \"pico\"\nstacks = [\"hadoop\"]\n\n\
    [mirror]\nurl = \"http://mirror.example:8080\"\n";

const ROUNDS: usize = 5;

/// `--ansible PROGRAM` compares with the `ansible-playbook` of that name instead.
fn main() -> io::Result<()> {
    let mut arguments = std::env::args();
    if let Some(program) = arguments.find(|argument| argument == "--ansible").and(arguments.next()) {
        return ansible::compare(&program, &render(&large(ansible::WORKERS))?);
    }
    let named: Vec<usize> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let counts = if named.is_empty() { vec![100, 1_000] } else { named };
    let mut out = io::stdout();
    writeln!(out, "| nodes | files | bytes | best of {ROUNDS} |\n|---|---|---|---|")?;
    for workers in counts {
        let text = large(workers);
        let mut best = f64::MAX;
        let mut size = (0, 0);
        for _ in 0..ROUNDS {
            let began = Instant::now();
            let rendered = render(&text)?;
            best = best.min(began.elapsed().as_secs_f64());
            let entries = || rendered.nodes.values().flat_map(|tree| tree.iter());
            size = (entries().count(), entries().map(|(_, entry)| entry.size()).sum());
        }
        writeln!(out, "| {} | {} | {} | {best:.2} s |", workers + 2, size.0, size.1)?;
    }
    Ok(())
}

/// A cluster of one manager, one edge, and many workers.
fn large(workers: usize) -> String {
    let mut text = HEAD.to_owned();
    let mut node = |name: &str, number: usize, kind: &str| {
        let address = format!("10.{}.{}.{}", 80 + number / 62_500, number / 250 % 250, number % 250 + 1);
        let _ = write!(text, "\n[[node]]\nname = \"{name}\"\naddress = \"{address}\"\nkinds = [\"{kind}\"]\n");
    };
    node("manager", 0, "manager");
    node("edge", 1, "edge");
    (0..workers).for_each(|at| node(&format!("worker-{at:05}"), at + 2, "worker"));
    text
}

fn render(text: &str) -> io::Result<Rendered> {
    let generation = generation()?;
    let inputs = Inputs::shipped(Source { file: "large.toml", text }, Some(&generation), KEY);
    cluster::render(&inputs).map_err(|problems| io::Error::other(problems.to_string()))
}

/// A mirror's list that has what the roles ask for.
fn generation() -> io::Result<Generation> {
    let names = ["flink-1.20.5.tar.gz", "hadoop-3.4.2.tar.gz", "mirror_misc/jre-17.0.9.2.tar.gz", "pnda-agent"];
    let listed = |name: &str| Listed { size: name.len() as u64, sha256: Sha256::of(name.as_bytes()) };
    let file = |name: &&str| Ok((SafePath::new(*name).map_err(io::Error::other)?, listed(name)));
    let files = names.iter().map(file).collect::<io::Result<_>>()?;
    Ok(Generation { number: 1, lock: Sha256::of(b"lock"), files })
}
