//! A client of WebHDFS: folders, owners, modes, and files that are sent to a DataNode in two steps.
//! Every request is bounded in time and goes through no proxy; who asks is a plain name (simple authentication).
//! Not here: what should be in HDFS, and waiting until it can be.

mod error;
mod status;
#[cfg(any(test, feature = "testing"))]
mod tests;

pub use error::Error;
pub use status::{Kind, Status};
#[cfg(any(test, feature = "testing"))]
pub use tests::Fake;

use serde::de::DeserializeOwned;
use status::{Done, Failed, Many, Notes, One, Redirect};
use std::collections::BTreeMap;
use std::io::Read;
use std::time::Duration;
use url::Url;

/// A listing of a folder with a hundred thousand files is smaller.
const LONGEST_ANSWER: u64 = 64 << 20;
/// Folders in folders; what is deeper is no tree of programs.
const DEEPEST: usize = 32;
/// Files and folders of one tree.
const MOST_ENTRIES: usize = 200_000;

/// How long a request may take.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// Until somebody takes the connection.
    pub connect: Duration,
    /// Until an answer comes, or the next bytes go out.
    pub silence: Duration,
}

impl Default for Times {
    fn default() -> Times {
        Times { connect: Duration::from_secs(3), silence: Duration::from_secs(60) }
    }
}

/// A NameNode, and who asks it. Cheap to share between threads.
#[derive(Debug, Clone)]
pub struct WebHdfs {
    base: Url,
    user: String,
    agent: ureq::Agent,
}

/// A question: method, operation and its parameters.
struct Question<'a> {
    verb: &'static str,
    put: bool,
    operation: &'static str,
    parameters: &'a [(&'a str, &'a str)],
}

impl WebHdfs {
    /// A client of the NameNode at `web`, as in `http://manager:9870`.
    pub fn new(web: &str, user: &str, times: Times) -> Result<WebHdfs, Error> {
        let bad = || Error::Address { address: web.to_owned() };
        let base = Url::parse(web).map_err(|_| bad())?;
        let plain = matches!(base.scheme(), "http" | "https") && matches!(base.path(), "" | "/");
        if !plain || base.query().is_some() || base.host().is_none() || !base.username().is_empty() {
            return Err(bad());
        }
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .user_agent(concat!("pnda/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(times.connect))
            .timeout_recv_response(Some(times.silence))
            .timeout_per_read(Some(times.silence))
            .timeout_per_write(Some(times.silence))
            .build()
            .into();
        Ok(WebHdfs { base, user: user.to_owned(), agent })
    }

    /// Where it answers, for people.
    pub fn address(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// What is at a path, if anything.
    pub fn status(&self, path: &str) -> Result<Option<Status>, Error> {
        let question = Question { verb: "look at", put: false, operation: "GETFILESTATUS", parameters: &[] };
        Ok(absent(self.ask::<One>(&question, path))?.map(|one| one.status))
    }

    /// What is in a folder, sorted by name; none if it is not there.
    pub fn list(&self, path: &str) -> Result<Option<Vec<Status>>, Error> {
        let question = Question { verb: "list", put: false, operation: "LISTSTATUS", parameters: &[] };
        let Some(many) = absent(self.ask::<Many>(&question, path))? else { return Ok(None) };
        let mut list = many.statuses.list;
        if let Some(bad) = list.iter().find(|status| !status.is_named_well()) {
            let why = format!("`{}` is no name of a file", bad.path_suffix.escape_default());
            return Err(self.odd("list", path, why));
        }
        list.sort_by(|left, right| left.path_suffix.cmp(&right.path_suffix));
        Ok(Some(list))
    }

    /// Everything below a folder by its path from there, folders too; none if the folder is not there.
    pub fn tree(&self, path: &str) -> Result<Option<BTreeMap<String, Status>>, Error> {
        let mut found = BTreeMap::new();
        let mut left = vec![String::new()];
        while let Some(inner) = left.pop() {
            let Some(list) = self.list(&join(path, &inner))? else {
                if inner.is_empty() {
                    return Ok(None);
                }
                continue;
            };
            for status in list {
                let name = join(&inner, &status.path_suffix);
                if status.is_folder() {
                    left.push(name.clone());
                }
                found.insert(name, status);
            }
            if found.len() > MOST_ENTRIES || inner.matches('/').count() > DEEPEST {
                return Err(self.odd("list", path, "there is more in it than anybody uploads".into()));
            }
        }
        Ok(Some(found))
    }

    /// Makes a folder and those above it; one that is there stays as it is.
    pub fn make_folder(&self, path: &str, mode: &str) -> Result<(), Error> {
        self.put("make the folder", "MKDIRS", path, &[("permission", mode)])
    }

    /// Sets a mode: octal digits.
    pub fn set_mode(&self, path: &str, mode: &str) -> Result<(), Error> {
        self.tell("set the mode of", "SETPERMISSION", path, &[("permission", mode)])
    }

    /// Sets owner and group.
    pub fn set_owner(&self, path: &str, owner: &str, group: &str) -> Result<(), Error> {
        self.tell("set the owner of", "SETOWNER", path, &[("owner", owner), ("group", group)])
    }

    /// Moves something to a name that is free; times stay.
    pub fn rename(&self, from: &str, to: &str) -> Result<(), Error> {
        self.put("rename", "RENAME", from, &[("destination", to)])
    }

    /// Removes something with everything in it; nothing there is fine.
    pub fn delete(&self, path: &str) -> Result<(), Error> {
        let parameters = self.parameters("DELETE", &[("recursive", "true")]);
        let answer = self.agent.delete(self.url(path, &parameters)?.as_str()).call();
        let done: Result<Done, Error> = self.read("remove", path, answer);
        absent(done).map(|_| ())
    }

    /// Writes a file whole, over what is there: the NameNode says which DataNode takes the bytes.
    pub fn write(&self, path: &str, mode: &str, size: u64, bytes: &mut dyn Read) -> Result<(), Error> {
        let parameters = [("overwrite", "true"), ("noredirect", "true"), ("permission", mode)];
        let question = Question { verb: "write", put: true, operation: "CREATE", parameters: &parameters };
        let redirect: Redirect = self.ask(&question, path)?;
        let target = Url::parse(&redirect.location)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https"))
            .ok_or_else(|| self.odd("write", path, format!("`{}` is no address of a DataNode", redirect.location)))?;
        let mut failed = None;
        let mut noting = Noting { bytes: bytes.take(size), left: size, failed: &mut failed };
        let request = self.agent.put(target.as_str()).header("content-type", "application/octet-stream");
        let answer = request.header("content-length", size.to_string()).send(ureq::SendBody::from_reader(&mut noting));
        if let Some(source) = failed {
            return Err(Error::Read { path: path.to_owned(), source });
        }
        let host = target.host_str().unwrap_or_default().to_owned();
        let answer = answer.map_err(|error| Error::NoDataNode {
            address: self.address().to_owned(),
            path: path.to_owned(),
            why: format!("the DataNode at {host}:{} does not take it: {error}", target.port().unwrap_or(80)),
        })?;
        self.succeeded("write", path, answer).map(|_| ())
    }

    /// A note that was left at a file or folder under this name; it moves with it.
    pub fn note(&self, path: &str, name: &str) -> Result<Option<String>, Error> {
        let parameters = [("encoding", "text")];
        let question =
            Question { verb: "read the notes of", put: false, operation: "GETXATTRS", parameters: &parameters };
        let Some(notes) = absent(self.ask::<Notes>(&question, path))? else { return Ok(None) };
        let found = notes.list.into_iter().find(|note| note.name == name);
        // Text comes quoted.
        Ok(found.and_then(|note| note.value).map(|value| value.trim_matches('"').to_owned()))
    }

    /// Leaves a note, over an earlier one of this name: an extended attribute, `user.…`.
    pub fn set_note(&self, path: &str, name: &str, text: &str) -> Result<(), Error> {
        let flag = if self.note(path, name)?.is_some() { "REPLACE" } else { "CREATE" };
        let quoted = format!("\"{text}\"");
        let parameters = [("xattr.name", name), ("xattr.value", quoted.as_str()), ("flag", flag)];
        self.tell("leave a note at", "SETXATTR", path, &parameters)
    }

    fn put(&self, verb: &'static str, operation: &'static str, path: &str, more: &[(&str, &str)]) -> Result<(), Error> {
        let done: Done = self.ask(&Question { verb, put: true, operation, parameters: more }, path)?;
        if done.boolean { Ok(()) } else { Err(Error::Declined { verb, path: path.to_owned() }) }
    }

    fn tell(
        &self,
        verb: &'static str,
        operation: &'static str,
        path: &str,
        more: &[(&str, &str)],
    ) -> Result<(), Error> {
        let parameters = self.parameters(operation, more);
        let answer = self.agent.put(self.url(path, &parameters)?.as_str()).send_empty();
        let answer = answer.map_err(|error| self.silent(&error))?;
        self.succeeded(verb, path, answer).map(|_| ())
    }

    fn ask<T: DeserializeOwned>(&self, question: &Question<'_>, path: &str) -> Result<T, Error> {
        let url = self.url(path, &self.parameters(question.operation, question.parameters))?;
        let answer = match question.put {
            true => self.agent.put(url.as_str()).send_empty(),
            false => self.agent.get(url.as_str()).call(),
        };
        self.read(question.verb, path, answer)
    }

    fn read<T: DeserializeOwned>(
        &self,
        verb: &'static str,
        path: &str,
        answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<T, Error> {
        let bytes = self.succeeded(verb, path, answer.map_err(|error| self.silent(&error))?)?;
        serde_json::from_slice(&bytes).map_err(|error| self.odd(verb, path, error.to_string()))
    }

    /// The body of a good answer, or what a bad one says.
    fn succeeded(
        &self,
        verb: &'static str,
        path: &str,
        mut answer: ureq::http::Response<ureq::Body>,
    ) -> Result<Vec<u8>, Error> {
        let status = answer.status();
        let bytes = answer.body_mut().with_config().limit(LONGEST_ANSWER).read_to_vec();
        let bytes = bytes.map_err(|error| self.odd(verb, path, error.to_string()))?;
        if status.is_success() {
            return Ok(bytes);
        }
        match serde_json::from_slice::<Failed>(&bytes) {
            Ok(Failed { exception }) => {
                Err(error::of_remote(self.address(), verb, path, &exception.exception, &exception.message))
            }
            Err(_) => Err(self.odd(verb, path, format!("status {}", status.as_u16()))),
        }
    }

    fn parameters<'a>(&'a self, operation: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        [("op", operation), ("user.name", &self.user)].into_iter().chain(more.iter().copied()).collect()
    }

    fn url(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Url, Error> {
        let mut url = self.base.clone();
        match url.path_segments_mut() {
            Ok(mut segments) => {
                let parts = path.split('/').filter(|part| !part.is_empty());
                segments.clear().extend(["webhdfs", "v1"].into_iter().chain(parts));
            }
            Err(()) => return Err(Error::Address { address: self.base.to_string() }),
        }
        url.query_pairs_mut().extend_pairs(parameters);
        Ok(url)
    }

    fn silent(&self, error: &ureq::Error) -> Error {
        Error::Silent { address: self.address().to_owned(), why: error.to_string() }
    }

    fn odd(&self, verb: &'static str, path: &str, why: String) -> Error {
        Error::Answer { address: self.address().to_owned(), verb, path: path.to_owned(), why }
    }
}

/// `FileNotFoundException` is an answer.
fn absent<T>(found: Result<T, Error>) -> Result<Option<T>, Error> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(Error::Refused { kind, .. }) if kind == "FileNotFoundException" => Ok(None),
        Err(error) => Err(error),
    }
}

fn join(folder: &str, name: &str) -> String {
    match (folder, name) {
        ("", name) => name.to_owned(),
        (folder, "") => folder.to_owned(),
        (folder, name) => format!("{}/{name}", folder.trim_end_matches('/')),
    }
}

/// Remembers why the local file could not be read; a short one is an error, not a shorter file in HDFS.
struct Noting<'a, R> {
    bytes: R,
    left: u64,
    failed: &'a mut Option<std::io::Error>,
}

impl<R: Read> Read for Noting<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = match self.bytes.read(buffer) {
            Ok(0) if self.left > 0 && !buffer.is_empty() => Err(std::io::Error::other("it became shorter meanwhile")),
            read => read,
        };
        match read {
            Ok(count) => {
                self.left = self.left.saturating_sub(count as u64);
                Ok(count)
            }
            Err(error) => {
                *self.failed = Some(std::io::Error::other(error.to_string()));
                Err(error)
            }
        }
    }
}
