//! A manager for tests of its listeners: scripted YARN and HDFS, one listener with TLS and one for PNDA's clients, tokens,
//! an authority with certificates, a package; and a plain client that shows what comes back byte by byte.
//! Not here: what is tested with it.

use super::super::config::{self, Config};
use super::super::server::Service;
use super::scripted_cluster;
use apps::manager::Manager;
use rcgen::{CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::Value;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use systems::{webhdfs, yarn};
use tokio::runtime::Runtime;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use words::digest::Sha256;
use words::problem::Source;

pub(super) const PACKAGE: &str = "word-count-1.0.0";
/// Longer than anything takes here.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) struct Bed {
    pub(super) api: SocketAddr,
    pub(super) pnda: SocketAddr,
    pub(super) folder: tempfile::TempDir,
    manager: Arc<Manager>,
    _runtime: Runtime,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: String,
}

impl Reply {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The kind of a refusal, and why.
    pub(super) fn refusal(&self) -> (u16, String, String) {
        let body = self.json();
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        (self.status, text("error"), text("information"))
    }
}

pub(super) fn token(of: &str) -> String {
    format!("the-token-of-{of}-and-nobody-else")
}

impl Bed {
    pub(super) fn new() -> Bed {
        Bed::with("")
    }

    /// One with more in its configuration.
    pub(super) fn with(limits: &str) -> Bed {
        let folder = tempfile::tempdir().unwrap();
        certificates(folder.path());
        let line = |(name, groups): &(&str, &str)| format!("{name} {} {groups}\n", Sha256::of(token(name).as_bytes()));
        let holders = [("alice", "dev"), ("bob", ""), ("boss", "admins"), ("console", "proxies")];
        fs::write(folder.path().join("tokens"), holders.iter().map(line).collect::<String>()).unwrap();
        let runtime = Runtime::new().unwrap();
        let service = runtime.block_on(Service::open(configuration(folder.path(), limits))).unwrap();
        let address = |at: usize| service.listeners[at].socket.local_addr().unwrap();
        let (api, pnda, manager) = (address(0), address(1), service.house.manager.clone());
        manager.round();
        runtime.block_on(async { service.receive() });
        let bed = Bed { api, pnda, folder, manager, _runtime: runtime };
        let put = |path: &str, body: &[u8]| {
            let reply = bed.send("alice", &format!("PUT {path}"), "", body);
            assert!(reply.status < 300, "{reply:?}");
        };
        put(&format!("/repository/packages/{PACKAGE}.tar.gz"), &scripted_cluster::package(PACKAGE));
        put(&format!("/packages/{PACKAGE}"), b"");
        put("/applications/words", format!("{{\"package\":\"{PACKAGE}\"}}").as_bytes());
        bed
    }

    /// What the manager does by itself.
    pub(super) fn round(&self) {
        self.manager.round();
    }

    /// A request with a token on the listener with TLS.
    pub(super) fn ask(&self, who: &str, line: &str) -> Reply {
        self.send(who, line, "", b"")
    }

    /// The same with headers and a body.
    pub(super) fn send(&self, who: &str, line: &str, headers: &str, body: &[u8]) -> Reply {
        let token = if who.is_empty() { String::new() } else { format!("authorization: Bearer {}\r\n", token(who)) };
        self.by_tls(None, line, &format!("{token}{headers}"), body)
    }

    /// The same with a certificate.
    pub(super) fn by_tls(&self, certificate: Option<&str>, line: &str, headers: &str, body: &[u8]) -> Reply {
        let config = Arc::new(self.client(certificate));
        let name = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(config, name).unwrap();
        exchange(StreamOwned::new(connection, connect(self.api)), &request(line, headers, body))
    }

    /// The same on the listener for PNDA's clients.
    pub(super) fn plain(&self, line: &str, headers: &str, body: &[u8]) -> Reply {
        exchange(connect(self.pnda), &request(line, headers, body))
    }

    /// The same on the local socket, as whoever runs the test.
    pub(super) fn local(&self, line: &str) -> Reply {
        let stream = UnixStream::connect(self.folder.path().join("socket")).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        exchange(stream, &request(line, "", b""))
    }

    fn client(&self, certificate: Option<&str>) -> ClientConfig {
        let file = |name: &str| self.folder.path().join(name);
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(file("authority.pem")).unwrap()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots);
        match certificate {
            None => config.with_no_client_auth(),
            Some(name) => {
                let chain = vec![CertificateDer::from_pem_file(file(&format!("{name}.pem"))).unwrap()];
                let key = PrivateKeyDer::from_pem_file(file(&format!("{name}.key"))).unwrap();
                config.with_client_auth_cert(chain, key).unwrap()
            }
        }
    }
}

pub(super) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

pub(super) fn request(line: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = if body.is_empty() { String::new() } else { format!("content-length: {}\r\n", body.len()) };
    [format!("{line} HTTP/1.1\r\nhost: localhost\r\n{headers}{length}\r\n").as_bytes(), body].concat()
}

/// Sends, and reads to the end; a server that has heard enough may end the connection.
pub(super) fn exchange(mut stream: impl Read + Write, request: &[u8]) -> Reply {
    let _ = stream.write_all(request);
    read(stream)
}

pub(super) fn read(mut stream: impl Read) -> Reply {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
    Reply { status, head: head.to_owned(), body: body.to_owned() }
}

/// An authority, the server's certificate, and some of clients; one of them is of a stranger's authority.
fn certificates(folder: &Path) {
    let write = |name: &str, text: String| fs::write(folder.join(name), text).unwrap();
    let authority = |name: &str| {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        (certificate.pem(), Issuer::new(params, key))
    };
    let (pem, issuer) = authority("site");
    write("authority.pem", pem);
    let (_, stranger) = authority("stranger");
    let all =
        [("server", &issuer), ("daemon", &issuer), ("root", &issuer), ("no-user-here", &issuer), ("bin", &stranger)];
    for (name, issuer) in all {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::OrganizationName, "Example");
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        write(&format!("{name}.pem"), params.signed_by(&key, issuer).unwrap().pem());
        write(&format!("{name}.key"), key.serialize_pem());
    }
}

fn configuration(folder: &Path, limits: &str) -> Config {
    let at = folder.display();
    let (first, tables) = scripted_cluster::configuration(folder, &yarn::Fake::start(), &webhdfs::Fake::start());
    let text = format!(
        r#"{first}
admins = "admins"
deployers = "dev"
proxies = "proxies"
limits = {{ {limits} }}
{tables}
[environment]
kafka_brokers = "kafka.example:9092"
yarn_resource_manager_host = "rm.example"
yarn_resource_manager_port = 8088

[tls]
certificate = "{at}/server.pem"
key = "{at}/server.key"
clients = "{at}/authority.pem"

[api]
listen = "127.0.0.1:0"
tls = true

[pnda]
listen = "127.0.0.1:0"
"#
    );
    config::parse(Source { file: "applications.toml", text: &text }).unwrap_or_else(|problems| panic!("{problems}"))
}
