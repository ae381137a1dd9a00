//! What a package is: its one folder, its components and their files; and what upstream asked for without need.
//! Each mistake is told with its member and what to do.
//! Not here: archives that mean harm.

use super::*;

#[test]
fn a_package_of_pnda_s_shape_is_read() {
    let package = read(&named(WORDCOUNT), &*wordcount()).unwrap();
    assert_eq!((package.name.as_str(), package.components.len()), (WORDCOUNT, 1));
    assert_eq!(package.notes, []);
    let component = &package.components[0];
    assert_eq!(
        (&component.kind, component.name.as_str(), component.written.as_str()),
        (&Kind::Flink, "word-count", "flink")
    );
    assert_eq!(component.properties["application_args"], "--port 9100 --windowtime 5");
    let files: Vec<(&str, u64)> = component.files.iter().map(|(path, size)| (path.as_str(), *size)).collect();
    assert_eq!(files[0], ("application.properties", 15));
    assert_eq!((files[1].0, files[2]), ("properties.json", ("wordcount.jar", 4)));
    assert_eq!(package.defaults()["flink"]["word-count"]["main_jar"], "wordcount.jar");
    assert_eq!(component.place(&package.name), format!("{WORDCOUNT}/flink/word-count/properties.json"));
}

#[test]
fn folders_need_no_member_and_a_dot_in_front_is_fine() {
    let members = [file("./p-1.0.0/flink/c/properties.json", b"{}"), file("././p-1.0.0/flink/d/x", b"")];
    assert_eq!(accepted(&members).components.len(), 2);
    let members = [folder("./"), folder("."), folder("./p-1.0.0/"), folder("./p-1.0.0/flink/c/")];
    assert_eq!(accepted(&members).components[0].name.as_str(), "c");
    // Old archives know no type of folders.
    assert_eq!(accepted(&[file("p-1.0.0/flink/c/", b"")]).components[0].files.len(), 0);
}

#[test]
fn nested_folders_are_kept() {
    let package = accepted(&[file("p-1.0.0/oozie/c/lib/deep/er/job.py", b"12345"), folder("p-1.0.0/oozie/c/empty")]);
    let files: Vec<(&str, u64)> =
        package.components[0].files.iter().map(|(path, size)| (path.as_str(), *size)).collect();
    assert_eq!(files, [("lib/deep/er/job.py", 5)]);
}

#[test]
fn files_beside_types_and_components_are_passed_over() {
    let members = [file("p-1.0.0/README", b"x"), file("p-1.0.0/flink/README", b"x"), file("p-1.0.0/flink/c/x", b"")];
    let package = accepted(&members);
    assert_eq!((package.components.len(), package.components[0].files.len()), (1, 1));
}

#[test]
fn an_empty_descriptor_is_an_empty_object() {
    let package = accepted(&[
        file("p-1.0.0/flink/c/properties.json", b""),
        file("p-1.0.0/flink/c/hdfs.json", b" \n"),
        file("p-1.0.0/flink/c/hbase.json", b"[]"),
        file("p-1.0.0/flink/d/properties.json", b"\xef\xbb\xbf{\"a\": \"b\"}"),
        file("p-1.0.0/flink/e/x", b""),
    ]);
    assert_eq!(package.components[0].properties, BTreeMap::new());
    assert_eq!(package.components[0].descriptors["hdfs.json"], serde_json::json!({}));
    assert_eq!(package.components[1].properties["a"], "b");
    assert_eq!(package.components[2].properties, BTreeMap::new());
    assert!(
        package.notes[0].to_string().starts_with("p-1.0.0/flink/c/hbase.json: it is kept, and not carried out"),
        "{:?}",
        package.notes
    );
}

#[test]
fn a_package_without_components_is_none() {
    let said = refusal(&[folder("p-1.0.0/"), folder("p-1.0.0/flink/"), file("p-1.0.0/flink/x", b"")]);
    assert!(said.starts_with("p-1.0.0: there is no component in it\n    put at least one folder"), "{said}");
}

#[test]
fn the_folder_bears_the_name_of_the_package() {
    let said = refusal(&[file("p-1.0.0a/flink/c/x", b"")]);
    assert!(
        said.starts_with("p-1.0.0a: the folder at the top is `p-1.0.0a`, and the package is `p-1.0.0`\n"),
        "{said}"
    );
    let said = refusal(&[file("p-1.0.0/flink/c/x", b""), file("p-1.0.1/flink/c/x", b"")]);
    assert!(said.contains("the folder at the top is `p-1.0.1`") && said.lines().count() == 2, "{said}");
    let said = refusal(&[file("p-1.0.0/flink/c/x", b""), file("README", b"")]);
    assert!(said.starts_with("README: a file at the top"), "{said}");
    assert!(refusal(&[file("p-1.0.0", b"")]).contains("p-1.0.0: a file at the top"));
}

#[test]
fn flink_streaming_is_flink() {
    let package = accepted(&[file("p-1.0.0/flinkStreaming/c/x", b"")]);
    assert_eq!((&package.components[0].kind, package.components[0].written.as_str()), (&Kind::Flink, "flinkStreaming"));
    assert!(package.notes[0].to_string().contains("the type `flinkStreaming` is read as `flink`"));
    let said = refusal(&[file("p-1.0.0/flinkStreaming/c/x", b""), file("p-1.0.0/flink/c/x", b"")]);
    assert!(said.contains("`flink/c` is the same component"), "{said}");
}

#[test]
fn types_that_are_not_run_are_kept_and_told() {
    let types = ["sparkStreaming", "jupyter", "kubernetes"];
    for kind in types {
        let name = format!("p-1.0.0/{kind}/c/properties.json");
        let package = accepted(&[file(&name, b"{\"a\": 1}"), file("p-1.0.0/flink/c/x", b"")]);
        let component = package.components.iter().find(|component| component.kind != Kind::Flink).unwrap();
        assert_eq!((component.kind.as_str(), component.properties["a"].as_str()), (kind, "1"));
        let note = package.notes[0].to_string();
        assert!(note.starts_with(&format!("p-1.0.0/{kind}/c: not run by this version: ")), "{note}");
    }
}

#[test]
fn a_property_is_a_scalar() {
    let text = br#"{"text": "a", "number": 9100, "fraction": 1.5, "flag": true,
        "list": [1], "object": {"x": 1}, "nothing": null, "": "x", "a\nb": "x", "text": "again"}"#;
    let said = refusal(&[file("p-1.0.0/flink/c/properties.json", text)]);
    for mistake in [
        "p-1.0.0/flink/c/properties.json: the value of `list` is a list",
        "the value of `object` is an object",
        "the value of `nothing` is null",
        "`` cannot be the name of a property",
        "`a\\nb` cannot be the name of a property",
        "`text` is there twice",
    ] {
        assert!(said.contains(mistake), "{mistake}: {said}");
    }
    assert_eq!(said.lines().count(), 12, "{said}");
    let package = accepted(&[file("p-1.0.0/flink/c/properties.json", br#"{"n": 9100, "f": 1.5, "b": true, "t": ""}"#)]);
    let properties: Vec<&str> = package.components[0].properties.values().map(String::as_str).collect();
    assert_eq!(properties, ["true", "1.5", "9100", ""]);
}

#[test]
fn a_mistake_in_a_json_file_has_its_line() {
    let said = refusal(&[file("p-1.0.0/flink/c/properties.json", b"{\n\"a\": 1,\n}")]);
    assert!(said.starts_with("p-1.0.0/flink/c/properties.json:3: "), "{said}");
    assert!(refusal(&[file("p-1.0.0/flink/c/properties.json", b"[]")]).contains("an object of names and values"));
    assert!(refusal(&[file("p-1.0.0/flink/c/hbase.json", b"[{]")]).starts_with("p-1.0.0/flink/c/hbase.json:1: "));
    let deep = [b"{\"a\": ".as_slice(), &[b'['; 100_000]].concat();
    assert!(refusal(&[file("p-1.0.0/flink/c/properties.json", &deep)]).contains("recursion"));
    let long = vec![b' '; (256 << 10) + 1];
    assert!(refusal(&[file("p-1.0.0/flink/c/properties.json", &long)]).contains("it is longer than 256.0 KiB"));
    // Below its component it is a file as any other.
    assert_eq!(accepted(&[file("p-1.0.0/flink/c/x/properties.json", b"[")]).components.len(), 1);
}

#[test]
fn all_mistakes_are_told_at_once() {
    let said = refusal(&[
        Raw { name: b"p-1.0.0/flink/c/l", kind: EntryType::Symlink, content: b"x" },
        file("/etc/x", b""),
        file("p-1.0.0/flink/a;b/x", b""),
        file("p-1.0.0/flink/c/properties.json", b"{\"a\": []}"),
        file("p-2.0.0/flink/c/x", b""),
    ]);
    for mistake in ["symbolic link", "absolute", "`a;b`", "`a` is a list", "`p-2.0.0`"] {
        assert!(said.contains(mistake), "{mistake}: {said}");
    }
}
