//! Whether this machine lets a test make a network of its own, in which nothing but loopback can be reached.
//! It is tried and not guessed: a container's root may well not be allowed to.
//! Not here: what runs in one.

use std::process::{Command, Stdio};

/// Why there can be none; none if there can.
pub fn lacks() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("only root can make a network namespace".to_owned());
    }
    let tried = Command::new("unshare").args(["--net", "ip", "link", "set", "lo", "up"]).stdin(Stdio::null()).output();
    match tried {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(format!("no network namespaces: {}", String::from_utf8_lossy(&output.stderr).trim())),
        Err(error) => Some(format!("no network namespaces: unshare: {error}")),
    }
}
