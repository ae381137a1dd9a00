//! The names that a server on loopback goes by. A stranger's page can have its own name lead to this machine (DNS
//! rebinding) and then read what a browser here may read; its requests still bear that name, and are refused.
//! Not here: servers that others reach; what they are called only the site knows.

use hyper::header::HOST;
use hyper::http::request::Parts;
use hyper::http::uri::Authority;
use std::net::IpAddr;
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
            let host = host.host().trim_start_matches('[').trim_end_matches(']').trim_end_matches('.');
            names.iter().any(|name| host.eq_ignore_ascii_case(name))
        };
        let mut headers = request.headers.get_all(HOST).iter();
        request.uri.authority().is_none_or(known)
            && headers.all(|host| Authority::try_from(host.as_bytes()).is_ok_and(|host| known(&host)))
    }
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
