//! The headers of an RPM file: an index of tags over one block of data, the signatures' first, then the package's own.
//! Every offset, count and length is held against the block before it is used; nothing is read that is not there.
//! Not here: what the tags mean (`package`), or the payload.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Read};

/// The lead: its length, and what it begins with.
const LEAD: usize = 96;
const LEAD_MAGIC: [u8; 4] = [0xed, 0xab, 0xee, 0xdb];
/// What a header begins with, its version included.
const MAGIC: [u8; 4] = [0x8e, 0xad, 0xe8, 0x01];
/// The most entries and bytes of one header; the largest known have a twentieth of that.
const MOST_ENTRIES: usize = 64 * 1024;
const MOST_BYTES: usize = 32 << 20;
/// The most values of one tag, files or dependencies.
const MOST_VALUES: usize = 1 << 20;

/// Why a file is no RPM package that can be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It ends too early, or cannot be read.
    #[error("the package ends too early, or cannot be read")]
    Read(#[source] io::Error),
    /// It does not begin like one.
    #[error("it is no RPM package")]
    NoPackage,
    /// A header does not begin like one.
    #[error("the {what} of the package is none that is understood")]
    NoHeader { what: &'static str },
    /// A header says that it is larger than any.
    #[error("the {what} of the package claims {entries} entries and {bytes} bytes; no package has so much")]
    TooLarge { what: &'static str, entries: usize, bytes: usize },
    /// A tag points outside the header, or has no form that is known.
    #[error("tag {tag} of the package's header points outside it, or has a form that is not known")]
    Tag { tag: u32 },
    /// Its files have longer paths than any.
    #[error("the package claims paths of more than {MOST_PATHS} bytes altogether; no package has so many")]
    Paths,
    /// Something every package has is missing.
    #[error("the package's header does not say its {what}")]
    Missing { what: &'static str },
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    form: u32,
    offset: usize,
    count: usize,
}

/// One header.
#[derive(Debug, Clone, Default)]
pub struct Header {
    entries: BTreeMap<u32, Entry>,
    data: Vec<u8>,
}

/// The paths of all files of a package together: a folder's name stands once in the header, however many are in it.
pub(super) const MOST_PATHS: usize = 64 << 20;

/// Both headers of a package.
#[derive(Debug, Clone)]
pub struct Headers {
    /// The signatures.
    pub signature: Header,
    /// The package's own.
    pub package: Header,
    /// The bytes of the package's own header, which signatures are of.
    pub signed: Vec<u8>,
    /// Where those begin in the file.
    pub start: u64,
}

impl Headers {
    /// Reads the headers; the reader then stands at the payload.
    pub fn read(mut from: impl Read) -> Result<Headers, Error> {
        let mut lead = [0; LEAD];
        from.read_exact(&mut lead).map_err(Error::Read)?;
        if lead[..4] != LEAD_MAGIC {
            return Err(Error::NoPackage);
        }
        let (signature, length) =
            read_header(&mut from, "signature header").map(|(header, raw)| (header, raw.len()))?;
        let padding = length.next_multiple_of(8) - length;
        from.read_exact(&mut [0; 8][..padding]).map_err(Error::Read)?;
        let (package, signed) = read_header(&mut from, "header")?;
        Ok(Headers { signature, package, signed, start: (LEAD + length + padding) as u64 })
    }

    /// Where the payload begins in the file.
    pub fn end(&self) -> u64 {
        self.start + self.signed.len() as u64
    }
}

/// A header and its bytes.
fn read_header(from: &mut impl Read, what: &'static str) -> Result<(Header, Vec<u8>), Error> {
    let mut raw = vec![0; 16];
    from.read_exact(&mut raw).map_err(Error::Read)?;
    if raw[..4] != MAGIC {
        return Err(Error::NoHeader { what });
    }
    let (entries, bytes) = (number(&raw[8..]) as usize, number(&raw[12..]) as usize);
    if entries > MOST_ENTRIES || bytes > MOST_BYTES {
        return Err(Error::TooLarge { what, entries, bytes });
    }
    // The length is only believed as far as bytes come.
    let length = entries * 16 + bytes;
    from.by_ref().take(length as u64).read_to_end(&mut raw).map_err(Error::Read)?;
    if raw.len() != 16 + length {
        return Err(Error::Read(io::ErrorKind::UnexpectedEof.into()));
    }
    let (index, data) = raw[16..].split_at(entries * 16);
    let mut header = Header { entries: BTreeMap::new(), data: data.to_vec() };
    for entry in index.as_chunks::<16>().0 {
        let tag = number(entry);
        let (form, offset, count) = (number(&entry[4..]), number(&entry[8..]) as usize, number(&entry[12..]) as usize);
        let entry = Entry { form, offset, count };
        if !header.holds(entry) || (count > MOST_VALUES && form != BYTES) {
            return Err(Error::Tag { tag });
        }
        header.entries.entry(tag).or_insert(entry);
    }
    Ok((header, raw))
}

fn number(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes))
}

/// Bytes of one value of a form; texts have no fixed length, and the form 0 has none.
fn width(form: u32) -> Option<usize> {
    match form {
        0 => Some(0),
        1 | 2 | 7 => Some(1),
        3 => Some(2),
        4 => Some(4),
        5 => Some(8),
        _ => None,
    }
}

const TEXT: u32 = 6;
const BYTES: u32 = 7;
const TEXTS: u32 = 8;
const TRANSLATED: u32 = 9;

impl Header {
    /// Whether an entry lies inside the data.
    fn holds(&self, entry: Entry) -> bool {
        let Some(rest) = self.data.get(entry.offset..) else { return false };
        match width(entry.form) {
            Some(width) => entry.count.checked_mul(width).is_some_and(|length| length <= rest.len()),
            // Each text ends in a zero, so there are never more texts than bytes.
            None => matches!(entry.form, TEXT | TEXTS | TRANSLATED) && entry.count <= rest.len(),
        }
    }

    /// The texts of a tag, in order; none if it is absent or of another form.
    pub fn texts(&self, tag: u32) -> Vec<Cow<'_, str>> {
        let found = self.entries.get(&tag).filter(|entry| matches!(entry.form, TEXT | TEXTS | TRANSLATED));
        let Some(entry) = found else { return Vec::new() };
        let texts = self.data[entry.offset..].split(|byte| *byte == 0).take(entry.count);
        texts.map(String::from_utf8_lossy).collect()
    }

    /// The only or first text of a tag.
    pub fn text(&self, tag: u32) -> Option<Cow<'_, str>> {
        self.texts(tag).into_iter().next()
    }

    /// The whole numbers of a tag, in order; none if it is absent or of another form.
    pub fn numbers(&self, tag: u32) -> Vec<u64> {
        let Some(entry) = self.entries.get(&tag).filter(|entry| (2..=5).contains(&entry.form)) else {
            return Vec::new();
        };
        let width = width(entry.form).unwrap_or(1);
        let values = self.data[entry.offset..][..entry.count * width].chunks_exact(width);
        values.map(|bytes| bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte))).collect()
    }

    /// The only or first number of a tag.
    pub fn number(&self, tag: u32) -> Option<u64> {
        self.numbers(tag).first().copied()
    }

    /// The bytes of a tag.
    pub fn bytes(&self, tag: u32) -> Option<&[u8]> {
        let entry = self.entries.get(&tag).filter(|entry| entry.form == BYTES)?;
        self.data[entry.offset..].get(..entry.count)
    }

    /// Whether the tag is there.
    pub fn has(&self, tag: u32) -> bool {
        self.entries.contains_key(&tag)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::rpm::package::{KINDS, Package};
    use crate::rpm::signature;

    /// A value of a tag.
    pub(crate) enum Value<'a> {
        Text(&'a str),
        Texts(&'a [&'a str]),
        Numbers(&'a [u32]),
    }

    /// A header of these tags.
    pub(crate) fn header(tags: &[(u32, Value<'_>)]) -> Vec<u8> {
        let (mut index, mut data) = (Vec::new(), Vec::new());
        for (tag, value) in tags {
            let (form, count, bytes) = match value {
                Value::Text(text) => (TEXT, 1, [text.as_bytes(), b"\0"].concat()),
                Value::Texts(texts) => {
                    (TEXTS, texts.len(), texts.iter().map(|text| format!("{text}\0")).collect::<String>().into())
                }
                Value::Numbers(numbers) => {
                    (4, numbers.len(), numbers.iter().flat_map(|one| one.to_be_bytes()).collect())
                }
            };
            for field in [*tag, form, data.len() as u32, count as u32] {
                index.extend(field.to_be_bytes());
            }
            data.extend(bytes);
        }
        let sizes = [tags.len() as u32, data.len() as u32].map(u32::to_be_bytes).concat();
        [&MAGIC[..], &[0; 4], &sizes, &index, &data].concat()
    }

    /// A package of these tags, without signatures or payload.
    pub(crate) fn file(tags: &[(u32, Value<'_>)]) -> Vec<u8> {
        let mut lead = vec![0; LEAD];
        lead[..4].copy_from_slice(&LEAD_MAGIC);
        lead.extend(header(&[]));
        lead.extend(header(tags));
        lead
    }

    pub(crate) fn small() -> Vec<u8> {
        file(&[
            (1000, Value::Text("app")),
            (1001, Value::Text("2.0")),
            (1002, Value::Text("3.el9")),
            (1022, Value::Text("noarch")),
            (1047, Value::Texts(&["app", "web"])),
            (1112, Value::Numbers(&[8, 0])),
            (1113, Value::Texts(&["2.0-3.el9", ""])),
            (1116, Value::Numbers(&[0, 0])),
            (1117, Value::Texts(&["app", "tool"])),
            (1118, Value::Texts(&["/usr/bin/"])),
            (1030, Value::Numbers(&[0o100_755, 0o100_644])),
        ])
    }

    #[test]
    fn absurd_headers_are_refused() {
        let good = small();
        assert!(Headers::read(&good[..]).is_ok());
        let at = LEAD + 16;
        let change = |offset: usize, value: u32| {
            let mut bytes = good.clone();
            bytes[offset..offset + 4].copy_from_slice(&value.to_be_bytes());
            Headers::read(&bytes[..])
        };
        assert!(matches!(change(0, 1), Err(Error::NoPackage)));
        assert!(matches!(change(LEAD, 1), Err(Error::NoHeader { what: "signature header" })));
        assert!(matches!(change(at, 1), Err(Error::NoHeader { what: "header" })));
        for absurd in [u32::MAX, 0x8000_0000, 0x0100_0000] {
            assert!(matches!(change(at + 8, absurd), Err(Error::TooLarge { .. })), "{absurd} entries");
        }
        assert!(matches!(change(at + 12, u32::MAX), Err(Error::TooLarge { .. })));
        assert!(matches!(change(at + 12, 1 << 20), Err(Error::Read(_))), "more than there is");
        for (field, absurd) in [(4, 10), (8, u32::MAX), (8, 0x8000_0000), (12, u32::MAX), (12, 0x8000_0000)] {
            assert!(matches!(change(at + 16 + field, absurd), Err(Error::Tag { tag: 1000 })), "{field} {absurd}");
        }
        assert!(matches!(Headers::read(&good[..good.len() - 1]), Err(Error::Read(_))));
        assert!(matches!(Headers::read(&b"\x1f\x8b"[..]), Err(Error::Read(_))));
    }

    /// A package that rpmbuild made and rpmsign signed.
    pub(crate) const REAL: &[u8] = include_bytes!("../../../tests/fixtures/rpm/app-2.0-3.el9.noarch.rpm");

    #[test]
    fn any_change_is_read_or_refused_but_never_fatal() {
        let mut random = fastrand::Rng::with_seed(7);
        let headers = Headers::read(REAL).unwrap().end() as usize;
        let (mut bytes, mut read) = (REAL[..headers].to_vec(), 0);
        for _ in 0..20_000 {
            let places: Vec<usize> = (0..random.usize(1..6)).map(|_| random.usize(4..headers)).collect();
            places.iter().for_each(|at| bytes[*at] = random.u8(..));
            let length = if random.u8(..) < 16 { random.usize(..headers) } else { headers };
            if let Ok(package) = Package::read(&bytes[..length], 1000) {
                read += 1;
                let lists: usize = KINDS.iter().map(|kind| package.needs(*kind).len()).sum();
                let all = lists + package.files().len() + package.changes().len() + package.identity().len();
                assert!(all < 10_000 && signature::signer(&package.headers).is_none_or(|by| by.as_str().len() >= 16));
            }
            places.iter().for_each(|at| bytes[*at] = REAL[*at]);
        }
        assert!((1000..20_000).contains(&read), "some changes are harmless, some are not: {read}");
    }
}
