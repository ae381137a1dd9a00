//! The index `primary`: which packages a repository offers, and what each needs and provides.
//! It is streamed; of each package only what resolving needs is kept, and each text once.
//! Not here: files of packages (`files`).

use super::xml::{Document, Element, Error, Step};
use crate::rpm::relation::{Comparison, Relation};
use std::collections::HashSet;
use std::io::BufRead;
use std::sync::Arc;
use systems::download::Expected;
use words::names::SafePath;

/// The most packages of one repository, and the most dependencies of one package.
const MOST_PACKAGES: usize = 1 << 20;
const MOST_RELATIONS: usize = 1 << 17;
/// The most dependencies of one repository; the largest known have a tenth of that.
const MOST_RELATIONS_OF_ALL: usize = 1 << 24;

/// A package that a repository offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Its name.
    pub name: Arc<str>,
    /// Its architecture.
    pub architecture: Arc<str>,
    /// Its version, `epoch:version-release`, the epoch only where there is one.
    pub evr: Arc<str>,
    /// The position of its repository among those that were asked.
    pub repository: usize,
    /// Its address below the repository's base.
    pub address: SafePath,
    /// Its bytes.
    pub expected: Expected,
    /// What it provides besides its own name.
    pub provides: Vec<Relation>,
    /// What it needs.
    pub requires: Vec<Relation>,
    /// What it would like to have.
    pub recommends: Vec<Relation>,
    /// The packages it replaces.
    pub obsoletes: Vec<Relation>,
    /// What it cannot stand beside.
    pub conflicts: Vec<Relation>,
    /// Whether the last lock agreed to exactly it.
    pub agreed: bool,
}

impl Offer {
    /// `name-version-release.architecture`, for people.
    pub fn identity(&self) -> String {
        format!("{}-{}.{}", self.name, self.evr, self.architecture)
    }

    /// Itself as what it provides.
    pub fn own(&self) -> Relation {
        Relation::exactly(self.name.clone(), self.evr.clone())
    }

    /// Whether it is of a module's stream: such packages are for those who switch the stream on.
    pub fn is_modular(&self) -> bool {
        self.evr.rsplit_once('-').is_some_and(|(_, release)| release.contains(".module"))
    }
}

/// Texts, each kept once.
#[derive(Debug, Default)]
pub struct Texts(HashSet<Arc<str>>);

impl Texts {
    /// The kept text that is equal to this one.
    pub fn keep(&mut self, text: &str) -> Arc<str> {
        if let Some(kept) = self.0.get(text) {
            return kept.clone();
        }
        let kept: Arc<str> = text.into();
        self.0.insert(kept.clone());
        kept
    }
}

/// Reads the packages of some architectures.
pub fn read<R: BufRead>(
    mut document: Document<R>,
    repository: usize,
    architectures: &[String],
    texts: &mut Texts,
) -> Result<Vec<Offer>, Error> {
    let (mut offers, mut draft, mut text) = (Vec::new(), Draft::default(), String::new());
    let mut relations = 0;
    loop {
        match document.step()? {
            Step::Open(element) => {
                text.clear();
                draft.open(&element, texts)?;
            }
            Step::Text(part) => text.push_str(&part),
            Step::Close(name) if name == "package" => {
                let draft = std::mem::take(&mut draft);
                if architectures.contains(&draft.architecture) {
                    relations += draft.lists.iter().map(Vec::len).sum::<usize>();
                    offers.push(draft.offer(repository, texts)?);
                }
                if offers.len() > MOST_PACKAGES || relations > MOST_RELATIONS_OF_ALL {
                    return Err(Error::Content("it has more packages or dependencies than any repository".into()));
                }
            }
            Step::Close(name) => draft.close(&name, &text),
            Step::End => return Ok(offers),
        }
    }
}

/// What is known so far of the package that is being read.
#[derive(Default)]
struct Draft {
    name: String,
    architecture: String,
    evr: String,
    checksum: String,
    is_sha256: bool,
    size: u64,
    address: String,
    list: Option<usize>,
    lists: [Vec<Relation>; 5],
}

const LISTS: [&str; 5] = ["provides", "requires", "recommends", "obsoletes", "conflicts"];

impl Draft {
    fn open(&mut self, element: &Element<'_>, texts: &mut Texts) -> Result<(), Error> {
        match element.name() {
            "version" => self.evr = evr(element)?.unwrap_or_default(),
            "checksum" => self.is_sha256 = element.get("type")?.is_some_and(|kind| kind == "sha256"),
            "size" => self.size = element.number("package")?,
            "location" => {
                if element.get("base")?.is_some() {
                    let what = format!("its package {} lies in another place than the repository", self.name);
                    return Err(Error::Content(what));
                }
                self.address = element.get("href")?.unwrap_or_default();
            }
            "entry" => {
                let Some(list) = self.list.map(|at| &mut self.lists[at]) else { return Ok(()) };
                let name = element.get("name")?.unwrap_or_default();
                if list.len() >= MOST_RELATIONS {
                    return Err(Error::Content(format!("its package {} has too many dependencies", self.name)));
                }
                // What RPM itself must be able to do is RPM's to say.
                if !name.is_empty() && !name.starts_with("rpmlib(") {
                    let comparison = element.get("flags")?.as_deref().and_then(Comparison::of_flag);
                    let range = comparison.zip(evr(element)?.map(|evr| texts.keep(&evr)));
                    list.push(Relation { name: texts.keep(&name), range });
                }
            }
            other => self.list = LISTS.iter().position(|name| *name == other).or(self.list),
        }
        Ok(())
    }

    fn close(&mut self, name: &str, text: &str) {
        match name {
            "name" => self.name = text.trim().to_owned(),
            "arch" => self.architecture = text.trim().to_owned(),
            "checksum" => self.checksum = text.trim().to_owned(),
            _ if self.list.is_some_and(|at| LISTS[at] == name) => self.list = None,
            // Lists that are not read end here, and theirs are not ours.
            "suggests" | "enhances" | "supplements" => self.list = None,
            _ => {}
        }
    }

    fn offer(self, repository: usize, texts: &mut Texts) -> Result<Offer, Error> {
        let bad = |what: &str| Error::Content(format!("its package `{}` {what}", self.name));
        if self.name.is_empty() || self.evr.is_empty() {
            return Err(bad("has no name or no version"));
        }
        let address = SafePath::new(self.address.as_str()).map_err(|error| bad(&format!("is unusable: {error}")))?;
        let sha256 = self.checksum.parse().ok().filter(|_| self.is_sha256);
        let sha256 = sha256.ok_or_else(|| bad("has no SHA-256; other digests do not count"))?;
        let [provides, requires, recommends, obsoletes, conflicts] = self.lists;
        Ok(Offer {
            name: texts.keep(&self.name),
            architecture: texts.keep(&self.architecture),
            evr: texts.keep(&self.evr),
            repository,
            address,
            expected: Expected { size: self.size, sha256 },
            provides,
            requires,
            recommends,
            obsoletes,
            conflicts,
            agreed: false,
        })
    }
}

/// `epoch:version-release` out of an element's attributes.
fn evr(element: &Element<'_>) -> Result<Option<String>, Error> {
    let Some(version) = element.get("ver")? else { return Ok(None) };
    let epoch = element.get("epoch")?.filter(|epoch| epoch != "0").map(|epoch| format!("{epoch}:")).unwrap_or_default();
    let release = element.get("rel")?.map(|release| format!("-{release}")).unwrap_or_default();
    Ok(Some(format!("{epoch}{version}{release}")))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::xml;
    use super::*;
    use words::digest::Sha256;

    /// A package in the form of the index; `lists` are `requires: a, b >= 1` and the like, `file: /path` as well.
    pub(crate) fn package(identity: &str, lists: &[&str]) -> String {
        let (name_version, architecture) = identity.rsplit_once('.').unwrap();
        let (name_version, release) = name_version.rsplit_once('-').unwrap();
        let (name, version) = name_version.rsplit_once('-').unwrap();
        let (epoch, version) = version.split_once(':').unwrap_or(("0", version));
        let mut format = String::new();
        for list in lists {
            let (kind, entries) = list.split_once(": ").unwrap();
            if kind == "file" {
                format += &entries.split(", ").map(|path| format!("<file>{path}</file>")).collect::<String>();
                continue;
            }
            let entries = entries.split(", ").map(|entry| {
                let relation = Relation::parse(entry).filter(|_| !entry.starts_with('('));
                let relation = relation.unwrap_or_else(|| Relation::any(entry));
                let range = relation.range.map(|(comparison, version)| {
                    let (version, release) = version.split_once('-').unwrap_or((&version, ""));
                    let release = if release.is_empty() { String::new() } else { format!(" rel=\"{release}\"") };
                    format!(" flags=\"{}\" epoch=\"0\" ver=\"{version}\"{release}", comparison.flag())
                });
                let name = relation.name.replace('<', "&lt;").replace('>', "&gt;");
                format!("<rpm:entry name=\"{name}\"{}/>", range.unwrap_or_default())
            });
            format += &format!("<rpm:{kind}>{}</rpm:{kind}>", entries.collect::<String>());
        }
        format!(
            "<package type=\"rpm\"><name>{name}</name><arch>{architecture}</arch>\
             <version epoch=\"{epoch}\" ver=\"{version}\" rel=\"{release}\"/>\
             <checksum type=\"sha256\" pkgid=\"YES\">{}</checksum><summary>of &lt;{name}&gt;</summary>\
             <size package=\"5\" installed=\"7\" archive=\"9\"/><location href=\"Packages/{identity}.rpm\"/>\
             <format><rpm:license>MIT</rpm:license>{format}</format></package>",
            Sha256::of(identity.as_bytes())
        )
    }

    pub(crate) fn primary(packages: &[String]) -> String {
        format!(
            "<?xml version=\"1.0\"?><metadata xmlns=\"c\" xmlns:rpm=\"r\" packages=\"{}\">{}</metadata>",
            packages.len(),
            packages.concat()
        )
    }

    fn offers(text: &str) -> Result<Vec<Offer>, Error> {
        read(xml::read(text.as_bytes()), 0, &["x86_64".into(), "noarch".into()], &mut Texts::default())
    }

    #[test]
    fn a_package_is_read_with_what_it_needs() {
        let app = package(
            "app-1:2.0-3.el9.noarch",
            &[
                "provides: app = 2.0-3, web",
                "suggests: s",
                "requires: rpmlib(X) <= 1, lib >= 1.0, (a if b >= 2)",
                "obsoletes: old < 2",
            ],
        );
        let found = offers(&primary(&[app, package("app-1-1.i686", &[]), package("b-1-1.src", &[])])).unwrap();
        assert_eq!(found.len(), 1);
        let shown = |list: &[Relation]| list.iter().map(Relation::to_string).collect::<Vec<_>>().join(", ");
        assert_eq!(found[0].identity(), "app-1:2.0-3.el9.noarch");
        assert_eq!(shown(&found[0].provides), "app = 2.0-3, web");
        assert_eq!(shown(&found[0].requires), "lib >= 1.0, (a if b >= 2)");
        assert_eq!(shown(&found[0].obsoletes), "old < 2");
        assert_eq!((found[0].expected.size, found[0].address.file_name()), (5, "app-1:2.0-3.el9.noarch.rpm"));
    }

    #[test]
    fn what_cannot_be_believed_is_refused() {
        let good = primary(&[package("app-1-1.noarch", &["requires: a"])]);
        assert!(offers(&good).is_ok());
        for (from, to) in [
            ("href=\"Packages/", "href=\"../"),
            ("href=\"Packages/", "href=\"/"),
            ("href=\"Packages/", "xml:base=\"http://other.example\" href=\""),
            ("package=\"5\"", "package=\"-5\""),
            ("package=\"5\"", "package=\"5e9\""),
            ("type=\"sha256\"", "type=\"md5\""),
            ("<name>app</name>", "<name></name>"),
        ] {
            assert!(matches!(offers(&good.replace(from, to)), Err(Error::Content(_))), "{to}");
        }
        assert!(matches!(offers(&good.replace("<name>app", "<name>&app;")), Err(Error::Hostile(_))));
    }
}
