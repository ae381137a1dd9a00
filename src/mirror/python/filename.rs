//! The names of Python distributions: `tool-1.0-py3-none-any.whl`, `tool-1.0.tar.gz`; and of the projects they are of.
//! A name that does not follow the PEPs is no distribution's.
//! Not here: what is in the file.

use pep440_rs::Version;
use words::names::{BadName, SafePath, Word};

/// More alternatives in one wheel's tags than any publisher gives.
const MOST_TAGS: usize = 256;

/// What a file's name says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filename {
    /// The version.
    pub version: Version,
    /// Wheel or source.
    pub form: Form,
}

/// The two forms of a distribution that clients still take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// Ready to unpack, for the interpreters that its tags name.
    Wheel(Tags),
    /// To be built where it is installed.
    Sdist,
}

/// The compressed tag set of a wheel, and its build number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tags {
    /// A tie-breaker between wheels that are otherwise the same; the higher wins.
    pub build: u64,
    /// `cp311`, `py3`.
    pub python: Vec<String>,
    /// `cp311`, `abi3`, `none`.
    pub abi: Vec<String>,
    /// `manylinux2014_x86_64`, `any`.
    pub platform: Vec<String>,
}

impl Filename {
    /// Reads the name of a file of a project; none if it is no distribution, or of another project.
    pub fn read(name: &str, project: &Word) -> Option<Filename> {
        if !is_plain(name) {
            return None;
        }
        if let Some(stem) = name.strip_suffix(".whl") {
            return wheel(stem, project);
        }
        let stem = name.strip_suffix(".tar.gz").or_else(|| name.strip_suffix(".zip"))?;
        // Old names have hyphens in the project and in the version: the project is known, so it shows where it ends.
        let ends = stem.match_indices('-').map(|(at, _)| (&stem[..at], &stem[at + 1..]));
        let version = ends.filter(|(name, _)| is_of(name, project)).find_map(|(_, version)| version.parse().ok())?;
        Some(Filename { version, form: Form::Sdist })
    }
}

/// Whether a name can be a file, a URL's segment and a line of a page: ASCII, so that no two look alike.
fn is_plain(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._+-!".contains(c);
    !name.contains('/') && SafePath::new(name).is_ok() && name.chars().all(allowed)
}

fn wheel(stem: &str, project: &Word) -> Option<Filename> {
    let parts: Vec<&str> = stem.split('-').collect();
    let (name, version, build, tags) = match parts.as_slice() {
        [name, version, tags @ ..] if tags.len() == 3 => (name, version, None, tags),
        [name, version, build, tags @ ..] if tags.len() == 3 => (name, version, Some(build), tags),
        _ => return None,
    };
    if !is_of(name, project) {
        return None;
    }
    let digits = |build: &&str| build.chars().take_while(char::is_ascii_digit).collect::<String>();
    let build = match build {
        Some(build) => digits(build).parse().ok()?,
        None => 0,
    };
    let set = |text: &str| text.split('.').map(str::to_owned).collect::<Vec<_>>();
    let tags = Tags { build, python: set(tags[0]), abi: set(tags[1]), platform: set(tags[2]) };
    let count = tags.python.len() * tags.abi.len() * tags.platform.len();
    let version = version.replace('_', "-").parse().ok()?;
    (count <= MOST_TAGS).then_some(Filename { version, form: Form::Wheel(tags) })
}

fn is_of(name: &str, project: &Word) -> bool {
    normalise(name).is_ok_and(|name| &name == project)
}

/// PEP 503: lower case, runs of `-`, `_` and `.` become one `-`. Letters outside ASCII are refused, not folded: a name
/// that only looks like another is another project.
pub fn normalise(project: &str) -> Result<Word, BadName> {
    let mut name = String::new();
    for c in project.trim().chars() {
        match c {
            '-' | '_' | '.' if name.ends_with('-') => {}
            '-' | '_' | '.' => name.push('-'),
            c => name.push(c.to_ascii_lowercase()),
        }
    }
    Word::new(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, project: &str) -> Option<String> {
        let read = Filename::read(name, &Word::new(project).unwrap())?;
        let form = match read.form {
            Form::Sdist => "sdist".to_owned(),
            Form::Wheel(tags) => {
                format!("{} {} {} {}", tags.build, tags.python.join("|"), tags.abi.join("|"), tags.platform.join("|"))
            }
        };
        Some(format!("{} {form}", read.version))
    }

    #[test]
    fn names_are_read_as_the_peps_say() {
        for (name, project, expected) in [
            ("tool-1.0-py2.py3-none-any.whl", "tool", "1.0 0 py2|py3 none any"),
            (
                "Big_Tool-1.0rc1-2b-cp311-abi3-manylinux1_x86_64.whl",
                "big-tool",
                "1.0rc1 2 cp311 abi3 manylinux1_x86_64",
            ),
            ("torch-2.1.0+cpu-cp311-cp311-linux_x86_64.whl", "torch", "2.1.0+cpu 0 cp311 cp311 linux_x86_64"),
            ("apache-beam-2.48.0.zip", "apache-beam", "2.48.0 sdist"),
            ("avro-python3-1.10.2.tar.gz", "avro-python3", "1.10.2 sdist"),
            ("tool-1.0-1.tar.gz", "tool", "1.0.post1 sdist"),
        ] {
            assert_eq!(read(name, project).as_deref(), Some(expected), "{name}");
        }
    }

    #[test]
    fn what_is_no_distribution_of_the_project_is_none() {
        for name in [
            "other-1.0.tar.gz",
            "tool-x-1.0.tar.gz",
            "tool-1.0.exe",
            "tool-1.0-py3-none.whl",
            "tool-1.0-b-py3-none-any.whl",
            "tool-nonsense-py3-none-any.whl",
            "../tool-1.0.tar.gz",
            "tool-1.0\n.tar.gz",
            "tool-1.0\".tar.gz",
            "tооl-1.0.tar.gz",
        ] {
            assert_eq!(read(name, "tool"), None, "{name}");
        }
        let many = format!("tool-1.0-{}-none-{}.whl", vec!["a"; 40].join("."), vec!["b"; 40].join("."));
        assert_eq!(read(&many, "tool"), None);
    }

    #[test]
    fn names_are_normalised_and_look_alikes_refused() {
        assert_eq!(normalise("Apache_Flink.-libraries").unwrap().as_str(), "apache-flink-libraries");
        // Cyrillic letters, and the Kelvin sign, which a general lower case would turn into a k.
        assert!(normalise("flinк").is_err() && normalise("flin\u{212a}").is_err());
    }
}
