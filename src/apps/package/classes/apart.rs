//! Looking at classes in a process of its own, which gives all its memory back: a question and the archive go in, what was found
//! comes out. That process bounds its own memory and time.
//! Not here: what is looked for, and what is remembered of it.

use super::{Severity, Target, check, finding, jars};
use crate::package::flink::Program;
use rustix::process::{Resource, Rlimit, setrlimit};
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;
use words::application::Finding;
use words::chain::chain;
use words::names::PackageName;
use words::shown::shown;

/// The hidden command of the program that looks.
pub const COMMAND: &str = "look-at-classes";
/// A question names the files of one component.
const LONGEST_QUESTION: u64 = 4 << 20;
/// What is found is told in lines, and only so many of a kind.
const LONGEST_ANSWER: u64 = 16 << 20;
/// Six times what the classes of Flink and Hadoop take, and less than the unit of the manager may have, who goes on.
const MOST_MEMORY: u64 = 384 << 20;
const MOST_TIME: Duration = Duration::from_secs(60);

/// What is to be looked at, and where it will run.
#[derive(Debug, Serialize, Deserialize)]
pub struct Question {
    /// The package whose archive it is.
    pub package: PackageName,
    /// The component's folder in it.
    pub folder: String,
    /// What is run.
    pub program: Program,
    /// The release of Flink on this node.
    pub flink: PathBuf,
    /// Folders with Hadoop's jars.
    pub hadoop: Vec<PathBuf>,
    /// The oldest Java of the nodes.
    pub java: u16,
}

/// What was found, or why nobody could look.
pub type Answer = Result<Vec<Finding>, String>;

/// Looks in this process.
pub fn look(question: &Question, archive: impl Read) -> Answer {
    let Question { package, folder, program, flink, hadoop, java } = question;
    let target = Target::open(flink, hadoop, *java).map_err(|error| chain(&error))?;
    let jars = jars(package, archive, *java).map_err(|error| error.to_string())?;
    let found = jars.get(folder).map_or_else(Vec::new, |jars| check(program, jars, &target));
    Ok(found.into_iter().filter_map(|finding| told(folder, finding)).collect())
}

/// Has a program look: ours, under its hidden command.
pub fn ask(program: &Path, question: &Question, mut archive: impl Read) -> Answer {
    let failed = |error: io::Error| format!("the process that looks at them: {error}");
    let mut command = Command::new(program);
    // By its name a program of ours knows which one it is, and not by the path that is asked for here.
    command
        .arg0("pnda-agent")
        .arg(COMMAND)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut process = command.spawn().map_err(failed)?;
    // It says nothing before it has read all.
    let sent = process.stdin.take().map_or(Ok(()), |mut input| {
        serde_json::to_writer(&mut input, question)?;
        input.write_all(b"\n")?;
        io::copy(&mut archive, &mut input).map(drop)
    });
    let mut text = Vec::new();
    let read = process.stdout.take().map_or(Ok(0), |output| output.take(LONGEST_ANSWER).read_to_end(&mut text));
    let ended = process.wait().map_err(failed)?;
    // Why it ended says more than that it took no more.
    if !ended.success() {
        return Err(format!(
            "the process that looks at them ended before its time ({ended}): it may need more memory or time than it may have"
        ));
    }
    sent.and(read).map_err(failed)?;
    serde_json::from_slice(&text).unwrap_or_else(|error| Err(failed(error.into())))
}

/// The other end of it: reads a question and an archive, and answers.
pub fn serve(mut input: impl BufRead, mut output: impl Write) -> io::Result<()> {
    setrlimit(Resource::As, Rlimit { current: Some(MOST_MEMORY), maximum: Some(MOST_MEMORY) })?;
    thread::spawn(|| {
        thread::sleep(MOST_TIME);
        std::process::exit(1);
    });
    let mut line = Vec::new();
    (&mut input).take(LONGEST_QUESTION).read_until(b'\n', &mut line)?;
    let answer = look(&serde_json::from_slice(&line)?, &mut input);
    // Whoever asks writes all of it.
    io::copy(&mut input, &mut io::sink())?;
    serde_json::to_writer(&mut output, &answer)?;
    output.flush()
}

fn told(folder: &str, finding: finding::Finding) -> Option<Finding> {
    let finding::Finding { severity, jar, class, what, remedy } = finding;
    let class = if class.is_empty() { String::new() } else { format!("{}: ", shown(&class)) };
    let (place, what) = (format!("{folder}/{jar}"), format!("{class}{what}"));
    match severity {
        Severity::Error => Some(Finding::refusal(place, what, remedy)),
        Severity::Warning => Some(Finding::warning(place, what, remedy)),
        Severity::Note => None,
    }
}
