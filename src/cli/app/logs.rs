//! Logs on a screen: each file under whose it is, once or until the component is over.
//! Who follows asks again once a second for what is new; a manager that does not answer for a moment ends nothing.
//! Not here: where the logs come from.

use super::wait::{ENDED_BY_OTHERS, NOT_SEEN, PAUSE, SILENCE, unseen};
use crate::cli::failure::{FAILED, Failure, Outcome, say, say_json, warn};
use crate::systems::manager::Client;
use crate::words::application::{Following, LogFile, Logs, State};
use crate::words::names::{ApplicationName, ComponentName};
use crate::words::shown::shown;
use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Bytes of the ends of a process's files.
const ENDS: u64 = 256 << 10;
/// The same where it goes on.
const BEGINNING: u64 = 8 << 10;
/// What is new of a process in a second, at most; what is more comes later.
const NEWS: u64 = 4 << 20;
/// YARN brings the last lines to HDFS in a few seconds, unless a node is lost.
const LAST_LINES: Duration = Duration::from_secs(60);

/// Prints logs once, as text or as JSON, or until the component is over.
pub(super) fn run(
    client: &Client,
    application: &ApplicationName,
    component: &ComponentName,
    bytes: Option<u64>,
    (follows, json): (bool, bool),
) -> Outcome {
    if follows {
        return follow(client, application, component, bytes.unwrap_or(BEGINNING));
    }
    print(&client.logs(application, component, bytes.unwrap_or(ENDS))?, json)?;
    Ok(ExitCode::SUCCESS)
}

fn print(logs: &Logs, json: bool) -> Result<(), Failure> {
    if json {
        return say_json(logs);
    }
    let texts: Vec<String> =
        logs.files.iter().map(|file| format!("{}{}\n", heading(file), file.text.trim_end())).collect();
    if !texts.is_empty() {
        say(&texts.join("\n"))?;
    }
    logs.notes.iter().try_for_each(|note| warn(note))?;
    Ok(())
}

/// Whose a file is; its part, where it is not there from its beginning.
fn heading(file: &LogFile) -> String {
    let part = match file.from {
        0 => String::new(),
        from => format!(", from byte {from} of {}", file.size),
    };
    format!("==> {}, attempt {}: {}{part} <==\n", shown(&file.process), file.attempt, shown(&file.name))
}

fn follow(client: &Client, application: &ApplicationName, component: &ComponentName, bytes: u64) -> Outcome {
    let mut printer = Printer::default();
    let (mut silent, mut over): (Option<Instant>, Option<Instant>) = (None, None);
    loop {
        match client.follow(application, component, &printer.following(bytes)) {
            Ok(logs) => {
                silent = None;
                printer.print(&logs)?;
                match (logs.state.is_over(), logs.files.is_empty()) {
                    (false, _) => over = None,
                    // There may be more of it at once.
                    (true, false) => continue,
                    (true, true) => {
                        let waited = over.get_or_insert_with(Instant::now).elapsed();
                        if !logs.pending || waited > LAST_LINES {
                            return Ok(code(logs.state));
                        }
                    }
                }
            }
            // Whoever was never answered is refused, or there is nobody.
            Err(failure) if !printer.was_answered => return Err(failure.into()),
            Err(failure) if silent.get_or_insert_with(Instant::now).elapsed() > SILENCE => return Err(unseen(failure)),
            Err(_) => {}
        }
        sleep(PAUSE);
    }
}

/// As for whoever waits for the end; a stop that was ordered is no failure here.
fn code(state: State) -> ExitCode {
    ExitCode::from(match state {
        State::Failed => FAILED,
        State::Cancelled | State::Killed => ENDED_BY_OTHERS,
        State::Lost => NOT_SEEN,
        _ => 0,
    })
}

/// What was printed so far.
#[derive(Default)]
struct Printer {
    was_answered: bool,
    /// How far, by container and name.
    read: BTreeMap<String, BTreeMap<String, u64>>,
    /// Whose lines stand last on the screen.
    last: Option<(String, String)>,
    notes: BTreeSet<String>,
}

impl Printer {
    /// Until there was a log its end is wanted, from then on what is new.
    fn following(&self, bytes: u64) -> Following {
        match self.read.is_empty() {
            true => Following { bytes, read: None },
            false => Following { bytes: NEWS, read: Some(self.read.clone()) },
        }
    }

    fn print(&mut self, logs: &Logs) -> Result<(), Failure> {
        self.was_answered = true;
        for file in &logs.files {
            let of = (file.container.clone(), file.name.clone());
            let is_new = self.last.as_ref() != Some(&of);
            let gap = if is_new && self.last.is_some() { "\n" } else { "" };
            let head = if is_new { format!("{gap}{}", heading(file)) } else { String::new() };
            say(&format!("{head}{}", file.text))?;
            self.note(file);
            self.last = Some(of);
        }
        for note in &logs.notes {
            if self.notes.insert(note.clone()) {
                warn(note)?;
            }
        }
        Ok(())
    }

    /// Remembers how far a file was printed.
    fn note(&mut self, file: &LogFile) {
        let read = self.read.entry(file.container.clone()).or_default();
        if read.insert(file.name.clone(), file.to).is_some_and(|before| file.to < before) {
            // It has begun anew: what it was until then has another one's name now.
            read.remove(&format!("{}.1", file.name));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, from: u64, to: u64) -> LogFile {
        let (process, container, text) = ("JobManager".into(), "container_1_2_01_000001".into(), String::new());
        LogFile { process, attempt: 1, container, name: name.into(), size: 900, from, to, text }
    }

    #[test]
    fn a_heading_tells_whose_a_file_is_and_what_is_left_out_and_no_id() {
        assert_eq!(heading(&file("jobmanager.log", 0, 9)), "==> JobManager, attempt 1: jobmanager.log <==\n");
        let part = "==> JobManager, attempt 1: a\\n.log, from byte 5 of 900 <==\n";
        assert_eq!(heading(&file("a\n.log", 5, 9)), part);
    }

    #[test]
    fn ends_are_asked_for_until_there_are_any_and_then_what_is_new() {
        let mut printer = Printer::default();
        assert_eq!(printer.following(70), Following { bytes: 70, read: None });
        printer.note(&file("a.log", 0, 80));
        printer.note(&file("a.log.1", 0, 500));
        let read = printer.following(70).read.unwrap();
        assert_eq!(read["container_1_2_01_000001"], BTreeMap::from([("a.log".into(), 80), ("a.log.1".into(), 500)]));
        printer.note(&file("a.log", 0, 20));
        assert_eq!(printer.read["container_1_2_01_000001"], BTreeMap::from([("a.log".into(), 20)]));
    }
}
