//! Certificates of a cluster's nodes, from an authority of its own: which are missing or end too soon, and new ones.
//! A certificate is good if the authority vouches for it, its names are the node's, and it holds for long enough.
//! Not here: the clock, or the files.

use super::{Plan, Planned};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose as Purpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose as Usage, PublicKeyData, date_time_ymd,
};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use words::moment;

/// How long an authority holds: ten years.
const AUTHORITY_DAYS: u64 = 3650;
const DAY: u64 = 86_400;
/// What stands above the certificate of an authority, where readers of PEM look over it: until when it holds.
const UNTIL: &str = "# until ";

/// A key and its certificate, in PEM.
#[derive(Clone, PartialEq, Eq)]
pub struct Pair {
    /// The private key.
    pub key: String,
    /// The certificate.
    pub certificate: String,
}

/// What there is.
#[derive(Default)]
pub struct Found {
    /// The authority.
    pub authority: Option<Pair>,
    /// What each node has: its pair, and the certificate of the authority beside it.
    pub nodes: BTreeMap<String, (Pair, String)>,
}

/// What becomes of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// It is good.
    Kept,
    /// There is none.
    New,
    /// It is of another authority or for other names, or its key is another one.
    Wrong,
    /// It has ended, or ends within a third of the days that a new one would hold.
    Ends,
}

impl fmt::Display for Change {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Change::Kept => "as it is",
            Change::New => "new",
            Change::Wrong => "renewed: it was not of this authority, node and key",
            Change::Ends => "renewed: it ends soon",
        })
    }
}

/// Why there are no certificates.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A certificate is for names of DNS.
    #[error("node {node} has a name that no certificate can have: use letters, digits, - and . in [[node]] name")]
    Name { node: String },
    /// The authority is not one of ours, or not of this cluster.
    #[error("the authority is not the one that pnda made for cluster {cluster}: name its folder with --authority")]
    Foreign { cluster: String },
    /// It ends before what it signs.
    #[error(
        "the authority holds until {until}, too short for a certificate of {days} days: move its two files away, so that a \
         new one is made, and install all nodes"
    )]
    Ends { until: String, days: u64 },
    /// The library refuses.
    #[error("cannot make the certificate of {whose}")]
    Make { whose: String, source: rcgen::Error },
}

/// For whom, when, and for how long.
#[derive(Clone, Copy)]
pub struct Order<'a> {
    /// The cluster.
    pub plan: &'a Plan,
    /// Seconds since 1970.
    pub now: u64,
    /// How long a new certificate holds.
    pub days: u64,
}

impl Order<'_> {
    fn nodes(&self) -> impl Iterator<Item = &Planned> {
        self.plan.waves.iter().flat_map(|wave| &wave.nodes)
    }

    /// What becomes of each node's certificate; all are new where there is no authority.
    pub fn changes(&self, found: &Found) -> Result<BTreeMap<String, Change>, Error> {
        let soon = self.now + self.days * DAY / 3;
        if let Some(authority) = &found.authority {
            let until = until(&authority.certificate).ok_or_else(|| self.foreign())?;
            if until < soon {
                return Err(Error::Ends { until: moment::utc(until), days: self.days });
            }
        }
        let change = |node: &Planned| {
            let names = names(node)?;
            let (Some(authority), Some((pair, beside))) = (&found.authority, found.nodes.get(&node.node)) else {
                return Ok((node.node.clone(), Change::New));
            };
            let change = match *beside == authority.certificate && ours(pair, &names) {
                false => Change::Wrong,
                true if vouched(authority, pair, self.now) && vouched(authority, pair, soon) => Change::Kept,
                true => Change::Ends,
            };
            Ok((node.node.clone(), change))
        };
        self.nodes().map(change).collect()
    }

    /// An authority for the cluster.
    pub fn authority(&self) -> Result<Pair, Error> {
        let make = |source| Error::Make { whose: format!("the authority of {}", self.plan.cluster), source };
        let mut params = self.params(self.now + AUTHORITY_DAYS * DAY);
        params.distinguished_name = self.issuer_name();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![Usage::KeyCertSign, Usage::CrlSign];
        let key = KeyPair::generate().map_err(make)?;
        let certificate = params.self_signed(&key).map_err(make)?.pem();
        let until = (self.now / DAY + AUTHORITY_DAYS) * DAY;
        Ok(Pair { key: key.serialize_pem(), certificate: format!("{UNTIL}{until}\n{certificate}") })
    }

    /// A pair for a node of the cluster.
    pub fn pair(&self, node: &str, authority: &Pair) -> Result<Pair, Error> {
        let make = |source| Error::Make { whose: node.to_owned(), source };
        let Some(node) = self.nodes().find(|planned| planned.node == node) else { return Err(self.foreign()) };
        let until = until(&authority.certificate).ok_or_else(|| self.foreign())?;
        let mut issuer = CertificateParams::default();
        issuer.distinguished_name = self.issuer_name();
        let issuer = Issuer::new(issuer, KeyPair::from_pem(&authority.key).map_err(|_| self.foreign())?);
        let mut params = self.params(until.min(self.now + self.days * DAY));
        let mut names = vec![node.node.clone(), node.address.clone()];
        names.dedup();
        params.subject_alt_names = CertificateParams::new(names).map_err(make)?.subject_alt_names;
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, &*node.node);
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![Usage::DigitalSignature];
        // Any node may be the one that takes the logs.
        params.extended_key_usages = vec![Purpose::ServerAuth, Purpose::ClientAuth];
        let key = KeyPair::generate().map_err(make)?;
        let certificate = params.signed_by(&key, &issuer).map_err(make)?.pem();
        let pair = Pair { key: key.serialize_pem(), certificate };
        match good(authority, &pair, &self::names(node)?, self.now) {
            true => Ok(pair),
            false => Err(self.foreign()),
        }
    }

    /// From yesterday on, for clocks differ, to the beginning of a day.
    fn params(&self, until: u64) -> CertificateParams {
        let day = |seconds: u64| {
            let (year, month, day) = moment::date(seconds / DAY);
            let small = |number: u64| u8::try_from(number).unwrap_or(1);
            date_time_ymd(i32::try_from(year).unwrap_or(9999), small(month), small(day))
        };
        let mut params = CertificateParams::default();
        (params.not_before, params.not_after) = (day(self.now.saturating_sub(DAY)), day(until));
        params
    }

    fn issuer_name(&self) -> rcgen::DistinguishedName {
        let mut name = rcgen::DistinguishedName::new();
        name.push(DnType::CommonName, format!("pnda {}", self.plan.cluster));
        name
    }

    fn foreign(&self) -> Error {
        Error::Foreign { cluster: self.plan.cluster.clone() }
    }
}

/// The names that a node's certificate must have.
fn names(node: &Planned) -> Result<[ServerName<'static>; 2], Error> {
    let name = |text: &str| ServerName::try_from(text.to_owned()).map_err(|_| Error::Name { node: node.node.clone() });
    match name(&node.node)? {
        dns @ ServerName::DnsName(_) => Ok([dns, name(&node.address)?]),
        _ => Err(Error::Name { node: node.node.clone() }),
    }
}

/// Until when an authority holds.
fn until(certificate: &str) -> Option<u64> {
    certificate.lines().next()?.strip_prefix(UNTIL)?.parse().ok()
}

/// Whether a pair is good for a node at a time.
fn good(authority: &Pair, pair: &Pair, names: &[ServerName<'_>], at: u64) -> bool {
    vouched(authority, pair, at) && ours(pair, names)
}

/// Whether a pair is one, and this node's.
fn ours(pair: &Pair, names: &[ServerName<'_>]) -> bool {
    let Ok(certificate) = CertificateDer::from_pem_slice(pair.certificate.as_bytes()) else { return false };
    let Ok(parsed) = ParsedCertificate::try_from(&certificate) else { return false };
    let Ok(key) = KeyPair::from_pem(&pair.key) else { return false };
    parsed.subject_public_key_info().as_ref() == key.subject_public_key_info()
        && names.iter().all(|name| verify_server_name(&parsed, name).is_ok())
}

/// Whether the authority vouches for a pair at a time.
fn vouched(authority: &Pair, pair: &Pair, at: u64) -> bool {
    verified(authority, pair, at).is_some()
}

fn verified(authority: &Pair, pair: &Pair, at: u64) -> Option<()> {
    let certificate = CertificateDer::from_pem_slice(pair.certificate.as_bytes()).ok()?;
    let parsed = ParsedCertificate::try_from(&certificate).ok()?;
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.certificate.as_bytes()).ok()?).ok()?;
    let at = UnixTime::since_unix_epoch(Duration::from_secs(at));
    let algorithms = default_provider().signature_verification_algorithms.all;
    verify_server_cert_signed_by_trust_anchor(&parsed, &roots, &[], at, algorithms).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emit::tests::plan;

    const NOW: u64 = 1_796_000_000;

    fn made(order: Order<'_>) -> Found {
        let authority = order.authority().unwrap();
        let beside = authority.certificate.clone();
        let pair = |node: &str| (node.to_owned(), (order.pair(node, &authority).unwrap(), beside.clone()));
        Found { nodes: ["a", "b"].map(pair).into(), authority: Some(authority) }
    }

    fn told(changes: &BTreeMap<String, Change>) -> Vec<Change> {
        changes.values().copied().collect()
    }

    #[test]
    fn what_is_good_is_kept_until_a_third_of_its_days_is_left() {
        let plan = plan();
        let order = Order { plan: &plan, now: NOW, days: 90 };
        assert_eq!(told(&order.changes(&Found::default()).unwrap()), [Change::New, Change::New]);
        let found = made(order);
        let at = |day: u64| Order { now: NOW + day * DAY, ..order }.changes(&found).map(|changes| told(&changes));
        assert_eq!(at(0).unwrap(), [Change::Kept, Change::Kept]);
        assert_eq!(at(58).unwrap(), [Change::Kept, Change::Kept]);
        assert_eq!(at(61).unwrap(), [Change::Ends, Change::Ends]);
        assert_eq!(at(100).unwrap(), [Change::Ends, Change::Ends]);
        assert!(matches!(at(3640), Err(Error::Ends { .. })));
    }

    #[test]
    fn what_is_not_of_this_authority_node_and_key_is_made_anew() {
        let plan = plan();
        let order = Order { plan: &plan, now: NOW, days: 90 };
        let (mut found, other) = (made(order), made(order));
        let (a, beside) = found.nodes["a"].clone();
        // The pair of another node, the key of another one, the pair of another authority, and another authority beside.
        let wrong = [
            found.nodes["b"].clone(),
            (Pair { key: found.nodes["b"].0.key.clone(), ..a.clone() }, beside.clone()),
            (a, other.nodes["a"].1.clone()),
        ];
        for wrong in wrong {
            found.nodes.insert("a".into(), wrong);
            assert_eq!(told(&order.changes(&found).unwrap())[0], Change::Wrong);
        }
        found.nodes.insert("a".into(), (other.nodes["a"].0.clone(), beside));
        assert_ne!(told(&order.changes(&found).unwrap())[0], Change::Kept);
    }

    #[test]
    fn an_authority_signs_for_its_own_cluster_and_its_nodes_alone() {
        let plan = plan();
        let order = Order { plan: &plan, now: NOW, days: 90 };
        let authority = order.authority().unwrap();
        assert!(matches!(order.pair("c", &authority), Err(Error::Foreign { .. })));
        let mut other = plan.clone();
        other.cluster = "other".into();
        assert!(matches!(Order { plan: &other, ..order }.pair("a", &authority), Err(Error::Foreign { .. })));
        other.waves[0].nodes[0].node = "a+b".into();
        assert!(matches!(Order { plan: &other, ..order }.changes(&Found::default()), Err(Error::Name { .. })));
    }
}
