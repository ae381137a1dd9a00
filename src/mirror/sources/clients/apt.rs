//! Where the machine's own apt finds each suite, and with which keys it is signed: both forms of its sources are read.
//! Lines of `deb` and stanzas of `Types`/`URIs`; the first that holds a suite with `main` wins.
//! Not here: any host's name, or any download.

use crate::resolve::apt::control::Stanzas;
use crate::resolve::apt::id;
use crate::trust::Policy;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use words::names::{SafePath, Word};

/// Where apt's configuration is.
const ETC: &str = "/etc/apt";
/// Where distributions put the keys of their archives.
const KEYRINGS: &str = "/usr/share/keyrings";

/// A suite that the machine uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its id among the sources.
    pub id: Word,
    /// The archive's base.
    pub url: String,
    /// The file that says so.
    pub told_by: String,
    /// The keys it names.
    pub keys: Option<PathBuf>,
    /// What must vouch for it, where that is less than usual.
    pub policy: Option<Policy>,
}

/// Every suite that the machine's apt uses, each once.
pub fn apt() -> Vec<Known> {
    known(Path::new(ETC))
}

/// The files of keys that apt trusts for every archive, and those of the distribution's own archive.
pub fn apt_keyrings() -> Vec<PathBuf> {
    let below = |folder: &str| fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let named = |path: &PathBuf, ends: &[&str]| ends.iter().any(|end| path.to_string_lossy().ends_with(end));
    let trusted = below("/etc/apt/trusted.gpg.d").filter(|path| named(path, &[".gpg", ".asc"]));
    let own = below(KEYRINGS).filter(|path| named(path, &["-archive-keyring.gpg"]));
    let mut files: Vec<PathBuf> = trusted.chain(own).collect();
    files.sort();
    files
}

fn known(folder: &Path) -> Vec<Known> {
    let mut found = Vec::new();
    for file in files(folder) {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        let deb822 = file.extension().is_some_and(|kind| kind == "sources");
        found.extend(if deb822 { of_stanzas(&text, &file) } else { of_lines(&text, &file) });
    }
    let mut seen = BTreeSet::new();
    found.retain(|known: &Known| seen.insert(known.id.clone()));
    found
}

/// The files that apt itself reads, in its order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let parts = fs::read_dir(folder.join("sources.list.d")).into_iter().flatten().flatten().map(|entry| entry.path());
    let read = |path: &PathBuf| path.extension().is_some_and(|kind| kind == "list" || kind == "sources");
    let mut files: Vec<PathBuf> = parts.filter(read).collect();
    files.sort();
    files.insert(0, folder.join("sources.list"));
    files
}

fn of_lines(text: &str, file: &Path) -> Vec<Known> {
    let mut found = Vec::new();
    for line in text.lines().map(str::trim) {
        let Some(rest) = line.strip_prefix("deb").filter(|rest| rest.starts_with([' ', '\t'])) else { continue };
        let plain = rest.split('#').next().unwrap_or_default().trim();
        let (options, plain) = match plain.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((options, plain)) => (options, plain),
            None => ("", plain),
        };
        let option =
            |name: &str| options.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        let words: Vec<&str> = plain.split_whitespace().collect();
        if words.len() > 2 && words[2..].contains(&"main") {
            found.extend(entry(words[0], words[1], file, option("signed-by"), option("trusted")));
        }
    }
    found
}

fn of_stanzas(text: &str, file: &Path) -> Vec<Known> {
    let mut found = Vec::new();
    let mut stanzas = Stanzas::all(text.as_bytes());
    // A file that apt itself could not read is left at the first mistake.
    while let Ok(Some(stanza)) = stanzas.read() {
        let words = |name: &str| stanza.get(name).unwrap_or_default().split_whitespace().collect::<Vec<_>>();
        let off = words("Enabled").first().is_some_and(|word| ["no", "false", "0"].contains(word));
        if off || !words("Types").contains(&"deb") || !words("Components").contains(&"main") {
            continue;
        }
        let Some(url) = words("URIs").first().copied() else { continue };
        let (keys, trusted) = (stanza.get("Signed-By"), stanza.get("Trusted"));
        found.extend(words("Suites").into_iter().filter_map(|suite| entry(url, suite, file, keys, trusted)));
    }
    found
}

/// One suite; keys that stand in the file itself, and addresses that are none of ours, are left to the site's own word.
fn entry(url: &str, suite: &str, file: &Path, keys: Option<&str>, trusted: Option<&str>) -> Option<Known> {
    let usable = ["http://", "https://", "file:///"].iter().any(|scheme| url.starts_with(scheme)) && !url.contains('$');
    let id = Word::new(id(&SafePath::new(suite).ok()?)).ok().filter(|_| usable)?;
    let keys = keys.and_then(|keys| keys.split([',', ' ', '\n']).map(str::trim).find(|word| word.starts_with('/')));
    let trusted = trusted.is_some_and(|word| ["yes", "true", "1"].contains(&word));
    Some(Known {
        id,
        url: url.to_owned(),
        told_by: file.display().to_string(),
        keys: keys.map(PathBuf::from),
        policy: trusted.then_some(Policy::Checksum),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(found: &[Known]) -> Vec<String> {
        let keys = |known: &Known| known.keys.as_ref().map(|keys| format!(" {}", keys.display())).unwrap_or_default();
        let less = |known: &Known| known.policy.map(|policy| format!(" {policy}")).unwrap_or_default();
        found.iter().map(|known| format!("{} {}{}{}", known.id, known.url, keys(known), less(known))).collect()
    }

    #[test]
    fn lines_are_read() {
        let text = "# deb http://old.example/debian bookworm main\n\
            deb-src http://src.example/debian bookworm main\n\
            deb http://updates.example/debian bookworm-updates main\n\
            deb [arch=amd64 signed-by=/k.gpg] http://repo.example/debian bookworm contrib main # ours\n\
            deb [trusted=yes] https://own.example/debian own/1 main\n\
            deb cdrom:[Debian]/ disc main\n";
        assert_eq!(
            shown(&of_lines(text, Path::new("f"))),
            [
                "bookworm-updates http://updates.example/debian",
                "bookworm http://repo.example/debian /k.gpg",
                "own_1 https://own.example/debian checksum"
            ]
        );
    }

    #[test]
    fn stanzas_are_read() {
        let text = "Types: deb\nEnabled: no\nURIs: http://off.example/debian\nSuites: bookworm\nComponents: main\n\n\
            Types: deb deb-src\n# a remark\nURIs: http://repo.example/debian http://other.example/debian\n\
            Suites: bookworm bookworm-updates\nComponents: main contrib\nSigned-By: /keys.gpg\n\n\
            Types: deb\nURIs: http://n.example\nSuites: nodistro\nComponents: stable\n";
        assert_eq!(
            shown(&of_stanzas(text, Path::new("f"))),
            ["bookworm http://repo.example/debian /keys.gpg", "bookworm-updates http://repo.example/debian /keys.gpg"]
        );
    }

    #[test]
    fn the_first_file_that_holds_a_suite_wins() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("sources.list.d")).unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("sources.list.d/z.list", "deb http://z.example/debian bookworm main\n");
        write("sources.list.d/a.sources", "Types: deb\nURIs: http://a.example/d\nSuites: bookworm\nComponents: main\n");
        write("sources.list.d/b.list.save", "deb http://b.example/debian trixie main\n");
        assert_eq!(shown(&known(folder.path())), ["bookworm http://a.example/d"]);
    }
}
