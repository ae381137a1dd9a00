//! The guide and the front page are true: manifests and sources in them are read, command lines in them are understood.
//! Blocks and lines are taken out of the pages as they stand; what stands between backquotes is held to the same, less strictly.
//! Not here: what commands do, which is tested command by command.

use crate::archive::Archive;
use crate::project::Project;
use clap::error::ErrorKind;
use pnda::apps::defaults::Defaults;
use pnda::mirror::manifest;
use pnda::mirror::sources::{Site, Sources};
use pnda::words::declared;
use pnda::words::problem::Source;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

/// A page, by its path in the project.
struct Page {
    name: String,
    text: String,
}

/// A part of a page, and the line it begins at.
type Part = (usize, String);

/// Programs of others that console blocks show; those of the project are held against their command lines.
const OTHERS: &[&str] = &["cp", "minisign", "scp", "sha256sum", "tests/run"];

fn pages() -> Vec<Page> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let guide = fs::read_dir(root.join("guide")).unwrap().flatten().map(|entry| entry.path());
    let guide = guide.filter(|path| path.extension().is_some_and(|end| end == "md"));
    let paths = guide.chain([root.join("README.md"), root.join("ARCHITECTURE.md")]);
    let name = |path: &Path| path.strip_prefix(root).unwrap().display().to_string();
    paths.map(|path| Page { name: name(&path), text: fs::read_to_string(path).unwrap() }).collect()
}

impl Page {
    /// Its blocks of a kind.
    fn blocks(&self, kind: &str) -> Vec<Part> {
        let (mut found, mut open, opening) = (Vec::new(), None, format!("```{kind}"));
        for (at, line) in self.text.lines().enumerate() {
            match &mut open {
                None if line == opening => open = Some((at + 2, String::new())),
                Some(_) if line == "```" => found.extend(open.take()),
                Some((_, block)) => block.push_str(&format!("{line}\n")),
                None => {}
            }
        }
        found
    }

    /// What its console blocks say is typed, without comments.
    fn typed(&self) -> Vec<Part> {
        let blocks = self.blocks("console");
        let lines = blocks.iter().flat_map(|(start, block)| block.lines().zip(*start..));
        let typed = lines.filter_map(|(line, at)| Some((at, line.strip_prefix("$ ")?)));
        typed.map(|(at, line)| (at, line.split(" #").next().unwrap().trim().to_owned())).collect()
    }

    /// What stands between single backquotes on one line, outside of blocks.
    fn quoted(&self) -> Vec<Part> {
        let (mut found, mut inside) = (Vec::new(), false);
        for (at, line) in self.text.lines().enumerate() {
            inside ^= line.starts_with("```");
            if !inside && !line.starts_with("```") {
                found.extend(line.split('`').skip(1).step_by(2).map(|part| (at + 1, part.to_owned())));
            }
        }
        found
    }
}

/// The command line that these words are for, and the words as it gets them; none where they are for nobody of ours.
fn ours(text: &str) -> Option<(clap::Command, Vec<&str>)> {
    let words: Vec<&str> = text.split_whitespace().collect();
    match words[..] {
        ["pnda", ..] => Some((pnda::cli::pnda::command(), words)),
        ["pnda-agent", ..] => Some((pnda::cli::agent::command(), words)),
        ["cargo", "run", "--release", "--", ..] => Some((pnda::cli::pnda::command(), words[3..].to_vec())),
        _ => None,
    }
}

#[test]
fn the_manifests_and_sources_in_the_guide_are_read() {
    let mut read = 0;
    for page in pages() {
        for (line, block) in page.blocks("toml") {
            let name = format!("{}:{line}", page.name);
            let source = Source { file: &name, text: &block };
            let checked = match block.lines().next() {
                Some("# sources.toml") => sources(&block),
                Some("# applications.toml") => {
                    declared::read(source).map(drop).map_err(|problems| problems.to_string())
                }
                Some("# application-defaults.toml") => {
                    Defaults::parse(source).map(drop).map_err(|problems| problems.to_string())
                }
                _ => {
                    let parsed = manifest::parse(&[(format!("{name}.toml"), block)]);
                    parsed.map(drop).map_err(|problems| problems.to_string())
                }
            };
            checked.unwrap_or_else(|problems| panic!("{name}: {problems}"));
            read += 1;
        }
    }
    assert!(read > 9, "the pages have only {read} blocks");
}

fn sources(block: &str) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let login = folder.path().join("login");
    fs::write(&login, "user:password\n").unwrap();
    let file = folder.path().join("sources.toml");
    fs::write(&file, block.replace("/etc/pnda/confluent.login", &login.display().to_string())).unwrap();
    let site = Site { file: Some(file), environment: BTreeMap::new(), ..Site::default() };
    Sources::find(&site).map(drop).map_err(|error| error.to_string())
}

#[test]
fn what_is_typed_in_the_pages_is_understood() {
    let (mut wrong, mut read) = (Vec::new(), 0);
    for page in pages() {
        for (at, line) in page.typed() {
            let program = line.split(' ').next().unwrap();
            match ours(&line) {
                Some((command, words)) => wrong.extend(
                    command.try_get_matches_from(words).err().map(|error| format!("{}:{at}: {error}", page.name)),
                ),
                None if OTHERS.contains(&program) => {}
                None => wrong.push(format!("{}:{at}: whose program is {program}?", page.name)),
            }
            read += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(read > 14, "the pages have only {read} lines of a console");
}

#[test]
fn commands_that_the_text_mentions_exist() {
    let (mut wrong, mut read) = (Vec::new(), 0);
    for page in pages() {
        for (at, text) in page.quoted() {
            let plain = text.replace(['[', ']', '…'], "");
            let Some((command, words)) = ours(&plain) else { continue };
            read += 1;
            // A mention may leave out what is needed, and stand for a value in capitals.
            let harmless = [
                ErrorKind::MissingRequiredArgument,
                ErrorKind::MissingSubcommand,
                ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand,
                ErrorKind::ValueValidation,
                ErrorKind::InvalidValue,
            ];
            let error = command.try_get_matches_from(words).err();
            let error = error.filter(|error| !harmless.contains(&error.kind()));
            wrong.extend(error.map(|error| format!("{}:{at}: `{text}`: {error}", page.name)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(read > 20, "the pages mention only {read} commands");
}

#[test]
fn files_folders_and_tests_that_the_pages_name_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["src/", "tests/", "guide/", "roles/", "templates/", "mirror-manifests/", "clusters/", "benches/"];
    let listed = Command::new("grep").args(["-rhoE", "fn [a-z0-9_]+\\(", "src", "tests"]).current_dir(root).output();
    let listed = String::from_utf8(listed.unwrap().stdout).unwrap();
    let (mut missing, mut read) = (Vec::new(), 0);
    for page in pages() {
        for (at, text) in page.quoted() {
            let is_path = folders.iter().any(|folder| text.starts_with(folder)) && !text.contains("pnda.lock");
            let is_test = text.matches('_').count() > 2 && text.chars().all(|c| c.is_ascii_lowercase() || c == '_');
            let there = match (is_path, is_test) {
                (true, _) => root.join(text.split(['*', ' ']).next().unwrap()).exists(),
                (_, true) => listed.lines().any(|line| line == format!("fn {text}(")),
                _ => continue,
            };
            read += 1;
            missing.extend((!there).then(|| format!("{}:{at}: {text}", page.name)));
        }
    }
    assert_eq!(missing, [""; 0]);
    assert!(read > 40, "the pages name only {read}");
}

/// What the guide's mirror is made of: a Debian package that moves, and an artifact that stays.
const MANIFEST: &str = "[[apt]]\nid = \"os\"\npackages = [\"rsyslog\"]\nsuites = [\"stable\"]\n\
    [[maven]]\nid = \"connectors\"\nroots = [\"com.example:jackson-databind:2.0\"]\n";

/// A project as the guide's console blocks find it: one generation is published, and upstream has moved on since.
fn day() -> Project {
    let project = Project::new();
    project.manifest(MANIFEST);
    std::os::unix::fs::symlink("manifests", project.path("mirror-manifests")).unwrap();
    let records = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/advisories");
    std::os::unix::fs::symlink(records, project.path("osv")).unwrap();
    let base = "com/example/jackson-databind/2.0/jackson-databind-2.0";
    let pom = "<project><modelVersion>4.0.0</modelVersion><groupId>com.example</groupId>\
        <artifactId>jackson-databind</artifactId><version>2.0</version></project>";
    project.maven(&format!("{base}.pom"), pom.as_bytes()).maven(&format!("{base}.jar"), b"jar");
    let list = "<metadata><versioning><versions><version>2.0</version><version>2.1</version></versions></versioning></metadata>";
    project.maven("com/example/jackson-databind/maven-metadata.xml", list.as_bytes());
    Archive::of("rsyslog 1; Depends: libc\nlibc 2").serve(&project);
    type_in(&project, "", "pnda mirror lock");
    type_in(&project, "", "pnda mirror build --mirror /srv/mirror");
    Archive::of("rsyslog 2; Depends: libc\nlibc 2").serve(&project);
    project
}

/// Types a line into a shell in a folder of the project, which stands for the whole machine; it must do what it is to.
fn type_in(project: &Project, folder: &str, line: &str) -> String {
    let programs = Path::new(env!("CARGO_BIN_EXE_pnda")).parent().unwrap();
    let line = line.replace("/srv/mirror", &project.path("mirror").display().to_string());
    let mut shell = Command::new("sh");
    shell.args(["-c", &line]).current_dir(project.path(folder)).env_clear().env("HOME", project.path(""));
    shell.env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", programs.display()));
    let output = shell.env("PNDA_SOURCE_MAVEN", format!("{}/maven", project.upstream.url)).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    let code = if line == "pnda mirror outdated" { 4 } else { 0 };
    assert_eq!(output.status.code(), Some(code), "{line}:\n{said}");
    said
}

#[test]
fn the_days_of_the_guide_go_as_it_says() {
    let project = day();
    let page = pages().into_iter().find(|page| page.name == "guide/mirror.md").unwrap();
    let mut said = BTreeMap::new();
    for (_, line) in page.typed() {
        let folder = match line.split(' ').next().unwrap() {
            "scp" => continue,
            "minisign" if Command::new("minisign").arg("-v").output().is_err() => {
                left_out!("the list's signature by hand: minisign is not installed");
                continue;
            }
            "minisign" | "sha256sum" => "mirror/current",
            _ => "",
        };
        let text = type_in(&project, folder, &line.replace("diff 6 7", "diff 1 2"));
        said.insert(line.split(" --mirror").next().unwrap().to_owned(), text);
    }
    for (line, part) in [
        ("pnda mirror outdated", "2.1"),
        ("pnda mirror lock --upgrade rsyslog", "rsyslog_2.deb"),
        ("pnda mirror diff old.lock mirror-manifests/pnda.lock", "rsyslog"),
        ("pnda mirror why jackson-databind", "connectors > com.example:jackson-databind:2.0"),
        ("pnda mirror build", "published generation 2"),
        ("pnda mirror verify", "as listed"),
        ("pnda mirror diff 6 7", "rsyslog"),
        ("pnda mirror rollback", "generation 3"),
        ("pnda mirror gc", ""),
        ("pnda mirror advisories", "generation 3"),
    ] {
        assert!(said.get(line).is_some_and(|text| text.contains(part)), "{line}: {part} is not in {said:#?}");
    }
}
