//! Who is at the other end of a connection: the machine says which user it is, and the user database what he is called.
//! Nothing that a request claims about its sender is believed.
//! Not here: what somebody may do (`apps::orders`).

use apps::orders::Caller;
use systems::users::{self, Account};
use words::names::Word;

/// Why nobody is known at the other end.
#[derive(Debug, thiserror::Error)]
pub enum Unknown {
    /// The machine does not say who it is.
    #[error(transparent)]
    User(#[from] users::Error),
    /// A name that would not be safe as part of a path.
    #[error(transparent)]
    Name(#[from] words::names::BadName),
}

/// The user with this number. Members of the group `admins` and the user `of_service` may do everything.
pub fn caller(uid: u32, admins: &Word, of_service: &Word) -> Result<Caller, Unknown> {
    let user = Account::of_number(uid)?;
    let name = Word::new(user.name.as_str())?;
    let is_admin = uid == 0 || name == *of_service || user.is_member(admins.as_str())?;
    Ok(Caller { name, is_admin })
}

/// Whether two users have a group in common, or are the same: the one may read what the other's programs wrote.
pub fn share_a_group(one: &Word, other: &Word) -> bool {
    if one == other {
        return true;
    }
    let of = |name: &Word| {
        let user = Account::named(name.as_str()).ok()?;
        Some((user.group, user.groups().ok()?))
    };
    matches!((of(one), of(other)), (Some((_, mine)), Some((theirs, _))) if mine.contains(&theirs))
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
        assert!(matches!(
            caller(54_321_012, &word("root"), &word("pnda")),
            Err(Unknown::User(users::Error::NoName(54_321_012)))
        ));
        assert!(share_a_group(&word("daemon"), &word("daemon")) && !share_a_group(&word("daemon"), &word("bin")));
    }
}
