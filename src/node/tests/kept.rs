//! Going back, holding a node against what was installed, mending it, and taking everything away.
//! The mirror is gone where it should not be needed.
//! Not here: the command line's tables and exit codes.

use super::*;
use crate::installed::{repair_with, rollback_with, verify_with};
use crate::uninstall::uninstall_with;

fn place(site: &Site) -> Where {
    Where { root: site.root(), mirror: None }
}

fn back(site: &Site, number: Option<u64>) -> Result<Report, Error> {
    rollback_with(&place(site), number, Run::Real, site.systemd.clone(), &silent)
}

fn lines(report: &Report) -> Vec<String> {
    report.steps.iter().map(|line| format!("{} {} {}", line.kind, line.what, line.change)).collect()
}

/// What is at each path, but for the installer's own folder.
fn content(site: &Site) -> Vec<String> {
    let own = |line: &&String| !line.starts_with("var/lib/pnda/install");
    let stripped = |line: String| {
        let name = line.split(' ').next().unwrap().to_owned();
        let path = site.root().join(&name);
        let text = if path.is_file() { fs::read_to_string(&path).unwrap() } else { String::new() };
        let mode = fs::symlink_metadata(&path).unwrap().mode();
        format!("{name} {mode:o} {:?} {text}", fs::read_link(&path).ok())
    };
    let kept_trees = |line: &String| !line.starts_with("opt/pnda/flink-");
    listing(&site.root()).iter().filter(own).cloned().map(stripped).filter(kept_trees).collect()
}

/// A site with two installs behind it; the mirror is gone. Gives what the first one looked like.
fn twice(site: &mut Site) -> Vec<String> {
    site.install().unwrap();
    let first = content(site);
    (site.flink, site.config, site.number) = ("flink-2", "port = 2\n", 8);
    site.mirrored.insert("pnda-agent", b"#!/bin/sh\n# newer\n".to_vec());
    site.install().unwrap();
    assert_ne!(content(site), first);
    fs::remove_dir_all(site.folder.path().join("mirror")).unwrap();
    fs::remove_dir_all(site.folder.path().join("node")).unwrap();
    first
}

#[test]
fn an_earlier_install_comes_back_byte_for_byte_without_the_mirror() {
    let mut site = Site::new();
    let first = twice(&mut site);
    let second = content(&site);
    let all = generations(&place(&site)).unwrap();
    let numbers = |all: &[installed::Generation]| {
        all.iter().map(|one| (one.kept.number, one.kept.generation, one.current)).collect::<Vec<_>>()
    };
    assert_eq!(numbers(&all), [(2, 8, true), (1, 7, false)]);
    let planned = rollback_with(&place(&site), None, Run::Dry, None, &silent).unwrap();
    assert_eq!(content(&site), second);
    let done = back(&site, None).unwrap();
    assert_eq!(lines(&done), lines(&planned));
    assert_eq!(content(&site), first);
    assert_eq!(numbers(&generations(&place(&site)).unwrap()), [(3, 8, true), (2, 8, false)]);
    back(&site, None).unwrap();
    assert_eq!(content(&site), second);
    let error = chain(&back(&site, Some(1)).unwrap_err());
    assert!(error.contains("generation 1 is not kept on this node; there are 3, 4"), "{error}");
}

#[test]
fn nothing_to_go_back_to_says_so() {
    let site = Site::new();
    assert!(chain(&back(&site, None).unwrap_err()).contains("nothing was installed yet"));
    site.install().unwrap();
    assert!(chain(&back(&site, None).unwrap_err()).contains("there is nothing to go back to: only 1"));
    assert!(verify_with(&place(&site), None, &silent).unwrap().is_empty());
}

#[test]
fn going_back_from_an_install_that_never_worked_leads_to_the_last_that_did() {
    let Some(mut site) = Site::system() else { return };
    service(&mut site, UP);
    site.install().unwrap();
    let first = content(&site);
    site.config = "port = 2\n";
    fs::write(site.folder.path().join("bin/after"), "ActiveState=failed\nUnitFileState=enabled\n").unwrap();
    site.install().unwrap_err();
    let found = lines(&verify_with(&place(&site), site.systemd.clone(), &silent).unwrap());
    assert!(found.contains(&"service pnda-agent does not run".to_owned()), "{found:#?}");
    fs::remove_dir_all(site.folder.path().join("mirror")).unwrap();
    fs::write(site.folder.path().join("bin/after"), UP).unwrap();
    back(&site, None).unwrap();
    assert_eq!(content(&site), first);
    assert!(verify_with(&place(&site), site.systemd.clone(), &silent).unwrap().is_empty());
}

#[test]
fn so_many_installs_are_kept_as_were_asked_for() {
    let mut site = Site::new();
    for (flink, config) in [("flink-1", "a\n"), ("flink-2", "b\n"), ("flink-3", "c\n")] {
        (site.flink, site.config) = (flink, config);
        site.publish();
        install_with(&Request { keep: 3, ..site.request() }, None, &silent).unwrap();
    }
    fs::remove_dir_all(site.folder.path().join("mirror")).unwrap();
    back(&site, Some(1)).unwrap();
    assert_eq!(
        (site.text("/opt/pnda/flink/bin/flink"), site.text("/etc/pnda/agent.toml")),
        ("one".into(), "a\n".into())
    );
}

#[test]
fn what_differs_is_found_to_the_byte_and_mended() {
    let site = Site::new();
    site.install().unwrap();
    let whole = content(&site);
    // The same length and time: a glance would not see it.
    for (path, text) in [("/etc/pnda/agent.toml", "port = 9\n"), ("/opt/pnda/flink-1/bin/flink", "two")] {
        let modified = fs::metadata(site.at(path)).unwrap().modified().unwrap();
        fs::write(site.at(path), text).unwrap();
        fs::File::options().write(true).open(site.at(path)).unwrap().set_modified(modified).unwrap();
    }
    fs::set_permissions(site.at("/etc/pnda/agent.toml"), fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(site.at("/opt/pnda/flink-1/extra"), "").unwrap();
    fs::remove_file(site.at("/opt/pnda/flink-1/flink")).unwrap();
    fs::remove_file(site.at("/opt/pnda/flink")).unwrap();
    fs::set_permissions(site.at("/opt/pnda/agent/pnda-agent"), fs::Permissions::from_mode(0o777)).unwrap();
    let found = lines(&verify_with(&place(&site), None, &silent).unwrap());
    let expected = [
        "archive /opt/pnda/flink-1/bin/flink changed",
        "archive /opt/pnda/flink-1/extra extra: nobody unpacked it",
        "archive /opt/pnda/flink-1/flink missing",
        "file /opt/pnda/agent/pnda-agent has another owner or mode",
        "file /etc/pnda/agent.toml changed",
        "link /opt/pnda/flink missing",
    ];
    assert_eq!(found, expected);
    let planned = repair_with(&place(&site), Run::Dry, None, &silent).unwrap();
    assert!(planned.steps.iter().all(|line| line.diff.is_none()), "the file is not for everybody to read");
    repair_with(&place(&site), Run::Real, None, &silent).unwrap();
    assert!(verify_with(&place(&site), None, &silent).unwrap().is_empty());
    assert_eq!(site.text("/etc/pnda/agent.toml.pnda-saved"), "port = 9\n");
    assert_eq!(site.text("/opt/pnda/flink-1.pnda-saved/bin/flink"), "two");
    let mended: Vec<String> = content(&site).into_iter().filter(|line| !line.contains("pnda-saved")).collect();
    assert_eq!(mended, whole);
    assert!(site.again().unwrap().is_empty());
}

#[test]
fn what_somebody_edited_is_shown_before_it_is_replaced() {
    let mut site = Site::new();
    let sha256 = Sha256::of(b"one\ntwo\nthree\n");
    site.more = format!(
        "[[file]]\npath = \"/etc/open\"\nsha256 = \"{sha256}\"\nowner = \"root\"\ngroup = \"root\"\nmode = \"0644\"\n"
    );
    fs::create_dir_all(site.folder.path().join("node/files/etc")).unwrap();
    fs::write(site.folder.path().join("node/files/etc/open"), "one\ntwo\nthree\n").unwrap();
    site.install().unwrap();
    fs::write(site.at("/etc/open"), "one\n2\nthree\n").unwrap();
    let report = look(&site.request(), &silent).unwrap();
    assert_eq!(report.steps[0].diff.as_deref(), Some("  one\n- 2\n+ two\n  three\n"));
}

#[test]
fn a_mirror_that_is_gone_is_only_missed_where_it_is_needed() {
    let site = Site::new();
    site.install().unwrap();
    fs::remove_dir_all(site.folder.path().join("mirror")).unwrap();
    fs::remove_file(site.at("/opt/pnda/agent/pnda-agent")).unwrap();
    repair_with(&place(&site), Run::Real, None, &silent).unwrap();
    assert_eq!(site.text("/opt/pnda/agent/pnda-agent"), "#!/bin/sh\n");
    fs::remove_file(site.at("/opt/pnda/flink-1/bin/flink")).unwrap();
    let before = listing(&site.root());
    assert!(chain(&repair_with(&place(&site), Run::Real, None, &silent).unwrap_err()).contains("mirror"));
    assert_eq!(listing(&site.root()), before);
}

#[test]
fn uninstalling_leaves_nothing() {
    let mut site = Site::new();
    twice(&mut site);
    let before = listing(&site.root());
    let planned = uninstall_with(&place(&site), Data::Keep, Run::Dry, None, &silent).unwrap();
    assert_eq!(listing(&site.root()), before);
    let done = uninstall_with(&place(&site), Data::Keep, Run::Real, None, &silent).unwrap();
    assert_eq!(lines(&done), lines(&planned));
    assert_eq!(listing(&site.root()), Vec::<String>::new());
    assert!(uninstall_with(&place(&site), Data::Keep, Run::Real, None, &silent).unwrap().is_empty());
    assert_eq!(listing(&site.root()), Vec::<String>::new());
}

#[test]
fn data_and_what_somebody_changed_stay_unless_they_are_purged() {
    for data in [Data::Keep, Data::Purge] {
        let mut site = Site::new();
        site.more = format!(
            "[[once]]\nname = \"format\"\nuser = \"root\"\ncreates = \"/data/nn\"\n\
             command = [\"/bin/mkdir\", \"-p\", \"{}/data/nn\"]\n",
            site.root().display()
        );
        site.install().unwrap();
        fs::write(site.at("/var/log/pnda/flink.log"), "lines").unwrap();
        fs::write(site.at("/etc/pnda/agent.toml"), "by hand").unwrap();
        let done = uninstall_with(&place(&site), data, Run::Real, None, &silent).unwrap();
        let left: Vec<String> = content(&site).iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect();
        let stays = |path: &str| done.notes.iter().any(|note| note.contains(path));
        assert!(stays("/etc/pnda/agent.toml") && stays("/etc/pnda stays"), "{:#?}", done.notes);
        match data {
            Data::Keep => {
                let expected = ["data", "data/nn", "etc", "etc/pnda", "etc/pnda/agent.toml"];
                let logs = ["var", "var/log", "var/log/pnda", "var/log/pnda/flink.log"];
                assert_eq!(left, [&expected[..], &logs[..]].concat());
                assert!(stays("/var/log/pnda stays") && stays("/data/nn stays: it is data"), "{:#?}", done.notes);
            }
            Data::Purge => assert_eq!(left, ["data", "etc", "etc/pnda", "etc/pnda/agent.toml"]),
        }
    }
}

#[test]
fn services_are_stopped_before_their_files_go() {
    let Some(mut site) = Site::system() else { return };
    service(&mut site, UP);
    site.install().unwrap();
    told(&site);
    uninstall_with(&place(&site), Data::Keep, Run::Real, site.systemd.clone(), &silent).unwrap();
    assert_eq!(told(&site), ["disable --now --quiet pnda-agent.service"]);
    assert_eq!(content(&site), ["var 40755 None ", "var/lib 40755 None "], "every machine has these");
}

#[test]
fn a_mirror_that_goes_half_way_leaves_the_old_install_whole() {
    let mut site = Site::new();
    site.install().unwrap();
    let before = content(&site);
    (site.flink, site.config) = ("flink-2", "port = 2\n");
    site.mirrored.insert("pnda-agent", b"#!/bin/sh\n# newer\n".to_vec());
    site.publish();
    let mirrored = site.folder.path().join("mirror/pnda-agent");
    fs::rename(&mirrored, mirrored.with_extension("away")).unwrap();
    let error = chain(&site.again().unwrap_err());
    assert!(error.contains("cannot fetch pnda-agent from the mirror"), "{error}");
    assert_eq!(content(&site), before);
    assert!(verify_with(&place(&site), None, &silent).unwrap().is_empty());
    fs::rename(mirrored.with_extension("away"), &mirrored).unwrap();
    site.again().unwrap();
    assert_eq!(site.text("/opt/pnda/flink/bin/flink"), "two");
    back(&site, None).unwrap();
    assert_eq!(content(&site), before);
}

#[test]
fn what_belongs_to_somebody_else_is_found_and_given_back() {
    let Some(site) = Site::system() else { return };
    site.install().unwrap();
    for path in ["/etc/pnda/agent.toml", "/opt/pnda/flink-1/bin/flink", "/var/log/pnda"] {
        chown(site.at(path), Some(4242), Some(4242)).unwrap();
    }
    let found = lines(&verify_with(&place(&site), None, &silent).unwrap());
    let expected = [
        "folder /var/log/pnda has another owner or mode",
        "archive /opt/pnda/flink-1/bin/flink changed",
        "file /etc/pnda/agent.toml has another owner or mode",
    ];
    assert_eq!(found, expected);
    repair_with(&place(&site), Run::Real, None, &silent).unwrap();
    let owner = |path: &str| fs::metadata(site.at(path)).unwrap().uid();
    assert_eq!(
        (owner("/etc/pnda/agent.toml"), owner("/opt/pnda/flink-1/bin/flink"), owner("/var/log/pnda")),
        (0, 0, 0)
    );
}

#[test]
fn a_masked_service_is_no_working_node() {
    let Some(mut site) = Site::system() else { return };
    service(&mut site, "ActiveState=active\nUnitFileState=enabled\n");
    site.install().unwrap();
    service(&mut site, "ActiveState=inactive\nUnitFileState=masked\n");
    let report = verify_with(&place(&site), site.systemd.clone(), &silent).unwrap();
    assert_eq!(lines(&report), ["service pnda-agent masked, does not run"]);
}

#[test]
fn a_name_with_a_line_end_is_one_line() {
    let site = Site::new();
    site.install().unwrap();
    fs::write(site.at("/opt/pnda/flink-1/a\nfile     passwd: changed\u{1b}[2J"), "").unwrap();
    let found = lines(&verify_with(&place(&site), None, &silent).unwrap());
    let name = "/opt/pnda/flink-1/a\\nfile     passwd: changed\\u{1b}[2J";
    assert_eq!(found, [format!("archive {name} extra: nobody unpacked it")]);
}

#[test]
fn a_run_that_is_killed_while_it_keeps_or_forgets_is_made_good() {
    let mut site = Site::new();
    site.install().unwrap();
    let own = site.at("/var/lib/pnda/install");
    // Killed before it was kept whole, and while something old was removed.
    for half in [".gone/1", "generations/.new/files"] {
        fs::create_dir_all(own.join(half)).unwrap();
    }
    (site.flink, site.config) = ("flink-2", "port = 2\n");
    site.install().unwrap();
    assert_eq!(generations(&place(&site)).unwrap().len(), 2);
    fs::remove_dir_all(own.join("generations")).unwrap();
    assert!(site.again().unwrap().is_empty());
    assert_eq!(generations(&place(&site)).unwrap().len(), 1, "what works is kept, whenever that is seen");
    fs::remove_dir_all(own.join("generations")).unwrap();
    uninstall_with(&place(&site), Data::Keep, Run::Real, None, &silent).unwrap();
    assert_eq!(listing(&site.root()), Vec::<String>::new());
}
