//! Tells people what is going on, on standard error: a bar on a terminal, a line now and then elsewhere.
//! It renders events; the work itself knows nothing of it.
//! Not here: results, which go to standard output.

use crate::words::event::Event;
use crate::words::shown;
use indicatif::{HumanBytes, HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Between two lines where there is no terminal, and between two rounds of retries that are told.
const PAUSE: Duration = Duration::from_secs(5);
/// Retries that are told in a round; a server that is down has thousands.
const MOST_RETRIES: u64 = 5;
/// How often a second a bar is drawn at most.
const DRAWS: u8 = 8;

/// Renders the events of one command.
pub struct Progress {
    quiet: bool,
    state: Mutex<State>,
}

struct State {
    bar: ProgressBar,
    stage: String,
    steps: u64,
    of_steps: u64,
    bytes: u64,
    of_bytes: u64,
    began: Instant,
    said: Instant,
    retries: u64,
    retried: Instant,
}

impl Progress {
    /// `quiet` tells nothing but retries.
    pub fn new(quiet: bool) -> Progress {
        Progress { quiet, state: Mutex::new(State::new(Instant::now())) }
    }

    /// Takes one event.
    pub fn tell(&self, event: Event) {
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let lines = state.take(event, self.quiet, Instant::now());
        if !lines.is_empty() {
            state.bar.suspend(|| lines.iter().for_each(|line| drop(writeln!(io::stderr(), "{}", shown::lines(line)))));
        }
    }
}

impl State {
    fn new(now: Instant) -> State {
        State {
            bar: ProgressBar::hidden(),
            stage: String::new(),
            steps: 0,
            of_steps: 0,
            bytes: 0,
            of_bytes: 0,
            began: now,
            said: now,
            retries: 0,
            retried: now,
        }
    }

    /// Moves the bar, and gives the lines that are worth one.
    fn take(&mut self, event: Event, quiet: bool, now: Instant) -> Vec<String> {
        match event {
            Event::Retry { what, why, wait_ms } => return self.retry(format!("{why}; {what} in {wait_ms} ms"), now),
            _ if quiet => {}
            Event::Stage { name, steps, bytes } => self.begin(name, steps, bytes, now),
            Event::Bytes(count) => return self.advance(count, 0, now),
            Event::Lost(count) => self.bytes = self.bytes.saturating_sub(count),
            Event::Step(name) => {
                self.bar.set_message(name);
                return self.advance(0, 1, now);
            }
            Event::Note(text) => return vec![text],
            Event::Done(text) => return self.done(&text, now),
        }
        Vec::new()
    }

    /// The first few of a round are told one by one, the others as their number when the next round begins.
    fn retry(&mut self, text: String, now: Instant) -> Vec<String> {
        let mut lines = Vec::new();
        if now.duration_since(self.retried) >= PAUSE {
            lines.extend(self.untold());
            (self.retries, self.retried) = (0, now);
        }
        self.retries += 1;
        if self.retries <= MOST_RETRIES {
            lines.push(text);
        }
        lines
    }

    fn untold(&mut self) -> Option<String> {
        let more = std::mem::take(&mut self.retries).saturating_sub(MOST_RETRIES);
        (more > 0).then(|| format!("… and {more} more were tried again"))
    }

    fn begin(&mut self, stage: String, of_steps: u64, of_bytes: u64, now: Instant) {
        self.bar.finish_and_clear();
        self.bar = ProgressBar::with_draw_target(Some(of_bytes.max(of_steps)), target());
        let shape = if of_bytes > 0 {
            "{prefix:>10} [{bar:24}] {bytes}/{total_bytes} {bytes_per_sec} {eta} {wide_msg}"
        } else {
            "{prefix:>10} {spinner} {pos} {wide_msg}"
        };
        if let Ok(style) = ProgressStyle::with_template(shape) {
            self.bar.set_style(style.progress_chars("=> "));
        }
        self.bar.set_prefix(stage.clone());
        (self.stage, self.of_steps, self.of_bytes, self.steps, self.bytes) = (stage, of_steps, of_bytes, 0, 0);
        (self.began, self.said) = (now, now);
    }

    fn advance(&mut self, bytes: u64, steps: u64, now: Instant) -> Vec<String> {
        self.bytes += bytes;
        self.steps += steps;
        self.bar.set_position(if self.of_bytes > 0 { self.bytes } else { self.steps });
        if !self.bar.is_hidden() || self.stage.is_empty() || now.duration_since(self.said) < PAUSE {
            return Vec::new();
        }
        self.said = now;
        vec![format!("{}: {}", self.stage, self.summary(now))]
    }

    fn summary(&self, now: Instant) -> String {
        let seconds = now.duration_since(self.began).as_secs_f64().max(0.001);
        let per_second = self.bytes as f64 / seconds;
        let rate = HumanBytes(per_second as u64);
        let left = self.of_bytes.saturating_sub(self.bytes) as f64 / per_second.max(1.0);
        let left =
            if left < 1.0 { String::new() } else { format!(", {} left", HumanDuration(Duration::from_secs_f64(left))) };
        let of = if self.of_bytes > 0 { format!(" of {}", HumanBytes(self.of_bytes)) } else { String::new() };
        let steps = if self.of_steps > 0 { format!("/{}", self.of_steps) } else { String::new() };
        format!("{}{steps} files, {}{of}, {rate}/s{left}", self.steps, HumanBytes(self.bytes))
    }

    fn done(&mut self, text: &str, now: Instant) -> Vec<String> {
        let moved = if self.bytes > 0 {
            format!(" ({}, {:.1?})", HumanBytes(self.bytes), now.duration_since(self.began))
        } else {
            String::new()
        };
        self.bar.finish_and_clear();
        self.bar = ProgressBar::hidden();
        self.stage.clear();
        self.untold().into_iter().chain([format!("{text}{moved}")]).collect()
    }
}

fn target() -> ProgressDrawTarget {
    if io::stderr().is_terminal() { ProgressDrawTarget::stderr_with_hz(DRAWS) } else { ProgressDrawTarget::hidden() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of these events, one each `step`, where there is no terminal.
    fn lines(events: impl Iterator<Item = Event>, step: Duration) -> Vec<String> {
        let mut now = Instant::now();
        let mut state = State::new(now);
        let mut told = Vec::new();
        for event in events {
            if let Event::Stage { name, steps, bytes } = event {
                (state.stage, state.of_steps, state.of_bytes) = (name, steps, bytes);
                continue;
            }
            now += step;
            told.extend(state.take(event, false, now));
        }
        told
    }

    #[test]
    fn ten_thousand_files_are_a_line_each_five_seconds() {
        let stage = Event::Stage { name: "fetch".into(), steps: 10_000, bytes: 10_000 };
        let files = (0..10_000).flat_map(|number| [Event::Bytes(1), Event::Step(format!("file {number}"))]);
        let events = [stage].into_iter().chain(files).chain([Event::Done("fetched 10000 files".into())]);
        let told = lines(events, Duration::from_millis(5));
        assert_eq!(told.len(), 20 + 1, "100 seconds and the end: {told:#?}");
        assert!(told[0].starts_with("fetch: 500/10000 files, 500 B of 9.77 KiB"), "{}", told[0]);
        assert!(told.iter().all(|line| !line.contains("file 9")), "no file has a line of its own");
    }

    #[test]
    fn a_server_that_is_down_is_not_told_thousands_of_times() {
        let retry = |_| Event::Retry { what: "again".into(), why: "refused".into(), wait_ms: 1 };
        let events = (0..9_000).map(retry).chain([Event::Done("gave up".into())]);
        let told = lines(events, Duration::from_millis(1));
        assert_eq!(told.len(), 2 * 5 + 1 + 2, "{told:#?}");
        assert!(told.contains(&"… and 4994 more were tried again".to_owned()), "{told:#?}");
    }
}
