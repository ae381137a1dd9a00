//! A systemd unit that serves a mirror with as few rights as that takes.
//! It sees the program, the mirror and nothing else that it could change.
//! Not here: installing it.

use std::net::SocketAddr;
use std::path::PathBuf;
use tera::{Tera, context};
use words::names::Host;

const TEMPLATE: &str = include_str!("pnda-mirror.service");

/// The folder that systemd makes for logs of the unit.
pub const LOGS: &str = "/var/log/pnda-mirror";
/// The folder that systemd makes for a certificate of the server's own.
pub const STATE: &str = "/var/lib/pnda-mirror";

/// Memory of a server besides its connections, in MiB: what it keeps of a generation, and the list of a large one.
/// Each connection has 128 KiB.
const MEMORY: usize = 512;

/// Why there is no unit.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A path cannot stand in a unit.
    #[error("`{0}` cannot stand in a unit: use a path of letters, digits and / . _ + - only")]
    Path(String),
    /// A log file elsewhere could not be written by the unit's own user.
    #[error("the unit can only write its log below {LOGS}, not to {0}")]
    Log(String),
    /// The template is broken.
    #[error("cannot write the unit")]
    Template(#[from] tera::Error),
}

/// How the unit serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// The program, the mirror's folder.
    pub program: PathBuf,
    pub mirror: PathBuf,
    /// Where it listens; a port below 1024 takes one capability.
    pub listen: SocketAddr,
    /// Connections at a time, and of one client's address.
    pub connections: usize,
    pub share: usize,
    /// Further names by which it may be asked.
    pub names: Vec<Host>,
    pub tls: Tls,
    /// `-`, or a file below [`LOGS`].
    pub access_log: Option<String>,
}

/// How the unit comes to a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tls {
    None,
    /// It makes its own, for these names besides the usual.
    Own(Vec<String>),
    /// Given; systemd hands them over, so that the unit's user need not be able to read them.
    Given {
        certificate: PathBuf,
        key: PathBuf,
    },
}

impl Unit {
    /// The unit's text.
    pub fn render(&self) -> Result<String, Error> {
        let mut words = vec![text(&self.program)?, "mirror serve --mirror".into(), text(&self.mirror)?];
        words.push(format!("--listen {} --connections {} --share {}", self.listen, self.connections, self.share));
        for name in &self.names {
            words.push(format!("--host {}", plain(name.as_str())?));
        }
        let mut credentials = Vec::new();
        match &self.tls {
            Tls::None => {}
            Tls::Own(names) => {
                words.push(format!("--tls self --tls-folder {STATE}"));
                for name in names {
                    words.push(format!("--tls-name {}", plain(name)?));
                }
            }
            Tls::Given { certificate, key } => {
                credentials = vec![format!("tls.crt:{}", text(certificate)?), format!("tls.key:{}", text(key)?)];
                words.push(
                    "--tls-cert ${CREDENTIALS_DIRECTORY}/tls.crt --tls-key ${CREDENTIALS_DIRECTORY}/tls.key".into(),
                );
            }
        }
        if let Some(log) = &self.access_log {
            if log != "-" && !log.starts_with(&format!("{LOGS}/")) {
                return Err(Error::Log(log.clone()));
            }
            words.push(format!("--access-log {}", plain(log)?));
        }
        let unit = context! {
            program => &text(&self.program)?, mirror => &text(&self.mirror)?, command => &words.join(" "),
            files => &super::files(self.connections), memory => &(MEMORY + self.connections / 8), credentials,
            privileged => &(self.listen.port() < 1024), own_tls => &matches!(self.tls, Tls::Own(_)),
        };
        Ok(Tera::one_off(TEMPLATE, &unit, false)?)
    }
}

fn text(path: &std::path::Path) -> Result<String, Error> {
    plain(&path.to_string_lossy())
}

/// A word that needs no quotes in a unit; `%` and `$` would mean something there.
fn plain(text: &str) -> Result<String, Error> {
    let good = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "/._+-:".contains(c));
    let up = text.split('/').any(|segment| segment == "..");
    if good && !up { Ok(text.to_owned()) } else { Err(Error::Path(text.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit() -> Unit {
        Unit {
            program: "/usr/bin/pnda".into(),
            mirror: "/srv/mirror".into(),
            listen: "10.77.0.1:8080".parse().unwrap(),
            connections: 100,
            share: 10,
            names: vec![Host::new("mirror.example").unwrap()],
            tls: Tls::None,
            access_log: None,
        }
    }

    #[test]
    fn a_unit_sees_the_mirror_and_changes_nothing() {
        let text = unit().render().unwrap();
        for line in [
            "ExecStart=/usr/bin/pnda mirror serve --mirror /srv/mirror --listen 10.77.0.1:8080 --connections 100 \
             --share 10 --host mirror.example",
            "LimitNOFILE=556",
            "MemoryMax=524M",
            "BindReadOnlyPaths=/usr/bin/pnda /srv/mirror",
            "CapabilityBoundingSet=",
            "PrivateUsers=yes",
        ] {
            assert!(text.lines().any(|there| there == line), "{line}\n{text}");
        }
        assert!(!text.contains("LoadCredential") && !text.contains("AmbientCapabilities"), "{text}");
    }

    #[test]
    fn what_a_unit_needs_more_it_gets() {
        let tls = Tls::Given { certificate: "/etc/pnda/tls.crt".into(), key: "/etc/pnda/tls.key".into() };
        let text = Unit { listen: "0.0.0.0:443".parse().unwrap(), tls, ..unit() }.render().unwrap();
        for line in ["LoadCredential=tls.key:/etc/pnda/tls.key", "AmbientCapabilities=CAP_NET_BIND_SERVICE"] {
            assert!(text.lines().any(|there| there == line), "{line}\n{text}");
        }
        let own = Unit { tls: Tls::Own(vec!["mirror.example".into()]), ..unit() }.render().unwrap();
        assert!(own.contains("--tls self --tls-folder /var/lib/pnda-mirror --tls-name mirror.example\n"), "{own}");
        assert!(own.contains("\nStateDirectory=pnda-mirror\n"), "{own}");
    }

    #[test]
    fn a_path_cannot_add_to_a_unit() {
        for path in ["/srv/a b", "/srv/%h", "/srv/$x", "/srv/a\nExecStartPre=/bin/sh", "/srv/../etc", ""] {
            assert!(matches!(Unit { mirror: path.into(), ..unit() }.render(), Err(Error::Path(_))), "{path}");
        }
        let log = Unit { access_log: Some("/var/log/access.log".into()), ..unit() };
        assert!(matches!(log.render(), Err(Error::Log(_))));
        assert!(Unit { access_log: Some(format!("{LOGS}/access.log")), ..unit() }.render().is_ok());
    }
}
