//! The list of a generation: every file a mirror holds, with size and digest, under a number that only grows.
//! The mirror writes and signs it, the agent verifies it; its text is the same for the same content.
//! Not here: keys on disk, or the files themselves.

use super::digest::Sha256;
use super::names::SafePath;
use super::node::Keys;
use super::plain;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};

/// Where the list lies in a mirror.
pub const LIST: &str = "generation.toml";
/// Where its signature lies: minisign's format.
pub const SIGNATURE: &str = "generation.toml.minisig";
/// Where the public key lies, for people; nodes carry their own copy.
pub const PUBLIC_KEY: &str = "mirror.pub";

/// Where the lock lies that a generation was made from; it is listed and signed like any other file.
pub const LOCK: &str = "pnda.lock";

/// Everything one generation of a mirror holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generation {
    /// Grows by one with every publication.
    pub number: u64,
    /// The digest of the lock it was made from.
    pub lock: Sha256,
    /// The files, by path below the mirror's root.
    pub files: BTreeMap<SafePath, Listed>,
}

/// What the list says of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Its length in bytes.
    pub size: u64,
    /// Its identity.
    pub sha256: Sha256,
}

/// Why a list was refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its text is not that of a list.
    #[error("the mirror's list is not readable")]
    Read(#[source] Box<toml::de::Error>),
    /// A newer program wrote it.
    #[error("the mirror's list has format {0}; this program reads format 1: use the newer program")]
    Format(u32),
    /// The key is not one of minisign.
    #[error("the public key is not a minisign key")]
    Key(#[source] minisign_verify::Error),
    /// The signature is not one of minisign.
    #[error("the list's signature is not a minisign signature")]
    Signature(#[source] minisign_verify::Error),
    /// The list is not what the key's owner signed.
    #[error("the mirror's list was not signed by the expected key")]
    Forged(#[source] minisign_verify::Error),
    /// Nobody was named who could have signed it.
    #[error("no key is named that must have signed the mirror's list")]
    Unsigned,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    format: u32,
    number: u64,
    lock: Sha256,
    #[serde(default)]
    file: Vec<FileText>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileText {
    path: SafePath,
    size: u64,
    sha256: Sha256,
}

impl Generation {
    /// Verifies the signature with the key that the caller trusts, then reads the list.
    pub fn verify(text: &[u8], signature: &str, public_key: &str) -> Result<Generation, Error> {
        let key = key(public_key)?;
        let signature = minisign_verify::Signature::decode(signature).map_err(Error::Signature)?;
        key.verify(text, &signature, false).map_err(Error::Forged)?;
        Generation::parse(&String::from_utf8_lossy(text))
    }

    /// The same with keys of which any may have signed it.
    pub fn verify_by_any(text: &[u8], signature: &str, keys: &Keys) -> Result<Generation, Error> {
        let mut last = Error::Unsigned;
        for key in keys.iter() {
            match Generation::verify(text, signature, key) {
                Err(error @ Error::Forged(_)) => last = error,
                verified => return verified,
            }
        }
        Err(last)
    }

    /// Reads a list whose signature somebody else checks.
    pub fn parse(text: &str) -> Result<Generation, Error> {
        match Generation::read(&mut text.as_bytes()) {
            Ok(Some(generation)) => Ok(generation),
            _ => Generation::parse_any(text),
        }
    }

    /// Reads a list line by line, as it was written; none if it has another form, which `parse` may understand.
    pub fn read(text: &mut dyn BufRead) -> io::Result<Option<Generation>> {
        let mut files = BTreeMap::new();
        let head = scan(text, &mut |path, listed| {
            files.insert(path, listed);
        })?;
        Ok(head.map(|Head { number, lock }| Generation { number, lock, files }))
    }

    fn parse_any(text: &str) -> Result<Generation, Error> {
        let text: Text = toml::from_str(text).map_err(|error| Error::Read(Box::new(error)))?;
        if text.format != 1 {
            return Err(Error::Format(text.format));
        }
        let listed = |file: FileText| (file.path, Listed { size: file.size, sha256: file.sha256 });
        Ok(Generation { number: text.number, lock: text.lock, files: text.file.into_iter().map(listed).collect() })
    }

    /// The text that is signed.
    pub fn render(&self) -> String {
        let mut text = Vec::new();
        let files = self.files.iter().map(|(path, listed)| (path.clone(), *listed));
        // Writing into memory does not fail.
        let _ = write(&mut text, Head { number: self.number, lock: self.lock }, files);
        String::from_utf8_lossy(&text).into_owned()
    }
}

/// Writes the text of a list, file by file; they come in the order of their paths.
pub fn write(out: &mut dyn Write, head: Head, files: impl Iterator<Item = (SafePath, Listed)>) -> io::Result<()> {
    writeln!(out, "format = 1\nnumber = {}\nlock = \"{}\"", head.number, head.lock)?;
    let mut text = String::new();
    for (path, listed) in files {
        text.clear();
        if plain::put_text(&mut text, "path", path.as_str()).is_none() {
            text = format!("path = {}\n", toml::Value::String(path.to_string()));
        }
        writeln!(out, "\n[[file]]\n{text}size = {}\nsha256 = \"{}\"", listed.size, listed.sha256)?;
    }
    Ok(())
}

fn key(text: &str) -> Result<minisign_verify::PublicKey, Error> {
    minisign_verify::PublicKey::decode(text.trim_end())
        .or_else(|_| minisign_verify::PublicKey::from_base64(text.trim()))
        .map_err(Error::Key)
}

/// What stands above the files of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The generation's number.
    pub number: u64,
    /// The digest of the lock it was made from.
    pub lock: Sha256,
}

/// No line of a list is longer: a path has up to 1024 bytes.
const LINE: u64 = 4096;

/// Goes through a list of any length without keeping it; none if it is not exactly as it is written here, and then what
/// was told of its files is worth nothing.
pub fn scan(text: &mut dyn BufRead, each: &mut dyn FnMut(SafePath, Listed)) -> io::Result<Option<Head>> {
    let mut lines = Scanner { text, line: String::new() };
    let head = lines.head()?;
    if head.is_none() {
        return Ok(None);
    }
    let mut before = String::new();
    while let Some(line) = lines.next()? {
        if !line.is_empty() || lines.next()? != Some("[[file]]") {
            return Ok(None);
        }
        let Some((path, listed)) = lines.file()? else { return Ok(None) };
        if before.as_str() >= path.as_str() {
            return Ok(None);
        }
        before.clear();
        before.push_str(path.as_str());
        each(path, listed);
    }
    Ok(head)
}

/// The same, of a list that must be signed: nothing that was told of its files counts unless it ends well.
pub fn scan_signed(
    text: &mut dyn BufRead,
    signature: &str,
    public_key: &str,
    each: &mut dyn FnMut(SafePath, Listed),
) -> Result<io::Result<Option<Head>>, Error> {
    let key = key(public_key)?;
    let signature = minisign_verify::Signature::decode(signature).map_err(Error::Signature)?;
    let mut hashed = Hashed { text, verifier: key.verify_stream(&signature).map_err(Error::Forged)? };
    let head = match scan(&mut hashed, each) {
        Ok(Some(head)) => head,
        other => return Ok(other),
    };
    hashed.verifier.finalize().map_err(Error::Forged)?;
    Ok(Ok(Some(head)))
}

/// Whether a signature says itself that this key made it; one that cannot be read says nothing.
pub fn is_by(signature: &str, public_key: &str) -> Option<bool> {
    let (key, signature) = (key(public_key).ok()?, minisign_verify::Signature::decode(signature).ok()?);
    Some(!matches!(key.verify_stream(&signature), Err(minisign_verify::Error::UnexpectedKeyId)))
}

/// Whether the file of a public key holds this one; a file that cannot be read says nothing.
pub fn is_key(file: &str, public_key: &str) -> Option<bool> {
    let bare = |text: &str| {
        let line = text.lines().rfind(|line| !line.trim().is_empty())?;
        minisign_verify::PublicKey::from_base64(line.trim()).ok()
    };
    Some(bare(file)? == bare(public_key)?)
}

/// Whether the owner of a key signed a text, whatever it says.
pub fn is_signed(text: &mut dyn BufRead, signature: &str, public_key: &str) -> bool {
    let Ok((key, signature)) = key(public_key)
        .and_then(|key| Ok((key, minisign_verify::Signature::decode(signature).map_err(Error::Signature)?)))
    else {
        return false;
    };
    let Ok(verifier) = key.verify_stream(&signature) else { return false };
    let mut hashed = Hashed { text, verifier };
    io::copy(&mut hashed, &mut io::sink()).is_ok() && hashed.verifier.finalize().is_ok()
}

/// What is read passes the verifier.
struct Hashed<'a, 'b> {
    text: &'a mut dyn BufRead,
    verifier: minisign_verify::StreamVerifier<'b>,
}

impl io::Read for Hashed<'_, '_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.text.read(into)?;
        self.verifier.update(&into[..count]);
        Ok(count)
    }
}

impl BufRead for Hashed<'_, '_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.text.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        if let Ok(there) = self.text.fill_buf() {
            self.verifier.update(&there[..count.min(there.len())]);
        }
        self.text.consume(count);
    }
}

struct Scanner<'a> {
    text: &'a mut dyn BufRead,
    line: String,
}

impl Scanner<'_> {
    /// The next line without its end; none at the end of the text. A line without an end, or too long, is no text.
    fn next(&mut self) -> io::Result<Option<&str>> {
        use io::Read as _;
        self.line.clear();
        let count = (&mut *self.text).take(LINE).read_line(&mut self.line)?;
        if count == 0 {
            return Ok(None);
        }
        let line = self.line.strip_suffix('\n');
        Ok(Some(line.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))?))
    }

    fn head(&mut self) -> io::Result<Option<Head>> {
        if self.next()? != Some("format = 1") {
            return Ok(None);
        }
        let Some(number) = self.next()?.and_then(|line| plain::number(line, "number")) else { return Ok(None) };
        let lock = self.next()?.and_then(|line| plain::text(line, "lock")?.parse().ok());
        Ok(lock.map(|lock| Head { number, lock }))
    }

    fn file(&mut self) -> io::Result<Option<(SafePath, Listed)>> {
        let path = self.next()?.and_then(|line| SafePath::new(plain::text(line, "path")?).ok());
        let size = self.next()?.and_then(|line| plain::number(line, "size"));
        let sha256 = self.next()?.and_then(|line| plain::text(line, "sha256")?.parse().ok());
        let listed = size.zip(sha256).map(|(size, sha256)| Listed { size, sha256 });
        Ok(path.zip(listed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Generation {
        let path = SafePath::new("mirror_misc/a \"b\".jar").unwrap();
        let listed = Listed { size: 3, sha256: Sha256::of(b"abc") };
        Generation { number: 7, lock: Sha256::of(b"lock"), files: BTreeMap::from([(path, listed)]) }
    }

    #[test]
    fn a_list_reads_back_as_it_was() {
        assert_eq!(Generation::parse(&sample().render()).unwrap(), sample());
    }

    fn plain_sample() -> Generation {
        let mut plain = sample();
        for name in ["a b", "a'b", "ä", "mirror_misc/x.jar"] {
            let listed = Listed { size: 3, sha256: Sha256::of(name.as_bytes()) };
            plain.files.insert(SafePath::new(name).unwrap(), listed);
        }
        plain
    }

    #[test]
    fn a_list_is_written_as_toml_writes_and_read_as_toml_reads() {
        for generation in [sample(), plain_sample()] {
            let text = generation.render();
            assert_eq!(Generation::parse_any(&text).unwrap(), generation);
            for path in generation.files.keys() {
                assert!(text.contains(&format!("path = {}\n", toml::Value::String(path.to_string()))), "{path}");
            }
        }
        let mut plain = plain_sample();
        plain.files.retain(|path, _| plain::is_plain(path.as_str()));
        let read = Generation::read(&mut plain.render().as_bytes()).unwrap();
        assert_eq!(read, Some(plain), "without the TOML reader");
    }

    #[test]
    fn every_cut_and_every_other_form_is_read_as_toml_reads_it() {
        let text = plain_sample().render();
        let crlf = text.replace('\n', "\r\n");
        let twice = format!("{text}{}", &text[text.find("\n[[file]]").unwrap()..].replace("size = 3", "size = 4"));
        let cuts = (0..text.len()).filter(|at| text.is_char_boundary(*at)).map(|at| &text[..at]);
        for text in cuts.chain([crlf.as_str(), twice.as_str()]) {
            assert_eq!(Generation::parse(text).ok(), Generation::parse_any(text).ok(), "{text}");
        }
    }

    #[test]
    fn a_list_is_gone_through_only_as_its_key_signed_it() {
        let pair = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
        let key = pair.pk.to_box().unwrap().to_string();
        let mut plain = plain_sample();
        plain.files.retain(|path, _| plain::is_plain(path.as_str()));
        let text = plain.render();
        let signature = minisign::sign(None, &pair.sk, text.as_bytes(), None, None).unwrap().to_string();
        let through = |text: &str| {
            let mut files = BTreeMap::new();
            let mut each = |path, listed| {
                files.insert(path, listed);
            };
            let head = scan_signed(&mut text.as_bytes(), &signature, &key, &mut each)?;
            Ok::<_, Error>((head.unwrap(), files))
        };
        let (head, files) = through(&text).unwrap();
        assert_eq!((head, files), (Some(Head { number: 7, lock: plain.lock }), plain.files));
        assert!(matches!(through(&text.replace("size = 3", "size = 4")), Err(Error::Forged(_))));
    }

    #[test]
    fn a_newer_format_is_told_apart() {
        let text = sample().render().replace("format = 1", "format = 2");
        assert!(matches!(Generation::parse(&text), Err(Error::Format(2))));
    }

    #[test]
    fn only_the_signed_list_is_accepted() {
        let pair = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
        let key = pair.pk.to_box().unwrap().to_string();
        let text = sample().render();
        let signature = minisign::sign(None, &pair.sk, text.as_bytes(), None, None).unwrap().to_string();
        assert_eq!(Generation::verify(text.as_bytes(), &signature, &key).unwrap(), sample());
        let forged = text.replace("size = 3", "size = 4");
        assert!(matches!(Generation::verify(forged.as_bytes(), &signature, &key), Err(Error::Forged(_))));
    }

    #[test]
    fn while_two_keys_are_trusted_either_may_have_signed() {
        let pairs = [(); 3].map(|()| minisign::KeyPair::generate_unencrypted_keypair().unwrap());
        let keys = |of: &[&minisign::KeyPair]| {
            let files: Vec<String> = of.iter().map(|pair| pair.pk.to_box().unwrap().to_string()).collect();
            Keys::new(files.iter().map(String::as_str))
        };
        let text = sample().render();
        let by = |pair: &minisign::KeyPair, keys: &Keys| {
            let signature = minisign::sign(None, &pair.sk, text.as_bytes(), None, None).unwrap().to_string();
            Generation::verify_by_any(text.as_bytes(), &signature, keys)
        };
        let [a, b, other] = &pairs;
        let both = keys(&[a, b]);
        assert!(by(a, &both).is_ok() && by(b, &both).is_ok());
        assert!(matches!(by(other, &both), Err(Error::Forged(_))));
        assert!(matches!(by(a, &keys(&[b])), Err(Error::Forged(_))));
        assert!(matches!(by(a, &Keys::default()), Err(Error::Unsigned)));
    }

    #[test]
    fn a_path_that_leaves_the_mirror_is_refused() {
        let text = sample().render().replace("mirror_misc/", "../");
        assert!(matches!(Generation::parse(&text), Err(Error::Read(_))));
    }
}
