//! Goes through a package's archive as it streams in: bounds, names, and what a member may be.
//! Every mistake is noted and the walk goes on, as long as going on is safe; nothing is written and nothing is kept.
//! Not here: what the files mean (`contents`).

use flate2::bufread::MultiGzDecoder;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufReader, Read};
use std::rc::Rc;
use systems::meter::{Allowance, Meter};
use tar::EntryType;
use words::names::{PackageName, SafePath};
use words::problem::{Origin, Problem, Problems};
use words::shown::shown;
use words::size::Size;

/// What an archive may be at most.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of the archive itself.
    pub packed: u64,
    /// Bytes of what it unpacks to, headers and all.
    pub unpacked: u64,
    /// Members of any kind.
    pub members: u64,
    /// Folders above a file.
    pub depth: usize,
    /// How often the unpacked bytes may be the packed ones. DEFLATE reaches 1032; programs stay below 20.
    pub growth: u64,
}

/// What no package comes near: a large one is a jar of some hundred megabytes and a few files beside it.
pub const LIMITS: Limits = Limits { packed: 1 << 30, unpacked: 4 << 30, members: 20_000, depth: 32, growth: 200 };

/// A small archive may unpack to this however well it is packed.
const ALWAYS_ALLOWED: u64 = 64 << 20;
/// More mistakes than anybody reads; an archive with so many is no package.
const MOST_PROBLEMS: usize = 100;
/// Bytes of all paths together: they are held in memory, and the folders above a path count again.
const LONGEST_PATHS: usize = 4 << 20;
const PACK: &str = "pack one folder that bears the name of the package, and in it TYPE/COMPONENT/FILES";

/// One member below the package's folder.
pub(super) enum Member<'a> {
    Folder,
    /// A file of this length, and its bytes.
    File(u64, &'a mut dyn Read),
}

/// Why one who is given a member cannot go on.
pub(super) enum Halt<L> {
    /// The archive's bytes do not come.
    Archive(io::Error),
    /// Something beside the archive; it is handed on.
    Other(L),
}

/// What was found wrong, and what is only told.
#[derive(Default)]
pub(super) struct Findings {
    pub(super) problems: Problems,
    pub(super) notes: Vec<Problem>,
}

impl Findings {
    pub(super) fn problem(&mut self, member: &str, what: impl Into<String>, remedy: impl Into<String>) {
        self.problems.add(at(member).problem(what, remedy));
    }

    pub(super) fn note(&mut self, member: &str, what: impl Into<String>, remedy: impl Into<String>) {
        self.notes.push(at(member).problem(what, remedy));
    }
}

/// The place of a mistake; a member's name is anybody's text.
pub(super) fn at(member: &str) -> Origin {
    Origin::of_file(&shown(member).to_string())
}

/// Hands each folder and file below the package's folder to `take`, with its path in that folder.
pub(super) fn walk<L>(
    name: &PackageName,
    archive: impl Read,
    limits: Limits,
    findings: &mut Findings,
    mut take: impl FnMut(&SafePath, Member<'_>, &mut Findings) -> Result<(), Halt<L>>,
) -> Result<(), L> {
    let (meter, allowance) = Meter::new(Bounded::new(archive, limits));
    let mut walk = Walk {
        name,
        limits,
        findings,
        tops: BTreeSet::new(),
        seen: BTreeMap::new(),
        folded: BTreeMap::new(),
        paths: 0,
    };
    match walk.members(meter, &allowance, &mut take) {
        Ok(()) => Ok(()),
        Err(Halt::Other(other)) => Err(other),
        Err(Halt::Archive(error)) => {
            let what = format!("the archive cannot be read to its end: {}", words::chain::chain(&error));
            walk.findings.problem(
                &format!("{name}.tar.gz"),
                what,
                "upload a whole tar.gz, no larger than a package is",
            );
            Ok(())
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Folder,
    File,
}

struct Walk<'a> {
    name: &'a PackageName,
    limits: Limits,
    findings: &'a mut Findings,
    tops: BTreeSet<String>,
    seen: BTreeMap<SafePath, Kind>,
    /// Paths as a file system without cases has them.
    folded: BTreeMap<String, SafePath>,
    /// Bytes of all paths that are held.
    paths: usize,
}

impl Walk<'_> {
    fn members<L, R: Read>(
        &mut self,
        meter: Meter<R>,
        allowance: &Allowance,
        take: &mut impl FnMut(&SafePath, Member<'_>, &mut Findings) -> Result<(), Halt<L>>,
    ) -> Result<(), Halt<L>> {
        let mut tar = tar::Archive::new(meter);
        let mut count = 0;
        for entry in tar.entries().map_err(Halt::Archive)? {
            let mut entry = entry.map_err(Halt::Archive)?;
            // What is not read is passed over when the next header comes. A sparse file is larger than its bytes here are.
            allowance.member(match entry.header().entry_type() {
                EntryType::GNUSparse => entry.header().entry_size().map_err(Halt::Archive)?,
                _ => entry.size(),
            });
            count += 1;
            if count > self.limits.members {
                return Err(too_much(format!("it has more than {} members", self.limits.members)));
            }
            if self.paths > LONGEST_PATHS {
                return Err(too_much(format!("its paths are longer than {} together", Size(LONGEST_PATHS as u64))));
            }
            if self.findings.problems.len() >= MOST_PROBLEMS {
                return Err(too_much(format!("{MOST_PROBLEMS} mistakes are enough, and more may follow")));
            }
            if let Some((path, kind)) = self.accept(&entry) {
                let member = match kind {
                    Kind::Folder => Member::Folder,
                    Kind::File => Member::File(entry.size(), &mut entry),
                };
                take(&path, member, self.findings)?;
            }
        }
        // What lies behind the last member is read too: only the end of the stream says that it is whole.
        allowance.member(self.limits.unpacked);
        io::copy(&mut tar.into_inner(), &mut io::sink()).map_err(Halt::Archive)?;
        Ok(())
    }

    /// The path in the package's folder, if the member is what a package may have.
    fn accept(&mut self, entry: &tar::Entry<'_, impl Read>) -> Option<(SafePath, Kind)> {
        let bytes = entry.path_bytes();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let kind = match entry.header().entry_type() {
            EntryType::XGlobalHeader => return None,
            // Archives of old mark a folder by the end of its name alone.
            EntryType::Regular | EntryType::Continuous if text.ends_with('/') && entry.size() == 0 => Kind::Folder,
            EntryType::Regular | EntryType::Continuous => Kind::File,
            EntryType::Directory => Kind::Folder,
            other => {
                self.findings.problem(&text, refusal(other), "a package has regular files and folders only");
                return None;
            }
        };
        if std::str::from_utf8(&bytes).is_err() {
            self.findings.problem(&text, "its name is not UTF-8", "rename it and pack again");
            return None;
        }
        let mut name = text.as_str();
        while let Some(rest) = name.strip_prefix("./") {
            name = rest;
        }
        let name = if kind == Kind::Folder { name.strip_suffix('/').unwrap_or(name) } else { name };
        if kind == Kind::Folder && (name.is_empty() || name == ".") {
            return None;
        }
        match SafePath::new(name) {
            Ok(path) => self.place(&path, kind),
            Err(error) => {
                self.findings.problem(&text, error.to_string(), "pack with relative, plain names");
                None
            }
        }
    }

    /// Whether a member may stand where it stands.
    fn place(&mut self, path: &SafePath, kind: Kind) -> Option<(SafePath, Kind)> {
        let (top, below) = match path.as_str().split_once('/') {
            Some((top, below)) => (top, Some(below)),
            None => (path.as_str(), None),
        };
        self.note_top(top, below.is_none() && kind == Kind::File);
        let depth = path.as_str().matches('/').count();
        if depth > self.limits.depth {
            let what = format!("it lies {depth} folders deep, and {} are allowed", self.limits.depth);
            self.findings.problem(path.as_str(), what, "put it into fewer folders");
            return None;
        }
        if path.parents().any(|parent| self.seen.get(&parent) == Some(&Kind::File)) {
            self.findings.problem(path.as_str(), "it lies inside something that is a file", "pack again");
            return None;
        }
        for parent in path.parents() {
            self.paths += if self.seen.contains_key(&parent) { 0 } else { parent.as_str().len() };
            self.seen.entry(parent).or_insert(Kind::Folder);
        }
        self.paths += path.as_str().len();
        match self.seen.insert(path.clone(), kind) {
            None => self.note_case(path),
            Some(Kind::Folder) if kind == Kind::Folder => {}
            Some(_) => {
                self.findings.problem(path.as_str(), "it is there twice", "pack each file once");
                return None;
            }
        }
        Some((SafePath::new(below?).ok()?, kind))
    }

    fn note_top(&mut self, top: &str, is_file: bool) {
        if top == self.name.as_str() && !is_file || !self.tops.insert(top.to_owned()) {
            return;
        }
        let what = match is_file {
            true => format!("a file at the top, where only the folder `{}` may be", self.name),
            false => format!("the folder at the top is `{}`, and the package is `{}`", shown(top), self.name),
        };
        self.findings.problem(top, what, PACK);
    }

    fn note_case(&mut self, path: &SafePath) {
        let other = self.folded.entry(path.as_str().to_lowercase()).or_insert_with(|| path.clone());
        if other != path {
            let what = format!("it differs from `{other}` in capital letters only");
            self.findings.note(path.as_str(), what, "some file systems take both for one: rename one of them");
        }
    }
}

fn too_much<L>(what: String) -> Halt<L> {
    Halt::Archive(io::Error::other(what))
}

fn refusal(kind: EntryType) -> &'static str {
    match kind {
        EntryType::Symlink => "it is a symbolic link",
        EntryType::Link => "it is a hard link",
        EntryType::Char | EntryType::Block => "it is a device",
        EntryType::Fifo => "it is a named pipe",
        _ => "it is of a kind that is not read",
    }
}

/// The unpacked bytes, as long as they stay in bounds.
struct Bounded<R> {
    inflated: MultiGzDecoder<BufReader<Counted<R>>>,
    packed: Rc<Cell<u64>>,
    unpacked: u64,
    limits: Limits,
}

struct Counted<R> {
    inner: R,
    count: Rc<Cell<u64>>,
}

impl<R: Read> Bounded<R> {
    fn new(archive: R, limits: Limits) -> Bounded<R> {
        let packed = Rc::new(Cell::new(0));
        let counted = Counted { inner: archive, count: packed.clone() };
        Bounded { inflated: MultiGzDecoder::new(BufReader::new(counted)), packed, unpacked: 0, limits }
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.count.set(self.count.get() + count as u64);
        Ok(count)
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inflated.read(buffer)?;
        self.unpacked += count as u64;
        let (packed, limits) = (self.packed.get(), self.limits);
        if packed > limits.packed {
            return Err(io::Error::other(format!("it is larger than {}", Size(limits.packed))));
        }
        if self.unpacked > limits.unpacked {
            return Err(io::Error::other(format!("it unpacks to more than {}", Size(limits.unpacked))));
        }
        if self.unpacked > ALWAYS_ALLOWED.max(packed.saturating_mul(limits.growth)) {
            return Err(io::Error::other(format!("it unpacks to more than {} times its size", limits.growth)));
        }
        Ok(count)
    }
}
