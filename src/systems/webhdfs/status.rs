//! What HDFS knows of a file or folder, as WebHDFS writes it in JSON.
//! Names from outside are checked before they become part of a path.
//! Not here: asking for it.

use serde::Deserialize;

/// A file or a folder.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// Its name in the listed folder; empty for the thing that was asked for itself.
    pub path_suffix: String,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Bytes.
    pub length: u64,
    /// When it was last written, in milliseconds; YARN's caches go by it.
    pub modification_time: u64,
    /// The owner.
    pub owner: String,
    /// The group.
    pub group: String,
    /// The mode: octal digits.
    pub permission: String,
}

/// What something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Kind {
    /// A file.
    File,
    /// A folder.
    Directory,
    /// A link to elsewhere.
    Symlink,
}

impl Status {
    /// Whether it is a folder.
    pub fn is_folder(&self) -> bool {
        self.kind == Kind::Directory
    }

    /// The mode's bits.
    pub fn mode(&self) -> Option<u32> {
        u32::from_str_radix(&self.permission, 8).ok()
    }

    /// Whether its name can be a part of a path.
    pub(super) fn is_named_well(&self) -> bool {
        !self.path_suffix.is_empty()
            && !matches!(self.path_suffix.as_str(), "." | "..")
            && !self.path_suffix.contains(['/', '\0'])
    }
}

/// `GETFILESTATUS`.
#[derive(Deserialize)]
pub(super) struct One {
    #[serde(rename = "FileStatus")]
    pub status: Status,
}

/// `LISTSTATUS`.
#[derive(Deserialize)]
pub(super) struct Many {
    #[serde(rename = "FileStatuses")]
    pub statuses: Statuses,
}

#[derive(Deserialize)]
pub(super) struct Statuses {
    #[serde(rename = "FileStatus")]
    pub list: Vec<Status>,
}

/// `MKDIRS`, `RENAME`, `DELETE`.
#[derive(Deserialize)]
pub(super) struct Done {
    pub boolean: bool,
}

/// `CREATE`, `OPEN`: where the bytes go or come from.
#[derive(Deserialize)]
pub(super) struct Redirect {
    #[serde(rename = "Location")]
    pub location: String,
}

/// `GETXATTRS`.
#[derive(Deserialize)]
pub(super) struct Notes {
    #[serde(rename = "XAttrs")]
    pub list: Vec<Note>,
}

#[derive(Deserialize)]
pub(super) struct Note {
    pub name: String,
    #[serde(default)]
    pub value: Option<String>,
}

/// `GETCONTENTSUMMARY`.
#[derive(Deserialize)]
pub(super) struct Summary {
    #[serde(rename = "ContentSummary")]
    pub summary: Total,
}

#[derive(Deserialize)]
pub(super) struct Total {
    pub length: u64,
}
