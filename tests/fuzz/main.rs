//! Hostile bytes for everything that reads bytes from outside: the seeds of `corpus/`, bent by a seeded generator.
//! The tests run it for a moment; `PNDA_FUZZ_SECONDS=600 PNDA_TEST_SEED=7 cargo test --release --test fuzz -- --nocapture` longer.
//! Not here: what a parser makes of good input, which stands beside it.

mod campaign;
mod mutate;
mod scripted;
#[path = "../common/seed.rs"]
mod seed;
mod targets;

use campaign::run;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The seeds of a target: one folder, one file each.
fn corpus(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(target)
}

/// One test for each target, named after it, and the list of their names.
macro_rules! targets {
    ($($name:ident: $target:path,)*) => {
        const NAMES: &[&str] = &[$(stringify!($name)),*];
        $(#[test] fn $name() { run(stringify!($name), $target); })*
    };
}

targets! {
    archive_unpacked: targets::archives::unpacked,
    archive_tar_unpacked: targets::archives::tar_unpacked,
    archive_part_tar: targets::archives::part_tar,
    archive_part_zip: targets::archives::part_zip,
    checksum_file: targets::documents::checksum_file,
    debian_deb: targets::debian::deb,
    debian_packages: targets::debian::packages,
    debian_release: targets::debian::release,
    debian_relations: targets::debian::relations,
    debian_versions: targets::debian::versions,
    flink_lines: targets::flink::lines,
    flink_yaml: targets::flink::yaml,
    gathered_logs: targets::logs::gathered,
    generation_list: targets::documents::generation,
    http_answer: targets::web::answer,
    http_request: targets::web::request,
    lock: targets::documents::lock,
    manifest: targets::documents::manifest,
    maven_coordinate: targets::maven::coordinate,
    maven_metadata: targets::maven::metadata,
    maven_pom: targets::maven::pom,
    maven_versions: targets::maven::versions,
    minisign: targets::signatures::minisign,
    names: targets::documents::names,
    openpgp_cleartext: targets::signatures::cleartext,
    openpgp_keyring: targets::signatures::keyring,
    openpgp_signature: targets::signatures::signature,
    osv: targets::documents::osv,
    python_file_name: targets::python::file_name,
    python_metadata: targets::python::metadata,
    python_page: targets::python::page,
    python_requirement: targets::python::requirement,
    python_sdist: targets::python::sdist,
    python_wheel: targets::python::wheel,
    queue_map: targets::documents::queue_map,
    rpm_expression: targets::rpm::expression,
    rpm_filelists: targets::rpm::filelists,
    rpm_groups: targets::rpm::groups,
    rpm_package: targets::rpm::package,
    rpm_primary: targets::rpm::primary,
    rpm_repomd: targets::rpm::repomd,
    rpm_versions: targets::rpm::versions,
    sources: targets::documents::sources,
}

#[test]
fn every_target_has_its_seeds_and_every_folder_its_target() {
    let folders = std::fs::read_dir(corpus("")).unwrap();
    let there: BTreeSet<String> = folders.map(|one| one.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(there, NAMES.iter().map(ToString::to_string).collect());
}
