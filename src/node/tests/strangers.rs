//! Trees that somebody else owns, where root is asked to work: their owner writes the state, the journal and the documents.
//! Each test is one attack; it fails where root obeys.
//! Not here: what a service leaves in a tree of root's.

use super::doors::{chmod, mkfifo};
use super::*;
use crate::installed::{repair_with, rollback_with, verify_with};
use crate::uninstall::uninstall_with;
use std::os::unix::fs::lchown;

const OWN: &str = "/var/lib/pnda/install";

/// A user's tree with two installs behind it; only root can be led astray.
fn installed() -> Option<Site> {
    if !rustix::process::geteuid().is_root() {
        left_out("a tree that somebody else owns: not root");
        return None;
    }
    let mut site = Site::new();
    site.install().unwrap();
    (site.flink, site.config, site.number) = ("flink-2", "port = 2\n", 8);
    site.install().unwrap();
    Some(site)
}

fn give(path: &Path, to: u32) {
    lchown(path, Some(to), Some(to)).unwrap();
    if path.is_dir() && !path.is_symlink() {
        fs::read_dir(path).unwrap().for_each(|entry| give(&entry.unwrap().path(), to));
    }
}

/// What every verb says.
fn told(site: &Site) -> Vec<(&'static str, Result<(), String>)> {
    let place = Where { root: site.root(), mirror: None };
    let said = |done: Result<Report, Error>| done.map(drop).map_err(|error| chain(&error));
    let mut all = vec![("generations", generations(&place).map(drop).map_err(|error| chain(&error)))];
    all.push(("install --dry-run", said(look(&site.request(), &silent))));
    all.push(("install", said(site.again())));
    all.push(("verify", said(verify_with(&place, None, &silent))));
    for run in [Run::Dry, Run::Real] {
        all.push(("repair", said(repair_with(&place, run, None, &silent))));
        all.push(("rollback", said(rollback_with(&place, None, run, None, &silent))));
        all.push(("uninstall", said(uninstall_with(&place, Data::Purge, run, None, &silent))));
    }
    all
}

fn every_verb_refuses(site: &Site, why: &str) {
    let before = listing(&site.root());
    for (verb, said) in told(site) {
        let error = said.expect_err(verb);
        assert!(error.contains(why), "{verb}: {error}");
    }
    assert_eq!(listing(&site.root()), before);
}

#[test]
fn root_obeys_no_tree_of_somebody_else() {
    let Some(site) = installed() else { return };
    give(&site.root(), 4242);
    let root = site.root().display().to_string();
    every_verb_refuses(&site, &format!("{root} belongs to user number 4242"));
    every_verb_refuses(&site, "runuser -u \"$(id -nu 4242)\" -- pnda-agent");
    // One folder on the way is enough: whoever owns it can put another in the place of what is below.
    for path in ["/", "/var", "/var/lib/pnda", OWN] {
        give(&site.root(), 0);
        let folder = site.at(path);
        chown(&folder, Some(4242), Some(4242)).unwrap();
        every_verb_refuses(&site, "belongs to user number 4242");
        chown(&folder, Some(0), Some(0)).unwrap();
        let mode = fs::metadata(&folder).unwrap().mode() & 0o777;
        chmod(&folder, 0o777);
        every_verb_refuses(&site, "can be changed by others than root");
        chmod(&folder, mode);
    }
    for (verb, said) in told(&site) {
        assert!(said.is_ok() || verb == "rollback", "{verb}: {said:?}");
    }
}

#[test]
fn root_makes_nothing_in_an_empty_tree_of_somebody_else() {
    let Some(site) = installed() else { return };
    fs::remove_dir_all(site.root()).unwrap();
    fs::create_dir(site.root()).unwrap();
    give(&site.root(), 4242);
    let error = chain(&site.again().unwrap_err());
    assert!(error.contains("belongs to user number 4242"), "{error}");
    assert_eq!(fs::read_dir(site.root()).unwrap().count(), 0);
}

#[test]
fn a_planted_journal_removes_nothing_of_others() {
    let Some(site) = installed() else { return };
    let others = site.folder.path().join("others/etc-like");
    fs::create_dir_all(&others).unwrap();
    fs::write(others.join("passwd"), "").unwrap();
    symlink(others.parent().unwrap(), site.at("/v")).unwrap();
    let journal = "format = 1\nrun = 9\nstaged = false\nstaging = [\"/v/etc-like\"]\n";
    fs::write(site.at(OWN).join("switch.toml"), journal).unwrap();
    give(&site.root(), 4242);
    every_verb_refuses(&site, "belongs to user number 4242");
    assert!(others.join("passwd").exists());
}

#[test]
fn what_root_keeps_is_read_from_plain_files_alone() {
    let Some(site) = installed() else { return };
    let place = Where { root: site.root(), mirror: None };
    for name in ["state.toml", "switch.toml", "generations/2/facts.toml"] {
        let (path, aside) = (site.at(OWN).join(name), site.folder.path().join("aside"));
        let was = fs::rename(&path, &aside).is_ok();
        for plant in [|path: &Path| mkfifo(path), |path: &Path| symlink("/dev/zero", path).unwrap()] {
            plant(&path);
            let error = chain(&verify_with(&place, None, &silent).unwrap_err());
            assert!(error.contains("it is not a regular file"), "{name}: {error}");
            fs::remove_file(&path).unwrap();
        }
        if was {
            fs::rename(&aside, &path).unwrap();
        }
    }
    assert!(verify_with(&place, None, &silent).unwrap().is_empty());
}
