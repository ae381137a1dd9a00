//! A transport that follows an address which somebody else chose never to loopback, nor to whoever
//! listens to all, or on the same cable only. Names are looked up here, so that what was looked at is what is asked.
//! Not here: whether that machine is the right one.

use super::Client;
use crate::transport::{Lost, Request, Response, Transport};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::io;
use std::net::{IpAddr, SocketAddr};
use url::Host;

/// The client, bounded so.
#[derive(Debug)]
pub(crate) struct Elsewhere(pub(crate) Client);

/// Looks names up, and gives what may be asked.
#[derive(Debug)]
pub(crate) struct Names;

impl Transport for Elsewhere {
    fn exchange(&self, request: Request<'_>) -> Result<Response, Lost> {
        let address = match request.url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            Some(Host::Domain(_)) | None => None,
        };
        match address.filter(|address| !is_elsewhere(*address)) {
            Some(address) => Err(Lost::NotSent(refusal(&address.to_string()))),
            None => self.0.exchange(request),
        }
    }
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let found: Vec<SocketAddr> = found.filter(|found| is_elsewhere(found.ip())).collect();
            match found.is_empty() {
                true => Err(io::Error::other(refusal(name.as_str())).into()),
                false => Ok(Box::new(found.into_iter()) as Addrs),
            }
        })
    }
}

fn refusal(address: &str) -> String {
    format!("{address} is no other machine of the cluster, and is not asked")
}

/// Whether it can be another machine.
fn is_elsewhere(address: IpAddr) -> bool {
    let address = address.to_canonical();
    let is_link_local = match address {
        IpAddr::V4(address) => address.is_link_local() || address.is_broadcast() || address.octets()[0] == 0,
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    !(address.is_loopback() || address.is_unspecified() || address.is_multicast() || is_link_local)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_machines_are_told_from_this_one_and_from_many() {
        for here in [
            "127.0.0.1",
            "127.0.1.1",
            "0.0.0.0",
            "0.1.2.3",
            "169.254.169.254",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
        ] {
            assert!(!is_elsewhere(here.parse().unwrap()), "{here}");
        }
        for elsewhere in ["10.0.0.1", "192.168.1.1", "fd00::1", "2001:db8::1", "172.17.0.2"] {
            assert!(is_elsewhere(elsewhere.parse().unwrap()), "{elsewhere}");
        }
    }
}
