//! Whether scripts of Python can run: Flink's part of it is on this node, and an interpreter is named. What the interpreter has
//! is on other nodes, which nobody here sees.
//! Not here: files and archives of the component (`package::python`).

use crate::package::python::EXECUTABLE;
use crate::submit::{Configuration, Job};
use words::application::Finding;
use words::flink::Version;

/// What stands against a job that is a script. `has_jar`: the release on this node brings Flink's part.
pub fn judge(job: &Job, version: Version, configuration: &Configuration, has_jar: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !job.is_python() {
        return findings;
    }
    if !has_jar {
        let what =
            format!("this cluster's Flink {version} has no PyFlink: opt/flink-python-{version}.jar is missing here");
        let remedy = "publish a distribution with it on the mirror, and `pnda-agent install` on this node";
        findings.push(Finding::refusal(job.of.to_string(), what, remedy));
    }
    if configuration.get(EXECUTABLE).is_none() {
        let what = format!(
            "nobody names an interpreter: the first `python` of each node runs it, and must have apache-flink {version}"
        );
        let remedy =
            "write -pyexec PATH or -pyarch ARCHIVE#env -pyexec env/bin/python, or set flink.python of the cluster";
        findings.push(Finding::warning(job.of.to_string(), what, remedy));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::submit::tests::sample;
    use words::application::Weight;

    fn told(name: &str, has_jar: bool, interpreter: Option<&str>) -> Vec<(Weight, String)> {
        let (cluster, flink, job) = sample(name);
        let mut set = crate::submit::configuration(&cluster, &flink, &job).unwrap();
        set.pairs.remove(EXECUTABLE);
        set.pairs.extend(interpreter.map(|path| (EXECUTABLE.to_owned(), path.to_owned())));
        judge(&job, flink.version, &set, has_jar).into_iter().map(|one| (one.weight, one.what)).collect()
    }

    #[test]
    fn a_script_is_refused_without_pyflink_and_warned_of_without_an_interpreter() {
        let [(Weight::Refusal, jar), (Weight::Warning, interpreter)] = &told("1.20.5.python", false, None)[..] else {
            panic!()
        };
        assert!(jar.contains("has no PyFlink: opt/flink-python-1.20.5.jar is missing"), "{jar}");
        assert!(interpreter.contains("must have apache-flink 1.20.5"), "{interpreter}");
        assert_eq!(told("1.20.5.python", true, Some("python3")), []);
        assert_eq!(told("1.20.5", false, None), [], "Java needs none of it");
    }
}
