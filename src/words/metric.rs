//! One measured value as PNDA knows it: where it is from, its name, what it says and why.
//! The console, Graphite and the agent's own pages all render the same list of these.
//! Not here: how any of them writes it.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;

/// Whether something is well; the worse is the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Health {
    /// All is well.
    Ok,
    /// It works, and somebody should look.
    Warn,
    /// It does not work.
    Error,
}

impl Health {
    /// The number that stands for it where only numbers are kept: 0, 1 or 2.
    pub fn level(self) -> u8 {
        match self {
            Health::Ok => 0,
            Health::Warn => 1,
            Health::Error => 2,
        }
    }

    /// PNDA's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Health::Ok => "OK",
            Health::Warn => "WARN",
            Health::Error => "ERROR",
        }
    }
}

impl fmt::Display for Health {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// What a metric says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Yes or no.
    Flag(bool),
    /// A whole number; PNDA writes -1 where it could not be measured.
    Number(i64),
    /// A text.
    Text(String),
    /// A health.
    Health(Health),
}

impl fmt::Display for Value {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Flag(flag) => write!(out, "{flag}"),
            Value::Number(number) => write!(out, "{number}"),
            Value::Text(text) => out.write_str(text),
            Value::Health(health) => write!(out, "{health}"),
        }
    }
}

/// One value at one time. Names are fixed in the program, or made of checked ones: the console splits them at `:`, Graphite at
/// blanks and dots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metric {
    /// The service it is about.
    pub source: Cow<'static, str>,
    /// Its name.
    pub name: Cow<'static, str>,
    /// What it says.
    pub value: Value,
    /// Why it is not well; empty for all but health.
    pub causes: Vec<String>,
    /// When it was measured, in milliseconds since 1970.
    pub at_ms: u64,
}

impl Metric {
    /// The causes as PNDA passes them on: a JSON array in a text.
    pub fn causes_text(&self) -> String {
        serde_json::Value::from(self.causes.clone()).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worse_health_is_the_greater() {
        assert!(Health::Ok < Health::Warn && Health::Warn < Health::Error);
        let levels = [Health::Ok, Health::Warn, Health::Error].map(Health::level);
        assert_eq!(levels, [0, 1, 2]);
    }

    #[test]
    fn causes_are_a_json_array_in_a_text() {
        let causes = vec!["it says \"no\"".to_owned(), "and\nno".to_owned()];
        let value = Value::Health(Health::Error);
        let metric = Metric { source: "flink".into(), name: "flink.health".into(), value, causes, at_ms: 1 };
        assert_eq!(metric.causes_text(), r#"["it says \"no\"","and\nno"]"#);
    }
}
