//! What Flink's client has left behind on this node: whether it still runs, the id that it reserved, and why it gave up.
//! Its log is proof of what it did not do as long as the machine was not off since.
//! Not here: whether YARN has that id.

use super::{BOOT, LOCK, LOG, SAID};
use crate::decide::attempt::Trail;
use disk::lock::{self, Hold};
use disk::regular::Links;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use words::ids::ApplicationId;

/// More than a client says of one submission.
const LONGEST: u64 = 4 << 20;
/// Flink says this before it sends the request.
const SUBMITS: &str = "Submitting application master ";
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// This start of the machine.
pub(super) fn boot_id() -> io::Result<String> {
    fs::read_to_string(BOOT_ID)
}

/// Whether the client of this folder still runs.
pub(super) fn is_held(folder: &Path) -> bool {
    lock::is_held(&folder.join(LOCK), Hold::Shared, Links::Follow)
}

/// The id that it has reserved and is about to use, as soon as its log has it.
pub fn id_in(folder: &Path) -> Option<ApplicationId> {
    id_of(&read(&folder.join(LOG)))
}

/// All that is left.
pub fn trail(folder: &Path) -> Trail {
    // What it does after this look, it does while it is known to run.
    let is_running = is_held(folder);
    let is_of_this_boot =
        fs::read_to_string(folder.join(BOOT)).is_ok_and(|boot| boot_id().is_ok_and(|now| now == boot));
    let log = read(&folder.join(LOG));
    match (is_running, is_of_this_boot) {
        (true, _) => Trail::Running,
        (false, false) => Trail::None,
        (false, true) => Trail::Ended { id: id_of(&log), words: cause(&log, &read(&folder.join(SAID))) },
    }
}

fn read(file: &Path) -> String {
    let mut bytes = Vec::new();
    let _ = File::open(file).and_then(|file| file.take(LONGEST).read_to_end(&mut bytes));
    String::from_utf8_lossy(&bytes).into_owned()
}

fn id_of(log: &str) -> Option<ApplicationId> {
    let after = log.split_once(SUBMITS)?.1;
    ApplicationId::new(after.split_whitespace().next()?).ok()
}

/// Why it gave up: the deepest cause that it names, else the last that it says.
fn cause(log: &str, said: &str) -> String {
    let causes = [log, said].into_iter().find_map(|text| {
        text.lines().rev().find_map(|line| line.trim().strip_prefix("Caused by: ").map(str::to_owned))
    });
    let last = || said.lines().chain(log.lines()).map(str::trim).rfind(|line| !line.is_empty()).map(str::to_owned);
    causes.or_else(last).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::make;
    use super::*;

    fn put(folder: &Path, name: &str, text: &str) {
        fs::write(folder.join(name), text).unwrap();
    }

    #[test]
    fn what_is_left_tells_whether_it_runs_and_what_it_did() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("try");
        assert_eq!(trail(&place), Trail::None, "another node's");
        let lock = make(&place).unwrap();
        assert_eq!(trail(&place), Trail::Running);
        drop(lock);
        let ended = |id: Option<&str>, words: &str| Trail::Ended {
            id: id.map(|id| ApplicationId::new(id).unwrap()),
            words: words.to_owned(),
        };
        assert_eq!(trail(&place), ended(None, ""), "it was never started");
        put(&place, SAID, "Error: Could not find or load main class\n");
        assert_eq!(trail(&place), ended(None, "Error: Could not find or load main class"));
        let log = "2026 INFO  o.a.f.y.YarnClusterDescriptor - Submitting application master application_17_0002\n\
                   2026 ERROR x - Error while running the command.\norg.apache.X: it\nCaused by: a: b\nCaused by: c: d\n\tat e\n";
        put(&place, LOG, log);
        assert_eq!(trail(&place), ended(Some("application_17_0002"), "c: d"));
        assert_eq!(id_in(&place), ApplicationId::new("application_17_0002").ok());
        // After the machine was off, what the log lacks proves nothing.
        put(&place, BOOT, "another\n");
        assert_eq!(trail(&place), Trail::None);
    }
}
