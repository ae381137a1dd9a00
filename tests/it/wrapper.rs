//! The wrapper of Flink's commands as users run it: where each user's log goes.
//! Flink's script is one of the test's own, which tells what it was given.
//! Not here: Flink.

use pnda::cluster::{self, Inputs};
use pnda::words::names::SafePath;
use pnda::words::problem::Source;
use pnda::words::tree::Entry;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// The group that reads clients' logs here.
const READERS: u32 = 4300;

fn wrapper(root: &Path) {
    let text = &cluster::example_clusters()["pico.toml"];
    let key = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
    let source = Source { file: "pico.toml", text };
    let rendered =
        cluster::render(&Inputs { root: root.to_str().map(str::to_owned), ..Inputs::shipped(source, None, key) })
            .unwrap();
    let path = SafePath::new("files/opt/pnda/bin/flink").unwrap();
    let bytes = rendered.nodes.values().find_map(|tree| match tree.get(&path) {
        Some(Entry::File { bytes, .. }) => Some(bytes.clone()),
        _ => None,
    });
    let bin = root.join("opt/pnda/flink-1.20.5/bin");
    fs::create_dir_all(&bin).unwrap();
    symlink(root.join("opt/pnda/flink-1.20.5"), root.join("opt/pnda/flink")).unwrap();
    for (path, text) in
        [(root.join("flink"), bytes.unwrap()), (bin.join("flink"), b"#!/bin/sh\necho $FLINK_LOG_DIR\n".into())]
    {
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    }
}

/// What the wrapper says to a user: where the log goes, and complaints.
fn run(root: &Path, user: u32) -> (String, String) {
    // Of the users that a small system has, two.
    let output = Command::new(root.join("flink")).uid(user).gid(user).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn each_user_logs_into_a_folder_of_his_own_that_nobody_can_take() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    fs::set_permissions(&root, Permissions::from_mode(0o755)).unwrap();
    wrapper(&root);
    let clients = root.join("var/log/pnda/flink-clients");
    fs::create_dir_all(&clients).unwrap();
    chown(&clients, Some(0), Some(READERS)).unwrap();
    fs::set_permissions(&clients, Permissions::from_mode(0o3753)).unwrap();
    let nobody = fs::read_to_string("/etc/passwd").unwrap();
    let id = |name: &str| {
        let line = nobody.lines().find(|line| line.starts_with(&format!("{name}:"))).expect("every system has it");
        line.split(':').nth(2).unwrap().parse::<u32>().unwrap()
    };

    let (at, told) = run(&root, id("daemon"));
    assert_eq!((at.as_str(), told.as_str()), (clients.join("daemon").to_str().unwrap(), ""));
    let made = fs::metadata(clients.join("daemon")).unwrap();
    assert_eq!((made.uid(), made.gid(), made.mode() & 0o7777), (id("daemon"), READERS, 0o2750));
    assert_eq!(run(&root, id("daemon")).0, at, "the next one is the same");

    for taken in ["folder", "link to a folder of the user's", "link to nowhere"] {
        let name = clients.join("bin");
        drop(fs::remove_dir_all(&name));
        drop(fs::remove_file(&name));
        match taken {
            "folder" => fs::create_dir(&name).unwrap(),
            "link to nowhere" => symlink("/nowhere", &name).unwrap(),
            _ => {
                let own = root.join("own");
                fs::create_dir(&own).unwrap();
                chown(&own, Some(id("bin")), None).unwrap();
                symlink(&own, &name).unwrap();
            }
        }
        let (at, told) = run(&root, id("bin"));
        let made = fs::metadata(&at).unwrap();
        assert!(
            !at.starts_with(clients.to_str().unwrap()) && told.contains("is not a folder of bin"),
            "{taken}: {at} {told}"
        );
        assert_eq!((made.uid(), made.mode() & 0o777), (id("bin"), 0o700), "{taken}");
        fs::remove_dir(at).unwrap();
    }
}
