//! Whole installs into temporary roots, from mirrors in folders that are signed here.
//! Each test is one thing that an operator, a crash or an attacker does.
//! Not here: real systemd; its place is taken by a scripted `systemctl`.

use super::*;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;
use tempfile::TempDir;
use words::digest::Sha256;
use words::event::silent;
use words::generation::Generation;
use words::generation::{LIST, Listed, SIGNATURE};
use words::names::{SafePath, Word};
use words::report::{Effect, Kind};

mod doors;
mod kept;
mod secrets;
pub(super) mod site;
mod starts;
mod strangers;

use site::{Site, archive, chain, hidden_names, left_out, listing};

#[test]
fn a_node_becomes_what_its_document_says() {
    let site = Site::new();
    let report = site.install().unwrap();
    assert!(!report.is_empty());
    assert_eq!(site.text("/opt/pnda/flink/bin/flink"), "one");
    assert_eq!(fs::read_link(site.at("/opt/pnda/flink")).unwrap(), site.at("/opt/pnda/flink-1"));
    assert_eq!(site.text("/etc/pnda/agent.toml"), "port = 1\n");
    let mode = |path: &str| fs::metadata(site.at(path)).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode("/etc/pnda/agent.toml"), mode("/opt/pnda/agent/pnda-agent")), (0o640, 0o755));
    assert_eq!((mode("/var/log/pnda"), mode("/opt/pnda"), mode("/opt/pnda/flink-1")), (0o750, 0o755, 0o755));
    assert_eq!(mode("/var/lib/pnda/install/state.toml"), 0o600);
    assert_eq!(hidden_names(&site.root()), Vec::<String>::new());
    let home: Vec<_> =
        fs::read_dir(site.at("/var/lib/pnda/install")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(home.len(), 3, "the state, what archives hold, and what was installed: {home:?}");
}

#[test]
fn a_second_run_changes_nothing_at_all() {
    let site = Site::new();
    site.install().unwrap();
    let before = listing(&site.root());
    assert!(site.again().unwrap().is_empty());
    assert_eq!(listing(&site.root()), before);
    assert!(look(&site.request(), &silent).unwrap().is_empty());
}

#[test]
fn a_dry_run_writes_nothing_and_says_what_an_install_does() {
    let site = Site::new();
    site.publish();
    let planned = look(&site.request(), &silent).unwrap();
    assert_eq!(fs::read_dir(site.root()).unwrap().count(), 0);
    fs::remove_dir(site.root()).unwrap();
    let without_root = look(&site.request(), &silent).unwrap();
    assert!(!site.root().exists());
    assert_eq!(planned, without_root);
    let what = |report: &Report| report.steps.iter().map(|line| line.what.clone()).collect::<Vec<_>>();
    let done = site.again().unwrap();
    let made_on_the_way = ["/var", "/var/lib"].map(str::to_owned);
    let planned: Vec<String> = what(&planned).into_iter().filter(|path| !made_on_the_way.contains(path)).collect();
    assert_eq!(what(&done), planned);
}

#[test]
fn a_flipped_byte_in_an_archive_is_refused() {
    let site = Site::new();
    site.publish();
    let path = site.folder.path().join("mirror/flink-1.tar.gz");
    let mut bytes = fs::read(&path).unwrap();
    bytes[20] ^= 1;
    fs::write(&path, bytes).unwrap();
    let text = site.refused();
    assert!(text.contains("other content") && text.contains("flink-1.tar.gz"), "{text}");
    assert_eq!(fs::read_dir(site.root()).unwrap().count(), 0);
}

#[test]
fn a_longer_or_shorter_archive_is_refused() {
    let site = Site::new();
    site.publish();
    let path = site.folder.path().join("mirror/flink-1.tar.gz");
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, [&bytes[..], b"x"].concat()).unwrap();
    assert!(site.refused().contains("longer"));
    fs::write(&path, &bytes[1..]).unwrap();
    assert!(site.refused().contains("must have"));
}

#[test]
fn a_flipped_byte_in_the_list_is_refused() {
    let site = Site::new();
    site.publish();
    let path = site.folder.path().join("mirror").join(LIST);
    let list = fs::read_to_string(&path).unwrap().replace("number = 7", "number = 8");
    fs::write(&path, list).unwrap();
    assert!(site.refused().contains("not signed by the expected key"));
}

#[test]
fn a_flipped_byte_in_a_rendered_file_is_refused() {
    let site = Site::new();
    site.publish();
    fs::write(site.folder.path().join("node/files/etc/pnda/agent.toml"), "port = 2\n").unwrap();
    assert!(site.refused().contains("files/etc/pnda/agent.toml: its sha256 is"));
}

#[test]
fn a_mirror_signed_by_another_key_is_refused() {
    let mut site = Site::new();
    site.publish();
    site.pair = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
    let mirror = site.folder.path().join("mirror");
    let list = fs::read(mirror.join(LIST)).unwrap();
    fs::write(mirror.join(SIGNATURE), site.sign(&list)).unwrap();
    fs::write(mirror.join("mirror.pub"), site.pair.pk.to_base64()).unwrap();
    assert!(site.refused().contains("cannot be trusted"));
}

#[test]
fn a_mirror_that_holds_something_else_is_refused_by_name() {
    let mut site = Site::new();
    site.publish();
    let document = fs::read_to_string(site.folder.path().join("node/node.toml")).unwrap();
    site.mirrored.insert("flink-1.tar.gz", archive("flink-1", "other"));
    site.publish();
    fs::write(site.folder.path().join("node/node.toml"), document).unwrap();
    let text = site.refused();
    assert!(text.contains("flink-1.tar.gz: the node wants") && text.contains("generation 7 holds"), "{text}");
}

#[test]
fn an_older_mirror_is_refused_unless_it_is_wanted() {
    let mut site = Site::new();
    site.install().unwrap();
    (site.number, site.config) = (6, "port = 2\n");
    site.publish();
    assert!(site.refused().contains("--allow-older"));
    assert!(look(&site.request(), &silent).unwrap_err().is_mismatch());
    let request = Request { older: Older::Allow, ..site.request() };
    install(&request, &silent).unwrap();
    assert_eq!(site.text("/etc/pnda/agent.toml"), "port = 2\n");
}

#[test]
fn a_new_release_replaces_the_link_and_keeps_the_one_before() {
    let mut site = Site::new();
    site.install().unwrap();
    site.flink = "flink-2";
    site.install().unwrap();
    assert_eq!(site.text("/opt/pnda/flink/bin/flink"), "two");
    assert_eq!(site.text("/opt/pnda/flink-1/bin/flink"), "one");
    site.flink = "flink-3";
    let report = site.install().unwrap();
    assert!(report.steps.iter().any(|line| line.what == "/opt/pnda/flink-1" && line.change.starts_with("removed")));
    assert!(!site.at("/opt/pnda/flink-1").exists() && site.at("/opt/pnda/flink-2").exists());
    assert!(site.again().unwrap().is_empty());
}

#[test]
fn going_back_needs_no_archive_again() {
    let mut site = Site::new();
    site.install().unwrap();
    site.flink = "flink-2";
    site.install().unwrap();
    site.flink = "flink-1";
    site.publish();
    fs::remove_file(site.folder.path().join("mirror/flink-1.tar.gz")).unwrap();
    site.again().unwrap();
    assert_eq!(site.text("/opt/pnda/flink/bin/flink"), "one");
    assert!(site.again().unwrap().is_empty());
}

#[test]
fn what_somebody_changed_by_hand_is_kept() {
    let mut site = Site::new();
    site.install().unwrap();
    fs::write(site.at("/etc/pnda/agent.toml"), "port = 9\n").unwrap();
    fs::write(site.at("/opt/pnda/flink-1/bin/extra"), "by hand").unwrap();
    site.config = "port = 2\n";
    let report = site.install().unwrap();
    let kept = report.steps.iter().filter(|line| line.change.contains("kept as")).count();
    assert_eq!(kept, 2, "{report:#?}");
    assert_eq!(site.text("/etc/pnda/agent.toml"), "port = 2\n");
    assert_eq!(site.text("/etc/pnda/agent.toml.pnda-saved"), "port = 9\n");
    assert_eq!(site.text("/opt/pnda/flink-1.pnda-saved/bin/extra"), "by hand");
    fs::write(site.at("/etc/pnda/agent.toml"), "port = 10\n").unwrap();
    site.again().unwrap();
    assert_eq!(site.text("/etc/pnda/agent.toml.pnda-saved-2"), "port = 10\n");
    assert_eq!(site.text("/etc/pnda/agent.toml.pnda-saved"), "port = 9\n");
    assert!(site.again().unwrap().is_empty());
}

#[test]
fn a_wrong_mode_is_put_right_without_a_mirror_file() {
    let site = Site::new();
    site.install().unwrap();
    fs::remove_file(site.folder.path().join("mirror/pnda-agent")).unwrap();
    for path in ["/opt/pnda/agent/pnda-agent", "/var/log/pnda"] {
        fs::set_permissions(site.at(path), fs::Permissions::from_mode(0o777)).unwrap();
    }
    assert_eq!(site.again().unwrap().steps.len(), 2);
    let mode = |path: &str| fs::metadata(site.at(path)).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode("/opt/pnda/agent/pnda-agent"), mode("/var/log/pnda")), (0o755, 0o750));
}

#[test]
fn what_is_no_longer_wanted_goes_if_it_is_ours() {
    let mut site = Site::new();
    let owned = "owner = \"root\"\ngroup = \"root\"\nmode = \"0644\"";
    let file = |name: &str| {
        let sha256 = Sha256::of(name.as_bytes());
        format!("[[file]]\npath = \"/etc/old/{name}\"\nsha256 = \"{sha256}\"\n{owned}\n")
    };
    site.more = [file("ours"), file("theirs")].concat();
    let files = site.folder.path().join("node/files/etc/old");
    fs::create_dir_all(&files).unwrap();
    fs::write(files.join("ours"), "ours").unwrap();
    fs::write(files.join("theirs"), "theirs").unwrap();
    site.install().unwrap();
    fs::write(site.at("/etc/old/theirs"), "changed").unwrap();
    site.more.clear();
    let report = site.install().unwrap();
    assert!(report.notes.iter().any(|note| note.contains("/etc/old/theirs")), "{report:#?}");
    assert!(!site.at("/etc/old/ours").exists());
    assert_eq!(site.text("/etc/old/theirs"), "changed");
    fs::remove_dir_all(site.at("/etc/old")).unwrap();
    assert!(site.again().unwrap().is_empty());
}

#[test]
fn everything_in_the_way_is_told_at_once() {
    let site = Site::new();
    fs::create_dir_all(site.at("/etc/pnda/agent.toml")).unwrap();
    fs::create_dir_all(site.at("/var/log")).unwrap();
    fs::write(site.at("/var/log/pnda"), "a file").unwrap();
    let before = listing(&site.root());
    let error = site.install().unwrap_err().to_string();
    assert!(error.contains("/etc/pnda/agent.toml holds a folder") && error.contains("/var/log/pnda must be a folder"));
    assert_eq!(listing(&site.root()), before);
}

#[test]
fn a_hostile_archive_leaves_nothing() {
    let mut site = Site::new();
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o777);
    header.set_size(0);
    header.set_entry_type(tar::EntryType::Symlink);
    tar.append_link(&mut header, "flink-1/out", "/etc").unwrap();
    site.mirrored.insert("flink-1.tar.gz", tar.into_inner().unwrap().finish().unwrap());
    let text = chain(&site.install().unwrap_err());
    assert!(text.contains("`flink-1/out` is a link that leaves the folder"), "{text}");
    let left: Vec<String> = listing(&site.root()).into_iter().filter(|line| !line.starts_with("var")).collect();
    assert_eq!(left, Vec::<String>::new());
}

#[test]
fn a_switch_that_was_cut_off_is_undone_before_the_next() {
    let mut site = Site::new();
    site.install().unwrap();
    let inode = fs::metadata(site.at("/etc/pnda/agent.toml")).unwrap().ino();
    fs::hard_link(site.at("/etc/pnda/agent.toml"), site.at("/etc/pnda/.agent.toml.pnda-2-0-old")).unwrap();
    fs::write(site.at("/etc/pnda/half"), "half").unwrap();
    fs::rename(site.at("/etc/pnda/half"), site.at("/etc/pnda/agent.toml")).unwrap();
    let half = fs::metadata(site.at("/etc/pnda/agent.toml")).unwrap().ino();
    let journal = format!(
        "format = 1\nrun = 2\nstaged = true\nstaging = [\"/etc/pnda/.agent.toml.pnda-2-0\"]\n[[move]]\nkind = \"place\"\n\
         path = \"/etc/pnda/agent.toml\"\nstaged = \"/etc/pnda/.agent.toml.pnda-2-0\"\ninode = {half}\n\
         aside = {{ path = \"/etc/pnda/.agent.toml.pnda-2-0-old\", keep = false }}\n"
    );
    fs::write(site.at("/var/lib/pnda/install/switch.toml"), &journal).unwrap();
    assert!(!look(&site.request(), &silent).unwrap().is_empty());
    let report = site.again().unwrap();
    assert_eq!(report.steps.len(), 1, "only the journal: {report:#?}");
    assert_eq!(fs::metadata(site.at("/etc/pnda/agent.toml")).unwrap().ino(), inode);
    assert!(site.again().unwrap().is_empty());
    site.config = "port = 2\n";
    site.install().unwrap();
    assert_eq!(hidden_names(&site.root()), Vec::<String>::new());
}

#[test]
fn a_switch_that_was_done_but_for_tidying_is_finished() {
    let site = Site::new();
    site.install().unwrap();
    fs::write(site.at("/etc/pnda/.agent.toml.pnda-1-0-old"), "old").unwrap();
    let journal = "format = 1\nrun = 1\nstaged = true\n[[move]]\nkind = \"remove\"\npath = \"/etc/pnda/x\"\n\
                   aside = \"/etc/pnda/.agent.toml.pnda-1-0-old\"\n";
    fs::write(site.at("/var/lib/pnda/install/switch.toml"), journal).unwrap();
    site.again().unwrap();
    assert_eq!(hidden_names(&site.root()), Vec::<String>::new());
    assert!(site.again().unwrap().is_empty());
}

#[test]
fn a_journal_or_state_that_is_none_stops_everything() {
    let site = Site::new();
    site.install().unwrap();
    for name in ["switch.toml", "state.toml"] {
        let path = site.at("/var/lib/pnda/install").join(name);
        fs::write(&path, "garbage").unwrap();
        let before = listing(&site.root());
        assert!(chain(&site.again().unwrap_err()).contains(name));
        assert_eq!(listing(&site.root()), before);
        fs::remove_file(path).unwrap();
    }
}

#[test]
fn a_full_disk_is_found_out_before_anything_is_written() {
    let Some(mut site) = Site::system() else { return };
    let mut noise = Vec::new();
    let mut digest = Sha256::of(b"seed").to_string();
    while noise.len() < 3 << 20 {
        digest = Sha256::of(digest.as_bytes()).to_string();
        noise.extend_from_slice(digest.as_bytes());
    }
    site.mirrored.insert("pnda-agent", noise);
    let mount = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=2m,mode=755", "none"])
        .arg(site.root())
        .output();
    if !mount.is_ok_and(|done| done.status.success()) {
        left_out("a full disk: this machine does not let us mount a small one");
        return;
    }
    let error = site.install().map_err(|error| chain(&error));
    let left = listing(&site.root());
    std::process::Command::new("umount").arg(site.root()).status().unwrap();
    let error = error.unwrap_err();
    assert!(error.contains("not enough free disk space") && error.contains("free"), "{error}");
    assert_eq!(left, Vec::<String>::new());
}

#[test]
fn users_and_owners_are_made_on_a_machine() {
    let Some(mut site) = Site::system() else { return };
    if std::process::Command::new("systemd-sysusers").arg("--version").output().is_err() {
        left_out("making users: systemd-sysusers is not installed");
        return;
    }
    fs::create_dir(site.at("/etc")).unwrap();
    site.more = "[[user]]\nname = \"pnda\"\ngroup = \"pnda\"\nhome = \"/var/lib/pnda\"\n\
                 [[directory]]\npath = \"/var/log/pnda/flink\"\nowner = \"pnda\"\ngroup = \"pnda\"\nmode = \"0770\"\n"
        .into();
    let report = site.install().unwrap();
    assert_eq!((report.steps[0].kind, report.steps[0].what.as_str()), (Kind::User, "pnda"));
    assert_ne!(fs::metadata(site.at("/var/log/pnda/flink")).unwrap().uid(), 0);
    assert_eq!(fs::metadata(site.at("/opt/pnda/flink-1/bin/flink")).unwrap().uid(), 0);
    assert_eq!(fs::read_link(site.at("/opt/pnda/flink")).unwrap(), Path::new("/opt/pnda/flink-1"));
    assert!(site.again().unwrap().is_empty());
    site.more = site.more.replace("owner = \"pnda\"", "owner = \"nobody-here\"");
    let error = site.install().unwrap_err().to_string();
    assert!(error.contains("nobody-here should own something"), "{error}");
}

#[test]
fn a_refused_archive_makes_no_users_either() {
    let Some(mut site) = Site::system() else { return };
    fs::create_dir_all(site.at("/var/lib")).unwrap();
    fs::create_dir(site.at("/etc")).unwrap();
    site.more = "[[user]]\nname = \"pnda\"\ngroup = \"pnda\"\nhome = \"/var/lib/pnda\"\n".into();
    site.publish();
    fs::write(site.folder.path().join("mirror/flink-1.tar.gz"), "else").unwrap();
    let modified = || fs::metadata(site.at("/var/lib")).unwrap().modified().unwrap();
    let before = modified();
    site.refused();
    assert_eq!(modified(), before, "even the time of the folder that held the installer's own is as it was");
}

#[test]
fn a_link_that_a_service_planted_is_not_followed() {
    let Some(mut site) = Site::system() else { return };
    site.more =
        "[[directory]]\npath = \"/var/log/pnda/flink/old\"\nowner = \"root\"\ngroup = \"root\"\nmode = \"0777\"\n"
            .into();
    site.install().unwrap();
    fs::create_dir(site.at("/secret")).unwrap();
    fs::set_permissions(site.at("/secret"), fs::Permissions::from_mode(0o700)).unwrap();
    chown(site.at("/var/log/pnda/flink"), Some(4242), None).unwrap();
    fs::remove_dir(site.at("/var/log/pnda/flink/old")).unwrap();
    symlink("/secret", site.at("/var/log/pnda/flink/old")).unwrap();
    let error = chain(&site.again().unwrap_err());
    assert!(error.contains("is a symbolic link in a folder that not only root can change"), "{error}");
    assert_eq!(fs::metadata(site.at("/secret")).unwrap().mode() & 0o777, 0o700);
}

fn service(site: &mut Site, state: &str) {
    site.more = "[[service]]\nname = \"pnda-agent\"\nabout = \"the agent\"\nkind = \"notify\"\nuser = \"root\"\n\
                 command = [\"/opt/pnda/agent/pnda-agent\", \"run\"]\nrestart_on = [\"/etc/pnda/agent.toml\"]\n"
        .into();
    let folder = site.folder.path().join("bin");
    fs::create_dir_all(&folder).unwrap();
    site.systemd = Some(systemd::tests::scripted(&folder, state));
}

fn told(site: &Site) -> Vec<String> {
    let path = site.folder.path().join("bin/told");
    let text = fs::read_to_string(&path).unwrap_or_default();
    let _ = fs::remove_file(path);
    text.lines().map(str::to_owned).collect()
}

const UP: &str = "ActiveState=active\nUnitFileState=enabled\n";

#[test]
fn a_service_restarts_when_its_configuration_changes_and_only_then() {
    let Some(mut site) = Site::system() else { return };
    service(&mut site, UP);
    site.install().unwrap();
    told(&site);
    assert!(site.again().unwrap().is_empty());
    assert_eq!(told(&site), Vec::<String>::new());
    site.config = "port = 2\n";
    let report = site.install().unwrap();
    assert!(
        report.steps.iter().any(|line| {
            line.effect == Effect::Restart && line.change == "restarted because of /etc/pnda/agent.toml"
        })
    );
    assert_eq!(told(&site), ["reset-failed pnda-agent.service", "restart --no-block pnda-agent.service"]);
}

#[test]
fn a_service_that_does_not_come_up_is_tried_again() {
    let Some(mut site) = Site::system() else { return };
    service(&mut site, UP);
    site.install().unwrap();
    site.config = "port = 2\n";
    // It runs when it is looked at, and fails when it is restarted.
    fs::write(site.folder.path().join("bin/after"), "ActiveState=failed\nUnitFileState=enabled\n").unwrap();
    let error = site.install().unwrap_err();
    assert!(matches!(error, Error::Start(_)) && chain(&error).contains("port is taken"), "{}", chain(&error));
    assert_eq!(site.text("/etc/pnda/agent.toml"), "port = 2\n");
    service(&mut site, UP);
    told(&site);
    let report = site.again().unwrap();
    assert_eq!(report.steps.iter().map(|line| line.kind).collect::<Vec<_>>(), [Kind::Service]);
    assert!(site.again().unwrap().is_empty());
}

#[test]
fn a_service_that_is_no_longer_wanted_is_stopped() {
    let Some(mut site) = Site::system() else { return };
    service(&mut site, UP);
    site.install().unwrap();
    told(&site);
    site.more.clear();
    site.install().unwrap();
    assert_eq!(told(&site), ["disable --now --quiet pnda-agent.service"]);
    assert!(site.again().unwrap().is_empty());
}

#[test]
fn a_masked_service_is_told_before_anything_changes() {
    let Some(mut site) = Site::system() else { return };
    service(&mut site, "ActiveState=inactive\nUnitFileState=masked\n");
    let refused = chain(&site.install().unwrap_err());
    assert!(refused.contains("service pnda-agent is masked") && refused.contains("systemctl unmask"), "{refused}");
    assert_eq!(told(&site), Vec::<String>::new());
}

#[test]
fn another_node_on_the_same_machine_is_told() {
    let site = Site::new();
    site.install().unwrap();
    let path = site.folder.path().join("node/node.toml");
    let document = fs::read_to_string(&path).unwrap().replace("node = \"edge-1\"", "node = \"edge-2\"");
    fs::write(&path, document).unwrap();
    let report = site.again().unwrap();
    assert_eq!(report.node, Word::new("edge-2").unwrap());
    assert!(report.notes.iter().any(|note| note.contains("was node edge-1 until now")), "{report:#?}");
}
