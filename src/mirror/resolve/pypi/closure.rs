//! A closure as artifacts of the lock: each target is solved by itself, and the lock holds what any of them needs.
//! Where a source distribution is the only way, what builds it comes along: an installer asks the mirror for that too.
//! Not here: how versions are chosen (`solve`), or how the index is asked (`shelf`).

use super::Error;
use super::page::IndexFile;
use super::shelf::{Shelf, View};
use super::solve::{Choice, Preferred, Question, solve};
use crate::lock::Chains;
use crate::manifest::{PypiClosure, Sdists};
use crate::python::{Filename, Form, Requirement, Target};
use pep440_rs::Version;
use std::collections::{BTreeMap, BTreeSet};
use words::event::Tell;
use words::names::{SafePath, Word};

/// Build requirements that have to be built themselves, one below the other.
const MOST_DEPTH: usize = 4;

/// A file that is needed, and why: each chain with the targets it is there for.
pub(super) struct Needed {
    pub(super) project: Word,
    pub(super) file: IndexFile,
    because: BTreeMap<String, BTreeSet<String>>,
}

/// All that is needed, by address.
#[derive(Default)]
pub(super) struct Closure {
    pub(super) needed: BTreeMap<SafePath, Needed>,
    targets: BTreeSet<String>,
}

/// Solves every target.
pub(super) fn close(
    closure: &PypiClosure,
    shelf: &Shelf<'_>,
    prefer: &Preferred,
    tell: Tell,
) -> Result<Closure, Error> {
    let mut all = Closure::default();
    for python in &closure.pythons {
        for platform in &closure.platforms {
            let target = Target::new(python, platform)?;
            all.targets.insert(target.to_string());
            let view = View::new(shelf, closure, &target);
            let solved = Solving { closure, shelf, view: &view, target: &target, tell }.all(prefer, &mut all);
            solved.map_err(|source| Error::Target { target: target.to_string(), source: Box::new(source) })?;
        }
    }
    Ok(all)
}

struct Solving<'a> {
    closure: &'a PypiClosure,
    shelf: &'a Shelf<'a>,
    view: &'a View<'a>,
    target: &'a Target,
    tell: Tell<'a>,
}

impl Solving<'_> {
    fn all(&self, prefer: &Preferred, all: &mut Closure) -> Result<(), Error> {
        let chosen = self.solve(&self.closure.requirements, prefer)?;
        // An installer finds on the mirror what runs as well as what builds: the same version where it can be.
        let mut prefer = prefer.clone();
        for (project, choice) in &chosen {
            prefer.insert(project.clone(), BTreeSet::from([choice.candidate.version.clone()]));
        }
        self.take(&chosen, &[], &prefer, all)
    }

    fn solve(&self, roots: &[Requirement], prefer: &Preferred) -> Result<BTreeMap<Word, Choice>, Error> {
        let PypiClosure { constraints, transitive, .. } = self.closure;
        let environment = self.target.environment();
        solve(&Question { roots, constraints, environment, prefer, transitive: *transitive }, self.view)
    }

    /// Takes what was chosen, and what builds it.
    fn take(
        &self,
        chosen: &BTreeMap<Word, Choice>,
        above: &[String],
        prefer: &Preferred,
        all: &mut Closure,
    ) -> Result<(), Error> {
        let mut to_build = Vec::new();
        for (project, choice) in chosen {
            let file = self.view.file(project, &choice.candidate)?;
            let chain: Vec<String> = above.iter().chain(&choice.chain).cloned().collect();
            file.tell_yanked(self.tell);
            if !choice.candidate.wheel && !all.holds(&file.address, self.target) {
                to_build.push((project, choice, file.clone(), chain.clone()));
            }
            all.add(project, file, &chain, self.target);
            if choice.candidate.wheel && self.closure.sdists == Sdists::Also {
                self.also(project, &choice.candidate.version, &chain, all)?;
            }
        }
        // Only now: what runs is there because it runs, even if something is built with it as well.
        for (project, choice, file, chain) in to_build {
            self.build(project, &choice.candidate.version, &file, &chain, prefer, all)?;
        }
        Ok(())
    }

    /// What builds a source distribution.
    fn build(
        &self,
        project: &Word,
        version: &Version,
        file: &IndexFile,
        chain: &[String],
        prefer: &Preferred,
        all: &mut Closure,
    ) -> Result<(), Error> {
        let name = file.address.file_name().to_owned();
        if chain.iter().filter(|link| *link == BUILD).count() == MOST_DEPTH {
            return Err(Error::TooMuch { what: "source distributions that build one another", limit: MOST_DEPTH });
        }
        let texts = &self.shelf.description(project, file)?.builds_with;
        let requires: Result<Vec<Requirement>, _> = texts.iter().map(|text| Requirement::parse(text)).collect();
        let mut requires = requires.map_err(|source| Error::Build { name, source })?;
        let told = self.closure.metadata.get(&(project.clone(), version.clone()));
        requires.extend(told.into_iter().flat_map(|told| told.builds_with.iter().cloned()));
        let chosen = self.solve(&requires, prefer)?;
        let above: Vec<String> = chain.iter().cloned().chain([BUILD.to_owned()]).collect();
        self.take(&chosen, &above, prefer, all)
    }

    /// The source distribution of a version that has a wheel.
    fn also(&self, project: &Word, version: &Version, chain: &[String], all: &mut Closure) -> Result<(), Error> {
        let page = self.shelf.page(project)?;
        for listed in &page.files {
            match Filename::read(&listed.name, project) {
                Some(Filename { version: found, form: Form::Sdist }) if &found == version => {
                    let file = page.file(listed)?;
                    // Who pins the version gets its wheel, so nobody asks for what was taken back beside it.
                    if file.yanked.is_none() {
                        all.add(project, file, chain, self.target);
                    }
                    break;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// The link of a chain after which things are there to build the one before.
const BUILD: &str = "to build it";

impl Closure {
    fn holds(&self, address: &SafePath, target: &Target) -> bool {
        let target = target.to_string();
        let needed = self.needed.get(address);
        needed.is_some_and(|needed| needed.because.values().any(|targets| targets.contains(&target)))
    }

    fn add(&mut self, project: &Word, file: IndexFile, chain: &[String], target: &Target) {
        let target = target.to_string();
        let needed = self.needed.entry(file.address.clone());
        let fresh = || Needed { project: project.clone(), file, because: BTreeMap::new() };
        let needed = needed.or_insert_with(fresh);
        // One reason a target is enough; the first is the shortest.
        if needed.because.values().any(|targets| targets.contains(&target)) {
            return;
        }
        needed.because.entry(chain.join(" > ")).or_default().insert(target);
    }

    /// Why a file is there: its chains, with the targets unless it is all of them.
    pub(super) fn because(&self, needed: &Needed, entry: &Word) -> Chains {
        let line = |(chain, targets): (&String, &BTreeSet<String>)| {
            let some: Vec<&str> = targets.iter().map(String::as_str).collect();
            match targets == &self.targets {
                true => format!("{entry} > {chain}"),
                false => format!("{entry} > {chain} ({})", some.join(", ")),
            }
        };
        needed.because.iter().map(line).collect()
    }
}
