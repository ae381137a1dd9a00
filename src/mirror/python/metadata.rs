//! The metadata of a distribution: the headers of `METADATA` and `PKG-INFO`, setuptools' `requires.txt` and `setup.cfg`.
//! Only what decides an installation is read; a long description is not.
//! Not here: where the files lie, or whether they are to be believed.

use std::collections::BTreeSet;

/// More requirements than any distribution has.
const MOST_REQUIREMENTS: usize = 2000;

/// The headers that count.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Metadata {
    pub(super) format: String,
    pub(super) name: String,
    pub(super) version: String,
    pub(super) requires_python: Option<String>,
    pub(super) requires: Vec<String>,
    dynamic: BTreeSet<String>,
}

impl Metadata {
    /// Reads the headers; none if a name or version is missing.
    pub(super) fn read(bytes: &[u8]) -> Option<Metadata> {
        let text = String::from_utf8_lossy(bytes);
        let mut metadata = Metadata::default();
        for (key, value) in headers(&text) {
            match key.to_ascii_lowercase().as_str() {
                "metadata-version" => metadata.format = value,
                "name" => metadata.name = value,
                "version" => metadata.version = value,
                "requires-python" => metadata.requires_python = Some(value).filter(|value| !value.is_empty()),
                "requires-dist" => metadata.requires.push(value),
                "dynamic" => drop(metadata.dynamic.insert(value.to_ascii_lowercase())),
                _ => {}
            }
        }
        let whole = !metadata.name.is_empty() && !metadata.version.is_empty();
        (whole && metadata.requires.len() <= MOST_REQUIREMENTS).then_some(metadata)
    }

    /// Whether a source distribution promises that its wheels will require the same: PEP 643.
    pub(super) fn is_settled(&self) -> bool {
        let numbers: Vec<u32> = self.format.split('.').filter_map(|part| part.parse().ok()).collect();
        numbers.as_slice() >= &[2, 2] && !self.dynamic.contains("requires-dist")
    }
}

/// The headers up to the first empty line, folded lines joined.
fn headers(text: &str) -> Vec<(&str, String)> {
    let mut headers: Vec<(&str, String)> = Vec::new();
    for line in text.lines().take_while(|line| !line.is_empty()) {
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = headers.last_mut() {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((key, value)) = line.split_once(':') {
            headers.push((key, value.trim().to_owned()));
        }
    }
    headers
}

/// `requires.txt` as requirements: a section `[extra:marker]` says when its lines hold.
pub(super) fn read_requires_txt(bytes: &[u8]) -> Option<Vec<String>> {
    let text = String::from_utf8_lossy(bytes);
    let mut condition = Vec::new();
    let mut requires = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(section) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            let (extra, marker) = section.split_once(':').unwrap_or((section, ""));
            condition.clear();
            condition.extend((!marker.is_empty()).then(|| format!("({marker})")));
            condition.extend((!extra.is_empty()).then(|| format!("extra == '{extra}'")));
            continue;
        }
        let (requirement, marker) = line.split_once(';').unwrap_or((line, ""));
        let marker = Some(marker.trim()).filter(|marker| !marker.is_empty()).map(|marker| format!("({marker})"));
        let markers: Vec<String> = marker.into_iter().chain(condition.iter().cloned()).collect();
        requires.push(match markers.join(" and ") {
            none if none.is_empty() => requirement.trim().to_owned(),
            markers => format!("{} ; {markers}", requirement.trim()),
        });
    }
    (requires.len() <= MOST_REQUIREMENTS).then_some(requires)
}

/// What `[options] setup_requires` in `setup.cfg` says must be there before setuptools is run.
pub(super) fn read_setup_requires(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let options = text.lines().skip_while(|line| line.trim() != "[options]").skip(1);
    let mut inside = false;
    let mut requires = Vec::new();
    for line in options.take_while(|line| !line.starts_with('[')) {
        let mut value = line.trim();
        if !line.starts_with([' ', '\t']) {
            let (key, rest) = line.split_once(['=', ':']).unwrap_or((line, ""));
            inside = key.trim() == "setup_requires";
            value = rest.trim();
        }
        if inside && requires.len() < MOST_REQUIREMENTS {
            let several = value.split(';').map(str::trim).filter(|one| !one.is_empty() && !one.starts_with('#'));
            requires.extend(several.map(str::to_owned));
        }
    }
    requires
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_end_where_the_description_begins() {
        let text = "Metadata-Version: 2.1\nName: Tool\nVersion: 1.0\nRequires-Python: >=3.8\nRequires-Dist: a>=1\n\
            Requires-Dist: b ;\n extra == 'x'\n\nRequires-Dist: no\n";
        let read = Metadata::read(text.as_bytes()).unwrap();
        assert_eq!(read.requires, ["a>=1", "b ; extra == 'x'"]);
        assert_eq!((read.name.as_str(), read.requires_python.as_deref()), ("Tool", Some(">=3.8")));
        assert_eq!(Metadata::read(b"<html>"), None);
    }

    #[test]
    fn only_new_metadata_without_dynamic_requirements_is_settled() {
        let of = |text: &str| Metadata::read(format!("{text}\nName: a\nVersion: 1").as_bytes()).unwrap().is_settled();
        assert!(of("Metadata-Version: 2.2") && of("Metadata-Version: 2.10\nDynamic: summary"));
        assert!(!of("Metadata-Version: 2.1") && !of("Metadata-Version: 2.4\nDynamic: Requires-Dist") && !of("X: y"));
    }

    #[test]
    fn sections_of_requires_txt_become_markers() {
        let text =
            "docopt\nsix>=1.9 ; python_version < '4'\n\n[:sys_platform == 'win32']\ncolorama\n[avro]\nfastavro\n";
        assert_eq!(
            read_requires_txt(text.as_bytes()).unwrap(),
            [
                "docopt",
                "six>=1.9 ; (python_version < '4')",
                "colorama ; (sys_platform == 'win32')",
                "fastavro ; extra == 'avro'"
            ]
        );
    }

    #[test]
    fn what_setuptools_needs_first_is_in_setup_cfg() {
        let text = "[metadata]\nsetup_requires = no\n[options]\nsetup_requires =\n\tisort\n  pycodestyle>2\n\
            install_requires = a\n[x]\nsetup_requires = no\n";
        assert_eq!(read_setup_requires(text.as_bytes()), ["isort", "pycodestyle>2"]);
        assert_eq!(read_setup_requires(b"[options]\nsetup_requires: a; b\n"), ["a", "b"]);
        assert_eq!(read_setup_requires(b"no"), [""; 0]);
    }
}
