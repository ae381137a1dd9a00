//! The installer's own folder on a node, `/var/lib/pnda/install`: its state, its journal, its downloads, its lock.
//! Only root can change it or any folder above it; it is made when something is placed, not before.
//! Not here: what the state says.

use super::listing::Listing;
use super::state::{self, State};
use disk::lock::{self, Hold};
use disk::regular::{self, Links};
use disk::replace;
use disk::root_dir::{self, RootDir};
use std::collections::BTreeSet;
use std::fs::{self, File, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use systems::download;
use words::digest::{Sha256, to_hex};
use words::names::NodePath;
use words::node::Scope;

const HOME: &str = "/var/lib/pnda/install";
const STATE: &str = "state.toml";
const JOURNAL: &str = "switch.toml";
const DOWNLOADS: &str = "downloads";
const LISTINGS: &str = "listings";
const KEY: &str = "key";
const GONE: &str = ".gone";
/// A state names every placed file; this stops at what is none.
const LONGEST_TEXT: u64 = 64 << 20;

/// Why the folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be reached.
    #[error("cannot use {HOME}")]
    Walk(#[source] root_dir::Error),
    /// Others could forge what is in it.
    #[error("{} or a folder above it can be changed by others than root: give it to root, with mode 0755", path.display())]
    Shared { path: PathBuf },
    /// What is in it is what its owner says.
    #[error(
        "{} belongs to user number {owner}, and root does not do what others have written: run this as that user, for \
         example: runuser -u \"$(id -nu {owner})\" -- pnda-agent …", path.display()
    )]
    Foreign { path: PathBuf, owner: u32 },
    /// Another install is at work.
    #[error("another install is running on this node (it holds {}): wait until it is done", path.display())]
    Busy { path: PathBuf },
    /// The state is not readable.
    #[error("the installer's state {} cannot be used", path.display())]
    State { path: PathBuf, source: state::Error },
    /// The machine refuses to read.
    #[error("cannot read {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    /// The machine refuses to write.
    #[error("cannot write {}", path.display())]
    Write { path: PathBuf, source: io::Error },
}

/// Whether a path is the installer's own.
pub fn holds(path: &NodePath) -> bool {
    path.as_str() == HOME || path.is_below(&home())
}

/// Whether a path is a folder above the installer's own.
pub fn is_above(path: &NodePath) -> bool {
    home().is_below(path)
}

fn home() -> NodePath {
    NodePath::new(HOME).expect("the constant is a plain absolute path")
}

/// The folder; while it is held, no other installer works on this node.
#[derive(Debug)]
pub struct Home {
    path: PathBuf,
    /// Folders that were not there before.
    made: Made,
    lock: Option<File>,
}

impl Home {
    /// The folder as it is, to read only; it need not be there.
    pub fn look(ground: &RootDir) -> Result<Home, Error> {
        let path = home().under(ground.root());
        check(ground)?;
        Ok(Home { path, made: Made::default(), lock: None })
    }

    /// Makes the folder if it is not there, and keeps other installers out.
    pub fn hold(ground: &RootDir) -> Result<Home, Error> {
        let mut home = Home::look(ground)?;
        home.made = make_missing(&home.path, 0o700)?;
        check(ground)?;
        let failed = |source| Error::Write { path: home.path.clone(), source };
        let folder = File::open(&home.path).map_err(failed)?;
        if folder.metadata().map_err(failed)?.mode() & 0o077 != 0 {
            // Whoever can open it could hold its lock for ever.
            folder.set_permissions(Permissions::from_mode(0o700)).map_err(failed)?;
        }
        // The folder itself is the lock: nothing is left behind, and a kill lets it go.
        if !lock::take(&folder, Hold::Alone).is_ok_and(|taken| taken) {
            return Err(Error::Busy { path: home.path });
        }
        let still_there = fs::metadata(&home.path).and_then(|now| Ok(now.ino() == folder.metadata()?.ino()));
        if !still_there.is_ok_and(|same| same) {
            // The other installer was just leaving and has removed the folder.
            return Err(Error::Busy { path: home.path });
        }
        home.lock = Some(folder);
        Ok(home)
    }

    /// Lets the next installer in, and removes what this run made here, as far as it is empty: a refused install leaves nothing.
    pub fn leave(self) {
        let _ = fs::remove_dir(self.path.join(DOWNLOADS));
        self.made.remove_empty();
        // Closing would do, were it not for a child that another thread starts at this moment and that holds a copy.
        let _ = self.lock.map(|folder| folder.unlock());
    }

    /// A copy of the lock, to be held by who waits for a child that must keep other installers out as long as it runs. The
    /// child itself must not have it: whoever has a copy can let the lock go.
    pub fn lock(&self) -> Option<File> {
        self.lock.as_ref()?.try_clone().ok()
    }

    /// What the last install placed.
    pub fn state(&self) -> Result<State, Error> {
        let path = self.path.join(STATE);
        match read(&path)? {
            None => Ok(State::default()),
            Some(text) => State::parse(&text).map_err(|source| Error::State { path, source }),
        }
    }

    /// Remembers what is placed now; from here on it is done.
    pub fn keep_state(&self, state: &State) -> Result<(), Error> {
        self.write(STATE, &state.render())
    }

    /// What an interrupted install left.
    pub fn journal(&self) -> Result<Option<String>, Error> {
        read(&self.path.join(JOURNAL))
    }

    /// Where the journal lies, for people.
    pub fn journal_path(&self) -> PathBuf {
        self.path.join(JOURNAL)
    }

    /// Writes the journal, durably.
    pub fn keep_journal(&self, text: &str) -> Result<(), Error> {
        self.write(JOURNAL, text)
    }

    /// The journal is carried out.
    pub fn drop_journal(&self) -> Result<(), Error> {
        let path = self.path.join(JOURNAL);
        fs::remove_file(&path).and_then(|()| disk::sync(&self.path)).map_err(|source| Error::Write { path, source })
    }

    /// The node's key for digests that nobody shall guess from. It is made with the first install that needs it; a look at
    /// a node without one gets a key for this look alone.
    pub fn key(&self) -> Result<[u8; 32], Error> {
        let path = self.path.join(KEY);
        let failed = |source| Error::Read { path: path.clone(), source };
        if let Some(text) = read(&path)? {
            let key: Sha256 = text.trim().parse().map_err(|error| failed(io::Error::other(error)))?;
            return Ok(*key.as_bytes());
        }
        let mut key = [0; 32];
        File::open("/dev/urandom").and_then(|mut random| random.read_exact(&mut key)).map_err(failed)?;
        if self.lock.is_some() {
            self.write(KEY, &to_hex(&key))?;
        }
        Ok(key)
    }

    /// A folder of this name in the installer's own.
    pub fn folder(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Remembers what an archive holds.
    pub fn keep_listing(&self, archive: Sha256, listing: &Listing) -> Result<(), Error> {
        let path = self.path.join(LISTINGS);
        match fs::create_dir(&path) {
            Err(source) if source.kind() != io::ErrorKind::AlreadyExists => Err(Error::Write { path, source }),
            _ => self.write(&format!("{LISTINGS}/{archive}"), &listing.render()),
        }
    }

    /// What an archive holds, if it was unpacked by a program that writes it down.
    pub fn listing(&self, archive: Sha256) -> Result<Option<Listing>, Error> {
        let text = read(&self.path.join(LISTINGS).join(archive.to_string()))?;
        Ok(text.as_deref().and_then(Listing::parse))
    }

    /// Forgets the listings of archives that are no longer here.
    pub fn drop_listings(&self, used: &BTreeSet<Sha256>) {
        let entries = fs::read_dir(self.path.join(LISTINGS)).into_iter().flatten().flatten();
        let unused = |name: &str| name.parse::<Sha256>().is_ok_and(|sha256| !used.contains(&sha256));
        for entry in entries.filter(|entry| entry.file_name().to_str().is_some_and(unused)) {
            // One too many does no harm.
            let _ = fs::remove_file(entry.path());
        }
    }

    /// Removes everything that the installer knows of this node.
    pub fn forget(&self) -> Result<(), Error> {
        // The state last: while it is there, what is left is known.
        for name in ["generations", LISTINGS, DOWNLOADS] {
            self.discard(&self.path.join(name))?;
        }
        let path = self.path.join(STATE);
        match fs::remove_file(&path).and_then(|()| disk::sync(&self.path)) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(Error::Write { path, source }),
            _ => Ok(()),
        }
    }

    /// Removes a folder of the installer's own, so that nobody ever finds half of it: what a kill leaves has another name.
    pub fn discard(&self, path: &Path) -> Result<(), Error> {
        let gone = self.path.join(GONE);
        let failed = |source| Error::Write { path: path.to_owned(), source };
        let absent = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
        let clear = || fs::remove_dir_all(&gone).or_else(|error| if absent(&error) { Ok(()) } else { Err(error) });
        clear().map_err(failed)?;
        match fs::rename(path, &gone) {
            Err(error) if absent(&error) => Ok(()),
            renamed => renamed.and_then(|()| clear()).map_err(failed),
        }
    }

    /// Removes the folder itself and those above it that are empty; every machine has a `/var/lib` of its own.
    pub fn vanish(&self, scope: Scope) {
        let ours = if scope == Scope::System { 2 } else { 4 };
        let mut folders = self.path.ancestors().take(ours);
        while folders.next().is_some_and(|folder| fs::remove_dir(folder).is_ok()) {}
    }

    /// Where a download lies until it is placed; the same for the same bytes, so that the next run resumes it.
    pub fn download(&self, sha256: Sha256) -> Result<PathBuf, Error> {
        let folder = self.path.join(DOWNLOADS);
        match fs::create_dir(&folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                Err(Error::Write { path: folder, source: error })
            }
            _ => Ok(folder.join(sha256.to_string())),
        }
    }

    /// How many bytes of a download are here already.
    pub fn downloaded(&self, sha256: Sha256) -> u64 {
        download::begun(&self.path.join(DOWNLOADS).join(sha256.to_string()), u64::MAX)
    }

    /// The folder itself, or the nearest one above it that exists.
    pub fn existing(&self) -> &Path {
        self.path.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("/"))
    }

    /// Everything that was downloaded is placed.
    pub fn drop_downloads(&self) -> Result<(), Error> {
        let path = self.path.join(DOWNLOADS);
        match fs::remove_dir_all(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(Error::Write { path, source }),
            _ => Ok(()),
        }
    }

    fn write(&self, name: &str, text: &str) -> Result<(), Error> {
        let path = self.path.join(name);
        replace::replace_own(&path, text.as_bytes()).map_err(|source| Error::Write { path, source })
    }
}

/// Makes a folder and those above it, as far as they are missing; gives those it made.
pub fn make_missing(path: &Path, mode: u32) -> Result<Made, Error> {
    let missing = path.ancestors().take_while(|folder| !folder.exists());
    let mut made = Made { folders: missing.map(Path::to_owned).collect(), above: None };
    made.folders.reverse();
    made.above = made.folders.first().and_then(|outermost| outermost.parent()).and_then(|above| {
        let modified = fs::metadata(above).and_then(|found| found.modified()).ok()?;
        Some((above.to_owned(), modified))
    });
    for folder in &made.folders {
        let mode = if folder == path { mode } else { 0o755 };
        fs::create_dir(folder)
            .and_then(|()| fs::set_permissions(folder, Permissions::from_mode(mode)))
            .map_err(|source| Error::Write { path: folder.clone(), source })?;
    }
    Ok(made)
}

/// Folders that this run made.
#[derive(Debug, Default)]
pub struct Made {
    /// Outermost first.
    folders: Vec<PathBuf>,
    /// The folder they were made in, and when that was last changed.
    above: Option<(PathBuf, SystemTime)>,
}

impl Made {
    /// Removes them; what is not empty is needed: an unfinished download, or somebody else's.
    pub fn remove_empty(&self) {
        let gone = self.folders.iter().rev().all(|folder| fs::remove_dir(folder).is_ok());
        // A refused install leaves the node as it was, and whoever compares listings sees that it did.
        if let Some((above, modified)) = self.above.as_ref().filter(|_| gone) {
            let _ = File::open(above).and_then(|folder| folder.set_modified(*modified));
        }
    }
}

/// The folder may be missing, but what exists of its path must be root's alone and lead where it says.
fn check(ground: &RootDir) -> Result<(), Error> {
    let home = home();
    if !ground.is_guarded() {
        return Err(refusal(ground, ground.root()));
    }
    for folder in home.parents().chain([home.clone()]) {
        let Some((opened, guarded)) = ground.folder(&folder).map_err(Error::Walk)? else { return Ok(()) };
        let shown = folder.under(ground.root());
        let same = File::from(opened)
            .metadata()
            .and_then(|walked| Ok(walked.ino() == fs::metadata(&shown)?.ino()))
            .is_ok_and(|same| same);
        if !guarded || !same {
            return Err(refusal(ground, &shown));
        }
    }
    Ok(())
}

/// Why a folder is not used that others than root can change: a machine's is to be mended, another tree is its owner's.
fn refusal(ground: &RootDir, folder: &Path) -> Error {
    let path = folder.to_owned();
    match fs::metadata(folder).map(|found| found.uid()) {
        Ok(owner) if owner != 0 && !ground.is_machine() => Error::Foreign { path, owner },
        _ => Error::Shared { path },
    }
}

fn read(path: &Path) -> Result<Option<String>, Error> {
    let failed = |source| Error::Read { path: path.to_owned(), source };
    let file = match regular::open(path, Links::Refuse) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(failed)?,
    };
    let mut text = String::new();
    file.take(LONGEST_TEXT).read_to_string(&mut text).map_err(failed)?;
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_installer_at_a_time_and_nothing_left_behind() {
        let root = tempfile::tempdir().unwrap();
        let ground = RootDir::open(root.path(), Scope::User).unwrap();
        let home = Home::hold(&ground).unwrap();
        assert!(matches!(Home::hold(&ground), Err(Error::Busy { .. })));
        home.leave();
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_half_written_download_keeps_the_folder() {
        let root = tempfile::tempdir().unwrap();
        let ground = RootDir::open(root.path(), Scope::User).unwrap();
        let home = Home::hold(&ground).unwrap();
        fs::write(home.download(Sha256::of(b"x")).unwrap(), "half").unwrap();
        home.leave();
        assert_eq!(Home::look(&ground).unwrap().downloaded(Sha256::of(b"x")), 4);
    }

    #[test]
    fn state_is_for_root_alone() {
        let root = tempfile::tempdir().unwrap();
        let ground = RootDir::open(root.path(), Scope::User).unwrap();
        let home = Home::hold(&ground).unwrap();
        home.keep_state(&State { run: 3, ..State::default() }).unwrap();
        assert_eq!(home.state().unwrap().run, 3);
        let mode = fs::metadata(home.path.join(STATE)).unwrap().mode() & 0o777;
        assert_eq!(mode, 0o600);
    }
}
