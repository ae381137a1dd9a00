//! A mistake in a file that a person wrote: where it is, what is wrong, what would be right.
//! Every reader of a document collects all of them before it gives up.
//! Not here: failures of the machine, which are errors of the module that met them.

use super::shown::shown;
use std::fmt;
use std::ops::Range;

/// Where something was written: a file and its line, or an argument of the command line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// The file as the user named it.
    pub file: String,
    /// Its line, counted from 1; none if the file as a whole is meant.
    pub line: Option<usize>,
}

impl Origin {
    /// The file as a whole.
    pub fn of_file(file: &str) -> Origin {
        Origin { file: file.to_owned(), line: None }
    }

    /// A mistake that was written here.
    pub fn problem(&self, what: impl Into<String>, remedy: impl Into<String>) -> Problem {
        Problem { origin: self.clone(), what: what.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(out, "{}:{line}", self.file),
            None => out.write_str(&self.file),
        }
    }
}

/// One mistake in one document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Where it is.
    pub origin: Origin,
    /// What is wrong.
    pub what: String,
    /// What would be right.
    pub remedy: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What is wrong may be a name with a line end in it.
        write!(out, "{}: {}", self.origin, shown(&self.what))?;
        if self.remedy.is_empty() { Ok(()) } else { write!(out, "\n    {}", shown(&self.remedy)) }
    }
}

/// All mistakes that were found, in the order of file and line; never empty when it is an error.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Notes one more.
    pub fn add(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// Takes over another list.
    pub fn extend(&mut self, other: Problems) {
        self.0.extend(other.0);
    }

    /// How many they are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value if nothing was found, else everything that was, sorted.
    pub fn into_result<T>(self, value: T) -> Result<T, Problems> {
        if self.0.is_empty() { Ok(value) } else { Err(self.sorted()) }
    }

    /// The same list in the order of file and line, each once.
    pub fn sorted(mut self) -> Problems {
        self.0.sort();
        self.0.dedup();
        self
    }
}

impl IntoIterator for Problems {
    type Item = Problem;
    type IntoIter = std::vec::IntoIter<Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Problems {
        Problems(vec![problem])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.0.iter().enumerate() {
            write!(out, "{}{problem}", if at == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// A document with its name: turns byte spans into lines.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The file as the user named it.
    pub file: &'a str,
    /// Its whole text.
    pub text: &'a str,
}

impl Source<'_> {
    /// The line in which a byte lies.
    pub fn at(&self, byte: usize) -> Origin {
        let before = &self.text.as_bytes()[..byte.min(self.text.len())];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        Origin { file: self.file.to_owned(), line: Some(line) }
    }

    /// A problem at a span of this document.
    pub fn problem(&self, span: Range<usize>, what: impl Into<String>, remedy: impl Into<String>) -> Problem {
        self.at(span.start).problem(what, remedy)
    }

    /// A problem of this document as a whole.
    pub fn problem_of_file(&self, what: impl Into<String>, remedy: impl Into<String>) -> Problem {
        Origin::of_file(self.file).problem(what, remedy)
    }

    /// What the TOML reader found, as a problem.
    pub fn toml_problem(&self, error: &toml::de::Error) -> Problem {
        let what = error.message().trim_end().replace('\n', "; ");
        match error.span() {
            Some(span) => self.problem(span, what, ""),
            None => self.problem_of_file(what, ""),
        }
    }
}

/// Where the lines of a document begin: for readers that ask of many bytes, so that a long document costs no more.
#[derive(Debug, Clone)]
pub struct Lines<'a> {
    source: Source<'a>,
    ends: Vec<usize>,
}

impl<'a> Lines<'a> {
    /// Looks through the text once.
    pub fn of(source: Source<'a>) -> Lines<'a> {
        let ends = source.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at).collect();
        Lines { source, ends }
    }

    /// The line in which a byte lies.
    pub fn at(&self, byte: usize) -> Origin {
        let line = self.ends.partition_point(|end| *end < byte) + 1;
        Origin { file: self.source.file.to_owned(), line: Some(line) }
    }
}

/// The candidate that a mistyped word most likely meant: at most a third of its letters differ.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let scored = candidates.into_iter().map(|candidate| (strsim::levenshtein(word, candidate), candidate));
    scored.min().filter(|(far, _)| *far <= 1 + word.len() / 3).map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_becomes_a_line() {
        let source = Source { file: "a.toml", text: "x = 1\ny = 2\n" };
        let problem = source.problem(6..7, "`y` is wrong", "write z");
        assert_eq!(problem.to_string(), "a.toml:2: `y` is wrong\n    write z");
    }

    #[test]
    fn lines_are_the_same_when_they_are_counted_once() {
        let source = Source { file: "a.toml", text: "x = 1\n\ny = 2\n" };
        let lines = Lines::of(source);
        for byte in 0..20 {
            assert_eq!(lines.at(byte), source.at(byte), "{byte}");
        }
    }

    #[test]
    fn problems_come_sorted_and_once() {
        let source = Source { file: "a.toml", text: "x\ny\n" };
        let mut problems = Problems::default();
        problems.add(source.problem(2..3, "b", ""));
        problems.add(source.problem(0..1, "a", ""));
        problems.add(source.problem(0..1, "a", ""));
        assert_eq!(problems.into_result(()).unwrap_err().to_string(), "a.toml:1: a\na.toml:2: b");
    }

    #[test]
    fn a_mistyped_word_is_guessed() {
        assert_eq!(nearest("mavne", ["maven", "pypi", "file"]), Some("maven"));
        assert_eq!(nearest("zzzzzz", ["maven", "pypi"]), None);
    }
}
