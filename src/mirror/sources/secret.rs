//! Credentials of a source: named in its file, kept elsewhere, read at the last moment, never shown.
//! A reference is a variable, a file, or a credential that systemd hands over.
//! Not here: to whom they are sent.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use words::location::Location;

/// Where credentials are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// A variable of the environment.
    Variable(String),
    /// A file.
    File(PathBuf),
    /// A credential of the unit that runs us.
    Systemd(String),
}

/// A text that names none; it is not shown, for it may be the secret itself.
#[derive(Debug, thiserror::Error)]
#[error("credentials are not written here, only where they are kept")]
pub struct BadReference;

/// Why credentials cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The variable is not set.
    #[error("the variable {0} is not set")]
    Unset(String),
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    File { path: PathBuf, source: std::io::Error },
    /// They have no colon.
    #[error("they must be user:password in one line")]
    Form,
}

/// A user and a password.
pub struct Login {
    user: String,
    password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Login")
    }
}

impl Reference {
    /// Reads `env:NAME`, `file:PATH` or `systemd:NAME`.
    pub fn parse(text: &str) -> Result<Reference, BadReference> {
        match text.split_once(':') {
            Some(("env", name)) if !name.is_empty() => Ok(Reference::Variable(name.to_owned())),
            Some(("file", path)) if !path.is_empty() => Ok(Reference::File(PathBuf::from(path))),
            Some(("systemd", name)) if !name.is_empty() && !name.contains('/') => {
                Ok(Reference::Systemd(name.to_owned()))
            }
            _ => Err(BadReference),
        }
    }

    /// The credentials: one line, `user:password`.
    pub fn read(&self, environment: &BTreeMap<String, String>) -> Result<Login, Error> {
        let variable = |name: &str| environment.get(name).cloned().ok_or_else(|| Error::Unset(name.to_owned()));
        let file = |path: PathBuf| std::fs::read_to_string(&path).map_err(|source| Error::File { path, source });
        let text = match self {
            Reference::Variable(name) => variable(name)?,
            Reference::File(path) => file(path.clone())?,
            Reference::Systemd(name) => file(PathBuf::from(variable("CREDENTIALS_DIRECTORY")?).join(name))?,
        };
        let (user, password) = text.trim_end_matches(['\r', '\n']).split_once(':').ok_or(Error::Form)?;
        Ok(Login { user: user.to_owned(), password: password.to_owned() })
    }
}

impl Login {
    /// Puts them where the client looks for them: into the address, which hides them when it is shown.
    pub fn put_into(&self, location: &mut Location) {
        if let Location::Web(url) = location {
            // An address that was read from text with a host always takes them.
            let _ = url.set_username(&self.user).and_then(|()| url.set_password(Some(&self.password)));
        }
    }
}
