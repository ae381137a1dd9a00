//! The queue wrapper as an edge node gets it, run by the machine's `sh`: who asks for what, and what is run.
//! The commands behind the wrapper are scripts of the test's own. The callers are users whom only their own namespace knows:
//! there, another file lies over the machine's list of users.
//! Not here: YARN's own opinion; a cluster of real nodes asks for that.

use pnda::agent::applications::config;
use pnda::apps::site::Site;
use pnda::cluster::{self, Inputs};
use pnda::words::chain::chain;
use pnda::words::digest::Sha256;
use pnda::words::generation::{Generation, Listed};
use pnda::words::names::{SafePath, Word};
use pnda::words::problem::Source;
use pnda::words::tree::Entry;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
const BIN: &str = "opt/pnda/rm-wrapper/bin";
const REAL: [&str; 6] =
    ["flink", "flink-1.20.5", "yarn-session.sh", "sql-client.sh", "pyflink-shell.sh", "spark-submit"];
/// The number of every caller.
const CALLER: &str = "4242";
/// Becomes a caller of the lists of users and groups that lie in a folder, and nobody else's: no right of the test's is used.
const BECOME: &str = r#"mount --bind "$1/passwd" /etc/passwd && mount --bind "$1/group" /etc/group && shift &&
    exec unshare --user --map-user="$1" --map-group="$1" sh -c "$2""#;

/// An edge's wrapper in a folder, real commands behind it, and the users that the test says.
struct Edge {
    folder: TempDir,
}

impl Edge {
    fn new() -> Edge {
        let edge = Edge { folder: tempfile::tempdir().unwrap() };
        let root = edge.folder.path();
        let held = ["flink-1.20.5.tar.gz", "hadoop-3.4.2.tar.gz", "mirror_misc/jre-17.0.9.2.tar.gz", "pnda-agent"];
        let listed = Listed { size: 1, sha256: Sha256::of(b"1") };
        let files = held.map(|name| (SafePath::new(name).unwrap(), listed)).into();
        let generation = Generation { number: 1, lock: Sha256::of(b""), files };
        let rendered = cluster::render(&Inputs {
            root: Some(root.display().to_string()),
            ..Inputs::shipped(
                Source { file: "pico.toml", text: &cluster::example_clusters()["pico.toml"] },
                Some(&generation),
                KEY,
            )
        });
        let rendered = rendered.unwrap_or_else(|problems| panic!("{problems}"));
        for (path, entry) in rendered.nodes.values().next().unwrap().iter() {
            let Some(place) = path.as_str().strip_prefix("files/") else { continue };
            let Entry::File { bytes, .. } = entry else { continue };
            script(&root.join(place), &String::from_utf8_lossy(&bytes));
        }
        for name in REAL {
            symlink("yarn-common-wrapper.sh", root.join(BIN).join(name)).unwrap();
            script(&root.join("real").join(name), &format!("#!/bin/sh\nprintf '{name}'\nprintf ' %s' \"$@\"\n"));
        }
        script(&root.join("real/logger"), "#!/bin/sh\n");
        fs::create_dir_all(root.join("opt/pnda/agent")).unwrap();
        symlink(env!("CARGO_BIN_EXE_pnda-agent"), root.join("opt/pnda/agent/pnda-agent")).unwrap();
        symlink("policies/yarn-user-group-policy.sh", root.join("opt/pnda/rm-wrapper/yarn-policy.sh")).unwrap();
        edge
    }

    /// What a line of a member of these groups runs; or the exit code and what was said.
    fn run(&self, who: &str, groups: &str, line: &str) -> Result<String, (i32, String)> {
        let root = self.folder.path();
        let path = format!("{}:{}:/usr/bin:/bin", root.join(BIN).display(), root.join("real").display());
        let users = format!("root:x:0:0::/:/bin/sh\n{who}:x:{CALLER}:{CALLER}::/:/bin/sh\n");
        let group = |(at, name): (usize, &str)| match at {
            0 => format!("{name}:x:{CALLER}:\n"),
            at => format!("{name}:x:{}:{who}\n", 5000 + at),
        };
        fs::write(root.join("passwd"), users).unwrap();
        fs::write(root.join("group"), groups.split(' ').enumerate().map(group).collect::<String>()).unwrap();
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount", "sh", "-c", BECOME, "become"]).arg(root).args([CALLER, line]);
        command.env_clear().env("PATH", path);
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        match output.status.code() {
            Some(0) => Ok(text(output.stdout)),
            code => Err((code.unwrap(), text(output.stderr))),
        }
    }
}

fn script(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_submission_runs_in_a_queue_that_its_user_may_use() {
    let edge = Edge::new();
    let queue = "-Dyarn.application.queue=";
    for (who, groups, line, runs) in [
        (
            "pnda",
            "pnda",
            "flink run-application a.jar --x y",
            format!("flink run-application {queue}default a.jar --x y"),
        ),
        ("dev1", "pnda dev", "flink run -c Main a.jar", format!("flink run {queue}dev -c Main a.jar")),
        ("dev1", "dev", "flink-1.20.5 run a.jar", format!("flink-1.20.5 run {queue}dev a.jar")),
        ("prod1", "prod", "flink run -yqu dev a.jar", format!("flink run {queue}dev a.jar")),
        ("prod1", "prod", "flink run --yarnqueue=prod a.jar", format!("flink run {queue}prod a.jar")),
        ("prod1", "prod", &format!("flink run {queue}dev a.jar"), format!("flink run {queue}dev a.jar")),
        (
            "prod1",
            "prod",
            "flink run -D yarn.application.queue=dev -D a=b a.jar",
            format!("flink run {queue}dev -D a=b a.jar"),
        ),
        // Whoever still names YARN the old way gets the old option.
        ("dev1", "dev", "flink run -m yarn-cluster a.jar", "flink run -yqu dev -m yarn-cluster a.jar".into()),
        // What is the program's is left to it, and a jar that is no program too.
        ("dev1", "dev", "flink run a.jar --queue mine -qu z", format!("flink run {queue}dev a.jar --queue mine -qu z")),
        ("dev1", "dev", "flink run -C x.jar -yqu dev a.jar", format!("flink run {queue}dev -C x.jar a.jar")),
        ("dev1", "dev", "flink run -py job.py --queue q", format!("flink run {queue}dev -py job.py --queue q")),
        // Commands that submit nothing are nobody's concern.
        ("joe", "joe", "flink list", "flink list".into()),
        ("joe", "joe", "flink", "flink ".into()),
        ("dev1", "dev", "yarn-session.sh -qu dev -d", format!("yarn-session.sh {queue}dev -d")),
        ("dev1", "dev", "spark-submit --class A a.jar", "spark-submit --queue=dev --class A a.jar".into()),
        ("dev1", "dev", "pyflink-shell.sh yarn -nm x", "pyflink-shell.sh yarn -qu dev -nm x".into()),
        ("prod1", "prod", "pyflink-shell.sh yarn -qu dev", "pyflink-shell.sh yarn -qu dev".into()),
        ("joe", "joe", "pyflink-shell.sh local", "pyflink-shell.sh local".into()),
        ("dev1", "dev", "sql-client.sh -f a.sql", format!("sql-client.sh {queue}dev -f a.sql")),
        ("dev1", "dev", "sql-client.sh embedded -j a.jar", format!("sql-client.sh embedded {queue}dev -j a.jar")),
        ("prod1", "prod", &format!("sql-client.sh -D {}dev", &queue[2..]), format!("sql-client.sh {queue}dev")),
        ("dev1", "dev", "sql-client.sh gateway -e a:1", "sql-client.sh gateway -e a:1".into()),
        ("dev1", "dev", "FLINK_VERSION=1.17.2 sql-client.sh -f a", "sql-client.sh -f a".into()),
        // It may never submit anything, so whoever has no queue is not kept from it.
        ("joe", "joe", "sql-client.sh -f a.sql", "sql-client.sh -f a.sql".into()),
    ] {
        assert_eq!(edge.run(who, groups, line), Ok(runs), "{who} {line}");
    }
}

#[test]
fn a_submission_that_no_queue_takes_runs_nothing() {
    let edge = Edge::new();
    for (who, groups, line, code, said) in [
        ("dev1", "dev", "flink run -yqu prod a.jar", 3, "dev1 may use dev, and not prod"),
        ("joe", "users", "flink run a.jar", 2, "No matching rule for joe"),
        ("joe", "dev-ops", "flink run a.jar", 2, "No matching rule for joe"),
        ("dev1", "dev", "flink run -yqu", 2, "-yqu names no queue"),
        ("joe", "users", "pyflink-shell.sh yarn", 2, "No matching rule for joe"),
        ("dev1", "dev", "sql-client.sh -Dyarn.application.queue=prod", 3, "dev1 may use dev, and not prod"),
        ("joe", "users", "sql-client.sh -Dyarn.application.queue=prod", 3, "joe may use none, and not prod"),
    ] {
        let refused = edge.run(who, groups, line).unwrap_err();
        assert!(refused.0 == code && refused.1.contains(said), "{who} {line}: {refused:?}");
    }
    fs::remove_file(edge.folder.path().join("opt/pnda/rm-wrapper/policies/map.txt")).unwrap();
    let refused = edge.run("dev1", "dev", "flink run a.jar").unwrap_err();
    assert!(refused.0 == 1 && refused.1.contains("map.txt file missing"), "{refused:?}");
}

/// PNDA's script by its two names, and the agent's own command, say the same.
#[test]
fn the_policy_answers_as_pnda_s_script_did() {
    let edge = Edge::new();
    let root = edge.folder.path().display().to_string();
    let map = format!("{root}/opt/pnda/rm-wrapper/policies/map.txt");
    let program = format!("{root}/opt/pnda/agent/pnda-agent queue --map {map}");
    let policies = format!("{root}/opt/pnda/rm-wrapper/policies/yarn-user-group-policy.sh");
    let callers = [policies, format!("{root}/opt/pnda/rm-wrapper/yarn-policy.sh"), format!("{program} --requested")];
    let none = "Error: No matching rule for joe\n";
    for (who, groups, asked, said) in [
        ("prod1", "prod", "''", Ok("prod\n")),
        ("prod1", "prod", "dev", Ok("dev\n")),
        ("dev1", "users dev", "dev", Ok("dev\n")),
        ("joe", "users", "''", Err((2, none))),
        ("joe", "dev-ops", "''", Err((2, none))),
        ("prod1", "prod dev", "x", Err((3, "Error: No matching queue: prod1 may use prod dev dev, and not x\n"))),
        ("joe", "users", "x", Err((3, "Error: No matching queue: joe may use none, and not x\n"))),
        // What is asked for is a queue, whatever it looks like.
        ("dev1", "dev", "--help", Err((3, "Error: No matching queue: dev1 may use dev, and not --help\n"))),
        ("dev1", "dev", "-x", Err((3, "Error: No matching queue: dev1 may use dev, and not -x\n"))),
        ("dev1", "dev", "'*'", Err((3, "Error: No matching queue: dev1 may use dev, and not *\n"))),
        ("dev1", "dev", "\"$(printf '\\033[31m')\"", Err((3, "may use dev, and not \\u{1b}[31m\n"))),
        ("dev1", "dev", "\"$(printf '\\377')\"", Err((3, "may use dev, and not \u{fffd}\n"))),
    ] {
        for caller in &callers {
            let line = format!("{caller} {asked}");
            match (edge.run(who, groups, &line), said) {
                (Ok(found), Ok(said)) => assert_eq!(found, said, "{who} {line}"),
                (Err((code, told)), Err((expected, said))) => {
                    assert!(code == expected && told.ends_with(said), "{who} {line}: {code} {told:?}");
                }
                (found, said) => panic!("{who} {line}: {found:?}, not {said:?}"),
            }
        }
    }
    let other = edge.run("dev1", "dev", &format!("{program} --user root")).unwrap_err();
    assert!(other.0 == 1 && other.1.contains("only root may ask"), "{other:?}");
    let told = edge.run("dev1", "dev", &format!("echo dev >>{map}; {program} 2>&1")).unwrap();
    assert!(
        told.ends_with("a user nor a group\n    write `* QUEUE`, `USER: QUEUE` or `:GROUP QUEUE`\ndev\n"),
        "{told}"
    );
    let last = fs::read_to_string(&map).unwrap().lines().count();
    assert!(told.contains(&format!("map.txt:{last}: `dev` is neither")), "{told}");
    fs::remove_file(&map).unwrap();
    let gone = Err((1, format!("{map} file missing\n")));
    assert!(callers.iter().all(|caller| edge.run("dev1", "dev", &format!("{caller} dev")) == gone));
}

#[test]
fn root_may_ask_for_somebody_else() {
    let folder = tempfile::tempdir().unwrap();
    let map = folder.path().join("map.txt");
    fs::write(&map, "daemon: theirs\n* all\n").unwrap();
    let say = |user: &str| {
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", env!("CARGO_BIN_EXE_pnda-agent"), "queue", "--user", user, "--map"]).arg(&map);
        let output = command.output().unwrap();
        (output.status.code().unwrap(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
    };
    assert_eq!(say("daemon"), (0, "theirs\n".to_owned()));
    assert_eq!(say("bin"), (0, "all\n".to_owned()));
    assert_eq!(say("no\nbody"), (1, "pnda-agent: there is no user `no\\nbody` on this node\n".to_owned()));
}

/// The manager of applications reads the map of its node's wrapper, and decides by it for an application's owner.
#[test]
fn applications_go_where_their_owners_commands_go() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let text = &cluster::example_clusters()["hadoop.toml"];
    let shipped = Inputs::shipped(Source { file: "hadoop.toml", text }, None, KEY);
    let rendered = cluster::render(&Inputs { root: Some(root.display().to_string()), ..shipped });
    let rendered = rendered.unwrap_or_else(|problems| panic!("{problems}"));
    let path = SafePath::new("files/etc/pnda/applications.toml").unwrap();
    let told = rendered.nodes.values().find_map(|tree| match tree.get(&path) {
        Some(Entry::File { bytes, .. }) => Some(String::from_utf8(bytes.to_vec()).unwrap()),
        _ => None,
    });
    let site = config::parse(Source { file: "applications.toml", text: &told.unwrap() }).unwrap().site;
    let map = root.join("opt/pnda/rm-wrapper/policies/map.txt");
    assert_eq!(site.queue_map.as_ref(), Some(&map));
    let owner = Word::new("daemon").unwrap();
    let why = |owner: &str| chain(&site.queue(&Word::new(owner).unwrap()).unwrap_err());
    assert!(why("daemon").ends_with("map.txt file missing"), "{}", why("daemon"));
    script(&map, ":daemon theirs\n");
    assert_eq!(site.queue(&owner).unwrap().unwrap().as_str(), "theirs");
    let told = why("bin");
    assert!(told.contains("must have a queue for the applications of bin, as in `bin: default`"), "{told}");
    assert!(told.ends_with("Error: No matching rule for bin"), "{told}");
    assert!(why("nobody-at-all").ends_with("there is no user `nobody-at-all` on this node"));
    let unasked = Site { queue_map: None, ..site };
    assert_eq!(unasked.queue(&owner).unwrap(), None, "YARN decides");
}
