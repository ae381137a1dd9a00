//! Properties as PNDA inherits and expands them, held against Python's own templates and Java's own reader.
//! Where one of the two is not installed, what it would say is left out, and that is said.
//! Not here: what the properties mean.

use super::*;
use crate::package::properties::{Owned, expand, names, of_component, substitute};
use crate::package::properties_file::{append, fill, finished};
use std::collections::BTreeMap;
use std::process::{Command, Stdio};

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn expanded(
    environment: &[(&str, &str)],
    package: &[(&str, &str)],
    overrides: &[(&str, &str)],
) -> BTreeMap<String, String> {
    let (application, component) = (ApplicationName::new("app").unwrap(), ComponentName::new("word-count").unwrap());
    let owner = Word::new("alice").unwrap();
    let owned = Owned { application: &application, component: &component, owner: &owner };
    expand(&map(environment), &map(package), &map(overrides), (&owned, &BTreeMap::new()))
}

/// What a program says to an input; nothing where it is not installed.
fn said_by(program: &str, arguments: &[&str], input: &[u8]) -> Option<Vec<u8>> {
    let child = Command::new(program).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let Ok(mut child) = child else {
        drop(writeln!(std::io::stderr(), "left out: what {program} says: it is not installed"));
        return None;
    };
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{program}");
    Some(output.stdout)
}

#[test]
fn later_properties_win_and_what_is_fixed_stays() {
    let all = expanded(
        &[("kafka_brokers", "k:9092")],
        &[("a", "package"), ("b", "package"), ("name", "mine"), ("job_name", "mine"), ("application", "mine")],
        &[("b", "override"), ("c", "override"), ("hdfs_root", "/")],
    );
    let wanted = map(&[
        ("application_hdfs_root", "/pnda/system/deployment-manager/applications/alice/app"),
        ("application_user", "alice"),
        ("component_a", "package"),
        ("component_application", "app"),
        ("component_b", "override"),
        ("component_c", "override"),
        ("component_hdfs_root", "/pnda/system/deployment-manager/applications/alice/app/word-count"),
        ("component_job_name", "app-word-count-job"),
        ("component_name", "word-count"),
        ("environment_kafka_brokers", "k:9092"),
    ]);
    assert_eq!(all, wanted);
    assert_eq!(of_component(&all), map(&[("a", "package"), ("b", "override"), ("c", "override")]));
}

#[test]
fn names_are_replaced_once() {
    let all = expanded(
        &[("brokers", "k:9092"), ("evil", "${environment_brokers}")],
        &[
            ("args", "--brokers ${environment_brokers} --app $component_application --cost $$5"),
            ("again", "${component_args}"),
            ("unknown", "${environment_none} $none ${deployment_start}"),
            ("from", "${environment_evil}"),
            ("itself", "x${component_itself}"),
        ],
        &[("override", "${component_name}")],
    );
    assert_eq!(all["component_args"], "--brokers k:9092 --app app --cost $5");
    assert_eq!(all["component_again"], "--brokers ${environment_brokers} --app $component_application --cost $$5");
    assert_eq!(all["component_unknown"], "${environment_none} $none ${deployment_start}");
    // What a site says of itself is no template.
    assert_eq!(
        (all["environment_evil"].as_str(), all["component_from"].as_str()),
        ("${environment_brokers}", "${environment_brokers}")
    );
    assert_eq!(
        (all["component_itself"].as_str(), all["component_override"].as_str()),
        ("xx${component_itself}", "word-count")
    );
    assert_eq!(names("a $x ${y} $$ ${z").collect::<Vec<_>>(), ["x", "y"]);
}

#[test]
fn a_template_is_what_python_takes_it_for() {
    let known = map(&[("x", "<x>"), ("a_1", "$x"), ("_", "<u>"), ("X", "<X>")]);
    let texts = [
        "$x ${x} $$x $${x} $a_1 ${a_1}b $_ $X",
        "$",
        "$$",
        "$$$",
        "$$$x",
        "${",
        "${}",
        "${x",
        "$}",
        "$1x",
        "${1x}",
        "${ x}",
        "${x }",
        "$x.y $x-y ${x-y}",
        "$\u{e4} ${\u{e4}} $x\u{e4}",
        "a$",
        "${${x}}",
        "\n$x\n",
        "",
        "x",
    ];
    let script = "import sys, string
known = {'x': '<x>', 'a_1': '$x', '_': '<u>', 'X': '<X>'}
for text in sys.stdin.buffer.read().decode('utf-8').split('\\0'):
    sys.stdout.buffer.write((string.Template(text).safe_substitute(known) + '\\0').encode('utf-8'))";
    let Some(said) = said_by("python3", &["-c", script], texts.join("\0").as_bytes()) else { return };
    let said = String::from_utf8(said).unwrap();
    let said: Vec<&str> = said.split_terminator('\0').collect();
    assert_eq!(said.len(), texts.len());
    for (text, said) in texts.iter().zip(said) {
        assert_eq!(substitute(text, &known), said, "{text:?}");
    }
}

#[test]
fn of_a_name_only_the_first_line_below_becomes_a_dot() {
    let text = append(b"own=1\n", &map(&[("component_main_jar", "a.jar"), ("hdfspath_x_y", "/x"), ("plain", "1")]));
    assert_eq!(text, b"own=1\n\ncomponent.main_jar=a.jar\nhdfspath.x_y=/x\nplain=1\n");
    assert_eq!(append(b"", &map(&[("a_b", "1")])), b"a.b=1\n");
}

#[test]
fn a_component_can_ask_for_none_of_them() {
    let all = expanded(&[("x", "1")], &[("no_auto_props", "true")], &[]);
    assert_eq!(finished(b"a=${environment_x}", &all), b"a=1");
}

#[test]
fn the_file_s_own_bytes_stay() {
    let latin = b"# caf\xe9 $$ $\xe9\na=${x}\\\n  ${x}${none}";
    assert_eq!(fill(latin, &map(&[("x", "1")])), b"# caf\xe9 $ $\xe9\na=1\\\n  1${none}");
}

#[test]
fn no_value_begins_another_line() {
    let evil = map(&[
        ("component_a", "1\ncomponent.b=2\r\nc=3"),
        ("component_c", "ends with \\"),
        ("component_d=x\ny", "\u{2028}\u{85}"),
        ("component_e", "x"),
    ]);
    let text = String::from_utf8(finished(b"f=${component_a}\n", &evil)).unwrap();
    let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(lines.len(), 5, "{text}");
    assert_eq!(lines[0], "f=1\\ncomponent.b=2\\r\\nc=3");
    assert_eq!(lines[2], "component.c=ends with \\\\");
    assert_eq!(lines[3], "component.d\\=x\\ny=\\u2028\\u0085");
}

/// Prints what `java.util.Properties` reads: names and values, each followed by a NUL.
const READER: &str = "import java.util.*;
public class Reader {
    public static void main(String[] arguments) throws Exception {
        Properties read = new Properties();
        read.load(System.in);
        StringBuilder out = new StringBuilder();
        for (String name : new TreeSet<>(read.stringPropertyNames()))
            out.append(name).append('\\0').append(read.getProperty(name)).append('\\0');
        System.out.write(out.toString().getBytes(\"UTF-8\"));
        System.out.flush();
    }
}";

#[test]
fn java_reads_back_what_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("Reader.java");
    std::fs::write(&source, READER).unwrap();
    let (classes, source) = (folder.path().display().to_string(), source.display().to_string());
    if said_by("javac", &["-d", &classes, &source], b"").is_none() {
        return;
    }
    let texts = [
        "",
        " ",
        "  two",
        "a b",
        "a=b:c#d!e",
        "#x",
        "!x",
        "\\",
        "a\\",
        "a\\n",
        "\n",
        "\r\n\t\u{c}",
        "\u{0}\u{7}\u{7f}",
        "\u{e4}\u{20ac}\u{1f600}",
        "trailing  ",
        "'\"$`",
    ];
    let mut wanted: BTreeMap<String, String> =
        texts.iter().enumerate().map(|(at, text)| (format!("v{at}"), (*text).to_owned())).collect();
    wanted.extend(texts.iter().filter(|text| !text.is_empty()).map(|text| ((*text).to_owned(), format!("of {text}"))));
    // A name with a NUL cannot be told from two in what the reader prints.
    wanted.retain(|name, value| !name.contains('\0') && !value.contains('\0'));
    for before in ["", "a0=1", "a0=1\n", "a0=1\\", "a0=1\\\n", "a0=1\\\\", "# a comment \\", "a0=1\r"] {
        let file = finished(before.as_bytes(), &wanted);
        let arguments = ["-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", &classes, "Reader"];
        let Some(said) = said_by("java", &arguments, &file) else { return };
        let said = String::from_utf8(said).unwrap();
        let said: Vec<&str> = said.split('\0').collect();
        let mut read: BTreeMap<String, String> =
            said.chunks_exact(2).map(|pair| (pair[0].to_owned(), pair[1].to_owned())).collect();
        let alone = read.remove("a0");
        assert!(alone.is_none_or(|alone| ["1", "1\\"].contains(&alone.as_str())), "behind {before:?}");
        assert_eq!(read, wanted, "behind {before:?}");
    }
}
