//! Programs of a node, filled in: services, what runs once, and the addresses at which they answer.
//! Whatever becomes a line of a unit is one line there, sets one thing, and gives the program no rights beside its user's.
//! Not here: the block that takes rights away (`hardening`), or how a unit is quoted and printed (`script`).

use super::desired::Maker;
use super::item::{HdfsText, OnceText, ServiceText};
use super::setting;
use std::collections::BTreeMap;
use words::document::Text;
use words::names::{NodePath, Word};
use words::node::{Gate, Once, Ready, Scope, Service};
use words::problem::{Problem, Problems};

/// What the keys of a service set; a line of `unit` that sets it as well would win unseen.
const OF_KEYS: [(&str, &str); 5] = [
    ("Description", "about"),
    ("Environment", "environment"),
    ("ExecStart", "command"),
    ("Type", "kind"),
    ("User", "user"),
];

impl Maker<'_> {
    pub(super) fn service(&self, service: &ServiceText, problems: &mut Problems) -> Option<Service> {
        let name = self.word(&service.name, problems);
        let user = self.word(&service.user, problems);
        let about = self.line(&service.about, problems);
        let restart_on = service.restart_on.iter().filter_map(|path| self.path(path, problems)).collect();
        let command = self.command(&service.command, problems);
        let environment = self.environment(&service.environment, problems);
        let ready = service.ready.as_ref().map(|at| self.gate(at, problems)).map(|at| {
            let within = service.within;
            Some(Ready { at: at?, within })
        });
        // Without systemd there is no unit, and the lines would name paths that are not there.
        let unit = match self.scope {
            Scope::System => self.unit(service, problems),
            Scope::User => Vec::new(),
        };
        let ready = match ready {
            Some(ready) => Some(ready?),
            None => None,
        };
        let (name, user, about) = (name?, user?, about?);
        Some(Service { name, about, kind: service.kind, user, command, environment, restart_on, unit, ready })
    }

    pub(super) fn once(&self, once: &OnceText, problems: &mut Problems) -> Option<Once> {
        let (name, user) = (self.word(&once.name, problems), self.word(&once.user, problems));
        let command = self.command(&once.command, problems);
        let environment = self.environment(&once.environment, problems);
        Some(Once { creates: self.path(&once.creates, problems)?, name: name?, user: user?, command, environment })
    }

    pub(super) fn hdfs(&self, hdfs: &HdfsText, problems: &mut Problems) -> Option<(String, Word)> {
        let user = self.word(&hdfs.user, problems);
        let web = self.gate(&hdfs.web, problems)?;
        Some((web.to_string(), user?))
    }

    fn gate(&self, text: &Text, problems: &mut Problems) -> Option<Gate> {
        let filled = self.fill(text, problems)?;
        Gate::parse(&filled).map_err(|error| problems.add(text.origin.problem(error, ""))).ok()
    }

    /// A text that must be one line.
    pub(super) fn line(&self, text: &Text, problems: &mut Problems) -> Option<String> {
        let filled = self.fill(text, problems)?;
        let refused = several_lines(text, &filled);
        let good = refused.is_none();
        refused.into_iter().for_each(|problem| problems.add(problem));
        good.then_some(filled)
    }

    /// The lines of the [Service] section that no key of the role's file stands for.
    fn unit(&self, service: &ServiceText, problems: &mut Problems) -> Vec<String> {
        let mut lines: Vec<String> = service.hardening.iter().flat_map(|block| block.lines()).collect();
        for text in &service.unit {
            let Some(line) = self.line(text, problems).filter(|line| !line.is_empty()) else { continue };
            match refused(text, &line) {
                Some(problem) => problems.add(problem),
                None => lines.push(line),
            }
        }
        lines
    }

    /// A program and its arguments. A path alone begins with no sign by which systemd would run it with other rights.
    fn command(&self, list: &[Text], problems: &mut Problems) -> Vec<String> {
        let command: Vec<String> = list.iter().filter_map(|text| self.line(text, problems)).collect();
        let (Some(text), Some(program)) = (list.first(), command.first()) else { return command };
        // A first word that could not be filled in was noted.
        let filled = command.len() == list.len();
        if filled && !(NodePath::new(program.as_str()).is_ok() && program.chars().all(setting::plain)) {
            let what = format!("a command must begin with its program, and `{}` is no path", program.escape_debug());
            problems.add(text.origin.problem(what, "write its whole path, of letters, digits and / . _ + -"));
        }
        command
    }

    fn environment(&self, list: &[Text], problems: &mut Problems) -> BTreeMap<String, String> {
        let mut environment = BTreeMap::new();
        for text in list {
            let Some(filled) = self.line(text, problems) else { continue };
            match filled.split_once('=').filter(|(name, _)| is_variable(name)) {
                Some((name, value)) => drop(environment.insert(name.to_owned(), value.to_owned())),
                None => problems.add(text.origin.problem("not a variable", "write \"NAME=value\"")),
            }
        }
        environment
    }
}

fn is_variable(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A line of a unit must not become two, nor take the next one along: systemd joins them at a backslash.
fn several_lines(text: &Text, filled: &str) -> Option<Problem> {
    if filled.chars().any(char::is_control) {
        let what = "a line of a unit has a line end or a control character";
        return Some(text.origin.problem(what, "write it on one line"));
    }
    filled.ends_with('\\').then(|| {
        let what = "a line of a unit ends with a backslash, which would join the next line to it";
        text.origin.problem(what, "write it without the backslash")
    })
}

/// Why a line is none that may stand in the [Service] section.
fn refused(text: &Text, line: &str) -> Option<Problem> {
    let Some((key, value)) = line.split_once('=').filter(|(key, _)| is_key(key)) else {
        let what = format!("`{}` is not a line of a unit's [Service] section", line.escape_debug());
        return Some(text.origin.problem(what, "write it as in \"Restart=on-failure\""));
    };
    if let Some((_, own)) = OF_KEYS.iter().find(|(of, _)| *of == key) {
        return Some(text.origin.problem(format!("`{key}` is set by the service's `{own}`"), format!("write `{own}`")));
    }
    // With these before it, a program runs with all rights, whatever user, filters and bounds the unit names.
    let signs = value.trim_start().chars().take_while(|c| "@-:+!|".contains(*c));
    (key.starts_with("Exec") && signs.into_iter().any(|sign| "+!|".contains(sign))).then(|| {
        let what = format!("`{key}` would run with rights that the service's user has not");
        text.origin.problem(what, "write the program's path without + ! or | before it")
    })
}

fn is_key(key: &str) -> bool {
    key.starts_with(|c: char| c.is_ascii_uppercase()) && key.chars().all(|c| c.is_ascii_alphanumeric())
}
