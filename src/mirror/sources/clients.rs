//! What the machine's ordinary clients are set up with: Maven's settings and built-in default, pip's likewise.
//! Their files are read; the one program that is started is Python, to say where its pip lives.
//! Not here: our own settings.

use super::{Site, Told};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

mod apt;

pub use apt::{apt, apt_keyrings};

/// The repository that Maven would ask for a release from its central repository.
pub(super) fn maven(site: &Site) -> Told {
    let home = site.environment.get("HOME").map(|home| Path::new(home).join(".m2/settings.xml"));
    let installed = maven_home(site);
    let global = installed.as_ref().map(|home| home.join("conf/settings.xml"));
    for path in home.into_iter().chain(global) {
        if let Some(url) = fs::read_to_string(&path).ok().and_then(|text| settings_mirror(&text)) {
            return Some((url, path.display().to_string()));
        }
    }
    let home = installed?;
    let url = model_builder(&home).and_then(|jar| super_pom(&jar)).and_then(|text| central(&text))?;
    Some((url, format!("the built-in default of Maven in {}", home.display())))
}

/// The folder of the `mvn` in the PATH.
fn maven_home(site: &Site) -> Option<PathBuf> {
    let path = site.environment.get("PATH")?;
    let program = std::env::split_paths(path).map(|folder| folder.join("mvn")).find(|file| file.is_file())?;
    let real = fs::canonicalize(program).ok()?;
    Some(real.parent()?.parent()?.to_owned())
}

/// The jar that holds the POM all others inherit from.
fn model_builder(home: &Path) -> Option<PathBuf> {
    let mut jars: Vec<PathBuf> = fs::read_dir(home.join("lib")).ok()?.flatten().map(|entry| entry.path()).collect();
    jars.sort();
    jars.into_iter().find(|jar| {
        let name = jar.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("maven-model-builder") && name.ends_with(".jar")
    })
}

fn super_pom(jar: &Path) -> Option<String> {
    let mut archive = zip::ZipArchive::new(File::open(jar).ok()?).ok()?;
    let mut text = String::new();
    archive.by_name("org/apache/maven/model/pom-4.0.0.xml").ok()?.take(1 << 20).read_to_string(&mut text).ok()?;
    Some(text)
}

/// The URL of the repository `central` in the POM all others inherit from.
fn central(text: &str) -> Option<String> {
    let document = roxmltree::Document::parse(text).ok()?;
    let repositories = child(document.root_element(), "repositories")?;
    let central = repositories.children().find(|node| child_text(*node, "id").as_deref() == Some("central"))?;
    child_text(central, "url")
}

/// The first mirror of a `settings.xml` that stands for Maven's central repository.
fn settings_mirror(text: &str) -> Option<String> {
    let document = roxmltree::Document::parse(text).ok()?;
    let mirrors = child(document.root_element(), "mirrors")?;
    let stands_for_central = |node: &roxmltree::Node<'_, '_>| {
        let of = child_text(*node, "mirrorOf").unwrap_or_default();
        let words: Vec<&str> = of.split(',').map(str::trim).collect();
        !words.contains(&"!central") && words.iter().any(|word| ["*", "central", "external:*"].contains(word))
    };
    let blocked = |node: &roxmltree::Node<'_, '_>| child_text(*node, "blocked").as_deref() == Some("true");
    child_text(mirrors.children().find(|node| stands_for_central(node) && !blocked(node))?, "url")
}

/// The first child of a name, with or without a namespace: settings and POMs come both ways.
fn child<'a, 'd>(node: roxmltree::Node<'a, 'd>, name: &str) -> Option<roxmltree::Node<'a, 'd>> {
    node.children().find(|child| child.tag_name().name() == name)
}

/// The text of the first child of a name.
fn child_text(node: roxmltree::Node<'_, '_>, name: &str) -> Option<String> {
    child(node, name)?.text().map(|text| text.trim().to_owned())
}

/// The index that pip would ask.
pub(super) fn pypi(site: &Site) -> Told {
    if let Some(url) = site.environment.get("PIP_INDEX_URL") {
        return Some((url.clone(), "the variable PIP_INDEX_URL".into()));
    }
    for path in pip_files(site) {
        if let Some(url) = fs::read_to_string(&path).ok().and_then(|text| pip_index(&text)) {
            return Some((url, path.display().to_string()));
        }
    }
    let folder = pip_folder(site)?;
    let url = fs::read_to_string(folder.join("_internal/models/index.py")).ok().and_then(|text| pip_default(&text))?;
    Some((url, format!("the built-in default of pip in {}", folder.display())))
}

fn pip_files(site: &Site) -> Vec<PathBuf> {
    let named = site.environment.get("PIP_CONFIG_FILE").map(PathBuf::from);
    let home = site.environment.get("HOME").map(PathBuf::from);
    let config = site.environment.get("XDG_CONFIG_HOME").map(PathBuf::from);
    let config = config.or(home.as_ref().map(|home| home.join(".config")));
    let user = config.map(|folder| folder.join("pip/pip.conf"));
    let legacy = home.map(|home| home.join(".pip/pip.conf"));
    named.into_iter().chain(user).chain(legacy).chain([PathBuf::from("/etc/pip.conf")]).collect()
}

/// `index-url` of the section `[global]`.
fn pip_index(text: &str) -> Option<String> {
    let mut global = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            global = line == "[global]";
        }
        let value = line.split_once('=').filter(|(key, _)| ["index-url", "index_url"].contains(&key.trim()));
        if let Some((_, url)) = value.filter(|_| global) {
            return Some(url.trim().to_owned());
        }
    }
    None
}

/// Asks Python where its pip is; the answer is `pip 23.2 from FOLDER (python 3.11)`.
fn pip_folder(site: &Site) -> Option<PathBuf> {
    let path = site.environment.get("PATH")?;
    let python = std::env::split_paths(path).map(|folder| folder.join("python3")).find(|file| file.is_file())?;
    let output = Command::new(python)
        .args(["-I", "-m", "pip", "--version"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let folder = text.split(" from ").nth(1)?.rsplit_once(" (")?.0;
    Some(PathBuf::from(folder))
}

/// The address in `PyPI = PackageIndex("…", …)`, with the folder that pip adds to it.
fn pip_default(text: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with("PyPI = PackageIndex("))?;
    let address = line.split('"').nth(1)?;
    Some(format!("{}/simple", address.trim_end_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_in_settings_stands_for_central_unless_it_says_not() {
        let settings = |of: &str, more: &str| {
            format!(
                "<settings xmlns=\"urn:settings\"><mirrors><mirror><id>m</id>\
                 <mirrorOf>{of}</mirrorOf><url>https://m.example/repo</url>{more}</mirror></mirrors></settings>"
            )
        };
        let url = Some("https://m.example/repo".to_owned());
        for of in ["*", "central", "external:*", "x, central"] {
            assert_eq!(settings_mirror(&settings(of, "")), url, "{of}");
        }
        for of in ["x", "*,!central"] {
            assert_eq!(settings_mirror(&settings(of, "")), None, "{of}");
        }
        assert_eq!(settings_mirror(&settings("*", "<blocked>true</blocked>")), None);
    }

    #[test]
    fn central_is_read_from_the_pom_all_others_inherit_from() {
        let pom = "<project><repositories><repository><id>central</id><url>https://c.example/maven2</url>\
                   </repository></repositories></project>";
        assert_eq!(central(pom), Some("https://c.example/maven2".into()));
    }

    #[test]
    fn pip_is_asked_in_its_own_files() {
        assert_eq!(
            pip_index("[install]\nindex-url = x\n[global]\nindex-url = https://p.example/simple\n"),
            Some("https://p.example/simple".into())
        );
        assert_eq!(
            pip_default("PyPI = PackageIndex(\"https://p.example/\", file=\"f\")\n"),
            Some("https://p.example/simple".into())
        );
    }
}
