//! Marks what fails before a question goes out: looking the name up, and connecting.
//! The kinds of the system's errors do not tell: "no route to host" comes from a connection that is open, too.
//! Not here: anything after the connection is there.

use super::Lost;
use std::fmt;
use ureq::config::{Config, ConfigBuilder};
use ureq::http::Uri;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::typestate::AgentScope;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{ConnectionDetails, Connector, DefaultConnector, NextTimeout, Transport};

/// An error from before the connection was there.
#[derive(Debug)]
struct NotConnected(String);

impl fmt::Display for NotConnected {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for NotConnected {}

fn mark(error: ureq::Error) -> ureq::Error {
    ureq::Error::Other(Box::new(NotConnected(error.to_string())))
}

/// A client that marks them, speaks to nobody but whom it is told to, and believes the machine's own authorities.
pub(crate) fn agent(config: ConfigBuilder<AgentScope>) -> ureq::Agent {
    let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
    let config = config
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .user_agent(concat!("pnda/", env!("CARGO_PKG_VERSION")))
        .accept_encoding("identity")
        .tls_config(tls)
        .build();
    ureq::Agent::with_parts(config, Connecting::default(), Resolving::default())
}

/// Whether the question went out.
pub(crate) fn lost(error: &ureq::Error) -> Lost {
    match error {
        ureq::Error::Other(inner) if inner.is::<NotConnected>() => Lost::NotSent(inner.to_string()),
        error => Lost::Sent(error.to_string()),
    }
}

/// Looks names up as the library does.
#[derive(Debug, Default)]
struct Resolving(DefaultResolver);

impl Resolver for Resolving {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        self.0.resolve(uri, config, timeout).map_err(mark)
    }
}

/// Connects as the library does.
#[derive(Debug, Default)]
struct Connecting(DefaultConnector);

impl Connector<()> for Connecting {
    type Out = Box<dyn Transport>;

    fn connect(&self, details: &ConnectionDetails, _: Option<()>) -> Result<Option<Self::Out>, ureq::Error> {
        Connector::<()>::connect(&self.0, details, None).map_err(mark)
    }
}
