//! Counts what tried to leave the ground, in two places that cannot miss it.
//! The hub sends everything that is not for the ground out of an interface that leads nowhere and counts; a node,
//! which has no route, counts each attempt that its kernel refused. Not here: any firewall that could hide one.

use crate::shell;
use std::fs;

/// The hub's interface that leads nowhere: its default route, so that nothing can leave uncounted.
pub(crate) const WAY_OUT: &str = "way-out";

/// Packets that would have left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Departures {
    /// Sent out of the hub's way out: by the hub itself, or by a node that knew how to use it as a gateway.
    pub(crate) sent: u64,
    /// Refused inside the nodes for want of a route: each node's name and count.
    pub(crate) refused: Vec<(String, u64)>,
}

/// The packets that a network namespace sent out of one of its interfaces.
pub(crate) fn sent(namespace: &str, interface: &str) -> u64 {
    let path = format!("/sys/class/net/{interface}/statistics/tx_packets");
    // `ip netns exec` mounts a /sys of that namespace.
    let count = shell::run("ip", &["netns", "exec", namespace, "cat", &path]).ok();
    count.text().parse().expect("the kernel counts in decimal digits")
}

/// The attempts that the kernel refused for want of a route, in the network namespace of a process.
pub(crate) fn refused(process: u32) -> u64 {
    let snmp = fs::read_to_string(format!("/proc/{process}/net/snmp")).expect("the process lives");
    out_no_routes(&snmp).expect("the kernel counts OutNoRoutes")
}

fn out_no_routes(snmp: &str) -> Option<u64> {
    let mut lines = snmp.lines().filter_map(|line| line.strip_prefix("Ip: "));
    let (names, values) = (lines.next()?, lines.next()?);
    let mut both = names.split(' ').zip(values.split(' '));
    both.find(|(name, _)| *name == "OutNoRoutes").and_then(|(_, value)| value.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_table_is_read() {
        let text = "Ip: Forwarding OutDiscards OutNoRoutes ReasmTimeout\nIp: 1 0 7 0\nIcmp: InMsgs\nIcmp: 0\n";
        assert_eq!(out_no_routes(text), Some(7));
        assert_eq!(out_no_routes("Ip: Forwarding\n"), None);
    }
}
