//! Templates print; everything they print was computed before. What is undefined is a problem, not an empty text.
//! One engine for the files in `templates/` and for the short texts in role files.
//! Not here: the values (`context`), the language (`dialect`, `offered`), or what templates call (`filters`).

use super::context::Context;
use super::dialect::{self, Reading};
use super::filters;
use super::role::{Role, suggestion};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use tera::{ErrorKind, Tera};
use words::document::Text;
use words::problem::{Origin, Problem, Problems, nearest};

/// The templates and the short texts of role files, each parsed once for all nodes.
pub(super) struct Engine<'a> {
    tera: Tera,
    names: BTreeSet<&'a str>,
    /// The names that each template uses and where they stand, of those that can be printed.
    used: HashMap<&'a str, BTreeMap<String, Origin>>,
    /// The same of short texts, by the text.
    texts: HashMap<String, BTreeSet<String>>,
    /// Whether mistakes of the cluster were noted: what is unset where it is printed may follow from them.
    pub(super) unsure: bool,
}

impl<'a> Engine<'a> {
    /// Parses all templates, and the short texts of these roles; a template that cannot be parsed is noted, a text where
    /// it is filled.
    pub(super) fn new<'b>(
        templates: &'a BTreeMap<String, String>,
        roles: impl IntoIterator<Item = &'b Role>,
        root: &str,
        problems: &mut Problems,
    ) -> Engine<'a> {
        let mut engine = Engine {
            tera: filters::engine(root),
            names: templates.keys().map(String::as_str).collect(),
            used: HashMap::new(),
            texts: HashMap::new(),
            unsure: false,
        };
        engine.take(templates, problems);
        engine.keep(roles.into_iter().flat_map(Role::texts).map(|text| text.text.as_str()));
        engine
    }

    /// Parses the templates of the folder.
    fn take(&mut self, templates: &'a BTreeMap<String, String>, problems: &mut Problems) {
        let read = templates.iter().map(|(name, text)| (name.as_str(), dialect::read(text)));
        let mut read: BTreeMap<&str, Reading> = read.collect();
        for (name, reading) in &mut read {
            let mistakes = std::mem::take(&mut reading.mistakes).into_iter();
            let mistakes = mistakes.map(|mistake| at_line(name, mistake.line).problem(mistake.what, mistake.remedy));
            let mistakes: Vec<Problem> = mistakes.chain(self.not_there(name, reading)).collect();
            if !mistakes.is_empty() {
                // What includes it is read all the same.
                reading.text.clear();
                mistakes.into_iter().for_each(|mistake| problems.add(mistake));
            } else {
                self.used.insert(*name, BTreeMap::new());
            }
        }
        let texts = read.iter().map(|(name, reading)| (*name, reading.text.as_str()));
        for (name, error) in parsed(&mut self.tera, texts) {
            self.used.remove(name.as_str());
            problems.add(problem(&origin(&name), &error));
        }
        for (name, used) in &mut self.used {
            collect(&read, name, &[], used, 0);
        }
    }

    /// The templates that one includes and that are not there.
    fn not_there(&self, name: &str, reading: &Reading) -> Vec<Problem> {
        let missing = reading.includes.iter().filter(|(included, ..)| !self.names.contains(included.as_str()));
        let missing = missing.map(|(included, line, _)| no_template(&at_line(name, *line), included, &self.names));
        missing.collect()
    }

    /// Parses short texts for all who fill them; the name of each among the templates is the text itself.
    fn keep<'b>(&mut self, texts: impl Iterator<Item = &'b str>) {
        let texts: BTreeSet<&str> = texts.filter(|text| !plain(text) && !self.names.contains(text)).collect();
        let read = texts.into_iter().map(|text| (text, dialect::read(text)));
        let read: Vec<(&str, Reading)> = read.filter(|(_, reading)| reading.mistakes.is_empty()).collect();
        let wrong = parsed(&mut self.tera, read.iter().map(|(text, reading)| (*text, reading.text.as_str())));
        let wrong: BTreeSet<&str> = wrong.iter().map(|(text, _)| text.as_str()).collect();
        let right = read.into_iter().filter(|(text, _)| !wrong.contains(text));
        self.texts.extend(right.map(|(text, reading)| (text.to_owned(), reading.names.into_keys().collect())));
    }

    /// Prints a template of the folder; none if it is not there or cannot be printed, which is noted at `wanted`.
    pub(super) fn print(&self, name: &Text, context: &Context, problems: &mut Problems) -> Option<String> {
        if !self.names.contains(name.text.as_str()) {
            problems.add(no_template(&name.origin, &name.text, &self.names));
        }
        // One that cannot be parsed was noted.
        let used = self.used.get(name.text.as_str())?;
        known(used.iter().map(|(name, origin)| (name.as_str(), origin)), context, problems)?;
        match self.tera.render(&name.text, context.walked()) {
            Ok(text) => Some(text),
            Err(error) => {
                self.note(problem(&origin(&name.text), &error), problems);
                None
            }
        }
    }

    /// The names that a short text of a role file uses; none if it cannot be read, which filling it tells.
    pub(super) fn names(&self, text: &Text) -> BTreeSet<String> {
        match self.texts.get(&text.text) {
            Some(used) => used.clone(),
            None => dialect::read(&text.text).names.into_keys().collect(),
        }
    }

    /// Fills a short text of a role file.
    pub(super) fn fill(&self, text: &Text, context: &Context, problems: &mut Problems) -> Option<String> {
        if plain(&text.text) {
            return Some(text.text.clone());
        }
        let at = &text.origin;
        let filled = match self.texts.get(&text.text) {
            Some(used) => {
                known(used.iter().map(|name| (name.as_str(), at)), context, problems)?;
                self.tera.render(&text.text, context.walked())
            }
            None => {
                let reading = dialect::read(&text.text);
                if !reading.mistakes.is_empty() {
                    let told = reading.mistakes.into_iter().map(|mistake| at.problem(mistake.what, mistake.remedy));
                    told.for_each(|mistake| problems.add(mistake));
                    return None;
                }
                known(reading.names.keys().map(|name| (name.as_str(), at)), context, problems)?;
                self.tera.render_str(&reading.text, context.walked(), false)
            }
        };
        filled.map_err(|error| self.note(Problem { origin: at.clone(), ..problem(at, &error) }, problems)).ok()
    }

    fn note(&self, problem: Problem, problems: &mut Problems) {
        if !self.unsure {
            problems.add(problem);
        }
    }
}

/// Adds templates to an engine, and says which of them it does not take; those are empty there, for the others' sake.
fn parsed<'t>(tera: &mut Tera, texts: impl Iterator<Item = (&'t str, &'t str)> + Clone) -> Vec<(String, tera::Error)> {
    // All at once is quick, and says of one alone what is wrong.
    if tera.add_raw_templates(texts.clone()).is_ok() {
        return Vec::new();
    }
    let mut wrong = Vec::new();
    let empty = tera.add_raw_templates(texts.clone().map(|(name, _)| (name, "")));
    wrong.extend(empty.err().map(|error| (String::new(), error)));
    for (name, text) in texts {
        wrong.extend(tera.add_raw_template(name, text).err().map(|error| (name.to_owned(), error)));
    }
    wrong
}

/// How deep templates may include each other: the engine refuses circles, and says so.
const DEEPEST: usize = 20;

/// Adds the names that a template uses, by itself and by what it includes, less those that are set around it.
fn collect(
    all: &BTreeMap<&str, Reading>,
    name: &str,
    set: &[String],
    used: &mut BTreeMap<String, Origin>,
    deep: usize,
) {
    let Some(reading) = all.get(name).filter(|_| deep < DEEPEST) else { return };
    let free = |name: &&String| !set.iter().any(|own| name.split('.').next() == Some(own));
    for name_used in reading.names.keys().filter(free) {
        used.entry(name_used.clone()).or_insert_with(|| at_line(name, reading.names[name_used]));
    }
    for (included, _, own) in &reading.includes {
        let set: Vec<String> = set.iter().chain(own).cloned().collect();
        collect(all, included, &set, used, deep + 1);
    }
}

/// Whether a text is printed as it stands.
fn plain(text: &str) -> bool {
    !text.contains('{')
}

fn origin(name: &str) -> Origin {
    Origin::of_file(&format!("templates/{name}"))
}

fn at_line(name: &str, line: usize) -> Origin {
    Origin { line: Some(line), ..origin(name) }
}

fn no_template(at: &Origin, name: &str, names: &BTreeSet<&str>) -> Problem {
    let near = nearest(name, names.iter().copied());
    let remedy = suggestion(near, "write it, with the path that it has on the node");
    at.problem(format!("there is no template `{name}`"), remedy)
}

/// What the engine says, at the line that it means, which may be one of an included template.
fn problem(at: &Origin, error: &tera::Error) -> Problem {
    let (ErrorKind::SyntaxError(report) | ErrorKind::RenderingError(report)) = error.kind() else {
        return at.problem(error.to_string(), "");
    };
    let message = report.message();
    // It lists all names that there are instead of the nearest one.
    let (what, known) = message.split_once(" Available ").unwrap_or((message, ""));
    let what = what.trim_end_matches('.').replace("is not defined", "is not set here");
    let remedy = if known.is_empty() { String::new() } else { format!("there are {known}") };
    // The end of a tag was moved to the line behind it.
    let moved = report.span().start_col == 0 && message.starts_with("Found `%}`");
    at_line(report.filename(), report.span().start_line - usize::from(moved)).problem(what, remedy)
}

/// Notes every name that nothing defines, each at the line where it stands first.
fn known<'n>(
    used: impl Iterator<Item = (&'n str, &'n Origin)>,
    context: &Context,
    problems: &mut Problems,
) -> Option<()> {
    let mut complete = true;
    for (name, at) in used.filter(|(name, _)| !context.has(name)) {
        complete = false;
        let otherwise = "declare it as a [[setting]] of the role, or list the part that does";
        let remedy = suggestion(context.nearest(name), otherwise);
        problems.add(at.problem(format!("nothing defines `{name}` here"), remedy));
    }
    complete.then_some(())
}
