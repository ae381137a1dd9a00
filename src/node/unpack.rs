//! Unpacks a gzipped tar into a new folder, refusing everything a well-meant archive does not need.
//! Regular files keep one of two modes; links come last, so nothing is ever written through one.
//! Not here: whether these are the right bytes; they were verified before.

use super::ahead;
use super::listing::Member;
use flate2::read::MultiGzDecoder;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime};
use systems::meter::Meter;
use tar::EntryType;
use words::digest::Hasher;
use words::names::{BadName, SafePath};
use words::shown::shown;

/// What an archive may hold at most.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Members of any kind.
    pub members: u64,
    /// Bytes of all files together, and of everything else in the tar.
    pub bytes: u64,
    /// How often the unpacked bytes may be the packed ones. DEFLATE reaches 1032; programs stay below 20.
    pub growth: u64,
}

/// What no archive of ours comes near: the largest, a Flink distribution, has about 300 members and half a gigabyte.
pub const LIMITS: Limits = Limits { members: 200_000, bytes: 16 << 30, growth: 200 };

/// Small archives may grow to this however well they compress.
const ALWAYS_ALLOWED: u64 = 16 << 20;

/// Why an archive was not unpacked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is no gzipped tar, or it is damaged.
    #[error("the archive cannot be read")]
    Read(#[source] io::Error),
    /// A member's name leads elsewhere.
    #[error("the archive is refused: a member has an unsafe name")]
    Name(#[source] BadName),
    /// A member is something that an archive of programs does not need.
    #[error("the archive is refused: `{}` {why}", shown(member))]
    Member { member: String, why: &'static str },
    /// More than it may hold.
    #[error("the archive is refused: it holds more than {limit} {of}")]
    TooMuch { limit: u64, of: &'static str },
    /// There is nothing in it.
    #[error("the archive is refused: it holds nothing")]
    Empty,
    /// This machine cannot keep it.
    #[error("cannot unpack `{}`", shown(member))]
    Write { member: String, source: io::Error },
}

/// What was unpacked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpacked {
    /// The one folder that everything lies in, if there is one: the archive is that folder.
    pub top: Option<String>,
    /// Files, folders and links.
    pub members: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// Every member by its path in the archive's folder.
    pub listing: BTreeMap<String, Member>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Folder,
    File,
    Link,
}

/// Unpacks into a folder that is new and empty.
pub fn unpack(archive: File, into: &Path, limits: Limits) -> Result<Unpacked, Error> {
    let packed = archive.metadata().map_err(Error::Read)?.len();
    let bytes = limits.bytes.min(packed.saturating_mul(limits.growth).max(ALWAYS_ALLOWED));
    let into = Into { folder: into, limits: Limits { bytes, ..limits }, ..Into::default() };
    ahead::reading(MultiGzDecoder::new(io::BufReader::new(archive)), |inflated| fill(into, inflated))
}

fn fill(mut into: Into<'_>, inflated: impl Read) -> Result<Unpacked, Error> {
    let (meter, allowance) = Meter::new(inflated);
    let mut tar = tar::Archive::new(meter);
    for entry in tar.entries().map_err(Error::Read)? {
        let mut entry = entry.map_err(Error::Read)?;
        allowance.member(entry.size());
        into.add(&mut entry)?;
        allowance.header();
    }
    into.finish()
}

/// The folder that is being filled.
struct Into<'a> {
    folder: &'a Path,
    limits: Limits,
    seen: BTreeMap<SafePath, Kind>,
    files: BTreeMap<SafePath, Member>,
    links: Vec<(SafePath, String)>,
    members: u64,
    bytes: u64,
}

impl Default for Into<'_> {
    fn default() -> Self {
        let (seen, files) = (BTreeMap::new(), BTreeMap::new());
        Into { folder: Path::new(""), limits: LIMITS, seen, files, links: vec![], members: 0, bytes: 0 }
    }
}

impl Into<'_> {
    fn add(&mut self, entry: &mut tar::Entry<'_, impl Read>) -> Result<(), Error> {
        let kind = entry.header().entry_type();
        if kind == EntryType::XGlobalHeader {
            return Ok(());
        }
        let Some(path) = member_path(&entry.path_bytes())? else { return Ok(()) };
        self.members += 1;
        if self.members > self.limits.members {
            return Err(Error::TooMuch { limit: self.limits.members, of: "members" });
        }
        let mode = entry.header().mode().map_err(Error::Read)?;
        if mode & 0o6000 != 0 {
            return Err(refused(&path, "is setuid or setgid"));
        }
        match kind {
            EntryType::Directory => self.add_folder(&path),
            EntryType::Regular | EntryType::Continuous => self.add_file(&path, mode, entry),
            EntryType::Symlink => self.add_link(&path, link_text(entry, &path)?),
            EntryType::Link => self.add_hard_link(&path, &link_text(entry, &path)?),
            EntryType::Char | EntryType::Block => Err(refused(&path, "is a device")),
            EntryType::Fifo => Err(refused(&path, "is a named pipe")),
            _ => Err(refused(&path, "is of a kind that is not unpacked")),
        }
    }

    fn add_folder(&mut self, path: &SafePath) -> Result<(), Error> {
        self.make_parents(path)?;
        match self.seen.get(path) {
            Some(Kind::Folder) => Ok(()),
            Some(_) => Err(refused(path, "is there twice")),
            None => self.make_folder(path),
        }
    }

    fn make_folder(&mut self, path: &SafePath) -> Result<(), Error> {
        let made = fs::create_dir(path.under(self.folder))
            .and_then(|()| fs::set_permissions(path.under(self.folder), Permissions::from_mode(0o755)));
        made.map_err(|source| Error::Write { member: path.to_string(), source })?;
        self.seen.insert(path.clone(), Kind::Folder);
        Ok(())
    }

    /// Folders above a member need no member of their own.
    fn make_parents(&mut self, path: &SafePath) -> Result<(), Error> {
        for parent in path.parents() {
            match self.seen.get(&parent) {
                Some(Kind::Folder) => {}
                Some(_) => return Err(refused(path, "lies inside something that is no folder")),
                None => self.make_folder(&parent)?,
            }
        }
        Ok(())
    }

    fn claim(&mut self, path: &SafePath, kind: Kind) -> Result<(), Error> {
        self.make_parents(path)?;
        match self.seen.insert(path.clone(), kind) {
            None => Ok(()),
            Some(_) => Err(refused(path, "is there twice")),
        }
    }

    fn add_file(&mut self, path: &SafePath, mode: u32, entry: &mut tar::Entry<'_, impl Read>) -> Result<(), Error> {
        if entry.size() > self.limits.bytes - self.bytes {
            return Err(Error::TooMuch { limit: self.limits.bytes, of: "bytes" });
        }
        self.bytes += entry.size();
        self.claim(path, Kind::File)?;
        let failed = |source| Error::Write { member: path.to_string(), source };
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path.under(self.folder))
            .map_err(failed)?;
        let (mut buffer, mut hasher) = (vec![0; 128 * 1024], Hasher::default());
        loop {
            let count = entry.read(&mut buffer).map_err(Error::Read)?;
            if count == 0 {
                break;
            }
            hasher.update(&buffer[..count]);
            file.write_all(&buffer[..count]).map_err(failed)?;
        }
        // One bit says what matters; who may write is not the archive's to say.
        let executable = mode & 0o100 != 0;
        let (size, sha256) = (hasher.size(), hasher.finish());
        self.files.insert(path.clone(), Member::File { sha256, size, executable });
        let mode = if executable { 0o755 } else { 0o644 };
        file.set_permissions(Permissions::from_mode(mode)).map_err(failed)?;
        // The disk begins to write at once, while the next member is unpacked: the end waits for all of it. Only a hint.
        let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed);
        let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(entry.header().mtime().map_or(0, sane_time));
        file.set_modified(modified).map_err(failed)
    }

    fn add_link(&mut self, path: &SafePath, to: String) -> Result<(), Error> {
        self.claim(path, Kind::Link)?;
        self.links.push((path.clone(), to));
        Ok(())
    }

    fn add_hard_link(&mut self, path: &SafePath, to: &str) -> Result<(), Error> {
        let target = member_path(to.as_bytes())?.filter(|target| self.seen.get(target) == Some(&Kind::File));
        let target = target.ok_or_else(|| refused(path, "is a hard link to something that is no file before it"))?;
        self.claim(path, Kind::File)?;
        let same = self.files.get(&target).cloned();
        self.files.extend(same.map(|member| (path.clone(), member)));
        fs::hard_link(target.under(self.folder), path.under(self.folder))
            .map_err(|source| Error::Write { member: path.to_string(), source })
    }

    fn finish(self) -> Result<Unpacked, Error> {
        let top = self.top()?;
        let root_depth = usize::from(top.is_some());
        for (path, to) in &self.links {
            if !stays_inside(path, to, root_depth) {
                return Err(refused(path, "is a link that leaves the folder"));
            }
            symlink(to, path.under(self.folder)).map_err(|source| Error::Write { member: path.to_string(), source })?;
        }
        let listing = self.listing(top.as_deref());
        Ok(Unpacked { top, members: self.members, bytes: self.bytes, listing })
    }

    /// Everything that is there now, as seen from the one folder that holds it, if there is one.
    fn listing(&self, top: Option<&str>) -> BTreeMap<String, Member> {
        let links: BTreeMap<&SafePath, &String> = self.links.iter().map(|(path, to)| (path, to)).collect();
        let member = |path: &SafePath, kind: &Kind| match kind {
            Kind::Folder => Some(Member::Folder),
            Kind::File => self.files.get(path).cloned(),
            Kind::Link => links.get(path).map(|to| Member::Link { to: (*to).clone() }),
        };
        let inner = |path: &SafePath| match top {
            None => Some(path.to_string()),
            Some(top) => Some(path.as_str().strip_prefix(top)?.strip_prefix('/')?.to_owned()),
        };
        self.seen.iter().filter_map(|(path, kind)| Some((inner(path)?, member(path, kind)?))).collect()
    }

    fn top(&self) -> Result<Option<String>, Error> {
        let tops: BTreeSet<&str> = self.seen.keys().filter_map(|path| path.as_str().split('/').next()).collect();
        let mut tops = tops.into_iter();
        match (tops.next(), tops.next()) {
            (None, _) => Err(Error::Empty),
            (Some(only), None) if self.seen.get(only) == Some(&Kind::Folder) => Ok(Some(only.to_owned())),
            _ => Ok(None),
        }
    }
}

fn refused(path: &SafePath, why: &'static str) -> Error {
    Error::Member { member: path.to_string(), why }
}

/// A member's name; none for the folder itself.
fn member_path(bytes: &[u8]) -> Result<Option<SafePath>, Error> {
    let text = String::from_utf8_lossy(bytes);
    let text = text.strip_prefix("./").unwrap_or(&text);
    let text = text.strip_suffix('/').unwrap_or(text);
    if text.is_empty() || text == "." {
        return Ok(None);
    }
    SafePath::new(text).map(Some).map_err(Error::Name)
}

fn link_text(entry: &tar::Entry<'_, impl Read>, path: &SafePath) -> Result<String, Error> {
    let text = entry.link_name_bytes().and_then(|bytes| String::from_utf8(bytes.into_owned()).ok());
    text.filter(|text| !text.is_empty()).ok_or_else(|| refused(path, "is a link to nowhere"))
}

/// Whether a link stays inside: `..` only at its beginning, and no more of them than there are folders above it.
/// A later `..` could follow another link first: `l/..` is outside where `l` says `.`.
fn stays_inside(path: &SafePath, to: &str, root_depth: usize) -> bool {
    let depth = path.as_str().matches('/').count().saturating_sub(root_depth);
    let up = to.split('/').take_while(|part| *part == "..").count();
    let rest_is_plain = to.split('/').skip(up).all(|part| !part.is_empty() && part != "..");
    !to.starts_with('/') && up <= depth && rest_is_plain
}

/// Times before 1970 or after the year 3000 are nonsense that some file systems cannot keep.
fn sane_time(seconds: u64) -> u64 {
    if seconds < 32_503_680_000 { seconds } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;

    struct Member(&'static str, EntryType, &'static str, u32);

    /// A tar whose headers say exactly what they are told, however hostile.
    fn tar(members: &[Member]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for Member(name, kind, content, mode) in members {
            let mut header = tar::Header::new_ustar();
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_entry_type(*kind);
            header.set_mode(*mode);
            header.set_mtime(1_000_000_000);
            let link = matches!(kind, EntryType::Symlink | EntryType::Link);
            if link {
                header.as_old_mut().linkname[..content.len()].copy_from_slice(content.as_bytes());
            }
            header.set_size(if link { 0 } else { content.len() as u64 });
            header.set_cksum();
            bytes.extend_from_slice(header.as_bytes());
            if !link {
                bytes.extend_from_slice(content.as_bytes());
                bytes.resize(bytes.len().next_multiple_of(512), 0);
            }
        }
        bytes.extend_from_slice(&[0; 1024]);
        bytes
    }

    fn unpack_bytes(tar: &[u8], into: &Path, limits: Limits) -> Result<Unpacked, Error> {
        let mut gzip = GzEncoder::new(tempfile::tempfile().unwrap(), Compression::fast());
        gzip.write_all(tar).unwrap();
        let mut file = gzip.finish().unwrap();
        io::Seek::rewind(&mut file).unwrap();
        unpack(file, into, limits)
    }

    fn refusal(members: &[Member]) -> String {
        let into = tempfile::tempdir().unwrap();
        let error = unpack_bytes(&tar(members), &into.path().join(""), LIMITS).unwrap_err();
        let outside: Vec<_> = fs::read_dir(into.path().parent().unwrap())
            .unwrap()
            .filter_map(|entry| entry.ok().map(|entry| entry.file_name()))
            .filter(|name| name == "escaped")
            .collect();
        assert!(outside.is_empty(), "something was written outside");
        error.to_string()
    }

    const FILE: EntryType = EntryType::Regular;
    const LINK: EntryType = EntryType::Symlink;
    const HARD: EntryType = EntryType::Link;

    #[test]
    fn an_ordinary_archive_becomes_its_one_folder() {
        let into = tempfile::tempdir().unwrap();
        let members = [
            Member("./flink-1/", EntryType::Directory, "", 0o777),
            Member("./flink-1/bin/flink", FILE, "#!", 0o750),
            Member("./flink-1/lib/a.jar", FILE, "jar", 0o666),
            Member("./flink-1/lib/b.jar", LINK, "a.jar", 0o777),
            Member("./flink-1/bin/up", LINK, "../lib", 0o777),
            Member("./flink-1/lib/c.jar", HARD, "./flink-1/lib/a.jar", 0o644),
        ];
        let unpacked = unpack_bytes(&tar(&members), into.path(), LIMITS).unwrap();
        assert_eq!((unpacked.top.as_deref(), unpacked.members, unpacked.bytes), (Some("flink-1"), 6, 5));
        assert_eq!(
            super::super::listing::Listing::new(unpacked.listing).compare(&into.path().join("flink-1"), None).unwrap(),
            BTreeMap::new()
        );
        let mode = |name: &str| fs::metadata(into.path().join(name)).unwrap().permissions().mode() & 0o7777;
        assert_eq!((mode("flink-1"), mode("flink-1/bin/flink"), mode("flink-1/lib/a.jar")), (0o755, 0o755, 0o644));
        assert_eq!(fs::read(into.path().join("flink-1/bin/up/c.jar")).unwrap(), b"jar");
        let modified = fs::metadata(into.path().join("flink-1/lib/a.jar")).unwrap().modified().unwrap();
        assert_eq!(modified.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs(), 1_000_000_000);
    }

    #[test]
    fn several_folders_at_the_top_stay_as_they_are() {
        let into = tempfile::tempdir().unwrap();
        let members = [Member("bin/x", FILE, "x", 0o755), Member("lib/y", FILE, "y", 0o644)];
        assert_eq!(unpack_bytes(&tar(&members), into.path(), LIMITS).unwrap().top, None);
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for name in ["/escaped", "../escaped", "a/../../escaped", "a//b", "a\nb"] {
            assert!(refusal(&[Member(name, FILE, "x", 0o644)]).contains("unsafe name"), "{name:?}");
        }
    }

    #[test]
    fn links_that_leave_the_folder_are_refused() {
        for (name, to) in [
            ("a", "/etc/passwd"),
            ("a", "../escaped"),
            ("d/a", "../../escaped"),
            ("d/a", "l/../../escaped"),
            ("d/a", "l/.."),
            ("d/a", ".."),
        ] {
            let found = refusal(&[Member(name, LINK, to, 0o777), Member("d/x", FILE, "", 0o644)]);
            // With only `d` at the top, `d` is the root and its own parent is outside.
            assert!(found.contains("leaves the folder"), "{name} -> {to}: {found}");
        }
    }

    #[test]
    fn nothing_is_written_through_a_link() {
        let found = refusal(&[Member("d", LINK, "e", 0o777), Member("d/escaped", FILE, "x", 0o644)]);
        assert!(found.contains("no folder"), "{found}");
    }

    #[test]
    fn hard_links_lead_to_files_of_the_archive_only() {
        for to in ["/etc/passwd", "../x", "later", "d"] {
            let found = refusal(&[
                Member("d/x", FILE, "", 0o644),
                Member("a", HARD, to, 0o644),
                Member("later", FILE, "", 0o644),
            ]);
            assert!(found.contains("unsafe name") || found.contains("hard link"), "{to}: {found}");
        }
    }

    #[test]
    fn devices_pipes_and_setuid_are_refused() {
        assert!(refusal(&[Member("null", EntryType::Char, "", 0o644)]).contains("device"));
        assert!(refusal(&[Member("sda", EntryType::Block, "", 0o644)]).contains("device"));
        assert!(refusal(&[Member("pipe", EntryType::Fifo, "", 0o644)]).contains("pipe"));
        assert!(refusal(&[Member("tape", EntryType::new(b'M'), "", 0o644)]).contains("not unpacked"));
        assert!(refusal(&[Member("su", FILE, "x", 0o4755)]).contains("setuid"));
        assert!(refusal(&[Member("sg", FILE, "x", 0o2755)]).contains("setuid or setgid"));
    }

    #[test]
    fn one_name_is_one_member() {
        assert!(refusal(&[Member("a", FILE, "x", 0o644), Member("a", FILE, "y", 0o644)]).contains("twice"));
        assert!(refusal(&[Member("a", FILE, "x", 0o644), Member("a", LINK, "b", 0o644)]).contains("twice"));
        assert!(refusal(&[Member("a", FILE, "x", 0o644), Member("a/b", FILE, "y", 0o644)]).contains("no folder"));
    }

    #[test]
    fn bombs_do_not_go_off() {
        let into = tempfile::tempdir().unwrap();
        let limits = Limits { members: 2, bytes: 10, growth: 200 };
        let three = tar(&[Member("a", FILE, "", 0), Member("b", FILE, "", 0), Member("c", FILE, "", 0)]);
        let error = unpack_bytes(&three, into.path(), limits).unwrap_err();
        assert!(matches!(error, Error::TooMuch { of: "members", .. }));
        let into = tempfile::tempdir().unwrap();
        let error = unpack_bytes(&tar(&[Member("a", FILE, "12345678901", 0)]), into.path(), limits).unwrap_err();
        assert!(matches!(error, Error::TooMuch { of: "bytes", .. }));
    }

    #[test]
    fn a_small_archive_cannot_grow_without_end() {
        let into = tempfile::tempdir().unwrap();
        let mut zeros = tar(&[]);
        let mut header = tar::Header::new_ustar();
        header.set_path("zeros").unwrap();
        header.set_mode(0o644);
        header.set_size(64 << 20);
        header.set_cksum();
        zeros.splice(..0, header.as_bytes().iter().copied().chain(std::iter::repeat_n(0, 64 << 20)));
        let error = unpack_bytes(&zeros, into.path(), Limits { growth: 10, ..LIMITS }).unwrap_err();
        assert!(matches!(error, Error::TooMuch { of: "bytes", .. }), "{error}");
    }

    #[test]
    fn a_name_without_end_is_not_taken_into_memory() {
        let into = tempfile::tempdir().unwrap();
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(EntryType::GNULongName);
        header.set_path("././@LongLink").unwrap();
        header.set_size(64 << 20);
        header.set_cksum();
        let mut bytes = header.as_bytes().to_vec();
        bytes.resize(512 + (64 << 20), b'a');
        bytes.extend(tar(&[Member("a", FILE, "", 0o644)]));
        assert!(matches!(unpack_bytes(&bytes, into.path(), LIMITS), Err(Error::Read(_))));
    }

    #[test]
    fn what_is_no_archive_says_so() {
        let into = tempfile::tempdir().unwrap();
        assert!(matches!(unpack_bytes(b"", into.path(), LIMITS), Err(Error::Empty)));
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"<html>not found</html>").unwrap();
        io::Seek::rewind(&mut file).unwrap();
        assert!(matches!(unpack(file, into.path(), LIMITS), Err(Error::Read(_))));
    }
}
