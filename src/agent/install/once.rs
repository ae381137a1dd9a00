//! Runs what a node's document prepares once, as its user, with a bounded time and the end of its output kept.
//! It sees a clean environment like a service's; what it says is only shown when it fails.
//! Not here: whether it should run.

use super::owners::Account;
use crate::words::names::Word;
use crate::words::node::Once;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, PipeReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How much of the end of its output is shown when it fails.
const KEPT_OUTPUT: usize = 4096;
/// Where a service would find its programs too.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Why something was not prepared.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The program is not there, or not to be run.
    #[error("cannot run {program} for `{name}`")]
    Run { name: Word, program: String, source: io::Error },
    /// It said no.
    #[error("`{name}` failed: {program} {how}; the next run tries it again\nits last words:\n{words}")]
    Failed { name: Word, program: String, how: String, words: String },
    /// It said yes and did nothing.
    #[error(
        "`{name}` ran without an error, but {creates} is not there: what {program} makes is not what the document says\nits last words:\n{words}"
    )]
    Nothing { name: Word, program: String, creates: String, words: String },
}

/// Who runs it, and what keeps other installers out while it runs.
pub(super) struct Runner<'a> {
    /// None: whoever installs.
    pub account: Option<&'a Account>,
    /// The installer's lock. The command holds a copy: where the installer is killed, the next one waits for it.
    pub lock: Option<File>,
    /// How long it may take.
    pub limit: Duration,
}

/// Runs it to its end; gives the end of its output.
pub(super) fn run(once: &Once, runner: Runner<'_>) -> Result<String, Error> {
    let program = once.command.first().cloned().unwrap_or_default();
    let failed = |source| Error::Run { name: once.name.clone(), program: program.clone(), source };
    let (output, writer) = io::pipe().map_err(failed)?;
    let limit = runner.limit;
    let mut child = {
        let mut command = command(once, runner);
        command.stdout(writer.try_clone().map_err(failed)?).stderr(writer);
        // The command keeps its copies of the pipe's end; they close with it, here.
        command.spawn().map_err(failed)?
    };
    let reader = thread::spawn(move || last_words(output));
    let ended = wait(&mut child, limit).map_err(failed)?;
    let words = match &ended {
        // What it may have started and left behind still holds the pipe.
        None => String::new(),
        Some(_) => settled(reader),
    };
    let how = match ended {
        Some(status) if status.success() => return Ok(words),
        Some(status) => format!("ended with {status}"),
        None => format!("was stopped after {} s", limit.as_secs()),
    };
    Err(Error::Failed { name: once.name.clone(), program, how, words })
}

fn command(once: &Once, runner: Runner<'_>) -> Command {
    let mut command = Command::new(once.command.first().map_or("", String::as_str));
    command.args(once.command.iter().skip(1)).current_dir("/").env_clear().env("PATH", PATH).env("LANG", "C.UTF-8");
    match runner.account {
        Some(account) => {
            // Besides, `uid` drops every further group of the installer's.
            command.gid(account.gid).uid(account.uid);
            command.env("HOME", &account.home).env("USER", once.user.as_str()).env("LOGNAME", once.user.as_str());
        }
        None => {
            command.envs(std::env::vars_os().filter(|(name, _)| name == "HOME" || name == "USER"));
        }
    }
    command.envs(&once.environment).process_group(0);
    command.stdin(runner.lock.map_or_else(Stdio::null, Stdio::from));
    command
}

/// None if it had to be stopped.
fn wait(child: &mut Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let start = Instant::now();
    let mut pause = Duration::from_millis(5);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if start.elapsed() > limit {
            if let Some(group) = rustix::process::Pid::from_raw(child.id() as i32) {
                let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
            }
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(200));
    }
}

/// A daemon that it left behind may hold the pipe for ever; its words are not worth that.
fn settled(reader: thread::JoinHandle<String>) -> String {
    for _ in 0..50 {
        if reader.is_finished() {
            return reader.join().unwrap_or_default();
        }
        thread::sleep(Duration::from_millis(20));
    }
    String::new()
}

fn last_words(mut output: PipeReader) -> String {
    let mut kept = VecDeque::with_capacity(2 * KEPT_OUTPUT);
    let mut buffer = [0; KEPT_OUTPUT];
    while let Ok(count) = output.read(&mut buffer) {
        if count == 0 {
            break;
        }
        kept.extend(&buffer[..count]);
        let over = kept.len().saturating_sub(KEPT_OUTPUT);
        kept.drain(..over);
    }
    let bytes: Vec<u8> = kept.into();
    String::from_utf8_lossy(&bytes).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::names::NodePath;

    fn shell(text: &str) -> Once {
        Once {
            name: Word::new("format").unwrap(),
            user: Word::new("root").unwrap(),
            command: vec!["/bin/sh".into(), "-c".into(), text.into()],
            environment: [("KIND".to_owned(), "test".to_owned())].into(),
            creates: NodePath::new("/x").unwrap(),
        }
    }

    fn run_here(text: &str, limit: Duration) -> Result<String, Error> {
        run(&shell(text), Runner { account: None, lock: None, limit })
    }

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn it_sees_a_service_s_environment() {
        let said = run_here("echo $KIND $LANG $CARGO_MANIFEST_DIR; pwd; cat", LONG).unwrap();
        assert_eq!(said, "test C.UTF-8\n/");
    }

    #[test]
    fn a_failure_tells_its_last_words_and_no_more() {
        let error = run_here("seq 100000; echo disk is read-only >&2; exit 3", LONG).unwrap_err().to_string();
        assert!(error.contains("ended with exit status: 3") && error.contains("disk is read-only"), "{error}");
        assert!(error.len() < 2 * KEPT_OUTPUT, "{}", error.len());
        assert!(matches!(
            run(
                &Once { command: vec!["/nowhere/x".into()], ..shell("") },
                Runner { account: None, lock: None, limit: LONG }
            ),
            Err(Error::Run { .. })
        ));
    }

    #[test]
    fn what_does_not_end_is_stopped_with_its_children() {
        let start = Instant::now();
        let error = run_here("sleep 60 & sleep 60", Duration::from_millis(100)).unwrap_err();
        assert!(error.to_string().contains("was stopped after"), "{error}");
        assert!(start.elapsed() < LONG);
    }

    #[test]
    fn it_runs_as_its_user() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let account = Account { uid: 4242, gid: 4343, home: "/nowhere".into() };
        let runner = Runner { account: Some(&account), lock: None, limit: LONG };
        assert_eq!(run(&shell("id -u; id -G; echo $HOME"), runner).unwrap(), "4242\n4343\n/nowhere");
    }
}
