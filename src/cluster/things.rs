//! The things of a node together: one at a place, nothing inside what is no folder, and services that wait for what is there.
//! Every clash is told with both places that ask for it.
//! Not here: making the things (`desired`).

use super::desired::{Thing, Things};
use super::role::suggestion;
use std::collections::BTreeSet;
use words::problem::{Origin, Problems, nearest};

impl Things {
    pub(super) fn insert(&mut self, thing: Thing, origin: &Origin, problems: &mut Problems) {
        let place = thing.place();
        match self.by_place.get(&place) {
            Some((there, _)) if *there == thing => {}
            Some((_, first)) => {
                let what = format!("`{place}` is listed differently at {first}");
                problems.add(origin.problem(what, "make both the same, or move it into a part that both roles list"));
            }
            None => drop(self.by_place.insert(place, (thing, origin.clone()))),
        }
    }

    /// Nothing may lie inside an archive's folder, or below what is no folder at all.
    pub(super) fn check_nesting(&self, problems: &mut Problems) {
        for (place, (thing, first)) in &self.by_place {
            let why = match thing {
                Thing::Archive(_) => "the folder of an archive, which holds nothing else",
                Thing::Download(_) | Thing::File(..) | Thing::Link(_) => "no folder",
                _ => continue,
            };
            let below = format!("{place}/");
            for (inner, (_, origin)) in
                self.by_place.range(below.clone()..).take_while(|(inner, _)| inner.starts_with(&below))
            {
                let what = format!("`{inner}` lies below `{place}` ({first}), {why}");
                problems.add(origin.problem(what, "put it elsewhere"));
            }
        }
    }

    /// What a service waits for must be there; what the settings left out is not waited for.
    pub(super) fn settle_restarts(&mut self, problems: &mut Problems) {
        let places: BTreeSet<String> = self.by_place.keys().cloned().collect();
        for (thing, origin) in self.by_place.values_mut() {
            let Thing::Service(service) = thing else { continue };
            for path in &service.restart_on {
                let path = path.as_str();
                if !places.contains(path) && !self.left_out.contains(path) {
                    let near = nearest(path, places.iter().map(String::as_str));
                    let what = format!("service `{}` restarts on `{path}`, which nothing places", service.name);
                    problems.add(origin.problem(what, suggestion(near, "name a file, link or archive of the node")));
                }
            }
            service.restart_on.retain(|path| places.contains(path.as_str()));
        }
    }
}
