//! The list of packages of one component and architecture, plain and packed, made from what the packages say themselves.
//! The results stay in the store under the digest of what they were made from: the same list is never made twice.
//! Not here: where it lies on the mirror.

use super::Error;
use crate::fetch::expected;
use crate::lock::Artifact;
use crate::resolve::apt::control::Stanzas;
use crate::resolve::apt::deb;
use crate::resolve::apt::package::Package;
use crate::resolve::apt::version::Version;
use crate::store::Store;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Write};
use systems::download::Expected;
use words::digest::Sha256;
use words::names::Word;

/// Counts changes of what is made from the same packages.
const RECIPE: &str = "packages 1";
/// What a mirror's list says of a package's file; a control file that says it too is not heard.
const OURS: [&str; 8] = ["Filename", "Size", "SHA256", "SHA512", "SHA1", "MD5sum", "Status", "Description-md5"];

/// A list to be made.
pub(super) struct List<'a> {
    /// The architecture of the machines that read it.
    pub(super) architecture: &'a Word,
    /// What may be in it.
    pub(super) artifacts: &'a BTreeSet<&'a Artifact>,
}

/// One package of it.
struct Item {
    name: String,
    version: Version,
    text: String,
}

impl List<'_> {
    /// The list in every form, by the end of its name.
    pub(super) fn make(&self, store: &Store) -> Result<[(&'static str, Expected); 3], Error> {
        let mut recipe = format!("{RECIPE} {}\n", self.architecture);
        for artifact in self.artifacts {
            let _ = writeln!(recipe, "{} {} {}", artifact.sha256, artifact.size, artifact.address);
        }
        let forms = ["", ".gz", ".zst"].map(|form| (form, Sha256::of(format!("{form} {recipe}").as_bytes())));
        let known = |(form, recipe): (&'static str, Sha256)| Some((form, store.assembled(recipe)?));
        if let [Some(plain), Some(gzip), Some(zstd)] = forms.map(known) {
            return Ok([plain, gzip, zstd]);
        }
        let text = self.text(store)?;
        let mut made = forms.map(|(form, _)| (form, Expected { size: 0, sha256: Sha256::of(b"") }));
        for ((form, recipe), (_, made)) in forms.into_iter().zip(&mut made) {
            *made = keep(store, form, text.as_bytes())?;
            store.remember(recipe, *made)?;
        }
        Ok(made)
    }

    fn text(&self, store: &Store) -> Result<String, Error> {
        let mut items = Vec::new();
        for artifact in self.artifacts {
            items.extend(self.item(artifact, store)?);
        }
        items.sort_by(|one, other| {
            (&one.name, &one.version, &one.text).cmp(&(&other.name, &other.version, &other.text))
        });
        Ok(items.into_iter().map(|item| item.text + "\n").collect())
    }

    /// A package as the list has it; none if it is for other machines.
    fn item(&self, artifact: &Artifact, store: &Store) -> Result<Option<Item>, Error> {
        let address = || artifact.address.clone();
        let described = described(artifact, store)?;
        let stanza = Stanzas::all(described.as_bytes()).read().ok().flatten();
        let package = stanza.and_then(|stanza| Package::described(stanza).ok());
        let package = package.ok_or_else(|| Error::Package { address: address(), source: None })?;
        let text = format!("{described}Filename: {}\n", artifact.address);
        let (name, version) = (package.name.clone(), package.version.clone());
        Ok(package.is_for(self.architecture.as_str()).then_some(Item { name, version, text }))
    }
}

/// The control file of a package with size and digest; noted, for it takes time to unpack.
fn described(artifact: &Artifact, store: &Store) -> Result<String, Error> {
    let end = format!("SHA256: {}\n", artifact.sha256);
    let noted = store.recall("control", artifact.sha256).and_then(|bytes| String::from_utf8(bytes).ok());
    // Its last line shows that a note is whole.
    if let Some(noted) = noted.filter(|noted| noted.ends_with(&end)) {
        return Ok(noted);
    }
    let path = store.path(artifact.sha256);
    let file = File::open(&path).map_err(|source| Error::Read { path, source })?;
    let unusable = |source| Error::Package { address: artifact.address.clone(), source: Some(source) };
    let (text, _) = deb::control(io::BufReader::new(file)).map_err(unusable)?;
    let mut described = String::new();
    let mut ours = false;
    for line in text.lines() {
        if !line.starts_with([' ', '\t']) {
            let name = line.split(':').next().unwrap_or_default();
            ours = line.starts_with('#') || OURS.iter().any(|own| own.eq_ignore_ascii_case(name));
        }
        if !ours {
            described.push_str(line.trim_end());
            described.push('\n');
        }
    }
    let _ = write!(described, "Size: {}\n{end}", expected(artifact).size);
    store.note("control", artifact.sha256, described.as_bytes());
    Ok(described)
}

/// Packs a list and takes it into the store.
fn keep(store: &Store, form: &str, text: &[u8]) -> Result<Expected, Error> {
    let mut scratch = store.scratch()?;
    let path = scratch.path().to_owned();
    let failed = |source| Error::Read { path: path.clone(), source };
    let packed = match form {
        ".gz" => {
            let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(9));
            packed.write_all(text).and_then(|()| packed.finish()).map_err(failed)?
        }
        ".zst" => zstd::encode_all(text, 12).map_err(failed)?,
        _ => text.to_vec(),
    };
    scratch.write_all(&packed).map_err(failed)?;
    let (_, path) = scratch.keep().map_err(|error| failed(error.error))?;
    Ok(store.keep(&path)?)
}
