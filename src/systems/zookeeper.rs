//! A client of ZooKeeper for what is left in it: which nodes there are, whether anybody who lives holds one, and removing them.
//! Four requests of its protocol on one connection: a whole client would bring fifty crates and a second event loop along.
//! Not here: watches, locks, making nodes, and authentication: what asks for one is told as such.

use crate::graphite::left;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};
use words::ids::ApplicationId;

#[cfg(any(test, feature = "testing"))]
mod fake;
#[cfg(any(test, feature = "testing"))]
pub use fake::Fake;

/// An answer is shorter.
const LONGEST: usize = 4 << 20;
/// So many nodes are looked at below one.
const MOST: usize = 2000;
/// All that is asked in one session takes no longer than this many answers may: a server that answers ever so slowly holds nobody.
const PATIENCES: u32 = 6;
/// A session that says nothing for so long ends.
const SESSION_MS: i32 = 30_000;
/// Servers of one ensemble.
const MOST_SERVERS: usize = 15;

const EXISTS: i32 = 3;
const DELETE: i32 = 2;
const CHILDREN: i32 = 12;
const CLOSE: i32 = -11;
const NO_NODE: i32 = -101;
const NOT_EMPTY: i32 = -111;
/// Before times and counts of a node come two numbers of transactions, and the times of its making and of its last change.
const TIMES: usize = 16;

/// Why something is not known, or not removed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody answers, or not to its end.
    #[error("ZooKeeper at {server} does not answer")]
    Silent { server: String, source: io::Error },
    /// It refuses.
    #[error("ZooKeeper at {server} refuses to {verb} {path}: {}", reason(*.code))]
    Refused { server: String, verb: &'static str, path: String, code: i32 },
    /// It answers what it never should.
    #[error("ZooKeeper at {server} answers what is not its protocol: {why}")]
    Odd { server: String, why: &'static str },
    /// There is more than anybody keeps.
    #[error("more than {MOST} nodes lie below {path} in ZooKeeper")]
    TooMany { path: String },
    /// Somebody who lives holds it.
    #[error("a session that lives holds {path} in ZooKeeper")]
    Held { path: String },
}

fn reason(code: i32) -> String {
    match code {
        -102 => "it asks for rights that this node does not have".to_owned(),
        -115 | -124 => "it asks for authentication".to_owned(),
        code => format!("error {code}"),
    }
}

impl Error {
    /// Whether it may be otherwise in a moment.
    pub fn is_passing(&self) -> bool {
        matches!(self, Error::Silent { .. } | Error::Refused { code: NOT_EMPTY, .. })
    }
}

/// A node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name below the one that was listed.
    pub name: String,
    /// When its content was changed last, in milliseconds since 1970.
    pub at_ms: u64,
}

/// Servers, and a path on them, as in `one:2181,two:2181/flink`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    servers: Vec<String>,
    path: String,
}

impl Place {
    /// Reads one.
    pub fn parse(text: &str) -> Option<Place> {
        let (servers, path) = text.split_once('/')?;
        let with_port = |server: &str| match server.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() => port.parse::<u16>().ok().map(|_| server.to_owned()),
            Some(_) => None,
            None => (!server.is_empty()).then(|| format!("{server}:2181")),
        };
        let servers: Option<Vec<String>> = servers.split(',').map(|server| with_port(server.trim())).collect();
        let is_path = !path.is_empty() && path.split('/').all(|part| !matches!(part, "" | "." | ".."));
        let servers = servers.filter(|servers| is_path && servers.len() <= MOST_SERVERS)?;
        Some(Place { servers, path: format!("/{path}") })
    }

    /// The nodes right below; none if there is none of this path. An answer may take as long as `patience`, all of them six times that.
    pub fn list(&self, patience: Duration) -> Result<Option<Vec<Node>>, Error> {
        let mut session = Session::begin(&self.servers, patience)?;
        let Some(mut names) = session.children(&self.path)? else { return Ok(None) };
        // The oldest applications come first, and what goes of them makes room for the next, however many others there are.
        names.sort_unstable_by_key(|name| (ApplicationId::new(name.as_str()).is_err(), name.clone()));
        names.truncate(MOST);
        let mut nodes = Vec::new();
        for name in names {
            let found = session.node(&format!("{}/{name}", self.path))?;
            nodes.extend(found.map(|(at_ms, _)| Node { name, at_ms }));
        }
        Ok(Some(nodes))
    }

    /// Removes a node with all that is below it, where it was changed last at that moment and nobody who lives holds any of it.
    /// Gives whether it is gone.
    pub fn remove(&self, at_ms: u64, patience: Duration) -> Result<bool, Error> {
        let mut session = Session::begin(&self.servers, patience)?;
        let Some((found_ms, _)) = session.node(&self.path)? else { return Ok(true) };
        if found_ms != at_ms {
            return Ok(false);
        }
        let all = session.below(&self.path)?;
        for path in all.iter().rev() {
            session.delete(path)?;
        }
        Ok(true)
    }
}

/// A connection, which ends when it is dropped.
struct Session {
    stream: TcpStream,
    server: String,
    number: i32,
    patience: Duration,
    end: Instant,
}

impl Session {
    fn begin(servers: &[String], patience: Duration) -> Result<Session, Error> {
        let (mut last, end) = (None, Instant::now() + patience * PATIENCES);
        for server in servers {
            match Session::with(server, patience, end) {
                Ok(session) => return Ok(session),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or(Error::Odd { server: String::new(), why: "there is no server" }))
    }

    fn with(server: &str, patience: Duration, end: Instant) -> Result<Session, Error> {
        let silent = |source| Error::Silent { server: server.to_owned(), source };
        let mut addresses = server.to_socket_addrs().map_err(silent)?;
        let address = addresses.next().ok_or_else(|| silent(io::ErrorKind::NotFound.into()))?;
        let time = left(end).map_err(silent)?.min(patience);
        let stream = TcpStream::connect_timeout(&address, time).map_err(silent)?;
        stream.set_write_timeout(Some(patience)).map_err(silent)?;
        let mut session = Session { stream, server: server.to_owned(), number: 0, patience, end };
        let mut hello = Vec::new();
        hello.extend(0_i32.to_be_bytes());
        hello.extend(0_i64.to_be_bytes());
        hello.extend(SESSION_MS.to_be_bytes());
        hello.extend(0_i64.to_be_bytes());
        hello.extend(16_i32.to_be_bytes());
        hello.extend([0; 16]);
        // One that was cut off from the others may be behind.
        hello.push(0);
        let answer = session.exchange(&hello)?;
        match answer.get(4..8) {
            Some([0, 0, 0, 0]) | None => Err(session.odd("it gives no session")),
            Some(_) => Ok(session),
        }
    }

    /// What is below a path, and the path itself: each before what is in it.
    fn below(&mut self, path: &str) -> Result<Vec<String>, Error> {
        let (mut all, mut next) = (vec![path.to_owned()], 0);
        while let Some(parent) = all.get(next).cloned() {
            if self.node(&parent)?.is_some_and(|(_, is_held)| is_held) {
                return Err(Error::Held { path: path.to_owned() });
            }
            for name in self.children(&parent)?.unwrap_or_default() {
                all.push(format!("{parent}/{name}"));
            }
            if all.len() > MOST {
                return Err(Error::TooMany { path: path.to_owned() });
            }
            next += 1;
        }
        Ok(all)
    }

    /// When a node was changed last, and whether it ends with somebody's session.
    fn node(&mut self, path: &str) -> Result<Option<(u64, bool)>, Error> {
        let Some(answer) = self.ask((EXISTS, "look at"), path, &[0])? else { return Ok(None) };
        // Two numbers of transactions, two times, three versions, the session.
        let number = |at: usize| answer.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map(i64::from_be_bytes);
        let (changed, session) = (number(TIMES + 8), number(TIMES + 16 + 12));
        let (Some(changed), Some(session)) = (changed, session) else { return Err(self.odd("a node is cut off")) };
        Ok(Some((changed.try_into().unwrap_or_default(), session != 0)))
    }

    fn children(&mut self, path: &str) -> Result<Option<Vec<String>>, Error> {
        let Some(answer) = self.ask((CHILDREN, "list"), path, &[0])? else { return Ok(None) };
        let mut rest = answer.as_slice();
        let count = length(&mut rest).filter(|count| *count <= answer.len() / 4);
        let names = count.and_then(|count| (0..count).map(|_| name(&mut rest)).collect::<Option<Vec<String>>>());
        names.map(Some).ok_or_else(|| self.odd("a list of nodes is none"))
    }

    fn delete(&mut self, path: &str) -> Result<(), Error> {
        self.ask((DELETE, "remove"), path, &(-1_i32).to_be_bytes()).map(drop)
    }

    /// One request about a path; none if there is no such node.
    fn ask(&mut self, (kind, verb): (i32, &'static str), path: &str, more: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.number += 1;
        let mut request = Vec::new();
        request.extend(self.number.to_be_bytes());
        request.extend(kind.to_be_bytes());
        request.extend((path.len() as i32).to_be_bytes());
        request.extend(path.as_bytes());
        request.extend(more);
        let answer = self.exchange(&request)?;
        // Its number, the transaction's, an error.
        let part = |at: usize| answer.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(i32::from_be_bytes);
        match (part(0) == Some(self.number), part(12)) {
            (true, Some(0)) => Ok(Some(answer[16..].to_vec())),
            (true, Some(NO_NODE)) => Ok(None),
            (true, Some(code)) => {
                Err(Error::Refused { server: self.server.clone(), verb, path: path.to_owned(), code })
            }
            _ => Err(self.odd("it answers another request")),
        }
    }

    fn exchange(&mut self, request: &[u8]) -> Result<Vec<u8>, Error> {
        let silent = |source| Error::Silent { server: self.server.clone(), source };
        let end = self.end.min(Instant::now() + self.patience);
        let mut framed = (request.len() as i32).to_be_bytes().to_vec();
        framed.extend(request);
        let mut stream = &self.stream;
        stream.write_all(&framed).map_err(silent)?;
        let mut size = [0; 4];
        read(stream, &mut size, end).map_err(silent)?;
        let size = usize::try_from(i32::from_be_bytes(size)).ok().filter(|size| *size <= LONGEST);
        let mut answer = vec![0; size.ok_or_else(|| self.odd("an answer has no size that it may have"))?];
        read(stream, &mut answer, end).map_err(silent)?;
        Ok(answer)
    }

    fn odd(&self, why: &'static str) -> Error {
        Error::Odd { server: self.server.clone(), why }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let mut end = 8_i32.to_be_bytes().to_vec();
        end.extend((self.number + 1).to_be_bytes());
        end.extend(CLOSE.to_be_bytes());
        // It ends by itself after a while, too.
        let _ = self.stream.write_all(&end);
    }
}

/// Fills the buffer until a moment, however small the pieces are that come.
fn read(mut stream: &TcpStream, mut buffer: &mut [u8], end: Instant) -> io::Result<()> {
    while !buffer.is_empty() {
        stream.set_read_timeout(Some(left(end)?))?;
        match stream.read(buffer) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => buffer = &mut buffer[count..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn length(rest: &mut &[u8]) -> Option<usize> {
    let (size, after) = rest.split_at_checked(4)?;
    *rest = after;
    usize::try_from(i32::from_be_bytes(size.try_into().ok()?)).ok()
}

/// A name that can be a part of a path.
fn name(rest: &mut &[u8]) -> Option<String> {
    let size = length(rest)?;
    let (name, after) = rest.split_at_checked(size)?;
    *rest = after;
    String::from_utf8(name.to_vec()).ok().filter(|name| !name.is_empty() && !name.contains(['/', '\0']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread;

    const PATIENCE: Duration = Duration::from_secs(5);

    #[test]
    fn what_is_left_is_listed_and_goes_with_all_below_it() {
        let fake = Fake::start();
        for path in ["/flink/one", "/flink/one/jobs", "/flink/one/jobs/a", "/flink/two", "/other"] {
            fake.make(path, 7, false);
        }
        let place = |path: &str| Place::parse(&format!("{}{path}", fake.address)).unwrap();
        let names = place("/flink").list(PATIENCE).unwrap().unwrap();
        assert_eq!(names, ["one", "two"].map(|name| Node { name: name.to_owned(), at_ms: 7 }));
        assert!(place("/nothing").list(PATIENCE).unwrap().is_none());
        assert!(!place("/flink/one").remove(8, PATIENCE).unwrap(), "it was changed since");
        assert!(place("/flink/one").remove(7, PATIENCE).unwrap() && place("/flink/one").remove(7, PATIENCE).unwrap());
        assert_eq!(fake.paths(), ["/flink", "/flink/two", "/other"]);
        fake.make("/flink/two/latch", 7, true);
        assert!(matches!(place("/flink/two").remove(7, PATIENCE), Err(Error::Held { .. })));
        fake.make("/flink/two/refused", 7, false);
        assert_eq!(fake.paths().len(), 5, "nothing of it went");
    }

    #[test]
    fn the_first_that_answers_is_asked_and_what_is_no_answer_is_told() {
        let (gone, fake) = (TcpListener::bind("127.0.0.1:0").unwrap(), Fake::start());
        let address = gone.local_addr().unwrap();
        drop(gone);
        fake.make("/flink", 1, false);
        let place = Place::parse(&format!("{address},{}/flink", fake.address)).unwrap();
        assert_eq!(place.list(PATIENCE).unwrap(), Some(Vec::new()));
        let silent = Place::parse(&format!("{address}/flink")).unwrap().list(PATIENCE).unwrap_err();
        assert!(silent.is_passing(), "{silent}");
        for answer in ["HTTP/1.1 400 Bad Request\r\n\r\n", "\0\0\0\x04none", "\0\0\0\x09\0\0\0\0\0\0\0\0\0"] {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let place = Place::parse(&format!("{}/flink", listener.local_addr().unwrap())).unwrap();
            let server = thread::spawn(move || {
                let mut stream = listener.accept().unwrap().0;
                stream.read_exact(&mut [0; 49]).unwrap();
                stream.write_all(answer.as_bytes()).unwrap();
            });
            let odd = place.list(PATIENCE).unwrap_err();
            assert!(matches!(odd, Error::Odd { .. }) && !odd.is_passing(), "{odd}");
            server.join().unwrap();
        }
    }

    /// A server that sends something at once, and then a byte now and then. Gives how a list fails, and after how long.
    fn slow(at_once: Vec<u8>, rest: Vec<u8>, pause: Duration) -> (Error, Duration) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let place = Place::parse(&format!("{}/flink", listener.local_addr().unwrap())).unwrap();
        let server = thread::spawn(move || {
            let mut stream = listener.accept().unwrap().0;
            stream.write_all(&at_once).unwrap();
            rest.iter().all(|byte| {
                thread::sleep(pause);
                stream.write_all(&[*byte]).is_ok()
            })
        });
        let begun = Instant::now();
        let failed = place.list(Duration::from_millis(200)).unwrap_err();
        let took = begun.elapsed();
        assert!(!server.join().unwrap(), "it was heard to its end");
        (failed, took)
    }

    #[test]
    fn one_that_answers_ever_so_slowly_holds_nobody() {
        let framed = |parts: &[&[u8]]| {
            let bytes = parts.concat();
            [&(bytes.len() as i32).to_be_bytes(), &bytes[..]].concat()
        };
        let hello = framed(&[&[0; 4], &SESSION_MS.to_be_bytes(), &[0; 29]]);
        let list = framed(&[&1_i32.to_be_bytes(), &[0; 12], &500_i32.to_be_bytes(), &[0, 0, 0, 1, b'a'].repeat(500)]);
        let gone = |number: i32| framed(&[&number.to_be_bytes(), &[0; 8], &NO_NODE.to_be_bytes()]);
        // One answer, and many of which none takes long.
        let (failed, took) = slow(hello[..9].to_vec(), hello[9..].to_vec(), Duration::from_millis(50));
        assert!(failed.is_passing() && took < Duration::from_millis(600), "{failed} after {took:?}");
        let nodes = (2..500).flat_map(gone).collect();
        let (failed, took) = slow([hello, list].concat(), nodes, Duration::from_millis(2));
        assert!(failed.is_passing() && took < Duration::from_secs(3), "{failed} after {took:?}");
    }

    #[test]
    fn a_place_is_servers_and_a_path() {
        let place = Place::parse("one:2181, two/a/flink").unwrap();
        let servers = ["one:2181", "two:2181"].map(str::to_owned).to_vec();
        assert_eq!(place, Place { servers, path: "/a/flink".to_owned() });
        for text in
            ["", "one:2181", "one:2181/", "/flink", "one:x/flink", ":2181/flink", "one/a//b", "one/../b", "one,/a"]
        {
            assert!(Place::parse(text).is_none(), "{text}");
        }
    }
}
