//! The text of a lock, artifact by artifact: read without a document in memory, written without a serialiser.
//! It is TOML, in exactly one form; a lock in any other is left to the TOML reader, which tells what is wrong where.
//! Not here: what a lock means.

use super::{Artifact, Beginnings, Chain, Entries, Lock, Source, Voucher};
use crate::openpgp::Fingerprint;
use crate::trust::{Policy, Waiver};
use std::str::Split;
use words::digest::Sha256;
use words::names::{SafePath, Word};
use words::plain;

/// What opens every lock.
pub(super) const OPENING: &str = "# Written by `pnda mirror lock`; change the manifests instead.\nformat = 1\n";

/// A lock's text, gone through once.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    lines: Split<'a, char>,
    /// Who wanted the artifact before: most often the same want the next.
    wanted_by: Entries,
    beginnings: Beginnings,
    /// The digest of the request that it answers.
    pub request: Sha256,
    /// Its exceptions.
    pub waivers: Vec<Waiver>,
}

/// What comes next in a lock's text.
enum Next {
    Artifact,
    Waiver,
    End,
    Other,
}

impl<'a> Reader<'a> {
    /// Begins at the first artifact; none if the text is not in the one form.
    pub fn open(text: &'a str) -> Option<Reader<'a>> {
        let mut lines = text.strip_prefix(OPENING)?.split('\n');
        let request = plain::text(lines.next()?, "request")?.parse().ok()?;
        let (wanted_by, beginnings) = (Entries::default(), Beginnings::default());
        let mut reader = Reader { lines, wanted_by, beginnings, request, waivers: Vec::new() };
        loop {
            let before = reader.lines.clone();
            match reader.heading()? {
                Next::Waiver => {
                    let waiver = reader.waiver()?;
                    reader.waivers.push(waiver);
                }
                _ => {
                    reader.lines = before;
                    return Some(reader);
                }
            }
        }
    }

    /// Likewise, if all of the text is in the one form and its artifacts in their order, each once.
    pub fn whole(text: &'a str) -> Option<Reader<'a>> {
        let reader = Reader::open(text)?;
        let mut before: Option<Artifact> = None;
        for artifact in reader.clone() {
            let artifact = artifact?;
            if before.is_some_and(|before| before.place() >= artifact.place()) {
                return None;
            }
            before = Some(artifact);
        }
        Some(reader)
    }

    fn heading(&mut self) -> Option<Next> {
        match (self.lines.next()?, self.lines.next()) {
            ("", None) => Some(Next::End),
            ("", Some("[[artifact]]")) => Some(Next::Artifact),
            ("", Some("[[waiver]]")) => Some(Next::Waiver),
            _ => Some(Next::Other),
        }
    }

    fn waiver(&mut self) -> Option<Waiver> {
        let artifact = plain::text(self.lines.next()?, "artifact")?.to_owned();
        let allows = Policy::parse(plain::text(self.lines.next()?, "allows")?).ok()?;
        let reason = plain::text(self.lines.next()?, "reason")?.to_owned();
        Some(Waiver { artifact, allows, reason })
    }

    fn artifact(&mut self) -> Option<Artifact> {
        let source = Source::parse(plain::text(self.lines.next()?, "source")?)?;
        let mut line = self.lines.next()?;
        let origin = match plain::text(line, "origin") {
            None => None,
            Some(origin) => {
                line = self.lines.next()?;
                Some(Word::new(origin).ok()?)
            }
        };
        let address = SafePath::new(plain::text(line, "address")?).ok()?;
        let size = plain::number(self.lines.next()?, "size")?;
        let sha256 = plain::text(self.lines.next()?, "sha256")?.parse().ok()?;
        let vouched = Voucher::try_from(plain::text(self.lines.next()?, "vouched")?.to_owned()).ok()?;
        let mut line = self.lines.next()?;
        let signer = match plain::text(line, "signer") {
            None => None,
            Some(signer) => {
                line = self.lines.next()?;
                Some(Fingerprint::try_from(signer.to_owned()).ok()?)
            }
        };
        let wanted_by = plain::texts(line, "wanted_by")?;
        if !self.wanted_by.are(&wanted_by) {
            self.wanted_by = wanted_by.into_iter().map(Word::new).collect::<Result<_, _>>().ok()?;
        }
        let wanted_by = self.wanted_by.clone();
        let because = plain::texts(self.lines.next()?, "because")?;
        let because = because.into_iter().map(|chain| self.beginnings.read(chain)).collect();
        Some(Artifact { source, origin, address, size, sha256, vouched, signer, wanted_by, because })
    }
}

impl Iterator for Reader<'_> {
    /// An artifact; none if the text goes on in another form than the one.
    type Item = Option<Artifact>;

    fn next(&mut self) -> Option<Option<Artifact>> {
        match self.heading() {
            Some(Next::Artifact) => Some(self.artifact()),
            Some(Next::End) => None,
            Some(Next::Other | Next::Waiver) | None => Some(None),
        }
    }
}

/// The lock, if its text is in the one form.
pub(super) fn read(text: &str) -> Option<Lock> {
    let mut reader = Reader::open(text)?;
    let (request, waivers) = (Some(reader.request), std::mem::take(&mut reader.waivers));
    let mut artifacts = Vec::with_capacity(text.matches("\n[[artifact]]\n").count());
    for artifact in reader {
        artifacts.push(artifact?);
    }
    Some(Lock { request, waivers, artifacts })
}

/// Writes one artifact; what needs more than quotes is left to the TOML writer.
pub(super) fn write(out: &mut String, artifact: &Artifact) {
    let before = out.len();
    if write_plain(out, artifact).is_none() {
        out.truncate(before);
        out.push_str(&toml::to_string(artifact).unwrap_or_default());
    }
}

fn write_plain(out: &mut String, artifact: &Artifact) -> Option<()> {
    plain::put_text(out, "source", artifact.source.name())?;
    if let Some(origin) = &artifact.origin {
        plain::put_text(out, "origin", origin.as_str())?;
    }
    plain::put_text(out, "address", artifact.address.as_str())?;
    out.push_str(&format!("size = {}\n", artifact.size));
    plain::put_text(out, "sha256", &artifact.sha256.to_string())?;
    plain::put_text(out, "vouched", &String::from(artifact.vouched.clone()))?;
    if let Some(signer) = &artifact.signer {
        plain::put_text(out, "signer", &String::from(signer.clone()))?;
    }
    plain::put_texts(out, "wanted_by", artifact.wanted_by.iter().map(Word::as_str))?;
    plain::put_texts(out, "because", artifact.because.iter().map(Chain::to_string))
}

#[cfg(test)]
mod tests {
    use super::super::Chains;
    use super::*;
    use std::collections::BTreeSet;

    const SHIPPED: &str = include_str!("../../../mirror-manifests/pnda.lock");

    #[test]
    fn the_shipped_lock_is_written_as_it_is() {
        let lock = read(SHIPPED).expect("it is in the one form");
        assert_eq!(Reader::whole(SHIPPED).unwrap().flatten().collect::<Vec<_>>(), lock.artifacts);
        assert_eq!(lock, Lock::parse_any(SHIPPED).unwrap());
        assert!(lock.render() == SHIPPED);
    }

    #[test]
    fn a_lock_of_format_1_is_read_and_written_as_it_was() {
        let text = include_str!("../../../tests/fixtures/formats/lock-1.toml");
        assert!(Lock::parse(text).unwrap().render() == text);
    }

    #[test]
    fn an_artifact_is_written_as_toml_writes_it() {
        let mut lock = Lock::parse(SHIPPED).unwrap();
        lock.artifacts.truncate(8);
        lock.artifacts[0].origin = Some(Word::new("other").unwrap());
        lock.artifacts[1].signer = Fingerprint::new(&"AB".repeat(20)).ok();
        lock.artifacts[2].because = ["a > b's", "c \"d\""].into_iter().collect();
        lock.artifacts[3].because = Chains::default();
        lock.artifacts[4].vouched = Voucher::FirstUse;
        lock.artifacts[5].address = SafePath::new("ä/b").unwrap();
        lock.artifacts[6].wanted_by = ["a", "b"].map(|name| Word::new(name).unwrap()).into_iter().collect();
        for artifact in &lock.artifacts {
            let mut text = String::new();
            write(&mut text, artifact);
            assert_eq!(text, toml::to_string(artifact).unwrap());
        }
        lock.artifacts.sort();
        assert_eq!(Lock::parse(&lock.render()).unwrap(), lock);
    }

    #[test]
    fn every_cut_and_every_other_form_is_read_as_toml_reads_it() {
        let mut lock = Lock::parse(SHIPPED).unwrap();
        lock.artifacts.truncate(3);
        let waiver = |reason: &str| Waiver { artifact: "a/*".into(), allows: Policy::FirstUse, reason: reason.into() };
        lock.waivers = vec![waiver("old"), waiver("a \"b\"")];
        lock.artifacts[1].because = ["\"quoted\"", "plain"].into_iter().collect();
        let text = lock.render();
        assert_eq!(Lock::parse(&text).unwrap(), lock);
        lock.waivers.pop();
        let plain = lock.render();
        let others = [
            text.replace('\n', "\r\n"),
            text.replace("size = ", "size = 0"),
            text.replace("size = ", "size=  "),
            text.replace("\n[[artifact]]\n", "\n[[artifact]]\nsource = \"file\"\n"),
            text.replace("vouched", "voucher"),
            text.replacen("\n[[artifact]]\n", "\nx = \"\"\"\n[[artifact]]\n", 1),
            plain.replacen("because = [", "because = [\"\"\"\"], #[", 1),
            format!("{plain}\n"),
            format!("{plain}\n\n[[waiver]]\nartifact = \"a\"\nallows = \"checksum\"\nreason = \"b\"\n"),
        ];
        let cuts = [&text, &plain].into_iter().flat_map(|text| (0..text.len()).map(|at| &text[..at]));
        for text in cuts.chain(others.iter().map(String::as_str)) {
            assert_eq!(Lock::parse(text).ok(), Lock::parse_any(text).and_then(Lock::ordered).ok(), "{text}");
        }
    }

    #[test]
    fn a_mistake_is_told_with_its_line() {
        let text = SHIPPED.replacen("size = ", "size = x", 1);
        let Err(super::super::Error::Read(error)) = Lock::parse(&text) else { panic!("it is no lock") };
        assert!(error.to_string().contains("line 8"), "{error}");
    }

    #[test]
    fn an_artifact_is_wanted_by_whom_toml_says() {
        let names: BTreeSet<Word> = ["b", "a"].map(|name| Word::new(name).unwrap()).into();
        let (before, after) = SHIPPED.split_once("wanted_by = ").unwrap();
        let (_, rest) = after.split_once('\n').unwrap();
        let text = format!("{before}wanted_by = [\"b\", \"a\", \"b\"]\n{rest}");
        assert_eq!(*read(&text).unwrap().artifacts[0].wanted_by, names);
    }
}
