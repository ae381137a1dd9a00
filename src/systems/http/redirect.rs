//! Where a redirect may lead: only to the web, never from the outside in, never from encrypted to plain.
//! A registry that was taken over must not make this machine ask its own network for anything.
//! Not here: following it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use url::{Host, Url};

/// How far inside an address is; a redirect may not lead further inside than it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// Anybody's.
    Public,
    /// The site's own network.
    Private,
    /// This machine, its links and its metadata services.
    Local,
}

impl Reach {
    /// Of one address.
    pub fn of(address: IpAddr) -> Reach {
        match address {
            IpAddr::V4(address) => of_v4(address),
            IpAddr::V6(address) => address.to_ipv4_mapped().map_or_else(|| of_v6(address), of_v4),
        }
    }

    /// Of what a URL says by itself; a name that must be looked up counts as public.
    pub fn written(url: &Url) -> Reach {
        match url.host() {
            Some(Host::Ipv4(address)) => of_v4(address),
            Some(Host::Ipv6(address)) => Reach::of(address.into()),
            Some(Host::Domain(name)) => {
                let name = name.trim_end_matches('.').to_ascii_lowercase();
                if name == "localhost" || name.ends_with(".localhost") { Reach::Local } else { Reach::Public }
            }
            None => Reach::Local,
        }
    }
}

fn of_v4(address: Ipv4Addr) -> Reach {
    let [a, b, ..] = address.octets();
    if address.is_loopback() || address.is_link_local() || address.is_multicast() || a == 0 || a >= 240 {
        Reach::Local
    } else if address.is_private() || (a == 100 && (64..128).contains(&b)) {
        Reach::Private
    } else {
        Reach::Public
    }
}

fn of_v6(address: Ipv6Addr) -> Reach {
    let link_local = address.segments()[0] & 0xffc0 == 0xfe80;
    if address.is_loopback() || address.is_unspecified() || address.is_multicast() || link_local {
        Reach::Local
    } else if address.segments()[0] & 0xfe00 == 0xfc00 {
        Reach::Private
    } else {
        Reach::Public
    }
}

/// A redirect that is not followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Where it leads, without secrets.
    pub to: String,
    /// Why it is not followed.
    pub why: &'static str,
}

/// The address that a page gives as `target`, if it may be asked for.
pub fn lead(page: &Url, target: &str) -> Result<Url, Refused> {
    follow(page, target, Reach::written(page))
}

/// The next address, if a redirect from `from` to `target` may be followed; `reach` is how far inside the source is.
/// Names are not looked up here.
pub fn follow(from: &Url, target: &str, reach: Reach) -> Result<Url, Refused> {
    let Ok(mut to) = from.join(target) else { return Err(Refused { to: shown(target), why: "it is no address" }) };
    let refused = |why| Err(Refused { to: shown(to.as_str()), why });
    if !matches!(to.scheme(), "http" | "https") || to.host().is_none() {
        return refused("only http and https are");
    }
    if from.scheme() == "https" && to.scheme() == "http" {
        return refused("it leaves the encrypted connection");
    }
    if Reach::written(&to) > reach {
        return refused(INWARDS);
    }
    // Whoever redirects does not say who we are.
    let _ = to.set_username("");
    let _ = to.set_password(None);
    Ok(to)
}

/// Why a redirect to an inner address is not followed.
pub const INWARDS: &str = "it leads from outside to this machine or its own network";

fn shown(text: &str) -> String {
    let plain: String = text.split(['?', '#']).next().unwrap_or_default().chars().take(200).collect();
    let plain: String = plain.chars().filter(|c| !c.is_control()).collect();
    match plain.split_once("://") {
        Some((scheme, rest)) => format!("{scheme}://{}", rest.split_once('@').map_or(rest, |(_, rest)| rest)),
        None => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(from: &str, target: &str, reach: Reach) -> Result<String, String> {
        let from = Url::parse(from).unwrap();
        follow(&from, target, reach).map(String::from).map_err(|refused| format!("{}: {}", refused.to, refused.why))
    }

    #[test]
    fn the_web_is_followed() {
        let from = "https://me:secret@repo.example/a/b.jar";
        let next = |target| to(from, target, Reach::Public).unwrap();
        assert_eq!(next("c.jar"), "https://repo.example/a/c.jar");
        assert_eq!(next("//cdn.example/c.jar?sig=1"), "https://cdn.example/c.jar?sig=1");
        assert_eq!(
            to("http://repo.example/", "https://repo.example/a", Reach::Public).unwrap(),
            "https://repo.example/a"
        );
    }

    #[test]
    fn nothing_else_is() {
        for (target, why) in [
            ("file:///etc/passwd", "only http and https"),
            ("ftp://repo.example/a", "only http and https"),
            ("data:text/plain,x", "only http and https"),
            ("http://cdn.example/a", "leaves the encrypted"),
            ("https://127.0.0.1/a", "from outside"),
            ("https://localhost/a", "from outside"),
            ("https://[::1]/a", "from outside"),
            ("https://[::ffff:10.0.0.1]/a", "from outside"),
            ("https://169.254.169.254/latest/meta-data", "from outside"),
            ("https://0x7f.1/a", "from outside"),
            ("https://10.1.2.3/a", "from outside"),
            ("https://[fd00::1]/a", "from outside"),
            ("https://me:secret@[/", "no address"),
        ] {
            let refused = to("https://repo.example/a", target, Reach::Public).unwrap_err();
            assert!(refused.contains(why) && !refused.contains("secret"), "{target}: {refused}");
        }
    }

    #[test]
    fn an_inner_source_may_stay_inside() {
        assert!(to("http://127.0.0.1:1/a", "http://127.0.0.1:2/b", Reach::Local).is_ok());
        assert!(to("http://10.0.0.1/a", "http://192.168.0.1/b", Reach::Private).is_ok());
        assert!(to("http://10.0.0.1/a", "http://169.254.169.254/b", Reach::Private).is_err());
    }
}
