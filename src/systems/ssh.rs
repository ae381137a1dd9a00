//! The machine's own `ssh`: one session a node, in which a line of shell runs, reads what it is given, and is listened to.
//! Keys, jumps, ports and known hosts are what the site's configuration says; nothing is asked, and no check is weakened.
//! Not here: what is run on which node, and in which order.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use words::names::{Host, Word};
use words::shell;

/// The exit code with which ssh says that it could not get there, or was cut off.
const UNREACHABLE: i32 = 255;
/// Answers and talk are cut here, and read to their end all the same.
const MOST: u64 = 16 << 20;
/// How many of the last lines of talk are kept to tell why something failed.
const LAST: usize = 5;
/// A line of talk is cut here.
const LINE: usize = 400;

/// How nodes are reached.
#[derive(Debug, Clone)]
pub struct Ssh {
    /// A configuration instead of the user's and the machine's.
    pub config: Option<PathBuf>,
    /// Who logs in, if not whom the configuration says.
    pub user: Option<Word>,
    /// Whether whoever logs in becomes root with `sudo`, which must not ask for a password.
    pub sudo: bool,
    /// How long one session may take.
    pub patience: Duration,
}

/// What a session came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The exit code of what ran there; none if the node could not be reached, or the session was cut off.
    pub code: Option<i32>,
    /// All it said on standard output.
    pub stdout: String,
    /// The last lines that it, or ssh, said on standard error.
    pub last: Vec<String>,
}

/// Why there was no session.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such program, or it cannot be run.
    #[error("cannot start ssh: install OpenSSH's client on this machine")]
    Start(#[source] io::Error),
    /// It began to run and could not be followed.
    #[error("lost the session")]
    Follow(#[source] io::Error),
    /// What runs there does not come to an end.
    #[error("nothing came to an end there within {} s; give it longer with --timeout, or look at the node", .0.as_secs())]
    Patience(Duration),
}

impl Ssh {
    /// Runs a line of POSIX sh as root with these arguments on a node; `tell` hears each line of talk while it runs.
    pub fn run(
        &self,
        host: &Host,
        line: &str,
        arguments: &[String],
        input: &[u8],
        tell: &(dyn Fn(&str) + Sync),
    ) -> Result<Answer, Error> {
        let mut child = self.command(host, line, arguments).spawn().map_err(Error::Start)?;
        let followed = follow(&mut child, input, self.patience, tell);
        if followed.is_err() {
            // It may have ended by itself.
            let _ = child.kill();
        }
        let status = child.wait().map_err(Error::Follow)?;
        let (stdout, last) = followed?;
        Ok(Answer { code: reached(status), stdout, last })
    }

    /// One session that asks nobody, and notices within a minute that the other side is gone.
    fn command(&self, host: &Host, line: &str, arguments: &[String]) -> Command {
        let mut command = Command::new("ssh");
        if let Some(config) = &self.config {
            command.arg("-F").arg(config);
        }
        if let Some(user) = &self.user {
            command.args(["-l", user.as_str()]);
        }
        for option in ["BatchMode=yes", "ConnectTimeout=20", "ServerAliveInterval=15", "ServerAliveCountMax=3"] {
            command.args(["-o", option]);
        }
        command.args(["-T", "--", host.as_str(), &self.words(line, arguments)]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// What the login shell over there is given: ssh joins words with spaces, so each is quoted.
    fn words(&self, line: &str, arguments: &[String]) -> String {
        let sudo: &[&str] = if self.sudo { &["sudo", "-n", "--"] } else { &[] };
        let words = sudo.iter().copied().chain(["sh", "-c", line, "pnda"]).chain(arguments.iter().map(String::as_str));
        words.map(shell::word).collect::<Vec<_>>().join(" ")
    }
}

/// The exit code of what ran over there.
fn reached(status: ExitStatus) -> Option<i32> {
    status.code().filter(|code| *code != UNREACHABLE)
}

/// Feeds a session and listens to it until it closes its output.
fn follow(
    child: &mut Child,
    input: &[u8],
    patience: Duration,
    tell: &(dyn Fn(&str) + Sync),
) -> Result<(String, Vec<String>), Error> {
    let lost = || Error::Follow(io::ErrorKind::BrokenPipe.into());
    let mut stdin = child.stdin.take().ok_or_else(lost)?;
    let (stdout, stderr) = (child.stdout.take().ok_or_else(lost)?, child.stderr.take().ok_or_else(lost)?);
    thread::scope(|scope| {
        let (ended, end) = mpsc::channel::<()>();
        // Whoever does not want all of its input says why by its exit code.
        scope.spawn(move || drop(stdin.write_all(input)));
        let talk = scope.spawn(move || listen(stderr, tell));
        let answer = scope.spawn(move || {
            let answer = read_all(stdout);
            drop(ended);
            answer
        });
        if end.recv_timeout(patience) == Err(mpsc::RecvTimeoutError::Timeout) {
            // Its pipes close with it, so that nobody listens for ever.
            let _ = child.kill();
            return Err(Error::Patience(patience));
        }
        let answer = answer.join().map_err(|_| lost())?.map_err(Error::Follow)?;
        Ok((answer, talk.join().map_err(|_| lost())?))
    })
}

fn read_all(mut from: impl Read) -> io::Result<String> {
    let mut bytes = Vec::new();
    from.by_ref().take(MOST).read_to_end(&mut bytes)?;
    io::copy(&mut from, &mut io::sink())?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Hears every line, and keeps the last ones.
fn listen(mut from: impl Read, tell: &(dyn Fn(&str) + Sync)) -> Vec<String> {
    let mut last = Vec::new();
    let lines = BufReader::new(from.by_ref().take(MOST)).split(b'\n');
    for line in lines.map_while(Result::ok).map(|line| harmless(&line)).filter(|line| !line.is_empty()) {
        tell(&line);
        last.push(line);
        if last.len() > LAST {
            last.remove(0);
        }
    }
    // What comes after is not wanted, but must not stop whoever says it.
    let _ = io::copy(&mut from, &mut io::sink());
    last
}

/// A line from outside as a terminal may show it.
fn harmless(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    text.trim_end().chars().filter(|c| !c.is_control()).take(LINE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ssh(sudo: bool) -> Ssh {
        Ssh { config: None, user: Word::new("ops").ok(), sudo, patience: Duration::from_secs(5) }
    }

    fn run(line: &str, input: &[u8], patience: Duration) -> Result<(String, Vec<String>), Error> {
        let mut child = Command::new("sh");
        child.args(["-c", line]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = child.spawn().unwrap();
        let said = follow(&mut child, input, patience, &|_| {});
        let _ = child.kill();
        child.wait().unwrap();
        said
    }

    #[test]
    fn what_runs_over_there_is_what_was_meant() {
        let words = ssh(true).words("echo \"$1\" 'x'", &["it's; $(reboot)".to_owned()]);
        let local = words.replace("'sudo' '-n' '--' ", "");
        assert_ne!(words, local);
        assert_eq!(run(&local, b"", Duration::from_secs(20)).unwrap().0, "it's; $(reboot) x\n");
    }

    #[test]
    fn nothing_is_asked_and_no_check_is_weakened() {
        let host = Host::new("10.77.0.2").unwrap();
        let told = format!("{:?}", ssh(false).command(&host, "true", &[]));
        assert!(told.contains("\"BatchMode=yes\"") && told.contains("\"-l\" \"ops\""), "{told}");
        assert!(!told.contains("StrictHostKeyChecking") && !told.contains("UserKnownHostsFile"), "{told}");
    }

    #[test]
    fn large_input_and_output_do_not_wait_for_each_other() {
        let input = vec![b'x'; 1 << 20];
        let (out, last) =
            run("cat; for i in 1 2 3 4 5 6; do echo $i >&2; done", &input, Duration::from_secs(20)).unwrap();
        assert_eq!((out.len(), last.join(" ").as_str()), (1 << 20, "2 3 4 5 6"));
        assert_eq!(run("exit 3", &input, Duration::from_secs(20)).unwrap().0, "");
    }

    #[test]
    fn what_does_not_end_is_ended() {
        let late = run("exec sleep 100", b"", Duration::from_millis(100));
        assert!(matches!(late, Err(Error::Patience(_))));
    }

    #[test]
    fn a_line_from_outside_commands_no_terminal() {
        assert_eq!(harmless(b"a\x1b[2Jb\r"), "a[2Jb");
        assert_eq!(harmless(&[b'x'; 1000]).len(), LINE);
    }
}
