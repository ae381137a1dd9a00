//! How somebody proves who he is: the machine says which user is at the other end of a local connection, a token is in the
//! file of tokens, a certificate was verified and its subject's one common name is that of a user of this node.
//! Nothing else that a request claims about its sender is believed. Not here: what somebody may do (`access`).

use super::access::{Person, Rules};
use super::failure::Failure;
use super::tokens::{self, Holder, Tokens};
use crate::log::{self, Level};
use apps::orders::Refusal;
use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;
use std::net::IpAddr;
use systems::users::Account;
use words::chain::chain;
use words::names::Word;

/// The other end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Peer {
    /// A user of this machine.
    Local(u32),
    /// Somebody at an address, with the name in his certificate where he showed one.
    Remote { address: IpAddr, certificate: Option<Option<String>> },
}

/// Who asks, as far as he has proved it; what must be looked up for it is looked up later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Proved {
    User(u32),
    Token(Holder),
    Certificate(Word),
    Nobody(IpAddr),
}

/// For whom requests are counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Key {
    User(u32),
    Named(Word),
    Address(IpAddr),
}

impl Peer {
    /// For whom a request counts that proves nothing.
    pub(super) fn key(&self) -> Key {
        match self {
            Peer::Local(uid) => Key::User(*uid),
            Peer::Remote { address, .. } => Key::Address(systems::places::client(*address)),
        }
    }

    /// What is proved. A token or certificate that is wrong is an error, also where nobody would have to prove anything.
    pub(super) fn proves(&self, headers: &HeaderMap, tokens: Option<&Tokens>) -> Result<Proved, Failure> {
        let (address, certificate) = match self {
            Peer::Local(uid) => return Ok(Proved::User(*uid)),
            Peer::Remote { address, certificate } => (address, certificate),
        };
        let stranger = |why: &str| Failure::Stranger(why.to_owned());
        let mut given = headers.get_all(AUTHORIZATION).iter();
        if let Some(header) = given.next() {
            let text = header.to_str().ok().filter(|_| given.next().is_none());
            let token =
                text.and_then(|text| text.split_once(' ')).filter(|(kind, _)| kind.eq_ignore_ascii_case("bearer"));
            let (_, token) = token.ok_or_else(|| stranger("write `Authorization: Bearer TOKEN`, once"))?;
            let tokens = tokens.ok_or_else(|| stranger("no tokens are taken here"))?;
            let holder = tokens.holder(token.trim()).map_err(|error| {
                if !matches!(error, tokens::Error::StillMistakes) {
                    log::line(Level::Warn, &chain(&error), &[]);
                }
                stranger("nobody can be known by a token now; the manager's log says why")
            })?;
            return holder.map(Proved::Token).ok_or_else(|| stranger("this token is nobody's"));
        }
        match certificate {
            None => Ok(Proved::Nobody(*address)),
            Some(name) => {
                let name = name.as_deref().and_then(|name| Word::new(name).ok()).filter(|name| name.as_str() != "root");
                let why = "the subject of this certificate has no common name that is a user's";
                name.map(Proved::Certificate).ok_or_else(|| stranger(why))
            }
        }
    }
}

impl Proved {
    /// For whom it counts.
    pub(super) fn key(&self) -> Key {
        match self {
            Proved::User(uid) => Key::User(*uid),
            Proved::Token(Holder { name, .. }) | Proved::Certificate(name) => Key::Named(name.clone()),
            Proved::Nobody(address) => Key::Address(systems::places::client(*address)),
        }
    }

    /// Who it is; none is nobody. The user database may take its time.
    pub(super) fn person(self, rules: &Rules) -> Result<Option<Person>, Failure> {
        let of_account = |account: Account| {
            let name = Word::new(account.name.as_str()).map_err(|error| forbidden(&error))?;
            let groups = account.group_names().map_err(|error| forbidden(&error))?;
            Ok::<_, Failure>(Person::new(name, groups, rules))
        };
        match self {
            Proved::Nobody(_) => Ok(None),
            Proved::Token(Holder { name, groups }) => {
                Ok(Some(Person::new(name, groups.iter().map(ToString::to_string).collect(), rules)))
            }
            Proved::Certificate(name) => {
                let account = Account::named(name.as_str()).map_err(|error| forbidden(&error))?;
                of_account(account).map(Some)
            }
            Proved::User(uid) => {
                let mut person = of_account(Account::of_number(uid).map_err(|error| forbidden(&error))?)?;
                person.caller.is_admin |= uid == 0 || person.caller.name == rules.service;
                Ok(Some(person))
            }
        }
    }
}

/// Whom the machine does not know, nobody here knows.
fn forbidden(error: &dyn std::error::Error) -> Failure {
    Refusal::Forbidden(chain(error)).into()
}

#[cfg(test)]
mod tests {
    use super::super::access::tests::rules;
    use super::*;

    fn remote(certificate: Option<Option<&str>>) -> Peer {
        let certificate = certificate.map(|name| name.map(str::to_owned));
        Peer::Remote { address: "10.0.0.1".parse().unwrap(), certificate }
    }

    #[test]
    fn the_machine_says_who_a_local_user_is() {
        let of = |uid: u32, rules: &Rules| Proved::User(uid).person(rules).map(Option::unwrap);
        let root = of(0, &rules()).unwrap().caller;
        assert_eq!((root.name.as_str(), root.is_admin), ("root", true));
        let daemon = of(1, &rules()).unwrap();
        assert_eq!((daemon.caller.name.as_str(), daemon.caller.is_admin), ("daemon", false));
        let word = |text: &str| Word::new(text).unwrap();
        assert!(of(1, &Rules { admins: word("daemon"), ..rules() }).unwrap().caller.is_admin, "by its group");
        assert!(of(1, &Rules { service: word("daemon"), ..rules() }).unwrap().caller.is_admin, "the service itself");
        assert!(of(54_321_012, &rules()).unwrap_err().to_string().contains("has no name on this node"));
    }

    #[test]
    fn a_certificate_names_a_user_of_this_node_and_never_root() {
        let none = HeaderMap::new();
        let proved = |name| remote(Some(name)).proves(&none, None);
        let daemon = proved(Some("daemon")).unwrap().person(&rules()).unwrap().unwrap();
        assert_eq!((daemon.caller.name.as_str(), daemon.caller.is_admin), ("daemon", false));
        for wrong in [None, Some("root"), Some(""), Some("CN=x"), Some("a b")] {
            assert!(matches!(proved(wrong), Err(Failure::Stranger(_))), "{wrong:?}");
        }
        assert!(proved(Some("nobody-has-this-name")).unwrap().person(&rules()).is_err());
        assert!(matches!(remote(None).proves(&none, None), Ok(Proved::Nobody(_))));
    }

    #[test]
    fn a_header_that_is_no_token_is_refused_and_never_ignored() {
        for lines in [&["Basic YWxpY2U6eA=="][..], &["Bearer"], &["Bearer x", "Bearer y"], &["Bearer x"], &[""]] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(AUTHORIZATION, line.parse().unwrap());
            }
            let told = remote(Some(Some("daemon"))).proves(&headers, None);
            assert!(matches!(told, Err(Failure::Stranger(_))), "{lines:?}");
        }
    }
}
