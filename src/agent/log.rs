//! The agent's log: one line of key=value each, to stderr, without times, for the journal has its own.
//! Under systemd a line begins with its priority in the journal's own form, so that `journalctl -p` works.
//! Not here: what is worth a line.

use std::fmt::{Display, Write as _};
use std::io::Write as _;

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// A state changed.
    Info,
    /// Something failed and will be tried again.
    Warn,
}

/// Writes a line; there is nobody to tell if that fails.
pub(super) fn line(level: Level, message: &str, fields: &[(&str, &dyn Display)]) {
    let journal = std::env::var_os("JOURNAL_STREAM").is_some();
    let text = render(level, message, fields, journal);
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

fn render(level: Level, message: &str, fields: &[(&str, &dyn Display)], journal: bool) -> String {
    let (priority, name) = match level {
        Level::Info => ("<6>", "info"),
        Level::Warn => ("<4>", "warn"),
    };
    let mut text = if journal { priority.to_owned() } else { String::new() };
    // Writing to a String cannot fail.
    let _ = write!(text, "level={name} message={}", quoted(message));
    for (key, value) in fields {
        let _ = write!(text, " {key}={}", quoted(&value.to_string()));
    }
    text.push('\n');
    text
}

/// A value that cannot break out of its line or its field, whoever wrote it.
fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:+@,%".contains(c);
    if !value.is_empty() && value.chars().all(plain) {
        return value.to_owned();
    }
    let mut text = String::from('"');
    for c in value.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            c if c.is_control() => text.extend(c.escape_default()),
            c => text.push(c),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_fields_and_stays_one_line() {
        let fields: [(&str, &dyn Display); 3] =
            [("health", &"OK"), ("path", &"/jobs/overview"), ("story", &"say \"no\"\nlevel=info")];
        assert_eq!(
            render(Level::Warn, "flink OK", &fields, false),
            "level=warn message=\"flink OK\" health=OK path=/jobs/overview story=\"say \\\"no\\\"\\nlevel=info\"\n"
        );
    }

    #[test]
    fn the_journal_gets_the_priority() {
        assert_eq!(render(Level::Info, "up", &[], true), "<6>level=info message=up\n");
    }
}
