//! The generations that a mirror keeps, each a folder of its own below `generations`; `current` leads to one of them.
//! A folder whose name begins with `.new-` is being made, with `.old-` being removed; neither is a generation.
//! Not here: what a generation holds (`publish`), or its files one by one (`verify`).

use crate::lock::Lock;
use crate::trust::Waiver;
use disk::lock::{self, Hold};
use disk::regular::{self, Links};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use words::generation::{self as list, Generation, Head, LIST, LOCK, Listed, scan};
use words::names::SafePath;

pub mod alone;
pub mod difference;
pub mod listing;
pub mod record;
pub mod rollback;
pub mod stage;
pub mod status;

/// The folder of the generations, inside a mirror's.
const FOLDER: &str = "generations";
/// What the name of a folder begins with while it is filled ...
const NEW: &str = ".new-";
/// ... and while it is removed.
const OLD: &str = ".old-";

/// Why the generations of a mirror cannot be looked at or changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A folder or file of the mirror failed.
    #[error("cannot {what} {}", path.display())]
    Mirror { what: &'static str, path: PathBuf, source: io::Error },
    /// A list is not one.
    #[error("the list of {} cannot be used", path.display())]
    List { path: PathBuf, source: list::Error },
    /// Nothing is published there.
    #[error("{} holds no published generation; run `pnda mirror build` first", path.display())]
    Empty { path: PathBuf },
    /// The generation is not, or no longer, there.
    #[error("{} has no generation {number}; it keeps {kept}", path.display())]
    Absent { path: PathBuf, number: u64, kept: String },
    /// Another run is changing the mirror.
    #[error(
        "another run is changing {}{}: wait until it ends, or stop it with `kill {}`",
        path.display(),
        pid.as_ref().map(|pid| format!(" (process {pid})")).unwrap_or_default(),
        pid.as_deref().unwrap_or("PID")
    )]
    Busy { path: PathBuf, pid: Option<String> },
}

impl Error {
    fn of(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
        let path = path.to_owned();
        move |source| Error::Mirror { what, path, source }
    }
}

/// Whether a folder is a mirror's, if only one that is about to get its first generation.
pub fn is_mirror(folder: &Path) -> bool {
    folder.join(FOLDER).is_dir()
}

/// Makes the folder of a mirror that is about to get its first generation.
pub fn make(mirror: &Path) -> Result<(), Error> {
    let folder = mirror.join(FOLDER);
    fs::create_dir_all(&folder).map_err(Error::of("make", &folder))
}

/// The folder of one generation.
pub fn place(mirror: &Path, number: u64) -> PathBuf {
    mirror.join(FOLDER).join(number.to_string())
}

/// The numbers of the generations that are kept, in their order; none where there is no mirror.
pub fn numbers(mirror: &Path) -> Result<Vec<u64>, Error> {
    let mut numbers: Vec<u64> = names(mirror)?.iter().filter_map(|name| number(name)).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// A number as it names a folder: `01` is none, or one generation would have two names.
fn number(name: &str) -> Option<u64> {
    name.parse().ok().filter(|number: &u64| number.to_string() == name)
}

fn names(mirror: &Path) -> Result<Vec<String>, Error> {
    let folder = mirror.join(FOLDER);
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(Error::of("list", &folder))?,
    };
    let name = |entry: io::Result<fs::DirEntry>| entry.map(|entry| entry.file_name().to_string_lossy().into_owned());
    entries.map(name).collect::<Result<_, _>>().map_err(Error::of("list", &folder))
}

/// The folder that is served: the current generation, or the folder itself if it is a plain copy of one.
pub fn current(mirror: &Path) -> PathBuf {
    let current = mirror.join("current");
    fs::canonicalize(&current).unwrap_or_else(|_| mirror.to_owned())
}

/// The folder of the generation that is asked for; of the current one if none is.
pub fn chosen(mirror: &Path, number: Option<u64>) -> Result<PathBuf, Error> {
    let Some(number) = number else { return Ok(current(mirror)) };
    let folder = place(mirror, number);
    if folder.is_dir() {
        return Ok(folder);
    }
    let kept: Vec<String> = numbers(mirror)?.iter().map(u64::to_string).collect();
    let kept = if kept.is_empty() { "none".to_owned() } else { kept.join(", ") };
    Err(Error::Absent { path: mirror.to_owned(), number, kept })
}

/// The list in the folder of a generation, unverified: whoever may write the mirror may write this.
pub fn list(folder: &Path) -> Result<Generation, Error> {
    let keep = |files: &mut BTreeMap<SafePath, Listed>, path, listed| {
        files.insert(path, listed);
    };
    let (Head { number, lock }, files) = gather(folder, keep)?;
    Ok(Generation { number, lock, files })
}

/// What stands above the files in the list of a generation, likewise.
pub fn head(folder: &Path) -> Result<Head, Error> {
    gather(folder, |(): &mut (), _, _| {}).map(|(head, ())| head)
}

/// What is made of the files in the list of a generation, one after the other, likewise.
fn gather<T: Default>(folder: &Path, each: impl Fn(&mut T, SafePath, Listed)) -> Result<(Head, T), Error> {
    gather_into(folder, T::default, each)
}

/// Likewise, beginning with something; anew, if the list turns out to be in another form.
pub fn gather_into<T>(
    folder: &Path,
    begin: impl Fn() -> T,
    each: impl Fn(&mut T, SafePath, Listed),
) -> Result<(Head, T), Error> {
    let path = folder.join(LIST);
    let file = match regular::open(&path, Links::Follow) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Error::Empty { path: folder.to_owned() }),
        file => file.map_err(Error::of("read", &path))?,
    };
    let mut made = begin();
    let mut text = BufReader::with_capacity(1 << 16, file);
    if let Ok(Some(head)) = scan(&mut text, &mut |path, listed| each(&mut made, path, listed)) {
        return Ok((head, made));
    }
    let text = regular::read_text(&path).map_err(Error::of("read", &path))?;
    let any = Generation::parse(&text).map_err(|source| Error::List { path: folder.to_owned(), source })?;
    made = begin();
    any.files.into_iter().for_each(|(path, listed)| each(&mut made, path, listed));
    Ok((Head { number: any.number, lock: any.lock }, made))
}

/// The lock that a generation was made from; none in one that was made before they were kept, or if it is damaged.
pub fn lock(folder: &Path) -> Option<Lock> {
    Lock::parse(&regular::read_text(&folder.join(LOCK)).ok()?).ok()
}

/// The exceptions that a generation was made with: they stand above the artifacts of its lock, of which none is read.
pub fn waivers(folder: &Path) -> Vec<Waiver> {
    let Ok(file) = regular::open(&folder.join(LOCK), Links::Follow) else { return Vec::new() };
    let lines = BufReader::new(file).lines().map_while(Result::ok).take_while(|line| line != "[[artifact]]");
    let above: String = lines.map(|line| line + "\n").collect();
    Lock::parse(&above).map(|lock| lock.waivers).unwrap_or_default()
}

/// Keeps the clean-up away from a generation as long as the returned file is open: for whoever reads all of it.
/// It is only a courtesy to readers: where a file system has no locks, nothing is kept away.
pub fn pin(folder: &Path) -> Option<File> {
    let file = regular::open(&folder.join(LIST), Links::Follow).ok()?;
    lock::take(&file, Hold::Shared).ok().filter(|taken| *taken).map(|_| file)
}

/// Whether somebody has pinned a generation.
pub fn is_pinned(folder: &Path) -> bool {
    lock::is_held(&folder.join(LIST), Hold::Alone, Links::Follow)
}

/// Removes a generation: first its name, so that nobody takes the rest for one, then its files.
pub fn remove(mirror: &Path, number: u64) -> Result<(), Error> {
    let folder = place(mirror, number);
    let old = mirror.join(FOLDER).join(format!("{OLD}{number}"));
    remove_all(&old)?;
    fs::rename(&folder, &old).map_err(Error::of("put aside", &folder))?;
    record::forget(mirror, number);
    remove_all(&old)
}

/// Removes what runs that were killed were making or removing.
pub fn sweep(mirror: &Path) -> Result<(), Error> {
    let left = |name: &&String| name.starts_with(NEW) || name.starts_with(OLD);
    names(mirror)?.iter().filter(left).try_for_each(|name| remove_all(&mirror.join(FOLDER).join(name)))
}

fn remove_all(folder: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(Error::of("remove", folder)),
    }
}
