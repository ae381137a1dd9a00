//! Reads the files of a mirror on all cores and says how each differs from what is listed.
//! They are named while the first of them are read already, so that a list of any length need not be held.
//! Not here: which files are read.

use super::Difference;
use disk::regular::{self, Links};
use rayon::iter::{ParallelBridge, ParallelIterator};
use rustix::fs::{Advice, fadvise};
use std::io::{self, Read};
use std::path::Path;
use std::sync::mpsc;
use words::digest::{Hasher, Sha256};
use words::event::{Event, Tell};
use words::generation::Listed;
use words::names::SafePath;

/// Fits the caches of a core, and a file system is asked seldom enough.
const BUFFER: usize = 256 << 10;
/// Files from this length on are read ahead, heard of while they are read, and read first.
pub(super) const LARGE: u64 = 4 << 20;
/// So many files wait for a core at most.
const QUEUE: usize = 1024;

/// One file, and whether its bytes are read or only its length is looked at.
pub(super) struct Job {
    pub(super) path: SafePath,
    pub(super) listed: Listed,
    pub(super) read: bool,
}

/// Holds files against what is listed, while `jobs` still names them; the differences come in no order.
pub(super) fn compare(folder: &Path, tell: Tell, jobs: impl FnOnce(&mut dyn FnMut(Job))) -> Vec<Difference> {
    let (sender, queue) = mpsc::sync_channel::<Job>(QUEUE);
    let look = |buffer: &mut Vec<u8>, job: Job| {
        let difference = compare_one(folder, &job, buffer, tell);
        tell(Event::Step(job.path.file_name().to_owned()));
        difference
    };
    std::thread::scope(|scope| {
        let read = || queue.into_iter().par_bridge().map_init(|| vec![0; BUFFER], look).flatten().collect();
        let found = scope.spawn(read);
        jobs(&mut |job| drop(sender.send(job)));
        drop(sender);
        found.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn compare_one(folder: &Path, job: &Job, buffer: &mut [u8], tell: Tell) -> Option<Difference> {
    let path = &job.path;
    let look = || {
        // Neither a link to elsewhere nor a pipe is what was published.
        let metadata = std::fs::symlink_metadata(path.under(folder))?;
        if metadata.is_file() { Ok(metadata.len()) } else { Err(io::Error::other("it is no ordinary file")) }
    };
    match look() {
        Ok(size) if size != job.listed.size => Some(Difference::Size(path.clone(), job.listed.size, size)),
        Ok(_) if !job.read => None,
        Ok(size) => match digest(&path.under(folder), size, buffer, tell) {
            Ok(sha256) if sha256 == job.listed.sha256 => None,
            Ok(_) => Some(Difference::Content(path.clone())),
            Err(error) => Some(Difference::Unreadable(path.clone(), error.to_string())),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Some(Difference::Missing(path.clone())),
        Err(error) => Some(Difference::Unreadable(path.clone(), error.to_string())),
    }
}

fn digest(path: &Path, size: u64, buffer: &mut [u8], tell: Tell) -> io::Result<Sha256> {
    let mut file = regular::open(path, Links::Refuse)?;
    if size >= LARGE {
        // Advice that is not taken costs only time.
        let _ = fadvise(&file, 0, None, Advice::Sequential);
    }
    let mut hasher = Hasher::default();
    let mut untold = 0;
    loop {
        let count = match file.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            count => count?,
        };
        untold += count as u64;
        if count == 0 || untold >= LARGE {
            tell(Event::Bytes(untold));
            untold = 0;
        }
        if count == 0 {
            return Ok(hasher.finish());
        }
        hasher.update(&buffer[..count]);
    }
}
