//! Texts as words of a shell: whatever a text holds, it stays one word.
//! Every value that comes into a script or a command line of a shell passes through here.
//! Not here: splitting a command line into words.

/// A text as one word of POSIX sh.
pub fn word(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_word_stays_one_word() {
        assert_eq!(word("a b"), "'a b'");
        assert_eq!(word("it's $(x)"), r"'it'\''s $(x)'");
        assert_eq!(word(""), "''");
    }
}
