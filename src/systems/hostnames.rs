//! The names that a server on loopback goes by. A stranger's page can have its own name lead to this machine (DNS
//! rebinding) and then read what a browser here may read; its requests still bear that name, and are refused.
//! Not here: servers that others reach; what they are called only the site knows.

use hyper::header::HOST;
use hyper::http::request::Parts;
use hyper::http::uri::Authority;
use std::net::{IpAddr, Ipv6Addr};
use words::names::Host;

/// What whoever uses another name is told.
pub const REFUSAL: &str = "this server does not go by that name; whoever runs it can name further ones\n";

/// The names of one server; none: any is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hostnames(Option<Vec<String>>);

impl Hostnames {
    /// Those of a server that listens at this address, with those that the operator names.
    pub fn new(listen: IpAddr, more: &[Host]) -> Hostnames {
        let own = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into_iter().chain([listen.to_string()]);
        let names = || own.chain(more.iter().map(|name| name.as_str().to_owned())).collect();
        Hostnames(listen.to_canonical().is_loopback().then(names))
    }

    /// Whether a request is for this server. One without any name comes from no browser.
    pub fn are_meant(&self, request: &Parts) -> bool {
        let Some(names) = &self.0 else { return true };
        let known = |host: &Authority| {
            bare(host.as_str()).is_some_and(|host| names.iter().any(|name| host.eq_ignore_ascii_case(name)))
        };
        let mut headers = request.headers.get_all(HOST).iter();
        request.uri.authority().is_none_or(known)
            && headers.all(|host| Authority::try_from(host.as_bytes()).is_ok_and(|host| known(&host)))
    }
}

/// The name or address alone, without port and a last dot; none where it is not written as one. No user is named, and
/// brackets are for addresses of version 6.
fn bare(host: &str) -> Option<&str> {
    let (name, port) = match host.strip_prefix('[').map(|host| host.split_once(']')) {
        Some(inside) => {
            let (address, rest) = inside?;
            address.parse::<Ipv6Addr>().ok()?;
            (address, rest)
        }
        None => {
            let (name, port) = host.split_at(host.find(':').unwrap_or(host.len()));
            (name.strip_suffix('.').unwrap_or(name), port)
        }
    };
    // A colon may have no number behind it; a sign is none.
    let is_port =
        |port: &str| port.is_empty() || port.bytes().all(|digit| digit.is_ascii_digit()) && port.parse::<u16>().is_ok();
    (port.is_empty() || port.strip_prefix(':').is_some_and(is_port)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::Request;

    fn meant(names: &Hostnames, target: &str, hosts: &[&str]) -> bool {
        let request = Request::get(target);
        let request = hosts.iter().fold(request, |request, host| request.header(HOST, *host));
        names.are_meant(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn on_loopback_a_stranger_s_name_is_refused_wherever_it_stands() {
        let names = Hostnames::new("127.0.0.3".parse().unwrap(), &[Host::new("mirror.example").unwrap()]);
        for host in ["localhost", "LocalHost.:8080", "127.0.0.1:80", "[::1]:8080", "127.0.0.3", "Mirror.example"] {
            assert!(meant(&names, "/", &[host]), "{host}");
            assert!(meant(&names, &format!("http://{host}/"), &[]), "{host}");
        }
        for host in
            ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:8080", "", "a b", "localhost:x:y"]
        {
            assert!(!meant(&names, "/", &[host]), "{host}");
            assert!(!meant(&names, "/", &["localhost", host]), "{host}");
        }
        for host in [
            "evil@localhost",
            "evil@localhost:80",
            "localhost@evil.example",
            "[localhost]",
            "[127.0.0.1]",
            "[::1",
            "::1",
            "[::1].",
            "[::1]x",
            "localhost..",
            "localhost...:80",
            "localhost:99999",
            "localhost:+80",
            "localhost:80:80",
        ] {
            assert!(!meant(&names, "/", &[host]), "{host}");
        }
        for target in ["http://evil@localhost/", "http://localhost../", "http://localhost:99999/"] {
            assert!(!Request::get(target).body(()).is_ok_and(|it| names.are_meant(&it.into_parts().0)), "{target}");
        }
        assert!(!meant(&names, "http://evil.example/", &["localhost"]));
        assert!(meant(&names, "/", &[]));
    }

    #[test]
    fn a_server_that_others_reach_goes_by_any_name() {
        let names = Hostnames::new("0.0.0.0".parse().unwrap(), &[]);
        assert!(meant(&names, "/", &["mirror.example"]) && meant(&names, "/", &[""]));
        let mapped = Hostnames::new("::ffff:127.0.0.1".parse().unwrap(), &[]);
        assert!(!meant(&mapped, "/", &["mirror.example"]));
    }
}
