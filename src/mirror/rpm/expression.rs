//! Conditions between dependencies, as packages write them: `(a if b else c)`, `(a or b)`, `(a and b)`, `(a with b)`.
//! Text to a value, bounded in length and depth; a plain dependency is the simplest of them.
//! Not here: which packages make one true (`resolve`).

use super::relation::Relation;
use std::fmt;
use words::shown::shown;

/// The longest expression, and how deep it may nest.
const LONGEST: usize = 16 * 1024;
const DEEPEST: usize = 24;

/// What must hold.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Expression {
    /// Something that is provided.
    Plain(Relation),
    /// All of them.
    And(Vec<Expression>),
    /// One of them.
    Or(Vec<Expression>),
    /// One package that meets all of them.
    With(Vec<Expression>),
    /// One package that meets the first and not the second.
    Without(Box<Expression>, Box<Expression>),
    /// The first if the condition holds, else the last.
    If { then: Box<Expression>, condition: Box<Expression>, otherwise: Option<Box<Expression>> },
    /// The first unless the condition holds, then the last.
    Unless { then: Box<Expression>, condition: Box<Expression>, otherwise: Option<Box<Expression>> },
}

/// A text that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no dependency that is understood", shown(.0))]
pub struct BadExpression(String);

impl Expression {
    /// What a package needs; only a name in parentheses is more than plain.
    pub fn of(relation: &Relation) -> Result<Expression, BadExpression> {
        if !relation.name.starts_with('(') {
            return Ok(Expression::Plain(relation.clone()));
        }
        let text = &*relation.name;
        let refused = || BadExpression(text.chars().take(200).collect());
        if text.len() > LONGEST || relation.range.is_some() {
            return Err(refused());
        }
        let mut parser = Parser { rest: text };
        let expression = parser.operand(0).ok_or_else(refused)?;
        if parser.rest.trim().is_empty() { Ok(expression) } else { Err(refused()) }
    }
}

struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    /// `(…)`, or a name with perhaps a range.
    fn operand(&mut self, depth: usize) -> Option<Expression> {
        self.rest = self.rest.trim_start();
        let Some(inner) = self.rest.strip_prefix('(') else { return self.plain() };
        if depth > DEEPEST {
            return None;
        }
        self.rest = inner;
        let expression = self.chain(depth + 1)?;
        self.rest = self.rest.trim_start().strip_prefix(')')?;
        Some(expression)
    }

    fn chain(&mut self, depth: usize) -> Option<Expression> {
        let first = self.operand(depth)?;
        let Some(word) = self.operator() else { return Some(first) };
        let second = self.operand(depth)?;
        let boxed = |one, other| (Box::new(one), Box::new(other));
        match word {
            "if" | "unless" => {
                let otherwise = match self.operator() {
                    Some("else") => Some(Box::new(self.operand(depth)?)),
                    Some(_) => return None,
                    None => None,
                };
                let (then, condition) = boxed(first, second);
                Some(match word {
                    "if" => Expression::If { then, condition, otherwise },
                    _ => Expression::Unless { then, condition, otherwise },
                })
            }
            "without" => {
                let (with, without) = boxed(first, second);
                Some(Expression::Without(with, without))
            }
            "and" | "or" | "with" => {
                let mut all = vec![first, second];
                while let Some(again) = self.operator() {
                    all.push(self.operand(depth).filter(|_| again == word)?);
                }
                Some(match word {
                    "and" => Expression::And(all),
                    "or" => Expression::Or(all),
                    _ => Expression::With(all),
                })
            }
            _ => None,
        }
    }

    fn plain(&mut self) -> Option<Expression> {
        let name = self.word()?;
        let before = self.rest;
        let range = match self.word().and_then(super::relation::Comparison::of_sign) {
            Some(comparison) => Some((comparison, self.word()?.into())),
            None => {
                self.rest = before;
                None
            }
        };
        Some(Expression::Plain(Relation { name: name.into(), range }))
    }

    fn operator(&mut self) -> Option<&'a str> {
        self.word()
    }

    /// The next word; parentheses inside it belong to it, as in `libz.so.1()(64bit)`.
    fn word(&mut self) -> Option<&'a str> {
        self.rest = self.rest.trim_start();
        let mut depth = 0_usize;
        let mut end = self.rest.len();
        for (at, character) in self.rest.char_indices() {
            match character {
                '(' => depth += 1,
                ')' if depth == 0 => {
                    end = at;
                    break;
                }
                ')' => depth -= 1,
                _ if character.is_whitespace() => {
                    end = at;
                    break;
                }
                _ => {}
            }
        }
        let word;
        (word, self.rest) = self.rest.split_at(end);
        Some(word).filter(|word| !word.is_empty())
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = |all: &[Expression], word: &str| {
            all.iter().map(Expression::to_string).collect::<Vec<_>>().join(&format!(" {word} "))
        };
        let end = |otherwise: &Option<Box<Expression>>| {
            otherwise.as_ref().map(|otherwise| format!(" else {otherwise}")).unwrap_or_default()
        };
        match self {
            Expression::Plain(relation) => relation.fmt(out),
            Expression::And(all) => write!(out, "({})", joined(all, "and")),
            Expression::Or(all) => write!(out, "({})", joined(all, "or")),
            Expression::With(all) => write!(out, "({})", joined(all, "with")),
            Expression::Without(one, other) => write!(out, "({one} without {other})"),
            Expression::If { then, condition, otherwise } => {
                write!(out, "({then} if {condition}{})", end(otherwise))
            }
            Expression::Unless { then, condition, otherwise } => {
                write!(out, "({then} unless {condition}{})", end(otherwise))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_read_back_as_they_were() {
        for text in [
            "libz.so.1()(64bit)",
            "config(app) = 1:2.0",
            "(a if b)",
            "(a >= 2 if b < 1:3 else c)",
            "(a or b or perl(Foo::Bar))",
            "(a and (b or c))",
            "(a unless b)",
            "(font(:lang=de) with x)",
            "(python3dist(a) >= 1 with python3dist(a) < 2)",
            "(a without b)",
            "((a if b) and (c if d))",
        ] {
            let relation = if text.starts_with('(') { Relation::any(text) } else { Relation::parse(text).unwrap() };
            assert_eq!(Expression::of(&relation).map(|read| read.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn what_is_none_is_refused() {
        let deep = format!("{}a{}", "(".repeat(5000), ")".repeat(5000));
        for text in ["(", "(a", "(a or)", "(a xor b)", "(a and b or c)", "(a if b else c else d)", "(a) b", "()", &deep]
        {
            assert!(Expression::of(&Relation::any(text)).is_err(), "{text}");
        }
    }
}
