//! Runs programs of the machine and keeps what they said; a failure shows all of it.
//! Waiting is here too, because everything waited for is seen by running something.
//! Not here: what is run, or where.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What a program said, and how it ended.
#[derive(Debug)]
pub(crate) struct Output {
    /// What was run, for people.
    pub(crate) command: String,
    /// Its exit code; none if a signal ended it.
    pub(crate) code: Option<i32>,
    /// All of its standard output.
    pub(crate) stdout: String,
    /// All of its standard error.
    pub(crate) stderr: String,
}

impl Output {
    /// Itself, if the program succeeded; panics with everything it said otherwise.
    #[track_caller]
    pub(crate) fn ok(self) -> Output {
        self.exited(0)
    }

    /// Itself, if the program ended with this code; panics with everything it said otherwise.
    #[track_caller]
    pub(crate) fn exited(self, code: i32) -> Output {
        assert!(self.code == Some(code), "expected exit code {code}\n{}", self.told());
        self
    }

    /// Standard output without the white space around it.
    pub(crate) fn text(&self) -> &str {
        self.stdout.trim()
    }

    /// Everything, for a failure's message.
    pub(crate) fn told(&self) -> String {
        format!("$ {}\ncode {:?}\n{}{}", self.command, self.code, self.stdout, self.stderr)
    }
}

/// Runs a command to its end.
#[track_caller]
pub(crate) fn finish(command: &mut Command) -> Output {
    let told = format!("{command:?}");
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("cannot run {told}: {error}"));
    from(told, output)
}

/// Runs a program of the machine to its end.
#[track_caller]
pub(crate) fn run(program: &str, arguments: &[&str]) -> Output {
    finish(Command::new(program).args(arguments))
}

/// A finished process as `Output`.
pub(crate) fn from(command: String, output: std::process::Output) -> Output {
    Output {
        command,
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Asks again and again until there is an answer; panics when the time is over.
#[track_caller]
pub(crate) fn until<T>(what: &str, limit: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < limit, "{what}: not within {} s", limit.as_secs());
        std::thread::sleep(Duration::from_millis(100));
    }
}
