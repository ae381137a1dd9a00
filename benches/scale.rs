//! A project of many small Maven artifacts, 10,000 and 100,000 or as many as are named, without any network: what a build
//! that finds nothing to do takes, and what looking at the mirror takes; processor time and the largest resident set.
//! Not here: any bound that a test asserts. Needs GNU time; it prints a table for `benches/README.md`.

use pnda::mirror::lock::{Artifact, Lock, Source, Voucher};
use pnda::words::digest::{Sha1, Sha256};
use pnda::words::names::{SafePath, Word};
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::Command;

/// So many roots in each entry of the manifest.
const ENTRY: usize = 5_000;

const GROUP: &str = "org.example.application.parts";

/// The options that every command gets: everything lies in the folder it runs in, the only registry is empty.
const PLACES: [&str; 6] = ["--store", "store", "--source", "maven=upstream", "--manifests", "manifests"];

fn main() -> io::Result<()> {
    let named: Vec<usize> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let counts = if named.is_empty() { vec![10_000, 100_000] } else { named };
    let mut out = io::stdout();
    writeln!(out, "| artifacts | command | by the clock | processors | largest resident set |\n|---|---|---|---|---|")?;
    for count in counts {
        let folder = tempfile::tempdir_in(".")?;
        make(folder.path(), count)?;
        for (name, words) in [
            ("the first `build`", "build --mirror mirror --key key --agent agent"),
            ("`build` again", "build --mirror mirror --key key --agent agent"),
            ("`status`", "status --mirror mirror"),
            ("`list`", "list --mirror mirror"),
            ("`verify`", "verify --mirror mirror"),
            ("`why`", "why org.example.application.parts:part-00007"),
            ("`lock`", "lock"),
            ("`lock` again", "lock"),
        ] {
            let row = measure(folder.path(), words)?;
            writeln!(out, "| {count} | {name} | {row} |")?;
        }
    }
    Ok(())
}

/// Manifests, their lock, and a store that holds all of it.
fn make(folder: &Path, count: usize) -> io::Result<()> {
    for name in ["manifests", "upstream"] {
        fs::create_dir(folder.join(name))?;
    }
    fs::write(folder.join("agent"), "an agent")?;
    let roots: Vec<String> = (0..count / 2).map(|at| format!("{GROUP}:part-{at:05}:1.0")).collect();
    let entry = |(at, roots)| format!("[[maven]]\nid = \"parts-{at}\"\ntransitive = false\nroots = {roots:?}\n");
    let manifest: String = roots.chunks(ENTRY).enumerate().map(entry).collect();
    let parsed = pnda::mirror::manifest::parse(&[("m.toml".into(), manifest.clone())]).map_err(io::Error::other)?;
    let mut artifacts = Vec::new();
    for at in 0..count / 2 {
        let pom = format!(
            "<project><modelVersion>4.0.0</modelVersion><groupId>{GROUP}</groupId>\
             <artifactId>part-{at:05}</artifactId><version>1.0</version></project>\n"
        );
        artifacts.push(keep(folder, at, "jar", &format!("part {at}"))?);
        artifacts.push(keep(folder, at, "pom", &pom)?);
    }
    let lock = Lock::of(Sha256::of(parsed.request().as_bytes()), artifacts).map_err(io::Error::other)?;
    fs::write(folder.join("manifests/m.toml"), manifest)?;
    fs::write(folder.join("manifests/pnda.lock"), lock.render())
}

/// Puts bytes into the store; the chain is as long as they are in real locks.
fn keep(folder: &Path, at: usize, kind: &str, text: &str) -> io::Result<Artifact> {
    let sha256 = Sha256::of(text.as_bytes());
    let name = sha256.to_string();
    let place = folder.join("store/sha256").join(&name[..2]);
    fs::create_dir_all(&place)?;
    fs::write(place.join(&name[2..]), text)?;
    let entry = format!("parts-{}", at / ENTRY);
    let path = format!("{}/part-{at:05}/1.0/part-{at:05}-1.0.{kind}", GROUP.replace('.', "/"));
    let chain =
        format!("{entry} > {GROUP}:root:1.0 > {GROUP}:a-dependency-of-it:1.0.1 > {GROUP}:part-{at:05}:{kind}:1.0");
    Ok(Artifact {
        source: Source::Maven,
        origin: None,
        address: SafePath::new(path).map_err(io::Error::other)?,
        size: text.len() as u64,
        sha256,
        vouched: Voucher::RegistrySha1(Sha1::of(text.as_bytes())),
        signer: None,
        wanted_by: Word::new(entry).map_err(io::Error::other)?.into(),
        because: [chain].into_iter().collect(),
    })
}

/// Runs one command and tells what it took as the cells of a row.
fn measure(folder: &Path, words: &str) -> io::Result<String> {
    let mut command = Command::new("/usr/bin/time");
    command.args(["--format", "%e %U %S %M", "--output", "time", env!("CARGO_BIN_EXE_pnda"), "mirror"]);
    let words: Vec<&str> = words.split(' ').collect();
    let places = match words[0] {
        "list" => &PLACES[..0],
        "verify" => &PLACES[..2],
        "why" => &PLACES[4..],
        _ => &PLACES[..],
    };
    let output = command.args(words).args(places).current_dir(folder).env("HOME", folder).output()?;
    let took = fs::read_to_string(folder.join("time"))?;
    let figures: Vec<f64> = took.lines().next_back().unwrap_or("").split(' ').filter_map(|f| f.parse().ok()).collect();
    let ([clock, user, system, kib], true) = (figures.as_slice(), output.status.success()) else {
        return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()));
    };
    let said = String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned();
    writeln!(io::stderr(), "{said}")?;
    Ok(format!("{clock:.2} s | {:.2} s | {:.0} MiB", user + system, kib / 1024.0))
}
