//! The log server's housekeeping as it is rendered, on a folder of the test's own: what goes when there is too much.
//! Rotating and the server itself are not there; both are on real nodes.
//! Not here: the disk that is nearly full; see `tests/nodes/logs.rs`.

use pnda::cluster::{self, Inputs};
use pnda::words::names::SafePath;
use pnda::words::problem::Source;
use pnda::words::tree::Entry;
use std::collections::BTreeSet;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

const CLUSTER: &str = "name = \"one\"\nstacks = [\"logs\"]\n[mirror]\nurl = \"http://127.0.0.1:1\"\n\
     [settings]\nlog.space = \"4m\"\nlog.files = 6\nlog.spare = \"1m\"\n\
     [[node]]\nname = \"one\"\naddress = \"127.0.0.1\"\nkinds = [\"logserver\", \"worker\"]\n";

fn script(root: &Path) -> Vec<u8> {
    let key = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
    let not_needed = |text: String| text.replace("placement = \"one manager\"", "placement = \"every manager\"");
    let roles = cluster::default_roles().into_iter().map(|(name, text)| (name, not_needed(text)));
    let source = Source { file: "one.toml", text: CLUSTER };
    let root = root.to_str().map(str::to_owned);
    let inputs = Inputs { root, roles: roles.collect(), ..Inputs::shipped(source, None, key) };
    let rendered = cluster::render(&inputs).unwrap_or_else(|problems| panic!("{problems}"));
    let path = SafePath::new("files/opt/pnda/bin/log-housekeeping").unwrap();
    match rendered.nodes.values().next().unwrap().get(&path) {
        Some(Entry::File { bytes, .. }) => bytes.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn who_takes_most_loses_the_oldest_and_names_without_end_go() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let logs = root.join("var/log/pnda");
    fs::create_dir_all(&logs).unwrap();
    fs::create_dir_all(root.join("bin")).unwrap();
    fs::write(root.join("housekeeping"), script(&root)).unwrap();
    for stub in ["logrotate", "systemctl"] {
        fs::write(root.join("bin").join(stub), "#!/bin/sh\n").unwrap();
        fs::set_permissions(root.join("bin").join(stub), Permissions::from_mode(0o755)).unwrap();
    }
    let write = |name: &str, kib: usize, hours: u64| {
        fs::write(logs.join(name), vec![b'x'; kib << 10]).unwrap();
        let time = SystemTime::now() - Duration::from_secs(hours * 3600);
        File::options().write(true).open(logs.join(name)).unwrap().set_modified(time).unwrap();
    };
    let names = || {
        let names = fs::read_dir(&logs).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect::<BTreeSet<String>>()
    };
    // Until so many files are left.
    let run = |left: usize| {
        let path = format!("{}:{}", root.join("bin").display(), std::env::var("PATH").unwrap());
        let mut command = Command::new("sh");
        command.arg(root.join("housekeeping")).env("PATH", path).stderr(File::create(root.join("told")).unwrap());
        let mut child = command.spawn().unwrap();
        let began = Instant::now();
        while names().len() > left && began.elapsed() < Duration::from_secs(60) {
            thread::sleep(Duration::from_millis(50));
        }
        thread::sleep(Duration::from_secs(1));
        child.kill().unwrap();
        child.wait().unwrap();
        (names(), fs::read_to_string(root.join("told")).unwrap())
    };
    // One application floods; the others keep what they have, however old.
    write("yarn-application_1_0001.log", 1400, 1);
    write("yarn-application_1_0001.log.1", 1400, 2);
    write("yarn-application_1_0001.log.2.gz", 1400, 3);
    write("yarn-application_1_0002.log", 800, 60);
    write("flink.log", 300, 600);
    let (left, told) = run(4);
    let kept =
        ["flink.log", "yarn-application_1_0001.log", "yarn-application_1_0001.log.1", "yarn-application_1_0002.log"];
    let kept: BTreeSet<String> = kept.map(str::to_owned).into();
    assert!(left == kept && told.contains("1 went, first yarn-application_1_0001.log.2.gz"), "{left:?} {told}");
    // By their age: an application's after three days, others' after thirty.
    write("yarn-application_1_0003.log", 1, 73);
    write("hadoop-hdfs.log.4.gz", 1, 721);
    assert_eq!(run(4).0, kept);
    // Of names that were made up only so many stay.
    (0..500).for_each(|number| write(&format!("yarn-application_9_{number}.log"), 1, 0));
    let (left, told) = run(6);
    assert!(left.len() == 6 && left.is_superset(&kept), "{left:?} {told}");
}
