//! The guide is true: every manifest in it is read, and so is every sources file.
//! Blocks of TOML are taken out of the pages as they stand.
//! Not here: its console blocks; what they show is tested command by command.

use pnda::mirror::manifest;
use pnda::mirror::sources::{Site, Sources};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The TOML blocks of a page, each with the line it begins at.
fn blocks(text: &str) -> Vec<(usize, String)> {
    let (mut found, mut open) = (Vec::new(), None);
    for (at, line) in text.lines().enumerate() {
        match &mut open {
            None if line == "```toml" => open = Some((at + 2, String::new())),
            Some(_) if line == "```" => found.extend(open.take()),
            Some((_, block)) => block.push_str(&format!("{line}\n")),
            None => {}
        }
    }
    found
}

#[test]
fn the_manifests_and_sources_in_the_guide_are_read() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("guide");
    let mut read = 0;
    for entry in
        fs::read_dir(&guide).unwrap().flatten().filter(|entry| entry.path().extension().is_some_and(|end| end == "md"))
    {
        for (line, block) in blocks(&fs::read_to_string(entry.path()).unwrap()) {
            let name = format!("{}:{line}", entry.file_name().to_string_lossy());
            let checked = if block.starts_with("# sources.toml") {
                sources(&block)
            } else {
                manifest::parse(&[(format!("{name}.toml"), block)]).map(drop).map_err(|problems| problems.to_string())
            };
            checked.unwrap_or_else(|problems| panic!("{name}: {problems}"));
            read += 1;
        }
    }
    assert!(read > 8, "the guide has only {read} blocks");
}

fn sources(block: &str) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let login = folder.path().join("login");
    fs::write(&login, "user:password\n").unwrap();
    let file = folder.path().join("sources.toml");
    fs::write(&file, block.replace("/etc/pnda/confluent.login", &login.display().to_string())).unwrap();
    let site = Site { file: Some(file), environment: BTreeMap::new(), ..Site::default() };
    Sources::find(&site).map(drop).map_err(|error| error.to_string())
}
