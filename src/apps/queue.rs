//! Which queue of YARN a user's work goes to: PNDA's map of users and groups to queues, and the one decision by it.
//! The map and the decision are pure; `choose` asks the file and the machine's users, for commands and submissions alike.
//! Not here: what YARN itself thinks of it, and how a command names a queue.

use disk::regular::{self, Links};
use std::io;
use std::path::{Path, PathBuf};
use systems::users::{self, Account};
use words::names::Word;
use words::problem::{Origin, Problem, Problems, Source};
use words::shown::shown;

/// Where PNDA has its map.
pub const FILE: &str = "/opt/pnda/rm-wrapper/policies/map.txt";
/// Nobody writes more than this by hand.
const LONGEST: u64 = 1 << 20;
/// How rules are written.
const FORMS: &str = "write `* QUEUE`, `USER: QUEUE` or `:GROUP QUEUE`";

/// A map: its rules in the order in which they count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Map(Vec<Rule>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    who: Who,
    queue: Word,
}

/// Whom a rule is for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Who {
    Everybody,
    User(String),
    Group(String),
}

/// What is decided: the queue, or why there is none.
pub type Decision<'a> = Result<&'a Word, Refused>;

/// Why there is no queue, in the words that PNDA's scripts look for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Nothing was asked for, and no rule is for this user.
    #[error("Error: No matching rule for {}", shown(user))]
    NoRule { user: String },
    /// The queue that was asked for is none of his.
    #[error("Error: No matching queue: {} may use {}, and not {}", shown(user), either(allowed), shown(requested))]
    NotHis { user: String, allowed: Vec<Word>, requested: String },
}

fn either(allowed: &[Word]) -> String {
    let names: Vec<&str> = allowed.iter().map(Word::as_str).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(" ") }
}

impl Map {
    /// Reads a map. A line that is no rule fits nobody, and is told; the others count.
    pub fn parse(source: Source<'_>) -> (Map, Problems) {
        let (mut map, mut problems) = (Map::default(), Problems::default());
        for (at, line) in source.text.lines().enumerate() {
            // What follows the queue is not read, as in PNDA.
            let mut words = line.split_ascii_whitespace();
            let Some(member) = words.next().filter(|member| !member.starts_with('#')) else { continue };
            match rule(member, words.next()) {
                Ok(rule) => map.0.push(rule),
                Err((what, remedy)) => {
                    let origin = Origin { file: source.file.to_owned(), line: Some(at + 1) };
                    problems.add(Problem { origin, what, remedy: remedy.to_owned() });
                }
            }
        }
        (map, problems)
    }
}

fn rule(member: &str, queue: Option<&str>) -> Result<Rule, (String, &'static str)> {
    let who = match member.split_once(':') {
        None if member == "*" => Who::Everybody,
        None => return Err((format!("`{member}` is neither a user nor a group"), FORMS)),
        Some(("", "")) => return Err(("`:` names nobody".to_owned(), FORMS)),
        Some(("", group)) => Who::Group(group.to_owned()),
        // A group behind a user does not count, as in PNDA.
        Some((user, _)) => Who::User(user.to_owned()),
    };
    let queue = queue.ok_or_else(|| (format!("the rule for `{member}` has no queue"), FORMS))?;
    let queue = Word::new(queue).map_err(|error| (error.to_string(), "write the queue as in `dev` or `root.dev`"))?;
    Ok(Rule { who, queue })
}

/// Decides: of the rules for this user, the first whose queue is the one asked for; the first at all if none is.
pub fn decide<'a>(map: &'a Map, user: &str, groups: &[String], requested: Option<&str>) -> Decision<'a> {
    let fits = |rule: &&Rule| match &rule.who {
        Who::Everybody => true,
        Who::User(name) => name == user,
        Who::Group(name) => groups.contains(name),
    };
    let his = || map.0.iter().filter(fits).map(|rule| &rule.queue);
    match requested {
        None => his().next().ok_or_else(|| Refused::NoRule { user: user.to_owned() }),
        Some(asked) => his().find(|queue| queue.as_str() == asked).ok_or_else(|| Refused::NotHis {
            user: user.to_owned(),
            allowed: his().cloned().collect(),
            requested: asked.to_owned(),
        }),
    }
}

/// Why no queue was chosen.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no map.
    #[error("{} file missing", .0.display())]
    Missing(PathBuf),
    /// It cannot be read.
    #[error("cannot read the map of queues {}", file.display())]
    Read { file: PathBuf, source: io::Error },
    /// The groups of the user cannot be looked up.
    #[error(transparent)]
    User(#[from] users::Error),
    /// The map does not have one; lines of it that are no rules may be why.
    #[error("{why}{}", and(mistakes))]
    Refused { why: Refused, mistakes: Problems },
}

impl Error {
    /// Whether it may be otherwise in a moment.
    pub fn is_passing(&self) -> bool {
        matches!(self, Error::User(users::Error::Database(_)))
    }
}

fn and(mistakes: &Problems) -> String {
    if mistakes.is_empty() { String::new() } else { format!("\n{mistakes}") }
}

/// The queue of a user by the map in a file, with the lines of it that are no rules.
pub fn choose(file: &Path, user: &Account, requested: Option<&str>) -> Result<(Word, Problems), Error> {
    let bytes = regular::read(file, Links::Follow, LONGEST).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => Error::Missing(file.to_owned()),
        _ => Error::Read { file: file.to_owned(), source },
    })?;
    // A comment may be in whatever encoding; a queue may not.
    let text = String::from_utf8_lossy(&bytes);
    let (map, mistakes) = Map::parse(Source { file: &file.display().to_string(), text: &text });
    match decide(&map, &user.name, &user.group_names()?, requested) {
        Ok(queue) => Ok((queue.clone(), mistakes)),
        Err(why) => Err(Error::Refused { why, mistakes }),
    }
}

#[cfg(test)]
mod tests;
