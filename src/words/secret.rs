//! Secrets by reference: where a node finds a secret, and the mark that stands for it in rendered text.
//! The secret itself is in no document of ours; the node puts it in when it installs.
//! Not here: finding it.

use super::names::{NodePath, Word};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// Where a node finds a secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Secret {
    /// `file:/path`: a file of the node that nobody but its owner's group can read.
    File(NodePath),
    /// `env:NAME`: a variable of whoever installs.
    Variable(String),
    /// `credential:NAME`: a credential of systemd.
    Credential(Word),
}

/// The text is no reference to a secret; it is not repeated, for it may be the secret itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a secret is given by reference: write file:/path, env:NAME or credential:NAME")]
pub struct BadSecret;

/// Where a node has its key and its certificate for TLS. Whoever installs may bring others in a folder that stands for it.
pub const CERTIFICATES: &str = "/etc/pnda/tls";

/// What a mark begins and ends with. A reference holds no `@`.
const OPEN: &str = "@SECRET:";
const CLOSE: char = '@';

impl FromStr for Secret {
    type Err = BadSecret;

    fn from_str(text: &str) -> Result<Secret, BadSecret> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "/._+-".contains(c);
        let (kind, name) = text.split_once(':').filter(|(_, name)| name.chars().all(plain)).ok_or(BadSecret)?;
        let variable = |c: char| c.is_ascii_alphanumeric() || c == '_';
        match kind {
            "file" => NodePath::new(name).map(Secret::File).map_err(|_| BadSecret),
            "credential" => Word::new(name).map(Secret::Credential).map_err(|_| BadSecret),
            "env" if !name.is_empty() && name.chars().all(variable) => Ok(Secret::Variable(name.to_owned())),
            _ => Err(BadSecret),
        }
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Secret::File(path) => write!(out, "file:{path}"),
            Secret::Variable(name) => write!(out, "env:{name}"),
            Secret::Credential(name) => write!(out, "credential:{name}"),
        }
    }
}

impl TryFrom<String> for Secret {
    type Error = BadSecret;

    fn try_from(text: String) -> Result<Secret, BadSecret> {
        text.parse()
    }
}

impl From<Secret> for String {
    fn from(secret: Secret) -> String {
        secret.to_string()
    }
}

impl Secret {
    /// The file's name, where it is one of those that a folder of certificates holds.
    pub fn certificate(&self) -> Option<&str> {
        match self {
            Secret::File(path) => path.as_str().strip_prefix(CERTIFICATES)?.strip_prefix('/'),
            Secret::Variable(_) | Secret::Credential(_) => None,
        }
    }

    /// What stands for it in a rendered text.
    pub fn mark(&self) -> String {
        format!("{OPEN}{self}{CLOSE}")
    }
}

/// The secrets that a text has marks of.
pub fn marked(text: &str) -> BTreeSet<Secret> {
    let marks = text.split(OPEN).skip(1).filter_map(|rest| rest.split_once(CLOSE));
    marks.filter_map(|(reference, _)| reference.parse().ok()).collect()
}

/// A text with every mark replaced by what `value` says of it, in one pass: no secret is looked through for marks.
pub fn filled(text: &str, value: impl Fn(&Secret) -> Option<String>) -> String {
    let mut parts = text.split(OPEN);
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let known = part.split_once(CLOSE).and_then(|(reference, rest)| Some((value(&reference.parse().ok()?)?, rest)));
        match known {
            Some((value, rest)) => {
                filled.push_str(&value);
                filled.push_str(rest);
            }
            None => {
                filled.push_str(OPEN);
                filled.push_str(part);
            }
        }
    }
    filled
}

/// The blocks of PEM in a text, such as a key or a chain of certificates, without lines that speak of them; none if there
/// is anything else in it.
pub fn pem(text: &str) -> Option<String> {
    let label = |line: &str, word: &str| Some(line.strip_prefix(word)?.strip_suffix("-----")?.to_owned());
    let base64 = |line: &str| line.chars().all(|c| c.is_ascii_alphanumeric() || "+/=".contains(c));
    let (mut open, mut blocks) = (None, 0);
    let mut lines = Vec::new();
    for line in text.lines().skip_while(|line| line.starts_with('#')) {
        match &open {
            None => open = Some(label(line, "-----BEGIN ")?),
            Some(of) if label(line, "-----END ").as_ref() == Some(of) => {
                open = None;
                blocks += 1;
            }
            Some(_) if base64(line) => {}
            Some(_) => return None,
        }
        lines.push(line);
    }
    let plain = |line: &&str| line.chars().all(|c| c.is_ascii_graphic() || c == ' ') && !line.contains('@');
    (blocks > 0 && open.is_none() && lines.iter().all(plain)).then(|| lines.join("\n"))
}

/// The lines of a file of tokens, `NAME SHA-256 GROUPS…`, without those that speak of them; none if there is anything else
/// in it, or nothing at all. One whose lines all speak gives nobody a token.
pub fn tokens(text: &str) -> Option<String> {
    let is_word = |word: &&str| Word::new(*word).is_ok();
    let is_digest = |word: &&str| word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let said = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let line = |line: &str| {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let (name, digest, groups) = (words.first()?, words.get(1)?, words.get(2..)?);
        (is_word(name) && is_digest(digest) && groups.iter().all(is_word)).then(|| words.join(" "))
    };
    let lines = said.map(line).collect::<Option<Vec<String>>>()?;
    (!text.trim().is_empty()).then(|| lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_reads_back_and_a_secret_is_none() {
        for text in ["file:/etc/pnda/secret", "env:KEYSTORE_PASSWORD", "credential:history-server"] {
            assert_eq!(text.parse::<Secret>().unwrap().to_string(), text);
        }
        for text in ["hunter2", "file:secret", "file:/a/../b", "env:", "env:A B", "env:A-B", "vault:x", "file:/a@b", ""]
        {
            assert!(text.parse::<Secret>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_file_of_tokens_is_lines_of_names_digests_and_groups_alone() {
        let digest = "0123456789abcdef".repeat(4);
        let text = format!("# who\n\nalice {digest}  dev  ops\nbob\t{digest}\n");
        assert_eq!(tokens(&text).unwrap(), format!("alice {digest} dev ops\nbob {digest}"));
        for text in
            ["", "\n", "hunter2", "alice", "alice dev", &format!("alice {digest}0 dev"), &format!("al@ice {digest}")]
        {
            assert_eq!(tokens(text), None, "{text}");
        }
        assert_eq!(tokens(&format!("alice {digest}\nhunter2")), None);
        assert_eq!(tokens("# nobody any more\n").as_deref(), Some(""));
    }

    #[test]
    fn a_key_or_a_chain_is_pem_and_nothing_else_is() {
        let block = "-----BEGIN CERTIFICATE-----\nMIIB+/==\n-----END CERTIFICATE-----\n";
        assert_eq!(pem(&format!("# made\n{block}{block}")).unwrap(), format!("{block}{block}").trim_end());
        let bad = [
            "",
            "hunter2",
            "# only words",
            "-----BEGIN X-----\nMIIB\n",
            "-----BEGIN X-----\n@SECRET:env:A@\n-----END X-----",
        ];
        for text in bad.into_iter().map(str::to_owned).chain([format!("{block}x"), format!("x\n{block}")]) {
            assert_eq!(pem(&text), None, "{text}");
        }
        let certificate = |text: &str| text.parse::<Secret>().unwrap().certificate().map(str::to_owned);
        assert_eq!(certificate("file:/etc/pnda/tls/key.pem").as_deref(), Some("key.pem"));
        assert_eq!((certificate("file:/etc/pnda/tlsx/key.pem"), certificate("env:KEY")), (None, None));
    }

    #[test]
    fn marks_are_found_and_filled_once() {
        let (file, variable): (Secret, Secret) = ("file:/s".parse().unwrap(), "env:S".parse().unwrap());
        let text = format!("a: '{}'\nb: {}{} me@example\n", file.mark(), variable.mark(), file.mark());
        assert_eq!(marked(&text), [file.clone(), variable.clone()].into());
        let value = |secret: &Secret| Some(if *secret == file { variable.mark() } else { "2".to_owned() });
        assert_eq!(filled(&text, value), "a: '@SECRET:env:S@'\nb: 2@SECRET:env:S@ me@example\n");
        assert_eq!(filled("@SECRET:@ @SECRET:x@", |_| None), "@SECRET:@ @SECRET:x@");
        assert!(marked("@SECRET:hunter2@").is_empty());
    }
}
