//! Secrets of a node: found where their references say, put into the files that have their marks, and known again.
//! Digests of such files are sealed with a key of the node, so that none of them tells a guesser that a guess was right.
//! Not here: what a reference looks like (`words::secret`), or writing the files.

use super::document::Wanted;
use super::home::{self, Home};
use crate::words::digest::Sha256;
use crate::words::names::NodePath;
use crate::words::secret::{Secret, filled};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Beside a kept document: the secrets that it was installed with.
pub(super) const KEPT: &str = "secrets.toml";
/// A password or a token is shorter.
const LONGEST: u64 = 4096;
/// Where systemd looks for credentials by their names.
const STORES: [&str; 3] = ["/etc/credstore", "/run/credstore", "/usr/lib/credstore"];

/// Why there is no secret. What it is stands in none of these.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The node has none.
    #[error("the secret {secret} is not on this node: {remedy}")]
    Missing { secret: Secret, remedy: &'static str },
    /// The machine refuses to read.
    #[error("cannot read the secret {secret}")]
    Read { secret: Secret, source: io::Error },
    /// It is not kept as a secret is.
    #[error("everybody on this node can read the secret {secret}: take that right away (chmod o-rwx)")]
    Open { secret: Secret },
    /// It cannot stand in every format.
    #[error(
        "the secret {secret} cannot be put into a file: it must be one line of at most {LONGEST} bytes, of letters, digits and \
         any of ! $ % ( ) * + , - . / : ; = ? @ [ ] ^ _ {{ | }} ~"
    )]
    Unfit { secret: Secret },
    /// What was kept for going back is not readable.
    #[error("the secrets that were kept in {} cannot be read", path.display())]
    Kept { path: PathBuf, source: Box<toml::de::Error> },
    /// The installer's folder cannot be used.
    #[error("the node's key for digests of secrets cannot be used")]
    Home(#[source] home::Error),
}

/// The secrets of a document, and the files that hold them.
#[derive(Default)]
pub struct Secrets {
    values: BTreeMap<Secret, String>,
    /// By file: its bytes with marks, as the document has it.
    templates: BTreeMap<NodePath, Vec<u8>>,
    key: [u8; 32],
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_set().entries(self.values.keys()).finish()
    }
}

impl Secrets {
    /// A digest as it is kept and compared: sealed where the file holds a secret.
    pub fn seal(&self, path: &NodePath, digest: Sha256) -> Sha256 {
        match self.templates.contains_key(path) {
            true => Sha256::of(&[&self.key[..], digest.as_bytes()].concat()),
            false => digest,
        }
    }

    /// The bytes of a file as the document has them: with marks.
    pub fn template(&self, path: &NodePath) -> Option<&[u8]> {
        self.templates.get(path).map(Vec::as_slice)
    }

    /// What is kept beside a document so that going back brings the same bytes; none without secrets.
    pub fn kept(&self) -> Option<String> {
        let values: BTreeMap<String, &String> =
            self.values.iter().map(|(one, value)| (one.to_string(), value)).collect();
        (!values.is_empty()).then(|| toml::to_string(&values).expect("texts can always be written"))
    }
}

impl Wanted {
    /// What tells this document from others that are installed: its text, and what secrets made of it.
    pub fn identity(&self) -> Sha256 {
        let holding = self.node.files.iter().filter(|file| !file.secrets.is_empty());
        let sealed: String = holding.map(|file| format!("{} {}\n", file.path, file.sha256)).collect();
        Sha256::of(format!("{}{sealed}", self.text).as_bytes())
    }
}

/// Finds the secrets of a document and puts them into its files. `folder` is where the document lies: one that was kept
/// has the secrets of then beside it.
pub(super) fn fill(wanted: &mut Wanted, folder: &Path, home: &Home) -> Result<(), Error> {
    let needed: BTreeSet<&Secret> = wanted.node.files.iter().flat_map(|file| &file.secrets).collect();
    if needed.is_empty() {
        return Ok(());
    }
    let kept = kept(&folder.join(KEPT))?;
    let found = needed.into_iter().map(|secret| {
        let value = kept.get(secret).cloned().map_or_else(|| find(secret, &wanted.root), Ok);
        value.map(|value| (secret.clone(), value))
    });
    let values: BTreeMap<Secret, String> = found.collect::<Result<_, Error>>()?;
    let mut secrets = Secrets { values, templates: BTreeMap::new(), key: home.key().map_err(Error::Home)? };
    for file in wanted.node.files.iter_mut().filter(|file| !file.secrets.is_empty()) {
        let Some(bytes) = wanted.bytes.get_mut(&file.path) else { continue };
        let text = filled(&String::from_utf8_lossy(bytes), |secret| secrets.values.get(secret).cloned());
        secrets.templates.insert(file.path.clone(), std::mem::replace(bytes, text.into_bytes()));
        file.sha256 = secrets.seal(&file.path, Sha256::of(bytes));
    }
    wanted.secrets = secrets;
    Ok(())
}

fn kept(path: &Path) -> Result<BTreeMap<Secret, String>, Error> {
    // Nothing was kept: it is what somebody brought.
    let Ok(text) = fs::read_to_string(path) else { return Ok(BTreeMap::new()) };
    toml::from_str(&text).map_err(|source| Error::Kept { path: path.to_owned(), source: Box::new(source) })
}

fn find(secret: &Secret, root: &Path) -> Result<String, Error> {
    let missing = |remedy| Error::Missing { secret: secret.clone(), remedy };
    let text = match secret {
        Secret::File(path) => {
            let found = read(secret, &path.under(root))?;
            found.ok_or_else(|| missing("put it there, readable for root alone, before this node is installed"))?
        }
        Secret::Variable(name) => {
            std::env::var(name).map_err(|_| missing("set the variable for the program that installs"))?
        }
        Secret::Credential(name) => {
            let given = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
            let places = given.into_iter().chain(STORES.map(|store| root.join(store.trim_start_matches('/'))));
            let found = places.map(|store| read(secret, &store.join(name.as_str()))).find_map(Result::transpose);
            found.unwrap_or_else(|| Err(missing("put it into /etc/credstore, readable for root alone")))?
        }
    };
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let fits = |c: char| c.is_ascii_alphanumeric() || "!$%()*+,-./:;=?@[]^_{|}~".contains(c);
    match !text.is_empty() && text.len() as u64 <= LONGEST && text.chars().all(fits) {
        true => Ok(text.to_owned()),
        false => Err(Error::Unfit { secret: secret.clone() }),
    }
}

/// None where nothing is.
fn read(secret: &Secret, path: &Path) -> Result<Option<String>, Error> {
    let failed = |source| Error::Read { secret: secret.clone(), source };
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(failed)?,
    };
    if file.metadata().map_err(failed)?.mode() & 0o007 != 0 {
        return Err(Error::Open { secret: secret.clone() });
    }
    let mut text = String::new();
    file.take(LONGEST + 2).read_to_string(&mut text).map_err(failed)?;
    Ok(Some(text))
}
