//! A template taken apart: its tags as words with their lines, and its text as the engine gets it. A tag's line end goes
//! into the tag, and what indents a tag alone goes away, so that a line of tags prints nothing and lines keep their numbers.
//! Not here: what the words mean (`dialect`), or printing (`template`).

/// What may stand between the marks of a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What<'a> {
    Word(&'a str),
    Quoted(&'a str),
    Number,
    Mark(&'a str),
}

/// One of them, and its line, counted from 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'a> {
    pub(super) what: What<'a>,
    pub(super) line: usize,
}

/// `{{ … }}` or `{% … %}`.
#[derive(Debug)]
pub(super) struct Tag<'a> {
    /// Whether it prints a value.
    pub(super) prints: bool,
    pub(super) tokens: Vec<Token<'a>>,
}

/// A template taken apart.
#[derive(Debug)]
pub(super) struct Parts<'a> {
    pub(super) tags: Vec<Tag<'a>>,
    /// The text for the engine.
    pub(super) text: String,
}

/// Marks of two characters and more, the longest first.
const MARKS: [&str; 9] = ["...", "==", "!=", ">=", "<=", "//", "**", "?.", "?["];

/// Takes a text apart. What is not closed stays as it is: the engine says so.
pub(super) fn parts(text: &str) -> Parts<'_> {
    let mut reader = Reader { text, at: 0, line: 1, parts: Parts { tags: Vec::new(), text: String::new() } };
    while let Some(start) = reader.next_tag(reader.at) {
        reader.one(start);
    }
    reader.parts.text.push_str(&text[reader.at..]);
    reader.parts
}

struct Reader<'a> {
    text: &'a str,
    /// Everything before it has been read, to the line given.
    at: usize,
    line: usize,
    parts: Parts<'a>,
}

impl<'a> Reader<'a> {
    fn next_tag(&self, from: usize) -> Option<usize> {
        let starts = |pair: &[u8]| pair[0] == b'{' && matches!(pair[1], b'{' | b'%' | b'#');
        self.text.as_bytes()[from..].windows(2).position(starts).map(|at| from + at)
    }

    /// Reads what stands before a tag, and the tag.
    fn one(&mut self, start: usize) {
        self.print_before(start);
        match self.text.as_bytes()[start + 1] {
            b'{' => {
                let read = self.tokens(start + 2, "}}");
                self.keep(start, true, read);
            }
            b'%' => {
                let read = self.tokens(start + 2, "%}");
                let tokens = read.as_ref().map(|(tokens, _)| tokens.as_slice());
                let raw = matches!(tokens, Some([Token { what: What::Word("raw"), .. }]));
                self.keep(start, false, read);
                if raw {
                    self.skip_raw();
                }
            }
            _ => match self.text[start..].find("#}") {
                Some(length) => self.print_tag(start, start + length + 2),
                None => self.print_rest(),
            },
        }
    }

    /// What stands before a tag, without what indents a tag that begins its line.
    fn print_before(&mut self, start: usize) {
        let before = &self.text[self.at..start];
        let line = self.text[..start].rfind('\n').map_or(0, |end| end + 1);
        let bare = self.text[line..start].chars().all(char::is_whitespace);
        let prints = self.text.as_bytes()[start + 1] == b'{';
        let dashed = matches!(self.text.as_bytes().get(start + 2), Some(b'-'));
        let kept = if bare && !prints && !dashed { line.max(self.at) - self.at } else { before.len() };
        self.parts.text.push_str(&before[..kept]);
        self.line += before.matches('\n').count();
        self.at = start;
    }

    fn keep(&mut self, start: usize, prints: bool, read: Option<(Vec<Token<'a>>, usize)>) {
        let Some((tokens, end)) = read else { return self.print_rest() };
        if prints {
            self.parts.text.push_str(&self.text[start..end]);
            self.line += self.text[start..end].matches('\n').count();
            self.at = end;
        } else {
            self.print_tag(start, end);
        }
        self.parts.tags.push(Tag { prints, tokens });
    }

    /// A tag that prints nothing: the line end behind it goes into it.
    fn print_tag(&mut self, start: usize, end: usize) {
        let tag = &self.text[start..end];
        let rest = &self.text[end..];
        let line_end = ["\r\n", "\n"].into_iter().find(|line_end| rest.starts_with(line_end));
        // After a dash the engine takes all white space away.
        let line_end = line_end.filter(|_| !tag[..tag.len() - 2].ends_with('-')).unwrap_or_default();
        let (open, close) = tag.split_at(tag.len() - 2);
        self.parts.text.push_str(open);
        self.parts.text.push_str(line_end);
        self.parts.text.push_str(close);
        self.line += tag.matches('\n').count() + usize::from(!line_end.is_empty());
        self.at = end + line_end.len();
    }

    /// Leaves out what stands between `raw` and `endraw`; the latter is read as a tag again.
    fn skip_raw(&mut self) {
        let mut from = self.at;
        while let Some(length) = self.text[from..].find("{%") {
            let start = from + length;
            let inside = self.text[start + 2..].trim_start_matches('-').trim_ascii_start();
            if inside.starts_with("endraw") {
                self.print_before(start);
                let read = self.tokens(start + 2, "%}");
                return self.keep(start, false, read);
            }
            from = start + 2;
        }
        self.print_rest();
    }

    fn print_rest(&mut self) {
        self.parts.text.push_str(&self.text[self.at..]);
        self.at = self.text.len();
    }

    /// The tokens of a tag and where it ends; none if it is not closed.
    fn tokens(&self, from: usize, close: &str) -> Option<(Vec<Token<'a>>, usize)> {
        let (mut at, mut line, mut tokens) = (from, self.line, Vec::new());
        loop {
            let rest = &self.text[at..];
            if rest.starts_with(close) {
                return Some((tokens, at + close.len()));
            }
            let (length, token) = lexed(rest)?;
            let dash = token == Some(What::Mark("-"));
            let first = dash && tokens.is_empty() && at == from;
            let last = dash && rest[1..].starts_with(close);
            if let Some(what) = token.filter(|_| !first && !last) {
                tokens.push(Token { what, line });
            }
            line += rest[..length].matches('\n').count();
            at += length;
        }
    }
}

/// The length of the first token of a text, and the token, none for white space; none at the end.
fn lexed(text: &str) -> Option<(usize, Option<What<'_>>)> {
    let first = text.chars().next()?;
    let run = |good: fn(char) -> bool| text.find(|c: char| !good(c)).unwrap_or(text.len());
    Some(match first {
        c if c.is_ascii_whitespace() => (run(|c| c.is_ascii_whitespace()), None),
        '"' | '\'' | '`' => {
            let length = quoted(text, first)?;
            (length, Some(What::Quoted(&text[1..length - 1])))
        }
        c if c.is_ascii_digit() => (run(|c| c.is_ascii_digit()), Some(What::Number)),
        c if c.is_ascii_alphabetic() || c == '_' => {
            let length = run(|c| c.is_ascii_alphanumeric() || c == '_');
            (length, Some(What::Word(&text[..length])))
        }
        _ => {
            let mark = MARKS.into_iter().find(|mark| text.starts_with(mark));
            let length = mark.map_or(first.len_utf8(), str::len);
            (length, Some(What::Mark(&text[..length])))
        }
    })
}

/// The length of a quoted text with its quotes.
fn quoted(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    let end = text.char_indices().skip(1).find(|(_, c)| {
        let ends = !escaped && *c == quote;
        escaped = !escaped && *c == '\\';
        ends
    });
    end.map(|(at, _)| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_tags_prints_nothing_and_lines_keep_their_numbers() {
        let cases = [
            ("a\n  {% if x %}\nb\n{% endif %}\nc", "a\n{% if x \n%}b\n{% endif \n%}c"),
            ("{# about #}\r\nb", "{# about \r\n#}b"),
            ("a {% if x %}\nb", "a {% if x \n%}b"),
            ("  {{ x }}\n  {{ y }}", "  {{ x }}\n  {{ y }}"),
            ("\n  {%- if x -%}\n b", "\n  {%- if x -%}\n b"),
            ("{% set x = \"%}\" %}\nb", "{% set x = \"%}\" \n%}b"),
            ("{% raw %}\n {{ x }}\n  {% endraw %}\nb", "{% raw \n%} {{ x }}\n{% endraw \n%}b"),
            ("{{ x }}  {% if x %}", "{{ x }}  {% if x %}"),
            ("{% if x", "{% if x"),
            ("${#x} {{", "${#x} {{"),
        ];
        for (text, expected) in cases {
            let parts = parts(text);
            assert_eq!(parts.text, expected);
            assert_eq!(parts.text.lines().count(), text.lines().count());
        }
    }

    #[test]
    fn tokens_have_their_lines() {
        let parts = parts("a\n{% if x.y\n   == \"z\\\"}}\" -%}\n{{ -1 - y[0] }}");
        let read = |at: usize| parts.tags[at].tokens.iter().map(|token| (token.what, token.line)).collect::<Vec<_>>();
        use What::{Mark, Number, Quoted, Word};
        let first = [(Word("if"), 2), (Word("x"), 2), (Mark("."), 2), (Word("y"), 2)];
        assert_eq!(read(0)[..4], first);
        assert_eq!(read(0)[4..], [(Mark("=="), 3), (Quoted("z\\\"}}"), 3)]);
        let second = [Mark("-"), Number, Mark("-"), Word("y"), Mark("["), Number, Mark("]")];
        assert_eq!(read(1).iter().map(|(what, _)| *what).collect::<Vec<_>>(), second);
        assert_eq!((parts.tags[1].prints, parts.tags[1].tokens[0].line), (true, 4));
    }
}
