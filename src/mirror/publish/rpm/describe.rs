//! One package in the form of each of the three indexes: `primary`, `filelists` and `other`.
//! What stands in them, and what is left out, is what createrepo does; a test holds both side by side.
//! Not here: the documents around it (`index`).

use crate::rpm::package::{KINDS, Listed, Need, Package, Said};
use crate::rpm::relation::Relation;
use crate::rpm::version::Evr;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use words::digest::Sha256;
use words::markup::escaped;

/// A package, where it lies, and what its bytes are.
pub(super) struct Described<'a> {
    pub(super) package: &'a Package,
    pub(super) name: &'a str,
    pub(super) sha256: Sha256,
}

impl Described<'_> {
    /// What it is, what it needs, and the files that others ask for most.
    pub(super) fn primary(&self) -> String {
        let package = self.package;
        let said = |of| escaped(&package.said(of));
        let (installed, archive) = package.sizes();
        let files = package.files();
        let mut text = format!(
            "<package type=\"rpm\">\n  <name>{}</name>\n  <arch>{}</arch>\n  {}\n  \
             <checksum type=\"sha256\" pkgid=\"YES\">{}</checksum>\n  <summary>{}</summary>\n  \
             <description>{}</description>\n  <packager>{}</packager>\n  <url>{}</url>\n  \
             <time file=\"{built}\" build=\"{built}\"/>\n  \
             <size package=\"{}\" installed=\"{installed}\" archive=\"{archive}\"/>\n  <location href=\"{}\"/>\n  <format>\n    \
             <rpm:license>{}</rpm:license>\n    <rpm:vendor>{}</rpm:vendor>\n    <rpm:group>{}</rpm:group>\n    \
             <rpm:buildhost>{}</rpm:buildhost>\n    <rpm:sourcerpm>{}</rpm:sourcerpm>\n    \
             <rpm:header-range start=\"{}\" end=\"{}\"/>\n",
            escaped(&package.name),
            escaped(&package.architecture),
            self.version(),
            self.sha256,
            said(Said::Summary),
            said(Said::Description),
            said(Said::Packager),
            said(Said::Url),
            package.size,
            escaped(&reference(self.name)),
            said(Said::License),
            said(Said::Vendor),
            said(Said::Group),
            said(Said::BuildHost),
            said(Said::Source),
            package.headers.start,
            package.headers.end(),
            built = package.built(),
        );
        self.dependencies(&files, &mut text);
        files.iter().filter(|file| is_primary(&file.path)).for_each(|file| line(file, "    ", &mut text));
        text.push_str("  </format>\n</package>\n");
        text
    }

    /// Its files.
    pub(super) fn filelists(&self) -> String {
        let mut text = self.opening();
        self.package.files().iter().for_each(|file| line(file, "  ", &mut text));
        text.push_str("</package>\n");
        text
    }

    /// Its latest changes.
    pub(super) fn other(&self) -> String {
        let mut text = self.opening();
        for change in self.package.changes() {
            let (author, what) = (escaped(&change.author), escaped(&change.text));
            let _ = writeln!(text, "  <changelog author=\"{author}\" date=\"{}\">{what}</changelog>", change.time);
        }
        text.push_str("</package>\n");
        text
    }

    fn opening(&self) -> String {
        let (name, architecture) = (escaped(&self.package.name), escaped(&self.package.architecture));
        let digest = self.sha256;
        format!("<package pkgid=\"{digest}\" name=\"{name}\" arch=\"{architecture}\">\n  {}\n", self.version())
    }

    fn version(&self) -> String {
        let Package { epoch, version, release, .. } = self.package;
        format!("<version epoch=\"{epoch}\" ver=\"{}\" rel=\"{}\"/>", escaped(version), escaped(release))
    }

    fn dependencies(&self, files: &[Listed], text: &mut String) {
        let provided = self.package.needs(KINDS[0]);
        let provided: BTreeSet<&Relation> = provided.iter().map(|need| &need.relation).collect();
        let paths: BTreeSet<&str> =
            files.iter().map(|file| file.path.as_str()).filter(|path| is_primary(path)).collect();
        // What a package brings itself it need not ask for.
        let own = |need: &Need| provided.contains(&need.relation) || paths.contains(&*need.relation.name);
        for kind in KINDS {
            let needs = self.package.needs(kind);
            let needs: Vec<&Need> = needs.iter().filter(|need| kind.name != "requires" || !own(need)).collect();
            if needs.is_empty() {
                continue;
            }
            let _ = writeln!(text, "    <rpm:{}>", kind.name);
            for need in needs {
                let before = if need.before { " pre=\"1\"" } else { "" };
                let (name, range) = (escaped(&need.relation.name), range(&need.relation));
                let _ = writeln!(text, "      <rpm:entry name=\"{name}\"{range}{before}/>");
            }
            let _ = writeln!(text, "    </rpm:{}>", kind.name);
        }
    }
}

fn range(relation: &Relation) -> String {
    let Some((comparison, version)) = &relation.range else { return String::new() };
    let evr = Evr::parse(version);
    let release = evr.release.map(|release| format!(" rel=\"{}\"", escaped(release))).unwrap_or_default();
    let (flag, epoch, version) = (comparison.flag(), evr.epoch.unwrap_or("0"), escaped(evr.version));
    format!(" flags=\"{flag}\" epoch=\"{epoch}\" ver=\"{version}\"{release}")
}

fn line(file: &Listed, indent: &str, text: &mut String) {
    let kind = file.kind.map(|kind| format!(" type=\"{kind}\"")).unwrap_or_default();
    let _ = writeln!(text, "{indent}<file{kind}>{}</file>", escaped(&file.path));
}

/// Whether `primary` lists a file: commands and settings are what other packages ask for.
fn is_primary(path: &str) -> bool {
    path.starts_with("/etc/") || path == "/usr/lib/sendmail" || path.contains("bin/")
}

/// A file's name as the reference that a client joins to the repository's address.
fn reference(name: &str) -> String {
    const PLAIN: &percent_encoding::AsciiSet =
        &percent_encoding::CONTROLS.add(b' ').add(b'"').add(b'#').add(b'%').add(b'<').add(b'>').add(b'?');
    percent_encoding::utf8_percent_encode(name, PLAIN).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primary_lists_commands_and_settings() {
        for (path, wanted) in [
            ("/etc/app", true),
            ("/usr/bin/app", true),
            ("/sbin/x", true),
            ("/usr/lib/sendmail", true),
            ("/usr/share/app", false),
            ("/opt/etc/app", false),
        ] {
            assert_eq!(is_primary(path), wanted, "{path}");
        }
    }

    #[test]
    fn a_name_is_a_reference_and_a_range_attributes() {
        assert_eq!(reference("a+b-1:2 #.rpm"), "a+b-1:2%20%23.rpm");
        assert_eq!(range(&Relation::parse("a >= 1:2-3").unwrap()), " flags=\"GE\" epoch=\"1\" ver=\"2\" rel=\"3\"");
    }
}
