//! One POM as its author wrote it: the parts that decide about dependencies, nothing interpolated or inherited.
//! Its bytes come from anywhere, so size and shape are bounded and a document type is refused.
//! Not here: parents, properties, management: what the text means is `model`'s.

use super::coordinate::Pattern;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// No POM is larger; the largest real one that we met has 0.2 MiB.
const MAX_BYTES: usize = 4 << 20;
/// Elements, texts and comments of one POM.
const MAX_NODES: u32 = 400_000;

/// The parts of a POM.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Pom {
    pub(super) parent: Option<Reference>,
    pub(super) group: Option<String>,
    pub(super) artifact: Option<String>,
    pub(super) version: Option<String>,
    pub(super) packaging: Option<String>,
    pub(super) relocation: Option<Reference>,
    pub(super) licences: Vec<Licence>,
    pub(super) body: Body,
    pub(super) profiles: Vec<Profile>,
}

/// What a POM and each of its profiles may hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Body {
    pub(super) properties: BTreeMap<String, String>,
    pub(super) managed: Vec<Dependency>,
    pub(super) dependencies: Vec<Dependency>,
    pub(super) repositories: Vec<Repository>,
}

/// A `<license>` of a POM; a POM without any has those of its parent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Licence {
    /// What it is called there; may be empty.
    pub name: String,
    /// Where its text is said to be; may be empty.
    pub url: String,
}

/// A parent or the target of a relocation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) group: Option<String>,
    pub(super) artifact: Option<String>,
    pub(super) version: Option<String>,
}

/// A `<dependency>`, declared or managed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Dependency {
    pub(super) group: String,
    pub(super) artifact: String,
    pub(super) version: Option<String>,
    pub(super) kind: Option<String>,
    pub(super) classifier: Option<String>,
    pub(super) scope: Option<String>,
    pub(super) optional: Option<String>,
    pub(super) exclusions: Vec<Pattern>,
}

/// A repository that a POM names.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Repository {
    /// Its name in the POM.
    pub id: String,
    /// Its address as the POM gives it.
    pub url: String,
}

/// A `<profile>`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Profile {
    pub(super) activation: Activation,
    pub(super) body: Body,
}

/// What switches a profile on; every condition that is there must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Activation {
    pub(super) by_default: bool,
    pub(super) jdk: Option<String>,
    pub(super) os: Option<Os>,
    /// Name and, if any, value.
    pub(super) property: Option<(String, Option<String>)>,
    pub(super) file: Option<File>,
}

/// An operating system; every part that is there must match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Os {
    pub(super) name: Option<String>,
    pub(super) family: Option<String>,
    pub(super) arch: Option<String>,
    pub(super) version: Option<String>,
}

/// A file on the building machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum File {
    Exists,
    Missing(String),
}

/// Why a text is no POM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NotAPom {
    pub(super) line: Option<u32>,
    pub(super) what: String,
}

type Node<'a> = roxmltree::Node<'a, 'a>;

impl Pom {
    /// Reads the bytes of a POM.
    pub(super) fn parse(bytes: &[u8]) -> Result<Pom, NotAPom> {
        if bytes.len() > MAX_BYTES {
            let what = format!("it has {} bytes, more than the {MAX_BYTES} that a POM may have", bytes.len());
            return Err(NotAPom { line: None, what });
        }
        let text = known_entities(decode(bytes));
        // Blank lines before the XML declaration are an error to XML but not to Maven; one space per byte keeps lines.
        let start = text.len() - text.trim_start().len();
        let skipped = text[..start].matches('\n').count() as u32;
        let options = || roxmltree::ParsingOptions { nodes_limit: MAX_NODES, ..Default::default() };
        let not_xml = |error: roxmltree::Error| {
            let (position, what) = (error.pos(), error.to_string());
            let what = what.trim_end_matches(&format!(" at {position}")).to_owned();
            NotAPom { line: Some(position.row + skipped), what }
        };
        let without_namespaces;
        let document = match roxmltree::Document::parse_with_options(&text[start..], options()) {
            Ok(document) => document,
            Err(error @ (roxmltree::Error::DtdDetected | roxmltree::Error::NodesLimitReached)) => {
                return Err(not_xml(error));
            }
            Err(error) => {
                without_namespaces = plain_names(&text[start..]);
                let again = roxmltree::Document::parse_with_options(&without_namespaces, options());
                again.map_err(|_| not_xml(error))?
            }
        };
        let project = document.root_element();
        if project.tag_name().name() != "project" {
            let what = format!("its root is <{}>, not <project>", project.tag_name().name());
            return Err(NotAPom { line: Some(1 + skipped), what });
        }
        Ok(Pom::read(project))
    }

    fn read(project: Node<'_>) -> Pom {
        Pom {
            parent: child(project, "parent").map(Reference::read),
            group: text(project, "groupId"),
            artifact: text(project, "artifactId"),
            version: text(project, "version"),
            packaging: text(project, "packaging"),
            relocation: child(project, "distributionManagement")
                .and_then(|management| child(management, "relocation"))
                .map(Reference::read),
            licences: list(project, "licenses", "license").map(Licence::read).collect(),
            body: Body::read(project),
            profiles: list(project, "profiles", "profile").map(Profile::read).collect(),
        }
    }
}

impl Body {
    fn read(node: Node<'_>) -> Body {
        let properties = child(node, "properties").into_iter().flat_map(|node| node.children());
        let property = |node: Node<'_>| (node.tag_name().name().to_owned(), content(node));
        let managed = child(node, "dependencyManagement");
        Body {
            properties: properties.filter(Node::is_element).map(property).collect(),
            managed: managed.map(dependencies).unwrap_or_default(),
            dependencies: dependencies(node),
            repositories: list(node, "repositories", "repository").map(Repository::read).collect(),
        }
    }
}

impl Reference {
    fn read(node: Node<'_>) -> Reference {
        Reference { group: text(node, "groupId"), artifact: text(node, "artifactId"), version: text(node, "version") }
    }
}

impl Dependency {
    fn read(node: Node<'_>) -> Dependency {
        let exclusion = |node| {
            let part = |name| text(node, name).unwrap_or_default();
            Pattern::of(&part("groupId"), &part("artifactId"))
        };
        Dependency {
            group: text(node, "groupId").unwrap_or_default(),
            artifact: text(node, "artifactId").unwrap_or_default(),
            version: text(node, "version"),
            kind: text(node, "type"),
            classifier: text(node, "classifier"),
            scope: text(node, "scope"),
            optional: text(node, "optional"),
            exclusions: list(node, "exclusions", "exclusion").map(exclusion).collect(),
        }
    }
}

impl Licence {
    fn read(node: Node<'_>) -> Licence {
        let part = |name| text(node, name).unwrap_or_default();
        Licence { name: part("name"), url: part("url") }
    }
}

impl Repository {
    fn read(node: Node<'_>) -> Repository {
        let part = |name| text(node, name).unwrap_or_default();
        Repository { id: part("id"), url: part("url") }
    }
}

impl Profile {
    fn read(node: Node<'_>) -> Profile {
        Profile {
            activation: child(node, "activation").map(Activation::read).unwrap_or_default(),
            body: Body::read(node),
        }
    }
}

impl Activation {
    fn read(node: Node<'_>) -> Activation {
        let os = |node| Os {
            name: text(node, "name"),
            family: text(node, "family"),
            arch: text(node, "arch"),
            version: text(node, "version"),
        };
        let file = |node| match text(node, "exists") {
            Some(_) => Some(File::Exists),
            None => text(node, "missing").map(File::Missing),
        };
        Activation {
            by_default: text(node, "activeByDefault").is_some_and(|text| text.eq_ignore_ascii_case("true")),
            jdk: text(node, "jdk"),
            os: child(node, "os").map(os),
            property: child(node, "property").map(|node| (text(node, "name").unwrap_or_default(), text(node, "value"))),
            file: child(node, "file").and_then(file),
        }
    }
}

fn child<'a>(node: Node<'a>, name: &str) -> Option<Node<'a>> {
    node.children().find(|child| child.tag_name().name() == name)
}

fn list<'a>(node: Node<'a>, list: &str, item: &'static str) -> impl Iterator<Item = Node<'a>> {
    let items = child(node, list).into_iter().flat_map(|node| node.children());
    items.filter(move |node| node.tag_name().name() == item)
}

fn dependencies(node: Node<'_>) -> Vec<Dependency> {
    list(node, "dependencies", "dependency").map(Dependency::read).collect()
}

/// The trimmed text of an element; empty means absent, as for Maven.
fn text(node: Node<'_>, name: &str) -> Option<String> {
    child(node, name).map(content).filter(|text| !text.is_empty())
}

/// The text of an element without the comments in it.
fn content(node: Node<'_>) -> String {
    let texts = node.children().filter(Node::is_text).filter_map(|node| node.text());
    texts.collect::<String>().trim().to_owned()
}

/// POMs are UTF-8; old ones that are not are ISO-8859-1, whatever they declare.
fn decode(bytes: &[u8]) -> Cow<'_, str> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().map(|byte| char::from(*byte)).collect()),
    }
}

/// Maven knows the entities of HTML, as in the names of authors; here they become a sign that no coordinate may hold.
fn known_entities(text: Cow<'_, str>) -> Cow<'_, str> {
    let known = ["amp;", "lt;", "gt;", "quot;", "apos;", "#"];
    let name = |rest: &str| {
        let length = rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
        (length > 0 && rest[length..].starts_with(';')).then_some(length + 1)
    };
    let unknown = |rest: &str| if known.iter().any(|known| rest.starts_with(known)) { None } else { name(rest) };
    if !text.match_indices('&').any(|(at, _)| unknown(&text[at + 1..]).is_some()) {
        return text;
    }
    let mut parts = text.split('&');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match unknown(part) {
            Some(length) => out.extend(["\u{fffd}", &part[length..]]),
            None => out.extend(["&", part]),
        }
    }
    Cow::Owned(out)
}

/// Maven knows nothing of namespaces and takes `<Xlint:-all/>` for a name: Hadoop's POMs have such.
/// Every other byte stays where it is, so that lines and columns stay true.
fn plain_names(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        let (before, tag) = rest.split_at(start);
        let opaque =
            [("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>")].into_iter().find(|(open, _)| tag.starts_with(open));
        let close = opaque.map_or(">", |(_, close)| close);
        let end = tag.find(close).map_or(tag.len(), |at| at + close.len());
        out.push_str(before);
        match opaque {
            Some(_) => out.push_str(&tag[..end]),
            None => out.extend(tag[..end].split_inclusive(['"', '\'']).enumerate().map(|(at, part)| match at % 2 {
                0 => Cow::Owned(part.replace(':', "_")),
                _ => Cow::Borrowed(part),
            })),
        }
        rest = &tag[end..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pom(inner: &str) -> Pom {
        Pom::parse(format!("<project>{inner}</project>").as_bytes()).unwrap()
    }

    #[test]
    fn the_parts_that_matter_are_read() {
        let pom = pom("<parent><groupId>g</groupId><artifactId>p</artifactId><version>1</version></parent>
            <artifactId> a <!-- really --></artifactId><properties><x.y> 1 </x.y></properties>
            <dependencies><dependency><groupId>g</groupId><artifactId>b</artifactId><type>test-jar</type>
            <exclusions><exclusion><groupId>*</groupId><artifactId>c</artifactId></exclusion></exclusions>
            </dependency></dependencies>
            <build><plugins><plugin><dependencies><dependency/></dependencies></plugin></plugins></build>");
        assert_eq!(pom.artifact.as_deref(), Some("a"));
        assert_eq!(pom.parent.unwrap().artifact.as_deref(), Some("p"));
        assert_eq!(pom.body.properties["x.y"], "1");
        assert_eq!(pom.body.dependencies.len(), 1);
        assert_eq!(pom.body.dependencies[0].exclusions[0].to_string(), "*:c");
    }

    #[test]
    fn a_namespace_changes_nothing() {
        let text = "<m:project xmlns:m='urn:pom'><m:version>1</m:version></m:project>";
        assert_eq!(Pom::parse(text.as_bytes()).unwrap().version.as_deref(), Some("1"));
    }

    #[test]
    fn names_need_no_namespace() {
        let xlint = pom("<!-- a:b --><build x:y='a:b'><Xlint:-unchecked/></build><version>1</version>");
        assert_eq!(xlint.version.as_deref(), Some("1"));
    }

    #[test]
    fn old_poms_are_readable() {
        let latin =
            b"<?xml version='1.0' encoding='ISO-8859-1'?><project><name>J\xf6rg</name><version>1</version></project>";
        assert_eq!(Pom::parse(latin).unwrap().version.as_deref(), Some("1"));
        let html = "\n\n<?xml version='1.0'?><project><name>Trygve Laugst&oslash;l &amp; &#65;</name><version>1</version></project>";
        assert_eq!(Pom::parse(html.as_bytes()).unwrap().version.as_deref(), Some("1"));
        let marked = "\u{feff}<project><version>1</version></project>";
        assert_eq!(Pom::parse(marked.as_bytes()).unwrap().version.as_deref(), Some("1"));
    }

    #[test]
    fn what_is_no_pom_is_refused_with_its_line() {
        let line = |text: &str| Pom::parse(text.as_bytes()).unwrap_err().line;
        assert_eq!(line("<project>\n<a>\n</b></project>"), Some(3));
        assert_eq!(line("\n<html></html>"), Some(2));
        assert!(Pom::parse(b"").is_err());
    }

    #[test]
    fn bombs_are_refused() {
        let entities = "<!DOCTYPE p [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><project><version>&b;</version></project>";
        assert!(Pom::parse(entities.as_bytes()).is_err());
        assert!(Pom::parse(&vec![b' '; MAX_BYTES + 1]).is_err());
        assert!(Pom::parse(format!("<project>{}", "<a>".repeat(450_000)).as_bytes()).is_err());
        assert!(Pom::parse(format!("<project>{}", "<a/>".repeat(450_000)).as_bytes()).is_err());
    }
}
