//! What somebody who is not root leaves where root looks: links, pipes, special owners, old lists, locks that are let go.
//! Each test is one attack; it fails where the attack comes through.
//! Not here: the site's Hadoop; its attack is a run of the program.

use super::*;
use crate::installed::rollback_with;
use rustix::fs::inotify;
use std::mem::MaybeUninit;
use std::process::Command;
use words::secret::Secret;

const SECRET: &str = "hunter2-SECRET";
const KEPT: &str = "/var/lib/pnda/install/generations/1/secrets.toml";

fn owned(mode: &str) -> String {
    format!("owner = \"root\"\ngroup = \"root\"\nmode = \"{mode}\"\n")
}

/// A file of the document with these bytes.
fn file(site: &mut Site, path: &str, text: &str, mode: &str) {
    let place = site.folder.path().join("node/files").join(path.trim_start_matches('/'));
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    fs::write(place, text).unwrap();
    let secrets: Vec<String> = words::secret::marked(text).iter().map(|one| format!("\"{one}\"")).collect();
    let secrets = if secrets.is_empty() { String::new() } else { format!("secrets = [{}]\n", secrets.join(", ")) };
    let sha256 = Sha256::of(text.as_bytes());
    site.more += &format!("[[file]]\npath = \"{path}\"\nsha256 = \"{sha256}\"\n{secrets}{}", owned(mode));
}

/// A file whose secret is where the reference says.
fn secret(site: &mut Site, reference: &str) {
    let secret: Secret = reference.parse().unwrap();
    file(site, "/etc/y.conf", &format!("password: {}\n", secret.mark()), "0640");
}

pub(super) fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

pub(super) fn mkfifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

fn put(path: &Path, text: &str, mode: u32) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    chmod(path, mode);
}

#[test]
fn a_secret_is_not_read_through_a_link_nor_outside_of_the_root() {
    for scope in ["user", "system"] {
        let Some(mut site) = (if scope == "user" { Some(Site::new()) } else { Site::system() }) else { return };
        let host = site.folder.path().join("host/secret");
        put(&host, SECRET, 0o600);
        put(&site.at("/inside"), SECRET, 0o600);
        symlink(&host, site.at("/s")).unwrap();
        symlink("/inside", site.at("/t")).unwrap();
        symlink(host.parent().unwrap(), site.at("/folder")).unwrap();
        for (reference, why) in [
            ("file:/s", "not a regular file"),
            ("file:/t", "not a regular file"),
            ("file:/folder/secret", "folder (on the way to /folder) is a symbolic link, and none is followed here"),
        ] {
            site.more.clear();
            secret(&mut site, reference);
            let told = chain(&site.install().unwrap_err());
            assert!(told.contains(why) && !told.contains(SECRET), "{scope} {reference}: {told}");
            assert!(!site.at("/etc/y.conf").exists());
        }
    }
}

#[test]
fn a_credential_is_held_to_the_same() {
    let mut site = Site::new();
    secret(&mut site, "credential:password");
    put(&site.folder.path().join("host"), SECRET, 0o600);
    fs::create_dir_all(site.at("/etc/credstore")).unwrap();
    symlink(site.folder.path().join("host"), site.at("/etc/credstore/password")).unwrap();
    assert!(chain(&site.install().unwrap_err()).contains("it is not a regular file"));
    fs::remove_file(site.at("/etc/credstore/password")).unwrap();
    put(&site.at("/usr/lib/credstore/password"), SECRET, 0o644);
    assert!(
        chain(&site.again().unwrap_err()).contains("everybody on this node can read the secret credential:password")
    );
    chmod(&site.at("/usr/lib/credstore/password"), 0o600);
    site.again().unwrap();
    assert_eq!(site.text("/etc/y.conf"), format!("password: {SECRET}\n"));
}

#[test]
fn a_secret_that_is_no_file_is_not_waited_for() {
    let mut site = Site::new();
    mkfifo(&site.at("/s"));
    secret(&mut site, "file:/s");
    assert!(chain(&site.install().unwrap_err()).contains("it is not a regular file"));
}

#[test]
fn a_secret_of_somebody_else_or_one_that_others_change_or_share_is_refused() {
    let Some(mut site) = Site::system() else { return };
    secret(&mut site, "file:/s");
    let told = |site: &Site| chain(&site.install().unwrap_err());
    put(&site.at("/s"), SECRET, 0o640);
    chown(site.at("/s"), Some(4242), Some(4343)).unwrap();
    assert!(told(&site).contains("the secret file:/s belongs to user number 4242"));
    chown(site.at("/s"), Some(0), Some(0)).unwrap();
    for (mode, why) in [(0o644, "everybody on this node can read"), (0o620, "others than its owner can write")] {
        chmod(&site.at("/s"), mode);
        assert!(told(&site).contains(why), "{mode:o}");
    }
    chmod(&site.at("/s"), 0o640);
    // Whoever owns a folder can give any file of the machine a name there.
    fs::hard_link(site.at("/s"), site.at("/shadow")).unwrap();
    assert!(told(&site).contains("has more than one name"));
    fs::remove_file(site.at("/shadow")).unwrap();
    site.install().unwrap();
    assert_eq!(site.text("/etc/y.conf"), format!("password: {SECRET}\n"));
}

#[test]
fn a_secret_is_not_taken_from_a_folder_in_which_somebody_else_chooses_the_file() {
    let Some(mut site) = Site::system() else { return };
    put(&site.at("/etc/passwd"), "service:x:4343:4343::/:/bin/false\n", 0o644);
    secret(&mut site, "file:/own/er/s");
    site.more = site.more.replace("owner = \"root\"", "owner = \"service\"");
    put(&site.at("/own/er/s"), SECRET, 0o600);
    for folder in ["/own", "/own/er"] {
        chown(site.at(folder), Some(4242), None).unwrap();
        let told = chain(&site.install().unwrap_err());
        let why = format!("the secret file:/own/er/s lies in {folder}, which belongs to user number 4242");
        assert!(told.contains(&why), "{told}");
        chown(site.at(folder), Some(4343), Some(4343)).unwrap();
        for mode in [0o757, 0o775] {
            chmod(&site.at(folder), mode);
            let told = chain(&site.install().unwrap_err());
            assert!(told.contains(&format!("lies in {folder}, which others than its owner can write")), "{told}");
        }
        chmod(&site.at(folder), 0o1777);
    }
    site.install().unwrap();
    assert_eq!(site.text("/etc/y.conf"), format!("password: {SECRET}\n"));
}

#[test]
fn a_secret_may_be_his_whose_file_it_goes_into() {
    let Some(mut site) = Site::system() else { return };
    put(&site.at("/etc/passwd"), "service:x:4242:4343::/:/bin/false\n", 0o644);
    secret(&mut site, "file:/s");
    site.more = site.more.replace("owner = \"root\"", "owner = \"service\"");
    put(&site.at("/s"), SECRET, 0o600);
    chown(site.at("/s"), Some(4242), Some(4343)).unwrap();
    site.install().unwrap();
    assert_eq!(fs::metadata(site.at("/etc/y.conf")).unwrap().uid(), 4242);
}

#[test]
fn secrets_beside_a_folder_that_somebody_brought_are_none_of_this_node() {
    let mut site = Site::new();
    secret(&mut site, "file:/s");
    put(&site.at("/s"), SECRET, 0o600);
    site.publish();
    let brought = site.folder.path().join("node/secrets.toml");
    put(&brought, "\"file:/s\" = \"evil\\ninjected = true\"\n", 0o644);
    site.again().unwrap();
    assert_eq!(site.text("/etc/y.conf"), format!("password: {SECRET}\n"));
}

#[test]
fn what_was_kept_is_held_to_the_same_characters_and_found_however_the_root_is_written() {
    let mut site = Site::new();
    secret(&mut site, "file:/s");
    put(&site.at("/s"), SECRET, 0o600);
    site.install().unwrap();
    put(&site.at("/s"), "another", 0o600);
    site.again().unwrap();
    symlink(site.root(), site.folder.path().join("other-name")).unwrap();
    let back = |name: &str| {
        let place = Where { root: site.folder.path().join(name), mirror: None };
        rollback_with(&place, Some(1), Run::Dry, None, &silent)
    };
    assert_eq!(back("other-name").unwrap().steps[0].what, "/etc/y.conf");
    put(&site.at(KEPT), "\"file:/s\" = \"evil\\ninjected = true\"\n", 0o600);
    let told = chain(&back("root").unwrap_err());
    assert!(told.contains("the secret file:/s cannot be put into a file") && !told.contains("evil"), "{told}");
}

#[test]
fn what_was_edited_in_a_file_with_a_secret_is_kept_for_its_owner_alone() {
    let mut site = Site::new();
    secret(&mut site, "file:/s");
    file(&mut site, "/etc/closed", "one\n", "0644");
    file(&mut site, "/etc/open", "one\n", "0644");
    put(&site.at("/s"), SECRET, 0o600);
    site.install().unwrap();
    put(&site.at("/etc/y.conf"), "password: by-hand\n", 0o644);
    put(&site.at("/etc/closed"), "by hand\n", 0o640);
    put(&site.at("/etc/open"), "by hand\n", 0o644);
    site.again().unwrap();
    let mode = |path: &str| fs::metadata(site.at(path)).unwrap().mode() & 0o777;
    assert_eq!(mode("/etc/y.conf.pnda-saved"), 0o600);
    assert_eq!(mode("/etc/closed.pnda-saved"), 0o600, "what few could read may have been a secret");
    assert_eq!((mode("/etc/open.pnda-saved"), mode("/etc/y.conf")), (0o644, 0o640));
    assert!(site.again().unwrap().is_empty());
}

#[test]
fn the_secrets_of_a_release_go_with_it() {
    let mut site = Site::new();
    secret(&mut site, "file:/s");
    for number in 1..=3 {
        put(&site.at("/s"), &format!("secret-{number}"), 0o600);
        site.install().unwrap();
    }
    let own = site.at("/var/lib/pnda/install");
    let kept: Vec<String> = listing(&own).into_iter().filter(|line| line.contains("secrets.toml")).collect();
    assert_eq!(kept.len(), KEEP, "{kept:#?}");
    let holds = |text: &str| Command::new("grep").args(["-rq", text]).arg(&own).status().unwrap().success();
    assert!(!holds("secret-1") && holds("secret-2") && holds("secret-3"));
}

#[test]
fn a_pipe_or_a_device_in_a_mirror_or_a_node_s_folder_is_refused_and_not_waited_for() {
    let special = |path: &Path, device: bool| {
        fs::remove_file(path).unwrap();
        match device {
            false => mkfifo(path),
            true => symlink("/dev/zero", path).unwrap(),
        }
    };
    for name in
        ["mirror/generation.toml", "mirror/generation.toml.minisig", "mirror/flink-1.tar.gz", "mirror/pnda-agent"]
    {
        for device in [false, true] {
            let site = Site::new();
            site.publish();
            special(&site.folder.path().join(name), device);
            let told = chain(&site.again().unwrap_err());
            assert!(told.contains("it is not a regular file"), "{name}: {told}");
        }
    }
    for name in ["node/node.toml", "node/files/etc/pnda/agent.toml"] {
        for device in [false, true] {
            let site = Site::new();
            site.publish();
            special(&site.folder.path().join(name), device);
            assert!(chain(&site.again().unwrap_err()).contains("it is not a regular file"), "{name}");
        }
    }
}

#[test]
fn what_is_not_for_everybody_is_not_shown() {
    let mut site = Site::new();
    for path in ["/etc/x.conf", "/etc/closed/x.conf", "/etc/open/x.conf"] {
        file(&mut site, path, "wanted\n", "0644");
        put(&site.at(path), &format!("fs.s3a.secret.key = {SECRET}\n"), 0o644);
    }
    chmod(&site.at("/etc/x.conf"), 0o600);
    chmod(&site.at("/etc/closed"), 0o750);
    site.publish();
    let report = look(&site.request(), &silent).unwrap();
    let diff = |path: &str| report.steps.iter().find(|line| line.what == path).unwrap().diff.clone();
    assert_eq!((diff("/etc/x.conf"), diff("/etc/closed/x.conf")), (None, None));
    assert!(diff("/etc/open/x.conf").unwrap().contains(SECRET), "what everybody may read is shown");
    for path in ["/etc/x.conf", "/etc/closed/x.conf"] {
        let said = format!("what differs in {path} is not shown: not everybody may read it");
        assert!(report.notes.contains(&said), "{report:#?}");
    }
    // Nobody can pass the folder above the root.
    chmod(site.folder.path(), 0o700);
    let report = look(&site.request(), &silent).unwrap();
    assert!(!serde_json::to_string(&report).unwrap().contains(SECRET));
}

#[test]
fn no_list_is_accepted_that_is_older_than_one_that_was_seen() {
    let mut site = Site::new();
    site.install().unwrap();
    site.number = 9;
    assert!(site.install().unwrap().is_empty(), "nothing but the list's number is new");
    assert!(site.text("/var/lib/pnda/install/state.toml").contains("generation = 9"));
    for older in [8, 7] {
        site.number = older;
        site.publish();
        assert!(site.refused().contains("this node has seen generation 9"));
    }
    // Neither does one who is let through once open the door for good.
    site.config = "port = 2\n";
    site.publish();
    install(&Request { older: Older::Allow, ..site.request() }, &silent).unwrap();
    assert!(site.refused().contains("this node has seen generation 9"));
    let place = Where { root: site.root(), mirror: None };
    rollback_with(&place, None, Run::Real, None, &silent).unwrap();
    assert_eq!(site.text("/etc/pnda/agent.toml"), "port = 1\n");
    assert!(site.refused().contains("this node has seen generation 9"));
}

#[test]
fn a_newer_list_counts_although_the_install_fails() {
    let mut site = Site::new();
    site.install().unwrap();
    (site.number, site.config) = (9, "port = 2\n");
    site.publish();
    fs::remove_file(site.at("/etc/pnda/agent.toml")).unwrap();
    fs::create_dir(site.at("/etc/pnda/agent.toml")).unwrap();
    site.again().unwrap_err();
    (site.number, site.config) = (8, "port = 1\n");
    site.publish();
    assert!(site.refused().contains("this node has seen generation 9"));
}

#[test]
fn rights_are_given_to_no_bytes_that_were_not_compared() {
    let Some(site) = Site::system() else { return };
    site.install().unwrap();
    let path = site.at("/etc/pnda/agent.toml");
    // Other bytes that look as they were at a glance, as a swapped file may; only rights are to be given.
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    fs::write(&path, "port = 9\n").unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    chmod(&path, 0o600);
    let watch = inotify::init(inotify::CreateFlags::NONBLOCK).unwrap();
    let told = inotify::WatchFlags::ATTRIB | inotify::WatchFlags::CREATE;
    inotify::add_watch(&watch, path.parent().unwrap(), told).unwrap();
    let error = chain(&site.again().unwrap_err());
    assert!(error.contains("changes while it is being installed"), "{error}");
    let mut buffer = [MaybeUninit::uninit(); 4096];
    let mut events = inotify::Reader::new(&watch, &mut buffer);
    let mut seen = Vec::new();
    while let Ok(event) = events.next() {
        seen.push((event.events(), event.file_name().unwrap().to_string_lossy().into_owned()));
    }
    let staged = |flag| seen.iter().any(|(flags, name)| flags.contains(flag) && name.starts_with(".agent.toml"));
    assert!(staged(inotify::ReadFlags::CREATE), "{seen:?}");
    assert!(!staged(inotify::ReadFlags::ATTRIB), "{seen:?}");
}

/// A command that is prepared once; `$R` is the site's root.
fn prepares(site: &mut Site, user: &str, command: &str) {
    let command = command.replace("$R", &site.root().display().to_string());
    site.more = format!(
        "[[once]]\nname = \"format\"\nuser = \"{user}\"\ncreates = \"/data/nn\"\n\
         command = [\"/bin/sh\", \"-c\", '''{command}''']\n"
    );
}

#[test]
fn what_is_prepared_once_cannot_let_the_lock_go() {
    let Some(mut site) = Site::system() else { return };
    put(&site.at("/etc/passwd"), "service:x:4242:4343::/:/bin/false\n", 0o644);
    fs::create_dir_all(site.at("/data")).unwrap();
    chmod(&site.at("/data"), 0o777);
    mkfifo(&site.at("/data/pipe"));
    chmod(&site.at("/data/pipe"), 0o666);
    // It tries all that it was given, and who asked for it; and it leaves a process behind.
    let command = "readlink /proc/self/fd/0 >$R/data/input; for fd in 0 1 2 3 4 5 6 7 8 9; do flock --unlock $fd; done 2>$R/data/no; \
                   flock --nonblock $R/var/lib/pnda/install true && touch $R/data/got; touch $R/data/nn; : >$R/data/pipe; \
                   sleep 5 >/dev/null 2>&1 &";
    service(&mut site, UP);
    prepares(&mut site, "service", command);
    std::thread::scope(|scope| {
        site.publish();
        let first = scope.spawn(|| site.again().map(drop));
        // It writes into the pipe once it has tried; until that is read it goes on.
        let tried = fs::File::options().read(true).open(site.at("/data/pipe"));
        let busy = chain(&site.again().unwrap_err());
        assert!(busy.contains("another install is running on this node"), "{busy}");
        drop(tried);
        first.join().unwrap().unwrap();
    });
    assert_eq!(site.text("/data/input"), "/dev/null\n");
    assert!(!site.at("/data/got").exists());
    assert!(site.again().unwrap().is_empty(), "what it left behind holds nobody off");
}

#[test]
fn nobody_but_root_can_hold_the_installer_s_lock() {
    let Some(site) = Site::system() else { return };
    site.install().unwrap();
    let own = site.at("/var/lib/pnda/install");
    chmod(&own, 0o755);
    site.again().unwrap();
    assert_eq!(fs::metadata(own).unwrap().mode() & 0o777, 0o700);
}
