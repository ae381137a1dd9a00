//! What reads bytes from outside, each as a function of bytes that checks what must hold of every outcome.
//! One file for each family of formats.
//! Not here: where the bytes come from.

pub mod archives;
pub mod debian;
pub mod documents;
pub mod flink;
pub mod logs;
pub mod maven;
pub mod python;
pub mod rpm;
pub mod signatures;
pub mod web;

use pnda::words::names::SafePath;
use std::cmp::Ordering;
use std::fmt::Debug;
use std::path::{Component, Path};

/// In memory where the machine has such a folder.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What came of it, in a few words.
fn said<T, E: Debug>(outcome: &Result<T, E>) -> String {
    match outcome {
        Ok(_) => "good".into(),
        Err(error) => format!("{error:?}"),
    }
}

/// A path that came from outside never leaves its folder.
fn stays(path: &SafePath) {
    let inside = |part| matches!(part, Component::Normal(_));
    assert!(Path::new(path.as_str()).components().all(inside), "{path} leaves its folder");
}

/// Versions, one a line: their order is total.
fn ordered(bytes: &[u8], compare: impl Fn(&str, &str) -> Option<Ordering>) -> String {
    let text = text(bytes);
    let lines: Vec<&str> = text.lines().take(8).collect();
    let orders: Vec<Vec<Option<Ordering>>> =
        lines.iter().map(|a| lines.iter().map(|b| compare(a, b)).collect()).collect();
    let all = || 0..lines.len();
    for (a, b) in all().flat_map(|a| all().map(move |b| (a, b))) {
        assert_eq!(orders[a][b], orders[b][a].map(Ordering::reverse), "{:?} and {:?}", lines[a], lines[b]);
        for c in all() {
            let (Some(ab), Some(bc), Some(ac)) = (orders[a][b], orders[b][c], orders[a][c]) else { continue };
            let transitive = ab == Ordering::Greater || bc == Ordering::Greater || ac == ab.then(bc);
            assert!(transitive, "{:?} {ab:?} {:?} {bc:?} {:?}, but {ac:?}", lines[a], lines[b], lines[c]);
        }
    }
    orders.iter().flatten().map(|order| format!("{order:?}")).collect()
}
