//! One thing that is wrong with a package's classes: where, how much it matters, and what to do.
//! Names of jars and classes are anybody's text; they are one line of marks here.
//! Not here: what is looked for.

use flink::Severity;
use std::fmt;
use words::shown::shown;

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// An error certainly fails, a warning may, and a note works.
    pub severity: Severity,
    /// The jar by its path in the component.
    pub jar: String,
    /// The class, with dots; empty if the jar is meant.
    pub class: String,
    /// What is wrong.
    pub what: String,
    /// What would be right.
    pub remedy: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}: ", shown(&self.jar), self.severity)?;
        if !self.class.is_empty() {
            write!(out, "{}: ", shown(&self.class))?;
        }
        write!(out, "{}", shown(&self.what))?;
        if self.remedy.is_empty() { Ok(()) } else { write!(out, "\n    {}", shown(&self.remedy)) }
    }
}

/// A number with its word.
pub fn many(number: usize, word: &str) -> String {
    let end = match word {
        _ if number == 1 => "",
        word if word.ends_with('s') => "es",
        _ => "s",
    };
    format!("{number} {word}{end}")
}
