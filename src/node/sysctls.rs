//! What the kernel forbids in folders where everybody may write: links of others, and files made in advance.
//! Nothing of ours depends on it, for a machine may have it off; other programs do, so the operator is told.
//! Not here: changing it; the machine is the site's.

use std::fs;
use std::path::Path;

const WANTED: [(&str, u32); 4] =
    [("protected_symlinks", 1), ("protected_hardlinks", 1), ("protected_regular", 1), ("protected_fifos", 1)];

/// What is off on this machine, as a note.
pub(super) fn note() -> Option<String> {
    off(Path::new("/proc/sys/fs"))
}

fn off(folder: &Path) -> Option<String> {
    let value = |name: &str| fs::read_to_string(folder.join(name)).ok()?.trim().parse::<u32>().ok();
    let off = WANTED.iter().filter(|(name, least)| value(name).is_some_and(|value| value < *least));
    let names: Vec<String> = off.map(|(name, least)| format!("fs.{name}={least}")).collect();
    let names = names.join(" ");
    (!names.is_empty()).then(|| {
        format!(
            "the kernel does not protect folders where everybody may write: sysctl {names} (nothing of PNDA needs it)"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_off_is_named_with_what_turns_it_on() {
        let folder = tempfile::tempdir().unwrap();
        for (name, value) in
            [("protected_symlinks", "0\n"), ("protected_hardlinks", "1\n"), ("protected_regular", "2\n")]
        {
            fs::write(folder.path().join(name), value).unwrap();
        }
        let note = off(folder.path()).unwrap();
        assert!(note.contains("sysctl fs.protected_symlinks=1 (nothing"), "{note}");
        fs::write(folder.path().join("protected_symlinks"), "1").unwrap();
        assert_eq!(off(folder.path()), None);
    }
}
