//! Documents of a repository, unpacked and read as a stream: of any length, in little memory.
//! Bounded: a document's length, one element's, the memory of unpacking; document types and entities are refused.
//! Not here: what the elements mean.

use crate::compression::Compression;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::path::Path;

/// The longest document, the longest element or text in one, and how deep elements may nest.
const LONGEST: u64 = 4 << 30;
const LONGEST_PART: u64 = 4 << 20;
const DEEPEST: usize = 32;
/// How long a buffer the file is read through.
const BUFFER: usize = 128 * 1024;

/// Why a document cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its file cannot be opened or unpacked.
    #[error("it cannot be opened or unpacked")]
    Open(#[source] io::Error),
    /// It is no XML, or broken off, or too long.
    #[error("it is no XML that can be read")]
    Xml(#[source] Box<quick_xml::Error>),
    /// It wants something that no index needs and that can be used to attack its reader.
    #[error("it has {0}, which no index of a repository has")]
    Hostile(&'static str),
    /// Its elements do not say what they must.
    #[error("{0}")]
    Content(String),
}

/// A document at some place in it.
pub struct Document<R> {
    reader: Reader<Bounded<R>>,
    buffer: Vec<u8>,
    depth: usize,
}

/// What comes next in a document.
pub enum Step<'b> {
    /// An element begins.
    Open(Element<'b>),
    /// Text inside an element; one text may come in parts.
    Text(String),
    /// The element of this name ends.
    Close(String),
    /// The document ends.
    End,
}

/// An element's beginning.
pub struct Element<'b>(BytesStart<'b>);

impl Element<'_> {
    /// Its name without a prefix.
    pub fn name(&self) -> &str {
        self.0.local_name().into_inner()
    }

    /// An attribute's value.
    pub fn get(&self, key: &str) -> Result<Option<String>, Error> {
        // Looking for one that is there twice takes time that grows with the square of their number.
        for attribute in self.0.attributes().with_checks(false) {
            let attribute = attribute.map_err(|error| Error::Content(error.to_string()))?;
            if attribute.key.local_name().into_inner() == key {
                let value = attribute.normalized_value(quick_xml::XmlVersion::Explicit1_0);
                return value.map(|value| Some(value.into_owned())).map_err(|_| Error::Hostile("entities of its own"));
            }
        }
        Ok(None)
    }

    /// A whole number that an attribute must hold.
    pub fn number(&self, key: &str) -> Result<u64, Error> {
        let text = self.get(key)?.unwrap_or_default();
        text.trim().parse().map_err(|_| Error::Content(format!("its `{key}` is `{text}`, no whole number")))
    }
}

/// A document in a file, packed or plain.
pub fn open(path: &Path) -> Result<Document<Box<dyn BufRead>>, Error> {
    let mut file = File::open(path).map_err(Error::Open)?;
    let mut magic = [0; 6];
    let mut length = 0;
    while let count @ 1.. = file.read(&mut magic[length..]).map_err(Error::Open)? {
        length += count;
    }
    file.rewind().map_err(Error::Open)?;
    let file = BufReader::with_capacity(BUFFER, file);
    let compression = match magic {
        [0x1f, 0x8b, ..] => Compression::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Compression::Zstd,
        [0xfd, b'7', b'z', b'X', b'Z', 0] => Compression::Xz,
        _ => Compression::Plain,
    };
    let unpacked = compression.unpack(file).map_err(Error::Open)?;
    Ok(read(Box::new(BufReader::with_capacity(BUFFER, unpacked))))
}

/// A document in memory or any other stream.
pub fn read<R: BufRead>(from: R) -> Document<R> {
    let mut reader = Reader::from_reader(Bounded { inner: from, left: LONGEST, part: LONGEST_PART });
    reader.config_mut().expand_empty_elements = true;
    Document { reader, buffer: Vec::new(), depth: 0 }
}

impl<R: BufRead> Document<R> {
    /// Goes on to the next beginning, text or end.
    pub fn step(&mut self) -> Result<Step<'_>, Error> {
        self.buffer.clear();
        let event = self.reader.read_event_into(&mut self.buffer).map_err(|error| Error::Xml(Box::new(error)))?;
        if matches!(event, Event::Start(_) | Event::End(_)) {
            // Text that comes in parts is one text until here.
            self.reader.get_mut().part = LONGEST_PART;
        }
        Ok(match event {
            Event::Start(element) | Event::Empty(element) => {
                self.depth += 1;
                if self.depth > DEEPEST {
                    return Err(Error::Hostile("elements nested deeper"));
                }
                Step::Open(Element(element))
            }
            Event::End(element) => {
                self.depth = self.depth.saturating_sub(1);
                Step::Close(element.local_name().into_inner().to_owned())
            }
            Event::Text(text) => Step::Text(text.xml10_content().into_owned()),
            Event::CData(text) => Step::Text(text.xml10_content().into_owned()),
            Event::GeneralRef(reference) => Step::Text(character(&reference)?),
            Event::DocType(_) => return Err(Error::Hostile("a document type")),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => Step::Text(String::new()),
            Event::Eof => Step::End,
        })
    }
}

fn character(reference: &quick_xml::events::BytesRef<'_>) -> Result<String, Error> {
    let hostile = || Error::Hostile("entities of its own");
    if let Some(character) = reference.resolve_char_ref().map_err(|_| hostile())? {
        return Ok(character.to_string());
    }
    let name = reference.xml10_content();
    quick_xml::escape::resolve_predefined_entity(&name).map(str::to_owned).ok_or_else(hostile)
}

/// Counts what was read, in all and since the last element.
pub struct Bounded<R> {
    inner: R,
    left: u64,
    part: u64,
}

impl<R: BufRead> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(into.len());
        into[..count].copy_from_slice(&available[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Bounded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let allowed = self.left.min(self.part) as usize;
        let bytes = self.inner.fill_buf()?;
        if allowed == 0 && !bytes.is_empty() {
            return Err(io::Error::other("it is longer than any index, or has an element that is"));
        }
        Ok(&bytes[..bytes.len().min(allowed)])
    }

    fn consume(&mut self, count: usize) {
        (self.left, self.part) = (self.left - count as u64, self.part - count as u64);
        self.inner.consume(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &[u8]) -> Result<String, Error> {
        let (mut document, mut told) = (read(text), String::new());
        loop {
            match document.step()? {
                Step::Open(element) => told += &format!("<{}:{:?}>", element.name(), element.get("a")?),
                Step::Text(text) => told += &text,
                Step::Close(name) => told += &format!("</{name}>"),
                Step::End => return Ok(told),
            }
        }
    }

    #[test]
    fn a_document_is_read_in_steps() {
        let text = b"<?xml version=\"1.0\"?><x><r:y a=\"1 &lt; 2\"/>a &amp; b&#65;</x>";
        assert_eq!(told(text).unwrap(), "<x:None><y:Some(\"1 < 2\")></y>a & bA</x>");
    }

    #[test]
    fn entities_and_document_types_are_refused() {
        let bomb = b"<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><x>&b;</x>";
        assert!(matches!(told(bomb), Err(Error::Hostile("a document type"))));
        assert!(matches!(told(b"<x>&b;</x>"), Err(Error::Hostile(_))));
        assert!(matches!(told(b"<x a=\"&b;\"/>"), Err(Error::Hostile(_))));
        assert!(matches!(told(b"<x></y>"), Err(Error::Xml(_))));
    }

    #[test]
    fn what_grows_without_end_is_refused() {
        assert!(matches!(told("<a>".repeat(1000).as_bytes()), Err(Error::Hostile("elements nested deeper"))));
        let text = format!("<x>{}</x>", "&amp;<!-- -->".repeat(LONGEST_PART as usize / 10));
        assert!(matches!(told(text.as_bytes()), Err(Error::Xml(_))));
        let many = format!("<x {}/>", "b=\"\" ".repeat(100_000));
        assert!(told(many.as_bytes()).is_ok(), "many attributes take no time");
    }

    #[test]
    fn bombs_are_not_unpacked_into_memory() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("primary.xml");
        let endless = || io::Read::chain(&b"<x>"[..], io::repeat(b'a').take(LONGEST_PART * 2));
        let gzip = {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            io::copy(&mut endless(), &mut encoder).unwrap();
            encoder.finish().unwrap()
        };
        let zstandard = zstd::encode_all(endless(), 1).unwrap();
        for packed in [gzip, zstandard] {
            std::fs::write(&path, &packed).unwrap();
            let mut document = open(&path).unwrap();
            assert!(matches!(document.step(), Ok(Step::Open(_))));
            assert!(matches!(document.step(), Err(Error::Xml(_))), "{} bytes", packed.len());
        }
    }
}
