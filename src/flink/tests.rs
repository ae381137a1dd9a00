//! Text in, findings out: each rule once, in the syntax and version where it bites.
//! Values and texts are held against what real Flinks took and refused (`tests/fixtures/flink`).
//! Not here: memory, which has tests of its own.

mod together;

use super::catalogue::{Catalogue, Row};
use super::memory::Deployment;
use super::{Findings, Severity, Syntax, Target, file, lint, value};
use std::path::Path;
use words::problem::Source;

fn target(version: &str) -> Target {
    Target { version: version.parse().unwrap(), java: None, deployment: Deployment::Yarn }
}

fn found(text: &str, syntax: Syntax, version: &str) -> String {
    let (_, findings) = lint(Source { file: "c", text }, syntax, target(version)).unwrap();
    let findings = findings.iter().filter(|finding| finding.origin.line.is_some());
    findings.map(|finding| format!("{finding}\n")).collect()
}

fn lines(version: &str, text: &str, expected: &str) {
    assert_eq!(found(text, Syntax::Lines, version), expected, "{version}\n{text}");
}

fn yaml(version: &str, text: &str, expected: &str) {
    assert_eq!(found(text, Syntax::Yaml, version), expected, "{version}\n{text}");
}

#[test]
fn every_default_of_the_catalogue_is_a_value_of_its_type() {
    let catalogue = Catalogue::get();
    let version = "2.3.0".parse().unwrap();
    let judged = ["Boolean", "Duration", "Enum", "Float", "Double", "Integer", "Long", "MemorySize"];
    for row in catalogue.keys(catalogue.newest()).filter_map(|key| catalogue.option(key, catalogue.newest())) {
        let plain = judged.contains(&row.kind) && !row.default.is_empty();
        assert!(!plain || value::fits(row, row.default, Syntax::Yaml, version), "{row:?}");
    }
}

/// An option of each type, as the probe made them.
fn option(kind: &'static str) -> Row {
    let values = vec!["RED", "DARK_BLUE"];
    Row { key: "k", since: 0, until: 9, kind, default: "", deprecated: false, names: Vec::new(), values }
}

#[test]
fn every_value_is_taken_or_refused_as_flink_does() {
    let fixtures =
        [("1.15.4", Syntax::Lines), ("1.20.5", Syntax::Lines), ("1.20.5", Syntax::Yaml), ("2.3.0", Syntax::Yaml)];
    let mut wrong = Vec::new();
    for (version, syntax) in fixtures {
        let name = format!("values-{version}-{}.tsv", syntax.name());
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/flink").join(&name);
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.lines().count() > 200);
        for line in text.lines() {
            let (asked, taken) = match line.split_once("\tok\t") {
                Some((asked, _)) => (asked, true),
                None => (line.strip_suffix("\trefused\t").unwrap(), false),
            };
            let (kind, given) = asked.split_once('\t').unwrap();
            let text = match syntax {
                Syntax::Lines => format!("k: {given}\n"),
                Syntax::Yaml => format!("k: '{}'\n", given.replace('\'', "''")),
            };
            let entries = file::read(Source { file: "c", text: &text }, syntax, &mut Findings::default());
            let option = option(kind.to_owned().leak());
            let version = version.parse().unwrap();
            let fits = entries.iter().all(|entry| value::fits(&option, &entry.value, syntax, version));
            if fits != taken {
                wrong.push(format!("{name} {line:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn sizes_and_times_come_to_what_flink_makes_of_them() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/flink/values-2.3.0-config.yaml.tsv");
    for line in std::fs::read_to_string(path).unwrap().lines().filter(|line| line.contains("\tok\t")) {
        let (given, answer) = line.split_once("\tok\t").unwrap();
        let (kind, given) = given.split_once('\t').unwrap();
        match kind {
            "Duration" => {
                let second = 1_000_000_000;
                let ours = value::nanoseconds(given, "2.3.0".parse().unwrap());
                let ours = ours.map(|number| format!("{}s {}ns", number / second, number % second));
                assert_eq!(ours.as_deref(), Some(answer), "{line}");
            }
            "MemorySize" => {
                assert_eq!(value::bytes(given).map(|number| format!("{number}b")).as_deref(), Some(answer), "{line}");
            }
            _ => {}
        }
    }
}

#[test]
fn a_key_that_no_flink_has_is_guessed() {
    lines(
        "1.20.5",
        "taskmanager.number-of-task-slots: 2\n",
        "c:1: warning: `taskmanager.number-of-task-slots` is no option of Flink\n    did you mean `taskmanager.numberOfTaskSlots`?\n",
    );
    lines(
        "1.20.5",
        "parallelism.defualt: 2\n",
        "c:1: warning: `parallelism.defualt` is no option of Flink\n    did you mean `parallelism.default`?\n",
    );
    lines(
        "2.3.0",
        "high-availability.quorum.zookeeper: a:1\n",
        "c:1: warning: `high-availability.quorum.zookeeper` is no option of Flink\n    did you mean `high-availability.zookeeper.quorum`?\n",
    );
    lines(
        "1.20.5",
        "foo.bar: 1\n",
        "c:1: warning: `foo.bar` is no option of Flink\n    Flink ignores it, unless a plug-in of yours reads it\n",
    );
}

#[test]
fn keys_that_users_choose_are_no_false_alarm() {
    let text = "metrics.reporters: a, b\n\
        metrics.reporter.a.factory.class: org.example.AFactory\n\
        metrics.reporter.a.anything.at.all: 1\n\
        metrics.reporter.b.factory.class: org.example.BFactory\n\
        metrics.reporter.b.scope.variables.excludes: x\n\
        env.java.opts.taskmanager: -Dx=y\n\
        env.java.home: /opt/java\n\
        containerized.master.env.JAVA_HOME: /opt/java\n\
        containerized.taskmanager.env.A_B: c\n\
        security.kerberos.login.contexts: Client\n\
        fs.s3a.endpoint: https://s3.example\n\
        s3.access-key: x\n\
        flink.hadoop.dfs.replication: 2\n\
        table.exec.hive.fallback-mapred-reader: true\n\
        table.exec.mini-batch.enabled: true\n\
        python.fn-execution.bundle.size: 100\n\
        pipeline.global-job-parameters: a:b\n\
        pipeline.global-job-parameters.c: d\n\
        external-resource.gpu.amount: 2\n\
        metrics.scope.tm: taskmanager.<host>\n\
        state.backend.rocksdb.memory.managed: true\n\
        kubernetes.jobmanager.annotations: a:b,c:d\n\
        sql-gateway.endpoint.rest.address: localhost\n";
    for version in ["1.16.3", "1.17.2", "1.18.1", "1.19.3", "1.20.5"] {
        lines(version, text, "");
    }
    yaml("2.3.0", text, "");
}

#[test]
fn names_that_changed_are_told_with_what_they_are_now() {
    lines(
        "1.20.5",
        "state.backend: rocksdb\n",
        "c:1: note: `state.backend` is an old name\n    write `state.backend.type`\n",
    );
    lines("1.15.4", "state.backend: rocksdb\n", "");
    lines(
        "1.15.4",
        "state.backend.type: rocksdb\n",
        "c:1: warning: Flink 1.15 does not know `state.backend.type`, which came with 1.17\n    write `state.backend`\n",
    );
    yaml(
        "2.3.0",
        "security.ssl.enabled: true\n",
        "c:1: warning: Flink 2.3 ignores `security.ssl.enabled`, which 1.20 was the last to know\n    \
         write `security.ssl.internal.enabled` and `security.ssl.rest.enabled`\n",
    );
    yaml(
        "1.20.5",
        "restart-strategy: none\nrestart-strategy.type: fixed-delay\n",
        "c:1: warning: `restart-strategy` is an old name of `restart-strategy.type`, which c:2 sets too: Flink takes that one\n    \
         remove the old one\n",
    );
}

#[test]
fn values_are_judged_by_the_type_of_their_option() {
    yaml(
        "1.20.5",
        "execution.checkpointing.timeout: 3 mins\ntaskmanager.numberOfTaskSlots: two\nexecution.checkpointing.mode: exactly-once\n",
        "c:1: error: `execution.checkpointing.timeout` cannot be `3 mins`\n    \
         write a whole number with ms, s, min, h or d, as in `10 s`; without a unit it is milliseconds\n\
         c:2: error: `taskmanager.numberOfTaskSlots` cannot be `two`\n    write a whole number from -2147483648 to 2147483647\n\
         c:3: error: `execution.checkpointing.mode` cannot be `exactly-once`\n    write one of EXACTLY_ONCE, AT_LEAST_ONCE\n",
    );
    lines(
        "1.20.5",
        "rest.port: \"8081\"\n",
        "c:1: error: `rest.port` cannot be \"8081\": the quotes are part of the value\n    \
         write a whole number from -2147483648 to 2147483647\n\
         c:1: warning: the quotes around the value of `rest.port` are part of it: this file is not YAML\n    leave the quotes out\n",
    );
    yaml("2.3.0", "execution.checkpointing.timeout: PT3M\n", "");
    yaml(
        "2.3.0",
        "slow-task-detector.execution-time.baseline-ratio: 0.750\nyarn.application.name: 1.20\nrest.address: 0x7f\n",
        "c:2: warning: YAML takes `1.20` as a number, and `yarn.application.name` becomes 1.2\n    \
         write '1.20' if it is meant as it stands\n\
         c:3: warning: YAML takes `0x7f` as a number, and `rest.address` becomes 127\n    \
         write '0x7f' if it is meant as it stands\n",
    );
}

#[test]
fn lines_are_read_as_flink_reads_them() {
    lines(
        "1.18.1",
        "a.b:1\nrest:\n  port: 8081\nweb.upload.dir: /tmp/a#b\n# rest.port: x\n",
        "c:1: warning: `a.b:1` is not `key: value`: Flink skips the line\n    write a blank behind the colon\n\
         c:2: warning: `rest:` is not `key: value`: Flink skips the line\n    \
         this file is not YAML: write each key whole, as in `a.b.c: value`, or leave the line out\n\
         c:3: warning: `port` is no option of Flink\n    Flink ignores it, unless a plug-in of yours reads it\n\
         c:4: warning: the value of `web.upload.dir` ends before the `#`: Flink takes the rest as a comment\n    \
         in this file a value cannot hold a `#`; write config.yaml if it must\n",
    );
    lines(
        "1.18.1",
        "rest.port: 0\nrest.port: 0\n",
        "c:2: warning: `rest.port` is set twice, first at c:1\n    Flink takes this one: remove the other\n",
    );
}

#[test]
fn yaml_that_flink_fails_over_is_told_with_its_line() {
    let fails = |text: &str, line: usize| {
        let found = found(text, Syntax::Yaml, "2.3.0");
        assert!(found.starts_with(&format!("c:{line}: error: ")), "{text:?}\n{found}");
    };
    fails("rest.port: 0\nrest.port: 0\n", 2);
    yaml(
        "2.3.0",
        "rest:\n  port: 0\nrest.port: 0\n",
        "c:3: warning: `rest.port` is set twice, first at c:2\n    which one Flink takes is not said: keep one\n",
    );
    fails("rest:\n  port:\n", 2);
    fails("rest.port: ~\n", 1);
    fails("1: x\n", 1);
    fails("web.upload.dir: a: b\n", 1);
    fails("web.upload.dir: *a\n", 1);
    fails("web.upload.dir: @a\n", 1);
    fails("web.upload.dir:\t/tmp\n", 1);
    fails("rest.port: 0\n---\nrest.port: 0\n", 2);
    fails("rest:\n\tport: 0\n", 2);
    fails("web.upload.dir: 'a'\t\n", 1);
    fails("rest.port: 0\n\t\n", 2);
    fails("web.upload.dir: !a b\n", 1);
    fails("\"a\n", 1);
    let (_, findings) = lint(Source { file: "c", text: "- a\n" }, Syntax::Yaml, target("2.3.0")).unwrap();
    assert_eq!(findings.len(), 1, "{findings:?}");
}

#[test]
fn yaml_values_become_the_text_that_flink_keeps() {
    // What real Flinks of 1.19 and 2.3 made of the same document.
    let text = "a: 0x10\nb: TRUE\nd: 1e3\ne: 0o7\nf: 007\nh: 1.50\ni: yes\nj: 10 s\nk: -0\nl: +5\nm: 1_000\n\
        n: 2024-01-01\np: 1.0\nq: \"1.50\"\nr: [x, y]\ns: {t: u}\nv: |\n  x\n  y\nw: &w 1\nx: *w\ny: !!str 5\nz: 1.0E10\n";
    let entries = file::read(Source { file: "c", text }, Syntax::Yaml, &mut Findings::default());
    let all: Vec<String> = entries.iter().map(|entry| format!("{}={}", entry.key, entry.value)).collect();
    let expected = "a=16 b=true d=1000.0 e=7 f=7 h=1.5 i=yes j=10 s k=0 l=5 m=1_000 n=2024-01-01 p=1.0 q=1.50 r=[x, y] \
        s.t=u v=x\ny\n w=1 x=1 y=5 z=1.0E10";
    assert_eq!(all.join(" "), expected);
}

#[test]
fn whole_files_come_to_what_flink_makes_of_them() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/flink");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let (documents, mut wrong) = (read("documents.txt"), Vec::new());
    let forms =
        [("1.15.4", Syntax::Lines), ("1.20.5", Syntax::Lines), ("1.20.5", Syntax::Yaml), ("2.3.0", Syntax::Yaml)];
    for (version, syntax) in forms {
        let answers = read(&format!("documents-{version}-{}.txt", syntax.name()));
        assert_eq!(documents.split("\n====\n").count(), answers.lines().count());
        for (document, theirs) in documents.split("\n====\n").zip(answers.lines()) {
            let (text, mut findings) = (format!("{document}\n"), Findings::default());
            let mut entries = file::read(Source { file: "c", text: &text }, syntax, &mut findings);
            entries.sort_by(|a, b| a.key.cmp(&b.key));
            let refused = findings.sorted().iter().any(|finding| finding.severity == Severity::Error);
            let ours: String = match refused {
                true => " refused".into(),
                false => entries.iter().map(|entry| format!(" | {} = {}", entry.key, entry.value)).collect(),
            };
            let ours = format!(": {ours}").replace('\\', "\\\\").replace('\n', "\\n").replace('\t', "\\t");
            // Which texts of a list get quotes is a matter of taste.
            let bare = |text: &str| text.replace('\'', "");
            if bare(&ours) != bare(theirs) {
                wrong.push(format!("{version} {} {document:?}\nours   {ours}\ntheirs {theirs}", syntax.name()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_document_that_grows_by_its_aliases_is_refused() {
    let mut text = "a: &a [x, x, x, x, x, x, x, x]\n".to_owned();
    for (from, to) in ('a'..'l').zip('b'..='l') {
        text.push_str(&format!(
            "{to}: &{to} [*{from}, *{from}, *{from}, *{from}, *{from}, *{from}, *{from}, *{from}]\n"
        ));
    }
    assert!(found(&text, Syntax::Yaml, "2.3.0").contains("has more than"));
    let deep = format!("{}x{}", "[".repeat(1000), "]".repeat(1000));
    assert!(found(&format!("a: {deep}\n"), Syntax::Yaml, "2.3.0").contains("error"));
}

#[test]
fn the_file_of_pnda_is_translated() {
    let text = "jobmanager.heap.mb: 1024\ntaskmanager.heap.mb: 2048\ntaskmanager.memory.preallocate: False\nweb.port: 8083\n\
        python.dc.tmp.dir: hdfs://nn/x\nmetrics.reporters: grph\n\
        metrics.reporter.grph.class: org.apache.flink.metrics.graphite.GraphiteReporter\nrecovery.mode: none\n\
        yarn.application-master.env.A: b\nfs.hdfs.hadoopconf: /etc/hadoop/conf\n";
    lines(
        "1.20.5",
        text,
        "c:1: note: `jobmanager.heap.mb` is of Flink 1.4 and means the whole process now: the heap comes to 448m\n    \
         write `jobmanager.memory.process.size: 1600m`: a heap of 1g and all that goes with it\n\
         c:2: note: `taskmanager.heap.mb` is of Flink 1.4 and means the whole process now: the heap comes to 665.6m\n    \
         write `taskmanager.memory.process.size: 5120m`: a heap of 2g and all that goes with it\n\
         c:3: warning: `taskmanager.memory.preallocate` is of Flink 1.4, and no Flink from 1.15 on reads it\n    \
         leave it out: managed memory is taken as it is needed\n\
         c:4: note: `web.port` is an old name\n    write `rest.bind-port`\n\
         c:5: warning: `python.dc.tmp.dir` is of Flink 1.4, and no Flink from 1.15 on reads it\n    \
         leave it out: the Python API that used it is gone\n\
         c:7: warning: Flink 1.20 builds no reporter from a class: `grph` reports nothing\n    \
         write `metrics.reporter.grph.factory.class: org.apache.flink.metrics.graphite.GraphiteReporterFactory`\n\
         c:8: note: `recovery.mode` is an old name\n    write `high-availability.type`\n\
         c:9: warning: `yarn.application-master.env.A` is of Flink 1.4, and no Flink from 1.15 on reads it\n    \
         write `containerized.master.env.A`\n\
         c:10: warning: `fs.hdfs.hadoopconf` is of Flink 1.4, and no Flink from 1.15 on reads it\n    \
         write `env.hadoop.conf.dir`\n",
    );
    let newest = found(text, Syntax::Yaml, "2.3.0");
    assert!(newest.contains("c:1: error: no job manager would start: neither its whole size is set"), "{newest}");
    assert!(newest.contains("c:1: warning: Flink 2.3 ignores `jobmanager.heap.mb`, which is of Flink 1.4"), "{newest}");
}

#[test]
fn a_file_that_the_version_does_not_read_is_told() {
    let whole = |file: &str, version: &str| {
        let syntax = super::syntax(file, version.parse().unwrap());
        let (_, findings) = lint(Source { file, text: "rest.port: 0\n" }, syntax, target(version)).unwrap();
        findings.iter().map(|finding| format!("{}: {}", finding.severity, finding.what)).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(whole("/etc/flink/config.yaml", "1.18.1"), "error: Flink 1.18.1 does not read config.yaml");
    assert_eq!(whole("flink-conf.yaml", "2.0.0"), "error: Flink 2.0.0 does not read flink-conf.yaml");
    assert!(whole("flink-conf.yaml", "1.20.5").starts_with("note: "));
    assert_eq!(whole("config.yaml", "1.20.5"), "");
    assert_eq!(
        whole("config.yaml", "2.9.1"),
        "note: Flink 2.9.1 is newer than this program: its options are taken to be those of 2.3"
    );
    assert!(lint(Source { file: "c", text: "" }, Syntax::Lines, target("1.14.6")).is_err());
}
