//! Maven itself, strict and with an empty local repository, where nothing but a served mirror can be reached.
//! It builds a Flink application with a shaded jar and a test, and finds plug-ins by prefix and without a version.
//! Not here: what belongs to a closure; recorded answers of Maven say that (`mirror::resolve::maven`).

use crate::mirror::cache;
use crate::namespace;
use crate::registries::out_of_reach;
use pnda::mirror::lock::Source;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/maven-build");

/// The server, then Maven, where only loopback is: `$1` is the program, `$2` the mirror, the rest is for Maven.
const ALONE: &str = "
    set -e
    ip link set lo up
    pnda=$1 mirror=$2; shift 2
    \"$pnda\" mirror serve --mirror \"$mirror\" --listen 127.0.0.1:8080 >/dev/null 2>&1 &
    server=$!
    trap 'kill $server' EXIT
    tried=0
    until curl --silent --fail --output /dev/null http://127.0.0.1:8080/SHA256SUMS; do
        tried=$((tried + 1)); [ $tried -lt 100 ]; sleep 0.1
    done
    mvn -C -B -s settings.xml \"$@\"
";

const SETTINGS: &str = "<settings><localRepository>${user.dir}/local</localRepository><mirrors><mirror><id>pnda</id>\
    <mirrorOf>*</mirrorOf><url>http://127.0.0.1:8080/mirror_maven</url></mirror></mirrors></settings>";

/// A project that Maven builds, and the mirror it builds from.
struct Site {
    project: tempfile::TempDir,
    mirror: PathBuf,
}

impl Site {
    /// Locks and builds the mirror; the lock stays beside the store, so that only the first run asks what exists.
    fn new() -> Result<Site, String> {
        let folder = cache().join("maven-build");
        fs::create_dir_all(folder.join("manifests")).map_err(|error| error.to_string())?;
        fs::copy(format!("{FIXTURES}/build.toml"), folder.join("manifests/build.toml")).map_err(|e| e.to_string())?;
        for words in ["mirror lock", "mirror build --mirror mirror --key key"] {
            let mut pnda = Command::new(env!("CARGO_BIN_EXE_pnda"));
            pnda.args(words.split(' ')).args(["--quiet", "--manifests", "manifests", "--store"]);
            let output = pnda.arg(cache().join("store")).current_dir(&folder).output().map_err(|e| e.to_string())?;
            if !output.status.success() {
                let said = said(&output);
                let why = out_of_reach(&[Source::Maven], &said);
                return Err(why.unwrap_or_else(|| panic!("`pnda {words}` failed:\n{said}")));
            }
        }
        let project = tempfile::tempdir_in(cache()).map_err(|error| error.to_string())?;
        let copied = Command::new("cp").args(["-rT", &format!("{FIXTURES}/application")]).arg(project.path()).status();
        copied.map_err(|error| error.to_string())?;
        fs::write(project.path().join("settings.xml"), SETTINGS).map_err(|error| error.to_string())?;
        Ok(Site { project, mirror: folder.join("mirror") })
    }

    /// What Maven says; it must succeed.
    fn maven(&self, words: &str) -> String {
        let mut alone = Command::new("unshare");
        alone.args(["--net", "sh", "-c", ALONE, "sh", env!("CARGO_BIN_EXE_pnda")]).arg(&self.mirror);
        let output = alone.args(words.split(' ')).current_dir(self.project.path()).output().unwrap();
        let said = said(&output);
        assert!(output.status.success(), "mvn {words}:\n{said}");
        said
    }

    fn change(&self, file: &str, from: &str, to: &str) {
        let path = self.project.path().join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file} has no {from}");
        fs::write(path, text.replace(from, to)).unwrap();
    }
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Whether a machine can do this; otherwise what it lacks.
fn lacking() -> Option<String> {
    let works =
        |program: &str, word: &str| Command::new(program).arg(word).output().is_ok_and(|it| it.status.success());
    let programs = [("mvn", "--version"), ("javac", "--version"), ("curl", "--version"), ("ip", "-Version")];
    let missing = programs.into_iter().find(|(program, word)| !works(program, word));
    missing.map(|(program, _)| format!("{program} is not installed")).or_else(namespace::lacks)
}

#[test]
fn maven_builds_an_application_from_the_mirror_alone() {
    if let Some(lacking) = lacking() {
        left_out!("Maven on a mirror: {lacking}");
        return;
    }
    let site = match Site::new() {
        Ok(site) => site,
        Err(why) => {
            left_out!("Maven on a mirror: {why}");
            return;
        }
    };
    let said = site.maven("package");
    assert!(said.contains("Tests run: 1, Failures: 0"), "the provider of the test is loaded while it runs:\n{said}");
    let jar = fs::File::open(site.project.path().join("target/count-1.0.jar")).unwrap();
    let mut jar = zip::ZipArchive::new(jar).unwrap();
    for class in ["example/Count", "org/apache/flink/connector/kafka/source/KafkaSource", "org/apache/avro/Schema"] {
        assert!(jar.by_name(&format!("{class}.class")).is_ok(), "{class} is not in the shaded jar");
    }

    let said = site.maven("dependency:tree");
    assert!(said.contains("org.apache.kafka:kafka-clients:jar:3.4.0:compile"), "{said}");

    site.change("pom.xml", "<version>3.6.0</version>", "");
    let said = site.maven("clean install -DskipTests");
    assert!(said.contains("maven-shade-plugin:3.6.0:shade"), "the newest on the mirror is taken:\n{said}");
}
