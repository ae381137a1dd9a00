//! Who asks, and whether that is enough for what a route is for: one place for all listeners.
//! Groups decide, by name; there are no rules to be evaluated. Whose an application is, `apps` asks of the state.
//! Not here: how somebody proves who he is.

use super::failure::Failure;
use apps::orders::{Caller, Refusal};
use systems::users::Account;
use words::names::Word;

/// What a route is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Right {
    /// Looking at what everybody may see, also without a name where the listener allows that.
    Look,
    /// Looking at what everybody may see who has a name.
    Read,
    /// Bringing and deploying packages.
    Deploy,
    /// Making applications.
    Create,
    /// Changing what is one's own, or anything as an administrator: `apps` asks the state whose it is.
    Own,
    /// Administrators alone.
    Admin,
}

/// Which groups may do what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Its members may do everything.
    pub admins: Word,
    /// The service's own user may, too.
    pub service: Word,
    /// Its members may deploy packages; none: everybody.
    pub deployers: Option<Word>,
    /// Its members may make applications; none: everybody.
    pub creators: Option<Word>,
    /// Its members may ask for others, whom they name in `user.name`; none: nobody.
    pub proxies: Option<Word>,
}

/// Somebody with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) caller: Caller,
    pub(super) groups: Vec<String>,
}

impl Person {
    /// Somebody of these groups.
    pub(super) fn new(name: Word, groups: Vec<String>, rules: &Rules) -> Person {
        let is_admin = groups.iter().any(|group| group == rules.admins.as_str());
        Person { caller: Caller { name, is_admin }, groups }
    }

    fn is_in(&self, group: &Option<Word>, absent: bool) -> bool {
        group.as_ref().map_or(absent, |group| self.groups.iter().any(|own| own == group.as_str()))
    }

    /// Whether he may read what the programs of an owner wrote: it is he, or the owner's own group is one of his. That is the
    /// group with the owner's name: one that many have as their first, as `users`, makes nobody's logs theirs.
    pub(super) fn shares_with(&self, owner: &Word) -> bool {
        let group = || Account::named(owner.as_str()).ok()?.group_name().filter(|group| group == owner.as_str());
        self.caller.is_admin || self.caller.name == *owner || group().is_some_and(|group| self.groups.contains(&group))
    }

    /// For whom he asks: for himself, or, as a proxy, for whom `user.name` names. Nobody is an administrator through others.
    pub(super) fn asking_for(self, name: Option<&str>, rules: &Rules) -> Result<Person, Failure> {
        let Some(name) = name.filter(|name| *name != self.caller.name.as_str()) else { return Ok(self) };
        let own = &self.caller.name;
        if !self.is_in(&rules.proxies, false) {
            return Err(forbidden(format!("`user.name` names another than {own}, who asks, and {own} is no proxy")));
        }
        let named = Word::new(name).map_err(|error| Refusal::Invalid(format!("`user.name`: {error}")))?;
        if name == "root" || named == rules.service {
            return Err(forbidden(format!("nobody asks for {named}")));
        }
        let groups = Account::named(name).and_then(|user| user.group_names()).unwrap_or_default();
        let person = Person::new(named, groups, rules);
        Ok(Person { caller: Caller { is_admin: false, ..person.caller }, ..person })
    }
}

fn forbidden(why: String) -> Failure {
    Refusal::Forbidden(why).into()
}

/// Whether this is enough. `open` is a listener on which everybody may look.
pub(super) fn check(right: Right, person: Option<&Person>, rules: &Rules, open: bool) -> Result<(), Failure> {
    let Some(person) = person else {
        let why = "who asks must be known here: send `Authorization: Bearer TOKEN`, or show a certificate";
        return if open && right == Right::Look { Ok(()) } else { Err(Failure::Stranger(why.to_owned())) };
    };
    let needs = |group: &Option<Word>, what: &str| match person.caller.is_admin || person.is_in(group, true) {
        true => Ok(()),
        false => {
            let group = group.as_ref().map(Word::as_str).unwrap_or_default();
            Err(forbidden(format!("only members of the group {group} {what}; {} is none", person.caller.name)))
        }
    };
    match right {
        Right::Look | Right::Read | Right::Own => Ok(()),
        Right::Deploy => needs(&rules.deployers, "bring and deploy packages"),
        Right::Create => needs(&rules.creators, "make applications"),
        Right::Admin => needs(&Some(rules.admins.clone()), "may do this"),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn word(text: &str) -> Word {
        Word::new(text).unwrap()
    }

    pub(in super::super) fn rules() -> Rules {
        Rules {
            admins: word("admins"),
            service: word("pnda"),
            deployers: Some(word("dev")),
            creators: None,
            proxies: Some(word("proxies")),
        }
    }

    fn person(name: &str, groups: &[&str]) -> Person {
        Person::new(word(name), groups.iter().map(|group| (*group).to_owned()).collect(), &rules())
    }

    #[test]
    fn groups_decide_what_somebody_may_and_the_open_listener_only_shows() {
        let allowed = |right, person: Option<&Person>, open| check(right, person, &rules(), open).is_ok();
        let all = [Right::Look, Right::Read, Right::Deploy, Right::Create, Right::Own, Right::Admin];
        let of = |person: Option<&Person>, open| all.map(|right| allowed(right, person, open));
        assert_eq!(of(None, false), [false; 6]);
        assert_eq!(of(None, true), [true, false, false, false, false, false]);
        assert_eq!(of(Some(&person("alice", &[])), true), [true, true, false, true, true, false]);
        assert_eq!(of(Some(&person("alice", &["dev"])), false), [true, true, true, true, true, false]);
        assert_eq!(of(Some(&person("alice", &["admins"])), false), [true; 6]);
        let closed = Rules { creators: Some(word("dev")), ..rules() };
        assert!(check(Right::Create, Some(&person("alice", &["ops"])), &closed, false).is_err());
    }

    #[test]
    fn only_a_proxy_asks_for_others_and_nobody_becomes_an_administrator_so() {
        let ask = |groups: &[&str], name| person("console", groups).asking_for(name, &rules());
        assert_eq!(ask(&[], None).unwrap().caller.name.as_str(), "console");
        assert_eq!(ask(&[], Some("console")).unwrap().caller.name.as_str(), "console");
        assert!(ask(&[], Some("alice")).is_err() && ask(&["admins"], Some("alice")).is_err());
        let alice = ask(&["proxies", "admins"], Some("alice")).unwrap();
        assert_eq!((alice.caller.name.as_str(), alice.caller.is_admin), ("alice", false));
        for nobody in ["root", "pnda", "", "a b", "../x", "-x"] {
            assert!(ask(&["proxies"], Some(nobody)).is_err(), "{nobody}");
        }
    }

    #[test]
    fn what_programs_wrote_is_for_the_owner_his_group_and_administrators() {
        let daemon = word("daemon");
        assert!(person("daemon", &[]).shares_with(&daemon) && person("x", &["daemon"]).shares_with(&daemon));
        assert!(person("x", &["admins"]).shares_with(&daemon) && !person("x", &["bin"]).shares_with(&daemon));
        assert!(!person("x", &["bin"]).shares_with(&word("nobody-has-this-name")));
        // The first group of several users.
        assert!(!person("x", &["nogroup"]).shares_with(&word("nobody")));
    }
}
