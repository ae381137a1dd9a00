//! The connections behind a client: one pool for each way out, made when it is first needed.
//! Names are looked up here, and addresses that are further inside than allowed left out.
//! Not here: which way a request takes.

use super::error::Error;
use super::options::Patience;
use super::proxy::Proxy;
use super::redirect::{INWARDS, Reach};
use crate::client::{self, Client, Speaks, Trust, certificates};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use tokio::net::lookup_host;

/// Connections to one host that are kept for the next request.
const KEPT: usize = 16;

/// What makes one pool different from another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Way {
    /// Files of certificates that are trusted besides the machine's own.
    pub authorities: Vec<PathBuf>,
    /// The proxy.
    pub proxy: Option<Proxy>,
    /// How far inside the addresses may be that names stand for.
    pub reach: Reach,
    /// Whether requests may share a connection.
    pub speaks: Speaks,
}

/// The pools that were needed so far.
#[derive(Debug, Default)]
pub struct Pools(Mutex<BTreeMap<Way, Client>>);

impl Pools {
    /// The pool of a way.
    pub fn of(&self, way: &Way, patience: Patience) -> Result<Client, Error> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = known.get(way) {
            return Ok(client.clone());
        }
        let client = make(way, patience)?;
        known.insert(way.clone(), client.clone());
        Ok(client)
    }
}

fn make(way: &Way, patience: Patience) -> Result<Client, Error> {
    let mut more = Vec::new();
    for path in &way.authorities {
        more.extend(certificates(path).map_err(|source| Error::Authority { path: path.clone(), source })?);
    }
    // The proxy looks names up itself; its own address is the site's, wherever it is.
    let reach = if way.proxy.is_some() { Reach::Local } else { way.reach };
    let builder = client::builder(&Trust::Besides(more), way.speaks)
        .connect_timeout(patience.silence)
        .pool_max_idle_per_host(KEPT)
        // A connection that is shared and has gone dead is noticed before those who wait on it give up.
        .http2_keep_alive_interval(patience.silence / 4)
        .http2_keep_alive_timeout(patience.silence / 4)
        .dns_resolver(Confined(reach));
    let builder = match &way.proxy {
        Some(proxy) => builder.proxy(proxy.of_library().ok_or_else(|| Error::Proxy { proxy: proxy.to_string() })?),
        None => builder,
    };
    Ok(Client::new(builder, patience.silence))
}

/// Looks names up and leaves out addresses that are further inside than allowed.
struct Confined(Reach);

impl Resolve for Confined {
    fn resolve(&self, name: Name) -> Resolving {
        let Confined(reach) = *self;
        Box::pin(async move {
            let all = lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<_> = all.filter(|address| Reach::of(address.ip()) <= reach).collect();
            if allowed.is_empty() { Err(INWARDS.into()) } else { Ok(Box::new(allowed.into_iter()) as Addrs) }
        })
    }
}
