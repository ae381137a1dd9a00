//! A client of WebHDFS: folders, owners, modes, and files, which go to and come from a DataNode in two steps.
//! Every request is bounded in time and goes through no proxy; of several NameNodes the active one is found.
//! Not here: what should be in HDFS, and waiting until it can be.

mod asking;
mod changed;
mod error;
mod files;
mod status;
#[cfg(any(test, feature = "testing"))]
mod tests;

pub use crate::transport::Reading;
pub use error::Error;
pub use status::{Kind, Status};
#[cfg(any(test, feature = "testing"))]
pub use tests::{Fake, Node};

use crate::client::{self, Client, Speaks, Trust};
use crate::hadoop::{BadAddress, Servers, User};
use crate::transport::{Method, Shared};
use asking::Question;
use status::{Done, Many, Notes, One, Summary};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Folders in folders; what is deeper is no tree of programs.
const DEEPEST: usize = 32;
/// Files and folders of one tree.
const MOST_ENTRIES: usize = 200_000;

/// How long an idle connection is used again: not so long that the server ends it at the same moment.
const KEPT_FOR: Duration = Duration::from_secs(5);

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

/// What carries requests to NameNodes and DataNodes.
pub fn http(times: Times) -> Shared {
    let builder =
        client::builder(&Trust::MACHINE, Speaks::Http1).connect_timeout(times.connect).pool_idle_timeout(KEPT_FOR);
    Arc::new(Client::new(builder, times.silence))
}

/// The NameNodes of one HDFS, and who asks. Cheap to share between threads.
#[derive(Debug, Clone)]
pub struct WebHdfs {
    servers: Servers,
    user: User,
    transport: Shared,
}

impl WebHdfs {
    /// A client of the NameNode at `web`, as in `http://manager:9870`.
    pub fn new(web: &str, user: &str, times: Times) -> Result<WebHdfs, Error> {
        WebHdfs::of_several(&[web], User::simple(user), times)
    }

    /// A client of the one that is active among several.
    pub fn of_several<T: AsRef<str>>(web: &[T], user: User, times: Times) -> Result<WebHdfs, Error> {
        WebHdfs::through(&http(times), web, user)
    }

    /// The same over this, which has its own times.
    pub fn through<T: AsRef<str>>(transport: &Shared, web: &[T], user: User) -> Result<WebHdfs, Error> {
        let servers = Servers::new(web).map_err(|BadAddress(address)| Error::Address { address })?;
        Ok(WebHdfs { servers, user, transport: transport.clone() })
    }

    /// The same for somebody else.
    pub fn as_user(&self, user: &User) -> WebHdfs {
        WebHdfs { user: user.clone(), ..self.clone() }
    }

    /// Where it answers, for people.
    pub fn address(&self) -> &str {
        self.servers.address()
    }

    /// What is at a path, if anything.
    pub fn status(&self, path: &str) -> Result<Option<Status>, Error> {
        let question = Question::get("look at", "GETFILESTATUS", &[]);
        Ok(absent(self.ask::<One>(&question, path))?.map(|one| one.status))
    }

    /// Whether this user may do something here, as in `r--` or `-wx`; none if nothing is there.
    pub fn may(&self, path: &str, action: &str) -> Result<Option<bool>, Error> {
        let parameters = [("fsaction", action)];
        match absent(self.exchange(&Question::get("look at the rights of", "CHECKACCESS", &parameters), path)) {
            Ok(found) => Ok(found.map(|_| true)),
            Err(Error::Refused { kind, .. }) if kind == "AccessControlException" => Ok(Some(false)),
            Err(error) => Err(error),
        }
    }

    /// What is in a folder, sorted by name; none if it is not there.
    pub fn list(&self, path: &str) -> Result<Option<Vec<Status>>, Error> {
        let question = Question::get("list", "LISTSTATUS", &[]);
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

    /// The bytes of a file, or of all files in a folder and below; none if nothing is there.
    pub fn size(&self, path: &str) -> Result<Option<u64>, Error> {
        let question = Question::get("measure", "GETCONTENTSUMMARY", &[]);
        Ok(absent(self.ask::<Summary>(&question, path))?.map(|summary| summary.summary.length))
    }

    /// Makes a folder and those above it; one that is there stays as it is.
    pub fn make_folder(&self, path: &str, mode: &str) -> Result<(), Error> {
        self.put(&Question::put("make the folder", "MKDIRS", &[("permission", mode)]), path)
    }

    /// Sets a mode: octal digits.
    pub fn set_mode(&self, path: &str, mode: &str) -> Result<(), Error> {
        self.tell(&Question::put("set the mode of", "SETPERMISSION", &[("permission", mode)]), path)
    }

    /// Sets owner and group.
    pub fn set_owner(&self, path: &str, owner: &str, group: &str) -> Result<(), Error> {
        self.tell(&Question::put("set the owner of", "SETOWNER", &[("owner", owner), ("group", group)]), path)
    }

    /// Moves something to a name that nothing has, or says that something has it. Times stay.
    pub fn rename_to_free(&self, from: &str, to: &str) -> Result<(), Error> {
        let parameters = [("destination", to), ("renameoptions", "NONE")];
        let question = Question { repeatable: false, ..Question::put("rename", "RENAME", &parameters) };
        match self.tell(&question, from) {
            Err(Error::Refused { kind, .. }) if kind == files::ALREADY => Err(Error::Exists { path: to.to_owned() }),
            told => told,
        }
    }

    /// The same without a reason where HDFS says no. Into a folder that has the name already, it is moved: that is no error.
    pub fn rename(&self, from: &str, to: &str) -> Result<(), Error> {
        let parameters = [("destination", to)];
        // A second one of the same may find it done and say no.
        let question = Question { repeatable: false, ..Question::put("rename", "RENAME", &parameters) };
        self.put(&question, from)
    }

    /// Removes something with everything in it; nothing there is fine.
    pub fn delete(&self, path: &str) -> Result<(), Error> {
        let parameters = [("recursive", "true")];
        let question = Question { method: Method::Delete, ..Question::put("remove", "DELETE", &parameters) };
        absent(self.ask::<Done>(&question, path)).map(|_| ())
    }

    /// A note that was left at a file or folder under this name; it moves with it.
    pub fn note(&self, path: &str, name: &str) -> Result<Option<String>, Error> {
        let parameters = [("encoding", "text")];
        let question = Question::get("read the notes of", "GETXATTRS", &parameters);
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
        self.tell(&Question::put("leave a note at", "SETXATTR", &parameters), path)
    }

    fn put(&self, question: &Question<'_>, path: &str) -> Result<(), Error> {
        let done: Done = self.ask(question, path)?;
        if done.boolean { Ok(()) } else { Err(Error::Declined { verb: question.verb, path: path.to_owned() }) }
    }

    fn tell(&self, question: &Question<'_>, path: &str) -> Result<(), Error> {
        self.exchange(question, path).map(|_| ())
    }
}

/// `FileNotFoundException` is an answer.
fn absent<T>(found: Result<T, Error>) -> Result<Option<T>, Error> {
    match found {
        Ok(found) => Ok(Some(found)),
        // Of a folder that is read as a file it says the same.
        Err(Error::Refused { kind, why, .. }) if kind == "FileNotFoundException" && !why.contains("is not a file") => {
            Ok(None)
        }
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
