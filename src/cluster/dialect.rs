//! What a template says, read before it is printed: the names that it uses, what it includes, and every call of what is
//! not offered, with what to write instead. Whoever knows Jinja is told where the language differs.
//! Not here: whether the names are known (`template`).

use super::lexer::{self, Tag, Token, What};
use super::offered::{self, Called, Instead};
use std::collections::BTreeMap;
use words::problem::nearest;

/// A template as it was read.
#[derive(Debug, Clone, Default)]
pub(super) struct Reading {
    /// The text as the engine gets it.
    pub(super) text: String,
    /// Each dotted name that something outside must define, and the line where it stands first.
    pub(super) names: BTreeMap<String, usize>,
    /// The templates that it includes: which, the line, and the names that it has set itself by then.
    pub(super) includes: Vec<(String, usize, Vec<String>)>,
    pub(super) mistakes: Vec<Mistake>,
}

/// What cannot be said in a template, at a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mistake {
    pub(super) line: usize,
    pub(super) what: String,
    pub(super) remedy: String,
}

/// Reads a template.
pub(super) fn read(text: &str) -> Reading {
    let parts = lexer::parts(text);
    let mut reading = Reading { text: parts.text, ..Reading::default() };
    let mut scopes: Vec<Vec<&str>> = vec![Vec::new()];
    for tag in &parts.tags {
        let mut sentence =
            Sentence { tokens: &tag.tokens, open: Vec::new(), bound: Vec::new(), reading: &mut reading, scopes };
        sentence.tag(tag);
        scopes = sentence.scopes;
    }
    reading
}

/// Words that are no names.
const WORDS: [&str; 16] = [
    "and", "or", "not", "in", "is", "if", "else", "for", "true", "True", "false", "False", "none", "None", "null",
    "loop",
];

/// What is open around a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    /// The arguments of a call; whether what is called is offered.
    Call(bool),
    Group,
    /// A list, or the place in one; whether a `for` stands in it.
    List(bool),
    Map,
}

/// The inside of one tag.
struct Sentence<'t, 'a, 'r> {
    tokens: &'t [Token<'a>],
    open: Vec<Open>,
    /// Names that the tag itself gives, inside its brackets.
    bound: Vec<&'a str>,
    reading: &'r mut Reading,
    /// The names that each loop around it has set, from the outermost on.
    scopes: Vec<Vec<&'a str>>,
}

impl<'a> Sentence<'_, 'a, '_> {
    fn word(&self, at: usize) -> Option<&'a str> {
        match self.tokens.get(at)?.what {
            What::Word(word) => Some(word),
            _ => None,
        }
    }

    fn is_mark(&self, at: usize, mark: &str) -> bool {
        self.tokens.get(at).is_some_and(|token| token.what == What::Mark(mark))
    }

    fn mistake(&mut self, at: usize, what: impl Into<String>, remedy: impl Into<String>) {
        let Some(line) = self.tokens.get(at).map(|token| token.line) else { return };
        self.reading.mistakes.push(Mistake { line, what: what.into(), remedy: remedy.into() });
    }

    fn tag(&mut self, tag: &Tag<'a>) {
        if self.is_mark(0, "+") || self.is_mark(self.tokens.len().saturating_sub(1), "+") {
            self.mistake(0, "a tag cannot keep white space with `+`", "put the tag behind other text on its line");
            return;
        }
        if tag.prints {
            return self.expression(0);
        }
        let keyword = self.word(0).unwrap_or_default();
        match keyword {
            "for" => self.a_loop(),
            "endfor" => drop((self.scopes.len() > 1).then(|| self.scopes.pop())),
            "set" | "set_global" => {
                self.expression(2);
                let scope = if keyword == "set" { self.scopes.last_mut() } else { self.scopes.first_mut() };
                let name = match self.tokens.get(1).map(|token| token.what) {
                    Some(What::Word(word)) => Some(word),
                    _ => None,
                };
                scope.into_iter().for_each(|scope| scope.extend(name));
            }
            "include" => {
                if let Some(Token { what: What::Quoted(name), line }) = self.tokens.get(1) {
                    let own = self.scopes.iter().flatten().map(|name| (*name).to_owned()).collect();
                    self.reading.includes.push(((*name).to_owned(), *line, own));
                }
            }
            keyword if offered::TAGS.contains(&keyword) => self.expression(1),
            keyword => self.unknown_tag(keyword),
        }
    }

    /// `for NAME in LIST`, or `for KEY, VALUE in MAP`: the list is of the world around the loop.
    fn a_loop(&mut self) {
        let inside = (0..self.tokens.len()).find(|at| self.word(*at) == Some("in")).unwrap_or(self.tokens.len());
        self.expression(inside + 1);
        let names = (1..inside).filter_map(|at| self.word(at)).collect();
        self.scopes.push(names);
    }

    fn unknown_tag(&mut self, keyword: &str) {
        let closes = |(name, _): &Instead| keyword.strip_prefix("end") == Some(*name);
        // An empty tag, or one that begins with a mark: the engine says so.
        if keyword.is_empty() || offered::JINJA_TAGS.iter().any(closes) {
            return;
        }
        let tags: Vec<Called> = offered::TAGS.iter().map(|tag| (*tag, "")).collect();
        self.unknown("tag", 0, &[&tags], &offered::JINJA_TAGS);
    }

    /// A call of what is not offered; the arguments' names if it is.
    fn unknown(&mut self, kind: &str, at: usize, all: &[&[Called]], instead: &[Instead]) -> Option<&'static str> {
        let name = self.word(at)?;
        let known = || all.iter().copied().flatten();
        if let Some((_, arguments)) = known().find(|(known, _)| *known == name) {
            return Some(arguments);
        }
        let remedy = match instead.iter().find(|(jinja, _)| *jinja == name) {
            Some((_, instead)) => (*instead).to_owned(),
            None => match nearest(name, known().map(|(name, _)| *name)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are {}", known().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")),
            },
        };
        self.mistake(at, format!("there is no {kind} `{name}` in templates"), remedy);
        None
    }

    /// Reads the tokens from one on as an expression.
    fn expression(&mut self, from: usize) {
        let mut at = from;
        while let Some(token) = self.tokens.get(at) {
            at = match token.what {
                What::Mark(mark) => self.mark(at, mark),
                What::Word(word) => self.named(at, word),
                What::Quoted(_) | What::Number => at + 1,
            };
        }
    }

    fn mark(&mut self, at: usize, mark: &str) -> usize {
        match mark {
            "(" => self.open.push(Open::Group),
            "[" | "?[" => self.open_list(at),
            "{" => self.open.push(Open::Map),
            ")" | "]" | "}" => drop(self.open.pop()),
            "," if self.open.last() == Some(&Open::Group) => {
                self.mistake(at, "there are no lists in round brackets", "write `[a, b]`");
            }
            "," if self.open.last() == Some(&Open::Call(true)) => {
                self.argument(at + 1, "name each, as in `at(path=…)`")
            }
            _ => {}
        }
        at + 1
    }

    /// A list, or `[EXPRESSION for NAME in LIST]`, whose name is known in the expression too.
    fn open_list(&mut self, at: usize) {
        let inside = self.until(at + 1, |sentence, at| sentence.word(at) == Some("for"));
        if let Some(inside) = inside {
            let names = (inside + 1..self.tokens.len()).map_while(|at| match self.tokens[at].what {
                What::Word("in") => None,
                What::Word(word) => Some(Some(word)),
                _ => Some(None),
            });
            let names: Vec<&str> = names.flatten().collect();
            self.bound.extend(names);
        }
        self.open.push(Open::List(inside.is_some()));
    }

    /// The first token from one on, in the same brackets, of which something holds.
    fn until(&self, from: usize, holds: impl Fn(&Self, usize) -> bool) -> Option<usize> {
        let mut depth = 0_usize;
        for at in from..self.tokens.len() {
            if depth == 0 && holds(self, at) {
                return Some(at);
            }
            match self.tokens[at].what {
                What::Mark("(" | "[" | "?[" | "{") => depth += 1,
                What::Mark(")" | "]" | "}") => depth = depth.checked_sub(1)?,
                _ => {}
            }
        }
        None
    }

    /// Arguments are named.
    fn argument(&mut self, at: usize, remedy: &str) {
        let named = self.word(at).is_some() && self.is_mark(at + 1, "=");
        if !named && !self.is_mark(at, ")") {
            self.mistake(at, "an argument has no name", remedy);
        }
    }

    /// Reads a word and what belongs to it; says where to go on.
    fn named(&mut self, at: usize, word: &'a str) -> usize {
        let before = |mark: &str| at > 0 && self.is_mark(at - 1, mark);
        let tested = at > 0 && (self.word(at - 1) == Some("is") || at > 1 && self.is_not(at));
        if before("|") {
            let all = [&offered::OWN_FILTERS[..], &offered::FILTERS];
            let arguments = self.unknown("filter", at, &all, &offered::JINJA_FILTERS);
            return self.called(at, arguments);
        }
        if tested && word != "not" {
            let arguments = self.unknown("test", at, &[&offered::TESTS], &offered::JINJA_TESTS);
            return self.called(at, arguments);
        }
        match word {
            "if" => self.condition(at),
            _ if WORDS.contains(&word) => {}
            _ if before(".") || before("?.") => return self.of_value(at),
            _ if self.is_mark(at + 1, "(") => {
                let arguments = self.unknown("function", at, &[&offered::FUNCTIONS], &offered::JINJA_FUNCTIONS);
                return self.called(at, arguments);
            }
            _ if matches!(self.open.last(), Some(Open::Call(_))) && self.is_mark(at + 1, "=") => {}
            _ => return self.name(at, word),
        }
        at + 1
    }

    /// Whether a word follows `is not`.
    fn is_not(&self, at: usize) -> bool {
        self.word(at - 1) == Some("not") && self.word(at - 2) == Some("is")
    }

    /// Opens the brackets of a call, if it has any.
    fn called(&mut self, at: usize, arguments: Option<&'static str>) -> usize {
        if !self.is_mark(at + 1, "(") {
            return at + 1;
        }
        self.open.push(Open::Call(arguments.is_some()));
        if let (Some(name), Some(arguments)) = (self.word(at), arguments) {
            self.argument(at + 2, &format!("write `{name}({arguments})`"));
        }
        at + 2
    }

    /// A part of a value: it has no functions.
    fn of_value(&mut self, at: usize) -> usize {
        if !self.is_mark(at + 1, "(") {
            return at + 1;
        }
        let name = self.word(at).unwrap_or_default();
        let filter = match name {
            "items" => "write `for key, value in map`".to_owned(),
            "startswith" | "endswith" => "write `is starting_with(pat=…)` or `is ending_with(pat=…)`".to_owned(),
            name => format!("write a filter, as in `value | {name}`"),
        };
        self.mistake(at, format!("a value has no function `{name}`"), filter);
        self.open.push(Open::Call(false));
        at + 2
    }

    /// A dotted name, noted unless the template itself has set it.
    fn name(&mut self, at: usize, word: &'a str) -> usize {
        let mut name = word.to_owned();
        let mut end = at + 1;
        while self.is_mark(end, ".") || self.is_mark(end, "?.") {
            match self.word(end + 1).filter(|_| !self.is_mark(end + 2, "(")) {
                Some(part) => name = format!("{name}.{part}"),
                None => break,
            }
            end += 2;
        }
        let own = self.bound.contains(&word) || self.scopes.iter().flatten().any(|own| *own == word);
        if !own {
            let line = self.tokens[at].line;
            self.reading.names.entry(name).or_insert(line);
        }
        end
    }

    /// An `if` inside an expression: with `else`, or the condition of a `[… for … in … if …]`.
    fn condition(&mut self, at: usize) {
        let otherwise = self.until(at + 1, |sentence, at| sentence.word(at) == Some("else"));
        if otherwise.is_some() || self.open.last() == Some(&Open::List(true)) {
            return;
        }
        if self.word(0) == Some("for") && self.open.is_empty() {
            let remedy = "write `for each in [each for each in list if …]`";
            self.mistake(at, "a `for` has no `if`", remedy);
        } else {
            self.mistake(at, "an `if` between values needs an `else`", "write `… if … else \"\"`");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        let reading = read(text);
        assert_eq!(reading.mistakes, [], "{text}");
        reading.names.into_keys().collect()
    }

    #[test]
    fn names_are_whole_and_what_a_template_sets_is_its_own() {
        let cases = [
            ("{{ flink.version }}", &["flink.version"][..]),
            ("{{ at(path=log.x) ~ nodes['a'][0].b ~ (c.d | bytes) // 8 }}", &["c.d", "log.x", "nodes"]),
            (
                "{% for m in nodes['m'] %}{{ m.x }}{% if not loop.last %},{% endif %}{% endfor %}{{ m.x }}",
                &["m.x", "nodes"],
            ),
            ("{% for m in m.list %}{{ m.x }}{% endfor %}", &["m.list"]),
            ("{% set a = b.c %}{{ a }}{% set a = a %}", &["b.c"]),
            ("{{ [m.x for m in list if m.y == node] | join(sep=\",\") }}", &["list", "node"]),
            ("{{ x is not none and y is starting_with(pat=z) }}", &["x", "y", "z"]),
            ("{% for k, v in {\"a\": b} %}{{ k }}{{ v }}{% endfor %}", &["b"]),
            ("{% if a %}{% elif not b.c %}{% else %}{% endif %}", &["a", "b.c"]),
            ("{{ facts.flink[version].file }}", &["facts.flink", "version"]),
            ("{% raw %}{{ x }}{% endraw %}{# {{ y }} #}${#z}", &[]),
            ("{{ a.b if c else \"d\" }}", &["a.b", "c"]),
        ];
        for (text, expected) in cases {
            assert_eq!(names(text), expected, "{text}");
        }
        assert_eq!(read("a\nb\n{{ x }}{{\n y }}").names, [("x".into(), 3), ("y".into(), 4)].into());
    }

    #[test]
    fn what_jinja_has_besides_is_told_with_what_to_write() {
        let cases = [
            (
                "{{ nodes | selectattr('name') }}",
                "there is no filter `selectattr` in templates",
                "[each for each in list",
            ),
            ("{{ at('/x') }}", "an argument has no name", "write `at(path=…)`"),
            ("{{ x | join(\",\") }}", "an argument has no name", "write `join(sep=…)`"),
            ("{{ x | replace(from=\"a\", \"b\") }}", "an argument has no name", "at(path=…)"),
            ("{{ \",\" if not loop.last }}", "an `if` between values needs an `else`", "else \"\""),
            ("{% for x in list if x.y %}", "a `for` has no `if`", "[each for each in list if …]"),
            ("{% macro x() %}{% endmacro %}", "there is no tag `macro` in templates", "include"),
            ("{% iff x %}", "there is no tag `iff` in templates", "did you mean `if`?"),
            ("{{ x is equalto y }}", "there is no test `equalto` in templates", "write `==`"),
            ("{{ x is not mapping }}", "there is no test `mapping` in templates", "write `is map`"),
            ("{{ x.items() }}", "a value has no function `items`", "for key, value in map"),
            ("{% for a in [(1, 2)] %}", "there are no lists in round brackets", "[a, b]"),
            ("{{ x | megabyte }}", "there is no filter `megabyte` in templates", "did you mean `megabytes`?"),
            ("{{ namespace(a=1) }}", "there is no function `namespace` in templates", "set_global"),
            ("{%+ if x %}", "a tag cannot keep white space with `+`", "behind other text"),
            ("{{ x | group_by(attribute=\"a\") }}", "there is no filter `group_by` in templates", "for each group"),
        ];
        for (text, what, remedy) in cases {
            let mistakes = read(&format!("first\n{text}")).mistakes;
            assert_eq!(mistakes.len(), 1, "{text}: {mistakes:?}");
            assert_eq!((mistakes[0].line, mistakes[0].what.as_str()), (2, what), "{text}");
            assert!(mistakes[0].remedy.contains(remedy), "{text}: {}", mistakes[0].remedy);
        }
    }
}
