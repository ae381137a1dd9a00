//! Which way a request takes: straight, or through the proxy that the environment or `sources.toml` names for it.
//! The variables and their meaning are those of curl: `http_proxy`, `https_proxy`, `all_proxy`, `no_proxy`.
//! Not here: speaking to a proxy.

use std::collections::BTreeMap;
use std::fmt;
use url::{Host, Url};

/// The proxies that are set, and for whom they are not used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    /// For plain addresses.
    pub http: Option<Proxy>,
    /// For encrypted ones.
    pub https: Option<Proxy>,
    /// Names and addresses that are reached straight, as in `no_proxy`.
    pub exempt: Vec<String>,
}

/// A proxy's address; its user and password do not show.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Proxy(String);

impl Proxy {
    /// Takes an address, or `HOST:PORT`.
    pub fn new(text: &str) -> Proxy {
        Proxy(if text.contains("://") { text.to_owned() } else { format!("http://{text}") })
    }

    /// As the HTTP library knows it: plain addresses go through it in absolute form, encrypted ones through a tunnel.
    pub(super) fn of_library(&self) -> Option<reqwest::Proxy> {
        let url = Url::parse(&self.0).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
        reqwest::Proxy::all(url).ok()
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, rest) = self.0.split_once("://").unwrap_or(("", &self.0));
        write!(out, "{scheme}://{}", rest.rsplit_once('@').map_or(rest, |(_, rest)| rest))
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl Proxies {
    /// The same proxy for everything.
    pub fn all(proxy: Proxy) -> Proxies {
        Proxies { http: Some(proxy.clone()), https: Some(proxy), exempt: Vec::new() }
    }

    /// What the environment says; the lower-case name of a variable wins.
    pub fn from_environment(environment: &BTreeMap<String, String>) -> Proxies {
        let variable = |name: &str| {
            let found = environment.get(name).or_else(|| environment.get(&name.to_ascii_uppercase()));
            found.map(|text| text.trim()).filter(|text| !text.is_empty())
        };
        let proxy = |name: &str| variable(name).or_else(|| variable("all_proxy")).map(Proxy::new);
        let exempt = variable("no_proxy").unwrap_or_default().split([',', ' ']).filter(|name| !name.is_empty());
        Proxies { http: proxy("http_proxy"), https: proxy("https_proxy"), exempt: exempt.map(str::to_owned).collect() }
    }

    /// The proxy for a URL.
    pub fn for_url(&self, url: &Url) -> Option<&Proxy> {
        let proxy = if url.scheme() == "https" { &self.https } else { &self.http };
        proxy.as_ref().filter(|_| !self.is_exempt(url))
    }

    fn is_exempt(&self, url: &Url) -> bool {
        let Some(host) = url.host() else { return false };
        let name = match &host {
            Host::Domain(name) => name.trim_end_matches('.').to_ascii_lowercase(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        };
        let covers = |entry: &String| {
            let entry = entry.to_ascii_lowercase();
            let (entry, port) = match entry.rsplit_once(':') {
                Some((name, port)) if port.parse::<u16>().is_ok() && !name.contains(':') => {
                    (name.to_owned(), port.parse().ok())
                }
                _ => (entry.trim_matches(['[', ']']).to_owned(), None),
            };
            let suffix = entry.trim_start_matches('*').trim_start_matches('.');
            let named = entry == "*"
                || name == suffix
                || matches!(host, Host::Domain(_)) && name.ends_with(&format!(".{suffix}"))
                || matches!(host, Host::Ipv4(address) if in_network(&entry, address));
            named && port.is_none_or(|port: u16| url.port_or_known_default() == Some(port))
        };
        self.exempt.iter().any(covers)
    }
}

/// Whether `10.0.0.0/8` and the like hold an address.
fn in_network(network: &str, address: std::net::Ipv4Addr) -> bool {
    let Some((base, bits)) = network.split_once('/') else { return false };
    let (Ok(base), Ok(bits @ 0..=32)) = (base.parse::<std::net::Ipv4Addr>(), bits.parse::<u32>()) else { return false };
    let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
    base.to_bits() & mask == address.to_bits() & mask
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> Proxies {
        let owned = variables.iter().map(|(name, value)| (name.to_string(), value.to_string()));
        Proxies::from_environment(&owned.collect())
    }

    #[test]
    fn the_environment_is_read_as_curl_reads_it() {
        let both = proxies(&[("HTTPS_PROXY", "http://up:1"), ("https_proxy", "low:2"), ("all_proxy", "http://all:3")]);
        let through = |url: &str| both.for_url(&Url::parse(url).unwrap()).map(Proxy::to_string);
        assert_eq!(through("https://repo.example/").as_deref(), Some("http://low:2"));
        assert_eq!(through("http://repo.example/").as_deref(), Some("http://all:3"));
        assert_eq!(proxies(&[("http_proxy", "")]), Proxies::default());
    }

    #[test]
    fn some_are_reached_straight() {
        let text = "corp.example,.inner.example, 10.0.0.0/8,127.0.0.1,*.lab.example,port.example:8080,[::1]";
        let proxies = proxies(&[("http_proxy", "http://me:secret@proxy.example:3128"), ("NO_PROXY", text)]);
        let straight = |host: &str| proxies.for_url(&Url::parse(&format!("http://{host}/")).unwrap()).is_none();
        for host in [
            "corp.example",
            "a.CORP.example",
            "x.inner.example",
            "10.20.30.40",
            "127.0.0.1:99",
            "a.lab.example",
            "port.example:8080",
            "[::1]:80",
        ] {
            assert!(straight(host), "{host}");
        }
        for host in ["repo.example", "notcorp.example", "11.0.0.1", "port.example", "[::2]"] {
            assert!(!straight(host), "{host}");
        }
        assert!(!format!("{proxies:?}").contains("secret"));
    }
}
