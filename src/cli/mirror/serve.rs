//! `pnda mirror serve`: a mirror over HTTP or HTTPS, on loopback unless told; it runs until it is stopped.
//! SIGTERM lets downloads that are under way come to their end, SIGHUP takes up a new certificate and log file.
//! Not here: how requests are answered.

use super::home_folder;
use crate::cli::failure::{Failure, Outcome, USAGE, say, say_json, warn};
use crate::mirror::serve::unit::{self, Unit};
use crate::mirror::serve::{self, CONNECTIONS, LogPlace, Server, Settings, tls};
use crate::systems::keyring::Pair;
use crate::words::chain::chain;
use crate::words::names::Host;
use clap::{Args, ValueEnum};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use schemars::JsonSchema;
use sd_notify::NotifyState;
use serde::Serialize;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Options of `pnda mirror serve`.
#[derive(Args)]
pub struct Arguments {
    /// The mirror's folder.
    #[arg(long, value_name = "FOLDER")]
    mirror: PathBuf,
    /// Where to listen; loopback unless told.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Serve over TLS with this certificate and what signed it, in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_key", conflicts_with = "tls")]
    tls_cert: Option<PathBuf>,
    /// The certificate's private key, in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Serve over TLS with a certificate that is made once and kept; prints its fingerprint.
    #[arg(long, value_enum)]
    tls: Option<OwnTls>,
    /// A further name that the made certificate is for; may be given several times.
    #[arg(long = "tls-name", value_name = "NAME", requires = "tls")]
    tls_names: Vec<String>,
    /// Where the made certificate is kept [default: ~/.local/share/pnda/tls]
    #[arg(long, value_name = "FOLDER", requires = "tls")]
    tls_folder: Option<PathBuf>,
    /// Note every answer in this file, in the combined log format; `-` is standard error.
    #[arg(long, value_name = "FILE")]
    access_log: Option<PathBuf>,
    /// A further name by which it may be asked while it listens on loopback; may be given several times.
    #[arg(long = "host", value_name = "NAME", value_parser = |name: &str| Host::new(name))]
    hosts: Vec<Host>,
    /// Connections at a time; for another, one that is idle or slow ends.
    #[arg(long, value_name = "COUNT", default_value_t = CONNECTIONS)]
    connections: usize,
    /// Of these, what one client address may hold [default: an eighth]
    #[arg(long, value_name = "COUNT")]
    share: Option<usize>,
    /// Print a systemd unit that serves like this, and serve nothing.
    #[arg(long)]
    print_unit: bool,
    /// Print where it serves as JSON, once it does.
    #[arg(long, conflicts_with = "print_unit")]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize, JsonSchema)]
pub(super) struct Serving {
    /// The mirror's folder.
    mirror: PathBuf,
    /// Where it is served, with the port that was taken where none was named.
    url: String,
    /// The certificate of the server's own, if it has made one.
    certificate: Option<Certificate>,
}

/// A certificate that nobody else vouches for: clients are given it, or its fingerprint.
#[derive(Serialize, JsonSchema)]
struct Certificate {
    /// Its file, in PEM.
    file: PathBuf,
    /// Its SHA-256, as browsers and tools show it.
    sha256: String,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OwnTls {
    /// A certificate of the server's own.
    #[value(name = "self")]
    Own,
}

/// Runs it.
pub fn run(arguments: &Arguments) -> Outcome {
    if arguments.print_unit {
        say(&unit(arguments)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let own = arguments.tls.map(|_| own_tls(arguments)).transpose()?;
    let tls = match (&arguments.tls_cert, &arguments.tls_key) {
        (Some(certificate), Some(key)) => Some(Pair { certificate: certificate.clone(), key: key.clone() }),
        _ => own.as_ref().map(|own| own.pair.clone()),
    };
    let log = arguments.access_log.as_ref().map(|file| match file.to_str() {
        Some("-") => LogPlace::Stderr,
        _ => LogPlace::File(file.clone()),
    });
    let scheme = if tls.is_some() { "https" } else { "http" };
    let (mirror, listen) = (arguments.mirror.clone(), arguments.listen);
    let connections = arguments.connections.min(most_connections());
    let limits = serve::limits(connections, arguments.share.unwrap_or(serve::share(connections)));
    let tls_names = arguments.tls_names.iter().filter_map(|name| Host::new(name.as_str()).ok());
    let names = arguments.hosts.iter().cloned().chain(tls_names).collect();
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP])?;
    let server = Settings { mirror, listen, names, limits, tls, log }.start()?;
    let serving = Serving {
        mirror: arguments.mirror.clone(),
        url: format!("{scheme}://{}/", server.address),
        certificate: own.map(|own| Certificate { file: own.pair.certificate, sha256: own.fingerprint }),
    };
    match arguments.json {
        true => say_json(&serving)?,
        false => tell(&serving)?,
    }
    sd_notify::notify(&[NotifyState::Ready])?;
    wait(server, &mut signals)
}

fn tell(serving: &Serving) -> Result<(), Failure> {
    if let Some(Certificate { file, sha256 }) = &serving.certificate {
        say(&format!("certificate {}\nSHA-256 {sha256}", file.display()))?;
    }
    say(&format!("serving {} on {}", serving.mirror.display(), serving.url))?;
    Ok(())
}

/// Serves until a signal says that it is enough.
fn wait(server: Server, signals: &mut Signals) -> Outcome {
    for signal in signals.forever() {
        if signal != SIGHUP {
            break;
        }
        match server.renew() {
            Ok(()) => warn("the certificate and the access log are those of now")?,
            Err(error) => warn(&format!("pnda: serving goes on as it was: {}", chain(&error)))?,
        }
    }
    sd_notify::notify(&[NotifyState::Stopping])?;
    server.stop()?;
    Ok(ExitCode::SUCCESS)
}

/// The certificate of the server's own.
fn own_tls(arguments: &Arguments) -> Result<tls::Own, Failure> {
    let folder = arguments.tls_folder.clone();
    let folder = folder.or_else(|| Some(home_folder("XDG_DATA_HOME", ".local/share")?.join("tls")));
    let folder = folder.ok_or_else(|| Failure::new(USAGE, "no home folder is known; give --tls-folder FOLDER"))?;
    let names = [tls::names(arguments.listen.ip()), arguments.tls_names.clone()].concat();
    let own = tls::own(&folder, &names)?;
    if !own.missing.is_empty() {
        let folder = folder.display();
        warn(&format!("it is not for {}; remove {folder} to have a new one made", own.missing.join(", ")))?;
    }
    Ok(own)
}

/// What this machine allows. Every client and every file that is sent takes an open file, and what systemd and shells give
/// at first is made for less; where more is forbidden, there are fewer connections, so that somebody new still gets one.
fn most_connections() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    getrlimit(Resource::Nofile).current.map_or(usize::MAX, |files| serve::connections(files as usize))
}

fn unit(arguments: &Arguments) -> Result<String, Failure> {
    let absolute = |path: &Path| std::path::absolute(path);
    let tls = match (&arguments.tls_cert, &arguments.tls_key) {
        (Some(certificate), Some(key)) => unit::Tls::Given { certificate: absolute(certificate)?, key: absolute(key)? },
        _ if arguments.tls.is_some() => unit::Tls::Own(arguments.tls_names.clone()),
        _ => unit::Tls::None,
    };
    let unit = Unit {
        program: std::env::current_exe()?,
        mirror: absolute(&arguments.mirror)?,
        listen: arguments.listen,
        connections: arguments.connections,
        share: arguments.share.unwrap_or(serve::share(arguments.connections)),
        names: arguments.hosts.clone(),
        tls,
        access_log: arguments.access_log.as_ref().map(|file| file.display().to_string()),
    };
    unit.render().map_err(|error| Failure::new(USAGE, error))
}
