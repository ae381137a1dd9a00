//! Secrets of a node: found where their references say, put into the files that have their marks, and known again.
//! Digests of such files are sealed with a key of the node, so that none of them tells a guesser that a guess was right.
//! Not here: what a reference looks like (`words::secret`), or writing the files.

use super::certificates::{self, Brought};
use super::document::Wanted;
use super::generations::Generations;
use super::home::{self, Home};
use super::owners::{self, Owners};
use disk::regular::{self, Links};
use disk::root_dir::{self, RootDir};
use rustix::fs::Stat;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use words::digest::Sha256;
use words::names::NodePath;
use words::secret::{CERTIFICATES, Secret, filled, pem, tokens};

/// Beside a kept document: the secrets that it was installed with.
pub(super) const KEPT: &str = "secrets.toml";
/// A password or a token is shorter.
const LONGEST: u64 = 4096;
/// All secrets of a node.
const LONGEST_KEPT: u64 = 4 << 20;
/// A chain of certificates, or a file of tokens, is shorter.
const LONGEST_PEM: u64 = 64 << 10;
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
    /// The way to it is not safe.
    #[error("cannot reach the secret {secret}")]
    Walk { secret: Secret, source: root_dir::Error },
    /// Who could have put it there is not who may.
    #[error(
        "the secret {secret} belongs to user number {owner}: it must be root's, or that of who owns a file that it goes into"
    )]
    Owner { secret: Secret, owner: u32 },
    /// Owners are unknown.
    #[error("cannot find out whose secrets may be")]
    Owners(#[source] owners::Error),
    /// It can change without its owner.
    #[error("others than its owner can write the secret {secret}: take that right away (chmod go-w)")]
    Writable { secret: Secret },
    /// Whoever owns a folder on the way chooses which file it is.
    #[error(
        "the secret {secret} lies in {folder}, which belongs to user number {owner}: it must be root's, or that of who owns \
         a file that it goes into; give it to root, or move the secret"
    )]
    FolderOwner { secret: Secret, folder: String, owner: u32 },
    /// The same, for those who may write there.
    #[error(
        "the secret {secret} lies in {folder}, which others than its owner can write: take that right away (chmod go-w)"
    )]
    FolderWritable { secret: Secret, folder: String },
    /// It may be another file, by a name that somebody else gave it.
    #[error("the secret {secret} has more than one name (hard links): copy it, so that it is a file of its own")]
    Shared { secret: Secret },
    /// It is not kept as a secret is.
    #[error("everybody on this node can read the secret {secret}: take that right away (chmod o-rwx)")]
    Open { secret: Secret },
    /// It cannot stand in every format.
    #[error(
        "the secret {secret} cannot be put into a file: it must be one line of at most {LONGEST} bytes, of letters, digits and \
         any of ! $ % ( ) * + , - . / : ; = ? @ [ ] ^ _ {{ | }} ~; or a key or certificates in PEM; or lines of tokens, NAME \
         SHA-256 GROUPS"
    )]
    Unfit { secret: Secret },
    /// What was kept for going back is not readable.
    #[error("the secrets that were kept in {} cannot be read", path.display())]
    Kept { path: PathBuf, source: io::Error },
    /// The node could not show who it is.
    #[error("the certificate of this node would not do")]
    Certificate(#[source] certificates::Error),
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

    /// What is kept beside a document so that going back brings the same bytes; none without secrets. Certificates with
    /// their keys and files of tokens are not: those of then may have expired or been taken back, so going back leaves those
    /// of now.
    pub fn kept(&self) -> Option<String> {
        // What is empty is a file of tokens that gives nobody one.
        let passes = |value: &str| value.is_empty() || pem(value).or_else(|| tokens(value)).is_some();
        let lasting = self.values.iter().filter(|(_, value)| !passes(value));
        let values: BTreeMap<String, &String> = lasting.map(|(one, value)| (one.to_string(), value)).collect();
        (!values.is_empty()).then(|| toml::to_string(&values).expect("texts can always be written"))
    }
}

impl Wanted {
    /// What tells this document from others that are installed: its text, and what secrets made of it. Certificates that
    /// were brought make none that one could go back to.
    pub fn identity(&self) -> Sha256 {
        let lasting = |secret: &Secret| secret.certificate().is_none();
        let holding = self.node.files.iter().filter(|file| file.secrets.iter().any(lasting));
        let sealed: String = holding.map(|file| format!("{} {}\n", file.path, file.sha256)).collect();
        Sha256::of(format!("{}{sealed}", self.text).as_bytes())
    }
}

/// Where secrets are looked for.
#[derive(Clone, Copy)]
pub(super) struct Sources<'a> {
    pub(super) ground: &'a RootDir,
    /// The folder of certificates that was brought with the document, if any.
    pub(super) certificates: Option<&'a Path>,
}

/// Finds the secrets of a document and puts them into its files. `folder` is where the document lies: one that is kept
/// here has the secrets of then beside it.
pub(super) fn fill(wanted: &mut Wanted, folder: &Path, sources: Sources<'_>, home: &Home) -> Result<(), Error> {
    let mut needed: BTreeMap<&Secret, BTreeSet<u32>> = BTreeMap::new();
    let owners = Owners::read(sources.ground, &wanted.node).map_err(Error::Owners)?;
    for file in &wanted.node.files {
        let owner = owners.users.get(&file.access.owner);
        file.secrets.iter().for_each(|secret| needed.entry(secret).or_default().extend(owner));
    }
    if needed.is_empty() {
        return Ok(());
    }
    // What somebody brought beside a document are no secrets of this node.
    let of_then = Generations::of(home).kept(folder);
    let kept = of_then.as_ref().map_or_else(|| Ok(BTreeMap::new()), |kept| read_kept(&kept.join(KEPT)))?;
    let found = needed.into_iter().map(|(secret, owners)| {
        let value = kept.get(secret).cloned().map_or_else(|| find(secret, sources, &owners), Ok);
        value.and_then(|value| fitting(secret, &value)).map(|value| (secret.clone(), value))
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
    // Going back leaves the certificates that are there, whatever they are.
    if of_then.is_none() { certificates_fit(wanted) } else { Ok(()) }
}

/// Holds the certificate, its key and its authority against each other and the node, where it has the three.
fn certificates_fit(wanted: &Wanted) -> Result<(), Error> {
    let of = |folder: &str, name: &str| {
        wanted.bytes.get(&NodePath::new(format!("{folder}/{name}")).ok()?).map(Vec::as_slice)
    };
    let folders = wanted.bytes.keys().filter_map(|path| path.as_str().strip_suffix("/certificate.pem"));
    for folder in folders.filter(|folder| folder.ends_with(CERTIFICATES)) {
        let three = (of(folder, "key.pem"), of(folder, "certificate.pem"), of(folder, "authority.pem"));
        let (Some(key), Some(certificate), Some(authority)) = three else { continue };
        let brought = Brought { folder, key, certificate, authority };
        brought.fit(wanted.node.node.as_str()).map_err(Error::Certificate)?;
    }
    Ok(())
}

/// The secrets that an install was kept with; none where it had none.
fn read_kept(path: &Path) -> Result<BTreeMap<Secret, String>, Error> {
    let failed = |source| Error::Kept { path: path.to_owned(), source };
    let file = match regular::open(path, Links::Refuse) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        file => file.map_err(failed)?,
    };
    let mut text = String::new();
    file.take(LONGEST_KEPT).read_to_string(&mut text).map_err(failed)?;
    toml::from_str(&text).map_err(|error| failed(io::Error::other(error)))
}

/// What a secret is, without the end of its line.
fn fitting(secret: &Secret, text: &str) -> Result<String, Error> {
    let lines = || pem(text).or_else(|| tokens(text));
    if let Some(lines) = Some(text).filter(|text| text.len() as u64 <= LONGEST_PEM).and_then(|_| lines()) {
        return Ok(lines);
    }
    let text = text.strip_suffix('\n').unwrap_or(text);
    let fits = |c: char| c.is_ascii_alphanumeric() || "!$%()*+,-./:;=?@[]^_{|}~".contains(c);
    match !text.is_empty() && text.len() as u64 <= LONGEST && text.chars().all(fits) {
        true => Ok(text.to_owned()),
        false => Err(Error::Unfit { secret: secret.clone() }),
    }
}

fn find(secret: &Secret, sources: Sources<'_>, owners: &BTreeSet<u32>) -> Result<String, Error> {
    let missing = |remedy| Error::Missing { secret: secret.clone(), remedy };
    let read = |found: Option<io::Result<File>>| match found {
        None => Ok(None),
        Some(Err(error)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Some(Err(source)) => Err(Error::Read { secret: secret.clone(), source }),
        Some(Ok(file)) => read(secret, file, owners).map(Some),
    };
    let placed = |path: &NodePath| {
        let unsafe_way = |source| Error::Walk { secret: secret.clone(), source };
        let place = sources.ground.plain_place(path).map_err(unsafe_way)?;
        if place.as_ref().is_some_and(|place| !matches!(place.stat(), Ok(None))) {
            let way = sources.ground.way(path).map_err(unsafe_way)?;
            way.into_iter().try_for_each(|(folder, stat)| keeps(secret, folder, &stat, owners))?;
        }
        read(place.map(|place| place.open()))
    };
    match secret {
        Secret::File(path) => {
            let (certificate, remedy) = match secret.certificate() {
                Some(name) => (Some(name), "make it with `pnda cluster certificates`, and install with --certificates"),
                None => (None, "put it there, readable for root alone, before this node is installed"),
            };
            let found = match sources.certificates.zip(certificate) {
                Some((folder, name)) => read(Some(regular::open(&folder.join(name), Links::Refuse)))?,
                None => placed(path)?,
            };
            found.ok_or_else(|| missing(remedy))
        }
        Secret::Variable(name) => {
            std::env::var(name).map_err(|_| missing("set the variable for the program that installs"))
        }
        Secret::Credential(name) => {
            let given = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
            let given = given.map(|folder| regular::open(&folder.join(name.as_str()), Links::Refuse));
            let mut found = read(given)?;
            for store in STORES {
                let path = NodePath::new(format!("{store}/{name}")).map_err(io::Error::other);
                let path = path.map_err(|source| Error::Read { secret: secret.clone(), source })?;
                found = found.map_or_else(|| placed(&path), |found| Ok(Some(found)))?;
            }
            found.ok_or_else(|| missing("put it into /etc/credstore, readable for root alone"))
        }
    }
}

/// Whether nobody but who may have the secret can put another file in its place: where everybody may write, each his own.
fn keeps(secret: &Secret, folder: String, stat: &Stat, owners: &BTreeSet<u32>) -> Result<(), Error> {
    let (owner, mode, secret) = (stat.st_uid, stat.st_mode, secret.clone());
    if !may(owner, owners) {
        return Err(Error::FolderOwner { secret, folder, owner });
    }
    let ours = [0, rustix::process::getegid().as_raw()].contains(&stat.st_gid);
    let written = mode & 0o002 != 0 || (mode & 0o020 != 0 && !ours);
    if written && mode & 0o1000 == 0 {
        return Err(Error::FolderWritable { secret, folder });
    }
    Ok(())
}

/// Whether somebody may have a secret: root, we, or who owns a file that it goes into.
fn may(user: u32, owners: &BTreeSet<u32>) -> bool {
    user == 0 || user == rustix::process::geteuid().as_raw() || owners.contains(&user)
}

/// The text of a file that nobody else has written, and that not everybody reads. `owners` may besides root and us.
fn read(secret: &Secret, file: File, owners: &BTreeSet<u32>) -> Result<String, Error> {
    let secret = || secret.clone();
    let failed = |source| Error::Read { secret: secret(), source };
    let found = file.metadata().map_err(failed)?;
    let (owner, mode) = (found.uid(), found.mode());
    if !may(owner, owners) {
        return Err(Error::Owner { secret: secret(), owner });
    }
    match mode {
        mode if mode & 0o005 != 0 => return Err(Error::Open { secret: secret() }),
        mode if mode & 0o022 != 0 => return Err(Error::Writable { secret: secret() }),
        _ if found.nlink() != 1 => return Err(Error::Shared { secret: secret() }),
        _ => {}
    }
    let mut text = String::new();
    file.take(LONGEST_PEM + 2).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}
