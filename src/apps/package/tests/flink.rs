//! Components of type `flink`: properties, options of the 1.4 era in today's keys, and what is told instead of them.
//! The figures and defaults are those that PNDA's deployment manager has.
//! Not here: archives.

use super::*;
use crate::package::flink::{JobType, Program};
use crate::respawn::Respawn;
use crate::saving::{Saving, When};

const FILES: [&str; 6] = ["application.properties", "-x.jar", "a.jar", "words/util.py", "words/more.py", "job.py"];

fn parse(properties: &[(&str, &str)]) -> Result<(FlinkComponent, Vec<Problem>), Problems> {
    let properties = properties.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let files = FILES.iter().map(|name| (SafePath::new(*name).unwrap(), 1)).collect();
    FlinkComponent::parse("p-1.0.0/flink/c/properties.json", &properties, &files)
}

const PYTHON: (&str, &str) = ("main_py", "job.py");

fn with(name: &str, value: &str) -> Result<(FlinkComponent, Vec<Problem>), Problems> {
    parse(&[PYTHON, (name, value)])
}

fn mistake(properties: &[(&str, &str)]) -> String {
    parse(properties).unwrap_err().to_string()
}

fn texts(notes: &[Problem]) -> String {
    notes.iter().map(|note| format!("{note}\n")).collect()
}

/// The keys that options become, as `key=value`, and what is told.
fn options(text: &str) -> (Vec<String>, String) {
    let (component, notes) = with("flink_config_args", text).unwrap();
    let keys = component.configuration.iter().map(|(key, value)| format!("{key}={value}")).collect();
    (keys, texts(&notes))
}

fn refused(text: &str) -> String {
    with("flink_config_args", text).unwrap_err().to_string()
}

#[test]
fn a_component_of_pnda_s_example_is_understood() {
    let package = read(&named(WORDCOUNT), &*wordcount()).unwrap();
    let component = &package.components[0];
    let (flink, notes) =
        FlinkComponent::parse(&component.place(&package.name), &component.properties, &component.files).unwrap();
    let class = "example.WordCountStream".to_owned();
    assert_eq!(flink.program, Program::Jar { jar: SafePath::new("wordcount.jar").unwrap(), class });
    assert_eq!(flink.arguments, ["--port", "9100", "--windowtime", "5"]);
    let keys: Vec<(&str, &str)> =
        flink.configuration.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(keys, [("jobmanager.memory.process.size", "1024m"), ("taskmanager.memory.process.size", "1024m")]);
    assert_eq!(
        (flink.job_type, flink.policy.respawn, flink.policy.pause_ms, flink.policy.limit),
        (JobType::Streaming, Respawn::OnFailure, 2000, Some(10))
    );
    assert_eq!((flink.log_level.as_deref(), flink.version), (Some("INFO"), None));
    assert_eq!(notes.len(), 3, "{}", texts(&notes));
    assert_eq!(check(&package, &BTreeMap::new()).unwrap().len(), 3);
}

#[test]
fn a_python_component_has_a_script_and_files() {
    let (flink, _) = parse(&[("main_py", "./job.py"), ("py_files", "words/util.py, words/")]).unwrap();
    let path = |text: &str| SafePath::new(text).unwrap();
    assert_eq!(
        flink.program,
        Program::Python {
            script: path("job.py"),
            files: vec![path("words/util.py"), path("words")],
            archives: Vec::new(),
            has_jars: true
        }
    );
    assert!(
        mistake(&[PYTHON, ("py_files", "words/utl.py")])
            .contains("missing file words/utl.py, which py_files names\n    did you mean `words/util.py`?")
    );
}

#[test]
fn half_a_program_and_two_are_none() {
    assert!(mistake(&[]).contains("properties.json must contain \"main_jar or main_py\""));
    assert!(mistake(&[("main_jar", "a.jar")]).contains("there is a main_jar and no main_class"));
    assert!(mistake(&[("main_class", "a.B")]).contains("there is a main_class and no main_jar"));
    for both in [vec![("main_jar", "a.jar"), ("main_class", "a.B"), PYTHON], vec![("main_jar", "a.jar"), PYTHON]] {
        assert!(mistake(&both).contains("both what to run in Java and what to run in Python"));
    }
    // As upstream has it: what is empty is not there.
    assert!(parse(&[("main_jar", " "), ("main_class", ""), PYTHON]).is_ok());
}

#[test]
fn missing_files_are_told_all_at_once() {
    let properties = [("main_jar".to_owned(), "b.jar".to_owned()), ("main_class".to_owned(), "a.B".to_owned())].into();
    let said = FlinkComponent::parse("x", &properties, &BTreeMap::new()).unwrap_err().to_string();
    assert!(said.contains("missing file application.properties") && said.contains("missing file b.jar"), "{said}");
}

#[test]
fn a_program_is_a_plain_file_of_the_component() {
    for path in ["/etc/passwd", "../a.jar", "lib/../a.jar", "-x.jar", "lib", "a\nb"] {
        assert!(parse(&[("main_jar", path), ("main_class", "a.B")]).is_err(), "{path}");
    }
    assert!(mistake(&[("main_jar", "-x.jar"), ("main_class", "a.B")]).contains("main_jar begins with a dash"));
    for class in ["-a", "a b", "a;b", "a..B", ".B", "1a", "a.B,c", "a/B"] {
        assert!(mistake(&[("main_jar", "a.jar"), ("main_class", class)]).contains("no name of a class"), "{class}");
    }
    assert!(parse(&[("main_jar", "a.jar"), ("main_class", "com.example._Job$Inner1")]).is_ok());
}

#[test]
fn a_batch_job_is_not_started_again_unless_it_says_so() {
    let of = |properties: &[(&str, &str)]| {
        let (flink, _) = parse(&[&[PYTHON], properties].concat()).unwrap();
        (flink.job_type, flink.policy.respawn, flink.policy.pause_ms)
    };
    assert_eq!(of(&[]), (JobType::Streaming, Respawn::OnFailure, 2000));
    assert_eq!(of(&[("respawn_type", "always")]).1, Respawn::Always);
    assert_eq!(of(&[("flink_job_type", "batch")]), (JobType::Batch, Respawn::No, 0));
    let said = [("flink_job_type", "batch"), ("respawn_type", "on-failure"), ("respawn_timeout_sec", "1.5")];
    assert_eq!(of(&said), (JobType::Batch, Respawn::OnFailure, 1500));
    assert_eq!(of(&[("respawn_type", "on-abort")]).1, Respawn::OnFailure);
    for (name, value) in [
        ("flink_job_type", "stream"),
        ("respawn_type", "sometimes"),
        ("respawn_limit", "-1"),
        ("respawn_timeout_sec", "-1"),
        ("respawn_timeout_sec", "1e3"),
        ("respawn_timeout_sec", "86401"),
        ("respawn_timeout_sec", "."),
        ("flink_version", "latest"),
        ("flink_version", "1.20.5; id"),
    ] {
        let said = with(name, value).unwrap_err().to_string();
        assert!(said.contains(&format!("{name} is `{value}`")) && said.contains("write "), "{said}");
    }
    assert_eq!(with("flink_version", "1.20").unwrap().0.version.as_deref(), Some("1.20"));
    assert!(texts(&with("log_level", "LOUD").unwrap().1).contains("log_level is `LOUD` and is left out"));
}

#[test]
fn a_property_of_the_program_is_its_own_and_a_slip_is_told() {
    assert_eq!(with("input_topic", "x").unwrap().1, []);
    let notes = texts(&with("flink_config_arg", "-yn 1").unwrap().1);
    assert!(
        notes.contains("`flink_config_arg` has no meaning here") && notes.contains("did you mean `flink_config_args`?")
    );
}

#[test]
fn arguments_may_begin_with_a_dash_and_are_words_of_a_shell() {
    let (flink, notes) = with("application_args", "- hdfs://a:8020/in --word '#te st' -x=$HOME").unwrap();
    assert_eq!(flink.arguments, ["hdfs://a:8020/in", "--word", "#te st", "-x=$HOME"], "less the dash of Flink 1.4");
    let java = [("main_jar", "a.jar"), ("main_class", "a.B"), ("application_args", "- --word")];
    assert_eq!(parse(&java).unwrap().0.arguments, ["-", "--word"]);
    assert!(texts(&notes).contains("nothing is known by the name `HOME`"), "{}", texts(&notes));
    assert!(
        with("application_args", "a 'b")
            .unwrap_err()
            .to_string()
            .contains("application_args: a quote ' is opened and not closed")
    );
    assert!(with("application_args", "a\0").is_err());
}

#[test]
fn options_become_keys() {
    let (keys, told) = options(
        "-p 4 -ys 2 -ynl gpu -yat batch -s hdfs:///s/1 -n -yD a.b=c=d -Dx=y -D flag -yDq='a b' -yjm 2g -ytm 4096",
    );
    assert_eq!(
        keys,
        [
            "a.b=c=d",
            "execution.savepoint.ignore-unclaimed-state=true",
            "execution.savepoint.path=hdfs:///s/1",
            "flag=true",
            "jobmanager.memory.process.size=2g",
            "parallelism.default=4",
            "q=a b",
            "taskmanager.memory.process.size=4096m",
            "taskmanager.numberOfTaskSlots=2",
            "x=y",
            "yarn.application.node-label=gpu",
            "yarn.application.type=batch",
        ]
    );
    assert_eq!(told, "");
    let long = "--parallelism 4 --yarnslots=2 -parallelism=4 --fromSavepoint s --allowNonRestoredState --yarnjobManagerMemory 3g";
    assert_eq!(options(long).0.len(), 5);
}

#[test]
fn what_flink_no_longer_takes_is_dropped_and_told() {
    let (keys, told) = options("-yn 1 -yst -d -yd -q -yz ns -z ns -m yarn-cluster");
    assert_eq!(keys, Vec::<String>::new());
    for dropped in ["`-yn 1` is dropped", "`-yst` is dropped", "`-d`", "`-yd`", "`-q`", "`-yz`", "`-z`", "`-m`"] {
        assert!(told.contains(dropped), "{dropped}: {told}");
    }
}

#[test]
fn who_decides_queue_and_name_is_told() {
    let (keys, told) = options("-yqu prod -ynm 'my job'");
    assert_eq!(keys, Vec::<String>::new());
    assert!(told.contains("`-yqu` is dropped: the queue follows from the user and the site's queue map"), "{told}");
    assert!(told.contains("`-ynm` is dropped: an application is named APPLICATION-COMPONENT-job"), "{told}");
}

#[test]
fn the_parallelism_that_followed_from_containers_is_told() {
    assert!(options("-yn 3 -ys 4").1.contains("write `-p 12` for the parallelism"));
    assert!(!options("-yn 3 -ys 4 -p 2").1.contains("-p 12"));
    assert!(!options("-yn 1").1.contains("`-p 1`"));
}

#[test]
fn memory_has_units_and_little_of_it_is_told() {
    let of = |text: &str| options(&format!("-ytm {text}")).0[0].replace("taskmanager.memory.process.size=", "");
    for (text, wanted) in
        [("1024", "1024m"), ("2048m", "2048m"), ("'2 GB'", "2g"), ("4096MB", "4096m"), ("2000000k", "2000000k")]
    {
        assert_eq!(of(text), wanted);
    }
    assert!(options("-yjm 1024 -ytm 1024").1.contains("`-ytm` 1024 is little"));
    assert_eq!(options("-yjm 1600 -ytm 1728").1, "");
    for text in ["0", "-1", "1.5g", "x", "1x", "''", "99999999999999999999"] {
        assert!(refused(&format!("-yjm {text}")).contains("no size of memory"), "{text}");
    }
}

#[test]
fn an_option_that_is_not_known_is_named() {
    assert!(refused("-yn 1 --frobnicate").contains("flink_config_args: `--frobnicate` is no option that is known"));
    assert!(refused("--paralelism 2").contains("did you mean `-parallelism`?"));
    assert!(refused("a.jar").contains("`a.jar` belongs to no option"));
    assert!(refused("-").contains("`-` belongs to no option"));
    assert!(refused("-p").contains("`-p` is followed by nothing"));
    assert!(refused("-p two -ys 0").contains("`-p` is `two`"));
    assert!(refused("-p '1").contains("a quote ' is opened"));
    assert!(refused("-p 2 -yDparallelism.default=4").contains("`parallelism.default` is set to `2` and to `4`"));
    assert_eq!(refused("-p x -ys y -foo").lines().count(), 6, "all at once");
}

#[test]
fn what_is_shipped_and_where_is_not_the_package_s() {
    for option in ["-yt lib", "-yj flink.jar", "-yid application_1_1", "-C file:///x", "-c a.B", "-py x", "-yq"] {
        let said = refused(option);
        assert!(said.contains("is not possible here\n    "), "{said}");
    }
}

#[test]
fn reserved_keys_are_refused_by_name() {
    for pair in [
        "yarn.tags=x",
        "high-availability.cluster-id=x",
        "'$internal.pipeline.job-id=0'",
        "yarn.ship-files=/etc",
        "' yarn.tags=x'",
        "security.kerberos.login.keytab=/x",
    ] {
        for option in [format!("-yD {pair}"), format!("-D{pair}")] {
            let said = refused(&option);
            assert!(said.contains("cannot be set by a package: ") && said.contains("leave it out"), "{said}");
        }
    }
    assert_eq!(options("-yD env.java.opts.all='-Da=b -Dc=d'").0, ["env.java.opts.all=-Da=b -Dc=d"]);
}

#[test]
fn no_key_and_no_value_begins_another_line_of_a_configuration() {
    assert!(refused("-yD 'a=b\nyarn.tags: x'").contains("the value of `a` has a line end"));
    assert!(refused("-s 'x\nyarn.tags: x'").contains("has a line end"));
    for key in ["'a\nyarn.tags'", "'a: b'", "'a#'", "''", "'{a}'", "'a b'"] {
        assert!(refused(&format!("-D {key}=1")).contains("cannot be a key"), "{key}");
    }
}

#[test]
fn savepoints_in_time_are_read_and_their_mistakes_told_at_once() {
    let of = |more: &[(&str, &str)]| parse(&[&[PYTHON], more].concat());
    let every = |seconds: u64| When::Every { interval_ms: seconds * 1000 };
    let (flink, notes) = of(&[]).unwrap();
    assert_eq!((flink.saving, notes.len()), (None, 0));
    let (flink, notes) = of(&[("savepoint_interval_sec", "86400")]).unwrap();
    assert_eq!(flink.saving, Some(Saving { when: every(86_400), keep: 10, keep_ms: None }));
    assert_eq!(notes.len(), 0);
    let all = [("savepoint_interval_sec", "10"), ("savepoint_keep", "3"), ("savepoint_keep_days", "2")];
    let (flink, notes) = of(&all).unwrap();
    assert_eq!(flink.saving, Some(Saving { when: every(10), keep: 3, keep_ms: Some(2 * 86_400_000) }));
    assert!(notes[0].to_string().contains("a whole copy of the state"), "{notes:?}");
    let (flink, notes) = of(&[("savepoint_keep", "3")]).unwrap();
    assert!(flink.saving.is_none() && notes[0].to_string().contains("are taken by themselves"), "{notes:?}");
    let nightly = [("savepoint_schedule", "0 3 * * *"), ("savepoint_schedule_zone", "Europe/Berlin")];
    let (flink, notes) = of(&nightly).unwrap();
    let Some(Saving { when: When::At { schedule }, keep: 10, keep_ms: None }) = flink.saving else {
        panic!("{flink:?}")
    };
    assert_eq!((schedule.to_string(), notes.len()), ("0 3 * * * (Europe/Berlin)".to_owned(), 0));
    for (more, said) in [
        (("savepoint_interval_sec", "60"), "savepoint_interval_sec and a savepoint_schedule"),
        (("savepoint_schedule", "3 o'clock"), "savepoint_schedule: `3 o'clock` is no expression of cron"),
    ] {
        let told = of(&[&nightly[..], &[more]].concat()).unwrap_err().to_string();
        assert!(told.contains(said), "{said}: {told}");
    }
    let (flink, notes) = of(&nightly[1..]).unwrap();
    assert!(flink.saving.is_none() && notes[0].to_string().contains("which is not there"), "{notes:?}");
    let wrong = [("savepoint_interval_sec", "9"), ("savepoint_keep", "0"), ("savepoint_keep_days", "1.5")];
    let said = of(&wrong).unwrap_err().to_string();
    for line in ["savepoint_interval_sec is `9`", "from 10 to", "savepoint_keep is `0`", "savepoint_keep_days is `1.5`"]
    {
        assert!(said.contains(line), "{line}: {said}");
    }
    assert!(of(&[("savepoint_interval_sec", "1e3")]).is_err() && of(&[("savepoint_interval_sec", "-60")]).is_err());
}
