//! Assemblies from the manifest to the mirror: a zip and a plain folder out of one locked wheel.
//! The whole program is run; what is published is read back and verified.
//! Not here: hostile parts (`archives`), or the bytes of each form, which are tested beside the code.

use crate::project::Project;
use std::fs::File;
use std::io::{Cursor, Read, Write};
use std::os::unix::fs::PermissionsExt;

const MANIFEST: &str = r#"
[[pypi]]
id = "tool"
package = "tool==1.0"
wheel = { python = "py3", platform = "any" }
publish = false

[[assembly]]
id = "packed"
path = "mirror_misc/tool.zip"

[[assembly.take]]
from = "tool"
members = "tool/"

[[assembly]]
id = "spread"
folder = "mirror_misc/tool/"
executable = ["bin/*"]

[[assembly.take]]
from = "tool"
members = "tool/"

[[assembly.file]]
path = "conf/site.txt"
text = "ours"
"#;

fn wheel() -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in [("tool/bin/run", "#!/bin/sh\n"), ("tool/lib/a.txt", "a"), ("other", "not taken")] {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn an_assembly_is_published_as_a_zip_or_as_a_folder() {
    let project = Project::new();
    project.manifest(MANIFEST).pypi("tool", "tool-1.0-py3-none-any.whl", &wheel());
    project.run("mirror lock").says(0, "locked 1");
    project.run("mirror build").says(0, "published generation 1");
    let read = |name: &str| project.read(&format!("mirror/current/mirror_misc/{name}"));
    assert_eq!((read("tool/lib/a.txt"), read("tool/conf/site.txt")), ("a".to_owned(), "ours".to_owned()));
    let mode = |name: &str| {
        let path = project.path(&format!("mirror/current/mirror_misc/{name}"));
        std::fs::metadata(path).unwrap().permissions().mode() & 0o111
    };
    assert_ne!(mode("tool/bin/run"), 0);
    assert_eq!(mode("tool/lib/a.txt"), 0);
    let zip = File::open(project.path("mirror/current/mirror_misc/tool.zip")).unwrap();
    let mut text = String::new();
    zip::ZipArchive::new(zip).unwrap().by_name("lib/a.txt").unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "a");
    assert_eq!(read("tool.zip.sha256").split_whitespace().nth(1), Some("tool.zip"));
    project.run("mirror verify --mirror mirror").says(0, "as listed");
    project.run("mirror build").says(0, "generation 1");
}
