//! Looks into the jars of a component before it runs: is its main class there, and has the target what its classes use?
//! Everything is told at once, each with jar, class and remedy. What cannot be known is not called missing.
//! Not here: what `properties.json` says, and everything that only shows when the program runs.

pub mod apart;
pub mod class_file;
mod collisions;
mod connectors;
mod finding;
pub mod gone;
pub mod jar;
mod scan;
pub mod target;
mod tell;
#[cfg(test)]
pub(crate) mod tests;
mod world;

use super::archive::{Findings, Halt, LIMITS, Member, walk};
use super::flink::{FlinkComponent, Program};
use super::{Component, Kind, Package};
use class_file::{PUBLIC, STATIC};
use jar::Jar;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use words::names::{PackageName, SafePath};
use world::{Ancestor, Found, World};

pub use finding::Finding;
pub use flink::Severity;
pub use target::Target;

/// The jars of a component; what cannot be opened is a finding already.
#[derive(Debug, Default)]
pub struct Jars {
    jars: Vec<Jar>,
    unreadable: Vec<Finding>,
}

impl Jars {
    /// The jars of a component whose files lie below a folder.
    pub fn of_component(component: &Component, folder: &Path, java: u16) -> Jars {
        let mut jars = Jars::default();
        for path in component.files.keys().filter(|path| path.as_str().ends_with(".jar")) {
            jars.add(path, Jar::open(path.as_str(), &path.under(folder), java));
        }
        jars
    }

    /// Takes a jar in by its path in the component.
    pub fn add(&mut self, path: &SafePath, jar: Result<Jar, jar::Error>) {
        match jar {
            Ok(jar) => self.jars.push(jar),
            Err(error) => self.unreadable.push(Finding {
                severity: Severity::Error,
                jar: path.as_str().to_owned(),
                class: String::new(),
                what: format!("it cannot be read as a jar: {}", words::chain::chain(&error)),
                remedy: "build it again, and look at it with `jar tf`".to_owned(),
            }),
        }
    }

    /// How many classes they have.
    pub fn classes(&self) -> usize {
        self.jars.iter().map(|jar| jar.classes().count()).sum()
    }
}

/// The jars of all components of a package's archive, by the component's folder in it, such as `flink/wordcount`.
/// Mistakes of the archive itself are those that reading it whole has told.
pub fn jars(name: &PackageName, archive: impl Read, java: u16) -> io::Result<BTreeMap<String, Jars>> {
    let mut jars: BTreeMap<String, Jars> = BTreeMap::new();
    walk::<io::Error>(name, archive, LIMITS, &mut Findings::default(), |path, member, _| {
        let Member::File(_, bytes) = member else { return Ok(()) };
        let mut parts = path.as_str().splitn(3, '/');
        let (Some(kind), Some(component), Some(inner)) = (parts.next(), parts.next(), parts.next()) else {
            return Ok(());
        };
        let Some(inner) = SafePath::new(inner).ok().filter(|inner| inner.as_str().ends_with(".jar")) else {
            return Ok(());
        };
        let file = target::aside(bytes).map_err(Halt::Other)?;
        jars.entry(format!("{kind}/{component}")).or_default().add(&inner, Jar::read(inner.as_str(), file, java));
        Ok(())
    })?;
    Ok(jars)
}

/// Everything that is wrong with the classes of a package's components of type `flink`, each with its component's folder.
/// What `properties.json` says wrongly is not told again.
pub fn check_package(package: &Package, jars: &BTreeMap<String, Jars>, target: &Target) -> Vec<(String, Finding)> {
    let mut findings = Vec::new();
    for component in package.components.iter().filter(|component| component.kind == Kind::Flink) {
        let Ok((flink, _)) = FlinkComponent::parse("", &component.properties, &component.files) else { continue };
        let folder = format!("{}/{}", component.written, component.name);
        let found = jars.get(&folder).map_or_else(Vec::new, |jars| check(&flink.program, jars, target));
        findings.extend(found.into_iter().map(|finding| (folder.clone(), finding)));
    }
    findings
}

/// Everything that is wrong with a component's classes where it will run, errors first.
pub fn check(program: &Program, jars: &Jars, target: &Target) -> Vec<Finding> {
    let world = World::new(&jars.jars, target);
    let mut findings = jars.unreadable.clone();
    let main = match program {
        Program::Jar { jar, class } => {
            let main: Arc<str> = class.replace('.', "/").into();
            // A jar that cannot be read may have it.
            if jars.unreadable.is_empty() {
                findings.extend(main_class(&world, jar, &main));
            }
            Some(main)
        }
        Program::Python { .. } => None,
    };
    let seen = scan::scan(&world, main.as_deref());
    tell::tell(&world, &seen, &mut findings);
    collisions::with_target(&world, &mut findings);
    collisions::within(&world, &mut findings);
    if let Some(version) = target.version {
        connectors::judge(&jars.jars, version, &mut findings);
    }
    findings.sort();
    findings.dedup();
    findings
}

/// What keeps Flink from calling `main`.
fn main_class(world: &World<'_>, jar: &SafePath, main: &Arc<str>) -> Option<Finding> {
    let error = |what: String, remedy: &str| {
        let (jar, class) = (jar.as_str().to_owned(), scan::dotted(main));
        Some(Finding { severity: Severity::Error, jar, class, what, remedy: remedy.to_owned() })
    };
    let class = match world.find(main) {
        Found::Package(class) | Found::Target(class) => class,
        Found::Unreadable => return error("its class file cannot be read".to_owned(), "build the jar again"),
        Found::Java | Found::Missing => {
            let names = world.classes().map(|(class, _)| class).collect::<BTreeSet<_>>();
            let simple = main.rsplit('/').next().unwrap_or(main);
            let same = names.iter().find(|name| name.rsplit('/').next() == Some(simple));
            let near = same.copied().or_else(|| words::problem::nearest(main, names.iter().copied()));
            let remedy = match near {
                Some(near) => format!("did you mean `{}`?", scan::dotted(near)),
                None => "write the name of the class with its package, as in com.example.WordCount".to_owned(),
            };
            return error("main_class names it, and no jar of the component has it".to_owned(), &remedy);
        }
    };
    if class.flags & PUBLIC == 0 {
        return error("it is not public".to_owned(), "write `public class`");
    }
    if !has_main(world, class) {
        return error("it has no public static void main(String[])".to_owned(), "name the class that has it");
    }
    None
}

fn has_main(world: &World<'_>, class: Rc<class_file::Class>) -> bool {
    world.any_ancestor(class, |ancestor| match ancestor {
        Ancestor::Class(class) => class.methods.iter().any(|method| {
            let callable = method.flags & (PUBLIC | STATIC) == PUBLIC | STATIC;
            callable && *method.name == *"main" && *method.descriptor == *"([Ljava/lang/String;)V"
        }),
        Ancestor::Java(_) => false,
        Ancestor::Unknown => true,
    })
}
