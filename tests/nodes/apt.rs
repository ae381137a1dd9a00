//! Where the machine's own apt finds a release of Debian, read from its sources: the base image comes from there.
//! Both forms are read, lines of `deb` and stanzas of `Types`/`URIs`; the first that holds the suite wins.
//! Not here: any host's name, or any download.

use std::fs;
use std::path::{Path, PathBuf};

/// The archive that this machine uses for a suite; none if it uses another release.
pub(crate) fn archive(suite: &str) -> Option<String> {
    files(Path::new("/etc/apt")).iter().find_map(|file| find(&fs::read_to_string(file).ok()?, suite))
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

fn find(text: &str, suite: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    let stanzas = lines.split(|line| line.trim().is_empty());
    let in_lines = lines.iter().find_map(|line| of_line(line, suite));
    in_lines.or_else(|| stanzas.into_iter().find_map(|stanza| of_stanza(stanza, suite)))
}

fn of_line(line: &str, suite: &str) -> Option<String> {
    let rest = line.trim().strip_prefix("deb ")?.trim_start();
    let rest = match rest.strip_prefix('[') {
        Some(options) => options.split_once(']')?.1,
        None => rest,
    };
    let words: Vec<&str> = rest.split_whitespace().collect();
    let fits = words.len() > 2 && words[1] == suite && words[2..].contains(&"main");
    fits.then(|| words[0].to_owned())
}

fn of_stanza(stanza: &[&str], suite: &str) -> Option<String> {
    let field = |name: &str| -> Vec<&str> {
        let value = |line: &&&str| line.split_once(':').is_some_and(|(key, _)| key.eq_ignore_ascii_case(name));
        let line = stanza.iter().find(value).and_then(|line| line.split_once(':'));
        line.map(|(_, value)| value.split_whitespace().collect()).unwrap_or_default()
    };
    let off = field("Enabled").first().is_some_and(|word| ["no", "false", "0"].contains(word));
    let fits =
        field("Types").contains(&"deb") && field("Suites").contains(&suite) && field("Components").contains(&"main");
    (fits && !off).then(|| field("URIs").first().map(|url| (*url).to_owned()))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read() {
        let text = "# deb http://old.example/debian bookworm main\n\
            deb-src http://src.example/debian bookworm main\n\
            deb http://updates.example/debian bookworm-updates main\n\
            deb [arch=amd64 signed-by=/k] http://repo.example/debian bookworm contrib main\n";
        assert_eq!(find(text, "bookworm").as_deref(), Some("http://repo.example/debian"));
        assert_eq!(find(text, "trixie"), None);
    }

    #[test]
    fn stanzas_are_read() {
        let text = "Types: deb\nEnabled: no\nURIs: http://off.example/debian\nSuites: bookworm\nComponents: main\n\n\
            Types: deb deb-src\n# a remark\nURIs: http://repo.example/debian http://other.example/debian\n\
            Suites: bookworm bookworm-updates\nComponents: main contrib\n";
        assert_eq!(find(text, "bookworm").as_deref(), Some("http://repo.example/debian"));
        assert_eq!(find("Types: deb\nURIs: http://n.example\nSuites: nodistro\nComponents: main\n", "bookworm"), None);
    }
}
