//! The Python part of a component: its script, the files that Python workers import, archives that are unpacked beside it, and
//! the interpreter. Flink's keys for them name files of the component, as `flink run` names files of its own machine.
//! Not here: the environment itself, which is on the nodes or in an archive.

use super::container;
use super::flink::{Program, Reader};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use words::names::SafePath;
use words::shown::shown;

/// The interpreter of Python functions.
pub const EXECUTABLE: &str = "python.executable";
/// The interpreter of the script.
pub const CLIENT_EXECUTABLE: &str = "python.client.executable";
/// What YARN unpacks by its name.
const UNPACKED: [&str; 4] = [".tar.gz", ".tgz", ".tar", ".zip"];

/// An archive of a component, which YARN unpacks in each container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Archive {
    /// The file.
    pub file: SafePath,
    /// The folder in the container that has what is in it.
    pub folder: String,
}

impl Reader<'_> {
    /// A script and what goes with it. Keys that name files of the component are taken out of the configuration.
    pub(super) fn python(&mut self, script: &str, configuration: &mut BTreeMap<String, String>) -> Option<Program> {
        let script = self.file("main_py", script);
        let mut files = self.python_files("py_files", &self.get("py_files").unwrap_or_default());
        files.extend(self.python_files("-pyfs", &configuration.remove("python.files").unwrap_or_default()));
        let archives = self.archives(&configuration.remove("python.archives").unwrap_or_default());
        if let Some(requirements) = configuration.get("python.requirements") {
            let parts: Vec<&str> = requirements.splitn(2, '#').collect();
            parts.into_iter().for_each(|part| drop(self.python_files("-pyreq", part)));
        }
        for path in script.iter().chain(&files).filter(|path| container::is_flinks(path.as_str())) {
            let what = format!("{path} lies in a folder that is Flink's own where the job runs");
            self.problem(what, "call the folder otherwise: lib, opt, plugins and usrlib are Flink's");
        }
        for key in [EXECUTABLE, CLIENT_EXECUTABLE] {
            self.interpreter(key, configuration.get(key), &archives);
        }
        let has_jars = self.files.keys().any(container::is_jar);
        Some(Program::Python { script: script?, files, archives, has_jars })
    }

    /// Files and folders of the component, between commas.
    fn python_files(&mut self, property: &str, text: &str) -> Vec<SafePath> {
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        let mut found = Vec::new();
        for name in names {
            let name = name.trim_end_matches('/');
            let inside = format!("{}/", name.strip_prefix("./").unwrap_or(name));
            let folder = self.files.keys().any(|file| file.as_str().starts_with(&inside));
            match folder.then(|| SafePath::new(inside.trim_end_matches('/'))) {
                Some(Ok(path)) => found.push(path),
                _ => found.extend(self.file(property, name)),
            }
        }
        found
    }

    /// `FILE` or `FILE#FOLDER`, between commas.
    fn archives(&mut self, text: &str) -> Vec<Archive> {
        let (mut archives, mut folders) = (Vec::new(), BTreeSet::new());
        for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let (name, folder) = name.split_once('#').unwrap_or((name, ""));
            let Some(file) = self.file("-pyarch", name) else { continue };
            let folder = if folder.is_empty() { file.file_name() } else { folder }.to_owned();
            if !UNPACKED.iter().any(|suffix| file.as_str().ends_with(suffix)) {
                self.problem(
                    format!("{file} is no archive that YARN unpacks"),
                    "pack it as .tar.gz, .tgz, .tar or .zip",
                );
                continue;
            }
            let plain = !folder.starts_with(['.', '-'])
                && folder.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._+-".contains(&byte));
            let inside = format!("{folder}/");
            let beside =
                |path: &SafePath| path.as_str().starts_with(&inside) || (path.as_str() == folder && *path != file);
            if !plain
                || container::is_taken(&folder)
                || self.files.keys().any(beside)
                || !folders.insert(folder.clone())
            {
                let what = format!("{file} cannot be unpacked into `{}`", shown(&folder));
                self.problem(what, "write FILE#NAME with a name that nothing else has: letters, digits and . _ + -");
                continue;
            }
            archives.push(Archive { file, folder });
        }
        archives
    }

    /// One that is named by a path in the container comes with the component.
    fn interpreter(&mut self, key: &str, path: Option<&String>, archives: &[Archive]) {
        let Some((first, _)) = path.and_then(|path| path.strip_prefix("./").unwrap_or(path).split_once('/')) else {
            return;
        };
        let inside = format!("{first}/");
        let is_there = archives.iter().any(|archive| archive.folder == first)
            || self.files.keys().any(|file| file.as_str().starts_with(&inside));
        if !first.is_empty() && !is_there {
            let what =
                format!("{key} is in `{}`, which is neither an archive nor a folder of the component", shown(first));
            self.problem(what, format!("write the whole path of one on the nodes, or -pyarch FILE#{}", shown(first)));
        }
    }
}

/// Arguments without the lone dash by which Flink 1.4 was told where they begin.
pub(super) fn without_dash(arguments: Vec<String>) -> Vec<String> {
    let dash = usize::from(arguments.first().is_some_and(|first| first == "-"));
    arguments.into_iter().skip(dash).collect()
}
