//! What `flink_config_args` asks for, in the keys of today's Flink. The options are those of `flink run` from 1.4 on.
//! What Flink no longer takes is dropped and said; what is the site's to decide is dropped or refused and said.
//! Not here: the properties of a component (`flink`), and whether Flink knows a key that `-D` sets.

use super::reserved;
use std::collections::BTreeMap;
use words::problem::{Origin, Problem, Problems, nearest};
use words::shown::shown;

/// What becomes of an option.
#[derive(Clone, Copy)]
enum Becomes {
    /// The value of a key.
    Key(&'static str),
    /// A number of one or more.
    Count(&'static str),
    /// A size of memory, in MB where nothing else is said, and what Flink wants at least to run well, in MiB.
    Memory(&'static str, u64),
    /// `true`.
    Flag(&'static str),
    /// `key=value`, any key.
    Pair,
    /// The number of TaskManagers.
    Containers,
    /// Nothing; the text says why.
    Dropped(bool, &'static str),
    /// An error; the text says what to write.
    Refused(bool, &'static str),
}

use Becomes::{Containers, Count, Dropped, Flag, Key, Memory, Pair, Refused};

const DETACHED: &str = "jobs are always submitted detached";
const NOT_A_SESSION: &str = "each component is an application of its own: leave it out";

/// The short name, the long name, and what becomes of it.
const OPTIONS: &[(&str, &str, Becomes)] = &[
    ("yn", "yarncontainer", Containers),
    ("yjm", "yarnjobManagerMemory", Memory("jobmanager.memory.process.size", 1600)),
    ("ytm", "yarntaskManagerMemory", Memory("taskmanager.memory.process.size", 1728)),
    ("ys", "yarnslots", Count("taskmanager.numberOfTaskSlots")),
    ("p", "parallelism", Count("parallelism.default")),
    ("yD", "", Pair),
    ("D", "", Pair),
    ("ynl", "yarnnodeLabel", Key("yarn.application.node-label")),
    ("yat", "yarnapplicationType", Key("yarn.application.type")),
    // The name that every line of Flink takes.
    ("s", "fromSavepoint", Key("execution.savepoint.path")),
    ("n", "allowNonRestoredState", Flag("execution.savepoint.ignore-unclaimed-state")),
    ("pyexec", "pyExecutable", Key("python.executable")),
    ("pyclientexec", "pyClientExecutable", Key("python.client.executable")),
    ("pyfs", "pyFiles", Key("python.files")),
    ("pyarch", "pyArchives", Key("python.archives")),
    ("pyreq", "pyRequirements", Key("python.requirements")),
    ("pypath", "pyPythonPath", Key("python.pythonpath")),
    ("yqu", "yarnqueue", Dropped(true, "the queue follows from the user and the site's queue map")),
    ("ynm", "yarnname", Dropped(true, "an application is named APPLICATION-COMPONENT-job")),
    ("yz", "yarnzookeeperNamespace", Dropped(true, "the journal gives each run a namespace of its own")),
    ("z", "zookeeperNamespace", Dropped(true, "the journal gives each run a namespace of its own")),
    ("yd", "yarndetached", Dropped(false, DETACHED)),
    ("d", "detached", Dropped(false, DETACHED)),
    ("yst", "yarnstreaming", Dropped(false, "Flink knows streaming jobs by themselves")),
    ("q", "sysoutLogging", Dropped(false, "Flink has no such option any more")),
    ("m", "jobmanager", Dropped(true, "jobs always run on YARN")),
    ("t", "target", Dropped(true, "how a job is submitted is set for the component")),
    ("e", "executor", Dropped(true, "how a job is submitted is set for the component")),
    ("yt", "yarnship", Refused(true, "put the files into the component's folder and leave the option out")),
    ("yj", "yarnjar", Refused(true, "Flink itself is the site's: leave it out")),
    ("yid", "yarnapplicationId", Refused(true, NOT_A_SESSION)),
    ("yq", "yarnquery", Refused(false, NOT_A_SESSION)),
    ("C", "classpath", Refused(true, "put the classes into the component's jar and leave the option out")),
    ("c", "class", Refused(true, "write the class as `main_class`")),
    ("py", "python", Refused(true, "write the file as `main_py`")),
    ("pym", "pyModule", Refused(true, "write the file of the module as `main_py`")),
];

/// The names of an option without its dashes.
fn named(name: &str, long_only: bool) -> Option<&'static (&'static str, &'static str, Becomes)> {
    OPTIONS.iter().find(|(short, long, _)| (!long_only && *short == name) || (!long.is_empty() && *long == name))
}

/// The keys that options become; mistakes and notes are added.
pub(super) fn translate(
    origin: &Origin,
    words: Vec<String>,
    problems: &mut Problems,
    notes: &mut Vec<Problem>,
) -> BTreeMap<String, String> {
    let mut translation = Translation { origin, problems, notes, keys: BTreeMap::new(), containers: None };
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        translation.option(&word, &mut words);
    }
    translation.tell_parallelism();
    translation.keys
}

struct Translation<'a> {
    origin: &'a Origin,
    problems: &'a mut Problems,
    notes: &'a mut Vec<Problem>,
    keys: BTreeMap<String, String>,
    containers: Option<u64>,
}

impl Translation<'_> {
    fn problem(&mut self, what: String, remedy: impl Into<String>) {
        self.problems.add(self.origin.problem(format!("flink_config_args: {what}"), remedy));
    }

    fn note(&mut self, what: String, remedy: impl Into<String>) {
        self.notes.push(self.origin.problem(format!("flink_config_args: {what}"), remedy));
    }

    fn option(&mut self, word: &str, rest: &mut std::vec::IntoIter<String>) {
        let (long_only, text) = match word.strip_prefix("--") {
            Some(text) => (true, text),
            None => match word.strip_prefix('-') {
                Some(text) if !text.is_empty() => (false, text),
                _ => return self.problem(format!("`{}` belongs to no option", shown(word)), "leave it out"),
            },
        };
        // `-yDkey=value` and `-Dkey=value` are one word.
        let pair = ["yD", "D"].iter().find_map(|name| text.strip_prefix(name)).filter(|_| !long_only);
        if let Some(pair) = pair.filter(|pair| !pair.is_empty()) {
            return self.pair(pair);
        }
        let (name, given) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (text, None),
        };
        let Some((_, _, becomes)) = named(name, long_only) else { return self.unknown(word, name) };
        let takes_none = matches!(becomes, Flag(_) | Dropped(false, _) | Refused(false, _));
        let value = match (takes_none, given) {
            (true, _) => String::new(),
            (false, Some(value)) => value,
            (false, None) => match rest.next() {
                Some(value) => value,
                None => return self.problem(format!("`{}` is followed by nothing", shown(word)), "write its value"),
            },
        };
        self.apply(word, *becomes, &value);
    }

    fn unknown(&mut self, word: &str, name: &str) {
        let known = OPTIONS.iter().flat_map(|(short, long, _)| [*short, *long]).filter(|name| name.len() > 2);
        let remedy = match nearest(name, known) {
            Some(known) => format!("did you mean `-{known}`?"),
            None => "leave it out, or set a key of Flink's configuration with -D key=value".to_owned(),
        };
        self.problem(format!("`{}` is no option that is known", shown(word)), remedy);
    }

    fn apply(&mut self, word: &str, becomes: Becomes, value: &str) {
        match becomes {
            Key(key) => self.set(key, value),
            Flag(key) => self.set(key, "true"),
            Pair => self.pair(value),
            Count(key) => match count(value) {
                Some(_) => self.set(key, value),
                None => self.no_count(word, value),
            },
            Containers => match count(value) {
                Some(number) => self.containers = Some(number),
                None => self.no_count(word, value),
            },
            Memory(key, enough) => self.memory(word, key, enough, value),
            Dropped(_, why) => self.note(format!("`{}` is dropped: {why}", shown(word)), "leave it out"),
            Refused(_, remedy) => self.problem(format!("`{}` is not possible here", shown(word)), remedy),
        }
    }

    fn no_count(&mut self, word: &str, value: &str) {
        let what = format!("`{}` is `{}`, and must be a whole number from 1 on", shown(word), shown(value));
        self.problem(what, "write a number, as in -p 2");
    }

    fn pair(&mut self, pair: &str) {
        // As Flink reads it: a key alone is a flag.
        let (key, value) = pair.split_once('=').unwrap_or((pair, "true"));
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-$".contains(c);
        if let Some(reason) = reserved::refused(key) {
            return self.problem(format!("`{}` cannot be set by a package: {reason}", shown(key)), "leave it out");
        }
        if key.is_empty() || !key.chars().all(plain) {
            let what = format!("`{}` cannot be a key of Flink's configuration", shown(key));
            return self.problem(what, "a key has letters, digits and . _ - $");
        }
        self.set(key, value);
    }

    fn set(&mut self, key: &str, value: &str) {
        // Flink's older configuration is a file of lines: a line end would begin another key.
        if value.chars().any(char::is_control) {
            let what = format!("the value of `{key}` has a line end or another control character");
            return self.problem(what, "write it on one line");
        }
        if let Some(other) = self.keys.insert(key.to_owned(), value.to_owned()).filter(|other| other != value) {
            let what = format!("`{key}` is set to `{}` and to `{}`", shown(&other), shown(value));
            self.problem(what, "leave one of them");
        }
    }

    fn memory(&mut self, word: &str, key: &str, enough: u64, value: &str) {
        let Some((number, unit)) = memory(value) else {
            let what = format!("`{}` is `{}`, which is no size of memory", shown(word), shown(value));
            return self.problem(what, "write a number of megabytes or one with its unit, as in 2048 or 2g");
        };
        self.set(key, &format!("{number}{unit}"));
        let mebibytes = match unit {
            't' => number.saturating_mul(1 << 20),
            'g' => number.saturating_mul(1 << 10),
            'm' => number,
            'k' => number >> 10,
            _ => number >> 20,
        };
        if mebibytes < enough {
            let what = format!(
                "`{}` {} is little: today it holds metaspace and overhead too, not the heap alone",
                shown(word),
                shown(value)
            );
            self.note(what, format!("write at least {enough}, unless the job is known to run with less"));
        }
    }

    /// Flink 1.4 took the parallelism from the number of slots that it started, where nothing else was said.
    fn tell_parallelism(&mut self) {
        let Some(containers) = self.containers else { return };
        let slots = self.keys.get("taskmanager.numberOfTaskSlots").and_then(|slots| count(slots)).unwrap_or(1);
        let parallelism = containers.saturating_mul(slots);
        let what = format!("`-yn {containers}` is dropped: Flink asks YARN for as many TaskManagers as a job needs");
        match parallelism > 1 && !self.keys.contains_key("parallelism.default") {
            true => {
                self.note(what, format!("write `-p {parallelism}` for the parallelism that Flink 1.4 took from it"))
            }
            false => self.note(what, "leave it out"),
        }
    }
}

/// A whole number from 1 on that Flink can hold.
fn count(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| digits && (1..=i32::MAX as u64).contains(number))
}

/// A size as Flink reads it, and the letter of its unit.
fn memory(text: &str) -> Option<(u64, char)> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "m" | "mb" | "mebibytes" => 'm',
        "b" | "bytes" => 'b',
        "k" | "kb" | "kibibytes" => 'k',
        "g" | "gb" | "gibibytes" => 'g',
        "t" | "tb" | "tebibytes" => 't',
        _ => return None,
    };
    number.parse().ok().filter(|number| (1..1 << 40).contains(number)).map(|number| (number, unit))
}
