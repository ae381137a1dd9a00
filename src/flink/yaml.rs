//! `config.yaml` as Flink from 1.19 on reads it: one YAML 1.2 document, its mappings flattened with dots, values as text.
//! What Flink's reader fails on (null, a number as a key, a key twice) is an error here too; measured on real ones.
//! Not here: what the keys mean.

use super::Findings;
use super::file::Entry;
use saphyr_parser::{Event, Parser, ScalarStyle};
use std::collections::{BTreeMap, BTreeSet};
use words::problem::{Origin, Source};

/// Deeper files are no configuration of Flink.
const DEEPEST: usize = 32;
/// Nodes in all, aliases counted as what they stand for.
const MOST_NODES: usize = 50_000;

/// A part of the document.
#[derive(Debug, Clone)]
enum Node {
    /// Text that was quoted, tagged as text, or that YAML takes as text.
    Text(String),
    /// Anything that YAML takes as a number or a truth value: as Java prints it, and as it was written.
    Plain {
        printed: String,
        written: String,
    },
    Null,
    List(Vec<Node>),
    Map(Vec<(Node, Node, usize)>),
}

/// The text is not what Flink can read: where, what, and what would be right.
struct Broken {
    line: Option<usize>,
    what: String,
    remedy: &'static str,
}

fn broken<T>(line: usize, what: impl Into<String>, remedy: &'static str) -> Result<T, Broken> {
    Err(Broken { line: Some(line), what: what.into(), remedy })
}

/// Everything that a file sets.
pub(super) fn read(source: Source<'_>, findings: &mut Findings) -> Vec<Entry> {
    let at = |line| Origin { file: source.file.to_owned(), line };
    let mut entries = Vec::new();
    match document(source.text) {
        Ok(None) => {}
        Ok(Some(Node::Map(pairs))) => Flattening { file: source.file, entries: &mut entries, findings }.map("", pairs),
        Ok(Some(_)) => {
            let what = "the file is no mapping: Flink fails over it";
            findings.error(
                &Origin::of_file(source.file),
                "",
                what,
                "write `key: value`, with a blank behind the colon",
            );
        }
        Err(wrong) => {
            findings.error(&at(wrong.line), "", format!("Flink fails over this file: {}", wrong.what), wrong.remedy)
        }
    }
    entries
}

/// The elements of a list in flow or block style, as text; none if the text is no list.
pub(super) fn list(text: &str) -> Option<Vec<String>> {
    match document(text) {
        Ok(Some(Node::List(items))) => Some(items.iter().map(Node::text).collect()),
        _ => None,
    }
}

/// Whether the text is `{a: b}`.
pub(super) fn is_flow_map(text: &str) -> bool {
    text.trim_start().starts_with('{') && matches!(document(text), Ok(Some(Node::Map(_))))
}

/// The one document of a text; none if it is empty.
fn document(text: &str) -> Result<Option<Node>, Broken> {
    if let Some(line) = tabbed(text) {
        return broken(line, "a tab stands where only blanks may", "use blanks");
    }
    let mut building = Building::default();
    let mut documents = 0;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| Broken {
            line: Some(error.marker().line()),
            what: error.info().to_owned(),
            remedy: "quote a value that holds `: `, or begins with one of * & ! @ % ` [ {",
        })?;
        if let Event::DocumentStart(_) = event {
            documents += 1;
            if documents > 1 {
                return broken(span.start.line(), "a second document begins", "one file holds one document");
            }
        }
        building.take(event, span.start.line())?;
    }
    Ok(building.root)
}

/// The line of a tab where Flink's parser takes none: as indentation, behind a colon, behind a quote or a bracket.
fn tabbed(text: &str) -> Option<usize> {
    let wrong = |line: &str| {
        let code = line.trim_start();
        let indent = &line[..line.len() - code.len()];
        let key = code.find(':').filter(|at| !code[..*at].contains(['#', '"', '\'', ' ']));
        let behind = key.map(|at| &code[at + 1..]).unwrap_or_default();
        let gap = &behind[..behind.len() - behind.trim_start().len()];
        let value = code.trim_end();
        let closed = code[value.len()..].contains('\t') && value.ends_with(['"', '\'', ']', '}']);
        !code.starts_with('#') && ((indent.contains('\t')) || (gap.contains('\t') && gap != behind) || closed)
    };
    text.lines().position(wrong).map(|at| at + 1)
}

/// A list or mapping that is still open.
#[derive(Debug)]
struct Open {
    items: Vec<(Node, usize)>,
    map: bool,
    anchor: usize,
}

impl Open {
    fn node(self) -> Node {
        if !self.map {
            return Node::List(self.items.into_iter().map(|(node, _)| node).collect());
        }
        let mut items = self.items.into_iter();
        let mut pairs = Vec::new();
        while let (Some((key, line)), Some((value, _))) = (items.next(), items.next()) {
            pairs.push((key, value, line));
        }
        Node::Map(pairs)
    }
}

#[derive(Debug, Default)]
struct Building {
    open: Vec<Open>,
    anchors: BTreeMap<usize, Node>,
    nodes: usize,
    root: Option<Node>,
}

impl Building {
    fn take(&mut self, event: Event<'_>, line: usize) -> Result<(), Broken> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let node = match tag {
                    None => scalar(&text, style),
                    Some(tag) if !tag.is_yaml_core_schema() => {
                        return broken(
                            line,
                            format!("it does not know the tag `{tag}`"),
                            "quote a value that begins with !",
                        );
                    }
                    Some(tag) if tag.suffix == "str" => Node::Text(text.into_owned()),
                    Some(_) => scalar(&text, ScalarStyle::Plain),
                };
                self.count(1, line)?;
                self.close(node, anchor, line);
            }
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor) else {
                    return broken(line, "an alias stands for nothing", "quote a value that begins with *");
                };
                let size = node.size();
                self.count(size, line)?;
                let node = self.anchors.get(&anchor).cloned();
                node.into_iter().for_each(|node| self.close(node, 0, line));
            }
            Event::SequenceStart(anchor, _) => self.begin(false, anchor, line)?,
            Event::MappingStart(anchor, _) => self.begin(true, anchor, line)?,
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(done) = self.open.pop() {
                    let anchor = done.anchor;
                    self.close(done.node(), anchor, line);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, map: bool, anchor: usize, line: usize) -> Result<(), Broken> {
        if self.open.len() == DEEPEST {
            return broken(line, format!("it is nested more than {DEEPEST} deep"), "flatten it with dots");
        }
        self.open.push(Open { items: Vec::new(), map, anchor });
        self.count(1, line)
    }

    /// Aliases count as what they stand for, before it is copied.
    fn count(&mut self, nodes: usize, line: usize) -> Result<(), Broken> {
        self.nodes = self.nodes.saturating_add(nodes);
        match self.nodes > MOST_NODES {
            true => broken(line, format!("it has more than {MOST_NODES} parts"), "is it Flink's configuration?"),
            false => Ok(()),
        }
    }

    fn close(&mut self, node: Node, anchor: usize, line: usize) {
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut() {
            Some(open) => open.items.push((node, line)),
            None => self.root = Some(node),
        }
    }
}

impl Node {
    fn size(&self) -> usize {
        match self {
            Node::List(items) => 1 + items.iter().map(Node::size).sum::<usize>(),
            Node::Map(pairs) => 1 + pairs.iter().map(|(key, value, _)| key.size() + value.size()).sum::<usize>(),
            _ => 1,
        }
    }

    /// As Flink keeps it: a list in flow style, everything else as Java prints it.
    fn text(&self) -> String {
        let joined = |parts: Vec<String>| parts.join(", ");
        match self {
            Node::Text(text) => text.clone(),
            Node::Plain { printed, .. } => printed.clone(),
            Node::Null => "null".to_owned(),
            Node::List(items) => format!("[{}]", joined(items.iter().map(Node::quoted).collect())),
            Node::Map(pairs) => {
                let pair = |(key, value, _): &(Node, Node, usize)| format!("{}: {}", key.quoted(), value.quoted());
                format!("{{{}}}", joined(pairs.iter().map(pair).collect()))
            }
        }
    }

    /// The same inside a list, so that it can be read again.
    fn quoted(&self) -> String {
        let text = self.text();
        let safe = |c: char| c.is_ascii_alphanumeric() || "_./-".contains(c);
        match self {
            Node::Text(_) if !text.chars().all(safe) || !matches!(scalar(&text, ScalarStyle::Plain), Node::Text(_)) => {
                format!("'{}'", text.replace('\'', "''"))
            }
            _ => text,
        }
    }
}

/// What a scalar is by YAML's core schema; only plain ones can be anything but text.
fn scalar(text: &str, style: ScalarStyle) -> Node {
    let plain = |printed: String| Node::Plain { printed, written: text.to_owned() };
    if style != ScalarStyle::Plain {
        return Node::Text(text.to_owned());
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Node::Null,
        "true" | "True" | "TRUE" => plain("true".into()),
        "false" | "False" | "FALSE" => plain("false".into()),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => plain(".inf".into()),
        "-.inf" | "-.Inf" | "-.INF" => plain("-.inf".into()),
        ".nan" | ".NaN" | ".NAN" => plain(".nan".into()),
        _ => number(text).map_or_else(|| Node::Text(text.to_owned()), plain),
    }
}

/// A number as Java prints it.
fn number(text: &str) -> Option<String> {
    let bare = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (digits, radix) = match (bare.strip_prefix("0x"), bare.strip_prefix("0o")) {
        _ if bare.is_empty() || bare.len() > 300 => return None,
        (Some(digits), _) if bare == text => (digits, 16),
        (_, Some(digits)) if bare == text => (digits, 8),
        _ if bare.bytes().all(|byte| byte.is_ascii_digit()) => {
            let digits = bare.trim_start_matches('0');
            let sign = if text.starts_with('-') && !digits.is_empty() { "-" } else { "" };
            return Some(format!("{sign}{}", if digits.is_empty() { "0" } else { digits }));
        }
        _ => return float(text, bare),
    };
    u128::from_str_radix(digits, radix).ok().map(|number| number.to_string())
}

fn float(text: &str, bare: &str) -> Option<String> {
    let plain = bare.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
    let starts = bare.starts_with(|c: char| c.is_ascii_digit()) || bare.starts_with('.');
    let value: f64 = text.parse().ok().filter(|_| plain && starts)?;
    if value.is_infinite() {
        return Some(if value > 0.0 { ".inf" } else { "-.inf" }.to_owned());
    }
    let whole = |text: String| if text.contains('.') { text } else { format!("{text}.0") };
    if value == 0.0 || (1e-3..1e7).contains(&value.abs()) {
        return Some(whole(format!("{value}")));
    }
    let text = format!("{value:e}");
    let (mantissa, exponent) = text.split_once('e')?;
    Some(format!("{}E{exponent}", whole(mantissa.to_owned())))
}

/// Mappings to dotted keys, with what Flink fails over on the way.
struct Flattening<'a> {
    file: &'a str,
    entries: &'a mut Vec<Entry>,
    findings: &'a mut Findings,
}

impl Flattening<'_> {
    fn map(&mut self, above: &str, pairs: Vec<(Node, Node, usize)>) {
        let mut seen = BTreeSet::new();
        for (key, value, line) in pairs {
            let origin = Origin { file: self.file.to_owned(), line: Some(line) };
            let word = match key {
                Node::Text(word) => word,
                Node::Null => "null".to_owned(),
                key => {
                    self.no_text(&key, &origin);
                    continue;
                }
            };
            let name = format!("{above}{word}");
            if !seen.insert(word) {
                let what = format!("`{name}` stands twice in one mapping: Flink fails over it");
                self.findings.error(&origin, &name, what, "join the two, or remove one");
                continue;
            }
            self.value(name, value, origin);
        }
    }

    fn no_text(&mut self, key: &Node, origin: &Origin) {
        let what = format!("the key `{}` is no text: Flink fails over it", key.written());
        self.findings.error(origin, "", what, "put it in quotes");
    }

    fn value(&mut self, key: String, value: Node, origin: Origin) {
        match value {
            Node::Map(pairs) => return self.map(&format!("{key}."), pairs),
            Node::Null => {
                let what = format!("`{key}` has no value: Flink fails over it");
                self.findings.error(&origin, &key, what, "give it one, '' for an empty text, or leave the line out");
                return;
            }
            _ => {}
        }
        let printed = value.text();
        let written = match value {
            Node::Plain { written, .. } if !written.eq_ignore_ascii_case(&printed) => Some(written),
            _ => None,
        };
        self.entries.push(Entry { key, value: printed, written, origin });
    }
}

impl Node {
    fn written(&self) -> String {
        match self {
            Node::Plain { written, .. } => written.clone(),
            node => node.text(),
        }
    }
}
