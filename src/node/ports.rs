//! Who listens on a port of this machine, for people: from the kernel's own tables.
//! It only names a process in an error; where it sees nothing it says nothing.
//! Not here: whether anybody should listen.

use std::fs;
use std::path::Path;

const LISTENING: &str = "0A";

/// The process that listens on a TCP port, as in `4711 (java -cp …)`.
pub(super) fn listener(port: u16) -> Option<String> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| fs::read_to_string(path).unwrap_or_default());
    let inode = tables.iter().find_map(|table| socket(table, port))?;
    let wanted = format!("socket:[{inode}]");
    let mut processes = fs::read_dir("/proc").ok()?.flatten().map(|entry| entry.path());
    let process = processes.find(|process| number(process).is_some() && holds(process, &wanted))?;
    let number = number(&process)?;
    let command = fs::read(process.join("cmdline")).unwrap_or_default();
    let command = String::from_utf8_lossy(&command).replace('\0', " ");
    Some(format!("{number} ({})", command.trim().chars().take(120).collect::<String>()))
}

/// The inode of the listening socket in a table of `/proc/net`.
fn socket(table: &str, port: u16) -> Option<&str> {
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (_, local) = fields.get(1)?.rsplit_once(':')?;
        let matches = u16::from_str_radix(local, 16) == Ok(port) && fields.get(3) == Some(&LISTENING);
        matches.then(|| fields.get(9).copied())?
    })
}

/// `self` and the like are no processes of their own.
fn number(process: &Path) -> Option<u32> {
    process.file_name()?.to_str()?.parse().ok()
}

fn holds(process: &Path, wanted: &str) -> bool {
    let open = fs::read_dir(process.join("fd")).into_iter().flatten().flatten();
    open.filter_map(|entry| fs::read_link(entry.path()).ok()).any(|link| link.to_string_lossy() == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_listens_is_named() {
        let listener_of_ours = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener_of_ours.local_addr().unwrap().port();
        let found = listener(port).unwrap();
        assert!(found.starts_with(&format!("{} (", std::process::id())), "{found}");
        drop(listener_of_ours);
        assert_eq!(listener(port), None);
    }
}
