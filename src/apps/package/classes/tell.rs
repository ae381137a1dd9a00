//! Words for what a look at the classes found: jar, class, and the way out of it.
//! One line for one thing, however many classes refer to it.
//! Not here: the look (`scan`).

use super::class_file::Class;
use super::finding::{Finding, many};
use super::gone;
use super::scan::{Referrers, Seen, dotted};
use super::world::{Found, Member, World};
use flink::Severity;
use std::collections::BTreeMap;
use std::sync::Arc;
use words::flink::Version;

/// All of it.
pub fn tell(world: &World<'_>, seen: &Seen, findings: &mut Vec<Finding>) {
    let mut groups = BTreeMap::<Together, Group>::new();
    for (class, by) in &seen.missing {
        match together(world, class, by) {
            Some(together) => groups.entry(together).or_default().add(dotted(class), by),
            None => findings.push(missing(world, class, by)),
        }
    }
    for ((owner, name, descriptor), (member, by)) in &seen.members {
        if by.certain {
            findings.push(lacking(world, (owner, name, descriptor), *member, by));
        } else {
            let together = if by.flinks { Together::Flinks } else { Together::Aside(by.jar) };
            groups.entry(together).or_default().add(format!("{}.{}", dotted(owner), shown(name, descriptor)), by);
        }
    }
    findings.extend(groups.into_iter().map(|(together, group)| group.finding(world, &together)));
    for ((jar, java), by) in &seen.newer {
        findings.push(newer(world, *jar, *java, by));
    }
    for (class, (jar, why)) in &seen.unreadable {
        let (jar, class) = (world.jars[*jar].name.clone(), dotted(class));
        let (what, remedy) = (format!("its class file cannot be read: {why}"), "build the jar again".to_owned());
        findings.push(Finding { severity: Severity::Warning, jar, class, what, remedy });
    }
    for by in seen.uncalled.values() {
        let what = format!("{} never calls its open(Configuration)", world.target.shown());
        findings.push(of(world, by, what, "write open(OpenContext) instead".to_owned()));
    }
}

/// What makes things that are missing one finding.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Together {
    /// One thing came in the place of all: since which line, and what.
    Gone((u32, u32), &'static str),
    /// A connector or a format has them, which no distribution does.
    Part(String),
    /// Parts of Flink that the package brings refer to them.
    Flinks,
    /// Classes of this jar that the program does not reach, or that are no code of its own.
    Aside(usize),
}

fn together(world: &World<'_>, class: &str, by: &Referrers) -> Option<Together> {
    if by.flinks {
        return Some(Together::Flinks);
    }
    if let Some(part) = part(world, class) {
        return Some(Together::Part(part));
    }
    match gone::class(class, world.target.version) {
        _ if !by.certain => Some(Together::Aside(by.jar)),
        Some(row) => Some(Together::Gone(row.since, row.instead)),
        None => None,
    }
}

/// Things that are told together.
#[derive(Default)]
struct Group {
    by: Referrers,
    /// The first two.
    names: Vec<String>,
    count: usize,
}

impl Group {
    fn add(&mut self, name: String, by: &Referrers) {
        self.count += 1;
        if self.names.len() < 2 {
            self.names.push(name);
        }
        if self.by.count == 0 {
            self.by = by.clone();
        }
    }

    fn finding(self, world: &World<'_>, together: &Together) -> Finding {
        let more = match self.count {
            0..=2 => String::new(),
            count => format!(" and {} more", count - 2),
        };
        let glue = if self.count == 2 { " and " } else { ", " };
        let named = format!("{}{more}", self.names.join(glue));
        let neither = format!("which neither the package nor {} has", world.target.shown());
        let (what, remedy) = match together {
            Together::Gone(since, instead) => (
                format!("it refers to {named}, gone since Flink {}.{}{}", since.0, since.1, others(&self.by)),
                (*instead).to_owned(),
            ),
            Together::Part(part) => (
                format!("it refers to {named}, {neither}"),
                format!("pack {part} for this line of Flink into the jar, unless the program never comes there"),
            ),
            Together::Flinks => (
                format!("it is a part of Flink, and refers to {named}, {neither}"),
                "take connectors and formats that are built for this line of Flink".to_owned(),
            ),
            Together::Aside(_) => (
                format!("it refers to {named}, {neither}; no code of the program's own comes there, as far as is seen"),
                "nothing, unless the program loads the class by its name".to_owned(),
            ),
        };
        let by = match together {
            Together::Gone(..) => self.by,
            _ => Referrers { certain: false, ..self.by },
        };
        of(world, &by, what, remedy)
    }
}

/// The part of Flink that most likely has a class, if it is one that no distribution has: a connector or a format. Some are
/// needed on some ways through a program only.
fn part(world: &World<'_>, class: &str) -> Option<String> {
    let target = world.target;
    let known = gone::class(class, target.version).is_some() || target.hides(class) || target.aside(class).is_some();
    if known || target.has_package_of(class) {
        return None;
    }
    let parts: Vec<&str> = class.strip_prefix("org/apache/flink/")?.split('/').collect();
    match parts.as_slice() {
        // Other versions of Flink have them under other names.
        ["shaded", ..] => None,
        ["connector", name, _, ..] | ["streaming", "connectors", name, _, ..] => {
            Some(format!("flink-connector-{}", dotted(name)))
        }
        ["formats", name, _, ..] => Some(format!("flink-{}", dotted(name))),
        _ => Some(format!("the part of Flink that has {}", dotted(class.rsplit_once('/')?.0))),
    }
}

/// An error where the program's own code certainly comes there.
fn of(world: &World<'_>, by: &Referrers, what: String, remedy: String) -> Finding {
    let severity = if by.certain { Severity::Error } else { Severity::Warning };
    let class = by.first.first().map_or_else(String::new, |class| dotted(class));
    Finding { severity, jar: world.jars[by.jar].name.clone(), class, what, remedy }
}

/// Others that refer to it, too.
fn others(by: &Referrers) -> String {
    match by.count {
        0 | 1 => String::new(),
        count => format!(
            " (and so does {}{})",
            dotted(&by.first[1]),
            if count > 2 { format!(", {} in all", many(count, "class")) } else { String::new() }
        ),
    }
}

fn missing(world: &World<'_>, class: &str, by: &Referrers) -> Finding {
    let target = world.target;
    let what = |why: &str| format!("it refers to {}, which {why}{}", dotted(class), others(by));
    if target.hides(class) {
        let remedy = "use the Table API, or put opt/flink-table-planner in the place of the loader's jar".to_owned();
        let by = Referrers { certain: false, ..by.clone() };
        return of(world, &by, what("flink-table-planner-loader keeps to itself"), remedy);
    }
    if let Some(jar) = target.aside(class) {
        let remedy = format!("jobs do not see `opt`: pack what {} is made of into the package", jar.name);
        return of(world, by, what(&format!("{} has in `opt` alone", target.shown())), remedy);
    }
    of(world, by, what(&format!("neither the package nor {} has", target.shown())), compile(world))
}

fn compile(world: &World<'_>) -> String {
    let line = world.target.version.map_or_else(String::new, |version| {
        let (major, minor) = version.line();
        format!(" {major}.{minor}")
    });
    format!("compile the program against Flink{line}, and see what it says")
}

fn lacking(world: &World<'_>, of_class: (&Arc<str>, &str, &str), member: Member, by: &Referrers) -> Finding {
    let (owner, name, descriptor) = of_class;
    let called = format!("{}.{}", dotted(owner), shown(name, descriptor));
    if member == Member::WrongKind {
        let what = format!(
            "it calls {called}, whose class was an interface and is none now, or the other way round{}",
            others(by)
        );
        return of(world, by, what, compile(world));
    }
    let found = world.find(owner);
    let class = match &found {
        Found::Target(class) | Found::Package(class) => Some(class),
        _ => None,
    };
    let have: Vec<String> = class.map_or_else(Vec::new, |class| same_name(class, name));
    let row = class.and_then(|class| row(world, class, name, world.target.version));
    let what = format!("it uses {called}, which {} does not have{}", world.target.shown(), others(by));
    let remedy = match (row, have.as_slice()) {
        (Some(row), _) => row.instead.to_owned(),
        (None, []) => compile(world),
        (None, have) => format!("it has {}: {}", have.join(" and "), compile(world)),
    };
    of(world, by, what, remedy)
}

/// What the class has by the same name, a few of them.
fn same_name(class: &Class, name: &str) -> Vec<String> {
    let members = class.methods.iter().chain(&class.fields).filter(|member| *member.name == *name);
    members.take(3).map(|member| shown(name, &member.descriptor)).collect()
}

/// The row of the table for a member of a class or of one of its super types.
fn row(world: &World<'_>, class: &std::rc::Rc<Class>, name: &str, version: Option<Version>) -> Option<gone::Gone> {
    let mut found = None;
    world.any_ancestor(class.clone(), |ancestor| {
        found = ancestor.name().and_then(|class| gone::member(class, name, version));
        found.is_some()
    });
    found
}

fn newer(world: &World<'_>, jar: usize, java: u16, by: &Referrers) -> Finding {
    let runs = world.target.java;
    let what = format!(
        "{} of it {} compiled for Java {java}, and Java {runs} runs the program",
        many(by.count, "class"),
        if by.count == 1 { "is" } else { "are" }
    );
    let remedy = format!("compile with --release {runs}, or take a version of the library for Java {runs}");
    let by = Referrers { jar, ..by.clone() };
    of(world, &by, what, remedy)
}

/// A member as it is written in Java: `readTextFile(String)`.
fn shown(name: &str, descriptor: &str) -> String {
    let name = words::shown::shown(if name == "<init>" { "new" } else { name }).to_string();
    let Some(parameters) = descriptor.strip_prefix('(').and_then(|rest| rest.split_once(')')) else { return name };
    format!("{name}({})", types(parameters.0).join(", "))
}

fn types(descriptor: &str) -> Vec<String> {
    let (mut types, mut rest, mut arrays) = (Vec::new(), descriptor, 0);
    while let Some(first) = rest.chars().next() {
        let (length, name) = match first {
            '[' => {
                arrays += 1;
                rest = &rest[1..];
                continue;
            }
            'L' => {
                let end = rest.find(';').unwrap_or(rest.len());
                let class = &rest[1..end];
                ((end + 1).min(rest.len()), dotted(class.rsplit('/').next().unwrap_or(class)))
            }
            _ => (first.len_utf8(), primitive(first).to_owned()),
        };
        types.push(format!("{name}{}", "[]".repeat(std::mem::take(&mut arrays).min(3))));
        rest = &rest[length..];
    }
    types
}

fn primitive(letter: char) -> &'static str {
    match letter {
        'B' => "byte",
        'C' => "char",
        'D' => "double",
        'F' => "float",
        'I' => "int",
        'J' => "long",
        'S' => "short",
        'V' => "void",
        'Z' => "boolean",
        _ => "?",
    }
}
