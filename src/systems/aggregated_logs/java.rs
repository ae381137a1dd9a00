//! Objects as Java serialises them, as far as YARN's index of logs needs it: a table of all that is in the stream, by the
//! order in which it came. Nothing is made of a class but its names and fields.
//! Not here: what the objects mean.

use super::source::wrong;
use std::io::{self, Read};
use std::rc::Rc;

/// What the stream begins with, and its version.
const START: [u8; 4] = [0xac, 0xed, 0, 5];
/// Objects in objects.
const DEEPEST: usize = 32;
/// Objects of one stream; each can be made of three bytes, and takes far more memory.
const MOST: usize = 1 << 18;
/// The fields that are read; others are passed over.
const FIELDS: [&str; 7] =
    ["compressName", "logMetas", "containerId", "fileName", "fileSize", "fileCompressedSize", "startIndex"];
/// The first number of the table.
const FIRST: u32 = 0x7e_0000;

/// A value of a field, or an element of a list or map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// None, or one that is of no interest: a fraction, raw bytes.
    Nothing,
    /// A whole number or a truth value.
    Number(i64),
    /// What has a place in the table.
    Held(usize),
}

/// What has a place in the table.
#[derive(Debug)]
enum Held {
    Class(Rc<Class>),
    Text(String),
    Object(Object),
}

#[derive(Debug, Default)]
struct Class {
    /// The kind of each, and its name if it is one that is read.
    fields: Vec<(u8, Option<&'static str>)>,
    flags: u8,
    parent: Option<usize>,
}

/// An object: its fields by name, and what its class wrote besides, as lists and maps do with their elements.
#[derive(Debug, Default)]
pub(super) struct Object {
    fields: Vec<(&'static str, Value)>,
    pub elements: Vec<Value>,
}

impl Object {
    pub fn field(&self, name: &str) -> &Value {
        self.fields.iter().find(|(own, _)| *own == name).map_or(&Value::Nothing, |(_, value)| value)
    }

    pub fn number(&self, name: &str) -> Option<u64> {
        match self.field(name) {
            Value::Number(number) => u64::try_from(*number).ok(),
            _ => None,
        }
    }
}

/// The table, and the first object.
pub(super) struct Stream {
    table: Vec<Held>,
    pub root: Value,
}

impl Stream {
    /// Reads the first object of a stream with everything that is in it.
    pub fn read(bytes: &[u8]) -> io::Result<Stream> {
        let bytes = bytes.strip_prefix(&START).ok_or_else(|| wrong("its index is not what Java writes"))?;
        let mut reader = Reader { bytes, table: Vec::new() };
        let root = reader.content(0)?.ok_or_else(|| wrong("its index is empty"))?;
        Ok(Stream { table: reader.table, root })
    }

    pub fn object(&self, value: &Value) -> Option<&Object> {
        match value {
            Value::Held(at) => self.table.get(*at).and_then(|held| match held {
                Held::Object(object) => Some(object),
                _ => None,
            }),
            _ => None,
        }
    }

    pub fn text(&self, value: &Value) -> Option<&str> {
        match value {
            Value::Held(at) => self.table.get(*at).and_then(|held| match held {
                Held::Text(text) => Some(text.as_str()),
                _ => None,
            }),
            _ => None,
        }
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    table: Vec<Held>,
}

impl Reader<'_> {
    fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.bytes.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn skip(&mut self, count: u64) -> io::Result<()> {
        let rest = usize::try_from(count).ok().and_then(|count| self.bytes.get(count..));
        self.bytes = rest.ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok(())
    }

    fn text(&mut self, length: u64) -> io::Result<String> {
        let bytes = self.bytes;
        self.skip(length)?;
        Ok(String::from_utf8_lossy(&bytes[..bytes.len() - self.bytes.len()]).into_owned())
    }

    fn short_text(&mut self) -> io::Result<String> {
        let length = u16::from_be_bytes(self.array()?);
        self.text(length.into())
    }

    /// A place in the table, before what it holds is read: what is in it may refer to it.
    fn hold(&mut self, held: Held) -> io::Result<usize> {
        if self.table.len() >= MOST {
            return Err(wrong("its index is too long"));
        }
        self.table.push(held);
        Ok(self.table.len() - 1)
    }

    /// What was read before.
    fn earlier(&mut self) -> io::Result<usize> {
        let at = u32::from_be_bytes(self.array()?).checked_sub(FIRST).map(|at| at as usize);
        at.filter(|at| *at < self.table.len()).ok_or_else(|| wrong("its index refers to what is not there"))
    }

    /// The next thing; none at the end of what a class wrote.
    fn content(&mut self, depth: usize) -> io::Result<Option<Value>> {
        if depth > DEEPEST {
            return Err(wrong("its index is too deep"));
        }
        let [mark] = self.array()?;
        Ok(Some(match mark {
            0x70 => Value::Nothing,
            0x71 => Value::Held(self.earlier()?),
            0x73 => self.object(depth)?,
            0x74 => {
                let text = self.short_text()?;
                Value::Held(self.hold(Held::Text(text))?)
            }
            0x7c => {
                let length = u64::from_be_bytes(self.array()?);
                let text = self.text(length)?;
                Value::Held(self.hold(Held::Text(text))?)
            }
            0x77 => {
                let [length] = self.array()?;
                self.skip(length.into())?;
                Value::Nothing
            }
            0x7a => {
                let length = u32::from_be_bytes(self.array()?);
                self.skip(length.into())?;
                Value::Nothing
            }
            0x78 => return Ok(None),
            // One of a fixed list of names: its class, and the name.
            0x7e => {
                self.class(depth + 1)?;
                let held = self.hold(Held::Object(Object::default()))?;
                self.content(depth + 1)?;
                Value::Held(held)
            }
            _ => return Err(wrong("its index has something that no index of YARN has")),
        }))
    }

    /// A class, new or known; none above the topmost.
    fn class(&mut self, depth: usize) -> io::Result<Option<usize>> {
        if depth > DEEPEST {
            return Err(wrong("its index is too deep"));
        }
        match self.array()? {
            [0x70] => Ok(None),
            [0x71] => match self.earlier()? {
                at if matches!(self.table[at], Held::Class(_)) => Ok(Some(at)),
                _ => Err(wrong("its index takes something else for a class")),
            },
            [0x72] => {
                self.short_text()?;
                self.skip(8)?;
                let at = self.hold(Held::Class(Rc::default()))?;
                let [flags] = self.array()?;
                let count = u16::from_be_bytes(self.array()?);
                let fields = (0..count).map(|_| self.field(depth)).collect::<io::Result<Vec<_>>>()?;
                while self.content(depth + 1)?.is_some() {}
                let parent = self.class(depth + 1)?;
                self.table[at] = Held::Class(Rc::new(Class { fields, flags, parent }));
                Ok(Some(at))
            }
            _ => Err(wrong("its index has an object without a class")),
        }
    }

    /// The kind and name of a field; of an object the class comes too.
    fn field(&mut self, depth: usize) -> io::Result<(u8, Option<&'static str>)> {
        let [kind] = self.array()?;
        let name = self.short_text()?;
        if matches!(kind, b'L' | b'[') {
            self.content(depth + 1)?;
        }
        Ok((kind, FIELDS.into_iter().find(|known| *known == name)))
    }

    fn object(&mut self, depth: usize) -> io::Result<Value> {
        let mut class = self.class(depth + 1)?;
        let at = self.hold(Held::Object(Object::default()))?;
        let mut classes = Vec::new();
        while let Some(Held::Class(found)) = class.and_then(|class| self.table.get(class)) {
            classes.push(Rc::clone(found));
            class = found.parent.filter(|_| classes.len() <= DEEPEST);
        }
        let mut object = Object::default();
        for class in classes.into_iter().rev() {
            // What writes itself in a form of its own cannot be passed over.
            if class.flags & 4 != 0 {
                return Err(wrong("its index has an object in a form of its own"));
            }
            for (kind, name) in &class.fields {
                let value = self.value(*kind, depth)?;
                object
                    .fields
                    .extend(name.filter(|name| *object.field(name) == Value::Nothing).map(|name| (name, value)));
            }
            if class.flags & 1 != 0 {
                while let Some(value) = self.content(depth + 1)? {
                    object.elements.extend(Some(value).filter(|value| *value != Value::Nothing));
                }
            }
        }
        self.table[at] = Held::Object(object);
        Ok(Value::Held(at))
    }

    fn value(&mut self, kind: u8, depth: usize) -> io::Result<Value> {
        Ok(match kind {
            b'B' | b'Z' => Value::Number(i8::from_be_bytes(self.array()?).into()),
            b'C' | b'S' => Value::Number(i16::from_be_bytes(self.array()?).into()),
            b'I' => Value::Number(i32::from_be_bytes(self.array()?).into()),
            b'J' => Value::Number(i64::from_be_bytes(self.array()?)),
            b'F' => self.skip(4).map(|()| Value::Nothing)?,
            b'D' => self.skip(8).map(|()| Value::Nothing)?,
            b'L' | b'[' => self.content(depth + 1)?.ok_or_else(|| wrong("its index has a field without a value"))?,
            _ => return Err(wrong("its index has a field of an unknown kind")),
        })
    }
}
