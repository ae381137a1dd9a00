//! The same templates by `ansible.builtin.template`: four files of Hadoop on some workers, over the local connection.
//! What Ansible writes is held against what we rendered, byte for byte below the line that says what a file was made from.
//! Not here: what a large cluster takes (`render.rs`).

use pnda::cluster::{Rendered, default_templates};
use pnda::words::names::SafePath;
use pnda::words::tree::{Entry, Tree};
use serde_json::{Map, Value, json};
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;
use std::{env, fs};

pub const WORKERS: usize = 25;

const FILES: [&str; 4] = ["core-site.xml", "hdfs-site.xml", "log4j.properties", "yarn-site.xml"];

/// Our filters that these templates use; `at` is a function there, which Ansible's templates cannot have. What Jinja reads
/// otherwise than our engine does not stand in them.
const FILTERS: &str = r#"
from html import escape

UNITS = {"ms": 1, "s": 1000, "m": 60000, "h": 3600000}
SIZES = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


def measured(text, units, unit):
    digits = text.rstrip("kmghs")
    return -(-int(digits) * units[text[len(digits):]] // unit)


class FilterModule:
    def filters(self):
        return {
            "at": lambda path: path,
            "xml": lambda text: escape(text, quote=False),
            "megabytes": lambda text: measured(text, SIZES, 1 << 20),
            "milliseconds": lambda text: measured(text, UNITS, 1),
            "seconds": lambda text: measured(text, UNITS, 1000),
        }
"#;

/// Prints what both take.
pub fn compare(program: &str, rendered: &Rendered) -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    write(folder.path(), rendered)?;
    let start = play(program, folder.path(), "empty.yml")?;
    let whole = play(program, folder.path(), "site.yml")?;
    let again = play(program, folder.path(), "site.yml")?;
    let alike = compared(folder.path(), rendered)?;
    let files: usize = rendered.nodes.values().map(|tree| tree.iter().count()).sum();
    let ours = (0..5).map(|_| timed(|| super::render(&super::large(WORKERS)).map(drop)));
    let ours = ours.collect::<io::Result<Vec<f64>>>()?.into_iter().fold(f64::MAX, f64::min);
    let each = |seconds: f64, files: usize| seconds * 1e3 / files as f64;
    let mut out = io::stdout();
    writeln!(out, "{alike} files of {WORKERS} workers are the same bytes; an empty play takes {start:.2} s")?;
    writeln!(out, "| | files | seconds | ms a file, without the start |\n|---|---|---|---|")?;
    for (what, seconds) in [("`ansible.builtin.template`, first", whole), ("the same again: nothing changes", again)] {
        writeln!(out, "| {what} | {alike} | {seconds:.2} | {:.1} |", each(seconds - start, alike))?;
    }
    writeln!(
        out,
        "| `pnda`, all files of these nodes, decided and rendered | {files} | {ours:.3} | {:.3} |",
        each(ours, files)
    )?;
    let ratio = each(whole.min(again) - start, alike) / each(ours, files);
    writeln!(out, "\nratio a file: {ratio:.0}; the whole of it, start included: {:.0}", whole.min(again) / ours)
}

fn timed(work: impl FnOnce() -> io::Result<()>) -> io::Result<f64> {
    let began = Instant::now();
    work().map(|()| began.elapsed().as_secs_f64())
}

/// The play, its inventory, and the templates as Ansible takes them.
fn write(folder: &Path, rendered: &Rendered) -> io::Result<()> {
    let (templates, filters) = (folder.join("templates"), folder.join("filter_plugins"));
    fs::create_dir_all(&templates)?;
    fs::create_dir_all(&filters)?;
    fs::write(filters.join("ours.py"), FILTERS)?;
    let shipped = default_templates();
    for file in FILES {
        let text = &shipped[&format!("etc/hadoop/conf/{file}")];
        let text = text.split("at(path=").enumerate().map(|(at, part)| match (at, part.split_once(')')) {
            (1.., Some((path, rest))) => format!("({path} | at){rest}"),
            _ => part.to_owned(),
        });
        fs::write(templates.join(file), text.collect::<String>())?;
    }
    let mut hosts = Map::new();
    for (node, tree) in rendered.nodes.iter().filter(|(node, _)| node.as_str().starts_with("worker")) {
        fs::create_dir_all(folder.join("out").join(node.as_str()))?;
        hosts.insert(node.to_string(), variables(rendered, node.as_str(), tree)?);
    }
    fs::write(folder.join("inventory.json"), json!({ "all": { "hosts": hosts } }).to_string())?;
    let head = "- hosts: all\n  gather_facts: false\n  tasks:\n";
    let task = |file: &str| {
        let to = format!("{}/out/{{{{ node }}}}/{file}", folder.display());
        format!("    - ansible.builtin.template: {{ src: {file}, dest: \"{to}\", lstrip_blocks: true }}\n")
    };
    fs::write(folder.join("site.yml"), head.to_owned() + &FILES.map(task).concat())?;
    fs::write(folder.join("empty.yml"), head.to_owned() + "    - ansible.builtin.meta: noop\n")
}

/// What the templates of a node may print: its settings, and where the masters are.
fn variables(rendered: &Rendered, node: &str, tree: &Tree) -> io::Result<Value> {
    let origins: toml::Table = text(tree, "origins.toml")?.parse().map_err(io::Error::other)?;
    let mut all = json!({ "node": node, "ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}" });
    for (name, setting) in &origins {
        let value = setting.get("value").map(serde_json::to_value).transpose()?.unwrap_or(Value::Null);
        let place = format!("/{}", name.replace('.', "/"));
        let mut below = &mut all;
        for part in place[1..].split('/') {
            below = &mut below[part];
        }
        *below = value;
    }
    let place = |role: &str| -> Value {
        let having = rendered.assignment.nodes.iter().filter(|one| one.roles.iter().any(|has| has.as_str() == role));
        having.map(|one| json!({ "address": one.address.as_str() })).collect()
    };
    let own = rendered.assignment.nodes.iter().find(|one| one.node.as_str() == node);
    all["address"] = own.map_or(Value::Null, |own| own.address.as_str().into());
    all["nodes"] = ["hdfs-namenode", "hdfs-secondary", "yarn-resourcemanager"]
        .map(|role| (role.to_owned(), place(role)))
        .into_iter()
        .collect::<Map<_, _>>()
        .into();
    Ok(all)
}

fn text(tree: &Tree, path: &str) -> io::Result<String> {
    match SafePath::new(path).ok().and_then(|path| tree.get(&path)) {
        Some(Entry::File { bytes, .. }) => String::from_utf8(bytes).map_err(io::Error::other),
        _ => Err(io::Error::other(format!("there is no {path}"))),
    }
}

fn play(program: &str, folder: &Path, play: &str) -> io::Result<f64> {
    let program = env::current_dir()?.join(program);
    let mut command = Command::new(program);
    command.args(["-i", "inventory.json", play]).current_dir(folder).stdin(Stdio::null());
    command.env("ANSIBLE_HOME", folder.join("home")).env("LANG", "C.UTF-8").env("ANSIBLE_STDOUT_CALLBACK", "minimal");
    let log = fs::File::create(folder.join("log"))?;
    command.stdout(log.try_clone()?).stderr(log);
    timed(|| match command.status()?.success() {
        true => Ok(()),
        false => Err(io::Error::other(fs::read_to_string(folder.join("log"))?)),
    })
}

/// How many files are what we rendered; an error at the first that is not.
fn compared(folder: &Path, rendered: &Rendered) -> io::Result<usize> {
    let bare = |text: &str| -> String { text.lines().filter(|line| !line.contains("Made by pnda")).collect() };
    let mut alike = 0;
    for (node, tree) in rendered.nodes.iter().filter(|(node, _)| node.as_str().starts_with("worker")) {
        for file in FILES {
            let ours = text(tree, &format!("files/etc/hadoop/conf/{file}"))?;
            let theirs = fs::read_to_string(folder.join("out").join(node.as_str()).join(file))?;
            if bare(&ours) != bare(&theirs) {
                return Err(io::Error::other(format!("{node} {file} differs:\n{ours}\n{theirs}")));
            }
            alike += 1;
        }
    }
    Ok(alike)
}
