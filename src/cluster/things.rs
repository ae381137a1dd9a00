//! The things of a node together: one at a place, nothing inside what is no folder, and services that wait for what is there.
//! Every clash is told with both places that ask for it.
//! Not here: making the things (`desired`).

use super::desired::{Thing, Things};
use super::role::suggestion;
use std::collections::{BTreeMap, BTreeSet};
use words::names::{NodePath, Word};
use words::node::Service;
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

    /// What a role says that a service restarts on must be there, unless the settings leave it out; what of ours its
    /// command reads is added.
    pub(super) fn settle_restarts(&mut self, problems: &mut Problems) {
        let places: BTreeSet<String> = self.by_place.keys().cloned().collect();
        let mut read: BTreeMap<Word, Vec<NodePath>> =
            self.services().map(|service| (service.name.clone(), self.reads(service))).collect();
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
            let read = read.remove(&service.name).unwrap_or_default();
            let new: Vec<NodePath> = read.into_iter().filter(|path| !service.restart_on.contains(path)).collect();
            service.restart_on.extend(new);
        }
    }

    fn services(&self) -> impl Iterator<Item = &Service> {
        self.by_place
            .values()
            .filter_map(|(thing, _)| if let Thing::Service(service) = thing { Some(service) } else { None })
    }

    /// What is placed and named by a service's unit, its command, its environment, or the text of its program.
    fn reads(&self, service: &Service) -> Vec<NodePath> {
        let program = service.command.first().and_then(|program| self.text_of(program)).unwrap_or_default();
        let texts = service.unit.iter().chain(&service.command).chain(service.environment.values()).map(String::as_str);
        let paths = texts.chain([program]).flat_map(paths);
        let placed = |path: &&str| {
            let thing = self.by_place.get(*path).map(|(thing, _)| thing);
            matches!(thing, Some(Thing::Archive(_) | Thing::Download(_) | Thing::File(..) | Thing::Link(_)))
        };
        let unique: BTreeSet<&str> = paths.filter(placed).collect();
        unique.into_iter().filter_map(|path| NodePath::new(path).ok()).collect()
    }

    /// The text of a rendered file, through the node's links.
    fn text_of(&self, path: &str) -> Option<&str> {
        let mut path = path;
        // As many links as the kernel follows.
        for _ in 0..40 {
            match &self.by_place.get(path)?.0 {
                Thing::File(_, text) => return Some(text),
                Thing::Link(link) => path = link.to.as_str(),
                _ => return None,
            }
        }
        None
    }
}

/// The absolute paths that a text names, outside of comments.
fn paths(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let words = lines.flat_map(|line| line.split(|c: char| !(c.is_ascii_alphanumeric() || "/._-".contains(c))));
    words.filter(|word| word.starts_with('/')).map(|word| word.trim_end_matches(['/', '.']))
}
