//! Files of HDFS: the NameNode names a DataNode, and the bytes go to it or come from it.
//! The address is the NameNode's word; it leads to plain HTTP only where the NameNode itself is asked so.
//! Not here: folders and what is known of files.

use super::asking::{Question, is_good, whole};
use super::error::{Error, of_remote};
use super::status::Redirect;
use super::{WebHdfs, absent};
use crate::hadoop::Exception;
use crate::transport::{Body, Lost, Method, Reading, Request, Response};
use std::io::{self, Read};
use url::Url;

/// What a DataNode refuses with is shorter.
const LONGEST_REFUSAL: u64 = 1 << 20;
/// What Hadoop calls something that is there.
pub(super) const ALREADY: &str = "FileAlreadyExistsException";
/// The same, or a file that somebody writes now.
const TAKEN: [&str; 2] = [ALREADY, "AlreadyBeingCreatedException"];

impl WebHdfs {
    /// Writes a file whole, over what is there: the NameNode says which DataNode takes the bytes.
    pub fn write(&self, path: &str, mode: &str, size: u64, bytes: &mut dyn Read) -> Result<(), Error> {
        let parameters = [("overwrite", "true"), ("noredirect", "true"), ("permission", mode)];
        self.send(&Question::put("write", "CREATE", &parameters), path, size, bytes)
    }

    /// Writes a file that is not there yet. If the answer is lost, a second try may find the file there.
    pub fn create(&self, path: &str, mode: &str, bytes: &[u8]) -> Result<(), Error> {
        let parameters = [("overwrite", "false"), ("noredirect", "true"), ("permission", mode)];
        let question = Question::put("create", "CREATE", &parameters);
        match self.send(&question, path, bytes.len() as u64, &mut &*bytes) {
            Err(Error::Refused { path, kind, .. }) if TAKEN.contains(&kind.as_str()) => Err(Error::Exists { path }),
            sent => sent,
        }
    }

    /// The bytes of a file that has no more than so many; none if it is not there.
    pub fn read(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, Error> {
        let length = (limit + 1).to_string();
        let parameters = [("noredirect", "true"), ("length", length.as_str())];
        let Some(reading) = self.receive(&Question::get("read", "OPEN", &parameters), path)? else { return Ok(None) };
        let mut bytes = Vec::new();
        let read = reading.take(limit + 1).read_to_end(&mut bytes);
        read.map_err(|error| self.odd("read", path, format!("it broke off: {error}")))?;
        match bytes.len() as u64 > limit {
            true => Err(Error::TooLong { path: path.to_owned(), limit }),
            false => Ok(Some(bytes)),
        }
    }

    /// So many bytes of a file from a place on, fewer where it ends; none if it is not there.
    pub fn part(&self, path: &str, offset: u64, length: u64) -> Result<Option<Vec<u8>>, Error> {
        let (offset, count) = (offset.to_string(), length.to_string());
        let parameters = [("noredirect", "true"), ("offset", offset.as_str()), ("length", count.as_str())];
        let Some(reading) = self.receive(&Question::get("read", "OPEN", &parameters), path)? else { return Ok(None) };
        let mut bytes = Vec::new();
        let read = reading.take(length).read_to_end(&mut bytes);
        read.map_err(|error| self.odd("read", path, format!("it broke off: {error}")))?;
        Ok(Some(bytes))
    }

    /// A file from its beginning, however large; none if it is not there.
    pub fn open(&self, path: &str) -> Result<Option<Reading>, Error> {
        self.receive(&Question::get("read", "OPEN", &[("noredirect", "true")]), path)
    }

    fn receive(&self, question: &Question<'_>, path: &str) -> Result<Option<Reading>, Error> {
        let Some(target) = absent(self.datanode(question, path))? else { return Ok(None) };
        let request = Request { method: Method::Get, url: &target, wants_json: false, body: Body::Nothing };
        let answer = self.transport.exchange(request).map_err(|lost| self.no_datanode(&target, path, &lost))?;
        Ok(absent(self.accepted(question.verb, path, answer))?.map(|answer| answer.body))
    }

    fn send(&self, question: &Question<'_>, path: &str, size: u64, bytes: &mut dyn Read) -> Result<(), Error> {
        let target = self.datanode(question, path)?;
        let mut source = Source { bytes, left: size, failed: None };
        let body = Body::Bytes(size, &mut source);
        let answer = self.transport.exchange(Request { method: Method::Put, url: &target, wants_json: false, body });
        if let Some(source) = source.failed {
            return Err(Error::Read { path: path.to_owned(), source });
        }
        let answer = answer.map_err(|lost| self.no_datanode(&target, path, &lost))?;
        self.accepted(question.verb, path, answer).map(|_| ())
    }

    /// The DataNode that the NameNode names.
    fn datanode(&self, question: &Question<'_>, path: &str) -> Result<Url, Error> {
        let named: Redirect = self.ask(question, path)?;
        let url = Url::parse(&named.location).ok().filter(|url| may_lead_to(self.address(), url));
        url.ok_or_else(|| self.odd(question.verb, path, format!("`{}` is no address of a DataNode", named.location)))
    }

    fn no_datanode(&self, target: &Url, path: &str, lost: &Lost) -> Error {
        let host = target.host_str().unwrap_or_default();
        let port = target.port_or_known_default().unwrap_or_default();
        let why = format!("the DataNode at {host}:{port} does not do it: {lost}");
        Error::NoDataNode { address: self.address().to_owned(), path: path.to_owned(), why }
    }

    /// A DataNode's good answer, or what a bad one says.
    fn accepted(&self, verb: &'static str, path: &str, answer: Response) -> Result<Response, Error> {
        let status = answer.status;
        if is_good(status) {
            return Ok(answer);
        }
        let bytes = whole(answer, LONGEST_REFUSAL).unwrap_or_default();
        Err(match Exception::read(&bytes) {
            Some(exception) => of_remote(self.address(), verb, path, exception),
            None => self.odd(verb, path, format!("status {status}")),
        })
    }
}

/// What is sent, and why it could not be read: that is no fault of whoever it is sent to.
struct Source<'a> {
    bytes: &'a mut dyn Read,
    left: u64,
    failed: Option<io::Error>,
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match self.bytes.read(buffer) {
            Ok(0) if self.left > 0 => Err(io::Error::other("it became shorter meanwhile")),
            read => read,
        };
        read.inspect(|count| self.left = self.left.saturating_sub(*count as u64)).map_err(|error| {
            let told = io::Error::new(error.kind(), error.to_string());
            self.failed = Some(error);
            told
        })
    }
}

/// Only to the web, and never out of the encryption.
fn may_lead_to(namenode: &str, target: &Url) -> bool {
    match target.scheme() {
        "https" => true,
        "http" => namenode.starts_with("http:"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_datanode_is_on_the_web_and_not_less_secret_than_the_namenode() {
        let may = |namenode: &str, target: &str| may_lead_to(namenode, &target.parse().unwrap());
        assert!(may("http://nn:9870", "http://dn:9864/x") && may("http://nn:9870", "https://dn:9865/x"));
        assert!(may("https://nn:9871", "https://dn:9865/x") && !may("https://nn:9871", "http://dn:9864/x"));
        assert!(!may("http://nn:9870", "file:///etc/passwd") && !may("http://nn:9870", "hdfs://dn:9866/"));
    }
}
