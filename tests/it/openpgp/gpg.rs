//! What the machine's own `gpg` says of a ring and a signature, in a home of its own.
//! Only keys that were handed in are known to it, and no agent runs.
//! Not here: what we say.

use std::fs;
use std::path::Path;
use std::process::Command;

/// What it says first, and the primary key that it found valid.
#[derive(Debug)]
pub struct Said {
    /// GOODSIG, EXPSIG, EXPKEYSIG, REVKEYSIG, BADSIG, ERRSIG or nothing of these.
    pub verdict: String,
    /// The primary key of VALIDSIG.
    pub primary: Option<String>,
}

/// Whether there is one whose verdicts the table holds: 2.2 and later.
pub fn is_there() -> bool {
    let asked = Command::new("gpg").arg("--version").output();
    asked.is_ok_and(|asked| String::from_utf8_lossy(&asked.stdout).starts_with("gpg (GnuPG) 2."))
}

/// What it says of a signature; `then` sets its clock.
pub fn ask(ring: &[u8], signature: &[u8], content: Option<&[u8]>, then: Option<u32>) -> Said {
    let home = tempfile::tempdir().unwrap();
    let path = |name: &str| home.path().join(name);
    fs::write(path("ring"), ring).unwrap();
    fs::write(path("signature"), signature).unwrap();
    run(home.path(), &["--import".into(), path("ring").display().to_string()]);
    let mut words: Vec<String> = vec!["--trust-model".into(), "always".into(), "--status-fd".into(), "1".into()];
    words.extend(then.map(|then| format!("--faked-system-time={then}!")));
    words.extend(["--verify".into(), path("signature").display().to_string()]);
    if let Some(content) = content {
        fs::write(path("content"), content).unwrap();
        words.push(path("content").display().to_string());
    }
    let said = run(home.path(), &words);
    let status = said.lines().filter_map(|line| line.strip_prefix("[GNUPG:] "));
    let status: Vec<Vec<&str>> = status.map(|line| line.split(' ').collect()).collect();
    let known = ["GOODSIG", "EXPSIG", "EXPKEYSIG", "REVKEYSIG", "BADSIG", "ERRSIG"];
    let verdict = status.iter().find(|line| known.contains(&line[0])).map_or("nothing", |line| line[0]);
    let valid = status.iter().find(|line| line[0] == "VALIDSIG").and_then(|line| line.last());
    Said { verdict: verdict.to_owned(), primary: valid.map(ToString::to_string) }
}

fn run(home: &Path, words: &[String]) -> String {
    let output = Command::new("gpg")
        .args(["--batch", "--no-tty", "--no-autostart", "--no-options", "--homedir"])
        .arg(home)
        .args(words)
        .env("LC_ALL", "C")
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}
