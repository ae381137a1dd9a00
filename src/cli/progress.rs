//! Tells people what is going on, on standard error: a bar on a terminal, a line now and then elsewhere.
//! It renders events; the work itself knows nothing of it.
//! Not here: results, which go to standard output.

use crate::words::event::Event;
use indicatif::{HumanBytes, HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Between two lines where there is no terminal.
const PAUSE: Duration = Duration::from_secs(5);

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
}

impl Progress {
    /// `quiet` tells nothing but retries.
    pub fn new(quiet: bool) -> Progress {
        let now = Instant::now();
        let bar = ProgressBar::hidden();
        let (stage, steps, of_steps, bytes, of_bytes) = (String::new(), 0, 0, 0, 0);
        Progress {
            quiet,
            state: Mutex::new(State { bar, stage, steps, of_steps, bytes, of_bytes, began: now, said: now }),
        }
    }

    /// Takes one event.
    pub fn tell(&self, event: Event) {
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match event {
            Event::Retry { what, why, wait_ms } => state.line(&format!("{why}; {what} in {wait_ms} ms")),
            _ if self.quiet => {}
            Event::Stage { name, steps, bytes } => state.begin(name, steps, bytes),
            Event::Bytes(count) => state.advance(count, 0),
            Event::Lost(count) => state.bytes = state.bytes.saturating_sub(count),
            Event::Step(name) => {
                state.bar.set_message(name);
                state.advance(0, 1);
            }
            Event::Note(text) => state.line(&text),
            Event::Done(text) => state.done(&text),
        }
    }
}

impl State {
    fn begin(&mut self, stage: String, of_steps: u64, of_bytes: u64) {
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
        self.began = Instant::now();
        self.said = self.began;
    }

    fn advance(&mut self, bytes: u64, steps: u64) {
        self.bytes += bytes;
        self.steps += steps;
        self.bar.set_position(if self.of_bytes > 0 { self.bytes } else { self.steps });
        if self.bar.is_hidden() && self.said.elapsed() >= PAUSE && !self.stage.is_empty() {
            self.said = Instant::now();
            let text = format!("{}: {}", self.stage, self.summary());
            self.line(&text);
        }
    }

    fn summary(&self) -> String {
        let seconds = self.began.elapsed().as_secs_f64().max(0.001);
        let per_second = self.bytes as f64 / seconds;
        let rate = HumanBytes(per_second as u64);
        let left = self.of_bytes.saturating_sub(self.bytes) as f64 / per_second.max(1.0);
        let left =
            if left < 1.0 { String::new() } else { format!(", {} left", HumanDuration(Duration::from_secs_f64(left))) };
        let of = if self.of_bytes > 0 { format!(" of {}", HumanBytes(self.of_bytes)) } else { String::new() };
        let steps = if self.of_steps > 0 { format!("/{}", self.of_steps) } else { String::new() };
        format!("{}{steps} files, {}{of}, {rate}/s{left}", self.steps, HumanBytes(self.bytes))
    }

    fn done(&mut self, text: &str) {
        let moved = if self.bytes > 0 {
            format!(" ({}, {:.1?})", HumanBytes(self.bytes), self.began.elapsed())
        } else {
            String::new()
        };
        self.bar.finish_and_clear();
        self.bar = ProgressBar::hidden();
        self.line(&format!("{text}{moved}"));
        self.stage.clear();
    }

    fn line(&self, text: &str) {
        self.bar.suspend(|| drop(writeln!(io::stderr(), "{text}")));
    }
}

fn target() -> ProgressDrawTarget {
    if io::stderr().is_terminal() { ProgressDrawTarget::stderr_with_hz(8) } else { ProgressDrawTarget::hidden() }
}
