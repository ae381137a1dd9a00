//! The users and groups of this machine, as its own databases have them: files, a directory service, whatever it is set up with.
//! They are asked by number or by name each time; nothing is kept, so who joins a group is a member at once.
//! Not here: what somebody may do.

use nix::unistd::{self, Gid, Group, Uid, getgrouplist};
use std::ffi::CString;

/// Why nothing is known of a user.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No name belongs to the number.
    #[error("user {0} has no name on this node")]
    NoName(u32),
    /// No user has the name.
    #[error("there is no user `{}` on this node", words::shown::shown(.0))]
    NoUser(String),
    /// The databases cannot be asked.
    #[error("the users of this node cannot be looked up")]
    Database(#[from] nix::Error),
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// His name.
    pub name: String,
    /// The number of his own group.
    pub group: u32,
}

impl From<unistd::User> for Account {
    fn from(user: unistd::User) -> Account {
        Account { name: user.name, group: user.gid.as_raw() }
    }
}

impl Account {
    /// The user with a number.
    pub fn of_number(number: u32) -> Result<Account, Error> {
        let found = unistd::User::from_uid(Uid::from_raw(number))?;
        found.map(Account::from).ok_or(Error::NoName(number))
    }

    /// The user with a name.
    pub fn named(name: &str) -> Result<Account, Error> {
        let found = unistd::User::from_name(name)?;
        found.map(Account::from).ok_or_else(|| Error::NoUser(name.to_owned()))
    }

    /// The name of his own group.
    pub fn group_name(&self) -> Option<String> {
        Group::from_gid(Gid::from_raw(self.group)).ok().flatten().map(|group| group.name)
    }

    /// The numbers of all his groups.
    pub fn groups(&self) -> Result<Vec<u32>, Error> {
        let name = CString::new(self.name.as_str()).map_err(|_| nix::Error::EINVAL)?;
        let groups = getgrouplist(&name, Gid::from_raw(self.group))?;
        Ok(groups.into_iter().map(Gid::as_raw).collect())
    }

    /// The names of all his groups; a number that has none is passed over.
    pub fn group_names(&self) -> Result<Vec<String>, Error> {
        let mut names = Vec::new();
        for group in self.groups()? {
            names.extend(Group::from_gid(Gid::from_raw(group))?.map(|group| group.name));
        }
        Ok(names)
    }

    /// Whether he is a member of a group; nobody is of one that does not exist.
    pub fn is_member(&self, group: &str) -> Result<bool, Error> {
        let Some(group) = Group::from_name(group)? else { return Ok(false) };
        Ok(self.groups()?.contains(&group.gid.as_raw()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_knows_its_users() {
        let root = Account::of_number(0).unwrap();
        assert_eq!((root.name.as_str(), root.group), ("root", 0));
        assert!(root.group_names().unwrap().contains(&"root".to_owned()));
        let daemon = Account::named("daemon").unwrap();
        assert_eq!(daemon, Account::of_number(1).unwrap());
        assert!(daemon.is_member("daemon").unwrap() && !daemon.is_member("root").unwrap());
        assert!(!daemon.is_member("no-such-group").unwrap());
        assert!(matches!(Account::of_number(54_321_012), Err(Error::NoName(54_321_012))));
    }

    #[test]
    fn names_that_nobody_has_are_told_on_one_line() {
        for name in ["", "a\nb", "$(id)", "-x", "../root", "\u{1b}[31m", &"x".repeat(100_000)] {
            let told = Account::named(name).unwrap_err().to_string();
            assert!(!told.contains(['\n', '\u{1b}']), "{told:?}");
        }
        assert!(Account::named("a\0b").is_err());
    }
}
