//! The action that runs a Flink job out of a workflow. PNDA's workflows ask for it by ssh to an edge, with a key that every node
//! had; here it is a shell action in a container, whose script is `execute.sh` as there.
//! Not here: the other files of a component, and Oozie's own actions.

use super::{Error, SETTINGS};
use crate::act::Part;
use crate::package::flink::{FlinkComponent, Program};
use crate::package::oozie::JOB;
use roxmltree::{Document, Node, ParsingOptions};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};
use words::flink::{ConfigurationFile, Version};
use words::markup::escaped;
use words::shell::word;

const SCRIPT: &str = include_str!("execute.sh");
const SCRIPT_FILE: &str = "execute.sh";
const CONFIGURATION: &str = "config.yaml";
const LOG: &str = "log4j.properties";
/// The folder for what lay in `lib` beside the Flink job.
pub(super) const JARS: &str = "job/lib/";
/// PNDA's names for an edge and the script on it.
const HOST: &str = "${flink_client}";
const COMMAND: &str = "${path_to_script}";
/// What Flink reaches into on Java 17, where its configuration says nothing.
const JAVA_OPTIONS: &str = "env.java.opts.all";

/// The Flink that a workflow's job runs on.
#[derive(Debug)]
pub struct FlinkOfJob<'a> {
    /// The release.
    pub version: Version,
    /// Its configuration on this node.
    pub configuration: &'a BTreeMap<String, String>,
    /// The log settings of its containers, on this node.
    pub log: PathBuf,
    /// Its folder in HDFS, with the address of that.
    pub staged: &'a str,
    /// The name of its application in YARN.
    pub name: &'a str,
    /// The tags of that, by which it is found again.
    pub tags: &'a str,
    /// The queue.
    pub queue: Option<&'a str>,
}

impl FlinkOfJob<'_> {
    /// What goes beside the workflow, written into a folder on this machine.
    pub(super) fn parts(&self, job: &FlinkComponent, folder: &Path) -> io::Result<Vec<Part>> {
        let part = |name: &str, file: PathBuf| Part { key: format!("{JOB}{name}"), file, is_archive: false };
        let mut parts = vec![part(LOG, self.log.clone())];
        for (name, text) in [(SCRIPT_FILE, self.script(job)), (CONFIGURATION, self.settings(job))] {
            // What the package has lies in other places.
            let file = folder.join(format!(".{name}"));
            fs::write(&file, text)?;
            parts.push(part(name, file));
        }
        Ok(parts)
    }

    fn script(&self, job: &FlinkComponent) -> String {
        let (jar, class) = program(job);
        let mut arguments = vec!["-c".to_owned(), word(class), word(file_name(jar))];
        arguments.extend(job.arguments.iter().map(|argument| word(argument)));
        let file = self.version.configuration_file().name();
        let options = self.configuration.get(JAVA_OPTIONS).map(String::as_str).unwrap_or_default();
        let set =
            format!("FLINK_CONF_FILE={}\nJAVA_OPTIONS={}\nset -- {}\n", word(file), word(options), arguments.join(" "));
        SCRIPT.replacen("set -eu\n", &format!("set -eu\n{set}"), 1)
    }

    /// A job of its own, whose end the client waits for.
    fn settings(&self, job: &FlinkComponent) -> String {
        let mut pairs = self.configuration.clone();
        pairs.extend(job.configuration.clone());
        let own = [
            ("execution.target", "yarn-per-job"),
            ("execution.attached", "true"),
            ("execution.shutdown-on-attached-exit", "true"),
            ("yarn.provided.lib.dirs", &format!("{}/lib", self.staged)),
            ("yarn.application.name", self.name),
            ("yarn.tags", self.tags),
            ("yarn.application-attempts", "1"),
        ];
        pairs.extend(own.map(|(key, value)| (key.to_owned(), value.to_owned())));
        pairs.extend(self.queue.map(|queue| ("yarn.application.queue".to_owned(), queue.to_owned())));
        let is_yaml = self.version.configuration_file() == ConfigurationFile::Yaml;
        let line = |(key, value): (&String, &String)| match is_yaml {
            true => format!("{}: {}\n", serde_json::Value::from(key.as_str()), serde_json::Value::from(value.as_str())),
            false => format!("{key}: {value}\n"),
        };
        pairs.iter().map(line).collect()
    }

    /// The action that runs the script. `known`: the addresses of HDFS and YARN; `folder`: where the files lie.
    pub(super) fn action(&self, job: &FlinkComponent, known: &BTreeMap<String, String>, folder: &str) -> String {
        let address = |name: &str| escaped(known.get(name).map(String::as_str).unwrap_or_default());
        let (jar, _) = program(job);
        let own = [SCRIPT_FILE, CONFIGURATION, LOG].map(|file| (format!("{JOB}{file}"), file));
        let beside = [(format!("{JARS}{jar}"), file_name(jar)), (SETTINGS.to_owned(), SETTINGS)];
        let files = own.into_iter().chain(beside).map(|(from, to)| (format!("{folder}/{from}"), to.to_owned()));
        let files = files.chain([(format!("{}/lib", self.staged), "flink".to_owned())]);
        let files = files.map(|(from, to)| format!("<file>{}#{}</file>", escaped(&from), escaped(&to)));
        format!(
            "<shell xmlns=\"uri:oozie:shell-action:1.0\"><resource-manager>{}</resource-manager><name-node>{}</name-node>\
             <exec>{SCRIPT_FILE}</exec>{}</shell>",
            address("resourceManager"),
            address("nameNode"),
            files.collect::<String>()
        )
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn program(job: &FlinkComponent) -> (&str, &str) {
    match &job.program {
        Program::Jar { jar, class } => (jar.as_str(), class),
        // No component of Oozie has one.
        Program::Python { script, .. } => (script.as_str(), ""),
    }
}

/// A workflow with `run` in the place of PNDA's ssh actions that run its Flink job; any other ssh action is refused.
pub(super) fn without_ssh(file: &str, text: &str, run: Option<&str>) -> Result<String, Error> {
    let options = ParsingOptions { allow_dtd: false, ..ParsingOptions::default() };
    let xml = |error: roxmltree::Error| Error::Xml { file: file.to_owned(), why: error.to_string() };
    let document = Document::parse_with_options(text, options).map_err(xml)?;
    let is_ssh = |node: &Node<'_, '_>| {
        node.tag_name().name() == "ssh"
            && node.tag_name().namespace().is_some_and(|space| space.starts_with("uri:oozie:ssh-action"))
    };
    let mut whole = text.to_owned();
    // From the end on, so that what comes before stays where it is.
    let found: Vec<_> = document.descendants().filter(is_ssh).collect();
    for node in found.into_iter().rev() {
        let says = |name: &str, wanted: &str| {
            node.children().any(|child| child.tag_name().name() == name && child.text().map(str::trim) == Some(wanted))
        };
        let run = run.filter(|_| says("host", HOST) && says("command", COMMAND));
        let Some(run) = run else {
            let action = node.parent().and_then(|action| action.attribute("name")).unwrap_or_default().to_owned();
            return Err(Error::Ssh { file: file.to_owned(), action });
        };
        whole.replace_range(node.range(), run);
    }
    Ok(whole)
}
