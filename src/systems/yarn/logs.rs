//! The logs of a container, from the NodeManager that has it: which there are, the end of one, or a piece from somewhere on.
//! A NodeManager only gives beginnings and ends, within a frame that says how long the log is; pieces are cut out of these.
//! Not here: which node has a container (the ResourceManager says it), and logs that were brought to HDFS.

use crate::call::{Caller, Cut, Lost, Method, Question, Times};
use crate::hadoop::User;
use crate::lenient::{self, Many};
use serde::Deserialize;
use url::Url;
use words::ids::{ContainerId, HostPort};
use words::names::SafePath;

/// A container with thousands of files has a shorter list.
const LONGEST_LIST: u64 = 4 << 20;
/// What stands before a log in its frame.
const LONGEST_FRAME: u64 = 8 << 10;
/// The last line before the log itself.
const CONTENTS: &[u8] = b"\nLogContents:\n";
/// A log may grow by so much between two questions without a gap.
const GROWTH: u64 = 256 << 10;

/// Why a log was not told.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody answers, or not to the end.
    #[error("the NodeManager at {address} does not give the logs of {container} ({why})")]
    Silent { address: String, container: ContainerId, why: String },
    /// A name that no file can have.
    #[error("`{}` is no name of a log", words::shown::shown(name))]
    Name { name: String },
    /// It refuses, or it is no NodeManager.
    #[error("the NodeManager at {address} does not tell of the logs of {container}: {why}")]
    Answer { address: String, container: ContainerId, why: String },
}

/// A log of a container.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LogFile {
    /// Its name.
    #[serde(rename = "fileName")]
    pub name: String,
    /// Its bytes.
    #[serde(default, rename = "fileSize", deserialize_with = "lenient::number")]
    pub size: u64,
}

/// A piece of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// How many bytes lie before it.
    pub from: u64,
    /// How long the log was then. Less than what was asked for begins a new log.
    pub length: u64,
}

/// The logs on one node.
#[derive(Debug, Clone)]
pub struct NodeLogs {
    address: String,
    caller: Caller,
    reader: Option<User>,
}

impl NodeLogs {
    /// Those of the NodeManager at an address: `node_http_address` of an attempt or a container.
    pub fn new(node: &HostPort, times: Times) -> NodeLogs {
        NodeLogs::through(Caller::new(times), node)
    }

    /// The same, asked by somebody.
    pub fn through(caller: Caller, node: &HostPort) -> NodeLogs {
        NodeLogs { address: format!("http://{node}"), caller, reader: None }
    }

    /// The same, read as somebody.
    pub fn reading_as(self, user: User) -> NodeLogs {
        NodeLogs { reader: Some(user), ..self }
    }

    /// The logs that a container has, by name; none if the node has none of it any more.
    pub fn list(&self, container: &ContainerId) -> Result<Option<Vec<LogFile>>, Error> {
        let url = self.url(container, &["containers", container.as_str(), "logs"], None)?;
        let question = Question { method: Method::Get, url: &url, body: None, longest: LONGEST_LIST };
        let Some(bytes) = self.sort(container, self.caller.ask(&question))? else { return Ok(None) };
        let told: Told = serde_json::from_slice(&bytes).map_err(|error| self.odd(container, error.to_string()))?;
        let local = told.logs.0.into_iter().filter(|logs| logs.kind.as_deref().is_none_or(|kind| kind == "LOCAL"));
        let mut list: Vec<LogFile> = local.flat_map(|logs| logs.list.0).filter(|log| is_name(&log.name)).collect();
        list.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(Some(list))
    }

    /// The last bytes of a log; none if the node has it no more.
    pub fn last(&self, container: &ContainerId, name: &str, most: u64) -> Result<Option<Piece>, Error> {
        self.end(container, name, most.max(1), most)
    }

    /// A log from a byte on. What it grew by in between beyond a bound is left out: `from` then says where it begins.
    pub fn from(&self, container: &ContainerId, name: &str, from: u64, most: u64) -> Result<Option<Piece>, Error> {
        let Some(Piece { length, .. }) = self.end(container, name, 1, 1)? else { return Ok(None) };
        if length <= from {
            return Ok(Some(Piece { bytes: Vec::new(), from, length }));
        }
        let Some(mut piece) =
            self.end(container, name, (length - from).saturating_add(GROWTH), most.saturating_add(GROWTH))?
        else {
            return Ok(None);
        };
        let before = from.saturating_sub(piece.from).min(piece.bytes.len() as u64);
        piece.bytes.drain(..usize::try_from(before).unwrap_or(usize::MAX));
        piece.bytes.truncate(usize::try_from(most).unwrap_or(usize::MAX));
        piece.from += before;
        Ok(Some(piece))
    }

    /// The first `most` of the last `size` bytes.
    fn end(&self, container: &ContainerId, name: &str, size: u64, most: u64) -> Result<Option<Piece>, Error> {
        if !is_name(name) {
            return Err(Error::Name { name: name.to_owned() });
        }
        let url = self.url(container, &["containerlogs", container.as_str(), name], Some(size))?;
        let answer = self.caller.beginning(&url, most.saturating_add(LONGEST_FRAME));
        let Some(bytes) = self.sort(container, answer)? else { return Ok(None) };
        let piece = unframed(bytes, size, most);
        let why = "it does not say how long a log is, as Hadoop does from 2.8 on";
        piece.map(Some).ok_or_else(|| self.odd(container, why.to_owned()))
    }

    fn url(&self, container: &ContainerId, path: &[&str], size: Option<u64>) -> Result<Url, Error> {
        let mut url: Url = self.address.parse().map_err(|_| self.odd(container, "it has no address".to_owned()))?;
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.clear().extend(["ws", "v1", "node"].iter().chain(path));
        }
        if let Some(size) = size {
            url.query_pairs_mut().append_pair("size", &format!("-{size}"));
        }
        if let Some(user) = &self.reader {
            user.sign(&mut url);
        }
        Ok(url)
    }

    /// A redirect leads to a server that keeps the logs of what has ended: it is not followed, for nobody named that one to us.
    fn sort(
        &self,
        container: &ContainerId,
        answer: Result<crate::call::Answer, Lost>,
    ) -> Result<Option<Vec<u8>>, Error> {
        let silent = |why: String| {
            let (address, container) = (self.address.clone(), container.clone());
            Error::Silent { address, container, why }
        };
        let answer = answer.map_err(|(Lost::NotSent(why) | Lost::Sent(why))| silent(why))?;
        match (answer.status, answer.body) {
            (200, Ok(bytes)) => Ok(Some(bytes)),
            (200, Err(cut @ Cut::TooLong(_))) => Err(self.odd(container, cut.to_string())),
            (200, Err(cut)) => Err(silent(cut.to_string())),
            // What a NodeManager answers of what has ended: 503 for a list, 404 and 307 for a file (measured).
            (307 | 404 | 503, _) => Ok(None),
            (status, _) => Err(self.odd(container, format!("status {status}"))),
        }
    }

    fn odd(&self, container: &ContainerId, why: String) -> Error {
        Error::Answer { address: self.address.clone(), container: container.clone(), why }
    }
}

fn is_name(name: &str) -> bool {
    SafePath::new(name).is_ok_and(|path| path.as_str() == path.file_name())
}

/// Takes the last `size` bytes of a log, as far as they are there, out of their frame. What follows a log is not of it.
fn unframed(mut bytes: Vec<u8>, size: u64, most: u64) -> Option<Piece> {
    let head = bytes.get(..bytes.len().min(LONGEST_FRAME as usize))?;
    let end = head.windows(CONTENTS.len()).position(|window| window == CONTENTS)?;
    let frame = std::str::from_utf8(&head[..end]).ok()?;
    let length: u64 = frame.lines().find_map(|line| line.strip_prefix("LogLength:"))?.trim().parse().ok()?;
    let own = size.min(length);
    bytes.drain(..end + CONTENTS.len());
    bytes.truncate(usize::try_from(own.min(most)).unwrap_or(usize::MAX));
    Some(Piece { bytes, from: length - own, length })
}

/// `/containers/ID/logs`: those on the node, and those that were brought to HDFS already.
#[derive(Deserialize)]
struct Told {
    #[serde(rename = "containerLogsInfo", alias = "containerLogsInfoes")]
    logs: Many<Logs>,
}

#[derive(Deserialize)]
struct Logs {
    #[serde(default, rename = "containerLogInfo")]
    list: Many<LogFile>,
    #[serde(default, rename = "logAggregationType")]
    kind: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripted::{Request, Scripted, http};
    use std::sync::{Arc, Mutex};

    fn container() -> ContainerId {
        ContainerId::new("container_1796023296291_0021_01_000001").unwrap()
    }

    fn logs_of(server: &Scripted) -> NodeLogs {
        NodeLogs::new(&server.address.trim_start_matches("http://").parse().unwrap(), Times::default())
    }

    fn capture(name: &str) -> serde_json::Value {
        let file = format!("{}/../../tests/fixtures/yarn/{name}.json", env!("CARGO_MANIFEST_DIR"));
        serde_json::from_str::<serde_json::Value>(&std::fs::read_to_string(file).unwrap()).unwrap()["answer"].take()
    }

    /// What a NodeManager of 3.4 makes of a log, with another one after it that was brought to HDFS.
    fn framed(log: &[u8], request: &Request) -> Vec<u8> {
        let size = request.parameter("size").trim_start_matches('-').parse::<usize>().unwrap();
        let (length, end) = (log.len(), String::from_utf8_lossy(&log[log.len() - size.min(log.len())..]).into_owned());
        let head = format!("Container: {} on a:1\nLogAggregationType: LOCAL\n===\nLogType:x\n", container());
        let foot = "End of LogType:x.\n***\n\nContainer: y\nLogLength:9\nLogContents:\nnot of it";
        http(200, "", &format!("{head}LogLastModifiedTime:Mon\nLogLength:{length}\nLogContents:\n{end}{foot}"))
    }

    #[test]
    fn a_real_node_manager_is_understood() {
        let list = capture("logs");
        let server = Scripted::start(move |_| http(200, "", &list.to_string()));
        let list = logs_of(&server).list(&container()).unwrap().unwrap();
        let log = list.iter().find(|log| log.name == "jobmanager.log").unwrap();
        assert_eq!((list.len(), list[0].name.as_str(), log.size), (7, "directory.info", 63483));
        let tail = capture("log-tail");
        let server = Scripted::start(move |_| http(200, "", tail.as_str().unwrap()));
        let piece = logs_of(&server).last(&container(), "jobmanager.log", 300).unwrap().unwrap();
        assert_eq!((piece.from, piece.length, piece.bytes.len()), (63183, 63483, 300));
        let text = String::from_utf8(piece.bytes).unwrap();
        assert!(text.starts_with("ordinator") && text.ends_with("for source Source: src.\n"), "{text}");
        let path = format!("GET /ws/v1/node/containerlogs/{}/jobmanager.log?size=-300", container());
        assert_eq!(server.asked(), [path]);
    }

    #[test]
    fn a_log_is_read_piece_by_piece_while_it_grows() {
        let log = Arc::new(Mutex::new(b"LogContents:\n0123456789".to_vec()));
        let served = log.clone();
        let server = Scripted::start(move |request| {
            let mut log = served.lock().unwrap();
            let answer = framed(&log, request);
            log.extend(b"+");
            answer
        });
        let logs = logs_of(&server);
        let piece = |from, most| logs.from(&container(), "x", from, most).unwrap().unwrap();
        let read = |from, most| String::from_utf8(piece(from, most).bytes).unwrap();
        assert_eq!((read(0, 15).as_str(), read(13, 4).as_str()), ("LogContents:\n01", "0123"));
        let end = piece(20, 100);
        assert_eq!((end.bytes.as_slice(), end.from, end.length), (&b"789+++++"[..], 20, 28));
        assert_eq!(logs.last(&container(), "x", 2).unwrap().unwrap().bytes, b"++");
        let beyond = piece(1000, 5);
        assert_eq!((beyond.bytes.len(), beyond.from), (0, 1000));
        assert!(beyond.length < 1000, "a log that is shorter than what was read of it is another one");
        log.lock().unwrap().clear();
        assert_eq!(piece(0, 5).bytes, b"");
    }

    #[test]
    fn a_log_that_grew_by_much_says_where_its_piece_begins() {
        let log = Mutex::new(vec![b'a'; 10]);
        let server = Scripted::start(move |request| {
            let mut log = log.lock().unwrap();
            let answer = framed(&log, request);
            log.extend(vec![b'b'; GROWTH as usize + 5]);
            answer
        });
        let piece = logs_of(&server).from(&container(), "x", 10, 7).unwrap().unwrap();
        assert_eq!((piece.from, piece.bytes.len()), (10, 0), "the end is where it was");
        let piece = logs_of(&server).from(&container(), "x", 10, 7).unwrap().unwrap();
        assert_eq!((piece.from, piece.bytes.as_slice()), (15, &b"bbbbbbb"[..]), "five bytes are left out");
    }

    #[test]
    fn a_node_that_has_nothing_any_more_is_told_from_one_that_does_not_answer() {
        let gone = Scripted::start(|_| http(307, "location: http://10.9.9.9:1/ws/v1/applicationhistory\r\n", ""));
        let logs = logs_of(&gone);
        assert_eq!((logs.list(&container()).unwrap(), logs.last(&container(), "x", 5).unwrap()), (None, None));
        assert_eq!(logs.from(&container(), "x", 3, 5).unwrap(), None);
        let broken = Scripted::start(|_| Vec::new());
        assert!(matches!(logs_of(&broken).list(&container()), Err(Error::Silent { .. })));
        for (status, body) in [(200, "<html>"), (200, "raw log"), (200, ""), (500, "x"), (401, "")] {
            let other = Scripted::start(move |_| http(status, "", body));
            assert!(matches!(logs_of(&other).list(&container()), Err(Error::Answer { .. })), "{status} {body}");
            assert!(matches!(logs_of(&other).last(&container(), "x", 5), Err(Error::Answer { .. })), "{status} {body}");
        }
    }

    #[test]
    fn whatever_comes_is_a_piece_within_its_bounds_or_none() {
        let frame = b"Container: a on b\nLogType:x\nLogLength:30\nLogContents:\n0123456789";
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..20_000 {
            let mut bytes = frame.to_vec();
            for _ in 0..random.usize(..4) {
                let at = random.usize(..bytes.len());
                bytes[at] = random.u8(..);
            }
            bytes.truncate(random.usize(..=bytes.len()));
            let (size, most) = (random.u64(..40), random.u64(..12));
            if let Some(piece) = unframed(bytes, size, most) {
                assert!(piece.bytes.len() as u64 <= most.min(size) && piece.from <= piece.length, "{piece:?}");
            }
        }
        let huge = b"\nLogLength:18446744073709551615\nLogContents:\nx".to_vec();
        assert_eq!(unframed(huge, u64::MAX, u64::MAX).map(|piece| piece.bytes), Some(b"x".to_vec()));
    }

    #[test]
    fn a_name_that_no_log_has_is_neither_asked_for_nor_listed() {
        let told = r#"{"containerLogsInfo":[{"containerLogInfo":[{"fileName":"../x","fileSize":"1"},{"fileName":"a.log","fileSize":2}]},{"logAggregationType":"AGGREGATED","containerLogInfo":{"fileName":"b.log","fileSize":"3"}}]}"#;
        let server = Scripted::start(move |_| http(200, "", told));
        let logs = logs_of(&server).reading_as(User::simple("alice"));
        assert_eq!(logs.list(&container()).unwrap(), Some(vec![LogFile { name: "a.log".into(), size: 2 }]));
        assert!(server.asked()[0].ends_with("/logs?user.name=alice"));
        for bad in ["", "..", "../x", "a/b", "a\nb", "/x"] {
            assert!(matches!(logs.last(&container(), bad, 5), Err(Error::Name { .. })), "{bad}");
        }
        assert!(server.asked().is_empty());
    }
}
