//! A NameNode and a DataNode in one scripted server that keeps its files in memory, and what the client makes of them.
//! It answers as Hadoop 3.4 does, including its refusals; the real one is tried in `tests/clients`.
//! Not here: what an install puts there.

use super::*;
use crate::Request;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use url::Url;

/// A file or a folder in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    pub bytes: Option<Vec<u8>>,
    pub owner: String,
    pub group: String,
    pub mode: String,
    pub modified: u64,
    pub note: Option<(String, String)>,
}

/// What the server knows and does.
#[derive(Debug, Default)]
pub struct World {
    pub nodes: BTreeMap<String, Node>,
    /// Requests that are answered with this exception, while there are any left.
    pub refuse: Vec<(&'static str, &'static str, usize)>,
    /// After so many changes none is made any more, as if whoever makes them had been killed.
    pub changes_left: Option<usize>,
    /// `OPERATION /path` of every change.
    pub changes: Vec<String>,
    /// Whether another NameNode is the active one.
    pub stands_by: bool,
    /// `USER /path`: who may not do what he asks about.
    pub barred: Vec<String>,
    /// When the next change is made is a moment after this.
    pub clock: u64,
}

/// The running server; it ends with the test's process.
#[derive(Debug, Clone)]
pub struct Fake {
    pub web: String,
    pub world: Arc<Mutex<World>>,
}

impl Fake {
    pub fn start() -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let web = format!("http://{}", listener.local_addr().unwrap());
        let root = Node {
            bytes: None,
            owner: "hdfs".into(),
            group: "hadoop".into(),
            mode: "755".into(),
            modified: 0,
            note: None,
        };
        let world = World { nodes: BTreeMap::from([("/".to_owned(), root)]), ..World::default() };
        let fake = Fake { web, world: Arc::new(Mutex::new(world)) };
        let served = fake.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let fake = served.clone();
                std::thread::spawn(move || fake.talk(&stream.unwrap()));
            }
        });
        fake
    }

    pub fn client(&self) -> WebHdfs {
        WebHdfs::new(&self.web, "hdfs", Times::default()).unwrap()
    }

    /// Every path with owner, mode and text.
    pub fn listing(&self) -> Vec<String> {
        let line = |(path, node): (&String, &Node)| {
            let text = node.bytes.as_ref().map_or("/".into(), |bytes| String::from_utf8_lossy(bytes).into_owned());
            format!("{path} {}:{} {} {text}", node.owner, node.group, node.mode)
        };
        self.world.lock().unwrap().nodes.iter().map(line).collect()
    }

    pub fn changes(&self) -> Vec<String> {
        std::mem::take(&mut self.world.lock().unwrap().changes)
    }

    pub fn refuse(&self, exception: &'static str, message: &'static str, times: usize) {
        self.world.lock().unwrap().refuse.push((exception, message, times));
    }

    fn talk(&self, stream: &TcpStream) {
        let mut reader = BufReader::new(stream);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            let mut length = 0;
            loop {
                let mut header = String::new();
                reader.read_line(&mut header).unwrap();
                if header.trim().is_empty() {
                    break;
                }
                if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let mut words = line.split(' ').map(str::to_owned);
            let method = words.next().unwrap();
            let url = Url::parse(&self.web).unwrap().join(&words.next().unwrap()).unwrap();
            if { stream }.write_all(&self.answer_to(&Request { method, url, body })).is_err() {
                return;
            }
        }
    }

    /// The bytes of the answer to a request, with or without a connection. DataNodes are where the NameNode is asked.
    pub fn answer_to(&self, request: &Request) -> Vec<u8> {
        let (status, bytes) = match self.bytes(&request.url) {
            Some(bytes) => (200, bytes),
            None => {
                let (status, text) = self.answer(&request.url, request.body.clone());
                (status, text.into_bytes())
            }
        };
        let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n", bytes.len());
        [head.as_bytes(), &bytes].concat()
    }

    /// What the DataNode gives of a file.
    fn bytes(&self, url: &Url) -> Option<Vec<u8>> {
        let parameters: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
        let is = |name: &str, value: &str| parameters.get(name).is_some_and(|own| own == value);
        if !is("op", "OPEN") || is("noredirect", "true") {
            return None;
        }
        let mut bytes = self.world.lock().unwrap().nodes.get(&path_of(url))?.bytes.clone()?;
        if let Some(offset) = parameters.get("offset") {
            bytes.drain(..bytes.len().min(offset.parse().unwrap()));
        }
        if let Some(length) = parameters.get("length") {
            bytes.truncate(length.parse().unwrap());
        }
        Some(bytes)
    }

    fn answer(&self, url: &Url, body: Vec<u8>) -> (u16, String) {
        let parameters: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
        let get = |name: &str| parameters.get(name).cloned().unwrap_or_default();
        let path = path_of(url);
        let operation = get("op");
        let mut world = self.world.lock().unwrap();
        let changes = !matches!(
            operation.as_str(),
            "GETFILESTATUS" | "LISTSTATUS" | "GETXATTRS" | "OPEN" | "CHECKACCESS" | "GETCONTENTSUMMARY"
        );
        if world.stands_by {
            return exception(403, "StandbyException", "Operation category READ is not supported in state standby");
        }
        if changes && let Some(refuse) = world.refuse.iter_mut().find(|(.., left)| *left > 0) {
            refuse.2 -= 1;
            return exception(403, refuse.0, refuse.1);
        }
        if changes && let Some(left) = &mut world.changes_left {
            match left.checked_sub(1) {
                Some(less) => *left = less,
                None => return exception(500, "IOException", "killed"),
            }
        }
        if changes && (operation != "CREATE" || parameters.contains_key("written")) {
            world.changes.push(format!("{operation} {path}"));
        }
        world.clock += 1;
        let now = world.clock;
        let there = world.nodes.contains_key(&path);
        let node = |bytes, mode: &str| {
            let (owner, group) = (get("user.name"), "hadoop".to_owned());
            Node { bytes, owner, group, mode: mode.trim_start_matches('0').to_owned(), modified: now, note: None }
        };
        match operation.as_str() {
            "MKDIRS" => {
                let made = node(None, &get("permission"));
                for folder in ancestors(&path) {
                    world.nodes.entry(folder).or_insert_with(|| made.clone());
                }
                (200, r#"{"boolean":true}"#.into())
            }
            "CREATE" if get("noredirect") == "true" => {
                let (user, mode, over) = (get("user.name"), get("permission"), get("overwrite"));
                let query = format!("op=CREATE&user.name={user}&permission={mode}&overwrite={over}");
                (200, format!(r#"{{"Location":"{}{}?{query}&written=yes"}}"#, web_of(url), url.path()))
            }
            "CREATE" if there && get("overwrite") == "false" => {
                exception(403, "FileAlreadyExistsException", &format!("{path} for client 127.0.0.1 already exists"))
            }
            "CREATE" => {
                for folder in ancestors(&path) {
                    world.nodes.entry(folder).or_insert_with(|| node(None, "755"));
                }
                world.nodes.insert(path, node(Some(body), &get("permission")));
                (201, String::new())
            }
            "DELETE" => {
                let below = format!("{path}/");
                world.nodes.retain(|name, _| *name != path && !name.starts_with(&below));
                (200, format!(r#"{{"boolean":{there}}}"#))
            }
            "RENAME" => rename(&mut world.nodes, &path, &get("destination"), get("renameoptions") == "NONE"),
            _ if !there => exception(404, "FileNotFoundException", "File does not exist"),
            "OPEN" if world.nodes[&path].bytes.is_none() => {
                exception(404, "FileNotFoundException", &format!("Path is not a file: {path}"))
            }
            "OPEN" => {
                let bounds = ["offset", "length"].into_iter().filter(|name| !get(name).is_empty());
                let bounds: String = bounds.map(|name| format!("&{name}={}", get(name))).collect();
                (200, format!(r#"{{"Location":"{}{}?op=OPEN{bounds}"}}"#, web_of(url), url.path()))
            }
            "GETFILESTATUS" => (200, format!(r#"{{"FileStatus":{}}}"#, json("", &world.nodes[&path]))),
            "GETCONTENTSUMMARY" => {
                let below = format!("{path}/");
                let all = world.nodes.iter().filter(|(name, _)| **name == path || name.starts_with(&below));
                let length: usize = all.filter_map(|(_, node)| node.bytes.as_ref()).map(Vec::len).sum();
                (200, format!(r#"{{"ContentSummary":{{"length":{length}}}}}"#))
            }
            "CHECKACCESS" if world.barred.contains(&format!("{} {path}", get("user.name"))) => {
                exception(403, "AccessControlException", "Permission denied")
            }
            "CHECKACCESS" => (200, String::new()),
            "LISTSTATUS" => {
                let prefix = format!("{}/", path.trim_end_matches('/'));
                let inside = world.nodes.iter().filter_map(|(name, node)| {
                    let rest = name.strip_prefix(&prefix).filter(|rest| !rest.is_empty() && !rest.contains('/'))?;
                    Some(json(rest, node))
                });
                let list = inside.collect::<Vec<_>>().join(",");
                (200, format!(r#"{{"FileStatuses":{{"FileStatus":[{list}]}}}}"#))
            }
            "SETPERMISSION" => {
                let mode = get("permission").trim_start_matches('0').to_owned();
                world.nodes.get_mut(&path).unwrap().mode = mode;
                (200, String::new())
            }
            "SETOWNER" => {
                let node = world.nodes.get_mut(&path).unwrap();
                (node.owner, node.group) = (get("owner"), get("group"));
                (200, String::new())
            }
            "SETXATTR" => {
                let value = get("xattr.value").trim_matches('"').to_owned();
                world.nodes.get_mut(&path).unwrap().note = Some((get("xattr.name"), value));
                (200, String::new())
            }
            "GETXATTRS" => {
                let note = |(name, value): &(String, String)| format!(r#"{{"name":"{name}","value":"\"{value}\""}}"#);
                let list = world.nodes[&path].note.as_ref().map(note).unwrap_or_default();
                (200, format!(r#"{{"XAttrs":[{list}]}}"#))
            }
            other => exception(400, "IllegalArgumentException", &format!("Invalid value for op: {other}")),
        }
    }
}

/// Without an option HDFS says no by `false`, and moves into a folder that is there.
fn rename(nodes: &mut BTreeMap<String, Node>, from: &str, to: &str, strict: bool) -> (u16, String) {
    let mut to = to.to_owned();
    let name = from.rsplit('/').next().unwrap_or_default();
    if !strict && nodes.get(&to).is_some_and(|node| node.bytes.is_none()) {
        to = format!("{}/{name}", to.trim_end_matches('/'));
    }
    let parent = to.rsplit_once('/').map_or("", |(parent, _)| parent);
    let (there, free) = (nodes.contains_key(from), !nodes.contains_key(&to));
    let has_parent = parent.is_empty() || nodes.contains_key(parent);
    let good = there && free && has_parent;
    let below = format!("{from}/");
    let names: Vec<String> = nodes.keys().filter(|name| *name == from || name.starts_with(&below)).cloned().collect();
    for name in names.into_iter().filter(|_| good) {
        let node = nodes.remove(&name).unwrap();
        nodes.insert(format!("{to}{}", &name[from.len()..]), node);
    }
    match (strict, good) {
        (false, _) => (200, format!(r#"{{"boolean":{good}}}"#)),
        (true, true) => (200, String::new()),
        (true, false) if !there => {
            exception(404, "FileNotFoundException", &format!("rename source {from} is not found."))
        }
        (true, false) if free => {
            exception(404, "FileNotFoundException", &format!("rename destination parent {to} not found."))
        }
        (true, false) => {
            exception(403, "FileAlreadyExistsException", &format!("rename destination {to} already exists"))
        }
    }
}

fn web_of(url: &Url) -> String {
    url.origin().ascii_serialization()
}

fn path_of(url: &Url) -> String {
    let raw = url.path().trim_start_matches("/webhdfs/v1").trim_end_matches('/');
    let raw = if raw.is_empty() { "/" } else { raw };
    percent_encoding::percent_decode_str(raw).decode_utf8().unwrap().into_owned()
}

fn ancestors(path: &str) -> Vec<String> {
    let ends = path.match_indices('/').map(|(at, _)| at).skip(1).chain([path.len()]);
    ends.map(|end| path[..end].to_owned()).collect()
}

fn exception(status: u16, kind: &str, message: &str) -> (u16, String) {
    (status, format!(r#"{{"RemoteException":{{"exception":"{kind}","javaClassName":"x","message":"{message}"}}}}"#))
}

fn json(name: &str, node: &Node) -> String {
    let kind = if node.bytes.is_some() { "FILE" } else { "DIRECTORY" };
    let length = node.bytes.as_ref().map_or(0, Vec::len);
    format!(
        r#"{{"accessTime":0,"blockSize":0,"childrenNum":0,"fileId":1,"group":"{}","length":{length},"modificationTime":{},"owner":"{}","pathSuffix":"{name}","permission":"{}","replication":1,"storagePolicy":0,"type":"{kind}"}}"#,
        node.group, node.modified, node.owner, node.mode
    )
}

#[test]
fn a_file_goes_to_the_datanode_that_the_namenode_names() {
    let fake = Fake::start();
    let hdfs = fake.client();
    hdfs.make_folder("/a/b c", "0750").unwrap();
    hdfs.write("/a/b c/100%", "0640", 5, &mut &b"hello"[..]).unwrap();
    let tree = hdfs.tree("/a").unwrap().unwrap();
    let names: Vec<(&str, bool)> = tree.iter().map(|(name, status)| (name.as_str(), status.is_folder())).collect();
    assert_eq!(names, [("b c", true), ("b c/100%", false)]);
    let file = &tree["b c/100%"];
    assert_eq!((file.length, file.mode(), file.owner.as_str()), (5, Some(0o640), "hdfs"));
    assert_eq!((hdfs.status("/b").unwrap(), hdfs.list("/b").unwrap(), hdfs.tree("/b").unwrap()), (None, None, None));
}

#[test]
fn what_is_there_can_be_moved_given_away_and_removed() {
    let fake = Fake::start();
    let hdfs = fake.client();
    hdfs.make_folder("/a", "0700").unwrap();
    hdfs.set_mode("/a", "1777").unwrap();
    hdfs.set_owner("/a", "pnda", "users").unwrap();
    hdfs.set_note("/a", "user.pnda", "one two").unwrap();
    hdfs.set_note("/a", "user.pnda", "three").unwrap();
    hdfs.rename("/a", "/b").unwrap();
    assert_eq!(hdfs.note("/b", "user.pnda").unwrap().as_deref(), Some("three"));
    assert_eq!(hdfs.note("/b", "user.other").unwrap(), None);
    assert_eq!(fake.listing()[1], "/b pnda:users 1777 /");
    assert!(matches!(hdfs.rename("/b", "/"), Err(Error::Declined { verb: "rename", .. })));
    hdfs.delete("/b").unwrap();
    hdfs.delete("/b").unwrap();
    assert_eq!(fake.listing().len(), 1);
}

#[test]
fn what_passes_is_told_apart_from_what_stays() {
    let fake = Fake::start();
    let hdfs = fake.client();
    let refusals = [
        ("SafeModeException", "Cannot create directory /a. Name node is in safe mode.", true),
        ("RetriableException", "NameNode is in startup mode", true),
        ("IOException", "Failed to find datanode, suggest to check cluster health.", true),
        ("StandbyException", "Operation category WRITE is not supported in state standby", false),
        ("AccessControlException", "Permission denied: user=x\\n\\tat org.example", false),
    ];
    for (kind, message, passes) in refusals {
        fake.refuse(kind, message, 1);
        let error = hdfs.make_folder("/a", "0755").unwrap_err();
        assert_eq!(error.is_passing(), passes, "{error}");
        assert!(!error.to_string().contains("org.example"), "{error}");
    }
    hdfs.make_folder("/a", "0755").unwrap();
}

#[test]
fn a_file_that_shrinks_while_it_is_sent_is_an_error() {
    let fake = Fake::start();
    let error = fake.client().write("/a", "0644", 10, &mut &b"short"[..]).unwrap_err();
    assert!(matches!(error, Error::Read { .. }), "{error}");
}

#[test]
fn an_address_is_a_host_and_a_port() {
    for bad in ["hdfs://manager:8020", "http://manager:9870/webhdfs", "manager", "http://u:p@manager:9870"] {
        assert!(matches!(WebHdfs::new(bad, "hdfs", Times::default()), Err(Error::Address { .. })), "{bad}");
    }
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = WebHdfs::new(&format!("http://{nobody}"), "hdfs", Times::default()).unwrap().status("/").unwrap_err();
    assert!(error.is_passing() && error.to_string().contains("does not answer at http://127.0.0.1"), "{error}");
}

#[test]
fn a_file_is_read_whole_or_not_at_all() {
    let fake = Fake::start();
    let hdfs = fake.client();
    hdfs.write("/a/100% b", "0644", 5, &mut &b"hello"[..]).unwrap();
    assert_eq!(hdfs.read("/a/100% b", 5).unwrap().as_deref(), Some(&b"hello"[..]));
    assert!(matches!(hdfs.read("/a/100% b", 4), Err(Error::TooLong { limit: 4, .. })));
    assert_eq!(hdfs.read("/nothing", 5).unwrap(), None);
    assert!(matches!(hdfs.read("/a", 5), Err(Error::Refused { .. })), "a folder is there, and is no file");
    assert!(hdfs.open("/nothing").unwrap().is_none());
    let mut text = String::new();
    hdfs.open("/a/100% b").unwrap().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "hello");
    hdfs.write("/empty", "0644", 0, &mut &b""[..]).unwrap();
    assert_eq!(hdfs.read("/empty", 0).unwrap(), Some(Vec::new()));
}

#[test]
fn a_file_that_is_there_is_not_created_over() {
    let fake = Fake::start();
    let hdfs = fake.client().as_user(&User::simple("alice"));
    hdfs.create("/a", "0600", b"first").unwrap();
    assert!(matches!(hdfs.create("/a", "0600", b"second"), Err(Error::Exists { path }) if path == "/a"));
    assert_eq!(fake.listing()[1], "/a alice:hadoop 600 first");
    for (from, to) in [("/b", "/a"), ("/folder", "/other"), ("/folder", "/a")] {
        hdfs.make_folder("/folder/inner", "0755").unwrap();
        hdfs.make_folder("/other", "0755").unwrap();
        hdfs.write("/b", "0600", 1, &mut &b"x"[..]).unwrap();
        assert!(matches!(hdfs.rename_to_free(from, to), Err(Error::Exists { path }) if path == to), "{from} {to}");
    }
    hdfs.rename_to_free("/folder", "/new").unwrap();
    assert!(hdfs.status("/new/inner").unwrap().is_some() && hdfs.status("/folder").unwrap().is_none());
    assert!(matches!(hdfs.rename_to_free("/folder", "/new2"), Err(Error::Refused { .. })));
    assert!(matches!(hdfs.rename("/folder", "/new2"), Err(Error::Declined { .. })), "what is not there is not moved");
    hdfs.rename("/new", "/other").unwrap();
    assert!(hdfs.status("/other/new/inner").unwrap().is_some(), "into a folder that is there HDFS moves");
    hdfs.delete("/b").unwrap();
    hdfs.create("/b", "0600", b"x").unwrap();
    assert!(matches!(hdfs.rename("/b", "/a"), Err(Error::Declined { .. })), "a file that is there is not renamed over");
    assert_eq!(hdfs.read("/a", 9).unwrap().as_deref(), Some(&b"first"[..]));
}

#[test]
fn of_several_namenodes_the_active_one_is_found_and_found_anew() {
    let (one, other) = (Fake::start(), Fake::start());
    let nobody = format!("http://{}", TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap());
    let stand_by = |fake: &Fake, stands_by| fake.world.lock().unwrap().stands_by = stands_by;
    stand_by(&one, true);
    let all = [nobody.as_str(), &one.web, &other.web];
    let hdfs = WebHdfs::of_several(&all, User::simple("hdfs"), Times::default()).unwrap();
    hdfs.make_folder("/a", "0755").unwrap();
    hdfs.write("/a/b", "0644", 1, &mut &b"x"[..]).unwrap();
    assert_eq!((hdfs.address(), other.listing().len(), one.listing().len()), (other.web.as_str(), 3, 1));
    stand_by(&one, false);
    stand_by(&other, true);
    hdfs.make_folder("/c", "0755").unwrap();
    assert_eq!((hdfs.address(), one.listing().len()), (one.web.as_str(), 2));
    stand_by(&one, true);
    let error = hdfs.status("/a").unwrap_err();
    assert!(error.is_passing() && error.to_string().contains("it stands by"), "{error}");
    assert!(all.iter().all(|address| error.to_string().contains(address)), "{error}");
    assert!(matches!(one.client().status("/a"), Err(Error::Standby { .. })));
}

#[test]
fn what_is_no_address_of_a_datanode_is_not_gone_to() {
    for bad in ["file:///etc/passwd", "hdfs://x/", "", "x"] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let web = format!("http://{}", listener.local_addr().unwrap());
        let body = format!(r#"{{"Location":"{bad}"}}"#);
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = write!(stream, "HTTP/1.1 200 x\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        });
        let error = WebHdfs::new(&web, "hdfs", Times::default()).unwrap().read("/a", 9).unwrap_err();
        assert!(matches!(error, Error::Answer { .. }), "{error}");
    }
}
