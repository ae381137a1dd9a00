//! Runs what a node's document prepares once, as its user, with a bounded time and the end of its output kept.
//! It sees a clean environment like a service's; what it says is only shown when it fails.
//! Not here: whether it should run.

use super::owners::Account;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::time::Duration;
use systems::bounded::{self, Task, Whose};
use words::names::Word;
use words::node::Once;

/// How much of the end of its output is shown when it fails.
const KEPT_OUTPUT: usize = 4096;

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
    /// The installer's lock. It is held until the command ends: where the installer is killed, the next one waits for it.
    pub lock: Option<File>,
    /// How long it may take.
    pub limit: Duration,
}

/// Runs it to its end; gives the end of its output.
pub(super) fn run(once: &Once, runner: Runner<'_>) -> Result<String, Error> {
    let program = once.command.first().cloned().unwrap_or_default();
    let limit = runner.limit;
    let ended = bounded::run(Task {
        program: &program,
        arguments: once.command.get(1..).unwrap_or_default(),
        environment: environment(once, runner.account),
        user: runner.account.map(|account| (account.uid, account.gid)),
        whose: Whose::Ours,
        time: limit,
        kept: KEPT_OUTPUT,
        lock: runner.lock,
    });
    let ended = ended.map_err(|source| Error::Run { name: once.name.clone(), program: program.clone(), source })?;
    let words = String::from_utf8_lossy(&ended.output).trim().to_owned();
    let how = match ended.status {
        Some(status) if status.success() => return Ok(words),
        Some(status) => format!("ended with {status}"),
        None => format!("was stopped after {} s", limit.as_secs()),
    };
    Err(Error::Failed { name: once.name.clone(), program, how, words })
}

fn environment(once: &Once, account: Option<&Account>) -> Vec<(String, OsString)> {
    let ours = |name: &str| Some((name.to_owned(), std::env::var_os(name)?));
    let named = once.environment.iter().map(|(name, value)| (name.clone(), value.into()));
    let who: Vec<_> = match account {
        Some(account) => {
            let user = OsString::from(once.user.as_str());
            let pairs = [("HOME", account.home.clone().into()), ("USER", user.clone()), ("LOGNAME", user)];
            pairs.map(|(name, value)| (name.to_owned(), value)).into()
        }
        None => ["HOME", "USER"].into_iter().filter_map(ours).collect(),
    };
    who.into_iter().chain(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;
    use words::names::NodePath;

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
