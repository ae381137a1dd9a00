//! Maven's formats: POMs through the whole resolver, lists of versions through the registry, coordinates, versions.
//! Every POM is the input, so a POM meets itself as parent, import and dependency.
//! Not here: what Maven would choose, which is held against Maven itself.

use super::{folder, ordered, said, stays, text};
use crate::scripted::{Scripted, client};
use pnda::mirror::lock::Lock;
use pnda::mirror::resolve::maven::{
    Coordinate, Pattern, PomError, Poms, Request, Resolver, Root, compare_versions, licences, nearest,
};
use pnda::mirror::resolve::registry::Registry;
use pnda::mirror::resolve::{Trust, Upgrade, World};
use pnda::mirror::sources::{Site, Sources};
use pnda::mirror::store::Store;
use pnda::words::event::silent;
use std::sync::{Arc, LazyLock};

struct Same(Arc<[u8]>);

impl Poms for Same {
    fn pom(&self, coordinate: &Coordinate) -> Result<Arc<[u8]>, PomError> {
        // A real registry ends somewhere; names that grow from POM to POM are bounded elsewhere.
        if coordinate.to_string().len() < 200 { Ok(self.0.clone()) } else { Err(PomError::Missing) }
    }

    fn versions(&self, _: &str, _: &str) -> Result<Vec<String>, PomError> {
        Ok(["1", "1.5-SNAPSHOT", "2", "2.0.1"].map(str::to_owned).to_vec())
    }
}

pub fn pom(bytes: &[u8]) -> String {
    let licences = licences(bytes).is_some();
    let poms = Same(bytes.into());
    let coordinate = Coordinate::jar("org.example", "app", "1").unwrap();
    let roots = vec![Root { coordinate, exclusions: Vec::new(), transitive: true }];
    let closure = Resolver::new(&poms, 17).closure(&Request::of(roots));
    for chosen in closure.iter().flat_map(|closure| closure.artifacts.iter().chain(&closure.poms)) {
        stays(&chosen.coordinate.path());
    }
    format!("{licences} {}", said(&closure))
}

static SERVER: LazyLock<Scripted> = LazyLock::new(Scripted::start);

pub fn metadata(bytes: &[u8]) -> String {
    SERVER.body(bytes);
    let arguments = vec![format!("maven={}", SERVER.url)];
    let sources = Sources::find(&Site { arguments, ..Site::default() }).unwrap();
    let folder = folder();
    let (http, store) = (client(), Store::open(folder.path()).unwrap());
    let upgrade = Upgrade::default();
    let world = World { sources: &sources, http: &http, store: &store, upgrade: &upgrade, tell: &silent };
    let lock = Lock::default();
    let versions = Registry::open(&world, &lock, Trust::LastLock).unwrap().versions("org.example", "app");
    for version in versions.iter().flatten() {
        assert!(Coordinate::jar("org.example", "app", version).is_ok(), "{version:?} is no version");
    }
    said(&versions)
}

pub fn versions(bytes: &[u8]) -> String {
    let lines: Vec<String> = text(bytes).lines().map(str::to_owned).collect();
    drop(nearest(lines.first().map_or("", String::as_str), &lines));
    ordered(bytes, |a, b| Some(compare_versions(a, b)))
}

pub fn coordinate(bytes: &[u8]) -> String {
    let text = text(bytes);
    let read = text.parse::<Coordinate>();
    if let Ok(coordinate) = &read {
        stays(&coordinate.path());
        assert_eq!(&coordinate.to_string().parse::<Coordinate>().unwrap(), coordinate);
    }
    let pattern = text.parse::<Pattern>();
    if let Ok(pattern) = &pattern {
        assert_eq!(&pattern.to_string().parse::<Pattern>().unwrap(), pattern);
    }
    format!("{} {}", said(&read), said(&pattern))
}
