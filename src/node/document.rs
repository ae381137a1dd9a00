//! Reads a node's folder: `node.toml` and the rendered files beside it, each checked against its digest.
//! Every mistake is found before anything else happens; the bytes that were checked are the bytes that are used.
//! Not here: the mirror, or the node itself.

use super::home;
use super::secrets::Secrets;
use disk::regular::{self, Links};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use systems::webhdfs::{Times, WebHdfs};
use words::digest::Sha256;
use words::names::NodePath;
use words::node::{DOCUMENT, FORMAT, Node, Scope};
use words::problem::{Origin, Problem, Problems, Source};

/// A document is a list of paths; this stops at what is none.
const LONGEST_DOCUMENT: u64 = 16 << 20;
/// Rendered files are configuration; what is larger belongs on the mirror.
const LONGEST_FILE: u64 = 16 << 20;

/// What a node's folder asks for.
#[derive(Debug)]
pub struct Wanted {
    /// The document.
    pub node: Node,
    /// Its text.
    pub text: String,
    /// The folder that stands for `/`.
    pub root: PathBuf,
    /// The bytes of every rendered file, checked.
    pub bytes: BTreeMap<NodePath, Vec<u8>>,
    /// The secrets that were put into some of them.
    pub secrets: Secrets,
}

/// Why a node's folder cannot be installed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not there.
    #[error("cannot read {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    /// Mistakes in the document.
    #[error("{0}")]
    Problems(Problems),
    /// Rendered files are not what the document says.
    #[error("{0}")]
    Differs(Problems),
}

/// Reads a node's folder; `root` is where to install instead of where the document says.
pub fn read(folder: &Path, root: Option<&Path>) -> Result<Wanted, Error> {
    let path = folder.join(DOCUMENT);
    let failed = |source| Error::Read { path: path.clone(), source };
    let bytes = regular::read(&path, Links::Refuse, LONGEST_DOCUMENT).map_err(failed)?;
    let text = String::from_utf8(bytes).map_err(|error| failed(io::Error::other(error)))?;
    let file = path.display().to_string();
    let source = Source { file: &file, text: &text };
    let node = parse(source).map_err(|problem| Error::Problems(problem.into()))?;
    let mut problems = Problems::default();
    check(&node, source, &mut problems);
    let mut differing = Problems::default();
    let bytes = files(folder, &node, &mut differing);
    match (problems.is_empty(), differing.is_empty()) {
        (true, true) => {
            let root = root.map_or_else(|| PathBuf::from(&node.root), Path::to_owned);
            Ok(Wanted { root, node, text, bytes, secrets: Secrets::default() })
        }
        (false, true) => Err(Error::Problems(problems.sorted())),
        (_, false) => {
            differing.extend(problems);
            Err(Error::Differs(differing.sorted()))
        }
    }
}

/// The rendered files, and a problem for each that is not what it must be.
fn files(folder: &Path, node: &Node, problems: &mut Problems) -> BTreeMap<NodePath, Vec<u8>> {
    let mut read = BTreeMap::new();
    for file in &node.files {
        let path = folder.join(file.source());
        let mut differs = |what| {
            let remedy = "render and copy the node's folder again";
            problems.add(Origin::of_file(&path.display().to_string()).problem(what, remedy));
        };
        match regular::read(&path, Links::Refuse, LONGEST_FILE) {
            Err(error) => differs(format!("cannot be read: {error}")),
            Ok(bytes) if Sha256::of(&bytes) != file.sha256 => {
                let found = Sha256::of(&bytes);
                differs(format!("its sha256 is {found}, but {DOCUMENT} says {}", file.sha256));
            }
            Ok(bytes) => {
                read.insert(file.path.clone(), bytes);
            }
        }
    }
    read
}

/// The document; of a newer format only that much is asked, for the rest may be what nobody knows yet.
fn parse(source: Source<'_>) -> Result<Node, Problem> {
    #[derive(Deserialize)]
    struct Head {
        format: u32,
    }
    match toml::from_str(source.text) {
        Ok(Head { format }) if !(1..=FORMAT).contains(&format) => {
            let remedy = format!("this program reads formats up to {FORMAT}: use the newer pnda-agent");
            Err(source.problem_of_file(format!("format {format} is not known"), remedy))
        }
        _ => toml::from_str(source.text).map_err(|error| source.toml_problem(&error)),
    }
}

/// What the types of the document cannot say.
fn check(node: &Node, source: Source<'_>, problems: &mut Problems) {
    if !node.root.starts_with('/') {
        problems.add(at(source, &node.root, format!("root `{}` is not absolute", node.root), "write the whole path"));
    }
    check_paths(node, source, problems);
    check_access(node, source, problems);
    check_tasks(node, source, problems);
}

/// What is prepared once, and what goes into HDFS.
fn check_tasks(node: &Node, source: Source<'_>, problems: &mut Problems) {
    let mut names = BTreeSet::new();
    for once in &node.once {
        if !names.insert(&once.name) {
            let what = format!("{} is prepared more than once", once.name);
            problems.add(at(source, once.name.as_str(), what, "give each its own name"));
        }
        if once.command.first().is_none_or(|program| !program.starts_with('/')) {
            let what = format!("{} has no program with an absolute path", once.name);
            problems.add(at(source, once.name.as_str(), what, "write the whole path of the program"));
        }
    }
    for once in node.once.iter().filter(|once| is_placed(node, &once.creates)) {
        let what = format!("{} is there before {} runs, so that it never would", once.creates, once.name);
        problems.add(at(source, once.creates.as_str(), what, "name something that only the command makes"));
    }
    let folders = node.hdfs_directories.iter().map(|one| (&one.web, &one.user));
    let webs: BTreeSet<_> = folders.chain(node.hdfs_uploads.iter().map(|one| (&one.web, &one.user))).collect();
    for (web, user) in webs {
        if let Err(error) = WebHdfs::new(web, user.as_str(), Times::default()) {
            let remedy = "as in http://manager:9870: the NameNode's web address";
            problems.add(at(source, web, error.to_string(), remedy));
        }
    }
    let mut taken = BTreeSet::new();
    for upload in &node.hdfs_uploads {
        let what = match upload.to.parent() {
            None => format!("{} would be replaced by an upload", upload.to),
            Some(_) if !taken.insert((&upload.web, &upload.to)) => format!("{} is uploaded more than once", upload.to),
            Some(_) if node.hdfs_uploads.iter().any(|other| upload.to.is_below(&other.to)) => {
                format!("{} lies inside another upload, which holds nothing else", upload.to)
            }
            Some(_) => continue,
        };
        problems.add(at(source, upload.to.as_str(), what, "upload it elsewhere"));
    }
}

/// Whether the install itself puts something there, or below.
fn is_placed(node: &Node, path: &NodePath) -> bool {
    let archives = node.archives.iter().map(|archive| &archive.into);
    let downloads = node.downloads.iter().map(|download| &download.path);
    let files = node.files.iter().map(|file| &file.path).chain(node.links.iter().map(|link| &link.path));
    let folders = node.directories.iter().map(|directory| &directory.path);
    let mut placed = archives.chain(downloads).chain(files).chain(folders);
    placed.any(|other| other == path || other.is_below(path))
}

/// One thing at a place, and nothing inside what is no folder.
fn check_paths(node: &Node, source: Source<'_>, problems: &mut Problems) {
    let archives = node.archives.iter().map(|archive| &archive.into);
    let downloads = node.downloads.iter().map(|download| &download.path);
    let files = node.files.iter().map(|file| &file.path);
    let links = node.links.iter().map(|link| &link.path);
    let closed: Vec<&NodePath> = archives.chain(downloads).chain(files).chain(links).collect();
    let mut taken: BTreeMap<&NodePath, usize> = BTreeMap::new();
    for path in closed.iter().copied().chain(node.directories.iter().map(|directory| &directory.path)) {
        *taken.entry(path).or_default() += 1;
        if home::holds(path) {
            let what = format!("{path} is where the installer keeps its own state");
            problems.add(at(source, path.as_str(), what, "choose another place"));
        }
    }
    for (path, _) in taken.iter().filter(|(_, times)| **times > 1) {
        problems.add(at(source, path.as_str(), format!("{path} is there more than once"), "keep one of them"));
    }
    let mut sorted: Vec<&NodePath> = closed;
    sorted.sort();
    for path in taken.keys() {
        for parent in path.parents().filter(|parent| sorted.binary_search(&parent).is_ok()) {
            let what = format!("{path} lies inside {parent}, which is not a folder that can be shared");
            problems.add(at(source, path.as_str(), what, "place it elsewhere"));
        }
    }
}

fn check_access(node: &Node, source: Source<'_>, problems: &mut Problems) {
    let downloads = node.downloads.iter().map(|download| (&download.path, &download.access));
    for (path, access) in downloads.chain(node.files.iter().map(|file| (&file.path, &file.access))) {
        if access.mode.bits() & 0o6000 != 0 {
            problems.add(at(source, path.as_str(), format!("{path} would be setuid or setgid"), "take that bit away"));
        }
    }
    for file in node.files.iter().filter(|file| !file.secrets.is_empty() && file.access.mode.bits() & 0o007 != 0) {
        let what = format!("{} holds a secret, and everybody could read it", file.path);
        problems.add(at(source, file.path.as_str(), what, "write mode = \"0640\""));
    }
    if node.scope == Scope::User {
        return;
    }
    for directory in &node.directories {
        let access = &directory.access;
        let shared = access.owner.as_str() != "root" || access.mode.bits() & 0o022 != 0;
        let above_archive = node.archives.iter().any(|archive| archive.into.is_below(&directory.path));
        if shared && (home::is_above(&directory.path) || above_archive) {
            let what = format!("{} can be changed by others than root", directory.path);
            let remedy = "programs and the installer's state lie below it: give it to root, with mode 0755";
            problems.add(at(source, directory.path.as_str(), what, remedy));
        }
    }
}

/// A problem at the first line that names something.
fn at(source: Source<'_>, name: &str, what: String, remedy: &str) -> Problem {
    let quoted = toml::Value::String(name.to_owned()).to_string();
    match source.text.find(&quoted) {
        Some(start) => source.problem(start..start + quoted.len(), what, remedy),
        None => source.problem_of_file(what, remedy),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = r#"format = 1
cluster = "c"
node = "n"
roles = []
inputs = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
scope = "system"
root = "/"
[mirror]
url = "/m"
public_key = "k"
"#;

    fn directory(path: &str, owner: &str, mode: &str) -> String {
        format!("[[directory]]\npath = \"{path}\"\nowner = \"{owner}\"\ngroup = \"root\"\nmode = \"{mode}\"\n")
    }

    fn file(path: &str, sha256: Sha256, mode: &str) -> String {
        let owned = format!("owner = \"root\"\ngroup = \"root\"\nmode = \"{mode}\"");
        format!("[[file]]\npath = \"{path}\"\nsha256 = \"{sha256}\"\n{owned}\n")
    }

    fn read_text(text: &str) -> Result<Wanted, Error> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("files/etc")).unwrap();
        std::fs::write(folder.path().join("files/etc/a"), "a").unwrap();
        std::fs::write(folder.path().join(DOCUMENT), text).unwrap();
        read(folder.path(), None)
    }

    fn problems(text: &str) -> String {
        match read_text(text).unwrap_err() {
            Error::Problems(problems) => problems.to_string(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_right_folder_gives_its_bytes() {
        let wanted = read_text(&format!("{HEAD}{}", file("/etc/a", Sha256::of(b"a"), "0644"))).unwrap();
        assert_eq!(wanted.bytes[&NodePath::new("/etc/a").unwrap()], b"a");
    }

    #[test]
    fn all_mistakes_come_at_once_with_their_lines() {
        let text = [
            HEAD.replace("root = \"/\"", "root = \"here\""),
            file("/etc/a", Sha256::of(b"a"), "4755"),
            file("/etc/a", Sha256::of(b"a"), "0644"),
            directory("/etc/a/b", "root", "0755"),
            directory("/var/lib/pnda", "pnda", "0755"),
            directory("/var/lib/pnda/install", "root", "0755"),
        ];
        let found = problems(&text.concat());
        for expected in [
            ":7: root `here` is not absolute",
            ":12: /etc/a is there more than once",
            ":12: /etc/a would be setuid",
            ":24: /etc/a/b lies inside /etc/a",
            ":29: /var/lib/pnda can be changed by others",
            ":34: /var/lib/pnda/install is where the installer",
        ] {
            assert!(found.contains(expected), "{expected} is not in\n{found}");
        }
    }

    #[test]
    fn mistakes_in_what_is_prepared_and_uploaded_are_found_too() {
        let once = "[[once]]\nname = \"format\"\nuser = \"hdfs\"\ncommand = [\"hdfs\"]\ncreates = \"/d\"\n";
        let upload = |to: &str, web: &str| {
            format!(
                "[[hdfs_upload]]\nweb = \"{web}\"\nuser = \"hdfs\"\nfrom = \"/f\"\nto = \"{to}\"\nowner = \"a\"\ngroup = \"a\"\nmode = \"0644\"\n"
            )
        };
        let text = [
            HEAD,
            once,
            once,
            &directory("/d/below", "root", "0755"),
            &upload("/a", "manager:9870"),
            &upload("/a/b", "http://m:1"),
            &upload("/a", "http://m:1"),
        ];
        let found = problems(&text.concat());
        for expected in [
            ":12: format has no program with an absolute path",
            "format is prepared more than once",
            "/d is there before format runs",
            "manager:9870 is not where WebHDFS can answer",
            "/a/b lies inside another upload",
        ] {
            assert!(found.contains(expected), "{expected} is not in\n{found}");
        }
    }

    #[test]
    fn rendered_files_that_differ_are_told_apart_from_mistakes() {
        let text =
            [HEAD.to_owned(), file("/etc/a", Sha256::of(b"b"), "0644"), file("/etc/missing", Sha256::of(b"b"), "0644")];
        let Err(Error::Differs(found)) = read_text(&text.concat()) else { panic!("it differs") };
        let found = found.to_string();
        assert!(found.contains("files/etc/a: its sha256 is") && found.contains("files/etc/missing: cannot be read"));
    }

    #[test]
    fn a_document_that_cannot_be_read_says_where() {
        assert!(problems(&HEAD.replace("scope = \"system\"", "scope = \"sytem\"")).contains(":6: "));
        let newer = HEAD.replace("format = 1", "format = 3\nunheard = \"of\"").replace("public_key", "keys");
        assert!(problems(&newer).contains("format 3 is not known") && problems(&newer).contains("newer pnda-agent"));
        assert!(problems(&HEAD.replace("format = 1", "format = 0")).contains("format 0 is not known"));
    }

    #[test]
    fn a_node_trusts_one_key_or_two_of_its_mirror() {
        let keys = |text: &str| read_text(text).map(|wanted| wanted.node.mirror.public_key.len());
        assert_eq!(keys(HEAD).unwrap(), 1);
        let two = HEAD.replace("format = 1", "format = 2").replace("\"k\"", "\"k l\"");
        assert_eq!(keys(&two).unwrap(), 2);
        assert!(problems(&HEAD.replace("\"k\"", "\"k l m\"")).contains(":10: 3 keys are named: 2 are the most"));
        assert!(problems(&HEAD.replace("\"k\"", "\"\"")).contains(":10: no key is named"));
    }
}
