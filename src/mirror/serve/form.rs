//! Which file a request means, and in which form: as a page of a Python index, compressed, or as it is.
//! A compressed form is only taken where the signed list has it, so its tag is its own digest.
//! Not here: which bytes of it are sent.

use super::condition::Validators;
use super::negotiate::{self, IndexForm};
use super::pinned::{Found, Pinned, rows};
use super::target::Target;
use super::{body, listing, media};
use httpdate::fmt_http_date;
use hyper::body::Bytes;
use hyper::header::{HeaderMap, HeaderValue};
use rustix::fs::Stat;
use std::fs::File;
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use words::digest::Sha256;
use words::generation::Listed;
use words::names::SafePath;

/// Codings that files are kept in, and how their names end; the preferred first.
const CODINGS: [(&str, &str); 2] = [("zstd", "zst"), ("gzip", "gz")];
/// A file's time has seconds: two versions within one of them look the same to whoever asks by time.
const TOLD_APART: Duration = Duration::from_secs(2);

/// Files up to this size are read at once, and travel in the same write as their head.
pub(super) const SMALL: u64 = 64 * 1024;

/// What a request comes to.
pub(super) enum Chosen {
    /// A file, in one of its forms.
    File(Form),
    /// A folder without a page of its own: this page.
    Listing(String),
    /// The folder is at this address.
    Elsewhere(String),
}

/// A file in the form in which it is sent.
#[derive(Clone)]
pub(super) struct Form {
    pub(super) content: Content,
    pub(super) size: u64,
    pub(super) media_type: &'static str,
    pub(super) cache_control: &'static str,
    pub(super) coding: Option<&'static str>,
    /// The headers of the request on which the form depended.
    pub(super) vary: Option<&'static str>,
    pub(super) validators: Validators,
}

/// The bytes of a form.
#[derive(Clone)]
pub(super) enum Content {
    Small(Bytes),
    Large(Arc<File>),
}

/// Chooses the file and its form.
pub(super) fn choose(pinned: &Pinned, target: &Target, headers: &HeaderMap) -> io::Result<Chosen> {
    let path = target.path.as_ref();
    if let Some(path) = path.filter(|_| !target.folder) {
        return Ok(match open(pinned, path)? {
            Some(form) => Chosen::File(compressed(pinned, path, form, headers)),
            None => Chosen::Elsewhere(target.as_folder()),
        });
    }
    let named = |name: &str| path.map_or(SafePath::new(name), |path| path.join(name)).map_err(io::Error::other);
    let page = named("index.html")?;
    match open(pinned, &page) {
        Ok(Some(form)) => Ok(Chosen::File(index(pinned, (&page, form), &named("index.v1_json")?, headers))),
        _ => match pinned.open_inside(path)? {
            Found::Folder(folder) => Ok(Chosen::Listing(listing::page(path, &rows(folder)?))),
            Found::File(..) => Err(io::ErrorKind::NotFound.into()),
        },
    }
}

/// A folder's page, which a Python index has in two forms.
fn index(pinned: &Pinned, (page, html): (&SafePath, Form), json: &SafePath, headers: &HeaderMap) -> Form {
    if pinned.listed(json).is_none() {
        return compressed(pinned, page, html, headers);
    }
    let form = match negotiate::index_form(headers) {
        IndexForm::Json => match open(pinned, json) {
            Ok(Some(form)) => compressed(pinned, json, form, headers),
            _ => compressed(pinned, page, html, headers),
        },
        IndexForm::Html(media_type) => Form { media_type, ..compressed(pinned, page, html, headers) },
    };
    let vary = if form.vary.is_some() { "Accept, Accept-Encoding" } else { "Accept" };
    Form { vary: Some(vary), ..form }
}

/// A file as it is, or the compressed file beside it.
fn compressed(pinned: &Pinned, path: &SafePath, form: Form, headers: &HeaderMap) -> Form {
    let beside = |end: &str| SafePath::new(format!("{path}.{end}")).ok().filter(|path| pinned.listed(path).is_some());
    let kept: Vec<_> = match media::is_metadata(path) {
        true => CODINGS.iter().filter_map(|(coding, end)| Some((*coding, beside(end)?))).collect(),
        false => Vec::new(),
    };
    if kept.is_empty() {
        return form;
    }
    let wanted = negotiate::coding(headers, &kept.iter().map(|(coding, _)| *coding).collect::<Vec<_>>());
    let chosen = wanted.and_then(|wanted| kept.into_iter().find(|(coding, _)| *coding == wanted));
    let (media_type, cache_control, vary) = (form.media_type, form.cache_control, Some("Accept-Encoding"));
    match chosen.map(|(coding, beside)| (coding, open(pinned, &beside))) {
        Some((coding, Ok(Some(form)))) => Form { media_type, cache_control, vary, coding: Some(coding), ..form },
        _ => Form { vary, ..form },
    }
}

/// Opens a file as it is; none if it is a folder. Small files of the list are read once in a generation.
fn open(pinned: &Pinned, path: &SafePath) -> io::Result<Option<Form>> {
    if let Some(form) = pinned.kept.get(path) {
        return Ok(Some(form));
    }
    let Found::File(file, found) = pinned.open_inside(Some(path))? else { return Ok(None) };
    let size = found.st_size as u64;
    let content = match size {
        0..=SMALL => Content::Small(body::read(&file, 0, size)?),
        _ => Content::Large(Arc::new(file)),
    };
    // What is damaged is neither called by the digest of the list nor kept: it may be mended at any time.
    let as_listed = |listed: &&Listed| match &content {
        Content::Small(bytes) => Sha256::of(bytes) == listed.sha256,
        Content::Large(_) => listed.size == size,
    };
    let listed = pinned.listed(path).filter(as_listed);
    let validators = validators(&found, listed.map(|listed| listed.sha256))?;
    let (media_type, cache_control) = (media::media_type(path), media::cache_control(path));
    let form = Form { content, size, media_type, cache_control, coding: None, vary: None, validators };
    if listed.is_some() {
        pinned.kept.keep(path, &form);
    }
    Ok(Some(form))
}

fn validators(found: &Stat, digest: Option<Sha256>) -> io::Result<Validators> {
    let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(found.st_mtime).unwrap_or_default());
    let tag = match digest {
        Some(digest) => format!("\"{digest}\""),
        None => format!("\"{:x}-{:x}-{:x}\"", found.st_size, found.st_mtime, found.st_mtime_nsec),
    };
    let old = SystemTime::now().duration_since(modified).is_ok_and(|age| age >= TOLD_APART);
    let value = |text: String| HeaderValue::try_from(text).map_err(io::Error::other);
    let modified = old.then(|| value(fmt_http_date(modified))).transpose()?;
    Ok(Validators { tag: value(tag)?, modified })
}
