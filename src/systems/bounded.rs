//! Runs one program as somebody else, bounded: in a session of its own, for a limited time, with a limited part of its output.
//! It has no terminal, nothing on standard input, none of our environment, and no copy of the files that we hold open.
//! Not here: which program that is, and what its output means.
//!
//! Small programs of every system stand between us and it: `setsid` takes the terminal away, `timeout` sees to its end even
//! where we are killed, `bash` closes every file (other shells can name but nine), gives it an empty input and sets limits, and
//! `setpriv` makes it somebody else. `timeout` stays ours and keeps what the program must not have: our standard input, which
//! is a lock where one is handed over.

use rustix::process::{Pid, Signal, kill_process_group};
use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, PipeReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Where a service would find its programs too.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// After its time is over `timeout` leaves it to us for so long to stop it, and to say so.
const GRACE: Duration = Duration::from_secs(5);
/// What whoever started us left open for us is not for others either.
const CLOSED: &str =
    "for fd in /proc/self/fd/*; do fd=${fd##*/}; case $fd in [012] | \\*) ;; *) eval \"exec $fd>&-\" ;; esac; done; ";
/// No core file, a minute of the processor, files of 64 MiB, 8 GiB of memory: more than any program needs that only tells.
const LIMITS: &str = "ulimit -c 0; ulimit -t 60; ulimit -f 131072; ulimit -d 8388608; ";

/// What is run, and how.
pub struct Task<'a> {
    /// Its whole path.
    pub program: &'a str,
    /// Its arguments.
    pub arguments: &'a [String],
    /// Its environment, besides `PATH` and `LANG`.
    pub environment: Vec<(String, OsString)>,
    /// User and group, and no further group; none: whoever we are.
    pub user: Option<(u32, u32)>,
    /// Whose program it is.
    pub whose: Whose,
    /// How long it may take.
    pub time: Duration,
    /// How many bytes of the end of its output are kept.
    pub kept: usize,
    /// A lock that is held until it ends, even where we are killed; the program itself has no copy.
    pub lock: Option<File>,
}

/// Whose program is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// The operator named it to do its work on this node. What it complains of belongs to its output.
    Ours,
    /// The site's, and it shall only tell something: it has limits, gains no privileges, and leaves no process in its session.
    Foreign,
}

/// How it ended.
pub struct Ended {
    /// None if it had to be stopped.
    pub status: Option<ExitStatus>,
    /// The end of its output.
    pub output: Vec<u8>,
    /// Whether that is all of it.
    pub whole: bool,
}

/// Runs it to its end, or to the end of its time.
pub fn run(task: Task<'_>) -> io::Result<Ended> {
    run_until(task, &mut || false)
}

/// The same, ended sooner where somebody says, who is asked several times a second, that it is enough.
pub fn run_until(task: Task<'_>, is_enough: &mut dyn FnMut() -> bool) -> io::Result<Ended> {
    runnable(task.program)?;
    let (reader, writer) = io::pipe()?;
    let (time, kept, whose) = (task.time, task.kept, task.whose);
    let mut child = {
        let mut command = command(task);
        command.stderr(if whose == Whose::Ours { writer.try_clone()?.into() } else { Stdio::null() }).stdout(writer);
        // The command keeps its copies of the pipe's end; they close with it, here.
        let hint = |error: io::Error| io::Error::new(error.kind(), format!("it is started by setsid: {error}"));
        command.spawn().map_err(hint)?
    };
    let reader = thread::spawn(move || end_of(reader, kept));
    let status = wait(&mut child, time, is_enough)?;
    if status.is_none() || whose == Whose::Foreign {
        stop(&child);
    }
    if status.is_none() {
        child.wait()?;
    }
    let (output, whole) = settled(reader);
    Ok(Ended { status, output, whole })
}

/// Those between us and the program could only say that they failed.
fn runnable(program: &str) -> io::Result<()> {
    let found = fs::metadata(program)?;
    match found.is_file() && found.permissions().mode() & 0o111 != 0 {
        true => Ok(()),
        false => Err(io::ErrorKind::PermissionDenied.into()),
    }
}

fn command(task: Task<'_>) -> Command {
    let foreign = task.whose == Whose::Foreign;
    let limits = if foreign { LIMITS } else { "" };
    let mut command = Command::new("setsid");
    command.args(["timeout", "--signal=KILL", &(task.time + GRACE).as_secs_f64().to_string()]);
    // Privileged, which here means: no function or file of the environment has a say.
    command.args(["bash", "-p", "-c", &format!("{CLOSED}{limits}exec \"$@\" </dev/null"), "bash"]);
    if task.user.is_some() || foreign {
        command.arg("setpriv");
    }
    if foreign {
        command.arg("--no-new-privs");
    }
    if let Some((user, group)) = task.user {
        command.args([format!("--reuid={user}"), format!("--regid={group}"), "--clear-groups".to_owned()]);
    }
    command.arg(task.program).args(task.arguments);
    command.current_dir("/").env_clear().env("PATH", PATH).env("LANG", "C.UTF-8").envs(task.environment);
    command.stdin(task.lock.map_or_else(Stdio::null, Stdio::from));
    command
}

/// None if its time is over, or if it is enough.
fn wait(child: &mut Child, time: Duration, is_enough: &mut dyn FnMut() -> bool) -> io::Result<Option<ExitStatus>> {
    let start = Instant::now();
    let mut pause = Duration::from_millis(5);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if start.elapsed() > time || is_enough() {
            return Ok(None);
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(200));
    }
}

/// Ends all processes of its group; there may be none any more.
fn stop(child: &Child) {
    if let Some(group) = Pid::from_raw(child.id() as i32) {
        let _ = kill_process_group(group, Signal::KILL);
    }
}

/// A daemon that it left behind may hold the pipe for ever; its words are not worth that.
fn settled(reader: thread::JoinHandle<(Vec<u8>, bool)>) -> (Vec<u8>, bool) {
    for _ in 0..50 {
        if reader.is_finished() {
            return reader.join().unwrap_or_default();
        }
        thread::sleep(Duration::from_millis(20));
    }
    (Vec::new(), false)
}

/// The last bytes, and whether there were no others.
fn end_of(mut output: PipeReader, most: usize) -> (Vec<u8>, bool) {
    let (mut kept, mut whole) = (VecDeque::new(), true);
    let mut buffer = [0; 4096];
    while let Ok(count) = output.read(&mut buffer) {
        if count == 0 {
            break;
        }
        kept.extend(&buffer[..count]);
        let over = kept.len().saturating_sub(most);
        whole &= over == 0;
        kept.drain(..over);
    }
    (kept.into(), whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{FlockOperation, flock};
    use std::path::Path;

    fn shell(text: &str) -> Vec<String> {
        vec!["-c".to_owned(), text.to_owned()]
    }

    fn task(arguments: &[String], whose: Whose) -> Task<'_> {
        let time = Duration::from_secs(20);
        let (environment, user, lock) = (Vec::new(), None, None);
        Task { program: "/bin/sh", arguments, environment, user, whose, time, kept: 4096, lock }
    }

    fn said(task: Task<'_>) -> String {
        String::from_utf8(run(task).unwrap().output).unwrap().trim().to_owned()
    }

    #[test]
    fn it_has_a_session_of_its_own_no_terminal_no_input_and_nothing_of_ours() {
        let text = "test \"$(cut -d' ' -f6 /proc/self/stat)\" != \"$0\" && echo apart; cut -d' ' -f7 /proc/self/stat; cat; \
                    readlink /proc/self/fd/0; for fd in 3 4 5 6 7 8 9; do [ -e /proc/$$/fd/$fd ] && echo $fd; done; env | grep -c CARGO";
        // Zero where our session is one that this machine does not see, as in a container.
        let session = fs::read_to_string("/proc/self/stat").unwrap().split(' ').nth(5).unwrap().to_owned();
        let arguments = [shell(text), vec![session]].concat();
        let lock = File::open("/").unwrap();
        let said = said(Task { lock: Some(lock), ..task(&arguments, Whose::Ours) });
        assert_eq!(said, "apart\n0\n/dev/null\n0");
    }

    #[test]
    fn nothing_that_whoever_started_us_left_open_reaches_it() {
        let arguments = shell("ls /proc/$$/fd");
        let ours = command(task(&arguments, Whose::Foreign));
        let mut parent = Command::new("bash");
        parent.args(["-c", "exec 3</ 9>&1 10</ 12</ 217</ ; exec \"$@\"", "bash"]);
        let said = parent.arg(ours.get_program()).args(ours.get_args()).output().unwrap();
        assert_eq!(String::from_utf8(said.stdout).unwrap(), "0\n1\n2\n");
    }

    #[test]
    fn a_lock_is_held_until_it_ends_and_it_cannot_let_it_go() {
        let folder = tempfile::tempdir().unwrap();
        let open = || File::open(folder.path()).unwrap();
        let (ours, other) = (open(), open());
        flock(&ours, FlockOperation::NonBlockingLockExclusive).unwrap();
        let pipe = folder.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let arguments = shell(&format!("flock --unlock 0; : >{0}; read go <{0}; sleep 5 & exit 0", pipe.display()));
        let runs = thread::spawn(move || run(Task { lock: Some(ours), ..task(&arguments, Whose::Ours) }).map(drop));
        // Our own copy is closed when the program has started: only `timeout` holds it from here on.
        drop(File::open(&pipe).unwrap());
        assert!(flock(&other, FlockOperation::NonBlockingLockExclusive).is_err());
        fs::write(&pipe, "go\n").unwrap();
        runs.join().unwrap().unwrap();
        flock(&other, FlockOperation::NonBlockingLockExclusive).expect("a process that it left behind has no copy");
    }

    #[test]
    fn what_is_foreign_has_limits_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let late = folder.path().join("late");
        let text =
            format!("ulimit -t; ulimit -c; grep NoNewPrivs /proc/self/status; (sleep 0.3; : >{}) &", late.display());
        assert_eq!(said(task(&shell(&text), Whose::Foreign)), "60\n0\nNoNewPrivs:\t1");
        thread::sleep(Duration::from_millis(600));
        assert!(!late.exists());
    }

    #[test]
    fn it_is_who_it_shall_be_and_nobody_else() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let text = "id -u; id -G; grep -c 'CapPrm:.0000000000000000' /proc/self/status";
        let said = said(Task { user: Some((4242, 4343)), ..task(&shell(text), Whose::Ours) });
        assert_eq!(said, "4242\n4343\n1");
    }

    #[test]
    fn only_so_much_is_kept_and_only_so_long_is_waited() {
        let ended = run(task(&shell("seq 100000"), Whose::Foreign)).unwrap();
        assert!(!ended.whole && ended.output.len() == 4096 && ended.output.ends_with(b"100000\n"));
        let start = Instant::now();
        let time = Duration::from_millis(100);
        assert!(run(Task { time, ..task(&shell("sleep 60 & sleep 60"), Whose::Ours) }).unwrap().status.is_none());
        assert!(start.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn its_end_is_seen_to_although_we_are_gone() {
        let start = Instant::now();
        let arguments = shell("sleep 60 & sleep 60");
        // Whoever was to wait for it was killed: nobody stops it from here.
        let mut left =
            command(Task { time: Duration::from_millis(100), ..task(&arguments, Whose::Ours) }).spawn().unwrap();
        assert!(!left.wait().unwrap().success() && start.elapsed() < Duration::from_secs(40));
        let group = Pid::from_raw(left.id() as i32).unwrap();
        // What is dead stays in its group until the machine's first process has taken note.
        while rustix::process::test_kill_process_group(group).is_ok() {
            assert!(start.elapsed() < Duration::from_secs(40), "its children are still there");
            thread::sleep(Duration::from_millis(20));
        }
    }

    #[test]
    fn what_cannot_be_run_is_told_as_such() {
        for (program, kind) in
            [("/nowhere/x", io::ErrorKind::NotFound), ("/etc/passwd", io::ErrorKind::PermissionDenied)]
        {
            assert!(Path::new("/etc/passwd").exists());
            assert_eq!(run(Task { program, ..task(&[], Whose::Ours) }).err().unwrap().kind(), kind);
        }
    }
}
