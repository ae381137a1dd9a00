//! A project's page in a Python index: JSON as PEP 691 says, or HTML as PEP 503 says where an index has nothing else.
//! Every file comes with an address, a digest and what the index says of it; a page that contradicts itself is refused.
//! Not here: which file is wanted.

use super::anchors::{Anchor, anchors};
use pep440_rs::VersionSpecifiers;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use std::collections::BTreeMap;
use systems::http::{self, Http};
use words::digest::Sha256;
use words::event::Tell;
use words::location::{Led, Location};
use words::names::{SafePath, Word};
use words::shown::shown;

/// JSON, and where there is none, HTML.
const ACCEPT: &str = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1";
/// The largest page that is read: the longest known have a few megabytes.
const PAGE_LIMIT: u64 = 64 << 20;
/// More files than any project has.
const MOST_FILES: usize = 200_000;

/// Why a page is of no use.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The page cannot be had.
    #[error("cannot read the page of {project} in the Python index")]
    Page { project: Word, source: http::Error },
    /// The page is not what PEP 691 says.
    #[error("the index's page of {project} is not PEP 691 JSON")]
    Json { project: Word, source: serde_json::Error },
    /// The page is not what PEP 503 says.
    #[error("the index's page of {project} is neither JSON nor HTML with links to files; is this address an index?")]
    Form { project: Word },
    /// The page has more than can be.
    #[error("the index's page of {project} lists more than {MOST_FILES} files")]
    Long { project: Word },
    /// The same name stands for different bytes.
    #[error("the index offers {} twice, with different digests; nobody can say which is meant", shown(name))]
    Twice { name: String },
    /// The manifest says which bytes may be taken, and these are not among them.
    #[error("the index has no file of {project} with a digest that the manifest allows")]
    Unlisted { project: Word },
    /// The index publishes no SHA-256 for it.
    #[error("the index publishes no sha256 for {}", shown(name))]
    Bare { name: String },
    /// It leads to where nobody may be sent.
    #[error("the index leads to {} for {}, which is not followed: {why}", shown(to), shown(name))]
    Leads { name: String, to: String, why: &'static str },
    /// Its name or address is not usable.
    #[error("the index offers `{}`, whose name or address cannot be used", shown(name))]
    Unsafe { name: String },
}

/// One file of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexFile {
    /// `project/file name`: its address in the lock.
    pub address: SafePath,
    /// Where it is now.
    pub location: Location,
    /// Its length in bytes, if the index says.
    pub size: Option<u64>,
    /// Its identity.
    pub sha256: Sha256,
    /// The versions of Python that it is for.
    pub python: Option<VersionSpecifiers>,
    /// Why its publisher took it back, if it did; the reason may be empty.
    pub yanked: Option<String>,
    /// Whether its metadata lies beside it, and with which digest.
    pub metadata: Option<Option<Sha256>>,
}

/// A file as a page names it; nothing of it is checked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Listed {
    pub(super) name: String,
    url: String,
    sha256: Option<String>,
    size: Option<u64>,
    python: Option<String>,
    yanked: Option<String>,
    metadata: Option<Option<String>>,
}

/// A project's page.
pub struct Project {
    pub(super) name: Word,
    location: Location,
    pub(super) files: Vec<Listed>,
}

/// Asks the index for a project's page.
pub fn project(http: &Http, index: &Location, name: &Word, tell: Tell) -> Result<Project, Error> {
    let folder = SafePath::new(name.as_str()).map_err(|_| Error::Unsafe { name: name.to_string() })?;
    let location = match index.join(&folder) {
        // An index answers at the folder itself; without the slash most only redirect.
        Location::Web(mut url) => {
            url.set_path(&format!("{}/", url.path()));
            Location::Web(url)
        }
        path => path,
    };
    let page = |source| Error::Page { project: name.clone(), source };
    let bytes = http.get_small(&location, ACCEPT, PAGE_LIMIT, tell).map_err(page)?;
    read(name, location, &bytes)
}

/// Reads a page. Its first byte says what it is: corporate indexes are careless with media types.
pub(super) fn read(name: &Word, location: Location, bytes: &[u8]) -> Result<Project, Error> {
    let mut files = match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{') => read_json(name, bytes)?,
        _ => read_html(name, bytes)?,
    };
    if files.len() > MOST_FILES {
        return Err(Error::Long { project: name.clone() });
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    let differ = |pair: &&[Listed]| pair[0].name == pair[1].name && pair[0].sha256 != pair[1].sha256;
    if let Some(pair) = files.windows(2).find(differ) {
        return Err(Error::Twice { name: pair[0].name.clone() });
    }
    files.dedup_by(|a, b| a.name == b.name);
    Ok(Project { name: name.clone(), location, files })
}

#[derive(Deserialize)]
struct JsonPage {
    files: Vec<JsonFile>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct JsonFile {
    filename: String,
    url: String,
    #[serde(default)]
    hashes: BTreeMap<String, String>,
    size: Option<u64>,
    requires_python: Option<String>,
    yanked: Option<Flag>,
    core_metadata: Option<Flag>,
    dist_info_metadata: Option<Flag>,
}

/// What is `false`, or something that means more than `true`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Flag {
    Plain(bool),
    Reason(String),
    Hashes(BTreeMap<String, String>),
}

impl Flag {
    fn is_set(&self) -> bool {
        !matches!(self, Flag::Plain(false))
    }

    fn reason(self) -> String {
        match self {
            Flag::Reason(reason) => reason.chars().filter(|c| !c.is_control()).take(200).collect(),
            Flag::Plain(_) | Flag::Hashes(_) => String::new(),
        }
    }

    fn sha256(&self) -> Option<String> {
        match self {
            Flag::Hashes(hashes) => hashes.get("sha256").cloned(),
            Flag::Plain(_) | Flag::Reason(_) => None,
        }
    }
}

fn read_json(name: &Word, bytes: &[u8]) -> Result<Vec<Listed>, Error> {
    let json = |source| Error::Json { project: name.clone(), source };
    let page: JsonPage = serde_json::from_slice(bytes).map_err(json)?;
    let listed = |file: JsonFile| {
        let metadata = file.core_metadata.or(file.dist_info_metadata).filter(Flag::is_set);
        Listed {
            name: file.filename,
            url: file.url,
            sha256: file.hashes.get("sha256").cloned(),
            size: file.size,
            python: file.requires_python,
            yanked: file.yanked.filter(Flag::is_set).map(Flag::reason),
            metadata: metadata.map(|flag| flag.sha256()),
        }
    };
    Ok(page.files.into_iter().map(listed).collect())
}

fn read_html(name: &Word, bytes: &[u8]) -> Result<Vec<Listed>, Error> {
    let text = String::from_utf8_lossy(bytes);
    let anchors = anchors(&text, MOST_FILES + 1);
    let is_page = text.to_ascii_lowercase().contains("<html") || !anchors.is_empty();
    if !is_page {
        return Err(Error::Form { project: name.clone() });
    }
    Ok(anchors.into_iter().filter_map(listed).collect())
}

/// The file that a link leads to: its name is the last part of the address, its digest the fragment.
fn listed(anchor: Anchor) -> Option<Listed> {
    let href = anchor.attributes.get("href")?;
    let (url, fragment) = href.split_once('#').unwrap_or((href, ""));
    let path = url.split('?').next().unwrap_or_default();
    let name = percent_decode_str(path.rsplit('/').next()?).decode_utf8().ok()?.into_owned();
    if name.is_empty() {
        return None;
    }
    let attribute = |names: [&str; 2]| names.iter().find_map(|name| anchor.attributes.get(*name));
    let metadata = attribute(["data-core-metadata", "data-dist-info-metadata"]).filter(|text| *text != "false");
    Some(Listed {
        name,
        url: url.to_owned(),
        sha256: fragment.strip_prefix("sha256=").map(str::to_owned),
        size: None,
        python: anchor.attributes.get("data-requires-python").cloned(),
        yanked: anchor.attributes.get("data-yanked").cloned().map(|text| Flag::Reason(text).reason()),
        metadata: metadata.map(|text| text.strip_prefix("sha256=").map(str::to_owned)),
    })
}

impl Project {
    /// What the page says of a file, checked.
    pub(super) fn file(&self, listed: &Listed) -> Result<IndexFile, Error> {
        let unsafe_name = || Error::Unsafe { name: listed.name.clone() };
        let bare = || Error::Bare { name: listed.name.clone() };
        let address = SafePath::new(format!("{}/{}", self.name, listed.name)).map_err(|_| unsafe_name())?;
        if address.as_str().matches('/').count() != 1 {
            return Err(unsafe_name());
        }
        let sha256 = |text: &String| text.parse::<Sha256>().ok();
        Ok(IndexFile {
            location: self.locate(listed)?,
            address,
            size: listed.size,
            sha256: listed.sha256.as_ref().and_then(sha256).ok_or_else(bare)?,
            // A condition that nobody can read holds nobody back: installers see it so.
            python: listed.python.as_ref().and_then(|text| text.parse().ok()),
            yanked: listed.yanked.clone(),
            metadata: listed.metadata.as_ref().map(|digest| digest.as_ref().and_then(sha256)),
        })
    }

    /// The address of a file as one of the web; on the index's own host its credentials go along.
    fn locate(&self, listed: &Listed) -> Result<Location, Error> {
        let name = || listed.name.clone();
        let Location::Web(page) = &self.location else { return Err(Error::Unsafe { name: name() }) };
        // A page leads as a redirect does: not further inside than it comes from, and not out of encryption.
        let led = http::lead(page, &listed.url);
        let mut url = led.map_err(|refused| Error::Leads { name: name(), to: refused.to, why: refused.why })?;
        url.set_fragment(None);
        let own = (url.host(), url.port_or_known_default(), url.scheme())
            == (page.host(), page.port_or_known_default(), page.scheme());
        if !own {
            // What its name stands for is looked at when it is asked for.
            let mut page = page.clone();
            let _ = page.set_username("").and_then(|()| page.set_password(None));
            return Ok(Location::Led(Box::new(Led { page, url })));
        }
        // An address with a host always takes them.
        let _ = url.set_username(page.username()).and_then(|()| url.set_password(page.password()));
        Ok(Location::Web(url))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn page(text: &str) -> Result<Project, Error> {
        let location = Location::parse("https://me:secret@index.example/simple/tool/").unwrap();
        read(&Word::new("tool").unwrap(), location, text.as_bytes())
    }

    fn only(text: &str) -> IndexFile {
        let page = page(text).unwrap();
        page.file(&page.files[0]).unwrap()
    }

    #[test]
    fn both_forms_say_the_same() {
        let json = only(&format!(
            r#" {{"files":[{{"filename":"tool-1.0-py3-none-any.whl","url":"../../files/tool-1.0-py3-none-any.whl",
            "hashes":{{"md5":"1","sha256":"{DIGEST}"}},"requires-python":">=3.8,<4","yanked":"broken",
            "core-metadata":{{"sha256":"{DIGEST}"}}}}],"meta":{{"api-version":"1.1"}}}}"#
        ));
        let html = only(&format!(
            "<!DOCTYPE html><html><body>\n<A data-requires-python='&gt;=3.8,&lt;4' data-yanked=\"broken\" \
             data-dist-info-metadata=\"sha256={DIGEST}\"\nhref=\"../../files/tool-1.0-py3-none-any.whl#sha256={DIGEST}\">\
             tool-1.0-py3-none-any.whl</A><br/></body></html>"
        ));
        assert_eq!(json, html);
        assert!(
            json.yanked.as_deref() == Some("broken")
                && json.size.is_none()
                && json.metadata == Some(Some(DIGEST.parse().unwrap()))
        );
        assert_eq!(json.python.as_ref().map(ToString::to_string).as_deref(), Some(">=3.8, <4"));
        let Location::Web(url) = &json.location else { panic!("it is on the web") };
        assert_eq!((url.path(), url.password()), ("/files/tool-1.0-py3-none-any.whl", Some("secret")));
    }

    #[test]
    fn credentials_stay_on_their_host() {
        let link = |to: &str| format!("<a href=\"{to}#sha256={DIGEST}\">x</a>");
        let file = only(&link("https://files.example/tool-1.0.tar.gz"));
        let Location::Led(led) = &file.location else { panic!("the page has named it") };
        assert_eq!((led.url.username(), led.url.password()), ("", None));
        assert_eq!(led.page.as_str(), "https://index.example/simple/tool/");
    }

    #[test]
    fn a_page_leads_no_further_than_a_redirect() {
        for (url, why) in [
            ("file:///etc/passwd", "only http and https are"),
            ("javascript:alert(1)", "only http and https are"),
            ("ftp://files.example/tool-1.0.tar.gz", "only http and https are"),
            ("https://", "it is no address"),
            ("http://index.example/tool-1.0.tar.gz", "it leaves the encrypted connection"),
            ("http://files.example/tool-1.0.tar.gz", "it leaves the encrypted connection"),
            ("https://127.0.0.1/tool-1.0.tar.gz", "from outside to this machine"),
            ("//localhost/tool-1.0.tar.gz", "from outside to this machine"),
            ("https://[::ffff:10.0.0.1]/tool-1.0.tar.gz", "from outside to this machine"),
            ("https://169.254.169.254/tool-1.0.tar.gz", "from outside to this machine"),
        ] {
            let text = format!(
                r#"{{"files":[{{"filename":"tool-1.0.tar.gz","url":"{url}","hashes":{{"sha256":"{DIGEST}"}}}}]}}"#
            );
            let page = page(&text).unwrap();
            let refused = page.file(&page.files[0]).unwrap_err();
            let told = refused.to_string();
            assert!(matches!(refused, Error::Leads { .. }) && told.contains(why), "{url}: {told}");
        }
    }

    #[test]
    fn one_name_with_two_digests_is_refused() {
        let link = |digest: &str| format!("<a href=\"a/tool-1.0.tar.gz#sha256={digest}\">x</a>");
        let other = DIGEST.replace('e', "f");
        assert!(matches!(page(&[link(DIGEST), link(&other)].concat()), Err(Error::Twice { .. })));
        assert_eq!(page(&[link(DIGEST), link(DIGEST)].concat()).unwrap().files.len(), 1);
    }

    #[test]
    fn hostile_pages_are_refused() {
        for text in ["{", "{\"files\":{}}", "{\"files\":[{\"filename\":1}]}"] {
            assert!(matches!(page(text), Err(Error::Json { .. })), "{text}");
        }
        assert!(matches!(page("not found"), Err(Error::Form { .. })));
        assert_eq!(page("<html></html>").unwrap().files, []);
        for (name, url) in [("../x-1.0.tar.gz", "x"), ("a/b.tar.gz", "x")] {
            let text =
                format!(r#"{{"files":[{{"filename":"{name}","url":"{url}","hashes":{{"sha256":"{DIGEST}"}}}}]}}"#);
            let page = page(&text).unwrap();
            assert!(matches!(page.file(&page.files[0]), Err(Error::Unsafe { .. })), "{name} {url}");
        }
        let bare = page("<a href=\"tool-1.0.tar.gz#md5=12\">x</a>").unwrap();
        assert!(matches!(bare.file(&bare.files[0]), Err(Error::Bare { .. })));
        let deep = format!("{{\"files\":{}", "[".repeat(100_000));
        assert!(matches!(page(&deep), Err(Error::Json { .. })));
    }
}
