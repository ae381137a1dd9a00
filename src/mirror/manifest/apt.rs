//! `[[apt]]`: Debian packages, the suites they come from, and what nodes have already.
//! What they become on the mirror, a suite and a component, is said here too.
//! Not here: which packages exist, or how a closure is chosen.

use crate::resolve::apt;
use crate::resolve::apt::relation::Relation;
use std::fmt;
use words::digest::Sha256;
use words::document::{Table, Text};
use words::names::{BadName, SafePath, Word};
use words::problem::Problem;

/// The only architecture whose nodes are tested, and the default.
const ARCHITECTURE: &str = "amd64";

/// Debian packages with their closure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AptWant {
    /// What is wanted, as relations.
    pub packages: Vec<Relation>,
    /// The suites they come from; of several that have a package, the newest wins.
    pub suites: Vec<SafePath>,
    /// The components of each suite.
    pub components: Vec<SafePath>,
    /// The architectures of nodes.
    pub architectures: Vec<Word>,
    /// Whether recommended packages come along.
    pub recommends: bool,
    /// What nodes have already.
    pub base: AptBase,
    /// The id of the place among the sources; none means that each suite is a place.
    pub source: Option<Word>,
    /// Whether a Release whose time is over is taken: that of a snapshot.
    pub allow_expired: bool,
    /// Whether a Release older than one that was seen is taken: the archive was set back.
    pub allow_older: bool,
    /// The suite on the mirror.
    pub suite: SafePath,
    /// The component on the mirror.
    pub component: Word,
}

/// What nodes have already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AptBase {
    /// Nothing: everything comes along, down to the C library.
    Nothing,
    /// What every Debian has.
    Required,
    /// The same with apt: what `debootstrap --variant=minbase` makes.
    Minbase,
    /// What a list beside the manifest says.
    File {
        /// Its name.
        name: String,
        /// Its text: what `dpkg-query -W` printed, or `/var/lib/dpkg/status`.
        text: String,
    },
}

/// Reads one `[[apt]]`, and the text that names a list of packages.
pub(super) fn read(table: &mut Table<'_>) -> Option<(AptWant, Option<Text>)> {
    let noted = table.noted();
    let packages = table.required_list("packages", "rsyslog");
    let packages = packages.iter().filter_map(|text| table.check(text, "foo, foo=1.2-3 or foo (>= 1.2)", wanted));
    let packages: Vec<Relation> = packages.collect();
    let suites = table.required_list("suites", "bookworm");
    let suites = checked(table, &suites, "bookworm", SafePath::new);
    let components = table.list("components");
    let components = checked(table, &components, "main", SafePath::new);
    let architectures = table.list("architectures");
    let architectures = checked(table, &architectures, ARCHITECTURE, Word::new);
    let (base, file) = base(table);
    let want = AptWant {
        recommends: table.flag("recommends", false),
        source: table.optional_parsed("source", "docker", Word::new),
        allow_expired: table.flag("allow-expired", false),
        allow_older: table.flag("allow-older", false),
        suite: table.optional_parsed("suite", "bookworm", SafePath::new).or_else(|| suites.first().cloned())?,
        component: table.optional_parsed("component", "main", Word::new).or_else(|| Word::new("main").ok())?,
        packages,
        suites,
        components: if components.is_empty() { SafePath::new("main").into_iter().collect() } else { components },
        architectures: if architectures.is_empty() {
            Word::new(ARCHITECTURE).into_iter().collect()
        } else {
            architectures
        },
        base,
    };
    (table.noted() == noted).then_some((want, file))
}

fn base(table: &mut Table<'_>) -> (AptBase, Option<Text>) {
    let Some(text) = table.optional("base") else { return (AptBase::Nothing, None) };
    match text.text.as_str() {
        "none" => (AptBase::Nothing, None),
        "required" => (AptBase::Required, None),
        "minbase" => (AptBase::Minbase, None),
        name if name.ends_with(".packages") || name.ends_with(".status") => {
            (AptBase::File { name: name.to_owned(), text: String::new() }, Some(text))
        }
        other => {
            let remedy = "write none, required, minbase, or the name of a list beside the manifest that ends in \
                 .packages (what dpkg-query -W prints) or .status (a copy of /var/lib/dpkg/status)";
            table.add(text.origin.problem(format!("`{other}` is no base"), remedy));
            (AptBase::Nothing, None)
        }
    }
}

fn checked<T, E: fmt::Display>(
    table: &Table<'_>,
    texts: &[Text],
    example: &str,
    parse: impl Fn(String) -> Result<T, E>,
) -> Vec<T> {
    texts.iter().filter_map(|text| table.check(text, example, &parse)).collect()
}

/// `foo`, `foo=1.2-3` as apt-get takes it, or `foo (>= 1.2)` as control files have it.
fn wanted(text: String) -> Result<Relation, String> {
    let written = match text.split_once('=').filter(|_| !text.contains('(')) {
        Some((name, version)) => format!("{name} (= {version})"),
        None => text.clone(),
    };
    match Relation::parse(&written, ARCHITECTURE) {
        Ok(Some(relation)) if relation.qualifier.is_none() && !written.contains(['[', '|']) => Ok(relation),
        _ => Err(format!("`{text}` names no package")),
    }
}

impl AptWant {
    /// The id of the place that gives a suite.
    pub fn origin(&self, suite: &SafePath) -> Result<Word, BadName> {
        self.source.clone().map_or_else(|| Word::new(apt::id(suite)), Ok)
    }

    /// Takes in the list that says what nodes have; what is wrong if it is not there.
    pub(super) fn take_base(&mut self, named: &Text, beside: &[&(String, String)]) -> Option<Problem> {
        let AptBase::File { name, text } = &mut self.base else { return None };
        let is_it = |file: &&&(String, String)| file.0.rsplit('/').next() == Some(name.as_str());
        match beside.iter().find(is_it) {
            Some(file) => {
                text.clone_from(&file.1);
                None
            }
            None => {
                let remedy = "put it beside the manifest; `dpkg-query -W` on a node prints it";
                Some(named.origin.problem(format!("there is no list `{name}`"), remedy))
            }
        }
    }
}

impl fmt::Display for AptBase {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AptBase::Nothing => out.write_str("none"),
            AptBase::Required => out.write_str("required"),
            AptBase::Minbase => out.write_str("minbase"),
            AptBase::File { text, .. } => write!(out, "{}", Sha256::of(text.as_bytes())),
        }
    }
}

impl fmt::Display for AptWant {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn list<T: fmt::Display>(items: &[T]) -> String {
            items.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
        }
        write!(out, "apt {} suites {}", list(&self.packages), list(&self.suites))?;
        write!(out, " components {} for {}", list(&self.components), list(&self.architectures))?;
        write!(out, " base {}", self.base)?;
        self.source.iter().try_for_each(|source| write!(out, " source {source}"))?;
        out.write_str(if self.recommends { " recommends" } else { "" })?;
        out.write_str(if self.allow_expired { " allow-expired" } else { "" })?;
        out.write_str(if self.allow_older { " allow-older" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use crate::manifest::{Manifest, parse};
    use words::problem::Problems;

    fn read(text: &str, beside: &[(&str, &str)]) -> Result<Manifest, Problems> {
        let mut files = vec![("m/os.toml".to_owned(), text.to_owned())];
        files.extend(beside.iter().map(|(name, text)| (format!("m/{name}"), (*text).to_owned())));
        parse(&files)
    }

    #[test]
    fn an_entry_says_what_it_asks_for() {
        let text = "[[apt]]\nid = \"os\"\npackages = [\"rsyslog\", \"foo=1.2-3\", \"bar (>= 1:2)\"]\n\
            suites = [\"bookworm\", \"bookworm-security\"]\nbase = \"minbase\"\n";
        assert_eq!(
            read(text, &[]).unwrap().request(),
            "os apt rsyslog, foo (= 1.2-3), bar (>= 1:2) suites bookworm, bookworm-security components main for amd64 \
             base minbase\n"
        );
    }

    #[test]
    fn a_list_of_what_nodes_have_lies_beside_the_manifest_and_counts() {
        let text = "[[apt]]\nid = \"os\"\npackages = [\"a\"]\nsuites = [\"s\"]\nbase = \"node.packages\"\n";
        let request = |list: &str| read(text, &[("node.packages", list)]).unwrap().request();
        assert_ne!(request("libc6 1\n"), request("libc6 2\n"));
        let error = read(text, &[]).unwrap_err().to_string();
        assert!(error.starts_with("m/os.toml:5: there is no list `node.packages`"), "{error}");
    }

    #[test]
    fn mistakes_come_with_their_lines() {
        let text =
            "[[apt]]\nid = \"os\"\npackages = [\"a b\", \"../c\"]\nsuites = [\"../x\"]\nbase = \"mini\"\nsuit = 1\n";
        let error = read(text, &[]).unwrap_err().to_string();
        for part in [
            "m/os.toml:3: `a b` names no package",
            "m/os.toml:3: `../c` names no package",
            "m/os.toml:4: `../x` cannot be used as a path",
            "m/os.toml:5: `mini` is no base",
            "did you mean `suite`?",
        ] {
            assert!(error.contains(part), "{part} is not in\n{error}");
        }
    }
}
