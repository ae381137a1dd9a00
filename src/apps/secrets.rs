//! Secrets of applications by reference: a property says `@SECRET:credential:NAME@`, and the value lies on the edge in a file
//! that only root writes, in a folder with the owner's name. It is put in when the files of a run are made ready.
//! Everything before that, the journal and what is told among it, has the reference alone.
//! Not here: references of rendered files (`words::secret`), which the installer fills.

use crate::package::flink::{FlinkComponent, KNOWN};
use disk::regular::{self, Links};
use rustix::fs::{Mode, OFlags, openat};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use words::names::Word;
use words::problem::{Origin, Problems};
use words::secret::{self, Secret};

/// What a reference begins with.
const OPEN: &str = "@SECRET:";
const FORM: &str = "write @SECRET:credential:NAME@, and the secret into a file of that name on each edge";
/// The property whose options become Flink's configuration.
const OPTIONS: &str = "flink_config_args";
/// A secret is shorter.
const LONGEST: u64 = 64 << 10;
/// Flink shows no value of a key that has one of these in it, neither in its logs nor on its pages: those of 1.20, and of all
/// later ones.
const HIDDEN: [&str; 10] = [
    "password",
    "secret",
    "fs.azure.account.key",
    "apikey",
    "auth-params",
    "service-key",
    "token",
    "basic-auth",
    "jaas.config",
    "http-headers",
];
/// These become words of command lines and scripts on the nodes, whatever they are called.
const OPEN_TO_ALL: [&str; 3] = ["containerized.", "env.", "yarn."];

/// Why a secret cannot be put in.
#[derive(Debug, thiserror::Error)]
#[error("the secret {name} of {owner} cannot be read from {}: {why}", file.display())]
pub struct Error {
    name: Word,
    owner: Word,
    file: PathBuf,
    why: io::Error,
}

/// The names of the secrets that these values refer to.
pub fn named<'a>(values: impl Iterator<Item = &'a String>) -> BTreeSet<Word> {
    let of = |secret| if let Secret::Credential(name) = secret { Some(name) } else { None };
    values.flat_map(|value| secret::marked(value)).filter_map(of).collect()
}

/// References that are none, and those in places where everybody would see the secret.
pub(crate) fn check(place: &str, own: &BTreeMap<String, String>, flink: &FlinkComponent) -> Problems {
    let (mut problems, origin) = (Problems::default(), Origin::of_file(place));
    for (name, value) in own.iter().filter(|(_, value)| value.contains(OPEN)) {
        let is_reference = |secret: &Secret| matches!(secret, Secret::Credential(_));
        let right = references(value).into_iter().filter(|one| one.as_ref().is_some_and(is_reference)).count();
        if right != value.matches(OPEN).count() {
            problems.add(origin.problem(format!("`{name}` has a reference to a secret that is none"), FORM));
        } else if name == "application_args" {
            let remedy = "let the program read it from application.properties, under a property of its own";
            problems
                .add(origin.problem("`application_args` has a secret, and Flink shows arguments to everybody", remedy));
        } else if KNOWN.contains(&name.as_str()) && name != OPTIONS {
            problems.add(origin.problem(format!("`{name}` has a secret, and is shown"), "write it without one"));
        }
    }
    let set = flink.configuration.iter().filter(|(_, value)| value.contains(OPEN));
    for (key, _) in set.clone().filter(|(key, _)| !is_hidden(key)) {
        let what = format!("`{key}` of Flink's configuration has a secret, and Flink shows its value");
        let remedy =
            "name a key that Flink hides, as one with `password` or `secret` in it, or let the program read it";
        problems.add(origin.problem(what, remedy));
    }
    let of = |text: &str| text.matches(OPEN).count();
    let in_options = own.get(OPTIONS).map_or(0, |text| of(text));
    if in_options != set.map(|(_, value)| of(value)).sum::<usize>() {
        let what = "`flink_config_args` has a secret that is no value of a key";
        problems.add(origin.problem(what, "write -yD KEY=@SECRET:credential:NAME@"));
    }
    problems
}

/// Each reference of a text, as far as it is one.
fn references(text: &str) -> Vec<Option<Secret>> {
    let parts = text.split(OPEN).skip(1);
    parts.map(|part| part.split_once('@').and_then(|(reference, _)| reference.parse().ok())).collect()
}

/// Whether Flink hides the value of a key, and nothing else shows it.
fn is_hidden(key: &str) -> bool {
    let key = key.to_lowercase();
    HIDDEN.iter().any(|part| key.contains(part)) && !OPEN_TO_ALL.iter().any(|start| key.starts_with(start))
}

/// Secrets by name.
pub type Values = BTreeMap<Word, String>;

/// The secrets of an owner that are named; the first that cannot be read is told.
pub fn read(folder: Option<&Path>, owner: &Word, names: &BTreeSet<Word>) -> Result<Values, Error> {
    names.iter().map(|name| Ok((name.clone(), read_one(folder, owner, name)?))).collect()
}

/// One of them.
pub fn read_one(folder: Option<&Path>, owner: &Word, name: &Word) -> Result<String, Error> {
    let none = || io::Error::other("this node has no folder of secrets: `secrets` of its configuration names one");
    let folder = folder.map(Path::to_owned);
    let file = folder.clone().unwrap_or_default().join(owner.as_str()).join(name.as_str());
    let text = folder.ok_or_else(none).and_then(|folder| text(&folder, owner, name));
    text.map_err(|why| Error { name: name.clone(), owner: owner.clone(), file, why })
}

fn text(folder: &Path, owner: &Word, name: &Word) -> io::Result<String> {
    let all = File::open(folder)?;
    guarded(&all.metadata()?, 0o022)?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let own = File::from(openat(&all, owner.as_str(), flags, Mode::empty())?);
    guarded(&own.metadata()?, 0o022)?;
    let file = regular::open_at(&own, Path::new(name.as_str()), Links::Refuse)?;
    guarded(&file.metadata()?, 0o037)?;
    let mut bytes = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut bytes)?;
    let text = String::from_utf8(bytes).map_err(|_| io::Error::other("it is not UTF-8 text"))?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    match text.len() {
        0 => Err(io::Error::other("it is empty")),
        length if length as u64 > LONGEST - 2 => Err(io::Error::other(format!("it is longer than {LONGEST} bytes"))),
        _ if text.contains('\0') => Err(io::Error::other("it has a NUL")),
        _ => Ok(text.to_owned()),
    }
}

/// Root's or the service's own, and open to nobody whom it is not for.
fn guarded(of: &Metadata, others: u32) -> io::Result<()> {
    let own = rustix::process::geteuid().as_raw();
    if of.uid() != 0 && of.uid() != own {
        return Err(io::Error::other("its owner is neither root nor the service's user"));
    }
    match of.mode() & others {
        0 => Ok(()),
        _ => Err(io::Error::other("others may read or change it: chmod 640, and 750 the folders above")),
    }
}

/// A value with its secrets in it.
pub fn filled(value: &str, secrets: &Values) -> String {
    secret::filled(
        value,
        |secret| if let Secret::Credential(name) = secret { secrets.get(name).cloned() } else { None },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn word(text: &str) -> Word {
        Word::new(text).unwrap()
    }

    #[test]
    fn a_secret_is_read_where_nobody_else_can_and_else_it_is_told_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let mode = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        let own = folder.path().join("alice");
        fs::create_dir(&own).unwrap();
        [folder.path(), &own].into_iter().for_each(|folder| mode(folder, 0o750));
        let file = own.join("db");
        fs::write(&file, "hunter2\n").unwrap();
        mode(&file, 0o640);
        let read = |owner: &str, name: &str| {
            read_one(Some(folder.path()), &word(owner), &word(name)).map_err(|error| words::chain::chain(&error))
        };
        assert_eq!(read("alice", "db").unwrap(), "hunter2");
        let told = read("alice", "other").unwrap_err();
        assert!(told.contains("the secret other of alice cannot be read from") && !told.contains("hunter2"), "{told}");
        assert!(read("bob", "db").is_err());
        for (at, open) in [(&file, 0o644), (&file, 0o660), (&own, 0o770), (&folder.path().to_owned(), 0o757)] {
            let before = fs::metadata(at).unwrap().mode();
            mode(at, open);
            assert!(read("alice", "db").unwrap_err().contains("others may"), "{}", at.display());
            mode(at, before);
        }
        symlink("db", own.join("link")).unwrap();
        symlink("alice", folder.path().join("carol")).unwrap();
        assert!(read("alice", "link").is_err() && read("carol", "db").is_err());
        for bad in ["", "\n", "a\0b"] {
            fs::write(&file, bad).unwrap();
            assert!(read("alice", "db").is_err(), "{bad:?}");
        }
        assert!(read_one(None, &word("alice"), &word("db")).is_err());
    }

    #[test]
    fn only_keys_are_right_that_flink_hides() {
        for key in ["s3.secret-key", "my.PASSWORD", "security.token.x", "fs.azure.account.key.a"] {
            assert!(is_hidden(key), "{key}");
        }
        for key in ["s3.endpoint", "containerized.master.env.PASSWORD", "env.java.opts.secret", "yarn.tags.secret"] {
            assert!(!is_hidden(key), "{key}");
        }
    }

    #[test]
    fn values_are_put_in_once() {
        let secrets = Values::from([(word("a"), "@SECRET:credential:b@".to_owned()), (word("b"), "2".to_owned())]);
        let text = "x @SECRET:credential:a@ @SECRET:credential:b@ @SECRET:env:b@";
        assert_eq!(filled(text, &secrets), "x @SECRET:credential:b@ 2 @SECRET:env:b@");
        assert_eq!(named([text.to_owned()].iter()), [word("a"), word("b")].into());
    }
}
