//! Which class a name stands for when a package runs, and whether a class has a member, as the Java machine resolves it.
//! What cannot be known is unknown, never missing.
//! Not here: what is told about it.

use super::class_file::{Class, Kind, Reference};
use super::jar::Jar;
use super::target::{Target, is_java, is_parent_first};
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

/// More super types than any class has.
const MOST_ANCESTORS: usize = 5_000;
/// Members of classes that are kept at a time: all of Flink has less.
const MOST_KEPT: usize = 1_000_000;

/// What of Java is inherited most, whole: a member that is not here is not inherited from there.
const JAVAS_MEMBERS: [(&str, &str); 12] = [
    ("java/lang/Object", "getClass hashCode equals clone toString notify notifyAll wait finalize"),
    ("java/io/Serializable", ""),
    ("java/lang/Cloneable", ""),
    ("java/lang/AutoCloseable", "close"),
    ("java/io/Closeable", "close"),
    ("java/lang/Runnable", "run"),
    ("java/lang/Comparable", "compareTo"),
    ("java/lang/Iterable", "iterator forEach spliterator"),
    ("java/util/function/Supplier", "get"),
    ("java/util/function/Consumer", "accept andThen"),
    ("java/util/function/Function", "apply compose andThen identity"),
    ("java/util/concurrent/Callable", "call"),
];

/// Where a class is that a name stands for.
#[derive(Debug, Clone)]
pub enum Found {
    /// Java has it.
    Java,
    /// The target has it, and nobody else counts.
    Target(Rc<Class>),
    /// The package has it, and its own is taken.
    Package(Rc<Class>),
    /// It is there and cannot be read.
    Unreadable,
    /// Nobody has it.
    Missing,
}

/// What a reference to a member comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Member {
    /// It is there, or nobody can know.
    Fine,
    /// The class is there and the member is not.
    Missing,
    /// The class is an interface where none is meant, or the other way round.
    WrongKind,
}

/// A package's jars before a target.
pub struct World<'a> {
    pub jars: &'a [Jar],
    pub target: &'a Target,
    owners: HashMap<&'a str, usize>,
    seen: RefCell<HashMap<Arc<str>, Found>>,
    /// Members and classes that may still be kept.
    room: Cell<usize>,
}

impl<'a> World<'a> {
    /// The first jar that has a class counts.
    pub fn new(jars: &'a [Jar], target: &'a Target) -> World<'a> {
        let mut owners = HashMap::new();
        for (at, jar) in jars.iter().enumerate() {
            jar.classes().for_each(|class| {
                owners.entry(class).or_insert(at);
            });
        }
        World { jars, target, owners, seen: RefCell::default(), room: Cell::new(MOST_KEPT) }
    }

    /// The jar of the package that a class is taken from.
    pub fn owner(&self, class: &str) -> Option<usize> {
        self.owners.get(class).copied()
    }

    /// All classes of the package, each with its jar.
    pub fn classes(&self) -> impl Iterator<Item = (&'a str, usize)> {
        self.owners.iter().map(|(class, jar)| (*class, *jar))
    }

    /// Whether the package's own class of this name is the one that runs.
    pub fn is_taken(&self, class: &str) -> bool {
        !(is_parent_first(class) && self.target.jar(class).is_some())
    }

    /// The class that a name stands for.
    pub fn find(&self, class: &Arc<str>) -> Found {
        if let Some(found) = self.seen.borrow().get(class) {
            return found.clone();
        }
        let found = self.look(class);
        let size = match &found {
            Found::Target(class) | Found::Package(class) => class.fields.len() + class.methods.len() + 1,
            _ => 1,
        };
        // What does not fit any more is read again each time, and a jar has an end to what is read of it.
        if self.room.get() >= size {
            self.room.set(self.room.get() - size);
            self.seen.borrow_mut().insert(class.clone(), found.clone());
        }
        found
    }

    fn look(&self, class: &str) -> Found {
        if is_java(class) {
            return Found::Java;
        }
        let owner = self.owner(class).filter(|_| self.is_taken(class));
        let jar = owner.map(|at| &self.jars[at]).or_else(|| self.target.jar(class));
        match (jar.and_then(|jar| jar.class(class)), owner) {
            (None, _) => Found::Missing,
            (Some(Err(_)), _) => Found::Unreadable,
            (Some(Ok(found)), Some(_)) => Found::Package(Rc::new(for_linking(found))),
            (Some(Ok(found)), None) => Found::Target(Rc::new(for_linking(found))),
        }
    }

    /// Whether a reference finds its member.
    pub fn member(&self, reference: &Reference) -> Member {
        let owner = match self.find(&reference.owner) {
            Found::Target(owner) | Found::Package(owner) => owner,
            Found::Java | Found::Unreadable | Found::Missing => return Member::Fine,
        };
        if reference.kind != Kind::Field && owner.is_interface() != (reference.kind == Kind::InterfaceMethod) {
            return Member::WrongKind;
        }
        let has = |class: &Class| {
            let members = if reference.kind == Kind::Field { &class.fields } else { &class.methods };
            members.iter().any(|member| member.name == reference.name && member.descriptor == reference.descriptor)
        };
        // A constructor is of its own class alone.
        let found = match &*reference.name {
            "<init>" => has(&owner),
            _ => self.any_ancestor(owner, |ancestor| match ancestor {
                Ancestor::Class(class) => has(class),
                Ancestor::Java(class) => java_may_have(class, &reference.name),
                Ancestor::Unknown => true,
            }),
        };
        if found { Member::Fine } else { Member::Missing }
    }

    /// Whether this holds of a class or any of its super types.
    pub fn any_ancestor(&self, class: Rc<Class>, mut holds: impl FnMut(Ancestor<'_>) -> bool) -> bool {
        let (mut queue, mut seen) = (vec![class], HashSet::new());
        while let Some(class) = queue.pop() {
            if holds(Ancestor::Class(&class)) {
                return true;
            }
            for name in class.super_class.iter().chain(&class.interfaces) {
                if !seen.insert(name.clone()) {
                    continue;
                }
                let stop = seen.len() > MOST_ANCESTORS;
                match self.find(name) {
                    Found::Target(found) | Found::Package(found) if !stop => queue.push(found),
                    Found::Java if !stop => {
                        if holds(Ancestor::Java(name)) {
                            return true;
                        }
                    }
                    _ => {
                        if holds(Ancestor::Unknown) {
                            return true;
                        }
                    }
                }
            }
        }
        // Interfaces have the methods of Object as well.
        holds(Ancestor::Java("java/lang/Object"))
    }
}

/// A super type, as far as it is known.
pub enum Ancestor<'a> {
    Class(&'a Class),
    Java(&'a str),
    Unknown,
}

impl Ancestor<'_> {
    /// Its name, if it is known.
    pub fn name(&self) -> Option<&str> {
        match self {
            Ancestor::Class(class) => Some(&class.name),
            Ancestor::Java(name) => Some(name),
            Ancestor::Unknown => None,
        }
    }
}

fn java_may_have(class: &str, member: &str) -> bool {
    let known = JAVAS_MEMBERS.iter().find(|(name, _)| *name == class);
    known.is_none_or(|(_, members)| members.split(' ').any(|one| one == member))
}

/// What others need of a class; what it refers to itself is looked at once and let go.
fn for_linking(class: Class) -> Class {
    Class { references: Vec::new(), classes: Vec::new(), ..class }
}
