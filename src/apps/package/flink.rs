//! A component of type `flink`: the program, its arguments, and what its properties mean for today's Flink.
//! All mistakes are told at once. Properties that Flink's part does not know are the program's own.
//! Not here: options of the 1.4 era (`options`), and how a job is submitted.

use super::python::{self, Archive};
use super::{arguments, options, saving};
use crate::respawn::{Policy, Respawn};
use crate::saving::Saving;
use crate::schedule::Schedule;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;
use words::names::SafePath;
use words::problem::{Origin, Problem, Problems, nearest};
use words::shown::shown;

/// The file that every component of this type has.
pub const APPLICATION_PROPERTIES: &str = "application.properties";

/// Properties with a meaning here.
pub(crate) const KNOWN: [&str; 24] = [
    "main_jar",
    "main_class",
    "main_py",
    "py_files",
    "flink_version",
    "flink_config_args",
    "flink_job_type",
    "flink_parallelism",
    "application_args",
    "respawn_type",
    "respawn_timeout_sec",
    "respawn_limit",
    "savepoint_interval_sec",
    "savepoint_keep",
    "savepoint_keep_days",
    "savepoint_schedule",
    "savepoint_schedule_zone",
    "log_level",
    "no_auto_props",
    "flink_python_jar",
    "flink_submission",
    "schedule",
    "schedule_zone",
    "schedule_missed",
];

/// So many failures in a row are followed by another run where nobody says how many.
const RESPAWN_LIMIT: u32 = 10;

/// The program of a component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Program {
    /// A class in a jar of the component.
    Jar { jar: SafePath, class: String },
    /// A script of the component, the files and folders that Python imports, and archives that are unpacked beside them.
    /// Jars of the component are on its class path.
    Python { script: SafePath, files: Vec<SafePath>, archives: Vec<Archive>, has_jars: bool },
}

/// What upstream calls the job. A streaming job may be labelled batch: only defaults follow from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobType {
    /// `streaming`, also where nothing is said.
    Streaming,
    /// `batch`.
    Batch,
}

/// A component of type `flink` that is right in itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlinkComponent {
    /// What is run.
    pub program: Program,
    /// Its arguments, one word each.
    pub arguments: Vec<String>,
    /// Keys of Flink's configuration that the component asks for; none of them is reserved.
    pub configuration: BTreeMap<String, String>,
    /// The release or line of Flink that it asks for, as in `1.20` or `1.20.5`.
    pub version: Option<String>,
    /// The label.
    pub job_type: JobType,
    /// What follows when it ends by itself.
    pub policy: Policy,
    /// When a savepoint of it is taken by itself.
    pub saving: Option<Saving>,
    /// The level of the root logger, in capitals.
    pub log_level: Option<String>,
    /// When its runs begin, where not with the start.
    pub schedule: Option<Schedule>,
    /// Whether Flink's own client submits it, where the component says so.
    pub is_by_client: Option<bool>,
}

impl FlinkComponent {
    /// Reads the properties, which are expanded already. `place` names them in mistakes; notes come with the result.
    pub fn parse(
        place: &str,
        properties: &BTreeMap<String, String>,
        files: &BTreeMap<SafePath, u64>,
    ) -> Result<(FlinkComponent, Vec<Problem>), Problems> {
        let origin = Origin::of_file(&shown(place).to_string());
        let mut reader = Reader { origin, properties, files, problems: Problems::default(), notes: Vec::new() };
        reader.known_names();
        if !files.contains_key(APPLICATION_PROPERTIES) {
            let remedy = "add it beside properties.json; it may be empty";
            reader.problem(format!("missing file {APPLICATION_PROPERTIES}"), remedy);
        }
        let job_type = reader.job_type();
        let (mut arguments, options) = (reader.words("application_args"), reader.words("flink_config_args"));
        let mut configuration = options::translate(&reader.origin, options, &mut reader.problems, &mut reader.notes);
        if let Some(parallelism) = reader.parallelism() {
            configuration.insert("parallelism.default".to_owned(), parallelism.to_string());
        }
        let program = reader.program(&mut configuration);
        if matches!(program, Some(Program::Python { .. })) {
            arguments = python::without_dash(arguments);
        }
        let (policy, saving) = (reader.policy(job_type), saving::read(&mut reader));
        let (version, log_level, is_by_client) = (reader.version(), reader.log_level(), reader.submission());
        let schedule = reader.schedule(job_type);
        let Reader { mut problems, notes, origin, .. } = reader;
        let Some(program) = program else {
            if problems.is_empty() {
                problems.add(origin.problem("it has no program", WHICH));
            }
            return Err(problems.sorted());
        };
        let component = FlinkComponent {
            program,
            arguments,
            configuration,
            version,
            job_type,
            policy,
            saving,
            log_level,
            is_by_client,
            schedule,
        };
        problems.into_result((component, notes))
    }
}

const WHICH: &str = "write \"main_jar\" and \"main_class\" for Java and Scala, or \"main_py\" for Python";

pub(super) struct Reader<'a> {
    origin: Origin,
    properties: &'a BTreeMap<String, String>,
    pub(super) files: &'a BTreeMap<SafePath, u64>,
    problems: Problems,
    notes: Vec<Problem>,
}

impl Reader<'_> {
    pub(super) fn problem(&mut self, what: impl Into<String>, remedy: impl Into<String>) {
        self.problems.add(self.origin.problem(what, remedy));
    }

    pub(super) fn note(&mut self, what: impl Into<String>, remedy: impl Into<String>) {
        self.notes.push(self.origin.problem(what, remedy));
    }

    /// A property that says something.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        self.properties.get(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    fn known_names(&mut self) {
        let properties = self.properties;
        for name in properties.keys().filter(|name| !KNOWN.contains(&name.as_str())) {
            if let Some(known) = nearest(name, KNOWN).filter(|known| !properties.contains_key(*known)) {
                let what = format!("`{}` has no meaning here and is handed to the program", shown(name));
                self.note(what, format!("did you mean `{known}`?"));
            }
        }
        if properties.contains_key("flink_python_jar") {
            self.note("`flink_python_jar` is not used any more: Flink brings it", "leave it out");
        }
    }

    fn program(&mut self, configuration: &mut BTreeMap<String, String>) -> Option<Program> {
        match (self.get("main_jar"), self.get("main_class"), self.get("main_py")) {
            (Some(jar), Some(class), None) => {
                let (jar, class) = (self.file("main_jar", &jar), self.class(class));
                Some(Program::Jar { jar: jar?, class: class? })
            }
            (None, None, Some(script)) => self.python(&script, configuration),
            (None, None, None) => {
                self.problem("properties.json must contain \"main_jar or main_py\"", WHICH);
                None
            }
            (Some(_), _, Some(_)) | (_, Some(_), Some(_)) => {
                self.problem("it says both what to run in Java and what to run in Python", WHICH);
                None
            }
            (Some(_), None, None) => {
                self.problem("there is a main_jar and no main_class", "write the class whose `main` is to run");
                None
            }
            (None, Some(_), None) => {
                self.problem("there is a main_class and no main_jar", "write the jar that the class is in");
                None
            }
        }
    }

    /// A file of the component by its path in the component's folder.
    pub(super) fn file(&mut self, property: &str, text: &str) -> Option<SafePath> {
        let path = match SafePath::new(text.strip_prefix("./").unwrap_or(text)) {
            // It may become an argument of Flink's own client.
            Ok(path) if path.as_str().starts_with('-') => {
                self.problem(format!("{property} begins with a dash"), "rename the file");
                return None;
            }
            Ok(path) => path,
            Err(error) => {
                self.problem(format!("{property}: {error}"), "write the path of a file in the component's folder");
                return None;
            }
        };
        if self.files.contains_key(&path) {
            return Some(path);
        }
        let remedy = match nearest(text, self.files.keys().map(SafePath::as_str)) {
            Some(near) => format!("did you mean `{}`?", shown(near)),
            None => "add it to the component's folder".to_owned(),
        };
        self.problem(format!("missing file {path}, which {property} names"), remedy);
        None
    }

    fn class(&mut self, class: String) -> Option<String> {
        let letter = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
        let part = |part: &str| part.chars().all(letter) && part.starts_with(|c: char| letter(c) && !c.is_numeric());
        if class.split('.').all(part) {
            return Some(class);
        }
        let what = format!("main_class is `{}`, which is no name of a class", shown(&class));
        self.problem(what, "write it with its package, as in com.example.WordCount");
        None
    }

    fn words(&mut self, property: &str) -> Vec<String> {
        let properties = self.properties;
        let Some(text) = properties.get(property) else { return Vec::new() };
        match arguments::split(text) {
            Ok(words) => {
                self.unreplaced(property, text);
                words
            }
            Err(error) => {
                let remedy = "quote as in a shell: 'a b', \"a b\" or a\\ b; nothing else is replaced";
                self.problem(format!("{property}: {error}"), remedy);
                Vec::new()
            }
        }
    }

    /// Expansion is over, so a name that still stands there is known to nobody.
    fn unreplaced(&mut self, property: &str, text: &str) {
        for name in super::properties::names(text) {
            let what = format!("{property}: nothing is known by the name `{name}`, so ${{{name}}} stays as it is");
            self.note(what, "write $$ for a $ that is meant, or one of the names in application.properties");
        }
    }

    fn job_type(&mut self) -> JobType {
        match self.get("flink_job_type").as_deref() {
            None | Some("streaming") => JobType::Streaming,
            Some("batch") => JobType::Batch,
            Some(other) => {
                self.problem(format!("flink_job_type is `{}`", shown(other)), "write streaming or batch");
                JobType::Streaming
            }
        }
    }

    /// How many tasks do each step of the job; before what options say of it.
    fn parallelism(&mut self) -> Option<u16> {
        let text = self.get("flink_parallelism")?;
        let number = text.parse().ok().filter(|number| (1..=32_768).contains(number));
        if number.is_none() {
            let what = format!("flink_parallelism is `{}`", shown(&text));
            self.problem(what, "write how many tasks do each step, from 1 to 32768");
        }
        number
    }

    fn policy(&mut self, job_type: JobType) -> Policy {
        let (respawn, pause) = (self.respawn(job_type), self.pause(job_type));
        Policy { respawn, pause_ms: pause.as_millis() as u64, limit: self.limit() }
    }

    fn respawn(&mut self, job_type: JobType) -> Respawn {
        match self.get("respawn_type").as_deref() {
            None if job_type == JobType::Batch => Respawn::No,
            // What a person cancelled, or what has finished, stays so unless somebody says otherwise.
            None => Respawn::OnFailure,
            Some("always") => Respawn::Always,
            Some("no") => Respawn::No,
            Some("on-success") => Respawn::OnSuccess,
            Some("on-failure") => Respawn::OnFailure,
            Some(rare @ ("on-abnormal" | "on-watchdog" | "on-abort")) => {
                self.note(format!("respawn_type `{rare}` is taken as on-failure"), "write on-failure");
                Respawn::OnFailure
            }
            Some(other) => {
                let remedy = "write always, no, on-failure or on-success";
                self.problem(format!("respawn_type is `{}`", shown(other)), remedy);
                Respawn::No
            }
        }
    }

    fn limit(&mut self) -> Option<u32> {
        match self.get("respawn_limit").as_deref() {
            None => Some(RESPAWN_LIMIT),
            Some("unlimited") => None,
            Some(text) => match text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit())) {
                Some(limit) => Some(limit),
                None => {
                    let remedy = "write how many failures in a row are followed by another run, or unlimited";
                    self.problem(format!("respawn_limit is `{}`", shown(text)), remedy);
                    None
                }
            },
        }
    }

    fn pause(&mut self, job_type: JobType) -> Duration {
        let default = if job_type == JobType::Batch { 0 } else { 2 };
        let Some(text) = self.get("respawn_timeout_sec") else { return Duration::from_secs(default) };
        let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        match text.parse::<f64>().ok().filter(|seconds| plain && *seconds <= 86_400.0) {
            Some(seconds) => Duration::from_secs_f64(seconds),
            None => {
                let what = format!("respawn_timeout_sec is `{}`", shown(&text));
                self.problem(what, "write a number of seconds, at most a day (86400)");
                Duration::ZERO
            }
        }
    }

    fn submission(&mut self) -> Option<bool> {
        match self.get("flink_submission").as_deref() {
            None => None,
            Some("native") => Some(false),
            Some("client") => Some(true),
            Some(other) => {
                let remedy = "write native, or client for Flink's own command line";
                self.problem(format!("flink_submission is `{}`", shown(other)), remedy);
                None
            }
        }
    }

    fn version(&mut self) -> Option<String> {
        let text = self.get("flink_version")?;
        let number = |part: &str| (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        if (2..=3).contains(&text.split('.').count()) && text.split('.').all(number) {
            return Some(text);
        }
        let what = format!("flink_version is `{}`", shown(&text));
        self.problem(what, "write a line or a release of Flink, as in 1.20 or 1.20.5");
        None
    }

    fn log_level(&mut self) -> Option<String> {
        let text = self.get("log_level")?.to_ascii_uppercase();
        if ["OFF", "FATAL", "ERROR", "WARN", "INFO", "DEBUG", "TRACE", "ALL"].contains(&text.as_str()) {
            return Some(text);
        }
        // Upstream never looked at it.
        self.note(
            format!("log_level is `{}` and is left out", shown(&text)),
            "write ERROR, WARN, INFO, DEBUG or TRACE",
        );
        None
    }
}
