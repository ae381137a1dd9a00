//! Components that are scripts of Python: what `flink run` calls by paths of its own machine are files of the component here.
//! What it lacks, and what would be in the way of something else in a container, is refused with its name.
//! Not here: Java's, and what is submitted.

use super::*;
use crate::package::flink::Program;
use crate::package::python::Archive;

const FILES: [&str; 9] = [
    "application.properties",
    "job.py",
    "words/util.py",
    "lib/deep.py",
    "env/env.tar.gz",
    "data.rar",
    "requirements.txt",
    "wheels/one.whl",
    "other.zip",
];

fn parse(options: &str, more: &[(&str, &str)]) -> Result<FlinkComponent, Problems> {
    let own = [("main_py", "job.py"), ("flink_config_args", options)];
    let properties = own.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let files = FILES.iter().map(|name| (SafePath::new(*name).unwrap(), 1)).collect();
    FlinkComponent::parse("p-1.0.0/flink/c/properties.json", &properties, &files).map(|(component, _)| component)
}

fn refused(options: &str) -> String {
    parse(options, &[]).unwrap_err().to_string()
}

#[test]
fn options_of_python_name_files_of_the_component() {
    let options = "-pyfs words,./job.py -pyarch env/env.tar.gz#venv,other.zip -pyexec venv/bin/python \
                   --pyRequirements requirements.txt#wheels -pypath /opt/more";
    let component = parse(options, &[("py_files", "words/util.py")]).unwrap();
    let path = |text: &str| SafePath::new(text).unwrap();
    let archive = |file: &str, folder: &str| Archive { file: path(file), folder: folder.to_owned() };
    let Program::Python { script, files, archives, has_jars } = component.program else { panic!() };
    assert!(!has_jars);
    assert_eq!((script, files), (path("job.py"), vec![path("words/util.py"), path("words"), path("job.py")]));
    assert_eq!(archives, [archive("env/env.tar.gz", "venv"), archive("other.zip", "other.zip")]);
    let keys: Vec<String> = component.configuration.iter().map(|(key, value)| format!("{key}={value}")).collect();
    assert_eq!(
        keys,
        [
            "python.executable=venv/bin/python",
            "python.pythonpath=/opt/more",
            "python.requirements=requirements.txt#wheels"
        ]
    );
    assert!(parse("-pyexec /opt/py/bin/python", &[]).is_ok() && parse("-pyexec python3", &[]).is_ok());
    assert!(parse("-pyexec words/util.py", &[]).is_ok());
}

#[test]
fn what_the_component_lacks_is_told_all_at_once() {
    let said = refused("-pyfs word -pyarch evn.zip -pyreq requirement.txt -pyexec venv/bin/python");
    for part in [
        "missing file word, which -pyfs names",
        "missing file evn.zip, which -pyarch names",
        "missing file requirement.txt, which -pyreq names",
        "python.executable is in `venv`, which is neither an archive nor a folder",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(refused("-pyfs hdfs:///x.py").contains("-pyfs"));
    assert!(refused("-pyfs lib").contains("lib lies in a folder that is Flink's own"));
    assert!(refused("-pym job").contains("write the file of the module as `main_py`"));
}

#[test]
fn an_archive_is_unpacked_beside_everything_else_or_not_at_all() {
    assert!(refused("-pyarch data.rar").contains("no archive that YARN unpacks"));
    for folder in ["lib", "config.yaml", "words", "job.py", "../x", "a/b", "-x", "a'b", ".x"] {
        let said = refused(&format!("-pyarch \"other.zip#{folder}\""));
        assert!(said.contains("cannot be unpacked into"), "{folder}: {said}");
    }
    assert!(refused("-pyarch other.zip#x,env/env.tar.gz#x").contains("env/env.tar.gz cannot be unpacked into `x`"));
}

#[test]
fn the_dash_of_flink_1_4_before_arguments_is_left_out() {
    let of = |text: &str| parse("", &[("application_args", text)]).unwrap().arguments;
    assert_eq!(of("- hdfs://in - out"), ["hdfs://in", "-", "out"]);
    assert_eq!(of("--in x"), ["--in", "x"]);
}
