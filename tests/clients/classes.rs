//! Programs as they were written for Flink 1.4, compiled here against its own jars, before a Flink of today.
//! `pnda package check` tells each part of the API that they use and that is gone; a program of today's passes.
//! Not here: how a class file is read, which needs no compiler (`apps::package::classes`).

use crate::mirror::{self, cache};
use crate::registries::out_of_reach;
use pnda::mirror::lock::Source;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/classes/flink-1.4");

/// What Flink 1.4 had; Maven brings it once.
fn flink_1_4() -> Result<PathBuf, String> {
    let folder = cache().join("flink-1.4");
    let mut maven = Command::new("mvn");
    maven.args(["-q", "-B", "dependency:copy-dependencies", "-f"]).arg(format!("{SOURCES}/pom.xml"));
    maven.arg(format!("-Dmaven.repo.local={}", folder.join("local").display()));
    maven.arg(format!("-DoutputDirectory={}", folder.join("jars").display()));
    let output = maven.output().map_err(|_| "mvn is not installed".to_owned())?;
    if output.status.success() {
        return Ok(folder.join("jars"));
    }
    // Maven's own words for it differ from version to version.
    let why = out_of_reach(&[Source::Maven], "no usable answer");
    Err(why.unwrap_or_else(|| panic!("mvn failed:\n{}", said(&output))))
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn run(program: &str, arguments: &[&str], folder: &Path) {
    let output = Command::new(program).args(arguments).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{program}:\n{}", said(&output));
}

/// A package with one component whose program is this class of this jar.
fn package(folder: &Path, name: &str, jar: &Path, class: &str) -> PathBuf {
    let component = folder.join(format!("{name}-1.0.0/flink/job"));
    fs::create_dir_all(&component).unwrap();
    fs::copy(jar, component.join("job.jar")).unwrap();
    let properties = format!("{{\"main_jar\": \"job.jar\", \"main_class\": \"{class}\"}}");
    fs::write(component.join("properties.json"), properties).unwrap();
    fs::write(component.join("application.properties"), "").unwrap();
    let archive = format!("{name}-1.0.0.tar.gz");
    run("tar", &["czf", &archive, &format!("{name}-1.0.0")], folder);
    folder.join(archive)
}

/// What is said of a package, and whether it passes.
fn checked(package: &Path, flink: &Path) -> (bool, String) {
    let mut pnda = Command::new(env!("CARGO_BIN_EXE_pnda"));
    let output = pnda.args(["package", "check", "--flink"]).arg(flink).arg(package).output().unwrap();
    assert!(matches!(output.status.code(), Some(0 | 2)), "{}", said(&output));
    (output.status.success(), said(&output))
}

#[test]
fn what_a_program_of_flink_1_4_uses_and_is_gone_is_told() {
    if Command::new("javac").arg("-version").output().is_err() {
        left_out!("programs of Flink 1.4: no JDK is installed");
        return;
    }
    let (old, mirror) = match (flink_1_4(), mirror::of("mirror-manifests")) {
        (Ok(old), Ok(mirror)) => (old, mirror),
        (Err(why), _) | (_, Err(why)) => {
            left_out!("programs of Flink 1.4: {why}");
            return;
        }
    };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let path = format!("{}/*", old.display());
    let sources = ["KafkaWordCount", "BatchWordCount"].map(|name| format!("{SOURCES}/com/example/pnda/{name}.java"));
    run("javac", &["-nowarn", "--release", "8", "-cp", &path, "-d", "classes", &sources[0], &sources[1]], folder);
    run("jar", &["cf", "job.jar", "-C", "classes", "."], folder);

    let flink = mirror.served("flink-1.20.5.tar.gz");
    let streaming = package(folder, "streaming", &folder.join("job.jar"), "com.example.pnda.KafkaWordCount");
    let (passes, said) = checked(&streaming, &flink);
    assert!(!passes, "{said}");
    for gone in [
        "org.apache.flink.streaming.connectors.kafka.FlinkKafkaConsumer011, gone since Flink 1.12",
        "org.apache.flink.api.common.functions.FoldFunction, gone since Flink 1.12",
        "DataStream.split(OutputSelector), which Flink 1.20.5 does not have",
        "KeyedStream.fold(Object, FoldFunction), which Flink 1.20.5 does not have",
        "StreamExecutionEnvironment.setStateBackend(AbstractStateBackend), which Flink 1.20.5 does not have",
    ] {
        assert!(said.contains(gone), "{gone}:\n{said}");
    }
    // 1.20 has what is left of the DataSet API, positions as keys, and the window functions of old.
    for there in ["ParameterTool", "keyBy", "timeWindow", "SourceFunction", "readTextFile"] {
        assert!(!said.contains(there), "{there}:\n{said}");
    }
    let batch = package(folder, "batch", &folder.join("job.jar"), "com.example.pnda.BatchWordCount");
    let (passes, said) = checked(&batch, &flink);
    assert!(passes && said.contains("no code of the program's own comes there"), "{said}");

    let (passes, said) = checked(&mirror.served("mirror_apps/wordcount-1.0.0.tar.gz"), &flink);
    assert!(passes, "{said}");
}
