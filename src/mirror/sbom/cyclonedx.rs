//! CycloneDX 1.6 as JSON: the parts of a bill of materials that a mirror can state, field by field as the schema has them.
//! Everything in it is sorted, nothing is a time of day.
//! Not here: what goes in (`sbom`).

use crate::licences::Licence;
use serde::{Deserialize, Serialize, Serializer};
use std::collections::BTreeSet;
use std::io::{self, Write};
use words::digest::Sha256;

/// A bill of materials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bom<C = Vec<Component>, D = Vec<Dependency>> {
    /// `CycloneDX`.
    pub bom_format: String,
    /// `1.6`.
    pub spec_version: String,
    /// A URN that is the same for the same content.
    pub serial_number: String,
    /// The document's own version: 1.
    pub version: u32,
    /// What it is a bill of, and who made it.
    pub metadata: Metadata,
    /// Everything that belongs to it, sorted by reference.
    pub components: C,
    /// What wants what, as far as it is known.
    pub dependencies: D,
    /// How complete the two lists are.
    pub compositions: Vec<Composition>,
}

/// What a bill is of, and who made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// The programs that made it.
    pub tools: Tools,
    /// What it is a bill of.
    pub component: Component,
}

/// The programs that made a bill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tools {
    /// Each of them.
    pub components: Vec<Component>,
}

/// One thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// `library`, `application`, `file` or `platform`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its name inside the document.
    #[serde(rename = "bom-ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Its group, for Maven.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Its name.
    pub name: String,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Its digests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hashes: Vec<Hash>,
    /// Its licences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub licenses: Vec<LicenceChoice>,
    /// Its package URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purl: Option<String>,
    /// What CycloneDX has no field for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub properties: Vec<Property>,
}

/// A digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hash {
    /// `SHA-256`.
    pub alg: String,
    /// In hexadecimal.
    pub content: String,
}

/// A licence, or the only expression.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum LicenceChoice {
    /// One licence.
    Licence { license: LicenceName },
    /// An expression, which stands alone.
    Expression { expression: String },
}

/// A licence by its id or by a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LicenceName {
    /// SPDX's id.
    Id(String),
    /// Another name.
    Name(String),
}

/// A name and a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Property {
    /// Its name, in this project's own space.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// What one thing wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency<N = Vec<String>> {
    /// The thing.
    #[serde(rename = "ref")]
    pub reference: String,
    /// What it wants.
    #[serde(rename = "dependsOn", skip_serializing_if = "Option::is_none")]
    pub depends_on: Option<N>,
}

/// How complete something is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Composition {
    /// `complete` or `incomplete`.
    pub aggregate: String,
    /// Whose parts are meant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assemblies: Vec<String>,
    /// Whose wants are meant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<String>,
}

impl Component {
    /// A thing with a name and nothing else.
    pub fn named(kind: &str, reference: &str, name: &str) -> Component {
        Component {
            kind: kind.to_owned(),
            reference: Some(reference.to_owned()),
            group: None,
            name: name.to_owned(),
            version: None,
            hashes: Vec::new(),
            licenses: Vec::new(),
            purl: None,
            properties: Vec::new(),
        }
    }

    /// The same with a digest.
    pub fn hashed(mut self, sha256: Sha256) -> Component {
        self.hashes = vec![Hash { alg: "SHA-256".to_owned(), content: sha256.to_string() }];
        self
    }

    /// The same with one more property.
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Component {
        self.properties.push(Property { name: format!("pnda:{name}"), value: value.into() });
        self
    }

    /// The same with licences; an expression beside others is told as a name, for it would have to stand alone.
    pub fn licensed(mut self, licences: &BTreeSet<Licence>) -> Component {
        let only = licences.len() == 1;
        let choice = |licence: &Licence| match licence {
            Licence::Expression(expression) if only => LicenceChoice::Expression { expression: expression.clone() },
            Licence::Id(id) => LicenceChoice::Licence { license: LicenceName::Id(id.clone()) },
            other => LicenceChoice::Licence { license: LicenceName::Name(other.text().to_owned()) },
        };
        self.licenses = licences.iter().map(choice).collect();
        self
    }

    /// How it was made here, if it was; what it is made of is listed too.
    pub fn made(&self) -> Option<&str> {
        let made = self.properties.iter().find(|property| property.name == "pnda:made");
        made.map(|property| property.value.as_str())
    }

    /// What its licences are called.
    pub fn licence_names(&self) -> Vec<&str> {
        self.licenses.iter().map(LicenceChoice::text).collect()
    }
}

impl LicenceChoice {
    /// What it is called.
    pub fn text(&self) -> &str {
        match self {
            LicenceChoice::Expression { expression } => expression,
            LicenceChoice::Licence { license: LicenceName::Id(name) | LicenceName::Name(name) } => name,
        }
    }
}

impl<C: Serialize, D: Serialize> Bom<C, D> {
    /// A bill of `subject`, whose serial number follows from `content`.
    pub fn new(subject: Component, content: Sha256, components: C, dependencies: D) -> Bom<C, D> {
        let root = subject.reference.clone().unwrap_or_default();
        let mut tool = Component::named("application", "pnda", "pnda");
        (tool.reference, tool.version) = (None, Some(env!("CARGO_PKG_VERSION").to_owned()));
        let composition = |aggregate: &str| Composition {
            aggregate: aggregate.to_owned(),
            assemblies: Vec::new(),
            dependencies: Vec::new(),
        };
        Bom {
            bom_format: "CycloneDX".to_owned(),
            spec_version: "1.6".to_owned(),
            serial_number: serial_number(content, &root),
            version: 1,
            metadata: Metadata { tools: Tools { components: vec![tool] }, component: subject },
            components,
            dependencies,
            compositions: vec![
                // Every file is known; of what wants it, the shortest chain.
                Composition { assemblies: vec![root.clone()], ..composition("complete") },
                Composition { dependencies: vec![root], ..composition("incomplete") },
            ],
        }
    }

    /// Writes the document's text.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, self)?;
        out.write_all(b"\n")
    }
}

/// Things that are made one after the other while they are written.
pub struct Each<'a, T>(pub Box<dyn Fn() -> Box<dyn Iterator<Item = T> + 'a> + 'a>);

impl<T: Serialize> Serialize for Each<'_, T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq((self.0)())
    }
}

/// A UUID of the kind whose bits are one's own (RFC 9562, version 8).
fn serial_number(content: Sha256, root: &str) -> String {
    let mut hex = Sha256::of(format!("{root} {content}").as_bytes()).to_string();
    hex.truncate(32);
    hex.replace_range(12..13, "8");
    hex.replace_range(16..17, "8");
    format!("urn:uuid:{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
