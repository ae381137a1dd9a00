//! The connections behind a client: one pool for each way out, made when it is first needed.
//! Plain addresses go through a proxy in absolute form, as proxies expect; encrypted ones through a tunnel.
//! Not here: which way a request takes.

use super::error::Error;
use super::options::Patience;
use super::proxy::Proxy;
use super::redirect::Reach;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{fmt, fs, io};
use ureq::config::Config;
use ureq::http::Uri;
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, DefaultConnector, NextTimeout, TcpConnector, Transport,
};

/// The most that an answer's headers may take.
const MOST_HEADER_BYTES: usize = 64 * 1024;

/// What makes one pool different from another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Way {
    /// Files of certificates that are trusted besides the machine's own.
    pub authorities: Vec<PathBuf>,
    /// The proxy, and whether it only forwards.
    pub proxy: Option<Proxy>,
    /// Whether the addresses behind it are plain ones.
    pub plain: bool,
    /// How far inside the addresses may be that names stand for.
    pub reach: Reach,
}

/// The pools that were needed so far.
#[derive(Debug, Default)]
pub struct Agents(Mutex<BTreeMap<Way, ureq::Agent>>);

impl Agents {
    /// The pool of a way.
    pub fn of(&self, way: &Way, patience: Patience) -> Result<ureq::Agent, Error> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(agent) = known.get(way) {
            return Ok(agent.clone());
        }
        let agent = make(way, patience)?;
        known.insert(way.clone(), agent.clone());
        Ok(agent)
    }
}

fn make(way: &Way, patience: Patience) -> Result<ureq::Agent, Error> {
    let proxy = way.proxy.as_ref().map(|proxy| (proxy, ureq::Proxy::new(proxy.address())));
    let proxy = match proxy {
        None => None,
        Some((_, Ok(found))) => Some(found),
        Some((proxy, Err(_))) => return Err(Error::Proxy { proxy: proxy.to_string() }),
    };
    match proxy {
        Some(proxy) if way.plain && proxy.protocol() == ureq::ProxyProtocol::Http => {
            let connector = Forward { authorization: proxy_authorization(&proxy) };
            let resolver = ToProxy { proxy: proxy.uri().clone() };
            Ok(ureq::Agent::with_parts(config(way, patience, None)?, connector, resolver))
        }
        proxy => {
            // The proxy looks names up itself; its own address is the site's, wherever it is.
            let reach = if proxy.is_some() { Reach::Local } else { way.reach };
            let config = config(way, patience, proxy)?;
            Ok(ureq::Agent::with_parts(config, DefaultConnector::new(), Confined { reach, known: Mutex::default() }))
        }
    }
}

fn config(way: &Way, patience: Patience, proxy: Option<ureq::Proxy>) -> Result<Config, Error> {
    let tls = TlsConfig::builder().root_certs(roots(&way.authorities)?).build();
    Ok(ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(proxy)
        .user_agent(concat!("pnda/", env!("CARGO_PKG_VERSION")))
        .accept_encoding("identity")
        .max_response_header_size(MOST_HEADER_BYTES)
        .timeout_connect(Some(patience.silence))
        .timeout_recv_response(Some(patience.silence))
        .timeout_per_read(Some(patience.silence))
        .max_idle_connections(64)
        .max_idle_connections_per_host(16)
        .tls_config(tls)
        .build())
}

/// The machine's own trust, and with further files both theirs and that.
fn roots(authorities: &[PathBuf]) -> Result<RootCerts, Error> {
    if authorities.is_empty() {
        return Ok(RootCerts::PlatformVerifier);
    }
    let own = rustls_native_certs::load_native_certs().certs;
    let mut all: Vec<_> = own.iter().map(|one| ureq::tls::Certificate::from_der(one).to_owned()).collect();
    for path in authorities {
        all.extend(certificates(path).map_err(|source| Error::Authority { path: path.clone(), source })?);
    }
    Ok(RootCerts::Specific(Arc::new(all)))
}

pub(crate) fn certificates(path: &Path) -> io::Result<Vec<ureq::tls::Certificate<'static>>> {
    let bytes = fs::read(path)?;
    let mut found = Vec::new();
    for item in parse_pem(&bytes) {
        if let PemItem::Certificate(certificate) = item.map_err(io::Error::other)? {
            found.push(certificate);
        }
    }
    if found.is_empty() { Err(io::Error::other("it holds no certificate")) } else { Ok(found) }
}

/// How long an address is believed. Without it every request looks its host up, on an open connection too; name servers
/// drop some of so many questions, and each that is lost costs five seconds.
const BELIEVED: Duration = Duration::from_secs(60);

/// Looks names up and leaves out addresses that are further inside than allowed.
#[derive(Debug)]
struct Confined {
    reach: Reach,
    known: Mutex<BTreeMap<String, (Instant, ResolvedSocketAddrs)>>,
}

impl Confined {
    fn look_up(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host = uri.authority().map(|authority| format!("{}@{authority}", uri.scheme_str().unwrap_or_default()));
        let host = host.unwrap_or_default();
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, addresses)) = known().get(&host).filter(|(since, _)| since.elapsed() < BELIEVED) {
            return Ok(addresses.clone());
        }
        let found = DefaultResolver::default().resolve(uri, config, timeout)?;
        known().insert(host, (Instant::now(), found.clone()));
        Ok(found)
    }
}

impl Resolver for Confined {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let all = self.look_up(uri, config, timeout)?;
        let mut allowed = self.empty();
        all.iter().filter(|address| Reach::of(address.ip()) <= self.reach).for_each(|address| allowed.push(*address));
        if allowed.is_empty() {
            return Err(ureq::Error::Other(super::redirect::INWARDS.into()));
        }
        Ok(allowed)
    }
}

/// Every name is the proxy's business; the connection goes to the proxy.
#[derive(Debug)]
struct ToProxy {
    proxy: Uri,
}

impl Resolver for ToProxy {
    fn resolve(&self, _: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        DefaultResolver::default().resolve(&self.proxy, config, timeout)
    }
}

/// Connects to a proxy that forwards plain requests.
#[derive(Debug)]
struct Forward {
    authorization: String,
}

impl Connector<()> for Forward {
    type Out = Forwarding;

    fn connect(&self, details: &ConnectionDetails, _: Option<()>) -> Result<Option<Forwarding>, ureq::Error> {
        let origin = details.uri.authority().map(|host| format!("http://{host}")).unwrap_or_default();
        let connected = Connector::<()>::connect(&TcpConnector::default(), details, None)?;
        let authorization = self.authorization.clone();
        Ok(connected.map(|transport| Forwarding { inner: transport.boxed(), origin, authorization }))
    }
}

/// A connection to a proxy: the first line of each request says where it is meant to go.
struct Forwarding {
    inner: Box<dyn Transport>,
    origin: String,
    authorization: String,
}

impl fmt::Debug for Forwarding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Forwarding({})", self.origin)
    }
}

impl Transport for Forwarding {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        let output = self.inner.buffers().output();
        // All our requests are short, without a body, and sent in one piece.
        let Some(rest) = output[..amount].strip_prefix(b"GET ") else {
            return Err(ureq::Error::ConnectProxyFailed("the request is too long for a proxy".into()));
        };
        let end = rest.windows(2).position(|pair| pair == b"\r\n").unwrap_or(rest.len());
        let (line, headers) = rest.split_at(end);
        let whole = [b"GET ", self.origin.as_bytes(), line, self.authorization.as_bytes(), headers].concat();
        if whole.len() > output.len() {
            return Err(ureq::Error::ConnectProxyFailed("the request is too long for a proxy".into()));
        }
        output[..whole.len()].copy_from_slice(&whole);
        self.inner.transmit_output(whole.len(), timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        self.inner.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }
}

/// A header line of its own, or nothing.
fn proxy_authorization(proxy: &ureq::Proxy) -> String {
    match (proxy.username(), proxy.password()) {
        (None, None) => String::new(),
        (user, password) => {
            let who = super::options::Credentials::basic(user.unwrap_or_default(), password.unwrap_or_default());
            format!("\r\nproxy-authorization: {}", who.header())
        }
    }
}
