//! Housekeeping in a real HDFS, beside a real YARN: what is young, of a last run or of what runs stays; what nobody needs goes
//! and nothing else, and what has stopped begins from its state after that.
//! Not here: requests that are lost, and orders in the middle of it, which the manager's own tests have.

use super::{app_does, component};
use pnda::systems::hadoop::User;
use pnda::systems::webhdfs::{Status, Times, WebHdfs};
use pnda::words::application as told;
use pnda::words::housekeeping::{Cleaning, Entry, Kind};
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const DAY_MS: u64 = 86_400_000;

/// HDFS as it is asked by hand.
pub(super) struct Disk {
    /// `host:port` of the NameNode.
    address: String,
    folders: toml::Table,
}

impl Disk {
    pub(super) fn of(folder: &Path) -> Disk {
        let config = std::fs::read_to_string(folder.join("node/etc/pnda/applications.toml")).unwrap();
        let folders: toml::Table = config.parse().unwrap();
        let web = folders["name_nodes"][0].as_str().unwrap();
        Disk { address: web.strip_prefix("http://").unwrap().to_owned(), folders }
    }

    fn folder(&self, name: &str) -> String {
        let url = self.folders[name].as_str().unwrap();
        url.strip_prefix(self.folders["filesystem"].as_str().unwrap()).unwrap_or(url).to_owned()
    }

    fn as_user(&self, user: &str) -> WebHdfs {
        WebHdfs::of_several(&[format!("http://{}", self.address)], User::simple(user), Times::default()).unwrap()
    }

    fn list(&self, folder: &str) -> Vec<Status> {
        self.as_user(self.folders["user"].as_str().unwrap()).list(folder).unwrap().unwrap_or_default()
    }

    pub(super) fn lies(&self, path: &str) -> bool {
        self.as_user(self.folders["user"].as_str().unwrap()).status(path).unwrap().is_some()
    }

    /// Has something be that old.
    fn age(&self, path: &str, owner: &str, days: u64) {
        let answer = self.try_to_age(path, owner, days);
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
    }

    /// The same for what may be gone, which only HDFS's own clients can say.
    pub(super) fn try_to_age(&self, path: &str, owner: &str, days: u64) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
        let at = now - days * DAY_MS;
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let query = format!("op=SETTIMES&modificationtime={at}&accesstime=-1&user.name={owner}");
        write!(stream, "PUT /webhdfs/v1{path}?{query} HTTP/1.0\r\ncontent-length: 0\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

fn clean(folder: &Path, more: &[&str]) -> Cleaning {
    let text = app_does(folder, &[&["clean", "--json"], more].concat());
    serde_json::from_str(text.get(text.find('{').unwrap()..).unwrap()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn going(found: &Cleaning) -> BTreeSet<String> {
    found.entries.iter().filter(|one| one.goes).map(|one| one.path.clone()).collect()
}

fn of_kind(found: &Cleaning, kind: Kind) -> Vec<&Entry> {
    found.entries.iter().filter(|one| one.kind == kind).collect()
}

fn until_done(folder: &Path) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while clean(folder, &["--dry-run"]).under_way > 0 {
        assert!(Instant::now() < deadline, "nothing is removed");
        sleep(Duration::from_millis(500));
    }
}

/// `states` has stopped after many runs.
pub(super) fn what_nobody_needs_goes_and_nothing_else(folder: &Path) {
    let disk = Disk::of(folder);
    let young = clean(folder, &["--dry-run"]);
    assert!(!young.entries.iter().any(|one| one.goes), "{young:?}");

    let checkpoints = of_kind(&young, Kind::Checkpoints);
    let of_states: Vec<&&Entry> = checkpoints.iter().filter(|one| one.path.contains("/states/machine/")).collect();
    assert!(of_states.len() > 3, "{young:?}");
    of_states.iter().for_each(|one| disk.age(&one.path, &one.owner, 60));
    let archive = disk.folder("archive");
    for one in disk.list(&archive) {
        disk.age(&format!("{archive}/{}", one.path_suffix), &one.owner, 60);
    }
    // A run that YARN says is over, of which something was left; a release that another one took the place of.
    let last = component(folder, "states");
    let (owner, id) = (of_states[0].owner.clone(), last.yarn_id.clone().unwrap());
    let staged = format!("/user/{owner}/.flink/{id}");
    disk.as_user(&owner).make_folder(&staged, "700").unwrap();
    disk.age(&staged, &owner, 1);
    let user = disk.folders["user"].as_str().unwrap();
    let releases: Vec<&Entry> = of_kind(&young, Kind::Distribution);
    let configured = releases.iter().filter(|one| one.why.contains("is configured with it"));
    configured.for_each(|one| disk.age(&one.path, &one.owner, 100));
    let release = format!("{}/1.20.0-0123456789abcdef", releases[0].path.rsplit_once('/').unwrap().0);
    disk.as_user(user).make_folder(&release, "755").unwrap();
    disk.age(&release, user, 200);

    let dry = clean(folder, &["--dry-run"]);
    let due = going(&dry);
    assert!(due.contains(&staged) && due.contains(&release), "{dry:?}");
    let kept: Vec<&Entry> = of_kind(&dry, Kind::Checkpoints).into_iter().filter(|one| !one.goes).collect();
    assert!(kept.iter().any(|one| one.why.contains("it is of the last run of states/machine")), "{dry:?}");
    assert!(due.iter().any(|path| path.contains("/states/machine/")), "{dry:?}");
    assert!(due.iter().any(|path| path.starts_with(&archive)), "{dry:?}");
    assert!(due.iter().all(|path| disk.lies(path)), "a dry run removes nothing");
    let told = app_does(folder, &["clean", "--dry-run"]);
    assert!(told.contains(&staged) && told.contains("YARN says") && told.contains("would be removed"), "{told}");

    assert_eq!(going(&clean(folder, &[])), due);
    until_done(folder);
    let left: Vec<&String> = due.iter().filter(|path| disk.lies(path)).collect();
    assert_eq!(left, [""; 0]);
    for one in dry.entries.iter().filter(|one| !one.goes && one.path.starts_with("/") && one.kind != Kind::Leftover) {
        assert!(disk.lies(&one.path), "{one:?}");
    }
    let history = app_does(folder, &["history", "states"]);
    assert!(history.contains("housekeeping has removed it"), "{history}");

    // It begins from its state, and while it runs nothing of it goes, however old that looks.
    app_does(folder, &["start", "states", "--wait"]);
    let running = component(folder, "states");
    assert!(running.state == told::State::Running && running.restored_from.is_some(), "{running:?}");
    let own = format!("/user/{owner}/.flink/{}", running.yarn_id.unwrap());
    disk.age(&own, &owner, 60);
    let found = clean(folder, &[]);
    let one = found.entries.iter().find(|one| one.path == own).unwrap_or_else(|| panic!("{found:?}"));
    assert!(!one.goes && one.why.contains("runs"), "{one:?}");
    until_done(folder);
    assert!(disk.lies(&own));
    app_does(folder, &["stop", "states", "--wait"]);
    assert_eq!(component(folder, "states").state, told::State::Stopped);
}
