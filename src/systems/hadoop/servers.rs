//! Several servers of which one is active: the one that answered last is asked first, and each once in a call.
//! Which answer means "ask the next one" the caller says; a server's own word about who is active is not followed.
//! Not here: waiting until one is active.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use url::Url;
use words::shown::shown;

/// An address that no server can have, or none at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadAddress(pub String);

/// The servers. Clones share what they know of the active one.
#[derive(Debug, Clone)]
pub struct Servers {
    list: Arc<[Url]>,
    first: Arc<AtomicUsize>,
}

/// What asking one server came to.
pub enum Tried<T> {
    /// It answered; it is asked first from now on.
    Answered(T),
    /// It is not the one, or nobody is there: the next one may be asked. Says why.
    Next(String),
    /// Nobody else must be asked, but another one comes first the next time.
    Stop(T),
}

/// None of them was the one: each address with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nobody(pub Vec<(String, String)>);

impl fmt::Display for Nobody {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (address, why)) in self.0.iter().enumerate() {
            write!(out, "{}{address}: {}", if at == 0 { "" } else { "; " }, shown(why))?;
        }
        Ok(())
    }
}

impl Servers {
    /// Reads `http://host:port` addresses.
    pub fn new<T: AsRef<str>>(addresses: &[T]) -> Result<Servers, BadAddress> {
        let list: Vec<Url> = addresses.iter().map(|text| parse(text.as_ref())).collect::<Result<_, _>>()?;
        if list.is_empty() {
            return Err(BadAddress(String::new()));
        }
        Ok(Servers { list: list.into(), first: Arc::default() })
    }

    /// The address that is asked first, for people.
    pub fn address(&self) -> &str {
        address(&self.list[self.first.load(Ordering::Relaxed) % self.list.len()])
    }

    /// Asks one after the other until one answers.
    pub fn ask<T>(&self, mut question: impl FnMut(&Url) -> Tried<T>) -> Result<T, Nobody> {
        let count = self.list.len();
        let first = self.first.load(Ordering::Relaxed);
        let mut reasons = Vec::new();
        for at in (0..count).map(|step| (first + step) % count) {
            match question(&self.list[at]) {
                Tried::Answered(found) => {
                    self.first.store(at, Ordering::Relaxed);
                    return Ok(found);
                }
                Tried::Stop(found) => {
                    self.first.store((at + 1) % count, Ordering::Relaxed);
                    return Ok(found);
                }
                Tried::Next(why) => reasons.push((address(&self.list[at]).to_owned(), why)),
            }
        }
        Err(Nobody(reasons))
    }
}

/// A server's address as people write it.
pub fn address(url: &Url) -> &str {
    url.as_str().trim_end_matches('/')
}

fn parse(text: &str) -> Result<Url, BadAddress> {
    let bad = || BadAddress(text.to_owned());
    let url = Url::parse(text).map_err(|_| bad())?;
    let plain = matches!(url.scheme(), "http" | "https") && matches!(url.path(), "" | "/");
    let bare =
        url.query().is_none() && url.fragment().is_none() && url.username().is_empty() && url.password().is_none();
    if plain && bare && url.has_host() { Ok(url) } else { Err(bad()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_asked_once_and_who_answered_comes_first() {
        let servers = Servers::new(&["http://a:1", "http://b:1/", "http://c:1"]).unwrap();
        let mut asked = Vec::new();
        let found = servers.ask(|url| {
            asked.push(url.host_str().unwrap().to_owned());
            if url.host_str() == Some("b") { Tried::Answered(7) } else { Tried::Next("refused".into()) }
        });
        assert_eq!((found, asked.join(" ").as_str(), servers.address()), (Ok(7), "a b", "http://b:1"));
        let none = servers.clone().ask(|_| Tried::<()>::Next("no\nway".into())).unwrap_err();
        assert_eq!(none.to_string(), "http://b:1: no\\nway; http://c:1: no\\nway; http://a:1: no\\nway");
        assert_eq!(servers.ask(|_| Tried::Stop(1)), Ok(1));
        assert_eq!(servers.address(), "http://c:1");
    }

    #[test]
    fn an_address_is_a_scheme_a_host_and_a_port() {
        for bad in
            ["", "rm:8088", "hdfs://rm:8020", "http://rm:8088/ws", "http://u@rm:1", "http://rm:1?x", "http://:p@rm"]
        {
            assert_eq!(Servers::new(&[bad]).unwrap_err(), BadAddress(bad.into()));
        }
        assert!(Servers::new::<&str>(&[]).is_err());
    }
}
