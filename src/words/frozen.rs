//! Documents as earlier releases wrote them: each must be read for ever, and mean what it meant.
//! The samples in `tests/fixtures/formats` are written once for each format; nothing makes them anew.
//! Not here: documents of one room alone, which freeze theirs themselves.

use crate::generation::Generation;
use crate::node::Node;

fn node(text: &str) -> Node {
    toml::from_str(text).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn a_node_of_format_1_is_read() {
    let node = node(include_str!("../../tests/fixtures/formats/node-1.toml"));
    assert_eq!((node.format, node.node.as_str(), node.root.as_str()), (1, "manager", "/"));
    let counts = [
        node.expected.len(),
        node.site_hadoops.len(),
        node.users.len(),
        node.directories.len(),
        node.archives.len(),
        node.downloads.len(),
        node.files.len(),
        node.links.len(),
        node.once.len(),
        node.services.len(),
        node.hdfs_directories.len(),
        node.hdfs_uploads.len(),
    ];
    assert_eq!(counts, [1, 1, 2, 2, 2, 1, 2, 2, 2, 2, 1, 1]);
    assert_eq!(node.files.iter().flat_map(|file| &file.secrets).count(), 1);
    assert_eq!(toml::from_str::<Node>(&toml::to_string(&node).unwrap()).unwrap(), node);
}

#[test]
fn a_node_of_format_2_trusts_two_keys() {
    let node = node(include_str!("../../tests/fixtures/formats/node-2.toml"));
    assert_eq!(node.format, 2);
    assert_eq!(node.mirror.public_key.len(), 2);
}

#[test]
fn a_list_of_format_1_is_read_and_written_as_it_was() {
    let text = include_str!("../../tests/fixtures/formats/generation-1.toml");
    let generation = Generation::parse(text).unwrap();
    assert_eq!((generation.number, generation.files.len()), (1, text.matches("[[file]]").count()));
    assert_eq!(generation.render(), text);
}
