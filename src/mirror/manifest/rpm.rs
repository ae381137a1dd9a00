//! `[[rpm]]`: RPM packages with what they need, and what nodes have already.
//! Repositories are named by the ids that the site gives them; the manifest knows no address.
//! Not here: what the repositories offer.

use std::fmt;
use words::document::{Table, Text};
use words::names::Word;
use words::problem::Problem;

/// RPM packages with their closure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RpmWant {
    /// `name`, `name >= 2`, `/a/file`, `@group`, or `name-1:2.0-3.el9.x86_64`.
    pub packages: Vec<String>,
    /// The ids of the repositories, which are resolved together; none is the one without an id.
    pub repositories: Vec<Word>,
    /// Architectures, the first preferred.
    pub architectures: Vec<String>,
    /// What nodes have, in the forms of `packages`: a group, or lines of `rpm -qa`, as they are in a list beside the
    /// manifest that is named here.
    pub base: Vec<String>,
    /// Whether what packages recommend comes along.
    pub weak: bool,
    /// The folder below `mirror_rpm` that is a repository of its own; none is `mirror_rpm` itself.
    pub section: Option<Word>,
}

/// How the name of a list of packages ends.
const LIST: &str = ".packages";

/// Reads one `[[rpm]]`, and the texts that name lists of packages.
pub(super) fn read(table: &mut Table<'_>) -> Option<(RpmWant, Vec<Text>)> {
    const EXAMPLE: &str = "rsyslog, rsyslog >= 8, /usr/bin/java, @core or rsyslog-8.2102.0-5.el9.x86_64";
    let packages = table.required_list("packages", "rsyslog");
    let (lists, base): (Vec<Text>, Vec<Text>) =
        table.list("base").into_iter().partition(|text| text.text.ends_with(LIST));
    for text in packages.iter().chain(&base) {
        table.check(text, EXAMPLE, line);
    }
    let words = |table: &Table<'_>, list: Vec<Text>, example: &str| -> Vec<Word> {
        list.iter().filter_map(|text| table.check(text, example, Word::new)).collect()
    };
    let list = table.list("repositories");
    let repositories = words(table, list, "baseos");
    let list = table.list("architectures");
    let mut architectures = words(table, list, "x86_64");
    if architectures.is_empty() {
        architectures = ["x86_64", "noarch"].into_iter().filter_map(|name| Word::new(name).ok()).collect();
    }
    let section = table.optional_parsed("section", "el9", |text| match text.as_str() {
        "repodata" => Err("`repodata` is where a repository keeps its indexes".to_owned()),
        _ => Word::new(text).map_err(|error| error.to_string()),
    });
    let texts = |list: Vec<Text>| list.into_iter().map(|text| text.text).collect();
    let want = RpmWant {
        packages: texts(packages),
        repositories,
        architectures: architectures.into_iter().map(String::from).collect(),
        base: texts(base),
        weak: table.flag("weak", false),
        section,
    };
    Some((want, lists))
}

impl RpmWant {
    /// Takes in the lists that say what nodes have; what is wrong with them.
    pub(super) fn take_lists(&mut self, lists: &[Text], beside: &[&(String, String)]) -> Vec<Problem> {
        let mut problems = Vec::new();
        for list in lists {
            let Some((file, text)) = beside.iter().find(|(file, _)| file.rsplit('/').next() == Some(&list.text)) else {
                let remedy = "put it beside the manifest; `rpm -qa` on a node prints it";
                problems.push(list.origin.problem(format!("there is no list `{}`", list.text), remedy));
                continue;
            };
            // Keys that a node trusts are in the list of its packages too.
            let names = text.lines().map(str::trim).filter(|name| !name.is_empty() && !name.starts_with("gpg-pubkey-"));
            for name in names.filter(|name| !name.starts_with('#')) {
                match line(name.to_owned()) {
                    Ok(()) => self.base.push(name.to_owned()),
                    Err(what) => {
                        problems.push(list.origin.problem(format!("{file}: {what}"), "write what `rpm -qa` prints"))
                    }
                }
            }
        }
        problems
    }
}

/// One word, or a name, a sign and a version.
fn line(text: String) -> Result<(), String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let good = match words.as_slice() {
        [_] => true,
        [_, sign, _] => ["<", "<=", "=", ">=", ">"].contains(sign),
        _ => false,
    };
    if good && words.join(" ") == text { Ok(()) } else { Err(format!("`{text}` names no package")) }
}

impl fmt::Display for RpmWant {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = |list: &[String]| list.iter().map(|text| format!("`{text}`")).collect::<Vec<_>>().join(" ");
        write!(out, "rpm {} for {}", quoted(&self.packages), self.architectures.join(" "))?;
        for id in &self.repositories {
            write!(out, " from {id}")?;
        }
        if !self.base.is_empty() {
            write!(out, " on {}", quoted(&self.base))?;
        }
        if self.weak { out.write_str(" weak") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use crate::manifest::{Want, parse};

    fn told(text: &str) -> String {
        match parse(&[("m.toml".into(), text.into())]) {
            Ok(manifest) => manifest.request(),
            Err(problems) => problems.to_string(),
        }
    }

    #[test]
    fn an_entry_names_packages_and_repositories() {
        let text = "[[rpm]]\nid = \"nodes\"\npackages = [\"rsyslog\", \"java >= 17\"]\nrepositories = [\"baseos\"]\n\
            base = [\"@core\"]\nweak = true\nsection = \"el9\"\n";
        assert_eq!(told(text), "nodes rpm `rsyslog` `java >= 17` for x86_64 noarch from baseos on `@core` weak\n");
        let manifest = parse(&[("m.toml".into(), text.into())]).unwrap();
        let section = |want: &Want| matches!(want, Want::Rpm(want) if want.section.is_some());
        assert!(manifest.wants.values().all(section));
    }

    #[test]
    fn what_nodes_have_is_a_list_beside_the_manifest() {
        let manifest = "[[rpm]]\nid = \"n\"\npackages = [\"a\"]\nbase = [\"@core\", \"el9.packages\"]\n";
        let list = "bash-5.1-9.el9.x86_64\n\ngpg-pubkey-1-2\n# a remark\n glibc-2.34-1.x86_64\n";
        let files = [("x/el9.packages".into(), list.into()), ("x/m.toml".into(), manifest.into())];
        let expected = "n rpm `a` for x86_64 noarch on `@core` `bash-5.1-9.el9.x86_64` `glibc-2.34-1.x86_64`\n";
        assert_eq!(parse(&files).unwrap().request(), expected);
    }

    #[test]
    fn mistakes_are_told_with_their_lines() {
        let text = "[[rpm]]\nid = \"nodes\"\npackages = [\"java => 17\", \"a b\", \"\"]\narchitectures = [\"../x\"]\n\
            section = \"repodata\"\n";
        let told = told(text) + "\n" + &told("[[rpm]]\nid = \"n\"\npackages = [\"a\"]\nbase = [\"el9.packages\"]\n");
        assert!(told.contains("m.toml:4: there is no list `el9.packages`"), "{told}");
        for expected in
            ["m.toml:3: `java => 17` names no package", "m.toml:3: `a b`", "m.toml:4: `../x`", "m.toml:5: `repo"]
        {
            assert!(told.contains(expected), "{expected}\nis not in\n{told}");
        }
    }
}
