//! The indexes of one repository, packed as the oldest clients read them, and the list of them, `repomd.xml`.
//! The store keeps what was made and remembers from which packages, so that the same packages are not read again.
//! Not here: what is said of one package (`describe`), or the signature.

use super::Packages;
use super::describe::Described;
use crate::fetch::expected;
use crate::lock::Artifact;
use crate::publish::Error;
use crate::rpm::package::Package;
use crate::store::Store;
use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write};
use std::path::PathBuf;
use systems::download::Expected;
use words::digest::{Hasher, Sha256};

/// The kinds, their root element, and its namespaces.
const KINDS: [(&str, &str, &str); 3] = [
    (
        "primary",
        "metadata",
        "xmlns=\"http://linux.duke.edu/metadata/common\" xmlns:rpm=\"http://linux.duke.edu/metadata/rpm\"",
    ),
    ("filelists", "filelists", "xmlns=\"http://linux.duke.edu/metadata/filelists\""),
    ("other", "otherdata", "xmlns=\"http://linux.duke.edu/metadata/other\""),
];
const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// The list of the indexes.
const LIST: &str = "repomd";

/// What is said of a package changes with this number, and what was remembered is made again.
const FORM: u32 = 1;

/// What was made.
pub(super) struct Made {
    /// The indexes by their names below `repodata`.
    pub(super) files: Vec<(String, Expected)>,
    /// `repomd.xml`.
    pub(super) list: Vec<u8>,
}

/// Makes the indexes, or takes those that were made of the same packages before.
pub(super) fn make(store: &Store, packages: &Packages<'_>, date: u64) -> Result<Made, Error> {
    let lines = packages.iter().map(|(name, artifact)| format!("{} {name}\n", artifact.sha256));
    let recipe = Recipe(format!("rpm index {FORM} {date}\n{}", lines.collect::<String>()));
    match recipe.made_before(store)? {
        Some(made) => Ok(made),
        None => recipe.make(store, packages, date),
    }
}

/// What the indexes are made of, as text.
struct Recipe(String);

impl Recipe {
    fn of(&self, kind: &str) -> Sha256 {
        Sha256::of(format!("{kind} {}", self.0).as_bytes())
    }

    fn made_before(&self, store: &Store) -> Result<Option<Made>, Error> {
        let Some(list) = store.assembled(self.of(LIST)) else { return Ok(None) };
        let mut files = Vec::new();
        for (kind, ..) in KINDS {
            let Some(made) = store.assembled(self.of(kind)) else { return Ok(None) };
            files.push(named(kind, made));
        }
        let path = store.path(list.sha256);
        let list = std::fs::read(&path).map_err(|source| Error::Read { path, source })?;
        Ok(Some(Made { files, list }))
    }

    fn make(&self, store: &Store, packages: &Packages<'_>, date: u64) -> Result<Made, Error> {
        let mut sheets = Vec::new();
        for kind in KINDS {
            sheets.push(Sheet::begin(kind, packages.len(), store)?);
        }
        for (name, artifact) in packages {
            let package = read(store, artifact)?;
            let described = Described { package: &package, name, sha256: artifact.sha256 };
            let texts = [described.primary(), described.filelists(), described.other()];
            for (sheet, text) in sheets.iter_mut().zip(texts) {
                sheet.write(&text)?;
            }
        }
        let (mut files, mut entries) = (Vec::new(), String::new());
        for sheet in sheets {
            let kind = sheet.kind;
            let (packed, open) = sheet.end(store)?;
            store.remember(self.of(kind), packed)?;
            entries.push_str(&entry(kind, packed, open, date));
            files.push(named(kind, packed));
        }
        let list = format!(
            "{DECLARATION}<repomd xmlns=\"http://linux.duke.edu/metadata/repo\" \
             xmlns:rpm=\"http://linux.duke.edu/metadata/rpm\">\n  <revision>{date}</revision>\n{entries}</repomd>\n"
        );
        let mut scratch = store.scratch()?;
        let path = scratch.path().to_owned();
        scratch.write_all(list.as_bytes()).map_err(|source| Error::Write { path, source })?;
        store.remember(self.of(LIST), finish(scratch, store)?)?;
        Ok(Made { files, list: list.into_bytes() })
    }
}

fn named(kind: &str, made: Expected) -> (String, Expected) {
    (format!("{}-{kind}.xml.gz", made.sha256), made)
}

/// One index in the list of them. The date is the key's: no content depends on when it was made.
fn entry(kind: &str, packed: Expected, open: Expected, date: u64) -> String {
    format!(
        "  <data type=\"{kind}\">\n    <checksum type=\"sha256\">{0}</checksum>\n    \
         <open-checksum type=\"sha256\">{1}</open-checksum>\n    <location href=\"repodata/{0}-{kind}.xml.gz\"/>\n    \
         <timestamp>{date}</timestamp>\n    <size>{2}</size>\n    <open-size>{3}</open-size>\n  </data>\n",
        packed.sha256, open.sha256, packed.size, open.size
    )
}

fn read(store: &Store, artifact: &Artifact) -> Result<Package, Error> {
    let path = store.path(artifact.sha256);
    let file = File::open(&path).map_err(|source| Error::Read { path, source })?;
    let read = Package::read(BufReader::new(file), expected(artifact).size);
    read.map_err(|source| Error::Rpm { address: artifact.address.clone(), source })
}

fn finish(scratch: tempfile::NamedTempFile, store: &Store) -> Result<Expected, Error> {
    let (_, path) =
        scratch.keep().map_err(|error| Error::Write { path: error.file.path().to_owned(), source: error.error })?;
    Ok(store.keep(&path)?)
}

/// An index that is being written.
struct Sheet {
    kind: &'static str,
    root: &'static str,
    path: PathBuf,
    packed: GzEncoder<BufWriter<tempfile::NamedTempFile>>,
    open: Hasher,
}

impl Sheet {
    fn begin(
        (kind, root, names): (&'static str, &'static str, &str),
        count: usize,
        store: &Store,
    ) -> Result<Sheet, Error> {
        let scratch = store.scratch()?;
        let path = scratch.path().to_owned();
        let gzip = GzBuilder::new().mtime(0).operating_system(255);
        let packed = gzip.write(BufWriter::new(scratch), Compression::default());
        let mut sheet = Sheet { kind, root, path, packed, open: Hasher::default() };
        sheet.write(&format!("{DECLARATION}<{root} {names} packages=\"{count}\">\n"))?;
        Ok(sheet)
    }

    fn write(&mut self, text: &str) -> Result<(), Error> {
        self.open.update(text.as_bytes());
        let written = self.packed.write_all(text.as_bytes());
        written.map_err(|source| Error::Write { path: self.path.clone(), source })
    }

    /// What was written, packed and unpacked.
    fn end(mut self, store: &Store) -> Result<(Expected, Expected), Error> {
        self.write(&format!("</{}>\n", self.root))?;
        let failed = |source| Error::Write { path: self.path.clone(), source };
        let packed =
            self.packed.finish().and_then(|buffer| buffer.into_inner().map_err(io::IntoInnerError::into_error));
        let open = Expected { size: self.open.size(), sha256: self.open.finish() };
        Ok((finish(packed.map_err(failed)?, store)?, open))
    }
}
