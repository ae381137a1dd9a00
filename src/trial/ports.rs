//! The ports of a trial, all on loopback: a block that no other trial takes as long as this one lasts.
//! A block is held by a socket's name, which the kernel knows in the same network namespace as the ports, and frees with us.
//! Not here: which service listens where.

use crate::error::Error;
use listeners::Protocol;
use std::net::{Ipv4Addr, TcpListener};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::time::Duration;

/// The settings that are ports, and where each is in the first block.
const PORTS: [(&str, u16); 19] = [
    ("flink.history_server.port", 18180),
    ("hdfs.datanode.ipc_port", 18867),
    ("hdfs.datanode.port", 18866),
    ("hdfs.datanode.web_port", 18864),
    ("hdfs.port", 18020),
    ("hdfs.secondary.web_port", 18868),
    ("hdfs.web_port", 18870),
    ("kafka.controller_port", 18095),
    ("kafka.port", 18092),
    ("yarn.admin_port", 18033),
    ("yarn.nodemanager.localizer_port", 18040),
    ("yarn.nodemanager.port", 18041),
    ("yarn.nodemanager.web_port", 18042),
    ("yarn.port", 18032),
    ("yarn.scheduler_port", 18030),
    ("yarn.tracker_port", 18031),
    ("yarn.web_port", 18088),
    ("agent", 18280),
    ("mirror", 18080),
];
/// From one block to the next; more than all ports of a block lie apart.
const APART: u16 = 1000;
/// As many blocks as lie below the ports that the kernel gives to clients.
const BLOCKS: u16 = 13;
/// How often a port is looked at, and how much longer is waited before each next look.
const LOOKS: u32 = 4;
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// A block that is held.
pub(crate) struct Ports {
    block: u16,
    _held: UnixListener,
}

impl Ports {
    /// The first block that no other trial holds and in which nobody listens but what an earlier run has left.
    pub(crate) fn hold(is_ours: impl Fn(u32) -> bool) -> Result<Ports, Error> {
        let mut taken = String::new();
        for block in 0..BLOCKS {
            let name = SocketAddr::from_abstract_name(format!("pnda-try-{block}"))?;
            let Ok(held) = UnixListener::bind_addr(&name) else { continue };
            let ports = Ports { block, _held: held };
            match ports.taken(&is_ours) {
                None => return Ok(ports),
                Some(by) => taken = format!("; the last one that was looked at: {by}"),
            }
        }
        Err(Error::NoPorts { blocks: BLOCKS, taken })
    }

    /// The port of a setting.
    pub(crate) fn of(&self, name: &str) -> u16 {
        self.all().find(|(found, _)| *found == name).map(|(_, port)| port).unwrap_or_default()
    }

    /// An address on loopback.
    pub(crate) fn url(&self, name: &str) -> String {
        format!("http://127.0.0.1:{}", self.of(name))
    }

    /// The ports that are settings of roles.
    pub(crate) fn settings(&self) -> impl Iterator<Item = (&'static str, u16)> {
        self.all().filter(|(name, _)| name.contains('.'))
    }

    fn all(&self) -> impl Iterator<Item = (&'static str, u16)> {
        let block = self.block;
        PORTS.iter().map(move |(name, first)| (*name, first + block * APART))
    }

    /// A port of the block on which somebody listens who is none of ours, and who that is.
    pub(crate) fn taken(&self, is_ours: impl Fn(u32) -> bool) -> Option<String> {
        self.all().filter(|(_, port)| !is_free(*port)).find_map(|(name, port)| {
            match listeners::get_process_by_port(port, Protocol::TCP) {
                Ok(process) if is_ours(process.pid) => None,
                Ok(process) => {
                    Some(format!("port {port} ({name}) is taken by {}, process {}", process.name, process.pid))
                }
                Err(_) => Some(format!("port {port} ({name}) is taken by a process of somebody else")),
            }
        })
    }
}

/// Whether nobody listens. A process that is just being started has our own sockets until its program begins: so what is taken is
/// looked at again.
fn is_free(port: u16) -> bool {
    (0..LOOKS).any(|look| {
        std::thread::sleep(BETWEEN_LOOKS * look);
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_trials_at_once_have_no_port_in_common_and_one_that_is_taken_is_told() {
        let (one, two) = (Ports::hold(|_| false).unwrap(), Ports::hold(|_| false).unwrap());
        assert_ne!(one.block, two.block);
        assert!(one.all().all(|(_, port)| two.all().all(|(_, other)| port != other)));
        let _other = TcpListener::bind((Ipv4Addr::LOCALHOST, two.of("yarn.port"))).unwrap();
        let told = two.taken(|_| false).unwrap();
        assert!(told.contains("(yarn.port)") && told.ends_with(&std::process::id().to_string()), "{told}");
        assert_eq!(two.taken(|pid| pid == std::process::id()), None);
    }
}
