//! Reads a Java class file as far as linking goes: names, super types, members, and what it refers to elsewhere.
//! Any bytes may come: what is read is bounded by their length, and each text is kept once however often it is referred to.
//! Not here: code, attributes, and what a reference comes to.

use std::sync::Arc;

/// Flags of classes and members.
pub const PUBLIC: u16 = 0x0001;
pub const STATIC: u16 = 0x0008;
pub const INTERFACE: u16 = 0x0200;

/// Class files of Java N have N + 44 as their major version.
const BEFORE_JAVA_1: u16 = 44;
const MAGIC: u32 = 0xCAFE_BABE;

/// Why bytes are no class file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("it does not begin as class files do")]
    Magic,
    #[error("it ends too early")]
    End,
    #[error("an entry of its constant pool is of a kind that is not known")]
    Tag,
    #[error("an entry of its constant pool is not what it is taken for")]
    Index,
}

/// A class as others link to it, and what it links to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class {
    /// With slashes, as in `java/lang/Object`.
    pub name: Arc<str>,
    pub flags: u16,
    /// The Java that it was compiled for.
    pub java: u16,
    /// None for `java/lang/Object` and for a module.
    pub super_class: Option<Arc<str>>,
    pub interfaces: Vec<Arc<str>>,
    pub fields: Vec<Member>,
    pub methods: Vec<Member>,
    /// Members of classes, its own among them.
    pub references: Vec<Reference>,
    /// Classes that stand anywhere in it, each once.
    pub classes: Vec<Arc<str>>,
}

/// A field or method that a class has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub name: Arc<str>,
    pub descriptor: Arc<str>,
    pub flags: u16,
}

/// A field or method that a class uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    pub kind: Kind,
    pub owner: Arc<str>,
    pub name: Arc<str>,
    pub descriptor: Arc<str>,
}

/// What a reference takes its target for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Field,
    /// A method of a class.
    Method,
    /// A method of an interface.
    InterfaceMethod,
}

impl Class {
    /// Whether others implement it.
    pub fn is_interface(&self) -> bool {
        self.flags & INTERFACE != 0
    }
}

/// The Java that a class file is for, out of its first eight bytes.
pub fn java(head: &[u8]) -> Result<u16, Error> {
    let mut bytes = Bytes(head);
    if bytes.u32()? != MAGIC {
        return Err(Error::Magic);
    }
    bytes.u16()?;
    Ok(bytes.u16()?.saturating_sub(BEFORE_JAVA_1))
}

/// Reads a whole class file.
pub fn parse(bytes: &[u8]) -> Result<Class, Error> {
    let java = java(bytes)?;
    let mut bytes = Bytes(bytes.get(8..).ok_or(Error::End)?);
    let pool = Pool::read(&mut bytes)?;
    let flags = bytes.u16()?;
    let name = pool.class(bytes.u16()?)?;
    let super_class = match bytes.u16()? {
        0 => None,
        index => Some(pool.class(index)?),
    };
    let interfaces = (0..bytes.u16()?).map(|_| pool.class(bytes.u16()?)).collect::<Result<_, _>>()?;
    let (fields, methods) = (members(&mut bytes, &pool)?, members(&mut bytes, &pool)?);
    let descriptors = fields.iter().chain(&methods).map(|member| &member.descriptor);
    let classes = pool.classes(descriptors)?;
    Ok(Class { name, flags, java, super_class, interfaces, fields, methods, references: pool.references()?, classes })
}

fn members(bytes: &mut Bytes<'_>, pool: &Pool) -> Result<Vec<Member>, Error> {
    let mut members = Vec::new();
    for _ in 0..bytes.u16()? {
        let flags = bytes.u16()?;
        let (name, descriptor) = (pool.text(bytes.u16()?)?, pool.text(bytes.u16()?)?);
        for _ in 0..bytes.u16()? {
            bytes.u16()?;
            let length = bytes.u32()?;
            bytes.take(length as usize)?;
        }
        members.push(Member { name, descriptor, flags });
    }
    Ok(members)
}

/// The classes that a descriptor or the name of an array names.
fn named_in(descriptor: &str) -> impl Iterator<Item = &str> {
    descriptor.split(';').filter_map(|part| {
        let begin = part.find('L')?;
        let primitives = part[..begin].chars().all(|c| "()[BCDFIJSZV".contains(c));
        Some(&part[begin + 1..]).filter(|name| primitives && !name.is_empty())
    })
}

struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Error> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Error::End)?;
        self.0 = rest;
        Ok(taken)
    }

    fn u8(&mut self) -> Result<u8, Error> {
        Ok(self.take(1)?[0])
    }

    fn u16(&mut self) -> Result<u16, Error> {
        let taken = self.take(2)?;
        Ok(u16::from_be_bytes([taken[0], taken[1]]))
    }

    fn u32(&mut self) -> Result<u32, Error> {
        Ok(u32::from(self.u16()?) << 16 | u32::from(self.u16()?))
    }
}

/// An entry of the constant pool, as far as linking needs it.
enum Entry {
    Text(Arc<str>),
    Class(u16),
    NameAndType(u16, u16),
    Reference(Kind, u16, u16),
    MethodType(u16),
    Other,
}

struct Pool(Vec<Entry>);

impl Pool {
    fn read(bytes: &mut Bytes<'_>) -> Result<Pool, Error> {
        let count = usize::from(bytes.u16()?);
        // The first entry is no entry.
        let mut entries = vec![Entry::Other];
        while entries.len() < count {
            let tag = bytes.u8()?;
            entries.push(entry(tag, bytes)?);
            // The two kinds of eight bytes take the next place as well.
            if matches!(tag, 5 | 6) {
                entries.push(Entry::Other);
            }
        }
        Ok(Pool(entries))
    }

    fn at(&self, index: u16) -> Result<&Entry, Error> {
        self.0.get(usize::from(index)).ok_or(Error::Index)
    }

    fn text(&self, index: u16) -> Result<Arc<str>, Error> {
        match self.at(index)? {
            Entry::Text(text) => Ok(text.clone()),
            _ => Err(Error::Index),
        }
    }

    fn class(&self, index: u16) -> Result<Arc<str>, Error> {
        match self.at(index)? {
            Entry::Class(name) => self.text(*name),
            _ => Err(Error::Index),
        }
    }

    fn references(&self) -> Result<Vec<Reference>, Error> {
        let mut references = Vec::new();
        for entry in &self.0 {
            let Entry::Reference(kind, owner, what) = entry else { continue };
            let Entry::NameAndType(name, descriptor) = self.at(*what)? else { return Err(Error::Index) };
            let (owner, name) = (self.class(*owner)?, self.text(*name)?);
            references.push(Reference { kind: *kind, owner, name, descriptor: self.text(*descriptor)? });
        }
        Ok(references)
    }

    /// Every class that is named, also in the descriptors of members: reflection looks at those.
    fn classes<'a>(&self, descriptors: impl Iterator<Item = &'a Arc<str>>) -> Result<Vec<Arc<str>>, Error> {
        // Each text is looked at once; the same one may stand in the pool as often as it has entries.
        let mut indices = std::collections::BTreeSet::new();
        let mut classes = Vec::new();
        for entry in &self.0 {
            match entry {
                Entry::Class(name) if indices.insert(*name) => match self.text(*name)? {
                    array if array.starts_with('[') => classes.extend(named_in(&array).map(Arc::from)),
                    class => classes.push(class),
                },
                Entry::NameAndType(_, descriptor) | Entry::MethodType(descriptor) if indices.insert(*descriptor) => {
                    classes.extend(named_in(&self.text(*descriptor)?).map(Arc::from));
                }
                _ => {}
            }
        }
        let mut seen = std::collections::BTreeSet::new();
        for descriptor in descriptors.filter(|descriptor| seen.insert(Arc::as_ptr(descriptor).addr())) {
            classes.extend(named_in(descriptor).map(Arc::from));
        }
        classes.sort_unstable();
        classes.dedup();
        Ok(classes)
    }
}

fn entry(tag: u8, bytes: &mut Bytes<'_>) -> Result<Entry, Error> {
    let pair = |bytes: &mut Bytes<'_>| Ok((bytes.u16()?, bytes.u16()?));
    Ok(match tag {
        1 => {
            let length = bytes.u16()?;
            Entry::Text(String::from_utf8_lossy(bytes.take(usize::from(length))?).into())
        }
        3 | 4 | 17 | 18 => skip(bytes, 4)?,
        5 | 6 => skip(bytes, 8)?,
        7 => Entry::Class(bytes.u16()?),
        8 | 19 | 20 => skip(bytes, 2)?,
        9 => pair(bytes).map(|(owner, what)| Entry::Reference(Kind::Field, owner, what))?,
        10 => pair(bytes).map(|(owner, what)| Entry::Reference(Kind::Method, owner, what))?,
        11 => pair(bytes).map(|(owner, what)| Entry::Reference(Kind::InterfaceMethod, owner, what))?,
        12 => pair(bytes).map(|(name, descriptor)| Entry::NameAndType(name, descriptor))?,
        15 => skip(bytes, 3)?,
        16 => Entry::MethodType(bytes.u16()?),
        _ => return Err(Error::Tag),
    })
}

fn skip(bytes: &mut Bytes<'_>, count: usize) -> Result<Entry, Error> {
    bytes.take(count)?;
    Ok(Entry::Other)
}
