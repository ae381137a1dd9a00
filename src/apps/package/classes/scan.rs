//! Goes through a package's classes, first those that its program reaches, and holds what they refer to against the target.
//! Only references to what is Flink's are told: libraries name many a class that nobody needs.
//! Not here: how a name is resolved, and how what is found is worded.

use super::class_file::{Class, Reference};
use super::target::is_java;
use super::world::{Found, Member, World};
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::Arc;

/// Names that are noted for one mistake; more are counted.
const SAMPLES: usize = 3;
/// Mistakes of one kind that are noted; nobody reads more.
const MOST_NOTED: usize = 2_000;
const FLINK: &str = "org/apache/flink/";

/// Libraries that are often packed into the same jar as a program; what they lack of Flink is not the program's doing.
const LIBRARIES: [&str; 27] = [
    "akka/",
    "android/",
    "ch/qos/",
    "com/codahale/",
    "com/esotericsoftware/",
    "com/fasterxml/",
    "com/github/luben/",
    "com/google/",
    "com/sun/",
    "com/twitter/",
    "com/typesafe/",
    "com/yammer/",
    "io/confluent/",
    "io/netty/",
    "io/swagger/",
    "javassist/",
    "junit/",
    "kotlin/",
    "net/jpountz/",
    "org/apache/",
    "org/codehaus/",
    "org/eclipse/",
    "org/joda/",
    "org/junit/",
    "org/slf4j/",
    "org/xerial/",
    "scala/",
];

/// Who refers to something.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Referrers {
    pub count: usize,
    /// The first of them in the order of the look, those that the program reaches before others.
    pub first: Vec<Arc<str>>,
    /// The jar of the first one.
    pub jar: usize,
    /// Whether the program's own code refers to it, and the program reaches that code.
    pub certain: bool,
    /// Whether all of them are parts of Flink that the package brings.
    pub flinks: bool,
}

/// Class, name and descriptor.
pub type MemberName = (Arc<str>, Arc<str>, Arc<str>);

/// What was found.
#[derive(Debug, Default)]
pub struct Seen {
    /// Classes that nobody has.
    pub missing: BTreeMap<Arc<str>, Referrers>,
    /// Members that their classes lack.
    pub members: BTreeMap<MemberName, (Member, Referrers)>,
    /// Class files for a later Java, by jar and that Java.
    pub newer: BTreeMap<(usize, u16), Referrers>,
    /// Class files that cannot be read, and why.
    pub unreadable: BTreeMap<Arc<str>, (usize, String)>,
    /// Classes with `open(Configuration)`, which a Flink that lacks it never calls.
    pub uncalled: BTreeMap<Arc<str>, Referrers>,
    /// Classes that were looked at whole.
    pub classes: usize,
}

/// Looks at all classes of the package; `main` is where its program begins.
pub fn scan(world: &World<'_>, main: Option<&str>) -> Seen {
    let mut scan = Scan { world, main, seen: Seen::default(), met: HashSet::new(), reached: true };
    let own = |class: &&str| main.is_none() && is_own(class, None);
    let begin =
        main.map(Arc::from).into_iter().chain(world.classes().map(|(class, _)| class).filter(own).map(Arc::from));
    let mut begin: Vec<Arc<str>> = begin.collect();
    begin.sort_unstable();
    scan.from(begin);
    scan.reached = false;
    let mut rest: Vec<&str> =
        world.classes().map(|(class, _)| class).filter(|class| !scan.met.contains(*class)).collect();
    rest.sort_unstable();
    for class in rest {
        if is_own(class, main) || class.starts_with(FLINK) {
            scan.from(vec![class.into()]);
        } else {
            scan.head(class);
        }
    }
    scan.seen
}

/// Whether a class is the program's own, as far as its name tells.
fn is_own(class: &str, main: Option<&str>) -> bool {
    let beside = main.and_then(|main| main.rsplit_once('/')).is_some_and(|(package, _)| class.starts_with(package));
    beside || !LIBRARIES.iter().any(|library| class.starts_with(library))
}

struct Scan<'a> {
    world: &'a World<'a>,
    main: Option<&'a str>,
    seen: Seen,
    met: HashSet<Arc<str>>,
    reached: bool,
}

impl Scan<'_> {
    fn from(&mut self, begin: Vec<Arc<str>>) {
        let mut queue: VecDeque<Arc<str>> = begin.into_iter().filter(|name| self.admits(name)).collect();
        while let Some(name) = queue.pop_front() {
            let Some(jar) = self.world.owner(&name) else { continue };
            match self.world.jars[jar].class(&name) {
                Some(Ok(class)) => {
                    self.look(&class, jar);
                    queue.extend(class.classes.into_iter().filter(|class| self.admits(class)));
                }
                Some(Err(error)) if self.seen.unreadable.len() < MOST_NOTED => {
                    self.seen.unreadable.insert(name, (jar, words::chain::chain(&error)));
                }
                _ => {}
            }
        }
    }

    /// Whether a class is one of the package's that runs and was not met before.
    fn admits(&mut self, name: &Arc<str>) -> bool {
        self.world.owner(name).is_some() && self.world.is_taken(name) && self.met.insert(name.clone())
    }

    /// Only what the first bytes say.
    fn head(&mut self, name: &str) {
        let Some(jar) = self.world.owner(name) else { return };
        if let Some(java) = self.world.jars[jar].java(name).filter(|java| *java > self.world.target.java) {
            let by = self.by(name, jar);
            note(self.seen.newer.entry((jar, java)).or_default(), by);
        }
    }

    fn by<'n>(&self, name: &'n str, jar: usize) -> By<'n> {
        let flinks = name.starts_with(FLINK) && !is_own(name, self.main);
        By { name, jar, certain: self.reached && is_own(name, self.main), flinks }
    }

    fn look(&mut self, class: &Class, jar: usize) {
        self.seen.classes += 1;
        let by = self.by(&class.name, jar);
        if class.java > self.world.target.java {
            // Whoever wrote it, a class that is reached is loaded.
            let by = By { certain: self.reached, ..by };
            note(self.seen.newer.entry((jar, class.java)).or_default(), by);
        }
        if self.world.target.classes() == 0 {
            return;
        }
        for name in class.classes.iter().filter(|name| name.starts_with(FLINK)) {
            let room = self.seen.missing.len() < MOST_NOTED;
            if matches!(self.world.find(name), Found::Missing) && (room || self.seen.missing.contains_key(name)) {
                note(self.seen.missing.entry(name.clone()).or_default(), by);
            }
        }
        for reference in &class.references {
            self.member(reference, by);
        }
        self.uncalled(class, by);
    }

    fn member(&mut self, reference: &Reference, by: By<'_>) {
        let owner = &reference.owner;
        if owner.starts_with('[') || is_java(owner) || !self.is_flinks(owner, by) {
            return;
        }
        let member = self.world.member(reference);
        if member == Member::Fine || self.seen.members.len() >= MOST_NOTED {
            return;
        }
        let key = (owner.clone(), reference.name.clone(), reference.descriptor.clone());
        let noted = self.seen.members.entry(key).or_insert_with(|| (member, Referrers::default()));
        note(&mut noted.1, by);
    }

    /// Whether a class, or what it extends, is one of the target's that the program links to.
    fn is_flinks(&self, owner: &Arc<str>, by: By<'_>) -> bool {
        match self.world.find(owner) {
            Found::Target(_) => owner.starts_with(FLINK) || is_own(by.name, self.main),
            Found::Package(class) if !class.name.starts_with(FLINK) => {
                self.world.any_ancestor(class, |ancestor| ancestor.name().is_some_and(|name| name.starts_with(FLINK)))
            }
            _ => false,
        }
    }

    fn uncalled(&mut self, class: &Class, by: By<'_>) {
        let open = |class: &Class| {
            let mut methods = class.methods.iter();
            methods.any(|method| {
                *method.name == *"open" && *method.descriptor == *"(Lorg/apache/flink/configuration/Configuration;)V"
            })
        };
        if !open(class) || class.is_interface() || self.seen.uncalled.len() >= MOST_NOTED {
            return;
        }
        let function: Arc<str> = "org/apache/flink/api/common/functions/RichFunction".into();
        let Found::Target(rich) = self.world.find(&function) else { return };
        let is_rich = || {
            let Found::Package(class) = self.world.find(&class.name) else { return false };
            self.world.any_ancestor(class, |ancestor| ancestor.name() == Some(&*function))
        };
        if !open(&rich) && is_rich() {
            note(self.seen.uncalled.entry(class.name.clone()).or_default(), by);
        }
    }
}

#[derive(Clone, Copy)]
struct By<'a> {
    name: &'a str,
    jar: usize,
    certain: bool,
    flinks: bool,
}

fn note(referrers: &mut Referrers, by: By<'_>) {
    if referrers.count == 0 {
        (referrers.jar, referrers.flinks) = (by.jar, true);
    }
    referrers.count += 1;
    referrers.certain |= by.certain;
    referrers.flinks &= by.flinks;
    if referrers.first.len() < SAMPLES {
        referrers.first.push(by.name.into());
    }
}

/// The names of classes as people write them.
pub fn dotted(class: &str) -> String {
    words::shown::shown(&class.replace('/', ".")).to_string()
}
