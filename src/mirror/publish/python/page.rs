//! The pages of a Python index: HTML as PEP 503 says, JSON as PEP 691 says, with the same content.
//! Addresses are relative, so that the folder works wherever it is served.
//! Not here: where pages are put.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use std::collections::BTreeMap;
use words::digest::Sha256;
use words::markup::escaped;
use words::names::Word;

/// What stays as it is in the address of a file; `+` does not, because some servers take it for a space.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_');

/// A file on the page of its project.
pub(super) struct File {
    pub(super) name: String,
    pub(super) size: u64,
    pub(super) sha256: Sha256,
    pub(super) requires_python: Option<String>,
    pub(super) metadata: Option<Sha256>,
}

impl File {
    fn url(&self) -> String {
        format!("../../packages/{}", utf8_percent_encode(&self.name, PLAIN))
    }

    fn link(&self) -> String {
        let mut attributes = format!("href=\"{}#sha256={}\"", self.url(), self.sha256);
        if let Some(python) = &self.requires_python {
            attributes.push_str(&format!(" data-requires-python=\"{}\"", escaped(python)));
        }
        if let Some(sha256) = &self.metadata {
            // The second name is what clients before PEP 714 look for.
            for name in ["data-core-metadata", "data-dist-info-metadata"] {
                attributes.push_str(&format!(" {name}=\"sha256={sha256}\""));
            }
        }
        format!("<a {attributes}>{}</a><br>", escaped(&self.name))
    }
}

/// The page with all projects.
pub(super) fn root_html<'a>(projects: impl Iterator<Item = &'a Word>) -> String {
    html("Simple index", projects.map(|project| format!("<a href=\"{project}/\">{project}</a><br>")))
}

/// The page with all files of a project.
pub(super) fn project_html(project: &Word, files: &[&File]) -> String {
    html(&format!("Links for {project}"), files.iter().map(|file| file.link()))
}

fn html(title: &str, lines: impl Iterator<Item = String>) -> String {
    let lines: Vec<String> = lines.collect();
    let version = "<meta name=\"pypi:repository-version\" content=\"1.0\">";
    format!(
        "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\">{version}<title>{title}</title></head>\n<body>\n{}\n</body></html>\n",
        lines.join("\n")
    )
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Meta {
    api_version: &'static str,
}

const META: Meta = Meta { api_version: "1.0" };

#[derive(Serialize)]
struct RootPage<'a> {
    meta: Meta,
    projects: Vec<Name<'a>>,
}

#[derive(Serialize)]
struct Name<'a> {
    name: &'a str,
}

#[derive(Serialize)]
struct ProjectPage<'a> {
    meta: Meta,
    name: &'a str,
    files: Vec<JsonFile<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct JsonFile<'a> {
    filename: &'a str,
    url: String,
    hashes: BTreeMap<&'static str, Sha256>,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    requires_python: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    core_metadata: Option<BTreeMap<&'static str, Sha256>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dist_info_metadata: Option<BTreeMap<&'static str, Sha256>>,
}

/// The same for programs.
pub(super) fn root_json<'a>(projects: impl Iterator<Item = &'a Word>) -> String {
    text(&RootPage { meta: META, projects: projects.map(|project| Name { name: project.as_str() }).collect() })
}

/// The same for programs.
pub(super) fn project_json(project: &Word, files: &[&File]) -> String {
    let hashes = |sha256: Sha256| BTreeMap::from([("sha256", sha256)]);
    let files = files.iter().map(|file| JsonFile {
        filename: &file.name,
        url: file.url(),
        hashes: hashes(file.sha256),
        size: file.size,
        requires_python: file.requires_python.as_deref(),
        core_metadata: file.metadata.map(hashes),
        dist_info_metadata: file.metadata.map(hashes),
    });
    text(&ProjectPage { meta: META, name: project.as_str(), files: files.collect() })
}

/// Text of plain values cannot fail to be written.
fn text(page: &impl Serialize) -> String {
    serde_json::to_string(page).unwrap_or_default() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str) -> File {
        let sha256 = Sha256::of(b"");
        File { name: name.into(), size: 7, sha256, requires_python: Some(">=3.8,<4".into()), metadata: Some(sha256) }
    }

    #[test]
    fn both_forms_say_the_same() {
        let (project, digest) = (Word::new("tool").unwrap(), Sha256::of(b""));
        let wheel = file("tool-1.0+cpu-py3-none-any.whl");
        let url = "../../packages/tool-1.0%2Bcpu-py3-none-any.whl";
        let html = project_html(&project, &[&wheel]);
        let link = format!(
            "<a href=\"{url}#sha256={digest}\" data-requires-python=\"&gt;=3.8,&lt;4\" \
             data-core-metadata=\"sha256={digest}\" data-dist-info-metadata=\"sha256={digest}\">{}</a><br>",
            wheel.name
        );
        assert!(html.contains(&link), "{html}");
        let json: serde_json::Value = serde_json::from_str(&project_json(&project, &[&wheel])).unwrap();
        let listed = &json["files"][0];
        assert_eq!((listed["url"].as_str(), listed["size"].as_u64()), (Some(url), Some(7)));
        assert_eq!(listed["requires-python"].as_str(), Some(">=3.8,<4"));
        for hash in [&listed["hashes"]["sha256"], &listed["core-metadata"]["sha256"]] {
            assert_eq!(hash.as_str(), Some(digest.to_string().as_str()));
        }
    }

    #[test]
    fn what_is_not_known_is_not_said() {
        let bare = File { requires_python: None, metadata: None, ..file("tool-1.0.tar.gz") };
        let project = Word::new("tool").unwrap();
        let pages = [project_html(&project, &[&bare]), project_json(&project, &[&bare])].concat();
        assert!(!pages.contains("requires") && !pages.contains("metadata"), "{pages}");
        assert_eq!(
            root_json([&project].into_iter()),
            "{\"meta\":{\"api-version\":\"1.0\"},\"projects\":[{\"name\":\"tool\"}]}\n"
        );
    }
}
