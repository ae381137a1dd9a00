//! Users and groups of the node: who has which number, and making those that are missing.
//! Users are made by systemd-sysusers, which also knows those of a directory service.
//! Not here: which users a node should have.

use disk::root_dir::RootDir;
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::process::{Command, Stdio};
use words::names::{NodePath, Word};
use words::node::{Access, Node, Scope, User};

/// The user database of a node is small; this stops at what is none.
const LONGEST_DATABASE: u64 = 16 << 20;

/// Why owners cannot be found or made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A database of the node is not readable.
    #[error("cannot read {path} of the node")]
    Database { path: &'static str, source: io::Error },
    /// The program is not there.
    #[error("cannot run systemd-sysusers, which makes the node's users")]
    Sysusers(#[source] io::Error),
    /// It refused.
    #[error("systemd-sysusers could not make the node's users: {0}")]
    Refused(String),
    /// The program is not there.
    #[error("cannot run userdel, which removes users")]
    Userdel(#[source] io::Error),
    /// It refused.
    #[error("user {user} cannot be removed: {why}")]
    Remains { user: Word, why: String },
}

/// Names with their numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owners {
    /// Users.
    pub users: BTreeMap<Word, u32>,
    /// Groups.
    pub groups: BTreeMap<Word, u32>,
    /// Who runs what is prepared once, and the users of the document.
    pub accounts: BTreeMap<Word, Account>,
}

/// A user that a command can run as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its number.
    pub uid: u32,
    /// The number of its primary group.
    pub gid: u32,
    /// Its home.
    pub home: String,
}

/// Mode and numbers of something; no numbers where owners do not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Rights {
    /// The mode's twelve bits.
    pub mode: u32,
    /// User and group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<(u32, u32)>,
}

impl Owners {
    /// The numbers of everybody a node's document names, as far as they exist.
    pub fn read(ground: &RootDir, node: &Node) -> Result<Owners, Error> {
        if node.scope == Scope::User {
            return Ok(Owners::default());
        }
        let accesses = accesses(node);
        let users = accesses.iter().map(|access| &access.owner).chain(node.users.iter().map(|user| &user.name));
        let groups = accesses.iter().map(|access| &access.group).chain(node.users.iter().map(|user| &user.group));
        Ok(Owners {
            users: numbers(ground, "/etc/passwd", "passwd", users)?,
            groups: numbers(ground, "/etc/group", "group", groups)?,
            accounts: accounts(
                ground,
                node.once.iter().map(|once| &once.user).chain(node.users.iter().map(|user| &user.name)),
            )?,
        })
    }

    /// What the document asks for, in numbers; none while somebody does not exist yet.
    pub fn rights(&self, scope: Scope, access: &Access) -> Option<Rights> {
        let mode = access.mode.bits();
        if scope == Scope::User {
            return Some(Rights { mode, owner: None });
        }
        Some(Rights { mode, owner: Some((*self.users.get(&access.owner)?, *self.groups.get(&access.group)?)) })
    }
}

/// Everything in a document that has an owner.
pub fn accesses(node: &Node) -> Vec<&Access> {
    let directories = node.directories.iter().map(|directory| &directory.access);
    let downloads = node.downloads.iter().map(|download| &download.access);
    directories.chain(downloads).chain(node.files.iter().map(|file| &file.access)).collect()
}

fn numbers<'a>(
    ground: &RootDir,
    path: &'static str,
    database: &str,
    names: impl Iterator<Item = &'a Word>,
) -> Result<BTreeMap<Word, u32>, Error> {
    let text = read(ground, path).map_err(|source| Error::Database { path, source })?;
    let mut found = BTreeMap::new();
    for name in names {
        // A new root has no databases yet; in every one root is 0.
        let root = (name.as_str() == "root").then_some(0);
        let asked = || if ground.is_machine() { ask(database, name) } else { None };
        if let Some(number) = lookup(&text, name).or(root).or_else(asked) {
            found.insert(name.clone(), number);
        }
    }
    Ok(found)
}

fn accounts<'a>(ground: &RootDir, names: impl Iterator<Item = &'a Word>) -> Result<BTreeMap<Word, Account>, Error> {
    let path = "/etc/passwd";
    let text = read(ground, path).map_err(|source| Error::Database { path, source })?;
    let mut found = BTreeMap::new();
    for name in names {
        let asked = || if ground.is_machine() { account(&answer("passwd", name)?, name) } else { None };
        let root = || (name.as_str() == "root").then(|| Account { uid: 0, gid: 0, home: "/".into() });
        if let Some(account) = account(&text, name).or_else(asked).or_else(root) {
            found.insert(name.clone(), account);
        }
    }
    Ok(found)
}

/// `name:x:uid:gid:comment:home:shell`.
fn account(text: &str, name: &Word) -> Option<Account> {
    let fields: Vec<&str> =
        text.lines().map(|line| line.split(':').collect()).find(|line: &Vec<&str>| line[0] == name.as_str())?;
    let number = |at: usize| fields.get(at)?.parse().ok();
    Some(Account { uid: number(2)?, gid: number(3)?, home: (*fields.get(5)?).to_owned() })
}

fn read(ground: &RootDir, path: &str) -> io::Result<String> {
    let path = NodePath::new(path).map_err(io::Error::other)?;
    let Some(place) = ground.place(&path).map_err(io::Error::other)? else { return Ok(String::new()) };
    if place.stat()?.is_none() {
        return Ok(String::new());
    }
    let mut bytes = Vec::new();
    place.open()?.take(LONGEST_DATABASE).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The third field of `name:x:number:…`.
fn lookup(text: &str, name: &Word) -> Option<u32> {
    let mut fields = text.lines().map(|line| line.split(':'));
    let mut line = fields.find(|fields| fields.clone().next() == Some(name.as_str()))?;
    line.nth(2)?.parse().ok()
}

/// Users of a directory service are in no file; the machine's own resolver knows them.
fn ask(database: &str, name: &Word) -> Option<u32> {
    lookup(&answer(database, name)?, name)
}

fn answer(database: &str, name: &Word) -> Option<String> {
    let answer = Command::new("getent").args([database, name.as_str()]).stdin(Stdio::null()).output().ok()?;
    Some(String::from_utf8_lossy(&answer.stdout).into_owned())
}

/// Makes the users that are missing; those that exist stay as they are.
pub fn make(ground: &RootDir, users: &[&User]) -> Result<(), Error> {
    let mut command = Command::new("systemd-sysusers");
    if !ground.is_machine() {
        command.arg(format!("--root={}", ground.root().display()));
    }
    let mut child = command
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(Error::Sysusers)?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(sysusers(users).as_bytes()).map_err(Error::Sysusers)?;
    }
    let done = child.wait_with_output().map_err(Error::Sysusers)?;
    match done.status.success() {
        true => Ok(()),
        false => Err(Error::Refused(String::from_utf8_lossy(&done.stderr).trim().replace('\n', "; "))),
    }
}

/// Removes users that were made here, with their groups where those are theirs alone.
pub fn remove(users: &[&Word]) -> Result<(), Error> {
    for user in users {
        let done = Command::new("userdel").arg(user.as_str()).stdin(Stdio::null()).output().map_err(Error::Userdel)?;
        // 6: there is none of this name any more.
        if !done.status.success() && done.status.code() != Some(6) {
            let why = String::from_utf8_lossy(&done.stderr).trim().replace('\n', "; ");
            return Err(Error::Remains { user: (*user).clone(), why });
        }
    }
    Ok(())
}

/// The lines that systemd-sysusers reads.
fn sysusers(users: &[&User]) -> String {
    let line = |user: &&User| {
        // `%` begins a specifier, a quote ends the text; backslashes are in no path.
        let home = user.home.as_str().replace('%', "%%").replace('"', "\\\"");
        match user.name == user.group {
            true => format!("u {} - - \"{home}\"\n", user.name),
            false => format!("g {0} - -\nu {1} -:{0} - \"{home}\"\n", user.group, user.name),
        }
    };
    users.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str, group: &str, home: &str) -> User {
        let word = |text| Word::new(text).unwrap();
        User { name: word(name), group: word(group), home: NodePath::new(home).unwrap() }
    }

    #[test]
    fn users_are_lines_for_sysusers() {
        let (one, two) = (user("pnda", "pnda", "/var/lib/p%n"), user("yarn", "hadoop", "/opt/a b"));
        let text = sysusers(&[&one, &two]);
        assert_eq!(text, "u pnda - - \"/var/lib/p%%n\"\ng hadoop - -\nu yarn -:hadoop - \"/opt/a b\"\n");
    }

    #[test]
    fn a_number_is_the_third_field() {
        let text = "root:x:0:0:root:/root:/bin/sh\npnda:x:997:996::/:/bin/false\nbad\n";
        assert_eq!(lookup(text, &Word::new("pnda").unwrap()), Some(997));
        assert_eq!(lookup(text, &Word::new("pnd").unwrap()), None);
        assert_eq!(lookup(text, &Word::new("bad").unwrap()), None);
        let pnda = Account { uid: 997, gid: 996, home: "/".into() };
        assert_eq!(account(text, &Word::new("pnda").unwrap()), Some(pnda));
        assert_eq!(account(text, &Word::new("bad").unwrap()), None);
    }

    #[test]
    fn sysusers_makes_them_in_another_root() {
        if !rustix::process::geteuid().is_root() || Command::new("systemd-sysusers").arg("--version").output().is_err()
        {
            return;
        }
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("etc")).unwrap();
        let ground = RootDir::open(root.path(), Scope::System).unwrap();
        make(&ground, &[&user("pnda-test", "pnda-group", "/var/lib/pnda")]).unwrap();
        let passwd = read(&ground, "/etc/passwd").unwrap();
        let group = read(&ground, "/etc/group").unwrap();
        let number = lookup(&group, &Word::new("pnda-group").unwrap()).unwrap();
        assert!(passwd.contains(&format!(":{number}:")) && passwd.contains(":/var/lib/pnda:"), "{passwd}{group}");
    }
}
