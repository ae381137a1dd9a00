//! Which files are read: a pattern such as `/logs/application_*/container_*/*.log`, in its parts; pure.
//! A `*` stands for any part of one name; nothing else is special. What rolled is `NAME.something`.
//! Not here: looking at folders.

use std::path::PathBuf;

/// One name in a path, in which `*` may stand for anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name(String);

/// A pattern of paths: the folder that is sure, the folders below it, the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Glob {
    pub(super) base: PathBuf,
    pub(super) folders: Vec<Name>,
    pub(super) file: Name,
}

impl Glob {
    pub(super) fn parse(text: &str) -> Result<Glob, String> {
        let plain = |part: &&str| !part.is_empty() && *part != "." && *part != "..";
        let Some(rest) = text.strip_prefix('/') else { return Err(format!("`{text}` does not begin with /")) };
        let parts: Vec<&str> = rest.split('/').collect();
        if !parts.iter().all(plain) {
            return Err(format!("`{text}` is no plain path"));
        }
        let (file, folders) = parts.split_last().expect("splitting gives at least one part");
        let sure = folders.iter().position(|part| part.contains('*')).unwrap_or(folders.len());
        let name = |part: &&str| Name((*part).to_owned());
        Ok(Glob {
            base: PathBuf::from(format!("/{}", folders[..sure].join("/"))),
            folders: folders[sure..].iter().map(name).collect(),
            file: name(file),
        })
    }
}

impl Name {
    pub(super) fn fits(&self, name: &str) -> bool {
        let mut parts = self.0.split('*');
        let first = parts.next().expect("splitting gives at least one part");
        let Some(mut rest) = name.strip_prefix(first) else { return false };
        let mut parts: Vec<&str> = parts.collect();
        let Some(last) = parts.pop() else { return rest.is_empty() };
        for part in parts {
            match rest.find(part) {
                Some(at) => rest = &rest[at + part.len()..],
                None => return false,
            }
        }
        rest.ends_with(last)
    }
}

/// The name under which a file is or was written, if it is one of these: its own, or for what rolled that before.
pub(super) fn live<'a>(files: &[Name], name: &'a str) -> Option<&'a str> {
    let fits = |name: &str| files.iter().any(|file| file.fits(name));
    if fits(name) {
        return Some(name);
    }
    if [".gz", ".zip", ".bz2", ".xz", ".zst"].iter().any(|end| name.ends_with(end)) {
        return None;
    }
    name.match_indices('.').rev().map(|(at, _)| &name[..at]).find(|before| fits(before))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_taken_apart() {
        let glob = Glob::parse("/var/log/app_*/c_*/*.log").unwrap();
        assert_eq!((glob.base.to_str().unwrap(), glob.folders.len()), ("/var/log", 2));
        assert!(glob.folders[0].fits("app_1") && !glob.folders[0].fits("ap"));
        assert!(glob.file.fits("a.log") && glob.file.fits(".log") && !glob.file.fits("a.log.1"));
        assert!(Name("a*b*c".to_owned()).fits("a-b-b-c") && !Name("a*b*c".to_owned()).fits("a-c"));
        assert!(Name("stdout".to_owned()).fits("stdout") && !Name("stdout".to_owned()).fits("stdout1"));
        for bad in ["relative/*.log", "/a/../b", "/a//b", "/"] {
            assert!(Glob::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_rolled_is_known_by_the_name_before() {
        let files = ["*.log", "stdout"].map(|name| Name(name.to_owned()));
        assert_eq!(live(&files, "a.log"), Some("a.log"));
        assert_eq!(live(&files, "a.log.2026-01-01.3"), Some("a.log"));
        assert_eq!(live(&files, "stdout.1"), Some("stdout"));
        assert_eq!(live(&files, "a.log.1.gz"), None);
        assert_eq!(live(&files, "launch_container.sh"), None);
    }
}
