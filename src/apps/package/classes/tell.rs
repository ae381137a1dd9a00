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
    let (mut flinks, mut parts) = (Group::default(), BTreeMap::<String, Group>::new());
    for (class, by) in &seen.missing {
        match part(world, class) {
            Some(part) => parts.entry(part).or_default().add(class, by),
            None if by.flinks => flinks.add(class, by),
            None => findings.push(missing(world, class, by)),
        }
    }
    for ((owner, name, descriptor), (member, by)) in &seen.members {
        if by.flinks {
            flinks.add(owner, by);
        } else {
            findings.push(lacking(world, (owner, name, descriptor), *member, by));
        }
    }
    findings.extend(parts.into_iter().filter_map(|(part, group)| not_packed(world, &part, group)));
    findings.extend(flinks_own(world, flinks));
    for ((jar, java), by) in &seen.newer {
        findings.push(newer(world, *jar, *java, by));
    }
    for (class, (jar, why)) in &seen.unreadable {
        let what = format!("its class file cannot be read: {why}");
        findings.push(in_class(world, Severity::Warning, (*jar, class), what, "build the jar again"));
    }
    for (class, jar) in &seen.uncalled {
        let what = format!("{} never calls its open(Configuration)", world.target.shown());
        findings.push(in_class(world, Severity::Error, (*jar, class), what, "write open(OpenContext) instead"));
    }
}

fn in_class(world: &World<'_>, severity: Severity, of: (usize, &str), what: String, remedy: &str) -> Finding {
    let (jar, class) = (world.jars[of.0].name.clone(), dotted(of.1));
    Finding { severity, jar, class, what, remedy: remedy.to_owned() }
}

/// Things that are missing and told together: the first one stands for all.
#[derive(Default)]
struct Group {
    first: Option<(Arc<str>, Referrers)>,
    count: usize,
}

impl Group {
    fn add(&mut self, class: &Arc<str>, by: &Referrers) {
        self.count += 1;
        // Who is the program's own stands before who is not.
        if self.first.as_ref().is_none_or(|(_, first)| !first.certain && by.certain) {
            self.first = Some((class.clone(), by.clone()));
        }
    }

    fn more(&self) -> String {
        if self.count > 1 { format!(" and {} more", self.count - 1) } else { String::new() }
    }
}

/// What parts of Flink that the package brings refer to in vain; it is not the program's doing.
fn flinks_own(world: &World<'_>, group: Group) -> Option<Finding> {
    let (class, by) = group.first.as_ref()?;
    let neither = format!("which neither the package nor {} has", world.target.shown());
    let what = format!("it is a part of Flink, and refers to {}{}, {neither}", dotted(class), group.more());
    let remedy = "take connectors and formats that are built for this line of Flink".to_owned();
    Some(of(world, Severity::Warning, by, what, remedy))
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
    Some(match parts.as_slice() {
        ["connector", name, _, ..] | ["streaming", "connectors", name, _, ..] => format!("flink-connector-{}", dotted(name)),
        ["formats", name, _, ..] => format!("flink-{}", dotted(name)),
        _ => dotted(class.rsplit_once('/')?.0),
    })
}

fn not_packed(world: &World<'_>, part: &str, group: Group) -> Option<Finding> {
    let (class, by) = group.first.as_ref()?;
    let neither = format!("which neither the package nor {} has", world.target.shown());
    let what = format!("it refers to {}{} of {part}, {neither}", dotted(class), group.more());
    let remedy = format!("pack {part} for this line of Flink into the jar, unless the program never comes there");
    Some(of(world, Severity::Warning, by, what, remedy))
}

fn of(world: &World<'_>, severity: Severity, by: &Referrers, what: String, remedy: String) -> Finding {
    let class = by.first.first().map_or_else(String::new, |class| dotted(class));
    Finding { severity, jar: world.jars[by.jar].name.clone(), class, what, remedy }
}

/// Others that refer to it, too.
fn others(by: &Referrers) -> String {
    match by.count {
        0 | 1 => String::new(),
        count => format!(" (and so does {}{})", dotted(&by.first[1]), if count > 2 { format!(", {} in all", many(count, "class")) } else { String::new() }),
    }
}

fn missing(world: &World<'_>, class: &str, by: &Referrers) -> Finding {
    let target = world.target;
    let what = |why: &str| format!("it refers to {}, {why}{}", dotted(class), others(by));
    let certain = if by.certain { Severity::Error } else { Severity::Warning };
    let neither = format!("which neither the package nor {} has", target.shown());
    if let Some(row) = gone::class(class, target.version) {
        return of(world, certain, by, what(&format!("which is gone since Flink {}.{}", row.since.0, row.since.1)), row.instead.to_owned());
    }
    if target.hides(class) {
        let remedy = "use the Table API, or put opt/flink-table-planner in the place of the loader's jar".to_owned();
        return of(world, Severity::Warning, by, what("which flink-table-planner-loader keeps to itself"), remedy);
    }
    if let Some(jar) = target.aside(class) {
        let remedy = format!("jobs do not see `opt`: pack what {} is made of into the package", jar.name);
        return of(world, certain, by, what(&format!("which {} has in `opt` alone", target.shown())), remedy);
    }
    of(world, certain, by, what(&neither), compile(world))
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
    let severity = if by.certain { Severity::Error } else { Severity::Warning };
    let called = format!("{}.{}", dotted(owner), shown(name, descriptor));
    if member == Member::WrongKind {
        let what = format!("it calls {called}, whose class was an interface and is none now, or the other way round{}", others(by));
        return of(world, severity, by, what, compile(world));
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
    of(world, severity, by, what, remedy)
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
    let what = format!("{} of it {} compiled for Java {java}, and Java {runs} runs the program", many(by.count, "class"), if by.count == 1 { "is" } else { "are" });
    let remedy = format!("compile with --release {runs}, or take a version of the library for Java {runs}");
    let severity = if by.certain { Severity::Error } else { Severity::Warning };
    let by = Referrers { jar, ..by.clone() };
    of(world, severity, &by, what, remedy)
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
