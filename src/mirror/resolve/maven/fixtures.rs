//! Real roots against Maven itself: `expected.txt` is what `mvn dependency:collect` of Maven 3.8.7 answered for them.
//! `MAVEN_FIXTURES_FROM=<folder of local repositories> cargo test fixtures` records the POMs anew.
//! Not here: the rules one by one, see `rules`.

use super::{Closure, Coordinate, Error, Host, PomError, Poms, Request, Resolver, Root, Tool, lifecycle, providers};
use flate2::{Compression, GzBuilder, read::GzDecoder};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// What a registry answers, in one file.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Recording {
    poms: BTreeMap<Coordinate, String>,
    versions: BTreeMap<String, Vec<String>>,
}

impl Poms for Recording {
    fn pom(&self, coordinate: &Coordinate) -> Result<Arc<[u8]>, PomError> {
        self.poms.get(coordinate).map(|text| text.as_bytes().into()).ok_or(PomError::Missing)
    }

    fn versions(&self, group: &str, artifact: &str) -> Result<Vec<String>, PomError> {
        self.versions.get(&format!("{group}:{artifact}")).cloned().ok_or(PomError::Missing)
    }
}

/// A local repository as Maven leaves it behind; notes what it was asked for.
struct Repository {
    folder: PathBuf,
    asked: Mutex<Recording>,
}

impl Poms for Repository {
    fn pom(&self, coordinate: &Coordinate) -> Result<Arc<[u8]>, PomError> {
        let bytes = std::fs::read(coordinate.path().under(&self.folder)).map_err(|_| PomError::Missing)?;
        self.asked.lock().unwrap().poms.insert(coordinate.clone(), slim(&bytes));
        Ok(bytes.into())
    }

    fn versions(&self, group: &str, artifact: &str) -> Result<Vec<String>, PomError> {
        let folder = self.folder.join(group.replace('.', "/")).join(artifact);
        let metadata = std::fs::read_dir(folder).map_err(|_| PomError::Missing)?.filter_map(Result::ok);
        let named = metadata.filter(|file| file.file_name().to_string_lossy().starts_with("maven-metadata-"));
        let texts: String = named.filter_map(|file| std::fs::read_to_string(file.path()).ok()).collect();
        let versions = texts.split("<version>").skip(1).filter_map(|rest| rest.split('<').next());
        let versions: Vec<String> = versions.map(str::to_owned).collect();
        self.asked.lock().unwrap().versions.insert(format!("{group}:{artifact}"), versions.clone());
        Ok(versions)
    }
}

/// A POM without everything that decides nothing and without addresses.
fn slim(bytes: &[u8]) -> String {
    const DROPPED: [&str; 20] = [
        "build",
        "reporting",
        "repositories",
        "pluginRepositories",
        "scm",
        "url",
        "licenses",
        "developers",
        "contributors",
        "mailingLists",
        "name",
        "description",
        "organization",
        "ciManagement",
        "issueManagement",
        "inceptionYear",
        "modules",
        "site",
        "snapshotRepository",
        "message",
    ];
    fn write(node: roxmltree::Node<'_, '_>, out: &mut String) {
        let name = node.tag_name().name();
        let address = node.children().any(|child| child.is_text() && child.text().unwrap_or_default().contains("://"));
        let above = node.parent_element().map_or("", |above| above.tag_name().name());
        let repository = name == "repository" && above == "distributionManagement";
        // The name of a property or a system decides about profiles.
        let dropped = DROPPED.contains(&name) && !matches!(above, "property" | "os");
        if dropped || address || repository {
            return;
        }
        write!(out, "<{name}>").unwrap();
        for child in node.children() {
            match child.text().filter(|_| child.is_text()) {
                Some(text) => out.push_str(&text.trim().replace('&', "&amp;").replace('<', "&lt;")),
                None if child.is_element() => write(child, out),
                None => {}
            }
        }
        write!(out, "</{name}>").unwrap();
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return String::from_utf8_lossy(bytes).into_owned() };
    let mut out = String::new();
    match roxmltree::Document::parse(text.trim_start_matches('\u{feff}').trim_start()) {
        Ok(document) => write(document.root_element(), &mut out),
        // One that only Maven's own reader takes stays as it is, but for addresses.
        Err(_) => {
            let mut parts = text.split("://");
            out.push_str(parts.next().unwrap_or_default());
            for part in parts {
                let end = part.find(['"', '\'', '<', ' ', '\n']).unwrap_or(part.len());
                out.extend(["://x", &part[end..]]);
            }
        }
    }
    out
}

fn request(text: &str) -> Request {
    let mut request = Request { roots: vec![], managed: vec![], boms: vec![], exclusions: vec![] };
    for line in text.lines() {
        let mut words = line.split(' ');
        let (kind, what) = (words.next().unwrap(), words.next().unwrap());
        let coordinate = || what.parse::<Coordinate>().unwrap();
        let exclusions = || words.clone().map(|word| word[1..].parse().unwrap()).collect();
        match kind {
            "root" => request.roots.push(Root { coordinate: coordinate(), exclusions: exclusions(), transitive: true }),
            "alone" => request.roots.push(Root { coordinate: coordinate(), exclusions: vec![], transitive: false }),
            "managed" => request.managed.push(coordinate()),
            "bom" => request.boms.push(coordinate()),
            "plugin" => {}
            "exclude" => request.exclusions.push(what.parse().unwrap()),
            other => panic!("{other}"),
        }
    }
    request
}

/// Where recordings are made from, if they are.
fn recorded_from() -> Option<PathBuf> {
    std::env::var_os("MAVEN_FIXTURES_FROM").map(PathBuf::from)
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/maven").join(name)
}

/// Asks a question of a fixture's registry; records the registry anew where a local repository is at hand.
fn asked<T>(name: &str, question: impl Fn(&dyn Poms) -> T) -> T {
    let file = fixture(name).join("poms.json.gz");
    let Some(from) = recorded_from() else {
        let mut json = String::new();
        GzDecoder::new(&std::fs::read(file).unwrap()[..]).read_to_string(&mut json).unwrap();
        let recording: Recording = serde_json::from_str(&json).unwrap();
        return question(&recording);
    };
    let repository = Repository { folder: from.join(format!("repo-{name}")), asked: Mutex::default() };
    let answer = question(&repository);
    let recording = repository.asked.into_inner().unwrap();
    let mut gz = GzBuilder::new().write(Vec::new(), Compression::best());
    gz.write_all(&serde_json::to_vec(&recording).unwrap()).unwrap();
    std::fs::write(file, gz.finish().unwrap()).unwrap();
    answer
}

fn read(name: &str, file: &str) -> String {
    std::fs::read_to_string(fixture(name).join(file)).unwrap()
}

/// Resolves a fixture; Maven's answer and ours.
fn answers(name: &str) -> (String, Result<Closure, Error>) {
    let request = request(&read(name, "request.txt"));
    (read(name, "expected.txt"), asked(name, |poms| Resolver::new(poms, 17).closure(&request)))
}

/// `poms` is how many POMs Maven had in its local repository afterwards, its plug-ins' not counted.
fn agrees_with_maven(name: &str, poms: usize) {
    let (expected, closure) = answers(name);
    let closure = closure.unwrap_or_else(|error| panic!("{name}: {error}"));
    let ours: BTreeSet<String> = closure.artifacts.iter().map(|chosen| chosen.coordinate.to_string()).collect();
    let mavens: BTreeSet<String> = expected.lines().map(str::to_owned).collect();
    let (missing, extra) = (&mavens - &ours, &ours - &mavens);
    assert!(missing.is_empty() && extra.is_empty(), "{name}: only Maven has {missing:#?}, only we have {extra:#?}");
    assert_eq!(closure.poms.len(), poms, "{name}");
}

macro_rules! agree {
    ($($test:ident: $name:literal, $poms:literal;)*) => {$(
        #[test]
        fn $test() {
            agrees_with_maven($name, $poms);
        }
    )*};
}

agree! {
    beam_agrees_with_maven: "beam", 948;
    flink_agrees_with_maven: "flink", 86;
    flink_2_with_kafka_agrees_with_maven: "flink-2-kafka", 57;
    flink_with_kafka_agrees_with_maven: "flink-kafka", 64;
    hadoop_agrees_with_maven: "hadoop", 322;
    hive_agrees_with_maven: "hive", 555;
    profiles_of_javafx_agree_with_maven: "javafx", 5;
    kafka_agrees_with_maven: "kafka", 186;
    oozie_with_pins_boms_and_exclusions_agrees_with_maven: "oozie", 348;
    relocations_agree_with_maven: "relocation", 75;
    spark_agrees_with_maven: "spark", 222;
    spark_with_pins_agrees_with_maven: "spark-with-pins", 421;
    spring_agrees_with_maven: "spring", 65;
    // Maven read 60: those of every version in each range.
    ranges_agree_with_maven: "ranges", 10;
}

/// The names of all files that a build needs: of its roots, its plug-ins and what those load while they run.
fn build(text: &str, poms: &dyn Poms) -> BTreeSet<String> {
    let resolver = Resolver::new(poms, 17);
    let mut closures = vec![resolver.closure(&request(text)).unwrap()];
    let plugins = text.lines().filter_map(|line| line.strip_prefix("plugin "));
    let plugins: Vec<Coordinate> = plugins
        .flat_map(|name| match name.parse() {
            Ok(plugin) => vec![plugin],
            Err(_) => lifecycle(name),
        })
        .collect();
    let providers = providers(&plugins, closures[0].artifacts.iter().map(|one| &one.coordinate));
    let tools =
        plugins.into_iter().map(|one| (one, Host::Maven)).chain(providers.into_iter().map(|one| (one, Host::Plugin)));
    for (coordinate, host) in tools {
        closures.push(resolver.tool(&Tool { coordinate, dependencies: Vec::new(), host }).unwrap());
    }
    let chosen = closures.iter().flat_map(|closure| closure.artifacts.iter().chain(&closure.poms));
    chosen.map(|one| one.coordinate.path().file_name().to_owned()).collect()
}

fn builds_as_maven(name: &str) {
    let text = read(name, "request.txt");
    let (expected, ours) = (read(name, "expected.txt"), asked(name, |poms| build(&text, poms)));
    let mavens: BTreeSet<String> = expected.lines().map(str::to_owned).collect();
    let (missing, extra) = (&mavens - &ours, &ours - &mavens);
    assert!(missing.is_empty() && extra.is_empty(), "{name}: only Maven has {missing:#?}, only we have {extra:#?}");
}

/// The files that `mvn package` left in an empty local repository.
#[test]
fn a_build_agrees_with_maven() {
    builds_as_maven("build");
}

/// The same of `mvn clean install deploy` and `mvn dependency:tree`, with the versions that Maven 3.8.7 binds.
#[test]
fn a_build_by_default_agrees_with_maven() {
    builds_as_maven("build-by-default");
}

#[test]
fn what_the_registry_lacks_is_named_with_those_who_want_it() {
    let (_, closure) = answers("hbase");
    let Err(Error::Unresolved(troubles)) = closure else { panic!("hbase-server 2.5.10 wants what was not published") };
    let things: Vec<&str> = troubles.iter().map(|trouble| trouble.thing.as_str()).collect();
    assert_eq!(things, ["org.apache.hbase:hbase-asyncfs:pom:2.5.10", "org.apache.hbase:hbase-http:pom:2.5.10"]);
    assert_eq!(troubles[0].because, ["org.apache.hbase:hbase-server:2.5.10"]);
}

/// What Maven answers for each root: a file for each where they are recorded, one for all afterwards.
fn answers_for_roots(roots: &[&str]) -> BTreeMap<String, BTreeSet<String>> {
    let file = fixture("roots").join("answers.json.zst");
    let Some(from) = recorded_from() else {
        let json = zstd::decode_all(&std::fs::read(file).unwrap()[..]).unwrap();
        return serde_json::from_slice(&json).unwrap();
    };
    let answer = |root: &&str| {
        let coordinate: Coordinate = root.parse().unwrap();
        let name = format!("answers-roots/{}-{}.txt", coordinate.artifact(), coordinate.version());
        let text = std::fs::read_to_string(from.join(name)).unwrap();
        let words =
            text.lines().filter(|line| line.starts_with("   ")).filter_map(|line| line.split_whitespace().next());
        // Maven prints the type here; its file is a jar.
        let told = words.map(|word| word.replace(":test-jar:", ":jar:").parse::<Coordinate>().unwrap().to_string());
        (coordinate.to_string(), told.collect())
    };
    let answers: BTreeMap<String, BTreeSet<String>> = roots.iter().map(answer).collect();
    std::fs::write(file, zstd::encode_all(&serde_json::to_vec(&answers).unwrap()[..], 19).unwrap()).unwrap();
    answers
}

#[test]
fn each_of_many_roots_agrees_with_maven() {
    let text = read("roots", "roots.txt");
    let roots: Vec<&str> = text.lines().collect();
    assert!(roots.len() >= 60);
    let answers = answers_for_roots(&roots);
    let wrong = asked("roots", |poms| {
        let resolver = Resolver::new(poms, 17);
        let differs = |(root, mavens): (&String, &BTreeSet<String>)| {
            let closure = resolver.closure(&request(&format!("root {root}")));
            let ours: BTreeSet<String> = match closure {
                Ok(closure) => closure.artifacts.iter().map(|one| one.coordinate.to_string()).collect(),
                Err(error) => return Some(format!("{root}: {error}")),
            };
            let (missing, extra) = (mavens - &ours, &ours - mavens);
            let differs = !missing.is_empty() || !extra.is_empty();
            differs.then(|| format!("{root}: only Maven has {missing:?}, only we have {extra:?}"))
        };
        answers.iter().filter_map(differs).collect::<Vec<String>>()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
