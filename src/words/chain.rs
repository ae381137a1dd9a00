//! Why something failed, from the outermost error to the first cause: as people read it.
//! A cause that the line above it ends with already is not said twice.
//! Not here: what is done about it.

use std::error::Error;

/// An error and its causes, outermost first, a line each.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let line = cause.to_string();
        if !text.ends_with(&line) {
            text = format!("{text}\n  because: {}", line.replace('\n', "\n  "));
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot read a")]
    struct Outer(#[source] io::Error);

    #[test]
    fn each_cause_is_said_once() {
        let error = Outer(io::Error::other("disk on fire"));
        assert_eq!(chain(&error), "cannot read a\n  because: disk on fire");
    }
}
