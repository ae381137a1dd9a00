//! What is found in programs and jars, and what is not.
//! Each program fails in one way; one is right and uses everything that is hard to resolve.
//! Not here: broken bytes (`hostile`).

use super::*;

#[test]
fn a_program_that_has_all_it_needs_is_not_complained_of() {
    assert_eq!(found("com.example.Good", &["com/example/Good"]), []);
}

#[test]
fn a_class_that_is_gone_is_told_with_what_came_in_its_place() {
    let findings = found("com.example.Gone", &["com/example/Gone"]);
    let [error] = errors(&findings).try_into().unwrap();
    assert_eq!(
        error,
        "job.jar: error: com.example.Gone: it refers to org.apache.flink.api.java.utils.ParameterTool, gone since \
         Flink 2.0\n    it moved to org.apache.flink.util.ParameterTool"
    );
    let [warning] = of(&findings, Severity::Warning).try_into().unwrap();
    assert!(
        warning.contains("connector.kafka.source.KafkaSource")
            && warning.contains("pack flink-connector-kafka for this line"),
        "{warning}"
    );
}

#[test]
fn what_the_program_does_not_reach_is_only_a_warning() {
    let findings = found("com.example.Good", &["com/example/Good", "com/example/Unreached"]);
    assert_eq!(errors(&findings), [""; 0]);
    let [warning] = of(&findings, Severity::Warning).try_into().unwrap();
    assert!(warning.starts_with("job.jar: warning: com.example.Unreached: it refers to"), "{warning}");
    // Where no class of Java is the program, each of the package's own may be.
    let jars = jars(vec![("job.jar", packed(&classes("job", &["com/example/Unreached"])))]);
    let python = Program::Python {
        script: SafePath::new("job.py").unwrap(),
        files: Vec::new(),
        archives: Vec::new(),
        has_jars: true,
    };
    assert_eq!(errors(&check(&python, &jars, &target())).len(), 1);
}

#[test]
fn members_that_are_gone_are_told_also_through_a_class_of_the_program() {
    let findings = errors(&found("com.example.Members", &["com/example/Members"]));
    let beginnings = [
        "it calls org.apache.flink.Turned.turn(), whose class was an interface and is none now",
        "it uses com.example.Members$Own.readTextFile(String), which Flink 2.0.0 does not have",
        "it uses org.apache.flink.Environment.parallelism, which",
        "it uses org.apache.flink.Environment.read(String, int), which",
        "it uses org.apache.flink.Environment.readTextFile(String), which",
    ];
    assert_eq!(findings.len(), beginnings.len(), "{findings:#?}");
    for begin in beginnings {
        assert!(findings.iter().any(|finding| finding.contains(begin)), "{begin}: {findings:#?}");
    }
    assert!(findings.iter().any(|finding| finding.contains("it has read(String, long)")), "{findings:#?}");
    // An exception may inherit it from Java, as far as is known here.
    assert!(!findings.iter().any(|finding| finding.contains("Failure")));
}

#[test]
fn a_method_that_flink_never_calls_is_told() {
    let findings = errors(&found("com.example.Uncalled", &["com/example/Uncalled"]));
    let [error] = findings.try_into().unwrap();
    assert!(error.contains("Uncalled$Rich: Flink 2.0.0 never calls its open(Configuration)"), "{error}");
}

#[test]
fn a_main_class_that_flink_cannot_call_is_told_with_the_near_one() {
    let of = |main| {
        let [error] = errors(&found(main, &["com/example/NoMain", "com/example/Hidden"])).try_into().unwrap();
        error
    };
    assert!(of("com.example.NoMain").contains("no public static void main(String[])"));
    assert!(of("com.example.Hidden").contains("it is not public"));
    assert!(of("org.example.NoMain").contains("did you mean `com.example.NoMain`?"));
}

#[test]
fn a_class_file_for_a_later_java_is_told() {
    let mut members = classes("job", &["com/example/Good"]);
    for (_, bytes) in &mut members {
        bytes[7] = 65;
    }
    let findings = check(&program("com.example.Good"), &jars(vec![("job.jar", packed(&members))]), &target());
    let [error] = errors(&findings).try_into().unwrap();
    assert!(error.contains("2 classes of it are compiled for Java 21, and Java 17 runs the program"), "{error}");
}

#[test]
fn of_several_versions_of_a_class_the_one_that_this_java_takes_counts() {
    let good = classes("job", &["com/example/Good.class"]).remove(0);
    let mut later = good.1.clone();
    later[7] = 65;
    let manifest = |text: &str| ("META-INF/MANIFEST.MF".to_owned(), text.as_bytes().to_vec());
    let at = |java: u16| (format!("META-INF/versions/{java}/{}", good.0), later.clone());
    let java = |members: Members| jar("job.jar", &members).class("com/example/Good").unwrap().unwrap().java;
    let several = "Manifest-Version: 1.0\r\nMulti-Release: true\r\n";
    assert_eq!(java(vec![manifest(several), good.clone(), at(11)]), 21);
    assert_eq!(java(vec![manifest(several), good.clone(), at(21)]), 8);
    assert_eq!(java(vec![manifest("Manifest-Version: 1.0\r\n"), good.clone(), at(11)]), 8);
}

#[test]
fn classes_that_both_have_are_told_by_what_becomes_of_them() {
    let mut members = classes("job", &["com/example/Good"]);
    let mut own = classes("new", &["org/apache/flink/Source", "org/apache/flink/Named"]);
    members.extend(own.clone());
    let same = check(&program("com.example.Good"), &jars(vec![("job.jar", packed(&members))]), &target());
    let [note] = of(&same, Severity::Note).try_into().unwrap();
    assert!(note.contains("2 classes of it are in flink-dist-2.0.0.jar too: org.apache.flink (2); they are the same"));
    assert_eq!(same.len(), 1);
    // Another compiler gives other bytes.
    own[0].1[7] = 51;
    members.truncate(2);
    members.extend(own);
    let other = check(&program("com.example.Good"), &jars(vec![("job.jar", packed(&members))]), &target());
    let [error] = errors(&other).try_into().unwrap();
    assert!(error.contains("1 differs, and those of flink-dist-2.0.0.jar are used"), "{error}");
}

#[test]
fn jars_of_a_package_that_differ_in_a_class_are_told() {
    let members = classes("job", &["com/example/Good"]);
    let mut other = members.clone();
    other[0].1[7] = 51;
    let both = jars(vec![("job.jar", packed(&members)), ("lib/job.jar", packed(&other))]);
    let findings = check(&program("com.example.Good"), &both, &target());
    let [warning] = of(&findings, Severity::Warning).try_into().unwrap();
    assert!(warning.contains("1 class of it is in job.jar too, and different: com.example (1)"), "{warning}");
}

#[test]
fn connectors_say_themselves_for_which_line_they_are() {
    let of = |artifact: &str, version: &str| {
        let mut members = classes("job", &["com/example/Good"]);
        let text = format!("artifactId={artifact}\ngroupId=org.apache.flink\nversion={version}\n");
        members.push((format!("META-INF/maven/org.apache.flink/{artifact}/pom.properties"), text.into_bytes()));
        check(&program("com.example.Good"), &jars(vec![("job.jar", packed(&members))]), &target())
    };
    let [error] = errors(&of("flink-connector-kafka", "3.4.0-1.20")).try_into().unwrap();
    assert!(
        error.contains("built for Flink 1.20, and Flink 2.0.0 runs it") && error.contains("ends with -2.0"),
        "{error}"
    );
    assert_eq!(of("flink-connector-kafka", "4.0.1-2.0"), []);
    assert_eq!(super::of(&of("flink-connector-kafka", "5.0.0-2.2"), Severity::Warning).len(), 1);
    assert_eq!(super::of(&of("flink-avro", "1.20.3"), Severity::Warning).len(), 1);
    assert_eq!(of("flink-avro", "2.0.1"), []);
    let named = jars(vec![
        ("job.jar", packed(&classes("job", &["com/example/Good"]))),
        ("flink-connector-kafka-3.4.0-1.20.jar", packed(&Members::new())),
    ]);
    assert_eq!(errors(&check(&program("com.example.Good"), &named, &target())).len(), 1);
}

#[test]
fn what_a_loader_of_flink_hides_is_not_called_missing() {
    let loader = jar("flink-table-planner-loader-2.0.0.jar", &Members::new());
    let target = Target::of(None, JAVA, vec![loader], Vec::new());
    assert!(target.hides("org/apache/flink/table/planner/delegation/PlannerBase"));
    assert!(!target.hides("org/apache/flink/table/api/Table"));
}

#[test]
fn a_distribution_is_read_as_a_folder_and_as_an_archive() {
    let folder = tempfile::tempdir().unwrap();
    let lib = folder.path().join("flink-2.0.0/lib");
    fs::create_dir_all(&lib).unwrap();
    let bytes = packed(&classes("new", &[""]));
    fs::write(lib.join("flink-dist-2.0.0.jar"), &bytes).unwrap();
    let archive = folder.path().join("flink.tgz");
    let gzip = flate2::write::GzEncoder::new(File::create(&archive).unwrap(), flate2::Compression::fast());
    let mut tar = tar::Builder::new(gzip);
    tar.append_dir_all("flink-2.0.0", folder.path().join("flink-2.0.0")).unwrap();
    tar.into_inner().unwrap().finish().unwrap();
    for place in [folder.path().join("flink-2.0.0"), lib.clone(), archive] {
        let target = Target::open(&place, &[], JAVA).unwrap();
        assert_eq!((target.version.unwrap().to_string(), target.classes()), ("2.0.0".to_owned(), 10));
    }
    let error = Target::open(folder.path(), &[], JAVA).unwrap_err();
    assert!(error.to_string().contains("there is no flink-dist-*.jar"), "{error}");
}

#[test]
fn each_row_of_what_is_gone_is_whole_and_none_is_there_twice() {
    let table = include_str!("../gone.tsv").lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let rows: Vec<_> = super::super::gone::rows().collect();
    assert_eq!(rows.len(), table.count());
    let names: std::collections::BTreeSet<_> = rows.iter().map(|row| row.name).collect();
    assert_eq!(names.len(), rows.len());
    assert!(rows.iter().all(|row| row.name.starts_with("org.apache.flink.") && !row.instead.is_empty()));
    // Before it was gone, it was there.
    let of = |version: &str| super::super::gone::class("org/apache/flink/api/java/DataSet$Inner", version.parse().ok());
    assert!(of("2.3.0").is_some() && of("1.20.5").is_none());
}

#[test]
fn a_package_is_looked_at_in_its_archive_and_in_its_folder_alike() {
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    let properties = br#"{"main_jar": "job.jar", "main_class": "com.example.Gone"}"#;
    let job = packed(&classes("job", &["com/example/Gone"]));
    for (name, bytes) in [
        ("properties.json", properties.as_slice()),
        ("application.properties", b""),
        ("job.jar", &job),
        ("lib/broken.jar", b"none"),
    ] {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, format!("gone-1.0.0/flink/job/{name}"), bytes).unwrap();
    }
    let archive = tar.into_inner().unwrap().finish().unwrap();
    let name = words::names::PackageName::new("gone-1.0.0").unwrap();
    let package = crate::package::read(&name, archive.as_slice()).unwrap();

    let jars = crate::package::classes::jars(&name, archive.as_slice(), JAVA).unwrap();
    let found = crate::package::classes::check_package(&package, &jars, &target());
    assert!(found.iter().all(|(component, _)| component == "flink/job"));
    let found: Vec<Finding> = found.into_iter().map(|(_, finding)| finding).collect();
    assert!(errors(&found).iter().any(|error| error.contains("ParameterTool, gone since Flink 2.0")), "{found:#?}");
    assert!(errors(&found).iter().any(|error| error.starts_with("lib/broken.jar: error")), "{found:#?}");

    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("lib")).unwrap();
    fs::write(folder.path().join("job.jar"), &job).unwrap();
    fs::write(folder.path().join("lib/broken.jar"), b"none").unwrap();
    let jars = Jars::of_component(&package.components[0], folder.path(), JAVA);
    assert_eq!(check(&program("com.example.Gone"), &jars, &target()), found);
}
