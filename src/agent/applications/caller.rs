//! Who is at the other end of a connection: the machine says which user it is, and the user database what he is called.
//! Nothing that a request claims about its sender is believed.
//! Not here: what somebody may do (`apps::orders`).

use apps::orders::Caller;
use nix::unistd::{Gid, Group, Uid, User, getgrouplist};
use std::ffi::CString;
use words::names::Word;

/// Why nobody is known at the other end.
#[derive(Debug, thiserror::Error)]
pub enum Unknown {
    /// The user has no name on this machine.
    #[error("user {0} has no name on this node")]
    NoName(u32),
    /// The database of users cannot be asked.
    #[error("the users of this node cannot be looked up")]
    Database(#[from] nix::Error),
    /// A name that would not be safe as part of a path.
    #[error(transparent)]
    Name(#[from] words::names::BadName),
}

/// The user with this number. Members of the group `admins` and the user `of_service` may do everything.
pub fn caller(uid: u32, admins: &Word, of_service: &Word) -> Result<Caller, Unknown> {
    let user = User::from_uid(Uid::from_raw(uid))?.ok_or(Unknown::NoName(uid))?;
    let name = Word::new(user.name.as_str())?;
    let is_admin = uid == 0 || name == *of_service || is_member(&user, admins)?;
    Ok(Caller { name, is_admin })
}

fn is_member(user: &User, group: &Word) -> Result<bool, Unknown> {
    let Some(group) = Group::from_name(group.as_str())? else { return Ok(false) };
    let groups = groups(user)?;
    Ok(groups.contains(&group.gid))
}

/// Whether two users have a group in common, or are the same: the one may read what the other's programs wrote.
pub fn share_a_group(one: &Word, other: &Word) -> bool {
    if one == other {
        return true;
    }
    let of = |name: &Word| {
        let user = User::from_name(name.as_str()).ok().flatten();
        user.and_then(|user| Some((user.gid, groups(&user).ok()?)))
    };
    matches!((of(one), of(other)), (Some((_, mine)), Some((theirs, _))) if mine.contains(&theirs))
}

fn groups(user: &User) -> Result<Vec<Gid>, Unknown> {
    let name = CString::new(user.name.as_str()).map_err(|_| nix::Error::EINVAL)?;
    Ok(getgrouplist(&name, user.gid)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_says_who_somebody_is() {
        let word = |text: &str| Word::new(text).unwrap();
        let root = caller(0, &word("nobody-is-in-it"), &word("pnda")).unwrap();
        assert_eq!((root.name.as_str(), root.is_admin), ("root", true));
        let daemon = caller(1, &word("nobody-is-in-it"), &word("pnda")).unwrap();
        assert_eq!((daemon.name.as_str(), daemon.is_admin), ("daemon", false));
        assert!(caller(1, &word("daemon"), &word("pnda")).unwrap().is_admin, "by its group");
        assert!(caller(1, &word("root"), &word("daemon")).unwrap().is_admin, "it is the service itself");
        assert!(matches!(caller(54_321_012, &word("root"), &word("pnda")), Err(Unknown::NoName(54_321_012))));
        assert!(share_a_group(&word("daemon"), &word("daemon")) && !share_a_group(&word("daemon"), &word("bin")));
    }
}
