//! Splits a text into words as a POSIX shell does: quotes and backslashes, and nothing else. No variable, no `*`, no `;`
//! and no `#` has a meaning, so nothing can be smuggled into a command line.
//! Not here: `${name}` of PNDA's properties, which is replaced before.

/// Why a text is no list of words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unbalanced {
    /// It begins and never ends.
    #[error("a quote {0} is opened and not closed")]
    Quote(char),
    /// Nothing follows.
    #[error("a backslash at the end escapes nothing")]
    Backslash,
    /// No program can be given one.
    #[error("there is a NUL character in it")]
    Nul,
}

/// The words of a text, in their order; `''` is an empty one.
pub fn split(text: &str) -> Result<Vec<String>, Unbalanced> {
    let (mut words, mut word) = (Vec::new(), None::<String>);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\0' => return Err(Unbalanced::Nul),
            ' ' | '\t' | '\n' | '\r' => words.extend(word.take()),
            '\'' => single(&mut chars, word.get_or_insert_default())?,
            '"' => double(&mut chars, word.get_or_insert_default())?,
            '\\' => match chars.next() {
                None => return Err(Unbalanced::Backslash),
                Some('\0') => return Err(Unbalanced::Nul),
                // A line that goes on.
                Some('\n') => {}
                Some(next) => word.get_or_insert_default().push(next),
            },
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

fn single(chars: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), Unbalanced> {
    for c in chars {
        match c {
            '\'' => return Ok(()),
            '\0' => return Err(Unbalanced::Nul),
            _ => word.push(c),
        }
    }
    Err(Unbalanced::Quote('\''))
}

fn double(chars: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), Unbalanced> {
    while let Some(c) = chars.next() {
        match c {
            '"' => return Ok(()),
            '\0' => return Err(Unbalanced::Nul),
            '\\' => match chars.next() {
                None => return Err(Unbalanced::Quote('"')),
                Some('\0') => return Err(Unbalanced::Nul),
                Some('\n') => {}
                Some(next @ ('"' | '\\' | '$' | '`')) => word.push(next),
                Some(next) => word.extend(['\\', next]),
            },
            _ => word.push(c),
        }
    }
    Err(Unbalanced::Quote('"'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// What `sh` makes of the same text.
    fn shell(text: &str) -> Vec<String> {
        let script = format!("printf '%s\\0' {text}");
        let output = Command::new("sh").args(["-c", &script]).output().unwrap();
        assert!(output.status.success(), "{text}");
        let printed = String::from_utf8(output.stdout).unwrap();
        printed.trim_end_matches('\0').split('\0').map(str::to_owned).collect()
    }

    #[test]
    fn words_are_those_of_a_shell() {
        for text in [
            "--port 9100 --windowtime 5",
            "- hdfs://localhost:8020/in  hdfs://localhost:8020/out",
            "--word '#test' \"a b\" c\\ d",
            "'it'\\''s' \"a\\\"b\\\\c\\d\" 'x\\y'",
            "a\"b c\"d'e f'g",
            "\"\\$HOME\" '$HOME' \\$HOME",
            "a\\\nb \"c\\\nd\"",
            "'' x \"\"x",
            "-Dä=\"日 本\"",
        ] {
            assert_eq!(split(text).unwrap(), shell(text), "{text}");
        }
    }

    #[test]
    fn nothing_is_expanded() {
        let text = "$HOME `id` $(id) * ~ ; | & > #x ${component_x} %n {a,b}";
        let words: Vec<&str> = text.split(' ').collect();
        assert_eq!(split(text).unwrap(), words);
        assert_eq!(split(" \t\r\n").unwrap(), Vec::<String>::new());
    }

    #[test]
    fn what_is_not_closed_is_refused() {
        assert_eq!(split("a 'b"), Err(Unbalanced::Quote('\'')));
        assert_eq!(split("a \"b\\"), Err(Unbalanced::Quote('"')));
        assert_eq!(split("a \"b\\\""), Err(Unbalanced::Quote('"')));
        assert_eq!(split("a\\"), Err(Unbalanced::Backslash));
        for text in ["a\0b", "'\0'", "\"\0\"", "\\\0"] {
            assert_eq!(split(text), Err(Unbalanced::Nul), "{text:?}");
        }
    }
}
